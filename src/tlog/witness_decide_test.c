/*
 * Goal: every outcome is reached, in the order of its table; nothing that is changed, cut, replayed,
 * of another log or another history is cosigned.
 * Method: a log of a few sizes and its fork in memory; each outcome from a row; all pairs of sizes
 * against all records; each bit of a right request flipped, and the request cut at each byte.
 */
#include "tlog/witness_decide.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tlog/witness_wire_test.h"

enum { SIZE = 13 };
#define ORIGIN "example.com/log"

struct life {
    struct test_log log;
    struct test_log fork;
    struct note_key keys[2];
    struct buf bytes;
    struct witness_submission submission;
    struct error error;
};

static int life_begin(void **state)
{
    struct life *life = calloc(1, sizeof *life);
    assert_non_null(life);
    test_log_init(&life->log, ORIGIN, SIZE, 0);
    test_log_init(&life->fork, ORIGIN, SIZE, 1000);
    struct note_signer other;
    test_signer(&other, ORIGIN, NOTE_ED25519, 9); /* a newer key of the same log */
    life->keys[0] = other.key;
    life->keys[1] = life->log.signer.key;
    buf_init(&life->bytes, WITNESS_REQUEST_SIZE_MAX);
    *state = life;
    return 0;
}

static int life_end(void **state)
{
    struct life *life = *state;
    test_log_done(&life->log);
    test_log_done(&life->fork);
    buf_free(&life->bytes);
    free(life);
    return 0;
}

static enum witness_outcome outcome_of(struct life *life, struct str bytes,
                                       const struct tree_head *last)
{
    life->error = (struct error){ 0 };
    enum witness_outcome outcome =
        witness_submission_open(bytes, life->keys, 2, &life->submission, &life->error);
    if (outcome != WITNESS_COSIGNED) return outcome;
    return witness_decide(&life->submission, last, &life->error);
}

static struct tree_head head_of(struct test_log *log, uint64_t size)
{
    return (struct tree_head){ size, test_log_root(log, size) };
}

static void request_is_cosigned_only_from_what_was_cosigned(void **state)
{
    struct life *life = *state;
    for (uint64_t last = 0; last <= SIZE; last++) {
        struct tree_head head = head_of(&life->log, last);
        for (uint64_t old = 0; old <= SIZE; old++) {
            for (uint64_t size = 0; size <= SIZE; size++) {
                test_log_request(&life->log, old, size, true, &life->bytes);
                enum witness_outcome wanted = old > size    ? WITNESS_BACKWARDS
                                              : old != last ? WITNESS_OTHER_SIZE
                                                            : WITNESS_COSIGNED;
                enum witness_outcome found = outcome_of(life, buf_view(&life->bytes), &head);
                assert_int_equal(found, wanted);
                assert_int_equal(life->error.message[0] == 0, wanted == WITNESS_COSIGNED);
            }
        }
    }
}

static void no_fork_is_cosigned(void **state)
{
    struct life *life = *state;
    for (uint64_t last = 1; last <= SIZE; last++) {
        struct tree_head head = head_of(&life->log, last);
        for (uint64_t size = last; size <= SIZE; size++) {
            test_log_request(&life->fork, last, size, true, &life->bytes);
            assert_int_equal(outcome_of(life, buf_view(&life->bytes), &head),
                             size == last ? WITNESS_FORKED : WITNESS_INCONSISTENT);
        }
    }
}

static void first_checkpoint_wants_no_proof(void **state)
{
    struct life *life = *state;
    const struct tree_head none = { 0 };
    test_log_request(&life->log, 0, 7, true, &life->bytes);
    assert_int_equal(outcome_of(life, buf_view(&life->bytes), &none), WITNESS_COSIGNED);
    struct witness_request request = life->submission.request;
    request.proof.count = 1;
    struct buf BUF_SCOPE again;
    buf_init(&again, WITNESS_REQUEST_SIZE_MAX);
    witness_request_format(&request, &again);
    assert_int_equal(outcome_of(life, buf_view(&again), &none), WITNESS_INCONSISTENT);
}

