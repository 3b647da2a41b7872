/* Runs are sorted in memory, written one behind the other, and merged through a heap of heads. */
#define _GNU_SOURCE /* O_TMPFILE, qsort_r */
#include "adapter/external_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/reserve.h"

enum { BLOCK_ITEMS = 256 }; /* written in one go */

/* What is moved about while sorting: small, and mostly enough to decide. */
struct entry {
    uint64_t prefix;
    uint32_t index;
    uint32_t reserved;
};

/* A sorted part of the file that is being read. */
struct run {
    uint64_t offset; /* in the file, of what was not read yet */
    uint64_t end;
    uint8_t *buffer; /* a part of the sort's memory */
    size_t at;       /* in the buffer: the head of the run */
    size_t filled;
    uint64_t prefix; /* of the head */
};

struct external_sort {
    struct external_sort_options options;
    uint8_t *items;
    struct entry *entries;
    uint32_t capacity;
    uint32_t held;
    uint32_t given; /* without a file: how many of the held were handed out */
    bool reading;
    uint64_t count;
    int descriptor; /* -1: nothing was written */
    uint64_t written;
    struct run runs[EXTERNAL_SORT_RUNS_MAX];
    uint32_t run_count;
    uint32_t heap[EXTERNAL_SORT_RUNS_MAX]; /* of runs; the one with the least head is first */
    uint32_t heap_count;
    uint8_t block[BLOCK_ITEMS * EXTERNAL_SORT_ITEM_MAX];
};

