"""Goal: exported traces, key lists and schedules become the records that they say, in each of their
forms; what is wrong with a row is counted, what is wrong with a file is told, and nothing is guessed.

Method: files of every form beside the records that come of them; then broken, truncated, mixed and
huge ones. Traces as a real collector and a real Jaeger write them: tests/otel/trace_test.py.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
# pylint: disable=wrong-import-position
from cli_harness import LIMIT, NOT_FOUND, SCRATCH, USAGE, Wallet, check, equal, file_of

KEY = os.path.join(SCRATCH, "anna.key")
WALLET = Wallet("wallet")
PAN = "4111111111111111"
GIB = 1 << 30


def collect(option, path, code=0, more=()):
    case = os.path.join(SCRATCH, f"case-{collect.count}")
    collect.count += 1
    result = WALLET.run("doctor", "collect", case, "--key", KEY, "--incident", "7F3A", option, path,
                        *more, code=code)
    collect.said = result.out
    if code != 0:
        check(not os.path.exists(case), "nothing of it is kept")
        return result.err, None
    folder = os.path.join(case, "evidence")
    rows = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
    with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
        (source,) = json.load(file)["sources"]
    equal(WALLET.run("doctor", "diagnose", case, "--json", code=None).json()["sources"][0]["rejected"],
          source["rejected"], "lines that the doctor rejects, too")
    return rows, source


collect.count = 0


def span(number, **more):
    return {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "op",
            "startTimeUnixNano": str(1796000000000000000 + number),
            "endTimeUnixNano": str(1796000000000000000 + number + 5), **more}


def otlp(*spans):
    return {"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "pay"}}]},
        "scopeSpans": [{"spans": list(spans)}]}]}


def traces():
    consumer = span(3, kind=5, parentSpanId=f"{1:016x}", attributes=[
        {"key": "messaging.destination.name", "value": {"stringValue": "events"}},
        {"key": "db.statement", "value": {"stringValue": "SELECT secret"}},
        {"key": "psp.reference", "value": {"stringValue": PAN}}], droppedAttributesCount=4)
    text = "\n".join([json.dumps(otlp(span(1), span(2))), "{broken", json.dumps({"x": 1}),
                      json.dumps(otlp(consumer, {"name": "no ids"}))])
    rows, source = collect("--traces", file_of("otlp", text))
    equal([row["span"] for row in rows], [f"{n:016x}" for n in (1, 2, 3)], "spans")
    equal((rows[2]["edge"], rows[2]["parent"], rows[2]["duration_ns"], rows[2]["service"],
           rows[2]["psp_ref"]),
          ("events>pay", f"{1:016x}", 5, "pay", "411111******1111"), "a consumer's span")
    check("SELECT" not in json.dumps(rows), "no statement of a database")
    equal((source["rejected"], source["coverage"][0]["loss"]), (3, "unknown"), "what was not read")
    pretty, _ = collect("--traces", file_of("pretty", json.dumps([otlp(span(1), span(2)),
                                                                   otlp(consumer)], indent=2)))
    equal(pretty, rows, "the same in one document of several lines")
    jaeger = {"data": [{"traceID": "t", "spans": [
        {"traceID": "t", "spanID": "s", "operationName": "op", "startTime": 1796000000000000,
         "duration": 5, "processID": "p1", "references": [], "tags": []}],
        "processes": {"p1": {"serviceName": "pay", "tags": []}}}]}
    rows, _ = collect("--traces", file_of("jaeger", json.dumps(jaeger)))
    equal([(row["trace"], row["ts"], row["duration_ns"], row["service"]) for row in rows],
          [("t", "2026-11-30T00:53:20.000000000Z", 5000, "pay")], "Jaeger's")


def keys():
    wanted = [
        {"kind": "key_event", "ts": "2026-11-23T00:00:00Z", "kid": "k1", "op": "retire",
         "use": "sign"},
        {"kind": "key_use", "ts": "2026-11-23T01:00:00+01:00", "kid": "k1", "op": "sign",
         "result": "ok", "origin": "10.0.0.7, rack 3"},
        {"kind": "cert", "endpoint": "api:443", "role": "leaf", "served": True},
    ]
    text = ("kind,ts,kid,op,use,result,origin,endpoint,role,served\r\n"
            ",2026-11-23T00:00:00Z,k1,retire,sign,,,,,\r\n"
            'key_use,2026-11-23T01:00:00+01:00,k1,sign,,ok,"10.0.0.7, rack 3",,,\r\n'
            "cert,,,,,,,api:443,leaf,true\r\n"
            ",yesterday,k1,retire,,,,,,\r\n"  # no time
            ",2026-11-23T00:00:00Z,k1,burn,,,,,,\r\n"  # no such act
            ",2026-11-23T00:00:00Z,,retire,,,,,,\r\n"  # whose?
            "job,2026-11-23T00:00:00Z,k1,retire,,,,,,\r\n"  # no kind of a key list
            "cert,,,,,,,api:443,leaf,yes\r\n"
            ",2026-11-23T00:00:00Z,k1,retire,,ok,,,,\r\n"  # a result is of a use
            ",2026-11-23T00:00:00Z,k1\r\n")
    rows, source = collect("--key-list", file_of("keys.csv", text))
    equal((rows, source["rejected"]), (wanted, 7), "a key list as CSV")
    check("7 lines could not be read; the first is line 5: " in collect.said, collect.said)
    bad = [{"kid": "k", "ts": "2026-11-23T00:00:00Z", "op": "retire", "x": 1}, {"kid": {"a": 1}}, 7]
    rows, source = collect("--key-list", file_of("keys.ndjson", "\n".join(
        json.dumps(row) for row in wanted + bad)))
    equal((rows, source["rejected"]), (wanted, 3), "as JSON on lines")
    rows, source = collect("--key-list", file_of("keys.json", json.dumps(wanted + bad, indent=1)))
    equal((rows, source["rejected"]), (wanted, 3), "as a JSON array")
    check("the first: a field that its kind does not have" in collect.said, collect.said)


def schedules():
    text = ("ts,job,op,run,local_time,epoch\n2026-11-23T00:00:00Z,payout,start,r1,2026-11-23T01:00,7\n"
            "2026-11-23T00:00:00Z,payout,start,r2,,seven\n")
    rows, source = collect("--schedule", file_of("jobs.csv", text))
    equal((rows, source["rejected"]),
          ([{"kind": "job", "ts": "2026-11-23T00:00:00Z", "job": "payout", "op": "start",
             "run": "r1", "local_time": "2026-11-23T01:00", "epoch": "7"}], 1), "a schedule")
    rows, _ = collect("--schedule", file_of("leases", json.dumps(
        {"kind": "lease", "ts": "2026-11-23T00:00:00Z", "lease": "lane-0", "holder": "a",
         "epoch": 3})))
    equal((rows[0]["kind"], rows[0]["epoch"]), ("lease", "3"), "a lease")


def covered(source):
    return {row["kind"]: (row["from"][:19], row["to"][:19], row["loss"]) for row in source["coverage"]}


def no_more_than_there_is():
    """A list covers its kinds from its first row to its last, or as is said of it."""
    rows = [{"kind": "lease", "ts": f"2026-11-23T0{hour}:00:00Z", "lease": "l", "holder": "a"}
            for hour in (3, 1, 2)]
    path = file_of("leases", "".join(json.dumps(row) + "\n" for row in rows))
    equal(covered(collect("--schedule", path)[1]),
          {"lease": ("2026-11-23T01:00:00", "2026-11-23T03:00:00", "none")}, "what it has, and no more")
    said = ("--from", "2026-11-22T00:00:00Z", "--to", "2026-11-24T00:00:00Z")
    equal(covered(collect("--schedule", path, more=said)[1]),
          {"lease": ("2026-11-22T00:00:00", "2026-11-24T00:00:00", "none")}, "as is said of it")
    equal(covered(collect("--key-list", file_of("none.csv", "ts,kid,op\n"), more=said)[1])
          ["key_event"][2], "unknown", "a list without a row")
    certs = file_of("certs", json.dumps({"kind": "cert", "endpoint": "api:443", "role": "leaf"}))
    equal(covered(collect("--key-list", certs)[1])["cert"][2], "unknown", "rows without a time")
    equal(covered(collect("--key-list", certs, more=said)[1]),
          {"cert": ("2026-11-22T00:00:00", "2026-11-24T00:00:00", "none")}, "of which that is said")


def what_is_wrong_is_told():
    for option, text, code, said in (
            ("--traces", "", 0, None),
            ("--traces", "garbage", USAGE, "is no JSON"),
            ("--traces", json.dumps(otlp(span(1)), indent=1)[:-5], USAGE, "ends too early"),
            ("--traces", '{"resourceLogs":[]}', USAGE, "neither resourceSpans"),
            ("--traces", "[" * 5000, USAGE, "nested too deep"),
            ("--key-list", "", USAGE, "no header"),
            ("--key-list", "kid,shoe\n", USAGE, "column 2 of --key-list, 'shoe'"),
            ("--key-list", 'ts,kid,op\n"open', USAGE, "line 2"),
            ("--schedule", "ts,kid\n", USAGE, "column 2 of --schedule, 'kid'"),
            ("--schedule", '{"ts":', USAGE, "ends too early")):
        err, _ = collect(option, file_of("wrong", text), code)
        check(said is None or said in err, f"{option} {text[:40]!r}: {err}")
    collect("--traces", os.path.join(SCRATCH, "none"), NOT_FOUND)
    collect("--schedule", os.path.join(SCRATCH, "none"), NOT_FOUND)


def huge_lines():
    path = file_of("huge", "")
    os.truncate(path, GIB)  # one line
    err, _ = collect("--traces", path, LIMIT)
    check("huge" in err, err)
    with open(path, "r+b") as file:
        file.write(json.dumps(otlp(span(1))).encode() + b"\n")
    rows, source = collect("--traces", path)
    equal((len(rows), source["rejected"]), (1, 1), "a span, and a line of a GiB")
    _, source = collect("--log", path)
    equal(source["rejected"], 2, "no line of a log")


def main():
    WALLET.run("doctor", "key", KEY, "--name", "anna")
    traces()
    keys()
    schedules()
    no_more_than_there_is()
    what_is_wrong_is_told()
    huge_lines()


if __name__ == "__main__":
    main()
