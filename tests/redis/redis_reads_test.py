"""Goal: reads from the cache name their position and age, are never older than the client allows
nor before what it has written, and whatever is done to Redis makes them slower, not wrong; by
default reads are exact and do not touch it; `cache check` names what is stale, and `cache rebuild`
begins anew. What somebody else writes there is not believed.

Method: a real redis-server; a writer that moves 1.00 at a time and writes down what was acknowledged
when and where; readers that hold each answer against that. Meanwhile Redis is flushed, killed and
started empty, stopped (SIGSTOP), and made to evict. Then a value is put back to what it was, one is
damaged, and the frontier is set to a batch that was never made; the next server finds the same.
"""
import json
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))

from redis_harness import Redis  # noqa: E402

from cli_harness import SCRATCH, Server, Wallet, check, equal, file_of, new_id, sample  # noqa: E402

PASSWORD = "geheim-9f2c"
STALE_MS = 1500
READERS = 2
HEADERS = {"Content-Type": "application/json"}


class World:
    def __init__(self, server, debit, credit):
        self.server, self.debit, self.credit = server, debit, credit
        self.lock = threading.Lock()
        self.sent = 0
        self.acknowledged = []  # (time, batch), the n-th is of the n-th transfer
        self.stopped = threading.Event()
        self.hits = self.misses = 0
        self.slowest = 0.0
        self.wrong = []

    def write(self):
        connection = self.server.connection()
        while not self.stopped.is_set():
            with self.lock:
                self.sent += 1
            body = {"id": new_id(), "debit": self.debit, "credit": self.credit, "asset": "EUR",
                    "amount": "1.00"}
            connection.request("POST", "/v1/transfers", json.dumps(body), HEADERS)
            answer = connection.getresponse()
            result = json.loads(answer.read())
            if answer.status != 201:
                self.wrong.append(f"a transfer: {answer.status} {result}")
                return
            with self.lock:
                self.acknowledged.append((time.time(), int(result["position"].split("-")[0])))
            time.sleep(0.005)

    def read(self, seed):
        draw = random.Random(seed)
        connection = self.server.connection()
        while not self.stopped.is_set():
            now = time.time()
            with self.lock:
                known = list(self.acknowledged[-2000:])
                total = len(self.acknowledged)
            target = f"/v1/accounts/{self.credit}?max_stale_ms={STALE_MS}"
            own = draw.random() < 0.3 and known
            if own:
                target += f"&min_position={known[-1][1]}"
            began = time.monotonic()
            connection.request("GET", target)
            answer = connection.getresponse()
            body = json.loads(answer.read())
            took = time.monotonic() - began
            if answer.status != 200:
                self.wrong.append(f"{answer.status} {body}")
                return
            self.judge(answer, body, now, known, total, own, took)

    def judge(self, answer, body, now, known, total, own, took):
        count = int(float(body["balance"]["credits_posted"]))
        position = answer.getheader("TPW-Cached-Position")
        old = total - len(known)
        least = old + sum(1 for at, _ in known if at < now - STALE_MS / 1000)
        if own or position is None:  # what it has written, or exact
            least = total
        with self.lock:
            most = self.sent
            self.slowest = max(self.slowest, took)
            if position is None:
                self.misses += 1
            else:
                self.hits += 1
                age = int(answer.getheader("TPW-Cached-Age-Ms"))
                if age > STALE_MS:
                    self.wrong.append(f"older than allowed: {age}")
                at_position = old + sum(1 for _, batch in known if batch <= int(position))
                least = max(least, at_position)
            if not least <= count <= most:
                self.wrong.append(f"{count} is not within {least} and {most}; cached {position}")


def get(server, target):
    connection = server.connection()
    connection.request("GET", target)
    answer = connection.getresponse()
    return answer, json.loads(answer.read())


def hit(server, target):
    """An answer of the cache's, or None."""
    found = get(server, target)
    return found if found[0].getheader("TPW-Cached-Position") else None


