/*
 * Goal: each operation does what api/openapi.yaml says of it, from the request's bytes to the
 * answer's: routing, keys and scopes, ids and idempotency, outcomes, lists, history, traces.
 * Method: the api over the real lane in a simulated world, one operation after the other by the
 * local operator or with keys; answers are compared by status, code and what they must hold.
 */
#include "api/api_test.h"

/* ---- Transfers ---- */

static void transfer_body(struct rig *rig)
{
    people_make(rig);
    expect_in_answer(rig, "\"outcome\":\"ok\",\"amount\":\"100.00\",\"asset\":\"EUR\"");
    expect_in_answer(rig, "\"repeated\":false");
    assert_null(rig_header(rig, "Idempotent-Replayed"));
    expect_net(rig, ANNA, "100.00");
    expect_net(rig, BANK, "-100.00");
}

static void a_transfer_moves_money(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(transfer_body);
}

#define TILL(kind)                                                                                 \
    "{\"id\":\"019ab000-0000-7000-8000-000000000051\",\"asset\":\"EUR\",\"kind\":\"" kind "\"}"

static void account_repeat_body(struct rig *rig)
{
    char position[32];
    char again[32];
    people_make(rig);
    expect_status(rig, 201, rig_send(rig, API_POST, "/v1/accounts", TILL("asset")));
    rig_cut(rig, "position", position, sizeof position);
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("02", ANNA, BEN, "1")));
    expect_status(rig, 200, rig_send(rig, API_POST, "/v1/accounts", TILL("asset")));
    expect_in_answer(rig, "\"repeated\":true");
    rig_cut(rig, "position", again, sizeof again);
    assert_string_equal(position, again);
    expect_status(rig, 409, rig_send(rig, API_POST, "/v1/accounts", TILL("income")));
    expect_in_answer(rig, "\"code\":\"id_conflict\"");
    rig_cut(rig, "position", again, sizeof again);
    assert_string_equal(position, again);
}

static void a_repeated_account_is_told_where_it_was_made(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(account_repeat_body);
}

static void repeat_body(struct rig *rig)
{
    people_make(rig);
    char position[32];
    char again[32];
    rig_cut(rig, "position", position, sizeof position);
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("01", BANK, ANNA, "100")));
    rig_cut(rig, "position", again, sizeof again);
    assert_string_equal(position, again);
    assert_string_equal(rig_header(rig, "Idempotent-Replayed"), "true");
    expect_status(rig, 409,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("01", BANK, ANNA, "101")));
    expect_in_answer(rig, "\"code\":\"id_conflict\"");
    expect_net(rig, ANNA, "100.00");
}

static void a_repeat_is_told_the_same_and_other_content_is_a_conflict(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(repeat_body);
}

static void refusal_body(struct rig *rig)
{
    people_make(rig);
    for (int i = 0; i < 2; i++) {
        expect_status(rig, 422,
                      rig_send(rig, API_POST, "/v1/transfers", TRANSFER("02", ANNA, BEN, "500")));
        assert_string_equal(rig->call.answer_type, "application/problem+json");
        expect_in_answer(rig, "\"code\":\"debits_exceed_credits\"");
        expect_in_answer(rig, "\"type\":\"urn:tpwallet:problem:debits_exceed_credits\"");
        expect_in_answer(rig, "\"id\":\"019ab000-0000-7000-8000-000000000102\"");
        expect_in_answer(rig, "\"position\":\"");
        expect_in_answer(rig, "\"trace_id\":\"");
        expect_in_answer(rig, i == 0 ? "\"repeated\":false" : "\"repeated\":true");
        /* Money that comes later does not change what this id came to. */
        expect_status(rig, i == 0 ? 201 : 200,
                      rig_send(rig, API_POST, "/v1/transfers", TRANSFER("03", BANK, ANNA, "900")));
    }
    expect_net(rig, BEN, "0.00");
}

static void a_refusal_is_a_problem_and_stays_one(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(refusal_body);
}

static void array_body(struct rig *rig)
{
    people_make(rig);
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "[" TRANSFER("11", ANNA, BEN, "10") "," TRANSFER(
                               "12", ANNA, BEN, "999") "," TRANSFER("13", ANNA, BEN, "5.5") "]"));
    expect_in_answer(rig, "{\"results\":[{\"id\":\"019ab000-0000-7000-8000-000000000111\"");
    expect_in_answer(rig, "\"outcome\":\"debits_exceed_credits\",\"position\"");
    expect_net(rig, BEN, "15.50");
    assert_null(rig_header(rig, "Idempotent-Replayed"));
    expect_status(
        rig, 200,
        rig_send(rig, API_POST, "/v1/transfers",
                 "[" TRANSFER("11", ANNA, BEN, "10") "," TRANSFER("12", ANNA, BEN, "999") "]"));
    assert_string_equal(rig_header(rig, "Idempotent-Replayed"), "true");
}

