/*
 * Goal: a body that is in order becomes exactly the command it says, and every other one is refused
 * with a code, a place and, where there is one, the limit.
 * Method: tables of bodies by class of fault with the code and JSON Pointer expected; one body of
 * every kind that uses every field it may have; a whole body cut at every byte.
 */
#include "api/payments_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ID1 "019ab000-0000-7000-8000-000000000001"
#define ID2 "019ab000-0000-7000-8000-000000000002"
#define ID3 "019ab000-0000-7000-8000-000000000003"
#define WALLET "\"kind\":\"wallet\",\"wallet\":\"" ID1 "\",\"to\":\"" ID2 "\""
#define EUR "\"asset\":\"EUR\",\"amount\":\"12.50\""
#define PAY_IN "\"kind\":\"pay_in\",\"wallet\":\"" ID1 "\"," EUR

enum { NOW_S = 1000 };

typedef bool parse_function(const struct payment_input *input, struct payment_command *out_command,
                            struct problem *out_problem);

struct attempt {
    struct payment_command command;
    struct admin admin;
    struct problem problem;
    bool taken;
};

static enum status iso_by_code(void *context, struct str code, struct asset *out_asset)
{
    (void)context; /* the table is a constant */
    const struct asset *asset = asset_iso_by_code(code);
    if (asset == NULL) return STATUS_NOT_FOUND;
    *out_asset = *asset;
    return STATUS_OK;
}

/* Parses a copy of exactly the text's size, so that reading past it is found. NULL: as a rate. */
static struct attempt attempt(parse_function *parse, struct str text)
{
    struct attempt attempt = { 0 };
    struct asset_source assets = { .by_code = iso_by_code };
    struct arena scratch;
    assert_int_equal(arena_init(&scratch, BODY_SCRATCH_SIZE), STATUS_OK);
    char *copy = malloc(text.len + (text.len == 0));
    assert_non_null(copy);
    if (text.len > 0) memcpy(copy, text.data, text.len);
    const struct payment_input input = {
        .text = { copy, text.len },
        .assets = &assets,
        .scratch = &scratch,
        .now = { NOW_S * NS_PER_S },
    };
    attempt.taken = parse == NULL ? rate_set_parse(&input, &attempt.admin, &attempt.problem)
                                  : parse(&input, &attempt.command, &attempt.problem);
    assert_int_equal(attempt.taken, !problem_is_set(&attempt.problem));
    free(copy);
    arena_done(&scratch);
    return attempt;
}

static struct attempt taken(parse_function *parse, const char *text)
{
    struct attempt made = attempt(parse, str_from(text));
    if (!made.taken) fail_msg("%s: %s %s", text, made.problem.code, made.problem.detail);
    return made;
}

static struct uuid id_of(const char *text)
{
    struct uuid id;
    assert_int_equal(uuid_parse(str_from(text), &id), STATUS_OK);
    return id;
}

static void every_field_is_taken(void **state)
{
    (void)state; /* no fixture is needed */
    struct attempt made =
        taken(payment_create_parse,
              "{\"id\":\"" ID3 "\",\"kind\":\"merchant\",\"amount\":\"12.5\",\"asset\":\"EUR\","
              "\"wallet\":\"" ID1 "\",\"merchant\":\"" ID2 "\",\"expires_in_s\":60,\"code\":5411,"
              "\"user_ref\":\"" ID3 "\"}");
    const struct payment *draft = &made.command.draft;
    assert_int_equal(made.command.cause, PAYMENT_CAUSE_CREATE);
    assert_int_equal(draft->kind, PAYMENT_MERCHANT);
    assert_true(money_equal(draft->amount, money_from_minor(1250)));
    assert_int_equal(draft->asset, 978);
    assert_true(uuid_equal(draft->id.value, id_of(ID3)));
    assert_true(uuid_equal(draft->wallet.value, id_of(ID1)));
    assert_true(uuid_equal(draft->counter.value, id_of(ID2)));
    assert_true(uuid_equal(draft->user_ref, id_of(ID3)));
    assert_int_equal(draft->expires_at.ns, (NOW_S + 60) * NS_PER_S);
    assert_int_equal(draft->code, 5411);
    made = taken(payment_create_parse, "{" PAY_IN ",\"method\":\"tok_1\",\"psp\":\"psp-2\"}");
    assert_string_equal(made.command.draft.method, "tok_1");
    assert_string_equal(made.command.draft.psp, "psp-2");
    made = taken(payment_create_parse, "{\"kind\":\"exchange\",\"wallet\":\"" ID1 "\",\"to\":\"" ID2
                                       "\"," EUR ",\"to_asset\":\"JPY\"}");
    assert_int_equal(made.command.draft.counter_asset, 392);
    assert_int_equal(made.command.draft.expires_at.ns, 0);
}

