"""What tests of payments between two lanes share: such payments made and followed, and what both lanes
must have of each when it has ended."""
from cli_harness import check, equal
from lanes_test import account_id, lane_header
from sandbox_harness import until
from webhooks_test import call

MARK = "74706c61-6e65-8"  # of ids of transit accounts


def ask(status, server, method, path, body=None, headers=None):
    found = call(server, method, path, body, headers)
    equal(found[0], status, f"{method} {path} {body}: {found[2]}")
    return found[2]


def lane_of(account):
    return int(account[-4:], 16)


def available(server, account):
    """In cents: what its owner may dispose of."""
    balance = ask(200, server, "GET", f"/v1/accounts/{account}")["balance"]
    cents = {name: int(balance[name].replace(".", "")) for name in
             ("credits_posted", "debits_posted", "debits_pending")}
    return cents["credits_posted"] - cents["debits_posted"] - cents["debits_pending"]


def ended(server, payment):
    """The payment when the other lane has decided."""
    def look():
        found = ask(200, server, "GET", f"/v1/payments/{payment}")
        return found["state"] != "pending" and found
    return until(look, f"the other lane decides about {payment}")


def transfers_of(server, payment, lane):
    """The payment's transfers in a lane, oldest first."""
    return ask(200, server, "GET", f"/v1/transfers?user_ref={payment}&limit=100", None,
               lane_header(lane))["items"]


def ended_once(server, item, state):
    """Both lanes have of it what its state says, once."""
    home, peer = lane_of(item["wallet"]), lane_of(item.get("to") or item["merchant"])
    ours = [(one["kind"], one["outcome"]) for one in transfers_of(server, item["id"], home)]
    theirs = [(one["kind"], one["outcome"], one["amount"])
              for one in transfers_of(server, item["id"], peer)]
    if state == "captured":
        captured = ask(200, server, "GET", f"/v1/payments/{item['id']}")["captured"]
        equal(theirs, [("direct", "ok", captured)], f"the one part that has arrived: {item}")
        equal(ours.count(("departure", "ok")), 1, f"what has left: {ours}")
        rest = 1 if item["amount"] != captured else 0
        equal(ours[-1 - rest:], [("post", "ok"), ("void", "ok")][:1 + rest],
              f"it is settled, and the rest released: {ours}")
        return
    if state == "succeeded":
        equal(ours, [("departure", "ok"), ("post", "ok")], f"what has left: {item}")
        equal(theirs, [("direct", "ok", item["amount"])], f"what has arrived: {item}")
        return
    equal(state, "failed", f"its state: {item}")
    check([one[2] for one in theirs if one[1] == "ok"] == [], f"nothing is there: {theirs}")
    left = [("departure", "ok"), ("void", "ok")]
    check(ours == left or [one[1] != "ok" for one in ours] == [True], f"it is back: {ours}")


def given_once(server, item, parent, state):
    """Of a refund: both lanes have of it what its state says, once."""
    there = parent.get("to") or parent["merchant"]
    home, peer = lane_of(parent["wallet"]), lane_of(there)
    ours = [(one["kind"], one["outcome"]) for one in transfers_of(server, item["id"], home)]
    theirs = [(one["kind"], one["outcome"], one["debit"], one["amount"])
              for one in transfers_of(server, item["id"], peer)]
    if state == "succeeded":
        equal(ours, [("departure", "ok"), ("post", "ok")], f"what was asked back: {item}")
        equal(theirs, [("direct", "ok", there, item["amount"])], f"what was given: {item}")
        return
    equal(state, "failed", f"its state: {item}")
    check([one for one in theirs if one[1] == "ok"] == [], f"nothing was given: {theirs}")
    asked = [("departure", "ok"), ("void", "ok")]
    check(ours in ([], asked) or [one[1] != "ok" for one in ours] == [True], f"nor taken: {ours}")


def refunded_once(server, parent, refunds):
    """What a payment says of its refunds (of which each is its end and amount) is what they came to."""
    found = ask(200, server, "GET", f"/v1/payments/{parent['id']}")
    cents = {name: int(found.get(name, "0.00").replace(".", "")) for name in
             ("captured", "refunded", "refund_pending")}
    given = sum(int(amount.replace(".", "")) for state, amount in refunds if state == "succeeded")
    equal((cents["refunded"], cents["refund_pending"]), (given, 0), f"what was given of {found}")
    check(given <= cents["captured"], f"never more than was taken: {found}")


def give_back(server, payment, amount, key, status=201):
    """Asks for a part of a payment, or for the rest, to be given back."""
    part = {} if amount is None else {"amount": amount, "asset": "EUR"}
    return ask(status, server, "POST", "/v1/payments",
               {"kind": "refund", "payment": payment, **part},
               {"Idempotency-Key": f'"{key}-{payment}"'})


