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
    """Pending until it is there; then it is, once, and can be given back by a payment only."""
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
    refund = {"kind": "refund", "payment": made["id"], "amount": "1.25", "asset": "EUR"}
    refused = ask(422, server, "POST", "/v1/payments", refund,
                  {"Idempotency-Key": f'"back-{made["id"]}"'})
    equal(refused["code"], "refund_between_lanes", "the money is another lane's")
    story = ask(200, server, "GET", f"/v1/payments/{made['id']}/story")
    equal([unit["cause"] for unit in story["units"]], ["create", "arrive"], "its story")
    equal([[one["kind"] for one in unit["transfers"]] for unit in story["units"]],
          [["departure"], ["post"]], "what moved when")
    equal(story["units"][0]["transfers"][0]["to"], receiver, "where it was going")
    check(len({unit["trace_id"] for unit in story["units"]}) == 1, "all in one trace")
    return item


def capture(server, payment, amount, key, last=False):
    """Asks for a part; the payment when the other lane has decided about it."""
    body = {"amount": amount, "asset": "EUR", "last": last}
    found = ask(200, server, "POST", f"/v1/payments/{payment}/capture", body,
                {"Idempotency-Key": f'"{key}-{payment}"'})
    equal(found["state"], "pending", "it has left")
    return ended(server, payment)


def captured_there(server, money, sender, peer, tag):
    """Reserved here; taken in parts, each when it is there; a part that is refused is reserved again."""
    shop = account_id(peer, 0xB0 + tag)
    ask(200, server, "POST", "/v1/accounts", [{"id": shop, "asset": "EUR", "kind": "liability"}])
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
    refund = {"kind": "refund", "payment": made, "amount": "1.00", "asset": "EUR"}
    refused = ask(422, server, "POST", "/v1/payments", refund, {"Idempotency-Key": f'"b-{made}"'})
    equal(refused["code"], "refund_between_lanes", "the money is another lane's")


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
