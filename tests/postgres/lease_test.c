/*
 * Goal: the lease over PostgreSQL does what port/lease.h says; a server that goes away is not
 * known to have done anything, and is used again when it is back; of many who take, one has it.
 * Method: a server of the test's own: the cases of all implementations; a restart between two
 * calls, and sixteen threads that take one lease at once.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/postgres_lease.h"
#include "adapter/postgres_store.h"
#include "tests/port/lease_conformance.h"
#include "tests/postgres/postgres_rig.h"

static struct postgres_rig server;

static void fresh(void *owner)
{
    (void)owner; /* there is one server */
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session, "DROP SCHEMA IF EXISTS tpwallet CASCADE", NULL, 0);
    PQfinish(session);
    struct error error = { 0 };
    const struct postgres_store_options options = { .url = server.url };
    struct postgres_store_made made;
    enum status status = postgres_store_create(&options, &made, &error);
    if (status != STATUS_OK) fail_msg("create: %s: %s", error.message, error.detail);
}

static struct lease *open_lease(void *owner)
{
    (void)owner; /* as above */
    struct error error = { 0 };
    struct lease *lease = NULL;
    const struct postgres_lease_options options = { .url = server.url };
    enum status status = postgres_lease_open(&options, &lease, &error);
    if (status != STATUS_OK) fail_msg("open: %s: %s", error.message, error.detail);
    return lease;
}

/* By the server's own clock, which is what counts. */
static void pass(void *owner, int64_t ms)
{
    (void)owner; /* as above */
    char sql[64];
    int len = snprintf(sql, sizeof sql, "SELECT pg_sleep(%d / 1000.0)", (int)ms);
    assert_in_range(len, 1, sizeof sql - 1);
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session, sql, NULL, 0);
    PQfinish(session);
}

static void lease_conforms(void **state)
{
    (void)state; /* no fixture */
    struct lease_factory factory = { NULL, fresh, open_lease, pass };
    lease_conformance(&factory);
}

static void a_server_that_was_away_is_used_again(void **state)
{
    (void)state; /* no fixture */
    static const struct lease_party anna = { "anna", "http://127.0.0.1:1" };
    struct lease_term term = { 0, &anna, 1, 60000 };
    struct lease_view view;
    fresh(NULL);
    struct lease *lease = open_lease(NULL);
    assert_int_equal(lease->take(lease, &term, &view, NULL), STATUS_OK);
    postgres_rig_kill(&server, SIGQUIT);
    enum status status = lease->renew(lease, &term, &view, NULL);
    assert_true(status == STATUS_IN_DOUBT || status == STATUS_UNAVAILABLE);
    assert_int_equal(lease->read(lease, 0, &view, NULL), STATUS_UNAVAILABLE);
    postgres_rig_restart(&server);
    assert_int_equal(lease->renew(lease, &term, &view, NULL), STATUS_OK);
    assert_int_equal(view.epoch, 1);
    lease->close(lease);
}

/* Whoever asks for a lease learns, in the same round trip, whether the journal is what it was. */
static void views_tell_the_head_of_the_journal(void **state)
{
    (void)state; /* no fixture */
    static const struct lease_party anna = { "anna", "http://127.0.0.1:1" };
    struct lease_term term = { 0, &anna, 1, 60000 };
    struct lease_view view;
    struct digest zero = { 0 };
    struct digest hash;
    memset(&hash, 0xab, sizeof hash);
    fresh(NULL);
    struct lease *lease = open_lease(NULL);
    assert_int_equal(lease->take(lease, &term, &view, NULL), STATUS_OK);
    assert_int_equal(view.head.batch, 0);
    assert_memory_equal(&view.head.hash, &zero, sizeof zero);
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session,
                     "INSERT INTO tpwallet.lane(number, epoch, writer, sequence, stamp, hash, mark)"
                     " VALUES(0, 1, 1, 7, 1, decode(repeat('ab', 32), 'hex'), 0)"
                     " ON CONFLICT(number) DO UPDATE SET sequence = excluded.sequence,"
                     " hash = excluded.hash",
                     NULL, 0);
    assert_int_equal(lease->renew(lease, &term, &view, NULL), STATUS_OK);
    assert_int_equal(view.head.batch, 7);
    assert_memory_equal(&view.head.hash, &hash, sizeof hash);
    postgres_rig_run(session, "UPDATE tpwallet.lane SET sequence = 6 WHERE number = 0", NULL, 0);
    assert_int_equal(lease->read(lease, 0, &view, NULL), STATUS_OK);
    assert_int_equal(view.head.batch, 6);
    term.lane = 1;
    assert_int_equal(lease->take(lease, &term, &view, NULL), STATUS_OK);
    assert_int_equal(view.head.batch, 0);
    PQfinish(session);
    lease->close(lease);
}

enum { TAKERS = 16 };

static void *take_once(void *out_taken)
{
    struct lease *lease = open_lease(NULL);
    static const struct lease_party names[2] = { { "anna", "http://127.0.0.1:1" },
                                                 { "bert", "http://127.0.0.1:2" } };
    bool *taken = out_taken;
    struct lease_term term = { 3, &names[(uintptr_t)taken & 1], 0, 60000 };
    struct lease_view view;
    *taken = lease->take(lease, &term, &view, NULL) == STATUS_OK;
    lease->close(lease);
    return NULL;
}

static void one_of_many_takers_has_it(void **state)
{
    (void)state; /* no fixture */
    fresh(NULL);
    pthread_t threads[TAKERS];
    bool taken[TAKERS] = { false };
    for (int i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_once, &taken[i]), 0);
    }
    int count = 0;
    for (int i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        count += taken[i];
    }
    assert_int_equal(count, 1);
}

int main(void)
{
    if (!postgres_rig_start(&server)) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lease_conforms),
        cmocka_unit_test(a_server_that_was_away_is_used_again),
        cmocka_unit_test(views_tell_the_head_of_the_journal),
        cmocka_unit_test(one_of_many_takers_has_it),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_rig_stop(&server);
    return failed;
}
