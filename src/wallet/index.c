/* Looked up newest first; a key above everything seen so far costs one comparison. */
#include "wallet/index.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"

struct index {
    struct run_store *store;
    struct index_options options;
    struct memtable *active;
    struct memtable *frozen_first; /* oldest */
    struct memtable *frozen_last;
    struct memtable *spare; /* linked by next */
    uint32_t frozen_count;
    bool flushing; /* a job for frozen_first is out */
    bool merging;
    bool merge_first; /* the last job wrote a table */
    struct run *runs[INDEX_RUNS_MAX];
    uint32_t run_count;
    struct store_point cursor;
    struct store_point reached; /* the newest batch that a cursor may be */
    uint64_t run_id_next;
    bool damaged;
    bool any;
    struct uuid key_max; /* over everything; meaningful when any */
    struct buf chunk;
};

enum status index_new(struct run_store *store, const struct index_options *options,
                      struct index **out_index)
{
    struct index *index = reserve_new(sizeof *index);
    if (index == NULL) return STATUS_LIMIT;
    index->store = store;
    index->options = *options;
    buf_init(&index->chunk, RUN_CHUNK_ENTRIES * sizeof(struct index_entry));
    for (int i = 0; i < INDEX_TABLES_MAX; i++) {
        struct memtable *table;
        enum status status =
            memtable_new(options->memtable_ids + options->batch_ids, options->seed, &table);
        if (status != STATUS_OK) {
            index_free(index);
            return status;
        }
        table->next = index->spare;
        index->spare = table;
    }
    index->active = index->spare;
    index->spare = index->active->next;
    index->active->next = NULL;
    *out_index = index;
    return STATUS_OK;
}

static void tables_free(struct memtable *first)
{
    while (first != NULL) {
        struct memtable *next = first->next;
        memtable_free(first);
        first = next;
    }
}

static void runs_drop(struct index *index)
{
    for (uint32_t i = 0; i < index->run_count; i++) run_free(index->runs[i]);
    index->run_count = 0;
}

void index_free(struct index *index)
{
    if (index == NULL) return;
    CHECK(!index->flushing && !index->merging);
    tables_free(index->active);
    tables_free(index->frozen_first);
    tables_free(index->spare);
    runs_drop(index);
    buf_free(&index->chunk);
    reserve_free(index, sizeof *index);
}

static void table_recycle(struct index *index, struct memtable *table)
{
    memtable_reset(table);
    table->next = index->spare;
    index->spare = table;
}

static void tables_reset(struct index *index)
{
    memtable_reset(index->active);
    while (index->frozen_first != NULL) {
        struct memtable *table = index->frozen_first;
        index->frozen_first = table->next;
        table_recycle(index, table);
    }
    index->frozen_last = NULL;
    index->frozen_count = 0;
}

static void key_seen(struct index *index, struct uuid key)
{
    if (!index->any || uuid_compare(key, index->key_max) > 0) index->key_max = key;
    index->any = true;
}

static void run_take(struct index *index, struct run *run)
{
    CHECK(index->run_count < INDEX_RUNS_MAX);
    index->runs[index->run_count++] = run;
    key_seen(index, run->key_max);
    if (run->info.id >= index->run_id_next) index->run_id_next = run->info.id + 1;
}

