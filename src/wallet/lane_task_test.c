/*
 * Goal: what is refused, and why, follows from the state of disk and index for each kind of
 * request; what stops a lane is never taken back.
 * Method: a table of states beside all kinds of requests; a bare lane with a monitor that only
 * counts.
 */
#include "wallet/lane_task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct monitor {
    int locked;
    int woken;
};

static void test_lock(struct monitor *monitor)
{
    assert_int_equal(monitor->locked++, 0);
}

static void test_unlock(struct monitor *monitor)
{
    assert_int_equal(monitor->locked--, 1);
}

static void test_wake_all(struct monitor *monitor)
{
    assert_int_equal(monitor->locked, 1);
    monitor->woken++;
}

static void writes_and_look_ups_are_refused_by_state(void **state)
{
    (void)state;
    static const struct {
        bool rebuilding;
        bool full;
        enum status fault;
        enum status write;
        enum status look_up;
    } rows[] = {
        { false, false, STATUS_OK, STATUS_OK, STATUS_OK },
        { true, false, STATUS_OK, STATUS_UNAVAILABLE, STATUS_UNAVAILABLE },
        { false, true, STATUS_OK, STATUS_LIMIT, STATUS_OK },
        { false, false, STATUS_LIMIT, STATUS_LIMIT, STATUS_OK },
        { false, false, STATUS_UNAVAILABLE, STATUS_UNAVAILABLE, STATUS_OK },
        { true, true, STATUS_LIMIT, STATUS_UNAVAILABLE, STATUS_UNAVAILABLE },
    };
    static const enum request_kind writes[] = { REQUEST_TRANSFERS, REQUEST_ACCOUNTS, REQUEST_ADMIN,
                                                REQUEST_PAYMENT };
    static const enum read_kind look_ups[] = { READ_TRANSFERS, READ_REFERENCE, READ_CLOSING,
                                               READ_PAYMENTS };
    static const enum read_kind others[] = { READ_ACCOUNTS, READ_ACCOUNT_PAGE, READ_TOTALS,
                                             READ_PAYMENT_PAGE };
    struct lane *lane = calloc(1, sizeof *lane);
    assert_non_null(lane);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lane->status.rebuilding = rows[i].rebuilding;
        lane->status.full = rows[i].full;
        lane->status.index_fault = rows[i].fault;
        assert_int_equal(lane_writes_refused(lane), rows[i].write);
        for (int k = 0; k < 4; k++) {
            struct read read = { .kind = look_ups[k] };
            struct request request = { .kind = writes[k], .read = &read };
            assert_int_equal(lane_request_refused(lane, &request), rows[i].write);
            request.kind = REQUEST_READ;
            assert_int_equal(lane_request_refused(lane, &request), rows[i].look_up);
            read.kind = others[k];
            assert_int_equal(lane_request_refused(lane, &request), STATUS_OK);
        }
    }
    free(lane);
}

static void what_stops_a_lane_is_not_taken_back(void **state)
{
    (void)state;
    struct monitor monitor = { 0, 0 };
    struct sync sync = { .lock = test_lock, .unlock = test_unlock, .wake_all = test_wake_all };
    struct lane *lane = calloc(1, sizeof *lane);
    assert_non_null(lane);
    lane->ports.sync = &sync;
    lane->monitor = &monitor;
    lane_set_flags(lane, true, false, false);
    assert_true(lane->status.reloading && !lane->status.fenced && !lane->status.damaged);
    lane_set_flags(lane, true, true, false);
    lane_set_flags(lane, false, false, true);
    lane_set_flags(lane, false, false, false);
    assert_true(!lane->status.reloading && lane->status.fenced && lane->status.damaged);
    assert_int_equal(monitor.woken, 4);
    free(lane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_look_ups_are_refused_by_state),
        cmocka_unit_test(what_stops_a_lane_is_not_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
