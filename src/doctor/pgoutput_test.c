/*
 * Goal: messages of pgoutput are read as what they say; whatever is cut, longer or of another
 * version is refused.
 * Method: messages as PostgreSQL's documentation has them, in bytes; each of them cut at every place,
 * with a byte more, and with its lengths and kinds changed.
 */
#include "doctor/pgoutput.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BYTES(literal) ((struct str){ (literal), sizeof(literal) - 1 })

static struct pgoutput_message message;

/* 2026-11-23T00:00:00Z is 848,707,200 s after 2000. */
#define AT "\x00\x03\x03\xe5\x0b\x2c\xa0\x00"
#define LSN "\x00\x00\x00\x01\x00\x00\x00\x2a"

static const struct str begin = BYTES("B" LSN AT "\x00\x00\x02\xdd");
static const struct str commit = BYTES("C\x00" LSN LSN AT);
static const struct str relation = BYTES("R\x00\x00\x40\x01public\0account\0f\x00\x02"
                                         "\x01id\0\x00\x00\x00\x19\xff\xff\xff\xff"
                                         "\x00"
                                         "balance\0\x00\x00\x06\xa4\xff\xff\xff\xff");
static const struct str insert = BYTES("I\x00\x00\x40\x01N\x00\x02t\x00\x00\x00\x02w1n");
static const struct str update_full = BYTES("U\x00\x00\x40\x01O\x00\x02t\x00\x00\x00\x02w1"
                                            "t\x00\x00\x00\x04"
                                            "1000N\x00\x02t\x00\x00\x00\x02w1t\x00\x00\x00\x03"
                                            "700");
static const struct str update_key =
    BYTES("U\x00\x00\x40\x01K\x00\x02t\x00\x00\x00\x02w1nN\x00\x02t\x00\x00\x00\x02w2u");
static const struct str update_plain = BYTES("U\x00\x00\x40\x01N\x00\x01n");
static const struct str deletion = BYTES("D\x00\x00\x40\x01K\x00\x02t\x00\x00\x00\x02w1n");
static const struct str truncation = BYTES("T\x00\x00\x00\x02\x03\x00\x00\x40\x01\x00\x00\x40\x02");
static const struct str origin = BYTES("O" LSN "west\0");
static const struct str type = BYTES("Y\x00\x00\x40\x09public\0mood\0");

static const struct str *const all[] = {
    &begin,        &commit,   &relation,   &insert, &update_full, &update_key,
    &update_plain, &deletion, &truncation, &origin, &type,
};

static void parsed(struct str bytes)
{
    struct error error;
    if (pgoutput_parse(bytes, &message, &error) != STATUS_OK) fail_msg("%s", error.message);
}

static void value_is(struct row_value value, enum row_value_kind kind, const char *text)
{
    assert_int_equal(value.kind, kind);
    assert_int_equal(value.text.len, strlen(text));
    assert_memory_equal(value.text.len == 0 ? "" : value.text.data, text, strlen(text));
}

static void messages_say_what_they_say(void **state)
{
    (void)state; /* no fixture */
    parsed(begin);
    assert_int_equal(message.type, PGOUTPUT_BEGIN);
    assert_int_equal(message.xid, 733);
    assert_int_equal(message.lsn, 0x10000002a);
    char text[TIME_TEXT_SIZE];
    (void)wall_time_format(message.at, text); /* compared below */
    assert_string_equal(text, "2026-11-23T00:00:00.000000000Z");
    parsed(commit);
    assert_int_equal(message.lsn, 0x10000002a);
    parsed(relation);
    assert_int_equal(message.relation, 0x4001);
    assert_int_equal(message.column_count, 2);
    assert_memory_equal(message.columns[1].data, "balance", 7);
    assert_int_equal(message.identity, 'f');
    parsed(insert);
    value_is(message.after[0], ROW_VALUE_TEXT, "w1");
    value_is(message.after[1], ROW_VALUE_NULL, "");
    parsed(truncation);
    assert_int_equal(message.truncated_count, 2);
    assert_int_equal(message.truncated[1], 0x4002);
    parsed(origin);
    assert_memory_equal(message.name.data, "west", 5);
    parsed(type);
    assert_memory_equal(message.name.data, "mood", 5);
}

static void what_was_before_is_known_as_far_as_the_log_tells(void **state)
{
    (void)state; /* no fixture */
    parsed(update_full);
    assert_true(message.has_before);
    value_is(message.before[1], ROW_VALUE_TEXT, "1000");
    value_is(message.after[1], ROW_VALUE_TEXT, "700");
    parsed(update_key);
    value_is(message.before[0], ROW_VALUE_TEXT, "w1");
    value_is(message.before[1], ROW_VALUE_UNKNOWN, "");
    value_is(message.after[1], ROW_VALUE_UNKNOWN, "");
    parsed(update_plain);
    assert_false(message.has_before);
    parsed(deletion);
    assert_true(message.has_before);
    value_is(message.before[1], ROW_VALUE_UNKNOWN, "");
}

static void what_is_cut_or_longer_is_refused(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct error error;
        for (size_t len = 0; len < all[i]->len; len++) {
            struct str cut = { all[i]->data, len };
            assert_int_equal(pgoutput_parse(cut, &message, &error), STATUS_INVALID);
        }
        struct str longer = { all[i]->data, all[i]->len + 1 }; /* the literal's terminator */
        assert_int_equal(pgoutput_parse(longer, &message, &error), STATUS_INVALID);
    }
}

struct refusal {
    struct str bytes;
    const char *words;
};

static const struct refusal refusals[] = {
    { BYTES("S\x00\x00\x00\x01\x01"), "not known" }, /* streams are of version 2 */
    { BYTES("I\x00\x00\x40\x01N\x00\x01"
            "b\x00\x00\x00\x01x"),
      "neither text" },
    { BYTES("I\x00\x00\x40\x01N\x00\x01t\xff\xff\xff\xffx"), "too early" },
    { BYTES("I\x00\x00\x40\x01N\xff\xff"), "1600" },
    { BYTES("I\x00\x00\x40\x01O\x00\x01n"), "neither what was" },
    { BYTES("D\x00\x00\x40\x01N\x00\x01n"), "neither what was" },
    { BYTES("U\x00\x00\x40\x01O\x00\x01nO\x00\x01n"), "neither what was" },
    { BYTES("U\x00\x00\x40\x01O\x00\x02nnN\x00\x01n"), "another number" },
    { BYTES("R\x00\x00\x40\x01public\0account\0x\x00\x00"), "identity" },
    { BYTES("R\x00\x00\x40\x01public\0account"), "no end" },
    { BYTES("T\x00\x00\x01\x01\x00"), "256" },
    { BYTES("T\x00\x00\x00\x00\x04"), "options" },
    { BYTES("C\x01" LSN LSN AT), "flags" },
    { BYTES("B" LSN "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"), "1970" },
};

static void what_is_no_message_is_refused_with_the_reason(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct error error;
        assert_int_equal(pgoutput_parse(refusals[i].bytes, &message, &error), STATUS_INVALID);
        if (strstr(error.message, refusals[i].words) == NULL)
            fail_msg("%zu: '%s' lacks '%s'", i, error.message, refusals[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_say_what_they_say),
        cmocka_unit_test(what_was_before_is_known_as_far_as_the_log_tells),
        cmocka_unit_test(what_is_cut_or_longer_is_refused),
        cmocka_unit_test(what_is_no_message_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
