/*
 * Goal: each operation on payments and rates does what api/openapi.yaml says of it: outcomes as
 * problems, ids and keys, reading what is open and what rests, who chooses the PSP.
 * Method: the api over the real lane in a simulated world; the local operator calls one operation
 * after the other; answers are compared by status, code and what they must hold. There is no saga:
 * what waits for a PSP goes on waiting.
 */
#include "api/api_test.h"
#include "payment/chart.h"

#define SHOP "019ab000-0000-7000-8000-000000000003"
#define ANNA_USD "019ab000-0000-7000-8000-000000000004"
#define P(number) "019ab000-0000-7000-8000-0000000000" number
#define FROM_ANNA "\"wallet\":\"" ANNA "\",\"asset\":\"EUR\","

static void chart_make(struct rig *rig, uint32_t asset, const char *code)
{
    static const enum chart_role roles[] = { CHART_CLEARING, CHART_BANK, CHART_ROUNDING,
                                             CHART_POSITION };
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        struct account account = chart_account(LANE_ALONE, asset, roles[i], "psp-1");
        char id[UUID_TEXT_LEN + 1];
        char body[160];
        uuid_format(account.id.value, id);
        int len = snprintf(body, sizeof body, "{\"id\":\"%s\",\"asset\":\"%s\",\"kind\":\"%s\"}",
                           id, code, account_kind_name(account.kind));
        assert_true(len > 0 && (size_t)len < sizeof body);
        expect_status(rig, 201, rig_send(rig, API_POST, "/v1/accounts", body));
    }
}

/* A bank, 100 EUR in Anna's wallet, a shop, a wallet in dollars, and the charts. */
static void wallets_make(struct rig *rig)
{
#define BOUND "\"kind\":\"liability\",\"flags\":[\"debits_must_not_exceed_credits\"]}"
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "[{\"id\":\"" BANK "\",\"asset\":\"EUR\",\"kind\":\"equity\"},"
                           "{\"id\":\"" ANNA "\",\"asset\":\"EUR\"," BOUND ",{\"id\":\"" SHOP
                           "\",\"asset\":\"EUR\"," BOUND ",{\"id\":\"" ANNA_USD
                           "\",\"asset\":\"USD\"," BOUND "]"));
#undef BOUND
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "{\"id\":\"" P("f0") "\",\"debit\":\"" BANK "\",\"credit\":\"" ANNA
                                                "\",\"asset\":\"EUR\",\"amount\":\"100\"}"));
    chart_make(rig, 978, "EUR");
    chart_make(rig, 840, "USD");
}

static unsigned create(struct rig *rig, const char *body)
{
    return rig_send(rig, API_POST, "/v1/payments", body);
}

/* A command to a payment; key NULL: none. */
static unsigned command(struct rig *rig, const char *target, const char *key, const char *body)
{
    rig->call.idempotency_key = key == NULL ? (struct str){ NULL, 0 } : str_from(key);
    unsigned status = rig_send(rig, API_POST, target, body);
    rig->call.idempotency_key = (struct str){ NULL, 0 };
    return status;
}

static void wallet_body(struct rig *rig)
{
    static const char body[] = "{\"id\":\"" P("d1") "\",\"kind\":\"wallet\"," FROM_ANNA
                                                    "\"to\":\"" SHOP "\",\"amount\":\"12.50\"}";
    char position[40];
    char again[40];
    wallets_make(rig);
    expect_status(rig, 201, create(rig, body));
    expect_in_answer(rig, "\"state\":\"succeeded\"");
    expect_in_answer(rig, "\"amount\":\"12.50\",\"captured\":\"12.50\"");
    expect_in_answer(rig, "\"version\":1,\"outcome\":\"ok\"");
    rig_cut(rig, "position", position, sizeof position);
    expect_status(rig, 200, create(rig, body));
    expect_in_answer(rig, "\"repeated\":true");
    assert_string_equal(rig_header(rig, "Idempotent-Replayed"), "true");
    rig_cut(rig, "position", again, sizeof again);
    assert_string_equal(position, again);
    expect_status(rig, 409,
                  create(rig, "{\"id\":\"" P("d1") "\",\"kind\":\"wallet\"," FROM_ANNA
                                                   "\"to\":\"" SHOP "\",\"amount\":\"12.51\"}"));
    expect_in_answer(rig, "\"code\":\"id_conflict\"");
    expect_net(rig, ANNA, "87.50");
    expect_net(rig, SHOP, "12.50");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments/" P("d1"), NULL));
    expect_in_answer(rig, "\"state\":\"succeeded\"");
    expect_in_answer(rig, "\"as_of\":");
    expect_status(rig, 404, rig_send(rig, API_GET, "/v1/payments/" P("ff"), NULL));
}