static void amounts_of_refunds_and_captures_may_be_all(void **state)
{
    (void)state; /* no fixture is needed */
    struct attempt made =
        taken(payment_create_parse, "{\"kind\":\"refund\",\"payment\":\"" ID1 "\"}");
    assert_true(money_equal(made.command.draft.amount, MONEY_MAX));
    assert_int_equal(made.command.draft.asset, 0);
    assert_true(uuid_equal(made.command.draft.parent.value, id_of(ID1)));
    made = taken(payment_create_parse,
                 "{\"kind\":\"refund\",\"payment\":\"" ID1 "\",\"amount\":\"all\"}");
    assert_true(money_equal(made.command.draft.amount, MONEY_MAX));
    made = taken(payment_create_parse, "{\"kind\":\"refund\",\"payment\":\"" ID1 "\"," EUR "}");
    assert_true(money_equal(made.command.draft.amount, money_from_minor(1250)));
    assert_int_equal(made.command.draft.asset, 978);
    made = taken(payment_capture_parse, "{\"amount\":\"all\"}");
    assert_true(money_equal(made.command.amount, MONEY_MAX));
    assert_false(made.command.last);
    made = taken(payment_capture_parse, "{" EUR ",\"last\":true}");
    assert_true(money_equal(made.command.amount, money_from_minor(1250)));
    assert_int_equal(made.command.draft.asset, 978);
    assert_true(made.command.last);
}

static void a_person_names_state_and_reason(void **state)
{
    (void)state; /* no fixture is needed */
    struct attempt made =
        taken(payment_resolve_parse, "{\"state\":\"failed\",\"reason\":\"psp_says_no_1\"}");
    assert_int_equal(made.command.cause, PAYMENT_CAUSE_RESOLVE);
    assert_int_equal(made.command.state, PAYMENT_STATE_FAILED);
    assert_string_equal(made.command.reason, "psp_says_no_1");
}

static void a_rate_is_of_minor_units(void **state)
{
    (void)state; /* no fixture is needed */
    struct attempt made =
        taken(NULL, "{\"asset\":\"EUR\",\"to_asset\":\"JPY\",\"rate\":\"161.25\"}");
    assert_int_equal(made.admin.kind, ADMIN_RATE_SET);
    assert_int_equal(made.admin.rate.numerator, 129);
    assert_int_equal(made.admin.rate.denominator, 80);
    assert_int_equal(made.admin.rate.asset, 978);
    assert_int_equal(made.admin.rate.counter_asset, 392);
}

struct refusal {
    parse_function *parse;
    const char *text;
    const char *code;
    const char *field;
    uint64_t limit;
};

static void expect_refusals(const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct attempt made = attempt(rows[i].parse, str_from(rows[i].text));
        if (made.taken) fail_msg("taken: %s", rows[i].text);
        if (strcmp(made.problem.code, rows[i].code) != 0 ||
            strcmp(made.problem.field, rows[i].field) != 0)
            fail_msg("%s: %s at %s (%s)", rows[i].text, made.problem.code, made.problem.field,
                     made.problem.detail);
        bool exponent = strcmp(rows[i].code, "wrong_exponent") == 0; /* of JPY it is 0 */
        assert_int_equal(made.problem.has_limit, exponent || rows[i].limit != 0);
        if (made.problem.has_limit) assert_int_equal(made.problem.limit, rows[i].limit);
    }
}

