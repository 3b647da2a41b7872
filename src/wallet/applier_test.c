/*
 * Goal: linked groups are one: all or nothing, in one unit, also when ids are known, doubled or
 * history cannot be read; what history knows of a target is found.
 * Method: groups with the refusal at each place, against the balances; repeated, and after a
 * restart.
 */
#include "wallet/applier.h"

#include "wallet/lane_test.h"

enum { GROUP = 5 };

static struct bench *with_accounts(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 4);
    return bench;
}

static void group_make(struct transfer *out_transfers, uint64_t first)
{
    for (uint32_t i = 0; i < GROUP; i++) {
        out_transfers[i] = test_transfer(first + i, 1, 2, 1);
        if (i + 1 < GROUP) out_transfers[i].flags = TRANSFER_FLAG_LINKED;
    }
}

static void group_is_done_whole_in_one_unit(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfers[GROUP];
    struct transfer_result results[GROUP];
    group_make(transfers, 100);
    for (int time = 0; time < 3; time++) {
        assert_int_equal(test_run(bench, transfers, results, GROUP), STATUS_OK);
        for (int i = 0; i < GROUP; i++) {
            assert_int_equal(results[i].outcome, OUTCOME_OK);
            assert_int_equal(results[i].repeated, time > 0);
            assert_int_equal(results[i].position.index, results[0].position.index);
        }
        assert_int_equal(test_credits(bench, 2), GROUP);
        if (time == 1) bench_close(bench);
        if (time == 1) bench_open(bench);
    }
    bench_free(bench);
}

static void group_with_a_refusal_anywhere_does_nothing(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    for (uint32_t bad = 0; bad < GROUP; bad++) {
        struct transfer transfers[GROUP];
        struct transfer_result first[GROUP];
        struct transfer_result again[GROUP];
        group_make(transfers, 1000 + 100 * bad);
        transfers[bad].credit.value = test_id(99);
        assert_int_equal(test_run(bench, transfers, first, GROUP), STATUS_OK);
        assert_int_equal(test_run(bench, transfers, again, GROUP), STATUS_OK);
        for (uint32_t i = 0; i < GROUP; i++) {
            assert_int_equal(first[i].outcome,
                             i == bad ? OUTCOME_CREDIT_ACCOUNT_NOT_FOUND : OUTCOME_LINKED_FAILED);
            assert_int_equal(again[i].outcome, first[i].outcome);
            assert_true(again[i].repeated);
        }
        assert_int_equal(test_credits(bench, 2), 0);
    }
    bench_close(bench);
    bench_open(bench); /* the records taken back replay as refusals */
    assert_int_equal(test_credits(bench, 2), 0);
    bench_free(bench);
}

/* Holds, posts, reversals and balancing transfers, applied and taken back again. */
static void group_that_fails_last_takes_every_kind_back(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    assert_int_equal(test_one(bench, test_transfer(10, 1, 2, 50)).outcome, OUTCOME_OK);
    assert_int_equal(test_one(bench, test_hold(11, 20, 600)).outcome, OUTCOME_OK);
    struct transfer transfers[] = {
        test_hold(20, 5, 600),
        test_post(21, 11),
        { .id = { test_id(22) },
          .amount = MONEY_MAX,
          .target = { test_id(10) },
          .kind = TRANSFER_REVERSAL },
        test_transfer(23, 2, 3, 1),
        test_transfer(24, 1, 99, 1),
    };
    transfers[3].flags = TRANSFER_FLAG_BALANCING_DEBIT;
    for (int i = 0; i < 4; i++) transfers[i].flags |= TRANSFER_FLAG_LINKED;
    struct transfer_result results[5];
    struct account_state before[3];
    struct account_state after[3];
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(test_read_account(bench, i + 1, &before[i]), STATUS_OK);
    }
    assert_int_equal(test_run(bench, transfers, results, 5), STATUS_OK);
    for (int i = 0; i < 4; i++) assert_int_equal(results[i].outcome, OUTCOME_LINKED_FAILED);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(test_read_account(bench, i + 1, &after[i]), STATUS_OK);
        assert_memory_equal(&before[i].balance, &after[i].balance, sizeof(struct balance));
        assert_int_equal(before[i].entry_count, after[i].entry_count);
    }
    assert_int_equal(test_one(bench, test_post(30, 11)).outcome, OUTCOME_OK); /* still open */
    assert_int_equal(test_one(bench, test_post(31, 20)).outcome, OUTCOME_TARGET_REFUSED);
    bench_free(bench);
}

