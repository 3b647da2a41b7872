/*
 * Goal: with real threads and real files, callers who race get one effect and one answer;
 * commits in doubt lose and double nothing; catching up ends under load; nobody waits for ever.
 * Method: up to 64 threads on one lane over SQLite; sums and repeats are checked when they are
 * done. Meant to be run under ThreadSanitizer too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "tests/port/lane_rig.h"

enum { CALLERS = 64, ROUNDS = 20, STORM_CALLERS = 16, STORM_TRANSFERS = 150 };

static struct transfer_result answers[CALLERS];
static atomic_uint round_number;
static atomic_uint winners;
static atomic_bool stopping;

static void race_once(struct rig *rig, uint32_t number)
{
    uint64_t id = 1000 + atomic_load(&round_number);
    struct transfer transfer = rig_transfer(id, 1, 2, 7);
    enum status status = rig_run(rig, number, &transfer, &answers[number], 1);
    CHECK(status == STATUS_OK);
    if (!answers[number].repeated) (void)atomic_fetch_add(&winners, 1);
}

static void callers_who_race_with_one_id_get_one_effect_and_one_answer(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    rig_create(&rig, "race");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        atomic_store(&round_number, round);
        atomic_store(&winners, 0);
        rig_threads(&rig, CALLERS, race_once);
        assert_int_equal(atomic_load(&winners), 1);
        for (uint32_t i = 0; i < CALLERS; i++) {
            assert_int_equal(answers[i].outcome, OUTCOME_OK);
            assert_int_equal(answers[i].position.batch, answers[0].position.batch);
            assert_int_equal(answers[i].position.index, answers[0].position.index);
            assert_int_equal(answers[i].stamp.ns, answers[0].stamp.ns);
        }
        assert_int_equal((uint64_t)rig_account(&rig, 2).balance.credits_posted.minor,
                         7 * (round + 1));
    }
    rig_close(&rig);
}

/* All with one idempotency key and no id of their own. */
static void race_with_key(struct rig *rig, uint32_t number)
{
    struct transfer transfer = rig_transfer(0, 1, 2, 7);
    transfer.id.value = (struct uuid){ 0 };
    struct request request = {
        .kind = REQUEST_TRANSFERS,
        .principal = { { number, 1 } },
        .key = rig_id(77),
        .fingerprint = rig_id(number % 8 == 7 ? 79 : 78),
        .root = lane_new_id(rig->lane),
        .count = 1,
        .transfers = &transfer,
        .transfer_results = &answers[number],
    };
    enum status status = lane_run(rig->lane, &request);
    CHECK(status == STATUS_OK || status == STATUS_CONFLICT);
    if (status == STATUS_CONFLICT) answers[number].outcome = OUTCOME_COUNT;
}

static void callers_who_race_with_one_key_get_one_effect(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    rig_create(&rig, "keys");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    for (int life = 0; life < 3; life++) {
        rig_threads(&rig, CALLERS, race_with_key);
        uint32_t done[2] = { 0, 0 };
        for (uint32_t i = 0; i < CALLERS; i++) {
            done[i % 8 == 7] += answers[i].outcome == OUTCOME_OK;
        }
        bool first_won = done[0] == CALLERS - CALLERS / 8 && done[1] == 0;
        bool other_won = done[0] == 0 && done[1] == CALLERS / 8;
        assert_true(first_won || other_won);
        assert_int_equal((uint64_t)rig_account(&rig, 2).balance.credits_posted.minor, 7);
        rig_close(&rig);
        rig_open(&rig);
    }
    rig_close(&rig);
}

static void storm(struct rig *rig, uint32_t number)
{
    for (uint64_t i = 0; i < STORM_TRANSFERS; i++) {
        struct transfer transfer = rig_transfer(number * 100000 + 1000 + i, 1, 3 + number, 1);
        struct transfer_result result = rig_insist(rig, number, transfer);
        CHECK(result.outcome == OUTCOME_OK);
        if (i % 10 == 9) { /* what was answered stays */
            CHECK(rig_account(rig, 3 + number).balance.credits_posted.minor >= i + 1);
        }
    }
}

