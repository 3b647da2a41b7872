"""Goal: a payment whose answer and webhook were lost tells so; a day is settled once however often it
is asked for; the relay of events loses and doubles nothing, whenever it is killed.

Method: a server and a sandbox, faults named for one order; the commands as one types them; the
relay killed (kill -9) again and again while payments are made, its file compared with the journal's
events, and with a torn line of our own making.
"""
import fcntl
import json
import os
import random
import signal
import subprocess

from cli_harness import (CONFLICT, DONE, NOT_FOUND, TPWALLET, USAGE, Wallet, check, equal, new_id,
                         sample)
from payments_harness import (account, all_rest, books_differ, pay_in, paying, rested, scratch,
                              settle)
from sandbox_harness import until

KILLS = 12
SEED = int(os.environ.get("SEED", "1"))


def a_lost_answer_and_a_lost_webhook_are_told(wallet, sandbox, credited):
    payment = new_id()
    named = {"per_mille": 1000, "reference": f"{payment}:1"}
    sandbox.call("PUT", "/faults", {"seed": 1, "faults": [
        {"fault": "timeout_after", "ms": 300, **named}, {"fault": "webhook_lost", **named}]})
    pay_in(wallet, credited, "25.00", "card_ok", id=payment)
    equal(rested(wallet, payment), "succeeded", "the payment, in the end")
    story = until(lambda: (told := wallet.json("story", payment))["gaps"] and told,
                  "a webhook that did not come is missed")
    equal([gap["missing"] for gap in story["gaps"]], ["webhook"], "what is missing")
    equal([unit["state"] for unit in story["units"]], ["pending", "in_doubt", "succeeded"],
          "the states of its units")
    text = wallet.run("story", payment).out
    for line in ("charge (step 1) -> unknown, no HTTP answer",
                 "asked about charge (step 1) -> done, HTTP 200",
                 "25.00 EUR  debit clearing of sandbox, credit wallet",
                 f"MISSING webhook, due by {story['gaps'][0]['due_by']}: "):
        check(line in text, f"'{line}' in the story:\n{text}")
    moved = story["units"][-1]["transfers"][0]
    equal(moved["credit_balance"]["net"],
          wallet.json("balance", credited, "--at", story["units"][-1]["position"])["balance"]["net"],
          "the wallet's balance behind the transfer")
    check("balance then: clearing of sandbox " in text and f", wallet {moved['credit_balance']['net']}\n"
          in text, f"both balances in the text:\n{text}")
    equal([item["what"] for item in story["not_told"]], ["webhooks"], "no webhooks are taken here")
    check("NOT TOLD webhooks: the inbox is not looked at" in text, f"and it says so:\n{text}")
    equal([event["type"] for event in story["events"]],
          ["payment.pending", "payment.in_doubt", "payment.succeeded"], "the events")
    sandbox.call("DELETE", "/faults")
    equal(wallet.run("story", new_id(), code=NOT_FOUND).out, "", "a story of nothing")
    return payment


def without_a_server_what_is_missing_is_named(wallet, payment):
    story = wallet.json("story", payment)
    equal([item["what"] for item in story["not_told"]], ["webhooks", "deliveries"], "not told")
    moved = story["units"][2]["transfers"][0]
    check(moved["debit_balance"]["net"] and moved["credit_balance"]["net"], "balances are there")
    equal(wallet.run("story", payment).out.count("NOT TOLD "), 2, "a line for each")


def gauge(server, name, state):
    connection = server.connection()
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    connection.close()
    return sample(page, f'{name}{{state="{state}"}}')


def a_payment_in_doubt_is_counted_and_grows_older(wallet, sandbox, server, credited):
    def doubt():
        return (gauge(server, "tpwallet_payments_open", "in_doubt"),
                gauge(server, "tpwallet_payments_oldest_seconds", "in_doubt"))

    equal(doubt(), (0, 0), "nothing is in doubt")
    payment = new_id()
    named = {"per_mille": 1000, "reference": f"{payment}:1"}
    sandbox.call("PUT", "/faults", {"seed": 1, "faults": [
        {"fault": "timeout_after", "ms": 100, **named},
        {"fault": "error_before", "per_mille": 1000, "operation": "query"}]})
    pay_in(wallet, credited, "3.00", "card_ok", id=payment)
    until(lambda: doubt()[0] == 1, "it is in doubt")
    first = doubt()[1]
    until(lambda: doubt()[1] > first + 0.5, "it grows older")
    equal(gauge(server, "tpwallet_payments_oldest_seconds", "manual"), 0, "nothing is manual")
    sandbox.call("DELETE", "/faults")
    equal(rested(wallet, payment), "succeeded", "the payment, in the end")
    equal(doubt(), (0, 0), "nothing is in doubt any more")


