/*
 * Goal: an approval counts for one plan, one rehearsal, one person who did not propose it, in time;
 * a forged one is none.
 * Method: one approval after the other with one thing wrong; every byte of one flipped.
 */
#include "doctor/approval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tlog/note_test.h"

struct people {
    struct note_signer anna; /* proposes */
    struct note_signer bob;
    struct note_signer carol;
    struct note_signer mallory; /* is no approver */
    struct repair_policy policy;
    struct repair_plan plan;
    struct approval_case given;
    char proposer[NOTE_KEY_TEXT_SIZE];
};

static struct people people;

static int setup(void **state)
{
    (void)state; /* no fixture */
    test_signer(&people.anna, "anna", NOTE_ED25519, 1);
    test_signer(&people.bob, "bob", NOTE_ED25519, 2);
    test_signer(&people.carol, "carol", NOTE_ED25519, 3);
    test_signer(&people.mallory, "bob", NOTE_ED25519, 4); /* by another's name */
    people.policy.approvers[0] = people.anna.key;
    people.policy.approvers[1] = people.bob.key;
    people.policy.approvers[2] = people.carol.key;
    people.policy.approver_count = 3;
    people.plan.incident = STR("7F3A");
    people.plan.proposer = note_key_format(&people.anna.key, people.proposer);
    people.plan.expires_at.ns = 1000 * NS_PER_S;
    people.given = (struct approval_case){
        .plan = &people.plan,
        .policy = &people.policy,
        .plan_digest.bytes = { 1 },
        .rehearsal_digest.bytes = { 2 },
        .now = { 500 * NS_PER_S },
    };
    return 0;
}

static struct approval right_one(const struct note_signer *signer)
{
    return (struct approval){
        .incident = STR("7F3A"),
        .plan = people.given.plan_digest,
        .rehearsal = people.given.rehearsal_digest,
        .at = { 400 * NS_PER_S },
        .expires_at = { 900 * NS_PER_S },
        .key = signer->key,
    };
}

static enum approval_verdict verdict_on(const struct approval *approval)
{
    enum approval_verdict verdict;
    uint32_t counted = approval_count(&people.given, approval, 1, &verdict);
    assert_int_equal(counted, verdict == APPROVAL_COUNTS);
    assert_non_null(approval_verdict_text(verdict));
    return verdict;
}

static void one_thing_wrong_is_enough(void **state)
{
    (void)state; /* no fixture */
    struct approval approval = right_one(&people.bob);
    assert_int_equal(verdict_on(&approval), APPROVAL_COUNTS);
    approval.incident = STR("7F3B");
    assert_int_equal(verdict_on(&approval), APPROVAL_OTHER_INCIDENT);
    approval = right_one(&people.bob);
    approval.plan.bytes[31] = 1;
    assert_int_equal(verdict_on(&approval), APPROVAL_OTHER_PLAN);
    approval = right_one(&people.bob);
    approval.rehearsal.bytes[31] = 1;
    assert_int_equal(verdict_on(&approval), APPROVAL_OTHER_REHEARSAL);
    approval = right_one(&people.bob);
    approval.expires_at.ns = 500 * NS_PER_S;
    assert_int_equal(verdict_on(&approval), APPROVAL_EXPIRED);
    approval = right_one(&people.bob);
    approval.at.ns = 801 * NS_PER_S;
    assert_int_equal(verdict_on(&approval), APPROVAL_FROM_THE_FUTURE);
    approval = right_one(&people.mallory);
    assert_int_equal(verdict_on(&approval), APPROVAL_NO_APPROVER);
    approval = right_one(&people.anna);
    assert_int_equal(verdict_on(&approval), APPROVAL_PROPOSER);
    people.given.now.ns = 1000 * NS_PER_S;
    approval = right_one(&people.bob);
    approval.expires_at.ns = 5000 * NS_PER_S;
    assert_int_equal(verdict_on(&approval), APPROVAL_EXPIRED); /* the plan's time is over */
    people.given.now.ns = 500 * NS_PER_S;
}

static void nobody_counts_twice(void **state)
{
    (void)state; /* no fixture */
    const struct approval list[] = { right_one(&people.bob), right_one(&people.bob),
                                     right_one(&people.carol) };
    enum approval_verdict verdicts[3];
    assert_int_equal(approval_count(&people.given, list, 3, verdicts), 2);
    assert_int_equal(verdicts[0], APPROVAL_COUNTS);
    assert_int_equal(verdicts[1], APPROVAL_AGAIN);
    assert_int_equal(verdicts[2], APPROVAL_COUNTS);
}

static void a_forged_approval_is_none(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf note;
    buf_init(&note, 16 << 10);
    const struct approval given = right_one(&people.bob);
    approval_write(&given, &people.bob, &note);
    struct approval back;
    struct error error;
    assert_int_equal(approval_read(buf_view(&note), &back, &error), STATUS_OK);
    assert_int_equal(verdict_on(&back), APPROVAL_COUNTS);
    for (size_t i = 0; i < note.len; i++) {
        note.data[i] ^= 1;
        enum status status = approval_read(buf_view(&note), &back, &error);
        if (status == STATUS_OK) fail_msg("byte %zu", i);
        note.data[i] ^= 1;
    }
    assert_int_equal(approval_read(STR("yes"), &back, &error), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thing_wrong_is_enough),
        cmocka_unit_test(nobody_counts_twice),
        cmocka_unit_test(a_forged_approval_is_none),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
