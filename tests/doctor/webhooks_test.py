"""Goal: captured webhooks say who sent what, what the receiver answered, and what each signature is
worth; those in our inbox are told as they came; what we send verifies as well, and who is sent it,
how far, and what was given up is told; no secret enters. A secret that was rotated too early is named
as the cause of what was rejected.

Method: a real sandbox pays and sends its webhooks to a real server through a proxy that captures them
and may break them; the server's own webhooks go to a receiver. The captures, the inbox and the PSP's
statement are collected and diagnosed. Then come lines that are no captures, and missing secrets. All
of it with the stores in a folder, and again in PostgreSQL.
"""
import base64
import http.client
import http.server
import json
import os
import sys
import threading
import time

sys.path[:0] = [os.path.join(os.environ["TPWALLET_SOURCE"], "tests", name)
                for name in ("e2e", "postgres")]
# pylint: disable=wrong-import-position
from cli_harness import (DENIED, NOT_FOUND, SCRATCH, USAGE, Wallet, check, equal, file_of, serving)
from payments_harness import account, keys_file, pay_in, rested, settle
from postgres_harness import Postgres
from sandbox_harness import Sandbox, receiving, until

KEY = os.path.join(SCRATCH, "anna.key")
RAW = {name: base64.b64encode(name.encode() * 4).decode() for name in ("old--", "new--", "lost-")}
SECRETS = {name: "whsec_" + raw for name, raw in RAW.items()}
PAN = "4111111111111111"
OBJECT_MAP = "id = id\nkey = object\nkind = kind\ncurrency = asset\namount = gross\nfee = fee\n" \
             "date = at\nnegative_kinds = refund, pay_out, chargeback\n"


def now():
    ns = time.time_ns()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


def capture_of(headers, body, status=None):
    line = {"ts": now(), "headers": headers, "body": base64.b64encode(body).decode()}
    return line if status is None else {**line, "status": status}


class Proxy:
    """Between sender and receiver: captures all, and passes on what `change` makes of a body."""

    def __init__(self):
        self.lines = []
        self.target = None
        self.change = lambda body: body
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = owner.change(self.rfile.read(int(self.headers["Content-Length"])))
                headers = {name: value for name, value in self.headers.items()
                           if name.lower() not in ("host", "content-length")}
                connection = http.client.HTTPConnection(owner.target, timeout=30)
                connection.request("POST", "/v1/webhooks/sandbox", body, headers)
                status = connection.getresponse().status
                owner.lines.append(capture_of(headers, body, status))
                self.send_response(200)  # once is enough
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def secrets_file(name, text):
    path = file_of(name, text)
    os.chmod(path, 0o600)
    return path


def folder_of(wallet, case):
    return os.path.join(SCRATCH, f"{os.path.basename(wallet.folder)}-{case}")


def collect(wallet, case, *words, code=0):
    """The newest source's records, and the source."""
    path = folder_of(wallet, case)
    result = wallet.run("doctor", "collect", path, "--key", KEY, "--incident", "7F3A", *words,
                        code=code)
    if code != 0:
        return result.err, None
    with open(os.path.join(path, "manifest.json"), encoding="utf-8") as file:
        source = json.load(file)["sources"][-1]
    with open(os.path.join(path, source["path"]), encoding="utf-8") as file:
        return [json.loads(line) for line in file], source


def lines_file(name, lines):
    return file_of(name, "".join(json.dumps(line) + "\n" for line in lines))


def played(wallet, sandbox, proxy):
    """Payments whose webhooks come well, then changed by a proxy, then with another secret."""
    def pay(count):
        before = len(proxy.lines)
        for _ in range(2):
            equal(rested(wallet, pay_in(wallet, customer, "12.50", "pm_card_visa")), "succeeded",
                  "a pay-in")
        until(lambda: len(proxy.lines) >= before + count, "webhooks come")
    customer = account(wallet)
    hook = sandbox.call("POST", "/webhooks", {"url": proxy.url, "scheme": "standard",
                                              "secret": SECRETS["new--"]})["webhook"]
    pay(2)
    good = len(proxy.lines)
    proxy.change = lambda body: json.dumps(json.loads(body), indent=2).encode()
    pay(2)
    spaced = len(proxy.lines)
    proxy.change = lambda body: body
    sandbox.call("DELETE", f"/webhooks/{hook}")
    sandbox.call("POST", "/webhooks", {"url": proxy.url, "scheme": "standard",
                                       "secret": SECRETS["old--"]})
    pay(2)
    return good, spaced


