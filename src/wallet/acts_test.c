/*
 * Goal: accounts, administrative acts and reads take their turn among transfers, repeat as they
 * should, and page without gaps.
 * Method: through a lane over ports in memory; each act repeated at once, after a restart, after a
 * crash, and with the index made anew.
 */
#include "wallet/acts.h"

#include "wallet/lane_test.h"

static struct admin_result act(struct bench *bench, const struct admin *admin, uint64_t key)
{
    struct admin_result result;
    struct request request = {
        .kind = REQUEST_ADMIN,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->lane),
        .admin = admin,
        .admin_result = &result,
    };
    if (key != 0) request.key = test_id(key);
    if (key != 0) request.fingerprint = test_id(key + 1);
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return result;
}

/* Told again what came of it first, or that the id is another's: `first` is named either way. */
static void told_again(struct bench *bench, struct account account, struct account_result first)
{
    struct account_result again = test_make(bench, account);
    assert_int_equal(again.outcome, first.outcome);
    assert_true(again.repeated);
    assert_int_equal(again.position.batch, first.position.batch);
    assert_int_equal(again.position.index, first.position.index);
    assert_int_equal(again.stamp.ns, first.stamp.ns);
    account.kind = ACCOUNT_ASSET;
    again = test_make(bench, account);
    assert_int_equal(again.outcome, ACCOUNT_OUTCOME_ID_CONFLICT);
    assert_false(again.repeated);
    assert_int_equal(again.position.batch, first.position.batch);
    assert_int_equal(again.stamp.ns, first.stamp.ns);
}

enum life { LIFE_GOES_ON, LIFE_CLOSED, LIFE_CRASHED, LIFE_WITHOUT_RUNS, LIFE_COUNT };

static void live_on(struct bench *bench, enum life life)
{
    if (life == LIFE_GOES_ON) return;
    if (life == LIFE_CRASHED) {
        bench_crash(bench);
    } else {
        bench_close(bench);
    }
    struct error error = { 0 };
    struct run_store *runs = &bench->shelf->port;
    if (life == LIFE_WITHOUT_RUNS) assert_int_equal(runs->clear(runs, &error), STATUS_OK);
    bench_open(bench);
}

static void account_is_made_once(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    struct account account = test_account(1);
    struct account_result first = test_make(bench, account);
    assert_int_equal(first.outcome, ACCOUNT_OUTCOME_OK);
    assert_false(first.repeated);
    assert_int_equal(first.position.batch, 1);
    for (enum life life = 0; life < LIFE_COUNT; life++) {
        uint64_t head = bench->disk->head;
        told_again(bench, account, first);
        assert_int_equal(bench->disk->head, head); /* nothing is written for it */
        live_on(bench, life);
    }
    assert_int_equal(bench->lane->ledger->account_count, 1);
    bench_free(bench);
}

static void make_many(struct bench *bench, uint64_t from, uint32_t count)
{
    static struct account accounts[300];
    static struct account_result results[300];
    for (uint32_t i = 0; i < count; i++) accounts[i] = test_account(from + i);
    struct request request = {
        .kind = REQUEST_ACCOUNTS,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->lane),
        .count = count,
        .accounts = accounts,
        .account_results = results,
    };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(results[count - 1].outcome, ACCOUNT_OUTCOME_OK);
}

static void refused_account_is_refused_for_ever(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    struct account account = test_account(9);
    account.asset = ASSET_CUSTOM_FIRST; /* it is made below */
    account.user_ref = test_id(800);
    struct account_result first = test_make(bench, account);
    assert_int_equal(first.outcome, ACCOUNT_OUTCOME_ASSET_NOT_FOUND);
    assert_false(first.repeated);
    assert_int_equal(first.position.batch, bench->disk->head);
    told_again(bench, account, first);
    struct admin points = { .kind = ADMIN_ASSET_CREATE };
    memcpy(points.asset.code, "POINTS", sizeof "POINTS");
    assert_int_equal(act(bench, &points, 0).asset_id, ASSET_CUSTOM_FIRST);
    for (enum life life = 0; life < LIFE_COUNT; life++) {
        told_again(bench, account, first);
        make_many(bench, 10000 + life * 300, 300); /* so that it comes to stand in a run */
        told_again(bench, account, first);
        live_on(bench, life);
    }
    told_again(bench, account, first);
    assert_true(bench->shelf->run_count > 0);
    assert_int_equal(bench->lane->ledger->account_count, LIFE_COUNT * 300);
    account.id.value = test_id(5);
    assert_int_equal(test_make(bench, account).outcome, ACCOUNT_OUTCOME_OK); /* a new id may */
    bench_free(bench);
}

