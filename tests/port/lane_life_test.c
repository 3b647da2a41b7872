/*
 * Goal: what a lane on files answered it answers again in its next lives, with or without its
 * index; another owner stops it; a million holds that expire at once hold nobody up; a disk that
 * is full or fails is told as such.
 * Method: lives of a lane over SQLite, one after the other or two on one journal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/sqlite_store.h"
#include "base/check.h"
#include "tests/port/lane_rig.h"

enum { MANY = 6000, PAGE = 1500, HOLDS = 1000000, HOLDS_PAGE = 8000 };

static struct transfer transfers[HOLDS_PAGE];
static struct transfer_result results[HOLDS_PAGE];

/* Ids in no order, a refusal among ten. */
static void page_make(uint32_t from)
{
    for (uint32_t i = 0; i < PAGE; i++) {
        uint64_t id = (from + i) * UINT64_C(0x9E3779B97F4A7C15);
        transfers[i] = rig_transfer(id, 1, i % 10 == 3 ? 99 : 2, 1);
    }
}

static void all_are_repeats(struct rig *rig)
{
    for (uint32_t from = 0; from < MANY; from += PAGE) {
        page_make(from);
        assert_int_equal(rig_run(rig, 1, transfers, results, PAGE), STATUS_OK);
        for (uint32_t i = 0; i < PAGE; i++) {
            assert_true(results[i].repeated);
            assert_int_equal(results[i].outcome,
                             i % 10 == 3 ? OUTCOME_CREDIT_ACCOUNT_NOT_FOUND : OUTCOME_OK);
        }
    }
    assert_int_equal((uint64_t)rig_account(rig, 2).balance.credits_posted.minor, MANY / 10 * 9);
}

static void lives_answer_alike_with_and_without_index(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    char index[SCRATCH_PATH_SIZE];
    rig_create(&rig, "lives");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    for (uint32_t from = 0; from < MANY; from += PAGE) {
        page_make(from);
        assert_int_equal(rig_run(&rig, 1, transfers, results, PAGE), STATUS_OK);
        assert_false(results[0].repeated);
    }
    scratch_join(rig.folder, "index.db", index);
    for (int life = 0; life < 3; life++) {
        all_are_repeats(&rig);
        lane_catch_up(rig.lane);
        rig_close(&rig);
        if (life == 1) assert_int_equal(unlink(index), 0);
        rig_open(&rig);
    }
    all_are_repeats(&rig);
    rig_close(&rig);
}

static uint32_t rebuilt_beside_readers; /* lives that came up before their index was there */

/* Whatever is asked while the index is made again: a write is refused, or its answer is right. */
static void asked_while_rebuilding(struct rig *rig)
{
    struct lane_status status;
    uint64_t batch = 0;
    bool refused = false;
    uint32_t life = rebuilt_beside_readers;
    for (;;) {
        lane_get_status(rig->lane, &status);
        if (!status.rebuilding) break;
        assert_true(status.rebuilt_batch >= batch && status.rebuilt_batch <= status.head.sequence);
        assert_true(status.rebuild_left_s >= 1);
        batch = status.rebuilt_batch;
        rebuilt_beside_readers = life + 1;
        page_make(0);
        enum status told = rig_run(rig, 1, transfers, results, 10);
        if (told != STATUS_OK) assert_int_equal(told, STATUS_UNAVAILABLE);
        if (told == STATUS_OK) assert_true(results[0].repeated); /* it was just done */
        refused = refused || told != STATUS_OK;
        assert_int_equal((uint64_t)rig_account(rig, 2).balance.credits_posted.minor, MANY / 10 * 9);
    }
    assert_true(refused || rebuilt_beside_readers == life);
}

static void index_is_rebuilt_beside_readers(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    char index[SCRATCH_PATH_SIZE];
    rig_create(&rig, "beside");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    for (uint32_t from = 0; from < MANY; from += PAGE) {
        page_make(from);
        assert_int_equal(rig_run(&rig, 1, transfers, results, PAGE), STATUS_OK);
    }
    scratch_join(rig.folder, "index.db", index);
    rig.options.index_wait_ms = 1;
    for (int life = 0; life < 4; life++) {
        rig_close(&rig);
        if (life != 2) assert_int_equal(unlink(index), 0);
        rig_open(&rig);
        if (life == 1) continue; /* stopped on the way: the next goes on from there */
        asked_while_rebuilding(&rig);
        all_are_repeats(&rig);
    }
    rig_close(&rig);
    assert_true(rebuilt_beside_readers > 0);
}

static void second_claim_stops_the_first_owner(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    struct error error = { 0 };
    rig_create(&rig, "claims");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    (void)rig_insist(&rig, 1, rig_transfer(100, 1, 2, 7));
    struct store_head head;
    assert_int_equal(rig.inner->claim(rig.inner, &head, &error), STATUS_OK); /* as another would */
    struct transfer transfer = rig_transfer(101, 1, 2, 7);
    assert_int_equal(rig_run(&rig, 1, &transfer, results, 1), STATUS_UNAVAILABLE);
    assert_true(rig_status(&rig).fenced);
    assert_int_equal(rig_run(&rig, 1, &transfer, results, 1), STATUS_STOPPED);
    rig_close(&rig);
    rig_open(&rig);
    assert_false(rig_insist(&rig, 1, transfer).repeated);
    assert_int_equal((uint64_t)rig_account(&rig, 2).balance.credits_posted.minor, 14);
    rig_close(&rig);
}

