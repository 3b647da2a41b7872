/*
 * Goal: a lane does what lane.h promises to its callers: one effect per id, the same answer for
 * ever, refusals too; keys that replay a request; limits; reads while it may not write.
 * Method: a lane over ports in memory, run step by step. With threads and files: tests/port.
 */
#include "wallet/lane.h"

#include "base/check_test.h"
#include "wallet/lane_test.h"

static struct bench *with_accounts(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 4);
    return bench;
}

static void reopen(struct bench *bench)
{
    bench_close(bench);
    bench_open(bench);
}

static void same_result(const struct transfer_result *first, const struct transfer_result *again)
{
    assert_true(again->repeated);
    assert_int_equal(first->outcome, again->outcome);
    assert_true(uuid_equal(first->id.value, again->id.value));
    assert_memory_equal(&first->amount, &again->amount, sizeof first->amount);
    assert_int_equal(first->position.batch, again->position.batch);
    assert_int_equal(first->position.index, again->position.index);
    assert_int_equal(first->stamp.ns, again->stamp.ns);
    assert_int_equal(first->asset, again->asset);
}

static void repeats_give_the_first_answer_for_ever(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct account bound = test_account(5);
    bound.flags = ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS;
    struct account_result made;
    struct request make = { .kind = REQUEST_ACCOUNTS,
                            .principal = PRINCIPAL_LOCAL,
                            .root = lane_new_id(bench->lane),
                            .count = 1,
                            .accounts = &bound,
                            .account_results = &made };
    assert_int_equal(lane_run(bench->lane, &make), STATUS_OK);
    struct transfer transfers[] = {
        test_transfer(100, 1, 2, 7), test_transfer(101, 1, 99, 7), /* there is no such account */
        test_transfer(102, 5, 2, 7),                               /* nor is there money */
        test_hold(103, 9, 60),       test_post(104, 103),          test_post(105, 103),
    };
    enum { COUNT = sizeof transfers / sizeof transfers[0] };
    struct transfer_result first[COUNT];
    for (int i = 0; i < COUNT; i++) first[i] = test_one(bench, transfers[i]);
    assert_int_equal(first[1].outcome, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
    assert_int_equal(first[2].outcome, OUTCOME_DEBITS_EXCEED_CREDITS);
    assert_int_equal(first[4].outcome, OUTCOME_OK);
    assert_int_equal(first[5].outcome, OUTCOME_HOLD_ALREADY_POSTED);
    (void)test_one(bench, test_transfer(200, 1, 5, 1000)); /* now there would be money */
    for (int life = 0; life < 3; life++) {
        for (int i = 0; i < COUNT; i++) {
            struct transfer_result again = test_one(bench, transfers[i]);
            same_result(&first[i], &again);
        }
        reopen(bench);
    }
    assert_int_equal(test_credits(bench, 2), 7 + 9);
    bench_free(bench);
}

static void other_content_under_a_known_id_is_a_conflict(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer known = test_transfer(100, 1, 2, 7);
    (void)test_one(bench, known);
    for (int life = 0; life < 2; life++) {
        struct transfer others[] = { known, known, known, known, known, known };
        others[0].amount.minor = 8;
        others[1].debit = others[1].credit;
        others[1].credit = known.debit;
        others[2].user_ref = test_id(1);
        others[3].code = 1;
        others[4].value_date.days = 20000;
        others[5].kind = TRANSFER_HOLD;
        for (int i = 0; i < 6; i++) {
            struct transfer_result result = test_one(bench, others[i]);
            assert_int_equal(result.outcome, OUTCOME_ID_CONFLICT);
            assert_false(result.repeated);
        }
        assert_int_equal(test_credits(bench, 2), 7);
        reopen(bench);
    }
    bench_free(bench);
}

/* ---- Keys ---- */

static struct request keyed(struct lane *lane, const struct transfer *transfers,
                            struct transfer_result *results, uint32_t count)
{
    struct request request = test_request(lane, transfers, results, count);
    request.key = test_id(77);
    request.fingerprint = test_id(78);
    return request;
}

static void key_replays_the_request_and_its_ids(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfers[3] = { test_transfer(0, 1, 2, 7), test_transfer(0, 1, 99, 7),
                                     test_transfer(500, 1, 2, 1) };
    transfers[0].id.value = (struct uuid){ 0 };
    transfers[1].id.value = (struct uuid){ 0 };
    struct transfer_result first[3];
    struct transfer_result again[3];
    struct request request = keyed(bench->lane, transfers, first, 3);
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    struct uuid root = request.root_used;
    assert_true(uuid_equal(first[0].id.value, uuid_derive(root, 0)));
    assert_true(uuid_equal(first[1].id.value, uuid_derive(root, 1)));
    for (int life = 0; life < 3; life++) {
        request = keyed(bench->lane, transfers, again, 3);
        assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
        assert_true(uuid_equal(request.root_used, root));
        for (int i = 0; i < 3; i++) same_result(&first[i], &again[i]);
        request.fingerprint = test_id(79);
        assert_int_equal(lane_run(bench->lane, &request), STATUS_CONFLICT);
        reopen(bench);
    }
    assert_int_equal(test_credits(bench, 2), 8);
    bench_free(bench);
}

static void requests_that_race_with_one_key_are_one_request(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(0, 1, 2, 7);
    transfer.id.value = (struct uuid){ 0 };
    struct transfer_result results[4];
    struct request requests[4];
    bench->hold_flush = true;
    for (int i = 0; i < 4; i++) {
        requests[i] = keyed(bench->lane, &transfer, &results[i], 1);
        requests[i].principal.value.lo += (uint64_t)i; /* each in a line of its own */
        assert_int_equal(lane_submit(bench->lane, &requests[i]), STATUS_OK);
        if (i % 2 == 1) bench_settle(bench); /* two in a batch, two in the next */
    }
    bench->hold_flush = false;
    bench_settle(bench);
    uint32_t repeated = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(requests[i].status, STATUS_OK);
        assert_true(uuid_equal(results[i].id.value, results[0].id.value));
        repeated += results[i].repeated;
    }
    assert_int_equal(repeated, 3);
    assert_int_equal(test_credits(bench, 2), 7);
    bench_free(bench);
}

