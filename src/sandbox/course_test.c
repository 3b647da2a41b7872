/*
 * Goal: every test method comes to what is documented, at once and later; money is never given
 * back twice, nor more than was taken.
 * Method: a table of all methods with what stands after a while; parts, races and late truths by
 * hand, the book reckoned beside them; a long random walk with the check after every step.
 */
#include "sandbox/course.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"
#include "sandbox/sandbox_test.h"

static int set_up(void **state)
{
    *state = sandbox_test_new();
    return 0;
}

static int tear_down(void **state)
{
    struct sandbox *sandbox = *state;
    assert_int_equal(sandbox_check(sandbox), STATUS_OK);
    sandbox_test_free(sandbox);
    return 0;
}

/* What the merchant is owed and has, in minor units of EUR. */
static int64_t due(const struct sandbox *sandbox)
{
    int64_t sum = 0;
    const struct book_page *page = book_find(&sandbox->book, EUR);
    if (page == NULL) return 0;
    struct book_balance owed = book_balance(page, BOOK_MERCHANT);
    struct book_balance settled = book_balance(page, BOOK_SETTLED);
    sum += owed.negative ? -(int64_t)owed.amount.minor : (int64_t)owed.amount.minor;
    sum += settled.negative ? -(int64_t)settled.amount.minor : (int64_t)settled.amount.minor;
    return sum;
}

struct outcome {
    const char *method;
    uint8_t operation;
    uint8_t first;   /* of the order */
    uint8_t at_last; /* a month later */
    const char *reason;
    int64_t due; /* of an order of 1,000 that nobody touched, a month later */
};

static const struct outcome outcomes[] = {
    { "card_ok", PSP_CHARGE, PSP_ANSWER_DONE, PSP_ANSWER_DONE, "", 980 },
    { "card_declined", PSP_CHARGE, PSP_ANSWER_DECLINED, PSP_ANSWER_DECLINED, "card_declined", 0 },
    { "card_insufficient_funds", PSP_CHARGE, PSP_ANSWER_DECLINED, PSP_ANSWER_DECLINED,
      "insufficient_funds", 0 },
    { "card_lost", PSP_AUTHORISE, PSP_ANSWER_DECLINED, PSP_ANSWER_DECLINED, "lost_card", 0 },
    { "card_expired", PSP_CHARGE, PSP_ANSWER_DECLINED, PSP_ANSWER_DECLINED, "expired_card", 0 },
    { "card_authentication_required", PSP_CHARGE, PSP_ANSWER_DECLINED, PSP_ANSWER_DECLINED,
      "authentication_required", 0 },
    { "card_pending_then_ok", PSP_CHARGE, PSP_ANSWER_PENDING, PSP_ANSWER_DONE, "", 980 },
    { "card_pending_then_declined", PSP_CHARGE, PSP_ANSWER_PENDING, PSP_ANSWER_DECLINED,
      "card_declined", 0 },
    { "card_ok", PSP_AUTHORISE, PSP_ANSWER_DONE, PSP_ANSWER_DECLINED, "reservation_expired", 0 },
    { "card_pending_then_ok", PSP_AUTHORISE, PSP_ANSWER_PENDING, PSP_ANSWER_DECLINED,
      "reservation_expired", 0 },
    { "card_disputed", PSP_CHARGE, PSP_ANSWER_DONE, PSP_ANSWER_DONE, "", -120 },
    { "card_dispute_won", PSP_CHARGE, PSP_ANSWER_DONE, PSP_ANSWER_DONE, "", 880 },
    { "card_dispute_lost", PSP_CHARGE, PSP_ANSWER_DONE, PSP_ANSWER_DONE, "", -120 },
    { "card_dispute_reversed", PSP_CHARGE, PSP_ANSWER_DONE, PSP_ANSWER_DONE, "", 880 },
    { "card_webhook_lost", PSP_CHARGE, PSP_ANSWER_PENDING, PSP_ANSWER_DONE, "", 980 },
    { "bank_ok", PSP_PAY_OUT, PSP_ANSWER_DONE, PSP_ANSWER_DONE, "", -1005 },
    { "bank_pending_then_ok", PSP_PAY_OUT, PSP_ANSWER_PENDING, PSP_ANSWER_DONE, "", -1005 },
    { "bank_declined", PSP_PAY_OUT, PSP_ANSWER_DECLINED, PSP_ANSWER_DECLINED, "account_closed", 0 },
    { "bank_pending_then_failed", PSP_PAY_OUT, PSP_ANSWER_PENDING, PSP_ANSWER_DECLINED,
      "account_closed", 0 },
    { "bank_returned", PSP_PAY_OUT, PSP_ANSWER_DONE, PSP_ANSWER_DECLINED, "returned", -5 },
};

