/*
 * Goal: each text of the report has one Chinese form, and what is not the report's stays as it is.
 * Method: words and values looked up in both languages; the codes of languages read.
 */
#include "doctor/report_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_word_is_looked_up_by_its_english(void **state)
{
    (void)state; /* no fixture is needed */
    assert_string_equal(report_word(REPORT_ENGLISH, "Money"), "Money");
    assert_string_equal(report_word(REPORT_CHINESE, "Money"), "资金");
}

static void a_value_without_words_stays(void **state)
{
    (void)state; /* no fixture is needed */
    assert_true(str_equal(report_value(REPORT_CHINESE, STR("CONFIRMED")), STR("已确认")));
    assert_true(str_equal(report_value(REPORT_CHINESE, STR("partly explained")), STR("部分解释")));
    assert_true(str_equal(report_value(REPORT_ENGLISH, STR("CONFIRMED")), STR("CONFIRMED")));
    assert_true(str_equal(report_value(REPORT_CHINESE, STR("<b>")), STR("<b>")));
    assert_true(str_equal(report_value(REPORT_CHINESE, STR("")), STR("")));
}

static void languages_are_named_by_their_codes(void **state)
{
    (void)state; /* no fixture is needed */
    enum report_language language;
    assert_true(report_language_parse(STR("zh"), &language) && language == REPORT_CHINESE);
    assert_string_equal(report_language_code(language), "zh");
    assert_true(report_language_parse(STR("en"), &language) && language == REPORT_ENGLISH);
    assert_string_equal(report_language_code(language), "en");
    assert_false(report_language_parse(STR("de"), &language));
    assert_false(report_language_parse(STR(""), &language));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_looked_up_by_its_english),
        cmocka_unit_test(a_value_without_words_stays),
        cmocka_unit_test(languages_are_named_by_their_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