/* In pieces between those of others, over several batches, with its key recorded first. */
static void key_of_a_request_in_many_pieces_is_found_again(void **state)
{
    (void)state;
    static struct transfer transfers[2][REQUEST_TRANSFERS_MAX];
    static struct transfer_result results[2][REQUEST_TRANSFERS_MAX];
    struct bench *bench = with_accounts();
    struct request requests[2];
    for (uint32_t i = 0; i < REQUEST_TRANSFERS_MAX; i++) {
        transfers[0][i] = test_transfer(0, 1, 2, 1);
        transfers[0][i].id.value = (struct uuid){ 0 };
        transfers[1][i] = test_transfer(50000 + i, 1, 3, 1);
    }
    requests[0] = keyed(bench->lane, transfers[0], results[0], REQUEST_TRANSFERS_MAX);
    requests[1] = test_request(bench->lane, transfers[1], results[1], REQUEST_TRANSFERS_MAX);
    requests[1].principal.value.lo++;
    for (int i = 0; i < 2; i++) assert_int_equal(lane_submit(bench->lane, &requests[i]), STATUS_OK);
    lane_wait(bench->lane, &requests[0]);
    lane_wait(bench->lane, &requests[1]);
    assert_int_equal(test_credits(bench, 2), REQUEST_TRANSFERS_MAX);
    reopen(bench);
    requests[0] = keyed(bench->lane, transfers[0], results[1], REQUEST_TRANSFERS_MAX);
    assert_int_equal(lane_run(bench->lane, &requests[0]), STATUS_OK);
    for (uint32_t i = 0; i < REQUEST_TRANSFERS_MAX; i++) {
        same_result(&results[0][i], &results[1][i]);
    }
    assert_int_equal(test_credits(bench, 2), REQUEST_TRANSFERS_MAX);
    bench_free(bench);
}

/* ---- Limits and states ---- */

static void queue_that_is_full_says_so(void **state)
{
    (void)state;
    static struct request requests[QUEUE_REQUESTS_MAX + 1];
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    for (uint32_t i = 0; i <= QUEUE_REQUESTS_MAX; i++) {
        requests[i] = test_request(bench->lane, &transfer, &result, 1);
        enum status status = lane_submit(bench->lane, &requests[i]);
        assert_int_equal(status, i < QUEUE_REQUESTS_MAX ? STATUS_OK : STATUS_LIMIT);
    }
    bench_settle(bench);
    for (uint32_t i = 0; i < QUEUE_REQUESTS_MAX; i++) assert_true(requests[i].answered);
    assert_int_equal(test_credits(bench, 2), 7);
    bench_free(bench);
}

