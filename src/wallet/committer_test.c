/*
 * Goal: whatever the store says to a commit, nobody is told what is not so; the lane goes on, or
 * stops for good reason; and no work keeps other work waiting for ever.
 * Method: a lane over ports in memory, run step by step; each case fails the commit, the reload,
 * the index or the clock at a chosen moment.
 */
#include "wallet/lane_test.h"

static struct bench *with_accounts(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 4);
    return bench;
}

/* ---- A commit that is not good ---- */

static void refused_commit_is_told_and_can_be_repeated(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    bench->fault = APPEND_REFUSED;
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_UNAVAILABLE);
    assert_int_equal(test_credits(bench, 2), 0);
    assert_false(test_one(bench, transfer).repeated);
    assert_int_equal(test_credits(bench, 2), 7);
    bench_free(bench);
}

static void commit_in_doubt_that_landed_is_answered_as_done(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    bench->fault = APPEND_DOUBT_LANDED;
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_OK);
    assert_int_equal(result.outcome, OUTCOME_OK);
    assert_true(test_one(bench, transfer).repeated);
    assert_int_equal(test_credits(bench, 2), 7);
    bench_free(bench);
}

static void commit_in_doubt_that_was_lost_is_told_as_not_done(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    bench->fault = APPEND_DOUBT_LOST;
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_UNAVAILABLE);
    assert_int_equal(test_credits(bench, 2), 0);
    bench_free(bench);
}

static void while_the_store_cannot_be_asked_the_answer_is_in_doubt(void **state)
{
    (void)state;
    for (int landed = 0; landed < 2; landed++) {
        struct bench *bench = with_accounts();
        struct transfer transfer = test_transfer(100, 1, 2, 7);
        struct transfer_result result;
        bench->fault = landed ? APPEND_DOUBT_LANDED : APPEND_DOUBT_LOST;
        bench->reopen_fails = 3;
        assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_IN_DOUBT);
        assert_int_equal(test_one(bench, transfer).repeated, landed);
        assert_int_equal(test_credits(bench, 2), 7);
        bench_free(bench);
    }
}

/* Transfers 100 and on, by as many callers; they are answered when the lane has settled. */
static void submit(struct bench *bench, struct request *requests, uint32_t count)
{
    static struct transfer transfers[4];
    static struct transfer_result results[4];
    for (uint32_t i = 0; i < count; i++) {
        transfers[i] = test_transfer(100 + bench->appends * 10 + i, 1, 2, 1);
        requests[i] = test_request(bench->lane, &transfers[i], &results[i], 1);
        assert_int_equal(lane_submit(bench->lane, &requests[i]), STATUS_OK);
    }
    bench_settle(bench);
}

static void callers_who_come_back_share_a_commit(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct request requests[4];
    bench->append_ms = 2;
    submit(bench, requests, 3);
    assert_true(requests[2].answered);
    uint64_t appends = bench->appends;
    struct transfer transfer = test_transfer(500, 1, 2, 1);
    struct transfer_result result;
    struct request first = test_request(bench->lane, &transfer, &result, 1);
    assert_int_equal(lane_submit(bench->lane, &first), STATUS_OK);
    bench_settle(bench);
    assert_false(first.answered); /* two more are expected */
    submit(bench, requests, 2);
    assert_true(first.answered);
    assert_true(requests[1].answered);
    assert_int_equal(bench->appends, appends + 1);
    bench_free(bench);
}

static void callers_who_do_not_come_back_are_not_waited_for_long(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct request requests[4];
    bench->append_ms = 2;
    submit(bench, requests, 4);
    submit(bench, requests, 1);
    assert_false(requests[0].answered);
    lane_wait(bench->lane, &requests[0]); /* the deadline ends it, and nothing else can */
    submit(bench, requests, 1);
    assert_true(requests[0].answered); /* one was answered, so nobody else is expected */
    bench_free(bench);
}

