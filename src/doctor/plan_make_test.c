/*
 * Goal: a plan is what the diagnosis says, or there is none; nothing doubtful becomes an entry.
 * Method: diagnoses with one thing changed and what becomes of them; ids derived twice.
 */
#include "doctor/plan_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tlog/note_test.h"

#define HEAD                                                                                       \
    "{\"format\":\"tpwallet-diagnosis-1\",\"incident\":\"7F3A\",\"rules_sha256\":"                 \
    "\"00000000000000000000000000000000000000000000000000000000000000aa\","
#define CAUSE(label, more)                                                                         \
    "\"causes\":[{\"fault\":\"P01\",\"title\":\"charged twice\",\"label\":\"" label                \
    "\",\"repair\":\"reverse keep=first\",\"stop\":\"stop it\",\"prevention\":\"a key\","          \
    "\"ledger_entry\":true,\"psp_money\":false,\"affected\":[{\"account\":\"w1\",\"ccy\":\"EUR\"," \
    "\"delta\":\"-500\",\"record\":{\"record\":\"R-00000000000000ff\",\"kind\":\"x\"}}" more       \
    "]}]}"

struct making {
    struct arena arena;
    struct plan_diagnosis diagnosis;
    struct repair_plan plan;
    struct repair_policy policy;
    struct error error;
    char proposer[NOTE_KEY_TEXT_SIZE];
};

static int setup(void **state)
{
    struct making *it = calloc(1, sizeof *it);
    if (it == NULL) return -1;
    if (arena_init(&it->arena, 64 << 20) != STATUS_OK) return -1;
    struct note_signer anna;
    test_signer(&anna, "anna", NOTE_ED25519, 1);
    it->plan.proposer = note_key_format(&anna.key, it->proposer);
    it->policy.approvers[0] = anna.key;
    note_signer_done(&anna);
    static const char *const others[] = { "bob", "carol", "dora", "eve", "frank" };
    for (uint8_t i = 0; i < 5; i++) {
        struct note_signer signer;
        test_signer(&signer, others[i], NOTE_ED25519, (uint8_t)(i + 2));
        it->policy.approvers[i + 1] = signer.key;
        note_signer_done(&signer);
    }
    it->policy.approver_count = 6;
    it->policy.total[0] = (struct policy_limit){ .ccy = "EUR", .amount = { 1000000 } };
    it->policy.total_count = 1;
    it->policy.confirmed = 2;
    it->policy.probable = 3;
    it->policy.entries_max = 10;
    it->policy.valid_hours = 1;
    it->plan.made_at.ns = NS_PER_S;
    it->plan.expires_at.ns = 2 * NS_PER_S;
    *state = it;
    return 0;
}

static int teardown(void **state)
{
    struct making *it = *state;
    arena_done(&it->arena);
    free(it);
    return 0;
}

/* The row as the evidence would have filled it. */
static void row_trace(struct plan_row *row)
{
    row->tx = STR("tx2");
    row->debit = STR("w1");
    row->credit = STR("shop");
    row->amount.minor = 500;
}

static enum status made(struct making *it, const char *text, bool traced)
{
    arena_reset(&it->arena);
    enum status status =
        plan_diagnosis_parse(str_from(text), &it->arena, &it->diagnosis, &it->error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < it->diagnosis.row_count && traced; i++)
        row_trace(&it->diagnosis.rows[i]);
    status = repair_plan_make(&it->diagnosis, &it->arena, &it->plan, &it->error);
    return status == STATUS_OK ? repair_plan_check(&it->plan, &it->policy, &it->error) : status;
}

