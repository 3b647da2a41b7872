"""Goal: replicas that run while their database is put back to an earlier state answer nothing more
of what is gone, say so, and after a restart serve what the database says.

Method: two replicas before one PostgreSQL, whose data folder is kept, and put back after more was
paid: once while nobody writes, and once under a client that pays on, whose write finds it out. Then
a restart of the database as it is, which is no reason to stop. Each time balances are asked of both.
"""
import json
import threading
import time

from ha_harness import Cluster, Stalls, check, check_books, equal, new_id, wait_for
from postgres_harness import folder_keep, folder_put_back

BANK, SHOP = new_id(), new_id()
STOPPED_S_MAX = 8  # four leases


def post(replica, path, body):
    connection = replica.connection()
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def transfer(amount):
    return {"id": new_id(), "debit": BANK, "credit": SHOP, "asset": "EUR", "amount": amount}


def pay(replica, amount):
    """Sent until it is answered: a restarted database makes the first one a doubt."""
    body = transfer(amount)
    wait_for("a transfer", lambda: post(replica, "/v1/transfers", body)[0] in (200, 201))


def try_to_pay(replica):
    return post(replica, "/v1/transfers", transfer("9.00"))[0]


def paid(replica):
    status, body = replica.get(f"/v1/accounts/{SHOP}")
    return json.loads(body)["balance"]["net"] if status == 200 else status


def paid_at_last(replica):
    """By a replica that answers, or soon does."""
    return wait_for(f"{replica.name} to answer",
                    lambda: (found := paid(replica)) != 503 and found)


def all_have_read(cluster, batch):
    """What a follower has not read is nothing that it could answer from."""
    wait_for(f"both to be at batch {batch}", lambda: all(row["batch"] >= batch
                                                          for row in cluster.lanes()))


def lines(replica):
    told = [json.loads(line) for line in replica.log().splitlines(True)
            if line.startswith("{") and line.endswith("\n")]
    return [line for line in told if line["event"] == "journal.taken_back"]


def is_told(cluster, times):
    begun = time.monotonic()
    with Stalls() as stalls:
        for replica in cluster.replicas:
            wait_for(f"{replica.name} to find out",
                     lambda replica=replica: len(lines(replica)) == times)
        stalls.check_took(begun, STOPPED_S_MAX, "until all found out")
    for replica in cluster.replicas:
        wait_for(f"{replica.name} to show it", lambda replica=replica:
                 replica.metric("tpwallet_damaged") == 1)
        equal(replica.counted("tpwallet_lease_left_ms"), 0, "the lease is believed no more")
        line = lines(replica)[-1]
        equal(line["level"], "error", "level of the line")
        check(line["head_batch"] < line["known_batch"] and "operating.md" in line["hint"], f"{line}")


def is_refused(cluster):
    answers = {}

    def ask(replica, call):
        answers[replica.name, call.__name__] = call(replica)

    asked = [threading.Thread(target=ask, args=(replica, call)) for replica in cluster.replicas
             for call in (paid, try_to_pay)]  # each is held for a while
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join()
    equal(set(answers.values()), {503}, f"what is answered: {answers}")


def restart(cluster, times):
    for replica in cluster.replicas:
        replica.stop()
    for replica in cluster.replicas:
        replica.start()
    cluster.wait_owner()
    cluster.wait_warm()
    equal([paid_at_last(replica) for replica in cluster.replicas], ["1.00", "1.00"],
          "what was paid, by both")
    for replica in cluster.replicas:
        equal(replica.counted("tpwallet_damaged"), 0, "after the restart")
    equal({len(lines(replica)) for replica in cluster.replicas}, {times}, "times that it was told")


def nobody_writes(cluster):
    for replica in cluster.replicas:
        pay(replica, "5.00")
    equal([paid_at_last(replica) for replica in cluster.replicas], ["11.00", "11.00"],
          "what was paid")
    all_have_read(cluster, 5)
    folder_put_back(cluster.server)
    is_told(cluster, 1)
    is_refused(cluster)
    restart(cluster, 1)


def somebody_writes(cluster):
    going = threading.Event()
    answers = [0]

    def work():
        while not going.is_set():
            answers.append(try_to_pay(cluster.replicas[0]))

    client = threading.Thread(target=work)
    client.start()
    all_have_read(cluster, 20)
    folder_put_back(cluster.server)
    is_told(cluster, 2)
    going.set()
    client.join()
    equal(answers[-1], 503, "status of the last transfer")
    restart(cluster, 2)


def nothing_is_lost(cluster):
    pay(cluster.replicas[1], "4.00")
    cluster.server.restart()
    wait_for("both to answer", lambda: [paid(one) for one in cluster.replicas] == ["5.00", "5.00"])
    equal([len(lines(one)) for one in cluster.replicas], [2, 2], "a restart of the database is told")
    check_books(cluster)


def main():
    with Cluster(2, "--no-log") as cluster:  # a log would tell that too, and `check` with it
        owner = cluster.replicas[0]
        status, body = post(owner, "/v1/accounts",
                            [{"id": BANK, "asset": "EUR", "kind": "asset"},
                             {"id": SHOP, "asset": "EUR", "kind": "liability"}])
        equal(status, 200, f"status of the accounts: {body!r}")
        pay(owner, "1.00")
        folder_keep(cluster.server)
        wait_for("it to answer again", lambda: paid(owner) == "1.00")
        nobody_writes(cluster)
        somebody_writes(cluster)
        nothing_is_lost(cluster)


main()
