/*
 * Goal: what arrives from another lane over a link is decided once, taken back for ever when it
 * was not known, and by nobody but a lane's link; what is not for the lane changes nothing.
 * Method: a link to an api that is lane 0 of two; arrivals as transit workers ask for them; the
 * same bytes without the mark; records that no departure leads to, each wrong in one thing; an
 * api that answers what no lane does.
 */
#include "api/lane_link.h"

#include "api/api_test.h"
#include "api/render.h"
#include "port/peer.h"

#define HERE_CARL "019ab000-0000-8000-8000-000000040000"
#define HERE_FUND "019ab000-0000-8000-8000-000000050000"

enum { EUR = 978, LANES = 2 };

struct stage {
    struct rig *rig;
    struct lane_links links;
    bool pays; /* what is asked for is a payment's */
    struct transfer asked;
    struct transfer_result result;
};

static struct transfer arrival_of(uint64_t number)
{
    const struct transit_account way = { .asset = EUR, .lane = 1, .peer = 0, .out = true };
    struct record_transfer departure = {
        .head = { .kind = TRANSFER_DEPARTURE },
        .id = { { UINT64_C(0x019ab00000007000), number } },
        .credit = transit_account(&way).id,
        .amount = { 500 },
        .asset = EUR,
    };
    struct record_transfer_more more = { 0 };
    assert_int_equal(uuid_parse(STR(HERE_CARL), &more.target.value), STATUS_OK);
    return transit_arrival(&departure, &more);
}

static enum status ask(struct stage *stage, bool withdraw)
{
    struct transit_link *link = stage->links.ports[0];
    struct request request = {
        .kind = REQUEST_TRANSFERS,
        .principal = PRINCIPAL_SYSTEM,
        .trace = { { 7, 8 }, 9 },
        .withdraw = withdraw,
        .to_wallets = stage->pays,
        .count = 1,
        .transfers = &stage->asked,
        .transfer_results = &stage->result,
    };
    stage->result = (struct transfer_result){ 0 };
    return link->run(link, &request);
}

static void stage_open(struct stage *stage, struct rig *rig)
{
    stage->rig = rig;
    stage->pays = false;
    lane_links_init(&stage->links, api_service(rig->api), rig->ports.sync);
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "{\"id\":\"" HERE_CARL "\",\"asset\":\"EUR\",\"kind\":\"liability\"}"));
    stage->asked = arrival_of(1);
}

static void run_in_lanes(void (*body)(struct rig *rig))
{
    const struct api_options options = {
        .workers = 2, .version = "0.0.0-test", .lanes = LANES, .lane = 0
    };
    rig_run_with(body, &options);
}

static void once_body(struct rig *rig)
{
    struct stage stage;
    stage_open(&stage, rig);
    assert_int_equal(ask(&stage, false), STATUS_OK);
    assert_int_equal(stage.result.outcome, OUTCOME_OK);
    assert_false(stage.result.repeated);
    assert_true(uuid_equal(stage.result.id.value, stage.asked.id.value));
    assert_int_equal(ask(&stage, false), STATUS_OK);
    assert_true(stage.result.repeated);
    assert_int_equal(ask(&stage, true), STATUS_OK); /* too late to take it back */
    assert_int_equal(stage.result.outcome, OUTCOME_OK);
    expect_net(rig, HERE_CARL, "5.00");

    stage.asked = arrival_of(2);
    assert_int_equal(ask(&stage, true), STATUS_OK);
    assert_int_equal(stage.result.outcome, OUTCOME_WITHDRAWN);
    assert_int_equal(ask(&stage, false), STATUS_OK); /* and it stays so */
    assert_int_equal(stage.result.outcome, OUTCOME_WITHDRAWN);
    expect_net(rig, HERE_CARL, "5.00");
    lane_links_done(&stage.links);
}

static void what_arrives_is_decided_once_and_taken_back_for_ever(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(once_body);
}

/* Of a payment: only a wallet takes it, as when both wallets are here. */
static void payment_body(struct rig *rig)
{
    struct stage stage;
    stage_open(&stage, rig);
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "{\"id\":\"" HERE_FUND "\",\"asset\":\"EUR\",\"kind\":\"equity\"}"));
    stage.pays = true;
    assert_int_equal(ask(&stage, false), STATUS_OK);
    assert_int_equal(stage.result.outcome, OUTCOME_OK);
    stage.asked = arrival_of(2);
    assert_int_equal(uuid_parse(STR(HERE_FUND), &stage.asked.credit.value), STATUS_OK);
    assert_int_equal(ask(&stage, false), STATUS_OK);
    assert_int_equal(stage.result.outcome, OUTCOME_NOT_A_WALLET);
    expect_net(rig, HERE_FUND, "0.00");
    stage.pays = false;
    assert_int_equal(ask(&stage, false), STATUS_OK); /* and it stays so */
    assert_int_equal(stage.result.outcome, OUTCOME_NOT_A_WALLET);
    assert_true(stage.result.repeated);
    stage.asked.id.value.lo++;
    assert_int_equal(ask(&stage, false), STATUS_OK); /* a transfer may be to any account */
    assert_int_equal(stage.result.outcome, OUTCOME_OK);
    lane_links_done(&stage.links);
}