static void an_array_has_an_outcome_each(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(array_body);
}

static void malformed_body(struct rig *rig)
{
    people_make(rig);
    expect_status(
        rig, 400,
        rig_send(rig, API_POST, "/v1/transfers",
                 "[" TRANSFER("21", ANNA, BEN, "10") "," TRANSFER("22", ANNA, BEN, "0.001") "]"));
    expect_in_answer(rig, "\"code\":\"wrong_exponent\"");
    expect_in_answer(rig, "\"field\":\"/1/amount\",\"limit\":2");
    expect_net(rig, BEN, "0.00");
}

static void one_bad_item_refuses_the_whole_request(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(malformed_body);
}

static void stream_body(struct rig *rig)
{
    people_make(rig);
    rig->call.content_type = STR("application/x-ndjson");
    struct str lines =
        STR(TRANSFER("31", ANNA, BEN, "1") "\n" TRANSFER("32", ANNA, BEN, "999") "\n");
    expect_status(rig, 200, rig_send_bytes(rig, API_POST, "/v1/transfers", lines));
    assert_string_equal(rig->call.answer_type, "application/x-ndjson");
    const char *answer = rig_answer(rig);
    const char *feed = strchr(answer, '\n');
    assert_non_null(feed);
    assert_non_null(strstr(feed, "debits_exceed_credits"));
    assert_int_equal(answer[strlen(answer) - 1], '\n');
    expect_net(rig, BEN, "1.00");
}

static void a_stream_is_answered_a_line_each(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(stream_body);
}

static void records_body(struct rig *rig)
{
    people_make(rig);
    struct transfer records[2];
    memset(records, 0, sizeof records);
    for (unsigned i = 0; i < 2; i++) {
        records[i].id.value = (struct uuid){ .hi = 7, .lo = 100 + i };
        assert_int_equal(uuid_parse(STR(ANNA), &records[i].debit.value), STATUS_OK);
        assert_int_equal(uuid_parse(STR(BEN), &records[i].credit.value), STATUS_OK);
        records[i].amount = money_from_minor(i == 0 ? 250 : 1000000);
        records[i].asset = 978;
        records[i].kind = TRANSFER_DIRECT;
    }
    rig->call.content_type = STR("application/vnd.tpwallet.transfers");
    struct str bytes = { (const char *)records, sizeof records };
    expect_status(rig, 200, rig_send_bytes(rig, API_POST, "/v1/transfers", bytes));
    assert_string_equal(rig->call.answer_type, "application/vnd.tpwallet.transfer-results");
    assert_int_equal(rig->call.answer.len, 128);
    const uint8_t *answer = rig->call.answer.data;
    assert_memory_equal(answer, &records[0].id, 16);
    assert_int_equal(answer[16], 250);
    assert_int_equal(answer[56], OUTCOME_OK);
    assert_int_equal(answer[64 + 56], OUTCOME_DEBITS_EXCEED_CREDITS);
    expect_net(rig, BEN, "2.50");
}

static void records_are_answered_by_records(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(records_body);
}

