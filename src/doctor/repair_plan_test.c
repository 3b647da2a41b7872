/*
 * Goal: a plan has one text, ids that follow from it, and nothing in it that could not be an entry.
 * Method: a plan written, read back, and every byte of it flipped; one with one thing wrong at a
 * time.
 */
#include "doctor/repair_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { STEPS = 3, ENTRY = 1, OTHER = 2 };

static struct plan_step steps[STEPS];
static struct repair_plan plan;
static const struct repair_policy policy = {
    .approver_count = 3, /* none of them is who proposes it */
    .confirmed = 2,
    .probable = 3,
    .entries_max = 2,
    .valid_hours = 1,
    .total = { { .ccy = "EUR", .amount = { 1000 } } },
    .total_count = 1,
};

static void plan_build(void)
{
    plan = (struct repair_plan){
        .incident = STR("7F3A"),
        .label = STR("CONFIRMED"),
        .proposer = STR("anna"),
        .expires_at = { 1000 * NS_PER_S },
        .approvals = 2,
        .step_count = STEPS,
        .steps = steps,
    };
    steps[0] =
        (struct plan_step){ .kind = PLAN_STOP, .what = STR("stop \"it\""), .fault = STR("P01") };
    for (int i = ENTRY; i <= OTHER; i++) {
        steps[i] = (struct plan_step){
            .kind = PLAN_COMPENSATE,
            .what = STR("charged twice"),
            .fault = STR("P01"),
            .target = i == ENTRY ? STR("tx1") : STR("tx2"),
            .debit = STR("shop"),
            .credit = STR("w1"),
            .ccy = STR("EUR"),
            .amount = { 500 },
        };
        steps[i].id = plan_entry_id(&plan, &steps[i]);
    }
}

static enum status checked(void)
{
    struct error error;
    return repair_plan_check(&plan, &policy, &error);
}

static void one_thing_wrong_is_no_plan(void **state)
{
    (void)state; /* no fixture */
    plan_build();
    assert_int_equal(checked(), STATUS_OK);
    plan.label = STR("PROBABLE");
    assert_int_equal(checked(), STATUS_OK);
    assert_int_equal(plan.approvals, 3);
    static const char *const labels[] = { "POSSIBLE", "AMBIGUOUS", "UNKNOWN", "", "confirmed" };
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        plan_build();
        plan.label = str_from(labels[i]);
        assert_int_equal(checked(), STATUS_DENIED);
    }
    for (int fault = 0; fault < 9; fault++) {
        plan_build();
        switch (fault) {
        case 0: steps[ENTRY].amount.minor = 0; break;
        case 1: steps[ENTRY].amount.minor = -1; break;
        case 2: steps[ENTRY].credit = STR("shop"); break;
        case 3: steps[ENTRY].target = STR(""); break;
        case 4: steps[ENTRY].ccy = STR(""); break;
        case 5: steps[ENTRY].id.lo ^= 1; break;
        case 6: steps[ENTRY] = steps[OTHER]; break;
        case 7: steps[0].what = STR(""); break;
        default: plan.step_count = 0; break;
        }
        if (checked() != STATUS_INVALID) fail_msg("fault %d", fault);
    }
}

static void ids_follow_from_what_an_entry_is(void **state)
{
    (void)state; /* no fixture */
    plan_build();
    struct uuid id = plan_entry_id(&plan, &steps[ENTRY]);
    assert_true(uuid_equal(id, steps[ENTRY].id));
    assert_int_equal(id.hi >> 12 & 15, 8);
    assert_false(uuid_equal(id, steps[OTHER].id));
    plan.incident = STR("7F3B");
    assert_false(uuid_equal(id, plan_entry_id(&plan, &steps[ENTRY])));
    plan_build();
    plan.rules.bytes[0] = 1;
    assert_false(uuid_equal(id, plan_entry_id(&plan, &steps[ENTRY])));
    plan_build();
    steps[ENTRY].debit = STR("sho");
    steps[ENTRY].credit = STR("pw1"); /* the same letters, cut elsewhere */
    assert_false(uuid_equal(id, plan_entry_id(&plan, &steps[ENTRY])));
}