static void refused_commits_are_told_and_lose_nothing(void **state)
{
    (void)state;
    static const enum status told[] = { STATUS_LIMIT, STATUS_UNAVAILABLE };
    struct rig rig = { 0 };
    rig_create(&rig, "refused");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    for (uint32_t i = 0; i < 2; i++) {
        struct transfer transfer = rig_transfer(100 + i, 1, 2, 7);
        atomic_store(&rig.fault_status, told[i]);
        atomic_store(&rig.fault, RIG_REFUSED);
        assert_int_equal(rig_run(&rig, 1, &transfer, results, 1), told[i]);
        assert_int_equal(rig_status(&rig).full, told[i] == STATUS_LIMIT);
        assert_false(rig_insist(&rig, 1, transfer).repeated);
        assert_false(rig_status(&rig).full);
    }
    assert_int_equal((uint64_t)rig_account(&rig, 2).balance.credits_posted.minor, 14);
    rig_close(&rig);
}

/* As the store itself finds it, with less free than it wants to keep. */
static void full_disk_is_told_and_reads_go_on(void **state)
{
    (void)state;
    struct rig rig = { 0 };
    struct error error = { 0 };
    rig_create(&rig, "full");
    rig_open(&rig);
    rig_accounts(&rig, 2);
    (void)rig_insist(&rig, 1, rig_transfer(100, 1, 2, 7));
    struct store *store = rig.inner;
    const struct sqlite_store_options no_room = { .folder = rig.folder,
                                                  .reserve_bytes = UINT64_MAX / 4 };
    rig_close(&rig);
    rig_open(&rig);
    store = rig.inner;
    struct store *full = NULL;
    assert_int_equal(sqlite_store_open(&no_room, &full, &error), STATUS_OK);
    rig.inner = full;
    struct store_head head;
    assert_int_equal(rig.inner->head(rig.inner, &head, &error), STATUS_OK);
    struct transfer transfer = rig_transfer(101, 1, 2, 7);
    assert_int_equal(rig_run(&rig, 1, &transfer, results, 1), STATUS_LIMIT);
    assert_true(rig_status(&rig).full);
    assert_int_equal((uint64_t)rig_account(&rig, 2).balance.credits_posted.minor, 7);
    rig.inner = store;
    assert_false(rig_insist(&rig, 1, transfer).repeated);
    assert_int_equal(rig_status(&rig).commit_failures,
                     0); /* it was seen before anything was lost */
    rig_close(&rig);
    full->close(full);
}

static int64_t now_ms(struct rig *rig)
{
    return clock_monotonic(&rig->clock.port).ns / NS_PER_MS;
}

/* The wall clock goes over the time of all at once, within what is not taken for a jump. */
static void million_holds_expire_at_once_and_hold_nobody_up(void **state)
{
    (void)state;
    struct rig rig = { .options = { .holds_max = HOLDS + 1, .memtable_ids = 1 << 18 } };
    rig_create(&rig, "expiry");
    rig_open(&rig);
    rig_accounts(&rig, 4);
    for (uint32_t from = 0; from < HOLDS; from += HOLDS_PAGE) {
        for (uint32_t i = 0; i < HOLDS_PAGE; i++) {
            transfers[i] = rig_hold(1000 + from + i, 1, 290);
        }
        assert_int_equal(rig_run(&rig, 1, transfers, results, HOLDS_PAGE), STATUS_OK);
    }
    assert_int_equal(rig_status(&rig).hold_count, HOLDS);
    uint64_t commits = rig_status(&rig).commits;
    int64_t begin_ms = now_ms(&rig);
    int64_t worst_ms = 0;
    uint64_t asked = 0;
    for (int step = 0; step < 2; step++) { /* two steps, neither of them a jump */
        (void)atomic_fetch_add(&rig.wall_ns, 290 * NS_PER_S);
        (void)rig_insist(&rig, 2, rig_transfer(10 + (uint64_t)step, 3, 4, 1));
    }
    while (rig_status(&rig).hold_count > 0) {
        int64_t before_ms = now_ms(&rig);
        struct transfer_result result = rig_insist(&rig, 2, rig_transfer(5000000 + asked, 3, 4, 1));
        assert_int_equal(result.outcome, OUTCOME_OK);
        int64_t took_ms = now_ms(&rig) - before_ms;
        if (took_ms > worst_ms) worst_ms = took_ms;
        asked++;
    }
    struct lane_status status = rig_status(&rig);
    assert_int_equal(status.expiries, HOLDS);
    assert_true(status.commits - commits >= HOLDS / BATCH_EXPIRIES_MAX);
    assert_true(asked > 20); /* others were answered all the while */
    print_message("a million expiries: %lld ms; %llu requests beside, the slowest %lld ms\n",
                  (long long)(now_ms(&rig) - begin_ms), (unsigned long long)asked,
                  (long long)worst_ms);
    assert_int_equal((uint64_t)rig_account(&rig, 1).balance.debits_pending.minor, 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lives_answer_alike_with_and_without_index),
        cmocka_unit_test(index_is_rebuilt_beside_readers),
        cmocka_unit_test(second_claim_stops_the_first_owner),
        cmocka_unit_test(refused_commits_are_told_and_lose_nothing),
        cmocka_unit_test(full_disk_is_told_and_reads_go_on),
        cmocka_unit_test(million_holds_expire_at_once_and_hold_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