static void hold_body(struct rig *rig)
{
    people_make(rig);
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "{\"id\":\"019ab000-0000-7000-8000-000000000141\",\"kind\":\"hold\","
                           "\"debit\":\"" ANNA "\",\"credit\":\"" BEN
                           "\",\"asset\":\"EUR\",\"amount\":\"40\",\"timeout_s\":3600}"));
    static const char hold[] = "/v1/transfers/019ab000-0000-7000-8000-000000000141";
    expect_status(rig, 200, rig_send(rig, API_GET, hold, NULL));
    expect_in_answer(rig, "\"hold\":{\"state\":\"open\"}");
    expect_in_answer(rig, "\"timeout_s\":3600");
    expect_status(rig, 422,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "{\"id\":\"019ab000-0000-7000-8000-000000000142\",\"kind\":\"post\","
                           "\"target\":\"019ab000-0000-7000-8000-000000000141\","
                           "\"asset\":\"JPY\",\"amount\":\"3000\"}"));
    expect_in_answer(rig, "\"code\":\"asset_mismatch\"");
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "{\"id\":\"019ab000-0000-7000-8000-000000000143\",\"kind\":\"post\","
                           "\"target\":\"019ab000-0000-7000-8000-000000000141\","
                           "\"asset\":\"EUR\",\"amount\":\"30\"}"));
    expect_status(rig, 200, rig_send(rig, API_GET, hold, NULL));
    expect_in_answer(rig, "\"hold\":{\"state\":\"posted\",\"closed_by\":"
                          "\"019ab000-0000-7000-8000-000000000143\"");
    expect_status(
        rig, 200,
        rig_send(rig, API_GET, "/v1/transfers/019ab000-0000-7000-8000-000000000143", NULL));
    expect_in_answer(rig, "\"kind\":\"post\"");
    expect_in_answer(rig, "\"amount\":\"30.00\"");
    expect_in_answer(rig, "\"released\":\"40.00\"");
    expect_net(rig, BEN, "30.00");
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "{\"id\":\"019ab000-0000-7000-8000-000000000144\",\"kind\":\"reversal\","
                           "\"target\":\"019ab000-0000-7000-8000-000000000143\"}"));
    expect_in_answer(rig, "\"amount\":\"30.00\",\"asset\":\"EUR\"");
    expect_net(rig, BEN, "0.00");
    expect_status(
        rig, 200,
        rig_send(rig, API_GET, "/v1/transfers/019ab000-0000-7000-8000-000000000143", NULL));
    expect_in_answer(rig, "\"reversed\":\"30.00\"");
}

static void a_hold_is_posted_and_tells_its_story(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(hold_body);
}

/* ---- Idempotency ---- */

static void key_body(struct rig *rig)
{
    static const char body[] =
        "{\"debit\":\"" BANK "\",\"credit\":\"" ANNA "\",\"asset\":\"EUR\",\"amount\":\"7\"}";
    char id[64];
    char again[64];
    people_make(rig);
    expect_status(rig, 400, rig_send(rig, API_POST, "/v1/transfers", body));
    expect_in_answer(rig, "\"code\":\"idempotency_key_required\"");
    rig->call.idempotency_key = STR("\"order-1\"");
    expect_status(rig, 201, rig_send(rig, API_POST, "/v1/transfers", body));
    rig_cut(rig, "id", id, sizeof id);
    rig->call.idempotency_key = STR("order-1"); /* the same, unquoted */
    expect_status(rig, 200, rig_send(rig, API_POST, "/v1/transfers", body));
    rig_cut(rig, "id", again, sizeof again);
    assert_string_equal(id, again);
    assert_string_equal(rig_header(rig, "Idempotent-Replayed"), "true");
    expect_status(rig, 422,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("51", BANK, ANNA, "1")));
    expect_in_answer(rig, "\"code\":\"idempotency_conflict\"");
    rig->call.idempotency_key = STR("order 2");
    expect_status(rig, 400, rig_send(rig, API_POST, "/v1/transfers", body));
    expect_in_answer(rig, "\"code\":\"invalid_idempotency_key\"");
    rig->call.idempotency_key = STR("order-2");
    expect_status(rig, 201, rig_send(rig, API_POST, "/v1/transfers", body));
    rig->call.idempotency_key = (struct str){ NULL, 0 };
    expect_net(rig, ANNA, "114.00");
}

static void a_key_makes_a_request_repeatable(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(key_body);
}

/* A commit whose reply is lost: the client is told that nobody knows, asks again, and then knows. */
static void doubt_body(struct rig *rig)
{
    people_make(rig);
    rig->faults.rates[SIM_FAULT_LOST_REPLY] = FAULT_RATE_ALWAYS;
    rig->faults.rates[SIM_FAULT_REOPEN_FAILS] = FAULT_RATE_ALWAYS; /* so that it cannot find out */
    expect_status(rig, 503,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("61", BANK, ANNA, "1")));
    expect_in_answer(rig, "\"code\":\"in_doubt\"");
    expect_in_answer(rig, "\"hint\":\"send the same request again, with the same ids and key\"");
    assert_non_null(rig_header(rig, "Retry-After"));
    rig->faults.rates[SIM_FAULT_LOST_REPLY] = 0;
    rig->faults.rates[SIM_FAULT_REOPEN_FAILS] = 0;
    unsigned status = 503;
    for (int i = 0; i < 1000 && status == 503; i++) {
        status = rig_send(rig, API_POST, "/v1/transfers", TRANSFER("61", BANK, ANNA, "1"));
        task_sleep(rig->world, 10 * NS_PER_MS);
    }
    assert_int_equal(status, 200); /* it was there */
    expect_net(rig, ANNA, "101.00");
}