static void what_arrives_of_a_payment_is_for_wallets(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(payment_body);
}

/* The other way round: what is asked back is given by a wallet only, and once. */
static void back_body(struct rig *rig)
{
    const struct transit_account way = { .asset = EUR, .lane = 0, .peer = 1, .out = true };
    struct stage stage;
    stage_open(&stage, rig);
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "{\"id\":\"" HERE_FUND "\",\"asset\":\"EUR\",\"kind\":\"equity\"}"));
    stage.pays = true;
    assert_int_equal(ask(&stage, false), STATUS_OK);
    expect_net(rig, HERE_CARL, "5.00");
    stage.asked = arrival_of(2);
    stage.asked.debit = stage.asked.credit;
    stage.asked.credit = transit_account(&way).id;
    const struct transfer right = stage.asked;
    assert_int_equal(ask(&stage, false), STATUS_OK);
    assert_int_equal(stage.result.outcome, OUTCOME_OK);
    expect_net(rig, HERE_CARL, "0.00");
    assert_int_equal(ask(&stage, false), STATUS_OK);
    assert_true(stage.result.repeated);
    expect_net(rig, HERE_CARL, "0.00");
    stage.asked.id.value.lo++;
    assert_int_equal(uuid_parse(STR(HERE_FUND), &stage.asked.debit.value), STATUS_OK);
    assert_int_equal(ask(&stage, false), STATUS_OK);
    assert_int_equal(stage.result.outcome, OUTCOME_NOT_A_WALLET);
    stage.pays = false; /* nor by any other asking */
    stage.asked.id.value.lo++;
    assert_int_equal(ask(&stage, false), STATUS_OK);
    assert_int_equal(stage.result.outcome, OUTCOME_NOT_A_WALLET);
    stage.pays = true;
    stage.asked.id.value.lo++;
    stage.asked.debit.value.lo += UINT64_C(1) << 32; /* nobody's, of this lane */
    assert_int_equal(ask(&stage, false), STATUS_OK);
    assert_int_equal(stage.result.outcome, OUTCOME_DEBIT_ACCOUNT_NOT_FOUND);
    stage.asked = right;
    stage.asked.debit.value.lo++; /* of lane 1 */
    assert_int_equal(ask(&stage, false), STATUS_IN_DOUBT);
    lane_links_done(&stage.links);
}

static void what_is_asked_back_of_a_payment_is_from_wallets(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(back_body);
}