static void every_method_comes_to_what_is_documented(void **state)
{
    (void)state; /* a sandbox for each */
    for (unsigned i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        const struct outcome *outcome = &outcomes[i];
        struct sandbox *sandbox = sandbox_test_new();
        const struct psp_order order = order_on(1, outcome->operation, 1000, outcome->method);
        assert_int_equal(ask(sandbox, &order).answer, outcome->first);
        later_days(sandbox, 30);
        struct psp_reply reply = look(sandbox, &order);
        assert_int_equal(reply.answer, outcome->at_last);
        assert_string_equal(reply.reason, outcome->reason);
        assert_int_equal(due(sandbox), outcome->due);
        assert_int_equal(sandbox_check(sandbox), STATUS_OK);
        sandbox_test_free(sandbox);
    }
}

static const struct outcome refunds[] = {
    { "card_ok", 0, PSP_ANSWER_DONE, PSP_ANSWER_DONE, "", 580 },
    { "card_refund_pending", 0, PSP_ANSWER_PENDING, PSP_ANSWER_DONE, "", 580 },
    { "card_refund_fails", 0, PSP_ANSWER_PENDING, PSP_ANSWER_DECLINED, "refund_failed", 980 },
    { "card_refund_fails_late", 0, PSP_ANSWER_DONE, PSP_ANSWER_DECLINED, "refund_failed", 980 },
    { "card_refund_declined", 0, PSP_ANSWER_DECLINED, PSP_ANSWER_DECLINED, "refund_failed", 980 },
};

static void every_refund_comes_to_what_is_documented(void **state)
{
    (void)state; /* a sandbox for each */
    for (unsigned i = 0; i < sizeof refunds / sizeof refunds[0]; i++) {
        const struct outcome *outcome = &refunds[i];
        struct sandbox *sandbox = sandbox_test_new();
        const struct psp_order order = order_on(1, PSP_CHARGE, 1000, outcome->method);
        struct psp_reply charge = ask(sandbox, &order);
        const struct psp_order refund = order_about(2, PSP_REFUND, 400, &charge);
        assert_int_equal(ask(sandbox, &refund).answer, outcome->first);
        later_days(sandbox, 30);
        struct psp_reply reply = look(sandbox, &refund);
        assert_int_equal(reply.answer, outcome->at_last);
        assert_string_equal(reply.reason, outcome->reason);
        assert_int_equal(due(sandbox), outcome->due);
        assert_int_equal(sandbox_check(sandbox), STATUS_OK);
        sandbox_test_free(sandbox);
    }
}

static void parts_are_captured_until_the_last(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order authorise = order_on(1, PSP_AUTHORISE, 1000, "card_ok");
    struct psp_reply reserved = ask(sandbox, &authorise);
    assert_int_equal(sandbox->line_count, 0);
    const struct psp_order part = order_about(2, PSP_CAPTURE, 300, &reserved);
    assert_int_equal(ask(sandbox, &part).answer, PSP_ANSWER_DONE);
    const struct psp_order over = order_about(3, PSP_CAPTURE, 701, &reserved);
    assert_string_equal(ask(sandbox, &over).reason, "over_remainder");
    struct psp_order last = order_about(4, PSP_CAPTURE, 200, &reserved);
    last.last = true;
    assert_int_equal(ask(sandbox, &last).answer, PSP_ANSWER_DONE);
    const struct psp_order more = order_about(5, PSP_CAPTURE, 1, &reserved);
    assert_string_equal(ask(sandbox, &more).reason, "already_captured");
    const struct psp_order cancel = order_about(6, PSP_CANCEL, 0, &reserved);
    assert_string_equal(ask(sandbox, &cancel).reason, "already_captured");
    assert_int_equal(due(sandbox), 300 - 13 + 200 - 12);
    later_days(sandbox, 30);
    assert_int_equal(look(sandbox, &authorise).answer, PSP_ANSWER_DONE);
    /* A decision stays: the refused capture does not become possible. */
    assert_string_equal(ask(sandbox, &over).reason, "over_remainder");
}