static void a_confirmed_cause_gets_a_plan(void **state)
{
    struct making *it = *state;
    assert_int_equal(made(it, HEAD CAUSE("CONFIRMED", ""), true), STATUS_OK);
    assert_int_equal(it->plan.approvals, 2);
    assert_int_equal(it->plan.step_count, 3);
    assert_int_equal(it->plan.steps[0].kind, PLAN_STOP);
    assert_int_equal(it->plan.steps[1].kind, PLAN_FIX);
    const struct plan_step *entry = &it->plan.steps[2];
    assert_int_equal(entry->kind, PLAN_COMPENSATE);
    assert_true(str_equal(entry->target, STR("tx2")));
    assert_true(str_equal(entry->debit, STR("shop"))); /* the opposite entry */
    assert_true(str_equal(entry->credit, STR("w1")));
    assert_true(entry->amount.minor == 500);
    assert_int_equal(it->diagnosis.rows[0].record, 0xff);
    struct uuid id = entry->id;
    assert_int_equal(made(it, HEAD CAUSE("PROBABLE", ""), true), STATUS_OK);
    assert_int_equal(it->plan.approvals, 3);
    assert_true(uuid_equal(id, it->plan.steps[2].id)); /* derived, not drawn */
}

static void between_lanes_it_is_sent_back(void **state)
{
    struct making *it = *state;
    assert_int_equal(made(it, HEAD CAUSE("CONFIRMED", ""), true), STATUS_OK);
    struct uuid reversal = it->plan.steps[2].id;
    it->diagnosis.rows[0].between = true;
    assert_int_equal(repair_plan_make(&it->diagnosis, &it->arena, &it->plan, &it->error),
                     STATUS_OK);
    assert_int_equal(repair_plan_check(&it->plan, &it->policy, &it->error), STATUS_OK);
    assert_int_equal(it->plan.step_count, 3);
    assert_int_equal(it->plan.steps[2].kind, PLAN_SEND_BACK);
    assert_true(str_equal(it->plan.steps[2].target, STR("tx2")));
    assert_false(uuid_equal(it->plan.steps[2].id, reversal));
}

static void doubt_gets_no_plan(void **state)
{
    struct making *it = *state;
    static const char *const denied[] = {
        HEAD CAUSE("POSSIBLE", ""),
        HEAD CAUSE("AMBIGUOUS", ""),
        HEAD "\"unexplained_count\":1," CAUSE("CONFIRMED", ""),
        HEAD "\"truncated\":true," CAUSE("CONFIRMED", ""),
        HEAD "\"causes\":[]}",
    };
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++)
        if (made(it, denied[i], true) != STATUS_DENIED) fail_msg("%s", denied[i]);
    assert_int_equal(made(it, HEAD CAUSE("CONFIRMED", ""), false), STATUS_INVALID);
    static const char *const invalid[] = {
        "",
        "{}",
        "{\"format\":\"tpwallet-diagnosis-2\"}",
        HEAD CAUSE("CONFIRMED", ",{\"account\":\"w2\",\"ccy\":\"EUR\",\"delta\":\"x\"}"),
        HEAD CAUSE("CONFIRMED", ",{\"account\":\"w2\",\"ccy\":\"EUR\",\"delta\":\"7\"}"),
    };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        if (made(it, invalid[i], true) != STATUS_INVALID) fail_msg("%s", invalid[i]);
}

static void what_would_be_gets_no_plan(void **state)
{
    struct making *it = *state;
    assert_int_equal(
        made(it, HEAD "\"what_if\":\"R-00000000000000ff\"," CAUSE("CONFIRMED", ""), true),
        STATUS_DENIED);
    assert_non_null(strstr(it->error.detail, "R-00000000000000ff"));
    assert_non_null(strstr(it->error.hint, "--what-if"));
}

static void a_fault_is_the_id_of_a_rule(void **state)
{
    struct making *it = *state;
    static const struct {
        const char *causes;
        enum status status;
    } cases[] = {
        { HEAD "\"causes\":[{\"fault\":\"P01\"}]}", STATUS_OK },
        { HEAD "\"causes\":[{\"fault\":\"MY_RULE-12345678\"}]}", STATUS_OK },
        { HEAD "\"causes\":[{\"fault\":\"MY_RULE-123456789\"}]}", STATUS_INVALID },
        { HEAD "\"causes\":[{\"fault\":\"\"}]}", STATUS_INVALID },
        { HEAD "\"causes\":[{\"fault\":\"p01\"}]}", STATUS_OK },
        { HEAD "\"causes\":[{\"fault\":\"P 1\"}]}", STATUS_INVALID },
        { HEAD "\"causes\":[{\"fault\":\"P01\\nDROP\"}]}", STATUS_INVALID },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        arena_reset(&it->arena);
        enum status status =
            plan_diagnosis_parse(str_from(cases[i].causes), &it->arena, &it->diagnosis, &it->error);
        if (status != cases[i].status) fail_msg("%s", cases[i].causes);
        if (status != STATUS_OK) assert_non_null(strstr(it->error.message, "no id of a rule"));
    }
}

