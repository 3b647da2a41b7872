"""Goal: a ledger with three lanes moves money between them through one server, loses and doubles
nothing when that is killed at any moment, and is checked, copied and restored as a whole.

Method: accounts whose ids say their lane, transfers between all pairs of lanes, some of them to
nobody or to a frozen wallet; each is asked for until it is settled or released, and the balances
are held against what was answered. Then the same while the server is killed again and again, with
repeats under the same ids. At the end every transit account of a pair equals the other.
"""
import json
import os
import random
import time

from api_harness import Client, check_fits, load_document
from cli_harness import (CONFLICT, UNAVAILABLE, USAGE, Wallet, check, equal, new_id, sample,
                         serving)

LANES = 3
UNTIL_S = 60
ROUNDS = 5


def account_id(lane, number):
    """An id of version 8: its lowest 16 bits are its lane."""
    return f"019ab000-0000-8000-8000-0000{number:04x}{lane:04x}"


BANK = [account_id(lane, 1) for lane in range(LANES)]
WALLETS = [[account_id(lane, 10 + i) for i in range(3)] for lane in range(LANES)]
FROZEN = [account_id(lane, 30) for lane in range(LANES)]


def transfer(debit, credit, cents, **more):
    return {"id": new_id(), "debit": debit, "credit": credit, "asset": "EUR",
            "amount": f"{cents // 100}.{cents % 100:02d}", **more}


def net(client, account):
    balance = client.expect(200, "GET", f"/v1/accounts/{account}").json()["balance"]
    return int(balance["net"].replace(".", ""))


def lane_header(lane):
    return {"TPW-Lane": str(lane)}


def setup(client):
    for lane in range(LANES):
        accounts = [{"id": BANK[lane], "asset": "EUR", "kind": "equity"}]
        accounts += [{"id": one, "asset": "EUR", "kind": "liability",
                      "flags": ["debits_must_not_exceed_credits"]}
                     for one in WALLETS[lane] + [FROZEN[lane]]]
        client.expect(200, "POST", "/v1/accounts", accounts)
        funds = [transfer(BANK[lane], one, 100000) for one in WALLETS[lane]]
        client.expect(200, "POST", "/v1/transfers", funds)
        client.expect(200, "PATCH", f"/v1/accounts/{FROZEN[lane]}", {"frozen": True})


def ended(client, lane, asked, document=None):
    """Asks for a departure until it has ended; its transit."""
    deadline = time.monotonic() + UNTIL_S
    while time.monotonic() < deadline:
        answer = client.expect(200, "GET", f"/v1/transfers/{asked['id']}", None, lane_header(lane))
        found = answer.json()
        if document is not None:
            check_fits(document, document["components"]["schemas"]["Transfer"], found, "a departure")
        if found["transit"]["state"] != "pending":
            return found["transit"]
        time.sleep(0.02)
    check(False, f"a departure does not end: {found}")
    return None


def what_is_refused(client):
    here, there = WALLETS[0][0], WALLETS[1][0]
    answer = client.expect(400, "POST", "/v1/transfers",
                           transfer(here, there, 5, kind="hold"))
    equal(answer.json()["code"], "between_lanes", "a hold for another lane")
    both = [transfer(here, WALLETS[0][1], 5, flags=["linked"]), transfer(here, there, 5)]
    answer = client.expect(400, "POST", "/v1/transfers", both)
    equal(answer.json()["code"], "between_lanes", "a linked group over lanes")
    answer = client.expect(421, "POST", "/v1/transfers",
                           [transfer(here, there, 5), transfer(there, here, 5)])
    equal(answer.json()["code"], "wrong_lane", "two debit accounts in two lanes")
    answer = client.expect(421, "GET", f"/v1/accounts/{there}", None, lane_header(0))
    equal(answer.json()["code"], "wrong_lane", "an account asked for in another lane")
    equal(net(client, here), 100000, "nothing of that was done")


