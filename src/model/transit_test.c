/*
 * Goal: both lanes compute the same accounts, ids and transfers of a transit, none of which
 * anybody else can have; and only what can be between two lanes becomes one.
 * Method: every pair of some lanes and assets there and back; ids of one request side by side; a
 * transfer followed through its steps; each thing that is refused.
 */
#include "model/transit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "model/admin.h"

enum { EUR = 978, LANES = 3 };

static void accounts_are_read_as_they_are_made(void **state)
{
    (void)state; /* no fixture */
    static const uint32_t assets[] = { 1, EUR, ASSET_CUSTOM_FIRST, UINT32_MAX };
    static const uint32_t lanes[] = { 0, 1, 2, LANES_MAX - 1 };
    for (size_t i = 0; i < 4 * 4 * 4 * 2; i++) {
        const struct transit_account made = { assets[i / 2 % 4], lanes[i / 8 % 4],
                                              lanes[i / 32 % 4], i % 2 == 0 };
        if (made.lane == made.peer) continue;
        struct account account = transit_account(&made);
        struct transit_account read = { 0 };
        assert_true(transit_account_parse(account.id, &read));
        assert_int_equal(read.asset, made.asset);
        assert_int_equal(read.lane, made.lane);
        assert_int_equal(read.peer, made.peer);
        assert_int_equal(read.out, made.out);
        assert_int_equal(account.asset, made.asset);
        assert_int_equal(lane_of_account(account.id, LANES_MAX), made.lane);
        const char *field;
        assert_null(account_fault(&account, &field));
    }
}

static void nobody_else_has_such_an_account(void **state)
{
    (void)state; /* no fixture */
    const struct transit_account way = { EUR, 1, 2, true };
    const struct account right = transit_account(&way);
    const char *field = NULL;
    struct account account = right;
    account.kind = ACCOUNT_LIABILITY;
    assert_non_null(account_fault(&account, &field));
    assert_string_equal(field, "id");
    account = right;
    account.asset = 840;
    assert_non_null(account_fault(&account, &field));
    static const uint64_t bits[] = { 0, 1, 4, 15 }; /* of direction: 3 is none */
    for (size_t i = 0; i < 4; i++) {
        account = right;
        account.id.value.hi ^= UINT64_C(1) << bits[i];
        struct transit_account read;
        bool parsed = transit_account_parse(account.id, &read);
        assert_true(!parsed || read.out != way.out);
    }
    account = right;
    account.id.value.lo = (account.id.value.lo & ~UINT64_C(0xFFFF)) | 2; /* to itself */
    assert_true(transit_account_is(account.id));
    assert_non_null(account_fault(&account, &field));
    struct transfer transfer = {
        .debit = { { 1, 2 } },
        .credit = right.id,
        .amount = { 5 },
        .asset = EUR,
        .kind = TRANSFER_DIRECT,
    };
    assert_non_null(transfer_fault(&transfer, &field));
    assert_string_equal(field, "credit");
    transfer.debit = right.id;
    transfer.credit.value = (struct uuid){ 1, 2 };
    assert_non_null(transfer_fault(&transfer, &field));
    assert_string_equal(field, "debit");
    transfer.debit.value = (struct uuid){ 3, 2 };
    transfer.kind = TRANSFER_DEPARTURE;
    assert_non_null(transfer_fault(&transfer, &field));
    assert_string_equal(field, "kind");
}

static void ids_of_one_request_and_its_steps_never_meet(void **state)
{
    (void)state; /* no fixture */
    static const uint32_t indexes[] = { 0, 1, REQUEST_TRANSFERS_MAX - 1 };
    const struct uuid root = { .lo = 0x9000000012345678U, .hi = 0x0190000000007000U };
    struct uuid ids[12];
    for (size_t i = 0; i < 3; i++) {
        struct transfer_id id = { uuid_derive(root, indexes[i]) };
        ids[4 * i] = id.value;
        ids[4 * i + 1] = transit_arrival_id(id).value;
        ids[4 * i + 2] = transit_end_id(id, true).value;
        ids[4 * i + 3] = transit_end_id(id, false).value;
    }
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(ids[i].hi, root.hi); /* its time stays */
        for (size_t j = 0; j < i; j++) assert_false(uuid_equal(ids[i], ids[j]));
    }
}

/* A debit account of lane 0 and a credit account of lane 2, of three. */
static struct transfer some_transfer(void)
{
    return (struct transfer){
        .id = { { .hi = 7, .lo = 100 } },
        .debit = { { .hi = 0x8000, .lo = UINT64_C(2) << 62 } },
        .credit = { { .hi = 0x8000, .lo = UINT64_C(2) << 62 | 2 } },
        .amount = { 25 },
        .user_ref = { 5, 6 },
        .asset = EUR,
        .value_date = { 20000 },
        .code = 9,
        .kind = TRANSFER_DIRECT,
    };
}