def given_back(server, item, sender, receiver):
    """In parts, each once, to the last cent, and never more; the payment's home counts them."""
    payment = item["id"]
    before = available(server, sender), available(server, receiver)
    made = give_back(server, payment, "0.50", "one")
    equal((made["state"], made["captured"]), ("pending", "0.00"), "the other lane is asked")
    equal(give_back(server, payment, "0.76", "two", 422)["code"], "amount_over_refundable",
          "what is on its way counts")
    found = ended(server, made["id"])
    equal((found["state"], found["captured"]), ("succeeded", "0.50"), "it has come")
    again = give_back(server, payment, "0.50", "one", 200)
    equal((again["repeated"], again["id"]), (True, made["id"]), "a repeat asks for nothing more")
    given_once(server, {"id": made["id"], "amount": "0.50"}, item, "succeeded")
    rest = give_back(server, payment, None, "three")
    equal((rest["amount"], ended(server, rest["id"])["state"]), ("0.75", "succeeded"), "the rest")
    equal((available(server, sender), available(server, receiver)),
          (before[0] + 125, before[1] - 125), "both balances are as before the payment")
    equal(give_back(server, payment, "0.01", "four", 422)["code"], "amount_over_refundable",
          "nothing is left")
    refunded_once(server, item, [("succeeded", "1.25")])
    story = ask(200, server, "GET", f"/v1/payments/{made['id']}/story")
    equal([unit["cause"] for unit in story["units"]], ["create", "arrive"], "its story")
    equal(story["units"][0]["transfers"][0]["from"], receiver, "from where it was to come")
    asked = transfers_of(server, made["id"], lane_of(sender))[0]["id"]
    transit = ask(200, server, "GET", f"/v1/transfers/{asked}", None,
                  lane_header(lane_of(sender)))["transit"]
    equal((transit["from"], transit["lane"], transit["state"], "to" in transit),
          (receiver, lane_of(receiver), "settled", False), "where it was to come from")
    causes = [unit["cause"] for unit in
              ask(200, server, "GET", f"/v1/payments/{payment}/story")["units"]]
    equal(causes, ["create", "arrive"] + ["follow"] * 4, "the payment's story tells of both")


def leaves(item):
    """Whether a request is for a payment from a wallet into another lane."""
    to = item.get("to") or item.get("merchant")
    return "wallet" in item and to is not None and lane_of(to) != lane_of(item["wallet"])


def refused_there(server, money, sender, peer, tag):
    """What the other lane does not take comes back, and the payment says why."""
    frozen, dollars, house = (account_id(peer, number + tag) for number in (0x70, 0x80, 0x90))
    ask(200, server, "POST", "/v1/accounts",
        [{"id": frozen, "asset": "EUR", "kind": "liability"},
         {"id": dollars, "asset": "USD", "kind": "liability"},
         {"id": house, "asset": "EUR", "kind": "equity"}])
    ask(200, server, "PATCH", f"/v1/accounts/{frozen}", {"frozen": True})
    before = available(server, sender)
    for to, reason in ((frozen, "credit_account_frozen"), (dollars, "asset_mismatch"),
                       (house, "not_a_wallet"),
                       (account_id(peer, 0xA0 + tag), "credit_account_not_found")):
        item = money("0.75", lane_of(sender), kind="wallet", wallet=sender, to=to)
        made = ask(201, server, "POST", "/v1/payments", item)
        equal((made["state"], made["captured"]), ("pending", "0.00"), "it has left")
        found = ended(server, made["id"])
        equal((found["state"], found["reason"]), ("failed", reason), "what became of it")
        ended_once(server, item, "failed")
    equal(available(server, sender), before, "all of it is back")


def paid_there(server, money, sender, receiver):
    """Pending until it is there; then it is, once, and can be given back."""
    before = available(server, sender), available(server, receiver)
    item = money("1.25", lane_of(sender), kind="wallet", wallet=sender, to=receiver)
    made = ask(201, server, "POST", "/v1/payments", item)
    equal(made["state"], "pending", "it has left")
    found = ended(server, made["id"])
    equal((found["state"], found["captured"]), ("succeeded", "1.25"), "it is there")
    equal((available(server, sender), available(server, receiver)),
          (before[0] - 125, before[1] + 125), "both balances")
    again = ask(200, server, "POST", "/v1/payments", item)
    equal((again["repeated"], again["state"]), (True, "succeeded"), "a repeat moves nothing")
    ended_once(server, item, "succeeded")
    story = ask(200, server, "GET", f"/v1/payments/{made['id']}/story")
    equal([unit["cause"] for unit in story["units"]], ["create", "arrive"], "its story")
    equal([[one["kind"] for one in unit["transfers"]] for unit in story["units"]],
          [["departure"], ["post"]], "what moved when")
    equal(story["units"][0]["transfers"][0]["to"], receiver, "where it was going")
    check(len({unit["trace_id"] for unit in story["units"]}) == 1, "all in one trace")
    given_back(server, item, sender, receiver)