static void who_signed_is_looked_at_first(void **state)
{
    struct life *life = *state;
    const struct tree_head last = head_of(&life->log, 5);
    test_log_request(&life->log, 9, 7, false, &life->bytes);
    assert_int_equal(outcome_of(life, buf_view(&life->bytes), &last), WITNESS_NOT_SIGNED);
    struct test_log other;
    test_log_init(&other, "example.com/other", 9, 0);
    test_log_request(&other, 9, 7, true, &life->bytes);
    assert_int_equal(outcome_of(life, buf_view(&life->bytes), &last), WITNESS_UNKNOWN_LOG);
    test_log_done(&other);

    /* The right signature, and a wrong one in the name of the log's other key. */
    test_log_request(&life->log, 5, 7, true, &life->bytes);
    uint8_t zero[ED25519_SIGNATURE_SIZE] = { 0 };
    note_append_signature(&life->bytes, &life->keys[0], zero, sizeof zero);
    assert_int_equal(outcome_of(life, buf_view(&life->bytes), &last), WITNESS_WRONG_SIGNATURE);
    test_log_request(&life->log, 5, 7, true, &life->bytes);
    struct note_signer stranger;
    test_signer(&stranger, ORIGIN, NOTE_ED25519, 77);
    note_append_signature(&life->bytes, &stranger.key, zero, sizeof zero);
    assert_int_equal(outcome_of(life, buf_view(&life->bytes), &last), WITNESS_COSIGNED);
}

static void what_is_no_checkpoint_is_malformed(void **state)
{
    struct life *life = *state;
    const struct tree_head last = head_of(&life->log, 5);
    static const struct {
        const char *text;
        const char *detail;
    } rows[] = {
        { "old 5\n\nexample.com/log\n7\n", "it has no empty line" },
        { "old 5\n\nexample.com/log\n7\n\n", "it has no signature" },
        { "old 5\n\nexample.com/log\n7\n\n\xe2\x80\x94 example.com/log AAAAAAAA\n",
          "it has less than three lines" },
        { "old 5\n\nexample.com/log\nx\nAAAA\n\n\xe2\x80\x94 example.com/log AAAAAAAA\n",
          "its size is no number" },
        { "old 5\n\nexample.com/log\n7\nAAAA\n\n\xe2\x80\x94 example.com/log AAAAAAAA\n",
          "its root is no hash" },
        { "old 5\n\nexample.com/log\n7\nAAAA\n\n\xe2\x80\x94 example.com/log AAAAAAAA",
          "its last line does not end" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(outcome_of(life, str_from(rows[i].text), &last), WITNESS_MALFORMED);
        assert_string_equal(life->error.detail, rows[i].detail);
    }
}

static void no_changed_bit_and_no_cut_is_cosigned(void **state)
{
    struct life *life = *state;
    const struct tree_head last = head_of(&life->log, 5);
    test_log_request(&life->log, 5, 13, true, &life->bytes);
    struct str whole = buf_view(&life->bytes);
    assert_int_equal(outcome_of(life, whole, &last), WITNESS_COSIGNED);
    for (size_t i = 0; i < 8 * whole.len; i++) {
        life->bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
        if (outcome_of(life, whole, &last) == WITNESS_COSIGNED) {
            fail_msg("bit %zu is not looked at", i);
        }
        assert_true(life->error.message[0] != 0);
        life->bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t len = 0; len < whole.len; len++) {
        struct str cut = { whole.data, len };
        assert_int_not_equal(outcome_of(life, cut, &last), WITNESS_COSIGNED);
    }
}

static void outcomes_have_the_statuses_of_the_specification(void **state)
{
    (void)state; /* unused */
    static const unsigned statuses[WITNESS_OUTCOME_COUNT] = { 200, 400, 404, 403, 403,
                                                              400, 409, 409, 422, 503 };
    for (unsigned i = 0; i < WITNESS_OUTCOME_COUNT; i++) {
        assert_int_equal(witness_outcome_http((enum witness_outcome)i), statuses[i]);
        assert_true(witness_outcome_code((enum witness_outcome)i)[0] != 0);
        assert_true(witness_outcome_text((enum witness_outcome)i)[0] != 0);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, life_begin, life_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(request_is_cosigned_only_from_what_was_cosigned),
        CASE(no_fork_is_cosigned),
        CASE(first_checkpoint_wants_no_proof),
        CASE(who_signed_is_looked_at_first),
        CASE(what_is_no_checkpoint_is_malformed),
        CASE(no_changed_bit_and_no_cut_is_cosigned),
        CASE(outcomes_have_the_statuses_of_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
