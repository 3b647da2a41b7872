/*
 * Goal: what is durable comes back whole, wherever the last life ended; damage is refused by
 * name; the index is no loss.
 * Method: a lane over ports in memory is ended at every point, opened again, and asked for what
 * it had answered; bytes of the journal are flipped one after the other.
 */
#include "wallet/recovery.h"

#include "wallet/lane_test.h"

static void check_sum(struct bench *bench, uint64_t number, uint64_t expected)
{
    assert_int_equal(test_credits(bench, number), expected);
}

static struct account_result account_make(struct bench *bench, uint64_t number)
{
    struct account account = test_account(number);
    struct account_result result;
    struct request request = {
        .kind = REQUEST_ACCOUNTS,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->lane),
        .count = 1,
        .accounts = &account,
        .account_results = &result,
    };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return result;
}

/* Work of every kind, so small that a sweep of the checkpoint takes several batches. */
static void some_work(struct bench *bench, uint64_t round)
{
    uint64_t base = 100000 + round * 1000;
    assert_int_equal(account_make(bench, 10 + round).outcome, ACCOUNT_OUTCOME_OK);
    static struct transfer transfers[300];
    static struct transfer_result results[300];
    for (uint32_t i = 0; i < 300; i++) {
        transfers[i] = test_transfer(base + i, 1, i % 2 == 0 ? 2 : 10 + round, 1);
        if (i % 50 == 7) transfers[i] = test_hold(base + i, 3, i % 100 == 7 ? 30 : 0);
        if (i % 50 == 9) { /* the record says what was there to move */
            transfers[i] = test_transfer(base + i, 2, 3, 1000000);
            transfers[i].flags = TRANSFER_FLAG_BALANCING_DEBIT;
        }
        if (i % 50 == 8) transfers[i] = test_post(base + i, base + i - 1);
        if (i % 50 == 8 && round % 2 == 0) transfers[i].amount.minor = 1; /* the rest is freed */
        if (i % 50 == 8 && round % 3 == 0) transfers[i].flags = TRANSFER_FLAG_KEEP_REST;
    }
    assert_int_equal(test_run(bench, transfers, results, 300), STATUS_OK);
    struct transfer reversal = { .id = { test_id(base + 900) },
                                 .amount = MONEY_MAX,
                                 .target = { test_id(base) },
                                 .kind = TRANSFER_REVERSAL };
    assert_int_equal(test_one(bench, reversal).outcome, OUTCOME_OK);
}

static struct disk *disk_copy(const struct disk *disk)
{
    struct disk *copy = calloc(1, sizeof *copy);
    assert_non_null(copy);
    copy->epoch = disk->epoch;
    for (uint64_t i = 1; i <= disk->head; i++) {
        const struct disk_batch *batch = &disk->batches[i];
        const struct store_batch again = {
            .data = batch->data, .size = batch->size, .hash = batch->hash, .stamp = batch->stamp
        };
        disk_append(copy, &again);
    }
    for (uint32_t i = 0; i < disk->slice_count; i++) {
        disk_slice_add(copy, &disk->slices[i], disk->slices[i].at_batch);
    }
    return copy;
}

/* Opens the disk with no index, so that recovery starts from it alone; the ledgers must agree. */
static void opens_the_same(struct bench *live)
{
    struct disk *disk = disk_copy(live->disk);
    struct shelf *shelf = calloc(1, sizeof *shelf);
    struct bench *bench = calloc(1, sizeof *bench);
    assert_true(shelf != NULL && bench != NULL);
    shelf_init(shelf);
    bench_init(bench, disk, shelf);
    bench->monotonic_ns = live->monotonic_ns;
    bench->options = live->options;
    bench->options.read_only = true;
    bench_open(bench);
    const struct ledger *left = live->lane->ledger;
    const struct ledger *right = bench->lane->ledger;
    assert_int_equal(left->account_count, right->account_count);
    assert_int_equal(left->holds.count, right->holds.count);
    assert_int_equal(left->holds_made, right->holds_made);
    assert_int_equal(left->reversal_count, right->reversal_count);
    for (uint32_t i = 0; i < left->account_count; i++) {
        assert_memory_equal(&left->accounts[i].balance, &right->accounts[i].balance,
                            sizeof(struct balance));
        assert_int_equal(left->accounts[i].entry_count, right->accounts[i].entry_count);
    }
    bench_free(bench);
}

