/*
 * Goal: while an index does not cover the journal, nothing is written and nothing is looked up,
 * all other reads are answered, and the progress is told; afterwards duplicates are exact. Also
 * when the rebuild is cut off by a crash, a stop, a store that fails, or damage.
 * Method: a lane over ports in memory with a history of several runs, opened without its index;
 * the index task is held, so that the rebuild stands still when memory for ids is used up.
 */
#include "wallet/rebuild.h"

#include "wallet/lane_test.h"

enum { ROUNDS = 8, ITEMS = 1500, FIRST_ID = 10000, MADE = ROUNDS * ITEMS };

static struct bench *with_history(void)
{
    static struct transfer transfers[ITEMS];
    static struct transfer_result results[ITEMS];
    struct bench *bench = bench_new();
    test_accounts(bench, 4);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < ITEMS; i++) {
            transfers[i] = test_transfer(FIRST_ID + round * ITEMS + i, 1, 2, 1);
        }
        assert_int_equal(test_run(bench, transfers, results, ITEMS), STATUS_OK);
    }
    bench_settle(bench);
    bench->options.index_wait_ms = 0;
    return bench;
}

static struct lane_status status_of(struct bench *bench)
{
    struct lane_status status;
    lane_get_status(bench->lane, &status);
    return status;
}

/* Opened without index, and stopped half way: no table is free, and none becomes so. */
static struct bench *half_rebuilt(void)
{
    struct bench *bench = with_history();
    bench_close(bench);
    assert_int_equal(shelf_clear(&bench->shelf->port, NULL), STATUS_OK);
    bench->hold_index = true;
    bench_open(bench);
    assert_true(status_of(bench).rebuilding);
    assert_int_equal(status_of(bench).rebuilt_batch, 0);
    bench_settle(bench);
    struct lane_status status = status_of(bench);
    assert_true(status.rebuilding && !status.accepting);
    assert_true(status.rebuilt_batch > 0 && status.rebuilt_batch < status.head.sequence);
    assert_true(status.rebuild_left_s >= 1);
    assert_true(status.index_batch <= status.rebuilt_batch);
    return bench;
}

static void go_on(struct bench *bench)
{
    bench->hold_index = false;
    bench_settle(bench);
    struct lane_status status = status_of(bench);
    assert_true(!status.rebuilding && status.accepting);
}

static void duplicates_are_exact(struct bench *bench)
{
    for (uint32_t i = 0; i < MADE; i += 37) {
        assert_true(test_one(bench, test_transfer(FIRST_ID + i, 1, 2, 1)).repeated);
    }
    assert_int_equal(test_one(bench, test_transfer(FIRST_ID, 1, 2, 5)).outcome,
                     OUTCOME_ID_CONFLICT);
    assert_int_equal(test_credits(bench, 2), MADE);
}

static enum status look_up(struct bench *bench, enum read_kind kind, uint64_t id)
{
    struct uuid key = test_id(id);
    struct locator locator[2];
    struct read read = { .kind = kind, .count = 1, .limit = 1, .ids = &key, .locators = locator };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    return lane_run(bench->lane, &request);
}

static void only_what_needs_no_index_is_done(void **state)
{
    (void)state;
    struct bench *bench = half_rebuilt();
    uint64_t appends = bench->appends;
    struct transfer_result result;
    struct transfer known = test_transfer(FIRST_ID + MADE - 1, 1, 2, 1); /* not yet read again */
    assert_int_equal(test_run(bench, &known, &result, 1), STATUS_UNAVAILABLE);
    assert_int_equal(look_up(bench, READ_TRANSFERS, FIRST_ID), STATUS_UNAVAILABLE);
    assert_int_equal(look_up(bench, READ_REFERENCE, FIRST_ID), STATUS_UNAVAILABLE);
    assert_int_equal(look_up(bench, READ_CLOSING, FIRST_ID), STATUS_UNAVAILABLE);
    assert_int_equal(test_credits(bench, 2), MADE); /* a balance is answered */
    assert_int_equal(bench->appends, appends);
    go_on(bench);
    assert_int_equal(look_up(bench, READ_TRANSFERS, FIRST_ID), STATUS_OK);
    duplicates_are_exact(bench);
    bench_free(bench);
}

static void opening_may_wait_for_all_of_it(void **state)
{
    (void)state;
    struct bench *bench = with_history();
    bench_close(bench);
    assert_int_equal(shelf_clear(&bench->shelf->port, NULL), STATUS_OK);
    bench->options.index_wait_ms = -1;
    bench_open(bench);
    assert_false(status_of(bench).rebuilding);
    duplicates_are_exact(bench);
    bench_free(bench);
}