def captures_are_judged(wallet, lines, good, spaced, secrets):
    rows, source = collect(wallet, "in", "--webhooks", lines_file("in.ndjson", lines),
                           "--webhook-secrets", f"standard:{secrets}")
    equal((len(rows), source["rejected"]), (len(lines), 0), "webhooks")
    for row, line in zip(rows, lines):
        body = json.loads(base64.b64decode(line["body"]))
        equal((row["event"], row["type"], row["psp_ref"], row["direction"]),
              (body["id"], body["type"], body["data"]["object"], "in"), "what it tells")
    verdict = ("verdict", "reason", "sig_raw", "sig_parsed", "sig_other", "kid")
    kinds = [tuple(row.get(name) for name in verdict) for row in rows]
    equal(set(kinds[:good]), {("accepted", None, "ok", None, None, "new")}, "good ones")
    equal(set(kinds[good:spaced]), {("rejected", "signature", "bad", "ok", "bad", "new")},
          "those that something wrote again")
    equal(set(kinds[spaced:]), {("rejected", "unknown_key", "bad", None, "ok", "old")},
          "those with the old secret")
    check(all(0 <= row["age_ns"] < 60 * 10**9 for row in rows), "their age")
    reach = [source["coverage"][0][name] for name in ("from", "to", "loss")]
    times = sorted(row["ts"] for row in rows)
    equal(reach, [times[0], times[-1], "none"], "what is covered: from the first to the last")
    none, source = collect(wallet, "quiet", "--webhooks", os.devnull)
    equal((none, source["coverage"][0]["loss"]), ([], "unknown"), "a file without a line")
    bare, _ = collect(wallet, "bare", "--webhooks", lines_file("in.ndjson", lines))
    check(all("sig_raw" not in row for row in bare), "nothing is said of signatures")


def cause_is_found(wallet, sandbox, lines, good, spaced, secrets):
    day = settle(wallet, sandbox)[1]
    text = sandbox.raw("GET", f"/statements/{day}?from=0&limit=1000")[2].decode()
    collect(wallet, "case", "--ours")
    collect(wallet, "case", "--statement", file_of("statement.csv", text), "--mapping",
            file_of("object.map", OBJECT_MAP), "--system", "sandbox")
    collect(wallet, "case", "--webhooks", lines_file("old.ndjson", lines[:good] + lines[spaced:]),
            "--webhook-secrets", f"standard:{secrets}")
    answer = wallet.run("doctor", "diagnose", folder_of(wallet, "case"), "--json",
                        code=None).json()
    equal([cause["fault"] for cause in answer["causes"]], ["K02"],
          f"the cause: {json.dumps(answer)[:2000]}")


def inbox_is_told(wallet, lines, good, secrets):
    rows, source = collect(wallet, "inbox", "--inbox", "--webhook-secrets", f"standard:{secrets}")
    equal([row["event"] for row in rows],
          [json.loads(base64.b64decode(line["body"]))["id"] for line in lines[:good]],
          "what was verified, and nothing else")
    for row in rows:
        equal((row["verdict"], row["sig_raw"], row["connector"], row["processed"]),
              ("accepted", "ok", "sandbox", True), "a webhook")
    equal(source["coverage"][0]["loss"], "unknown", "what was rejected is not there")
    collect(Wallet("empty"), "none", "--inbox", code=NOT_FOUND)
    about = rows[0]["psp_ref"]
    ledger = os.path.join(folder_of(wallet, "case"), "evidence", "01-ledger.ndjson")
    with open(ledger, encoding="utf-8") as file:
        payment = next(row["cause_id"] for row in map(json.loads, file)
                       if row["kind"] == "ledger_tx" and row.get("psp_ref") == about)
    some, source = collect(wallet, "about", "--inbox", "--payment", payment)
    equal([row["psp_ref"] for row in some], [about] * len(some), "of one payment")
    check(some and len(some) < len(rows), "and not of the others")
    equal(source["coverage"][0]["loss"], "sampled", "others are left out")
    later, _ = collect(wallet, "later", "--inbox", "--from", now())
    equal(later, [], "nothing came since")


def deliveries_are_told(wallet, secret, refuses):
    """A receiver that takes all, and one that once does not: that is given up."""
    gone = wallet.json("webhook", "endpoint", "create", refuses.url + "?token=hunter2",
                       "--filters", "account.*")
    refuses.statuses = [503]
    account(wallet)
    until(lambda: wallet.json("webhook", "endpoint", "deliveries", gone["id"])["dead_letters"],
          "what is refused is given up")
    rows = {}
    collect(wallet, "sent", "--deliveries")
    folder = folder_of(wallet, "sent")
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        sources = json.load(file)["sources"]
    for source in sources:
        with open(os.path.join(folder, source["path"]), encoding="utf-8") as file:
            text = file.read()
        check("hunter2" not in text and secret[8:] not in text, "no secret is told")
        rows[source["kind"][0]] = [json.loads(line) for line in text.splitlines()]
    settings = {row["name"]: row["value"] for row in rows["config"]}
    name = "webhook." + gone["id"]
    equal((settings[name + ".url"], settings[name + ".filters"], settings[name + ".state"]),
          (refuses.url, "account.*", "active"), "a receiver")
    equal([(row["group_name"], row["topic"], row["error"], row["pos"])
           for row in rows["dead_letter"]], [(name, "webhooks", "status 503", 1)], "a dead letter")
    sent = {row["relay"]: row for row in rows["relay"] if row["op"] == "position"}
    equal(len(sent), 2, "positions of both")
    check(all(row["to_lsn"] > 0 for row in sent.values()), "how far they got")