static void every_moment_of_a_sweep_can_be_recovered_from(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    test_accounts(bench, 4);
    for (uint64_t round = 0; round < 60; round++) {
        some_work(bench, round);
        if (round % 10 == 9) bench_sleep(bench, 40000); /* some holds expire */
        bench_settle(bench);
        opens_the_same(bench);
    }
    assert_true(bench->lane->sweep.generation > 3); /* else nothing was shown */
    bench_free(bench);
}

/*
 * Accounts by the thousand make a sweep of several slices: while the next sweep has renewed the
 * first of them, what was made since the last is in no slice.
 */
static void accounts_made_between_two_sweeps_are_replayed(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench_close(bench);
    bench->options.accounts_max = 1 << 16;
    bench_open(bench);
    static struct account accounts[500];
    static struct account_result results[500];
    uint64_t number = 1;
    for (uint32_t round = 0; round < 70; round++) {
        for (uint32_t i = 0; i < 500; i++) accounts[i] = test_account(number++);
        struct request request = {
            .kind = REQUEST_ACCOUNTS,
            .principal = PRINCIPAL_LOCAL,
            .root = lane_new_id(bench->lane),
            .count = 20 + round % 7,
            .accounts = accounts,
            .account_results = results,
        };
        if (round < 6) request.count = 500;
        assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
        static struct transfer transfers[2000];
        static struct transfer_result transfer_results[2000];
        for (uint32_t i = 0; i < 2000; i++) {
            transfers[i] = test_transfer(1000000 + round * 2000 + i, 1, 2, 1);
        }
        assert_int_equal(test_run(bench, transfers, transfer_results, 2000), STATUS_OK);
        opens_the_same(bench);
    }
    assert_true(bench->lane->sweep.generation > 4);
    bench_free(bench);
}

static void crash_loses_nothing_that_was_answered(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    test_accounts(bench, 4);
    for (uint64_t life = 0; life < 20; life++) {
        for (uint64_t i = 0; i <= life; i++) {
            struct transfer_result result =
                test_one(bench, test_transfer(1000 * (life + 1) + i, 1, 2, 1));
            assert_int_equal(result.outcome, OUTCOME_OK);
        }
        struct transfer unanswered = test_transfer(900000 + life, 1, 3, 1);
        struct transfer_result result;
        struct request request = test_request(bench->lane, &unanswered, &result, 1);
        bench->hold_flush = true;
        assert_int_equal(lane_submit(bench->lane, &request), STATUS_OK);
        bench_settle(bench);
        bench_crash(bench);
        assert_int_equal(request.status, STATUS_IN_DOUBT);
        bench_open(bench);
        for (uint64_t i = 0; i <= life; i++) {
            assert_true(test_one(bench, test_transfer(1000 * (life + 1) + i, 1, 2, 1)).repeated);
        }
        check_sum(bench, 3, 0);
    }
    check_sum(bench, 2, 20 * 21 / 2);
    bench_free(bench);
}

static struct bench *former;

/* The former owner does its last work after the new one has read the journal. */
static void former_appends(struct bench *bench)
{
    bench->on_claim = NULL;
    assert_int_equal(test_one(former, test_transfer(500, 1, 2, 9)).outcome, OUTCOME_OK);
}

static void takeover_sees_what_the_former_owner_appended_until_the_claim(void **state)
{
    (void)state;
    former = bench_new();
    test_accounts(former, 4);
    struct shelf shelf;
    static struct bench next;
    shelf_init(&shelf);
    bench_init(&next, former->disk, &shelf);
    next.on_claim = former_appends;
    bench_open(&next);
    assert_int_equal(test_credits(&next, 2), 9);
    assert_true(test_one(&next, test_transfer(500, 1, 2, 9)).repeated);
    assert_false(test_one(&next, test_transfer(501, 1, 2, 1)).repeated);
    struct transfer late = test_transfer(502, 1, 2, 1);
    struct transfer_result result;
    assert_int_equal(test_run(former, &late, &result, 1), STATUS_UNAVAILABLE);
    struct lane_status status;
    lane_get_status(former->lane, &status);
    assert_true(status.fenced);
    assert_int_equal(test_credits(&next, 2), 10);
    bench_close(&next);
    shelf_done(&shelf);
    bench_free(former);
}

