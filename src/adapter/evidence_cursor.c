#include "adapter/evidence_cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum {
    STEP_SOME = 16 << 10, /* where a few rows are wanted */
    STEP_ALL = 256 << 10, /* where all are */
    LINE_ARENA = EVIDENCE_LINE_MAX + 64 * 1024,
    BUFFER = STEP_ALL + EVIDENCE_LINE_MAX + 1,
    NO_SOURCE = UINT32_MAX,
};

enum status evidence_cursor_init(struct evidence_cursor *cursor, struct evidence_rows *rows,
                                 uint32_t kind)
{
    memset(cursor, 0, sizeof *cursor);
    cursor->rows = rows;
    cursor->kind = kind;
    cursor->opened = (uint32_t)NO_SOURCE;
    cursor->buffer = malloc(BUFFER);
    if (cursor->buffer == NULL) return STATUS_LIMIT;
    return arena_init(&cursor->arena, LINE_ARENA);
}

void evidence_cursor_done(struct evidence_cursor *cursor)
{
    arena_done(&cursor->arena);
    free(cursor->buffer);
}

/* ---- lines ---- */

static void fail(struct evidence_cursor *cursor)
{
    cursor->status =
        error_set(&cursor->error, STATUS_UNAVAILABLE, "evidence cannot be read: it was changed");
    cursor->end = true;
}