def ours_verify(wallet, receiver, secret):
    lines = [capture_of(headers, body, 200) for headers, body in list(receiver.got)]
    secrets = secrets_file("ours", f"ours {secret}\n")
    rows, _ = collect(wallet, "out", "--webhooks", lines_file("out.ndjson", lines), "--direction",
                      "out", "--webhook-secrets", f"standard:{secrets}")
    check(rows, "we have sent some")
    for row, (_, body) in zip(rows, receiver.got):
        event = json.loads(body)
        equal((row["direction"], row["sig_raw"], row["kid"], row["event"], row["seq"],
               row["object"]),
              ("out", "ok", "ours", event["id"], int(event["sequence"]), event["subject"]), "ours")


def what_is_wrong_is_told(wallet, lines):
    path = lines_file("mixed.ndjson", [
        lines[0], {"ts": now()}, {"body": "e30="}, {"ts": now(), "body_text": "{}"},
        {"ts": now(), "headers": {"Webhook-Id": f"card {PAN}"}, "body_text": "no JSON"}, 7])
    rows, source = collect(wallet, "mixed", "--webhooks", path)
    equal((len(rows), source["rejected"]), (2, 4), "lines that are no captures")
    equal((rows[1]["event"], source["masked_cards"]), ("card 411111******1111", 1), "a card number")
    for words in (("--direction", "up"), ("--webhook-secrets", "none"),
                  ("--webhook-secrets", "x:y"), ("--webhook-secrets", "plain:y"),
                  ("--webhook-map", file_of("wrong.map", "shoe = key\n"))):
        collect(wallet, "wrong", "--webhooks", path, *words, code=USAGE)
    err, _ = collect(wallet, "wrong", "--webhooks", path, "--webhook-secrets",
                     "standard:" + secrets_file("bad", f"x {SECRETS['lost-'][:-1]}!\n"), code=USAGE)
    check(RAW["lost-"][:8] not in err, f"an error holds no secret: {err}")
    err, _ = collect(wallet, "wrong", "--webhooks", path, "--webhook-secrets",
                     "standard:" + file_of("open", f"x {SECRETS['lost-']}\n"), code=DENIED)
    check("others may read" in err and "chmod 600" in err, f"secrets that others may read: {err}")
    collect(wallet, "wrong", "--webhooks", os.path.join(SCRATCH, "nowhere"), code=NOT_FOUND)
    check(not os.path.exists(folder_of(wallet, "wrong")), "nothing of it is kept")
    for where, _, names in os.walk(SCRATCH):
        for name in names if "/evidence" in where else ():
            with open(os.path.join(where, name), "rb") as file:
                data = file.read()
            check(not any(raw.encode() in data for raw in RAW.values()), f"no secret in {name}")


def webhooks_are_evidence(wallet, *store):
    proxy = Proxy()
    wallet.run("init", "--asset", "EUR", "--psp", "sandbox", *store)
    secrets = secrets_file("secrets", f"old {SECRETS['old--']} - 2026-01-01T00:00:00Z\n"
                                      f"new {SECRETS['new--']}\n")
    with Sandbox() as sandbox, receiving() as receiver, receiving() as refuses:
        with serving(wallet, "--plain", "--anonymous", "--psp", f"sandbox=http://{sandbox.address}",
                     "--psp-keys", keys_file(), "--psp-private", "--webhook-private",
                     "--webhook-attempts", "1", "--webhook-in", f"sandbox=standard:{secrets}") as server:
            proxy.target = server.address
            secret = wallet.json("webhook", "endpoint", "create", receiver.url)["secret"]
            good, spaced = played(wallet, sandbox, proxy)
            lines = list(proxy.lines)
            until(lambda: receiver.got, "our webhooks are sent")
            cause_is_found(wallet, sandbox, lines, good, spaced, secrets)
            deliveries_are_told(wallet, secret, refuses)
        captures_are_judged(wallet, lines, good, spaced, secrets)
        inbox_is_told(wallet, lines, good, secrets)
        ours_verify(wallet, receiver, secret)
    what_is_wrong_is_told(wallet, lines)


def main():
    wallet = Wallet("wallet")
    wallet.run("doctor", "key", KEY, "--name", "anna")
    webhooks_are_evidence(wallet)
    with Postgres() as database:
        webhooks_are_evidence(Wallet("remote"), "--store", database.url)


if __name__ == "__main__":
    main()