static void a_lost_reply_is_in_doubt_and_a_repeat_tells(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(doubt_body);
}

static void full_body(struct rig *rig)
{
    people_make(rig);
    rig->faults.rates[SIM_FAULT_DISK_FULL] = FAULT_RATE_ALWAYS;
    expect_status(rig, 507,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("62", BANK, ANNA, "1")));
    expect_in_answer(rig, "\"code\":\"disk_full\"");
    assert_non_null(rig_header(rig, "Retry-After"));
    rig->faults.rates[SIM_FAULT_DISK_FULL] = 0;
}

static void a_full_disk_is_507(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(full_body);
}

/* ---- Keys and scopes ---- */

static void keys_body(struct rig *rig)
{
    char secret[80];
    char id[64];
    char bearer[100];
    people_make(rig);
    static const char reader[] = "{\"name\":\"reports\",\"scopes\":[\"accounts:read\"]}";
    expect_status(rig, 400, rig_send(rig, API_POST, "/v1/keys", reader));
    rig->call.idempotency_key = STR("k1");
    expect_status(rig, 201, rig_send(rig, API_POST, "/v1/keys", reader));
    rig_cut(rig, "secret", secret, sizeof secret);
    rig_cut(rig, "id", id, sizeof id);
    assert_int_equal(strlen(secret), 68);
    expect_status(rig, 200, rig_send(rig, API_POST, "/v1/keys", reader));
    assert_null(strstr(rig_answer(rig), "secret"));
    rig->call.idempotency_key = (struct str){ NULL, 0 };

    rig->call.local = false;
    expect_status(rig, 401, rig_send(rig, API_GET, "/v1/accounts/" ANNA, NULL));
    assert_string_equal(rig_header(rig, "WWW-Authenticate"), "Bearer realm=\"tpwallet\"");
    rig->call.authorization = STR("Bearer tpw_0000");
    expect_status(rig, 401, rig_send(rig, API_GET, "/v1/accounts/" ANNA, NULL));
    assert_non_null(strstr(rig_header(rig, "WWW-Authenticate"), "invalid_token"));
    int len = snprintf(bearer, sizeof bearer, "bearer %s", secret);
    assert_true(len > 0 && (size_t)len < sizeof bearer);
    rig->call.authorization = str_from(bearer);
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/accounts/" ANNA, NULL));
    expect_status(rig, 403,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("71", BANK, ANNA, "1")));
    assert_non_null(strstr(rig_header(rig, "WWW-Authenticate"), "scope=\"transfers:write\""));
    expect_status(rig, 200, rig_send(rig, API_GET, "/livez", NULL));

    rig->call.local = true;
    rig->call.authorization = (struct str){ NULL, 0 };
    char target[64];
    len = snprintf(target, sizeof target, "/v1/keys/%s", id);
    assert_true(len > 0 && (size_t)len < sizeof target);
    expect_status(rig, 200, rig_send(rig, API_DELETE, target, NULL));
    expect_status(rig, 404, rig_send(rig, API_DELETE, "/v1/keys/" NOBODY, NULL));
    expect_in_answer(rig, "\"code\":\"credential_not_found\"");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/keys", NULL));
    expect_in_answer(rig, "\"name\":\"reports\",\"scopes\":[\"accounts:read\"],\"revoked\":true");
    assert_null(strstr(rig_answer(rig), "secret"));
    rig->call.local = false;
    rig->call.authorization = str_from(bearer);
    expect_status(rig, 401, rig_send(rig, API_GET, "/v1/accounts/" ANNA, NULL));
    rig->call.authorization = (struct str){ NULL, 0 };
}

static void keys_open_what_their_scopes_say_until_revoked(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(keys_body);
}

static void anonymous_body(struct rig *rig)
{
    rig->call.local = false;
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/accounts", NULL));
    rig->call.authorization = STR("Bearer wrong");
    expect_status(rig, 401, rig_send(rig, API_GET, "/v1/accounts", NULL));
    rig->call.authorization = (struct str){ NULL, 0 };
}

static void the_demo_needs_no_key_but_takes_no_wrong_one(void **state)
{
    (void)state; /* the rig is the body's */
    const struct api_options options = { .workers = 1, .version = "0", .anonymous_all = true };
    rig_run_with(anonymous_body, &options);
}

/* ---- Accounts ---- */