/* Reads more behind what is left; false at the file's end. */
static bool fill(struct evidence_cursor *cursor)
{
    memmove(cursor->buffer, cursor->buffer + cursor->begin, cursor->filled - cursor->begin);
    cursor->base += cursor->begin;
    cursor->filled -= cursor->begin;
    cursor->begin = 0;
    ssize_t got;
    do {
        got = pread(cursor->rows->sources[cursor->opened].file, cursor->buffer + cursor->filled,
                    cursor->step, (off_t)(cursor->base + cursor->filled));
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    cursor->filled += (size_t)got;
    return true;
}

/* The next whole line; what is too long for one is passed over. False: there is none. */
static bool take_line(struct evidence_cursor *cursor, struct str *out_line)
{
    bool skipping = false;
    for (;;) {
        const char *from = (const char *)cursor->buffer + cursor->begin;
        size_t size = cursor->filled - cursor->begin;
        const char *end = memchr(from, '\n', size);
        if (end != NULL) {
            cursor->begin += (size_t)(end - from) + 1;
            *out_line = (struct str){ from, (size_t)(end - from) };
            if (!skipping && out_line->len <= EVIDENCE_LINE_MAX) return true;
            skipping = false;
            continue;
        }
        if (size > EVIDENCE_LINE_MAX) {
            skipping = true;
            cursor->begin = cursor->filled;
        }
        if (!fill(cursor)) return false;
    }
}

static void seek(struct evidence_cursor *cursor, const struct evidence_block *block)
{
    cursor->next = block->number;
    bool there = cursor->opened == block->source && block->offset >= cursor->base &&
                 block->offset <= cursor->base + cursor->filled;
    if (there) {
        cursor->begin = (size_t)(block->offset - cursor->base);
        return;
    }
    cursor->opened = block->source;
    cursor->base = block->offset;
    cursor->begin = 0;
    cursor->filled = 0;
}

static bool is_of_kind(const struct evidence_cursor *cursor, struct str line)
{
    return record_kind(line) == (int)cursor->kind;
}

/* Reads the next row of the block. */
static bool take_row(struct evidence_cursor *cursor)
{
    const struct evidence_row_source *source = &cursor->rows->sources[cursor->opened];
    struct str line;
    while (take_line(cursor, &line)) {
        if (line.len == 0) continue;
        bool mine = is_of_kind(cursor, line);
        if (source->clean && !mine) {
            cursor->next++;
            continue;
        }
        const char *reason;
        arena_reset(&cursor->arena);
        bool good = record_parse(&cursor->rows->names, line, &cursor->arena, &cursor->record,
                                 &reason) == STATUS_OK &&
                    (source->kinds >> cursor->record.kind & 1) != 0;
        if (!good) continue;
        uint64_t number = cursor->next++;
        if (!mine) continue;
        cursor->left--;
        cursor->source = cursor->opened;
        cursor->number = (int64_t)(number << EVIDENCE_NUMBER_BITS | cursor->kind);
        return true;
    }
    fail(cursor);
    return false;
}

/* Passes over rows of the block, and does not read them where each line is a record. */
static void skip_rows(struct evidence_cursor *cursor, uint32_t count)
{
    const struct evidence_row_source *source = &cursor->rows->sources[cursor->opened];
    struct str line;
    while (count > 0 && !cursor->end) {
        if (!source->clean) {
            count -= take_row(cursor);
            continue;
        }
        if (!take_line(cursor, &line)) {
            fail(cursor);
            return;
        }
        if (line.len == 0) continue;
        cursor->next++;
        if (!is_of_kind(cursor, line)) continue;
        cursor->left--;
        count--;
    }
}

/* The same up to the record of this number, of whatever kind it is; each line is a record. */
static void skip_to(struct evidence_cursor *cursor, uint64_t number)
{
    struct str line;
    while (cursor->left > 1 && cursor->next < number && take_line(cursor, &line)) {
        if (line.len == 0) continue;
        cursor->next++;
        cursor->left -= is_of_kind(cursor, line);
    }
}

/* ---- which ---- */

static void begin(struct evidence_cursor *cursor, size_t step)
{
    cursor->end = false;
    cursor->status = STATUS_OK;
    cursor->which = EVIDENCE_ALL_ROWS;
    cursor->at = 0;
    cursor->to = 0;
    cursor->block = 0;
    cursor->left = 0;
    cursor->step = step;
}

void evidence_cursor_all(struct evidence_cursor *cursor, const struct evidence_bounds *bounds)
{
    begin(cursor, STEP_ALL);
    cursor->bounds = *bounds;
}

void evidence_cursor_list(struct evidence_cursor *cursor, const struct evidence_list *list)
{
    begin(cursor, STEP_SOME);
    cursor->which = EVIDENCE_LISTED_ROWS;
    cursor->list = list;
    cursor->to = list->count;
}

void evidence_cursor_hash(struct evidence_cursor *cursor, struct evidence_index *index,
                          uint32_t hash)
{
    begin(cursor, STEP_SOME);
    cursor->which = EVIDENCE_HASHED_ROWS;
    cursor->index = index;
    if (index->count == 0) return;
    cursor->status =
        evidence_index_find(index, hash, hash, &cursor->at, &cursor->to, &cursor->error);
    cursor->end = cursor->status != STATUS_OK;
}

void evidence_cursor_none(struct evidence_cursor *cursor)
{
    begin(cursor, STEP_SOME);
    cursor->end = true;
}

/* The last block that begins at or before this row, by `number` or else by place. */
static uint32_t block_of(const struct evidence_kind_rows *kind, uint64_t value, bool by_number)
{
    uint32_t low = 0;
    uint32_t high = kind->block_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        const struct evidence_block *block = &kind->blocks[middle];
        if ((by_number ? block->number : block->first) <= value)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* To the row at this place; goes on from where it stands when that is not behind. */
static void go_to(struct evidence_cursor *cursor, uint32_t place)
{
    const struct evidence_kind_rows *kind = &cursor->rows->kinds[cursor->kind];
    uint32_t number = block_of(kind, place, false);
    const struct evidence_block *block = &kind->blocks[number];
    uint32_t passed = block->count - cursor->left;
    bool ahead = cursor->left > 0 && cursor->block == number && place >= block->first + passed;
    if (!ahead) {
        cursor->block = number;
        cursor->left = block->count;
        seek(cursor, block);
        passed = 0;
    }
    skip_rows(cursor, place - block->first - passed);
    if (!cursor->end) (void)take_row(cursor); /* what fails is told by the cursor */
}

void evidence_cursor_number(struct evidence_cursor *cursor, int64_t number)
{
    begin(cursor, STEP_SOME);
    cursor->which = EVIDENCE_ONE_ROW;
    const struct evidence_kind_rows *kind = &cursor->rows->kinds[cursor->kind];
    uint64_t wanted = (uint64_t)number >> EVIDENCE_NUMBER_BITS;
    uint32_t own = (uint32_t)number & ((1U << EVIDENCE_NUMBER_BITS) - 1);
    if (number <= 0 || own != cursor->kind || kind->block_count == 0) {
        cursor->end = true;
        return;
    }
    cursor->block = block_of(kind, wanted, true);
    const struct evidence_block *block = &kind->blocks[cursor->block];
    cursor->left = wanted < block->number ? 0 : block->count;
    seek(cursor, block);
    if (cursor->rows->sources[cursor->opened].clean && cursor->left > 0) skip_to(cursor, wanted);
    while (cursor->left > 0 && !cursor->end) {
        if (!take_row(cursor) || cursor->number == number) break;
    }
    if (cursor->number != number) cursor->end = true;
    cursor->to = 1;
}

static bool block_is_out(const struct evidence_bounds *bounds, const struct evidence_block *block)
{
    if (bounds->by_ts && (block->ts_max < bounds->ts_min || block->ts_min > bounds->ts_max))
        return true;
    return bounds->by_pos && (block->pos_max < bounds->pos_min || block->pos_min > bounds->pos_max);
}

static bool next_of_all(struct evidence_cursor *cursor)
{
    const struct evidence_kind_rows *kind = &cursor->rows->kinds[cursor->kind];
    while (cursor->left == 0) {
        if (cursor->block == kind->block_count) return false;
        const struct evidence_block *block = &kind->blocks[cursor->block++];
        if (block_is_out(&cursor->bounds, block)) continue;
        cursor->left = block->count;
        seek(cursor, block);
    }
    return take_row(cursor);
}

static bool next_of_some(struct evidence_cursor *cursor)
{
    if (cursor->at == cursor->to) return false;
    uint64_t entry = 0;
    if (cursor->which == EVIDENCE_LISTED_ROWS) {
        entry = cursor->list->rows[cursor->at++];
    } else {
        cursor->status = evidence_index_at(cursor->index, cursor->at++, &entry, &cursor->error);
        if (cursor->status != STATUS_OK) return false;
    }
    go_to(cursor, (uint32_t)entry);
    return !cursor->end;
}

static bool is_dropped(const struct evidence_cursor *cursor)
{
    const struct evidence_rows *rows = cursor->rows;
    for (uint32_t i = 0; i < rows->dropped_count; i++) {
        if (rows->dropped[i] == cursor->record.hash) return true;
    }
    return false;
}

static bool next_row(struct evidence_cursor *cursor)
{
    switch (cursor->which) {
    case EVIDENCE_ALL_ROWS: return next_of_all(cursor);
    case EVIDENCE_LISTED_ROWS:
    case EVIDENCE_HASHED_ROWS: return next_of_some(cursor);
    case EVIDENCE_ONE_ROW: break;
    }
    return cursor->at++ == 0; /* it stands on it already */
}

void evidence_cursor_next(struct evidence_cursor *cursor)
{
    do {
        if (cursor->end) return;
        if (!next_row(cursor)) cursor->end = true;
    } while (!cursor->end && is_dropped(cursor));
}

/* Each row, also one that was taken out: places count all. */
static enum status index_fill(struct evidence_cursor *cursor, uint32_t field)
{
    static const struct evidence_bounds all = { .by_ts = false };
    struct evidence_index *index = &cursor->rows->kinds[cursor->kind].indexes[field];
    uint32_t place = 0;
    evidence_cursor_all(cursor, &all);
    for (; cursor->status == STATUS_OK && next_of_all(cursor); place++) {
        if ((cursor->record.seen >> field & 1) == 0) continue;
        cursor->status =
            evidence_index_add(index, cursor->rows->folder,
                               narrowing_hash(&cursor->rows->fields, &cursor->record.values[field]),
                               place, &cursor->error);
    }
    return cursor->status;
}

enum status evidence_index_of(struct evidence_rows *rows, uint32_t kind, uint32_t field,
                              struct evidence_index **out_index, struct error *out_error)
{
    struct evidence_kind_rows *own = &rows->kinds[kind];
    *out_index = &own->indexes[field];
    if ((own->indexed >> field & 1) != 0) return STATUS_OK;
    struct evidence_cursor cursor;
    enum status status = evidence_cursor_init(&cursor, rows, kind);
    if (status != STATUS_OK) {
        (void)error_set(out_error, status, "no memory for an index");
    } else {
        status = index_fill(&cursor, field);
        if (status != STATUS_OK) *out_error = cursor.error;
    }
    evidence_cursor_done(&cursor);
    if (status == STATUS_OK)
        own->indexed |= UINT64_C(1) << field;
    else
        evidence_index_done(*out_index);
    return status;
}