static void full_disk_is_told_at_once_until_it_is_tried_again(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    struct lane_status status;
    bench->fault = APPEND_REFUSED;
    bench->fault_status = STATUS_LIMIT;
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_LIMIT);
    lane_get_status(bench->lane, &status);
    assert_true(status.full);
    uint64_t appends = bench->appends;
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_LIMIT);
    assert_int_equal(bench->appends, appends);
    bench_sleep(bench, 2000);
    bench_settle(bench);
    assert_int_equal(test_one(bench, transfer).outcome, OUTCOME_OK);
    lane_get_status(bench->lane, &status);
    assert_false(status.full);
    bench_free(bench);
}

/* Memory is thrown away only when it was ahead of the disk: here nothing was decided. */
static void full_disk_that_says_so_costs_no_reload_and_reads_go_on(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    struct lane_status status;
    (void)test_one(bench, test_hold(99, 1, 1)); /* 60 s */
    uint64_t appends = bench->appends;
    bench->no_room = true;
    for (int second = 0; second < 70; second++) { /* the hold's time passes: no attempt either */
        assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_LIMIT);
        assert_int_equal(test_credits(bench, 2), 0);
        bench_sleep(bench, 1000);
        bench_settle(bench);
    }
    assert_int_equal(bench->appends, appends);
    assert_true(bench->room_looks < 80); /* about one a second */
    bench->no_room = false;
    bench_sleep(bench, 1001);
    bench_settle(bench);
    lane_get_status(bench->lane, &status);
    assert_false(status.full);
    assert_int_equal(status.commit_failures, 0);
    assert_false(test_one(bench, transfer).repeated);
    assert_int_equal(test_credits(bench, 2), 7);
    bench_free(bench);
}

static void disk_that_is_full_against_its_word_is_tried_ever_more_seldom(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    uint64_t appends = bench->appends;
    bench->fault_status = STATUS_LIMIT;
    for (int second = 0; second < 31; second++) {
        bench->fault = APPEND_REFUSED;
        assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_LIMIT);
        bench_sleep(bench, 1001);
        bench_settle(bench);
    }
    assert_int_equal(bench->appends - appends, 5); /* after 0, 1, 3, 7 and 15 s */
    bench->fault = APPEND_GOOD;
    bench_sleep(bench, 64000);
    bench_settle(bench);
    assert_false(test_one(bench, transfer).repeated);
    bench_free(bench);
}

static void request_of_which_a_part_is_durable_is_in_doubt_when_the_rest_is_refused(void **state)
{
    (void)state;
    static struct transfer transfers[REQUEST_TRANSFERS_MAX];
    static struct transfer_result results[REQUEST_TRANSFERS_MAX];
    struct bench *bench = with_accounts();
    for (uint32_t i = 0; i < REQUEST_TRANSFERS_MAX; i++) {
        transfers[i] = test_transfer(1000 + i, 1, 2, 1);
    }
    /* another batch is begun with work that leaves too little room for all of it */
    struct transfer first = test_transfer(500, 1, 3, 1);
    struct transfer_result first_result;
    struct request small = test_request(bench->lane, &first, &first_result, 1);
    struct request large = test_request(bench->lane, transfers, results, REQUEST_TRANSFERS_MAX);
    bench->fault = APPEND_REFUSED;
    bench->fault_status = STATUS_LIMIT;
    bench->fault_after = 1;
    assert_int_equal(lane_submit(bench->lane, &small), STATUS_OK);
    assert_int_equal(lane_submit(bench->lane, &large), STATUS_OK);
    lane_wait(bench->lane, &large);
    assert_int_equal(small.status, STATUS_OK);
    assert_int_equal(large.status, STATUS_IN_DOUBT);
    uint64_t done = test_credits(bench, 2);
    assert_true(done > 0 && done < REQUEST_TRANSFERS_MAX);
    bench_sleep(bench, 2000);
    bench_settle(bench);
    assert_int_equal(test_run(bench, transfers, results, REQUEST_TRANSFERS_MAX), STATUS_OK);
    assert_int_equal(test_credits(bench, 2), REQUEST_TRANSFERS_MAX);
    bench_free(bench);
}

