/*
 * Goal: a call of a ledger with several lanes goes where what it names is, a lane refuses what is
 * another's, and what goes to another lane is answered as pending and told of later.
 * Method: calls of each kind beside the lane they are for; an api that is lane 0 of two, asked
 * for everything; its departures are ended by hand, as the workers would.
 */
#include "api/lanes.h"

#include "api/api_test.h"
#include "api/cursor.h"
#include "model/transit.h"

/* Ids that say their lane: the last digits. */
#define HERE_BANK "019ab000-0000-8000-8000-000000010000"
#define HERE_ANNA "019ab000-0000-8000-8000-000000020000"
#define HERE_BEN "019ab000-0000-8000-8000-000000030000"
#define THERE_CARL "019ab000-0000-8000-8000-000000040001"

/* What PSPs send: no lane is told there, but a reference of ours. */
#define SANDBOX_EVENT(reference)                                                                   \
    "{\"id\":\"evt_1\",\"type\":\"order.updated\",\"at\":\"2026-11-23T06:14:50.000000000Z\","      \
    "\"data\":{\"object\":\"ch_1\",\"reference\":\"" reference "\",\"operation\":\"charge\","      \
    "\"status\":\"done\",\"amount\":\"1.00\",\"asset\":\"EUR\",\"reason\":\"\","                   \
    "\"at\":\"2026-11-23T06:14:50.000000000Z\"}}"
#define STRIPE_EVENT(reference)                                                                    \
    "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"payment_intent.succeeded\",\"created\":1,"  \
    "\"data\":{\"object\":{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"metadata\":"            \
    "{\"reference\":\"" reference "\"}}}}"

/* ---- Where a call goes ---- */

struct case_of_call {
    enum api_method method;
    const char *path;
    const char *body;
    const char *type;
    const char *lane_header;
    const char *key;
    uint32_t lane;
};

static uint32_t lane_of(const struct case_of_call *one, uint32_t lanes)
{
    const struct api_raw_header headers[] = {
        { STR("Accept"), STR("*/*") },
        { STR("tpw-LANE"), one->lane_header == NULL ? STR("") : str_from(one->lane_header) },
    };
    struct api_call call = {
        .method = one->method,
        .path = str_from(one->path),
        .raw_headers = headers,
        .raw_header_count = one->lane_header == NULL ? 1 : 2,
        .content_type = str_from(one->type == NULL ? "application/json" : one->type),
    };
    if (one->body != NULL) call.body = str_from(one->body);
    if (one->key != NULL) call.idempotency_key = str_from(one->key);
    return lanes_of_call(&call, lanes);
}

