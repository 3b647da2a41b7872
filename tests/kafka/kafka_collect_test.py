"""Goal: what is collected of Kafka is what its own tools say: records by partition and offset, how
far groups are and were, what was put aside; and a group that was taken back is named as the cause of
what it did twice.

Method: a real broker. A naive consumer, Kafka's own with a group, whose every record becomes a
transfer of our ledger without asking whether it was one before; between two runs the group's offsets
are reset by Kafka's own tool. Then everything is collected and diagnosed. Windows, offsets, deleted
records, broken settings and brokers that are gone come after.
"""
import hashlib
import json
import os
import sys
import time

from kafka_harness import Cluster, tool
from outbox_harness import check, equal, ledger

from cli_harness import NOT_FOUND, SCRATCH, UNAVAILABLE, USAGE, file_of

TOPIC = "pay"
RECORDS = 12
PAN = "4111111111111111"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def kafka(cluster, name, *words, **more):
    done = tool(f"org.apache.kafka.tools.{name}", ["--bootstrap-server", cluster.bootstrap, *words],
                **more)
    check(done.returncode == 0, f"{name} {words}: {done.stdout} {done.stderr[-500:]}")
    return done.stdout


def produce(cluster, topic, lines):
    """Lines of (headers, key, value)."""
    path = file_of("lines", "".join("\t".join(line) + "\n" for line in lines))
    with open(path, encoding="utf-8") as file:
        kafka(cluster, "ConsoleProducer", "--topic", topic, "--reader-property", "parse.key=true",
              "--reader-property", "parse.headers=true", stdin=file)


def value(number):
    return json.dumps({"event_id": f"e{number}", "account": f"w{number}", "amount": 100 + number,
                       "currency": "EUR", "note": f"card {PAN}"})


def consume(cluster, count):
    """So many records of the group, by Kafka's own consumer: [(partition, offset, value)]."""
    out = kafka(cluster, "consumer.ConsoleConsumer", "--topic", TOPIC, "--group", "apply",
                "--from-beginning", "--max-messages", str(count), "--timeout-ms", "120000",
                "--formatter-property", "print.offset=true",
                "--formatter-property", "print.partition=true")
    rows = []
    for line in out.splitlines():
        if line.startswith("Partition:"):
            partition, offset, text = line.split("\t", 2)
            rows.append((int(partition.split(":")[1]), int(offset.split(":")[1]), json.loads(text)))
    equal(len(rows), count, "records that the group got")
    return rows


def now():
    ns = time.time_ns()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


def apply(wallet, accounts, rows, log):
    """The naive consumer: an effect for each record, whatever was before."""
    for partition, offset, body in rows:
        done = wallet.json("transfer", "create", "--debit", accounts[0], "--credit", accounts[1],
                           "--asset", "EUR", "--amount", f"{body['amount'] / 100:.2f}")
        log.write(json.dumps({"ts": now(), "group": "apply", "topic": TOPIC, "partition": partition,
                              "offset": offset, "event_id": body["event_id"], "tx": done["id"],
                              "result": "effect"}) + "\n")