static void a_transfer_becomes_its_steps(void **state)
{
    (void)state; /* no fixture */
    struct transfer transfer = some_transfer();
    struct transfer departure = transit_departure(&transfer, (struct lane_part){ 0, LANES });
    struct transit_account way;
    assert_true(transit_account_parse(departure.credit, &way));
    assert_true(way.out && way.lane == 0 && way.peer == 2 && way.asset == EUR);
    assert_int_equal(departure.kind, TRANSFER_DEPARTURE);
    assert_true(uuid_equal(departure.id.value, transfer.id.value));
    assert_true(uuid_equal(departure.debit.value, transfer.debit.value));
    assert_true(uuid_equal(departure.target.value, transfer.credit.value));

    struct record_transfer record = {
        .head = { .type = RECORD_TRANSFER,
                  .kind = TRANSFER_DEPARTURE,
                  .flags = TRANSFER_FLAG_OWNED | RECORD_FLAG_DATE_GIVEN },
        .id = departure.id,
        .debit = departure.debit,
        .credit = departure.credit,
        .amount = departure.amount,
        .user_ref = departure.user_ref,
        .asset = EUR,
        .value_date = departure.value_date,
        .code = departure.code,
    };
    const struct record_transfer_more more = { .target = departure.target };
    struct transfer arrival = transit_arrival(&record, &more);
    assert_true(transit_account_parse(arrival.debit, &way));
    assert_true(!way.out && way.lane == 2 && way.peer == 0 && way.asset == EUR);
    assert_true(uuid_equal(arrival.credit.value, transfer.credit.value));
    assert_true(money_equal(arrival.amount, transfer.amount));
    assert_true(uuid_equal(arrival.user_ref, transfer.user_ref));
    assert_int_equal(arrival.code, 9);
    assert_int_equal(arrival.value_date.days, 20000);
    assert_int_equal(arrival.kind, TRANSFER_DIRECT);
    assert_int_equal(arrival.flags, TRANSFER_FLAG_OWNED);

    struct transfer settled = transit_end(&record, OUTCOME_OK);
    assert_int_equal(settled.kind, TRANSFER_POST);
    assert_true(money_equal(settled.amount, MONEY_MAX));
    assert_true(uuid_equal(settled.target.value, transfer.id.value));
    struct transfer released = transit_end(&record, OUTCOME_CREDIT_ACCOUNT_FROZEN);
    assert_int_equal(released.kind, TRANSFER_VOID);
    assert_int_equal(released.code, OUTCOME_CREDIT_ACCOUNT_FROZEN);
    assert_false(uuid_equal(settled.id.value, released.id.value));

    record.head.flags = TRANSFER_FLAG_OWNED; /* no date was given: each step has its own */
    assert_int_equal(transit_arrival(&record, &more).value_date.days, 0);
    assert_int_equal(transit_end(&record, OUTCOME_OK).value_date.days, 0);
}

/* Begun where the money is to come to: the other lane is asked to give it. */
static void a_departure_turned_round_comes_from_the_other_lane(void **state)
{
    (void)state; /* no fixture */
    struct transfer transfer = some_transfer();
    struct transfer departure = transit_departure(&transfer, (struct lane_part){ 2, LANES });
    struct transit_account way;
    assert_true(transit_account_parse(departure.debit, &way));
    assert_true(!way.out && way.lane == 2 && way.peer == 0 && way.asset == EUR);
    assert_int_equal(departure.kind, TRANSFER_DEPARTURE);
    assert_true(uuid_equal(departure.credit.value, transfer.credit.value));
    assert_true(uuid_equal(departure.target.value, transfer.debit.value));

    const struct record_transfer record = {
        .head = { .kind = TRANSFER_DEPARTURE },
        .id = departure.id,
        .debit = departure.debit,
        .credit = departure.credit,
        .amount = departure.amount,
        .user_ref = departure.user_ref,
        .asset = EUR,
    };
    const struct record_transfer_more more = { .target = departure.target };
    assert_true(transit_way_parse(&record, &way));
    assert_true(!way.out && way.peer == 0);
    struct transfer given = transit_arrival(&record, &more);
    assert_true(uuid_equal(given.debit.value, transfer.debit.value));
    assert_true(uuid_equal(transit_arrival_named(&given).value, transfer.debit.value));
    assert_true(transit_account_parse(given.credit, &way));
    assert_true(way.out && way.lane == 0 && way.peer == 2 && way.asset == EUR);
    assert_true(money_equal(given.amount, transfer.amount));
    assert_true(transit_arrives(&given));
    assert_true(transit_arrival_fits(&given, 0, LANES));
    assert_false(transit_arrival_fits(&given, 1, LANES));
    assert_true(uuid_equal(transit_end(&record, OUTCOME_OK).target.value, transfer.id.value));

    struct transfer wrong = given;
    wrong.debit = departure.credit; /* of another lane than the one that is to give */
    assert_false(transit_arrival_fits(&wrong, 0, LANES));
    wrong = given;
    wrong.debit.value = (struct uuid){ 0 };
    assert_false(transit_arrival_fits(&wrong, 0, LANES));
    const struct transit_account in = { EUR, 0, 2, false };
    wrong = given;
    wrong.credit = transit_account(&in).id; /* nothing is given to what has come */
    assert_false(transit_arrival_fits(&wrong, 0, LANES));
    wrong = given;
    wrong.asset = EUR + 1;
    assert_false(transit_arrival_fits(&wrong, 0, LANES));
}