static void calls_go_to_the_lane_of_what_they_name(void **state)
{
    (void)state; /* no fixture */
    static const struct case_of_call cases[] = {
        { API_GET, "/v1/accounts/" HERE_ANNA, NULL, NULL, NULL, NULL, 0 },
        { API_GET, "/v1/accounts/" THERE_CARL, NULL, NULL, NULL, NULL, 1 },
        { API_GET, "/v1/accounts/" THERE_CARL "/entries", NULL, NULL, NULL, NULL, 1 },
        { API_PATCH, "/v1/accounts/" THERE_CARL, "{}", NULL, NULL, NULL, 1 },
        { API_GET, "/v1/accounts/" THERE_CARL, NULL, NULL, "0", NULL, 0 },
        { API_GET, "/v1/accounts", NULL, NULL, NULL, NULL, 0 },
        { API_GET, "/v1/accounts", NULL, NULL, "1", NULL, 1 },
        { API_GET, "/v1/accounts", NULL, NULL, "2", NULL, 0 }, /* there is none */
        { API_GET, "/v1/accounts", NULL, NULL, "x", NULL, 0 },
        { API_GET, "/v1/accounts/nonsense", NULL, NULL, NULL, NULL, 0 },
        { API_POST, "/v1/accounts", "{\"asset\":\"EUR\",\"id\":\"" THERE_CARL "\"}", NULL, NULL,
          NULL, 1 },
        { API_POST, "/v1/accounts", "[{\"id\":\"" THERE_CARL "\"}]", NULL, NULL, NULL, 1 },
        { API_POST, "/v1/transfers", "{\"debit\":\"" THERE_CARL "\"}", NULL, NULL, NULL, 1 },
        { API_POST, "/v1/transfers",
          "{\"credit\":\"" THERE_CARL "\",\"flags\":[\"linked\"],\"debit\":\"" HERE_ANNA "\"}",
          NULL, NULL, NULL, 0 },
        { API_POST, "/v1/transfers", "[{\"debit\":\"" THERE_CARL "\"},{\"debit\":", NULL, NULL,
          NULL, 1 },
        { API_POST, "/v1/transfers", "{\"kind\":\"void\",\"target\":\"" THERE_CARL "\"}", NULL,
          NULL, NULL, 0 },
        { API_POST, "/v1/transfers", "{\"debit\":\"" THERE_CARL "\"}\n{", "application/x-ndjson",
          NULL, NULL, 1 },
        { API_POST, "/v1/transfers", "", NULL, NULL, NULL, 0 },
        { API_POST, "/v1/transfers", "{\"debit\":7}", NULL, NULL, NULL, 0 },
        { API_POST, "/v1/transfers", "[", NULL, NULL, NULL, 0 },
        { API_POST, "/v1/transfers", "short", "application/vnd.tpwallet.transfers", NULL, NULL, 0 },
        { API_POST, "/v1/payments", "{\"wallet\":\"" THERE_CARL "\"}", NULL, NULL, NULL, 1 },
        { API_POST, "/v1/payments", "{\"merchant\":\"" THERE_CARL "\"}", NULL, NULL, NULL, 1 },
        { API_POST, "/v1/payments", "{\"payment\":\"" THERE_CARL "\"}", NULL, NULL, NULL, 1 },
        { API_POST, "/v1/payments", "{\"id\":\"" THERE_CARL "\",\"wallet\":\"" HERE_ANNA "\"}",
          NULL, NULL, NULL, 0 },
        { API_GET, "/v1/payments/" THERE_CARL, NULL, NULL, NULL, NULL, 1 },
        { API_GET, "/v1/payments/" THERE_CARL "/story", NULL, NULL, NULL, NULL, 1 },
        { API_POST, "/v1/payments/" THERE_CARL "/cancel", NULL, NULL, NULL, NULL, 1 },
        { API_GET, "/v1/payments/" THERE_CARL, NULL, NULL, "0", NULL, 0 },
        { API_GET, "/v1/payments", NULL, NULL, NULL, NULL, 0 },
        { API_POST, "/v1/webhooks/sandbox", SANDBOX_EVENT(THERE_CARL ":1"), NULL, NULL, NULL, 1 },
        { API_POST, "/v1/webhooks/sandbox", SANDBOX_EVENT(HERE_ANNA ":1"), NULL, NULL, NULL, 0 },
        { API_POST, "/v1/webhooks/sandbox", SANDBOX_EVENT("order-17"), NULL, NULL, NULL, 0 },
        { API_POST, "/v1/webhooks/stripe-eu", STRIPE_EVENT(THERE_CARL ":1"), NULL, NULL, NULL, 1 },
        { API_POST, "/v1/webhooks/sandbox", STRIPE_EVENT(THERE_CARL ":1"), NULL, NULL, NULL, 0 },
        { API_POST, "/v1/webhooks/sandbox", "{\"id\":7", NULL, NULL, NULL, 0 },
        { API_POST, "/v1/webhook-endpoints", "{\"id\":\"" THERE_CARL "\"}", NULL, NULL, NULL, 0 },
        { API_POST, "/v1/assets", "{\"id\":\"" THERE_CARL "\"}", NULL, NULL, NULL, 0 },
        { API_POST, "/v1/keys", "{}", NULL, NULL, "\"k\"", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t lane = lane_of(&cases[i], 2);
        if (lane != cases[i].lane) fail_msg("case %zu: lane %u", i, lane);
        assert_int_equal(lane_of(&cases[i], 1), 0);
        assert_int_equal(lane_of(&cases[i], 0), 0);
    }
}

static void an_account_without_an_id_goes_by_its_key(void **state)
{
    (void)state; /* no fixture */
    uint32_t counts[2] = { 0 };
    for (char letter = 'a'; letter <= 'z'; letter++) {
        char key[] = "key-?";
        key[4] = letter;
        const struct case_of_call one = { API_POST, "/v1/accounts", "{\"asset\":\"EUR\"}",
                                          NULL,     NULL,           key,
                                          0 };
        uint32_t lane = lane_of(&one, 2);
        counts[lane]++;
        assert_int_equal(lane_of(&one, 2), lane); /* as a repeat does */
    }
    assert_true(counts[0] > 0 && counts[1] > 0);
}

static void a_lane_that_is_none_is_not_named(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *header;
        uint32_t lanes;
        bool named;
    } cases[] = { { "0", 2, true },   { "1", 2, true },          { "2", 2, false },
                  { "50", 2, false }, { "2", 3, true },          { "x", 2, false },
                  { "", 2, false },   { "63", LANES_MAX, true }, { "0", 1, false },
                  { "0", 0, false } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct api_raw_header header = { STR("TPW-Lane"), str_from(cases[i].header) };
        const struct api_call call = { .raw_headers = &header, .raw_header_count = 1 };
        if (lanes_call_names_one(&call, cases[i].lanes) != cases[i].named) fail_msg("case %zu", i);
    }
    const struct api_call call = { .method = API_GET };
    assert_false(lanes_call_names_one(&call, 2));
}

