"""Goal: a ledger with two lanes before three replicas: each lane has an owner of its own, any replica
takes any request, money between lanes whose owners are different processes arrives once or comes
back, whatever happens to the owners; who was paused answers for none of its lanes.

Method: clients, each with an account whose balance it must know, and two wallets in two lanes
between which it sends money there and back, some of it to a frozen wallet. Under their load the
owner of one lane is killed, one that owns both is paused and woken, and lanes are moved. After each,
every transfer is asked for, and the books are held against what clients were told; assets, rates and
closed periods are made while lanes are moved, and used in every lane at once; at the end trial
balances and pairs of transit accounts are compared, and all lanes checked.
"""
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import lanes_test  # noqa: E402
from api_harness import Client as ApiClient  # noqa: E402
from ha_harness import (Client, Cluster, Load, bank_violations, cents, check, check_books,  # noqa: E402
                        equal, new_id, wait_for)
from cli_harness import sample  # noqa: E402
from lanes_test import account_id  # noqa: E402

LANES = lanes_test.LANES = 2
TAKEOVER_S_MAX = 5.0
STILL_S = 1.5  # without a lane changing hands
ACTS = ("/v1/assets", "/v1/rates", "/v1/periods/close")  # of all lanes; the same only by their key
HEAD_START_S = 0.05  # of who owns nothing, but for what is left of it on the way
CLIENTS = 3
FUNDS = 10_000_000
BANKS = [account_id(lane, 1) for lane in range(LANES)]
FROZEN = [account_id(lane, 2) for lane in range(LANES)]


class Asked(ApiClient):
    """Of one replica; what it may not answer yet, or not for sure, is asked again, as clients do."""

    def __init__(self, replica):
        super().__init__(replica, None)

    def expect(self, status, method, target, body=None, headers=None):
        sent = dict(headers or {})
        if target in ACTS and method == "POST":
            sent["Idempotency-Key"] = f'"{new_id()}"'
        answer = wait_for(f"{target} to be answered by {self.server.name}", lambda: (
            found := self.send(method, target, body, sent)).status != 503 and found)
        # the replica that was asked may itself have had to ask again
        done_before = status in (201, 202) and answer.status == 200
        check(done_before or answer.status == status,
              f"{method} {target} at {self.server.name}: wanted {status}: {answer}")
        return answer


class LaneClient(Client):
    """Beside its own account it has a wallet in each lane, and sends money between them."""

    def __init__(self, number, base, replicas, history, timeout_s):
        super().__init__(number, replicas, history, timeout_s)
        lane = number % LANES
        self.account = account_id(lane, base + 10 * number)
        self.bank = BANKS[lane]
        self.wallets = [account_id(one, base + 10 * number + 1) for one in range(LANES)]
        self.sent = []  # (lane, what was asked for), all of which were taken

    def send(self):
        lane = self.turn % LANES
        peer = (lane + 1) % LANES
        to = FROZEN[peer] if len(self.sent) % 7 == 6 else self.wallets[peer]
        asked = {"id": new_id(), "debit": self.wallets[lane], "credit": to, "asset": "EUR",
                 "amount": f"{1 + self.turn % 9}.{self.turn % 100:02}"}
        answer, _ = self.call("POST", "/v1/transfers", json.dumps(asked))
        if answer is not None:
            self.sent.append((lane, asked))

    def run(self):
        self.answered_at = time.monotonic()
        while self.running:
            self.credit(1 + self.turn % 99)
            self.send()
            if self.turn % 3 == 0:
                self.read()
            time.sleep(0.01)  # each transfer between lanes is asked for at the end
        for connection in self.connections.values():
            connection.close()


class LaneLoad(Load):
    """`with LaneLoad(cluster) as load:`; accounts are new ones for each."""

    numbers = iter(range(100, 60000, 100))

    def __init__(self, cluster, timeout_s=40):
        super().__init__(cluster, 0)
        base = next(self.numbers)
        self.clients = [LaneClient(number, base, cluster.replicas, self.history, timeout_s)
                        for number in range(CLIENTS)]

    def accounts_make(self):
        asked = Asked(self.cluster.replicas[0])
        for lane in range(LANES):
            wallets = [client.wallets[lane] for client in self.clients]
            accounts = [{"id": one, "asset": "EUR", "kind": "liability",
                         "flags": ["debits_must_not_exceed_credits"]} for one in wallets]
            accounts += [{"id": client.account, "asset": "EUR", "kind": "liability"}
                         for client in self.clients if client.bank == BANKS[lane]]
            asked.expect(200, "POST", "/v1/accounts", accounts)
            asked.expect(200, "POST", "/v1/transfers",
                         [lanes_test.transfer(BANKS[lane], one, FUNDS) for one in wallets])

    def finish(self, name):
        asked = Asked(self.cluster.replicas[0])
        wrong = bank_violations(self.history.lines)
        check(not wrong, f"{len(wrong)} reads cannot be: {wrong[:5]}")
        ends = {"settled": 0, "released": 0}
        for client in self.clients:
            equal(lanes_test.net(asked, client.account), client.sum, "an account and what was told")
            balances = {one: FUNDS for one in client.wallets}
            for lane, transfer in client.sent:
                transit = lanes_test.ended(asked, lane, transfer)
                ends[transit["state"]] += 1
                equal(transit["state"] == "released", transfer["credit"] in FROZEN, f"{transit}")
                if transit["state"] == "settled":
                    balances[transfer["debit"]] -= cents(transfer["amount"])
                    balances[transfer["credit"]] += cents(transfer["amount"])
            for wallet, expected in balances.items():
                equal(lanes_test.net(asked, wallet), expected, "a wallet and what was told")
        check(min(ends.values()) > 0, f"money went, and came back: {ends}")
        print(f"{name}: {self.count()} transfers within a lane, {ends} between lanes, longest "
              f"silence {self.gap_s():.2f} s, {len(self.failures())} answers were no success")


