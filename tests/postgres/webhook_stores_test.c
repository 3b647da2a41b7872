/*
 * Goal: inbox, relay_store and endpoint_store over PostgreSQL mean what their ports say, two that
 * are open on one database see each other's rows, a changed row is damage, and whoever is no
 * longer the lane's owner changes nothing.
 * Method: the cases of every implementation, on a server of the test's own; rows changed by SQL;
 * the server killed between two calls; the lane claimed before a write, and during it. Canary: a
 * write whose guard only reads the lane's row gets in beside a claim, and is found out.
 */
#include <pthread.h>
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
#include "adapter/postgres_store.h"
#include "tests/port/inbox_conformance.h"
#include "tests/port/relay_store_conformance.h"
#include "tests/port/store_scratch.h"
#include "tests/postgres/postgres_rig.h"

static struct postgres_rig server;
static struct postgres_owner owner_now; /* by the newest claim() */

static void run(const char *sql)
{
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session, sql, NULL, 0);
    PQfinish(session);
}

/* By a store of its own, as another server does. Close it. */
static struct store *claim(void)
{
    const struct postgres_store_options options = { .url = server.url };
    struct error error = { 0 };
    struct store *store = NULL;
    struct store_head head;
    if (postgres_store_open(&options, &store, &error) != STATUS_OK ||
        store->claim(store, &head, &error) != STATUS_OK) {
        fail_msg("%s: %s", error.message, error.detail);
    }
    owner_now = (struct postgres_owner){ .lane = 0, .epoch = head.epoch };
    return store;
}

static void fresh(void *owner)
{
    (void)owner;
    const struct postgres_store_options options = { .url = server.url };
    struct error error = { 0 };
    struct postgres_store_made made;
    run("DROP SCHEMA IF EXISTS tpwallet CASCADE");
    if (postgres_store_create(&options, &made, &error) != STATUS_OK)
        fail_msg("%s: %s", error.message, error.detail);
    struct store *store = claim();
    store->close(store);
}

static struct inbox *inbox_open(void *owner)
{
    struct postgres_inbox_options options = *(const struct postgres_inbox_options *)owner;
    struct error error = { 0 };
    struct inbox *inbox = NULL;
    options.owner = owner_now;
    if (postgres_inbox_open(&options, &inbox, &error) != STATUS_OK)
        fail_msg("%s: %s", error.message, error.detail);
    return inbox;
}

static struct relay_store *relay_open(void *owner)
{
    (void)owner;
    struct error error = { 0 };
    struct relay_store *store = NULL;
    if (postgres_relay_store_open(server.url, owner_now, &store, &error) != STATUS_OK)
        fail_msg("%s: %s", error.message, error.detail);
    return store;
}

static struct endpoint_store *endpoints_open(void)
{
    struct error error = { 0 };
    struct endpoint_store *store = NULL;
    if (postgres_endpoint_store_open(server.url, owner_now, &store, &error) != STATUS_OK)
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

/* ---- a former owner ---- */

/* Of all that is in the tables of webhooks. */
static void tables_digest(char out_digest[64])
{
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session,
                     "SELECT md5(coalesce(string_agg(line, '' ORDER BY line), '')) FROM ("
                     "SELECT 'i' || inbox::text FROM tpwallet.inbox UNION ALL"
                     " SELECT 'e' || endpoint::text FROM tpwallet.endpoint UNION ALL"
                     " SELECT 'd' || delivery::text FROM tpwallet.delivery UNION ALL"
                     " SELECT 'l' || dead_letter::text FROM tpwallet.dead_letter) AS rows(line)",
                     out_digest, 64);
    PQfinish(session);
}

/* All three, of one owner. */
struct stores {
    struct inbox *inbox;
    struct relay_store *relay;
    struct endpoint_store *endpoints;
};

static struct stores stores_open(void)
{
    struct postgres_inbox_options options = { .url = server.url, .age_max_s = 1 };
    return (struct stores){ inbox_open(&options), relay_open(NULL), endpoints_open() };
}

