"""Goal: what is raised is watched although nothing else is: a payment, a user, a route, for a bounded
time and number of traces; `--trace-sample` watches about so many; what is raised at a server without
a collector is kept for one that has it, through any end of the server.

Method: a server that samples nothing, straight to a real Jaeger; payments before, during and after
each raise, by the command line. Then one that samples a quarter, and one that gets its collector
later. Skipped without a Go new enough.
"""
from otel_harness import Jaeger, check, equal, until
from cli_harness import NOT_FOUND, USAGE, Server, Wallet, new_id
from paying_server import PayingServer, call, want
from sandbox_harness import Sandbox

REQUESTS = 400


def traces_of(jaeger, payment):
    return jaeger.find(**{"tpwallet.payment.id": payment})


def settled(bench, payment):
    bench.until_state(payment, "succeeded")
    return payment


def marked(jaeger, bench):
    """Passes when all that was made before is at the collector: a caller who samples comes last."""
    trace = new_id().replace("-", "")
    call(bench.server, "GET", "/v1/payments", headers={"traceparent": f"00-{trace}-{'1' * 16}-01"})
    until(lambda: jaeger.trace(trace), "the marked trace")


def a_payment(jaeger, bench):
    quiet = settled(bench, bench.pay_in()[0])
    payment = settled(bench, bench.pay_in()[0])
    raised = bench.wallet.json("trace", "raise", "--payment", payment, "--for", "15m")
    equal((raised["payment"], raised["traces"], raised["collector"]), (payment, 1000, True), f"{raised}")
    listed = bench.wallet.json("trace", "list")["items"]
    equal([(item["id"], item["traces_left"]) for item in listed], [(raised["id"], 1000)], "listed")
    want(200, bench.server, "GET", f"/v1/payments/{payment}")
    want(200, bench.server, "GET", f"/v1/payments/{quiet}")
    marked(jaeger, bench)
    until(lambda: jaeger.find(**{"url.path": f"/v1/payments/{payment}"}), "it is watched")
    equal(jaeger.find(**{"url.path": f"/v1/payments/{quiet}"}), [], "the other one is not")
    equal(bench.metric("tpwallet_trace_raises"), 1, "counted")
    bench.wallet.run("trace", "lower", raised["id"])
    bench.wallet.run("trace", "lower", raised["id"], code=NOT_FOUND)
    equal(bench.wallet.json("trace", "list")["items"], [], "none is left")
    acts = bench.wallet.json("audit", "list")["items"]
    told = [(act["act"], act["actor"]) for act in acts if act.get("id") == raised["id"]]
    equal([act for act in told if act[0] != "trace_lower"], [("trace_raise", "local")], "who raised it")
    equal(("trace_lower", "local") in told, True, "who lowered it")


def a_user(jaeger, bench):
    user = new_id()
    bench.wallet.run("trace", "raise", "--user", user, "--for", "1h")
    payment = settled(bench, bench.pay_in(user_ref=user)[0])
    (trace,) = until(lambda: traces_of(jaeger, payment), "the user's payment")
    names = {"POST /v1/payments", "commit", "psp order"}
    until(lambda: names <= {span["operationName"] for span in jaeger.trace(trace).values()},
          "with the PSP's call, long after the request")
    other = settled(bench, bench.pay_in()[0])
    marked(jaeger, bench)
    equal(traces_of(jaeger, other), [], "another user's payment is not watched")


def a_route_for_three_traces(jaeger, bench):
    bench.wallet.run("trace", "raise", "--route", "payments_create", "--for", "900s", "--traces", "3")
    payments = [bench.pay_in()[0] for _ in range(6)]
    marked(jaeger, bench)
    until(lambda: sum(len(traces_of(jaeger, payment)) for payment in payments) == 3, "three of six")
    items = bench.wallet.json("trace", "list")["items"]
    equal([item["traces_left"] for item in items if "route" in item], [0], "it has ended by itself")


def nonsense(bench):
    for words in (("--for", "1h"), ("--route", "nothing"), ("--payment", new_id(), "--for", "2d"),
                  ("--payment", new_id(), "--route", "payments_create")):
        bench.wallet.run("trace", "raise", *words, code=USAGE)


def a_quarter(jaeger, sandbox):
    with PayingServer("quarter", sandbox, "--otlp", jaeger.url, "--trace-sample", "1/4") as bench:
        connection = bench.server.connection()
        for _ in range(REQUESTS):
            connection.request("GET", "/v1/rates")
            connection.getresponse().read()
        connection.close()
    # stopped: all is sent, and Jaeger takes it in
    found = until(lambda: (count := len(jaeger.find(**{"http.route": "/v1/rates"}))) > REQUESTS / 8
                  and count, f"about a quarter of {REQUESTS}")
    check(REQUESTS / 8 < found < REQUESTS * 3 / 8, f"about a quarter of {REQUESTS}: {found}")


def kept_for_a_collector(jaeger):
    wallet = Wallet("blind")
    wallet.run("init", "--asset", "EUR")
    server = Server(wallet, "--plain", "--anonymous").start()
    told = wallet.run("trace", "raise", "--route", "assets_list", "--reason", "ops-7")
    check("without --otlp" in told.out and "kept in the journal until" in told.out, f"what is missing: {told!r}")
    server.kill()
    listed = wallet.json("trace", "list")  # without a server
    equal([item["route"] for item in listed["items"]], ["assets_list"], "after the server's end")
    equal(listed["collector"], False, "nobody sends spans")
    server = Server(wallet, "--plain", "--anonymous", "--otlp", jaeger.url, "--trace-sample", "0/1")
    server.start()
    want(200, server, "GET", "/v1/assets")
    want(200, server, "GET", "/v1/rates")
    until(lambda: jaeger.find(**{"http.route": "/v1/assets"}), "what was raised before is watched")
    equal(jaeger.find(**{"http.route": "/v1/rates"}), [], "and nothing else")
    (act,) = wallet.json("audit", "list", "--act", "trace_raise")["items"]
    equal((act["actor"], act["reason"], act["route"]), ("local", "ops-7", "assets_list"), f"{act}")
    server.stop()


def ratios_that_are_none(bench):
    for ratio in ("3/2", "1", "1/0", "-1/2", "0.1"):
        bench.wallet.run("serve", "--plain", "--anonymous", "--otlp", "http://127.0.0.1:9/v1/traces",
                         "--trace-sample", ratio, code=USAGE)


def main():
    with Jaeger() as jaeger, Sandbox() as sandbox:
        with PayingServer("quiet", sandbox, "--otlp", jaeger.url, "--trace-sample", "0/1") as bench:
            a_payment(jaeger, bench)
            a_user(jaeger, bench)
            a_route_for_three_traces(jaeger, bench)
            nonsense(bench)
        ratios_that_are_none(bench)
        kept_for_a_collector(jaeger)
        a_quarter(jaeger, sandbox)


main()
