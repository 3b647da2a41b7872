/* fault_vfs.h - an SQLite VFS that knows what is not synced: power cuts, failed fsyncs, full disks. */
#ifndef TESTS_PORT_FAULT_VFS_H
#define TESTS_PORT_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Lies over the default VFS. Every write goes to the real file, so that the program sees what a
 * page cache would show it; beside it the VFS keeps, per file, what is synced and the writes
 * since. A sync costs nothing: the real file is not synced.
 *
 * -shm files are memory and never part of what a disk holds. Thread-safe.
 */
struct fault_vfs;

/* Registers itself under the name, which stays: it is for the options of the stores. */
struct fault_vfs *fault_vfs_new(const char *name);
/* Its files must be closed. Accepts NULL. */
void fault_vfs_free(struct fault_vfs *vfs);
const char *fault_vfs_name(const struct fault_vfs *vfs);

/* Writes, syncs, truncations, deletions so far: what cut_at counts. */
uint64_t fault_vfs_operations(struct fault_vfs *vfs);

/*
 * Before operation number `at` (from 1), the power is cut: into folder `to` goes every file the
 * VFS has seen, as a disk could hold it: what was synced, plus any of the writes since, each
 * sector (512 bytes) by the seed's choice, old, new, or one between. Then on_cut is called,
 * still before the operation; the program goes on and does not notice.
 */
struct fault_cut {
    uint64_t at;
    const char *to;
    uint64_t seed;
    void (*on_cut)(void *owner);
    void *owner;
};
void fault_vfs_cut_at(struct fault_vfs *vfs, const struct fault_cut *cut);
/* Now. */
void fault_vfs_cut(struct fault_vfs *vfs, const struct fault_cut *cut);

enum fault_kind {
    FAULT_SYNC_FAILS, /* SQLITE_IOERR_FSYNC; what was not synced is lost, though still readable */
    FAULT_DATABASE_SYNC_FAILS, /* the same, of journal.db itself: in checkpoints only */
    FAULT_DISK_FULL,           /* a write: SQLITE_FULL */
    FAULT_WRITE_FAILS,
    FAULT_READ_FAILS,
};
/* The count-th call of that kind from now on (from 1) fails, and `more` calls after it. */
void fault_vfs_fail(struct fault_vfs *vfs, enum fault_kind kind, uint64_t count, uint64_t more);
/* How many calls failed since fault_vfs_new(). */
uint64_t fault_vfs_failures(struct fault_vfs *vfs);

#endif
