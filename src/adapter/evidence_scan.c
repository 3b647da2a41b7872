/*
 * A file is cut into pieces of 4 MiB; a line belongs to the piece that it begins in. Threads parse
 * pieces beside each other, and enter what they found one after another, in the order of the file.
 */
#include "adapter/evidence_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/reserve.h"

enum {
    THREADS = 2,
    PIECE = 4 << 20,
    LINE_MIN = 16, /* {"kind":"log"... and what it requires is more */
    LINES_MAX = PIECE / LINE_MIN + 1,
    ARENA = EVIDENCE_LINE_MAX + 64 * 1024,
    BYTES = 1 + PIECE + EVIDENCE_LINE_MAX + 1,
    TS = 0, /* places of common fields */
    POS = 1,
};

/* What a piece holds; numbers are from its beginning. */
struct found_block {
    struct evidence_block block;
    uint32_t kind;
};

struct found_entry {
    uint32_t row;
    uint32_t hash;
    uint8_t kind;
    uint8_t index; /* its field */
};

struct piece {
    uint64_t number;
    uint64_t offset;
    struct evidence_scanned scanned; /* first_reject_line: within the piece */
    uint64_t lines;
    uint64_t empty; /* lines that are */
    uint32_t rows[EVIDENCE_KINDS_MAX];
    uint32_t open[EVIDENCE_KINDS_MAX]; /* 1 + place in blocks of the one being filled */
    uint32_t filled[EVIDENCE_KINDS_MAX][EVIDENCE_FIELDS_MAX];
    uint32_t words[EVIDENCE_LISTS_MAX][EVIDENCE_WORDS_MAX];
    uint32_t block_count;
    uint32_t entry_count;
    uint32_t note_count;
    uint32_t book_count;
    uint32_t refund_count;
    struct found_block blocks[LINES_MAX];
    struct found_entry entries[EVIDENCE_INDEXES_MAX * LINES_MAX];
    struct narrowing_note notes[NARROWING_NOTES_MAX * LINES_MAX];
    struct narrowing_entry books[LINES_MAX];
    uint32_t refunds[LINES_MAX];
    uint8_t bytes[BYTES];
};

struct scan {
    struct evidence_rows *rows;
    uint32_t source;
    const struct evidence_row_source *lines;
    struct evidence_scanned *scanned;
    struct error *error;
    struct monitor *monitor;
    uint64_t pieces;
    uint64_t taken;
    uint64_t entered;
    uint64_t lines_before; /* of the pieces that were entered */
    enum status status;
};

struct worker {
    struct scan *scan;
    struct piece *piece;
    struct record *record;
    struct arena arena;
    struct task *task;
};

/* ---- parsing a piece ---- */

static void reject(struct piece *piece, const char *reason)
{
    piece->scanned.rejected++;
    if (piece->scanned.first_reject_line != 0) return;
    piece->scanned.first_reject_line = piece->lines;
    piece->scanned.first_reject = reason;
}

static void widen(int64_t value, int64_t *low, int64_t *high)
{
    if (value < *low) *low = value;
    if (value > *high) *high = value;
}

static struct evidence_block *block_for(struct piece *piece, const struct record *record,
                                        uint64_t offset)
{
    uint32_t kind = record->kind;
    if (piece->open[kind] > 0) {
        struct evidence_block *block = &piece->blocks[piece->open[kind] - 1].block;
        if (block->count < EVIDENCE_BLOCK_ROWS) return block;
    }
    struct found_block *made = &piece->blocks[piece->block_count++];
    piece->open[kind] = piece->block_count;
    made->kind = kind;
    made->block = (struct evidence_block){
        .offset = offset,
        .number = piece->scanned.rows,
        .ts_min = INT64_MAX,
        .ts_max = INT64_MIN,
        .pos_min = INT64_MAX,
        .pos_max = INT64_MIN,
        .first = piece->rows[kind],
    };
    return &made->block;
}

/* Which fields there are, and which words of closed lists. */
static void note_fields(const struct evidence_rows *rows, struct piece *piece,
                        const struct record *record)
{
    const struct evidence_kind_rows *kind = &rows->kinds[record->kind];
    for (uint64_t rest = record->seen; rest != 0; rest &= rest - 1) {
        uint32_t place = (uint32_t)__builtin_ctzll(rest);
        const char *words = kind->words_of[place];
        piece->filled[record->kind][place]++;
        if (words == NULL) continue;
        int word = evidence_word_place(words, record->values[place].text);
        CHECK(word >= 0); /* record_parse() took it */
        CHECK(word < EVIDENCE_WORDS_MAX);
        piece->words[kind->slots[place]][word]++;
    }
}

