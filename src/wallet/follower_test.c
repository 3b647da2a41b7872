/*
 * Goal: a follower has in memory and index what the owner made durable, accepts nothing, and takes
 * over with the last batches that the former owner appended; afterwards it is an owner like any.
 * Method: two lanes over one journal in memory, each with an index of its own; the former owner
 * works between and during the follower's steps; ledgers are compared, and repeats are asked for.
 */
#include "wallet/follower.h"

#include "ledger/verify.h"
#include "wallet/lane_test.h"

struct pair {
    struct bench *owner;
    struct bench next;
    struct shelf shelf;
};

static void pair_begin(struct pair *pair)
{
    pair->owner = bench_new();
    test_accounts(pair->owner, 4);
    shelf_init(&pair->shelf);
    bench_init(&pair->next, pair->owner->disk, &pair->shelf);
    pair->next.monotonic_ns = pair->owner->monotonic_ns;
    pair->next.options.follow = true;
}

static void pair_end(struct pair *pair)
{
    if (pair->next.lane != NULL) bench_close(&pair->next);
    shelf_done(&pair->shelf);
    bench_free(pair->owner);
}

/* Transfers, holds of which some are closed or expire, a reversal: all kinds of entries. */
static void some_work(struct bench *bench, uint64_t round)
{
    static struct transfer transfers[300];
    static struct transfer_result results[300];
    uint64_t base = 100000 + round * 1000;
    for (uint32_t i = 0; i < 300; i++) {
        transfers[i] = test_transfer(base + i, 1, 2 + i % 3, 1);
        if (i % 50 == 7) transfers[i] = test_hold(base + i, 3, i % 100 == 7 ? 30 : 0);
        if (i % 50 == 8) transfers[i] = test_post(base + i, base + i - 1);
    }
    assert_int_equal(test_run(bench, transfers, results, 300), STATUS_OK);
    struct transfer reversal = { .id = { test_id(base + 900) },
                                 .amount = MONEY_MAX,
                                 .target = { test_id(base) },
                                 .kind = TRANSFER_REVERSAL };
    assert_int_equal(test_one(bench, reversal).outcome, OUTCOME_OK);
    bench_settle(bench);
}

/* The index task gets its turn between two calls, as it would beside them. */
static void follow_to_the_head(struct bench *bench)
{
    uint64_t left = 1;
    for (int i = 0; i < 1000 && left > 0; i++) {
        struct error error = { 0 };
        enum status status = lane_follow(bench->lane, &left, &error);
        if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), error.message);
        (void)bench_helpers(bench);
    }
    assert_int_equal(left, 0);
}

static void lead(struct bench *bench)
{
    struct error error = { 0 };
    bench->applying = true; /* whoever waits has the helpers work, and no round is run yet */
    enum status status = lane_lead(bench->lane, &error);
    bench->applying = false;
    if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), error.message);
}

static void same_books(const struct bench *a, const struct bench *b)
{
    const struct ledger *left = a->lane->ledger;
    const struct ledger *right = b->lane->ledger;
    assert_int_equal(left->account_count, right->account_count);
    assert_int_equal(left->holds.count, right->holds.count);
    assert_int_equal(left->holds_made, right->holds_made);
    assert_int_equal(left->reversal_count, right->reversal_count);
    for (uint32_t i = 0; i < left->account_count; i++) {
        assert_memory_equal(&left->accounts[i].balance, &right->accounts[i].balance,
                            sizeof(struct balance));
        assert_int_equal(left->accounts[i].entry_count, right->accounts[i].entry_count);
    }
}

static void a_follower_has_what_the_owner_made_durable(void **state)
{
    (void)state; /* no fixture */
    static struct pair pair;
    pair_begin(&pair);
    some_work(pair.owner, 0);
    bench_open(&pair.next);
    for (uint64_t round = 1; round < 25; round++) {
        some_work(pair.owner, round);
        if (round % 10 == 9) bench_sleep(pair.owner, 40000); /* some holds expire */
        if (round % 3 != 0) continue;
        bench_settle(pair.owner);
        follow_to_the_head(&pair.next);
        same_books(pair.owner, &pair.next);
    }
    for (int i = 0; i < 40; i++) follow_to_the_head(&pair.next); /* one job at a time */
    struct lane_status status;
    lane_get_status(pair.next.lane, &status);
    assert_true(status.following);
    assert_false(status.accepting);
    assert_true(status.index_batch > 0); /* it writes runs of its own */
    pair_end(&pair);
}