static void cancelled_is_not_captured_any_more(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order authorise = order_on(1, PSP_AUTHORISE, 1000, "card_ok");
    struct psp_reply reserved = ask(sandbox, &authorise);
    const struct psp_order cancel = order_about(2, PSP_CANCEL, 0, &reserved);
    assert_int_equal(ask(sandbox, &cancel).answer, PSP_ANSWER_DONE);
    struct psp_reply released = ask(sandbox, &cancel);
    assert_true(released.amount.minor == 1000);
    const struct psp_order capture = order_about(3, PSP_CAPTURE, 1, &reserved);
    assert_string_equal(ask(sandbox, &capture).reason, "not_reserved");
    const struct psp_order again = order_about(4, PSP_CANCEL, 0, &reserved);
    assert_string_equal(ask(sandbox, &again).reason, "not_reserved");
    later_days(sandbox, 30);
    assert_int_equal(look(sandbox, &authorise).answer, PSP_ANSWER_DONE);
    assert_int_equal(due(sandbox), 0);
}

static void a_part_captured_reservation_ends_by_cancel_or_time(void **state)
{
    struct sandbox *sandbox = *state;
    for (uint64_t i = 0; i < 2; i++) {
        const struct psp_order authorise = order_on(1 + 10 * i, PSP_AUTHORISE, 1000, "card_ok");
        struct psp_reply reserved = ask(sandbox, &authorise);
        const struct psp_order part = order_about(2 + 10 * i, PSP_CAPTURE, 300, &reserved);
        assert_int_equal(ask(sandbox, &part).answer, PSP_ANSWER_DONE);
        const struct psp_order cancel = order_about(3 + 10 * i, PSP_CANCEL, 0, &reserved);
        if (i == 0)
            assert_int_equal(ask(sandbox, &cancel).answer, PSP_ANSWER_DONE);
        else
            later_days(sandbox, 30);
        assert_int_equal(look(sandbox, &authorise).answer, PSP_ANSWER_DONE);
        const struct psp_order more = order_about(4 + 10 * i, PSP_CAPTURE, 1, &reserved);
        assert_string_equal(ask(sandbox, &more).reason, "already_captured");
        const struct psp_order refund = order_about(5 + 10 * i, PSP_REFUND, 300, &reserved);
        assert_int_equal(ask(sandbox, &refund).answer, PSP_ANSWER_DONE);
    }
}

static void capture_after_expiry_is_declined(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order authorise = order_on(1, PSP_AUTHORISE, 1000, "card_ok");
    struct psp_reply reserved = ask(sandbox, &authorise);
    later_days(sandbox, 7);
    const struct psp_order capture = order_about(2, PSP_CAPTURE, 1000, &reserved);
    assert_string_equal(ask(sandbox, &capture).reason, "reservation_expired");
}

static void refunds_never_pass_what_was_captured(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order order = order_on(1, PSP_CHARGE, 1000, "card_refund_pending");
    struct psp_reply charge = ask(sandbox, &order);
    const struct psp_order first = order_about(2, PSP_REFUND, 600, &charge);
    assert_int_equal(ask(sandbox, &first).answer, PSP_ANSWER_PENDING);
    const struct psp_order over = order_about(3, PSP_REFUND, 401, &charge);
    assert_string_equal(ask(sandbox, &over).reason, "over_remainder"); /* pending counts */
    const struct psp_order rest = order_about(4, PSP_REFUND, 400, &charge);
    assert_int_equal(ask(sandbox, &rest).answer, PSP_ANSWER_PENDING);
    later_ms(sandbox, 2000);
    assert_int_equal(look(sandbox, &rest).answer, PSP_ANSWER_DONE);
    const struct psp_order more = order_about(5, PSP_REFUND, 1, &charge);
    assert_string_equal(ask(sandbox, &more).reason, "over_remainder");
    assert_int_equal(due(sandbox), -20); /* the fee is kept */
}

