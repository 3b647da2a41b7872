#include "adapter/sqlite_checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/time.h"

enum {
    TICK_MS = 1000, /* how often the head file is synced */
    BUSY_MS = 20,   /* how long it waits for a reader to move on */
    RETRY_MS = 100, /* after a checkpoint that failed or met a reader */
    GATE_PART = 4,  /* the gate closes when less than 1/4 of wal_low_bytes is left */
    FRAME_HEADER = 24,
    WAIT_TRIES = 3000,      /* a millisecond each: for a commit or checkpoint under way */
    REWRITE_SIZE = 1 << 16, /* SQLite's VFS takes less than 128 KiB at once */
};

static int64_t now_ns(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK(failed == 0);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){ .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
}

/*
 * Forgets which frames of the WAL are in the database already, so that the next checkpoint
 * moves all of them again. SQLite notes frames as moved before the database is synced, and
 * after a failed fsync the kernel may have dropped what was moved: without this, a later
 * checkpoint would move and sync only the rest, start the WAL over, and lose them. Closing all
 * connections would do the same, unless another process has the database open too.
 *
 * The WAL-index (sqlite.org/walformat.html): locks 0 (write) and 1 (checkpoint) are held while
 * the word nBackfill at offset 96 becomes 0.
 */
enum { SHM_REGION_SIZE = 32768, SHM_LOCK_WRITE = 0, SHM_LOCK_COUNT = 2, SHM_BACKFILL_WORD = 24 };

static enum status forget_moved(sqlite3 *db, struct error *out_error)
{
    int64_t ignored;
    sqlite3_file *file = NULL;
    volatile void *region = NULL;
    enum status status = /* a read, so that the WAL-index is there */
        sqlite_pragma_number(db, "SELECT count(*) FROM sqlite_schema", &ignored, out_error);
    if (status != STATUS_OK) return status;
    int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    CHECK(code == SQLITE_OK);
    code = file->pMethods->xShmMap(file, 0, SHM_REGION_SIZE, 0, &region);
    if (code == SQLITE_OK && region == NULL) return STATUS_OK; /* nothing is noted */
    int tries = WAIT_TRIES;
    while (code == SQLITE_OK || code == SQLITE_BUSY) {
        code = file->pMethods->xShmLock(file, SHM_LOCK_WRITE, SHM_LOCK_COUNT,
                                        SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);
        if (code != SQLITE_BUSY || --tries == 0) break;
        (void)sqlite3_sleep(1);
    }
    if (code != SQLITE_OK) return sqlite_failure(db, code, out_error);
    __atomic_store_n((volatile uint32_t *)region + SHM_BACKFILL_WORD, 0, __ATOMIC_SEQ_CST);
    (void)file->pMethods->xShmLock(file, SHM_LOCK_WRITE, SHM_LOCK_COUNT,
                                   SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE); /* it was ours */
    return STATUS_OK;
}

/* Under the write lock, so that nobody appends meanwhile. */
static int rewrite_wal(sqlite3 *db)
{
    sqlite3_file *wal = NULL;
    sqlite3_int64 size = 0;
    int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    CHECK(code == SQLITE_OK);
    if (wal == NULL || wal->pMethods == NULL) return SQLITE_OK; /* there is none */
    code = wal->pMethods->xFileSize(wal, &size);
    if (code != SQLITE_OK || size == 0) return code;
    uint8_t *bytes = malloc(REWRITE_SIZE);
    CHECK(bytes != NULL);
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += REWRITE_SIZE) {
        int count = size - at < REWRITE_SIZE ? (int)(size - at) : REWRITE_SIZE;
        code = wal->pMethods->xRead(wal, bytes, count, at);
        if (code == SQLITE_OK) code = wal->pMethods->xWrite(wal, bytes, count, at);
    }
    free(bytes);
    return code == SQLITE_OK ? wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) : code;
}

static enum status move_all(sqlite3 *db, struct error *out_error)
{
    int code = SQLITE_BUSY;
    for (int tries = 0; code == SQLITE_BUSY && tries < WAIT_TRIES; tries++) {
        code = sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        if (code == SQLITE_BUSY) (void)sqlite3_sleep(1); /* another checkpoint has no handler */
    }
    return code == SQLITE_OK ? STATUS_OK : sqlite_failure(db, code, out_error);
}