def each_way(client, document):
    """A transfer on each way between two lanes, one to nobody, one to a frozen wallet."""
    for source in range(LANES):
        for peer in range(LANES):
            if source == peer:
                continue
            sender, receiver = WALLETS[source][0], WALLETS[peer][1]
            before = net(client, sender), net(client, receiver)
            asked = transfer(sender, receiver, 125)
            answer = client.expect(202, "POST", "/v1/transfers", asked).json()
            check(answer["pending"], f"it is pending: {answer}")
            transit = ended(client, source, asked, document)
            equal((transit["state"], transit["outcome"]), ("settled", "ok"), "what became of it")
            equal((transit["lane"], transit["to"]), (peer, receiver), "where it went")
            equal((net(client, sender), net(client, receiver)), (before[0] - 125, before[1] + 125),
                  "both balances")
            again = client.expect(200, "POST", "/v1/transfers", asked).json()
            check(again["repeated"], "a repeat moves nothing")
            for to, why in ((FROZEN[peer], "credit_account_frozen"),
                            (account_id(peer, 99), "credit_account_not_found")):
                asked = transfer(sender, to, 3)
                client.expect(202, "POST", "/v1/transfers", asked)
                transit = ended(client, source, asked)
                equal((transit["state"], transit["outcome"]), ("released", why), "what came back")
            equal(net(client, sender), before[0] - 125, "what came back is there")


def transit_accounts(client, lane):
    found = {}
    page = client.expect(200, "GET", "/v1/accounts?limit=1000", None, lane_header(lane)).json()
    for account in page["items"]:
        if account["id"].startswith("74706c61-6e65-8") and account["asset"] == "EUR":
            direction = int(account["id"][15:18], 16)  # 1: left for the peer, 2: came from it
            peer = int(account["id"].replace("-", ""), 16) >> 16 & 0x3FFF
            found[direction, peer] = account["balance"]
    return found


def pairs_equal(client):
    """Nothing is in flight: on each way, what left is what arrived."""
    accounts = [transit_accounts(client, lane) for lane in range(LANES)]
    for source in range(LANES):
        for peer in range(LANES):
            if source == peer:
                continue
            left, came = accounts[source][1, peer], accounts[peer][2, source]
            equal(left["credits_pending"], "0.00", "nothing is on its way")
            equal(left["credits_posted"], came["debits_posted"], f"from {source} to {peer}")
            check(left["credits_posted"] != "0.00", "something went there")


def send_until(server, key, asked):
    """As clients do: the same again until there is an answer."""
    deadline = time.monotonic() + UNTIL_S
    while time.monotonic() < deadline:
        try:
            client = Client(server, key)
            answer = client.send("POST", "/v1/transfers", asked)
            client.close()
            if answer.status < 500 and answer.status != 429:
                return answer.status
        except OSError:
            time.sleep(0.02)
        except Exception as fault:  # a connection cut in the middle of an answer
            check(type(fault).__module__ == "http.client", f"{fault!r}")
    check(False, "no answer")
    return None


def killed(wallet, key, server):
    """Kills the server while money is on its way, and starts it again."""
    random.seed(11)
    sent = []
    for _ in range(ROUNDS):
        for _ in range(25):
            source, peer = random.sample(range(LANES), 2)
            to = random.choice(WALLETS[peer] + [FROZEN[peer]])
            asked = transfer(random.choice(WALLETS[source]), to, random.randrange(1, 900))
            equal(send_until(server, key, asked), 202, "what the transfer comes to")
            sent.append((source, peer, asked))
        server.kill()
        server.start()
        for source, _, asked in random.sample(sent, 10):
            check(send_until(server, key, asked) == 200, "a repeat after a crash")
    return sent


