/* run_test.h - for tests: a run store in memory, whose calls fail when told to. */
#ifndef WALLET_RUN_TEST_H
#define WALLET_RUN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "port/run_store.h"
#include "wallet/run.h"

enum { SHELF_INDEXES = 8, SHELF_RUNS = 512, SHELF_CHUNKS = 256 };

struct shelf_run {
    struct run_info info;
    bool visible;
    bool replaced; /* not listed; readable until the next commit */
    struct buf summary;
    struct buf chunks[SHELF_CHUNKS];
};

/* What chunks and commits did; to be zeroed and bound with shelf_init(). */
struct shelf {
    struct run_store port; /* first */
    struct store_point cursors[SHELF_INDEXES];
    struct shelf_run *runs[SHELF_RUNS];
    uint32_t run_count;
    uint64_t commits;
    uint64_t chunk_reads;
    uint64_t clears;
    /* Of the next calls of that kind so many fail, with that status. */
    uint32_t write_fails;
    uint32_t commit_fails;
    uint32_t read_fails;
    uint32_t clear_fails;
    enum status fails_with;
};

static inline struct shelf *shelf_of(struct run_store *port)
{
    return (struct shelf *)port;
}

static inline bool shelf_fails(uint32_t *left)
{
    if (*left == 0) return false;
    (*left)--;
    return true;
}

static inline struct shelf_run *shelf_find(struct shelf *shelf, uint64_t id)
{
    for (uint32_t i = 0; i < shelf->run_count; i++) {
        if (shelf->runs[i]->info.id == id) return shelf->runs[i];
    }
    return NULL;
}

static inline enum status shelf_cursor(struct run_store *port, uint32_t index,
                                       struct store_point *out_cursor, struct error *out_error)
{
    (void)out_error; /* it never fails */
    assert_true(index < SHELF_INDEXES);
    *out_cursor = shelf_of(port)->cursors[index];
    return STATUS_OK;
}

static inline enum status shelf_list(struct run_store *port, uint32_t index, struct buf *out_runs,
                                     struct error *out_error)
{
    (void)out_error; /* it never fails */
    struct shelf *shelf = shelf_of(port);
    uint64_t last = 0;
    for (;;) { /* by id */
        struct shelf_run *next = NULL;
        for (uint32_t i = 0; i < shelf->run_count; i++) {
            struct shelf_run *run = shelf->runs[i];
            if (!run->visible || run->info.index != index || run->info.id <= last) continue;
            if (next == NULL || run->info.id < next->info.id) next = run;
        }
        if (next == NULL) return buf_status(out_runs);
        buf_append(out_runs, &next->info, sizeof next->info);
        last = next->info.id;
    }
}

static inline enum status shelf_summary_read(struct run_store *port, uint64_t run,
                                             struct buf *out_summary, struct error *out_error)
{
    struct shelf_run *found = shelf_find(shelf_of(port), run);
    if (found == NULL) return error_set(out_error, STATUS_CORRUPT, "no such run");
    buf_append(out_summary, found->summary.data, found->summary.len);
    return buf_status(out_summary);
}

static inline enum status shelf_chunk_read(struct run_store *port, uint64_t run, uint32_t chunk,
                                           struct buf *out_chunk, struct error *out_error)
{
    struct shelf *shelf = shelf_of(port);
    shelf->chunk_reads++;
    if (shelf_fails(&shelf->read_fails)) return error_set(out_error, shelf->fails_with, "told to");
    struct shelf_run *found = shelf_find(shelf, run);
    if (found == NULL || chunk >= found->info.chunks) {
        return error_set(out_error, STATUS_CORRUPT, "no such chunk");
    }
    buf_append(out_chunk, found->chunks[chunk].data, found->chunks[chunk].len);
    return buf_status(out_chunk);
}

static inline void shelf_run_free(struct shelf_run *run)
{
    buf_free(&run->summary);
    for (uint32_t i = 0; i < SHELF_CHUNKS; i++) buf_free(&run->chunks[i]);
    free(run);
}

static inline void shelf_remove(struct shelf *shelf, uint64_t id)
{
    for (uint32_t i = 0; i < shelf->run_count; i++) {
        if (shelf->runs[i]->info.id != id) continue;
        shelf_run_free(shelf->runs[i]);
        shelf->runs[i] = shelf->runs[--shelf->run_count];
        return;
    }
    fail_msg("run %llu is not there", (unsigned long long)id);
}