static void group_with_a_doubled_id_fails(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfers[GROUP];
    struct transfer_result results[GROUP];
    group_make(transfers, 100);
    transfers[3].id = transfers[1].id;
    assert_int_equal(test_run(bench, transfers, results, GROUP), STATUS_OK);
    for (int i = 0; i < GROUP; i++) {
        assert_int_equal(results[i].outcome, i == 3 ? OUTCOME_ID_CONFLICT : OUTCOME_LINKED_FAILED);
    }
    assert_int_equal(test_credits(bench, 2), 0);
    bench_free(bench);
}

static void group_of_which_a_part_is_known_is_not_done_now(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    struct transfer transfers[GROUP];
    struct transfer_result results[GROUP];
    group_make(transfers, 100);
    struct transfer alone = transfers[2];
    alone.flags = 0;
    assert_int_equal(test_one(bench, alone).outcome, OUTCOME_OK);
    transfers[2].flags = 0; /* the same content: it ends a first group of three */
    assert_int_equal(test_run(bench, transfers, results, GROUP), STATUS_OK);
    assert_int_equal(results[0].outcome, OUTCOME_LINKED_FAILED);
    assert_int_equal(results[1].outcome, OUTCOME_LINKED_FAILED);
    assert_true(results[2].repeated);
    assert_int_equal(results[3].outcome, OUTCOME_OK);
    assert_int_equal(test_credits(bench, 2), 3);
    bench_free(bench);
}

/* Whatever cannot be read: nothing of the request is left half done. */
static void history_that_cannot_be_read_leaves_no_half_group(void **state)
{
    (void)state;
    struct bench *bench = with_accounts();
    (void)test_one(bench, test_transfer(10, 1, 3, 5));
    struct transfer transfers[3] = { test_transfer(100, 1, 2, 1),
                                     test_transfer(101, 1, 2, 1),
                                     { .id = { test_id(102) },
                                       .amount = MONEY_MAX,
                                       .target = { test_id(10) },
                                       .kind = TRANSFER_REVERSAL } };
    transfers[0].flags = TRANSFER_FLAG_LINKED;
    transfers[1].flags = TRANSFER_FLAG_LINKED;
    struct transfer_result results[3];
    /* the target's record was written two batches ago: it is on the disk only */
    (void)test_one(bench, test_transfer(11, 1, 3, 5));
    (void)test_one(bench, test_transfer(12, 1, 3, 5));
    bench->read_part_fails = 1;
    assert_int_equal(test_run(bench, transfers, results, 3), STATUS_UNAVAILABLE);
    assert_int_equal(test_credits(bench, 2), 0);
    struct account_state account;
    assert_int_equal(test_read_account(bench, 3, &account), STATUS_OK);
    assert_int_equal((uint64_t)account.balance.debits_posted.minor, 0);
    bench_close(bench);
    bench_open(bench);
    assert_int_equal(test_credits(bench, 2), 0);
    bench_free(bench);
}

/* The longest groups there are, of the longest records, beside each other. */
static void longest_groups_fit(void **state)
{
    (void)state;
    static struct transfer transfers[7 * LINKED_MAX];
    static struct transfer_result results[7 * LINKED_MAX];
    struct bench *bench = with_accounts();
    (void)test_one(bench, test_transfer(10, 3, 1, 1000000));
    for (uint32_t i = 0; i < 7 * LINKED_MAX; i++) {
        transfers[i] = test_transfer(1000 + i, 1, 2, 1);
        transfers[i].flags = TRANSFER_FLAG_BALANCING_DEBIT;
        if (i % LINKED_MAX != LINKED_MAX - 1) transfers[i].flags |= TRANSFER_FLAG_LINKED;
    }
    assert_int_equal(test_run(bench, transfers, results, 7 * LINKED_MAX), STATUS_OK);
    for (uint32_t i = 0; i < 7 * LINKED_MAX; i++) {
        const struct transfer_result *leader = &results[i - i % LINKED_MAX];
        assert_int_equal(results[i].position.batch, leader->position.batch);
        assert_int_equal(results[i].position.index, leader->position.index);
        assert_int_equal(results[i].outcome, OUTCOME_OK);
    }
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_is_done_whole_in_one_unit),
        cmocka_unit_test(group_with_a_refusal_anywhere_does_nothing),
        cmocka_unit_test(group_that_fails_last_takes_every_kind_back),
        cmocka_unit_test(group_with_a_doubled_id_fails),
        cmocka_unit_test(group_of_which_a_part_is_known_is_not_done_now),
        cmocka_unit_test(history_that_cannot_be_read_leaves_no_half_group),
        cmocka_unit_test(longest_groups_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
