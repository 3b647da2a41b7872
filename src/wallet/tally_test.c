/*
 * Goal: what the status says is as of the durable batch, and counts everything once.
 * Method: a flight with known counts landed on a lane that the test steps.
 */
#include "wallet/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/lane_test.h"

static void a_landed_flight_is_counted_once(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    struct lane *lane = bench->lane;
    struct flight *flight = &lane->flights[0];
    tally_clear(flight);
    flight->repeats = 3;
    flight->expiries = 2;
    flight->outcomes[OUTCOME_OK] = 5;
    flight->has_payments = true;
    flight->payment_commands[PAYMENT_CAUSE_CREATE][PAYMENT_OUTCOME_OK] = 4;
    flight->sizes.accounts = 11;
    flight->sizes.payments = 6;
    flight->sizes.payment_states[PAYMENT_STATE_PENDING] = 6;
    flight->sizes.oldest_manual.ns = 9;
    lane->flush_ns = 70;
    for (int time = 0; time < 2; time++) {
        tally_landed(lane, flight);
        tally_clear(flight);
    }
    struct lane_status status;
    lane_get_status(lane, &status);
    assert_int_equal(status.commits, 2);
    assert_int_equal(status.repeats, 3); /* cleared, so the second time adds nothing */
    assert_int_equal(status.outcomes[OUTCOME_OK], 5);
    assert_int_equal(status.payment_commands[PAYMENT_CAUSE_CREATE][PAYMENT_OUTCOME_OK], 4);
    assert_int_equal(status.account_count, 11);
    assert_int_equal(status.payment_states[PAYMENT_STATE_PENDING], 6);
    assert_int_equal(status.oldest_manual.ns, 9);
    assert_int_equal(status.oldest_in_doubt.ns, 0);
    assert_int_equal(status.commit_ns_total, 140);
    bench_free(bench);
}

/* What memory is ahead by is not shown before it has landed. */
static void sizes_are_as_of_the_durable_batch(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    test_accounts(bench, 3);
    bench->hold_flush = true;
    struct account account = test_account(4);
    struct account_result result;
    struct request request = { .kind = REQUEST_ACCOUNTS,
                               .root = lane_new_id(bench->lane),
                               .count = 1,
                               .accounts = &account,
                               .account_results = &result };
    assert_int_equal(lane_submit(bench->lane, &request), STATUS_OK);
    bench_settle(bench);
    assert_int_equal(tally_sizes(bench->lane->ledger).accounts, 4);
    struct lane_status status;
    lane_get_status(bench->lane, &status);
    assert_int_equal(status.account_count, 3);
    bench->hold_flush = false;
    lane_wait(bench->lane, &request);
    lane_get_status(bench->lane, &status);
    assert_int_equal(status.account_count, 4);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_landed_flight_is_counted_once),
        cmocka_unit_test(sizes_are_as_of_the_durable_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