static void no_hold_expires_before_the_index_is_there(void **state)
{
    (void)state;
    struct bench *bench = with_history();
    (void)test_one(bench, test_hold(500, 1, 60));
    bench_close(bench);
    assert_int_equal(shelf_clear(&bench->shelf->port, NULL), STATUS_OK);
    bench_open(bench);
    uint64_t head = bench->disk->head;
    bench->read_fails = UINT32_MAX; /* there is room for entries, and nothing to read them from */
    for (int second = 0; second < 65; second++) {
        bench_sleep(bench, 1000);
        bench_settle(bench);
    }
    assert_int_equal(bench->disk->head, head);
    assert_int_equal(status_of(bench).hold_count, 1);
    bench->read_fails = 0;
    bench_sleep(bench, 1001);
    go_on(bench);
    assert_int_equal(bench->disk->head, head + 1);
    assert_int_equal(status_of(bench).hold_count, 0);
    assert_int_equal(look_up(bench, READ_CLOSING, 500), STATUS_OK);
    duplicates_are_exact(bench);
    bench_free(bench);
}

/* What has become runs is not read again. */
static void a_crash_or_a_stop_on_the_way_goes_on_from_the_runs(void **state)
{
    (void)state;
    for (int stop = 0; stop < 2; stop++) {
        struct bench *bench = half_rebuilt();
        uint64_t written = 0;
        for (int life = 0; status_of(bench).rebuilding; life++) {
            assert_true(life < 2 * ROUNDS);
            struct lane *lane = bench->lane;
            bool done = bench_help(&lane->index_bell, committer_index, lane); /* one job */
            bench_settle(bench);
            if (done && life % 2 == 0) continue;
            uint64_t reached = status_of(bench).rebuilt_batch;
            if (stop) bench->hold_index = false;
            if (stop) bench_close(bench);
            if (!stop) bench_crash(bench);
            bench->hold_index = true;
            bench_open(bench);
            /* the other indexes have nothing to write: they follow now and then */
            uint64_t again = index_cursor(bench->lane->indexes[LANE_INDEX_IDS]);
            assert_true(again <= reached && again >= written);
            if (stop) assert_int_equal(again, reached); /* all of it was written */
            written = again;
            bench_settle(bench);
        }
        go_on(bench);
        duplicates_are_exact(bench);
        bench_free(bench);
    }
}

static void stores_that_fail_for_a_while_delay_it(void **state)
{
    (void)state;
    struct bench *bench = half_rebuilt();
    bench->dead = true;
    bench->shelf->write_fails = 2;
    bench->shelf->fails_with = STATUS_LIMIT;
    bench->hold_index = false;
    bench_settle(bench);
    assert_true(status_of(bench).rebuilding);
    assert_int_equal(test_credits(bench, 2), MADE); /* from memory */
    bench->dead = false;
    for (int i = 0; i < 4; i++) {
        bench_sleep(bench, 1001);
        bench_settle(bench);
    }
    assert_int_equal(bench->shelf->write_fails, 0);
    go_on(bench);
    duplicates_are_exact(bench);
    bench_free(bench);
}

/* Old batches are read for the index only: their damage is met after opening. */
static void a_damaged_journal_stops_the_lane(void **state)
{
    (void)state;
    struct bench *bench = half_rebuilt();
    uint8_t *data = bench->disk->batches[status_of(bench).rebuilt_batch + 1].data;
    data[300] ^= 1;
    bench->hold_index = false;
    bench_settle(bench);
    assert_true(status_of(bench).damaged);
    struct transfer transfer = test_transfer(1, 1, 2, 1);
    struct transfer_result result;
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_STOPPED);
    bench_close(bench);
    data[300] ^= 1;
    bench_open(bench);
    go_on(bench);
    duplicates_are_exact(bench);
    bench_free(bench);
}

static void who_waits_for_the_runs_waits_for_the_rebuild(void **state)
{
    (void)state;
    struct bench *bench = half_rebuilt();
    bench->hold_index = false;
    lane_catch_up(bench->lane);
    assert_false(status_of(bench).rebuilding);
    assert_int_equal(status_of(bench).index_batch, status_of(bench).head.sequence);
    bench_free(bench);
}