static void binary_transfers_go_by_their_first_record(void **state)
{
    (void)state; /* no fixture */
    struct transfer transfers[2] = { 0 };
    assert_int_equal(uuid_parse(STR(THERE_CARL), &transfers[0].debit.value), STATUS_OK);
    const struct api_call call = {
        .method = API_POST,
        .path = STR("/v1/transfers"),
        .content_type = STR("application/vnd.tpwallet.transfers"),
        .body = { (const char *)transfers, sizeof transfers },
    };
    assert_int_equal(lanes_of_call(&call, 2), 1);
}

/* ---- What lane 0 of two says ---- */

static void run_in_lanes(void (*body)(struct rig *rig))
{
    const struct api_options options = {
        .workers = 2, .version = "0.0.0-test", .lanes = 2, .lane = 0
    };
    rig_run_with(body, &options);
}

#define LANE_TRANSFER(id, more)                                                                    \
    "{\"id\":\"019ab000-0000-7000-8000-0000000001" id                                              \
    "\",\"asset\":\"EUR\",\"amount\":\"5\"," more "}"
#define HERE_PAYMENT "019ab000-0000-8000-8000-0000000f0000"
#define LANE_PAYMENT(more)                                                                         \
    "{\"id\":\"" HERE_PAYMENT "\",\"asset\":\"EUR\",\"amount\":\"2\",\"wallet\":\"" HERE_ANNA      \
    "\"," more "}"
#define SIDES(from, to) "\"debit\":\"" from "\",\"credit\":\"" to "\""

static void here_make(struct rig *rig)
{
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "[{\"id\":\"" HERE_BANK "\",\"asset\":\"EUR\",\"kind\":\"equity\"},"
                           "{\"id\":\"" HERE_ANNA "\",\"asset\":\"EUR\",\"kind\":\"liability\","
                           "\"flags\":[\"debits_must_not_exceed_credits\"]},"
                           "{\"id\":\"" HERE_BEN "\",\"asset\":\"EUR\",\"kind\":\"liability\"}]"));
    expect_status(
        rig, 201,
        rig_send(rig, API_POST, "/v1/transfers", LANE_TRANSFER("01", SIDES(HERE_BANK, HERE_ANNA))));
}

static void others_body(struct rig *rig)
{
    here_make(rig);
    expect_status(rig, 421, rig_send(rig, API_GET, "/v1/accounts/" THERE_CARL, NULL));
    expect_in_answer(rig, "wrong_lane");
    expect_in_answer(rig, "in lane 1, and this is lane 0");
    expect_status(rig, 421, rig_send(rig, API_GET, "/v1/accounts/" THERE_CARL "/entries", NULL));
    expect_status(rig, 421,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "{\"id\":\"" THERE_CARL "\",\"asset\":\"EUR\",\"kind\":\"equity\"}"));
    expect_status(rig, 421,
                  rig_send(rig, API_POST, "/v1/transfers",
                           LANE_TRANSFER("02", SIDES(THERE_CARL, HERE_ANNA))));
    expect_in_answer(rig, "debit");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/accounts/" HERE_ANNA, NULL));
}

