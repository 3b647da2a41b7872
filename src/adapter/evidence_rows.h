/* evidence_rows.h - the records of a large bundle where they lie: in the lines of its files. */
#ifndef ADAPTER_EVIDENCE_ROWS_H
#define ADAPTER_EVIDENCE_ROWS_H

#include <stdio.h>

#include "adapter/evidence_index.h"
#include "doctor/manifest.h"
#include "doctor/narrowing.h"

/*
 * Nothing is copied. One pass over the files (evidence_scan.h) checks each line, counts, and leaves
 *
 *     a block for each 64 rows of a kind: where they begin, their times and positions from and to;
 *     an index (evidence_index.h) for each field that rules often look up by;
 *     which fields and which words of closed lists there are at all;
 *     the sums of narrowing.h,
 *
 * about 2 bytes of memory a record, beside what is asked for. A row is read by walking its block.
 * Files must stay as they are until evidence_rows_reset().
 */
enum {
    EVIDENCE_BLOCK_ROWS = 64,
    EVIDENCE_INDEXES_MAX = 6, /* of one kind, made while it is loaded */
    EVIDENCE_LISTS_MAX = 96,  /* closed lists of words, of all kinds */
    EVIDENCE_WORDS_MAX = 24,  /* in one of them */
    EVIDENCE_DROPPED_MAX = 16,
    EVIDENCE_LIST_MAX = 4 << 20, /* rows that a query is narrowed to; above it, all of them */
    EVIDENCE_NUMBER_BITS = 6,    /* a record's number ends with its kind */
    EVIDENCE_OFFSETS = EVIDENCE_FIELDS_MAX, /* in place of an index's field: a message's place */
};

struct evidence_block {
    uint64_t offset; /* of the line of its first row */
    uint64_t number; /* of that row, among all records */
    int64_t ts_min;  /* over the rows that have one; min above max: none */
    int64_t ts_max;
    int64_t pos_min;
    int64_t pos_max;
    uint32_t first; /* place of its first row, among those of its kind */
    uint32_t count;
    uint32_t source;
    uint32_t reserved;
};

struct evidence_kind_rows {
    const char *words_of[EVIDENCE_FIELDS_MAX]; /* its closed lists; NULL: not closed */
    uint8_t slots[EVIDENCE_FIELDS_MAX];        /* of these lists, in `words` */
    struct evidence_block *blocks;
    uint32_t block_count;
    uint32_t block_room;
    uint32_t rows;
    uint32_t index_count;
    uint8_t index_fields[EVIDENCE_INDEXES_MAX]; /* those that are made while it is loaded */
    uint64_t indexed;                           /* fields that have an index by now, by bit */
    struct evidence_index indexes[EVIDENCE_FIELDS_MAX + 1];
    uint64_t filled[EVIDENCE_FIELDS_MAX]; /* rows that have the field */
};

struct evidence_row_source {
    int file; /* -1: none */
    uint64_t size;
    uint64_t kinds; /* that it may hold, by bit */
    bool clean;     /* each line that is not empty is a record */
};

/* Rows that a query is narrowed to, of one kind; in order. */
struct evidence_list {
    uint32_t *rows;
    uint32_t count;
    bool known; /* false: all rows are to be looked at */
    bool made;
};

struct evidence_rows {
    const char *folder; /* for files of no name */
    struct record_names names;
    struct narrowing_fields fields;
    uint64_t words[EVIDENCE_LISTS_MAX][EVIDENCE_WORDS_MAX]; /* rows that have the word */
    uint64_t offset_fields; /* of `applied`: which message it was, for which group */
    struct narrowing_sums sums;
    struct evidence_kind_rows kinds[EVIDENCE_KINDS_MAX];
    struct evidence_row_source sources[MANIFEST_SOURCES_MAX];
    struct evidence_list lists[NARROWING_COUNT][2];
    uint32_t *refunds; /* hashes of the psp_ref of each refund and dispute */
    uint32_t refund_count;
    uint32_t refund_room;
    bool refunds_full;
    uint64_t dropped[EVIDENCE_DROPPED_MAX]; /* hashes of lines that are taken for not there */
    uint32_t dropped_count;
    uint64_t number; /* of the newest record */
};

/* folder must live as long; it is zeroed before. STATUS_LIMIT. */
enum status evidence_rows_init(struct evidence_rows *rows, const char *folder) MUST_CHECK;
void evidence_rows_done(struct evidence_rows *rows);
/* Forgets all records, and closes their files. */
enum status evidence_rows_reset(struct evidence_rows *rows) MUST_CHECK;

/*
 * The rows of a kind that a narrowing leaves; NULL: it says nothing of this kind, or they are too
 * many. Made when first asked for.
 */
enum status evidence_rows_narrow(struct evidence_rows *rows, enum narrowing narrowing,
                                 uint32_t kind, const struct evidence_list **out_list,
                                 struct error *out_error) MUST_CHECK;

/* The place of a word in a closed list; -1: it is not in it. */
int evidence_word_place(const char *words, struct str word);
/* How many rows have this word in a field with a closed list. */
uint64_t evidence_rows_with(const struct evidence_rows *rows, const struct evidence_kind_rows *kind,
                            uint32_t field, struct str word);

#endif
