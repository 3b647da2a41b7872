/* sqlite_store.h - the store port over SQLite: journal.db in WAL mode and the head file. */
#ifndef ADAPTER_SQLITE_STORE_H
#define ADAPTER_SQLITE_STORE_H

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_journal.h"
#include "port/store.h"

/*
 * A batch is one row; a commit is one SQLite transaction with synchronous=FULL. A connection
 * writes, one moves the WAL into the database beside it (sqlite_checkpoint.h), a few read.
 *
 * Opening a folder as its owner: scans the WAL for damage that SQLite would pass over without
 * a word (wal_scan.h), moves all of the WAL into the database and syncs it, so that what is
 * then seen is durable even if the last process ended in a failed fsync; verifies tables, head
 * row and newest batch; and compares with the head file (sqlite_head.h). Whoever opens as owner
 * holds the folder's lock (data_folder.h).
 */
struct sqlite_store_options {
    const char *folder; /* holds journal.db, head and archive/; copied */
    bool read_only;     /* for backup and check: nothing is written; claim and append are denied */
    bool beside_owner;  /* with read_only: another process has the folder open to write */
    struct uuid ledger; /* whose journal it is to be, or is made; nil: whosever it is */
    /* 0 means the default, in brackets */
    uint64_t wal_low_bytes;  /* the WAL is moved into the database from here on [32 MiB] */
    uint64_t wal_high_bytes; /* appends wait when it is larger [256 MiB] */
    uint64_t reserve_bytes;  /* appends are refused when less is free on the disk [512 MiB] */
    uint32_t page_size;      /* when created [8 KiB] */
    /* For tests only. */
    const char *vfs;       /* NULL: SQLite's default; must stay */
    enum sqlite_sync sync; /* anything but SYNC_AT_COMMIT loses acknowledged batches */
};

/*
 * Makes an empty journal in a folder that has none, durably but for the folder's own entries
 * (data_folder.h syncs those). STATUS_UNAVAILABLE, STATUS_LIMIT, STATUS_INVALID.
 */
enum status sqlite_store_create(const struct sqlite_store_options *options, struct error *out_error)
    MUST_CHECK;

/*
 * STATUS_CORRUPT names the file and the place; STATUS_INVALID: a newer version, not ours, or of
 * another ledger; STATUS_UNAVAILABLE.
 */
enum status sqlite_store_open(const struct sqlite_store_options *options, struct store **out_store,
                              struct error *out_error) MUST_CHECK;

struct sqlite_store_stats {
    uint64_t wal_bytes;     /* since the WAL last started over */
    uint64_t checkpoints;   /* since open, as all below */
    uint64_t gate_closings; /* times the writer waited for a checkpoint */
    uint64_t gate_ns_max;
    uint64_t head_write_failures; /* of the head file, after good commits */
    bool read_only;
    bool in_doubt; /* reopen() is due */
};
/* Any thread. store is one that sqlite_store_open() made; so below. */
void sqlite_store_get_stats(struct store *store, struct sqlite_store_stats *out_stats);

/*
 * The flag that makes a restored or backed-up folder refuse claim and append (STATUS_DENIED)
 * until it is cleared. Durable. STATUS_UNAVAILABLE, STATUS_LIMIT, STATUS_CORRUPT.
 */
enum status sqlite_store_set_read_only(struct store *store, bool read_only, struct error *out_error)
    MUST_CHECK;

/* Which ledger's it is; nil: it was made before ledgers had ids. */
struct uuid sqlite_store_ledger(struct store *store);
/* For one that has none: durable. As sqlite_store_set_read_only(), whose flag is not asked. */
enum status sqlite_store_set_ledger(struct store *store, struct uuid ledger,
                                    struct error *out_error) MUST_CHECK;

/* The row of a batch: its stamp, size and hash, without its bytes. As store.read(). */
enum status sqlite_store_row(struct store *store, uint64_t sequence, struct journal_batch *out_row,
                             struct error *out_error) MUST_CHECK;

/* The first batch that is in journal.db and not in a segment; the head's + 1 when there is none. */
enum status sqlite_store_first(struct store *store, uint64_t *out_sequence, struct error *out_error)
    MUST_CHECK;
/* The segment that holds a batch. STATUS_NOT_FOUND: it is in no segment. */
enum status sqlite_store_archived(struct store *store, uint64_t sequence,
                                  struct journal_archived *out_archived, struct error *out_error)
    MUST_CHECK;
/* The folder of the segments; lives as long as the store. */
const char *sqlite_store_archive(struct store *store);
/*
 * One commit: the batches of a sealed segment leave journal.db, its row comes. STATUS_CORRUPT
 * when they are not all there; STATUS_DENIED, STATUS_LIMIT, STATUS_UNAVAILABLE, STATUS_IN_DOUBT.
 */
enum status sqlite_store_take_out(struct store *store, const struct journal_archived *archived,
                                  struct error *out_error) MUST_CHECK;

/*
 * For copies of a journal: appends `count` batches without slices in one commit, whatever the
 * read-only flag says, and takes over their epoch. They must follow the head (STATUS_CONFLICT).
 */
enum status sqlite_store_copy_in(struct store *store, const struct store_batch *batches,
                                 uint32_t count, struct error *out_error) MUST_CHECK;

/* SQLite's own check of journal.db's pages; takes as long as reading it. STATUS_CORRUPT. */
enum status sqlite_store_integrity(struct store *store, struct error *out_error) MUST_CHECK;

#endif
