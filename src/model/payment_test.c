/*
 * Goal: names and outcomes are those of the API; the table of moves has no move twice, none out of
 * a state that cannot be reached and none that leaves a payment open without a way to an end;
 * what is wrong with a command on its own is found, by the field that is wrong.
 * Method: walks over the tables; one valid command of each kind and a table of single changes.
 */
#include "model/payment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "model/transit.h"

static void names_are_of_the_tables(void **state)
{
    (void)state;
    for (unsigned i = 1; i < PAYMENT_KIND_END; i++) {
        uint8_t kind;
        assert_true(payment_kind_parse(str_from(payment_kind_name(i)), &kind));
        assert_int_equal(kind, i);
    }
    for (unsigned i = 1; i < PAYMENT_STATE_END; i++) {
        uint8_t known;
        assert_true(payment_state_parse(str_from(payment_state_name(i)), &known));
        assert_int_equal(known, i);
    }
    for (unsigned i = 1; i < PAYMENT_CAUSE_END; i++) assert_non_null(payment_cause_name(i));
    uint8_t value;
    assert_false(payment_kind_parse(STR("tip"), &value));
    assert_false(payment_state_parse(STR("none"), &value));
    assert_null(payment_kind_name(0));
    assert_null(payment_state_name(PAYMENT_STATE_END));
    assert_null(payment_cause_name(0));
    for (unsigned i = 0; i < PAYMENT_OUTCOME_COUNT; i++) {
        assert_true(strlen(payment_outcome_code(i)) < PSP_REASON_SIZE);
        assert_non_null(payment_outcome_text(i));
        unsigned status = payment_outcome_http_status(i);
        assert_true(status == 200 || (status >= 400 && status < 500));
    }
}

static void moves_are_there_once(void **state)
{
    (void)state;
    uint32_t count;
    const struct payment_move *moves = payment_moves(&count);
    for (uint32_t i = 0; i < count; i++) {
        assert_non_null(payment_kind_name(moves[i].kind));
        assert_non_null(payment_state_name(moves[i].from));
        assert_non_null(payment_state_name(moves[i].to));
        assert_non_null(payment_cause_name(moves[i].cause));
        assert_true(moves[i].to != PAYMENT_STATE_NONE);
        assert_true(payment_move_allowed(&moves[i]));
        for (uint32_t j = i + 1; j < count; j++) {
            assert_memory_not_equal(&moves[i], &moves[j], sizeof moves[i]);
        }
    }
    const struct payment_move back = { PAYMENT_PAY_IN, PAYMENT_STATE_SUCCEEDED,
                                       PAYMENT_STATE_PENDING, PAYMENT_CAUSE_ANSWER };
    assert_false(payment_move_allowed(&back));
}

static bool reached_from(uint8_t kind, uint8_t start, uint8_t goal, bool rests)
{
    uint32_t count;
    const struct payment_move *moves = payment_moves(&count);
    uint32_t seen = 1U << start;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < count; i++) {
            bool new_state = (seen >> moves[i].to & 1) == 0;
            if (moves[i].kind != kind || (seen >> moves[i].from & 1) == 0 || !new_state) continue;
            seen |= 1U << moves[i].to;
            more = true;
        }
    }
    if (!rests) return (seen >> goal & 1) != 0;
    for (unsigned i = 1; i < PAYMENT_STATE_END; i++) {
        if ((seen >> i & 1) != 0 && !payment_state_is_open(i)) return true;
    }
    return false;
}

static void every_state_is_reached_and_has_an_end(void **state)
{
    (void)state;
    uint32_t count;
    const struct payment_move *moves = payment_moves(&count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(reached_from(moves[i].kind, PAYMENT_STATE_NONE, moves[i].from, false));
        assert_true(reached_from(moves[i].kind, moves[i].to, 0, true));
    }
}

/* ---- Faults ---- */

static struct payment_command valid(enum payment_kind kind)
{
    struct payment_command command = {
        .cause = PAYMENT_CAUSE_CREATE,
        .draft = { .kind = (uint8_t)kind, .amount = { 100 }, .asset = 978 },
    };
    struct payment *draft = &command.draft;
    struct account_id one = { { 1, 1 } };
    struct account_id two = { { 2, 1 } };
    if (kind == PAYMENT_REFUND) {
        draft->parent.value = (struct uuid){ 3, 1 };
        return command;
    }
    draft->wallet = one;
    if (kind == PAYMENT_PAY_IN || kind == PAYMENT_PAY_OUT) {
        memcpy(draft->method, "pm_1", 5);
    } else {
        draft->counter = two;
    }
    if (kind == PAYMENT_EXCHANGE) draft->counter_asset = 840;
    return command;
}

