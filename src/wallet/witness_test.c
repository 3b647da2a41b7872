/*
 * Goal: a witness cosigns one history of a log and no other, over restarts, a full disk and writes
 * in doubt; what it cosigned is stored before it is told; damage of what is stored stops it.
 * Method: a log and its fork in memory, a store that fails when told; random walks over both with
 * restarts and failures, where all that was ever cosigned must be of one history; every byte of the
 * stored note flipped.
 */
#include "wallet/witness.h"

#include "base/prng.h"
#include "tlog/witness_wire_test.h"
#include "wallet/witness_test.h"

enum { SIZE = 40 };
#define ORIGIN "example.com/log"

struct life {
    struct test_log log;
    struct test_log other;
    struct witness_rig *rig;
    struct buf request;
    struct buf answer;
};

static int life_begin(void **state)
{
    struct life *life = calloc(1, sizeof *life);
    assert_non_null(life);
    test_log_init(&life->log, ORIGIN, SIZE, 0);
    test_log_init(&life->other, ORIGIN, SIZE, 1000);
    life->rig = rig_new("w", &life->log.signer.key);
    buf_init(&life->request, WITNESS_REQUEST_SIZE_MAX);
    buf_init(&life->answer, WITNESS_ANSWER_SIZE_MAX);
    *state = life;
    return 0;
}

static int life_end(void **state)
{
    struct life *life = *state;
    rig_free(life->rig);
    test_log_done(&life->log);
    test_log_done(&life->other);
    buf_free(&life->request);
    buf_free(&life->answer);
    free(life);
    return 0;
}

static enum witness_outcome submit(struct life *life, struct test_log *log, uint64_t old,
                                   uint64_t size)
{
    test_log_request(log, old, size, true, &life->request);
    return witness_add_checkpoint(life->rig->witness, buf_view(&life->request), &life->answer);
}

static bool answer_cosigns(struct life *life, struct test_log *log, uint64_t size)
{
    struct witness_answer answer;
    struct error error = { 0 };
    BUF_SCOPE struct buf text;
    buf_init(&text, CHECKPOINT_TEXT_SIZE_MAX);
    test_log_text(log, size, &text);
    const struct witness_asked asked = { buf_view(&text), 0, &life->rig->signer.key };
    witness_answer_read(200, buf_view(&life->answer), &asked, &answer, &error);
    return answer.kind == WITNESS_ANSWER_COSIGNED && answer.time_s == RIG_NOW_S;
}

static void what_grows_is_cosigned_and_what_was_is_told(void **state)
{
    struct life *life = *state;
    assert_int_equal(submit(life, &life->log, 0, 5), WITNESS_COSIGNED);
    assert_true(answer_cosigns(life, &life->log, 5));
    assert_int_equal(submit(life, &life->log, 5, 9), WITNESS_COSIGNED);
    assert_true(answer_cosigns(life, &life->log, 9));
    assert_int_equal(life->rig->store.writes, 2);
    assert_int_equal(submit(life, &life->log, 5, 9), WITNESS_OTHER_SIZE); /* replayed */
    assert_string_equal(buf_terminated(&life->answer), "9\n");
    assert_int_equal(submit(life, &life->log, 9, 9), WITNESS_COSIGNED);
    assert_true(answer_cosigns(life, &life->log, 9));
    assert_int_equal(life->rig->store.writes, 2); /* nothing new to store */
    assert_int_equal(submit(life, &life->log, 0, 20), WITNESS_OTHER_SIZE);
    assert_int_equal(submit(life, &life->log, 9, 5), WITNESS_BACKWARDS);
    struct tree_head last;
    assert_int_equal(witness_last(life->rig->witness, STR(ORIGIN), &last), STATUS_OK);
    assert_int_equal(last.size, 9);
    assert_int_equal(witness_last(life->rig->witness, STR("another"), &last), STATUS_NOT_FOUND);
}

static void a_fork_is_refused_and_said_once(void **state)
{
    struct life *life = *state;
    struct witness_rig *rig = life->rig;
    assert_int_equal(submit(life, &life->log, 0, 9), WITNESS_COSIGNED);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(submit(life, &life->other, 9, 9), WITNESS_FORKED);
        assert_string_equal(buf_terminated(&life->answer), "9\n");
    }
    assert_int_equal(rig->log.lines[LOG_ALARM], 1);
    assert_int_equal(submit(life, &life->other, 9, 20), WITNESS_INCONSISTENT);
    assert_int_equal(rig->log.lines[LOG_WARNING], 1);
    rig->clock.now_ns += WITNESS_QUIET_S * NS_PER_S;
    assert_int_equal(submit(life, &life->other, 9, 20), WITNESS_INCONSISTENT);
    assert_int_equal(rig->log.lines[LOG_WARNING], 2);
    assert_int_equal(submit(life, &life->other, 9, 9), WITNESS_FORKED); /* anybody can warn: */
    assert_int_equal(rig->log.lines[LOG_ALARM], 2);                     /* it silences nothing */
    assert_int_equal(rig_restart(rig), STATUS_OK);
    assert_int_equal(submit(life, &life->other, 9, 20), WITNESS_INCONSISTENT);
    rig->clock.now_ns = RIG_NOW_S * NS_PER_S;
    assert_int_equal(submit(life, &life->log, 9, 20), WITNESS_COSIGNED);
}

