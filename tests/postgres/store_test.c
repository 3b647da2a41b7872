/*
 * Goal: the store over PostgreSQL does what port/store.h says, on a server with its default
 * durability; whoever is no longer the owner commits nothing; a commit of which the server did
 * not say COMMIT, or said it with a warning, is in doubt, and reopening tells; what is damaged
 * or not ours is refused.
 * Method: a server of the test's own. The cases that every store must pass; then the server is
 * made to hold a commit at its very end (a deferred trigger that waits for a lock, a standby
 * that does not exist), and its session is ended or its wait cancelled there. Canary: a mere
 * UPDATE in the guard's place must be found out by the same check that the store passes.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/postgres_store.h"
#include "base/limits.h"
#include "tests/port/store_conformance.h"
#include "tests/port/store_scratch.h"
#include "tests/postgres/postgres_rig.h"

static struct postgres_rig server;

static void run(const char *sql)
{
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session, sql, NULL, 0);
    PQfinish(session);
}

static uint64_t number(const char *sql)
{
    char text[64];
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session, sql, text, sizeof text);
    PQfinish(session);
    return strtoull(text, NULL, 10);
}

static void fresh(void *owner)
{
    struct error error = { 0 };
    struct postgres_store_made made;
    run("DROP SCHEMA IF EXISTS tpwallet CASCADE");
    enum status status = postgres_store_create(owner, &made, &error);
    if (status != STATUS_OK) fail_msg("create: %s: %s", error.message, error.detail);
    assert_true(made.is_new);
}

static struct store *open_store(void *owner)
{
    struct error error = { 0 };
    struct store *store = NULL;
    enum status status = postgres_store_open(owner, &store, &error);
    if (status != STATUS_OK) fail_msg("open: %s: %s", error.message, error.detail);
    return store;
}

static struct postgres_store_options options_of(uint32_t lane)
{
    return (struct postgres_store_options){ .url = server.url, .lane = lane };
}

/* A store on a lane of its own, claimed, with some batches in it. */
static struct store *store_with(const struct postgres_store_options *options, uint64_t batches)
{
    struct error error = { 0 };
    struct store_head head;
    enum status status = STATUS_OK;
    fresh((void *)options);
    struct store *store = open_store((void *)options);
    assert_int_equal(store->claim(store, &head, &error), STATUS_OK);
    assert_int_equal(scratch_append(store, batches, &status, &error), batches);
    return store;
}

static uint64_t sequence_of(struct store *store)
{
    struct error error = { 0 };
    struct store_head head;
    enum status status = store->head(store, &head, &error);
    if (status != STATUS_OK) fail_msg("head: %s: %s", error.message, error.detail);
    return head.sequence;
}

static void verify_whole(struct store *store)
{
    struct error error = { 0 };
    enum status status = scratch_verify(store, &error);
    if (status != STATUS_OK) fail_msg("verify: %s: %s", error.message, error.detail);
}

/* ---- the port ---- */

static void store_conforms(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct store_factory factory = { &options, fresh, open_store };
    store_conformance(&factory);
}

static void store_conforms_on_another_lane_of_the_same_tables(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(7);
    struct store_factory factory = { &options, fresh, open_store };
    store_conformance(&factory);
}

static void lanes_do_not_see_each_other(void **state)
{
    (void)state;
    struct postgres_store_options first = options_of(1);
    struct postgres_store_options second = options_of(2);
    struct error error = { 0 };
    struct store_head head;
    enum status status = STATUS_OK;
    struct postgres_store_made made;
    struct store *one = store_with(&first, 7);
    assert_int_equal(postgres_store_create(&second, &made, &error), STATUS_OK);
    struct store *other = open_store(&second);
    assert_int_equal(other->claim(other, &head, &error), STATUS_OK);
    assert_int_equal(head.epoch, 1);
    assert_int_equal(scratch_append(other, 5, &status, &error), 5);
    assert_int_equal(scratch_append(one, 3, &status, &error), 3);
    assert_int_equal(sequence_of(one), 10);
    assert_int_equal(sequence_of(other), 5);
    verify_whole(one);
    verify_whole(other);
    one->close(one);
    other->close(other);
}

