"""Goal: the rules of deploy/prometheus are sound, and each alert fires when it should and is silent
when it should.

Method: promtool checks the files; for each alert promtool runs the rules over made-up series, once
with what must wake somebody and once with what must not, and asks whether the alert is firing. An
alert without both cases fails. Skipped without promtool (tools/setup.sh --for test).
"""
import glob
import json
import os
import shutil
import subprocess
import sys

SOURCE = os.environ["TPWALLET_SOURCE"]
SCRATCH = os.environ["SCRATCH"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
# pylint: disable=wrong-import-position
import yaml  # noqa: E402
from cli_harness import check, equal, skip  # noqa: E402

RULES = sorted(glob.glob(os.path.join(SOURCE, "deploy", "prometheus", "*.yml")))
LONG = 380  # minutes: more than the longest short window; a ratio over three days needs no more
AT = '{job="tpwallet",instance="a"}'


def order(answer, rate):
    return (f'tpwallet_psp_calls_total{{job="tpwallet",psp="p",call="order",answer="{answer}"}}', rate)


def requests(status, rate):
    return (f'tpwallet_http_requests_total{{job="tpwallet",operation="x",status="{status}"}}', rate)


def latency(fast, rate):
    name = "tpwallet_http_request_duration_seconds_"
    labels = 'job="tpwallet",operation="payments_create"'
    return [(f'{name}bucket{{{labels},le="0.25"}}', fast), (f'{name}count{{{labels}}}', rate)]


def deliveries(result, rate):
    return (f'tpwallet_webhook_deliveries_total{{job="tpwallet",result="{result}"}}', rate)


def transits(result, rate):
    return (f'tpwallet_transits_total{{job="tpwallet",lane="1",result="{result}"}}', rate)


def grows(each, minutes=LONG + 60):
    return f"0+{each}x{minutes}"


def spike(each, after):
    """Errors for an hour and a half, and then none, while a long window still sees them."""
    return f"0+{each}x90 {each * 90}+0x{after}"


def slo(name, bad, good, over):
    """(alert, firing series, silent series, minutes): the three alerts of an objective."""
    return [(f"Tpwallet{name}BurnFast", bad, over, 125), (f"Tpwallet{name}BurnSlow", bad, good, LONG),
            (f"Tpwallet{name}BurnBudget", bad, good, LONG)]


def gauge(alert, metric, firing, silent, minutes=5, labels=""):
    full = f'{metric}{{job="tpwallet",instance="a"{labels}}}'
    return (alert, [(full, f"{firing}x10000")], [(full, f"{silent}x10000")], minutes)


def counter(alert, metric, minutes=30, labels="", each=3):
    full = f'{metric}{{job="tpwallet",instance="a"{labels}}}'
    return (alert, [(full, grows(each, 200))], [(full, "7x200")], minutes)


def role(numbers):
    return [(f'tpwallet_replica_role{{job="tpwallet",instance="{index}"}}', f"{number}x100")
            for index, number in enumerate(numbers)]


def not_accepting(*roles):
    """A replica of two lanes that takes nothing for either."""
    return [(f'{name}{{job="tpwallet",instance="a",lane="{lane}"}}', values)
            for lane, role_of_it in enumerate(roles)
            for name, values in (("tpwallet_accepting", "0x100"),
                                 ("tpwallet_index_rebuilding", "0x100"),
                                 ("tpwallet_replica_role", role_of_it))]


CASES = [
    *slo("Payments", [order("unknown", grows(50)), order("done", grows(950))],
         [order("unknown", grows(0)), order("declined", grows(300)), order("done", grows(700))],
         [order("unknown", spike(50, 100)), order("done", grows(950))]),
    *slo("Requests", [requests(503, grows(50)), requests(201, grows(950))],
         [requests(422, grows(500)), requests(201, grows(500))],
         [requests(503, spike(50, 100)), requests(201, grows(950))]),
    *slo("Latency", latency(grows(700), grows(1000)), latency(grows(999), grows(1000)),
         latency("0+700x90 63000+1000x100", grows(1000))),
    *slo("Webhooks", [deliveries("failed", grows(80)), deliveries("delivered", grows(20))],
         [deliveries("failed", grows(1)), deliveries("delivered", grows(99))],
         [deliveries("failed", spike(90, 100)), deliveries("delivered", grows(10))]),
    ("TpwalletDown", [("up" + AT, "0x100")], [("up" + AT, "1x100")], 5),
    gauge("TpwalletDamaged", "tpwallet_damaged", 1, 0),
    gauge("TpwalletFenced", "tpwallet_fenced", 1, 0),
    gauge("TpwalletDiskFull", "tpwallet_disk_full", 1, 0),
    ("TpwalletNotAccepting",
     [("tpwallet_accepting" + AT, "0x100"), ("tpwallet_index_rebuilding" + AT, "0x100")],
     [("tpwallet_accepting" + AT, "0x100"), ("tpwallet_index_rebuilding" + AT, "1x100")], 10),
    ("TpwalletNotAccepting",
     not_accepting("0x100", "0x100"), not_accepting("1x100", "1x100"), 10),
    ("TpwalletNotAccepting",  # the role of each lane is its own
     not_accepting("1x100", "0x100"), not_accepting("1x100", "1x100"), 10),
    gauge("TpwalletIndexRebuilding", "tpwallet_index_rebuilding", 1, 0, 15),
    gauge("TpwalletExpiryPaused", "tpwallet_expiry_paused", 1, 0),
    counter("TpwalletCommitFailures", "tpwallet_commit_failures_total"),
    gauge("TpwalletLogRefused", "tpwallet_log_refused", 1, 0),
    ("TpwalletLogBehind",
     [("tpwallet_log_leaves" + AT, "5000x100"), ("tpwallet_log_shown_leaves" + AT, "100x100")],
     [("tpwallet_log_leaves" + AT, "5000x100"), ("tpwallet_log_shown_leaves" + AT, "4990x100")], 15),
    counter("TpwalletLogLinesLost", "tpwallet_log_lines_lost_total"),
    counter("TpwalletSpansDropped", "tpwallet_trace_spans_total", labels=',result="dropped"'),
    gauge("TpwalletInDoubtOld", "tpwallet_payments_oldest_seconds", 901, 899, labels=',state="in_doubt"'),
    gauge("TpwalletManualWaits", "tpwallet_payments_oldest_seconds", 14401, 14399,
          labels=',state="manual"'),
    gauge("TpwalletPaymentPlaces", "tpwallet_payments_open", 786433, 786432, 10,
          labels=',lane="1",state="pending"'),
    ("TpwalletTransitsUnanswered",
     [transits("unreachable", grows(12, 100))],
     [transits("unreachable", grows(5, 100)), transits("settled", grows(900, 100))], 30),
    gauge("TpwalletTransitsStuck", "tpwallet_transits_stuck", 1, 0, labels=',lane="1"'),
    gauge("TpwalletPspBreakerOpen", "tpwallet_psp_breaker_state", 1, 0, labels=',psp="p",state="open"'),
    ("TpwalletWebhooksRejected",
     [('tpwallet_webhooks_received_total{job="tpwallet",result="rejected"}', grows(60, 200)),
      ('tpwallet_webhooks_received_total{job="tpwallet",result="done"}', grows(40, 200))],
     [('tpwallet_webhooks_received_total{job="tpwallet",result="rejected"}', grows(40, 200)),
      ('tpwallet_webhooks_received_total{job="tpwallet",result="done"}', grows(60, 200))], 60),
    counter("TpwalletWebhookDeadLetters", "tpwallet_webhook_deliveries_total", labels=',result="dead"'),
    counter("TpwalletWebhookEndpointDisabled", "tpwallet_webhook_endpoints_disabled_total"),
    gauge("TpwalletCertificateEndsSoon", "tpwallet_certificate_end_timestamp_seconds", 13 * 86400,
          15 * 86400, 70),
    gauge("TpwalletCertificateEnds", "tpwallet_certificate_end_timestamp_seconds", 86400, 3 * 86400, 10),
    ("TpwalletNoOwner", role([1, 0, 1]), role([1, 2, 1]), 5),
    ("TpwalletTwoOwners", role([2, 2, 1]), role([1, 2, 1]), 5),
    counter("TpwalletLeaseLost", "tpwallet_lease_losses_total"),
    gauge("TpwalletReplicaClockOff", "tpwallet_replica_clock_off", 1, 0),
    gauge("TpwalletReplicaNameShared", "tpwallet_replica_name_shared", 1, 0),
    gauge("TpwalletReplicaBehind", "tpwallet_replica_lag_batches", 1001, 1000, 10),
    gauge("TpwalletOutboxOld", "tpwallet_bus_outbox_age_seconds", 61, 59),
    gauge("TpwalletBusStopped", "tpwallet_bus_stopped", 1, 0),
    gauge("TpwalletCacheBreakerOpen", "tpwallet_cache_breaker_open", 1, 0, 10),
    gauge("TpwalletConsumerBehind", "tpwallet_bus_consumer_lag_seconds", 301, 300, 12,
          labels=',group="g"'),
    gauge("TpwalletConsumerLoses", "tpwallet_bus_consumer_lost_records", 1, 0, labels=',group="g"'),
    gauge("TpwalletConsumerUnknown", "tpwallet_bus_consumer_answer_age_seconds", 301, 300,
          labels=',group="g"'),
    gauge("TpwalletProjectionBehind", "tpwallet_projection_lag_seconds", 61, 59, 10),
    gauge("TpwalletProjectionStopped", "tpwallet_projection_stopped", 1, 0),
]


def promtool(*words):
    return subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)