static void stores_close(struct stores *stores)
{
    stores->inbox->close(stores->inbox);
    stores->relay->close(stores->relay);
    stores->endpoints->close(stores->endpoints);
}

/* ---- several lanes ---- */

static struct stores stores_of_lane(uint32_t lane)
{
    const struct postgres_store_options options = { .url = server.url, .lane = lane, .lanes = 2 };
    struct error error = { 0 };
    struct store *store = NULL;
    struct store_head head;
    if (postgres_store_open(&options, &store, &error) != STATUS_OK ||
        store->claim(store, &head, &error) != STATUS_OK) {
        fail_msg("%s: %s", error.message, error.detail);
    }
    owner_now = (struct postgres_owner){ .lane = lane, .epoch = head.epoch };
    store->close(store);
    return stores_open();
}

static void lane_fill(const struct stores *stores, uint64_t number)
{
    struct relay_state state = { .endpoint = { 1, 1 }, .sequence = number };
    struct dead_letter letter = { .endpoint = { 1, 1 }, .sequence = 3, .attempts = 1 };
    struct inbox_webhook webhook = { .endpoint = "stripe", .body = STR("body"), .about = { 4, 4 } };
    struct endpoint_row row = row_of(2);
    uint64_t id;
    row.sequence_base = number;
    letter.attempts = (uint32_t)number;
    assert_int_equal(stores->endpoints->put(stores->endpoints, &row, NULL), STATUS_OK);
    assert_int_equal(stores->relay->save(stores->relay, &state, &letter, NULL), STATUS_OK);
    assert_int_equal(stores->inbox->put(stores->inbox, &webhook, &id, NULL), STATUS_OK);
}