static void account_over_capacity_stays_refused_when_there_is_room(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench_close(bench);
    uint64_t room = bench->options.accounts_max;
    bench->options.accounts_max = 2;
    bench_open(bench);
    make_many(bench, 1, 2);
    struct account_result first = test_make(bench, test_account(3));
    assert_int_equal(first.outcome, ACCOUNT_OUTCOME_CAPACITY);
    bench_close(bench);
    bench->options.accounts_max = room;
    bench_open(bench);
    told_again(bench, test_account(3), first);
    assert_int_equal(test_make(bench, test_account(4)).outcome, ACCOUNT_OUTCOME_OK);
    bench_free(bench);
}

static void one_request_may_name_an_account_twice(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    struct account accounts[5] = { test_account(1), test_account(1), test_account(2),
                                   test_account(2), test_account(2) };
    for (int i = 2; i < 5; i++) accounts[i].asset = ASSET_CUSTOM_FIRST;
    accounts[4].kind = ACCOUNT_ASSET;
    struct account_result results[5];
    struct request request = {
        .kind = REQUEST_ACCOUNTS,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->lane),
        .count = 5,
        .accounts = accounts,
        .account_results = results,
    };
    static const uint8_t outcomes[] = { ACCOUNT_OUTCOME_OK, ACCOUNT_OUTCOME_OK,
                                        ACCOUNT_OUTCOME_ASSET_NOT_FOUND,
                                        ACCOUNT_OUTCOME_ASSET_NOT_FOUND,
                                        ACCOUNT_OUTCOME_ID_CONFLICT };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(results[i].outcome, outcomes[i]);
        assert_int_equal(results[i].repeated, i == 1 || i == 3);
        assert_int_equal(results[i].position.batch, 1);
        assert_int_equal(results[i].position.index, i / 2 - (i == 4));
    }
    bench_free(bench);
}

/* Made without an id: the root of the first time gives it, and with it the refusal. */
static void key_replays_refused_accounts(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    struct account account = test_account(1);
    account.id.value = (struct uuid){ 0 };
    account.asset = ASSET_CUSTOM_FIRST;
    struct account_result results[2];
    for (int i = 0; i < 2; i++) {
        struct request request = {
            .kind = REQUEST_ACCOUNTS,
            .principal = PRINCIPAL_LOCAL,
            .root = lane_new_id(bench->lane),
            .key = test_id(40),
            .fingerprint = test_id(41),
            .count = 1,
            .accounts = &account,
            .account_results = &results[i],
        };
        assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
        assert_int_equal(results[i].outcome, ACCOUNT_OUTCOME_ASSET_NOT_FOUND);
        bench_close(bench);
        bench_open(bench);
    }
    assert_true(results[1].repeated);
    assert_true(uuid_equal(results[0].id.value, results[1].id.value));
    assert_int_equal(results[0].position.batch, results[1].position.batch);
    bench_free(bench);
}

/* Nothing may be made while it cannot be known what the id stands for. */
static void unreadable_history_makes_no_account(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    (void)test_make(bench, test_account(1));
    struct account account = test_account(1);
    struct account_result result;
    struct request request = {
        .kind = REQUEST_ACCOUNTS,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->lane),
        .count = 1,
        .accounts = &account,
        .account_results = &result,
    };
    bench->read_part_fails = 1;
    assert_int_equal(lane_run(bench->lane, &request), STATUS_UNAVAILABLE);
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_true(result.repeated);
    bench_free(bench);
}