static void accounts_body(struct rig *rig)
{
    people_make(rig);
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/assets", "{\"code\":\"POINTS\",\"exponent\":0}"));
    expect_status(rig, 409,
                  rig_send(rig, API_POST, "/v1/assets", "{\"code\":\"POINTS\",\"exponent\":2}"));
    expect_status(rig, 400,
                  rig_send(rig, API_POST, "/v1/assets", "{\"code\":\"EUR\",\"exponent\":2}"));
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/assets", NULL));
    expect_in_answer(rig, "{\"id\":10000,\"code\":\"POINTS\",\"exponent\":0}");
    expect_status(rig, 409,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "{\"id\":\"" ANNA "\",\"asset\":\"POINTS\",\"kind\":\"equity\"}"));
    expect_status(rig, 404, rig_send(rig, API_GET, "/v1/accounts/" NOBODY, NULL));
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/accounts/x", NULL));
    expect_in_answer(rig, "\"code\":\"invalid_path\"");

    expect_status(rig, 200, rig_send(rig, API_PATCH, "/v1/accounts/" ANNA, "{\"frozen\":true}"));
    expect_status(rig, 422,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("81", ANNA, BEN, "1")));
    expect_in_answer(rig, "\"code\":\"debit_account_frozen\"");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/accounts/" ANNA, NULL));
    expect_in_answer(rig, "\"flags\":[\"debits_must_not_exceed_credits\",\"frozen\"]");
    expect_status(rig, 200, rig_send(rig, API_PATCH, "/v1/accounts/" ANNA, "{\"frozen\":false}"));
    expect_status(rig, 422, rig_send(rig, API_PATCH, "/v1/accounts/" ANNA, "{\"closed\":true}"));
    expect_in_answer(rig, "\"code\":\"account_not_empty\"");
    expect_status(rig, 200, rig_send(rig, API_PATCH, "/v1/accounts/" BEN, "{\"closed\":true}"));
    expect_status(rig, 404, rig_send(rig, API_PATCH, "/v1/accounts/" NOBODY, "{\"frozen\":true}"));
    expect_status(rig, 400, rig_send(rig, API_PATCH, "/v1/accounts/" BEN, "{\"closed\":false}"));
    expect_status(rig, 400, rig_send(rig, API_PATCH, "/v1/accounts/" BEN, "{}"));
}

static void accounts_and_assets_are_made_changed_and_read(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(accounts_body);
}

/* Follows `next` to the end; returns how many items there were on how many pages. */
static unsigned pages_walk(struct rig *rig, const char *target, const char *mark,
                           unsigned *out_pages)
{
    char url[256];
    char next[64];
    unsigned items = 0;
    *out_pages = 0;
    int len = snprintf(url, sizeof url, "%s", target);
    for (bool more = true; more;) {
        assert_true(len > 0 && (size_t)len < sizeof url);
        expect_status(rig, 200, rig_send(rig, API_GET, url, NULL));
        (*out_pages)++;
        for (const char *at = strstr(rig_answer(rig), mark); at != NULL; at = strstr(at + 1, mark))
            items++;
        more = strstr(rig_answer(rig), "\"next\":") != NULL;
        if (!more) break;
        rig_cut(rig, "next", next, sizeof next);
        len = snprintf(url, sizeof url, "%s&cursor=%s", target, next);
    }
    return items;
}

#define NOBODYS(n)                                                                                 \
    "{\"id\":\"019ab000-0000-7000-8000-00000000040" n                                              \
    "\",\"asset\":\"EUR\",\"kind\":\"liability\",\"user_ref\":\"" NOBODY "\"}"

