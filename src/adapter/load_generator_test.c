/*
 * Goal: the generator sends what it says, each id once, in every form, counts what comes back,
 * and leaves other machines alone.
 * Method: a server with a small API that keeps the bodies; what it kept is compared with what the
 * generator reports.
 */
#include "adapter/load_generator.h"

#include <jansson.h>

#include "adapter/http_server_test.h"
#include "adapter/load_request.h"
#include "adapter/system_entropy.h"
#include "model/transfer.h"

enum { ACCOUNTS = 5, TEXT_SIZE = 64 };

static const struct account_id accounts[ACCOUNTS] = {
    { { .hi = 0x019ab00000007000, .lo = 0x8000000000000001 } },
    { { .hi = 0x019ab00000007000, .lo = 0x8000000000000002 } },
    { { .hi = 0x019ab00000007000, .lo = 0x8000000000000003 } },
    { { .hi = 0x019ab00000007000, .lo = 0x8000000000000004 } },
    { { .hi = 0x019ab00000007000, .lo = 0x8000000000000005 } },
};

static struct load_options options_to(const char *address)
{
    return (struct load_options){
        .address = address,
        .connections = 3,
        .form = LOAD_SINGLE,
        .batch = 1,
        .accounts = accounts,
        .account_count = ACCOUNTS,
        .asset_code = STR("EUR"),
        .asset_id = 978,
        .amount = STR("1.00"),
        .amount_minor = 100,
        .transfers_max = 100,
        .clock = system_clock(),
        .entropy = system_entropy(),
    };
}

static bool is_account(struct uuid id)
{
    for (size_t i = 0; i < ACCOUNTS; i++) {
        if (uuid_equal(id, accounts[i].value)) return true;
    }
    return false;
}

static struct uuid id_in(json_t *item, const char *key)
{
    struct uuid id;
    const char *text = json_string_value(json_object_get(item, key));
    assert_non_null(text);
    assert_int_equal(uuid_parse(str_from(text), &id), STATUS_OK);
    return id;
}

static int id_order(const void *a, const void *b)
{
    return uuid_compare(*(const struct uuid *)a, *(const struct uuid *)b);
}

static void all_differ(struct uuid *ids, size_t count)
{
    qsort(ids, count, sizeof ids[0], id_order);
    for (size_t i = 1; i < count; i++) assert_false(uuid_equal(ids[i - 1], ids[i]));
}

static struct uuid item_id_checked(json_t *item)
{
    assert_true(is_account(id_in(item, "debit")));
    assert_true(is_account(id_in(item, "credit")));
    assert_false(uuid_equal(id_in(item, "debit"), id_in(item, "credit")));
    assert_string_equal(json_string_value(json_object_get(item, "asset")), "EUR");
    assert_string_equal(json_string_value(json_object_get(item, "amount")), "1.00");
    return id_in(item, "id");
}

static void json_forms_hold_fresh_transfers(void **state)
{
    (void)state;
    const uint32_t batches[] = { 1, 7 };
    for (size_t i = 0; i < 2; i++) {
        struct load_options options = options_to("127.0.0.1:1");
        options.form = i == 0 ? LOAD_SINGLE : LOAD_ARRAY;
        options.batch = batches[i];
        struct load_request request;
        assert_int_equal(load_request_init(&request, &options), STATUS_OK);
        struct prng prng;
        prng_init(&prng, 1);
        struct uuid ids[10 * 7];
        size_t count = 0;
        for (int round = 0; round < 10; round++) {
            load_request_renew(&request, &options, &prng, 1700000000000);
            const char *text = buf_terminated(&request.text);
            const char *body = strstr(text, "\r\n\r\n") + 4;
            char length[TEXT_SIZE];
            int len = snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
            assert_true(len > 0 && len < TEXT_SIZE);
            assert_non_null(strstr(text, length));
            json_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
            assert_non_null(json);
            if (i == 0) ids[count++] = item_id_checked(json);
            for (size_t at = 0; at < json_array_size(json); at++) {
                ids[count++] = item_id_checked(json_array_get(json, at));
            }
            json_decref(json);
        }
        assert_int_equal(count, 10 * batches[i]);
        all_differ(ids, count);
        load_request_free(&request);
    }
}

static void payments_are_of_one_wallet_or_between_two(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct load_options options = options_to("127.0.0.1:1");
        options.form = i == 0 ? LOAD_WALLET : LOAD_PAY_IN;
        options.method = STR("card_ok");
        options.psp = STR("sandbox");
        struct load_request request;
        assert_int_equal(load_request_init(&request, &options), STATUS_OK);
        struct prng prng;
        prng_init(&prng, 1);
        load_request_renew(&request, &options, &prng, 1700000000000);
        const char *text = buf_terminated(&request.text);
        assert_int_equal(strncmp(text, "POST /v1/payments HTTP/1.1\r\n", 28), 0);
        json_t *json = json_loads(strstr(text, "\r\n\r\n") + 4, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        assert_int_equal(id_in(json, "id").hi >> 16, 1700000000000);
        assert_true(is_account(id_in(json, "wallet")));
        assert_string_equal(json_string_value(json_object_get(json, "amount")), "1.00");
        const char *kind = json_string_value(json_object_get(json, "kind"));
        if (i == 0) {
            assert_string_equal(kind, "wallet");
            assert_true(is_account(id_in(json, "to")));
            assert_false(uuid_equal(id_in(json, "wallet"), id_in(json, "to")));
            assert_null(json_object_get(json, "method"));
        } else {
            assert_string_equal(kind, "pay_in");
            assert_null(json_object_get(json, "to"));
            assert_string_equal(json_string_value(json_object_get(json, "method")), "card_ok");
            assert_string_equal(json_string_value(json_object_get(json, "psp")), "sandbox");
        }
        json_decref(json);
        load_request_free(&request);
    }
}

