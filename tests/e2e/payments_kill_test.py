"""Goal: whatever moment the server dies at, payments that were acknowledged are there, each is carried
out once, every one ends, and the wallet's books equal the sandbox's.

Method: clients make pay-ins, pay-outs, payments between wallets, reservations and refunds over HTTP
on a server whose sandbox loses answers, fails and is slow (until the last wait); the server is killed (kill -9) again and
again. This process is the recorder outside: it writes down what was acknowledged, and sends what was
not answered again under the same id. After each restart what was acknowledged is looked for, and a
repeat must be told as one. At the end all come to rest, the day is settled, both books are compared,
and so is each order at the sandbox with its payment. KILLS=n sets how often (20); SEED=n the
choices.

kill -9 keeps the page cache: this shows atomicity, not what a power cut does. The disk that fills up
while payments run is a small tmpfs; that part needs root, and says so when it is left out.
"""
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time

from cli_harness import DONE, SCRATCH, START_S, Wallet, check, equal, new_id
from payments_harness import WAITS, account, all_rest, books_differ, server_of, settle
from sandbox_harness import Sandbox

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", "1"))
CLIENTS = 4
WALLETS = 12
LOAD_MS_MAX = 250
UNDER_WAY = 80  # payments made before the disk fills up
REFUSALS = 20   # for want of disk, before there is room again
FAULTS = ("slow=40:100,timeout_before=30:200,timeout_after=30:200,close_before=20,close_after=20,"
          "error_before=30,error_after=30,throttle=15,garbage=15")
PAY_IN = ("card_ok", "card_ok", "card_ok", "card_declined", "card_pending_then_ok",
          "card_error_after", "card_pending_then_declined")
PAY_OUT = ("bank_ok", "bank_ok", "bank_declined", "bank_pending_then_ok",
           "bank_pending_then_failed")
FIXED = ("kind", "amount", "asset", "created_at", "outcome")  # a repeat tells the rest as it stands
HEADERS = {"Content-Type": "application/json"}


