/*
 * Goal: an import's ids are the same every time, ordered by line, and never shared by two rows.
 * Method: ids over many lines, line numbers at the borders of the layout, and sets and keys
 * that would read alike if their lengths were not part of the digest; one id is pinned.
 */
#include "cmd/import_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct import_set set = { { "demo", 4 }, { "transfer", 8 } };

static void a_later_line_has_a_greater_id(void **state)
{
    (void)state;
    struct uuid last = import_line_id(&set, 1);
    for (uint64_t line = 2; line < 200000; line++) {
        struct uuid id = import_line_id(&set, line);
        assert_true(uuid_compare(last, id) < 0);
        last = id;
    }
    const uint64_t borders[] = { (UINT64_C(1) << 28) - 1, UINT64_C(1) << 28,
                                 (UINT64_C(1) << 28) + 1, IMPORT_LINE_MAX - 1, IMPORT_LINE_MAX };
    for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]); i++) {
        struct uuid id = import_line_id(&set, borders[i]);
        assert_true(uuid_compare(last, id) < 0);
        last = id;
    }
}

static void ids_are_version_8_of_the_variant_of_rfc_9562(void **state)
{
    (void)state;
    const struct uuid ids[] = { import_line_id(&set, 1), import_line_id(&set, IMPORT_LINE_MAX),
                                import_key_id(&set, STR("216")) };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        assert_int_equal(ids[i].hi >> 12 & 0xF, 8);
        assert_int_equal(ids[i].lo >> 62, 2);
    }
}

/* Whoever imported once and imports again with a later version must get the same ids. */
static void the_ids_of_today_are_the_ids_of_ever(void **state)
{
    (void)state;
    char text[UUID_TEXT_LEN + 1];
    uuid_format(import_line_id(&set, 42), text);
    assert_string_equal(text, "01007ebb-9f55-8000-8000-00a9a9565b90");
    uuid_format(import_key_id(&set, STR("216")), text);
    assert_string_equal(text, "01017ebb-9f55-8c3e-9536-27e10c259f6c");
}

static void sets_that_read_alike_have_other_ids(void **state)
{
    (void)state;
    const struct import_set sets[] = {
        { STR("demo"), STR("transfer") }, { STR("demot"), STR("ransfer") },
        { STR("demo"), STR("opening") },  { STR("other"), STR("transfer") },
        { STR(""), STR("demotransfer") },
    };
    enum { COUNT = sizeof(sets) / sizeof(sets[0]) };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_false(uuid_equal(import_line_id(&sets[i], 7), import_line_id(&sets[j], 7)));
            assert_false(
                uuid_equal(import_key_id(&sets[i], STR("7")), import_key_id(&sets[j], STR("7"))));
        }
    }
    assert_false(uuid_equal(import_key_id(&set, STR("1")), import_key_id(&set, STR("01"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_line_has_a_greater_id),
        cmocka_unit_test(ids_are_version_8_of_the_variant_of_rfc_9562),
        cmocka_unit_test(the_ids_of_today_are_the_ids_of_ever),
        cmocka_unit_test(sets_that_read_alike_have_other_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
