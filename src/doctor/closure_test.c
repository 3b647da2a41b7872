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

#include "base/json_text.h"

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

static bool is_utf8(struct str text)
{
    const char *at = text.data;
    const char *end = text.data + text.len;
    unsigned size = 1;
    for (; at < end && size > 0; at += size) size = json_text_utf8(at, end);
    return size > 0;
}

/* Keys and accounts as long as lines of evidence, of what JSON escapes, and of several bytes each. */
static void long_names_are_cut(void **state)
{
    (void)state; /* the sides are static */
    enum { NAMES = CLOSURE_NAMED_MAX + 5, LETTERS = 20000 };
    BUF_SCOPE struct buf text;
    BUF_SCOPE struct buf out;
    struct json_writer writer;
    buf_init(&text, 8 << 20);
    buf_init(&out, CLOSURE_JSON_MAX);
    static const char *const letters[] = { "\\u0001", "\xE2\x82\xAC" };
    for (size_t kind = 0; kind < 2; kind++) {
        buf_reset(&text);
        buf_append_str(&text, STR(HEAD "\"violations\":["));
        for (int i = 0; i < NAMES; i++) {
            buf_append_format(&text, "%s{\"invariant\":\"I24\",\"key\":\"x", i == 0 ? "" : ",");
            for (int j = 0; j < LETTERS; j++) buf_append_str(&text, str_from(letters[kind]));
            buf_append_str(&text, STR("\"}"));
        }
        buf_append_str(&text, STR("]}"));
        arena_reset(&sides.arena);
        read(buf_terminated(&text), &sides.after);
        assert_int_equal(closure_left(&sides.after), NAMES);
        buf_reset(&out);
        json_writer_init(&writer, &out);
        closure_json(&sides.after, &writer);
        assert_int_equal(json_write_end(&writer), STATUS_OK);
        assert_true(is_utf8(buf_view(&out)));
        buf_reset(&out);
        closure_first(&sides.after, &out);
        assert_in_range(out.len, CLOSURE_TEXT_MAX, CLOSURE_TEXT_MAX + 50);
        assert_non_null(strstr(buf_terminated(&out), "... is not explained"));
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(what_held_before_must_hold_after),
        CASE(what_was_not_looked_at_to_the_end_tells_nothing),
        CASE(what_is_left_is_named),
        CASE(long_names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