static void disputed_money_is_not_refunded(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order order = order_on(1, PSP_CHARGE, 1000, "card_ok");
    struct psp_reply charge = ask(sandbox, &order);
    uint32_t chargeback;
    assert_int_equal(sandbox_dispute(sandbox, 0, money_from_minor(1001), &chargeback),
                     STATUS_CONFLICT);
    assert_int_equal(sandbox_dispute(sandbox, 0, MONEY_ZERO, &chargeback), STATUS_INVALID);
    assert_int_equal(sandbox_dispute(sandbox, 0, money_from_minor(700), &chargeback), STATUS_OK);
    const struct psp_order over = order_about(2, PSP_REFUND, 301, &charge);
    assert_string_equal(ask(sandbox, &over).reason, "over_remainder");
    assert_int_equal(sandbox_dispute_decide(sandbox, chargeback, SANDBOX_REVERSED),
                     STATUS_CONFLICT);
    assert_int_equal(sandbox_dispute_decide(sandbox, chargeback, SANDBOX_LOST), STATUS_OK);
    assert_int_equal(sandbox_dispute_decide(sandbox, chargeback, SANDBOX_WON), STATUS_CONFLICT);
    const struct psp_order still = order_about(3, PSP_REFUND, 301, &charge);
    assert_string_equal(ask(sandbox, &still).reason, "over_remainder");
    assert_int_equal(sandbox_dispute_decide(sandbox, chargeback, SANDBOX_REVERSED), STATUS_OK);
    const struct psp_order all = order_about(4, PSP_REFUND, 1000, &charge);
    assert_int_equal(ask(sandbox, &all).answer, PSP_ANSWER_DONE);
    assert_int_equal(sandbox_dispute_decide(sandbox, 0, SANDBOX_WON), STATUS_INVALID);
}

static void what_is_decided_by_hand_is_decided_once(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order order = order_on(1, PSP_CHARGE, 1000, "card_pending_then_declined");
    (void)ask(sandbox, &order); /* looked at below */
    assert_int_equal(sandbox_turn(sandbox, 0, SANDBOX_TURN_FAIL, REASON_RETURNED), STATUS_CONFLICT);
    assert_int_equal(sandbox_turn(sandbox, 0, SANDBOX_TURN_COMPLETE, REASON_NONE), STATUS_OK);
    assert_int_equal(sandbox_turn(sandbox, 0, SANDBOX_TURN_DECLINE, REASON_CARD_DECLINED),
                     STATUS_CONFLICT);
    later_days(sandbox, 1);
    assert_int_equal(look(sandbox, &order).answer, PSP_ANSWER_DONE);
    const struct psp_order pay_out = order_on(2, PSP_PAY_OUT, 500, "bank_returned");
    (void)ask(sandbox, &pay_out); /* looked at below */
    assert_int_equal(sandbox_turn(sandbox, 1, SANDBOX_TURN_FAIL, REASON_RETURNED), STATUS_OK);
    assert_int_equal(sandbox_turn(sandbox, 1, SANDBOX_TURN_FAIL, REASON_RETURNED), STATUS_CONFLICT);
    later_days(sandbox, 30);
    assert_int_equal(due(sandbox), 980 - 5);
}

/* ---- anything, in any order ---- */

struct walk {
    struct sandbox *sandbox;
    struct prng prng;
    uint64_t made;
    struct psp_reply charges[64];
    uint32_t charge_count;
};

