/*
 * Goal: whatever has left a lane and has no end is listed, with whom it is of, since when, for which
 * payment, and whether the lane refuses to end it; and is listed no more when it has ended.
 * Method: an api that is lane 0 of two, with the workers of transits on a link that answers only when
 * it is told to; an end is made to be refused in the ledger's memory.
 */
#include "api/api_test.h"
#include "api/cursor.h"
#include "api/work.h"
#include "wallet/lane_state.h"

#define HERE_BANK "019ab000-0000-8000-8000-000000010000"
#define HERE_ANNA "019ab000-0000-8000-8000-000000020000"
#define THERE_CARL "019ab000-0000-8000-8000-000000040001"
#define LEFT "019ab000-0000-7000-8000-0000000001"
#define PAYMENT "019ab000-0000-8000-8000-0000000f0000"
#define REFUND "019ab000-0000-8000-8000-0000000e0000"
#define SIDES(from, to) "\"debit\":\"" from "\",\"credit\":\"" to "\""

/* The other lane, which takes everything once it answers. */
struct other_lane {
    struct transit_link port; /* first */
    bool answers;
};

static enum status other_lane_run(struct transit_link *link, struct request *request)
{
    if (!((struct other_lane *)link)->answers) return STATUS_UNAVAILABLE;
    for (uint32_t i = 0; i < request->count; i++) {
        request->transfer_results[i] = (struct transfer_result){ .outcome = OUTCOME_OK };
    }
    return STATUS_OK;
}

static void workers_begin(struct rig *rig, struct other_lane *other)
{
    struct transit_link *const links[] = { NULL, &other->port };
    const struct transit_options options = {
        .lanes = 2, .lane = 0, .patience_ms = TRANSIT_PATIENCE_MS_DEFAULT, .links = links
    };
    struct error error;
    struct transit *transit;
    *other = (struct other_lane){ .port = { other_lane_run } };
    assert_int_equal(transit_start(rig->lane, &rig->ports, &options, &transit, &error), STATUS_OK);
    rig->api->options.transit = transit;
}

static void workers_end(struct rig *rig)
{
    transit_stop(rig->api->options.transit);
    rig->api->options.transit = NULL;
}

/* Until all that can end has ended, and this many are left, so many of them stuck. */
static void settle(struct rig *rig, uint64_t open, uint64_t stuck)
{
    struct transit_status status;
    do {
        task_sleep(rig->world, 100 * NS_PER_MS);
        transit_get_status(rig->api->options.transit, &status);
    } while (status.open != open || status.stuck != stuck);
}

static void list(struct rig *rig, const char *query)
{
    BUF_SCOPE struct buf target;
    buf_init(&target, 256);
    buf_append_format(&target, "/v1/transits%s", query);
    expect_status(rig, 200, rig_send(rig, API_GET, buf_terminated(&target), NULL));
}

static uint32_t listed(struct rig *rig)
{
    uint32_t count = 0;
    const char *at = rig_answer(rig);
    while ((at = strstr(at, "\"since\":")) != NULL) {
        count++;
        at++;
    }
    return count;
}

static void people_of_lanes_make(struct rig *rig)
{
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "[{\"id\":\"" HERE_BANK "\",\"asset\":\"EUR\",\"kind\":\"equity\"},"
                           "{\"id\":\"" HERE_ANNA "\",\"asset\":\"EUR\",\"kind\":\"liability\","
                           "\"flags\":[\"debits_must_not_exceed_credits\"]}]"));
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "{\"id\":\"" LEFT "00\",\"asset\":\"EUR\",\"amount\":\"50\"," SIDES(
                               HERE_BANK, HERE_ANNA) "}"));
}

/* Two transfers, of which one has a reference, and a payment. */
static void three_leave(struct rig *rig)
{
    people_of_lanes_make(rig);
    expect_status(rig, 202,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "{\"id\":\"" LEFT "01\",\"asset\":\"EUR\",\"amount\":\"5\",\"user_ref\":"
                           "\"" NOBODY "\"," SIDES(HERE_ANNA, THERE_CARL) "}"));
    expect_status(rig, 202,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "{\"id\":\"" LEFT "02\",\"asset\":\"EUR\",\"amount\":\"6\"," SIDES(
                               HERE_ANNA, THERE_CARL) "}"));
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/payments",
                           "{\"id\":\"" PAYMENT
                           "\",\"kind\":\"wallet\",\"asset\":\"EUR\",\"amount\":"
                           "\"7\",\"wallet\":\"" HERE_ANNA "\",\"to\":\"" THERE_CARL "\"}"));
}