static struct request keyed(struct lane *lane, const struct transfer *transfer,
                            struct transfer_result *result, uint64_t fingerprint)
{
    struct request request = test_request(lane, transfer, result, 1);
    request.key = test_id(77);
    request.fingerprint = test_id(fingerprint);
    return request;
}

static void conflict_with_a_key_that_was_lost_is_not_told(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfers[2] = { test_transfer(100, 1, 2, 7), test_transfer(101, 1, 2, 9) };
    struct transfer_result results[2];
    struct request first = keyed(bench->lane, &transfers[0], &results[0], 1);
    struct request second = keyed(bench->lane, &transfers[1], &results[1], 2);
    bench->fault = APPEND_REFUSED;
    assert_int_equal(lane_submit(bench->lane, &first), STATUS_OK);
    assert_int_equal(lane_submit(bench->lane, &second), STATUS_OK);
    lane_wait(bench->lane, &first);
    lane_wait(bench->lane, &second);
    assert_int_equal(first.status, STATUS_UNAVAILABLE);
    assert_int_equal(second.status, STATUS_UNAVAILABLE);
    second.root = lane_new_id(bench->lane);
    assert_int_equal(lane_run(bench->lane, &second), STATUS_OK);
    assert_int_equal(lane_run(bench->lane, &first), STATUS_CONFLICT);
    assert_int_equal(test_credits(bench, 2), 9);
    bench_free(bench);
}