static void commits_in_doubt_lose_and_double_nothing(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    rig_create(&rig, "doubt");
    rig_open(&rig);
    rig_accounts(&rig, 2 + STORM_CALLERS);
    atomic_store(&rig.fault_every, 13);
    rig_threads(&rig, STORM_CALLERS, storm);
    atomic_store(&rig.fault_every, 0);
    assert_true(rig_status(&rig).commit_failures > 3);
    for (int life = 0; life < 2; life++) {
        for (uint32_t i = 0; i < STORM_CALLERS; i++) {
            assert_int_equal((uint64_t)rig_account(&rig, 3 + i).balance.credits_posted.minor,
                             STORM_TRANSFERS);
            for (uint64_t k = 0; k < STORM_TRANSFERS; k += 17) {
                struct transfer transfer = rig_transfer(i * 100000 + 1000 + k, 1, 3 + i, 1);
                assert_true(rig_insist(&rig, 1, transfer).repeated);
            }
        }
        rig_close(&rig);
        rig_open(&rig);
    }
    rig_close(&rig);
}

static void work_until_stopped(struct rig *rig, uint32_t number)
{
    static atomic_ullong next = 1000000;
    if (number == 0) { /* the one who asks */
        for (int i = 0; i < 20; i++) {
            struct lane_status before = rig_status(rig);
            lane_catch_up(rig->lane);
            CHECK(rig_status(rig).index_batch >= before.head.sequence);
        }
        atomic_store(&stopping, true);
        return;
    }
    while (!atomic_load(&stopping)) {
        struct transfer transfer = rig_transfer(atomic_fetch_add(&next, 1), 1, 2, 1);
        struct transfer_result result;
        enum status status = rig_run(rig, number, &transfer, &result, 1);
        CHECK(status == STATUS_OK);
    }
}

static void catching_up_ends_while_work_goes_on(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    rig_create(&rig, "catch_up");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    atomic_store(&stopping, false);
    rig_threads(&rig, 8, work_until_stopped);
    rig_close(&rig);
}

static void drain_beside_callers(struct rig *rig, uint32_t number)
{
    static atomic_ullong next = 5000000;
    if (number == 0) {
        for (int i = 0; i < 20; i++) rig_pause();
        lane_drain(rig->lane);
        return;
    }
    if (number == 1) lane_catch_up(rig->lane);
    for (;;) {
        struct transfer transfer = rig_transfer(atomic_fetch_add(&next, 1), 1, 2, 1);
        struct transfer_result result;
        enum status status = rig_run(rig, number, &transfer, &result, 1);
        if (status == STATUS_STOPPED) return;
        CHECK(status == STATUS_OK); /* accepted, so done */
        (void)atomic_fetch_add(&winners, 1);
    }
}

static void drain_answers_everybody(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    rig_create(&rig, "drain");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    atomic_store(&winners, 0);
    rig_threads(&rig, 12, drain_beside_callers);
    rig_close(&rig);
    rig_open(&rig);
    assert_int_equal((uint64_t)rig_account(&rig, 2).balance.credits_posted.minor,
                     atomic_load(&winners));
    rig_close(&rig);
}

/* A drain that finds the store in doubt, and not to be asked. */
static void drain_while_the_store_cannot_be_asked_ends(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    rig_create(&rig, "drain_doubt");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    struct transfer transfer = rig_transfer(100, 1, 2, 1);
    struct transfer_result result;
    atomic_store(&rig.reopen_fails, 1000000);
    atomic_store(&rig.fault, RIG_DOUBT_LANDED);
    assert_int_equal(rig_run(&rig, 1, &transfer, &result, 1), STATUS_IN_DOUBT);
    rig_close(&rig);
    atomic_store(&rig.reopen_fails, 0);
    rig_open(&rig);
    assert_true(rig_insist(&rig, 1, transfer).repeated);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_who_race_with_one_id_get_one_effect_and_one_answer),
        cmocka_unit_test(callers_who_race_with_one_key_get_one_effect),
        cmocka_unit_test(commits_in_doubt_lose_and_double_nothing),
        cmocka_unit_test(catching_up_ends_while_work_goes_on),
        cmocka_unit_test(drain_answers_everybody),
        cmocka_unit_test(drain_while_the_store_cannot_be_asked_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