/* The rows of `applied` by group, topic, part and offset. */
static uint32_t offset_hash(const struct evidence_rows *rows, const struct record *record)
{
    uint64_t words[EVIDENCE_FIELDS_MAX];
    uint32_t count = 0;
    for (uint64_t rest = record->seen & rows->offset_fields; rest != 0; rest &= rest - 1) {
        uint32_t place = (uint32_t)__builtin_ctzll(rest);
        words[count++] = place;
        words[count++] = narrowing_hash(&rows->fields, &record->values[place]);
    }
    return (uint32_t)(hash_bytes(words, count * sizeof words[0]) >> 32);
}

static void note_indexes(const struct evidence_rows *rows, struct piece *piece,
                         const struct record *record)
{
    const struct evidence_kind_rows *kind = &rows->kinds[record->kind];
    for (uint32_t i = 0; i < kind->index_count; i++) {
        uint32_t field = kind->index_fields[i];
        if (field != EVIDENCE_OFFSETS && (record->seen >> field & 1) == 0) continue;
        piece->entries[piece->entry_count++] = (struct found_entry){
            .row = piece->rows[record->kind],
            .hash = field == EVIDENCE_OFFSETS
                        ? offset_hash(rows, record)
                        : narrowing_hash(&rows->fields, &record->values[field]),
            .kind = (uint8_t)record->kind,
            .index = (uint8_t)field,
        };
    }
}

static void note_sums(const struct evidence_rows *rows, struct piece *piece,
                      const struct record *record)
{
    struct narrowing_notes notes;
    narrowing_take(&rows->fields, record, &notes);
    for (uint32_t i = 0; i < notes.count; i++) piece->notes[piece->note_count++] = notes.notes[i];
    if (notes.has_entry) piece->books[piece->book_count++] = notes.entry;
    if (notes.has_refund) piece->refunds[piece->refund_count++] = notes.refund;
}

static void take_record(const struct evidence_rows *rows, struct piece *piece,
                        const struct record *record, uint64_t offset)
{
    struct evidence_block *block = block_for(piece, record, offset);
    if ((record->seen >> TS & 1) != 0)
        widen(record->values[TS].number, &block->ts_min, &block->ts_max);
    if ((record->seen >> POS & 1) != 0)
        widen(record->values[POS].number, &block->pos_min, &block->pos_max);
    note_fields(rows, piece, record);
    note_indexes(rows, piece, record);
    note_sums(rows, piece, record);
    block->count++;
    piece->rows[record->kind]++;
    piece->scanned.rows++;
    piece->scanned.unknown_fields += record->unknown_count;
}

static void take_line(struct worker *worker, struct str line)
{
    struct piece *piece = worker->piece;
    const char *reason = "the source does not declare this kind";
    piece->lines++;
    if (line.len == 0) {
        piece->empty++;
        return;
    }
    arena_reset(&worker->arena);
    bool good = record_parse(&worker->scan->rows->names, line, &worker->arena, worker->record,
                             &reason) == STATUS_OK &&
                (worker->scan->lines->kinds >> worker->record->kind & 1) != 0;
    if (!good) {
        reject(piece, reason);
        return;
    }
    uint64_t offset = piece->offset + (uint64_t)((const uint8_t *)line.data - piece->bytes);
    take_record(worker->scan->rows, piece, worker->record, offset);
}

/* From where the piece's first line begins. */
static void parse(struct worker *worker, const uint8_t *at, size_t size, bool last)
{
    struct piece *piece = worker->piece;
    const uint8_t *end = piece->bytes + size;
    const uint8_t *limit = piece->bytes + 1 + PIECE; /* lines from here on are the next one's */
    while (at < end && at < limit) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((newline == NULL ? end : newline) - at);
        if (newline == NULL && last && len <= EVIDENCE_LINE_MAX) {
            piece->lines++;
            reject(piece, "the last line has no end");
            return;
        }
        if (newline == NULL || len > EVIDENCE_LINE_MAX) {
            piece->lines++;
            reject(piece, "a line is over 64 KiB");
        } else {
            take_line(worker, (struct str){ (const char *)at, len });
        }
        if (newline == NULL) return;
        at = newline + 1;
    }
}

static void piece_clear(struct piece *piece)
{
    memset(piece, 0, offsetof(struct piece, blocks));
}