/* ---- What waits ---- */

#define WAYS "\"lane\":0,\"peer\":1,"

static void waiting_body(struct rig *rig)
{
    list(rig, "");
    expect_in_answer(rig, "\"items\":[]");
    three_leave(rig);
    list(rig, "");
    assert_int_equal(listed(rig), 3);
    expect_in_answer(
        rig, "{\"id\":\"" LEFT "01\"," WAYS SIDES(
                 HERE_ANNA,
                 THERE_CARL) ",\"amount\":\"5.00\",\"asset\":\"EUR\",\"since\":\"2026-11-23T");
    expect_in_answer(rig, "Z\",\"user_ref\":\"" NOBODY "\",\"state\":\"waiting\"}");
    expect_in_answer(rig, "Z\",\"payment\":\"" PAYMENT "\",\"state\":\"waiting\"}");
    expect_in_answer(rig, "Z\",\"state\":\"waiting\"}"); /* a transfer without a reference */
    assert_null(strstr(rig_answer(rig), "\"next\""));
    list(rig, "?peer=1&state=waiting");
    assert_int_equal(listed(rig), 3);
    list(rig, "?peer=0");
    assert_int_equal(listed(rig), 0);
    list(rig, "?state=stuck");
    assert_int_equal(listed(rig), 0);
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/transits?peer=2", NULL));
    expect_in_answer(rig, "the last lane of this ledger is 1");
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/transits?state=pending", NULL));
    expect_in_answer(rig, "must be waiting or stuck");
}

static void what_has_left_is_listed(void **state)
{
    (void)state; /* no fixture */
    const struct api_options options = {
        .workers = 2, .version = "0.0.0-test", .lanes = 2, .lane = 0
    };
    rig_run_with(waiting_body, &options);
}

static void pages_body(struct rig *rig)
{
    char next[CURSOR_TEXT_SIZE];
    char seen[3][UUID_TEXT_LEN + 1];
    three_leave(rig);
    list(rig, "?limit=1&state=waiting");
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(listed(rig), 1);
        rig_cut(rig, "id", seen[i], sizeof seen[i]);
        for (uint32_t j = 0; j < i; j++) assert_string_not_equal(seen[i], seen[j]);
        bool last = strstr(rig_answer(rig), "\"next\"") == NULL;
        assert_int_equal(last, i == 2);
        if (last) break;
        rig_cut(rig, "next", next, sizeof next);
        BUF_SCOPE struct buf query;
        buf_init(&query, 128);
        buf_append_format(&query, "?limit=1&state=waiting&cursor=%s", next);
        list(rig, buf_terminated(&query));
    }
    BUF_SCOPE struct buf other;
    buf_init(&other, 128);
    buf_append_format(&other, "/v1/transits?limit=1&state=stuck&cursor=%s", next);
    expect_status(rig, 400, rig_send(rig, API_GET, buf_terminated(&other), NULL));
    expect_in_answer(rig, "invalid_cursor");
}

static void pages_have_each_of_them_once(void **state)
{
    (void)state; /* no fixture */
    const struct api_options options = {
        .workers = 2, .version = "0.0.0-test", .lanes = 2, .lane = 0
    };
    rig_run_with(pages_body, &options);
}

/* More than are looked at for one page. */
static void many_leave(struct rig *rig)
{
    enum { MANY = 8100 };
    struct transfer *transfers = calloc(MANY, sizeof *transfers);
    struct transfer_result *results = calloc(MANY, sizeof *results);
    assert_true(transfers != NULL && results != NULL);
    struct transfer one = { .kind = TRANSFER_DIRECT, .amount = { 1 } };
    struct asset asset;
    assert_int_equal(lane_asset_by_code(rig->lane, STR("EUR"), &asset), STATUS_OK);
    one.asset = asset.id;
    assert_int_equal(uuid_parse(STR(HERE_BANK), &one.debit.value), STATUS_OK);
    assert_int_equal(uuid_parse(STR(THERE_CARL), &one.credit.value), STATUS_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        transfers[i] = transit_departure(&one, (struct lane_part){ 0, 2 });
    }
    struct request request = {
        .kind = REQUEST_TRANSFERS,
        .principal = PRINCIPAL_SYSTEM,
        .root = lane_new_id(rig->lane),
        .count = MANY,
        .transfers = transfers,
        .transfer_results = results,
    };
    assert_int_equal(lane_run(rig->lane, &request), STATUS_OK);
    for (uint32_t i = 0; i < MANY; i++) assert_int_equal(results[i].outcome, OUTCOME_OK);
    free(transfers);
    free(results);
}