/* ---- The index ---- */

static struct bench *with_runs(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 4);
    static struct transfer transfers[1500];
    static struct transfer_result results[1500];
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < 1500; i++) {
            transfers[i] = test_transfer(10000 + round * 1500 + i, 1, 2, 1);
        }
        assert_int_equal(test_run(bench, transfers, results, 1500), STATUS_OK);
    }
    bench_settle(bench);
    assert_true(bench->shelf->run_count > 2);
    return bench;
}

static void duplicates_are_exact(struct bench *bench)
{
    for (uint32_t i = 0; i < 6000; i += 37) {
        assert_true(test_one(bench, test_transfer(10000 + i, 1, 2, 1)).repeated);
    }
    assert_int_equal(test_one(bench, test_transfer(10000, 1, 2, 5)).outcome, OUTCOME_ID_CONFLICT);
    assert_int_equal(test_credits(bench, 2), 6000);
}

static void missing_index_is_rebuilt(void **state)
{
    (void)state;
    struct bench *bench = with_runs();
    bench_close(bench);
    assert_int_equal(shelf_clear(&bench->shelf->port, NULL), STATUS_OK);
    bench_open(bench);
    duplicates_are_exact(bench);
    bench_free(bench);
}

static void damaged_summary_costs_a_rebuild(void **state)
{
    (void)state;
    struct bench *bench = with_runs();
    bench_close(bench);
    for (uint32_t at = 0; at < 64 + 16; at++) { /* its head, with the least and greatest key */
        struct shelf_run *run = bench->shelf->runs[0];
        run->summary.data[at] ^= 4;
        bench->log.alarms = 0;
        bench->shelf->clears = 0;
        bench_open(bench);
        assert_int_equal(bench->shelf->clears, 1);
        assert_int_equal(bench->log.alarms, 1);
        bench_close(bench);
    }
    bench_open(bench);
    duplicates_are_exact(bench);
    bench_free(bench);
}

static void index_ahead_of_the_journal_is_rebuilt(void **state)
{
    (void)state;
    struct bench *bench = with_runs();
    bench_close(bench);
    bench->shelf->cursors[LANE_INDEX_IDS + 1].batch = bench->disk->head + 1;
    bench_open(bench);
    assert_int_equal(bench->shelf->clears, 1);
    duplicates_are_exact(bench);
    bench_free(bench);
}

/* A database put back to an earlier state, in which others then worked: as long as it was. */
static void index_of_a_journal_that_was_taken_back_is_discarded(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    bench_settle(bench);
    struct bench *other = calloc(1, sizeof *other);
    struct shelf *shelf = calloc(1, sizeof *shelf);
    assert_true(other != NULL && shelf != NULL);
    shelf_init(shelf);
    bench_init(other, disk_copy(bench->disk), shelf); /* the backup */
    other->monotonic_ns = bench->monotonic_ns;
    assert_int_equal(test_one(bench, test_transfer(100, 1, 2, 4)).outcome, OUTCOME_OK);
    bench_close(bench); /* all of it is in runs */

    bench_open(other);
    for (uint64_t i = 0; i < 3; i++) (void)test_one(other, test_transfer(200 + i, 1, 2, 1));
    bench_close(other);
    struct disk *gone = bench->disk;
    bench->disk = other->disk;
    other->disk = gone;
    bench->shelf->clears = 0;
    bench_open(bench);
    assert_int_equal(bench->shelf->clears, 1);
    struct transfer_result again = test_one(bench, test_transfer(100, 1, 2, 4));
    assert_false(again.repeated); /* nothing is left of it */
    assert_true(test_one(bench, test_transfer(201, 1, 2, 1)).repeated);
    check_sum(bench, 2, 7);
    bench_free(bench);
    bench_free(other);
}

