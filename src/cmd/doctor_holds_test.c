/*
 * Goal: each change of a hold tells how the whole hold stands after it, and ended holds are gone.
 * Method: holds begun, taken from in parts and ended; what cannot be is refused.
 */
#include "cmd/doctor_holds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/transfer.h"

struct change {
    struct record_transfer transfer;
    struct record_transfer_more more;
};

static struct uuid id_of(uint8_t number)
{
    return (struct uuid){ .lo = number };
}

static enum status begin(struct doctor_holds *holds, uint8_t number, uint64_t amount)
{
    struct doctor_hold hold;
    struct record_transfer transfer = { .id = { id_of(number) },
                                        .amount = { amount },
                                        .timeout_s = 5 };
    enum status status = doctor_holds_begin(holds, &transfer, NULL, (struct wall_time){ 7 }, &hold);
    assert_int_equal(hold.expires.ns, 7 + 5 * NS_PER_S);
    return status;
}

/* What a transfer does with the hold of that number. */
struct part {
    uint8_t kind;
    uint64_t moved;
    uint64_t freed;
    bool closes;
};

static enum status end(struct doctor_holds *holds, uint8_t number, struct part part,
                       struct doctor_hold *out_hold)
{
    struct change change = {
        .transfer = { .head = { .size = RECORD_TRANSFER_LONG_SIZE, .kind = part.kind },
                      .amount = { part.moved } },
        .more = { .target = { id_of(number) }, .released = { part.freed } },
    };
    if (part.closes) change.transfer.head.flags = RECORD_FLAG_CLOSES_HOLD;
    return doctor_holds_end(holds, &change.transfer, out_hold);
}

static void parts_add_up(void **state)
{
    (void)state; /* no fixture is needed */
    struct doctor_holds holds;
    struct doctor_hold hold;
    assert_int_equal(doctor_holds_open(&holds), STATUS_OK);
    assert_int_equal(begin(&holds, 1, 25), STATUS_OK);
    assert_int_equal(begin(&holds, 2, 9), STATUS_OK);
    assert_int_equal(end(&holds, 1, (struct part){ TRANSFER_POST, 3, 3, false }, &hold), STATUS_OK);
    assert_int_equal(end(&holds, 1, (struct part){ TRANSFER_POST, 4, 4, false }, &hold), STATUS_OK);
    assert_true(hold.amount.minor == 25 && hold.captured.minor == 7 && hold.released.minor == 0);
    assert_int_equal(hold.expires.ns, 7 + 5 * NS_PER_S);
    assert_int_equal(end(&holds, 1, (struct part){ TRANSFER_VOID, 18, 18, true }, &hold),
                     STATUS_OK);
    assert_true(hold.captured.minor == 7 && hold.released.minor == 18);
    assert_int_equal(end(&holds, 2, (struct part){ TRANSFER_POST, 5, 9, true }, &hold), STATUS_OK);
    assert_true(hold.amount.minor == 9 && hold.captured.minor == 5 && hold.released.minor == 4);
    assert_int_equal(holds.places.count, 0);
    assert_int_equal(begin(&holds, 3, 1), STATUS_OK);
    assert_int_equal(holds.used, 2); /* a place is used again */
    doctor_holds_close(&holds);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state; /* no fixture is needed */
    struct doctor_holds holds;
    struct doctor_hold hold;
    assert_int_equal(doctor_holds_open(&holds), STATUS_OK);
    assert_int_equal(begin(&holds, 1, 25), STATUS_OK);
    assert_int_equal(end(&holds, 2, (struct part){ TRANSFER_VOID, 1, 1, true }, &hold),
                     STATUS_NOT_FOUND);
    assert_int_equal(end(&holds, 1, (struct part){ TRANSFER_POST, 26, 26, true }, &hold),
                     STATUS_CORRUPT);
    assert_int_equal(end(&holds, 1, (struct part){ TRANSFER_POST, 5, 4, true }, &hold),
                     STATUS_CORRUPT);
    struct record_transfer late = { .id = { id_of(9) }, .timeout_s = 5 };
    const struct wall_time last = { INT64_MAX - 4 * NS_PER_S };
    assert_int_equal(doctor_holds_begin(&holds, &late, NULL, last, &hold), STATUS_CORRUPT);
    struct record_transfer without = { .head = { .kind = TRANSFER_POST } };
    assert_int_equal(doctor_holds_end(&holds, &without, &hold), STATUS_NOT_FOUND);
    assert_int_equal(end(&holds, 1, (struct part){ TRANSFER_EXPIRE, 0, 25, true }, &hold),
                     STATUS_OK);
    assert_true(hold.captured.minor == 0 && hold.released.minor == 25);
    doctor_holds_close(&holds);
}

static void what_left_for_another_lane_is_known_by_how_it_was_asked_for(void **state)
{
    (void)state; /* no fixture is needed */
    struct doctor_holds holds;
    struct doctor_hold hold;
    const struct record_context asked = { .key = { .lo = 70 }, .trace.id = { .lo = 71 } };
    const struct record_transfer left = {
        .head.kind = TRANSFER_DEPARTURE, .id = { id_of(1) }, .user_ref = id_of(9), .amount = { 25 }
    };
    struct change change = {
        .transfer = { .head = { .size = RECORD_TRANSFER_LONG_SIZE, .kind = TRANSFER_POST },
                      .amount = { 25 } },
        .more = { .target = { id_of(1) }, .released = { 25 } },
    };
    assert_int_equal(doctor_holds_open(&holds), STATUS_OK);
    assert_null(doctor_holds_departure(&holds, &change.transfer));
    assert_int_equal(begin(&holds, 2, 9), STATUS_OK);
    assert_int_equal(doctor_holds_begin(&holds, &left, &asked, (struct wall_time){ 7 }, &hold),
                     STATUS_OK);
    const struct doctor_hold *found = doctor_holds_departure(&holds, &change.transfer);
    assert_non_null(found);
    assert_true(uuid_equal(found->id, id_of(1)) && uuid_equal(found->user_ref, id_of(9)));
    assert_true(uuid_equal(found->key, asked.key) && uuid_equal(found->trace, asked.trace.id));
    change.more.target.value = id_of(2);
    assert_null(doctor_holds_departure(&holds, &change.transfer)); /* a hold of this lane */
    change.transfer.head.kind = TRANSFER_VOID;
    change.more.target.value = id_of(1);
    assert_null(doctor_holds_departure(&holds, &change.transfer)); /* it came back */
    doctor_holds_close(&holds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(what_left_for_another_lane_is_known_by_how_it_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