def capture(server, payment, amount, key, last=False):
    """Asks for a part; the payment when the other lane has decided about it."""
    body = {"amount": amount, "asset": "EUR", "last": last}
    found = ask(200, server, "POST", f"/v1/payments/{payment}/capture", body,
                {"Idempotency-Key": f'"{key}-{payment}"'})
    equal(found["state"], "pending", "it has left")
    return ended(server, payment)


def merchant_gives_back(server, money, item, shop):
    """Of the 1.75 that he was paid: what he has no more is refused, and can be asked for again."""
    sender, payment = item["wallet"], item["id"]
    spent = money("1.25", lane_of(shop), kind="wallet", wallet=shop, to=sender)
    ended(server, ask(201, server, "POST", "/v1/payments", spent)["id"])
    before = available(server, sender)
    refused = ended(server, give_back(server, payment, "0.75", "much")["id"])
    equal((refused["state"], refused["reason"]), ("failed", "debits_exceed_credits"),
          "as within one lane")
    given_once(server, {"id": refused["id"], "amount": "0.75"}, item, "failed")
    equal((available(server, sender), available(server, shop)), (before, 50), "nothing is changed")
    found = ended(server, give_back(server, payment, "0.50", "less")["id"])
    equal(found["state"], "succeeded", "what he has")
    equal((available(server, sender), available(server, shop)), (before + 50, 0), "both balances")
    refunded_once(server, item, [("failed", "0.75"), ("succeeded", "0.50")])


def captured_there(server, money, sender, peer, tag):
    """Reserved here; taken in parts, each when it is there; a part that is refused is reserved again."""
    shop = account_id(peer, 0xB0 + tag)
    ask(200, server, "POST", "/v1/accounts",
        [{"id": shop, "asset": "EUR", "kind": "liability",
          "flags": ["debits_must_not_exceed_credits"]}])
    before = available(server, sender)
    item = money("3.00", lane_of(sender), kind="merchant", wallet=sender, merchant=shop)
    made = ask(201, server, "POST", "/v1/payments", item)["id"]
    equal(available(server, sender), before - 300, "reserved, and nothing has left")
    found = capture(server, made, "1.00", "one")
    equal((found["state"], found["captured"]), ("part_captured", "1.00"), "a part is there")
    equal(available(server, shop), 100, "the merchant has it")
    ask(200, server, "PATCH", f"/v1/accounts/{shop}", {"frozen": True})
    found = capture(server, made, "0.50", "two")
    equal((found["state"], found["captured"], found["reason"]),
          ("part_captured", "1.00", "credit_account_frozen"), "a part is back")
    equal(available(server, sender), before - 300, "and reserved again")
    ask(200, server, "PATCH", f"/v1/accounts/{shop}", {"frozen": False})
    found = capture(server, made, "0.75", "three", last=True)
    equal((found["state"], found["captured"]), ("captured", "1.75"), "the last part is there")
    equal((available(server, sender), available(server, shop)), (before - 175, 175),
          "both balances")
    merchant_gives_back(server, money, item, shop)


def what_is_refused(server, money, here, there):
    """What needs both lanes at once: named, and nothing of it is done."""
    before = available(server, here)
    item = money("1.00", lane_of(here), kind="exchange", wallet=here, to=there, to_asset="USD")
    refused = ask(400, server, "POST", "/v1/payments", item)
    equal(refused["code"], "between_lanes", f"{item['kind']}: {refused}")
    equal(call(server, "GET", f"/v1/payments/{item['id']}")[0], 404, "it was never made")
    equal(available(server, here), before, "nothing was reserved")


def transit_sides(server, lane):
    """(direction, peer): balance; direction 1 is what left for the peer, 2 what came from it."""
    found = {}
    page = ask(200, server, "GET", "/v1/accounts?limit=1000", None, lane_header(lane))
    for account in page["items"]:
        if account["id"].startswith(MARK) and account["asset"] == "EUR":
            peer = int(account["id"].replace("-", ""), 16) >> 16 & 0x3FFF
            found[int(account["id"][15:18], 16), peer] = account["balance"]
    return found


def nothing_is_between(server, lanes):
    """On each way what left is what arrived; how many ways were used."""
    sides = [transit_sides(server, lane) for lane in range(lanes)]
    used = 0
    for source in range(lanes):
        for peer in range(lanes):
            left = sides[source].get((1, peer))
            came = sides[peer].get((2, source))
            if left is None:
                continue
            used += left["credits_posted"] != "0.00"
            equal(left["credits_pending"], "0.00", f"on its way from {source} to {peer}")
            equal(left["credits_posted"], "0.00" if came is None else came["debits_posted"],
                  f"what went from {source} to {peer}")
    return used
