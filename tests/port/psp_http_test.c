/*
 * Goal: whatever a PSP's server does, the answer is one that money can be decided by; and what
 * is sent carries the key, our reference and nothing else's.
 * Method: both adapters over the real HTTP client to a server on loopback with one fault each.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/sandbox_psp.h"
#include "adapter/stripe_psp.h"
#include "tests/port/fault_server.h"
#include "tests/port/psp_rig.h"

#define KEY "0190a1b2-0000-7000-8000-00000000c3d4:2"
#define SANDBOX_DONE(amount, asset)                                                                \
    "{\"object\":\"ch_1\",\"reference\":\"" KEY "\",\"operation\":\"charge\",\"status\":\"done\"," \
    "\"amount\":\"" amount "\",\"asset\":\"" asset "\",\"reason\":\"\"}"
#define STRIPE_DONE(amount, currency)                                                              \
    "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"amount\":" amount                            \
    ",\"amount_received\":" amount ",\"currency\":\"" currency                                     \
    "\",\"status\":\"succeeded\",\"metadata\":{\"reference\":\"" KEY "\"}}"

enum { TEXT_SIZE = 4096 };

struct world {
    struct fault_server *server;
    struct psp_rig rig;
    struct psp_reply reply;
};

static void world_open(struct world *world, psp_open open, const struct server_options *options)
{
    memset(world, 0, sizeof *world);
    world->server = fault_server_open(options);
    const char *ca_file = fault_server_ca_file(world->server);
    psp_rig_open(&world->rig, open, fault_server_url(world->server),
                 ca_file[0] != '\0' ? ca_file : NULL);
}

static void world_close(struct world *world)
{
    psp_rig_close(&world->rig);
    fault_server_close(world->server);
}

static void charge(struct world *world)
{
    const struct psp_order order = psp_rig_order(PSP_CHARGE, "pm_card_visa", "");
    world->rig.psp->order(world->rig.psp, &order, &world->reply);
}

/* ---- Each fault, both PSPs ---- */

struct sample {
    const char *name;
    struct server_step step;
    enum server_certificate certificate;
    enum psp_answer answer;
    const char *reason;
};

static const struct sample faults[] = {
    { "expired", { 0 }, SERVER_EXPIRED, PSP_ANSWER_NOT_SENT, "not_trusted" },
    { "another name", { 0 }, SERVER_OTHER_NAME, PSP_ANSWER_NOT_SENT, "not_trusted" },
    { "closed", { .act = SERVER_HANGS_UP }, SERVER_PLAIN, PSP_ANSWER_UNKNOWN, "no_answer" },
    { "silent", { .act = SERVER_IS_SILENT }, SERVER_PLAIN, PSP_ANSWER_UNKNOWN, "no_answer" },
    { "slow", { .act = SERVER_TRICKLES }, SERVER_PLAIN, PSP_ANSWER_UNKNOWN, "no_answer" },
    { "no HTTP", { .act = SERVER_SAYS_GARBAGE }, SERVER_PLAIN, PSP_ANSWER_UNKNOWN, "no_answer" },
    { "no JSON", { .body = "<html>" }, SERVER_PLAIN, PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { "10 MiB", { .body_size = 10 << 20 }, SERVER_PLAIN, PSP_ANSWER_UNKNOWN, "answer_too_long" },
    { "500", { .status = 500 }, SERVER_PLAIN, PSP_ANSWER_UNKNOWN, "http_status" },
    { "redirect",
      { .status = 302, .header = "Location: /elsewhere\r\n" },
      SERVER_PLAIN,
      PSP_ANSWER_UNKNOWN,
      "http_status" },
    { "throttled",
      { .status = 429, .header = "Retry-After: 7\r\n" },
      SERVER_PLAIN,
      PSP_ANSWER_THROTTLED,
      "http_status" },
    { "401", { .status = 401 }, SERVER_PLAIN, PSP_ANSWER_NOT_SENT, "http_status" },
};

static void check_faults(psp_open open)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const struct sample *sample = &faults[i];
        const struct server_options options = { .steps = &sample->step,
                                                .step_count = 1,
                                                .certificate = sample->certificate };
        struct world world;
        world_open(&world, open, &options);
        charge(&world);
        if (world.reply.answer != sample->answer ||
            strcmp(world.reply.reason, sample->reason) != 0) {
            fail_msg("%s: %s '%s'", sample->name, psp_answer_name(world.reply.answer),
                     world.reply.reason);
        }
        assert_true(world.reply.duration_ms < 10000);
        assert_true(world.reply.at.ns > 0);
        assert_int_equal(world.reply.retry_after_ms,
                         sample->answer == PSP_ANSWER_THROTTLED ? 7000 : 0);
        world_close(&world);
    }
}