def begin(cluster):
    asked = Asked(cluster.replicas[1])
    for lane in range(LANES):
        asked.expect(200, "POST", "/v1/accounts",
                     [{"id": BANKS[lane], "asset": "EUR", "kind": "equity"},
                      {"id": FROZEN[lane], "asset": "EUR", "kind": "liability"}])
        asked.expect(200, "PATCH", f"/v1/accounts/{FROZEN[lane]}", {"frozen": True})


def owners(cluster):
    return [cluster.owner(lane) for lane in range(LANES)]


def rest(cluster):
    """The same two owners for a while: who came later may still be given a lane."""
    before = owners(cluster)
    time.sleep(STILL_S)
    return None not in before and len(set(before)) == 2 and owners(cluster) == before


def lanes_are_shared(cluster):
    """The first replica took both; who came later asked for one."""
    wait_for("two owners", lambda: rest(cluster))


def acts_are_everywhere(cluster):
    """Acknowledged by one replica, true of every lane at any, while lanes change hands."""
    for turn in range(9):
        replica, lane = cluster.replicas[turn % 3], turn % LANES
        lanes_test.acts_are_everywhere(Asked(replica), f"GOLD{turn}", 61000 + 2 * turn,
                                       f"1.{turn}1", f"{1990 + turn}-12-31")
        cluster.wait_warm()
        owner = cluster.wait_owner(lane=lane)
        heir = next(one.name for one in cluster.replicas if one.name != owner)
        cluster.replicas[0].wallet.json("lane", "move", str(lane), "--to", heir)


def acts_wait_for_a_lane(cluster):
    """Nobody owns a lane: an act for all waits, and is everywhere once somebody does."""
    cluster.wait_warm()
    first = cluster.wait_owner(lane=0)
    name = next(one.name for one in cluster.replicas if one.name != first)
    cluster.replicas[0].wallet.json("lane", "move", "1", "--to", name)
    owner = cluster.by_name(name)
    asked = Asked(cluster.by_name(first))
    act = {"code": "COPPER", "exponent": 2}
    key = {"Idempotency-Key": '"copper"'}
    owner.pause()
    answer = asked.send("POST", "/v1/assets", act, key)
    check(answer.status == 201 or answer.json()["code"] == "in_doubt",
          f"what the act came to: {answer}")
    if answer.status == 201:
        check(cluster.owner(1) != name, "it was answered before the lane had an owner")
    cluster.wait_owner(name, lane=1)
    wait_for("the act to be everywhere", lambda: Asked(asked.server).send(
        "POST", "/v1/assets", act, key).status in (200, 201))
    asked.expect(201, "POST", "/v1/accounts",
                 {"id": account_id(1, 61900), "asset": "COPPER", "kind": "equity"})
    owner.wake()
    cluster.wait_warm()


def owner_is_killed(cluster):
    with LaneLoad(cluster) as load:
        load.work_for(1)
        wait_for("two owners", lambda: rest(cluster))
        other, name = owners(cluster)
        owner = cluster.by_name(name)
        killed_at = time.monotonic()
        owner.kill()
        heir = cluster.wait_owner(name, lane=1)
        print(f"kill: {heir} owns lane 1 {time.monotonic() - killed_at:.2f} s later")
        load.equal_unless_stalled(cluster.owner(0), other, "the other lane's owner stays")
        late_s = load.stalls.longest_s(killed_at, time.monotonic())
        check(heir != other or late_s > HEAD_START_S,
              f"who owns nothing takes the lane first (nobody was late by more than {late_s:.3f} s)")
        load.work_for(1)
        owner.start()
        cluster.wait_warm()
        load.work_for(0.5)
    load.finish("kill")
    load.check_gap(TAKEOVER_S_MAX)


