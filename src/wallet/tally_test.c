/*
 * Goal: a cleared flight counts nothing, and sizes are as memory has them.
 * Method: counts by hand; what landing adds is compared over HTTP in api/payments_test.c.
 */
#include "wallet/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void commands_are_added_only_when_there_are_any(void **state)
{
    static struct flight flight;
    (void)state; /* no fixture is needed */
    flight.repeats = 3;
    flight.outcomes[OUTCOME_OK] = 4;
    flight.payment_commands[PAYMENT_CAUSE_CREATE][PAYMENT_OUTCOME_OK] = 5;
    flight.has_payments = true;
    tally_clear(&flight);
    assert_int_equal(flight.repeats, 0);
    assert_int_equal(flight.outcomes[OUTCOME_OK], 0);
    assert_int_equal(flight.payment_commands[PAYMENT_CAUSE_CREATE][PAYMENT_OUTCOME_OK], 0);
    assert_false(flight.has_payments);
}

static void sizes_are_those_of_memory(void **state)
{
    static struct ledger ledger;
    static struct lane lane;
    (void)state; /* no fixture is needed */
    ledger.account_count = 7;
    ledger.payments.count = 2;
    ledger.payments.states[PAYMENT_STATE_MANUAL] = 2;
    lane.ledger = &ledger;
    tally_sizes(&lane);
    assert_int_equal(lane.status.account_count, 7);
    assert_int_equal(lane.status.payment_count, 2);
    assert_int_equal(lane.status.payment_states[PAYMENT_STATE_MANUAL], 2);
    assert_int_equal(lane.status.payment_states[PAYMENT_STATE_PENDING], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_added_only_when_there_are_any),
        cmocka_unit_test(sizes_are_those_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
