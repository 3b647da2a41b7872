/*
 * Goal: whatever is wrong with a transfer on its own is found, by the field that is wrong, and
 * what is right passes; names and outcomes are those of the API.
 * Method: one valid transfer of each kind, and a table of single changes to them with the field
 * each must be refused by (none: still valid); names by spelling them a second time.
 */
#include "model/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check_test.h"

static struct transfer valid(enum transfer_kind kind)
{
    struct transfer transfer = { .kind = (uint8_t)kind, .amount = { 100 } };
    transfer.id.value = (struct uuid){ 1, 2 };
    if (kind == TRANSFER_DIRECT || kind == TRANSFER_HOLD) {
        transfer.debit.value = (struct uuid){ 3, 4 };
        transfer.credit.value = (struct uuid){ 5, 4 };
        transfer.asset = 978;
    } else {
        transfer.target.value = (struct uuid){ 7, 8 };
    }
    if (kind == TRANSFER_VOID) transfer.amount = MONEY_MAX;
    return transfer;
}

/* One change to a valid transfer. */
enum change {
    NO_CHANGE,
    SET_KIND,
    SET_FLAGS,
    SET_DEBIT,
    SET_CREDIT,
    CREDIT_AS_DEBIT,
    SET_ASSET,
    SET_TARGET,
    SET_AMOUNT,
    AMOUNT_ALL,
    AMOUNT_ALL_BUT_ONE,
    SET_TIMEOUT,
    SET_DATE,
    SET_RESERVED,
    NIL_ID,
    SET_REST,
};

static void change_sides(struct transfer *transfer, enum change change, int64_t value)
{
    struct uuid id = { (uint64_t)value, (uint64_t)value };
    if (change == SET_DEBIT) transfer->debit.value = id;
    if (change == SET_CREDIT) transfer->credit.value = id;
    if (change == CREDIT_AS_DEBIT) transfer->credit = transfer->debit;
    if (change == SET_ASSET) transfer->asset = (uint32_t)value;
    if (change == SET_TARGET) transfer->target.value = id;
    if (change == NIL_ID) transfer->id.value = (struct uuid){ 0 };
}

static void change_apply(struct transfer *transfer, enum change change, int64_t value)
{
    change_sides(transfer, change, value);
    if (change == SET_KIND) transfer->kind = (uint8_t)value;
    if (change == SET_FLAGS) transfer->flags = (uint8_t)value;
    if (change == SET_AMOUNT) transfer->amount = money_from_minor((uint64_t)value);
    if (change == AMOUNT_ALL) transfer->amount = MONEY_MAX;
    if (change == AMOUNT_ALL_BUT_ONE) transfer->amount.minor = MONEY_MAX.minor - 1;
    if (change == SET_TIMEOUT) transfer->timeout_s = (uint32_t)value;
    if (change == SET_DATE) transfer->value_date.days = (int32_t)value;
    if (change == SET_RESERVED) transfer->reserved[value] = 1;
    if (change == SET_REST) {
        transfer->user_ref = (struct uuid){ 9, 9 };
        transfer->code = UINT32_MAX;
        transfer->flags |= TRANSFER_FLAG_LINKED;
    }
}

struct fault_case {
    enum transfer_kind kind;
    enum change change;
    int64_t value;
    const char *field; /* NULL: still valid */
};