static void what_is_sent_back_has_one_id_in_all_plans(void **state)
{
    (void)state; /* no fixture */
    plan_build();
    struct uuid reversal = steps[ENTRY].id;
    steps[ENTRY].kind = PLAN_SEND_BACK;
    struct uuid id = plan_entry_id(&plan, &steps[ENTRY]);
    assert_false(uuid_equal(id, reversal));
    plan.incident = STR("7F3B");
    plan.rules.bytes[0] = 1;
    assert_true(uuid_equal(id, plan_entry_id(&plan, &steps[ENTRY])));
    struct str *const parts[] = { &steps[ENTRY].target, &steps[ENTRY].debit, &steps[ENTRY].credit,
                                  &steps[ENTRY].ccy };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct str before = *parts[i];
        *parts[i] = STR("EU");
        if (uuid_equal(id, plan_entry_id(&plan, &steps[ENTRY]))) fail_msg("part %zu", i);
        *parts[i] = before;
    }
}

static void it_is_over_within_the_hours_of_the_policy(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        int64_t made_ns, expires_ns;
        enum status status;
    } cases[] = {
        { 0, 3600 * NS_PER_S, STATUS_OK },
        { 5, 3600 * NS_PER_S + 5, STATUS_OK },
        { 0, 3600 * NS_PER_S + 1, STATUS_DENIED },
        { 0, INT64_MAX, STATUS_DENIED },
        { INT64_MIN, INT64_MAX, STATUS_DENIED },
        { 5, 5, STATUS_INVALID },
        { 6, 5, STATUS_INVALID },
    };
    plan_build();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        plan.made_at.ns = cases[i].made_ns;
        plan.expires_at.ns = cases[i].expires_ns;
        if (checked() != cases[i].status) fail_msg("case %zu", i);
    }
}

static void each_attempt_has_an_id_of_its_own(void **state)
{
    (void)state; /* no fixture */
    plan_build();
    struct uuid ids[4] = { plan_attempt_id(&steps[ENTRY], 1), plan_attempt_id(&steps[ENTRY], 2),
                           plan_attempt_id(&steps[ENTRY], 3), plan_attempt_id(&steps[OTHER], 2) };
    assert_true(uuid_equal(ids[0], steps[ENTRY].id));
    assert_true(uuid_equal(ids[1], plan_attempt_id(&steps[ENTRY], 2)));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ids[i].hi >> 12 & 15, 8);
        for (int j = 0; j < i; j++) assert_false(uuid_equal(ids[i], ids[j]));
    }
}

static void a_changed_plan_is_another_plan_or_none(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    struct arena arena;
    struct repair_plan back;
    BUF_SCOPE struct buf text;
    plan_build();
    buf_init(&text, PLAN_SIZE_MAX);
    repair_plan_json(&plan, &text);
    assert_int_equal(arena_init(&arena, 64 << 20), STATUS_OK);
    assert_int_equal(repair_plan_parse(buf_view(&text), &arena, &back, &error), STATUS_OK);
    assert_int_equal(repair_plan_check(&back, &policy, &error), STATUS_OK);
    uint32_t others = 0;
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 1;
        arena_reset(&arena);
        others += repair_plan_parse(buf_view(&text), &arena, &back, &error) == STATUS_OK;
        text.data[i] ^= 1;
    }
    assert_in_range(others, 1, text.len / 2); /* texts and digits are free, the form is not */
    buf_append_byte(&text, ' ');
    arena_reset(&arena);
    assert_int_equal(repair_plan_parse(buf_view(&text), &arena, &back, &error), STATUS_INVALID);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thing_wrong_is_no_plan),
        cmocka_unit_test(ids_follow_from_what_an_entry_is),
        cmocka_unit_test(what_is_sent_back_has_one_id_in_all_plans),
        cmocka_unit_test(it_is_over_within_the_hours_of_the_policy),
        cmocka_unit_test(each_attempt_has_an_id_of_its_own),
        cmocka_unit_test(a_changed_plan_is_another_plan_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