static void a_wallet_payment_moves_once(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(wallet_body);
}

static void refusal_body(struct rig *rig)
{
    static const char too_much[] =
        "{\"id\":\"" P("d2") "\",\"kind\":\"wallet\"," FROM_ANNA "\"to\":\"" SHOP
                             "\",\"amount\":\"100.01\"}";
    wallets_make(rig);
    for (int i = 0; i < 2; i++) {
        expect_status(rig, 422, create(rig, too_much));
        expect_in_answer(rig, "\"code\":\"ledger_refused\"");
        expect_in_answer(rig, "\"detail\":\"debits_exceed_credits: ");
        expect_in_answer(rig, "\"id\":\"" P("d2") "\"");
        expect_in_answer(rig, i == 0 ? "\"repeated\":false" : "\"repeated\":true");
    }
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments/" P("d2"), NULL));
    expect_in_answer(rig, "\"state\":\"failed\",\"reason\":\"debits_exceed_credits\"");
    expect_status(
        rig, 400,
        create(rig, "{\"kind\":\"wallet\"," FROM_ANNA "\"to\":\"" SHOP "\",\"amount\":\"1\"}"));
    expect_in_answer(rig, "\"code\":\"idempotency_key_required\"");
    expect_status(rig, 404, command(rig, "/v1/payments/" P("d9") "/cancel", NULL, NULL));
    expect_in_answer(rig, "\"code\":\"payment_not_found\"");
    expect_status(rig, 404, rig_send(rig, API_GET, "/v1/payments/" P("d9"), NULL));
    expect_status(rig, 201,
                  create(rig, "{\"id\":\"" P("d9") "\",\"kind\":\"wallet\"," FROM_ANNA
                                                   "\"to\":\"" SHOP "\",\"amount\":\"1\"}"));
}

static void refusals_say_why_and_burn_no_other_id(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(refusal_body);
}

static void merchant_body(struct rig *rig)
{
    wallets_make(rig);
    expect_status(rig, 201,
                  create(rig, "{\"id\":\"" P("d3") "\",\"kind\":\"merchant\"," FROM_ANNA
                                                   "\"merchant\":\"" SHOP
                                                   "\",\"amount\":\"10\",\"expires_in_s\":3600}"));
    expect_in_answer(rig, "\"state\":\"authorised\"");
    expect_in_answer(rig, "\"expires_at\":");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments?state=authorised", NULL));
    expect_in_answer(rig, P("d3"));
    static const char capture[] = "/v1/payments/" P("d3") "/capture";
    static const char three[] = "{\"amount\":\"3\",\"asset\":\"EUR\"}";
    expect_status(rig, 400, command(rig, capture, NULL, three));
    expect_in_answer(rig, "\"code\":\"idempotency_key_required\"");
    for (int i = 0; i < 2; i++) { /* a repeat captures nothing more */
        expect_status(rig, 200, command(rig, capture, "c1", three));
        expect_in_answer(rig, "\"state\":\"part_captured\"");
        expect_in_answer(rig, "\"captured\":\"3.00\"");
    }
    expect_status(rig, 422, command(rig, capture, "c2", "{\"amount\":\"3\",\"asset\":\"JPY\"}"));
    expect_in_answer(rig, "\"code\":\"asset_mismatch\"");
    expect_status(rig, 422, command(rig, capture, "c3", "{\"amount\":\"7.01\",\"asset\":\"EUR\"}"));
    expect_in_answer(rig, "\"code\":\"amount_over_remainder\"");
    expect_status(rig, 200, command(rig, "/v1/payments/" P("d3") "/cancel", NULL, NULL));
    expect_in_answer(rig, "\"state\":\"captured\"");
    expect_status(rig, 422, command(rig, capture, "c4", "{\"amount\":\"all\"}"));
    expect_in_answer(rig, "\"code\":\"state_forbids\"");
    expect_net(rig, ANNA, "97.00");
    expect_net(rig, SHOP, "3.00");
    expect_status(rig, 422, command(rig, "/v1/payments/" P("d3") "/execute", NULL, NULL));
    expect_in_answer(rig, "\"code\":\"wrong_kind\"");
    expect_status(rig, 422, command(rig, "/v1/payments/" P("d3") "/refresh", NULL, NULL));
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments", NULL));
    expect_in_answer(rig, "{\"items\":[],");
}