def expected(sent, client):
    """The balances that follow from what each transfer is told to have come to."""
    change = {}
    for source, peer, asked in sent:
        transit = ended(client, source, asked)
        equal(transit["state"] == "released", asked["credit"] == FROZEN[peer], f"{transit}")
        if transit["state"] == "released":
            continue
        cents = int(asked["amount"].replace(".", ""))
        change[asked["debit"]] = change.get(asked["debit"], 0) - cents
        change[asked["credit"]] = change.get(asked["credit"], 0) + cents
    return change


def balances(client):
    return {one: net(client, one) for lane in WALLETS for one in lane}


def key_of(wallet):
    return wallet.json("key", "create", "test", "--scopes",
                       "accounts:read,accounts:write,transfers:read,transfers:write,metrics:read,"
                       "payments:read,admin")["secret"]


def lanes_of(result):
    """The reports of one command over all lanes."""
    return [json.loads(line) for line in result.out.splitlines()]


def copies(wallet):
    checked = lanes_of(wallet.run("check", "--json"))
    equal([one["sound"] for one in checked], [True] * LANES, "all lanes are sound")
    backup = Wallet("backup")
    made = lanes_of(wallet.run("backup", backup.folder, "--json"))
    equal([one["head"] for one in made], [one["head"] for one in checked], "all lanes are copied")
    restored = Wallet("restored")
    restored.run("restore", backup.folder)
    restored.run("restore", "accept")
    equal(len(lanes_of(restored.run("check", "--json"))), LANES, "all lanes are restored")
    return restored


def metrics_tell(client):
    ways = LANES * (LANES - 1)
    deadline = time.monotonic() + UNTIL_S
    while True:  # who ends a transit counts it a moment later
        page = client.expect(200, "GET", "/metrics").body.decode()
        ends = [sum(sample(page, f'tpwallet_transits_total{{result="{result}"}}', lane)
                    for lane in range(LANES)) for result in ("settled", "released", "broken")]
        if ends == [ways, 2 * ways, 0] or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    equal(ends, [ways, 2 * ways, 0], "transits of all lanes: settled, released and broken")
    for lane in range(LANES):
        check(sample(page, "tpwallet_units_total", lane) > 0, f"lane {lane} is on the page")
    heads = [line for line in page.splitlines() if line.startswith("# ")]
    equal(len(heads), len(set(heads)), "each family is described once")


def commons(client, lane):
    """What all lanes have in common, as a lane says it."""
    assets = client.expect(200, "GET", "/v1/assets", None, lane_header(lane)).json()["items"]
    rates = client.expect(200, "GET", "/v1/rates", None, lane_header(lane)).json()["items"]
    period = client.expect(200, "GET", "/v1/periods", None, lane_header(lane)).json()
    return ([(one["id"], one["code"], one["exponent"]) for one in assets],
            sorted((one["asset"], one["to_asset"], one["rate"]) for one in rates),
            period.get("closed_through"))


def acts_are_everywhere(client, code, number, rate="1.25", through="2001-12-31"):
    """Each is true of every lane as soon as it was answered."""
    client.expect(201, "POST", "/v1/assets", {"code": code, "exponent": 3})
    for lane in range(LANES):
        ids = [account_id(lane, number + i) for i in range(2)]
        client.expect(200, "POST", "/v1/accounts",
                      [{"id": one, "asset": code, "kind": "equity"} for one in ids])
    money = {"asset": code, "amount": "0.125"}
    for lane in range(LANES):
        asked = {"id": new_id(), "debit": account_id(lane, number),
                 "credit": account_id((lane + 1) % LANES, number + 1), **money}
        client.expect(202, "POST", "/v1/transfers", asked)
        equal(ended(client, lane, asked)["outcome"], "ok", f"{code} between lanes")
    client.expect(201, "POST", "/v1/rates", {"asset": code, "to_asset": "EUR", "rate": rate})
    client.expect(201, "POST", "/v1/periods/close", {"through": through})
    said = [commons(client, lane) for lane in range(LANES)]
    equal(said, [said[0]] * LANES, "what the lanes have in common")
    check(code in [one[1] for one in said[0][0]] and said[0][2] == through, f"it is there: {said}")
    for lane in range(LANES):
        late = {"id": new_id(), "debit": account_id(lane, number), "credit":
                account_id(lane, number + 1), "value_date": through, **money}
        answer = client.expect(422, "POST", "/v1/transfers", late).json()
        equal(answer["code"], "period_closed", f"a date that is closed in lane {lane}")