static const struct fault_case fault_cases[] = {
    { TRANSFER_DIRECT, NO_CHANGE, 0, NULL },
    { TRANSFER_HOLD, NO_CHANGE, 0, NULL },
    { TRANSFER_POST, NO_CHANGE, 0, NULL },
    { TRANSFER_VOID, NO_CHANGE, 0, NULL },
    { TRANSFER_REVERSAL, NO_CHANGE, 0, NULL },
    { TRANSFER_DIRECT, NIL_ID, 0, NULL },
    { TRANSFER_DIRECT, SET_REST, 0, NULL },
    { TRANSFER_VOID, SET_REST, 0, NULL },

    { TRANSFER_DIRECT, SET_KIND, 0, "kind" },
    { TRANSFER_POST, SET_KIND, TRANSFER_EXPIRE, "kind" },
    { TRANSFER_DIRECT, SET_KIND, TRANSFER_KIND_END, "kind" },
    { TRANSFER_DIRECT, SET_KIND, 255, "kind" },

    { TRANSFER_DIRECT, SET_FLAGS, 16, "flags" },
    { TRANSFER_DIRECT, SET_FLAGS, 128, "flags" },
    { TRANSFER_DIRECT, SET_FLAGS, TRANSFER_FLAG_BALANCING_DEBIT, NULL },
    { TRANSFER_HOLD, SET_FLAGS, TRANSFER_FLAG_BALANCING_CREDIT, NULL },
    { TRANSFER_HOLD, SET_FLAGS, TRANSFER_FLAG_BALANCING_CREDIT | TRANSFER_FLAG_BALANCING_DEBIT,
      NULL },
    { TRANSFER_POST, SET_FLAGS, TRANSFER_FLAG_BALANCING_DEBIT, "flags" },
    { TRANSFER_VOID, SET_FLAGS, TRANSFER_FLAG_BALANCING_CREDIT, "flags" },
    { TRANSFER_REVERSAL, SET_FLAGS, TRANSFER_FLAG_BALANCING_CREDIT, "flags" },
    { TRANSFER_POST, SET_FLAGS, TRANSFER_FLAG_KEEP_REST, NULL },
    { TRANSFER_DIRECT, SET_FLAGS, TRANSFER_FLAG_KEEP_REST, "flags" },
    { TRANSFER_HOLD, SET_FLAGS, TRANSFER_FLAG_KEEP_REST, "flags" },
    { TRANSFER_VOID, SET_FLAGS, TRANSFER_FLAG_KEEP_REST, "flags" },
    { TRANSFER_REVERSAL, SET_FLAGS, TRANSFER_FLAG_KEEP_REST, "flags" },

    { TRANSFER_DIRECT, SET_DEBIT, 0, "debit" },
    { TRANSFER_HOLD, SET_DEBIT, 0, "debit" },
    { TRANSFER_DIRECT, SET_CREDIT, 0, "credit" },
    { TRANSFER_HOLD, SET_CREDIT, 0, "credit" },
    { TRANSFER_DIRECT, CREDIT_AS_DEBIT, 0, "credit" },
    { TRANSFER_DIRECT, SET_ASSET, 0, "asset" },
    { TRANSFER_HOLD, SET_ASSET, 0, "asset" },
    { TRANSFER_DIRECT, SET_TARGET, 1, "target" },
    { TRANSFER_HOLD, SET_TARGET, 1, "target" },

    { TRANSFER_POST, SET_DEBIT, 1, "debit" },
    { TRANSFER_VOID, SET_DEBIT, 1, "debit" },
    { TRANSFER_POST, SET_CREDIT, 1, "credit" },
    { TRANSFER_REVERSAL, SET_CREDIT, 1, "credit" },
    { TRANSFER_POST, SET_ASSET, 978, NULL },
    { TRANSFER_REVERSAL, SET_ASSET, 978, NULL },
    { TRANSFER_VOID, SET_ASSET, 978, "asset" },
    { TRANSFER_POST, SET_TARGET, 0, "target" },
    { TRANSFER_VOID, SET_TARGET, 0, "target" },
    { TRANSFER_REVERSAL, SET_TARGET, 0, "target" },

    { TRANSFER_DIRECT, SET_AMOUNT, 0, "amount" },
    { TRANSFER_HOLD, SET_AMOUNT, 0, "amount" },
    { TRANSFER_POST, SET_AMOUNT, 0, "amount" },
    { TRANSFER_VOID, SET_AMOUNT, 0, "amount" },
    { TRANSFER_REVERSAL, SET_AMOUNT, 0, "amount" },
    { TRANSFER_DIRECT, SET_AMOUNT, 1, NULL },
    { TRANSFER_DIRECT, AMOUNT_ALL, 0, "amount" },
    { TRANSFER_HOLD, AMOUNT_ALL, 0, "amount" },
    { TRANSFER_DIRECT, AMOUNT_ALL_BUT_ONE, 0, NULL },
    { TRANSFER_POST, AMOUNT_ALL, 0, NULL },
    { TRANSFER_REVERSAL, AMOUNT_ALL, 0, NULL },
    { TRANSFER_VOID, SET_AMOUNT, 100, "amount" },
    { TRANSFER_VOID, AMOUNT_ALL_BUT_ONE, 0, "amount" },

    { TRANSFER_HOLD, SET_TIMEOUT, 1, NULL },
    { TRANSFER_HOLD, SET_TIMEOUT, HOLD_TIMEOUT_S_MAX, NULL },
    { TRANSFER_HOLD, SET_TIMEOUT, HOLD_TIMEOUT_S_MAX + 1, "timeout_s" },
    { TRANSFER_HOLD, SET_TIMEOUT, UINT32_MAX, "timeout_s" },
    { TRANSFER_DIRECT, SET_TIMEOUT, 1, "timeout_s" },
    { TRANSFER_POST, SET_TIMEOUT, 1, "timeout_s" },
    { TRANSFER_VOID, SET_TIMEOUT, 1, "timeout_s" },
    { TRANSFER_REVERSAL, SET_TIMEOUT, 1, "timeout_s" },

    { TRANSFER_DIRECT, SET_DATE, 1, NULL },
    { TRANSFER_POST, SET_DATE, BUSINESS_DATE_DAYS_MAX, NULL },
    { TRANSFER_DIRECT, SET_DATE, BUSINESS_DATE_DAYS_MAX + 1, "value_date" },
    { TRANSFER_DIRECT, SET_DATE, INT32_MAX, "value_date" },
    { TRANSFER_DIRECT, SET_DATE, -1, "value_date" },
    { TRANSFER_DIRECT, SET_DATE, INT32_MIN, "value_date" },

    { TRANSFER_DIRECT, SET_RESERVED, 0, "reserved" },
    { TRANSFER_VOID, SET_RESERVED, 13, "reserved" },
};