static void keyed_act_gives_its_first_result_for_ever(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    struct admin points = { .kind = ADMIN_ASSET_CREATE };
    memcpy(points.asset.code, "POINTS", sizeof "POINTS");
    points.asset.exponent = 2;
    struct admin other = points;
    other.asset.exponent = 3;
    struct admin key = { .kind = ADMIN_CREDENTIAL_CREATE };
    key.credential.scopes = SCOPE_ADMIN;
    key.credential.secret_digest.bytes[0] = 9;
    memcpy(key.credential.name, "till", sizeof "till");
    struct admin_result first = act(bench, &points, 50);
    struct admin_result refused = act(bench, &other, 60);
    struct admin_result made = act(bench, &key, 70);
    assert_int_equal(first.outcome, ADMIN_OUTCOME_OK);
    assert_int_equal(refused.outcome, ADMIN_OUTCOME_ASSET_EXISTS);
    assert_int_equal(made.outcome, ADMIN_OUTCOME_OK);
    for (int life = 0; life < 2; life++) {
        struct admin_result again = act(bench, &points, 50);
        assert_true(again.repeated);
        assert_int_equal(again.asset_id, first.asset_id);
        assert_int_equal(again.position.batch, first.position.batch);
        assert_int_equal(act(bench, &other, 60).outcome, ADMIN_OUTCOME_ASSET_EXISTS);
        again = act(bench, &key, 70);
        assert_true(again.repeated);
        assert_true(uuid_equal(again.credential.value, made.credential.value));
        bench_close(bench);
        bench_open(bench);
    }
    struct credential found;
    assert_int_equal(lane_credential_by_digest(bench->lane, &key.credential.secret_digest, &found),
                     STATUS_OK);
    assert_true(uuid_equal(found.id.value, made.credential.value));
    bench_free(bench);
}

static void act_is_published_when_durable_and_not_before(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    struct admin points = { .kind = ADMIN_ASSET_CREATE };
    memcpy(points.asset.code, "POINTS", sizeof "POINTS");
    struct admin_result result;
    struct asset asset;
    struct request request = {
        .kind = REQUEST_ADMIN,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->lane),
        .admin = &points,
        .admin_result = &result,
    };
    bench->hold_flush = true;
    assert_int_equal(lane_submit(bench->lane, &request), STATUS_OK);
    bench_settle(bench);
    assert_int_equal(lane_asset_by_code(bench->lane, STR("POINTS"), &asset), STATUS_NOT_FOUND);
    bench->hold_flush = false;
    bench_settle(bench);
    assert_true(request.answered);
    assert_int_equal(lane_asset_by_code(bench->lane, STR("POINTS"), &asset), STATUS_OK);
    assert_int_equal(asset.id, result.asset_id);
    bench_free(bench);
}

static void read_run(struct bench *bench, struct read *read)
{
    struct request request = { .kind = REQUEST_READ, .principal = PRINCIPAL_LOCAL, .read = read };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(read->as_of_batch, bench->disk->head);
}

/* All of a reference in pages of `limit`, each record after the one before; how many. */
static uint32_t pages_walk(struct bench *bench, enum read_kind kind, uint64_t reference,
                           uint32_t limit)
{
    static struct locator page[PAGE_ITEMS_MAX];
    struct uuid id = test_id(reference);
    struct read read = {
        .kind = kind, .count = 1, .limit = limit, .ids = &id, .locators = page, .more = true
    };
    uint32_t found = 0;
    while (read.more) {
        read_run(bench, &read);
        for (uint32_t i = 0; i < read.found; i++) {
            assert_true(page[i].packed > read.after.packed);
            read.after = page[i];
        }
        assert_true(read.found == limit || !read.more);
        found += read.found;
    }
    return found;
}