class Recorder:
    """What was sent and what was answered; the one truth outside the server."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = {}  # id: (request, answer)
        self.fresh = []         # ids acknowledged since the last look
        self.unanswered = []    # requests in doubt

    def answered(self, item, status, body):
        with self.lock:
            self.acknowledged[item["id"]] = (item, (status, body))
            self.fresh.append(item["id"])

    def lost(self, item):
        with self.lock:
            self.unanswered.append(item)

    def some_pay_in(self, draw):
        with self.lock:
            ids = [key for key, (item, _) in self.acknowledged.items() if item["kind"] == "pay_in"]
        return draw.choice(ids) if ids else None


def call(connection, method, path, document=None):
    connection.request(method, path, None if document is None else json.dumps(document), HEADERS)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def next_payment(draw, recorder, wallets):
    item = {"id": new_id(), "amount": f"{draw.randrange(1, 60)}.{draw.randrange(100):02}",
            "asset": "EUR"}
    choice = draw.random()
    one, other = draw.sample(wallets, 2)
    if choice < 0.45:
        return {**item, "kind": "pay_in", "wallet": one, "method": draw.choice(PAY_IN),
                "psp": "sandbox"}
    if choice < 0.60:
        return {**item, "kind": "pay_out", "wallet": one, "method": draw.choice(PAY_OUT),
                "psp": "sandbox"}
    if choice < 0.75:
        return {**item, "kind": "wallet", "wallet": one, "to": other}
    parent = recorder.some_pay_in(draw)
    if choice < 0.88 and parent is not None:
        return {**item, "kind": "refund", "payment": parent, "amount": "0.50"}
    return {**item, "kind": "merchant", "merchant": other, "method": "card_ok", "psp": "sandbox",
            "expires_in_s": 3}


def final(status):
    """Done or refused: an outcome. Else it is not answered yet."""
    return status in (200, 201, 409, 422)


def client_run(server, recorder, wallets, seed):
    draw = random.Random(seed)
    connection = server.connection(timeout_s=START_S)
    while True:
        item = next_payment(draw, recorder, wallets)
        try:
            status, body = call(connection, "POST", "/v1/payments", item)
        except (OSError, http.client.HTTPException, ValueError):
            recorder.lost(item)
            return
        if final(status):
            recorder.answered(item, status, body)
        else:
            recorder.lost(item)


def load_and_kill(server, recorder, wallets, draw):
    clients = [threading.Thread(target=client_run,
                                args=(server, recorder, wallets, draw.getrandbits(64)))
               for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    threading.Event().wait(draw.uniform(0.01, LOAD_MS_MAX / 1000))
    server.kill()
    for client in clients:
        client.join()


def wait_until_ready(connection):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            return
        time.sleep(0.01)
    check(False, f"the server is not ready in {START_S} s")


def differences(connection, recorder, ids):
    """What was acknowledged and is not there, or is told otherwise when it is sent again."""
    wrong = []
    for key in ids:
        item, (status, body) = recorder.acknowledged[key]
        found, payment = call(connection, "GET", f"/v1/payments/{key}")
        if found != 200 or payment["id"] != key:
            wrong.append(f"{item}: was answered {status}, and is not there: {found} {payment}")
            continue
        again, repeat = call(connection, "POST", "/v1/payments", item)
        same = all(repeat.get(name) == body.get(name) for name in FIXED)
        if status < 300 and not (again == 200 and repeat["repeated"] and same):
            wrong.append(f"{item}: was {status} {body}, is {again} {repeat}")
        if status >= 300 and (again != status or repeat["code"] != body["code"]):
            wrong.append(f"{item}: was refused {status} {body}, now {again} {repeat}")
    return wrong


def look(server, recorder):
    connection = server.connection(timeout_s=START_S)
    wait_until_ready(connection)
    for item in recorder.unanswered:
        status, body = call(connection, "POST", "/v1/payments", item)
        check(final(status), f"a request in doubt cannot be resolved: {status} {body}")
        recorder.answered(item, status, body)
    recorder.unanswered = []
    ids, recorder.fresh = recorder.fresh, []
    wrong = differences(connection, recorder, ids)
    connection.close()
    check(not wrong, "\n".join(wrong[:10]))


def orders_of(sandbox):
    """{payment: [order]} of all that the sandbox was ever asked for."""
    orders = {}
    start = 0
    while start is not None:
        page = sandbox.call("GET", f"/orders?from={start}&limit=1000")
        for order in page["orders"]:
            orders.setdefault(order["reference"].split(":")[0], []).append(order)
        start = page["next"]
    return orders


def endings_differ(connection, recorder, orders):
    """Each payment has ended, as its order at the PSP did, and that happened once."""
    wrong = []
    ends = {}
    for key, (item, _) in recorder.acknowledged.items():
        _, payment = call(connection, "GET", f"/v1/payments/{key}")
        ends[payment["state"]] = ends.get(payment["state"], 0) + 1
        if payment["state"] in WAITS or payment["state"] == "manual":
            wrong.append(f"{key} has not ended: {payment}")
        if item["kind"] not in ("pay_in", "pay_out", "refund"):
            continue
        done = [order for order in orders.get(key, []) if order["status"] == "done"]
        if len(done) != (payment["state"] == "succeeded"):
            wrong.append(f"{key} is {payment['state']}; the PSP has {orders.get(key)}")
    return wrong, ends


def canary(connection, recorder):
    """The recorder must be able to fail: an answer that was never given, and one changed."""
    key = next(key for key, (_, (status, _)) in recorder.acknowledged.items() if status < 300)
    item, (status, body) = recorder.acknowledged[key]
    changed = Recorder()
    changed.acknowledged = {key: (item, (status, dict(body, created_at="2026-01-01T00:00:00.000000000Z")))}
    equal(len(differences(connection, changed, [key])), 1, "a changed time is found")
    never = dict(item, id=new_id())
    changed.acknowledged = {never["id"]: (never, (status, body))}
    check(differences(connection, changed, [never["id"]]), "a lost payment is found")
    wrong, _ = endings_differ(connection, recorder, {})
    check(wrong, "an order that the PSP does not have is found")


def kill_and_look(wallet, sandbox, server):
    draw = random.Random(SEED)
    recorder = Recorder()
    server.start()
    wallets = [account(wallet) for _ in range(WALLETS)]
    kills = 0
    while kills < KILLS or (len(recorder.acknowledged) <= 5 * KILLS and kills < 3 * KILLS):
        load_and_kill(server, recorder, wallets, draw)
        server.start()
        look(server, recorder)
        kills += 1
    sandbox.call("PUT", "/faults", {"seed": SEED, "faults": []})
    equal(all_rest(wallet), [], "payments that only a person can tell of")
    report, _ = settle(wallet, sandbox)
    equal((report["refused"], report["unmatched"]), (0, 0), f"lines that fit nothing: {report}")
    equal(books_differ(wallet, sandbox), [], "the wallet's books, and the sandbox's")
    connection = server.connection(timeout_s=START_S)
    wrong, ends = endings_differ(connection, recorder, orders_of(sandbox))
    check(not wrong, "\n".join(wrong[:10]))
    check(len(recorder.acknowledged) > 5 * KILLS, "there was no load")
    canary(connection, recorder)
    connection.close()
    wallet.check_totals()
    print(f"kills {kills}, payments {len(recorder.acknowledged)}: {ends}")


def killed():
    wallet = Wallet("killed-payments")
    wallet.run("init", "--asset", "EUR", "--psp", "sandbox")
    with Sandbox("--seed", str(SEED), "--pending-ms", "300", "--faults", FAULTS) as sandbox:
        server = server_of(wallet, sandbox)
        try:
            kill_and_look(wallet, sandbox, server)
            server.stop()
        finally:
            if server.process is not None and server.process.poll() is None:
                server.kill()
    equal(wallet.run("check").code, DONE, "the check of the folder")


# ---- A disk that fills up while payments run ----

def fill(folder):
    """All but a megabyte of what is left, by a file that is taken away again later."""
    path = os.path.join(folder, "filler")
    about = os.statvfs(folder)
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, about.f_bavail * about.f_frsize - (1 << 20))
    return path


def pay_until_full(connection, recorder, wallets, draw, filler_folder):
    """Payments are under way when the disk fills up; then none is acknowledged and lost."""
    filler = None
    refusals = 0
    for number in range(4000):
        if number == UNDER_WAY:
            filler = fill(filler_folder)
        item = next_payment(draw, recorder, wallets)
        status, body = call(connection, "POST", "/v1/payments", item)
        if final(status):
            recorder.answered(item, status, body)
        else:
            recorder.lost(item)
            refusals += 1
        if refusals >= REFUSALS:
            break
    check(refusals >= REFUSALS, "the disk was full, and everything was taken")
    return filler


def on_a_full_disk():
    mount = os.path.join(SCRATCH, "small-disk")
    os.mkdir(mount)
    # 512 MiB are kept in reserve by a server
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=640m,mode=0700", "none", mount],
                          capture_output=True, check=False)
    if done.returncode != 0:
        print("left out: a disk that fills up needs root and mounts", file=sys.stderr)
        return
    wallet = Wallet(os.path.join("small-disk", "wallet"))
    try:
        full_disk_run(wallet, mount)
    finally:
        subprocess.run(["umount", mount], check=True)


def full_disk_run(wallet, mount):
    draw = random.Random(SEED)
    recorder = Recorder()
    wallet.run("init", "--asset", "EUR", "--psp", "sandbox")
    with Sandbox("--pending-ms", "300", "--faults", FAULTS) as sandbox:
        server = server_of(wallet, sandbox).start()
        try:
            wallets = [account(wallet) for _ in range(WALLETS)]
            connection = server.connection(timeout_s=START_S)
            os.unlink(pay_until_full(connection, recorder, wallets, draw, mount))
            connection.close()
            look_when_taken(server, recorder)
            sandbox.call("PUT", "/faults", {"seed": SEED, "faults": []})
            equal(all_rest(wallet), [], "payments that only a person can tell of")
            settle(wallet, sandbox)
            equal(books_differ(wallet, sandbox), [], "the books after a full disk")
            server.stop()
        finally:
            if server.process.poll() is None:
                server.kill()
    equal(wallet.run("check").code, DONE, "the check of the folder")


def look_when_taken(server, recorder):
    """Once there is room again, the server takes writes again by itself."""
    deadline = time.monotonic() + START_S
    probe = recorder.unanswered[0]
    connection = server.connection(timeout_s=START_S)
    while not final(call(connection, "POST", "/v1/payments", probe)[0]):
        check(time.monotonic() < deadline, "there is room again, and nothing is taken")
        time.sleep(0.05)
    connection.close()
    look(server, recorder)


def main():
    killed()
    on_a_full_disk()


try:
    main()
except SystemExit:
    print(f"repeat with SEED={SEED} KILLS={KILLS}", file=sys.stderr)
    raise