static void what_is_in_another_lane_is_refused_with_its_number(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(others_body);
}

static void fresh_body(struct rig *rig)
{
    for (char letter = 'a'; letter < 'i'; letter++) {
        char key[] = "\"fresh-?\"";
        key[7] = letter;
        rig->call.idempotency_key = str_from(key);
        expect_status(
            rig, 201,
            rig_send(rig, API_POST, "/v1/accounts", "{\"asset\":\"EUR\",\"kind\":\"equity\"}"));
        char text[UUID_TEXT_LEN + 1];
        struct account_id id;
        rig_cut(rig, "id", text, sizeof text);
        assert_int_equal(uuid_parse(str_from(text), &id.value), STATUS_OK);
        assert_int_equal(lane_of_account(id, 2), 0);
        expect_status(
            rig, 200,
            rig_send(rig, API_POST, "/v1/accounts", "{\"asset\":\"EUR\",\"kind\":\"equity\"}"));
        expect_in_answer(rig, text); /* a repeat has the id of the first time */
    }
    rig->call.idempotency_key = STR("\"many\"");
    expect_status(rig, 400,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "[{\"asset\":\"EUR\",\"kind\":\"equity\"},"
                           "{\"asset\":\"EUR\",\"kind\":\"equity\"}]"));
    expect_in_answer(rig, "missing_field");
    rig->call.idempotency_key = (struct str){ NULL, 0 };
}

static void an_account_that_gets_its_id_here_is_here(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(fresh_body);
}

static void refused_body(struct rig *rig)
{
    here_make(rig);
    static const char *const bodies[] = {
        LANE_TRANSFER("11", "\"kind\":\"hold\"," SIDES(HERE_ANNA, THERE_CARL)),
        LANE_TRANSFER("12", "\"flags\":[\"balancing_debit\"]," SIDES(HERE_ANNA, THERE_CARL)),
        "[" LANE_TRANSFER("13", "\"flags\":[\"linked\"]," SIDES(HERE_ANNA, THERE_CARL)) "," //
        LANE_TRANSFER("14", SIDES(HERE_ANNA, HERE_BEN)) "]",
        "[" LANE_TRANSFER("15", "\"flags\":[\"linked\"]," SIDES(HERE_ANNA, HERE_BEN)) "," //
        LANE_TRANSFER("16", SIDES(HERE_ANNA, THERE_CARL)) "]",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        expect_status(rig, 400, rig_send(rig, API_POST, "/v1/transfers", bodies[i]));
        expect_in_answer(rig, "between_lanes");
    }
    static const char *const payments[] = {
        LANE_PAYMENT("\"kind\":\"exchange\",\"to_asset\":\"USD\",\"to\":\"" THERE_CARL "\""),
    };
    for (size_t i = 0; i < sizeof payments / sizeof payments[0]; i++) {
        expect_status(rig, 400, rig_send(rig, API_POST, "/v1/payments", payments[i]));
        expect_in_answer(rig, "between_lanes");
    }
    expect_status(rig, 421,
                  rig_send(rig, API_POST, "/v1/payments",
                           "{\"id\":\"" THERE_CARL "\",\"kind\":\"wallet\",\"asset\":\"EUR\","
                           "\"amount\":\"1\",\"wallet\":\"" HERE_ANNA "\",\"to\":\"" HERE_BEN
                           "\"}"));
    expect_in_answer(rig, "\"field\":\"id\"");
    expect_net(rig, HERE_ANNA, "5.00"); /* nothing of any of it was done */
}

static void what_needs_two_lanes_at_once_is_refused(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(refused_body);
}

/* What the workers do when the other lane has decided. */
static void departure_end(struct rig *rig, const char *id, enum outcome arrival)
{
    struct record_transfer record = { 0 };
    assert_int_equal(uuid_parse(str_from(id), &record.id.value), STATUS_OK);
    struct transfer end = transit_end(&record, arrival);
    struct transfer_result result = { 0 };
    struct request request = {
        .kind = REQUEST_TRANSFERS,
        .root = lane_new_id(rig->lane),
        .count = 1,
        .transfers = &end,
        .transfer_results = &result,
    };
    assert_int_equal(lane_run(rig->lane, &request), STATUS_OK);
    assert_int_equal(result.outcome, OUTCOME_OK);
}