static void wrong_payments_are_refused_at_their_place(void **state)
{
#define CREATE payment_create_parse
    static const struct refusal rows[] = {
        { CREATE, "{}", "missing_field", "/kind", 0 },
        { CREATE, "[]", "wrong_type", "", 0 },
        { CREATE, "{\"kind\":\"gift\"}", "invalid_value", "/kind", 0 },
        { CREATE, "{\"kind\":\"chargeback\"}", "invalid_value", "/kind", 0 },
        { CREATE, "{" WALLET "}", "missing_field", "/amount", 0 },
        { CREATE, "{" WALLET ",\"amount\":\"1\"}", "missing_field", "/asset", 0 },
        { CREATE, "{" WALLET "," EUR ",\"colour\":1}", "unknown_field", "/colour", 0 },
        { CREATE, "{" WALLET "," EUR ",\"last\":true}", "unknown_field", "/last", 0 },
        { CREATE, "{" WALLET "," EUR "," EUR "}", "duplicate_field", "/asset", 0 },
        { CREATE, "{" WALLET ",\"asset\":\"ZZZ\",\"amount\":\"1\"}", "unknown_asset", "/asset", 0 },
        { CREATE, "{" WALLET ",\"asset\":\"EUR\",\"amount\":\"1.234\"}", "wrong_exponent",
          "/amount", 2 },
        { CREATE, "{" WALLET ",\"asset\":\"JPY\",\"amount\":\"1.5\"}", "wrong_exponent", "/amount",
          0 },
        { CREATE, "{" WALLET ",\"asset\":\"KWD\",\"amount\":\"1.2345\"}", "wrong_exponent",
          "/amount", 3 },
        { CREATE, "{" WALLET ",\"asset\":\"EUR\",\"amount\":1}", "wrong_type", "/amount", 0 },
        { CREATE, "{" WALLET ",\"asset\":\"EUR\",\"amount\":\"0\"}", "invalid_value", "/amount",
          0 },
        { CREATE, "{" WALLET ",\"asset\":\"EUR\",\"amount\":\"-1\"}", "invalid_value", "/amount",
          0 },
        { CREATE, "{" WALLET ",\"asset\":\"EUR\",\"amount\":\"all\"}", "invalid_value", "/amount",
          (uint64_t)PAYMENT_AMOUNT_MAX },
        { CREATE, "{" WALLET ",\"asset\":\"EUR\",\"amount\":\"10000000000000000\"}",
          "invalid_value", "/amount", (uint64_t)PAYMENT_AMOUNT_MAX },
    };
    (void)state; /* no fixture is needed */
    expect_refusals(rows, sizeof rows / sizeof rows[0]);
}

static void wrong_accounts_and_methods_are_refused_at_their_place(void **state)
{
    static const struct refusal rows[] = {
        { CREATE, "{\"kind\":\"wallet\",\"wallet\":\"" ID1 "\"," EUR "}", "missing_field", "/to",
          0 },
        { CREATE, "{\"kind\":\"wallet\",\"wallet\":\"" ID1 "\",\"to\":\"" ID1 "\"," EUR "}",
          "invalid_value", "/to", 0 },
        { CREATE, "{\"kind\":\"wallet\",\"wallet\":\"" ID1 "\",\"merchant\":\"" ID2 "\"," EUR "}",
          "invalid_value", "/merchant", 0 },
        { CREATE, "{\"kind\":\"merchant\",\"wallet\":\"" ID1 "\",\"to\":\"" ID2 "\"," EUR "}",
          "invalid_value", "/to", 0 },
        { CREATE, "{\"kind\":\"merchant\",\"wallet\":\"" ID1 "\"," EUR "}", "missing_field",
          "/merchant", 0 },
        { CREATE, "{" PAY_IN "}", "missing_field", "/method", 0 },
        { CREATE, "{" PAY_IN ",\"method\":\"4242424242424242\"}", "invalid_value", "/method", 0 },
        { CREATE, "{" PAY_IN ",\"method\":\"4242-4242-4242-4242\"}", "invalid_value", "/method",
          0 },
        { CREATE, "{" PAY_IN ",\"method\":\"\"}", "invalid_value", "/method", 0 },
        { CREATE, "{" PAY_IN ",\"method\":\"a b\"}", "invalid_value", "/method", 0 },
        { CREATE, "{" PAY_IN ",\"method\":\"t\",\"psp\":\"Stripe\"}", "invalid_value", "/psp", 0 },
        { CREATE, "{" PAY_IN ",\"method\":\"t\",\"psp\":\"a234567890123456\"}", "invalid_value",
          "/psp", 0 },
        { CREATE, "{" PAY_IN ",\"method\":\"t\",\"expires_in_s\":5}", "invalid_value",
          "/expires_in_s", 0 },
        { CREATE, "{" WALLET "," EUR ",\"psp\":\"sandbox\"}", "invalid_value", "/psp", 0 },
        { CREATE, "{" WALLET "," EUR ",\"method\":\"t\"}", "invalid_value", "/method", 0 },
        { CREATE, "{" WALLET "," EUR ",\"to_asset\":\"USD\"}", "invalid_value", "/to_asset", 0 },
        { CREATE, "{" WALLET "," EUR ",\"payment\":\"" ID3 "\"}", "invalid_value", "/payment", 0 },
        { CREATE, "{" WALLET "," EUR ",\"expires_in_s\":0}", "invalid_value", "/expires_in_s",
          PAYMENT_EXPIRES_S_MAX },
        { CREATE, "{\"kind\":\"exchange\",\"wallet\":\"" ID1 "\",\"to\":\"" ID2 "\"," EUR "}",
          "missing_field", "/to_asset", 0 },
        { CREATE,
          "{\"kind\":\"exchange\",\"wallet\":\"" ID1 "\",\"to\":\"" ID2 "\"," EUR
          ",\"to_asset\":\"EUR\"}",
          "invalid_value", "/to_asset", 0 },
        { CREATE, "{\"kind\":\"refund\"}", "missing_field", "/payment", 0 },
        { CREATE, "{\"kind\":\"refund\",\"payment\":\"" ID1 "\",\"amount\":\"1\"}", "missing_field",
          "/asset", 0 },
        { CREATE, "{\"kind\":\"refund\",\"payment\":\"" ID1 "\",\"wallet\":\"" ID2 "\"}",
          "invalid_value", "/wallet", 0 },
    };
#undef CREATE
    (void)state; /* no fixture is needed */
    expect_refusals(rows, sizeof rows / sizeof rows[0]);
}

