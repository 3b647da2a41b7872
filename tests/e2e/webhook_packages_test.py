"""Goal: webhooks that we sign verify with the packages `standardwebhooks` and `svix` of npm, and
what they sign verifies with us; what is changed on the way verifies with neither.

Method: both packages, at pinned versions, are installed into the scratch folder; a script of node
signs or verifies, `tpwallet webhook sign` and `verify` are the other side. Bodies are awkward on
purpose. Ed25519 (v1a), which neither package speaks, is compared with node's own crypto.
"""
import json
import os
import shutil
import subprocess
import sys

from cli_harness import DONE, REFUSED, SCRATCH, TPWALLET, check, equal

SKIPPED = 77
PACKAGES = ["standardwebhooks@1.1.1", "svix@1.99.1"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
SEED = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
PUBLIC = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

SCRIPT = r"""
const { readFileSync } = require("fs");
const crypto = require("crypto");
const [verb, packageName, secret, id, timestamp, bodyFile, headersFile] = process.argv.slice(2);
const body = readFileSync(bodyFile);
if (packageName === "node") { // Ed25519: the package's scheme, by node's own crypto
  const prefix = { sign: "302e020100300506032b657004220420", verify: "302a300506032b6570032100" };
  const key = Buffer.concat([Buffer.from(prefix[verb], "hex"),
                             Buffer.from(secret.split("_")[1], "base64")]);
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  if (verb === "sign") {
    const seed = crypto.createPrivateKey({ key, format: "der", type: "pkcs8" });
    console.log("v1a," + crypto.sign(null, signed, seed).toString("base64"));
  } else {
    const headers = JSON.parse(readFileSync(headersFile));
    const signature = Buffer.from(headers["webhook-signature"].split(",")[1], "base64");
    const pub = crypto.createPublicKey({ key, format: "der", type: "spki" });
    process.exit(crypto.verify(null, signed, pub, signature) ? 0 : 1);
  }
} else {
  const { Webhook } = require(packageName);
  const webhook = new Webhook(secret);
  if (verb === "sign") {
    console.log(webhook.sign(id, new Date(Number(timestamp) * 1000), body.toString("utf8")));
  } else {
    try {
      webhook.verify(body, JSON.parse(readFileSync(headersFile)));
    } catch (error) {
      if (error.name === "SyntaxError") process.exit(0); // verified; a body that is no JSON
      console.error(String(error));
      process.exit(1);
    }
  }
}
"""

BODIES = {
    "plain": b'{"type":"payment.succeeded","data":{"amount":"12.50"}}',
    "unicode": '{"name":"Grüße, 世界 🌍"}'.encode(),
    "newline": b'{\n  "a": 1\n}\n',
    "crlf": b'{\r\n"a":1}\r\n',
    "dots": b'{"a":"1.2.3"}',
    "empty_object": b"{}",
}


def skip(why):
    print(f"SKIPPED: {why}: the packages' side was NOT tested", file=sys.stderr)
    raise SystemExit(SKIPPED)


def path(name, content):
    where = os.path.join(SCRATCH, name)
    with open(where, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(where, 0o600)
    return where


def install():
    if shutil.which("node") is None or shutil.which("npm") is None:
        skip("there is no node or npm")
    path("package.json", "{}")
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                           "--fetch-retries=1", "--fetch-timeout=20000", *PACKAGES],
                          cwd=SCRATCH, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        skip(f"npm install failed: {done.stderr.strip()[-300:]}")
    path("peer.js", SCRIPT)


def node(*words):
    return subprocess.run(["node", "peer.js", *words], cwd=SCRATCH, capture_output=True, text=True,
                          check=False, timeout=60)


def tpwallet(*words):
    return subprocess.run([TPWALLET, "webhook", *words], cwd=SCRATCH, capture_output=True,
                          text=True, check=False, timeout=60)


def now():
    """The time of the machine, as both sides see it: what `webhook sign` writes."""
    return our_headers("plain", "first " + SECRET)["webhook-timestamp"]


def our_headers(body, secrets, *more):
    done = tpwallet("sign", path("body", BODIES[body]), "--secrets", path("secrets", secrets),
                    "--id", "msg_p5jXN8AQM9LWM0D4loKWxJek", *more)
    equal(done.returncode, DONE, f"webhook sign: {done.stderr}")
    return dict(line.split(": ", 1) for line in done.stdout.strip().split("\n"))


def they_verify_what_we_sign(package, body):
    headers = our_headers(body, f"first {SECRET}\n")
    done = node("verify", package, SECRET, "-", "0", "body", path("headers.json",
                                                                  json.dumps(headers)))
    equal(done.returncode, 0, f"{package} verifies {body}: {done.stderr}")
    path("body", BODIES[body] + b" ")
    done = node("verify", package, SECRET, "-", "0", "body", "headers.json")
    equal(done.returncode, 1, f"{package} refuses a changed body")


def they_verify_during_rotation(package):
    headers = our_headers("plain", f"new {NEW_SECRET}\nold {SECRET}\npair {SEED}\n")
    equal(len(headers["webhook-signature"].split(" ")), 3, "one signature for each secret")
    path("headers.json", json.dumps(headers))
    for secret in (SECRET, NEW_SECRET):
        done = node("verify", package, secret, "-", "0", "body", "headers.json")
        equal(done.returncode, 0, f"{package} finds its own: {done.stderr}")


def verify(body, signature, timestamp, secrets, message_id="msg_1"):
    headers = f"webhook-id: {message_id}\nWebhook-Timestamp: {timestamp}\n" \
              f"webhook-signature: {signature}\n"
    done = tpwallet("verify", path("body", body), "--secrets", path("secrets", secrets),
                    "--headers", path("headers", headers), "--json")
    check(done.returncode in (DONE, REFUSED), f"webhook verify: {done.stderr}")
    verdict = json.loads(done.stdout)
    equal(verdict["verified"], done.returncode == DONE, "the exit code says the same")
    return verdict


def we_verify_what_they_sign(package, body):
    timestamp = now()
    path("body", BODIES[body])
    done = node("sign", package, SECRET, "msg_1", timestamp, "body")
    equal(done.returncode, 0, f"{package} signs: {done.stderr}")
    signature = done.stdout.strip()
    verdict = verify(BODIES[body], signature, timestamp, f"first {SECRET}\n")
    equal(verdict["reason"], "verified", f"{package}, {body}")
    verdict = verify(BODIES[body] + b"\n", signature, timestamp, f"first {SECRET}\n")
    equal((verdict["reason"], verdict["body_form"]), ("body_changed", "newline_cut"), package)
    late = str(int(timestamp) - 3600)
    path("body", BODIES[body])
    done = node("sign", package, SECRET, "msg_1", late, "body")
    verdict = verify(BODIES[body], done.stdout.strip(), late, f"first {SECRET}\n")
    equal(verdict["reason"], "timestamp_old", package)
    check(3590 <= -verdict["ahead_s"] <= 3700, f"an hour: {verdict}")
    verdict = verify(BODIES[body], done.stdout.strip(), late,
                     f"first {SECRET} 2000-01-01T00:00:00Z 2001-01-01T00:00:00Z\n")
    equal((verdict["reason"], verdict["secret"]), ("timestamp_old", "first"), "the cause is time")


def ed25519_agrees_with_node():
    timestamp = now()
    path("body", BODIES["unicode"])
    done = node("sign", "node", SEED, "msg_1", timestamp, "body")
    equal(done.returncode, 0, f"node signs: {done.stderr}")
    verdict = verify(BODIES["unicode"], done.stdout.strip(), timestamp, f"public {PUBLIC}\n")
    equal(verdict["reason"], "verified", "what node signs with Ed25519")
    headers = our_headers("unicode", f"pair {SEED}\n")
    words = ("verify", "node", PUBLIC, headers["webhook-id"], headers["webhook-timestamp"], "body",
             path("headers.json", json.dumps(headers)))
    equal(node(*words).returncode, 0, "node verifies what we sign with Ed25519")
    path("body", BODIES["plain"])
    equal(node(*words).returncode, 1, "and no other body")


def main():
    install()
    for package in ("standardwebhooks", "svix"):
        for body in BODIES:
            they_verify_what_we_sign(package, body)
            we_verify_what_they_sign(package, body)
        they_verify_during_rotation(package)
    ed25519_agrees_with_node()


if __name__ == "__main__":
    main()