/* Asked for before the damage: what was in memory then is not in runs when these are gone. */
static void who_waits_for_runs_that_are_dropped_goes_on_waiting(void **state)
{
    (void)state;
    struct bench *bench = with_history();
    struct lane *lane = bench->lane;
    (void)test_one(bench, test_transfer(700, 1, 3, 9));
    bench->hold_index = true;
    lane->catch_ups_wanted++;
    bench_settle(bench); /* its table is handed out */
    bench->shelf->read_fails = 1;
    bench->shelf->fails_with = STATUS_CORRUPT;
    assert_int_equal(look_up(bench, READ_TRANSFERS, FIRST_ID), STATUS_UNAVAILABLE);
    bench->read_fails = UINT32_MAX;
    bench->hold_index = false;
    bench_settle(bench);
    assert_int_equal(lane->catch_ups_done, 0);
    bench->read_fails = 0;
    bench_sleep(bench, 1001);
    go_on(bench);
    assert_int_equal(lane->catch_ups_done, 1);
    duplicates_are_exact(bench);
    bench_free(bench);
}

/* ---- Damage met while running ---- */

static void damaged_chunk_is_mended_while_the_lane_runs(void **state)
{
    (void)state;
    struct bench *bench = with_history();
    uint64_t first = bench->shelf->clears;
    bench->shelf->read_fails = 1;
    bench->shelf->fails_with = STATUS_CORRUPT;
    struct transfer_result result;
    struct transfer known = test_transfer(FIRST_ID, 1, 2, 1);
    bench->hold_index = true;
    assert_int_equal(test_run(bench, &known, &result, 1), STATUS_UNAVAILABLE);
    assert_true(status_of(bench).rebuilding && !status_of(bench).damaged);
    bench_settle(bench);
    assert_int_equal(bench->shelf->clears, first + 1);
    assert_int_equal(test_run(bench, &known, &result, 1), STATUS_UNAVAILABLE);
    assert_int_equal(test_credits(bench, 2), MADE);
    go_on(bench);
    duplicates_are_exact(bench);
    bench_free(bench);
}

/* What is in the air was decided by runs that were whole: it lands, and is in the new index. */
static void damage_waits_for_what_is_in_the_air(void **state)
{
    (void)state;
    struct bench *bench = with_history();
    struct transfer new = test_transfer(700, 1, 3, 9);
    struct transfer known = test_transfer(FIRST_ID, 1, 2, 1);
    struct transfer late = test_transfer(701, 1, 3, 9);
    struct transfer_result results[3];
    struct request flying = test_request(bench->lane, &new, &results[0], 1);
    struct request damaged = test_request(bench->lane, &known, &results[1], 1);
    struct request behind = test_request(bench->lane, &late, &results[2], 1);
    bench->hold_flush = true;
    assert_int_equal(lane_submit(bench->lane, &flying), STATUS_OK);
    bench_settle(bench);
    bench->shelf->read_fails = 1;
    bench->shelf->fails_with = STATUS_CORRUPT;
    uint64_t clears = bench->shelf->clears;
    assert_int_equal(lane_submit(bench->lane, &damaged), STATUS_OK);
    assert_int_equal(lane_submit(bench->lane, &behind), STATUS_OK);
    bench_settle(bench);
    assert_int_equal(bench->shelf->clears, clears);
    assert_false(flying.answered);
    bench->hold_flush = false;
    bench_settle(bench);
    assert_int_equal(flying.status, STATUS_OK);
    assert_int_equal(damaged.status, STATUS_UNAVAILABLE);
    assert_int_equal(behind.status, STATUS_UNAVAILABLE); /* queued when it was found */
    assert_int_equal(bench->shelf->clears, clears + 1);
    go_on(bench);
    assert_true(test_one(bench, new).repeated);
    assert_false(test_one(bench, late).repeated);
    duplicates_are_exact(bench);
    bench_free(bench);
}

/* The commit fails that the damage waits for: memory is made anew, and the runs go all the same. */
static void damage_is_not_forgotten_by_a_reload(void **state)
{
    (void)state;
    struct bench *bench = with_history();
    struct transfer new = test_transfer(700, 1, 3, 9);
    struct transfer known = test_transfer(FIRST_ID, 1, 2, 1);
    struct transfer_result results[2];
    struct request flying = test_request(bench->lane, &new, &results[0], 1);
    struct request damaged = test_request(bench->lane, &known, &results[1], 1);
    bench->hold_flush = true;
    assert_int_equal(lane_submit(bench->lane, &flying), STATUS_OK);
    bench_settle(bench);
    bench->shelf->read_fails = 1;
    bench->shelf->fails_with = STATUS_CORRUPT;
    assert_int_equal(lane_submit(bench->lane, &damaged), STATUS_OK);
    bench_settle(bench);
    uint64_t clears = bench->shelf->clears;
    bench->fault = APPEND_DOUBT_LANDED;
    bench->slice_list_fails = 1;
    bench->hold_flush = false;
    lane_wait(bench->lane, &flying);
    lane_wait(bench->lane, &damaged);
    assert_int_equal(bench->shelf->clears, clears + 1);
    go_on(bench);
    assert_true(test_one(bench, new).repeated);
    duplicates_are_exact(bench);
    bench_free(bench);
}