static void lists_body(struct rig *rig)
{
    unsigned pages = 0;
    people_make(rig);
    for (unsigned i = 0; i < 7; i++) {
        char body[512];
        int len = snprintf(body, sizeof body,
                           "{\"id\":\"019ab000-0000-7000-8000-0000000002%02u\",\"debit\":\"" ANNA
                           "\",\"credit\":\"" BEN "\",\"asset\":\"EUR\",\"amount\":\"1.00\""
                           ",\"user_ref\":\"" NOBODY "\"}",
                           i);
        assert_true(len > 0 && (size_t)len < sizeof body);
        expect_status(rig, 201, rig_send(rig, API_POST, "/v1/transfers", body));
    }
    assert_int_equal(pages_walk(rig, "/v1/accounts?limit=2", "\"created_at\"", &pages), 3);
    assert_int_equal(pages, 2);
    assert_int_equal(
        pages_walk(rig, "/v1/accounts?limit=2&user_ref=" NOBODY, "\"created_at\"", &pages), 1);
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "[" NOBODYS("1") "," NOBODYS("2") "," NOBODYS("3") "]"));
    assert_int_equal(
        pages_walk(rig, "/v1/accounts?limit=2&user_ref=" NOBODY, "\"created_at\"", &pages), 4);
    assert_int_equal(pages, 2);
    assert_int_equal(
        pages_walk(rig, "/v1/accounts?limit=1&user_ref=" NOBODY, "\"created_at\"", &pages), 4);
    assert_int_equal(pages, 4);
    assert_int_equal(
        pages_walk(rig, "/v1/accounts?limit=2&user_ref=" BEN, "\"created_at\"", &pages), 0);
    assert_int_equal(pages, 1); /* of nobody */
    assert_int_equal(pages_walk(rig, "/v1/transfers?limit=3", "\"trace_id\"", &pages), 8);
    assert_int_equal(pages, 3);
    assert_int_equal(
        pages_walk(rig, "/v1/transfers?limit=3&user_ref=" NOBODY, "\"trace_id\"", &pages), 7);
    assert_int_equal(pages, 3);
    assert_int_equal(
        pages_walk(rig, "/v1/transfers?limit=3&from=2100-01-01T00:00:00Z", "\"trace_id\"", &pages),
        0);
    assert_int_equal(pages_walk(rig, "/v1/transfers?limit=3&to=2100-01-01T00:00:00%2B01:00",
                                "\"trace_id\"", &pages),
                     8);
    assert_int_equal(pages_walk(rig, "/v1/accounts/" ANNA "/entries?limit=3", "\"side\"", &pages),
                     8);
    assert_int_equal(pages, 3);
    assert_int_equal(pages_walk(rig, "/v1/accounts/" ANNA "/statement?limit=3", "\"side\"", &pages),
                     8);
    assert_int_equal(pages, 3);
    expect_in_answer(rig, "\"opening\":{\"debits_posted\":\"0.00\"");
    expect_in_answer(rig, "\"closing\":{\"debits_posted\":\"7.00\"");
    expect_in_answer(rig, "\"net\":\"93.00\"");
}

static void lists_come_in_pages_that_lose_nothing(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(lists_body);
}

static void cursor_body(struct rig *rig)
{
    char next[64];
    char url[256];
    people_make(rig);
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/accounts?limit=1", NULL));
    rig_cut(rig, "next", next, sizeof next);
    static const char *const others[] = { "/v1/assets?cursor=%s",
                                          "/v1/accounts?user_ref=" NOBODY "&cursor=%s",
                                          "/v1/accounts/" ANNA "/entries?cursor=%s" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char *at = stpncpy(url, others[i], strlen(others[i]) - 2);
        memcpy(at, next, strlen(next) + 1);
        expect_status(rig, 400, rig_send(rig, API_GET, url, NULL));
        expect_in_answer(rig, "\"code\":\"invalid_cursor\"");
    }
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/accounts?cursor=abc", NULL));
    expect_in_answer(rig, "\"code\":\"invalid_cursor\"");
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/accounts?cursr=abc", NULL));
    expect_in_answer(rig, "\"code\":\"unknown_parameter\"");
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/accounts?limit=1&limit=2", NULL));
    expect_in_answer(rig, "\"code\":\"duplicate_parameter\"");
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/accounts?limit=1001", NULL));
    expect_in_answer(rig, "\"code\":\"invalid_parameter\"");
}

static void cursors_of_other_lists_are_refused(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(cursor_body);
}

/* ---- The past ---- */

static void past_body(struct rig *rig)
{
    char position[32];
    char url[256];
    people_make(rig);
    rig_cut(rig, "position", position, sizeof position);
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("91", ANNA, BEN, "30")));
    expect_net(rig, ANNA, "70.00");
    int len = snprintf(url, sizeof url, "/v1/accounts/" ANNA "?at=%s", position);
    assert_true(len > 0 && (size_t)len < sizeof url);
    expect_status(rig, 200, rig_send(rig, API_GET, url, NULL));
    expect_in_answer(rig, "\"net\":\"100.00\"");
    expect_status(rig, 404, rig_send(rig, API_GET, "/v1/accounts/" ANNA "?at=999999", NULL));
    expect_status(rig, 404, rig_send(rig, API_GET, "/v1/accounts/" ANNA "?at=0", NULL));
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/accounts/" ANNA "?at=x", NULL));

    len = snprintf(url, sizeof url, "/v1/trial-balance?at=%s", position);
    assert_true(len > 0 && (size_t)len < sizeof url);
    expect_status(rig, 200, rig_send(rig, API_GET, url, NULL));
    expect_in_answer(rig, "{\"asset\":\"EUR\",\"kind\":\"liability\",\"balance\":"
                          "{\"debits_posted\":\"0.00\",\"debits_pending\":\"0.00\","
                          "\"credits_posted\":\"100.00\"");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/trial-balance", NULL));
    expect_in_answer(rig, "{\"asset\":\"EUR\",\"kind\":\"liability\",\"account_count\":2,"
                          "\"balance\":{\"debits_posted\":\"30.00\"");
    expect_in_answer(rig, "{\"asset\":\"EUR\",\"kind\":\"equity\",\"account_count\":1");
    expect_status(rig, 404, rig_send(rig, API_GET, "/v1/trial-balance?at=999999", NULL));
}

