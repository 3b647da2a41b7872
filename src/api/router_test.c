/*
 * Goal: every operation of api/openapi.yaml is reached by its own method and path, nothing else is.
 * Method: each row of the generated table asked for with its template filled in; paths and methods
 * beside them; the names the document lists compared with the tables they come from.
 */
#include "api/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/transfer.h"

#define ID "019ab000-0000-7000-8000-000000000001"

/* The template with ID for its parameter. */
static size_t path_fill(struct str template, char *out_path, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < template.len; i++) {
        if (template.data[i] != '{') {
            out_path[len++] = template.data[i];
            continue;
        }
        memcpy(out_path + len, ID, sizeof ID - 1);
        len += sizeof ID - 1;
        while (template.data[i] != '}') i++;
    }
    assert_true(len < size);
    out_path[len] = '\0';
    return len;
}

static void every_operation_is_reached(void **state)
{
    (void)state; /* no fixture is needed */
    uint32_t count = 0;
    const struct route *routes = router_table(&count);
    assert_true(count > 20);
    for (uint32_t i = 0; i < count; i++) {
        char path[256];
        size_t len = path_fill(routes[i].path, path, sizeof path);
        struct route_match match = router_match(routes[i].method, (struct str){ path, len });
        assert_ptr_equal(match.route, &routes[i]);
        bool has_id = memchr(routes[i].path.data, '{', routes[i].path.len) != NULL;
        assert_int_equal(match.parameter.len, has_id ? sizeof ID - 1 : 0);
        assert_true((match.methods >> routes[i].method & 1) != 0);
        assert_true(routes[i].handler->run != NULL || routes[i].handler->write != NULL);
        assert_int_not_equal(routes[i].number, ROUTE_NONE);
        for (uint32_t j = 0; j < i; j++) assert_int_not_equal(routes[i].number, routes[j].number);
    }
}

static void other_paths_are_not_found(void **state)
{
    static const char *const rows[] = {
        "",
        "v1/accounts",
        "/v1",
        "/v1/",
        "/v1/accounts/",
        "/v1/accounts//entries",
        "/v1/account",
        "/v1/accountss",
        "/v1/accounts/" ID "/",
        "/V1/accounts",
        "/v1/accounts/" ID "/entries/",
        "/v1/accounts/" ID "/" ID,
        "//",
        "/livez/",
        "/openapi.yam",
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct route_match match = router_match(API_GET, str_from(rows[i]));
        if (match.route != NULL || match.methods != 0) fail_msg("found: %s", rows[i]);
    }
}

static void other_methods_are_told_the_allowed_ones(void **state)
{
    (void)state; /* no fixture is needed */
    struct route_match match = router_match(API_DELETE, STR("/v1/accounts"));
    assert_null(match.route);
    assert_int_equal(match.methods, 1U << API_GET | 1U << API_POST);
    match = router_match(API_OTHER, STR("/livez"));
    assert_null(match.route);
    assert_int_equal(match.methods, 1U << API_GET);
    match = router_match(API_HEAD, STR("/livez"));
    assert_int_equal(match.route->number, ROUTE_SERVICE_LIVE);
}

static void media_types_are_read_without_their_parameters(void **state)
{
    (void)state; /* no fixture is needed */
    assert_int_equal(media_parse(STR("application/json")), MEDIA_JSON);
    assert_int_equal(media_parse(STR("APPLICATION/Json; charset=utf-8")), MEDIA_JSON);
    assert_int_equal(media_parse(STR("application/x-ndjson \t;x")), MEDIA_X_NDJSON);
    assert_int_equal(media_parse(STR("application/vnd.tpwallet.transfers")), MEDIA_TRANSFERS);
    assert_int_equal(media_parse(STR("application/jso")), 0);
    assert_int_equal(media_parse(STR("text/json")), 0);
    assert_int_equal(media_parse(STR("")), 0);
    assert_true(str_equal(media_text(MEDIA_JSON), STR("application/json")));
    assert_int_equal(media_text(0).len, 0);
}

struct names {
    const char *const *names;
    size_t count;
};

#define NAME(text) text,
#define OUTCOME_NAME(name, code, http, text) code,
#define VALUE_NAME(name, value, text) text,
#define STATE_NAME(name, value, text, open) text,
#define NAMES(table, X)                                                                            \
    {                                                                                              \
        (const char *const[]){ table(X) }, sizeof((const char *[]){ table(X) }) / sizeof(char *)   \
    }

/* EXPIRE and DEPARTURE are made by the ledger and by lanes only: no request may name them. */
static void the_document_lists_what_the_tables_have(void **state)
{
    const struct {
        struct names documented;
        struct names table;
        size_t internal;
    } rows[] = {
        { NAMES(DOCUMENTED_TRANSFER_OUTCOME, NAME), NAMES(OUTCOME_TABLE, OUTCOME_NAME), 0 },
        { NAMES(DOCUMENTED_ACCOUNT_OUTCOME, NAME), NAMES(ACCOUNT_OUTCOME_TABLE, OUTCOME_NAME), 0 },
        { NAMES(DOCUMENTED_ADMIN_OUTCOME, NAME), NAMES(ADMIN_OUTCOME_TABLE, OUTCOME_NAME), 0 },
        { NAMES(DOCUMENTED_TRANSFER_KIND, NAME), NAMES(TRANSFER_KIND_TABLE, VALUE_NAME), 2 },
        { NAMES(DOCUMENTED_TRANSFER_FLAG, NAME), NAMES(TRANSFER_FLAG_TABLE, VALUE_NAME), 0 },
        { NAMES(DOCUMENTED_ACCOUNT_KIND, NAME), NAMES(ACCOUNT_KIND_TABLE, VALUE_NAME), 0 },
        { NAMES(DOCUMENTED_ACCOUNT_FLAG, NAME), NAMES(ACCOUNT_FLAG_TABLE, VALUE_NAME), 0 },
        { NAMES(DOCUMENTED_PAYMENT_OUTCOME, NAME), NAMES(PAYMENT_OUTCOME_TABLE, OUTCOME_NAME), 0 },
        { NAMES(DOCUMENTED_PAYMENT_KIND, NAME), NAMES(PAYMENT_KIND_TABLE, VALUE_NAME), 0 },
        { NAMES(DOCUMENTED_PAYMENT_STATE, NAME), NAMES(PAYMENT_STATE_TABLE, STATE_NAME), 0 },
        { NAMES(DOCUMENTED_SCOPE, NAME), NAMES(SCOPE_TABLE, VALUE_NAME), 0 },
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rows[i].documented.count, rows[i].table.count - rows[i].internal);
        for (size_t j = 0; j < rows[i].documented.count; j++)
            assert_string_equal(rows[i].documented.names[j], rows[i].table.names[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_reached),
        cmocka_unit_test(other_paths_are_not_found),
        cmocka_unit_test(other_methods_are_told_the_allowed_ones),
        cmocka_unit_test(media_types_are_read_without_their_parameters),
        cmocka_unit_test(the_document_lists_what_the_tables_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