static enum status runs_load(struct index *index, const struct run_info *infos, uint32_t count,
                             struct error *out_error)
{
    if (count > INDEX_RUNS_MAX) {
        return error_set(out_error, STATUS_LIMIT, "the index has %u runs, more than %u", count,
                         INDEX_RUNS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct run *run;
        enum status status = run_load(index->store, &infos[i], &run, out_error);
        if (status != STATUS_OK) return status;
        run_take(index, run);
    }
    return STATUS_OK;
}

enum status index_load(struct index *index, struct error *out_error)
{
    CHECK(!index->flushing && !index->merging);
    tables_reset(index);
    runs_drop(index);
    index->damaged = false;
    index->any = false;
    index->cursor = (struct store_point){ 0 };
    index->reached = index->cursor;
    index->run_id_next = ((uint64_t)index->options.number << 32) + 1;
    BUF_SCOPE struct buf infos;
    buf_init(&infos, (INDEX_RUNS_MAX + 1) * sizeof(struct run_info));
    enum status status = index->store->list(index->store, index->options.number, &infos, out_error);
    if (status != STATUS_OK) return status;
    status = runs_load(index, (const struct run_info *)infos.data,
                       (uint32_t)(infos.len / sizeof(struct run_info)), out_error);
    if (status != STATUS_OK) return status;
    status = index->store->cursor(index->store, index->options.number, &index->cursor, out_error);
    index->reached = index->cursor;
    return status;
}

uint64_t index_cursor(const struct index *index)
{
    return index->cursor.batch;
}

struct store_point index_point(const struct index *index)
{
    return index->cursor;
}

void index_reach(struct index *index, struct store_point point)
{
    if (point.batch <= index->reached.batch) return;
    index->reached = point;
    for (struct memtable *table = index->frozen_first; table != NULL; table = table->next) {
        if (table->last_batch != point.batch) continue;
        table->last_hash = point.hash;
        table->last_known = true;
    }
}

bool index_is_damaged(const struct index *index)
{
    return index->damaged;
}

void index_prefetch(const struct index *index, struct uuid key)
{
    id_map_prefetch(&index->active->map, key);
}

void index_insert(struct index *index, struct uuid key, struct locator locator)
{
    memtable_insert(index->active, key, locator);
    key_seen(index, key);
}

/* Runs come last: what is asked for again was mostly written a moment ago. */
enum status index_find(struct index *index, struct uuid key, struct locator *out_locator,
                       struct error *out_error)
{
    if (!index->any || uuid_compare(key, index->key_max) > 0) return STATUS_NOT_FOUND;
    if (memtable_find(index->active, key, out_locator)) return STATUS_OK;
    for (const struct memtable *table = index->frozen_first; table != NULL; table = table->next) {
        if (memtable_find(table, key, out_locator)) return STATUS_OK;
    }
    struct index_query query = { .key = key, .out_locators = out_locator, .limit = 1 };
    for (uint32_t i = index->run_count; i > 0; i--) {
        uint32_t found;
        enum status status =
            run_find(index->runs[i - 1], index->store, &query, &index->chunk, &found, out_error);
        if (status == STATUS_CORRUPT) index->damaged = true;
        if (status != STATUS_OK) return status;
        if (found > 0) return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}

static int locator_compare(struct locator a, struct locator b)
{
    return a.packed < b.packed ? -1 : a.packed > b.packed;
}

/* Keeps the lowest `limit` of what is there and what is added; both are in order. */
static uint32_t locators_merge(struct locator *found, uint32_t count, struct locator added,
                               uint32_t limit)
{
    uint32_t at = count;
    while (at > 0 && locator_compare(found[at - 1], added) > 0) at--;
    if (at == limit) return count;
    uint32_t kept = count < limit ? count : limit - 1;
    memmove(found + at + 1, found + at, (kept - at) * sizeof *found);
    found[at] = added;
    return kept + 1;
}

static enum status runs_find(struct index *index, const struct index_query *query,
                             uint32_t *out_found, struct error *out_error)
{
    struct locator page[INDEX_FIND_MAX];
    CHECK(query->limit <= INDEX_FIND_MAX);
    struct index_query one = *query;
    one.out_locators = page;
    for (uint32_t i = 0; i < index->run_count; i++) {
        uint32_t found;
        enum status status =
            run_find(index->runs[i], index->store, &one, &index->chunk, &found, out_error);
        if (status == STATUS_CORRUPT) index->damaged = true;
        if (status != STATUS_OK) return status;
        for (uint32_t k = 0; k < found; k++) {
            *out_found = locators_merge(query->out_locators, *out_found, page[k], query->limit);
        }
    }
    return STATUS_OK;
}

/*
 * Runs are older than frozen tables, and those than the active one, so what is found in this
 * order is in journal order but for the runs among each other.
 */
enum status index_find_after(struct index *index, const struct index_query *query,
                             uint32_t *out_found, struct error *out_error)
{
    *out_found = 0;
    enum status status = runs_find(index, query, out_found, out_error);
    if (status != STATUS_OK) return status;
    for (const struct memtable *table = index->frozen_first; table != NULL; table = table->next) {
        *out_found += memtable_find_after(table, query, *out_found);
    }
    *out_found += memtable_find_after(index->active, query, *out_found);
    return STATUS_OK;
}

bool index_is_full(const struct index *index)
{
    return index->active->count >= index->options.memtable_ids;
}

/* Entries come in journal order, so the first is the oldest. */
static bool table_has(const struct memtable *table, uint64_t up_to)
{
    return table->count > 0 && locator_batch(table->entries[0].locator) <= up_to;
}

bool index_freeze(struct index *index, uint64_t last_batch, uint64_t up_to)
{
    bool full = index_is_full(index);
    if (!full && !table_has(index->active, up_to)) return true;
    if (index->spare == NULL) return !full;
    struct memtable *table = index->active;
    CHECK(last_batch >= index->reached.batch);
    table->last_batch = last_batch;
    table->last_known = last_batch == index->reached.batch;
    table->last_hash = index->reached.hash; /* when it is known */
    table->next = NULL;
    if (index->frozen_last == NULL) {
        index->frozen_first = table;
    } else {
        index->frozen_last->next = table;
    }
    index->frozen_last = table;
    index->frozen_count++;
    index->active = index->spare;
    index->spare = index->active->next;
    index->active->next = NULL;
    return true;
}

bool index_caught_up(const struct index *index, uint64_t up_to)
{
    if (table_has(index->active, up_to)) return false;
    return index->frozen_first == NULL || !table_has(index->frozen_first, up_to);
}

uint64_t index_covered(const struct index *index, uint64_t head)
{
    const struct memtable *oldest = index->frozen_first;
    if (oldest == NULL) oldest = index->active;
    if (oldest->count == 0) return head;
    uint64_t covered = locator_batch(oldest->entries[0].locator) - 1;
    if (covered < index->cursor.batch) covered = index->cursor.batch;
    return covered < head ? covered : head;
}

static bool is_idle(const struct index *index)
{
    return index->active->count == 0 && index->frozen_first == NULL &&
           index->reached.batch >= index->cursor.batch + INDEX_IDLE_BATCHES;
}

/* How many runs of the level cover the key, and (up to INDEX_DEPTH_MAX of) which. */
static uint32_t runs_over(struct index *index, struct uuid key, uint32_t level,
                          struct run **out_runs)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < index->run_count && depth < INDEX_DEPTH_MAX; i++) {
        struct run *run = index->runs[i];
        if (run->info.level == level && run_covers(run, key)) out_runs[depth++] = run;
    }
    return depth;
}

