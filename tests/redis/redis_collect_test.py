"""Goal: what is collected of a cache is what it holds: values, versions, times to live, and what the
server says of itself; our own cache is understood, and of others what a map leads to. A balance that
a cache kept too long is named as the cause of what readers were shown.

Method: a real redis-server and a real memcached. Ours is filled by reads of a real server. Beside
it a naive wallet keeps balances in hashes and forgets to throw one away; that and our ledger are
diagnosed. Expired, huge and foreign values, keys that nobody lists, wrong passwords, patterns and
maps, and servers that are gone come after.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))

from redis_harness import START_S, Redis, die_with_parent, free_port  # noqa: E402

from cli_harness import (DENIED, NOT_FOUND, REFUSED, SCRATCH, UNAVAILABLE, USAGE,  # noqa: E402
                         Server, Wallet, check, equal, file_of)

PASSWORD = "geheim-9f2c"
PAN = "4111111111111111"
KEY = os.path.join(SCRATCH, "anna.key")
STALE_S = 5.5  # an answer may be this much behind


def records(case, number=1):
    name = next(n for n in sorted(os.listdir(os.path.join(case, "evidence")))
                if n.startswith(f"{number:02d}-"))
    with open(os.path.join(case, "evidence", name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def source(case, number=1):
    with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
        return json.load(file)["sources"][number - 1]


def by_key(rows):
    return {row["key"]: row for row in rows if row["kind"] == "cache"}


def collect(wallet, name, *words, code=0):
    case = os.path.join(SCRATCH, name)
    wallet.run("doctor", "collect", case, "--key", KEY, "--incident", "7F3A", *words, code=code)
    return case


class Memcached:
    def __init__(self, *options):
        if shutil.which("memcached") is None:
            print("SKIPPED: no memcached (tools/setup.sh --for test)", file=sys.stderr)
            raise SystemExit(77)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.options = options

    def __enter__(self):
        self.process = subprocess.Popen(
            ["memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(self.port), "-U", "0",
             *self.options], preexec_fn=die_with_parent)
        until = time.monotonic() + START_S
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=10)
                return self
            except OSError:
                check(time.monotonic() < until, "memcached does not start")
                time.sleep(0.05)

    def __exit__(self, *_):
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def set(self, key, value, ttl_s=0):
        self.socket.sendall(f"set {key} 0 {ttl_s} {len(value)}\r\n".encode() + value + b"\r\n")
        equal(self.socket.recv(100), b"STORED\r\n", f"setting {key}")

    def cas(self, key):
        self.socket.sendall(f"mg {key} c\r\n".encode())
        return self.socket.recv(100).split()[1][1:].decode()


def transfer(wallet, accounts, amount):
    return wallet.json("transfer", "create", "--debit", accounts[0], "--credit", accounts[1],
                       "--asset", "EUR", "--amount", f"{amount / 100:.2f}")


MAP = """
account = key.1
amount = value.cents
ccy = value.ccy
ver = value.version
"""


def naive_wallet(wallet, redis):
    """Balances in hashes; the newest write to one forgets to throw it away."""
    accounts = [wallet.json("account", "create", "--kind", "liability")["id"] for _ in range(3)]
    held = {account: [0, 0] for account in accounts}
    for number in range(6):
        pair = accounts[number % 2:number % 2 + 2]
        transfer(wallet, pair, 100 + number)
        for account, sign in zip(pair, (-1, 1)):
            held[account][0] += sign * (100 + number)
            held[account][1] += 1
            if not (number == 5 and account == pair[1]):  # the fault
                redis.cli("HSET", f"balance:{account}", "cents", str(held[account][0]), "version",
                          str(held[account][1]), "ccy", "EUR")
    redis.cli("EXPIRE", f"balance:{accounts[0]}", "500")
    return accounts, held


def ours_is_understood(wallet, redis, password):
    accounts = [wallet.json("account", "create", "--kind", "liability")["id"] for _ in range(2)]
    server = Server(wallet, "--plain", "--anonymous", "--redis", redis.url, "--redis-password",
                    password).start()
    try:
        transfer(wallet, accounts, 1234)
        until = time.monotonic() + START_S
        while len(redis.cli("--scan", "--pattern", "tpwallet:0:*:a:*").split()) < 2:
            check(time.monotonic() < until, "reads fill the cache")
            for account in accounts:
                connection = server.connection()
                connection.request("GET", f"/v1/accounts/{account}?max_stale_ms=60000")
                connection.getresponse().read()
        # of a generation that nobody looks at any more
        key = redis.cli("--scan", "--pattern", "tpwallet:0:*:a:*").split()[0]
        old = key.split(":")
        redis.cli("COPY", key, ":".join(old[:2] + ["0" * 16] + old[3:]))
        for size in (4095, 4096, 4098):  # of a cache whose name is longer than any
            redis.cli("COPY", key, ":".join(["tpwallet:".ljust(size, "x")] + old[2:]))
        head = wallet.head()
        case = collect(wallet, "ours", "--redis", redis.url, "--redis-password", password)
    finally:
        server.stop()
    rows = records(case)
    reads = {row["account"]: row for row in rows if row["kind"] == "read"}
    equal(len([row for row in rows if row["kind"] == "read"]), 2, "values of this generation only")
    equal({account: (row["amount"], row["ccy"], row["served_by"], row["client"])
           for account, row in reads.items()},
          {accounts[0]: ("-1234", "EUR", "cache", "tpwallet-doctor"),
           accounts[1]: ("1234", "EUR", "cache", "tpwallet-doctor")}, "what our cache shows")
    check(all(row["lsn"] <= head for row in reads.values()), "as of which batch")
    check(all(0 < row["ttl_ns"] <= 300 * 10**9 for row in by_key(rows).values()
              if "account" in row), "times to live")
    equal(source(case)["rejected"], 0, "all is understood")


def stale_balance_is_found(wallet, redis, password, accounts, held):
    redis.cli("HSET", "balance:other", "cents", "1.5", "ccy", "XXX")
    redis.cli("SET", "balance:text", json.dumps({"cents": 7, "ccy": "EUR", "version": 1}))
    redis.cli("SET", f"balance:{PAN}", "x")
    redis.cli("SADD", "balance:set", "x")
    redis.cli("PEXPIRE", "balance:other", str(2**53))
    redis.cli("EVAL", "redis.call('SET','balance:big',string.rep('x',1048577))", "0")
    redis.cli("EVAL", "for i=1,65 do redis.call('HSET','balance:wide',i,i) end", "0")
    case = collect(wallet, "case", "--ours")
    collect(wallet, "case", "--redis", redis.url, "--redis-password", password, "--keys",
            "balance:*", "--cache-map", file_of("cache.map", MAP))
    rows = records(case, 3)
    values = by_key(rows)
    equal(len(values), 9, "keys of the pattern")
    stale = accounts[2]
    for account in accounts:
        row = values[f"balance:{account}"]
        equal((row["op"], row["account"], row["ccy"]), ("get", account, "EUR"), "a value")
        if account != stale:
            equal((row["amount"], row["ver"]), (str(held[account][0]), held[account][1]),
                  "what it holds")
    check(int(values[f"balance:{stale}"]["ver"]) == held[stale][1] - 1, "the stale one")
    check(0 < values[f"balance:{accounts[0]}"]["ttl_ns"] <= 500 * 10**9, "its time to live")
    check("ttl_ns" not in values[f"balance:{stale}"], "and none")
    equal(values["balance:other"]["ttl_ns"], 2**63 - 1, "one that is longer than can be said")
    equal((values["balance:text"]["amount"], values["balance:text"]["ver"]), ("7", 1), "JSON")
    check("amount" not in values["balance:other"], "half a cent is no amount")
    for name in ("set", "big", "wide"):
        check("amount" not in values[f"balance:{name}"], f"a value that is not read: {name}")
    check("balance:411111******1111" in values, "a card number in a key")
    settings = {row["name"]: row["value"] for row in rows if row["kind"] == "config"}
    equal((settings["redis.maxmemory_policy"], settings["redis.role"]), ("noeviction", "master"),
          "what the server says")
    coverage = source(case, 3)["coverage"][0]
    check(coverage["loss"] == "none" and coverage["from"] > "2026", f"an instant: {coverage}")
    answer = wallet.run("doctor", "diagnose", case, "--json", code=None).json()
    causes = {cause["fault"]: cause for cause in answer["causes"]}
    equal(set(causes), {"C01"}, f"the cause: {json.dumps(answer)[:3000]}")
    equal([row["account"] for row in causes["C01"]["affected"]], [stale], "whose balance it is")
    check(causes["C01"]["label"] in ("CONFIRMED", "PROBABLE"), f"its label: {causes['C01']}")


def memcached_is_read(wallet):
    with Memcached() as cache:
        for number in range(300):
            cache.set(f"balance:w{number}", json.dumps(
                {"cents": number, "ccy": "EUR", "version": 1}).encode(), 500 if number else 0)
        cache.set("balance:big", b"x" * 1000000)
        cache.set("session:x", b"secret")
        cache.set("balance:a%b", b'{"cents":1')
        words = ("--keys", "balance:*", "--cache-map",
                 file_of("cas.map", MAP + "tx = header.cas\n"))
        case = collect(wallet, "memcached", "--memcached", cache.address, *words)
        values = by_key(records(case))
        equal(len(values), 302, "keys of the pattern")
        row = values["balance:w17"]
        equal((row["account"], row["amount"], row["ver"], row["tx"]),
              ("w17", "17", 1, cache.cas("balance:w17")), "a value")
        check(490 * 10**9 < row["ttl_ns"] <= 500 * 10**9, f"its time to live: {row}")
        check("ttl_ns" not in values["balance:w0"], "and none")
        check("amount" not in values["balance:a%b"], "a value that is cut off")
        equal(source(case)["coverage"][0]["loss"], "none", "all keys were looked at")
        names = {row["name"] for row in records(case) if row["kind"] == "config"}
        check({"memcached.evictions", "memcached.curr_items"} <= names, f"statistics: {names}")
    with Memcached("-o", "no_lru_crawler") as cache:
        cache.set("balance:w1", b'{"cents":5,"ccy":"EUR"}')
        collect(wallet, "listless", "--memcached", cache.address, *words, code=DENIED)
        keys = file_of("known.keys", "balance:w1\nbalance:none\n")
        case = collect(wallet, "listed", "--memcached", cache.address, "--keys-file", keys, *words)
        equal([row["amount"] for row in records(case) if row["kind"] == "cache"], ["5"],
              "a key that was named")
        equal(source(case)["coverage"][0]["loss"], "unknown", "other keys were not looked at")
        collect(wallet, "blank", "--memcached", cache.address, "--keys-file",
                file_of("blank.keys", "a b\n"), code=USAGE)


def what_is_wrong_is_told(wallet, redis, password):
    wrong = file_of("wrong-password", "nein\n")
    os.chmod(wrong, 0o600)
    collect(wallet, "wrong", "--redis", redis.url, code=DENIED)
    collect(wallet, "wrong", "--redis", redis.url, "--redis-password", wrong, code=DENIED)
    collect(wallet, "wrong", "--redis", "127.0.0.1:1", code=USAGE)
    collect(wallet, "wrong", "--redis", redis.url, "--redis-password", password, "--cache-map",
            file_of("wrong.map", "balance = value.x\n"), code=USAGE)
    collect(wallet, "wrong", "--memcached", "here", code=USAGE)
    address = f"127.0.0.1:{free_port()}"
    collect(wallet, "wrong", "--memcached", address, code=UNAVAILABLE)
    collect(wallet, "wrong", "--redis", f"redis://{address}/0", code=UNAVAILABLE)
    collect(wallet, "wrong", "--memcached", f"127.0.0.1:{redis.port}", code=None)
    check(not os.path.exists(os.path.join(SCRATCH, "wrong")), "nothing of it is kept")


def a_server_is_not_let_in(wallet, redis):
    """It says so at once, and goes on without the cache."""
    server = Server(wallet, "--plain", "--anonymous", "--redis", redis.url, "--redis-password",
                    os.path.join(SCRATCH, "wrong-password")).start()
    try:
        until = time.monotonic() + START_S
        while "does not take us" not in server.tail():
            check(time.monotonic() < until, f"it says why: {server.tail()}")
            time.sleep(0.05)
        check("cache.unavailable" in server.tail(), f"by its name: {server.tail()}")
        found = wallet.run("cache", "check", "--redis", redis.url, "--redis-password",
                           os.path.join(SCRATCH, "wrong-password"), code=UNAVAILABLE)
        check("cache.unavailable" in found.err, f"where to look: {found!r}")
    finally:
        server.stop()


def main():
    wallet = Wallet("wallet")
    wallet.run("init", "--asset", "EUR")
    wallet.run("doctor", "key", KEY, "--name", "anna")
    password = file_of("password", PASSWORD + "\n")
    os.chmod(password, 0o600)
    with Redis(PASSWORD) as redis:
        accounts, held = naive_wallet(wallet, redis)
        began = time.monotonic()
        ours_is_understood(wallet, redis, password)
        memcached_is_read(wallet)
        what_is_wrong_is_told(wallet, redis, password)
        a_server_is_not_let_in(wallet, redis)
        time.sleep(max(0, STALE_S - (time.monotonic() - began)))  # until it is too old
        stale_balance_is_found(wallet, redis, password, accounts, held)


if __name__ == "__main__":
    main()