static void the_policy_limits_a_plan(void **state)
{
    struct making *it = *state;
    const struct repair_policy before = it->policy;
    it->policy.total[0] = (struct policy_limit){ .ccy = "EUR", .amount = { 499 } };
    assert_int_equal(made(it, HEAD CAUSE("CONFIRMED", ""), true), STATUS_DENIED);
    it->policy = before;
    it->policy.over[0] = (struct policy_limit){ .ccy = "EUR", .amount = { 499 }, .approvals = 5 };
    it->policy.over_count = 1;
    assert_int_equal(made(it, HEAD CAUSE("CONFIRMED", ""), true), STATUS_OK);
    assert_int_equal(it->plan.approvals, 5);
    it->policy = before;
    it->policy.entries_max = 0;
    assert_int_equal(made(it, HEAD CAUSE("CONFIRMED", ""), true), STATUS_DENIED);
    it->policy = before;
    it->policy.total_count = 0; /* nothing is allowed of what is not named */
    assert_int_equal(made(it, HEAD CAUSE("CONFIRMED", ""), true), STATUS_DENIED);
    it->policy = before;
    it->policy.approver_count = 2; /* the proposer is one of them */
    assert_int_equal(made(it, HEAD CAUSE("CONFIRMED", ""), true), STATUS_DENIED);
    it->policy = before;
}

static void nothing_is_posted_to_an_account_that_is_left(void **state)
{
    struct making *it = *state;
    static const char *const left[] = {
        /* the row, and accounts of the other leg: with too much, and touched only */
        ",{\"account\":\"w1\",\"ccy\":\"EUR\",\"delta\":\"7\",\"left\":true}",
        ",{\"account\":\"shop\",\"ccy\":\"EUR\",\"delta\":\"7\",\"left\":true}",
        ",{\"account\":\"shop\",\"ccy\":\"EUR\",\"delta\":\"0\",\"left\":true}",
    };
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        char text[2048];
        int len = snprintf(text, sizeof text, HEAD CAUSE("CONFIRMED", "%s"), left[i]);
        assert_true(len > 0 && (size_t)len < sizeof text);
        assert_int_equal(made(it, text, true), STATUS_OK);
        assert_int_equal(it->plan.step_count, 3);
        assert_int_equal(it->plan.steps[2].kind, PLAN_LEAVE);
    }
    assert_int_equal(made(it,
                          HEAD CAUSE("CONFIRMED", ",{\"account\":\"w9\",\"ccy\":\"EUR\","
                                                  "\"delta\":\"0\",\"left\":true}"),
                          true),
                     STATUS_OK);
    assert_int_equal(it->plan.steps[2].kind, PLAN_COMPENSATE); /* another account */
    /* one that only a doubt names, and no row */
    assert_int_equal(
        made(it, HEAD "\"left_accounts\":[\"a\",\"shop\"]," CAUSE("CONFIRMED", ""), true),
        STATUS_OK);
    assert_int_equal(it->plan.step_count, 3);
    assert_int_equal(it->plan.steps[2].kind, PLAN_LEAVE);
    assert_int_equal(made(it, HEAD "\"left_accounts\":[\"a\"]," CAUSE("CONFIRMED", ""), true),
                     STATUS_OK);
    assert_int_equal(it->plan.steps[2].kind, PLAN_COMPENSATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confirmed_cause_gets_a_plan),
        cmocka_unit_test(between_lanes_it_is_sent_back),
        cmocka_unit_test(doubt_gets_no_plan),
        cmocka_unit_test(what_would_be_gets_no_plan),
        cmocka_unit_test(a_fault_is_the_id_of_a_rule),
        cmocka_unit_test(the_policy_limits_a_plan),
        cmocka_unit_test(nothing_is_posted_to_an_account_that_is_left),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
