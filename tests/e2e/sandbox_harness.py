"""What the tests of the sandbox share: running it, its native wire, the Stripe subset, a receiver."""
import base64
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse

from cli_harness import (DONE, SCRATCH, START_S, TPWALLET, address_of, announced, check, equal,
                         new_id)

KEY = "sandbox"
WAIT_S = 60


def until(condition, what, wait_s=WAIT_S):
    """Polls, as a script may, until the condition holds."""
    deadline = time.monotonic() + wait_s
    while not (found := condition()):
        check(time.monotonic() < deadline, f"waited in vain: {what}")
        time.sleep(0.01)
    return found


class Sandbox:
    def __init__(self, *options):
        self.options = options
        self.process = None
        self.address = None

    def __enter__(self):
        words = [TPWALLET, "sandbox", "--listen", "127.0.0.1:0", "--json", *self.options]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE)
        said = announced(self.process, "the sandbox", lambda: "on standard error")
        self.address = address_of(said["url"])
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=START_S)
        self.process.stdout.close()
        if kind is None:
            equal(code, DONE, "exit code of the sandbox")

    def raw(self, method, path, body=None, headers=None, timeout_s=WAIT_S):
        """(status, headers, bytes); None when the connection was closed without an answer."""
        host, port = self.address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout_s)
        try:
            connection.request(method, path, body,
                               {"Authorization": f"Bearer {KEY}", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return None
        finally:
            connection.close()

    def call(self, method, path, body=None, status=200):
        text = None if body is None else json.dumps(body)
        found = self.raw(method, path, text, {"Content-Type": "application/json"})
        check(found is not None, f"{method} {path}: an answer")
        equal(found[0], status, f"{method} {path} {text}: {found[2][:300]!r}")
        return json.loads(found[2])

    def order(self, operation, amount, status=200, **fields):
        item = {"reference": fields.pop("reference", None) or new_id() + ":1",
                "operation": operation, "asset": "EUR", "amount": amount, "method": "",
                "object": "", "last": False, **fields}
        return self.call("POST", "/orders", item, status)

    def look(self, reference, status=200):
        return self.call("GET", f"/orders/{urllib.parse.quote(reference)}", status=status)

    def stripe(self, method, path, form=None, key=None, status=200):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key is not None:
            headers["Idempotency-Key"] = key
        body = None if form is None else urllib.parse.urlencode(form)
        found = self.raw(method, path, body, headers)
        equal(found[0], status, f"{method} {path} {body}: {found[2][:300]!r}")
        return json.loads(found[2]), found[1]

    def books(self):
        books = self.call("GET", "/books")
        check(books["balanced"], f"the books agree: {books}")
        return {page["asset"]: page for page in books["assets"]}


class Receiver:
    """An endpoint for webhooks: keeps what comes; answers as `statuses` say, then 200, when `gate` is set."""

    def __init__(self):
        self.got = []
        self.gate = threading.Event()
        self.gate.set()
        self.statuses = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.got.append((dict((k.lower(), v) for k, v in self.headers.items()), body))
                owner.gate.wait(60)
                self.send_response(owner.statuses.pop(0) if owner.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def events(self):
        return [json.loads(body) for _, body in list(self.got)]


@contextlib.contextmanager
def receiving():
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


def standard_is_right(secret, headers, body):
    """As standardwebhooks.com/specification says, written anew here."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and wanted in headers["webhook-signature"].split(" ")


def stripe_is_right(secret, headers, body):
    parts = dict(part.split("=", 1) for part in headers["stripe-signature"].split(","))
    signed = f"{parts['t']}.".encode() + body
    return parts["v1"] == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
