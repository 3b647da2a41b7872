/*
 * Goal: the table of kinds is sound: rules, tables and the page that describes it can rely on it.
 * Method: a walk through all of it: names are plain and unique, what is required or indexed is
 * there, sizes hold; and docs/bundle.md has a heading for each kind and a row for each field.
 */
#include "model/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE_SIZE_MAX = 256 * 1024 };

static const struct evidence_field *field_find(const struct evidence_kind *kind, struct str name)
{
    const struct evidence_field *field;
    for (uint32_t i = 0; (field = evidence_field_at(kind, i)) != NULL; i++) {
        if (str_equal(name, str_from(field->name))) return field;
    }
    return NULL;
}

static void words_are_fields(const struct evidence_kind *kind, const char *words)
{
    const char *at = words;
    while (*at != '\0') {
        size_t len = strcspn(at, " ");
        assert_non_null(field_find(kind, (struct str){ at, len }));
        at += len;
        if (*at == ' ') at++;
    }
}

static void every_kind_is_sound(void **state)
{
    (void)state; /* no fixture is needed */
    assert_true(evidence_kind_count() <= EVIDENCE_KINDS_MAX);
    for (uint32_t k = 0; k < evidence_kind_count(); k++) {
        const struct evidence_kind *kind = &evidence_kinds[k];
        assert_int_equal(evidence_kind_find(str_from(kind->name)), (int)k);
        words_are_fields(kind, kind->required);
        words_are_fields(kind, kind->indexes);
        const struct evidence_field *field;
        uint32_t count = 0;
        for (; (field = evidence_field_at(kind, count)) != NULL; count++) {
            assert_ptr_equal(field_find(kind, str_from(field->name)), field);
            assert_int_equal(strspn(field->name, "abcdefghijklmnopqrstuvwxyz_"),
                             strlen(field->name));
        }
        assert_true(count <= EVIDENCE_FIELDS_MAX);
    }
    assert_int_equal(evidence_kind_find(STR("nothing")), -1);
}

static void words_are_found_whole(void **state)
{
    (void)state; /* no fixture is needed */
    assert_true(evidence_has_word("a|bc|d", '|', STR("bc")));
    assert_true(evidence_has_word("a|bc|d", '|', STR("d")));
    assert_false(evidence_has_word("a|bc|d", '|', STR("b")));
    assert_false(evidence_has_word("", '|', STR("b")));
    assert_false(evidence_has_word(NULL, '|', STR("b")));
}

static void the_page_has_every_kind_and_field(void **state)
{
    (void)state; /* no fixture is needed */
    static char page[PAGE_SIZE_MAX];
    const char *source = getenv("TPWALLET_SOURCE");
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/docs/bundle.md", source == NULL ? "." : source);
    assert_in_range(len, 1, sizeof path - 1);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(page, 1, sizeof page - 1, file);
    assert_int_equal(fclose(file), 0);
    page[size] = '\0';
    for (uint32_t k = 0; k < evidence_kind_count(); k++) {
        const struct evidence_kind *kind = &evidence_kinds[k];
        char want[128];
        assert_in_range(snprintf(want, sizeof want, "\n### %s (%s)\n", kind->name, kind->letter), 1,
                        sizeof want - 1);
        const char *section = strstr(page, want);
        if (section == NULL) fail_msg("docs/bundle.md has no heading for %s", kind->name);
        const char *section_end = strstr(section + 1, "\n##");
        for (const struct evidence_field *field = kind->fields; field->name != NULL; field++) {
            assert_in_range(snprintf(want, sizeof want, "\n| `%s` | ", field->name), 1,
                            sizeof want - 1);
            const char *row = strstr(section, want);
            if (row == NULL || row > section_end) {
                fail_msg("docs/bundle.md has no row for %s of %s", field->name, kind->name);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_sound),
        cmocka_unit_test(words_are_found_whole),
        cmocka_unit_test(the_page_has_every_kind_and_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
