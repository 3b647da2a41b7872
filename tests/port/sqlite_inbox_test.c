/*
 * Goal: SQLite's inbox does what port/inbox.h says; callers at the same time are all stored; what
 * was acknowledged survives power cuts and failed fsyncs; damage is told and not given out.
 * Method: the cases of all implementations; threads that put at once, all read back; a VFS that
 * knows what is synced, cut before random operations, with the folder it leaves opened and every
 * acknowledged webhook looked for; a failed fsync, then more puts and a cut; a changed row.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_inbox.h"
#include "base/prng.h"
#include "tests/port/fault_vfs.h"
#include "tests/port/inbox_conformance.h"
#include "tests/port/store_scratch.h"

enum { THREADS = 32, PUTS = 40, SEEDS = 60, PUTS_BEFORE_CUT = 60, BODY_SIZE_MAX = 9000 };

struct rig {
    char folder[SCRATCH_PATH_SIZE];
    struct sqlite_inbox_options options;
};

static void fresh(void *owner)
{
    struct rig *rig = owner;
    scratch_folder("inbox", rig->folder);
    rig->options.folder = rig->folder;
}

static struct inbox *open_inbox(void *owner)
{
    struct rig *rig = owner;
    struct error error = { 0 };
    struct inbox *inbox = NULL;
    if (sqlite_inbox_open(&rig->options, &inbox, &error) != STATUS_OK) {
        fail_msg("%s: %s", error.message, error.detail);
    }
    return inbox;
}

static void the_inbox_conforms(void **state)
{
    (void)state; /* no fixture */
    struct rig rig = { .options = { .bytes_max = INBOX_CASES_BYTES_MAX,
                                    .age_max_s = INBOX_CASES_AGE_MAX_S } };
    struct inbox_factory factory = { &rig, fresh, open_inbox };
    inbox_conformance(&factory);
}

/* A body that follows from a number, so that a reader can tell whether it is whole. */
static struct str body_of(uint64_t number, char body[BODY_SIZE_MAX])
{
    struct prng prng;
    prng_init(&prng, number);
    size_t size = (size_t)prng_between(&prng, sizeof number, BODY_SIZE_MAX);
    prng_fill(&prng, body, size);
    memcpy(body, &number, sizeof number);
    return (struct str){ body, size };
}

static enum status put_number(struct inbox *inbox, uint64_t number, uint64_t *out_id)
{
    char body[BODY_SIZE_MAX];
    struct inbox_webhook webhook = { .received_at = { 1 },
                                     .endpoint = "sandbox",
                                     .headers = STR("a: b\n"),
                                     .body = body_of(number, body) };
    return inbox->put(inbox, &webhook, out_id, NULL);
}

/* The number of a webhook that is whole; fails otherwise. */
static bool read_number(struct inbox *inbox, uint64_t id, uint64_t *out_number)
{
    struct buf BUF_SCOPE bytes;
    buf_init(&bytes, INBOX_HEADERS_SIZE_MAX + INBOX_BODY_SIZE_MAX);
    struct inbox_webhook webhook;
    enum status status = inbox->read(inbox, id, &webhook, &bytes, NULL);
    if (status == STATUS_NOT_FOUND) return false;
    assert_int_equal(status, STATUS_OK);
    memcpy(out_number, webhook.body.data, sizeof *out_number);
    char body[BODY_SIZE_MAX];
    assert_true(str_equal(webhook.body, body_of(*out_number, body)));
    return true;
}

struct crowd {
    struct inbox *inbox;
    _Atomic uint64_t next;
    uint64_t ids[THREADS * PUTS];
};

static void *crowd_body(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < PUTS; i++) {
        uint64_t number = atomic_fetch_add(&crowd->next, 1);
        uint64_t id = 0;
        if (put_number(crowd->inbox, number, &id) != STATUS_OK) abort();
        crowd->ids[number] = id;
        if (number % 3 == 0 && crowd->inbox->mark(crowd->inbox, id, INBOX_MARK_DONE, NULL) != 0) {
            abort();
        }
    }
    return NULL;
}

