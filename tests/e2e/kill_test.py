"""Goal: whatever moment the server dies at, what it acknowledged is there, once, and nothing half.

Method: clients send transfers, linked pairs, holds, posts and voids to a server that is killed
(kill -9) again and again, on one folder: at a random moment under load, or during its recovery.
This process is the recorder outside: it writes down every answer. After each restart the requests
of the last round are sent again: those answered must be told the same outcome, position and
amount as a repeat; those that were not are resolved, linked pairs having been there in full or
not at all. Balances are compared with the sum of what was answered. At the end every transfer
ever answered is asked for once more. KILLS=n sets how often (200); SEED=n the choices.

kill -9 keeps the page cache: this shows atomicity, not what a power cut does.
"""
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time

from cli_harness import (DONE, START_S, TPWALLET, Server, Wallet, check, equal, new_id)

KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", "1"))
CLIENTS = 4
ACCOUNTS = 40
LOAD_MS_MAX = 150
RECOVERY_KILL_SHARE = 0.15
FULL_LOOK_EVERY = 20
HEADERS = {"Content-Type": "application/json"}


class Recorder:
    """What was sent and what was answered; the one truth outside the server."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answered = {}    # id: (item, result)
        self.fresh = []       # requests answered since the last look: lists of items
        self.unanswered = []  # requests in doubt: lists of items
        self.open_holds = []
        self.acknowledged = 0

    def request_answered(self, items, results):
        with self.lock:
            for item, result in zip(items, results):
                self.answered[item["id"]] = (item, result)
                if item.get("kind") == "hold" and result["outcome"] == "ok":
                    self.open_holds.append(item["id"])
            self.fresh.append(items)
            self.acknowledged += len(items)

    def request_lost(self, items):
        with self.lock:
            self.unanswered.append(items)

    def take_hold(self):
        with self.lock:
            return self.open_holds.pop() if self.open_holds else None


def post(connection, path, document):
    connection.request("POST", path, json.dumps(document), HEADERS)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def get(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def direct(draw, accounts, **more):
    debit, credit = draw.sample(accounts, 2)
    return {"id": new_id(), "debit": debit, "credit": credit, "asset": "EUR",
            "amount": f"{draw.randrange(1, 40)}.{draw.randrange(100):02}", **more}


def next_request(draw, recorder, accounts):
    choice = draw.random()
    if choice < 0.15:
        return [direct(draw, accounts, flags=["linked"]), direct(draw, accounts)]
    if choice < 0.30:
        return [direct(draw, accounts, kind="hold")]
    if choice < 0.45:
        hold = recorder.take_hold()
        if hold is not None:
            return [{"id": new_id(), "kind": draw.choice(["post", "void"]), "target": hold}]
    return [direct(draw, accounts) for _ in range(draw.randrange(1, 60))]


def client_run(server, recorder, accounts, seed):
    draw = random.Random(seed)
    connection = server.connection(timeout_s=START_S)
    while True:
        items = next_request(draw, recorder, accounts)
        try:
            status, body = post(connection, "/v1/transfers", items)
        except (OSError, http.client.HTTPException, ValueError):
            recorder.request_lost(items)
            return
        if status != 200:  # in doubt, or going down: not answered
            recorder.request_lost(items)
            threading.Event().wait(0.05)
            continue
        recorder.request_answered(items, body["results"])


def differences(connection, recorder, requests):
    """What is told otherwise than it was; requests are sent again as they were."""
    wrong = []
    for items in requests:
        status, body = post(connection, "/v1/transfers", items)
        if status != 200:
            wrong.append(f"HTTP {status}: {body}")
            continue
        for item, now in zip(items, body["results"]):
            before = recorder.answered[item["id"]][1]
            for name in ("outcome", "position", "at", "amount"):
                if now.get(name) != before.get(name):
                    wrong.append(f"{item}: {name} was {before.get(name)}, is {now.get(name)}")
            if not now["repeated"]:
                wrong.append(f"{item}: was acknowledged, and had to be done again")
    return wrong


def resolve(connection, recorder):
    """Requests without an answer: looked at for halves, then sent again until they have one."""
    halves = []
    for items in recorder.unanswered:
        if len(items) == 2 and items[0].get("flags") == ["linked"]:
            found = [get(connection, f"/v1/transfers/{item['id']}")[0] for item in items]
            if found[0] != found[1]:
                halves.append(f"half of a linked pair is there: {items} {found}")
        status, body = post(connection, "/v1/transfers", items)
        check(status == 200, f"a request in doubt cannot be resolved: {status} {body}")
        recorder.request_answered(items, body["results"])
    recorder.unanswered = []
    return halves


def cents(text):
    return int(text.replace(".", ""))


def balances_of(recorder):
    """{account: [debits posted, debits pending, credits posted, credits pending]}, from answers."""
    sums = {}

    def add(account, index, amount):
        sums.setdefault(account, [0, 0, 0, 0])[index] += amount

    for item, result in recorder.answered.values():
        if result["outcome"] != "ok":
            continue
        kind = item.get("kind", "direct")
        hold, reserved = recorder.answered.get(item.get("target"), (item, result))
        amount = cents(result["amount"])
        for account, index in ((hold["debit"], 0), (hold["credit"], 2)):
            if kind == "direct":
                add(account, index, amount)
            elif kind == "hold":
                add(account, index + 1, amount)
            else:
                add(account, index + 1, -cents(reserved["amount"]))
                add(account, index, amount if kind == "post" else 0)
    return sums


def balances_differ(connection, recorder):
    wrong = []
    wanted = balances_of(recorder)
    _, page = get(connection, "/v1/accounts?limit=1000")
    names = ("debits_posted", "debits_pending", "credits_posted", "credits_pending")
    for account in page["items"]:
        found = [cents(account["balance"][name]) for name in names]
        if found != wanted.get(account["id"], [0, 0, 0, 0]):
            wrong.append(f"{account['id']}: {found}, answers say {wanted.get(account['id'])}")
    return wrong


def load_and_kill(server, recorder, accounts, draw):
    clients = [threading.Thread(target=client_run,
                                args=(server, recorder, accounts, draw.getrandbits(64)))
               for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    threading.Event().wait(draw.uniform(0.005, LOAD_MS_MAX / 1000))
    server.kill()
    for client in clients:
        client.join()


def kill_in_recovery(server, draw):
    """Starts it and kills it before it listens, if that is fast enough."""
    process = subprocess.Popen([TPWALLET, "serve", "--data", server.wallet.folder, "--listen",
                                "127.0.0.1:0", "--plain", "--anonymous"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    threading.Event().wait(draw.uniform(0.001, 0.04))
    process.kill()
    process.wait()


def ledger_make(wallet):
    wallet.run("init")
    with_equity = [wallet.json("account", "create", "--kind", "equity")["id"]]
    plain = [wallet.json("account", "create", "--flags", "debits_must_not_exceed_credits")["id"]
             for _ in range(ACCOUNTS - 1)]
    return with_equity + plain


def wait_until_ready(connection):
    """While its index is read again from the journal a server takes no writes."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            return
        time.sleep(0.01)
    check(False, f"the server is not ready in {START_S} s")