def a_refund_stands_in_both_stories(wallet, credited):
    payment = pay_in(wallet, credited, "10.00", "card_ok")
    equal(rested(wallet, payment), "succeeded", "the payment")
    refund = wallet.json("payment", "refund", payment, "--amount", "4.00", "--asset", "EUR")["id"]
    equal(rested(wallet, refund), "succeeded", "its refund")
    check(f"with payment {refund}" in wallet.run("story", payment).out, "the refund is told of")
    check(f"with payment {payment}" in wallet.run("story", refund).out, "the payment is told of")


def a_day_is_settled_once(wallet, sandbox):
    all_rest(wallet)
    first, day = settle(wallet, sandbox)
    check(first["booked"] > 0 and first["booked"] == first["lines"], f"all is booked: {first}")
    head = wallet.head()
    second = wallet.json("settle", "--psp", "sandbox", "--day", day)
    equal((second["booked"], second["repeated"]), (0, first["lines"]), "the second time")
    equal(wallet.head(), head, "the journal's head, before and after the second time")
    equal(books_differ(wallet, sandbox), [], "the wallet's books, and the sandbox's")
    wallet.run("settle", "--psp", "nobody", "--day", day, code=None)
    equal(wallet.run("settle", "--psp", "sandbox", "--day", "2199-01-01", code=None).code,
          NOT_FOUND, "a day to come")
    wallet.run("settle", "--psp", "sandbox", "--day", "yesterday", code=USAGE)


def events_of(wallet):
    return [json.loads(line) for line in wallet.run("events").out.splitlines()]


def the_relay_is_killed_and_goes_on(wallet, credited):
    draw = random.Random(SEED)
    path = scratch("events.ndjson")
    words = [TPWALLET, "events", "--output", path, "--follow", "--data", wallet.folder]
    for _ in range(KILLS):
        relay = subprocess.Popen(words)
        size = os.path.getsize(path) if os.path.exists(path) else 0
        try:
            pay_in(wallet, credited, "1.00", "card_ok")
            if draw.random() < 0.7:  # else it may die before it has written anything
                until(lambda: os.path.exists(path) and os.path.getsize(path) > size,
                      "the relay writes")
        finally:
            relay.send_signal(signal.SIGKILL)
            relay.wait()
        if draw.random() < 0.5:  # as if it had died within a line
            with open(path, "ab") as file:
                file.write(b'{"specversion":"1.0","id":"9')
    all_rest(wallet)
    wallet.run("events", "--output", path)
    with open(path, encoding="utf-8") as file:
        relayed = [json.loads(line) for line in file]
    wanted = events_of(wallet)
    equal([event["id"] for event in relayed], [event["id"] for event in wanted],
          "the relayed events")
    equal(relayed, wanted, "what they say")
    some = [json.loads(line) for line in
            wallet.run("events", "--types", "payment.succeeded,refund.*", "--after",
                       wanted[3]["id"]).out.splitlines()]
    equal(some, [event for event in wanted[4:] if event["type"] == "payment.succeeded"
                 or event["type"].startswith("refund.")], "chosen types behind a position")


def other_files_and_words_are_refused(wallet):
    path = scratch("events.ndjson")
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        wallet.run("events", "--output", path, code=CONFLICT)
    notes = scratch("notes.txt")
    with open(notes, "w", encoding="utf-8") as file:
        file.write("not an event\n")
    wallet.run("events", "--output", notes, code=USAGE)
    wallet.run("events", "--after", "soon", code=USAGE)
    wallet.run("events", "--types", "a,,b", code=USAGE)


def main():
    wallet = Wallet("stories")
    with paying(wallet, "--pending-ms", "200") as (sandbox, server):
        credited = account(wallet)
        a_payment_in_doubt_is_counted_and_grows_older(wallet, sandbox, server, credited)
        payment = a_lost_answer_and_a_lost_webhook_are_told(wallet, sandbox, credited)
        a_refund_stands_in_both_stories(wallet, credited)
        a_day_is_settled_once(wallet, sandbox)
        the_relay_is_killed_and_goes_on(wallet, credited)
        other_files_and_words_are_refused(wallet)
    without_a_server_what_is_missing_is_named(wallet, payment)
    equal(wallet.run("check").code, DONE, "the check of the folder")


main()