/* Accounts follow from the number of lanes: who has it wrong must not get in. */
static void a_ledger_has_as_many_lanes_as_were_made(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct store_head head;
    struct store *store = NULL;
    enum status status = STATUS_OK;
    struct postgres_store_made made;
    run("DROP SCHEMA IF EXISTS tpwallet CASCADE");
    options.lanes = 2;
    assert_int_equal(postgres_store_create(&options, &made, &error), STATUS_OK);
    assert_true(made.is_new);
    assert_int_equal(number("SELECT count(*) FROM tpwallet.lane"), 2); /* whole at once */
    assert_int_equal(postgres_store_create(&options, &made, &error), STATUS_OK);
    assert_false(made.is_new);
    for (options.lanes = 1; options.lanes <= 3; options.lanes += 2) { /* nothing is written yet */
        assert_int_equal(postgres_store_create(&options, &made, &error), STATUS_INVALID);
        assert_non_null(strstr(error.message, "--lanes 2"));
    }
    assert_int_equal(number("SELECT count(*) FROM tpwallet.lane"), 2);
    options.lanes = 2;
    options.lane = 1;
    assert_int_equal(postgres_store_open(&options, &store, &error), STATUS_OK);
    assert_int_equal(store->claim(store, &head, &error), STATUS_OK);
    assert_int_equal(scratch_append(store, 1, &status, &error), 1);
    store->close(store);
    static const uint32_t wrong[] = { 1, 3 };
    for (size_t i = 0; i < 2; i++) {
        options.lanes = wrong[i];
        options.lane = wrong[i] - 1;
        assert_int_equal(postgres_store_create(&options, &made, &error), STATUS_INVALID);
        assert_non_null(strstr(error.message, "--lanes 2"));
        options.lane = 0;
        assert_int_equal(postgres_store_open(&options, &store, &error), STATUS_INVALID);
    }
}

static void create_keeps_what_is_there(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct postgres_store_made made = { .is_new = true };
    struct store *store = store_with(&options, 4);
    assert_int_equal(postgres_store_create(&options, &made, &error), STATUS_OK);
    assert_false(made.is_new);
    assert_int_equal(sequence_of(store), 4);
    store->close(store);
}

static void read_only_store_writes_nothing(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct store_head head;
    struct store_batch batch = { .epoch = 1, .sequence = 4, .data = "", .size = 0 };
    struct store *owner = store_with(&options, 3);
    options.read_only = true;
    struct store *guest = open_store(&options);
    verify_whole(guest);
    assert_int_equal(guest->claim(guest, &head, &error), STATUS_DENIED);
    assert_int_equal(guest->append(guest, &batch, &error), STATUS_DENIED);
    guest->close(guest);
    owner->close(owner);
}

/* ---- the guard ---- */

/* What a fenced owner's commit must leave behind: nothing. */
static bool nothing_came(uint64_t batches_before)
{
    return number("SELECT count(*) FROM tpwallet.batch") == batches_before;
}

static void fenced_owner_commits_nothing(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct store_head head;
    struct store *before = store_with(&options, 3);
    struct store *after = open_store(&options);
    struct store_batch batch = { .epoch = 1, .sequence = 4, .data = "late", .size = 4 };
    assert_int_equal(after->claim(after, &head, &error), STATUS_OK);
    assert_int_equal(before->append(before, &batch, &error), STATUS_FENCED);
    assert_true(nothing_came(3));
    before->close(before);
    after->close(after);
}

/*
 * The planted bug: the same pipeline with a mere UPDATE in front. It changes no row, which is
 * no error, so the batch behind it is committed; the same check must see that, and opening too.
 */