def acts_belong_to_lane_0(client):
    answer = client.expect(421, "POST", "/v1/assets", {"code": "TIN", "exponent": 0},
                           lane_header(1))
    equal(answer.json()["code"], "wrong_lane", "an asset made in another lane")


def listed(client, path, query, headers=None):
    """All pages of a list: its items, each with the lane that said it."""
    found, cursor = [], ""
    while True:
        answer = client.expect(200, "GET", f"{path}?{query}{cursor}", None, headers)
        page = answer.json()
        found += [(int(answer.headers["tpw-lane"]), item["id"]) for item in page["items"]]
        if "next" not in page:
            return found
        cursor = "&cursor=" + page["next"]


def lists_go_over_all_lanes(client):
    """Without a lane named, one after the other; with one, that one's."""
    for path, query in (("/v1/accounts", "limit=7"), ("/v1/transfers", "limit=20"),
                        ("/v1/payments", "limit=5")):
        parts = [listed(client, path, query, lane_header(lane)) for lane in range(LANES)]
        for lane, part in enumerate(parts):
            check(all(said == lane for said, _ in part), f"{path} of lane {lane}")
            check(part or path == "/v1/payments", f"{path} of lane {lane} has something")
        equal(listed(client, path, query), sum(parts, []), f"{path} over all lanes")
    last = client.expect(200, "GET", "/v1/accounts?limit=1000", None, lane_header(0)).json()
    position = last["as_of"]
    check(len(listed(client, "/v1/accounts", f"limit=1000&min_position={position}")) > LANES,
          "a position is lane 0's")
    page = client.expect(200, "GET", "/v1/accounts?limit=2").json()
    answer = client.expect(400, "GET", f"/v1/accounts?cursor={page['next']}", None, lane_header(0))
    equal(answer.json()["code"], "invalid_cursor", "a cursor of all lanes, used for one")


def a_stream_of_any_lane_lives(server, key):
    """Longer than until its key is looked for again: keys are lane 0's."""
    connection = server.connection()
    connection.request("GET", "/v1/events", headers={
        "Accept": "text/event-stream", "Authorization": f"Bearer {key}", **lane_header(1)})
    answer = connection.getresponse()
    equal((answer.status, answer.getheader("tpw-lane")), (200, "1"), "a stream of lane 1")
    until = time.monotonic() + 2.5  # its key is looked at once a second
    client = Client(server, key)
    seen = 0
    while time.monotonic() < until or seen == 0:
        client.expect(201, "POST", "/v1/transfers", transfer(WALLETS[1][0], WALLETS[1][2], 1))
        line = answer.readline()
        check(line, "the stream has ended")
        seen = seen + 1 if line.startswith(b"data:") and time.monotonic() > until else seen
    client.close()
    connection.close()


def first_life(wallet, key):
    """Everything on the first ledger; the balances at the end."""
    with serving(wallet, "--plain") as server:
        client = Client(server, key)
        document = load_document()
        setup(client)
        what_is_refused(client)
        each_way(client, document)
        pairs_equal(client)
        metrics_tell(client)
        acts_are_everywhere(client, "GOLD", 200)
        acts_belong_to_lane_0(client)
        lists_go_over_all_lanes(client)
        a_stream_of_any_lane_lives(server, key)
        Wallet("ledger/lanes/1").run("serve", "--plain", code=USAGE)
        before = balances(client)
        client.close()
        sent = killed(wallet, key, server)
        client = Client(server, key)
        change = expected(sent, client)
        after = balances(client)
        equal(after, {one: cents + change.get(one, 0) for one, cents in before.items()},
              "balances after all that")
        pairs_equal(client)
        acts_are_everywhere(client, "SILVER", 210, "1.5", "2002-12-31")
        for lane in range(LANES):
            totals_equal(client, lane)
        check_fits(document, document["components"]["schemas"]["TrialBalance"],
                   totals_add_up(client), "the total")
        client.close()
        watched(wallet)
    return after


