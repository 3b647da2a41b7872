/*
 * Goal: a policy is what it says, or which of its lines is wrong; never fewer than two approvals.
 * Method: texts and what becomes of them, in a table.
 */
#include "doctor/repair_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tlog/note_test.h"

static char keys[3][NOTE_KEY_TEXT_SIZE];

static int setup(void **state)
{
    (void)state; /* no fixture */
    static const char *const names[] = { "anna", "bob", "carol" };
    for (uint8_t i = 0; i < 3; i++) {
        struct note_signer signer;
        test_signer(&signer, names[i], NOTE_ED25519, i);
        (void)note_key_format(&signer.key, keys[i]); /* terminated */
        note_signer_done(&signer);
    }
    return 0;
}

static enum status parsed(const char *rest, struct repair_policy *out_policy, struct error *error)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, 8192);
    buf_append_format(&text, "# who\napprover %s\napprover\t%s\r\n%s", keys[0], keys[1], rest);
    return repair_policy_parse(buf_view(&text), out_policy, error);
}

static void policies_and_what_becomes_of_them(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        const char *fault; /* NULL: it is right */
    } cases[] = {
        { "", NULL },
        { "approvals CONFIRMED 3\nmax_entries 5\nvalid_hours 2\n", NULL },
        { "approvals_over EUR 100.00 3\nmax_total EUR 1000\n", NULL },
        { "approvals_over EUR 100.00 3\napprovals_over EUR 1000.00 4\n", NULL },
        { "valid_hours 2\nvalid_hours 3\n", "said before" },
        { "max_entries 2\nmax_entries 2\n", "said before" },
        { "approvals CONFIRMED 2\napprovals CONFIRMED 3\n", "said before" },
        { "max_total EUR 1\nmax_total EUR 1000\n", "line 5: it was said before" },
        { "approvals_over EUR 1 3\napprovals_over EUR 1.00 4\n", "said before" },
        { "approvals CONFIRMED 1", "at least 2" },
        { "approvals UNKNOWN 2", "others get no plan" },
        { "approvals_over EUR 100.00 1", "at least 2" },
        { "approvals_over EUR 100.001 3", "no amount" },
        { "max_total EUR -1", "no amount" },
        { "max_total E 1", "no amount" },
        { "max_entries 0", "no number" },
        { "valid_hours 337", "no number" },
        { "approver anna", "no public key" },
        { "approver", "no such line" },
        { "approvals CONFIRMED 2 2", "no such line" },
        { "nonsense", "line 4: there is no such line" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct repair_policy policy;
        struct error error = { .message = "" };
        enum status status = parsed(cases[i].text, &policy, &error);
        bool right = cases[i].fault == NULL;
        if ((status == STATUS_OK) != right ||
            (!right && strstr(error.message, cases[i].fault) == NULL) ||
            (!right && strstr(error.hint, "approver KEY") == NULL))
            fail_msg("%s: %s", cases[i].text, error.message);
    }
}

static void probable_needs_one_more(void **state)
{
    (void)state; /* no fixture */
    struct repair_policy policy;
    struct error error;
    assert_int_equal(parsed("approvals CONFIRMED 3\n", &policy, &error), STATUS_OK);
    assert_int_equal(policy.confirmed, 3);
    assert_int_equal(policy.probable, 4);
    assert_int_equal(parsed("", &policy, &error), STATUS_OK);
    assert_int_equal(policy.confirmed, 2);
    assert_int_equal(policy.probable, 3);
}

static void approvers_are_different_people(void **state)
{
    (void)state; /* no fixture */
    struct repair_policy policy;
    struct error error;
    BUF_SCOPE struct buf text;
    buf_init(&text, 8192);
    buf_append_format(&text, "approver %s\napprover %s\n", keys[0], keys[0]);
    assert_int_equal(repair_policy_parse(buf_view(&text), &policy, &error), STATUS_INVALID);
    buf_reset(&text);
    buf_append_format(&text, "approver %s\n", keys[0]);
    assert_int_equal(repair_policy_parse(buf_view(&text), &policy, &error), STATUS_INVALID);
    assert_int_equal(parsed("", &policy, &error), STATUS_OK);
    struct note_key key;
    assert_int_equal(note_key_parse(str_from(keys[1]), &key), STATUS_OK);
    assert_non_null(repair_policy_approver(&policy, &key));
    assert_int_equal(note_key_parse(str_from(keys[2]), &key), STATUS_OK);
    assert_null(repair_policy_approver(&policy, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_and_what_becomes_of_them),
        cmocka_unit_test(probable_needs_one_more),
        cmocka_unit_test(approvers_are_different_people),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