static void pending_body(struct rig *rig)
{
    static const char first[] = "019ab000-0000-7000-8000-000000000121";
    static const char second[] = "019ab000-0000-7000-8000-000000000122";
    here_make(rig);
    const char *body = LANE_TRANSFER("21", SIDES(HERE_ANNA, THERE_CARL));
    expect_status(rig, 202, rig_send(rig, API_POST, "/v1/transfers", body));
    expect_in_answer(rig, "\"pending\":true");
    expect_in_answer(rig, first);
    expect_status(rig, 200, rig_send(rig, API_POST, "/v1/transfers", body));
    expect_in_answer(rig, "\"repeated\":true");
    expect_status(rig, 422,
                  rig_send(rig, API_POST, "/v1/transfers",
                           LANE_TRANSFER("23", SIDES(HERE_ANNA, THERE_CARL))));
    expect_in_answer(rig, "debits_exceed_credits"); /* the rest is on its way */
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "[" LANE_TRANSFER("22", SIDES(HERE_BEN, THERE_CARL)) "," LANE_TRANSFER(
                               "24", SIDES(HERE_BEN, HERE_BANK)) "]"));
    expect_in_answer(rig, "\"pending\":true");

    expect_status(
        rig, 200,
        rig_send(rig, API_GET, "/v1/transfers/019ab000-0000-7000-8000-000000000121", NULL));
    expect_in_answer(rig, "\"kind\":\"departure\"");
    expect_in_answer(rig,
                     "\"transit\":{\"to\":\"" THERE_CARL "\",\"lane\":1,\"state\":\"pending\"}");
    departure_end(rig, first, OUTCOME_OK);
    expect_status(
        rig, 200,
        rig_send(rig, API_GET, "/v1/transfers/019ab000-0000-7000-8000-000000000121", NULL));
    expect_in_answer(rig, "\"state\":\"settled\",\"outcome\":\"ok\"");
    expect_net(rig, HERE_ANNA, "0.00");
    departure_end(rig, second, OUTCOME_CREDIT_ACCOUNT_FROZEN);
    expect_status(
        rig, 200,
        rig_send(rig, API_GET, "/v1/transfers/019ab000-0000-7000-8000-000000000122", NULL));
    expect_in_answer(rig, "\"state\":\"released\",\"outcome\":\"credit_account_frozen\"");
}

static void what_leaves_is_pending_until_the_other_lane_has_said(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(pending_body);
}

/* What the workers do when the other lane has decided about a payment. */
static void payment_end(struct rig *rig, enum outcome arrival)
{
    struct payment payment;
    struct locator locator;
    struct uuid id;
    assert_int_equal(uuid_parse(STR(HERE_PAYMENT), &id), STATUS_OK);
    struct read read = {
        .kind = READ_PAYMENTS, .count = 1, .ids = &id, .payments = &payment, .locators = &locator
    };
    struct request look = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(rig->lane, &look), STATUS_OK);
    const struct payment_command command = { .cause = PAYMENT_CAUSE_ARRIVE,
                                             .id = { id },
                                             .departure = payment.posted,
                                             .arrival = (uint8_t)arrival };
    struct payment_result result = { 0 };
    struct request request = {
        .kind = REQUEST_PAYMENT,
        .root = lane_new_id(rig->lane),
        .count = 1,
        .payment = &command,
        .payment_result = &result,
    };
    assert_int_equal(lane_run(rig->lane, &request), STATUS_OK);
    assert_int_equal(result.outcome, PAYMENT_OUTCOME_OK);
}

