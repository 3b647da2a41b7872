/*
 * Goal: the check-list has the steps of the parts that a ledger has and no others, what disappears
 * first comes first, and its commands can be pasted into a shell whatever the paths are.
 * Method: each part alone; the order of the saving steps; a path with blanks and quotes.
 */
#include "doctor/triage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *text_of(uint32_t parts, struct buf *out)
{
    const struct triage_facts facts = { parts, "it's here", "case-1", "anna.key" };
    triage_text(&facts, out);
    assert_int_equal(buf_status(out), STATUS_OK);
    return buf_terminated(out);
}

static uint32_t steps_of(uint32_t parts)
{
    const struct triage_facts facts = { .parts = parts };
    uint32_t count;
    uint32_t apply = 0;
    const struct triage_step *steps = triage_steps(&count);
    for (uint32_t i = 0; i < count; i++) apply += triage_applies(&facts, &steps[i]);
    return apply;
}

static void each_part_brings_steps_of_its_own(void **state)
{
    (void)state;
    uint32_t bare = steps_of(0);
    assert_true(bare > 12);
#define PART(name, bit, code) assert_true(steps_of(bit) > bare);
    TRIAGE_PART_TABLE(PART)
#undef PART
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    assert_null(strstr(text_of(0, &out), "kafka"));
    buf_reset(&out);
    assert_non_null(strstr(text_of(TRIAGE_KAFKA, &out), "tpwallet kafka pause"));
}

static void what_disappears_first_is_saved_first(void **state)
{
    (void)state;
    static const char *const order[] = { "--incident INCIDENT", "--redis",     "--kafka BROKERS",
                                         "--postgres",          "--log FILE",  "tpwallet backup",
                                         "pg_basebackup",       "--statement", "--endpoint" };
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    const char *at = text_of(UINT32_MAX, &out);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
    }
}

/* What is stopped is started again, and what others have to give is asked for before it is used. */
static void what_was_stopped_is_undone_and_what_is_used_is_made(void **state)
{
    (void)state;
    static const char *const order[] = { "account freeze", "key create",      "endpoint rotate",
                                         "doctor key",     "doctor collect",  "max_total",
                                         "doctor plan",    "doctor approve",  "account unfreeze",
                                         "--execute",      "account unfreeze" };
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    const char *at = text_of(UINT32_MAX, &out);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        if (at == NULL) fail_msg("%s", order[i]);
        at += strlen(order[i]);
    }
}

static void paths_are_one_word_for_a_shell(void **state)
{
    (void)state;
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    const char *text = text_of(0, &out);
    assert_non_null(strstr(text, "tpwallet check --data 'it'\\''s here'\n"));
    assert_non_null(strstr(text, "doctor diagnose case-1\n"));
    assert_null(strstr(text, "%d"));
}

static void every_step_says_why_and_who(void **state)
{
    (void)state;
    uint32_t count;
    const struct triage_step *steps = triage_steps(&count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(strlen(steps[i].why) > 0 && strlen(steps[i].who) > 0);
        assert_true(strlen(steps[i].takes) > 0 && strlen(steps[i].within) > 0);
    }
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    const struct triage_facts facts = { UINT32_MAX, "d", "b", "k" };
    triage_json(&facts, &out);
    assert_int_equal(buf_status(&out), STATUS_OK);
    assert_true(out.data[0] == '[' && out.data[out.len - 1] == '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_brings_steps_of_its_own),
        cmocka_unit_test(what_disappears_first_is_saved_first),
        cmocka_unit_test(what_was_stopped_is_undone_and_what_is_used_is_made),
        cmocka_unit_test(paths_are_one_word_for_a_shell),
        cmocka_unit_test(every_step_says_why_and_who),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