static void lane_expect(const struct stores *stores, uint64_t number)
{
    struct relay_state state = { 0 };
    struct dead_letter letters[2];
    struct endpoint_row row;
    const struct inbox_subject subject = { .about = { 4, 4 }, .limit = 2 };
    uint64_t ids[2];
    uint32_t count = 0;
    struct relay_store *relay = stores->relay;
    struct uuid endpoint = { 1, 1 };
    assert_int_equal(relay->load(relay, endpoint, &state, NULL), STATUS_OK);
    assert_int_equal(state.sequence, number);
    assert_int_equal(relay->letters(relay, endpoint, 0, letters, 2, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(letters[0].attempts, number);
    assert_int_equal(stores->endpoints->next(stores->endpoints, (struct uuid){ 0 }, &row, NULL),
                     STATUS_OK);
    assert_int_equal(row.sequence_base, number);
    assert_int_equal(stores->endpoints->next(stores->endpoints, row.id, &row, NULL),
                     STATUS_NOT_FOUND);
    assert_int_equal(stores->inbox->unmarked(stores->inbox, 0, ids, 2, &count, NULL), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(stores->inbox->find(stores->inbox, &subject, ids, &count, NULL), STATUS_OK);
    assert_int_equal(count, 1);
}

static void each_lane_has_its_own(void **state)
{
    (void)state; /* no fixture */
    struct error error = { 0 };
    struct postgres_store_made made;
    run("DROP SCHEMA IF EXISTS tpwallet CASCADE");
    for (uint32_t lane = 0; lane < 2; lane++) {
        const struct postgres_store_options options = { .url = server.url,
                                                        .lane = lane,
                                                        .lanes = 2 };
        assert_int_equal(postgres_store_create(&options, &made, &error), STATUS_OK);
    }
    struct stores first = stores_of_lane(0);
    struct stores second = stores_of_lane(1);
    lane_fill(&first, 5);
    lane_fill(&second, 6);
    lane_expect(&first, 5);
    lane_expect(&second, 6);
    struct uuid endpoint = { 1, 1 };
    assert_int_equal(first.relay->forget(first.relay, endpoint, NULL), STATUS_OK);
    assert_int_equal(first.endpoints->remove(first.endpoints, row_of(2).id, NULL), STATUS_OK);
    lane_expect(&second, 6);
    stores_close(&first);
    stores_close(&second);
}

enum { WRITES = 9 };

/* Each call that changes something, in an order in which each finds something to change. */
static enum status write_one(const struct stores *stores, int which, struct error *out_error)
{
    struct relay_state moved = { .endpoint = { 1, 1 }, .sequence = 8 };
    struct dead_letter letter = { .endpoint = { 1, 1 }, .sequence = 3 };
    struct inbox_webhook webhook = { .endpoint = "stripe", .body = STR("body") };
    struct endpoint_row row = row_of(2);
    uint64_t id = 0;
    uint32_t count = 0;
    struct relay_store *relay = stores->relay;
    switch (which) {
    case 0: return relay->save(relay, &moved, NULL, out_error);
    case 1: return relay->save(relay, &moved, &letter, out_error);
    case 2: return relay->remove(relay, moved.endpoint, 3, out_error);
    case 3: return relay->forget(relay, moved.endpoint, out_error);
    case 4: return stores->endpoints->put(stores->endpoints, &row, out_error);
    case 5: return stores->endpoints->remove(stores->endpoints, row.id, out_error);
    case 6: return stores->inbox->put(stores->inbox, &webhook, &id, out_error);
    case 7: return stores->inbox->mark(stores->inbox, 1, INBOX_MARK_DONE, out_error);
    default:
        return stores->inbox->trim(stores->inbox, (struct wall_time){ 100 * NS_PER_S }, &count,
                                   out_error);
    }
}

/* Something for each write to change. */
static void fill(const struct stores *stores)
{
    struct relay_state found = { .endpoint = { 1, 1 }, .sequence = 7 };
    struct dead_letter letter = { .endpoint = { 1, 1 }, .sequence = 3, .attempts = 5 };
    struct inbox_webhook webhook = { .endpoint = "stripe", .body = STR("body") };
    struct endpoint_row row = row_of(2);
    uint64_t id = 0;
    row.key_count = 0;
    assert_int_equal(stores->relay->save(stores->relay, &found, &letter, NULL), STATUS_OK);
    assert_int_equal(stores->endpoints->put(stores->endpoints, &row, NULL), STATUS_OK);
    assert_int_equal(stores->inbox->put(stores->inbox, &webhook, &id, NULL), STATUS_OK);
    assert_int_equal(stores->inbox->put(stores->inbox, &webhook, &id, NULL), STATUS_OK);
    run("UPDATE tpwallet.inbox SET id = 1 WHERE id = (SELECT min(id) FROM tpwallet.inbox)");
}

static void a_former_owner_changes_nothing(void **state)
{
    (void)state; /* no fixture */
    char before[64];
    char after[64];
    fresh(NULL);
    struct stores former = stores_open();
    fill(&former);
    run("UPDATE tpwallet.inbox SET mark = 1 WHERE id = 1"); /* for trim to find */
    tables_digest(before);
    struct store *store = claim();
    for (int which = 0; which < WRITES; which++) {
        struct error error = { 0 };
        assert_int_equal(write_one(&former, which, &error), STATUS_UNAVAILABLE);
        assert_string_equal(error.message, "the lane has another owner");
        tables_digest(after);
        assert_string_equal(after, before);
    }
    struct relay_state found;
    assert_int_equal(former.relay->load(former.relay, (struct uuid){ 1, 1 }, &found, NULL),
                     STATUS_OK);
    struct stores owner = stores_open();
    for (int which = 0; which < WRITES; which++) {
        if (which == 7) run("UPDATE tpwallet.inbox SET mark = 0 WHERE id = 1");
        tables_digest(before);
        assert_int_equal(write_one(&owner, which, NULL), STATUS_OK);
        tables_digest(after);
        assert_string_not_equal(after, before); /* so there was something to guard */
    }
    stores_close(&former);
    stores_close(&owner);
    store->close(store);
}

struct waiting {
    const struct stores *stores;
    int which;
    enum status status;
    _Atomic bool done;
};

static void *write_in_the_background(void *argument)
{
    struct waiting *waiting = argument;
    waiting->status = write_one(waiting->stores, waiting->which, NULL);
    waiting->done = true;
    return NULL;
}

/* The server's own word that it waits for the row. */
static void await_a_wait(PGconn *session, const struct waiting *waiting)
{
    char text[64] = "0";
    while (strcmp(text, "0") == 0 && !waiting->done) {
        postgres_rig_run(session,
                         "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                         " AND application_name LIKE 'tpwallet %'",
                         text, sizeof text);
    }
}

static void a_write_beside_a_claim_waits_and_fails(void **state)
{
    (void)state;                             /* no fixture */
    static const int writes[] = { 0, 4, 6 }; /* one of each store */
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        char before[64];
        char after[64];
        pthread_t thread;
        fresh(NULL);
        struct stores former = stores_open();
        fill(&former);
        tables_digest(before);
        struct waiting waiting = { .stores = &former, .which = writes[i] };
        PGconn *claiming = postgres_rig_session(&server);
        PGconn *looking = postgres_rig_session(&server);
        postgres_rig_run(claiming,
                         "BEGIN; SELECT 1 FROM tpwallet.lane FOR UPDATE;"
                         "UPDATE tpwallet.lane SET epoch = epoch + 1",
                         NULL, 0);
        assert_int_equal(pthread_create(&thread, NULL, write_in_the_background, &waiting), 0);
        await_a_wait(looking, &waiting);
        bool waited = !waiting.done;
        postgres_rig_run(claiming, "COMMIT", NULL, 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(waited);
        assert_int_equal(waiting.status, STATUS_UNAVAILABLE);
        tables_digest(after);
        assert_string_equal(after, before);
        PQfinish(claiming);
        PQfinish(looking);
        stores_close(&former);
    }
}

/* Canary: what a comparison without a lock lets through, the same look at the tables finds. */
static void a_guard_that_only_reads_is_found_out(void **state)
{
    (void)state; /* no fixture */
    char before[64];
    char after[64];
    fresh(NULL);
    struct stores former = stores_open();
    fill(&former);
    PGconn *claiming = postgres_rig_session(&server);
    postgres_rig_run(claiming,
                     "BEGIN; SELECT 1 FROM tpwallet.lane FOR UPDATE;"
                     "UPDATE tpwallet.lane SET epoch = epoch + 1",
                     NULL, 0);
    tables_digest(before);
    run("WITH owner AS (SELECT 1 FROM tpwallet.lane WHERE number = 0 AND epoch = 1),"
        " state AS (UPDATE tpwallet.delivery SET data = 'older')"
        " SELECT 1 / (SELECT count(*) FROM owner)");
    postgres_rig_run(claiming, "COMMIT", NULL, 0);
    tables_digest(after);
    assert_string_not_equal(after, before);
    PQfinish(claiming);
    stores_close(&former);
}

static void a_guard_that_is_held_keeps_no_commit_waiting(void **state)
{
    (void)state; /* no fixture */
    struct error error = { 0 };
    enum status status = STATUS_OK;
    fresh(NULL);
    struct store *store = claim();
    PGconn *session = postgres_rig_session(&server);
    postgres_rig_run(session, "BEGIN; SELECT 1 FROM tpwallet.lane FOR KEY SHARE", NULL, 0);
    assert_int_equal(scratch_append(store, 3, &status, &error), 3);
    postgres_rig_run(session, "COMMIT", NULL, 0);
    PQfinish(session);
    store->close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_inbox_conforms),
        cmocka_unit_test(the_relay_store_conforms),
        cmocka_unit_test(endpoints_are_given_back_in_order_of_ids),
        cmocka_unit_test(each_lane_has_its_own),
        cmocka_unit_test(changed_rows_are_damage),
        cmocka_unit_test(a_server_that_goes_and_comes_is_used_again),
        cmocka_unit_test(a_former_owner_changes_nothing),
        cmocka_unit_test(a_write_beside_a_claim_waits_and_fails),
        cmocka_unit_test(a_guard_that_only_reads_is_found_out),
        cmocka_unit_test(a_guard_that_is_held_keeps_no_commit_waiting),
    };
    if (!postgres_rig_start(&server)) return 77;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_rig_stop(&server);
    return failed;
}