static void paying_begin(struct rig *rig)
{
    here_make(rig);
    const char *body = LANE_PAYMENT("\"kind\":\"wallet\",\"to\":\"" THERE_CARL "\"");
    expect_status(rig, 201, rig_send(rig, API_POST, "/v1/payments", body));
    expect_in_answer(rig, "\"state\":\"pending\"");
    expect_in_answer(rig, "\"captured\":\"0.00\"");
    expect_status(rig, 200, rig_send(rig, API_POST, "/v1/payments", body));
    expect_in_answer(rig, "\"repeated\":true");
    expect_status(
        rig, 422,
        rig_send(rig, API_POST, "/v1/transfers", LANE_TRANSFER("31", SIDES(HERE_ANNA, HERE_BEN))));
    expect_in_answer(rig, "debits_exceed_credits"); /* the rest is on its way */
    expect_status(rig, 422, rig_send(rig, API_POST, "/v1/payments/" HERE_PAYMENT "/refresh", NULL));
    expect_in_answer(rig, "state_forbids");
}

static void paid_body(struct rig *rig)
{
    paying_begin(rig);
    payment_end(rig, OUTCOME_OK);
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments/" HERE_PAYMENT, NULL));
    expect_in_answer(rig, "\"state\":\"succeeded\"");
    expect_in_answer(rig, "\"captured\":\"2.00\"");
    expect_net(rig, HERE_ANNA, "3.00");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments/" HERE_PAYMENT "/story", NULL));
    expect_in_answer(rig, "\"cause\":\"arrive\"");
    expect_in_answer(rig, "\"kind\":\"departure\"");
    expect_in_answer(rig, "\"to\":\"" THERE_CARL "\"");
    expect_in_answer(rig, "\"gaps\":[]");
    rig->call.idempotency_key = STR("\"back\"");
    const char *refund = "{\"kind\":\"refund\",\"payment\":\"" HERE_PAYMENT "\"}";
    expect_status(rig, 201, rig_send(rig, API_POST, "/v1/payments", refund));
    expect_in_answer(rig, "\"state\":\"pending\"");
    expect_in_answer(rig, "\"wallet\":\"" THERE_CARL "\"");
    rig->call.idempotency_key = STR("\"again\"");
    expect_status(rig, 422, rig_send(rig, API_POST, "/v1/payments", refund));
    expect_in_answer(rig, "amount_over_refundable"); /* what is on its way counts */
    rig->call.idempotency_key = (struct str){ NULL, 0 };
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments/" HERE_PAYMENT, NULL));
    expect_in_answer(rig, "\"refund_pending\":\"2.00\"");
}

static void a_payment_into_another_lane_is_pending_until_it_is_there(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(paid_body);
}

static void unpaid_body(struct rig *rig)
{
    paying_begin(rig);
    payment_end(rig, OUTCOME_CREDIT_ACCOUNT_FROZEN);
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments/" HERE_PAYMENT, NULL));
    expect_in_answer(rig, "\"state\":\"failed\",\"reason\":\"credit_account_frozen\"");
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers",
                           LANE_TRANSFER("32", SIDES(HERE_ANNA, HERE_BEN)))); /* all is back */
}

static void a_payment_that_another_lane_refuses_has_failed(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(unpaid_body);
}

/* ---- Acts for all lanes ---- */

#define GOLD "{\"code\":\"GOLD\",\"exponent\":4}"

static void alone_body(struct rig *rig)
{
    expect_status(rig, 503, rig_send(rig, API_POST, "/v1/assets", GOLD));
    expect_in_answer(rig, "only lane 0 is open");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/assets", NULL));
    expect_in_answer(rig, "\"items\":[]"); /* nothing was done */
}

static void an_act_for_all_lanes_is_refused_where_nobody_carries_it(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(alone_body);
}

static void other_lane_body(struct rig *rig)
{
    static const char *const acts[][2] = {
        { "/v1/assets", GOLD },
        { "/v1/rates", "{\"asset\":\"EUR\",\"to_asset\":\"USD\",\"rate\":\"1.1\"}" },
        { "/v1/periods/close", "{\"through\":\"1999-12-31\"}" },
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        expect_status(rig, 421, rig_send(rig, API_POST, acts[i][0], acts[i][1]));
        expect_in_answer(rig, "are made in lane 0, and this is lane 1");
    }
}

static void an_act_for_all_lanes_is_made_in_lane_0_only(void **state)
{
    (void)state; /* no fixture */
    const struct api_options options = {
        .workers = 2, .version = "0.0.0-test", .lanes = 2, .lane = 1
    };
    rig_run_with(other_lane_body, &options);
}