static void a_follower_accepts_nothing(void **state)
{
    (void)state; /* no fixture */
    static struct pair pair;
    pair_begin(&pair);
    bench_open(&pair.next);
    struct transfer transfer = test_transfer(500, 1, 2, 1);
    struct transfer_result result;
    assert_int_equal(test_run(&pair.next, &transfer, &result, 1), STATUS_UNAVAILABLE);
    struct account_state account;
    assert_int_equal(test_read_account(&pair.next, 1, &account), STATUS_UNAVAILABLE);
    assert_int_equal(test_one(pair.owner, transfer).outcome, OUTCOME_OK); /* still the owner */
    pair_end(&pair);
}

static struct pair *racing;

/* In the moment before the claim the former owner gets another batch through. */
static void owner_appends(struct bench *bench)
{
    bench->on_claim = NULL;
    bench->applying = false;
    assert_int_equal(test_one(racing->owner, test_transfer(700, 1, 2, 9)).outcome, OUTCOME_OK);
    bench->applying = true;
}

static void taking_over_sees_all_and_fences_the_former(void **state)
{
    (void)state; /* no fixture */
    static struct pair pair;
    pair_begin(&pair);
    bench_open(&pair.next);
    for (uint64_t round = 0; round < 30; round++) some_work(pair.owner, round);
    uint64_t left;
    assert_int_equal(lane_follow(pair.next.lane, &left, NULL), STATUS_OK); /* may be behind */
    racing = &pair;
    pair.next.on_claim = owner_appends;
    lead(&pair.next);
    same_books(pair.owner, &pair.next);
    const char *reason = "";
    assert_int_equal(ledger_check(pair.next.lane->ledger, &reason), STATUS_OK);
    assert_true(test_one(&pair.next, test_transfer(700, 1, 2, 9)).repeated);
    for (uint64_t round = 0; round < 30; round++) {
        uint64_t base = 100000 + round * 1000;
        assert_true(test_one(&pair.next, test_transfer(base + 1, 1, 3, 1)).repeated);
    }
    struct transfer late = test_transfer(502, 1, 2, 1);
    struct transfer_result result;
    assert_int_equal(test_run(pair.owner, &late, &result, 1), STATUS_UNAVAILABLE);
    assert_false(test_one(&pair.next, late).repeated);
    pair_end(&pair);
}

/* Its sweeps replace those of the former owner, and what it wrote can be recovered from. */
static void the_new_owner_sweeps_and_can_be_recovered(void **state)
{
    (void)state; /* no fixture */
    static struct pair pair;
    pair_begin(&pair);
    for (uint64_t round = 0; round < 10; round++) some_work(pair.owner, round);
    bench_open(&pair.next);
    for (uint64_t round = 10; round < 40; round++) some_work(pair.owner, round);
    uint64_t before = pair.owner->lane->sweep.generation;
    lead(&pair.next);
    for (uint64_t round = 40; round < 80; round++) some_work(&pair.next, round);
    assert_true(pair.next.lane->sweep.generation > before + 1);
    struct bench again;
    struct shelf shelf;
    shelf_init(&shelf);
    bench_init(&again, pair.owner->disk, &shelf);
    again.options.read_only = true;
    bench_open(&again);
    same_books(&pair.next, &again);
    bench_close(&again);
    shelf_done(&shelf);
    pair_end(&pair);
}

