/*
 * Goal: the text of a diagnosis names the verdict, the cause and what is open.
 * Method: one with a cause and an open violation; why a fault is no cause; what to collect, also
 * where little was seen.
 */
#include "doctor/render_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/diagnosis_test.h"
#include "model/evidence.h"

static void look_at_text(const struct diagnosis *diagnosis)
{
    struct error error = { 0 };
    struct buf BUF_SCOPE out;
    buf_init(&out, 64 << 10);
    assert_int_equal(diagnosis_text(diagnosis, &script.port, &out, &error), STATUS_OK);
    const char *text = buf_terminated(&out);
    assert_non_null(strstr(text, "state:   DEGRADED"));
    assert_non_null(strstr(text, "cause:   [F1] of x and ?\n         PROBABLE"));
    assert_non_null(strstr(text, "UNKNOWN: 1 violation is not explained"));
    assert_non_null(strstr(text, "R-0000000000000007"));
    assert_non_null(strstr(text, "money:   EUR 10.50 too much on 2 accounts, 0.07 too little on 1 "
                                 "account, 0.00 unexplained\n"));
    assert_non_null(strstr(text, "accounts: a1  EUR 10.25 too much\n"
                                 "          a2  EUR 0.07 too little\ncause:"));
    assert_non_null(strstr(text, "touched: a1  EUR 10.25 too much  payment t1\n"
                                 "         a2  EUR 0.07 too little  hold h  left to people\n"
                                 "          webhook evt\n"));
    assert_non_null(strstr(text, "         and 2 more (--json has all)\naction:"));
    assert_non_null(strstr(text, "left:    nothing is posted to 1 account, people have to look at "
                                 "it: w9\n"));
    assert_non_null(strstr(text, "action:  repair   none\n")); /* and there is nothing to stop */
    buf_reset(&out);
    assert_int_equal(diagnosis_why_not(diagnosis, &script.port, STR("F1"), &out, &error),
                     STATUS_OK);
    assert_non_null(strstr(buf_terminated(&out), "it is a cause"));
    assert_int_equal(diagnosis_why_not(diagnosis, &script.port, STR("F9"), &out, &error),
                     STATUS_NOT_FOUND);
    buf_reset(&out);
    diagnosis_next(diagnosis, &out);
    assert_string_equal(buf_terminated(&out),
                        "nothing that could be collected would change the verdict\n");
}

/* Of three that are unknown, two lack the PSP's word, which is dear, and one our ledger. */
static void look_at_next(const struct diagnosis *diagnosis)
{
    struct buf BUF_SCOPE out;
    buf_init(&out, 64 << 10);
    uint64_t psp = UINT64_C(1) << evidence_kind_find(STR("psp"));
    uint64_t posting = UINT64_C(1) << evidence_kind_find(STR("posting"));
    struct invariant_result invariants[] = {
        { .holds = TRUTH_UNKNOWN, .lacking = psp },
        { .holds = TRUTH_UNKNOWN, .lacking = psp },
        { .holds = TRUTH_UNKNOWN, .lacking = posting },
        { .holds = TRUTH_TRUE },
    };
    struct diagnosis blind = *diagnosis;
    blind.invariants = invariants;
    blind.invariant_count = 4;
    diagnosis_next(&blind, &out);
    const char *text = buf_terminated(&out);
    assert_non_null(strstr(text, "would decide more about the causes\n"
                                 "not checked: 3 of 4 invariants, which lack evidence; by worth:\n"
                                 "  posting, for 1 of them\n"
                                 "    tpwallet doctor collect BUNDLE --key FILE --ours\n"
                                 "  psp, for 2 of them\n"));
    assert_non_null(strstr(text, "absent altogether: request idem_key ledger_tx"));
    buf_reset(&out);
    blind.cause_count = 0;
    blind.next_kind = evidence_kind_find(STR("chain"));
    diagnosis_next(&blind, &out);
    assert_non_null(strstr(buf_terminated(&out), "collect chain: it would decide\n"
                                                 "  by hand: docs/bundle.md\nnot checked: 3"));
}

static void what_was_not_seen_is_told(void **state)
{
    (void)state; /* no fixture is needed */
    with_diagnosis(look_at_next);
}

static void the_text_names_what_counts(void **state)
{
    (void)state; /* no fixture is needed */
    with_diagnosis(look_at_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_names_what_counts),
        cmocka_unit_test(what_was_not_seen_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