static void the_binary_form_holds_fresh_transfers(void **state)
{
    (void)state;
    struct load_options options = options_to("127.0.0.1:1");
    options.form = LOAD_BINARY;
    options.batch = 9;
    struct load_request request;
    assert_int_equal(load_request_init(&request, &options), STATUS_OK);
    struct prng prng;
    prng_init(&prng, 1);
    load_request_renew(&request, &options, &prng, 1700000000000);
    struct transfer transfers[9];
    struct uuid ids[9];
    assert_int_equal(request.text.len - request.items_at, sizeof transfers);
    memcpy(transfers, request.text.data + request.items_at, sizeof transfers);
    for (size_t i = 0; i < 9; i++) {
        const char *field = NULL;
        assert_null(transfer_fault(&transfers[i], &field));
        assert_true(is_account(transfers[i].debit.value));
        assert_true(is_account(transfers[i].credit.value));
        assert_int_equal(transfers[i].asset, 978);
        assert_true(money_equal(transfers[i].amount, money_from_minor(100)));
        ids[i] = transfers[i].id.value;
    }
    all_differ(ids, 9);
    load_request_free(&request);
}

static void what_is_reported_is_what_was_served(void **state)
{
    (void)state;
    struct api *api = double_new();
    const struct http_server_options served = double_options(api);
    struct http_server *server = double_serve(&served);
    struct load_options options = options_to(http_server_address(server));
    struct load_result result;
    struct error error;
    assert_int_equal(load_run(&options, &result, &error), STATUS_OK);
    /* POST /v1/transfers is answered 200 here, from another thread */
    assert_int_equal(result.requests, 100);
    assert_int_equal(result.transfers, 100);
    assert_int_equal(result.failures, 0);
    assert_int_equal(result.status_count, 1);
    assert_int_equal(result.statuses[0].status, 200);
    assert_int_equal(result.statuses[0].count, 100);
    assert_true(result.p50_ns > 0);
    assert_true(result.p50_ns <= result.p99_ns);
    assert_true(result.p99_ns <= result.max_ns);
    assert_true(result.max_ns <= result.elapsed_ns);
    struct http_server_status status;
    http_server_get_status(server, &status);
    assert_int_equal(status.requests, 100);
    http_server_close(server);
    double_free(api);
}

static void a_time_ends_it_too(void **state)
{
    (void)state;
    struct api *api = double_new();
    const struct http_server_options served = double_options(api);
    struct http_server *server = double_serve(&served);
    struct load_options options = options_to(http_server_address(server));
    options.transfers_max = 0;
    options.duration_ms = 50;
    struct load_result result;
    struct error error;
    assert_int_equal(load_run(&options, &result, &error), STATUS_OK);
    assert_true(result.elapsed_ns >= 50 * (uint64_t)NS_PER_MS);
    assert_int_equal(result.requests, api->finished);
    http_server_close(server);
    double_free(api);
}

static void a_rate_is_kept(void **state)
{
    (void)state;
    struct api *api = double_new();
    const struct http_server_options served = double_options(api);
    struct http_server *server = double_serve(&served);
    struct load_options options = options_to(http_server_address(server));
    options.transfers_max = 50;
    options.rate = 500;
    struct load_result result;
    struct error error;
    assert_int_equal(load_run(&options, &result, &error), STATUS_OK);
    assert_int_equal(result.requests, 50);
    assert_true(result.elapsed_ns >= 50 * (uint64_t)NS_PER_S / 500); /* the last one is due then */
    http_server_close(server);
    double_free(api);
}

static void outcomes_are_counted_in_answers(void **state)
{
    (void)state;
    struct load_options options = options_to("127.0.0.1:1");
    options.form = LOAD_ARRAY;
    options.batch = 3;
    const struct str array = STR("{\"results\":[{\"outcome\":\"ok\"},{\"outcome\":\"id_conflict\"},"
                                 "{\"outcome\":\"ok\"}]}");
    assert_int_equal(load_answer_ok(&options, array), 2);
    assert_int_equal(load_answer_ok(&options, (struct str){ 0 }), 0);
    options.form = LOAD_BINARY;
    char records[3 * 64] = { 0 };
    records[64 + 56] = 1;
    assert_int_equal(load_answer_ok(&options, (struct str){ records, sizeof records }), 2);
}

static void other_machines_are_left_alone(void **state)
{
    (void)state;
    const char *const addresses[] = { "10.0.0.1:80", "example.org:80",
                                      "0.0.0.0:80",  "[2001:db8::1]:80",
                                      "127.0.0.1",   "127.0.0.1:0",
                                      ":80",         "" };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct load_options options = options_to(addresses[i]);
        struct load_result result;
        struct error error;
        assert_int_equal(load_run(&options, &result, &error), STATUS_INVALID);
    }
    struct load_options nobody = options_to("127.0.0.1:1");
    struct load_result result;
    struct error error;
    assert_int_equal(load_run(&nobody, &result, &error), STATUS_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_forms_hold_fresh_transfers),
        cmocka_unit_test(payments_are_of_one_wallet_or_between_two),
        cmocka_unit_test(the_binary_form_holds_fresh_transfers),
        cmocka_unit_test(what_is_reported_is_what_was_served),
        cmocka_unit_test(a_time_ends_it_too),
        cmocka_unit_test(a_rate_is_kept),
        cmocka_unit_test(outcomes_are_counted_in_answers),
        cmocka_unit_test(other_machines_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