static void walk_charge(struct walk *walk)
{
    uint32_t count;
    const struct sandbox_method *methods = method_table(&count);
    uint8_t method = (uint8_t)prng_below(&walk->prng, count);
    char token[PSP_TOKEN_SIZE];
    (void)method_token(method, token); /* terminated */
    uint8_t operation = prng_chance(&walk->prng, 1, 2) ? PSP_CHARGE : PSP_AUTHORISE;
    if (methods[method].bank) operation = PSP_PAY_OUT;
    const struct psp_order order =
        order_on(++walk->made, operation, prng_between(&walk->prng, 1, 5000), token);
    struct psp_reply reply = ask(walk->sandbox, &order);
    if (methods[method].bank || reply.answer == PSP_ANSWER_INVALID) return;
    walk->charges[walk->charge_count++ % 64] = reply;
}

static void walk_child(struct walk *walk)
{
    static const uint8_t operations[] = { PSP_CAPTURE, PSP_CAPTURE, PSP_REFUND, PSP_REFUND,
                                          PSP_CANCEL };
    if (walk->charge_count == 0) return;
    uint32_t kept = walk->charge_count < 64 ? walk->charge_count : 64;
    const struct psp_reply *charge = &walk->charges[prng_below(&walk->prng, kept)];
    struct psp_order order = order_about(++walk->made, operations[prng_below(&walk->prng, 5)],
                                         prng_between(&walk->prng, 1, 3000), charge);
    order.last = prng_chance(&walk->prng, 1, 4);
    assert_int_not_equal(ask(walk->sandbox, &order).answer, PSP_ANSWER_INVALID);
}

static void walk_by_hand(struct walk *walk)
{
    if (walk->sandbox->item_count == 0) return;
    uint32_t item = (uint32_t)prng_below(&walk->prng, walk->sandbox->item_count);
    enum sandbox_turn turn = (enum sandbox_turn)prng_below(&walk->prng, 3);
    uint32_t made;
    /* Most of these make no sense, and must be refused without a trace. */
    enum status status = sandbox_turn(walk->sandbox, item, turn, REASON_REFUND_FAILED);
    assert_true(status == STATUS_OK || status == STATUS_CONFLICT);
    struct money amount = money_from_minor(prng_below(&walk->prng, 900));
    status = sandbox_dispute(walk->sandbox, item, amount, &made);
    assert_true(status == STATUS_OK || status == STATUS_CONFLICT || status == STATUS_INVALID);
    bool won = prng_chance(&walk->prng, 1, 2);
    status = sandbox_dispute_decide(walk->sandbox, item, won ? SANDBOX_WON : SANDBOX_REVERSED);
    assert_true(status == STATUS_OK || status == STATUS_CONFLICT || status == STATUS_INVALID);
}

static void books_agree_whatever_happens(void **state)
{
    (void)state; /* a sandbox for each seed */
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct walk walk = { .sandbox = sandbox_test_new() };
        prng_init(&walk.prng, seed);
        for (uint32_t step = 0; step < 500; step++) {
            switch (prng_below(&walk.prng, 4)) {
            case 0: walk_charge(&walk); break;
            case 1: walk_child(&walk); break;
            case 2: walk_by_hand(&walk); break;
            default: later_ms(walk.sandbox, (int64_t)prng_below(&walk.prng, 40000000)); break;
            }
            assert_int_equal(sandbox_check(walk.sandbox), STATUS_OK);
        }
        assert_true(walk.sandbox->line_count > 50);
        later_days(walk.sandbox, 60);
        assert_int_equal(sandbox_check(walk.sandbox), STATUS_OK);
        assert_int_equal(walk.sandbox->turns.count, 0);
        sandbox_test_free(walk.sandbox);
    }
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_comes_to_what_is_documented),
        cmocka_unit_test(every_refund_comes_to_what_is_documented),
        RIGGED(parts_are_captured_until_the_last),
        RIGGED(cancelled_is_not_captured_any_more),
        RIGGED(a_part_captured_reservation_ends_by_cancel_or_time),
        RIGGED(capture_after_expiry_is_declined),
        RIGGED(refunds_never_pass_what_was_captured),
        RIGGED(disputed_money_is_not_refunded),
        RIGGED(what_is_decided_by_hand_is_decided_once),
        cmocka_unit_test(books_agree_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