/* One byte before the piece tells whether a line begins with it. */
static enum status piece_read(struct worker *worker, uint64_t number, struct error *out_error)
{
    struct piece *piece = worker->piece;
    const struct evidence_row_source *lines = worker->scan->lines;
    piece_clear(piece);
    piece->number = number;
    size_t lead = number == 0 ? 1 : 0; /* bytes[0] stands for the one before */
    piece->bytes[0] = '\n';
    piece->offset = number * PIECE - 1;
    size_t filled = lead;
    while (filled < BYTES) {
        ssize_t got = pread(lines->file, piece->bytes + filled, BYTES - filled,
                            (off_t)(piece->offset + filled));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return error_set(out_error, STATUS_UNAVAILABLE, "evidence cannot be read: %s",
                             strerror(errno));
        if (got == 0) break;
        filled += (size_t)got;
    }
    const uint8_t *at = piece->bytes + 1;
    bool last = piece->offset + filled >= lines->size;
    if (piece->bytes[0] != '\n') {
        at = memchr(at, '\n', filled - 1);
        if (at == NULL) return STATUS_OK; /* no line begins here */
        at++;
    }
    parse(worker, at, filled, last);
    return STATUS_OK;
}

/* ---- entering it ---- */

static enum status no_memory(struct error *out_error)
{
    return error_set(out_error, STATUS_LIMIT, "no memory for the evidence");
}

static enum status block_enter(struct scan *scan, const struct found_block *found,
                               const uint32_t rows_before[])
{
    struct evidence_kind_rows *kind = &scan->rows->kinds[found->kind];
    if (kind->block_count == kind->block_room) {
        uint32_t room = kind->block_room == 0 ? 64 : kind->block_room + kind->block_room / 2;
        struct evidence_block *blocks = realloc(kind->blocks, room * sizeof *blocks);
        if (blocks == NULL) return no_memory(scan->error);
        kind->blocks = blocks;
        kind->block_room = room;
    }
    struct evidence_block *block = &kind->blocks[kind->block_count++];
    *block = found->block;
    block->number += scan->rows->number + 1;
    block->first += rows_before[found->kind];
    block->source = scan->source;
    return STATUS_OK;
}

static enum status refunds_enter(struct scan *scan, const struct piece *piece)
{
    struct evidence_rows *rows = scan->rows;
    uint32_t wanted = rows->refund_count + piece->refund_count;
    if (wanted > EVIDENCE_LIST_MAX) rows->refunds_full = true;
    if (rows->refunds_full || piece->refund_count == 0) return STATUS_OK;
    if (wanted > rows->refund_room) {
        uint32_t *refunds = realloc(rows->refunds, 2 * (size_t)wanted * sizeof *refunds);
        if (refunds == NULL) return no_memory(scan->error);
        rows->refunds = refunds;
        rows->refund_room = 2 * wanted;
    }
    memcpy(rows->refunds + rows->refund_count, piece->refunds,
           piece->refund_count * sizeof piece->refunds[0]);
    rows->refund_count = wanted;
    return STATUS_OK;
}

static void counts_enter(struct scan *scan, const struct piece *piece)
{
    struct evidence_scanned *total = scan->scanned;
    for (uint32_t k = 0; k < evidence_kind_count(); k++) {
        struct evidence_kind_rows *kind = &scan->rows->kinds[k];
        if (piece->rows[k] == 0) continue;
        kind->rows += piece->rows[k];
        for (uint32_t i = 0; i < EVIDENCE_FIELDS_MAX; i++) {
            kind->filled[i] += piece->filled[k][i];
        }
    }
    for (uint32_t i = 0; i < EVIDENCE_LISTS_MAX; i++) {
        for (uint32_t w = 0; w < EVIDENCE_WORDS_MAX; w++)
            scan->rows->words[i][w] += piece->words[i][w];
    }
    if (total->first_reject_line == 0 && piece->scanned.first_reject_line != 0) {
        total->first_reject_line = scan->lines_before + piece->scanned.first_reject_line;
        total->first_reject = piece->scanned.first_reject;
    }
    total->rejected += piece->scanned.rejected;
    total->rows += piece->scanned.rows;
    total->unknown_fields += piece->scanned.unknown_fields;
    scan->rows->number += piece->scanned.rows;
    scan->lines_before += piece->lines;
}