static void nothing_is_seen_before_it_is_durable(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer refused = test_transfer(101, 1, 99, 7);
    struct transfer_result results[3];
    struct account_state account;
    struct uuid id = test_id(2);
    struct read read = { .kind = READ_ACCOUNTS, .count = 1, .ids = &id, .accounts = &account };
    struct request requests[4] = {
        test_request(bench->lane, &transfer, &results[0], 1),
        test_request(bench->lane, &transfer, &results[1], 1),
        test_request(bench->lane, &refused, &results[2], 1),
        { .kind = REQUEST_READ, .principal = PRINCIPAL_LOCAL, .read = &read },
    };
    bench->hold_flush = true;
    assert_int_equal(lane_submit(bench->lane, &requests[0]), STATUS_OK);
    bench_settle(bench); /* it is in the air; what follows builds on it */
    for (int i = 1; i < 4; i++) assert_int_equal(lane_submit(bench->lane, &requests[i]), STATUS_OK);
    bench_settle(bench);
    for (int i = 0; i < 4; i++) assert_false(requests[i].answered);
    bench->hold_flush = false;
    bench_settle(bench);
    for (int i = 0; i < 4; i++) {
        assert_true(requests[i].answered);
        assert_int_equal(requests[i].status, STATUS_OK);
    }
    assert_true(results[1].repeated);
    assert_int_equal(results[2].outcome, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
    assert_int_equal((uint64_t)account.balance.credits_posted.minor, 7);
    bench_free(bench);
}

static void what_is_counted_is_as_of_the_durable_batch(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct lane_status status;
    lane_get_status(bench->lane, &status);
    uint64_t before = status.hold_count;
    struct transfer holds[2] = { test_hold(100, 1, 60), test_hold(101, 1, 60) };
    struct transfer_result results[2];
    struct request requests[2];
    bench->hold_flush = true;
    for (int i = 0; i < 2; i++) { /* one in the air, one built behind it */
        requests[i] = test_request(bench->lane, &holds[i], &results[i], 1);
        assert_int_equal(lane_submit(bench->lane, &requests[i]), STATUS_OK);
        bench_settle(bench);
    }
    bench->hold_flush = false;
    assert_true(bench_helpers(bench));
    bench->hold_flush = true;
    bench_settle(bench);
    assert_true(requests[0].answered);
    assert_false(requests[1].answered);
    lane_get_status(bench->lane, &status);
    assert_int_equal(status.hold_count, before + 1);
    bench->hold_flush = false;
    bench_settle(bench);
    lane_get_status(bench->lane, &status);
    assert_int_equal(status.hold_count, before + 2);
    bench_free(bench);
}

static void what_was_built_on_a_lost_batch_is_not_answered_from_it(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result results[2];
    struct account_state account;
    struct uuid id = test_id(2);
    struct read read = { .kind = READ_ACCOUNTS, .count = 1, .ids = &id, .accounts = &account };
    struct request first = test_request(bench->lane, &transfer, &results[0], 1);
    struct request again = test_request(bench->lane, &transfer, &results[1], 1);
    struct request look = { .kind = REQUEST_READ, .principal = PRINCIPAL_LOCAL, .read = &read };
    bench->hold_flush = true;
    bench->fault = APPEND_REFUSED;
    assert_int_equal(lane_submit(bench->lane, &first), STATUS_OK);
    bench_settle(bench);
    assert_int_equal(lane_submit(bench->lane, &again), STATUS_OK);
    assert_int_equal(lane_submit(bench->lane, &look), STATUS_OK);
    bench_settle(bench);
    bench->hold_flush = false;
    bench_settle(bench);
    assert_int_equal(first.status, STATUS_UNAVAILABLE);
    assert_int_equal(again.status, STATUS_UNAVAILABLE);
    assert_int_equal(look.status, STATUS_UNAVAILABLE);
    bench_free(bench);
}

/* ---- Owners ---- */

static void fenced_lane_stops_and_writes_nothing_more(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    struct lane_status status;
    bench->disk->epoch++; /* another has claimed it */
    uint64_t head = bench->disk->head;
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_UNAVAILABLE);
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_STOPPED);
    lane_get_status(bench->lane, &status);
    assert_true(status.fenced);
    assert_false(status.accepting);
    assert_int_equal(bench->disk->head, head);
    bench_free(bench);
}

static void owner_replaced_during_a_failing_reload_does_not_write_for_the_new_one(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    struct lane_status status;
    bench->fault = APPEND_DOUBT_LOST;
    bench->fault_takes_over = true;
    bench->slice_list_fails = 1; /* after the head, with the new epoch, was read */
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_IN_DOUBT);
    bench_sleep(bench, 1000);
    bench_settle(bench);
    lane_get_status(bench->lane, &status);
    assert_true(status.fenced);
    uint64_t head = bench->disk->head;
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_STOPPED);
    assert_int_equal(bench->disk->head, head);
    bench_free(bench);
}

/* Told from outside, by who looks after the lease: reads stop as well, accepted ones too. */
static void lane_that_is_condemned_or_disowned_answers_nothing(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct bench *bench = with_accounts();
        struct account_state found;
        struct lane_status status;
        assert_int_equal(test_read_account(bench, 1, &found), STATUS_OK);
        uint64_t head = bench->disk->head;
        if (turn == 0) lane_condemn(bench->lane);
        if (turn == 1) lane_disown(bench->lane);
        lane_get_status(bench->lane, &status);
        assert_int_equal(status.damaged, turn == 0);
        assert_int_equal(status.fenced, turn == 1);
        assert_false(status.accepting);
        assert_int_equal(test_read_account(bench, 1, &found), STATUS_STOPPED);
        bench_settle(bench);
        assert_int_equal(bench->disk->head, head);
        bench_free(bench);
    }
}

/* ---- Ends ---- */