/* Three units of one batch: the past lies between them. */
static void middle_body(struct rig *rig)
{
    char position[32];
    char url[256];
    people_make(rig);
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "[" TRANSFER("a1", ANNA, BEN, "1") "," TRANSFER(
                               "a2", ANNA, BEN, "2") "," TRANSFER("a3", ANNA, BEN, "4") "]"));
    static const char *const nets[] = { "\"net\":\"1.00\"", "\"net\":\"3.00\"",
                                        "\"net\":\"7.00\"" };
    static const char *const debits[] = { "\"debits_posted\":\"1.00\"",
                                          "\"debits_posted\":\"3.00\"",
                                          "\"debits_posted\":\"7.00\"" };
    rig_cut(rig, "position", position, sizeof position);
    char *dash = strchr(position, '-');
    assert_non_null(dash);
    unsigned first = (unsigned)strtoul(dash + 1, NULL, 10);
    for (unsigned i = 0; i < 3; i++) {
        int len = snprintf(url, sizeof url, "/v1/accounts/" BEN "?at=%.*s-%u",
                           (int)(dash - position), position, first + i);
        assert_true(len > 0 && (size_t)len < sizeof url);
        expect_status(rig, 200, rig_send(rig, API_GET, url, NULL));
        expect_in_answer(rig, nets[i]);
        len = snprintf(url, sizeof url, "/v1/trial-balance?at=%.*s-%u", (int)(dash - position),
                       position, first + i);
        assert_true(len > 0 && (size_t)len < sizeof url);
        expect_status(rig, 200, rig_send(rig, API_GET, url, NULL));
        expect_in_answer(rig, debits[i]);
    }
}

static void the_past_lies_between_the_units_of_a_batch(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(middle_body);
}

static void balances_are_known_as_of_any_position(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(past_body);
}

static void period_body(struct rig *rig)
{
    people_make(rig);
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/periods", NULL));
    assert_null(strstr(rig_answer(rig), "closed_through"));
    expect_status(rig, 422,
                  rig_send(rig, API_POST, "/v1/periods/close", "{\"through\":\"2200-01-01\"}"));
    expect_in_answer(rig, "\"code\":\"period_not_over\"");
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/periods/close", "{\"through\":\"2026-10-31\"}"));
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/periods", NULL));
    expect_in_answer(rig, "\"closed_through\":\"2026-10-31\"");
    expect_status(rig, 422,
                  rig_send(rig, API_POST, "/v1/transfers",
                           "{\"id\":\"019ab000-0000-7000-8000-0000000001a1\",\"debit\":\"" BANK
                           "\",\"credit\":\"" ANNA "\",\"asset\":\"EUR\",\"amount\":\"1\","
                           "\"value_date\":\"2026-10-31\"}"));
    expect_in_answer(rig, "\"code\":\"period_closed\"");
}

static void a_closed_period_stays_closed(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(period_body);
}

/* ---- The service ---- */