static void what_is_not_stored_is_not_cosigned(void **state)
{
    struct life *life = *state;
    struct witness_rig *rig = life->rig;
    assert_int_equal(submit(life, &life->log, 0, 5), WITNESS_COSIGNED);
    rig->store.next = RIG_FULL;
    assert_int_equal(submit(life, &life->log, 5, 9), WITNESS_UNSTORED);
    assert_string_equal(buf_terminated(&life->answer), "told to\n");
    assert_int_equal(submit(life, &life->log, 5, 9), WITNESS_COSIGNED);
    for (enum rig_write how = RIG_DOUBT_DONE; how <= RIG_DOUBT_LOST; how++) {
        struct tree_head last;
        assert_int_equal(witness_last(rig->witness, STR(ORIGIN), &last), STATUS_OK);
        rig->store.next = how;
        uint32_t alarms = rig->log.lines[LOG_ALARM];
        assert_int_equal(submit(life, &life->log, last.size, last.size + 3), WITNESS_UNSTORED);
        assert_int_equal(rig->log.lines[LOG_ALARM], alarms + 1);
        for (uint64_t from = last.size; from <= last.size + 3; from += 3) {
            assert_int_equal(submit(life, &life->log, from, from + 3), WITNESS_UNSTORED);
        }
        assert_int_equal(rig_restart(rig), STATUS_OK);
        uint64_t now = last.size + (how == RIG_DOUBT_DONE ? 3 : 0);
        assert_int_equal(submit(life, &life->log, now, now + 5), WITNESS_COSIGNED);
    }
    rig->clock.now_ns = -NS_PER_S;
    struct tree_head last;
    assert_int_equal(witness_last(rig->witness, STR(ORIGIN), &last), STATUS_OK);
    assert_int_equal(submit(life, &life->log, last.size, last.size + 1), WITNESS_UNSTORED);
}

/* Both histories, any sizes, with failures and restarts: one of them is never cosigned. */
static void nothing_makes_it_contradict_itself(void **state)
{
    struct life *life = *state;
    struct prng chance;
    prng_init(&chance, 4);
    uint32_t cosigned[2] = { 0, 0 };
    for (uint32_t step = 0; step < 3000; step++) {
        unsigned which = (unsigned)prng_below(&chance, 2);
        struct test_log *log = which == 0 ? &life->log : &life->other;
        struct tree_head last = { 0 };
        assert_int_equal(witness_last(life->rig->witness, STR(ORIGIN), &last), STATUS_OK);
        uint64_t old = prng_below(&chance, 3) == 0 ? prng_below(&chance, SIZE) : last.size;
        uint64_t size = old + prng_below(&chance, 2);
        if (size > SIZE) size = SIZE;
        if (size == 0) size = 1;
        if (prng_below(&chance, 4) == 0) {
            life->rig->store.next = (enum rig_write)(1 + prng_below(&chance, 3));
        }
        if (submit(life, log, old, size) == WITNESS_COSIGNED) {
            assert_true(answer_cosigns(life, log, size));
            cosigned[which]++;
        }
        life->rig->store.next = RIG_WRITES;
        if (prng_below(&chance, 5) == 0) assert_int_equal(rig_restart(life->rig), STATUS_OK);
    }
    assert_true(cosigned[0] == 0 || cosigned[1] == 0);
    assert_true(cosigned[0] + cosigned[1] > SIZE);
}

static void damage_of_what_is_stored_stops_it(void **state)
{
    struct life *life = *state;
    struct rig_store *store = &life->rig->store;
    assert_int_equal(submit(life, &life->log, 0, 9), WITNESS_COSIGNED);
    for (size_t i = 0; i < 8 * store->sizes[0]; i++) {
        store->notes[0][i / 8] ^= (char)(1 << i % 8);
        assert_int_equal(rig_restart(life->rig), STATUS_CORRUPT);
        store->notes[0][i / 8] ^= (char)(1 << i % 8);
    }
    size_t whole = store->sizes[0];
    for (store->sizes[0] = 0; store->sizes[0] < whole; store->sizes[0]++) {
        assert_int_equal(rig_restart(life->rig), STATUS_CORRUPT);
    }
    assert_int_equal(rig_restart(life->rig), STATUS_OK);
    struct note_signer another;
    test_signer(&another, "w", NOTE_COSIGNATURE, 99);
    life->rig->signer = another; /* the stored one is not its own */
    assert_int_equal(rig_restart(life->rig), STATUS_CORRUPT);
}

static void logs_do_not_touch_each_other(void **state)
{
    struct life *life = *state;
    struct test_log second;
    test_log_init(&second, "example.com/second", SIZE, 5);
    life->rig->keys[1] = second.signer.key;
    assert_int_equal(submit(life, &second, 0, 3), WITNESS_UNKNOWN_LOG);
    life->rig->key_count = 2;
    assert_int_equal(rig_restart(life->rig), STATUS_OK);
    assert_int_equal(submit(life, &life->log, 0, 9), WITNESS_COSIGNED);
    assert_int_equal(submit(life, &second, 0, 3), WITNESS_COSIGNED);
    assert_int_equal(rig_restart(life->rig), STATUS_OK);
    assert_int_equal(submit(life, &second, 3, 4), WITNESS_COSIGNED);
    assert_int_equal(submit(life, &life->log, 9, 10), WITNESS_COSIGNED);
    BUF_SCOPE struct buf page;
    buf_init(&page, WITNESS_METRICS_SIZE_MAX);
    witness_write_metrics(life->rig->witness, &page);
    const char *text = buf_terminated(&page);
    assert_non_null(strstr(text, "tpwallet_witness_size{log=\"example.com/second\"} 4\n"));
    assert_non_null(strstr(text, "tpwallet_witness_requests_total{outcome=\"cosigned\"} 2\n"));
    test_log_done(&second);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, life_begin, life_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_grows_is_cosigned_and_what_was_is_told), CASE(a_fork_is_refused_and_said_once),
        CASE(what_is_not_stored_is_not_cosigned),          CASE(nothing_makes_it_contradict_itself),
        CASE(damage_of_what_is_stored_stops_it),           CASE(logs_do_not_touch_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