static void faults_of_the_sandbox_are_understood(void **state)
{
    (void)state;
    check_faults(sandbox_psp_open);
}

static void faults_of_stripe_are_understood(void **state)
{
    (void)state;
    check_faults(stripe_psp_open);
}

static void nobody_there_is_not_sent(void **state)
{
    (void)state;
    static const struct server_step step = { 0 };
    static const psp_open opens[] = { sandbox_psp_open, stripe_psp_open };
    for (size_t i = 0; i < 2; i++) {
        const struct server_options options = { .steps = &step, .step_count = 1 };
        struct world world;
        world_open(&world, opens[i], &options);
        fault_server_close(world.server);
        charge(&world);
        assert_int_equal(world.reply.answer, PSP_ANSWER_NOT_SENT);
        assert_string_equal(world.reply.reason, "no_connection");
        assert_int_equal(world.reply.http_status, 0);
        psp_rig_close(&world.rig);
    }
}

static void what_the_psp_says_was_moved_is_told(void **state)
{
    (void)state;
    static const struct {
        psp_open open;
        struct server_step step;
        uint32_t asset;
        uint64_t minor;
    } cases[] = {
        { sandbox_psp_open, { .body = SANDBOX_DONE("12.50", "EUR") }, 978, 1250 },
        { sandbox_psp_open, { .body = SANDBOX_DONE("12.51", "EUR") }, 978, 1251 },
        { sandbox_psp_open, { .body = SANDBOX_DONE("1250", "JPY") }, 392, 1250 },
        { stripe_psp_open, { .body = STRIPE_DONE("1250", "eur") }, 978, 1250 },
        { stripe_psp_open, { .body = STRIPE_DONE("1249", "eur") }, 978, 1249 },
        { stripe_psp_open, { .body = STRIPE_DONE("1250", "jpy") }, 392, 1250 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct server_options options = { .steps = &cases[i].step,
                                                .step_count = 1,
                                                .certificate = SERVER_TRUSTED };
        struct world world;
        world_open(&world, cases[i].open, &options);
        charge(&world);
        assert_int_equal(world.reply.answer, PSP_ANSWER_DONE);
        assert_int_equal(world.reply.http_status, 200);
        assert_int_equal(world.reply.asset, cases[i].asset);
        assert_true(world.reply.amount.minor == cases[i].minor);
        world_close(&world);
    }
}

/* ---- What is sent ---- */

static void assert_request(struct world *world, uint32_t number, const char *const *parts)
{
    char text[TEXT_SIZE];
    struct str request = fault_server_request(world->server, number);
    assert_true(request.len < sizeof text);
    memcpy(text, request.data, request.len);
    text[request.len] = '\0';
    for (; *parts != NULL; parts++) {
        if (strstr(text, *parts) == NULL) fail_msg("no '%s' in '%s'", *parts, text);
    }
}

static void requests_carry_key_reference_and_trace(void **state)
{
    (void)state;
    static const struct server_step step = { 0 };
    const struct server_options options = { .steps = &step, .step_count = 1 };
    struct world world;
    world_open(&world, stripe_psp_open, &options);
    charge(&world);
    static const char *const stripe[] = {
        "POST /v1/payment_intents HTTP/1.1\r\n",
        "\r\nAuthorization: Bearer sk_test_s3cret\r\n",
        "\r\nIdempotency-Key: " KEY "\r\n",
        "\r\nStripe-Version: " STRIPE_VERSION "\r\n",
        "\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        "\r\ntraceparent: 00-00000000000000010000000000000002-0000000000000003-00\r\n",
        "\r\n\r\namount=1250&currency=eur&payment_method=pm_card_visa",
        NULL,
    };
    assert_request(&world, 0, stripe);
    world_close(&world);
    world_open(&world, sandbox_psp_open, &options);
    charge(&world);
    struct psp_order order = psp_rig_order(PSP_CHARGE, "pm_card_visa", "");
    order.watched = true;
    world.rig.psp->query(world.rig.psp, &order, &world.reply);
    static const char *const sandbox[] = {
        "POST /orders HTTP/1.1\r\n",
        "\r\nAuthorization: Bearer sk_test_s3cret\r\n",
        "\r\nContent-Type: application/json\r\n",
        "\r\n\r\n{\"reference\":\"" KEY "\"",
        NULL,
    };
    static const char *const query[] = {
        "GET /orders/" KEY " HTTP/1.1\r\n",
        "\r\ntraceparent: 00-00000000000000010000000000000002-0000000000000003-01\r\n",
        NULL,
    };
    assert_request(&world, 0, sandbox);
    assert_request(&world, 1, query);
    world_close(&world);
}

static void what_cannot_be_said_is_not_sent(void **state)
{
    (void)state;
    static const struct server_step step = { 0 };
    const struct server_options options = { .steps = &step, .step_count = 1 };
    struct world world;
    struct psp_order order = psp_rig_order(PSP_CHARGE, "pm_card_visa", "");
    world_open(&world, stripe_psp_open, &options);
    order.asset = 414; /* KWD, of which the last of three decimals must be zero */
    order.amount = money_from_minor(5124);
    world.rig.psp->order(world.rig.psp, &order, &world.reply);
    assert_int_equal(world.reply.answer, PSP_ANSWER_INVALID);
    assert_string_equal(world.reply.reason, "not_representable");
    struct server_counts counts;
    fault_server_counts(world.server, &counts);
    assert_int_equal(counts.requests, 0);
    world_close(&world);
}

/* ---- Queries and statements ---- */

static void a_refund_is_looked_for_on_every_page(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        { .body = "{\"data\":[{\"id\":\"re_1\",\"object\":\"refund\"}],\"has_more\":true}" },
        { .body = "{\"data\":[{\"id\":\"re_2\",\"object\":\"refund\",\"amount\":1250,"
                  "\"currency\":\"eur\",\"status\":\"succeeded\",\"metadata\":{\"reference\":\"" KEY
                  "\"}}],\"has_more\":false}" },
        { .body = "{\"data\":[],\"has_more\":false}" },
        { .status = 500 },
    };
    const struct server_options options = { .steps = steps, .step_count = 4 };
    const struct psp_order order = psp_rig_order(PSP_REFUND, "", "pi_1");
    struct world world;
    world_open(&world, stripe_psp_open, &options);
    world.rig.psp->query(world.rig.psp, &order, &world.reply);
    assert_int_equal(world.reply.answer, PSP_ANSWER_DONE);
    assert_true(world.reply.query);
    assert_string_equal(world.reply.object, "re_2");
    static const char *const second[] = { "&starting_after=re_1 HTTP/1.1\r\n", NULL };
    assert_request(&world, 1, second);
    world.rig.psp->query(world.rig.psp, &order, &world.reply);
    assert_int_equal(world.reply.answer, PSP_ANSWER_NOT_FOUND);
    world.rig.psp->query(world.rig.psp, &order, &world.reply);
    assert_int_equal(world.reply.answer, PSP_ANSWER_UNKNOWN);
    world_close(&world);
}

