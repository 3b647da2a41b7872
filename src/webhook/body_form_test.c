/*
 * Goal: each form undoes what proxies and frameworks do to a body, and says when it does not apply.
 * Method: a table of what came and what was signed; the three forms of one JSON made from each
 * other; texts that are no JSON, cut anywhere.
 */
#include "webhook/body_form.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COMPACT "{\"a\":[1,{\"b\":\"x, y: {\\\"z\\\"}\"}],\"c\":{},\"d\":[]}"
#define SPACED "{\"a\": [1, {\"b\": \"x, y: {\\\"z\\\"}\"}], \"c\": {}, \"d\": []}"
#define INDENTED                                                                                   \
    "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x, y: {\\\"z\\\"}\"\n    }\n  ],\n"              \
    "  \"c\": {},\n  \"d\": []\n}"

static const struct {
    enum body_form form;
    const char *came;
    const char *signed_as; /* NULL: there is no such form */
} CASES[] = {
    { BODY_FORM_AS_RECEIVED, "a", "a" },
    { BODY_FORM_NEWLINE_CUT, "a\n", "a" },
    { BODY_FORM_NEWLINE_CUT, "a\r\n", "a" },
    { BODY_FORM_NEWLINE_CUT, "a", NULL },
    { BODY_FORM_NEWLINE_ADDED, "a", "a\n" },
    { BODY_FORM_MARK_CUT, "\xEF\xBB\xBF{}", "{}" },
    { BODY_FORM_MARK_CUT, "{}", NULL },
    { BODY_FORM_MARK_ADDED, "{}", "\xEF\xBB\xBF{}" },
    { BODY_FORM_SPACE_CUT, " \t{ }\r\n\n", "{ }" },
    { BODY_FORM_LINE_FEEDS, "a\r\nb\r\n", "a\nb\n" },
    { BODY_FORM_LINE_FEEDS, "a\rb\n", NULL },
    { BODY_FORM_CR_LINE_FEEDS, "a\nb\r\n", "a\r\nb\r\n" },
    { BODY_FORM_JSON_COMPACT, SPACED, COMPACT },
    { BODY_FORM_JSON_COMPACT, INDENTED, COMPACT },
    { BODY_FORM_JSON_COMPACT, COMPACT, NULL },
    { BODY_FORM_JSON_INDENTED, COMPACT, INDENTED },
    { BODY_FORM_JSON_INDENTED, SPACED, INDENTED },
    { BODY_FORM_JSON_SPACED, COMPACT, SPACED },
    { BODY_FORM_JSON_SPACED, INDENTED, SPACED },
    { BODY_FORM_JSON_COMPACT, "a=1 & b=2", NULL },
    { BODY_FORM_JSON_COMPACT, "", NULL },
    { BODY_FORM_EMPTY, "a", "" },
    { BODY_FORM_EMPTY, "", NULL },
};

static void each_form_undoes_its_change(void **state)
{
    (void)state; /* no fixture */
    struct buf BUF_SCOPE scratch;
    buf_init(&scratch, 4096);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct str made = { NULL, 0 };
        enum status status =
            body_form_make(CASES[i].form, str_from(CASES[i].came), &scratch, &made);
        if (CASES[i].signed_as == NULL) {
            if (status != STATUS_NOT_FOUND) fail_msg("case %zu", i);
        } else if (status != STATUS_OK || !str_equal(made, str_from(CASES[i].signed_as))) {
            fail_msg("case %zu: %s '%.*s'", i, status_name(status), STR_ARG(made));
        }
    }
}

static void what_does_not_fit_says_so(void **state)
{
    (void)state; /* no fixture */
    struct buf BUF_SCOPE scratch;
    buf_init(&scratch, 4);
    struct str made;
    assert_int_equal(body_form_make(BODY_FORM_NEWLINE_ADDED, STR("four"), &scratch, &made),
                     STATUS_LIMIT);
    assert_int_equal(body_form_make(BODY_FORM_NEWLINE_ADDED, STR("thr"), &scratch, &made),
                     STATUS_OK);
}

static void broken_json_is_no_trouble(void **state)
{
    (void)state; /* no fixture */
    struct buf BUF_SCOPE scratch;
    buf_init(&scratch, 1 << 16);
    for (size_t len = 0; len <= sizeof INDENTED - 1; len++) {
        for (unsigned form = 0; form < BODY_FORM_COUNT; form++) {
            struct str made;
            enum status status = body_form_make((enum body_form)form, (struct str){ INDENTED, len },
                                                &scratch, &made);
            assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
        }
    }
    char deep[1000];
    memset(deep, '[', sizeof deep);
    struct str made;
    assert_int_equal(
        body_form_make(BODY_FORM_JSON_INDENTED, (struct str){ deep, sizeof deep }, &scratch, &made),
        STATUS_NOT_FOUND);
    assert_int_equal(body_form_make(BODY_FORM_JSON_COMPACT, STR("{\"a\\"), &scratch, &made),
                     STATUS_NOT_FOUND); /* an escape that is cut: the same as it came */
}

static void every_form_has_a_code_and_a_sentence(void **state)
{
    (void)state; /* no fixture */
    for (unsigned form = 0; form < BODY_FORM_COUNT; form++) {
        assert_true(strlen(body_form_code((enum body_form)form)) > 0);
        assert_true(strlen(body_form_text((enum body_form)form)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_undoes_its_change),
        cmocka_unit_test(what_does_not_fit_says_so),
        cmocka_unit_test(broken_json_is_no_trouble),
        cmocka_unit_test(every_form_has_a_code_and_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
