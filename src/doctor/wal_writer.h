/* wal_writer.h - rows of a database's log as records of the kind `wal`, by a mapping. */
#ifndef DOCTOR_WAL_WRITER_H
#define DOCTOR_WAL_WRITER_H

#include "doctor/wal_books.h"

enum { WAL_ID_MAX = 256 };

/*
 * Transactions come one after the other: begin, rows, end. One that touched no mapped table leaves
 * no record. A row whose mapped values cannot be understood is rejected, and the others are written.
 */
struct wal_writer {
    struct reconcile_currencies *currencies; /* of the mapping */
    struct buf *out;
    struct mask_counts *masked;
    struct wal_books *books; /* told of the rows as well; NULL: there are none */
    uint64_t rows;           /* records written */
    uint64_t rejected;
    struct wall_time first; /* of the transactions met; 0: there was none */
    /* of the transaction under way */
    int64_t xid;
    int64_t begin_pos;
    struct wall_time at;
    bool begun;       /* its first record is written */
    bool provisional; /* it may still be rolled back: it is no part of the books */
    struct {
        char text[WAL_ID_MAX];
        size_t len;
        bool several;
    } ids[2]; /* its tx and idem, where all rows agree */
};

/* at: when it committed, or what stands for it. */
void wal_writer_begin(struct wal_writer *writer, int64_t xid, int64_t pos, struct wall_time at);
void wal_writer_row(struct wal_writer *writer, const struct wal_row *row);
void wal_writer_truncate(struct wal_writer *writer, int64_t pos, const struct wal_table *table);
/* op: commit, abort or prepare; gid: of a prepared transaction, else "". */
void wal_writer_end(struct wal_writer *writer, const char *op, int64_t pos, struct str gid);

#endif
