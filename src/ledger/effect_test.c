/*
 * Goal: a record does to a balance what its kind says, on the side that is asked for, and can
 * be taken off again; a request is told apart from a record by every field of its content.
 * Method: a table of kinds with the balance each must give; one change per field.
 */
#include "ledger/effect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/check_test.h"

/* A record of 30, whose hold gives 50 free; balances start with 100 posted and 60 pending. */
struct effect_case {
    uint8_t kind;
    uint8_t flags;
    uint64_t posted;
    uint64_t pending;
};

static const struct effect_case effect_cases[] = {
    { TRANSFER_DIRECT, 0, 130, 60 },
    { TRANSFER_DIRECT, TRANSFER_FLAG_BALANCING_DEBIT, 130, 60 },
    { TRANSFER_HOLD, 0, 100, 90 },
    { TRANSFER_HOLD, TRANSFER_FLAG_BALANCING_CREDIT, 100, 90 },
    { TRANSFER_POST, 0, 130, 10 },
    { TRANSFER_VOID, RECORD_FLAG_CLOSES_HOLD, 100, 10 },
    { TRANSFER_EXPIRE, RECORD_FLAG_CLOSES_HOLD, 100, 10 },
    { TRANSFER_REVERSAL, RECORD_FLAG_ASSET_GIVEN, 130, 60 },
};

struct long_record {
    struct record_transfer record;
    struct record_transfer_more more;
};

static struct long_record record_of(uint8_t kind, uint8_t flags)
{
    return (struct long_record){
        .record = { .head = { .type = RECORD_TRANSFER, .kind = kind, .flags = flags },
                    .amount = { 30 } },
        .more = { .released = { 50 } },
    };
}

static const struct balance START = { { 100 }, { 60 }, { 1000 }, { 600 } };

static void each_kind_changes_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof effect_cases / sizeof effect_cases[0]; i++) {
        const struct effect_case *row = &effect_cases[i];
        struct long_record long_record = record_of(row->kind, row->flags);
        struct transfer_view view = transfer_view_of(&long_record.record);
        struct balance balance = START;
        assert_true(effect_apply(view, EFFECT_DEBIT, false, &balance));
        assert_true(balance.debits_posted.minor == row->posted);
        assert_true(balance.debits_pending.minor == row->pending);
        assert_memory_equal(&balance.credits_posted, &START.credits_posted, 32);
        assert_true(effect_apply(view, EFFECT_CREDIT, false, &balance));
        assert_true(balance.credits_posted.minor == 900 + row->posted);
        assert_true(balance.credits_pending.minor == 540 + row->pending);
        assert_true(effect_apply(view, EFFECT_DEBIT, true, &balance));
        assert_true(effect_apply(view, EFFECT_CREDIT, true, &balance));
        assert_memory_equal(&balance, &START, sizeof START);
    }
}

static void a_refusal_changes_nothing(void **state)
{
    (void)state;
    struct long_record long_record = record_of(TRANSFER_POST, 0);
    long_record.record.head.outcome = OUTCOME_HOLD_EXPIRED;
    struct balance balance = START;
    assert_true(effect_apply(transfer_view_of(&long_record.record), EFFECT_DEBIT, false, &balance));
    assert_memory_equal(&balance, &START, sizeof START);
}

/* The balance as it must not be touched by what cannot be. */
static void assert_impossible(struct long_record long_record, bool undo, struct balance balance)
{
    struct balance before = balance;
    struct transfer_view view = transfer_view_of(&long_record.record);
    assert_false(effect_apply(view, EFFECT_DEBIT, undo, &balance));
    assert_memory_equal(&balance, &before, sizeof before);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct long_record direct = record_of(TRANSFER_DIRECT, 0);
    struct long_record hold = record_of(TRANSFER_HOLD, 0);
    struct long_record post = record_of(TRANSFER_POST, 0);
    struct money nearly = { MONEY_MAX.minor - 29 };
    assert_impossible(direct, false, (struct balance){ .debits_posted = nearly });
    assert_impossible(hold, false, (struct balance){ .debits_pending = nearly });
    assert_impossible(post, false, (struct balance){ .debits_pending = { 49 } });
    assert_impossible(direct, true, (struct balance){ .debits_posted = { 29 } });
    assert_impossible(hold, true, (struct balance){ .debits_pending = { 29 } });
    assert_impossible(post, true,
                      (struct balance){ .debits_posted = { 30 }, .debits_pending = nearly });
}

static void apply_once(void *view)
{
    struct balance balance = START;
    assert_true(effect_apply(*(struct transfer_view *)view, EFFECT_DEBIT, false, &balance));
}

static void a_long_record_without_its_rest_stops_the_program(void **state)
{
    (void)state;
    struct long_record post = record_of(TRANSFER_POST, 0);
    struct transfer_view view = { &post.record, NULL };
    assert_true(dies(apply_once, &view));
    view.more = &post.more;
    assert_false(dies(apply_once, &view));
}

static void what_follows_from_a_target_or_is_balanced_is_long(void **state)
{
    (void)state;
    for (uint8_t kind = TRANSFER_DIRECT; kind < TRANSFER_KIND_END; kind++) {
        bool by_itself = kind == TRANSFER_DIRECT || kind == TRANSFER_HOLD;
        assert_int_equal(transfer_is_long(kind, 0), !by_itself);
        assert_int_equal(transfer_is_long(kind, TRANSFER_FLAG_LINKED), !by_itself);
        assert_int_equal(transfer_is_long(kind, RECORD_FLAGS_GIVEN), !by_itself);
        assert_true(transfer_is_long(kind, TRANSFER_FLAG_BALANCING_DEBIT));
        assert_true(transfer_is_long(kind, TRANSFER_FLAG_BALANCING_CREDIT));
    }
}