static void mere_update_in_the_guards_place_is_found_out(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct store *store = store_with(&options, 3);
    store->close(store);
    PGconn *session = postgres_rig_session(&server);
    static const char *const unguarded[] = {
        "BEGIN",
        "UPDATE tpwallet.lane SET sequence = 4 WHERE number = 0 AND epoch = 99 AND sequence = 3",
        ("INSERT INTO tpwallet.batch SELECT lane, 4, stamp + 1, size, mark, hash, data"
         " FROM tpwallet.batch WHERE sequence = 3"),
        "COMMIT",
    };
    assert_int_equal(PQenterPipelineMode(session), 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(PQsendQueryParams(session, unguarded[i], 0, NULL, NULL, NULL, NULL, 0), 1);
    }
    assert_int_equal(PQpipelineSync(session), 1);
    for (int i = 0; i < 4; i++) {
        PGresult *result = PQgetResult(session);
        assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
        PQclear(result);
        assert_null(PQgetResult(session));
    }
    PQfinish(session);
    assert_false(nothing_came(3));
    assert_int_equal(postgres_store_open(&options, &store, &error), STATUS_CORRUPT);
}

static void missing_lane_is_fenced_too(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct store_batch batch = { .epoch = 1, .sequence = 4, .data = "late", .size = 4 };
    struct store *store = store_with(&options, 3);
    run("DELETE FROM tpwallet.lane");
    assert_int_equal(store->append(store, &batch, &error), STATUS_FENCED);
    assert_true(nothing_came(3));
    store->close(store);
}

/* ---- commits in doubt ---- */

struct appending {
    struct store *store;
    enum status status;
    uint64_t count;
    struct error error;
};

static void *append_one(void *argument)
{
    struct appending *appending = argument;
    appending->count = scratch_append(appending->store, 1, &appending->status, &appending->error);
    return NULL;
}

static void *reopen(void *argument)
{
    struct appending *appending = argument;
    appending->status = appending->store->reopen(appending->store, &appending->error);
    return NULL;
}

/* Waits until a session of the store stands where `condition` says, and does `act` to it. */
static void when_it_stands(PGconn *session, const char *condition, const char *act)
{
    char sql[512];
    char text[64] = "";
    for (int i = 0; i < 20000 && strcmp(text, "1") != 0; i++) {
        int length = snprintf(sql, sizeof sql,
                              "SELECT count(*) FROM pg_stat_activity WHERE application_name ="
                              " 'tpwallet lane 0' AND %s",
                              condition);
        assert_true(length > 0 && (size_t)length < sizeof sql);
        postgres_rig_run(session, sql, text, sizeof text);
    }
    assert_string_equal(text, "1");
    int length = snprintf(sql, sizeof sql,
                          "SELECT %s(pid) FROM pg_stat_activity WHERE application_name ="
                          " 'tpwallet lane 0' AND %s",
                          act, condition);
    assert_true(length > 0 && (size_t)length < sizeof sql);
    postgres_rig_run(session, sql, text, sizeof text);
}

/* A commit that stands at its end, before it is written: the session is ended there. */
static void ended_before_the_commit_is_in_doubt_and_not_there(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct appending appending = { .store = store_with(&options, 3) };
    pthread_t thread;
    run("CREATE FUNCTION tpwallet.hold() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NULL; END$$;"
        "CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON tpwallet.batch"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tpwallet.hold()");
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session, "SELECT pg_advisory_lock(77)", NULL, 0);
    assert_int_equal(pthread_create(&thread, NULL, append_one, &appending), 0);
    when_it_stands(session, "wait_event = 'advisory'", "pg_terminate_backend");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(appending.status, STATUS_IN_DOUBT);

    struct store_head head;
    assert_int_equal(appending.store->head(appending.store, &head, &error), STATUS_UNAVAILABLE);
    assert_int_equal(appending.store->reopen(appending.store, &error), STATUS_OK);
    assert_int_equal(sequence_of(appending.store), 3);
    postgres_rig_run(session, "SELECT pg_advisory_unlock(77)", NULL, 0);
    PQfinish(session);
    assert_int_equal(scratch_append(appending.store, 2, &appending.status, &error), 2);
    verify_whole(appending.store);
    appending.store->close(appending.store);
}

/*
 * A commit that is written and waits for a standby. Whether its session is ended or its wait is
 * cancelled (the server then says COMMIT, and warns), it is in doubt; and as long as no standby
 * answers, what is there is not believed.
 */