/* A lane that could not say no to one would hold up all that is on the way to it. */
static void nobody_body(struct rig *rig)
{
    struct stage stage;
    stage_open(&stage, rig);
    const struct account_id ids[] = {
        stage.asked.debit,                                          /* from which it comes */
        { { .hi = 0x74706C616E658002, .lo = 0x8000000000000000 } }, /* only looks like one */
    };
    for (uint32_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        stage.asked = arrival_of(10 + 2 * i);
        stage.asked.credit = ids[i];
        stage.pays = false;
        assert_int_equal(ask(&stage, false), STATUS_OK);
        assert_int_equal(stage.result.outcome, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
        stage.asked.id.value.lo++;
        stage.pays = true;
        assert_int_equal(ask(&stage, false), STATUS_OK);
        assert_int_equal(stage.result.outcome, OUTCOME_NOT_A_WALLET);
        stage.asked.id.value.lo++;
        assert_int_equal(ask(&stage, true), STATUS_OK);
        assert_int_equal(stage.result.outcome, OUTCOME_WITHDRAWN);
    }
    lane_links_done(&stage.links);
}

static void what_arrives_for_a_transit_account_is_refused(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(nobody_body);
}

static void marked_body(struct rig *rig)
{
    struct stage stage;
    stage_open(&stage, rig);
    struct str records = { (const char *)&stage.asked, sizeof stage.asked };
    rig->call.content_type = STR("application/vnd.tpwallet.transfers");
    expect_status(rig, 400, rig_send_bytes(rig, API_POST, "/v1/transfers", records));
    rig->call.arrival = API_ARRIVAL_DECIDE;
    rig->call.local = false; /* a lane has no key, and for nothing else it needs none */
    expect_status(rig, 401, rig_send(rig, API_GET, "/v1/accounts/" HERE_CARL, NULL));
    rig->call.arrival = API_ARRIVAL_NONE;
    rig->call.local = true;
    expect_net(rig, HERE_CARL, "0.00");
    lane_links_done(&stage.links);
}

static void nothing_arrives_without_the_mark_of_a_lane(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(marked_body);
}

static void wrong_body(struct rig *rig)
{
    struct stage stage;
    stage_open(&stage, rig);
    const struct transfer right = stage.asked;
    const struct transit_account ways[] = {
        { .asset = EUR, .lane = 0, .peer = 1, .out = true },
        { .asset = EUR, .lane = 1, .peer = 0, .out = false },
        { .asset = EUR, .lane = 0, .peer = 2, .out = false },
        { .asset = EUR + 1, .lane = 0, .peer = 1, .out = false },
    };
    enum { WAYS = sizeof ways / sizeof ways[0], CASES = WAYS + 7 };
    for (uint32_t i = 0; i < CASES; i++) {
        stage.asked = right;
        if (i < WAYS) stage.asked.debit = transit_account(&ways[i]).id;
        if (i == WAYS) stage.asked.debit.value = (struct uuid){ 1, 2 };
        if (i == WAYS + 1) stage.asked.kind = TRANSFER_HOLD;
        if (i == WAYS + 2) stage.asked.flags = 0;
        if (i == WAYS + 3) stage.asked.flags |= TRANSFER_FLAG_LINKED;
        if (i == WAYS + 4) stage.asked.id.value = (struct uuid){ 0 };
        if (i == WAYS + 5) stage.asked.amount = (struct money){ 0 };
        if (i == WAYS + 6) stage.asked.credit.value.lo += 1; /* of lane 1 */
        assert_int_equal(ask(&stage, false), STATUS_IN_DOUBT);
    }
    expect_net(rig, HERE_CARL, "0.00");
    stage.asked = right;
    assert_int_equal(ask(&stage, false), STATUS_OK);
    expect_net(rig, HERE_CARL, "5.00");
    lane_links_done(&stage.links);
}

static void what_no_departure_leads_to_is_refused(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(wrong_body);
}

/* ---- Answers that no lane gives ---- */

struct api {
    unsigned status;
    size_t size;
    uint8_t outcome;
    const char *not_owner;
};

static enum api_progress odd_start(struct api *api, struct api_call *call)
{
    (void)api; /* it answers at once */
    assert_int_equal(call->arrival, API_ARRIVAL_DECIDE);
    assert_true(str_equal(call->raw_headers[0].value, STR("0")));
    return API_READY;
}

static void odd_finish(struct api *api, struct api_call *call)
{
    uint8_t bytes[2 * sizeof(struct transfer_record)] = { 0 };
    struct transfer_record record = { .outcome = api->outcome };
    memcpy(bytes, &record, sizeof record);
    call->status = api->status;
    buf_append(&call->answer, bytes, api->size);
    if (api->not_owner == NULL) return;
    call->headers[call->header_count].name = PEER_HEADER_NOT_OWNER;
    memcpy(call->headers[call->header_count++].value, api->not_owner, strlen(api->not_owner) + 1);
}

static void odd_body(struct rig *rig)
{
    enum { RECORD = sizeof(struct transfer_record) };
    struct {
        struct api api;
        enum status status;
    } cases[] = {
        { { 200, RECORD, OUTCOME_WITHDRAWN, NULL }, STATUS_OK },
        { { 200, RECORD - 1, OUTCOME_OK, NULL }, STATUS_IN_DOUBT },
        { { 200, 2 * RECORD, OUTCOME_OK, NULL }, STATUS_IN_DOUBT },
        { { 200, RECORD, OUTCOME_COUNT, NULL }, STATUS_IN_DOUBT },
        { { 503, 0, OUTCOME_OK, NULL }, STATUS_IN_DOUBT },
        { { 503, 0, OUTCOME_OK, "doubt" }, STATUS_IN_DOUBT },
        { { 503, 0, OUTCOME_OK, "undone" }, STATUS_UNAVAILABLE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stage stage = { .asked = arrival_of(3) };
        const struct api_service service = { .api = &cases[i].api,
                                             .start = odd_start,
                                             .finish = odd_finish };
        lane_links_init(&stage.links, service, rig->ports.sync);
        assert_int_equal(ask(&stage, false), cases[i].status);
        lane_links_done(&stage.links);
    }
}

static void an_answer_that_does_not_say_what_was_done_is_in_doubt(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(odd_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_arrives_is_decided_once_and_taken_back_for_ever),
        cmocka_unit_test(what_arrives_of_a_payment_is_for_wallets),
        cmocka_unit_test(what_is_asked_back_of_a_payment_is_from_wallets),
        cmocka_unit_test(what_arrives_for_a_transit_account_is_refused),
        cmocka_unit_test(nothing_arrives_without_the_mark_of_a_lane),
        cmocka_unit_test(what_no_departure_leads_to_is_refused),
        cmocka_unit_test(an_answer_that_does_not_say_what_was_done_is_in_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
