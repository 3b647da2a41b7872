/*
 * Goal: both spellings of a key name the same key, and its digests tell every other request apart.
 * Method: tables of headers; digests compared while one input changes at a time, parts moved
 * across their borders included.
 */
#include "api/idempotency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_key(const char *header, const char *text)
{
    struct idempotency_key key;
    if (!idempotency_key_parse(str_from(header), &key)) fail_msg("refused: %s", header);
    assert_true(str_equal((struct str){ key.text, key.len }, str_from(text)));
}

static void quoted_and_bare_keys_are_read(void **state)
{
    (void)state; /* no fixture is needed */
    expect_key("abc-1", "abc-1");
    expect_key("\"abc-1\"", "abc-1");
    expect_key("\"a b\"", "a b");
    expect_key("\"a\\\"b\\\\c\"", "a\"b\\c");
    expect_key("\" \"", " ");
}

static void other_headers_are_refused(void **state)
{
    static const char *const rows[] = { "",        "\"",   "\"\"",     "a b",       "a\"b",
                                        "\"a",     "a\"",  "\"a\"b\"", "\"a\";p",   "\"a\\\"",
                                        "\"\\n\"", "a\tb", "\x7F",     "\"a\x01\"", "\xC3\xA4" };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct idempotency_key key;
        if (idempotency_key_parse(str_from(rows[i]), &key)) fail_msg("taken: %s", rows[i]);
    }
}

static void keys_have_a_maximum(void **state)
{
    (void)state; /* no fixture is needed */
    char text[IDEMPOTENCY_KEY_LEN_MAX + 4];
    struct idempotency_key key;
    memset(text, 'k', sizeof text);
    assert_true(idempotency_key_parse((struct str){ text, IDEMPOTENCY_KEY_LEN_MAX }, &key));
    assert_false(idempotency_key_parse((struct str){ text, IDEMPOTENCY_KEY_LEN_MAX + 1 }, &key));
    text[0] = '"';
    text[IDEMPOTENCY_KEY_LEN_MAX + 1] = '"';
    assert_true(idempotency_key_parse((struct str){ text, IDEMPOTENCY_KEY_LEN_MAX + 2 }, &key));
    text[IDEMPOTENCY_KEY_LEN_MAX + 1] = 'k';
    text[IDEMPOTENCY_KEY_LEN_MAX + 2] = '"';
    assert_false(idempotency_key_parse((struct str){ text, IDEMPOTENCY_KEY_LEN_MAX + 3 }, &key));
}

static void a_key_is_of_its_principal_and_route(void **state)
{
    (void)state; /* no fixture is needed */
    struct idempotency_key key;
    struct idempotency_key other;
    assert_true(idempotency_key_parse(STR("k1"), &key));
    assert_true(idempotency_key_parse(STR("k2"), &other));
    const struct principal_id anna = { { 1, 2 } };
    const struct principal_id ben = { { 2, 2 } };
    struct uuid digest = idempotency_digest(anna, 1, &key);
    assert_true(uuid_equal(digest, idempotency_digest(anna, 1, &key)));
    assert_false(uuid_equal(digest, idempotency_digest(ben, 1, &key)));
    assert_false(uuid_equal(digest, idempotency_digest(anna, 2, &key)));
    assert_false(uuid_equal(digest, idempotency_digest(anna, 1, &other)));
    assert_false(uuid_is_nil(digest));
}

static void a_fingerprint_is_of_path_media_and_body(void **state)
{
    (void)state; /* no fixture is needed */
    struct uuid print = idempotency_fingerprint(STR("/a"), STR("t/j"), STR("{}"), STR(""));
    assert_true(
        uuid_equal(print, idempotency_fingerprint(STR("/a"), STR("t/j"), STR("{}"), STR(""))));
    assert_false(
        uuid_equal(print, idempotency_fingerprint(STR("/b"), STR("t/j"), STR("{}"), STR(""))));
    assert_false(
        uuid_equal(print, idempotency_fingerprint(STR("/a"), STR("t/k"), STR("{}"), STR(""))));
    assert_false(
        uuid_equal(print, idempotency_fingerprint(STR("/a"), STR("t/j"), STR("{ }"), STR(""))));
    assert_false(
        uuid_equal(print, idempotency_fingerprint(STR("/at"), STR("/j"), STR("{}"), STR(""))));
    assert_false(
        uuid_equal(print, idempotency_fingerprint(STR("/a"), STR("t/j{"), STR("}"), STR(""))));
    struct uuid why = idempotency_fingerprint(STR("/a"), STR("t/j"), STR("{}"), STR("ops-1"));
    assert_false(uuid_equal(print, why));
    assert_false(
        uuid_equal(why, idempotency_fingerprint(STR("/a"), STR("t/j"), STR("{}ops-1"), STR(""))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoted_and_bare_keys_are_read),
        cmocka_unit_test(other_headers_are_refused),
        cmocka_unit_test(keys_have_a_maximum),
        cmocka_unit_test(a_key_is_of_its_principal_and_route),
        cmocka_unit_test(a_fingerprint_is_of_path_media_and_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