static void a_merchant_payment_is_captured_in_parts_and_cancelled(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(merchant_body);
}

static void refund_body(struct rig *rig)
{
    wallets_make(rig);
    expect_status(rig, 201,
                  create(rig, "{\"id\":\"" P("d1") "\",\"kind\":\"wallet\"," FROM_ANNA
                                                   "\"to\":\"" SHOP "\",\"amount\":\"10\"}"));
    expect_status(rig, 422,
                  create(rig, "{\"id\":\"" P("e0") "\",\"kind\":\"refund\",\"payment\":\"" P(
                                  "d1") "\",\"asset\":\"JPY\",\"amount\":\"1\"}"));
    expect_in_answer(rig, "\"code\":\"asset_mismatch\"");
    expect_status(rig, 201,
                  create(rig, "{\"id\":\"" P("e1") "\",\"kind\":\"refund\",\"payment\":\"" P(
                                  "d1") "\",\"asset\":\"EUR\",\"amount\":\"4\"}"));
    expect_in_answer(rig, "\"payment\":\"" P("d1") "\"");
    expect_status(
        rig, 201,
        create(rig, "{\"id\":\"" P("e2") "\",\"kind\":\"refund\",\"payment\":\"" P("d1") "\"}"));
    expect_in_answer(rig, "\"amount\":\"6.00\"");
    expect_status(
        rig, 422,
        create(rig, "{\"id\":\"" P("e3") "\",\"kind\":\"refund\",\"payment\":\"" P("d1") "\"}"));
    expect_in_answer(rig, "\"code\":\"amount_over_refundable\"");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments/" P("d1"), NULL));
    expect_in_answer(rig, "\"refunded\":\"10.00\"");
    expect_net(rig, ANNA, "100.00");
}

static void refunds_are_at_most_what_was_taken(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(refund_body);
}

#define QUOTE(id, more)                                                                            \
    "{\"id\":\"" id "\",\"kind\":\"exchange\"," FROM_ANNA "\"to\":\"" ANNA_USD                     \
    "\",\"to_asset\":\"USD\",\"amount\":\"10\"" more "}"