enum status external_sort_new(const struct external_sort_options *options,
                              struct external_sort **out_sort, struct error *out_error)
{
    CHECK(options->item_size > 0);
    CHECK(options->item_size <= EXTERNAL_SORT_ITEM_MAX);
    uint64_t capacity = options->memory_max / (options->item_size + sizeof(struct entry));
    CHECK(capacity >= 2);
    if (capacity > UINT32_MAX) capacity = UINT32_MAX;
    struct external_sort *sort = reserve_new(sizeof *sort);
    if (sort == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for sorting");
    sort->options = *options;
    sort->capacity = (uint32_t)capacity;
    sort->descriptor = -1;
    sort->items = reserve_new(sort->capacity * options->item_size);
    sort->entries = reserve_new(sort->capacity * sizeof(struct entry));
    if (sort->items == NULL || sort->entries == NULL) {
        external_sort_free(sort);
        return error_set(out_error, STATUS_LIMIT, "no memory for sorting");
    }
    *out_sort = sort;
    return STATUS_OK;
}

void external_sort_free(struct external_sort *sort)
{
    if (sort == NULL) return;
    if (sort->descriptor >= 0) (void)close(sort->descriptor); /* it has no name: it is gone */
    reserve_free(sort->items, sort->capacity * sort->options.item_size);
    reserve_free(sort->entries, sort->capacity * sizeof(struct entry));
    reserve_free(sort, sizeof *sort);
}

uint64_t external_sort_count(const struct external_sort *sort)
{
    return sort->count;
}

static const uint8_t *item_at(const struct external_sort *sort, uint32_t index)
{
    return sort->items + index * sort->options.item_size;
}

static int entry_compare(const void *a, const void *b, void *context)
{
    const struct entry *left = a;
    const struct entry *right = b;
    const struct external_sort *sort = context;
    if (left->prefix != right->prefix) return left->prefix < right->prefix ? -1 : 1;
    return sort->options.compare(item_at(sort, left->index), item_at(sort, right->index));
}

static enum status write_failed(struct error *out_error)
{
    return error_set(out_error, status_of_errno(errno),
                     "the file for sorting cannot be written: %s", strerror(errno));
}

static enum status file_make(struct external_sort *sort, struct error *out_error)
{
    const char *folder = sort->options.folder;
    sort->descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (sort->descriptor >= 0) return STATUS_OK;
    enum status status = error_set(out_error, STATUS_UNAVAILABLE, "cannot make a file in %s: %s",
                                   folder, strerror(errno));
    error_hint(out_error, "name another folder for temporary files");
    return status;
}

static enum status bytes_write(struct external_sort *sort, const uint8_t *bytes, size_t size,
                               struct error *out_error)
{
    while (size > 0) {
        ssize_t done = write(sort->descriptor, bytes, size);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return write_failed(out_error);
        bytes += done;
        size -= (size_t)done;
        sort->written += (uint64_t)done;
    }
    return STATUS_OK;
}

static void held_sort(struct external_sort *sort)
{
    qsort_r(sort->entries, sort->held, sizeof sort->entries[0], entry_compare, sort);
}

/* What is held becomes a run of the file. */
static enum status run_write(struct external_sort *sort, struct error *out_error)
{
    bool full = sort->run_count == EXTERNAL_SORT_RUNS_MAX || sort->run_count == sort->capacity;
    if (full) /* each run needs room for its head */
        return error_set(out_error, STATUS_LIMIT, "too many items to sort in this memory");
    enum status status = sort->descriptor < 0 ? file_make(sort, out_error) : STATUS_OK;
    held_sort(sort);
    size_t size = sort->options.item_size;
    struct run *run = &sort->runs[sort->run_count];
    run->offset = sort->written;
    for (uint32_t i = 0; i < sort->held && status == STATUS_OK;) {
        uint32_t count = sort->held - i < BLOCK_ITEMS ? sort->held - i : BLOCK_ITEMS;
        for (uint32_t k = 0; k < count; k++)
            memcpy(sort->block + k * size, item_at(sort, sort->entries[i + k].index), size);
        status = bytes_write(sort, sort->block, count * size, out_error);
        i += count;
    }
    if (status != STATUS_OK) return status;
    run->end = sort->written;
    sort->run_count++;
    sort->held = 0;
    return STATUS_OK;
}

enum status external_sort_add(struct external_sort *sort, const void *item, struct error *out_error)
{
    CHECK(!sort->reading);
    if (sort->held == sort->capacity) {
        enum status status = run_write(sort, out_error);
        if (status != STATUS_OK) return status;
    }
    memcpy(sort->items + sort->held * sort->options.item_size, item, sort->options.item_size);
    uint64_t prefix = sort->options.prefix == NULL ? 0 : sort->options.prefix(item);
    sort->entries[sort->held] = (struct entry){ .prefix = prefix, .index = sort->held };
    sort->held++;
    sort->count++;
    return STATUS_OK;
}

/* ---- merging ---- */

static enum status run_fill(struct external_sort *sort, struct run *run, size_t size,
                            struct error *out_error)
{
    uint64_t left = run->end - run->offset;
    if (size > left) size = (size_t)left;
    run->at = 0;
    run->filled = 0;
    while (run->filled < size) {
        ssize_t got = pread(sort->descriptor, run->buffer + run->filled, size - run->filled,
                            (off_t)run->offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return error_set(out_error, STATUS_UNAVAILABLE, "the file for sorting cannot be read");
        run->filled += (size_t)got;
        run->offset += (uint64_t)got;
    }
    if (run->filled > 0 && sort->options.prefix != NULL)
        run->prefix = sort->options.prefix(run->buffer);
    return STATUS_OK;
}

static bool run_less(const struct external_sort *sort, uint32_t a, uint32_t b)
{
    const struct run *left = &sort->runs[a];
    const struct run *right = &sort->runs[b];
    if (left->prefix != right->prefix) return left->prefix < right->prefix;
    return sort->options.compare(left->buffer + left->at, right->buffer + right->at) < 0;
}

static void heap_sink(struct external_sort *sort, uint32_t at)
{
    uint32_t *heap = sort->heap;
    for (uint32_t child; (child = 2 * at + 1) < sort->heap_count; at = child) {
        if (child + 1 < sort->heap_count && run_less(sort, heap[child + 1], heap[child])) child++;
        if (!run_less(sort, heap[child], heap[at])) return;
        uint32_t moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
    }
}

/* The memory of the items is shared out among the runs, in whole items. */
static size_t buffer_size(const struct external_sort *sort)
{
    size_t items = sort->capacity / (sort->run_count == 0 ? 1 : sort->run_count);
    return (items == 0 ? 1 : items) * sort->options.item_size;
}

static enum status reading_begin(struct external_sort *sort, struct error *out_error)
{
    sort->reading = true;
    if (sort->descriptor < 0) {
        held_sort(sort);
        return STATUS_OK;
    }
    if (sort->held > 0) {
        enum status status = run_write(sort, out_error);
        if (status != STATUS_OK) return status;
    }
    CHECK(sort->run_count <= sort->capacity);
    size_t size = buffer_size(sort);
    for (uint32_t i = 0; i < sort->run_count; i++) {
        sort->runs[i].buffer = sort->items + i * size;
        enum status status = run_fill(sort, &sort->runs[i], size, out_error);
        if (status != STATUS_OK) return status;
        sort->heap[sort->heap_count++] = i;
    }
    for (uint32_t i = sort->heap_count / 2; i-- > 0;) heap_sink(sort, i);
    return STATUS_OK;
}

static enum status head_take(struct external_sort *sort, void *out_item, struct error *out_error)
{
    size_t size = sort->options.item_size;
    struct run *run = &sort->runs[sort->heap[0]];
    memcpy(out_item, run->buffer + run->at, size);
    run->at += size;
    if (run->at == run->filled) {
        enum status status = run_fill(sort, run, buffer_size(sort), out_error);
        if (status != STATUS_OK) return status;
        if (run->filled == 0) sort->heap[0] = sort->heap[--sort->heap_count];
    } else if (sort->options.prefix != NULL) {
        run->prefix = sort->options.prefix(run->buffer + run->at);
    }
    heap_sink(sort, 0);
    return STATUS_OK;
}

enum status external_sort_next(struct external_sort *sort, void *out_item, bool *out_found,
                               struct error *out_error)
{
    if (!sort->reading) {
        enum status status = reading_begin(sort, out_error);
        if (status != STATUS_OK) return status;
    }
    *out_found = sort->descriptor < 0 ? sort->given < sort->held : sort->heap_count > 0;
    if (!*out_found) return STATUS_OK;
    if (sort->descriptor >= 0) return head_take(sort, out_item, out_error);
    memcpy(out_item, item_at(sort, sort->entries[sort->given++].index), sort->options.item_size);
    return STATUS_OK;
}