static void drain_answers_all_that_was_accepted(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfers[8];
    struct transfer_result results[8];
    struct request requests[8];
    for (uint32_t i = 0; i < 8; i++) {
        transfers[i] = test_transfer(100 + i, 1, 2, 1);
        requests[i] = test_request(bench->lane, &transfers[i], &results[i], 1);
        assert_int_equal(lane_submit(bench->lane, &requests[i]), STATUS_OK);
    }
    lane_drain(bench->lane);
    for (uint32_t i = 0; i < 8; i++) {
        assert_true(requests[i].answered);
        assert_int_equal(requests[i].status, STATUS_OK);
    }
    assert_int_equal(lane_submit(bench->lane, &requests[0]), STATUS_STOPPED);
    bench_free(bench);
}

static void drain_during_a_failing_reload_answers_nothing_from_half_a_state(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    struct account_state account = { .entry_count = 99 };
    struct uuid id = test_id(2);
    struct read read = { .kind = READ_ACCOUNTS, .count = 1, .ids = &id, .accounts = &account };
    struct request lost = test_request(bench->lane, &transfer, &result, 1);
    struct request look = { .kind = REQUEST_READ, .principal = PRINCIPAL_LOCAL, .read = &read };
    bench->hold_flush = true;
    bench->fault = APPEND_DOUBT_LOST;
    bench->slice_list_fails = UINT32_MAX; /* memory is emptied, and not filled again */
    assert_int_equal(lane_submit(bench->lane, &lost), STATUS_OK);
    bench_settle(bench);
    bench->lane->draining = true; /* the drain is asked for; its work is done below */
    struct committer_seen seen;
    bench->hold_flush = false;
    assert_true(bench_helpers(bench));
    assert_int_equal(queue_add(&bench->lane->queue, &look), STATUS_OK); /* accepted just before */
    bench->applying = true;
    while (committer_round(bench->lane, &seen)) continue;
    bench->applying = false;
    assert_int_equal(lost.status, STATUS_IN_DOUBT);
    assert_true(look.answered);
    assert_int_equal(look.status, STATUS_UNAVAILABLE);
    assert_int_equal(account.entry_count, 99);
    bench_free(bench);
}

static void who_waits_while_a_reload_fails_is_told_to_ask_again(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    struct account_state account = { .entry_count = 99 };
    struct uuid id = test_id(2);
    struct read read = { .kind = READ_ACCOUNTS, .count = 1, .ids = &id, .accounts = &account };
    struct request lost = test_request(bench->lane, &transfer, &result, 1);
    struct request look = { .kind = REQUEST_READ, .principal = PRINCIPAL_LOCAL, .read = &read };
    bench->hold_flush = true;
    bench->fault = APPEND_DOUBT_LOST;
    bench->reopen_fails = 1; /* nobody knows yet that it is the only one */
    assert_int_equal(lane_submit(bench->lane, &lost), STATUS_OK);
    bench_settle(bench);
    bench->hold_flush = false;
    assert_true(bench_helpers(bench));
    assert_int_equal(lane_submit(bench->lane, &look), STATUS_OK);
    bench_settle(bench);
    assert_int_equal(lost.status, STATUS_IN_DOUBT);
    assert_true(look.answered);
    assert_int_equal(look.status, STATUS_UNAVAILABLE);
    assert_int_equal(test_credits(bench, 2), 0); /* and it has come back */
    bench_free(bench);
}

/* Enough transfers that the index's tables of ids are full `times` over. */
static void fill_tables(struct bench *bench, uint64_t first, uint32_t times)
{
    static struct transfer transfers[1024];
    static struct transfer_result results[1024];
    for (uint32_t round = 0; round < times; round++) {
        for (uint32_t i = 0; i < 1024; i++) {
            transfers[i] = test_transfer(first + round * 1024 + i, 1, 2, 1);
        }
        assert_int_equal(test_run(bench, transfers, results, 1024), STATUS_OK);
    }
}

