"""What the tests of observability watch: a server that pays through the sandbox, with webhooks."""
import base64
import json
import os

from otel_harness import SCRATCH, equal, until
from cli_harness import Server, Wallet, file_of, new_id, sample

SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()


def call(server, method, path, body=None, headers=None):
    """(status, JSON or text, headers)."""
    connection = server.connection()
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    about = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, json.loads(found) if found[:1] == b"{" else found.decode(), about


def want(status, server, method, path, body=None, headers=None):
    found = call(server, method, path, body, headers)
    equal(found[0], status, f"{method} {path} {body}: {found[1]}")
    return found[1]


class PayingServer:
    def __init__(self, name, sandbox, *options):
        self.wallet = Wallet(name)
        self.sandbox = sandbox
        self.wallet.run("init", "--asset", "EUR", "--psp", "sandbox")
        keys = file_of(name + "_keys", "sandbox sandbox\n")
        secrets = file_of(name + "_secrets", f"old {SECRET}\n")
        for path in (keys, secrets):
            os.chmod(path, 0o600)
        self.server = Server(self.wallet, "--plain", "--anonymous", "--psp",
                             f"sandbox=http://{sandbox.address}", "--psp-keys", keys,
                             "--psp-private", "--webhook-in", f"sandbox=standard:{secrets}",
                             "--webhook-private", *options)
        self.server.log = os.path.join(SCRATCH, name + ".log")
        self.account = new_id()

    def __enter__(self):
        self.server.start()
        want(201, self.server, "POST", "/v1/accounts",
             {"id": self.account, "asset": "EUR", "kind": "liability"})
        self.sandbox.call("POST", "/webhooks",
                          {"url": f"http://{self.server.address}/v1/webhooks/sandbox",
                           "scheme": "standard", "secret": SECRET})
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.server.stop()
        elif self.server.process.poll() is None:
            self.server.kill()

    def send_events_to(self, url):
        want(201, self.server, "POST", "/v1/webhook-endpoints",
             {"id": new_id(), "url": url, "filters": ["payment.*"]})

    def pay_in(self, method="card_ok", headers=None, **more):
        payment = new_id()
        body = {"id": payment, "kind": "pay_in", "amount": "10.00", "asset": "EUR",
                "wallet": self.account, "method": method, "psp": "sandbox", **more}
        status, answer, about = call(self.server, "POST", "/v1/payments", body, headers)
        equal(status, 201, f"the payment: {answer}")
        return payment, about

    def until_state(self, payment, *states):
        return until(lambda: (state := want(200, self.server, "GET", f"/v1/payments/{payment}")
                              ["state"]) in states and state, f"{payment} comes to {states}")

    def page(self):
        return call(self.server, "GET", "/metrics")[1]

    def metric(self, name):
        """The value of a sample by its name with labels; 0: there is none."""
        return sample(self.page(), name) or 0.0