/* Drops runs that were begun and never committed. */
static inline void shelf_tidy(struct shelf *shelf)
{
    for (uint32_t i = shelf->run_count; i > 0; i--) {
        const struct shelf_run *run = shelf->runs[i - 1];
        if (!run->visible && !run->replaced) shelf_remove(shelf, run->info.id);
    }
}

static inline enum status shelf_chunk_write(struct run_store *port, uint64_t id, uint32_t chunk,
                                            const void *data, size_t size, struct error *out_error)
{
    struct shelf *shelf = shelf_of(port);
    if (shelf_fails(&shelf->write_fails)) return error_set(out_error, shelf->fails_with, "told to");
    struct shelf_run *run = shelf_find(shelf, id);
    if (run == NULL) {
        shelf_tidy(shelf); /* one is written at a time: others were given up */
        assert_true(shelf->run_count < SHELF_RUNS);
        run = calloc(1, sizeof *run);
        assert_non_null(run);
        run->info.id = id;
        buf_init(&run->summary, 1 << 20);
        for (uint32_t i = 0; i < SHELF_CHUNKS; i++) buf_init(&run->chunks[i], 8160);
        shelf->runs[shelf->run_count++] = run;
    }
    assert_false(run->visible);
    assert_int_equal(chunk, run->info.chunks);
    assert_true(chunk < SHELF_CHUNKS);
    buf_append(&run->chunks[chunk], data, size);
    run->info.chunks++;
    return buf_status(&run->chunks[chunk]);
}

static inline enum status shelf_commit(struct run_store *port, const struct run_commit *commit,
                                       struct error *out_error)
{
    struct shelf *shelf = shelf_of(port);
    if (shelf_fails(&shelf->commit_fails)) {
        return error_set(out_error, shelf->fails_with, "told to");
    }
    assert_true(commit->index < SHELF_INDEXES);
    assert_true(commit->cursor.batch >= shelf->cursors[commit->index].batch);
    if (commit->run != NULL) {
        struct shelf_run *run = shelf_find(shelf, commit->run->id);
        assert_non_null(run);
        assert_int_equal(run->info.chunks, commit->run->chunks);
        run->info = *commit->run;
        run->visible = true;
        buf_append_str(&run->summary, commit->summary);
        assert_int_equal(buf_status(&run->summary), STATUS_OK);
    }
    for (uint32_t i = shelf->run_count; i > 0; i--) {
        if (shelf->runs[i - 1]->replaced) shelf_remove(shelf, shelf->runs[i - 1]->info.id);
    }
    for (uint32_t i = 0; i < commit->replaced_count; i++) {
        struct shelf_run *run = shelf_find(shelf, commit->replaced[i]);
        assert_true(run != NULL && run->visible);
        run->visible = false;
        run->replaced = true;
    }
    shelf->cursors[commit->index] = commit->cursor;
    shelf->commits++;
    return STATUS_OK;
}

static inline enum status shelf_clear(struct run_store *port, struct error *out_error)
{
    struct shelf *shelf = shelf_of(port);
    if (shelf_fails(&shelf->clear_fails))
        return error_set(out_error, STATUS_UNAVAILABLE, "told to");
    while (shelf->run_count > 0) shelf_remove(shelf, shelf->runs[0]->info.id);
    memset(shelf->cursors, 0, sizeof shelf->cursors);
    shelf->clears++;
    return STATUS_OK;
}

static inline void shelf_close(struct run_store *port)
{
    (void)port; /* it outlives whoever uses it: see shelf_done() */
}

static inline void shelf_init(struct shelf *shelf)
{
    *shelf = (struct shelf){
        .port = { shelf_cursor, shelf_list, shelf_summary_read, shelf_chunk_read, shelf_chunk_write,
                  shelf_commit, shelf_clear, shelf_close },
        .fails_with = STATUS_UNAVAILABLE,
    };
}

static inline void shelf_done(struct shelf *shelf)
{
    while (shelf->run_count > 0) shelf_remove(shelf, shelf->runs[0]->info.id);
}

#endif
