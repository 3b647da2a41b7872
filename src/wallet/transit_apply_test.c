/*
 * Goal: a lane makes its transit accounts when something first passes them, and none else; lists
 * the open departures for one other lane, all of them and no other; and what is taken back
 * before it was known is refused for ever.
 * Method: one lane without threads; what would come from another is asked by hand.
 */
#include "wallet/transit_apply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/transit.h"
#include "wallet/history.h"
#include "wallet/lane_test.h"

enum { FUNDS = 1, ANN = 2, PEERS = 3 };

static struct account_id way_id(uint32_t asset, uint32_t lane, uint32_t peer, bool out)
{
    const struct transit_account way = { asset, lane, peer, out };
    return transit_account(&way).id;
}

static struct transfer departure(uint64_t id, struct account_id way, uint64_t minor)
{
    struct transfer transfer = test_transfer(id, FUNDS, 0, minor);
    transfer.credit = way;
    transfer.target.value = test_id(77);
    transfer.kind = TRANSFER_DEPARTURE;
    transfer.flags = TRANSFER_FLAG_OWNED;
    return transfer;
}

static struct transfer arrival(uint64_t id, struct account_id way, uint64_t minor)
{
    struct transfer transfer = test_transfer(id, 0, ANN, minor);
    transfer.debit = way;
    transfer.flags = TRANSFER_FLAG_OWNED;
    return transfer;
}

/* Turned round: from what is to come from there. */
static struct transfer asked_back(uint64_t id, struct account_id way, uint64_t minor)
{
    struct transfer transfer = departure(id, test_transfer(0, ANN, 0, 0).debit, minor);
    transfer.debit = way;
    return transfer;
}

static struct bench *scene_new(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    return bench;
}

static void accounts_are_made_once_and_are_there_after_a_restart(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = scene_new();
    struct account_id out = way_id(EUR, 0, 1, true);
    struct account_id in = way_id(EUR, 0, 1, false);
    assert_int_equal(test_one(bench, departure(100, out, 3)).outcome, OUTCOME_OK);
    assert_int_equal(test_one(bench, departure(101, out, 3)).outcome, OUTCOME_OK);
    assert_int_equal(bench->lane->ledger->account_count, 3);
    assert_int_equal(test_one(bench, arrival(102, in, 3)).outcome, OUTCOME_OK);
    assert_int_equal(bench->lane->ledger->account_count, 4);
    bench_close(bench);
    bench_open(bench);
    assert_int_equal(bench->lane->ledger->account_count, 4);
    assert_int_equal(bench->lane->ledger->holds.departure_count, 2);
    assert_int_equal(test_one(bench, departure(103, out, 3)).outcome, OUTCOME_OK);
    assert_int_equal(bench->lane->ledger->account_count, 4);
    bench_free(bench);
}