/* The two lanes are this one, so what is durable in it is everywhere once the second is there. */
static void everywhere_body(struct rig *rig)
{
    struct carry *carry;
    assert_int_equal(carry_new(rig->ports.sync, 2, &carry), STATUS_OK);
    rig->api->options.carry = carry;
    carry_enter(carry, 0, rig->lane, MONOTONIC_NEVER);
    int64_t began_ns = clock_monotonic(rig->ports.clock).ns;
    rig->call.idempotency_key = STR("\"gold\"");
    expect_status(rig, 503, rig_send(rig, API_POST, "/v1/assets", GOLD));
    expect_in_answer(rig, "\"in_doubt\"");
    expect_in_answer(rig, "not every other lane has it yet");
    int64_t waited_ns = clock_monotonic(rig->ports.clock).ns - began_ns;
    assert_in_range(waited_ns, CARRY_WAIT_MS * NS_PER_MS, 2 * CARRY_WAIT_MS * NS_PER_MS);

    carry_enter(carry, 1, rig->lane, MONOTONIC_NEVER);
    expect_status(rig, 200, rig_send(rig, API_POST, "/v1/assets", GOLD));
    expect_in_answer(rig, "\"repeated\":true");
    rig->call.idempotency_key = (struct str){ NULL, 0 };
    expect_status(rig, 409, rig_send(rig, API_POST, "/v1/assets", GOLD));
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/periods/close", "{\"through\":\"1999-12-31\"}"));
    rig->call.idempotency_key = STR("\"key\"");
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/keys", "{\"name\":\"a\",\"scopes\":[\"admin\"]}"));
    rig->call.idempotency_key = (struct str){ NULL, 0 };
    rig->api->options.carry = NULL;
    carry_free(carry);
}

static void an_act_for_all_lanes_is_answered_when_all_have_it(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(everywhere_body);
}

/* ---- Lists over all lanes ---- */

static uint32_t lane_of_page(const char *path, const char *query, const char *lane_header)
{
    const struct api_raw_header header = { STR("TPW-Lane"),
                                           str_from(lane_header == NULL ? "" : lane_header) };
    const struct api_call call = { .method = API_GET,
                                   .path = str_from(path),
                                   .query = str_from(query),
                                   .raw_headers = &header,
                                   .raw_header_count = lane_header == NULL ? 0 : 1 };
    return lanes_of_call(&call, 3);
}

static void a_list_is_asked_for_in_the_lane_of_its_cursor(void **state)
{
    (void)state; /* no fixture */
    char text[CURSOR_TEXT_SIZE];
    char query[2 * CURSOR_TEXT_SIZE];
    const struct cursor cursor = { .list = ROUTE_ACCOUNTS_LIST, .lane = 2, .place = 7 };
    (void)cursor_format(&cursor, text);
    static const struct {
        const char *path;
        const char *form;
        const char *lane;
        uint32_t found;
    } cases[] = {
        { "/v1/accounts", "cursor=%s", NULL, 2 },
        { "/v1/transfers", "limit=1&cursor=%s&from=x", NULL, 2 },
        { "/v1/payments", "&&cursor=%s", NULL, 2 },
        { "/v1/transits", "state=stuck&cursor=%s", NULL, 2 },
        { "/v1/accounts", "cursor=%s", "1", 1 },
        { "/v1/accounts", "a_cursor=%s", NULL, 0 },
        { "/v1/accounts", "cursor=9%s", NULL, 0 },
        { "/v1/accounts", "cursor=", NULL, 0 },
        { "/v1/assets", "cursor=%s", NULL, 0 }, /* all lanes have the same */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_SCOPE struct buf form;
        buf_init(&form, sizeof query);
        struct str mark = STR("%s");
        const char *at = strstr(cases[i].form, mark.data);
        size_t before = at == NULL ? strlen(cases[i].form) : (size_t)(at - cases[i].form);
        buf_append(&form, cases[i].form, before);
        if (at != NULL) buf_append_format(&form, "%s%s", text, at + mark.len);
        uint32_t lane = lane_of_page(cases[i].path, buf_terminated(&form), cases[i].lane);
        if (lane != cases[i].found) fail_msg("case %zu: lane %u", i, lane);
    }
    const struct cursor none = { .list = ROUTE_ACCOUNTS_LIST, .lane = 3 };
    BUF_SCOPE struct buf form;
    buf_init(&form, sizeof query);
    buf_append_format(&form, "cursor=%s", cursor_format(&none, text).data);
    assert_int_equal(lane_of_page("/v1/accounts", buf_terminated(&form), NULL), 0);
}