static void committed_without_its_standby(const char *act)
{
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct appending appending = { .store = store_with(&options, 3) };
    pthread_t thread;
    run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    run("SELECT pg_reload_conf()");
    PGconn *session = postgres_rig_session(&server);
    char name[64] = "";
    while (strcmp(name, "nobody") != 0) {
        postgres_rig_run(session, "SHOW synchronous_standby_names", name, sizeof name);
    }
    assert_int_equal(pthread_create(&thread, NULL, append_one, &appending), 0);
    when_it_stands(session, "wait_event = 'SyncRep'", act);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(appending.status, STATUS_IN_DOUBT);

    assert_int_equal(pthread_create(&thread, NULL, reopen, &appending), 0);
    when_it_stands(session, "wait_event = 'SyncRep'", act);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(appending.status, STATUS_UNAVAILABLE);

    run("ALTER SYSTEM RESET synchronous_standby_names");
    run("SELECT pg_reload_conf()");
    assert_int_equal(appending.store->reopen(appending.store, &error), STATUS_OK);
    assert_int_equal(sequence_of(appending.store), 4);
    assert_int_equal(scratch_append(appending.store, 2, &appending.status, &error), 2);
    verify_whole(appending.store);
    PQfinish(session);
    appending.store->close(appending.store);
}

static void wait_for_a_standby_cancelled_is_in_doubt_and_there(void **state)
{
    (void)state;
    committed_without_its_standby("pg_cancel_backend");
}

static void ended_while_waiting_for_a_standby_is_in_doubt_and_there(void **state)
{
    (void)state;
    committed_without_its_standby("pg_terminate_backend");
}

/* ---- a process that stands still ---- */

/* A session with a transaction that has changed something, and of which nothing more comes. */
static PGconn *session_that_stands(const char *name, const char *sql)
{
    char text[256];
    PGconn *session = postgres_rig_session(&server);
    int length = snprintf(text, sizeof text, "SET application_name = '%s'", name);
    assert_true(length > 0 && (size_t)length < sizeof text);
    postgres_rig_run(session, text, NULL, 0);
    postgres_rig_run(session, "BEGIN", NULL, 0);
    postgres_rig_run(session, sql, NULL, 0);
    return session;
}

static bool answers(PGconn *session)
{
    PGresult *result = PQexec(session, "COMMIT");
    bool yes = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return yes;
}

/* Between two bytes of a commit, the lane's row locked: whoever wants the lane does not wait on. */
static void session_stuck_in_a_commit_is_ended_by_the_next_owner(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    enum status status = STATUS_OK;
    struct store_head head;
    struct store *former = store_with(&options, 3);
    PGconn *stuck = session_that_stands("tpwallet lane 0",
                                        "UPDATE tpwallet.lane SET sequence = 4 WHERE number = 0");
    PGconn *other_lane = session_that_stands("tpwallet lane 7", "SELECT txid_current()");
    PGconn *others = session_that_stands("somebody", "SELECT txid_current()");
    struct store *next = open_store(&options);
    assert_int_equal(next->claim(next, &head, &error), STATUS_UNAVAILABLE); /* and ends it */
    assert_int_equal(next->claim(next, &head, &error), STATUS_OK);
    assert_int_equal(head.epoch, 2);
    assert_int_equal(head.sequence, 3);
    assert_false(answers(stuck));
    assert_true(answers(other_lane));
    assert_true(answers(others));
    assert_int_equal(scratch_append(next, 2, &status, &error), 2);
    verify_whole(next);
    PQfinish(stuck);
    PQfinish(other_lane);
    PQfinish(others);
    next->close(next);
    former->close(former);
}

/* The owner's own session of before, on a connection that it gave up. */
static void session_stuck_in_a_commit_is_ended_by_reopening(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    enum status status = STATUS_OK;
    struct store *store = store_with(&options, 3);
    PGconn *stuck = session_that_stands("tpwallet lane 0",
                                        "UPDATE tpwallet.lane SET sequence = 4 WHERE number = 0");
    assert_int_equal(store->reopen(store, &error), STATUS_UNAVAILABLE);
    assert_int_equal(store->reopen(store, &error), STATUS_OK);
    assert_false(answers(stuck));
    assert_int_equal(sequence_of(store), 3);
    assert_int_equal(scratch_append(store, 2, &status, &error), 2);
    PQfinish(stuck);
    store->close(store);
}