static void exchange_body(struct rig *rig)
{
    wallets_make(rig);
    expect_status(rig, 422, create(rig, QUOTE(P("d4"), "")));
    expect_in_answer(rig, "\"code\":\"rate_not_found\"");
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/rates",
                           "{\"asset\":\"EUR\",\"to_asset\":\"USD\",\"rate\":\"0.003\"}"));
    expect_in_answer(rig, "\"rate\":\"0.003\",\"numerator\":3,\"denominator\":1000");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/rates", NULL));
    expect_in_answer(rig, "{\"items\":[{\"asset\":\"EUR\",\"to_asset\":\"USD\",\"rate\":\"0.003\"");
    expect_status(rig, 201, create(rig, QUOTE(P("d5"), "")));
    expect_in_answer(rig, "\"state\":\"quoted\"");
    /* 10.00 EUR are 3 cents; so are 10.00 - 0.00 */
    expect_in_answer(rig, "\"to_amount\":\"0.03\"");
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/rates",
                           "{\"asset\":\"EUR\",\"to_asset\":\"USD\",\"rate\":\"0.007\"}"));
    expect_status(rig, 200, command(rig, "/v1/payments/" P("d5") "/execute", NULL, NULL));
    expect_in_answer(rig, "\"rate\":\"0.003\"");
    expect_net(rig, ANNA_USD, "0.03");
    expect_status(rig, 201,
                  create(rig, "{\"id\":\"" P("d6") "\",\"kind\":\"exchange\"," FROM_ANNA
                                                   "\"to\":\"" ANNA_USD
                                                   "\",\"to_asset\":\"USD\",\"amount\":\"9.99\"}"));
    /* 999 cents at 7/1000 are 6 cents, for which 858 suffice */
    expect_in_answer(rig, "\"to_amount\":\"0.06\",\"residue\":\"1.41\"");
    expect_status(rig, 200, command(rig, "/v1/payments/" P("d6") "/cancel", NULL, NULL));
    expect_in_answer(rig, "\"state\":\"cancelled\"");
    expect_status(rig, 422, command(rig, "/v1/payments/" P("d6") "/execute", NULL, NULL));
    expect_status(rig, 201, create(rig, QUOTE(P("d7"), ",\"expires_in_s\":5")));
    rig->wall.offset_ns += 6 * NS_PER_S;
    expect_status(rig, 422, command(rig, "/v1/payments/" P("d7") "/execute", NULL, NULL));
    expect_in_answer(rig, "\"code\":\"payment_expired\"");
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/rates",
                           "{\"asset\":\"EUR\",\"to_asset\":\"USD\",\"rate\":\"0\"}"));
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/rates", NULL));
    expect_in_answer(rig, "{\"items\":[],");
}

static void an_exchange_is_quoted_and_carried_out_in_time(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(exchange_body);
}

#define PAY_IN(id, more)                                                                           \
    "{\"id\":\"" id "\",\"kind\":\"pay_in\"," FROM_ANNA                                            \
    "\"amount\":\"5\",\"method\":\"tok_1\"" more "}"

static void pay_in_body(struct rig *rig)
{
    wallets_make(rig);
    expect_status(rig, 400, create(rig, PAY_IN(P("d8"), "")));
    expect_in_answer(rig, "\"code\":\"psp_unknown\"");
    expect_in_answer(rig, "`tpwallet serve --psp NAME=URL`");
    expect_status(rig, 422, create(rig, PAY_IN(P("d8"), ",\"psp\":\"psp-2\"")));
    expect_in_answer(rig, "\"code\":\"chart_missing\"");
    expect_status(rig, 201, create(rig, PAY_IN(P("d9"), ",\"psp\":\"psp-1\"")));
    expect_in_answer(rig, "\"state\":\"pending\"");
    expect_in_answer(rig, "\"step\":\"charge\",\"step_number\":1,\"attempts\":0");
    expect_status(rig, 200, command(rig, "/v1/payments/" P("d9") "/refresh", NULL, NULL));
    expect_in_answer(rig, "\"version\":2");
    expect_status(rig, 422,
                  command(rig, "/v1/payments/" P("d9") "/resolve", NULL,
                          "{\"state\":\"failed\",\"reason\":\"no_reason\"}"));
    expect_in_answer(rig, "\"code\":\"state_forbids\"");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments/" P("d9"), NULL));
    expect_in_answer(rig, "\"state\":\"pending\"");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments?state=manual", NULL));
    expect_in_answer(rig, "{\"items\":[],");
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/payments?state=succeeded", NULL));
    expect_status(rig, 200, rig_send(rig, API_GET, "/metrics", NULL));
    expect_in_answer(rig, "tpwallet_payments_open{lane=\"0\",state=\"pending\"} 1\n");
    expect_in_answer(
        rig,
        "tpwallet_payment_commands_total{lane=\"0\",cause=\"create\",outcome=\"chart_missing\"} 1\n");
}