def metric(server, name):
    connection = server.connection()
    connection.request("GET", "/metrics")
    return sample(connection.getresponse().read().decode(), name)


def until(condition, what, wait_s=60):
    deadline = time.monotonic() + wait_s
    while not (found := condition()):
        check(time.monotonic() < deadline, f"waited in vain: {what}")
        time.sleep(0.02)
    return found


def during(world, what, action, seconds):
    """Does something to Redis under load; tells what it cost."""
    with world.lock:
        world.slowest = 0.0
        before = (world.hits, world.misses)
    action()
    time.sleep(seconds)  # the load goes on
    with world.lock:
        print(f"{what}: {world.hits - before[0]} hits, {world.misses - before[1]} misses, "
              f"slowest {1000 * world.slowest:.0f} ms")
    check(not world.wrong, f"{what}: {world.wrong[:3]}")


def faults(redis, server, world):
    threads = [threading.Thread(target=world.write)]
    threads += [threading.Thread(target=world.read, args=(i,)) for i in range(READERS)]
    for one in threads:
        one.start()
    try:
        during(world, "healthy", lambda: None, 2)
        until(lambda: world.wrong or world.hits > 50, "hits")
        during(world, "flushed", lambda: redis.cli("FLUSHALL"), 1.5)
        during(world, "killed", redis.kill, 1.5)
        during(world, "started empty", redis.start, 2)
        during(world, "stopped", lambda: redis.signal(signal.SIGSTOP), 2)
        during(world, "going on", lambda: redis.signal(signal.SIGCONT), 2)
        redis.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
        during(world, "evicting", lambda: redis.cli("CONFIG", "SET", "maxmemory", "1"), 2)
        redis.cli("CONFIG", "SET", "maxmemory", "0")
        before = world.hits
        until(lambda: world.wrong or world.hits > before + 50, "hits again")
    finally:
        world.stopped.set()
        for one in threads:
            one.join()
    check(not world.wrong, f"wrong answers: {world.wrong[:3]}")


def headers_and_defaults(server, account):
    target = f"/v1/accounts/{account}"
    until(lambda: metric(server, "tpwallet_cache_followed") == 1, "the cache is followed")
    cached, body = until(lambda: hit(server, target + "?max_stale_ms=5000"), "a hit")
    exact, same = get(server, target)
    equal(exact.getheader("TPW-Cached-Position"), None, "a read by default")
    body.pop("as_of"), same.pop("as_of")
    equal(body, same, "the account in the cache")
    check(int(cached.getheader("TPW-Cached-Age-Ms")) <= 5000, "age")
    answer, _ = get(server, target.replace(account, new_id()) + "?max_stale_ms=5000")
    equal(answer.status, 404, "an account that is not there")
    answer, _ = get(server, target + "?max_stale_ms=soon")
    equal(answer.status, 400, "an age that is none")


def checked_and_rebuilt(wallet, redis, server, world):
    options = ("--redis", redis.url, "--redis-password", password_file())
    until(lambda: metric(server, "tpwallet_cache_lag_batches") == 0, "the cache is up to date")
    until(lambda: hit(server, f"/v1/accounts/{world.credit}?max_stale_ms=5000"), "the account in it")
    good = wallet.json("cache", "check", *options)
    check(good["checked"] > 0 and good["stale"] == 0, f"a check: {good}")
    key = [line for line in redis.cli("KEYS", "tpwallet:0:*:a:*").split()
           if world.credit in line][0]
    redis.cli("COPY", key, "old")
    stop = world.sent
    world.stopped.clear()
    thread = threading.Thread(target=world.write)
    thread.start()
    until(lambda: world.wrong or len(world.acknowledged) > stop + 5, "some more transfers")
    world.stopped.set()
    thread.join()
    check(not world.wrong, f"more transfers: {world.wrong[:3]}")
    until(lambda: metric(server, "tpwallet_cache_lag_batches") == 0, "the cache is up to date")
    equal(wallet.json("cache", "check", *options)["stale"], 0, "stale after transfers")
    redis.cli("COPY", "old", key, "REPLACE")  # as a lost update would leave it
    told = wallet.run("cache", "check", *options, code=1).out
    check(f"stale accounts {world.credit}" in told, f"what is stale is named: {told}")
    check(wallet.json("cache", "rebuild", "--warm", *options)["read"] >= 2, "rebuilt")
    again = wallet.json("cache", "check", *options)
    check(again["checked"] >= 2 and again["stale"] == 0, f"a check after a rebuild: {again}")