static enum status piece_enter(struct scan *scan, const struct piece *piece)
{
    struct evidence_rows *rows = scan->rows;
    uint32_t before[EVIDENCE_KINDS_MAX];
    for (uint32_t k = 0; k < EVIDENCE_KINDS_MAX; k++) {
        before[k] = rows->kinds[k].rows;
        if (piece->rows[k] > UINT32_MAX - before[k])
            return error_set(scan->error, STATUS_LIMIT, "a kind has more than 2^32 records");
    }
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < piece->block_count; i++)
        status = block_enter(scan, &piece->blocks[i], before);
    for (uint32_t i = 0; status == STATUS_OK && i < piece->entry_count; i++) {
        const struct found_entry *entry = &piece->entries[i];
        status = evidence_index_add(&rows->kinds[entry->kind].indexes[entry->index], rows->folder,
                                    entry->hash, before[entry->kind] + entry->row, scan->error);
    }
    for (uint32_t i = 0; i < piece->note_count; i++)
        narrowing_sums_add(&rows->sums, &piece->notes[i]);
    for (uint32_t i = 0; i < piece->book_count; i++)
        narrowing_sums_enter(&rows->sums, &piece->books[i]);
    if (status == STATUS_OK) status = refunds_enter(scan, piece);
    counts_enter(scan, piece);
    return status;
}

/* ---- threads ---- */

/* The next piece that nobody took; false: there is none, or it came to an end. */
static bool piece_take(struct scan *scan, uint64_t *out_number)
{
    struct sync *sync = thread_sync();
    sync->lock(scan->monitor);
    bool there = scan->status == STATUS_OK && scan->taken < scan->pieces;
    if (there) *out_number = scan->taken++;
    sync->unlock(scan->monitor);
    return there;
}

static void piece_done(struct scan *scan, const struct piece *piece, enum status status,
                       const struct error *error)
{
    struct sync *sync = thread_sync();
    sync->lock(scan->monitor);
    while (scan->entered != piece->number) (void)sync->wait(scan->monitor, MONOTONIC_NEVER);
    bool goes_on = scan->status == STATUS_OK;
    sync->unlock(scan->monitor); /* it is this one's turn until it says otherwise */
    if (goes_on && status != STATUS_OK) *scan->error = *error;
    if (goes_on && status == STATUS_OK) status = piece_enter(scan, piece);
    sync->lock(scan->monitor);
    if (goes_on) scan->status = status;
    scan->entered++;
    sync->unlock(scan->monitor);
    sync->wake_all(scan->monitor);
}

static void worker_body(void *argument)
{
    struct worker *worker = argument;
    uint64_t number;
    while (piece_take(worker->scan, &number)) {
        struct error error = { 0 };
        enum status status = piece_read(worker, number, &error);
        piece_done(worker->scan, worker->piece, status, &error);
    }
}

static enum status worker_open(struct worker *worker, struct scan *scan)
{
    *worker = (struct worker){ .scan = scan };
    worker->piece = reserve_new(sizeof *worker->piece);
    worker->record = malloc(sizeof *worker->record);
    if (worker->piece == NULL || worker->record == NULL) return no_memory(scan->error);
    if (arena_init(&worker->arena, ARENA) != STATUS_OK) return no_memory(scan->error);
    return STATUS_OK;
}

static void worker_close(struct worker *worker)
{
    arena_done(&worker->arena);
    free(worker->record);
    reserve_free(worker->piece, sizeof *worker->piece);
}

static enum status workers_run(struct scan *scan, struct worker *workers, uint32_t count)
{
    struct sync *sync = thread_sync();
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++)
        status = worker_open(&workers[i], scan);
    for (uint32_t i = 1; status == STATUS_OK && i < count; i++) {
        status = sync->spawn(sync, "evidence", worker_body, &workers[i], &workers[i].task);
        if (status != STATUS_OK) status = STATUS_OK; /* the others do its part */
    }
    if (status == STATUS_OK) worker_body(&workers[0]);
    for (uint32_t i = 1; i < count; i++) sync->join(workers[i].task);
    for (uint32_t i = 0; i < count; i++) worker_close(&workers[i]);
    return status == STATUS_OK ? scan->status : status;
}

enum status evidence_rows_scan(struct evidence_rows *rows, uint32_t source,
                               const struct evidence_row_source *lines,
                               struct evidence_scanned *out_scanned, struct error *out_error)
{
    struct sync *sync = thread_sync();
    struct worker workers[THREADS] = { 0 };
    *out_scanned = (struct evidence_scanned){ 0 };
    rows->sources[source] = *lines;
    struct scan scan = {
        .rows = rows,
        .source = source,
        .lines = lines,
        .scanned = out_scanned,
        .error = out_error,
        .pieces = (lines->size + PIECE - 1) / PIECE,
        .monitor = sync->monitor_new(sync, "evidence"),
    };
    enum status status = workers_run(&scan, workers, scan.pieces > 1 ? THREADS : 1);
    sync->monitor_free(scan.monitor);
    rows->sources[source].clean = out_scanned->rejected == 0;
    return status;
}
