"""Goal: a replica that follows a lane answers a read itself when its caller allows an age, never
older than that, and never otherwise; one that was paused, or lost its database, does not answer
from what it knew before.

Method: two replicas; accounts that are credited in steps while their balances are read through the
follower with and without an age: whatever was acknowledged that long before a read began must be
in it. The follower is paused over some credits, with reads that came meanwhile; then the database
is stopped, and the follower is asked until it has nothing that is young enough.
"""
import http.client
import json
import signal
import time

from ha_harness import START_S, Cluster, cents, check, equal, new_id, wait_for

BANK, SHOP = new_id(), new_id()
JSON = {"Content-Type": "application/json"}
STALE_MS_MAX = 10000  # of a follower, whatever is allowed
AGES_MS = (20, 60, 100, 200, 1000)


def send(replica, method, path, body=None, headers=None):
    connection = replica.connection()
    try:
        connection.request(method, path, None if body is None else json.dumps(body),
                           {**JSON, **(headers or {})})
        return taken(connection)
    finally:
        connection.close()


def taken(connection):
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, headers, answer.read()


def answered(replica, method, path, body=None, headers=None):
    """As send(), but again while nobody may answer: a lease that was renewed late covers nothing."""
    return wait_for(f"{path} to be answered", lambda: (
        found := send(replica, method, path, body, headers))[0] != 503 and found)


def credit(replica, amount=1):
    status, _, body = answered(replica, "POST", "/v1/transfers",
                               {"id": new_id(), "debit": BANK, "credit": SHOP, "asset": "EUR",
                                "amount": f"{amount}.00"})
    check(status in (200, 201), f"a credit: {body[:300]}")
    return json.loads(body)["position"]


def balance(body):
    return cents(json.loads(body)["balance"]["net"]) // 100


def ask(replica, query, headers=None):
    return send(replica, "GET", f"/v1/accounts/{SHOP}{query}", None, headers)


def ask_until(replica, query, headers=None):
    return answered(replica, "GET", f"/v1/accounts/{SHOP}{query}", None, headers)


def followed(replica, query, wanted=None):
    """An answer of the follower's own; with a balance, one that has it."""
    def look():
        found = ask(replica, query)
        return is_followed(found[1]) and wanted in (None, balance(found[2])) and found
    return wait_for("the follower to answer", look)


def is_followed(headers):
    return "tpw-cached-age-ms" in headers


def begin(cluster):
    owner = cluster.by_name(cluster.wait_owner())
    follower = next(one for one in cluster.replicas if one is not owner)
    status, _, body = send(owner, "POST", "/v1/accounts",
                           [{"id": BANK, "asset": "EUR", "kind": "asset"},
                            {"id": SHOP, "asset": "EUR", "kind": "liability"}])
    equal(status, 200, f"accounts: {body[:300]}")
    return owner, follower


def only_what_is_allowed(owner, follower):
    credit(owner, 5)
    counts = [follower.counted(name) for name in ("tpwallet_followed_reads_total",
                                                 "tpwallet_forwarded_total")]
    status, headers, body = ask_until(follower, "")
    equal((status, balance(body), is_followed(headers)), (200, 5, False), "an exact read")
    _, headers, body = followed(follower, "?max_stale_ms=9000", 5)
    check(int(headers["tpw-cached-age-ms"]) < 9000, f"its age: {headers}")
    equal(json.loads(body)["as_of"], headers["tpw-cached-position"], "as of when it is")
    exact = json.loads(ask_until(owner, "?max_stale_ms=9000")[2])
    found = json.loads(body)
    exact.pop("as_of"), found.pop("as_of")
    equal(found, exact, "what the follower and the owner say of the account")
    equal(is_followed(ask(owner, "?max_stale_ms=9000")[1]), False, "the owner's is exact")
    status, headers, _ = ask_until(follower, "?max_stale_ms=0")
    equal((status, is_followed(headers)), (200, False), "no age at all is the owner's to answer")
    now = [follower.counted(name) for name in ("tpwallet_followed_reads_total",
                                              "tpwallet_forwarded_total")]
    check(now[0] > counts[0] and now[1] >= counts[1] + 2, f"who answered: {counts}, {now}")


def what_is_not_there_the_owner_says(owner, follower):
    account = new_id()
    status, _, body = answered(owner, "POST", "/v1/accounts",
                               {"id": account, "asset": "EUR", "kind": "asset"})
    check(status in (200, 201), f"an account: {body[:300]}")
    status, _, _ = answered(follower, "GET", f"/v1/accounts/{account}?max_stale_ms=9000")
    equal(status, 200, "an account that is newer than what the follower has read")
    status, _, _ = answered(follower, "GET", f"/v1/accounts/{new_id()}?max_stale_ms=9000")
    equal(status, 404, "an account that is nowhere")