static void wrong_commands_and_rates_are_refused_at_their_place(void **state)
{
    static const struct refusal rows[] = {
        { payment_capture_parse, "{}", "missing_field", "/amount", 0 },
        { payment_capture_parse, "{\"amount\":\"1\"}", "missing_field", "/asset", 0 },
        { payment_capture_parse, "{" EUR ",\"kind\":\"wallet\"}", "unknown_field", "/kind", 0 },
        { payment_capture_parse, "{" EUR ",\"last\":1}", "wrong_type", "/last", 0 },
        { payment_resolve_parse, "{\"state\":\"failed\"}", "missing_field", "/reason", 0 },
        { payment_resolve_parse, "{\"reason\":\"x\"}", "missing_field", "/state", 0 },
        { payment_resolve_parse, "{\"state\":\"captured\",\"reason\":\"x\"}", "invalid_value",
          "/state", 0 },
        { payment_resolve_parse, "{\"state\":\"failed\",\"reason\":\"Not so\"}", "invalid_value",
          "/reason", 0 },
        { payment_resolve_parse, "{\"state\":\"failed\",\"reason\":\"\"}", "invalid_value",
          "/reason", 0 },
        { NULL, "{\"asset\":\"EUR\",\"to_asset\":\"USD\"}", "missing_field", "/rate", 0 },
        { NULL, "{\"asset\":\"EUR\",\"to_asset\":\"ZZZ\",\"rate\":\"1\"}", "unknown_asset",
          "/to_asset", 0 },
        { NULL, "{\"asset\":\"EUR\",\"to_asset\":\"EUR\",\"rate\":\"1\"}", "invalid_value",
          "/to_asset", 0 },
        { NULL, "{\"asset\":\"EUR\",\"to_asset\":\"USD\",\"rate\":\"1e3\"}", "invalid_value",
          "/rate", 0 },
        { NULL, "{\"asset\":\"EUR\",\"to_asset\":\"USD\",\"rate\":1.5}", "wrong_type", "/rate", 0 },
        { NULL, "{\"asset\":\"EUR\",\"to_asset\":\"USD\",\"rate\":\"99999999999999999999\"}",
          "invalid_value", "/rate", 0 },
    };
    (void)state; /* no fixture is needed */
    expect_refusals(rows, sizeof rows / sizeof rows[0]);
}

static void a_card_number_is_never_repeated(void **state)
{
    (void)state; /* no fixture is needed */
    struct attempt made =
        attempt(payment_create_parse, str_from("{" PAY_IN ",\"method\":\"4242424242424242\"}"));
    assert_null(strstr(made.problem.detail, "4242"));
    assert_null(strstr(made.problem.field, "4242"));
}

static void a_body_that_is_cut_is_refused(void **state)
{
    static const char whole[] = "{" PAY_IN ",\"method\":\"tok_\\u0031\",\"code\":7}";
    (void)state; /* no fixture is needed */
    assert_true(attempt(payment_create_parse, STR(whole)).taken);
    for (size_t len = 0; len + 1 < sizeof whole - 1; len++) {
        struct attempt made = attempt(payment_create_parse, (struct str){ whole, len });
        assert_false(made.taken);
        assert_string_equal(made.problem.code, "malformed_json");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_taken),
        cmocka_unit_test(amounts_of_refunds_and_captures_may_be_all),
        cmocka_unit_test(a_person_names_state_and_reason),
        cmocka_unit_test(a_rate_is_of_minor_units),
        cmocka_unit_test(wrong_payments_are_refused_at_their_place),
        cmocka_unit_test(wrong_accounts_and_methods_are_refused_at_their_place),
        cmocka_unit_test(wrong_commands_and_rates_are_refused_at_their_place),
        cmocka_unit_test(a_card_number_is_never_repeated),
        cmocka_unit_test(a_body_that_is_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