static void many_body(struct rig *rig)
{
    char next[CURSOR_TEXT_SIZE];
    people_of_lanes_make(rig);
    many_leave(rig);
    list(rig, "?limit=1000");
    assert_int_equal(listed(rig), 1000);
    list(rig, "?state=stuck");
    assert_int_equal(listed(rig), 0);
    rig_cut(rig, "next", next, sizeof next);
    BUF_SCOPE struct buf query;
    buf_init(&query, 128);
    buf_append_format(&query, "?state=stuck&cursor=%s", next);
    list(rig, buf_terminated(&query));
    assert_int_equal(listed(rig), 0);
    assert_null(strstr(rig_answer(rig), "\"next\""));
}

static void a_page_that_looks_for_few_among_many_ends_early(void **state)
{
    (void)state; /* no fixture */
    const struct api_options options = {
        .workers = 2, .version = "0.0.0-test", .lanes = 2, .lane = 0
    };
    rig_run_with(many_body, &options);
}

static void one_lane_body(struct rig *rig)
{
    list(rig, "?peer=0");
    expect_in_answer(rig, "\"items\":[]");
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/transits?peer=1", NULL));
    expect_in_answer(rig, "the last lane of this ledger is 0");
    rig->call.local = false;
    expect_status(rig, 401, rig_send(rig, API_GET, "/v1/transits", NULL));
    rig->call.local = true;
}

static void of_one_lane_nothing_is_listed(void **state)
{
    (void)state; /* no fixture */
    rig_run(one_lane_body);
}

/* ---- What is stuck, and what comes back ---- */

/* As a fault of the ledger would: an end finds that the departure's time is over. */
static void departure_spoil(struct rig *rig, const char *text)
{
    struct transfer_id id;
    assert_int_equal(uuid_parse(str_from(text), &id.value), STATUS_OK);
    struct hold_table *holds = &rig->lane->ledger->holds;
    uint32_t place = hold_find(holds, id);
    assert_int_not_equal(place, HOLD_NONE);
    holds->holds[place].expires_at.ns = 1;
}

static void stuck_body(struct rig *rig)
{
    struct other_lane other;
    workers_begin(rig, &other);
    three_leave(rig);
    settle(rig, 3, 0);
    list(rig, "?state=waiting");
    assert_int_equal(listed(rig), 3);
    departure_spoil(rig, LEFT "02");
    other.answers = true;
    settle(rig, 1, 1);
    other.answers = false;
    list(rig, "");
    assert_int_equal(listed(rig), 1);
    expect_in_answer(rig, "\"id\":\"" LEFT "02\"");
    expect_in_answer(rig, "\"state\":\"stuck\",\"outcome\":\"hold_expired\"}");
    list(rig, "?state=waiting");
    assert_int_equal(listed(rig), 0);

    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/payments",
                           "{\"id\":\"" REFUND "\",\"kind\":\"refund\",\"payment\":\"" PAYMENT
                           "\"}"));
    list(rig, "?state=waiting"); /* of two, the one that is not stuck */
    assert_int_equal(listed(rig), 1);
    expect_in_answer(rig, WAYS SIDES(THERE_CARL, HERE_ANNA) ",\"amount\":\"7.00\"");
    expect_in_answer(rig, "\"payment\":\"" REFUND "\",\"state\":\"waiting\"}");
    list(rig, "?state=stuck&limit=1");
    assert_int_equal(listed(rig), 1);
    expect_in_answer(rig, "\"id\":\"" LEFT "02\"");
    workers_end(rig);
    list(rig, ""); /* whoever has not tried it does not know */
    assert_int_equal(listed(rig), 2);
    assert_null(strstr(rig_answer(rig), "stuck"));
}

static void what_is_stuck_says_why_and_a_refund_where_it_comes_from(void **state)
{
    (void)state; /* no fixture */
    const struct api_options options = {
        .workers = 2, .version = "0.0.0-test", .lanes = 2, .lane = 0
    };
    rig_run_with(stuck_body, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_left_is_listed),
        cmocka_unit_test(pages_have_each_of_them_once),
        cmocka_unit_test(a_page_that_looks_for_few_among_many_ends_early),
        cmocka_unit_test(of_one_lane_nothing_is_listed),
        cmocka_unit_test(what_is_stuck_says_why_and_a_refund_where_it_comes_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