enum status sqlite_checkpoint_settle(sqlite3 *db, struct error *out_error)
{
    enum status status = sqlite_execute(db, "BEGIN IMMEDIATE", out_error);
    if (status != STATUS_OK) return status;
    int code = rewrite_wal(db);
    if (code != SQLITE_OK) status = sqlite_failure(db, code, out_error);
    (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* nothing was changed */
    if (status == STATUS_OK) status = forget_moved(db, out_error);
    if (status == STATUS_OK) status = move_all(db, out_error);
    return status;
}

/* ---- the thread; each of these is called with the mutex held, and holds it on return ---- */

struct progress {
    uint64_t wal_bytes;  /* in the WAL when the checkpoint began */
    uint64_t left_bytes; /* of these, not moved */
};

static enum status run(struct sqlite_checkpoint *checkpoint, int mode,
                       struct progress *out_progress)
{
    bool failed_before = checkpoint->failure != STATUS_OK;
    (void)pthread_mutex_unlock(&checkpoint->mutex);
    int log_frames = 0;
    int moved_frames = 0;
    struct error error = { 0 };
    enum status status = STATUS_OK;
    if (failed_before) status = forget_moved(checkpoint->db, &error);
    int code = SQLITE_OK;
    if (status == STATUS_OK) {
        code = sqlite3_wal_checkpoint_v2(checkpoint->db, "main", mode, &log_frames, &moved_frames);
    }
    bool is_busy = code == SQLITE_BUSY; /* a reader holds on to the WAL, or another checkpoint */
    if (code != SQLITE_OK && !is_busy) status = sqlite_failure(checkpoint->db, code, &error);
    (void)pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->checkpoints++;
    checkpoint->failure = status;
    if (status != STATUS_OK) {
        checkpoint->failure_error = error;
        return status;
    }
    if (is_busy) return STATUS_TIMEOUT;
    if (log_frames < 0) log_frames = moved_frames = 0;
    *out_progress = (struct progress){
        .wal_bytes = (uint64_t)log_frames * checkpoint->frame_size,
        .left_bytes = (uint64_t)(log_frames - moved_frames) * checkpoint->frame_size,
    };
    return STATUS_OK;
}

/* The writer waits meanwhile. After it, with no reader in the way, the WAL starts over. */
static enum status run_behind_gate(struct sqlite_checkpoint *checkpoint,
                                   struct progress *out_progress)
{
    checkpoint->gate_wanted = true;
    while (checkpoint->writing) {
        (void)pthread_cond_wait(&checkpoint->changed, &checkpoint->mutex);
    }
    int64_t from = now_ns();
    enum status status = run(checkpoint, SQLITE_CHECKPOINT_RESTART, out_progress);
    if (status == STATUS_OK && out_progress->left_bytes == 0) checkpoint->wal_bytes = 0;
    checkpoint->gate_wanted = false;
    checkpoint->gate_closings++;
    uint64_t took = (uint64_t)(now_ns() - from);
    if (took > checkpoint->gate_ns_max) checkpoint->gate_ns_max = took;
    (void)pthread_cond_broadcast(&checkpoint->changed);
    return status;
}

/* Once around: beside the writer, then the rest behind the gate. */
static enum status checkpoint_once(struct sqlite_checkpoint *checkpoint)
{
    struct progress progress = { 0 };
    uint64_t before = checkpoint->wal_bytes;
    enum status status = run(checkpoint, SQLITE_CHECKPOINT_PASSIVE, &progress);
    if (status != STATUS_OK) return status;
    uint64_t written_since = checkpoint->wal_bytes - before;
    uint64_t left = progress.left_bytes + written_since;
    if (left > checkpoint->wal_low_bytes / GATE_PART &&
        checkpoint->wal_bytes < checkpoint->wal_high_bytes) {
        return STATUS_OK; /* go on beside the writer: the next round has less to do */
    }
    status = run_behind_gate(checkpoint, &progress);
    if (status == STATUS_OK && progress.left_bytes > 0) status = STATUS_TIMEOUT;
    return status;
}

static void wait_until(struct sqlite_checkpoint *checkpoint, int64_t until_ns)
{
    struct timespec until = timespec_of(until_ns);
    (void)pthread_cond_timedwait(&checkpoint->changed, &checkpoint->mutex, &until);
}

static void sync_head(struct sqlite_checkpoint *checkpoint)
{
    (void)pthread_mutex_unlock(&checkpoint->mutex);
    enum status ignored = sqlite_head_sync(checkpoint->head);
    (void)ignored; /* it stays marked unsynced; the next tick tries again */
    (void)pthread_mutex_lock(&checkpoint->mutex);
}

static void *body(void *argument)
{
    struct sqlite_checkpoint *checkpoint = argument;
    (void)pthread_mutex_lock(&checkpoint->mutex);
    int64_t next_tick = now_ns() + TICK_MS * NS_PER_MS;
    int64_t not_before = 0;
    while (!checkpoint->stopping) {
        int64_t now = now_ns();
        if (now >= next_tick) {
            sync_head(checkpoint);
            next_tick = now + TICK_MS * NS_PER_MS;
            continue;
        }
        bool due = checkpoint->wal_bytes > checkpoint->wal_low_bytes;
        if (due && now >= not_before) {
            enum status status = checkpoint_once(checkpoint);
            if (status != STATUS_OK) not_before = now_ns() + RETRY_MS * NS_PER_MS;
            continue;
        }
        wait_until(checkpoint, due && not_before < next_tick ? not_before : next_tick);
    }
    (void)pthread_mutex_unlock(&checkpoint->mutex);
    return NULL;
}

/* ---- for the store ---- */

enum status sqlite_checkpoint_start(struct sqlite_checkpoint *checkpoint,
                                    const struct sqlite_checkpoint_options *options,
                                    struct error *out_error)
{
    CHECK(options->wal_low_bytes > 0);
    CHECK(options->wal_low_bytes < options->wal_high_bytes);
    (void)sqlite3_busy_timeout(options->db, BUSY_MS); /* the writer waits behind the gate */
    *checkpoint = (struct sqlite_checkpoint){
        .db = options->db,
        .head = options->head,
        .wal_low_bytes = options->wal_low_bytes,
        .wal_high_bytes = options->wal_high_bytes,
        .frame_size = options->page_size + FRAME_HEADER,
    };
    int failed = pthread_mutex_init(&checkpoint->mutex, NULL);
    CHECK(failed == 0);
    pthread_condattr_t attributes;
    failed = pthread_condattr_init(&attributes);
    CHECK(failed == 0);
    failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    CHECK(failed == 0);
    failed = pthread_cond_init(&checkpoint->changed, &attributes);
    CHECK(failed == 0);
    (void)pthread_condattr_destroy(&attributes); /* nothing left to release */
    failed = pthread_create(&checkpoint->thread, NULL, body, checkpoint);
    checkpoint->started = failed == 0;
    if (checkpoint->started) return STATUS_OK;
    sqlite_checkpoint_stop(checkpoint);
    return error_set(out_error, STATUS_UNAVAILABLE, "no thread for checkpoints: %s",
                     strerror(failed));
}

void sqlite_checkpoint_stop(struct sqlite_checkpoint *checkpoint)
{
    if (checkpoint->db == NULL) return;
    if (checkpoint->started) {
        (void)pthread_mutex_lock(&checkpoint->mutex);
        checkpoint->stopping = true;
        (void)pthread_cond_broadcast(&checkpoint->changed);
        (void)pthread_mutex_unlock(&checkpoint->mutex);
        (void)pthread_join(checkpoint->thread, NULL); /* fails only for what is no thread */
    }
    enum status ignored = sqlite_head_sync(checkpoint->head);
    (void)ignored; /* after a crash from here on the head file is as old as its last sync */
    sqlite_connection_close(checkpoint->db);
    (void)pthread_cond_destroy(&checkpoint->changed); /* nobody waits */
    (void)pthread_mutex_destroy(&checkpoint->mutex);  /* nobody is inside */
    *checkpoint = (struct sqlite_checkpoint){ 0 };
}

static enum status gate_refusal(const struct sqlite_checkpoint *checkpoint, struct error *out_error)
{
    if (checkpoint->failure != STATUS_OK) {
        if (out_error != NULL) *out_error = checkpoint->failure_error;
        return checkpoint->failure;
    }
    (void)error_set(out_error, STATUS_UNAVAILABLE, "the WAL is over its ceiling of %llu bytes",
                    (unsigned long long)checkpoint->wal_high_bytes);
    error_detail(out_error, "a reader has held an old snapshot for %d s", GATE_S_MAX);
    error_hint(out_error, "look for a program that keeps journal.db open");
    return STATUS_UNAVAILABLE;
}

enum status sqlite_checkpoint_enter(struct sqlite_checkpoint *checkpoint, struct error *out_error)
{
    (void)pthread_mutex_lock(&checkpoint->mutex);
    int64_t give_up = 0;
    enum status status = STATUS_OK;
    while (checkpoint->gate_wanted || checkpoint->wal_bytes > checkpoint->wal_high_bytes) {
        int64_t now = now_ns();
        if (give_up == 0) give_up = now + GATE_S_MAX * NS_PER_S;
        if (now >= give_up) {
            status = gate_refusal(checkpoint, out_error);
            break;
        }
        wait_until(checkpoint, give_up);
    }
    if (status == STATUS_OK) checkpoint->writing = true;
    (void)pthread_mutex_unlock(&checkpoint->mutex);
    return status;
}

void sqlite_checkpoint_leave(struct sqlite_checkpoint *checkpoint, uint32_t wal_frames)
{
    (void)pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->writing = false;
    if (wal_frames > 0) checkpoint->wal_bytes = wal_frames * checkpoint->frame_size;
    if (checkpoint->gate_wanted || checkpoint->wal_bytes > checkpoint->wal_low_bytes) {
        (void)pthread_cond_broadcast(&checkpoint->changed);
    }
    (void)pthread_mutex_unlock(&checkpoint->mutex);
}