static void a_follower_with_a_lost_index_catches_up(void **state)
{
    (void)state; /* no fixture */
    static struct pair pair;
    pair_begin(&pair);
    for (uint64_t round = 0; round < 20; round++) some_work(pair.owner, round);
    pair.next.options.index_wait_ms = 0;
    bench_open(&pair.next);
    struct lane_status status;
    lane_get_status(pair.next.lane, &status);
    assert_true(status.rebuilding);
    some_work(pair.owner, 20);
    follow_to_the_head(&pair.next);
    lane_get_status(pair.next.lane, &status);
    assert_false(status.rebuilding);
    lead(&pair.next);
    for (uint64_t round = 0; round <= 20; round++) {
        uint64_t base = 100000 + round * 1000;
        assert_true(test_one(&pair.next, test_transfer(base + 1, 1, 3, 1)).repeated);
    }
    pair_end(&pair);
}

static void a_store_that_does_not_answer_is_asked_again(void **state)
{
    (void)state; /* no fixture */
    static struct pair pair;
    pair_begin(&pair);
    bench_open(&pair.next);
    some_work(pair.owner, 0);
    pair.next.read_fails = 1;
    uint64_t left;
    assert_int_equal(lane_follow(pair.next.lane, &left, NULL), STATUS_UNAVAILABLE);
    follow_to_the_head(&pair.next);
    same_books(pair.owner, &pair.next);
    pair_end(&pair);
}

/* The time is that before the head was asked for, and only when all up to it was read. */
static void a_follower_says_what_it_knows_and_since_when(void **state)
{
    (void)state; /* no fixture */
    static struct pair pair;
    struct followed followed;
    struct account_state mine;
    struct account_state owners;
    const struct account_id id = { test_id(2) };
    uint64_t left;
    pair_begin(&pair);
    bench_open(&pair.next);
    assert_int_equal(lane_followed(pair.next.lane, &followed), STATUS_UNAVAILABLE); /* not yet */
    some_work(pair.owner, 0);
    pair.next.monotonic_ns += NS_PER_S;
    int64_t before_ns = pair.next.monotonic_ns;
    follow_to_the_head(&pair.next);
    assert_int_equal(lane_followed_account(pair.next.lane, id, &mine, &followed), STATUS_OK);
    assert_int_equal(test_read_account(pair.owner, 2, &owners), STATUS_OK);
    assert_memory_equal(&mine.balance, &owners.balance, sizeof mine.balance);
    assert_int_equal(followed.batch, pair.owner->disk->head);
    assert_in_range(followed.whole_at.ns, before_ns, pair.next.monotonic_ns);
    assert_int_equal(
        lane_followed_account(pair.next.lane, (struct account_id){ test_id(77) }, &mine, &followed),
        STATUS_NOT_FOUND);

    some_work(pair.owner, 1);
    pair.next.monotonic_ns += NS_PER_S;
    pair.next.read_fails = 1; /* it hears of more, and cannot read it: its age is what it was */
    assert_int_equal(lane_follow(pair.next.lane, &left, NULL), STATUS_UNAVAILABLE);
    struct followed later;
    assert_int_equal(lane_followed(pair.next.lane, &later), STATUS_OK);
    assert_int_equal(later.whole_at.ns, followed.whole_at.ns);
    follow_to_the_head(&pair.next);
    assert_int_equal(lane_followed(pair.next.lane, &later), STATUS_OK);
    assert_true(later.whole_at.ns > followed.whole_at.ns && later.batch > followed.batch);

    lead(&pair.next); /* from here on it is an owner's, whose queue is the way in */
    assert_int_equal(lane_followed_account(pair.next.lane, id, &mine, &followed),
                     STATUS_UNAVAILABLE);
    pair_end(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_follower_has_what_the_owner_made_durable),
        cmocka_unit_test(a_follower_accepts_nothing),
        cmocka_unit_test(taking_over_sees_all_and_fences_the_former),
        cmocka_unit_test(the_new_owner_sweeps_and_can_be_recovered),
        cmocka_unit_test(a_follower_with_a_lost_index_catches_up),
        cmocka_unit_test(a_store_that_does_not_answer_is_asked_again),
        cmocka_unit_test(a_follower_says_what_it_knows_and_since_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