def records(case, number):
    name = next(n for n in sorted(os.listdir(os.path.join(case, "evidence")))
                if n.startswith(f"{number:02d}-"))
    with open(os.path.join(case, "evidence", name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def manifest(case):
    with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
        return json.load(file)["sources"]


class Case:
    def __init__(self, wallet, cluster, name, *window):
        self.wallet, self.cluster = wallet, cluster
        self.path = os.path.join(SCRATCH, name)
        self.base = ["doctor", "collect", self.path, "--key", KEY]
        self.window = ["--incident", "7F3A", *window]

    def collect(self, *words, code=0):
        return self.wallet.run(*self.base, *self.window, *words, code=code)

    def kafka(self, *words, code=0, topic=TOPIC):
        return self.collect("--kafka", self.cluster.bootstrap, "--topic", topic, *words, code=code)


def the_fault(cluster, wallet, accounts):
    with open(os.path.join(SCRATCH, "consumer.log"), "w", encoding="utf-8") as log:
        first = consume(cluster, RECORDS)
        apply(wallet, accounts, first, log)
        kafka(cluster, "consumer.group.ConsumerGroupCommand", "--group", "apply", "--topic", TOPIC,
              "--reset-offsets", "--to-offset", "1", "--execute")
        again = consume(cluster, RECORDS - 2)
        apply(wallet, accounts, again, log)
    return first, again


def topic_is_as_it_was_written(case, first):
    rows = records(case.path, 3)
    equal(sorted((row["part"], row["pos"]) for row in rows), sorted(row[:2] for row in first),
          "partitions and offsets")
    for row in rows:
        number = int(row["event"][1:])
        equal(row["value_hash"], hashlib.sha256(value(number).encode()).hexdigest(), "a value's hash")
        equal((row["kind"], row["topic"], row["key"], row["idem"], row["trace"], row["account"],
               row["amount"], row["ccy"]),
              ("message", TOPIC, f"k{number}", f"i{number}", TRACE, f"w{number}",
               str(100 + number), "EUR"), "a record")
    source = manifest(case.path)[2]
    equal([(entry["part"], entry["pos_lo"], entry["pos_hi"], entry["loss"], entry["n_lost"])
           for entry in source["coverage"]],
          [(f"{TOPIC}/{part}", 0, max(row[1] for row in first if row[0] == part), "none", 0)
           for part in (0, 1)], "the coverage of each partition")


def groups_are_as_they_were(cluster, case, again):
    rows = records(case.path, 4)
    described = kafka(cluster, "consumer.group.ConsumerGroupCommand", "--group", "apply",
                      "--describe")
    for row in rows:
        if row["op"] == "position" and "part" in row:
            wanted = [word for line in described.splitlines() for word in [line.split()]
                      if word[:3] == ["apply", TOPIC, str(row["part"])]][0]
            equal((str(row["committed"]), str(row["log_end"])), tuple(wanted[3:5]),
                  "where Kafka's own tool sees the group")
    resets = {row["part"]: row["committed"] for row in rows if row["op"] == "reset"}
    equal(resets, {0: 1, 1: 1}, "the reset, and to where")
    for part in (0, 1):
        commits = [row for row in rows if row["op"] == "commit" and row["part"] == part]
        equal(commits[-1]["committed"], 1 + max(row[1] for row in again if row[0] == part),
              "the newest commit")
    check([row for row in rows if row["op"] == "rebalance" and row["state"] == "Stable"],
          "generations")
    equal(manifest(case.path)[3]["coverage"][0]["loss"], "none", "all commits are there")


def diagnosed(case, again):
    answer = case.wallet.run("doctor", "diagnose", case.path, "--json", code=None).json()
    equal((answer["verdict"], {cause["fault"] for cause in answer["causes"]}),
          ("explained", {"B03"}), "the cause")
    equal({cause["label"] for cause in answer["causes"]}, {"PROBABLE"},
          "its label, as nobody has asked the PSP")
    equal(answer["money"][0]["over"], str(sum(row[2]["amount"] for row in again)),
          "the money that was moved twice")


def dead_letters(cluster, wallet):
    produce(cluster, "pay-dlt", [
        ("kafka_dlt-original-topic:pay,original-partition:1,original-offset:3,error:no account",
         "k", value(3)),
        ("x:y", "k", value(4))])
    kafka(cluster, "ConsoleProducer", "--topic", "pay-dlt", input="garbage\n")
    case = Case(wallet, cluster, "dead")
    case.kafka("--dead-letters", "pay-dlt", "--group", "apply")
    rows = records(case.path, 3)
    equal({row["kind"] for row in rows}, {"dead_letter"}, "what was put aside")
    equal([(row["topic"], row["part"], row["pos"]) for row in rows],
          [("pay", 1, 3), ("pay-dlt", 0, 1), ("pay-dlt", 0, 2)], "where letters come from")
    equal((rows[0]["error"], rows[0]["event"]), ("no account", "e3"), "a letter")


def windows(cluster, wallet, moment):
    ranged = Case(wallet, cluster, "ranged")
    ranged.kafka("--offsets", "1-2")
    equal({row["pos"] for row in records(ranged.path, 1)}, {1, 2}, "offsets")
    ranged.kafka("--offsets", "2-1", code=USAGE)
    ranged.kafka("--offsets", "x", code=USAGE)
    later = Case(wallet, cluster, "later", "--from", moment)
    later.kafka()
    equal(records(later.path, 1), [], "records of a window that begins later")
    before = Case(wallet, cluster, "before", "--to", moment)
    before.kafka()
    equal(len(records(before.path, 1)), RECORDS, "records of a window that ended")


def deleted_records_are_no_coverage(cluster, wallet):
    path = file_of("delete.json", json.dumps({"version": 1, "partitions": [
        {"topic": TOPIC, "partition": 0, "offset": 2}]}))
    kafka(cluster, "DeleteRecordsCommand", "--offset-json-file", path)
    case = Case(wallet, cluster, "deleted")
    case.kafka()
    coverage = manifest(case.path)[0]["coverage"]
    first = min((row for row in records(case.path, 1) if row["part"] == 0),
                key=lambda row: row["pos"])
    equal((coverage[0]["pos_lo"], coverage[0]["from"]), (2, first["ts"]), "coverage begins later")


def what_is_wrong_is_told(cluster, wallet):
    case = Case(wallet, cluster, "wrong")
    case.kafka(topic="none", code=NOT_FOUND)
    case.collect("--kafka", cluster.bootstrap, code=USAGE)
    case.kafka("--value-map", file_of("wrong.map", "account = body.x\n"), code=USAGE)
    case.kafka("--kafka-settings", os.path.join(SCRATCH, "none"), code=NOT_FOUND)
    cluster.stop()
    case.kafka(code=UNAVAILABLE)
    check(not os.path.exists(case.path), "nothing of it is kept")


KEY = os.path.join(SCRATCH, "anna.key")


def main():
    with Cluster(1) as cluster:
        wallet, accounts = ledger("wallet")
        wallet.run("doctor", "key", KEY, "--name", "anna")
        for topic, partitions in ((TOPIC, 2), ("pay-dlt", 1)):
            kafka(cluster, "TopicCommand", "--create", "--topic", topic, "--partitions",
                  str(partitions))
        produce(cluster, TOPIC, [
            (f"traceparent:00-{TRACE}-00f067aa0ba902b7-01,idempotency-key:i{n}", f"k{n}", value(n))
            for n in range(RECORDS)])
        moment = now()
        first, again = the_fault(cluster, wallet, accounts)
        case = Case(wallet, cluster, "case")
        case.collect("--ours")
        case.kafka("--group", "apply")
        topic_is_as_it_was_written(case, first)
        groups_are_as_they_were(cluster, case, again)
        case.collect("--log", os.path.join(SCRATCH, "consumer.log"), "--system", "consumer")
        equal(len(records(case.path, 5)), 2 * RECORDS - 2, "what the consumer did")
        diagnosed(case, again)
        dead_letters(cluster, wallet)
        check(PAN.encode() not in b"".join(
            open(os.path.join(case.path, "evidence", name), "rb").read()
            for name in os.listdir(os.path.join(case.path, "evidence"))), "no card number")
        windows(cluster, wallet, moment)
        deleted_records_are_no_coverage(cluster, wallet)
        what_is_wrong_is_told(cluster, wallet)


if __name__ == "__main__":
    sys.exit(main())