/* ---- a server that goes and comes ---- */

static void append_goes_on_after_the_server_was_killed(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    enum status status = STATUS_OK;
    struct store *store = store_with(&options, 5);
    struct store_head head;
    postgres_rig_kill(&server, SIGQUIT);
    assert_int_equal(store->head(store, &head, &error), STATUS_UNAVAILABLE);
    struct store_batch batch = { .epoch = 1, .sequence = 6, .data = "x", .size = 1 };
    status = store->append(store, &batch, &error);
    assert_true(status == STATUS_UNAVAILABLE || status == STATUS_IN_DOUBT);
    assert_int_equal(store->reopen(store, &error), STATUS_UNAVAILABLE);
    postgres_rig_restart(&server);
    assert_int_equal(store->reopen(store, &error), STATUS_OK);
    assert_int_equal(sequence_of(store), 5);
    assert_int_equal(scratch_append(store, 5, &status, &error), 5);
    verify_whole(store);
    store->close(store);
}

/* As a follower that takes over after the database came back: nobody used its connection since. */
static void claim_finds_its_connection_gone_and_makes_another(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct store *store = store_with(&options, 3);
    struct store_head head;
    postgres_rig_kill(&server, SIGQUIT);
    postgres_rig_restart(&server);
    assert_int_equal(store->claim(store, &head, &error), STATUS_OK);
    assert_int_equal(head.epoch, 2);
    assert_int_equal(head.sequence, 3);
    store->close(store);
}

/* ---- damage, and what is not ours ---- */

static enum status open_status(const struct postgres_store_options *options)
{
    struct error error = { 0 };
    struct store *store = NULL;
    enum status status = postgres_store_open(options, &store, &error);
    if (status == STATUS_OK) store->close(store);
    return status;
}

static void damage_is_found_when_read(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct error error = { 0 };
    struct buf blob;
    struct buf list;
    buf_init(&blob, BATCH_SIZE_MAX);
    buf_init(&list, 1 << 16);
    struct store *store = store_with(&options, 9);
    run("UPDATE tpwallet.batch SET data = set_byte(data, 130, get_byte(data, 130) # 1)"
        " WHERE sequence = 5");
    assert_int_equal(store->read(store, 4, &blob, &error), STATUS_OK);
    assert_int_equal(store->read(store, 5, &blob, &error), STATUS_CORRUPT);
    run("UPDATE tpwallet.batch SET stamp = stamp + 1 WHERE sequence = 4");
    assert_int_equal(store->read(store, 4, &blob, &error), STATUS_CORRUPT);
    struct store_slice slice;
    assert_int_equal(store->slice_list(store, &list, &error), STATUS_OK);
    memcpy(&slice, list.data, sizeof slice);
    run("UPDATE tpwallet.slice SET data = set_byte(data, 0, get_byte(data, 0) # 1)");
    assert_int_equal(store->slice_read(store, &slice, &blob, &error), STATUS_CORRUPT);
    run("UPDATE tpwallet.slice SET at_batch = at_batch + 1");
    assert_int_equal(store->slice_list(store, &list, &error), STATUS_CORRUPT);
    store->close(store);
    assert_int_equal(open_status(&options), STATUS_OK);
    run("DELETE FROM tpwallet.batch WHERE sequence = 9");
    assert_int_equal(open_status(&options), STATUS_CORRUPT);
    run("UPDATE tpwallet.lane SET sequence = 8");
    assert_int_equal(open_status(&options), STATUS_CORRUPT);
    buf_free(&blob);
    buf_free(&list);
}