static void read_only_lane_answers_reads_and_writes_nothing(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    (void)test_one(bench, test_transfer(100, 1, 2, 7));
    (void)test_one(bench, test_hold(101, 1, 1));
    bench_close(bench);
    uint64_t epoch = bench->disk->epoch;
    uint64_t head = bench->disk->head;
    uint64_t commits = bench->shelf->commits;
    bench->options.read_only = true;
    bench_open(bench);
    struct transfer transfer = test_transfer(102, 1, 2, 7);
    struct transfer_result result;
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_DENIED);
    assert_int_equal(test_credits(bench, 2), 7);
    bench_sleep(bench, 5000); /* the hold's time passes: no sweep */
    bench_settle(bench);
    lane_catch_up(bench->lane); /* returns: there is nothing that it may write */
    bench_close(bench);
    assert_int_equal(bench->disk->epoch, epoch);
    assert_int_equal(bench->disk->head, head);
    assert_int_equal(bench->shelf->commits, commits);
    bench_free(bench);
}

static void catching_up_brings_everything_into_runs(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    (void)test_one(bench, test_transfer(100, 1, 2, 7));
    assert_int_equal(bench->shelf->run_count, 0);
    lane_catch_up(bench->lane);
    assert_int_equal(bench->shelf->run_count, 2); /* ids of transfers, and of accounts */
    struct lane_status status;
    lane_get_status(bench->lane, &status);
    assert_int_equal(status.index_batch, bench->disk->head);
    bench_free(bench);
}

static void submit_of_a_long_group(void *argument)
{
    static struct transfer transfers[LINKED_MAX + 1];
    static struct transfer_result results[LINKED_MAX + 1];
    struct bench *bench = argument;
    for (uint32_t i = 0; i <= LINKED_MAX; i++) {
        transfers[i] = test_transfer(1000 + i, 1, 2, 1);
        if (i < LINKED_MAX) transfers[i].flags = TRANSFER_FLAG_LINKED;
    }
    (void)test_run(bench, transfers, results, LINKED_MAX + 1); /* does not come back */
}

static void submit_of_an_open_group(void *argument)
{
    struct bench *bench = argument;
    struct transfer transfer = test_transfer(1000, 1, 2, 1);
    struct transfer_result result;
    transfer.flags = TRANSFER_FLAG_LINKED;
    (void)test_run(bench, &transfer, &result, 1); /* does not come back */
}

static void groups_that_no_parser_lets_through_stop_the_program(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    assert_true(dies(submit_of_a_long_group, bench));
    assert_true(dies(submit_of_an_open_group, bench));
    bench_free(bench);
}

static uint32_t answers;

static void count_answer(struct request *request)
{
    assert_true(request->answered);
    answers++;
}

static void request_with_a_callback_is_answered_by_it(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfer = test_transfer(100, 1, 2, 7);
    struct transfer_result result;
    struct request request = test_request(bench->lane, &transfer, &result, 1);
    request.done = count_answer;
    answers = 0;
    assert_int_equal(lane_submit(bench->lane, &request), STATUS_OK);
    assert_int_equal(answers, 0);
    bench_settle(bench);
    assert_int_equal(answers, 1);
    assert_int_equal(request.status, STATUS_OK);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_give_the_first_answer_for_ever),
        cmocka_unit_test(other_content_under_a_known_id_is_a_conflict),
        cmocka_unit_test(key_replays_the_request_and_its_ids),
        cmocka_unit_test(requests_that_race_with_one_key_are_one_request),
        cmocka_unit_test(key_of_a_request_in_many_pieces_is_found_again),
        cmocka_unit_test(queue_that_is_full_says_so),
        cmocka_unit_test(read_only_lane_answers_reads_and_writes_nothing),
        cmocka_unit_test(catching_up_brings_everything_into_runs),
        cmocka_unit_test(groups_that_no_parser_lets_through_stop_the_program),
        cmocka_unit_test(request_with_a_callback_is_answered_by_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
