/*
 * Goal: a plan that breaks what held is named with it, and so is what it leaves.
 * Method: diagnoses as JSON before and after, with one violation or account more or less.
 */
#include "doctor/closure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "{\"format\":\"tpwallet-diagnosis-1\",\"incident\":\"7F3A\","
#define I09 "{\"invariant\":\"I09\",\"key\":\"k1\",\"cause\":\"P01\"}"
#define I24 "{\"invariant\":\"I24\",\"key\":\"ch1\"}"
#define ROW "{\"account\":\"w1\",\"ccy\":\"EUR\",\"delta\":\"-500\"}"

struct sides {
    struct arena arena;
    struct plan_diagnosis before;
    struct plan_diagnosis after;
    struct error error;
};
static struct sides sides;

static void read(const char *text, struct plan_diagnosis *out)
{
    assert_int_equal(plan_diagnosis_parse(str_from(text), &sides.arena, out, &sides.error),
                     STATUS_OK);
}

static enum status checked(const char *before, const char *after)
{
    arena_reset(&sides.arena);
    read(before, &sides.before);
    read(after, &sides.after);
    return closure_check(&sides.before, &sides.after, &sides.arena, &sides.error);
}

static int begin(void **state)
{
    (void)state; /* the sides are static */
    return arena_init(&sides.arena, 64 << 20) == STATUS_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state; /* the sides are static */
    arena_done(&sides.arena);
    return 0;
}

static void what_held_before_must_hold_after(void **state)
{
    (void)state; /* the sides are static */
    static const char *const one = HEAD "\"violations\":[" I09 "]}";
    assert_int_equal(checked(one, one), STATUS_OK);
    assert_int_equal(checked(one, HEAD "\"violations\":[]}"), STATUS_OK);
    assert_int_equal(checked(one, HEAD "\"violations\":[" I09 "," I24 "]}"), STATUS_CONFLICT);
    assert_string_equal(sides.error.message, "the plan would break I24 ch1");
    static const char *const other =
        HEAD "\"violations\":[{\"invariant\":\"I09\",\"key\":\"k2\",\"cause\":\"P01\"}]}";
    assert_int_equal(checked(one, other), STATUS_CONFLICT); /* of another key */
}

static void what_was_not_looked_at_to_the_end_tells_nothing(void **state)
{
    (void)state; /* the sides are static */
    static const char *const whole = HEAD "\"violations\":[]}";
    static const char *const cut = HEAD "\"truncated\":true,\"violations\":[]}";
    assert_int_equal(checked(whole, cut), STATUS_CONFLICT);
    assert_int_equal(checked(cut, whole), STATUS_CONFLICT);
}

static void what_is_left_is_named(void **state)
{
    (void)state; /* the sides are static */
    BUF_SCOPE struct buf text;
    struct json_writer writer;
    buf_init(&text, 4096);
    static const char *const settled =
        HEAD "\"causes\":[{\"fault\":\"P01\",\"affected\":[]}],\"violations\":[" I09 "]}";
    assert_int_equal(checked(settled, settled), STATUS_OK);
    assert_int_equal(closure_left(&sides.after), 0);
    static const char *const left =
        HEAD "\"causes\":[{\"fault\":\"P01\",\"affected\":[" ROW "]}],\"violations\":[" I09 "]}";
    assert_int_equal(checked(left, left), STATUS_OK);
    assert_int_equal(closure_left(&sides.after), 1);
    closure_first(&sides.after, &text);
    assert_string_equal(buf_terminated(&text), "w1 EUR -500 (P01)");
    buf_reset(&text);
    static const char *const open =
        HEAD "\"causes\":[{\"fault\":\"P01\",\"affected\":[" ROW "]}],\"violations\":[" I24 "]}";
    assert_int_equal(checked(open, open), STATUS_OK);
    assert_int_equal(closure_left(&sides.after), 2);
    closure_first(&sides.after, &text);
    assert_string_equal(buf_terminated(&text), "I24 ch1 is not explained");
    buf_reset(&text);
    json_writer_init(&writer, &text);
    closure_json(&sides.after, &writer);
    assert_int_equal(json_write_end(&writer), STATUS_OK);
    assert_string_equal(buf_terminated(&text),
                        "[{\"invariant\":\"I24\",\"key\":\"ch1\"},{\"account\":\"w1\",\"ccy\":"
                        "\"EUR\",\"delta\":\"-500\",\"fault\":\"P01\"}]");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(what_held_before_must_hold_after),
        CASE(what_was_not_looked_at_to_the_end_tells_nothing),
        CASE(what_is_left_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
