/*
 * Goal: inbox, relay_store and endpoint_store over PostgreSQL mean what their ports say, two that
 * are open on one database see each other's rows, and a changed row is damage.
 * Method: the cases of every implementation, on a server of the test's own; rows changed by SQL;
 * the server killed between two calls.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/postgres_endpoint_store.h"
#include "adapter/postgres_inbox.h"
#include "adapter/postgres_relay_store.h"
#include "tests/port/inbox_conformance.h"
#include "tests/port/relay_store_conformance.h"
#include "tests/postgres/postgres_rig.h"

static struct postgres_rig server;

static void run(const char *sql)
{
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session, sql, NULL, 0);
    PQfinish(session);
}

static void fresh(void *owner)
{
    (void)owner;
    run("DROP SCHEMA IF EXISTS tpwallet CASCADE");
}

static struct inbox *inbox_open(void *owner)
{
    struct error error = { 0 };
    struct inbox *inbox = NULL;
    if (postgres_inbox_open(owner, &inbox, &error) != STATUS_OK)
        fail_msg("%s: %s", error.message, error.detail);
    return inbox;
}

static struct relay_store *relay_open(void *owner)
{
    (void)owner;
    struct error error = { 0 };
    struct relay_store *store = NULL;
    if (postgres_relay_store_open(server.url, &store, &error) != STATUS_OK)
        fail_msg("%s: %s", error.message, error.detail);
    return store;
}

static struct endpoint_store *endpoints_open(void)
{
    struct error error = { 0 };
    struct endpoint_store *store = NULL;
    if (postgres_endpoint_store_open(server.url, &store, &error) != STATUS_OK)
        fail_msg("%s: %s", error.message, error.detail);
    return store;
}

static void the_inbox_conforms(void **state)
{
    (void)state; /* no fixture */
    struct postgres_inbox_options options = { .url = server.url,
                                              .bytes_max = INBOX_CASES_BYTES_MAX,
                                              .age_max_s = INBOX_CASES_AGE_MAX_S };
    struct inbox_factory factory = { &options, fresh, inbox_open };
    inbox_conformance(&factory);
}

static void the_relay_store_conforms(void **state)
{
    (void)state; /* no fixture */
    struct relay_store_factory factory = { NULL, fresh, relay_open };
    relay_store_conformance(&factory);
}

static struct endpoint_row row_of(uint64_t number)
{
    struct endpoint_row row;
    memset(&row, 0, sizeof row);
    row.id = (struct uuid){ .hi = number, .lo = 7 };
    row.since.batch = number + 1; /* member by member: padding is compared too */
    row.since.index = 2;
    row.key_count = 1;
    memcpy(row.url, "https://a.example/", 18);
    memcpy(row.keys[0].secret, "whsec_abc", 9);
    return row;
}

static void put(struct endpoint_store *store, uint64_t number)
{
    struct endpoint_row row = row_of(number);
    assert_int_equal(store->put(store, &row, NULL), STATUS_OK);
}

static void endpoints_are_given_back_in_order_of_ids(void **state)
{
    (void)state; /* no fixture */
    fresh(NULL);
    struct endpoint_store *store = endpoints_open();
    struct endpoint_store *other = endpoints_open(); /* another replica's */
    put(store, UINT64_MAX); /* above all, though negative as a number with a sign */
    put(store, 3);
    put(store, 1);
    put(store, 1); /* replaced */
    struct endpoint_row gone = row_of(3);
    assert_int_equal(store->remove(store, gone.id, NULL), STATUS_OK);
    assert_int_equal(store->remove(store, gone.id, NULL), STATUS_OK);
    struct endpoint_row row;
    struct endpoint_row wanted = row_of(1);
    assert_int_equal(other->load(other, wanted.id, &row, NULL), STATUS_OK);
    assert_memory_equal(&row, &wanted, sizeof row);
    assert_int_equal(other->load(other, gone.id, &row, NULL), STATUS_NOT_FOUND);
    assert_int_equal(other->next(other, (struct uuid){ 0 }, &row, NULL), STATUS_OK);
    assert_int_equal(row.id.hi, 1);
    assert_int_equal(other->next(other, row.id, &row, NULL), STATUS_OK);
    assert_true(row.id.hi == UINT64_MAX);
    assert_int_equal(other->next(other, row.id, &row, NULL), STATUS_NOT_FOUND);
    store->close(store);
    other->close(other);
}

static void changed_rows_are_damage(void **state)
{
    (void)state; /* no fixture */
    struct postgres_inbox_options options = { .url = server.url };
    struct relay_state found = { .endpoint = { 1, 1 }, .sequence = 7 };
    struct inbox_webhook webhook = { .endpoint = "stripe", .body = STR("body") };
    uint64_t id = 0;
    struct buf BUF_SCOPE bytes;
    buf_init(&bytes, 4096);
    fresh(NULL);
    struct inbox *inbox = inbox_open(&options);
    struct relay_store *relay = relay_open(NULL);
    struct endpoint_store *endpoints = endpoints_open();
    put(endpoints, 1);
    assert_int_equal(relay->save(relay, &found, NULL, NULL), STATUS_OK);
    assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), STATUS_OK);
    run("UPDATE tpwallet.endpoint SET data = set_byte(data, 40, get_byte(data, 40) # 1)");
    run("UPDATE tpwallet.delivery SET data = set_byte(data, 40, get_byte(data, 40) # 1)");
    run("UPDATE tpwallet.inbox SET body = 'bodi'");
    struct endpoint_row row;
    assert_int_equal(endpoints->next(endpoints, (struct uuid){ 0 }, &row, NULL), STATUS_CORRUPT);
    assert_int_equal(relay->load(relay, found.endpoint, &found, NULL), STATUS_CORRUPT);
    assert_int_equal(inbox->read(inbox, id, &webhook, &bytes, NULL), STATUS_CORRUPT);
    inbox->close(inbox);
    relay->close(relay);
    endpoints->close(endpoints);
}

static void a_server_that_goes_and_comes_is_used_again(void **state)
{
    (void)state; /* no fixture */
    struct postgres_inbox_options options = { .url = server.url };
    struct inbox_webhook webhook = { .endpoint = "stripe", .body = STR("body") };
    uint64_t id = 0;
    fresh(NULL);
    struct inbox *inbox = inbox_open(&options);
    assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), STATUS_OK);
    assert_int_equal(id, 1);
    postgres_rig_kill(&server, SIGQUIT);
    enum status status = inbox->put(inbox, &webhook, &id, NULL);
    assert_true(status == STATUS_IN_DOUBT || status == STATUS_UNAVAILABLE);
    postgres_rig_restart(&server);
    assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), STATUS_OK);
    assert_true(id > 1);
    uint64_t ids[4];
    uint32_t count = 0;
    assert_int_equal(inbox->unmarked(inbox, 0, ids, 4, &count, NULL), STATUS_OK);
    assert_int_equal(count, 2);
    inbox->close(inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_inbox_conforms),
        cmocka_unit_test(the_relay_store_conforms),
        cmocka_unit_test(endpoints_are_given_back_in_order_of_ids),
        cmocka_unit_test(changed_rows_are_damage),
        cmocka_unit_test(a_server_that_goes_and_comes_is_used_again),
    };
    if (!postgres_rig_start(&server)) return 77;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_rig_stop(&server);
    return failed;
}