static void valid_commands_pass(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind < PAYMENT_CHARGEBACK; kind++) {
        struct payment_command command = valid(kind);
        const char *field = NULL;
        assert_null(payment_fault(&command, &field));
    }
    struct payment_command card = valid(PAYMENT_MERCHANT);
    card.draft.wallet = (struct account_id){ { 0, 0 } };
    memcpy(card.draft.method, "pm_1", 5);
    const char *field = NULL;
    assert_null(payment_fault(&card, &field));
}

static void assert_fault(const struct payment_command *command, const char *expected)
{
    const char *field = "";
    assert_non_null(payment_fault(command, &field));
    assert_string_equal(field, expected);
}

static void method_set(struct payment_command *command, const char *method)
{
    memset(command->draft.method, 0, sizeof command->draft.method);
    memcpy(command->draft.method, method, strlen(method));
}

static void card_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const cards[] = { "4242424242424242", "4242-4242-4242-4242",
                                         "378282246310005", "6304000000000000" };
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++) {
        struct payment_command command = valid(PAYMENT_PAY_IN);
        method_set(&command, cards[i]);
        assert_fault(&command, "method");
    }
    struct payment_command command = valid(PAYMENT_PAY_IN);
    const char *field = NULL;
    method_set(&command, "4242424242424241"); /* its check digit is wrong */
    assert_null(payment_fault(&command, &field));
    method_set(&command, "tok en");
    assert_fault(&command, "method");
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    struct payment_command command = valid(PAYMENT_PAY_IN);
    command.draft.kind = PAYMENT_CHARGEBACK;
    assert_fault(&command, "kind");
    command = valid(PAYMENT_PAY_IN);
    command.draft.amount = MONEY_ZERO;
    assert_fault(&command, "amount");
    command.draft.amount = MONEY_MAX;
    assert_fault(&command, "amount");
    command.draft.amount.minor = PAYMENT_AMOUNT_MAX + 1;
    assert_fault(&command, "amount");
    command = valid(PAYMENT_PAY_OUT);
    command.draft.wallet = (struct account_id){ { 0, 0 } };
    assert_fault(&command, "wallet");
    command = valid(PAYMENT_PAY_OUT);
    command.draft.method[0] = '\0';
    assert_fault(&command, "method");
    command = valid(PAYMENT_WALLET);
    command.draft.counter = command.draft.wallet;
    assert_fault(&command, "to");
    method_set(&command, "pm_1");
    command.draft.counter.value.lo = 9;
    assert_fault(&command, "method");
    command = valid(PAYMENT_MERCHANT);
    command.draft.counter = (struct account_id){ { 0, 0 } };
    assert_fault(&command, "merchant");
    command = valid(PAYMENT_WALLET);
    memcpy(command.draft.psp, "Sand", 5);
    assert_fault(&command, "psp");
    command = valid(PAYMENT_REFUND);
    command.draft.parent = (struct payment_id){ { 0, 0 } };
    assert_fault(&command, "payment");
    command = valid(PAYMENT_EXCHANGE);
    command.draft.counter_asset = 0;
    assert_fault(&command, "to_asset");
    command.draft.counter_asset = command.draft.asset;
    assert_fault(&command, "to_asset");
}

/* Another lane would be asked for it, and has nobody who could take it. */
static void what_is_between_lanes_is_nobodys_wallet(void **state)
{
    (void)state;
    const struct transit_account way = { 978, 1, 0, false };
    const struct account_id ids[] = {
        transit_account(&way).id,
        { { .hi = 0x74706C616E658002, .lo = 0x8000000000000001 } }, /* only looks like one */
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct payment_command command = valid(PAYMENT_WALLET);
        command.draft.counter = ids[i];
        assert_fault(&command, "to");
        command = valid(PAYMENT_MERCHANT);
        command.draft.counter = ids[i];
        assert_fault(&command, "merchant");
        command = valid(PAYMENT_WALLET);
        command.draft.wallet = ids[i];
        assert_fault(&command, "wallet");
    }
}

static void a_person_gives_an_end_and_a_reason(void **state)
{
    (void)state;
    struct payment_command command = { .cause = PAYMENT_CAUSE_RESOLVE,
                                       .state = PAYMENT_STATE_PENDING };
    assert_fault(&command, "state");
    command.state = PAYMENT_STATE_FAILED;
    assert_fault(&command, "reason");
    memcpy(command.reason, "bank_says_no", 13);
    const char *field = NULL;
    assert_null(payment_fault(&command, &field));
    struct payment_command capture = { .cause = PAYMENT_CAUSE_CAPTURE, .amount = MONEY_MAX };
    assert_null(payment_fault(&capture, &field));
    capture.amount = MONEY_ZERO;
    assert_fault(&capture, "amount");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_of_the_tables),
        cmocka_unit_test(moves_are_there_once),
        cmocka_unit_test(every_state_is_reached_and_has_an_end),
        cmocka_unit_test(valid_commands_pass),
        cmocka_unit_test(card_numbers_are_refused),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(what_is_between_lanes_is_nobodys_wallet),
        cmocka_unit_test(a_person_gives_an_end_and_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