static void depart(void *transfer)
{
    (void)transit_departure(transfer, (struct lane_part){ 0, LANES }); /* never returns */
}

static void what_needs_both_lanes_at_once_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        uint8_t kind, flags;
        const char *field;
    } cases[] = {
        { TRANSFER_DIRECT, 0, NULL },
        { TRANSFER_HOLD, 0, "kind" },
        { TRANSFER_POST, 0, "kind" },
        { TRANSFER_VOID, 0, "kind" },
        { TRANSFER_REVERSAL, 0, "kind" },
        { TRANSFER_DIRECT, TRANSFER_FLAG_LINKED, "flags" },
        { TRANSFER_DIRECT, TRANSFER_FLAG_BALANCING_DEBIT, "flags" },
        { TRANSFER_DIRECT, TRANSFER_FLAG_BALANCING_CREDIT, "flags" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct transfer transfer = some_transfer();
        transfer.kind = cases[i].kind;
        transfer.flags = cases[i].flags;
        const char *field = NULL;
        const char *sentence = transit_fault(&transfer, &field);
        if (cases[i].field == NULL) {
            assert_null(sentence);
            continue;
        }
        assert_non_null(sentence);
        assert_string_equal(field, cases[i].field);
        assert_true(dies(depart, &transfer));
    }
}

/* What has left has left: whoever it is for, the other lane decides about it. */
static void whatever_left_fits_where_it_arrives(void **state)
{
    (void)state; /* no fixture */
    const struct transit_account back = { EUR, 2, 0, false };
    const struct account_id ids[] = {
        { { .lo = 1, .hi = 0 } },
        { { .lo = 0, .hi = 1 } },
        { { .lo = 2, .hi = 0 } },
        { { .lo = UINT64_MAX, .hi = UINT64_MAX } },
        { { .lo = 0x8000000000000002, .hi = 0x74706C616E658002 } }, /* looks like a transit's */
        transit_account(&back).id,                                  /* from which it would come */
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        uint32_t lane = lane_of_account(ids[i], LANES);
        const struct transit_account way = { EUR, (lane + 1) % LANES, lane, true };
        const struct record_transfer departure = {
            .head = { .kind = TRANSFER_DEPARTURE },
            .id = { { .hi = 7, .lo = 100 } },
            .credit = transit_account(&way).id,
            .amount = { 25 },
            .asset = EUR,
        };
        const struct record_transfer_more more = { .target = { ids[i].value } };
        struct transfer arrival = transit_arrival(&departure, &more);
        assert_true(transit_arrives(&arrival));
        assert_true(transit_arrival_fits(&arrival, lane, LANES));
        assert_false(transit_arrival_fits(&arrival, (lane + 2) % LANES, LANES));
        arrival.credit.value = (struct uuid){ 0 };
        assert_false(transit_arrival_fits(&arrival, lane, LANES));
    }
}

/* Or it would be taken for a transfer without an id, and arrive with each asking. */
static void no_step_has_the_id_that_is_none(void **state)
{
    (void)state; /* no fixture */
    static const uint32_t steps[] = { 0x20000000, 0x30000000, 0x38000000 };
    for (size_t i = 0; i < 3; i++) {
        struct transfer_id id = { { .lo = (UINT64_C(1) << 62) - steps[i] } };
        assert_true(uuid_is_nil(uuid_derive(id.value, steps[i])));
        assert_false(uuid_is_nil(transit_arrival_id(id).value));
        assert_false(uuid_is_nil(transit_end_id(id, true).value));
        assert_false(uuid_is_nil(transit_end_id(id, false).value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_read_as_they_are_made),
        cmocka_unit_test(nobody_else_has_such_an_account),
        cmocka_unit_test(ids_of_one_request_and_its_steps_never_meet),
        cmocka_unit_test(a_transfer_becomes_its_steps),
        cmocka_unit_test(a_departure_turned_round_comes_from_the_other_lane),
        cmocka_unit_test(what_needs_both_lanes_at_once_is_refused),
        cmocka_unit_test(whatever_left_fits_where_it_arrives),
        cmocka_unit_test(no_step_has_the_id_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