def asked_while_paused(cluster, paused, heir, lane):
    """Asks for an account that was made since; the answer is not there before it wakes up."""
    account = account_id(lane, 50)
    asked = Asked(cluster.by_name(heir))
    asked.expect(201, "POST", "/v1/accounts", {"id": account, "asset": "EUR", "kind": "liability"})
    asked.expect(201, "POST", "/v1/transfers", lanes_test.transfer(BANKS[lane], account, 5))
    connection = paused.connection()
    connection.request("GET", f"/v1/accounts/{account}")
    return connection, account


def owner_of_both_is_paused(cluster):
    name = cluster.wait_owner(lane=0)
    cluster.replicas[0].wallet.json("lane", "move", "1", "--to", name)
    owner = cluster.by_name(name)
    before = [owner.counted("tpwallet_lease_losses_total", lane) for lane in range(LANES)]
    with LaneLoad(cluster, timeout_s=2) as load:
        load.work_for(1)
        owner.pause()
        heirs = [cluster.wait_owner(name, lane=lane) for lane in range(LANES)]
        load.work_for(1)
        late = [asked_while_paused(cluster, owner, heirs[lane], lane) for lane in range(LANES)]
        owner.wake()
        for connection, account in late:
            answer = connection.getresponse()
            body = answer.read()
            equal(answer.status, 200, f"what the woken one says of a new account: {body[:300]}")
            equal(json.loads(body)["balance"]["net"], "0.05", f"the balance of {account}")
        for lane in range(LANES):
            wait_for("the paused one to follow",
                     lambda lane=lane: owner.metric("tpwallet_replica_role", lane) == 1)
            losses = owner.counted("tpwallet_lease_losses_total", lane)
            check(losses > before[lane], f"it has not noticed that it lost lane {lane}")
        load.equal_unless_stalled(owners(cluster), heirs, "owners after the former one woke up")
        cluster.wait_warm()
        load.work_for(0.5)
    load.finish("pause")


def lanes_are_moved(cluster):
    with LaneLoad(cluster) as load:
        for lane in (0, 1, 0, 1):
            load.work_for(0.5)
            cluster.wait_warm()
            owner = cluster.wait_owner(lane=lane)
            heir = next(one.name for one in cluster.replicas if one.name != owner)
            moved = cluster.replicas[0].wallet.json("lane", "move", str(lane), "--to", heir)
            equal(moved["owner"], heir, "owner after the move")
            load.equal_unless_stalled(cluster.owner(lane), heir, "owner just after the move")
            print(f"move: lane {lane} from {owner} to {heir} in {moved['took_ms']} ms")
        load.work_for(0.5)
    load.finish("move")
    load.equal_unless_stalled(load.failures(), [], "requests that failed in planned moves")


def books_are_whole(cluster):
    for replica in cluster.replicas:
        asked = Asked(replica)
        lanes_test.pairs_equal(asked)
        lanes_test.totals_add_up(asked)
        lanes_test.lists_go_over_all_lanes(asked)
        for lane in range(LANES):
            lanes_test.totals_equal(asked, lane)
    pages = [Asked(replica).expect(200, "GET", "/metrics").body.decode()
             for replica in cluster.replicas]
    for lane in range(LANES):
        for page in pages:
            check(sample(page, "tpwallet_journal_batch", lane) is not None, f"lane {lane} is told of")
            equal(sample(page, 'tpwallet_transits_total{result="broken"}', lane), 0, "nothing is broken")
            equal(sample(page, "tpwallet_transits_stuck", lane), 0, "nor stuck")
            equal(page.count("# HELP tpwallet_journal_batch "), 1, "heads of a family")
        lags = [sample(page, "tpwallet_projection_lag_batches", lane) for page in pages]
        check(lags != [None] * len(pages), f"its owner tells of the SQL tables behind lane {lane}")
    equal(sum(len(lanes_test.transit_accounts(Asked(cluster.replicas[2]), lane))
              for lane in range(LANES)), 2 * LANES, "two accounts for each way out and in")


def tables_are_filled(cluster):
    """Whoever owned a lane when: its SQL tables are what its journal says, to the end."""
    for lane in range(LANES):
        folder = os.path.join(cluster.replicas[0].wallet.folder, *(("lanes", "1") if lane else ()))

        def checked(folder=folder):
            return cluster.replicas[0].wallet.json("projection", "check", "--data", folder)
        wait_for("the SQL tables to be filled", lambda: checked()["batch"] == checked()["head"])
        check(checked()["transfers"] > 100, f"tables of lane {lane}: {checked()}")


def main():
    with Cluster(3, "--projection", "on", lanes=LANES) as cluster:
        begin(cluster)
        lanes_are_shared(cluster)
        acts_are_everywhere(cluster)
        acts_wait_for_a_lane(cluster)
        owner_is_killed(cluster)
        owner_of_both_is_paused(cluster)
        lanes_are_moved(cluster)
        books_are_whole(cluster)
        tables_are_filled(cluster)
        check_books(cluster)


main()
