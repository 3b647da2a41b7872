"""Goal: one id, or one idempotency key, is one transfer, however many callers race for it.

Method: 64 connections send at the same moment, behind a barrier: the same transfer; transfers of
one id with two contents; one request without an id under one key; one key with two requests.
Exactly one is told 201, the others the same outcome and position, or the conflict; the balance
moved once.
"""
import collections
import threading

from api_harness import Client, check, equal, ledger
from cli_harness import new_id

CALLERS = 64


def race(server, key, requests):
    """Sends request i of `requests` on connection i, all at once; the answers in order."""
    answers = [None] * len(requests)
    clients = [Client(server, key) for _ in requests]
    for client in clients:
        client.expect(200, "GET", "/livez")  # connected before the start
    barrier = threading.Barrier(len(requests))

    def call(index):
        body, headers = requests[index]
        barrier.wait()
        answers[index] = clients[index].send("POST", "/v1/transfers", body, headers)

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    check(all(answers), "an answer for every caller")
    return answers


def statuses(answers):
    return collections.Counter(answer.status for answer in answers)


class Ledger:
    def __init__(self, server, key):
        self.server = server
        self.key = key
        self.client = Client(server, key)
        self.bank, self.wallet = new_id(), new_id()
        self.client.expect(200, "POST", "/v1/accounts", [
            {"id": self.bank, "asset": "EUR", "kind": "equity"},
            {"id": self.wallet, "asset": "EUR", "kind": "liability"}])
        self.moved = 0

    def transfer(self, cents, transfer_id=None):
        body = {"debit": self.bank, "credit": self.wallet, "asset": "EUR",
                "amount": f"{cents // 100}.{cents % 100:02}"}
        return {"id": transfer_id, **body} if transfer_id else body

    def expect_moved(self, cents, what):
        self.moved += cents
        account = self.client.expect(200, "GET", f"/v1/accounts/{self.wallet}").json()
        equal(account["balance"]["net"], f"{self.moved // 100}.{self.moved % 100:02}", what)


def same_id(ledger_under_test):
    body = ledger_under_test.transfer(100, new_id())
    answers = race(ledger_under_test.server, ledger_under_test.key, [(body, {})] * CALLERS)
    equal(statuses(answers), {201: 1, 200: CALLERS - 1}, "statuses of one id")
    equal(len({answer.json()["position"] for answer in answers}), 1, "positions of one id")
    for answer in answers:
        equal("idempotent-replayed" in answer.headers, answer.status == 200, "replayed header")
    ledger_under_test.expect_moved(100, "one id moves money once")


def same_id_two_contents(ledger_under_test):
    one = new_id()
    bodies = [ledger_under_test.transfer(200 + i % 2, one) for i in range(CALLERS)]
    answers = race(ledger_under_test.server, ledger_under_test.key, [(b, {}) for b in bodies])
    counts = statuses(answers)
    equal(counts, {201: 1, 200: CALLERS // 2 - 1, 409: CALLERS // 2}, "statuses of two contents")
    winner = next(i for i, answer in enumerate(answers) if answer.status == 201)
    for index, answer in enumerate(answers):
        equal(answer.status == 409, index % 2 != winner % 2, "the other content is the conflict")
    ledger_under_test.expect_moved(200 + winner % 2, "the first content moved money once")


def same_key(ledger_under_test):
    headers = {"Idempotency-Key": '"the-one-order"'}
    body = ledger_under_test.transfer(300)
    answers = race(ledger_under_test.server, ledger_under_test.key, [(body, headers)] * CALLERS)
    equal(statuses(answers), {201: 1, 200: CALLERS - 1}, "statuses of one key")
    equal(len({answer.json()["id"] for answer in answers}), 1, "ids of one key")
    ledger_under_test.expect_moved(300, "one key moves money once")


def same_key_two_requests(ledger_under_test):
    headers = {"Idempotency-Key": '"another-order"'}
    requests = [(ledger_under_test.transfer(400 + i % 2), headers) for i in range(CALLERS)]
    answers = race(ledger_under_test.server, ledger_under_test.key, requests)
    equal(statuses(answers), {201: 1, 200: CALLERS // 2 - 1, 422: CALLERS // 2},
          "statuses of two requests under one key")
    for answer in answers:
        if answer.status == 422:
            equal(answer.json()["code"], "idempotency_conflict", "code of the others")
    winner = next(i for i, answer in enumerate(answers) if answer.status == 201)
    ledger_under_test.expect_moved(400 + winner % 2, "the first request moved money once")


def main():
    with ledger("race") as (server, key):
        ledger_under_test = Ledger(server, key)
        for _ in range(5):
            same_id(ledger_under_test)
            same_id_two_contents(ledger_under_test)
        same_key(ledger_under_test)
        same_key_two_requests(ledger_under_test)
        ledger_under_test.client.close()
    print(f"{CALLERS} callers raced 12 times")


if __name__ == "__main__":
    main()