static void drain_ends_although_the_index_cannot_be_written(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    bench->hold_index = true;
    bench->shelf->write_fails = UINT32_MAX;
    bench->shelf->fails_with = STATUS_LIMIT;
    fill_tables(bench, 1000, INDEX_TABLES_MAX);
    struct request stuck = test_request(bench->lane, &transfer, &result, 1);
    assert_int_equal(lane_submit(bench->lane, &stuck), STATUS_OK);
    bench_settle(bench);
    assert_false(stuck.answered); /* no table is free, and one is being written */
    bench->hold_index = false;
    lane_drain(bench->lane);
    assert_int_equal(stuck.status, STATUS_LIMIT);
    bench_close(bench);
    bench->shelf->write_fails = 0;
    bench_open(bench);
    assert_false(test_one(bench, transfer).repeated);
    assert_true(test_one(bench, test_transfer(1000, 1, 2, 1)).repeated);
    bench_free(bench);
}

/* Once memory for ids is used up, who asks is told at once, and nobody waits for the disk. */
static void index_that_cannot_be_written_refuses_writes_until_it_can(void **state)
{
    (void)state;
    static const enum status faults[] = { STATUS_LIMIT, STATUS_UNAVAILABLE };
    for (int i = 0; i < 2; i++) {
        struct bench *bench = with_accounts();
        struct transfer transfer = test_transfer(100, 1, 2, 7);
        struct transfer_result result;
        bench->shelf->write_fails = UINT32_MAX;
        bench->shelf->fails_with = faults[i];
        fill_tables(bench, 1000, INDEX_TABLES_MAX);
        int64_t begin_ns = bench->monotonic_ns;
        for (int k = 0; k < 100; k++) {
            assert_int_equal(test_run(bench, &transfer, &result, 1), faults[i]);
        }
        assert_true(bench->monotonic_ns - begin_ns < NS_PER_S);
        struct lane_status status;
        lane_get_status(bench->lane, &status);
        assert_int_equal(status.index_fault, faults[i]);
        assert_int_equal(test_credits(bench, 2), 1024 * INDEX_TABLES_MAX); /* reads go on */
        bench->shelf->write_fails = 0;
        bench_sleep(bench, 1001);
        bench_settle(bench);
        assert_false(test_one(bench, transfer).repeated);
        assert_true(test_one(bench, test_transfer(1000, 1, 2, 1)).repeated);
        lane_get_status(bench->lane, &status);
        assert_int_equal(status.index_fault, STATUS_OK);
        bench_free(bench);
    }
}

static void drain_ends_when_damage_was_found_while_an_index_job_was_out(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer_result result;
    struct lane_status status;
    struct transfer known = test_transfer(100, 1, 2, 7);
    struct transfer_result first = test_one(bench, known);
    bench->hold_index = true;
    fill_tables(bench, 1000, 1);
    struct transfer next = test_transfer(101, 1, 2, 7);
    (void)test_one(bench, next); /* the full table is handed out behind it */
    bench->disk->batches[first.position.batch].data[300] ^= 1;
    assert_int_equal(test_run(bench, &known, &result, 1), STATUS_CORRUPT);
    lane_get_status(bench->lane, &status);
    assert_true(status.damaged);
    assert_int_equal(test_run(bench, &next, &result, 1), STATUS_STOPPED);
    bench->hold_index = false;
    lane_drain(bench->lane); /* ends */
    bench_free(bench);
}

/* ---- Time ---- */

static uint32_t expiries_in(const struct disk *disk, uint64_t sequence)
{
    const struct disk_batch *batch = &disk->batches[sequence];
    struct str blob = { (const char *)batch->data, batch->size };
    struct batch_reader reader;
    assert_int_equal(batch_open(blob, &reader, NULL), STATUS_OK);
    const struct record_head *record;
    uint32_t count = 0;
    while (batch_next(&reader, &record, NULL) == STATUS_OK) {
        count += record->type == RECORD_TRANSFER && record->kind == TRANSFER_EXPIRE;
    }
    return count;
}

