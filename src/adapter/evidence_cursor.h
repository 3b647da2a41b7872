/* evidence_cursor.h - rows of one kind, one after another: all, some by their places, or one. */
#ifndef ADAPTER_EVIDENCE_CURSOR_H
#define ADAPTER_EVIDENCE_CURSOR_H

#include "adapter/evidence_rows.h"

/* Which rows of a kind; all bounds are of those that are there. */
struct evidence_bounds {
    int64_t ts_min;
    int64_t ts_max;
    int64_t pos_min;
    int64_t pos_max;
    bool by_ts; /* rows without a time are out as well */
    bool by_pos;
};

struct evidence_cursor {
    struct evidence_rows *rows;
    uint32_t kind;
    struct arena arena;
    struct record record;
    int64_t number; /* of the row, with its kind: `r` */
    uint32_t source;
    bool end;
    struct error error; /* of what made it end early */
    enum status status;

    /* which rows */
    enum { EVIDENCE_ALL_ROWS, EVIDENCE_LISTED_ROWS, EVIDENCE_HASHED_ROWS, EVIDENCE_ONE_ROW } which;
    struct evidence_bounds bounds;
    const struct evidence_list *list;
    struct evidence_index *index;
    uint64_t at; /* in the list or index */
    uint64_t to;

    /* where it stands */
    uint32_t block;
    uint32_t left;   /* rows of the block that are not read */
    uint64_t next;   /* number of the next record in the file */
    uint32_t opened; /* source of the buffer */
    uint8_t *buffer;
    uint64_t base;
    size_t begin;
    size_t filled;
    size_t step; /* bytes read in one go */
};

/* STATUS_LIMIT: no memory. */
enum status evidence_cursor_init(struct evidence_cursor *cursor, struct evidence_rows *rows,
                                 uint32_t kind) MUST_CHECK;
void evidence_cursor_done(struct evidence_cursor *cursor);

/* Each begins before the first row: evidence_cursor_next() goes on to it. */
void evidence_cursor_all(struct evidence_cursor *cursor, const struct evidence_bounds *bounds);
void evidence_cursor_list(struct evidence_cursor *cursor, const struct evidence_list *list);
/* Rows whose field has a value of this hash, and few others. */
void evidence_cursor_hash(struct evidence_cursor *cursor, struct evidence_index *index,
                          uint32_t hash);
/* The one row of this number, or none. */
void evidence_cursor_number(struct evidence_cursor *cursor, int64_t number);
void evidence_cursor_none(struct evidence_cursor *cursor);

/*
 * The index of any field: made now, with one pass over the kind, when it was not while loading.
 * STATUS_LIMIT, STATUS_UNAVAILABLE.
 */
enum status evidence_index_of(struct evidence_rows *rows, uint32_t kind, uint32_t field,
                              struct evidence_index **out_index, struct error *out_error)
    MUST_CHECK;

/* To the next row: cursor->record; or cursor->end, with cursor->status. */
void evidence_cursor_next(struct evidence_cursor *cursor);

#endif