#define HEAD "id,reference,object,kind,asset,gross,fee,net,at\n"
#define LINE(id) id ",,ch_1,charge,EUR,12.50,0.44,12.06,2026-11-23T06:14:50Z\n"

static void statements_of_the_sandbox_are_read(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        { .status = 404, .body = "{\"error\":{\"code\":\"statement_not_ready\"}}" },
        { .body = HEAD LINE("ln_1") LINE("ln_2") },
        { .body = HEAD LINE("ln_1") LINE("ln_2") "half a l" },
        { .status = 404, .body = "{\"error\":{\"code\":\"route_not_found\"}}" },
        { .act = SERVER_HANGS_UP },
        { .body_size = 1 << 20 },
    };
    static const enum status expected[] = {
        STATUS_NOT_FOUND,   STATUS_OK,          STATUS_INVALID,
        STATUS_UNAVAILABLE, STATUS_UNAVAILABLE, STATUS_INVALID
    };
    enum { STEPS = sizeof steps / sizeof steps[0], LIMIT = 5 };
    const struct server_options options = { .steps = steps, .step_count = STEPS };
    struct world world;
    world_open(&world, sandbox_psp_open, &options);
    for (size_t i = 0; i < STEPS; i++) {
        const struct psp_part part = { .day = { 20415 }, .from = 7, .limit = LIMIT };
        struct psp_line lines[LIMIT];
        uint32_t count = 77;
        struct error error = { 0 };
        struct psp *psp = world.rig.psp;
        assert_int_equal(psp->statement(psp, &part, lines, &count, &error), expected[i]);
        assert_int_equal(count, expected[i] == STATUS_OK ? 2 : 77);
    }
    static const char *const request[] = { "GET /statements/2025-11-23?from=7&limit=5 HTTP/1.1",
                                           NULL };
    assert_request(&world, 0, request);
    world_close(&world);
}