static void references_page_in_journal_order_over_memory_and_runs(void **state)
{
    (void)state;
    enum { EACH = 700, ROUNDS = 4 };
    static struct transfer transfers[EACH];
    static struct transfer_result results[EACH];
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < EACH; i++) {
            transfers[i] = test_transfer(1000 + round * EACH + i, 1, 2, 1);
            transfers[i].user_ref = test_id(i % 2 == 0 ? 5 : 6);
        }
        assert_int_equal(test_run(bench, transfers, results, EACH), STATUS_OK);
    }
    assert_true(bench->shelf->run_count > 0);
    for (uint32_t limit = 1; limit <= PAGE_ITEMS_MAX; limit = limit * 7 + 3) {
        assert_int_equal(pages_walk(bench, READ_REFERENCE, 5, limit), EACH * ROUNDS / 2);
    }
    bench_free(bench);
}

static void accounts_page_by_reference_over_memory_and_runs(void **state)
{
    (void)state;
    enum { COUNT = 900 };
    struct bench *bench = bench_new();
    for (uint64_t i = 0; i < COUNT; i++) {
        struct account account = test_account(5000 - i); /* not in the order of ids */
        account.user_ref = test_id(i % 3 == 0 ? 5 : 6);
        if (i % 9 == 3) account.asset = ASSET_CUSTOM_FIRST; /* refused: not listed */
        (void)test_make(bench, account);
    }
    for (enum life life = 0; life < LIFE_COUNT; live_on(bench, life++)) {
        for (uint32_t limit = 1; limit <= PAGE_ITEMS_MAX; limit = limit * 7 + 3) {
            uint32_t found = pages_walk(bench, READ_ACCOUNT_REFERENCE, 5, limit);
            assert_int_equal(found, COUNT / 3 - COUNT / 9);
        }
    }
    assert_true(bench->shelf->run_count > 0);
    bench_free(bench);
}

static void reads_find_transfers_closings_accounts_and_totals(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    test_accounts(bench, 4);
    (void)test_one(bench, test_hold(20, 5, 60));
    struct transfer_result posted = test_one(bench, test_post(21, 20));
    for (int life = 0; life < 2; life++) {
        struct uuid ids[2] = { test_id(20), test_id(22) };
        struct locator locators[2];
        struct read read = { .kind = READ_CLOSING, .count = 2, .ids = ids, .locators = locators };
        read_run(bench, &read);
        assert_int_equal(locator_batch(locators[0]), posted.position.batch);
        assert_true(locator_is_none(locators[1]));
        read.kind = READ_TRANSFERS;
        read_run(bench, &read);
        assert_int_equal(locator_batch(locators[0]), posted.position.batch - 1);
        assert_true(locator_is_none(locators[1]));
        struct account_state accounts[3];
        struct read page = { .kind = READ_ACCOUNT_PAGE, .limit = 3, .accounts = accounts };
        read_run(bench, &page);
        assert_int_equal(page.found, 3);
        assert_true(page.more);
        page.from = 3;
        read_run(bench, &page);
        assert_int_equal(page.found, 1);
        assert_false(page.more);
        struct totals_row rows[2];
        struct read totals = { .kind = READ_TOTALS, .limit = 2, .totals = rows };
        read_run(bench, &totals);
        assert_int_equal(totals.found, 1);
        assert_int_equal(rows[0].account_count, 4);
        assert_int_equal((uint64_t)rows[0].balance.debits_posted.minor, 5);
        assert_int_equal((uint64_t)rows[0].balance.credits_posted.minor, 5);
        bench_close(bench);
        bench_open(bench);
    }
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(account_is_made_once),
        cmocka_unit_test(refused_account_is_refused_for_ever),
        cmocka_unit_test(account_over_capacity_stays_refused_when_there_is_room),
        cmocka_unit_test(one_request_may_name_an_account_twice),
        cmocka_unit_test(key_replays_refused_accounts),
        cmocka_unit_test(unreadable_history_makes_no_account),
        cmocka_unit_test(accounts_page_by_reference_over_memory_and_runs),
        cmocka_unit_test(keyed_act_gives_its_first_result_for_ever),
        cmocka_unit_test(act_is_published_when_durable_and_not_before),
        cmocka_unit_test(references_page_in_journal_order_over_memory_and_runs),
        cmocka_unit_test(reads_find_transfers_closings_accounts_and_totals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
