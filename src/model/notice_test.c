/*
 * Goal: a reason can be a code and no sentence, address or name with a space; only acts that there
 * are can be noted, each with what belongs to it.
 * Method: tables of what is taken and what is not; every code of the tables is found and different.
 */
#include "model/notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_reason_is_a_code_and_no_sentence(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        { "ops-1234", true },
        { "INC/2026:11#7", true },
        { "0", true },
        { "a.b_c", true },
        { "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeee", true },
        { "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeef", false },
        { "", false },
        { "-1", false },
        { "because Anna asked", false },
        { "anna@mail.test", false },
        { "a\tb", false },
        { "a\"b", false },
        { "\xC3\xA4", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(reason_is_valid(str_from(rows[i].text)), rows[i].valid);
    }
    assert_false(reason_is_valid((struct str){ "a\0b", 3 }));
}

static void every_act_has_a_code_of_its_own(void **state)
{
    (void)state; /* no fixture */
    unsigned count = 0;
    for (unsigned i = 0; i < 300; i++) {
        const char *code = notice_code(i);
        if (code == NULL) continue;
        count++;
        for (unsigned j = 0; j < i; j++) {
            assert_true(notice_code(j) == NULL || strcmp(notice_code(j), code) != 0);
        }
    }
    assert_int_equal(count, 10);
    unsigned settings = 0;
    for (unsigned bit = 1; bit != 0; bit <<= 1) settings += setting_code(bit) != NULL;
    assert_int_equal(settings, 7);
    assert_null(setting_code(3));
    assert_null(setting_code(0));
}

static void a_notice_has_what_belongs_to_its_kind(void **state)
{
    (void)state; /* no fixture */
    const struct uuid some = { .hi = 1, .lo = 2 };
    static const struct uuid none = { 0 };
    const struct {
        struct notice notice;
        const char *field; /* NULL: nothing is wrong */
    } rows[] = {
        { { .kind = NOTICE_ENDPOINT_CREATE, .subject = some }, NULL },
        { { .kind = NOTICE_ENDPOINT_DISABLE, .subject = some }, NULL },
        { { .kind = NOTICE_ENDPOINT_DISABLE, .subject = none }, "subject" },
        { { .kind = NOTICE_ENDPOINT_REMOVE, .subject = some, .settings = 1 }, "settings" },
        { { .kind = NOTICE_SERVER_START, .settings = SETTINGS_ALL }, NULL },
        { { .kind = NOTICE_SERVER_START, .settings = SETTINGS_ALL + 1 }, "settings" },
        { { .kind = NOTICE_SERVER_START, .subject = some }, "subject" },
        { { .kind = NOTICE_RESTORE_ACCEPT }, NULL },
        { { .kind = NOTICE_ARCHIVE }, NULL },
        { { .kind = NOTICE_REASON }, "kind" },
        { { .kind = 0 }, "kind" },
        { { .kind = 99 }, "kind" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *field = NULL;
        const char *sentence = notice_fault(&rows[i].notice, &field);
        assert_true((sentence == NULL) == (rows[i].field == NULL));
        if (rows[i].field != NULL) assert_string_equal(field, rows[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reason_is_a_code_and_no_sentence),
        cmocka_unit_test(every_act_has_a_code_of_its_own),
        cmocka_unit_test(a_notice_has_what_belongs_to_its_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