/*
 * Merges what covers the least key of some run INDEX_DEPTH_MAX deep; the deepest point of all
 * is always at such a key. Only runs of one level, so of about one size, are merged: an entry
 * is written anew once a level, not each time that others come.
 */
static bool merge_wanted(struct index *index, struct index_job *job)
{
    if (index->run_count < INDEX_DEPTH_MAX) return false;
    for (uint32_t i = 0; i < index->run_count; i++) {
        const struct run *run = index->runs[i];
        job->input_count = runs_over(index, run->key_min, run->info.level, job->inputs);
        if (job->input_count < INDEX_DEPTH_MAX) continue;
        uint64_t entries = 0;
        for (uint32_t k = 0; k < job->input_count; k++) entries += job->inputs[k]->info.entries;
        if (entries <= RUN_ENTRIES_MAX) return true;
    }
    return false;
}

bool index_next_job(struct index *index, struct index_job *out_job)
{
    if (index->flushing || index->merging) return false;
    *out_job = (struct index_job){ .index = index, .run_id = index->run_id_next };
    struct memtable *table = index->frozen_first;
    bool table_due = table != NULL && table->last_known;
    /* In turn: under load there is always a table to write, and lookups go through every run. */
    if (table_due && !(index->merge_first && merge_wanted(index, out_job))) {
        out_job->input_count = 0;
        out_job->table = table;
        out_job->cursor = (struct store_point){ table->last_batch, table->last_hash };
        index->flushing = true;
    } else if (merge_wanted(index, out_job)) {
        out_job->cursor = index->cursor;
        index->merging = true;
    } else if (is_idle(index)) {
        out_job->input_count = 0;
        out_job->cursor = index->reached;
        index->flushing = true;
        return true;
    } else {
        return false;
    }
    index->run_id_next++;
    return true;
}

static enum status table_write(struct index_job *job)
{
    struct memtable *table = job->table;
    size_t size = table->count * sizeof *table->entries;
    struct index_entry *sorted = reserve_new(2 * size);
    if (sorted == NULL) return error_set(&job->error, STATUS_LIMIT, "no memory to sort a run");
    memcpy(sorted, table->entries, size); /* the table itself is still being looked into */
    index_entries_sort(sorted, sorted + table->count, table->count);
    struct run_info info = { .index = job->index->options.number, .id = job->run_id };
    struct run_writer writer;
    enum status status = run_writer_new(job->index->store, &info, table->count, &writer);
    if (status == STATUS_OK) {
        for (uint32_t i = 0; i < table->count && status == STATUS_OK; i++) {
            status = run_writer_add(&writer, &sorted[i], &job->error);
        }
        if (status == STATUS_OK) status = run_writer_finish(&writer, &job->output, &job->error);
        if (status != STATUS_OK) run_writer_drop(&writer);
    }
    reserve_free(sorted, 2 * size);
    return status;
}