static void callers_at_the_same_time_are_all_stored(void **state)
{
    (void)state; /* no fixture */
    struct rig rig = { 0 };
    struct fault_vfs *vfs = fault_vfs_new("inbox_crowd");
    fresh(&rig);
    rig.options.vfs = fault_vfs_name(vfs);
    static struct crowd crowd;
    crowd.inbox = open_inbox(&rig);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_body, &crowd), 0);
    }
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    crowd.inbox->close(crowd.inbox);
    crowd.inbox = open_inbox(&rig);
    for (uint64_t number = 0; number < THREADS * PUTS; number++) {
        uint64_t found = UINT64_MAX;
        assert_true(read_number(crowd.inbox, crowd.ids[number], &found));
        assert_int_equal(found, number);
    }
    static uint64_t ids[THREADS * PUTS];
    uint32_t count = 0;
    assert_int_equal(crowd.inbox->unmarked(crowd.inbox, 0, ids, THREADS * PUTS, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, THREADS * PUTS - (THREADS * PUTS + 2) / 3);
    crowd.inbox->close(crowd.inbox);
    fault_vfs_free(vfs);
}

struct cut {
    uint64_t acked;
    uint64_t acked_at_cut;
    bool done;
};

static void on_cut(void *owner)
{
    struct cut *cut = owner;
    cut->acked_at_cut = cut->acked;
    cut->done = true;
}

/* Numbers are ids here: one caller. Every acknowledged one is there, and none that is not whole. */
static void expect_survivors(const char *folder, uint64_t acked)
{
    struct sqlite_inbox_options options = { .folder = folder };
    struct inbox *inbox = NULL;
    struct error error = { 0 };
    if (sqlite_inbox_open(&options, &inbox, &error) != STATUS_OK) {
        assert_int_equal(acked, 0); /* cut while it was made */
        return;
    }
    for (uint64_t id = 1; id <= acked; id++) {
        uint64_t number = 0;
        if (!read_number(inbox, id, &number)) fail_msg("webhook %llu is lost", (long long)id);
        assert_int_equal(number, id);
    }
    uint64_t number = 0; /* the next may be there, acknowledged or not */
    if (read_number(inbox, acked + 1, &number)) assert_int_equal(number, acked + 1);
    assert_false(read_number(inbox, acked + 2, &number));
    inbox->close(inbox);
}

static void acknowledged_webhooks_survive_power_cuts(void **state)
{
    (void)state; /* no fixture */
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rig rig = { 0 };
        char after[SCRATCH_PATH_SIZE];
        struct prng prng;
        prng_init(&prng, seed);
        fresh(&rig);
        scratch_folder("inbox_after", after);
        struct fault_vfs *vfs = fault_vfs_new("inbox_power");
        rig.options.vfs = fault_vfs_name(vfs);
        struct inbox *inbox = open_inbox(&rig);
        struct cut cut = { 0 };
        const struct fault_cut order = { fault_vfs_operations(vfs) + prng_between(&prng, 1, 300),
                                         after, seed, on_cut, &cut };
        fault_vfs_cut_at(vfs, &order);
        for (uint64_t number = 1; !cut.done && number < PUTS_BEFORE_CUT * 10; number++) {
            uint64_t id = 0;
            assert_int_equal(put_number(inbox, number, &id), STATUS_OK);
            assert_int_equal(id, number);
            cut.acked = number;
        }
        assert_true(cut.done);
        expect_survivors(after, cut.acked_at_cut);
        inbox->close(inbox);
        fault_vfs_free(vfs);
    }
}