static void service_body(struct rig *rig)
{
    static const char parent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    rig->call.traceparent = str_from(parent);
    expect_status(rig, 200, rig_send(rig, API_GET, "/livez", NULL));
    const char *child = rig_header(rig, "traceparent");
    assert_memory_equal(child, parent, 36);
    assert_memory_not_equal(child + 36, parent + 36, 16);
    rig->call.traceparent = STR("00-00000000000000000000000000000000-00f067aa0ba902b7-01");
    expect_status(rig, 200, rig_send(rig, API_HEAD, "/readyz", NULL));
    assert_memory_not_equal(rig_header(rig, "traceparent"), rig->call.traceparent.data, 36);
    rig->call.traceparent = (struct str){ NULL, 0 };
    expect_status(rig, 404, rig_send(rig, API_GET, "/v1/nothing", NULL));
    expect_in_answer(rig, "\"code\":\"route_not_found\"");
    expect_status(rig, 404, rig_send(rig, API_GET, "/v1/accounts/", NULL));
    expect_status(rig, 405, rig_send(rig, API_DELETE, "/v1/accounts", NULL));
    assert_string_equal(rig_header(rig, "Allow"), "GET, POST, HEAD");
    expect_status(rig, 200, rig_send(rig, API_GET, "/%6civez", NULL));
    expect_status(rig, 400, rig_send(rig, API_GET, "/%6", NULL));
    rig->call.content_type = STR("text/csv");
    expect_status(rig, 415, rig_send_bytes(rig, API_POST, "/v1/transfers", STR("a,b")));
    rig->call.content_type = STR("Application/JSON ; charset=utf-8");
    expect_status(rig, 400, rig_send_bytes(rig, API_POST, "/v1/transfers", STR("a,b")));
    expect_status(rig, 200, rig_send(rig, API_GET, "/", NULL));
    expect_in_answer(rig, "\"version\":\"0.0.0-test\"");
    expect_status(rig, 200, rig_send(rig, API_GET, "/openapi.yaml", NULL));
    expect_in_answer(rig, "openapi: 3.1.0");
    expect_status(rig, 200, rig_send(rig, API_POST, "/v1/expiry/resume", NULL));
    expect_status(rig, 200, rig_send(rig, API_GET, "/metrics", NULL));
    expect_in_answer(
        rig,
        "tpwallet_http_requests_total{lane=\"0\",operation=\"service_live\",status=\"200\"} 2");
    expect_in_answer(
        rig, "tpwallet_http_requests_total{lane=\"0\",operation=\"none\",status=\"404\"} 2");
    expect_in_answer(rig, "tpwallet_build_info{version=\"0.0.0-test\"} 1");
    expect_in_answer(rig, "tpwallet_http_requests_in_flight{lane=\"0\"} 1");
}

static void the_service_tells_about_itself(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(service_body);
}

static void refuse_body(struct rig *rig)
{
    struct api_call *call = &rig->call;
    buf_reset(&call->answer);
    api_refuse(call, 431, "headers_too_large", "32 KiB", NULL);
    assert_int_equal(call->status, 431);
    expect_in_answer(rig, "\"code\":\"headers_too_large\",\"detail\":\"32 KiB\"");
    assert_int_equal(api_body_size_max(API_POST, STR("/v1/transfers")), REQUEST_BODY_SIZE_MAX);
    assert_int_equal(api_body_size_max(API_PATCH, STR("/v1/accounts/" ANNA)), 16384);
    assert_int_equal(api_body_size_max(API_GET, STR("/v1/transfers")), 0);
    assert_int_equal(api_body_size_max(API_POST, STR("/v1/nothing")), 0);
}

static void the_transport_refuses_in_the_same_words(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(refuse_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transfer_moves_money),
        cmocka_unit_test(a_repeat_is_told_the_same_and_other_content_is_a_conflict),
        cmocka_unit_test(a_repeated_account_is_told_where_it_was_made),
        cmocka_unit_test(a_refusal_is_a_problem_and_stays_one),
        cmocka_unit_test(an_array_has_an_outcome_each),
        cmocka_unit_test(one_bad_item_refuses_the_whole_request),
        cmocka_unit_test(a_stream_is_answered_a_line_each),
        cmocka_unit_test(records_are_answered_by_records),
        cmocka_unit_test(a_hold_is_posted_and_tells_its_story),
        cmocka_unit_test(a_key_makes_a_request_repeatable),
        cmocka_unit_test(a_lost_reply_is_in_doubt_and_a_repeat_tells),
        cmocka_unit_test(a_full_disk_is_507),
        cmocka_unit_test(keys_open_what_their_scopes_say_until_revoked),
        cmocka_unit_test(the_demo_needs_no_key_but_takes_no_wrong_one),
        cmocka_unit_test(accounts_and_assets_are_made_changed_and_read),
        cmocka_unit_test(lists_come_in_pages_that_lose_nothing),
        cmocka_unit_test(cursors_of_other_lists_are_refused),
        cmocka_unit_test(balances_are_known_as_of_any_position),
        cmocka_unit_test(the_past_lies_between_the_units_of_a_batch),
        cmocka_unit_test(a_closed_period_stays_closed),
        cmocka_unit_test(the_service_tells_about_itself),
        cmocka_unit_test(the_transport_refuses_in_the_same_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