static void schema_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    struct postgres_store_options options = options_of(0);
    struct store *store = store_with(&options, 1);
    store->close(store);
    struct postgres_store_options absent = options_of(3);
    assert_int_equal(open_status(&absent), STATUS_NOT_FOUND);
    run("INSERT INTO tpwallet.migration(number, name, digest) VALUES(1000, 'next', '')");
    assert_int_equal(open_status(&options), STATUS_INVALID);
    run("DELETE FROM tpwallet.migration WHERE number = 1000");
    assert_int_equal(open_status(&options), STATUS_OK);
    run("UPDATE tpwallet.migration SET digest = 'other' WHERE number = 1");
    assert_int_equal(open_status(&options), STATUS_INVALID);
    run("DROP SCHEMA tpwallet CASCADE");
    options.read_only = true;
    assert_int_equal(open_status(&options), STATUS_INVALID);
}

static void url_with(const char *before, const char *after, char out_url[RIG_PATH_SIZE])
{
    int length = snprintf(out_url, RIG_PATH_SIZE, "%s127.0.0.1:%u/%s", before, server.port, after);
    assert_true(length > 0 && length < RIG_PATH_SIZE);
}

static void urls_and_servers_that_will_not_do_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        const char *after;
        enum status status;
    } cases[] = {
        { "mysql://", "tpwallet", STATUS_INVALID },
        { "postgresql://postgres:geheim@", "tpwallet", STATUS_INVALID },
        { "postgresql://postgres@", "tpwallet?password=geheim", STATUS_INVALID },
        { "postgresql://postgres@", "tpwallet?nonsense=geheim", STATUS_INVALID },
        { "postgresql://postgres@", "nowhere", STATUS_INVALID },
        { "postgresql://nobody@", "tpwallet", STATUS_DENIED },
        { "postgresql://postgres@", "tpwallet?port=1", STATUS_UNAVAILABLE },
    };
    run("DROP SCHEMA IF EXISTS tpwallet CASCADE");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char url[RIG_PATH_SIZE];
        struct error error = { 0 };
        struct postgres_store_made made;
        struct postgres_store_options options = { .url = url };
        url_with(cases[i].before, cases[i].after, url);
        enum status status = postgres_store_create(&options, &made, &error);
        if (status != cases[i].status) fail_msg("%s: %s: %s", url, error.message, error.detail);
        assert_null(strstr(error.message, "geheim"));
        assert_null(strstr(error.detail, "geheim"));
    }
    char url[RIG_PATH_SIZE];
    struct error error = { 0 };
    struct postgres_store_made made;
    struct postgres_store_options options = { .url = url };
    run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    url_with("postgresql://postgres@", "latin", url);
    assert_int_equal(postgres_store_create(&options, &made, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "UTF-8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_conforms),
        cmocka_unit_test(store_conforms_on_another_lane_of_the_same_tables),
        cmocka_unit_test(lanes_do_not_see_each_other),
        cmocka_unit_test(a_ledger_has_as_many_lanes_as_were_made),
        cmocka_unit_test(create_keeps_what_is_there),
        cmocka_unit_test(read_only_store_writes_nothing),
        cmocka_unit_test(fenced_owner_commits_nothing),
        cmocka_unit_test(mere_update_in_the_guards_place_is_found_out),
        cmocka_unit_test(missing_lane_is_fenced_too),
        cmocka_unit_test(ended_before_the_commit_is_in_doubt_and_not_there),
        cmocka_unit_test(wait_for_a_standby_cancelled_is_in_doubt_and_there),
        cmocka_unit_test(ended_while_waiting_for_a_standby_is_in_doubt_and_there),
        cmocka_unit_test(session_stuck_in_a_commit_is_ended_by_the_next_owner),
        cmocka_unit_test(session_stuck_in_a_commit_is_ended_by_reopening),
        cmocka_unit_test(append_goes_on_after_the_server_was_killed),
        cmocka_unit_test(claim_finds_its_connection_gone_and_makes_another),
        cmocka_unit_test(damage_is_found_when_read),
        cmocka_unit_test(schema_that_is_not_ours_is_refused),
        cmocka_unit_test(urls_and_servers_that_will_not_do_are_refused),
    };
    if (!postgres_rig_start(&server)) return 77;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_rig_stop(&server);
    return failed;
}