def meta_forged(redis):
    redis.cli("HSET", "tpwallet:0:meta", "pos", "000000000000000000019999", "epoch", "0")


def not_believed(redis, server, account):
    target = f"/v1/accounts/{account}?max_stale_ms=5000"
    rejected = metric(server, "tpwallet_cache_rejected_total")
    until(lambda: hit(server, target), "a hit")
    for key in redis.cli("KEYS", "tpwallet:0:*:a:*").split():
        redis.cli("HSET", key, "d", "richer")
    answer, body = get(server, target)
    equal((answer.status, answer.getheader("TPW-Cached-Position")), (200, None), "an exact answer")
    check(metric(server, "tpwallet_cache_rejected_total") > rejected, "it is counted")
    meta_forged(redis)
    until(lambda: hit(server, target), "a hit after that")
    equal(get(server, target)[1]["balance"], body["balance"], "the balance")


def password_file():
    path = file_of("redis-password", PASSWORD + "\n")
    os.chmod(path, 0o600)
    return path


def secrets_stay_secret(wallet, redis):
    done = wallet.run("serve", "--plain", "--anonymous", "--redis",
                      f"redis://x:{PASSWORD}@127.0.0.1:{redis.port}", code=6)
    check("does not belong in the URL" in done.err, f"a password in the URL: {done!r}")
    with open(os.path.join(SCRATCH, "server.log"), encoding="utf-8") as log:
        text = log.read()
    check(PASSWORD not in text, "the password is in the log")
    check(f"127.0.0.1:{redis.port}" not in text, "the URL is in the log")


def lanes_have_caches(redis):
    """An account is cached by its lane's owner, under the lane's number."""
    wallet = Wallet("lanes")
    wallet.run("init", "--lanes", "2")
    accounts = [f"019ab000-0000-8000-8000-00000001000{lane}" for lane in range(2)]
    server = Server(wallet, "--plain", "--anonymous", "--redis", redis.url,
                    "--redis-password", password_file(), "--redis-prefix", "lanes").start()
    try:
        connection = server.connection()
        for account in accounts:
            connection.request("POST", "/v1/accounts",
                               json.dumps({"id": account, "asset": "EUR", "kind": "equity"}), HEADERS)
            answer = connection.getresponse()
            check(answer.status == 201, f"an account: {answer.read()}")
        for lane, account in enumerate(accounts):
            target = f"/v1/accounts/{account}?max_stale_ms=60000"
            answer, body = until(lambda target=target: hit(server, target), f"a hit in lane {lane}")
            equal(body["id"], account, "whose balance it is")
            equal(answer.getheader("TPW-Lane"), str(lane), "which lane says it")
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()


def main():
    wallet = Wallet("wallet")
    wallet.run("init", "--asset", "EUR")
    debit, credit = (wallet.json("account", "create", "--kind", "liability")["id"]
                     for _ in range(2))
    with Redis(PASSWORD) as redis:
        server = Server(wallet, "--plain", "--anonymous", "--redis", redis.url,
                        "--redis-password", password_file()).start()
        try:
            world = World(server, debit, credit)
            headers_and_defaults(server, credit)
            faults(redis, server, world)
            checked_and_rebuilt(wallet, redis, server, world)
            not_believed(redis, server, credit)
            server.stop()
            meta_forged(redis)
            server.start()
            until(lambda: metric(server, "tpwallet_cache_followed") == 1, "followed by the next one")
            server.stop()
        finally:
            if server.process.poll() is None:
                server.kill()
        secrets_stay_secret(wallet, redis)
        lanes_have_caches(redis)


main()