static void after_a_failed_fsync_nothing_is_believed_that_is_not_there(void **state)
{
    (void)state; /* no fixture */
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rig rig = { 0 };
        char after[SCRATCH_PATH_SIZE];
        fresh(&rig);
        scratch_folder("inbox_after", after);
        struct fault_vfs *vfs = fault_vfs_new("inbox_fsync");
        rig.options.vfs = fault_vfs_name(vfs);
        struct inbox *inbox = open_inbox(&rig);
        uint64_t acked[PUTS_BEFORE_CUT];
        uint64_t acked_count = 0;
        uint64_t in_doubt = 0;
        fault_vfs_fail(vfs, FAULT_SYNC_FAILS, seed % 9 + 1, seed % 4);
        for (uint64_t number = 1; number <= 20; number++) {
            uint64_t id = 0;
            enum status status = put_number(inbox, number, &id);
            in_doubt += status == STATUS_IN_DOUBT;
            if (status == STATUS_OK) acked[acked_count++] = id;
            assert_true(status == STATUS_OK || status == STATUS_IN_DOUBT ||
                        status == STATUS_UNAVAILABLE);
        }
        assert_true(in_doubt > 0);
        assert_true(acked_count > 5); /* it goes on */
        const struct fault_cut now = { 0, after, seed, NULL, NULL };
        fault_vfs_cut(vfs, &now);
        inbox->close(inbox);
        fault_vfs_free(vfs);
        rig.options = (struct sqlite_inbox_options){ .folder = after };
        inbox = open_inbox(&rig);
        for (uint64_t i = 0; i < acked_count; i++) {
            uint64_t number = 0;
            if (!read_number(inbox, acked[i], &number)) fail_msg("seed %d", (int)seed);
        }
        inbox->close(inbox);
    }
}

static void a_full_disk_is_a_limit(void **state)
{
    (void)state; /* no fixture */
    struct rig rig = { 0 };
    fresh(&rig);
    struct fault_vfs *vfs = fault_vfs_new("inbox_full");
    rig.options.vfs = fault_vfs_name(vfs);
    struct inbox *inbox = open_inbox(&rig);
    uint64_t id = 0;
    assert_int_equal(put_number(inbox, 1, &id), STATUS_OK);
    fault_vfs_fail(vfs, FAULT_DISK_FULL, 1, 0);
    enum status status = put_number(inbox, 2, &id);
    assert_true(status == STATUS_LIMIT || status == STATUS_IN_DOUBT);
    assert_int_equal(put_number(inbox, 3, &id), STATUS_OK);
    inbox->close(inbox);
    fault_vfs_free(vfs);
}

static void a_changed_row_is_damage(void **state)
{
    (void)state; /* no fixture */
    struct rig rig = { 0 };
    fresh(&rig);
    struct inbox *inbox = open_inbox(&rig);
    uint64_t id = 0;
    assert_int_equal(put_number(inbox, 1, &id), STATUS_OK);
    inbox->close(inbox);
    char path[SCRATCH_PATH_SIZE];
    scratch_join(rig.folder, "inbox.db", path);
    const struct sqlite_connection_options options = { .path = path, .cache_kib = 64 };
    sqlite3 *db = NULL;
    assert_int_equal(sqlite_connection_open(&options, &db, NULL), STATUS_OK);
    assert_int_equal(sqlite_execute(db, "UPDATE webhook SET endpoint='other'", NULL), STATUS_OK);
    sqlite_connection_close(db);
    inbox = open_inbox(&rig);
    struct buf BUF_SCOPE bytes;
    buf_init(&bytes, 1 << 20);
    struct inbox_webhook webhook;
    assert_int_equal(inbox->read(inbox, id, &webhook, &bytes, NULL), STATUS_CORRUPT);
    inbox->close(inbox);
}

static void another_file_is_refused(void **state)
{
    (void)state; /* no fixture */
    struct rig rig = { 0 };
    fresh(&rig);
    char path[SCRATCH_PATH_SIZE];
    scratch_join(rig.folder, "inbox.db", path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("this is no database, and long enough to be seen as none", file) > 0);
    assert_int_equal(fclose(file), 0);
    struct inbox *inbox = NULL;
    struct error error = { 0 };
    assert_int_not_equal(sqlite_inbox_open(&rig.options, &inbox, &error), STATUS_OK);
    assert_null(inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_inbox_conforms),
        cmocka_unit_test(callers_at_the_same_time_are_all_stored),
        cmocka_unit_test(acknowledged_webhooks_survive_power_cuts),
        cmocka_unit_test(after_a_failed_fsync_nothing_is_believed_that_is_not_there),
        cmocka_unit_test(a_full_disk_is_a_limit),
        cmocka_unit_test(a_changed_row_is_damage),
        cmocka_unit_test(another_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