static struct run_cursor *cursor_lowest(struct run_cursor *cursors, uint32_t count)
{
    struct run_cursor *lowest = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct index_entry *entry = run_cursor_entry(&cursors[i]);
        if (entry == NULL) continue;
        if (lowest == NULL || index_entry_compare(entry, run_cursor_entry(lowest)) < 0) {
            lowest = &cursors[i];
        }
    }
    return lowest;
}

static enum status cursors_merge(struct index_job *job, struct run_cursor *cursors,
                                 struct run_writer *writer)
{
    for (;;) {
        struct run_cursor *lowest = cursor_lowest(cursors, job->input_count);
        if (lowest == NULL) return run_writer_finish(writer, &job->output, &job->error);
        enum status status = run_writer_add(writer, run_cursor_entry(lowest), &job->error);
        if (status == STATUS_OK) status = run_cursor_next(lowest, &job->error);
        if (status != STATUS_OK) return status;
    }
}

static enum status runs_merge(struct index_job *job)
{
    uint64_t entries = 0;
    uint32_t level = 0;
    for (uint32_t i = 0; i < job->input_count; i++) {
        entries += job->inputs[i]->info.entries;
        if (job->inputs[i]->info.level > level) level = job->inputs[i]->info.level;
    }
    struct run_info info = { .index = job->index->options.number,
                             .level = level + 1,
                             .id = job->run_id };
    struct run_cursor cursors[INDEX_DEPTH_MAX] = { 0 };
    struct run_writer writer;
    enum status status = run_writer_new(job->index->store, &info, entries, &writer);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < job->input_count && status == STATUS_OK; i++) {
        status = run_cursor_open(job->index->store, job->inputs[i], &cursors[i], &job->error);
    }
    if (status == STATUS_OK) status = cursors_merge(job, cursors, &writer);
    for (uint32_t i = 0; i < job->input_count; i++) run_cursor_close(&cursors[i]);
    run_writer_drop(&writer);
    return status;
}

static bool job_makes_run(const struct index_job *job)
{
    return job->table != NULL || job->input_count > 0;
}

void index_job_run(struct index_job *job)
{
    struct run_store *store = job->index->store;
    if (!job_makes_run(job)) {
        const struct run_commit move = { .index = job->index->options.number,
                                         .cursor = job->cursor };
        job->status = store->commit(store, &move, &job->error);
        return;
    }
    job->status = job->table != NULL ? table_write(job) : runs_merge(job);
    if (job->status != STATUS_OK) return;
    uint64_t replaced[INDEX_DEPTH_MAX];
    for (uint32_t i = 0; i < job->input_count; i++) replaced[i] = job->inputs[i]->info.id;
    const struct run_commit commit = {
        .run = &job->output->info,
        .summary = buf_view(&job->output->summary),
        .replaced = replaced,
        .replaced_count = job->input_count,
        .index = job->index->options.number,
        .cursor = job->cursor,
    };
    job->status = store->commit(store, &commit, &job->error);
    if (job->status == STATUS_OK) return;
    run_free(job->output);
    job->output = NULL;
}

static void runs_remove(struct index *index, struct run *const *gone, uint32_t gone_count)
{
    for (uint32_t i = 0; i < gone_count; i++) {
        uint32_t at = 0;
        while (index->runs[at] != gone[i]) at++;
        index->run_count--;
        memmove(&index->runs[at], &index->runs[at + 1],
                (index->run_count - at) * sizeof index->runs[0]);
        run_free(gone[i]);
    }
}

void index_job_done(struct index_job *job)
{
    struct index *index = job->index;
    index->flushing = false;
    index->merging = false;
    index->merge_first = job->table != NULL && job->status == STATUS_OK;
    if (job->status == STATUS_CORRUPT) index->damaged = true; /* a run that was to be merged */
    if (job->status != STATUS_OK) return;
    index->cursor = job->cursor;
    if (!job_makes_run(job)) return;
    runs_remove(index, job->inputs, job->input_count);
    run_take(index, job->output);
    if (job->table == NULL) return;
    CHECK(index->frozen_first == job->table);
    index->frozen_first = job->table->next;
    if (index->frozen_first == NULL) index->frozen_last = NULL;
    index->frozen_count--;
    table_recycle(index, job->table);
}
