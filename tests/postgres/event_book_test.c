/*
 * Goal: a book of events in PostgreSQL has each effect once, as one in a file; a user who may only
 * use its tables may consume; a schema of a later program is refused; a lost server is told, and
 * come back to; what a lost session had begun goes on in no other.
 * Method: the cases of every store, on a server of the test's own; a user without rights to make
 * tables; a changed version; the server killed inside a transaction; sessions ended by the server.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/postgres_event_store.h"
#include "tests/port/event_book_conformance.h"
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
    run("DROP SCHEMA IF EXISTS tpwallet_events CASCADE");
}

static struct event_store *open_store(void *owner)
{
    (void)owner;
    struct event_store *store = NULL;
    struct error error = { 0 };
    if (postgres_event_store_open(server.url, &store, &error) != STATUS_OK)
        fail_msg("%s: %s", error.message, error.detail);
    return store;
}

static int64_t number(void *owner, const char *sql)
{
    (void)owner;
    char text[64];
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session, "SET search_path = tpwallet_events", text, sizeof text);
    postgres_rig_run(session, sql, text, sizeof text);
    PQfinish(session);
    return strtoll(text, NULL, 10);
}

static void postgres_conforms(void **state)
{
    (void)state; /* no fixture */
    const struct event_store_factory factory = { NULL, fresh, open_store, number };
    event_book_conformance(&factory);
}

static void a_user_without_more_rights_will_do(void **state)
{
    (void)state; /* no fixture */
    fresh(NULL);
    struct event_store *store = open_store(NULL);
    store->close(store);
    run("CREATE ROLE reader LOGIN; REVOKE CREATE ON DATABASE tpwallet FROM PUBLIC;"
        " GRANT USAGE ON SCHEMA tpwallet_events TO reader;"
        " GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tpwallet_events TO reader");
    char url[RIG_PATH_SIZE];
    int len = snprintf(url, sizeof url, "postgresql://reader@127.0.0.1:%u/tpwallet", server.port);
    assert_true(len > 0 && (size_t)len < sizeof url);
    struct error error = { 0 };
    assert_int_equal(postgres_event_store_open(url, &store, &error), STATUS_OK);
    assert_int_equal(store->begin(store, &error), STATUS_OK);
    assert_int_equal(store->mark_set(store, 0, 1, &error), STATUS_OK);
    assert_int_equal(store->commit(store, &error), STATUS_OK);
    store->close(store);
}

static void a_later_schema_is_refused(void **state)
{
    (void)state; /* no fixture */
    struct event_store *store = open_store(NULL);
    store->close(store);
    run("UPDATE tpwallet_events.setting SET value = '2' WHERE name = 'version'");
    struct error error = { 0 };
    assert_int_equal(postgres_event_store_open(server.url, &store, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "not one that this program knows"));
    fresh(NULL);
}

static void a_lost_server_is_told(void **state)
{
    (void)state; /* no fixture */
    struct error error = { 0 };
    struct event_store *store = open_store(NULL);
    assert_int_equal(store->begin(store, &error), STATUS_OK);
    assert_int_equal(store->mark_set(store, 0, 7, &error), STATUS_OK);
    postgres_rig_kill(&server, SIGQUIT);
    assert_int_not_equal(store->commit(store, &error), STATUS_OK);
    store->undo(store);
    assert_int_equal(store->begin(store, &error), STATUS_UNAVAILABLE);
    postgres_rig_restart(&server);
    int64_t next = 0;
    assert_int_equal(store->mark_get(store, 0, &next, &error), STATUS_NOT_FOUND);
    store->close(store);
}

static void a_lost_session_is_made_anew(void **state)
{
    (void)state; /* no fixture */
    static const char end[] = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                              " WHERE application_name = 'tpwallet events'";
    struct error error = { 0 };
    int64_t next = 0;
    fresh(NULL);
    struct event_store *store = open_store(NULL);
    run(end);
    assert_int_equal(store->mark_get(store, 0, &next, &error), STATUS_UNAVAILABLE);
    assert_int_equal(store->mark_get(store, 0, &next, &error), STATUS_NOT_FOUND);
    run(end);
    assert_int_equal(store->mark_set(store, 0, 1, &error), STATUS_UNAVAILABLE);
    assert_int_equal(store->mark_set(store, 0, 2, &error), STATUS_OK);
    run(end);
    assert_int_equal(store->begin(store, &error), STATUS_UNAVAILABLE);
    assert_int_equal(store->begin(store, &error), STATUS_OK);
    run(end);
    for (int i = 0; i < 2; i++) /* the transaction is gone: nothing of it is done outside of it */
        assert_int_equal(store->mark_set(store, 0, 3, &error), STATUS_UNAVAILABLE);
    assert_int_not_equal(store->commit(store, &error), STATUS_OK);
    store->undo(store);
    assert_int_equal(store->mark_get(store, 0, &next, &error), STATUS_OK);
    assert_int_equal(next, 2);
    store->close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(postgres_conforms),
        cmocka_unit_test(a_user_without_more_rights_will_do),
        cmocka_unit_test(a_later_schema_is_refused),
        cmocka_unit_test(a_lost_server_is_told),
        cmocka_unit_test(a_lost_session_is_made_anew),
    };
    if (!postgres_rig_start(&server)) return 77;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_rig_stop(&server);
    return failed;
}