def alerts(paths):
    found = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for group in yaml.safe_load(file).get("groups", []):
                found += [rule["alert"] for rule in group["rules"] if "alert" in rule]
    return found


def test_of(alert, series, minutes, fires):
    wanted = [{"labels": "{}", "value": 1}] if fires else []
    return {
        "interval": "1m", "name": f"{alert} {'fires' if fires else 'is silent'}",
        "input_series": [{"series": name, "values": values} for name, values in series],
        "promql_expr_test": [{
            "expr": f'count(count by (alertname) (ALERTS{{alertname="{alert}",alertstate="firing"}}))',
            "eval_time": f"{minutes}m", "exp_samples": wanted}]}


def run_cases(rules, cases):
    tests = []
    for alert, firing, silent, minutes in cases:
        tests += [test_of(alert, firing, minutes, True), test_of(alert, silent, minutes, False)]
    path = os.path.join(SCRATCH, "tests.yml")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"rule_files": rules, "evaluation_interval": "1m", "tests": tests}, file)
    return promtool("test", "rules", path)


def a_changed_threshold_is_noticed(rules):
    """The test of the test."""
    broken = os.path.join(SCRATCH, "broken.yml")
    with open(os.path.join(SOURCE, "deploy", "prometheus", "states.yml"), encoding="utf-8") as file:
        text = file.read()
    check("> 900" in text, "the threshold to be broken")
    with open(broken, "w", encoding="utf-8") as file:
        file.write(text.replace("> 900", "> 90000"))
    case = [case for case in CASES if case[0] == "TpwalletInDoubtOld"]
    check(run_cases([broken], case).returncode != 0, "a changed threshold fails")
    check(run_cases(rules, case).returncode == 0, "and the right one passes")


def main():
    if shutil.which("promtool") is None:
        skip("no promtool: tools/setup.sh --for test")
    rules = [path for path in RULES if os.path.basename(path) != "prometheus.yml"]
    checked = promtool("check", "rules", *rules)
    check(checked.returncode == 0, f"promtool check rules: {checked.stdout}{checked.stderr}")
    names = alerts(RULES)
    equal(len(names), len(set(names)), "each alert has a name of its own")
    equal({case[0] for case in CASES}, set(names), "the alerts, and those with cases")
    for path in rules: # each alone: all rules of a file run in each of its cases
        known = alerts([path])
        done = run_cases([path], [case for case in CASES if case[0] in known])
        check(done.returncode == 0, f"promtool: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    a_changed_threshold_is_noticed(rules)
    with open(os.path.join(SOURCE, "docs", "observability.md"), encoding="utf-8") as file:
        book = file.read()
    for path in rules:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if "runbook:" in line:
                    anchor = line.strip().split("#")[1]
                    check(f'<a id="{anchor}"></a>' in book, f"docs/observability.md has #{anchor}")
    print(f"{len(names)} alerts, each seen firing and silent")


main()