#define TRANSACTION(id)                                                                            \
    "{\"id\":\"" id                                                                                \
    "\",\"type\":\"charge\",\"amount\":10,\"fee\":0,\"net\":10,\"currency\":\"eur\","              \
    "\"created\":1700000000,\"source\":{\"id\":\"ch_1\",\"object\":\"charge\"}}"

static void statements_of_stripe_are_read_from_where_they_stood(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        { .body = "{\"data\":[" TRANSACTION("a") "," TRANSACTION("b") "],\"has_more\":true}" },
        { .body = "{\"data\":[" TRANSACTION("c") "," TRANSACTION("d") "],\"has_more\":true}" },
        { .body = "{\"data\":[" TRANSACTION("d") "],\"has_more\":false}" },
    };
    const struct server_options options = { .steps = steps, .step_count = 3 };
    struct world world;
    struct psp_line lines[3];
    struct error error;
    uint32_t count = 0;
    world_open(&world, stripe_psp_open, &options);
    struct psp *psp = world.rig.psp;
    struct psp_part part = { .day = { 19675 }, .from = 0, .limit = 3 };
    assert_int_equal(psp->statement(psp, &part, lines, &count, &error), STATUS_OK);
    assert_int_equal(count, 3);
    assert_string_equal(lines[2].id, "c");
    part.from = 3;
    assert_int_equal(psp->statement(psp, &part, lines, &count, &error), STATUS_OK);
    assert_int_equal(count, 1);
    assert_string_equal(lines[0].id, "d");
    static const char *const second[] = { "starting_after=b HTTP", NULL };
    static const char *const third[] = { "starting_after=c HTTP", NULL };
    assert_request(&world, 1, second);
    assert_request(&world, 2, third); /* the first lines are not read again */
    part.day.days = BUSINESS_DATE_DAYS_MAX;
    assert_int_equal(psp->statement(psp, &part, lines, &count, &error), STATUS_NOT_FOUND);
    world_close(&world);
}

static void options_that_make_no_psp_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "", "Stripe", "a b", "a234567890123456" };
    static const char *const urls[] = { "", "ftp://x", "localhost:1" };
    static const struct server_step step = { 0 };
    const struct server_options server = { .steps = &step, .step_count = 1 };
    struct world world;
    struct psp *psp = NULL;
    struct error error;
    world_open(&world, stripe_psp_open, &server);
    struct psp_options options = { .name = "stripe",
                                   .url = "http://localhost",
                                   .key = &world.rig.key,
                                   .http = world.rig.http,
                                   .clock = (struct clock *)&world };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        options.name = names[i];
        assert_int_equal(stripe_psp_open(&options, &psp, &error), STATUS_INVALID);
    }
    options.name = "stripe";
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        options.url = urls[i];
        assert_int_equal(sandbox_psp_open(&options, &psp, &error), STATUS_INVALID);
    }
    assert_null(psp);
    world_close(&world);
}

static int pipe_breaks_are_errors(void **state)
{
    (void)state;
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_the_sandbox_are_understood),
        cmocka_unit_test(faults_of_stripe_are_understood),
        cmocka_unit_test(nobody_there_is_not_sent),
        cmocka_unit_test(what_the_psp_says_was_moved_is_told),
        cmocka_unit_test(requests_carry_key_reference_and_trace),
        cmocka_unit_test(what_cannot_be_said_is_not_sent),
        cmocka_unit_test(a_refund_is_looked_for_on_every_page),
        cmocka_unit_test(statements_of_the_sandbox_are_read),
        cmocka_unit_test(statements_of_stripe_are_read_from_where_they_stood),
        cmocka_unit_test(options_that_make_no_psp_are_refused),
    };
    return cmocka_run_group_tests(tests, pipe_breaks_are_errors, NULL);
}