def reads_of_own_writes(owner, follower):
    """With the position of a write: its effect is in the answer, whoever gives it."""
    count = 0
    for turn in range(100):
        before = balance(ask_until(owner, "")[2])
        position = credit(owner if turn % 2 else follower)
        query = f"?max_stale_ms=9000&min_position={position}"
        headers = {}
        if turn % 3 == 0:
            query, headers = "?max_stale_ms=9000", {"TPW-Min-Position": position}
        status, told, body = ask_until(follower, query, headers)
        equal((status, balance(body)), (200, before + 1), f"a read of {position}, {query}: {told} {body}")
        count += is_followed(told)
        if turn % 4 == 0:
            time.sleep(0.06)
            count += is_followed(ask(follower, query, headers)[1])
    print(f"{count} of 125 reads of own writes were the follower's")
    wait_for("one to be the follower's", lambda: is_followed(ask(follower, query, headers)[1]))


def ages_hold(owner, follower):
    """What was acknowledged an age before a read began is in it."""
    for age_ms in AGES_MS:
        known = []  # (when it was acknowledged, the balance then)
        until = time.monotonic() + 1.5
        count = 0
        while time.monotonic() < until or (count == 0 and age_ms == AGES_MS[-1]):
            check(time.monotonic() < until + START_S, f"none was the follower's, with {age_ms} ms")
            credit(owner)
            known.append((time.monotonic(), balance(ask_until(owner, "")[2])))
            began = time.monotonic()
            status, headers, body = ask(follower, f"?max_stale_ms={age_ms}")
            check(status in (200, 503), f"{status} {body[:300]}")
            if status == 503:
                continue  # a lease that was renewed late covers no answer for that moment
            least = [total for at, total in known if at < began - age_ms / 1000]
            check(not least or balance(body) >= least[-1],
                  f"{balance(body)} is older than {age_ms} ms: {least[-1:]}")
            if is_followed(headers):
                count += 1
                check(int(headers["tpw-cached-age-ms"]) <= age_ms, f"{headers} of {age_ms}")
        print(f"max_stale_ms={age_ms}: {count} of {len(known)} reads were the follower's")


def a_paused_follower_wakes_up(owner, follower):
    for age_ms in (500, 1500):
        follower.pause()
        late = [follower.connection() for _ in range(20)]
        for connection in late:
            connection.request("GET", f"/v1/accounts/{SHOP}?max_stale_ms={age_ms}")
        for _ in range(10):
            credit(owner)
        least = balance(ask_until(owner, "")[2])
        time.sleep(age_ms / 1000 + 0.3)
        follower.wake()
        for connection in late:
            status, headers, body = taken(connection)
            check(status in (200, 503), f"{status} {body[:300]}")
            check(status == 503 or balance(body) == least,
                  f"it woke up and said {balance(body)}, not {least}: {headers}")
            connection.close()


def without_its_database_it_grows_old(cluster, owner, follower):
    """It says so, and stops at what was allowed, and at its own bound."""
    followed(follower, "?max_stale_ms=200")
    began = time.monotonic()  # what it knew then was no older than `first`
    first = int(followed(follower, "?max_stale_ms=3000")[1]["tpw-cached-age-ms"])
    cluster.server.kill(signal.SIGINT)
    gone = time.monotonic()
    ages = [first]
    while True:
        asked = time.monotonic()
        status, headers, body = ask(follower, "?max_stale_ms=3000")
        if not is_followed(headers):
            break
        ages.append(int(headers["tpw-cached-age-ms"]))
        check((asked - gone) * 1000 - 1 <= ages[-1] <= 3000,
              f"its age {asked - gone:.3f} s after the database's end: {ages[-20:]}")
    oldest = first + (time.monotonic() - began) * 1000
    check(status == 503 and oldest > 3000, f"{status} when it was {oldest:.0f} ms old at most, "
          f"{ages[-1:]}: {headers} {body[:200]}")
    print(f"without the database: {len(ages)} answers, the last one {ages[-1]} ms old")
    time.sleep(max(0.0, gone + 3.2 - time.monotonic()))
    for query in ("?max_stale_ms=3000", ""):
        status, headers, body = ask(follower, query)
        equal((status, is_followed(headers)), (503, False), f"too old: {body[:200]}")
    status, headers, _ = ask(follower, "?max_stale_ms=1000000")
    check(status == 503 or is_followed(headers), "an age that is allowed")
    time.sleep(max(0.0, gone + STALE_MS_MAX / 1000 + 0.5 - time.monotonic()))
    status, headers, body = ask(follower, "?max_stale_ms=1000000")
    equal((status, is_followed(headers)), (503, False), f"older than a follower may: {body[:200]}")
    cluster.server.start()
    wait_for("an owner to answer", lambda: ask(follower, "")[0] == 200)
    wait_for("a follower to answer again",
             lambda: any(is_followed(ask(one, "?max_stale_ms=3000")[1])
                         for one in cluster.replicas))


def main():
    with Cluster(2) as cluster:
        owner, follower = begin(cluster)
        only_what_is_allowed(owner, follower)
        what_is_not_there_the_owner_says(owner, follower)
        reads_of_own_writes(owner, follower)
        ages_hold(owner, follower)
        a_paused_follower_wakes_up(owner, follower)
        without_its_database_it_grows_old(cluster, owner, follower)


if __name__ == "__main__":
    try:
        main()
    except http.client.HTTPException as fault:
        check(False, f"{fault!r}")
