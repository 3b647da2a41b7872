/* run.h - a sorted run: an immutable table of index entries in chunks, with filter and fences. */
#ifndef WALLET_RUN_H
#define WALLET_RUN_H

#include "port/run_store.h"
#include "wallet/memtable.h"

/*
 * In memory a run is its summary: the first key of every chunk, and a filter that says of most
 * absent keys that they are absent. The filter takes RUN_FILTER_BITS bits a key, in blocks of
 * 32 bytes of which a key touches one: under 1 % of absent keys pass it. Memory: 1.5 bytes of
 * filter and 0.05 bytes of fences a key.
 */
enum {
    RUN_CHUNK_ENTRIES = 340, /* 8,160 bytes: one page of the run store's file */
    RUN_FILTER_BITS = 12,
    /* Above this many entries a run is left as it is: a summary must fit one blob. */
    RUN_ENTRIES_MAX = 512 << 20,
};

struct run {
    struct run_info info;
    struct uuid key_min;
    struct uuid key_max;
    struct buf summary; /* owns what fences and filter point into */
    const struct uuid *fences;
    uint32_t *filter;
    uint64_t filter_blocks;
};

/* Accepts NULL. */
void run_free(struct run *run);

/* From what the run store lists and holds. STATUS_CORRUPT, STATUS_UNAVAILABLE, STATUS_LIMIT. */
enum status run_load(struct run_store *store, const struct run_info *info, struct run **out_run,
                     struct error *out_error) MUST_CHECK;

static inline bool run_covers(const struct run *run, struct uuid key)
{
    return uuid_compare(key, run->key_min) >= 0 && uuid_compare(key, run->key_max) <= 0;
}
/* False: the key is surely not there. */
bool run_may_hold(const struct run *run, struct uuid key);

/*
 * chunk is the caller's buffer for what is read, of RUN_CHUNK_ENTRIES entries. STATUS_CORRUPT,
 * STATUS_UNAVAILABLE.
 */
enum status run_find(const struct run *run, struct run_store *store,
                     const struct index_query *query, struct buf *chunk, uint32_t *out_found,
                     struct error *out_error) MUST_CHECK;

/* ---- Writing ---- */

/* Takes entries in order and writes chunks; the caller commits the run with its summary. */
struct run_writer {
    struct run_store *store;
    struct run *run;
    struct index_entry *chunk;
    uint32_t chunk_count;
    uint64_t entries_max;
};

/* entries_max bounds (and sizes the filter for) what will be added. STATUS_LIMIT. */
enum status run_writer_new(struct run_store *store, const struct run_info *info,
                           uint64_t entries_max, struct run_writer *out_writer) MUST_CHECK;
enum status run_writer_add(struct run_writer *writer, const struct index_entry *entry,
                           struct error *out_error) MUST_CHECK;
/* Writes the last chunk and hands over the run; the writer is then empty. */
enum status run_writer_finish(struct run_writer *writer, struct run **out_run,
                              struct error *out_error) MUST_CHECK;
/* Drops what was begun; accepts a writer that was finished. */
void run_writer_drop(struct run_writer *writer);

/* Reads a run's entries in order. */
struct run_cursor {
    struct run_store *store;
    const struct run *run;
    struct buf chunk;
    uint32_t chunk_number;
    uint32_t at;
    uint32_t count;
};
enum status run_cursor_open(struct run_store *store, const struct run *run,
                            struct run_cursor *out_cursor, struct error *out_error) MUST_CHECK;
/* NULL at the end. Good until run_cursor_next(). */
const struct index_entry *run_cursor_entry(const struct run_cursor *cursor);
enum status run_cursor_next(struct run_cursor *cursor, struct error *out_error) MUST_CHECK;
void run_cursor_close(struct run_cursor *cursor);

#endif