static const char *const LISTS[] = { "/v1/accounts",
                                     "/v1/transfers",
                                     "/v1/payments",
                                     "/v1/transits",
                                     "/v1/transits?state=stuck",
                                     "/v1/accounts?user_ref=" NOBODY,
                                     "/v1/transfers?user_ref=" NOBODY };

/* The last page of lane 0 names the begin of lane 1; lane 0 does not take that itself. */
static void goes_on_body(struct rig *rig)
{
    struct carry *carry;
    assert_int_equal(carry_new(rig->ports.sync, 2, &carry), STATUS_OK);
    here_make(rig);
    for (size_t i = 0; i < sizeof LISTS / sizeof LISTS[0]; i++) {
        expect_status(rig, 200, rig_send(rig, API_GET, LISTS[i], NULL));
        assert_null(strstr(rig_answer(rig), "\"next\"")); /* the others are not served */
    }
    rig->api->options.carry = carry;
    for (size_t i = 0; i < sizeof LISTS / sizeof LISTS[0]; i++) {
        char next[CURSOR_TEXT_SIZE];
        expect_status(rig, 200, rig_send(rig, API_GET, LISTS[i], NULL));
        rig_cut(rig, "next", next, sizeof next);
        assert_int_equal(cursor_lane(str_from(next)), 1);
        BUF_SCOPE struct buf target;
        buf_init(&target, 256);
        bool asks = strchr(LISTS[i], '?') != NULL;
        buf_append_format(&target, "%s%ccursor=%s", LISTS[i], asks ? '&' : '?', next);
        expect_status(rig, 400, rig_send(rig, API_GET, buf_terminated(&target), NULL));
        expect_in_answer(rig, "invalid_cursor");
    }
    const struct api_raw_header header = { STR("TPW-Lane"), STR("0") };
    rig->call.raw_headers = &header;
    rig->call.raw_header_count = 1;
    for (size_t i = 0; i < sizeof LISTS / sizeof LISTS[0]; i++) {
        expect_status(rig, 200, rig_send(rig, API_GET, LISTS[i], NULL));
        assert_null(strstr(rig_answer(rig), "\"next\"")); /* it was asked for one lane */
    }
    rig->call.raw_header_count = 0;
    rig->api->options.carry = NULL;
    carry_free(carry);
}

static void a_list_goes_on_in_the_next_lane_unless_one_was_named(void **state)
{
    (void)state; /* no fixture */
    run_in_lanes(goes_on_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_go_to_the_lane_of_what_they_name),
        cmocka_unit_test(an_account_without_an_id_goes_by_its_key),
        cmocka_unit_test(a_lane_that_is_none_is_not_named),
        cmocka_unit_test(binary_transfers_go_by_their_first_record),
        cmocka_unit_test(what_is_in_another_lane_is_refused_with_its_number),
        cmocka_unit_test(an_account_that_gets_its_id_here_is_here),
        cmocka_unit_test(what_needs_two_lanes_at_once_is_refused),
        cmocka_unit_test(what_leaves_is_pending_until_the_other_lane_has_said),
        cmocka_unit_test(a_payment_into_another_lane_is_pending_until_it_is_there),
        cmocka_unit_test(a_payment_that_another_lane_refuses_has_failed),
        cmocka_unit_test(an_act_for_all_lanes_is_refused_where_nobody_carries_it),
        cmocka_unit_test(an_act_for_all_lanes_is_made_in_lane_0_only),
        cmocka_unit_test(an_act_for_all_lanes_is_answered_when_all_have_it),
        cmocka_unit_test(a_list_is_asked_for_in_the_lane_of_its_cursor),
        cmocka_unit_test(a_list_goes_on_in_the_next_lane_unless_one_was_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