def watched(wallet):
    """Beside the server, each lane's journal recomputed agrees with what is answered for it."""
    for lane in range(LANES):
        one = wallet if lane == 0 else Wallet(f"{os.path.basename(wallet.folder)}/lanes/{lane}")
        said = one.json("doctor", "watch", "--once")
        equal(said["alerts"], 0, f"alerts of lane {lane}: {said}")
        check(said["transfers"] > 0 and said["sweeps"] > 0, f"all of it: {said}")
        check(said["balances_compared"] > 0, f"with the server's: {said}")


def cents_of(text):
    return int(text.replace(".", ""))


def totals_add_up(client):
    """Without a lane named, the trial balance is that of all lanes together."""
    sums = {}
    for lane in range(LANES):
        answer = client.expect(200, "GET", "/v1/trial-balance", None, lane_header(lane))
        equal(answer.headers.get("tpw-lane"), str(lane), "an answer of one lane says which")
        page = answer.json()
        check("as_of" in page and "lanes" not in page, f"it is of one lane: {page}")
        for row in page["rows"]:
            sums.setdefault((row["asset"], row["kind"]), []).append(row)
    answer = client.expect(200, "GET", "/v1/trial-balance")
    equal(answer.headers.get("tpw-lane"), None, "this one is of no lane alone")
    total = answer.json()
    for value in (str(LANES), "x"):
        wrong = client.expect(400, "GET", "/v1/trial-balance", None, {"TPW-Lane": value})
        equal(wrong.json()["code"], "invalid_lane", "a lane that there is not")
    equal([one["lane"] for one in total["lanes"]], list(range(LANES)), "whose sums these are")
    check("as_of" not in total, "each lane has its own position")
    equal(len(total["rows"]), len(sums), "a row for each asset and kind")
    for row in total["rows"]:
        parts = sums[row["asset"], row["kind"]]
        equal(row["account_count"], sum(part["account_count"] for part in parts), "accounts")
        for name, value in row["balance"].items():
            added = sum(cents_of(part["balance"][name]) for part in parts)
            equal(cents_of(value), added, f"{name} of {row['kind']}")
    return total


def totals_equal(client, lane):
    page = client.expect(200, "GET", "/v1/trial-balance", None, lane_header(lane)).json()
    sums = [sum(int(row["balance"][name].replace(".", "")) for row in page["rows"])
            for name in ("debits_posted", "credits_posted")]
    equal(sums[0], sums[1], f"the totals of lane {lane}")


def main():
    wallet = Wallet("ledger")
    wallet.run("init", "--lanes", "65", code=USAGE)
    wallet.run("init", "--lanes", str(LANES))
    equal(sorted(os.listdir(os.path.join(wallet.folder, "lanes"))), ["1", "2"], "its folders")
    wallet.run("init", "--lanes", str(LANES), code=CONFLICT)
    key = key_of(wallet)
    wallet.run("asset", "create", "TIN", "0", code=UNAVAILABLE)
    after = first_life(wallet, key)
    restored = copies(wallet)
    with serving(restored, "--plain") as server:
        client = Client(server, key)
        equal(balances(client), after, "the balances of the restored ledger")
        client.close()
    lonely = Wallet("lonely")
    lonely.run("init", "--lanes", "1")
    check(not os.path.exists(os.path.join(lonely.folder, "lane")), "one lane is as ever")


if __name__ == "__main__":
    main()