static void each_fault_is_found_by_its_field(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof fault_cases / sizeof fault_cases[0]; i++) {
        struct transfer transfer = valid(fault_cases[i].kind);
        change_apply(&transfer, fault_cases[i].change, fault_cases[i].value);
        const char *field = "none";
        const char *sentence = transfer_fault(&transfer, &field);
        if (fault_cases[i].field == NULL) {
            if (sentence != NULL) fail_msg("case %zu refused: %s %s", i, field, sentence);
            assert_string_equal(field, "none");
        } else {
            if (sentence == NULL) fail_msg("case %zu passed", i);
            assert_string_equal(field, fault_cases[i].field);
        }
    }
}

static void balancing_transfers_may_ask_for_all(void **state)
{
    (void)state; /* no fixture */
    const char *field;
    for (uint8_t flag = TRANSFER_FLAG_BALANCING_DEBIT; flag <= TRANSFER_FLAG_BALANCING_CREDIT;
         flag *= 2) {
        struct transfer transfer = valid(TRANSFER_DIRECT);
        transfer.amount = MONEY_MAX;
        transfer.flags = flag;
        assert_null(transfer_fault(&transfer, &field));
        transfer.kind = TRANSFER_HOLD;
        assert_null(transfer_fault(&transfer, &field));
    }
}

static void every_bit_of_an_account_counts_when_sides_are_compared(void **state)
{
    (void)state; /* no fixture */
    const char *field;
    for (unsigned bit = 0; bit < 128; bit++) {
        struct transfer transfer = valid(TRANSFER_DIRECT);
        transfer.credit = transfer.debit;
        uint64_t *half = bit < 64 ? &transfer.credit.value.lo : &transfer.credit.value.hi;
        *half ^= UINT64_C(1) << bit % 64;
        assert_null(transfer_fault(&transfer, &field));
    }
}

static void kinds_and_flags_are_named_both_ways(void **state)
{
    (void)state; /* no fixture */
    static const char *const kinds[] = { "direct",   "hold",   "post",     "void",
                                         "reversal", "expire", "departure" };
    static const char *const flags[] = { "linked", "balancing_debit", "balancing_credit",
                                         "keep_rest", "owned" };
    uint8_t value;
    for (unsigned i = 0; i < 7; i++) {
        assert_string_equal(transfer_kind_name(i + 1), kinds[i]);
        assert_true(transfer_kind_parse(str_from(kinds[i]), &value));
        assert_int_equal(value, i + 1);
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_string_equal(transfer_flag_name(1U << i), flags[i]);
        assert_true(transfer_flag_parse(str_from(flags[i]), &value));
        assert_int_equal(value, 1U << i);
    }
    unsigned named = 0;
    for (unsigned i = 0; i < 256; i++) {
        named += transfer_kind_name(i) != NULL;
        named += transfer_flag_name(i) != NULL;
    }
    assert_int_equal(named, 12);
    value = 77;
    assert_false(transfer_kind_parse(STR(""), &value));
    assert_false(transfer_kind_parse(STR("Direct"), &value));
    assert_false(transfer_kind_parse(STR("holds"), &value));
    assert_false(transfer_flag_parse(STR("balancing"), &value));
    assert_int_equal(value, 77);
}

static void outcome_name_of(void *argument)
{
    (void)outcome_code(*(const enum outcome *)argument); /* dies before it returns */
}

static void outcomes_have_codes_texts_and_http_statuses(void **state)
{
    (void)state; /* no fixture */
    assert_string_equal(outcome_code(OUTCOME_OK), "ok");
    assert_int_equal(outcome_http_status(OUTCOME_OK), 201);
    assert_int_equal(outcome_http_status(OUTCOME_ID_CONFLICT), 409);
    assert_string_equal(outcome_code(OUTCOME_DEBITS_EXCEED_CREDITS), "debits_exceed_credits");
    for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        unsigned http = outcome_http_status(outcome);
        assert_true(http == 201 || http == 409 || http == 422);
        assert_true((http == 201) == (outcome == OUTCOME_OK));
        assert_true(strlen(outcome_text(outcome)) > 3);
        for (enum outcome other = 0; other < outcome; other++)
            assert_string_not_equal(outcome_code(other), outcome_code(outcome));
    }
    enum outcome beyond = OUTCOME_COUNT;
    assert_true(dies(outcome_name_of, &beyond));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_found_by_its_field),
        cmocka_unit_test(balancing_transfers_may_ask_for_all),
        cmocka_unit_test(every_bit_of_an_account_counts_when_sides_are_compared),
        cmocka_unit_test(kinds_and_flags_are_named_both_ways),
        cmocka_unit_test(outcomes_have_codes_texts_and_http_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