def look(server, recorder, everything):
    connection = server.connection(timeout_s=START_S)
    wait_until_ready(connection)
    wrong = resolve(connection, recorder)
    requests, recorder.fresh = recorder.fresh, []
    wrong += differences(connection, recorder, requests)
    if everything:
        wrong += balances_differ(connection, recorder)
    connection.close()
    check(not wrong, "\n".join(wrong[:10]))


def canary(server, recorder):
    """The recorder must be able to fail: an answer that was never given, and one changed."""
    connection = server.connection(timeout_s=START_S)
    ids = list(recorder.answered)
    item, result = recorder.answered[ids[0]]
    changed = Recorder()
    changed.answered = {item["id"]: (item, dict(result, position="1-0"))}
    equal(len(differences(connection, changed, [[item]])), 1, "a changed position is found")
    never = dict(item, id=new_id())
    changed.answered = {never["id"]: (never, result)}
    check(differences(connection, changed, [[never]]), "a lost transfer is found")
    connection.close()


def all_once_more(server, recorder):
    connection = server.connection(timeout_s=START_S)
    items = [item for item, _ in recorder.answered.values()]
    wrong = []
    plain = [item for item in items if "flags" not in item]
    for start in range(0, len(plain), 5000):
        wrong += differences(connection, recorder, [plain[start:start + 5000]])
    for item, result in recorder.answered.values():
        if "flags" in item:
            status, found = get(connection, f"/v1/transfers/{item['id']}")
            if status != 200 or found["outcome"] != result["outcome"] or \
                    found["position"] != result["position"]:
                wrong.append(f"{item}: {result} is now {status} {found}")
    connection.close()
    check(not wrong, "\n".join(wrong[:10]))


def main():
    draw = random.Random(SEED)
    wallet = Wallet("killed")
    accounts = ledger_make(wallet)
    recorder = Recorder()
    server = Server(wallet, "--plain", "--anonymous")
    try:
        kill_and_look(server, recorder, accounts, draw)
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def kill_and_look(server, recorder, accounts, draw):
    kills = in_recovery = 0
    started = time.monotonic()
    while kills < KILLS:
        if draw.random() < RECOVERY_KILL_SHARE:
            kill_in_recovery(server, draw)
            kills += 1
            in_recovery += 1
            continue
        server.start()
        look(server, recorder, kills % FULL_LOOK_EVERY == 0)
        load_and_kill(server, recorder, accounts, draw)
        kills += 1
    server.start()
    look(server, recorder, True)
    all_once_more(server, recorder)
    check(recorder.acknowledged > 5 * KILLS, f"only {recorder.acknowledged} acknowledged: no load")
    canary(server, recorder)
    server.wallet.check_totals()
    server.stop()
    equal(server.wallet.run("check").code, DONE, "the check of the folder")
    print(f"kills {kills} ({in_recovery} before it listened), acknowledged "
          f"{recorder.acknowledged}, refused "
          f"{sum(r['outcome'] != 'ok' for _, r in recorder.answered.values())}, "
          f"violations 0, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except SystemExit:
        print(f"repeat with SEED={SEED} KILLS={KILLS}", file=sys.stderr)
        raise
