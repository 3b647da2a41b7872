/* sqlite_checkpoint.h - moves the WAL into the database beside the writer, and bounds its size. */
#ifndef ADAPTER_SQLITE_CHECKPOINT_H
#define ADAPTER_SQLITE_CHECKPOINT_H

#include <pthread.h>
#include <sqlite3.h>

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_head.h"

/*
 * A thread with a connection of its own. Past wal_low_bytes it checkpoints beside the writer;
 * when little is left, or past wal_high_bytes, it closes a gate before the writer for the
 * moment that the rest takes, so that the WAL starts over: without that, a writer that never
 * pauses grows it for ever. Once a second it also syncs the head file.
 */
struct sqlite_checkpoint {
    sqlite3 *db;
    struct sqlite_head *head;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t wal_low_bytes;
    uint64_t wal_high_bytes;
    uint64_t frame_size;
    /* under mutex */
    uint64_t wal_bytes; /* written since the WAL started over */
    bool writing;       /* the writer is past the gate */
    bool gate_wanted;
    bool stopping;
    bool started;
    enum status failure; /* of the last checkpoint */
    struct error failure_error;
    uint64_t checkpoints;
    uint64_t gate_closings;
    uint64_t gate_ns_max;
};

/*
 * Makes what the WAL shows durable, then moves all of it into the database and empties it. For
 * a connection that nobody else uses, before anything read is believed:
 *
 * After a failed fsync the kernel may show pages that will never reach the disk. So every byte
 * of the WAL is written again and synced first: else a power cut between the move and the
 * WAL's end would leave an older WAL beside a newer database, which no recovery can tell.
 * STATUS_CORRUPT, STATUS_LIMIT, STATUS_UNAVAILABLE.
 */
enum status sqlite_checkpoint_settle(sqlite3 *db, struct error *out_error) MUST_CHECK;

/* Before start: what the thread needs. db is its own from then on, also when this fails. */
struct sqlite_checkpoint_options {
    sqlite3 *db;
    struct sqlite_head *head;
    uint64_t wal_low_bytes;
    uint64_t wal_high_bytes;
    uint32_t page_size;
};

/* STATUS_UNAVAILABLE: no thread could be started. */
enum status sqlite_checkpoint_start(struct sqlite_checkpoint *checkpoint,
                                    const struct sqlite_checkpoint_options *options,
                                    struct error *out_error) MUST_CHECK;
/* Ends the thread, syncs the head file, closes the connection. Accepts a zeroed struct. */
void sqlite_checkpoint_stop(struct sqlite_checkpoint *checkpoint);

/*
 * Before the writer's BEGIN: waits while the gate is closed, and while the WAL is over its
 * ceiling. After at most GATE_S_MAX: STATUS_LIMIT (the disk is full), STATUS_CORRUPT,
 * STATUS_UNAVAILABLE; sqlite_checkpoint_leave() is then not called.
 */
enum { GATE_S_MAX = 5 };
enum status sqlite_checkpoint_enter(struct sqlite_checkpoint *checkpoint, struct error *out_error)
    MUST_CHECK;
/* After the writer's COMMIT or ROLLBACK; wal_frames is what SQLite's WAL hook said, 0: unknown. */
void sqlite_checkpoint_leave(struct sqlite_checkpoint *checkpoint, uint32_t wal_frames);

#endif