enum { MANY_HOLDS = 12000 };

static void many_holds(struct bench *bench, uint32_t timeout_s)
{
    static struct transfer holds[4000];
    static struct transfer_result results[4000];
    for (uint32_t round = 0; round < MANY_HOLDS / 4000; round++) {
        for (uint32_t i = 0; i < 4000; i++) {
            holds[i] = test_hold(10000 + round * 4000 + i, 1, timeout_s);
        }
        assert_int_equal(test_run(bench, holds, results, 4000), STATUS_OK);
        for (uint32_t i = 0; i < 4000; i++) assert_int_equal(results[i].outcome, OUTCOME_OK);
    }
}

static void expiries_and_requests_share_the_batches(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    many_holds(bench, 1);
    uint64_t head = bench->disk->head;
    static struct transfer transfers[2 * REQUEST_TRANSFERS_MAX];
    static struct transfer_result results[2 * REQUEST_TRANSFERS_MAX];
    struct request requests[2];
    for (uint32_t i = 0; i < 2 * REQUEST_TRANSFERS_MAX; i++) {
        transfers[i] = test_transfer(100000 + i, 3, 4, 1);
    }
    bench_sleep(bench, 5000);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t from = i * REQUEST_TRANSFERS_MAX;
        requests[i] =
            test_request(bench->lane, &transfers[from], &results[from], REQUEST_TRANSFERS_MAX);
        assert_int_equal(lane_submit(bench->lane, &requests[i]), STATUS_OK);
    }
    bench_settle(bench);
    uint32_t expired = 0;
    for (uint64_t batch = head + 1; batch <= bench->disk->head; batch++) {
        uint32_t here = expiries_in(bench->disk, batch);
        assert_true(here <= BATCH_EXPIRIES_MAX);
        if (batch <= head + 2) assert_int_equal(here, BATCH_EXPIRIES_MAX); /* not starved */
        expired += here;
    }
    assert_int_equal(expired, MANY_HOLDS);
    assert_int_equal(results[0].position.batch, head + 1); /* nor the others */
    struct account_state account;
    assert_int_equal(test_read_account(bench, 1, &account), STATUS_OK);
    assert_int_equal((uint64_t)account.balance.debits_pending.minor, 0);
    bench_free(bench);
}

static void post_after_the_time_of_a_hold_is_refused_though_it_is_not_swept(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    assert_int_equal(test_one(bench, test_hold(200, 5, 10)).outcome, OUTCOME_OK);
    bench->lane->expiry_paused = true; /* no sweep comes */
    bench_sleep(bench, 10001);
    assert_int_equal(test_one(bench, test_post(201, 200)).outcome, OUTCOME_HOLD_EXPIRED);
    struct lane_status status;
    lane_get_status(bench->lane, &status);
    assert_int_equal(status.expiries, 0);
    bench_free(bench);
}

static void forward_jump_pauses_expiry_and_says_so_until_it_is_confirmed(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    (void)test_one(bench, test_hold(200, 5, 3600));
    bench->wall_ns += 2 * 3600 * NS_PER_S;
    bench_settle(bench);
    struct lane_status status;
    lane_get_status(bench->lane, &status);
    assert_true(status.expiry_paused);
    assert_int_equal(status.expiries, 0);
    assert_int_equal(status.hold_count, 1);
    assert_int_equal(bench->log.alarms, 1);
    lane_resume_expiry(bench->lane);
    bench_settle(bench);
    lane_get_status(bench->lane, &status);
    assert_false(status.expiry_paused);
    assert_int_equal(status.expiries, 1);
    assert_int_equal(status.hold_count, 0);
    bench_free(bench);
}