/* Without it every open would read the journal from its first batch. */
static void cursors_of_unused_indexes_move_on(void **state)
{
    (void)state;
    struct bench *bench = with_runs();
    for (uint64_t i = 0; i < INDEX_IDLE_BATCHES + 100; i++) {
        (void)test_one(bench, test_transfer(900000 + i, 1, 2, 1));
    }
    bench_settle(bench);
    for (int i = 0; i < LANE_INDEX_COUNT; i++) {
        assert_true(index_cursor(bench->lane->indexes[i]) > 0);
    }
    bench_free(bench);
}

/* ---- Damage ---- */

static void any_flipped_byte_of_a_batch_is_found_at_open(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    (void)test_one(bench, test_transfer(100, 1, 2, 1));
    (void)test_one(bench, test_hold(101, 1, 5));
    bench_close(bench);
    for (uint64_t sequence = 1; sequence <= bench->disk->head; sequence++) {
        struct disk_batch *batch = &bench->disk->batches[sequence];
        for (size_t at = 0; at < batch->size; at++) {
            batch->data[at] ^= 1;
            struct error error = { 0 };
            assert_int_equal(bench_try_open(bench, &error), STATUS_CORRUPT);
            assert_true(error.message[0] != 0);
            batch->data[at] ^= 1;
        }
    }
    bench_open(bench);
    bench_free(bench);
}

/* Whole and rightly numbered, but of another journal. */
static void batch_of_another_history_is_named(void **state)
{
    (void)state;
    struct bench *benches[2] = { bench_new(), bench_new() };
    for (uint64_t i = 0; i < 2; i++) {
        test_accounts(benches[i], 2);
        (void)test_one(benches[i], test_transfer(100 + i, 1, 2, 1));
        (void)test_one(benches[i], test_transfer(200 + i, 1, 2, 1));
        bench_close(benches[i]);
    }
    struct disk_batch own = benches[0]->disk->batches[2];
    benches[0]->disk->batches[2] = benches[1]->disk->batches[2];
    struct error error = { 0 };
    assert_int_equal(bench_try_open(benches[0], &error), STATUS_CORRUPT);
    assert_string_equal(error.message,
                        "batch 3 of the journal: it does not follow the batch before it");
    benches[0]->disk->batches[2] = own;
    bench_open(benches[0]);
    bench_free(benches[0]);
    bench_free(benches[1]);
}

static void missing_batch_is_named(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    (void)test_one(bench, test_transfer(100, 1, 2, 1));
    (void)test_one(bench, test_transfer(101, 1, 2, 1));
    bench_close(bench);
    struct disk_batch *batches = bench->disk->batches;
    struct disk_batch lost = batches[2];
    batches[2] = batches[3];
    struct error error = { 0 };
    assert_int_equal(bench_try_open(bench, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.message, "batch 2"));
    batches[2] = lost;
    bench_open(bench);
    bench_free(bench);
}

static void state_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    test_accounts(bench, 4);
    bench_close(bench);
    bench->options.accounts_max = 3;
    struct error error = { 0 };
    assert_int_equal(bench_try_open(bench, &error), STATUS_LIMIT);
    bench->options.accounts_max = 4;
    bench_open(bench);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_moment_of_a_sweep_can_be_recovered_from),
        cmocka_unit_test(accounts_made_between_two_sweeps_are_replayed),
        cmocka_unit_test(crash_loses_nothing_that_was_answered),
        cmocka_unit_test(takeover_sees_what_the_former_owner_appended_until_the_claim),
        cmocka_unit_test(missing_index_is_rebuilt),
        cmocka_unit_test(damaged_summary_costs_a_rebuild),
        cmocka_unit_test(index_ahead_of_the_journal_is_rebuilt),
        cmocka_unit_test(index_of_a_journal_that_was_taken_back_is_discarded),
        cmocka_unit_test(cursors_of_unused_indexes_move_on),
        cmocka_unit_test(any_flipped_byte_of_a_batch_is_found_at_open),
        cmocka_unit_test(batch_of_another_history_is_named),
        cmocka_unit_test(missing_batch_is_named),
        cmocka_unit_test(state_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