static void what_needs_a_psp_waits_for_it(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(pay_in_body);
}

static enum status choose(void *context, const struct payment *draft, char out_psp[PSP_NAME_SIZE])
{
    unsigned *asked = context;
    (*asked)++;
    if (draft->amount.minor != 500) return STATUS_NOT_FOUND;
    memcpy(out_psp, "psp-1", sizeof "psp-1");
    return STATUS_OK;
}

static unsigned chosen;

static void choice_body(struct rig *rig)
{
    wallets_make(rig);
    expect_status(rig, 201, create(rig, PAY_IN(P("d8"), "")));
    expect_in_answer(rig, "\"psp\":\"psp-1\"");
    expect_status(rig, 400,
                  create(rig, "{\"id\":\"" P("d9") "\",\"kind\":\"pay_in\"," FROM_ANNA
                                                   "\"amount\":\"6\",\"method\":\"tok_1\"}"));
    expect_in_answer(rig, "\"code\":\"psp_unknown\"");
    expect_status(rig, 422, create(rig, PAY_IN(P("da"), ",\"psp\":\"psp-2\"")));
    expect_status(rig, 201,
                  create(rig, "{\"id\":\"" P("db") "\",\"kind\":\"wallet\"," FROM_ANNA
                                                   "\"to\":\"" SHOP "\",\"amount\":\"6\"}"));
    assert_int_equal(chosen, 2); /* who names a PSP, or needs none, is not asked about */
}

static void the_server_chooses_when_the_caller_does_not(void **state)
{
    (void)state; /* the rig is the body's */
    const struct api_options options = {
        .workers = 2,
        .version = "0.0.0-test",
        .route_psp = choose,
        .payments_context = &chosen,
    };
    chosen = 0;
    rig_run_with(choice_body, &options);
}

static void pages_body(struct rig *rig)
{
    char next[64];
    char target[128];
    wallets_make(rig);
    for (int i = 0; i < 5; i++) {
        char body[300];
        int len = snprintf(
            body, sizeof body,
            "{\"id\":\"019ab000-0000-7000-8000-0000000000c%d\",\"kind\":\"merchant\"," FROM_ANNA
            "\"merchant\":\"" SHOP "\",\"amount\":\"1\"}",
            i);
        assert_true(len > 0 && (size_t)len < sizeof body);
        expect_status(rig, 201, create(rig, body));
    }
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/payments?limit=2", NULL));
    expect_in_answer(rig, P("c0"));
    expect_in_answer(rig, P("c1"));
    rig_cut(rig, "next", next, sizeof next);
    int len = snprintf(target, sizeof target, "/v1/payments?limit=2&cursor=%s&state=manual", next);
    assert_true(len > 0 && (size_t)len < sizeof target);
    expect_status(rig, 400, rig_send(rig, API_GET, target, NULL));
    expect_in_answer(rig, "\"code\":\"invalid_cursor\"");
    len = snprintf(target, sizeof target, "/v1/payments?limit=4&cursor=%s", next);
    assert_true(len > 0 && (size_t)len < sizeof target);
    expect_status(rig, 200, rig_send(rig, API_GET, target, NULL));
    expect_in_answer(rig, P("c2"));
    expect_in_answer(rig, P("c4"));
    assert_null(strstr(rig_answer(rig), P("c1")));
    assert_null(strstr(rig_answer(rig), "\"next\""));
}

static void open_payments_come_in_pages(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(pages_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wallet_payment_moves_once),
        cmocka_unit_test(refusals_say_why_and_burn_no_other_id),
        cmocka_unit_test(a_merchant_payment_is_captured_in_parts_and_cancelled),
        cmocka_unit_test(refunds_are_at_most_what_was_taken),
        cmocka_unit_test(an_exchange_is_quoted_and_carried_out_in_time),
        cmocka_unit_test(what_needs_a_psp_waits_for_it),
        cmocka_unit_test(the_server_chooses_when_the_caller_does_not),
        cmocka_unit_test(open_payments_come_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