/* ---- The same content ---- */

static struct transfer asked_for(uint8_t kind, uint8_t flags)
{
    struct transfer transfer = {
        .id = { { 1, 1 } },
        .amount = { 30 },
        .user_ref = { 8, 8 },
        .asset = kind == TRANSFER_VOID ? 0 : 978,
        .value_date = { 20000 },
        .code = 4,
        .kind = kind,
        .flags = flags,
    };
    bool by_itself = kind == TRANSFER_DIRECT || kind == TRANSFER_HOLD;
    if (by_itself) {
        transfer.debit.value = (struct uuid){ 2, 2 };
        transfer.credit.value = (struct uuid){ 3, 3 };
    } else {
        transfer.target.value = (struct uuid){ 4, 4 };
    }
    if (kind == TRANSFER_HOLD) transfer.timeout_s = 60;
    return transfer;
}

/* The record such a request leads to; its effect differs from what was asked for. */
static struct long_record recorded(const struct transfer *transfer)
{
    struct long_record made = {
        .record = { .head = { .type = RECORD_TRANSFER,
                              .kind = transfer->kind,
                              .flags = transfer->flags | RECORD_FLAG_DATE_GIVEN },
                    .id = transfer->id,
                    .debit = { { 2, 2 } },
                    .credit = { { 3, 3 } },
                    .amount = transfer->amount,
                    .user_ref = transfer->user_ref,
                    .asset = 978,
                    .timeout_s = transfer->timeout_s,
                    .value_date = transfer->value_date,
                    .code = transfer->code },
        .more = { transfer->target, transfer->amount, { 50 } },
    };
    if (transfer->asset != 0) made.record.head.flags |= RECORD_FLAG_ASSET_GIVEN;
    if (transfer_is_long(transfer->kind, transfer->flags)) made.record.amount.minor = 7;
    if (transfer->kind == TRANSFER_VOID) made.record.head.flags |= RECORD_FLAG_CLOSES_HOLD;
    return made;
}

enum { FIELDS = 12 };

static void field_change(struct transfer *transfer, int field)
{
    switch (field) {
    case 0: transfer->kind = transfer->kind == TRANSFER_POST ? TRANSFER_VOID : TRANSFER_POST; break;
    case 1: transfer->flags ^= TRANSFER_FLAG_LINKED; break;
    case 2: transfer->value_date.days++; break;
    case 3: transfer->value_date.days = 0; break;
    case 4: transfer->timeout_s++; break;
    case 5: transfer->code++; break;
    case 6: transfer->user_ref.lo++; break;
    case 7: transfer->asset = transfer->asset == 0 ? 978 : 0; break;
    case 8: transfer->amount.minor++; break;
    case 9: transfer->asset = 840; break;
    case 10: transfer->debit.value.lo++; break;
    case 11: transfer->credit.value.hi++; break;
    default: transfer->target.value.lo++; break;
    }
}

static void every_field_of_the_content_counts(void **state)
{
    (void)state;
    static const uint8_t kinds[] = { TRANSFER_DIRECT, TRANSFER_HOLD, TRANSFER_POST, TRANSFER_VOID,
                                     TRANSFER_REVERSAL };
    for (size_t i = 0; i < 2 * sizeof kinds; i++) {
        bool balancing = i % 2 == 1;
        uint8_t kind = kinds[i / 2];
        bool by_itself = kind == TRANSFER_DIRECT || kind == TRANSFER_HOLD;
        if (balancing && !by_itself) continue;
        uint8_t flags = balancing ? TRANSFER_FLAG_BALANCING_DEBIT : 0;
        struct transfer transfer = asked_for(kind, flags);
        struct long_record made = recorded(&transfer);
        struct transfer_view view = transfer_view_of(&made.record);
        assert_true(effect_same_content(view, &transfer));
        struct transfer other = transfer;
        other.id.value.lo++; /* ids are the caller's to compare */
        assert_true(effect_same_content(view, &other));
        for (int field = 0; field <= FIELDS; field++) {
            /* accounts and target are fields of some kinds only */
            if ((field == 10 || field == 11) && !by_itself) continue;
            if (field == 12 && by_itself && !balancing) continue;
            other = transfer;
            field_change(&other, field);
            if (effect_same_content(view, &other)) fail_msg("kind %u, field %d", kind, field);
        }
    }
}

static void what_was_not_given_is_not_compared_with_what_it_became(void **state)
{
    (void)state;
    struct transfer transfer = asked_for(TRANSFER_REVERSAL, 0);
    transfer.value_date.days = 0;
    transfer.asset = 0;
    struct long_record made = recorded(&transfer);
    made.record.head.flags = 0;
    made.record.value_date.days = 20001;
    struct transfer_view view = transfer_view_of(&made.record);
    assert_true(effect_same_content(view, &transfer));
    struct transfer other = transfer;
    other.value_date.days = 20001;
    assert_false(effect_same_content(view, &other));
    other = transfer;
    other.asset = 978;
    assert_false(effect_same_content(view, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_changes_what_it_says),
        cmocka_unit_test(a_refusal_changes_nothing),
        cmocka_unit_test(what_does_not_fit_is_refused_and_changes_nothing),
        cmocka_unit_test(a_long_record_without_its_rest_stops_the_program),
        cmocka_unit_test(what_follows_from_a_target_or_is_balanced_is_long),
        cmocka_unit_test(every_field_of_the_content_counts),
        cmocka_unit_test(what_was_not_given_is_not_compared_with_what_it_became),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