static void stamps_increase_though_the_clock_goes_back(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer_result before = test_one(bench, test_transfer(100, 1, 2, 1));
    bench->wall_ns -= NS_PER_DAY;
    struct transfer_result after = test_one(bench, test_transfer(101, 1, 2, 1));
    assert_int_equal(after.stamp.ns, before.stamp.ns + 1);
    bench_close(bench);
    bench_open(bench);
    struct transfer_result later = test_one(bench, test_transfer(102, 1, 2, 1));
    assert_int_equal(later.stamp.ns, before.stamp.ns + 2);
    bench_free(bench);
}

static void request_that_wrote_no_unit_has_a_position(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct account account = test_account(1);
    struct account_result result;
    struct request request = {
        .kind = REQUEST_ACCOUNTS,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->lane),
        .key = test_id(78),
        .fingerprint = test_id(1),
        .count = 1,
        .accounts = &account,
        .account_results = &result,
    };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_true(result.repeated);
    assert_int_equal(request.position.index, 0);
    assert_int_equal(request.position.batch, bench->disk->head);
    bench_free(bench);
}

static void spawn_that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    for (uint32_t spawns = 0; spawns < BENCH_TASKS; spawns++) {
        struct bench *bench = with_accounts();
        bench_close(bench);
        struct error error;
        bench->spawns_left = spawns;
        assert_int_equal(bench_try_open(bench, &error), STATUS_UNAVAILABLE);
        bench->spawns_left = BENCH_TASKS;
        bench_open(bench);
        bench_free(bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_commit_is_told_and_can_be_repeated),
        cmocka_unit_test(commit_in_doubt_that_landed_is_answered_as_done),
        cmocka_unit_test(commit_in_doubt_that_was_lost_is_told_as_not_done),
        cmocka_unit_test(while_the_store_cannot_be_asked_the_answer_is_in_doubt),
        cmocka_unit_test(callers_who_come_back_share_a_commit),
        cmocka_unit_test(callers_who_do_not_come_back_are_not_waited_for_long),
        cmocka_unit_test(full_disk_is_told_at_once_until_it_is_tried_again),
        cmocka_unit_test(full_disk_that_says_so_costs_no_reload_and_reads_go_on),
        cmocka_unit_test(disk_that_is_full_against_its_word_is_tried_ever_more_seldom),
        cmocka_unit_test(request_of_which_a_part_is_durable_is_in_doubt_when_the_rest_is_refused),
        cmocka_unit_test(conflict_with_a_key_that_was_lost_is_not_told),
        cmocka_unit_test(nothing_is_seen_before_it_is_durable),
        cmocka_unit_test(what_is_counted_is_as_of_the_durable_batch),
        cmocka_unit_test(what_was_built_on_a_lost_batch_is_not_answered_from_it),
        cmocka_unit_test(fenced_lane_stops_and_writes_nothing_more),
        cmocka_unit_test(owner_replaced_during_a_failing_reload_does_not_write_for_the_new_one),
        cmocka_unit_test(lane_that_is_condemned_or_disowned_answers_nothing),
        cmocka_unit_test(drain_answers_all_that_was_accepted),
        cmocka_unit_test(drain_during_a_failing_reload_answers_nothing_from_half_a_state),
        cmocka_unit_test(who_waits_while_a_reload_fails_is_told_to_ask_again),
        cmocka_unit_test(drain_ends_although_the_index_cannot_be_written),
        cmocka_unit_test(index_that_cannot_be_written_refuses_writes_until_it_can),
        cmocka_unit_test(drain_ends_when_damage_was_found_while_an_index_job_was_out),
        cmocka_unit_test(expiries_and_requests_share_the_batches),
        cmocka_unit_test(post_after_the_time_of_a_hold_is_refused_though_it_is_not_swept),
        cmocka_unit_test(forward_jump_pauses_expiry_and_says_so_until_it_is_confirmed),
        cmocka_unit_test(stamps_increase_though_the_clock_goes_back),
        cmocka_unit_test(request_that_wrote_no_unit_has_a_position),
        cmocka_unit_test(spawn_that_fails_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
