/* Who may call what and when; the writing and the reading themselves are in modules of their own. */
#include "adapter/sqlite_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "adapter/sqlite_checkpoint.h"
#include "adapter/sqlite_head.h"
#include "adapter/sqlite_read.h"
#include "adapter/sqlite_write.h"
#include "adapter/wal_scan.h"
#include "base/check.h"
#include "base/limits.h"

enum {
    MIB = 1 << 20,
    PAGE_SIZE_DEFAULT = 8192,
    WRITER_CACHE_KIB = 64 << 10, /* a whole transaction: it must not spill before its COMMIT */
    WAL_LOW_DEFAULT = 32 * MIB,
    WAL_HIGH_DEFAULT = 256 * MIB,
    RESERVE_DEFAULT = 512 * MIB, /* so that the WAL at its ceiling can still be moved */
};

struct sqlite_store {
    struct store port; /* first: the port's pointer is ours */
    struct sqlite_store_options options;
    char folder[SQLITE_PATH_SIZE];
    char journal_path[SQLITE_PATH_SIZE];
    char head_path[SQLITE_PATH_SIZE];
    char archive_path[SQLITE_PATH_SIZE];
    pthread_rwlock_t opened;      /* read by every call, written by reopen */
    pthread_mutex_t writer_mutex; /* append, claim, archive: one at a time */
    struct sqlite_write write;
    struct sqlite_checkpoint checkpoint;
    struct sqlite_head head;
    struct sqlite_read read;
    struct uuid ledger; /* nil: the file names none */
    bool read_only;     /* by option or by the flag in the file */
    bool in_doubt;
    bool usable;
    uint64_t head_write_failures;
};

static struct sqlite_store *of_port(struct store *store)
{
    return (struct sqlite_store *)store;
}

/* ---- opening ---- */

static struct sqlite_connection_options connection_options(const struct sqlite_store *store)
{
    return (struct sqlite_connection_options){
        .path = store->journal_path,
        .vfs = store->options.vfs,
        .cache_kib = WRITER_CACHE_KIB,
        .sync = store->options.sync,
        .read_only = store->options.read_only,
    };
}

/*
 * With all of the WAL moved, the header must tell the file's real size: a smaller number would
 * let new batches be written over old ones.
 */
static enum status verify_size(struct sqlite_store *store, struct error *out_error)
{
    int64_t page_count = 0;
    int64_t page_size = 0;
    struct stat info;
    enum status status =
        sqlite_pragma_number(store->write.db, "PRAGMA page_count", &page_count, out_error);
    if (status == STATUS_OK) {
        status = sqlite_pragma_number(store->write.db, "PRAGMA page_size", &page_size, out_error);
    }
    if (status != STATUS_OK) return status;
    if (stat(store->journal_path, &info) == 0 && info.st_size == page_count * page_size) {
        return STATUS_OK;
    }
    (void)error_set(out_error, STATUS_CORRUPT, "%s is not as long as its header says",
                    store->journal_path);
    error_detail(out_error, "it should have %lld pages of %lld bytes", (long long)page_count,
                 (long long)page_size);
    error_hint(out_error, "restore from a backup");
    return STATUS_CORRUPT;
}

static enum status start_checkpoint(struct sqlite_store *store, struct error *out_error)
{
    struct sqlite_connection_options options = connection_options(store);
    options.cache_kib = 1024;
    sqlite3 *db = NULL;
    int64_t page_size = 0;
    enum status status =
        sqlite_pragma_number(store->write.db, "PRAGMA page_size", &page_size, out_error);
    if (status == STATUS_OK) status = sqlite_connection_open(&options, &db, out_error);
    if (status != STATUS_OK) return status;
    struct sqlite_checkpoint_options own = {
        .db = db,
        .head = &store->head,
        .wal_low_bytes = store->options.wal_low_bytes,
        .wal_high_bytes = store->options.wal_high_bytes,
        .page_size = (uint32_t)page_size,
    };
    return sqlite_checkpoint_start(&store->checkpoint, &own, out_error);
}