/* In no order: their runs come to lie over each other, and are merged. */
static void scattered_ids_make(struct bench *bench, uint64_t round)
{
    static struct transfer transfers[1024];
    static struct transfer_result results[1024];
    for (uint32_t i = 0; i < 1024; i++) {
        uint64_t id = (round * 1024 + i) * UINT64_C(0x9E3779B97F4A7C15) | 1 << 20;
        transfers[i] = test_transfer(id, 1, 3, 1);
    }
    bench->hold_index = true;
    assert_int_equal(test_run(bench, transfers, results, 1024), STATUS_OK);
    bench->hold_index = false;
}

static void damage_met_by_a_merge_is_mended(void **state)
{
    (void)state;
    enum { ROUNDS_MAX = 24 };
    struct bench *bench = with_history();
    uint64_t clears = bench->shelf->clears;
    bench->shelf->fails_with = STATUS_CORRUPT;
    for (uint64_t round = 0; round < ROUNDS_MAX; round++) {
        scattered_ids_make(bench, round);
        /* nobody looks anything up now: a merge meets it, or nobody */
        bench->shelf->read_fails = bench->shelf->clears == clears;
        bench_settle(bench);
        bench->shelf->read_fails = 0;
    }
    assert_int_equal(bench->shelf->clears, clears + 1);
    go_on(bench);
    duplicates_are_exact(bench);
    bench_close(bench);
    assert_int_equal(shelf_clear(&bench->shelf->port, NULL), STATUS_OK);
    clears = bench->shelf->clears;
    bench->shelf->read_fails = 1; /* now by one that is a part of opening */
    bench->options.index_wait_ms = -1;
    bench_open(bench);
    assert_int_equal(bench->shelf->read_fails, 0);
    assert_int_equal(bench->shelf->clears, clears + 1);
    duplicates_are_exact(bench);
    bench_free(bench);
}

static void runs_that_cannot_be_dropped_are_dropped_later(void **state)
{
    (void)state;
    struct bench *bench = with_history();
    bench->shelf->read_fails = 1;
    bench->shelf->fails_with = STATUS_CORRUPT;
    bench->shelf->clear_fails = 2;
    assert_int_equal(look_up(bench, READ_TRANSFERS, FIRST_ID), STATUS_UNAVAILABLE);
    bench_settle(bench);
    assert_true(status_of(bench).rebuilding);
    for (int i = 0; i < 2; i++) {
        bench_sleep(bench, 1001);
        bench_settle(bench);
    }
    go_on(bench);
    duplicates_are_exact(bench);
    (void)test_one(bench, test_transfer(700, 1, 3, 9)); /* is in memory only */
    bench->shelf->read_fails = 1;                       /* and a stop does not wait for it */
    bench->shelf->clear_fails = UINT32_MAX;
    assert_int_equal(look_up(bench, READ_TRANSFERS, FIRST_ID), STATUS_UNAVAILABLE);
    bench_close(bench);
    bench->shelf->clear_fails = 0;
    bench->shelf->read_fails = 0;
    bench_open(bench);
    go_on(bench);
    duplicates_are_exact(bench);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_needs_no_index_is_done),
        cmocka_unit_test(opening_may_wait_for_all_of_it),
        cmocka_unit_test(no_hold_expires_before_the_index_is_there),
        cmocka_unit_test(a_crash_or_a_stop_on_the_way_goes_on_from_the_runs),
        cmocka_unit_test(stores_that_fail_for_a_while_delay_it),
        cmocka_unit_test(a_damaged_journal_stops_the_lane),
        cmocka_unit_test(who_waits_for_the_runs_waits_for_the_rebuild),
        cmocka_unit_test(who_waits_for_runs_that_are_dropped_goes_on_waiting),
        cmocka_unit_test(damaged_chunk_is_mended_while_the_lane_runs),
        cmocka_unit_test(damage_waits_for_what_is_in_the_air),
        cmocka_unit_test(damage_is_not_forgotten_by_a_reload),
        cmocka_unit_test(damage_met_by_a_merge_is_mended),
        cmocka_unit_test(runs_that_cannot_be_dropped_are_dropped_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