/* What is asked back passes the account of what comes, and what is given that of what leaves. */
static void accounts_are_made_for_what_goes_the_other_way_round(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = scene_new();
    struct account_id out = way_id(EUR, 0, 1, true);
    struct account_id in = way_id(EUR, 0, 2, false);
    assert_int_equal(test_one(bench, asked_back(100, in, 3)).outcome, OUTCOME_OK);
    assert_int_equal(bench->lane->ledger->account_count, 3);
    assert_int_equal(test_credits(bench, ANN), 0); /* pending */
    struct transfer given = test_transfer(101, FUNDS, 0, 3);
    given.credit = out;
    given.flags = TRANSFER_FLAG_OWNED;
    assert_int_equal(test_one(bench, given).outcome, OUTCOME_OK);
    assert_int_equal(bench->lane->ledger->account_count, 4);
    given.id.value = test_id(102);
    given.debit = in; /* from what has come to what leaves: nobody's */
    assert_int_equal(test_one(bench, given).outcome, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
    bench_crash(bench);
    bench_open(bench);
    assert_int_equal(bench->lane->ledger->holds.departure_count, 1);
    struct transfer end = test_post(103, 100);
    end.flags = TRANSFER_FLAG_OWNED;
    assert_int_equal(test_one(bench, end).outcome, OUTCOME_OK);
    assert_int_equal(test_credits(bench, ANN), 3);
    bench_free(bench);
}

/* Of an account that anybody asked for under such an id, nothing is expected: there is none. */
static void what_is_not_the_lanes_own_is_not_made(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = scene_new();
    const struct account_id strangers[] = {
        way_id(EUR, 2, 1, true),                /* of another lane */
        way_id(ASSET_CUSTOM_FIRST, 0, 1, true), /* of an asset that is none */
        { test_id(500) },
    };
    for (uint64_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        struct transfer_result result = test_one(bench, departure(100 + i, strangers[i], 3));
        assert_int_equal(result.outcome, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
        result = test_one(bench, arrival(200 + i, strangers[i], 3));
        assert_int_equal(result.outcome, OUTCOME_DEBIT_ACCOUNT_NOT_FOUND);
    }
    struct transfer direct = test_transfer(300, FUNDS, 0, 3); /* of a customer's own making */
    direct.credit = way_id(EUR, 0, 1, true);
    assert_int_equal(test_one(bench, direct).outcome, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
    assert_int_equal(bench->lane->ledger->account_count, 2);
    bench_free(bench);
}

static void an_account_that_was_refused_once_is_not_made(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = scene_new();
    bench_close(bench);
    bench->options.accounts_max = 2;
    bench_open(bench);
    const struct transit_account way = { EUR, 0, 1, true };
    struct account account = transit_account(&way);
    assert_int_equal(test_make(bench, account).outcome, ACCOUNT_OUTCOME_CAPACITY);
    struct transfer refused = departure(100, account.id, 3);
    assert_int_equal(test_one(bench, refused).outcome, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
    bench_close(bench);
    bench->options.accounts_max = 100;
    bench_open(bench);
    refused.id.value = test_id(101); /* the id of the account is used up */
    assert_int_equal(test_one(bench, refused).outcome, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
    bench_free(bench);
}

/* Reads all pages of departures for a lane; CHECKs that each is one. Returns how many. */
static uint32_t count_for(struct bench *bench, uint32_t peer, uint32_t limit)
{
    uint32_t count = 0;
    struct locator locators[8];
    struct read read = {
        .kind = READ_TRANSITS, .peer = peer, .limit = limit, .locators = locators
    };
    do {
        struct request request = { .kind = REQUEST_READ, .read = &read };
        assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
        for (uint32_t i = 0; i < read.found; i++) {
            struct history_entry entry;
            struct error error;
            struct store *store = &bench->store.port;
            assert_int_equal(history_transfer(store, locators[i], &entry, &error), STATUS_OK);
            struct transit_account way;
            assert_true(transit_way_parse(&entry.transfer, &way));
            assert_true(peer == LANES_MAX || way.peer == peer);
            assert_true(uuid_equal(entry.more.target.value, test_id(77)));
        }
        count += read.found;
    } while (read.more);
    return count;
}

static void open_departures_are_listed_by_the_lane_they_are_for(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = scene_new();
    assert_int_equal(count_for(bench, 1, 3), 0);
    for (uint64_t i = 0; i < 30; i++) {
        uint32_t peer = 1 + (uint32_t)(i % PEERS);
        struct transfer leaving = departure(100 + i, way_id(EUR, 0, peer, true), 1);
        assert_int_equal(test_one(bench, leaving).outcome, OUTCOME_OK);
    }
    assert_int_equal(test_one(bench, test_hold(900, 5, 0)).outcome, OUTCOME_OK); /* is none */
    for (uint32_t peer = 1; peer <= PEERS; peer++) { /* what is to come from there as well */
        struct transfer coming = asked_back(200 + peer, way_id(EUR, 0, peer, false), 1);
        assert_int_equal(test_one(bench, coming).outcome, OUTCOME_OK);
    }
    for (uint32_t peer = 1; peer <= PEERS; peer++) {
        assert_int_equal(count_for(bench, peer, 3), 11);
        assert_int_equal(count_for(bench, peer, 8), 11);
    }
    assert_int_equal(count_for(bench, LANES_MAX, 8), 33); /* for whichever */
    struct transfer end = test_post(901, 103);            /* for lane 1 */
    end.flags = TRANSFER_FLAG_OWNED;
    assert_int_equal(test_one(bench, end).outcome, OUTCOME_OK);
    assert_int_equal(count_for(bench, 1, 4), 10);
    bench_crash(bench);
    bench_open(bench);
    assert_int_equal(count_for(bench, 1, 4), 10);
    assert_int_equal(count_for(bench, 2, 4), 11);
    bench_free(bench);
}

static struct transfer_result withdraw(struct bench *bench, struct transfer transfer)
{
    struct transfer_result result = { 0 };
    struct request request = test_request(bench->lane, &transfer, &result, 1);
    request.withdraw = true;
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return result;
}

static void what_was_not_known_is_refused_for_ever_and_what_was_stays(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = scene_new();
    struct account_id in = way_id(EUR, 0, 1, false);
    assert_int_equal(withdraw(bench, arrival(100, in, 5)).outcome, OUTCOME_WITHDRAWN);
    assert_int_equal(bench->lane->ledger->account_count, 2); /* nothing has passed */
    struct transfer_result late = test_one(bench, arrival(100, in, 5));
    assert_true(late.repeated && late.outcome == OUTCOME_WITHDRAWN);
    assert_int_equal(test_one(bench, arrival(100, in, 6)).outcome, OUTCOME_ID_CONFLICT);

    assert_int_equal(test_one(bench, arrival(101, in, 5)).outcome, OUTCOME_OK);
    struct transfer_result asked = withdraw(bench, arrival(101, in, 5));
    assert_true(asked.repeated && asked.outcome == OUTCOME_OK);
    bench_crash(bench);
    bench_open(bench);
    late = test_one(bench, arrival(100, in, 5));
    assert_true(late.repeated && late.outcome == OUTCOME_WITHDRAWN);
    assert_int_equal(test_credits(bench, ANN), 5);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_made_once_and_are_there_after_a_restart),
        cmocka_unit_test(accounts_are_made_for_what_goes_the_other_way_round),
        cmocka_unit_test(what_is_not_the_lanes_own_is_not_made),
        cmocka_unit_test(an_account_that_was_refused_once_is_not_made),
        cmocka_unit_test(open_departures_are_listed_by_the_lane_they_are_for),
        cmocka_unit_test(what_was_not_known_is_refused_for_ever_and_what_was_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