static enum status lost_tail(struct sqlite_store *store, const struct store_head *row,
                             const struct store_head *file, struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s has lost its end", store->journal_path);
    error_detail(out_error, "it ends at batch %llu, epoch %llu; %s says batch %llu, epoch %llu",
                 (unsigned long long)row->sequence, (unsigned long long)row->epoch,
                 store->head_path, (unsigned long long)file->sequence,
                 (unsigned long long)file->epoch);
    error_hint(out_error, "an old copy was put back, or journal.db-wal was lost: restore the "
                          "latest backup");
    return STATUS_CORRUPT;
}

/*
 * The head row against the newest batch, and both against the head file, which may be behind
 * but never ahead, and names a batch that must be in this journal.
 */
static enum status verify_head(struct sqlite_store *store, const struct store_head *file,
                               struct error *out_error)
{
    struct store_head row;
    enum status status = sqlite_read_head(&store->read, &row, out_error);
    if (status != STATUS_OK) return status;
    if (row.sequence < file->sequence || row.epoch < file->epoch) {
        return lost_tail(store, &row, file, out_error);
    }
    struct journal_batch newest = { 0 };
    if (row.sequence > 0) {
        status = sqlite_read_row(&store->read, row.sequence, &newest, out_error);
        if (status != STATUS_OK) return status;
    }
    if (!digest_equal(&newest.hash, &row.hash) || newest.stamp.ns != row.stamp.ns) {
        return error_set(out_error, STATUS_CORRUPT, "%s: the head row is not the newest batch's",
                         store->journal_path);
    }
    if (file->sequence == 0) return STATUS_OK;
    struct journal_batch named = { 0 };
    status = sqlite_read_row(&store->read, file->sequence, &named, out_error);
    if (status != STATUS_OK) return status;
    if (digest_equal(&named.hash, &file->hash)) return STATUS_OK;
    (void)error_set(out_error, STATUS_CORRUPT, "%s is not the journal that %s speaks of",
                    store->journal_path, store->head_path);
    error_detail(out_error, "batch %llu has another hash", (unsigned long long)file->sequence);
    error_hint(out_error, "files of two data folders are mixed: restore from a backup");
    return STATUS_CORRUPT;
}

/* Before SQLite sees the files. A guest beside an owner does not: the owner did. */
static enum status scan_files(const struct sqlite_store *store, struct error *out_error)
{
    uint32_t page_size = 0;
    char wal_path[SQLITE_PATH_SIZE];
    enum status status =
        sqlite_file_page_size(store->journal_path, store->options.vfs, &page_size, out_error);
    if (status == STATUS_OK && !store->options.beside_owner) {
        status = sqlite_path(store->folder, "journal.db-wal", wal_path, out_error);
        if (status == STATUS_OK) status = wal_scan(wal_path, page_size, out_error);
    }
    return status;
}

/* Whose journal it is. A folder's files may have been mixed with another's. */
static enum status verify_ledger(struct sqlite_store *store, sqlite3 *db, struct error *out_error)
{
    char here[UUID_TEXT_LEN + 1];
    char wanted[UUID_TEXT_LEN + 1];
    enum status status = journal_ledger_get(db, &store->ledger, out_error);
    bool known = !uuid_is_nil(store->ledger) && !uuid_is_nil(store->options.ledger);
    if (status != STATUS_OK || !known || uuid_equal(store->ledger, store->options.ledger))
        return status;
    uuid_format(store->ledger, here);
    uuid_format(store->options.ledger, wanted);
    (void)error_set(out_error, STATUS_INVALID, "%s is the journal of another ledger",
                    store->journal_path);
    error_detail(out_error, "the folder is of ledger %s, and the journal of %s", wanted, here);
    error_hint(out_error, "files of two data folders are mixed: put each back where it was, or "
                          "restore from a backup");
    return STATUS_INVALID;
}

