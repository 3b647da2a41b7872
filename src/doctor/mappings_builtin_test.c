/*
 * Goal: every mapping that is built in can be read, under its name, and has what a plan needs.
 * Method: all of them, taken one after the other.
 */
#include "doctor/mappings_builtin.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "doctor/table_mapping.h"

static struct table_mapping mapping;

static void each_is_right_and_has_its_checks(void **state)
{
    (void)state; /* no fixture */
    struct str rest = mappings_builtin();
    struct str name;
    struct str text;
    struct arena arena;
    uint32_t count = 0;
    assert_int_equal(arena_init(&arena, 4 * TABLE_MAPPING_SIZE_MAX), STATUS_OK);
    while (mappings_builtin_next(&rest, &name, &text)) {
        struct error error = { .message = "" };
        arena_reset(&arena);
        enum status status = table_mapping_parse(text, &arena, &mapping, &error);
        if (status != STATUS_OK) print_message("%.*s: %s\n", STR_ARG(name), error.message);
        assert_int_equal(status, STATUS_OK);
        assert_true(str_equal(mapping.name, name));
        assert_true(mapping.repair[TABLE_REPAIR_BEGIN].len > 0);
        assert_true(mapping.repair[TABLE_REPAIR_CHECK].len > 0);
        count++;
    }
    arena_done(&arena);
    assert_int_equal(count, 3);
}

static void one_is_found_by_its_name(void **state)
{
    (void)state; /* no fixture */
    struct str text;
    assert_true(mappings_builtin_find(STR("formance"), &text));
    assert_true(str_starts(text, STR("{")) && text.data[text.len - 1] == '\n');
    assert_false(mappings_builtin_find(STR("nobody"), &text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_right_and_has_its_checks),
        cmocka_unit_test(one_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
