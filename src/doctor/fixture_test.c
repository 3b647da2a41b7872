/*
 * Goal: cases are read as they are written; what is wrong with a diagnosis is said.
 * Method: a file of three cases read back; a table of flawed ones.
 */
#include "doctor/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/evidence.h"

#define LINE "{\"kind\":\"log\",\"ts\":1}\n"
#define ALL "case positive\naffected w1 EUR -5\n" LINE "case lookalike\nis P01\n" LINE

static struct fixture_set set;

static void cases_are_read(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    assert_int_equal(fixture_parse(STR("# x\n" ALL "case missing\nfrom positive\nlacks psp log\n"
                                       "expect PROBABLE\n"),
                                   &set, &error),
                     STATUS_OK);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.cases[0].affected_count, 1);
    assert_true(set.cases[0].affected[0].delta.minor == -5);
    assert_true(str_equal(set.cases[1].cause, STR("P01")));
    assert_true(str_equal(set.cases[2].imported, STR(LINE)));
    assert_int_equal(set.cases[2].expected, LABEL_PROBABLE);
    struct buf BUF_SCOPE lines;
    buf_init(&lines, 1024);
    uint32_t kind = (uint32_t)evidence_kind_find(STR("log"));
    fixture_lines(&set.cases[0], kind, &lines);
    assert_true(str_equal(buf_view(&lines), STR(LINE)));
    buf_reset(&lines);
    fixture_lines(&set.cases[2], kind, &lines); /* lacks it */
    assert_int_equal(lines.len, 0);
    static struct manifest manifest;
    fixture_manifest(&set.cases[2], &manifest);
    assert_int_equal(manifest_covers(&manifest, kind, EVIDENCE_ALL_TIME), EVIDENCE_NOT_COVERED);
    kind = (uint32_t)evidence_kind_find(STR("wal"));
    assert_int_equal(manifest_covers(&manifest, kind, EVIDENCE_ALL_TIME), EVIDENCE_COVERED);
}

static void flawed_cases_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        ALL,
        LINE,
        "case odd\n",
        "case positive\nexpect LOUD\n",
        "case positive\nlacks odd\n",
        "case positive\naffected w1 EUR\n",
        "case positive\nfrom positive\n",
        "case positive\n" LINE "lacks psp\n",
        "case positive\n{\"kind\":\"odd\"}\n",
        ALL "case missing\nlacks psp",
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = { 0 };
        if (fixture_parse(str_from(texts[i]), &set, &error) != STATUS_INVALID) {
            fail_msg("taken: %s", texts[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_are_read),
        cmocka_unit_test(flawed_cases_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