static enum status open_owner(struct sqlite_store *store, struct error *out_error)
{
    enum status status =
        sqlite_head_open(&store->head, store->head_path, store->options.vfs, out_error);
    if (status != STATUS_OK) return status;
    struct sqlite_connection_options options = connection_options(store);
    status = sqlite_write_open(&store->write, &options, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_checkpoint_settle(store->write.db, out_error);
    if (status == STATUS_OK) status = verify_size(store, out_error);
    if (status == STATUS_OK) status = journal_verify_schema(store->write.db, out_error);
    if (status == STATUS_OK) status = verify_ledger(store, store->write.db, out_error);
    if (status == STATUS_OK) status = sqlite_write_prepare(&store->write, out_error);
    if (status == STATUS_OK) {
        status = sqlite_read_open(&store->read, &options, store->archive_path, out_error);
    }
    struct store_head file = store->head.head;
    if (status == STATUS_OK) status = verify_head(store, &file, out_error);
    int64_t flag = 0;
    if (status == STATUS_OK) {
        status = journal_meta_get(store->write.db, JOURNAL_META_READ_ONLY, &flag, out_error);
    }
    store->read_only = flag != 0;
    if (status == STATUS_OK) status = start_checkpoint(store, out_error);
    return status;
}

static enum status open_guest(struct sqlite_store *store, struct error *out_error)
{
    store->read_only = true;
    struct store_head file; /* read before the journal, which may only be newer then */
    enum status status = sqlite_head_read(store->head_path, store->options.vfs, &file, out_error);
    if (status != STATUS_OK) return status;
    struct sqlite_connection_options options = connection_options(store);
    sqlite3 *db = NULL;
    status = sqlite_connection_open(&options, &db, out_error);
    if (status == STATUS_OK) status = journal_verify_schema(db, out_error);
    if (status == STATUS_OK) status = verify_ledger(store, db, out_error);
    sqlite_connection_close(db);
    if (status == STATUS_OK) {
        status = sqlite_read_open(&store->read, &options, store->archive_path, out_error);
    }
    if (status == STATUS_OK) status = verify_head(store, &file, out_error);
    return status;
}

static void close_files(struct sqlite_store *store)
{
    store->usable = false;
    sqlite_checkpoint_stop(&store->checkpoint);
    sqlite_read_close(&store->read);
    sqlite_write_close(&store->write);
    sqlite_head_close(&store->head);
}

static enum status open_files(struct sqlite_store *store, struct error *out_error)
{
    enum status status = scan_files(store, out_error);
    if (status == STATUS_OK) {
        status =
            store->options.read_only ? open_guest(store, out_error) : open_owner(store, out_error);
    }
    store->usable = status == STATUS_OK;
    if (status != STATUS_OK) close_files(store);
    if (status == STATUS_LIMIT) status = STATUS_UNAVAILABLE; /* until there is space again */
    return status;
}

/* ---- the port's calls ---- */

static enum status not_usable(const struct sqlite_store *store, struct error *out_error)
{
    return error_set(out_error, STATUS_UNAVAILABLE, "%s: %s", store->journal_path,
                     store->in_doubt ? "the last commit is in doubt: reopen first"
                                     : "could not be opened again");
}

/* Between enter and leave no reopen happens. STATUS_UNAVAILABLE: reopen is due; not entered. */
static enum status enter(struct sqlite_store *store, struct error *out_error)
{
    (void)pthread_rwlock_rdlock(&store->opened);
    if (store->usable && !__atomic_load_n(&store->in_doubt, __ATOMIC_ACQUIRE)) return STATUS_OK;
    enum status status = not_usable(store, out_error);
    (void)pthread_rwlock_unlock(&store->opened);
    return status;
}

static void leave(struct sqlite_store *store)
{
    (void)pthread_rwlock_unlock(&store->opened);
}

static enum status store_head_of(struct store *port, struct store_head *out_head,
                                 struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_read_head(&store->read, out_head, out_error);
    leave(store);
    return status;
}

static enum status denied(const struct sqlite_store *store, struct error *out_error)
{
    (void)error_set(out_error, STATUS_DENIED, "%s is read-only", store->folder);
    error_hint(out_error,
               "a backup or restored folder is, until `tpwallet restore accept`; the folder "
               "of a ledger that moved stays so: write where it is now");
    return STATUS_DENIED;
}

/* The journal is durable already: a head file that cannot follow is counted, not an error. */
static void write_head(struct sqlite_store *store, const struct store_head *head)
{
    if (sqlite_head_write(&store->head, head) == STATUS_OK) return;
    __atomic_add_fetch(&store->head_write_failures, 1, __ATOMIC_RELAXED);
}

/* As enter(), for one writing call: alone, and past the checkpoint's gate. */
static enum status write_enter(struct sqlite_store *store, struct error *out_error)
{
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    (void)pthread_mutex_lock(&store->writer_mutex);
    status = sqlite_checkpoint_enter(&store->checkpoint, out_error);
    if (status == STATUS_OK) return STATUS_OK;
    (void)pthread_mutex_unlock(&store->writer_mutex);
    leave(store);
    return status;
}

/* Returns the status of the call, which it takes note of. */
static enum status write_leave(struct sqlite_store *store, enum status status)
{
    if (status == STATUS_IN_DOUBT) __atomic_store_n(&store->in_doubt, true, __ATOMIC_RELEASE);
    sqlite_checkpoint_leave(&store->checkpoint, store->write.wal_frames);
    (void)pthread_mutex_unlock(&store->writer_mutex);
    leave(store);
    return status;
}

static enum status reopen_locked(struct sqlite_store *store, struct error *out_error)
{
    close_files(store);
    enum status status = open_files(store, out_error);
    if (status == STATUS_OK) __atomic_store_n(&store->in_doubt, false, __ATOMIC_RELEASE);
    return status;
}

static enum status store_reopen(struct store *port, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    (void)pthread_rwlock_wrlock(&store->opened);
    enum status status = reopen_locked(store, out_error);
    (void)pthread_rwlock_unlock(&store->opened);
    return status;
}

/* A claim in doubt is settled here: whether the epoch rose once or twice matters to nobody. */
static enum status store_claim(struct store *port, struct store_head *out_head,
                               struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    if (store->read_only) return denied(store, out_error);
    enum status status = write_enter(store, out_error);
    if (status == STATUS_OK) {
        status = sqlite_write_claim(&store->write, out_head, out_error);
        if (status == STATUS_OK) write_head(store, out_head);
        status = write_leave(store, status);
    }
    if (status == STATUS_LIMIT) status = STATUS_UNAVAILABLE;
    if (status != STATUS_IN_DOUBT) return status;
    enum status settled = store_reopen(port, out_error);
    return settled == STATUS_CORRUPT ? STATUS_CORRUPT : STATUS_UNAVAILABLE;
}

static enum status enough_space(const struct sqlite_store *store, struct error *out_error)
{
    struct statvfs info;
    if (statvfs(store->folder, &info) != 0) return STATUS_OK; /* the write will tell */
    uint64_t free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    if (free_bytes >= store->options.reserve_bytes) return STATUS_OK;
    (void)error_set(out_error, STATUS_LIMIT, "%s: the disk is nearly full", store->folder);
    error_detail(out_error, "%llu bytes are free; %llu are kept for checkpoints and recovery",
                 (unsigned long long)free_bytes, (unsigned long long)store->options.reserve_bytes);
    error_hint(out_error, "free some space; archive old batches");
    return STATUS_LIMIT;
}

static enum status store_room(struct store *port, struct error *out_error)
{
    return enough_space(of_port(port), out_error);
}

static enum status store_append(struct store *port, const struct store_batch *batch,
                                struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    CHECK(batch->sequence > 0);
    CHECK(batch->size <= BATCH_SIZE_MAX);
    CHECK(batch->slice_count <= STORE_SLICES_PER_BATCH_MAX);
    if (store->read_only) return denied(store, out_error);
    enum status status = enough_space(store, out_error);
    if (status == STATUS_OK) status = write_enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_write_append(&store->write, batch, out_error);
    if (status == STATUS_OK) {
        struct store_head head = { batch->epoch, batch->sequence, batch->hash, batch->stamp };
        write_head(store, &head);
    }
    return write_leave(store, status);
}

static enum status store_read(struct store *port, uint64_t sequence, struct buf *out_blob,
                              struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_read_batch(&store->read, sequence, out_blob, out_error);
    leave(store);
    return status;
}

static enum status store_read_part(struct store *port, uint64_t sequence, uint32_t offset,
                                   uint32_t size, void *out_bytes, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    struct sqlite_range range = { offset, size };
    status = sqlite_read_part(&store->read, sequence, range, out_bytes, out_error);
    leave(store);
    return status;
}

static enum status store_find_stamp(struct store *port, struct wall_time stamp,
                                    uint64_t *out_sequence, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_read_find_stamp(&store->read, stamp, out_sequence, out_error);
    leave(store);
    return status;
}

static enum status store_slice_list(struct store *port, struct buf *out_slices,
                                    struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_read_slices(&store->read, out_slices, out_error);
    leave(store);
    return status;
}

static enum status store_slice_read(struct store *port, const struct store_slice *slice,
                                    struct buf *out_data, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_read_slice(&store->read, slice, out_data, out_error);
    leave(store);
    return status;
}

/* The WAL is moved and removed, so that a folder at rest is one file and its head. */
static void store_close(struct store *port)
{
    if (port == NULL) return;
    struct sqlite_store *store = of_port(port);
    if (store->write.db != NULL && store->usable && !store->in_doubt) {
        sqlite_checkpoint_stop(&store->checkpoint);
        sqlite_read_close(&store->read);
        if (sqlite_checkpoint_settle(store->write.db, NULL) == STATUS_OK) {
            int code =
                sqlite3_db_config(store->write.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
            CHECK(code == SQLITE_OK);
        }
    }
    close_files(store);
    (void)pthread_mutex_destroy(&store->writer_mutex); /* nobody is inside */
    (void)pthread_rwlock_destroy(&store->opened);
    free(store);
}

/* ---- making one ---- */

static enum status set_paths(struct sqlite_store *store, const char *folder,
                             struct error *out_error)
{
    if (strlen(folder) >= sizeof store->folder) {
        return error_set(out_error, STATUS_INVALID, "the path of the data folder is too long");
    }
    memcpy(store->folder, folder, strlen(folder) + 1);
    enum status status = sqlite_path(folder, "journal.db", store->journal_path, out_error);
    if (status == STATUS_OK) status = sqlite_path(folder, "head", store->head_path, out_error);
    if (status == STATUS_OK) {
        status = sqlite_path(folder, "archive", store->archive_path, out_error);
    }
    return status;
}

static void set_options(struct sqlite_store *store, const struct sqlite_store_options *options)
{
    struct sqlite_store_options own = *options;
    own.folder = store->folder;
    if (own.wal_low_bytes == 0) own.wal_low_bytes = WAL_LOW_DEFAULT;
    if (own.wal_high_bytes == 0) own.wal_high_bytes = WAL_HIGH_DEFAULT;
    if (own.reserve_bytes == 0) own.reserve_bytes = RESERVE_DEFAULT;
    if (own.page_size == 0) own.page_size = PAGE_SIZE_DEFAULT;
    store->options = own;
}

static struct sqlite_store *store_new(void)
{
    struct sqlite_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    store->port = (struct store){
        .head = store_head_of,
        .claim = store_claim,
        .room = store_room,
        .append = store_append,
        .reopen = store_reopen,
        .read = store_read,
        .read_part = store_read_part,
        .find_stamp = store_find_stamp,
        .slice_list = store_slice_list,
        .slice_read = store_slice_read,
        .close = store_close,
    };
    int failed = pthread_rwlock_init(&store->opened, NULL);
    CHECK(failed == 0);
    failed = pthread_mutex_init(&store->writer_mutex, NULL);
    CHECK(failed == 0);
    return store;
}

enum status sqlite_store_create(const struct sqlite_store_options *options, struct error *out_error)
{
    struct sqlite_store *store = store_new();
    enum status status = set_paths(store, options->folder, out_error);
    if (status == STATUS_OK) {
        set_options(store, options);
        struct sqlite_connection_options own = connection_options(store);
        own.page_size = store->options.page_size;
        own.page_map = true;
        status = journal_create(&own, options->ledger, out_error);
    }
    if (status == STATUS_OK) {
        status = sqlite_head_create(store->head_path, options->vfs, out_error);
    }
    store_close(&store->port);
    return status;
}

enum status sqlite_store_open(const struct sqlite_store_options *options, struct store **out_store,
                              struct error *out_error)
{
    struct sqlite_store *store = store_new();
    enum status status = set_paths(store, options->folder, out_error);
    if (status == STATUS_OK) {
        set_options(store, options);
        status = open_files(store, out_error);
    }
    if (status != STATUS_OK) {
        store_close(&store->port);
        return status;
    }
    *out_store = &store->port;
    return STATUS_OK;
}

/* ---- beyond the port ---- */

void sqlite_store_get_stats(struct store *port, struct sqlite_store_stats *out_stats)
{
    struct sqlite_store *store = of_port(port);
    struct sqlite_store_stats stats = {
        .read_only = store->read_only,
        .in_doubt = __atomic_load_n(&store->in_doubt, __ATOMIC_ACQUIRE),
        .head_write_failures = __atomic_load_n(&store->head_write_failures, __ATOMIC_RELAXED),
    };
    (void)pthread_rwlock_rdlock(&store->opened);
    if (store->checkpoint.db != NULL) {
        (void)pthread_mutex_lock(&store->checkpoint.mutex);
        stats.wal_bytes = store->checkpoint.wal_bytes;
        stats.checkpoints = store->checkpoint.checkpoints;
        stats.gate_closings = store->checkpoint.gate_closings;
        stats.gate_ns_max = store->checkpoint.gate_ns_max;
        (void)pthread_mutex_unlock(&store->checkpoint.mutex);
    }
    (void)pthread_rwlock_unlock(&store->opened);
    *out_stats = stats;
}

/* For writes that nobody asks for twice: a commit in doubt is settled here, and tried again later. */
static enum status settle_doubt(struct sqlite_store *store, enum status status,
                                struct error *out_error)
{
    if (status != STATUS_IN_DOUBT) return status;
    enum status settled = store_reopen(&store->port, out_error);
    return settled == STATUS_CORRUPT ? STATUS_CORRUPT : STATUS_UNAVAILABLE;
}

enum status sqlite_store_set_read_only(struct store *port, bool read_only, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    CHECK(!store->options.read_only);
    enum status status = write_enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_write_meta(&store->write, JOURNAL_META_READ_ONLY, read_only, out_error);
    if (status == STATUS_OK) store->read_only = read_only;
    return settle_doubt(store, write_leave(store, status), out_error);
}

struct uuid sqlite_store_ledger(struct store *store)
{
    return of_port(store)->ledger;
}

enum status sqlite_store_set_ledger(struct store *port, struct uuid ledger, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    CHECK(!store->options.read_only);
    CHECK(!uuid_is_nil(ledger));
    enum status status = write_enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_write_ledger(&store->write, ledger, out_error);
    if (status == STATUS_OK) store->ledger = ledger;
    return settle_doubt(store, write_leave(store, status), out_error);
}

enum status sqlite_store_take_out(struct store *port, const struct journal_archived *archived,
                                  struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    if (store->read_only) return denied(store, out_error);
    enum status status = write_enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_write_take_out(&store->write, archived, out_error);
    return write_leave(store, status);
}

enum status sqlite_store_copy_in(struct store *port, const struct store_batch *batches,
                                 uint32_t count, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    CHECK(!store->options.read_only);
    enum status status = enough_space(store, out_error);
    if (status == STATUS_OK) status = write_enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_write_copy(&store->write, batches, count, out_error);
    if (status == STATUS_OK) {
        const struct store_batch *last = &batches[count - 1];
        struct store_head head = { last->epoch, last->sequence, last->hash, last->stamp };
        write_head(store, &head);
    }
    return settle_doubt(store, write_leave(store, status), out_error);
}

enum status sqlite_store_first(struct store *port, uint64_t *out_sequence, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_read_first(&store->read, out_sequence, out_error);
    leave(store);
    return status;
}

enum status sqlite_store_archived(struct store *port, uint64_t sequence,
                                  struct journal_archived *out_archived, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_read_archived(&store->read, sequence, out_archived, out_error);
    leave(store);
    return status;
}

const char *sqlite_store_archive(struct store *store)
{
    return of_port(store)->archive_path;
}

enum status sqlite_store_row(struct store *port, uint64_t sequence, struct journal_batch *out_row,
                             struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_read_row(&store->read, sequence, out_row, out_error);
    leave(store);
    return status;
}

enum status sqlite_store_integrity(struct store *port, struct error *out_error)
{
    struct sqlite_store *store = of_port(port);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_read_integrity(&store->read, out_error);
    leave(store);
    return status;
}
