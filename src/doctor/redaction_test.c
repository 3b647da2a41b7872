/*
 * Goal: hidden values are nowhere in what comes out, equal ones stay equal, the rest is untouched.
 * Method: lines in and out; the same value in two lines; another key; lines that are none.
 */
#include "doctor/redaction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void redaction_make(struct redaction *redaction, uint8_t byte, const char *fields)
{
    uint8_t key[32];
    memset(key, byte, sizeof key);
    memset(redaction, 0, sizeof *redaction);
    assert_int_equal(secret_take(key, sizeof key, &redaction->key), STATUS_OK);
    assert_int_equal(redaction_fields(redaction, str_from(fields)), STATUS_OK);
}

static const char *line_of(const struct redaction *redaction, const char *text, struct buf *out,
                           uint64_t *hidden)
{
    struct arena arena;
    assert_int_equal(arena_init(&arena, 64 << 10), STATUS_OK);
    buf_init(out, 4096);
    *hidden = 0;
    enum status status = redaction_line(redaction, str_from(text), &arena, out, hidden);
    arena_done(&arena);
    return status == STATUS_OK ? buf_terminated(out) : NULL;
}

static void values_are_hidden_and_stay_equal(void **state)
{
    (void)state; /* no fixture */
    struct redaction redaction;
    struct redaction other;
    BUF_SCOPE struct buf one;
    BUF_SCOPE struct buf two;
    BUF_SCOPE struct buf three;
    uint64_t hidden;
    redaction_make(&redaction, 1, "account,client");
    redaction_make(&other, 2, "account,client");
    const char *first = line_of(&redaction,
                                "{\"kind\":\"posting\",\"account\":\"w17\",\"amount\":\"-5\","
                                "\"n\":12,\"client\":77,\"ok\":true,\"x\":null,\"t\":\"a\\\"b\"}",
                                &one, &hidden);
    assert_non_null(first);
    assert_int_equal(hidden, 2);
    assert_null(strstr(first, "w17"));
    assert_null(strstr(first, "77"));
    assert_non_null(strstr(first, "\"amount\":\"-5\",\"n\":12,"));
    assert_non_null(strstr(first, "\"ok\":true,\"x\":null,\"t\":\"a\\\"b\"}\n"));
    const char *second = line_of(&redaction, "{\"account\":\"w17\"}", &two, &hidden);
    const char *third = line_of(&other, "{\"account\":\"w17\"}", &three, &hidden);
    assert_non_null(strstr(first, strstr(second, "\"x") == NULL ? "-" : "\"account\":\"x"));
    char value[20];
    memcpy(value, strstr(second, ":\"x") + 2, 17);
    value[17] = '\0';
    assert_non_null(strstr(first, value));
    assert_null(strstr(third, value));
    secret_done(&redaction.key);
    secret_done(&other.key);
}

static void what_is_no_flat_object_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const char *const texts[] = { "",         "[]",         "{\"a\":[1]}",      "{\"a\":{}}",
                                         "{\"a\":1", "{\"a\":1}x", "{\"a\":1,\"a\":2}" };
    struct redaction redaction;
    redaction_make(&redaction, 1, "account");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        BUF_SCOPE struct buf out;
        uint64_t hidden;
        if (line_of(&redaction, texts[i], &out, &hidden) != NULL) fail_msg("%s", texts[i]);
        assert_int_equal(out.len, 0);
    }
    secret_done(&redaction.key);
}

static void lists_that_are_none_are_refused(void **state)
{
    (void)state; /* no fixture */
    struct redaction redaction = { .count = 0 };
    assert_int_equal(redaction_fields(&redaction, STR("a,,b")), STATUS_INVALID);
    redaction.count = 0;
    assert_int_equal(redaction_fields(&redaction, STR("a,")), STATUS_INVALID);
    redaction.count = REDACTION_FIELDS_MAX;
    assert_int_equal(redaction_fields(&redaction, STR("a")), STATUS_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_hidden_and_stay_equal),
        cmocka_unit_test(what_is_no_flat_object_is_refused),
        cmocka_unit_test(lists_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
