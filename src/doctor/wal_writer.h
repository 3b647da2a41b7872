/* wal_writer.h - rows of a database's log as records of the kind `wal`, by a mapping. */
#ifndef DOCTOR_WAL_WRITER_H
#define DOCTOR_WAL_WRITER_H

#include "base/time.h"
#include "doctor/evidence_line.h"
#include "doctor/row_value.h"
#include "doctor/wal_mapping.h"

enum { WAL_ID_MAX = 256 };

/*
 * Transactions come one after the other: begin, rows, end. One that touched no mapped table leaves
 * no record. A row whose mapped values cannot be understood is rejected, and the others are written.
 */
struct wal_writer {
    struct reconcile_currencies *currencies; /* of the mapping */
    struct buf *out;
    struct mask_counts *masked;
    uint64_t rows; /* records written */
    uint64_t rejected;
    struct wall_time first; /* of the transactions met; 0: there was none */
    /* of the transaction under way */
    int64_t xid;
    int64_t begin_pos;
    struct wall_time at;
    bool begun; /* its first record is written */
    struct {
        char text[WAL_ID_MAX];
        size_t len;
        bool several;
    } ids[2]; /* its tx and idem, where all rows agree */
};

enum wal_op { WAL_INSERT, WAL_UPDATE, WAL_DELETE };

/* All of a row, one value a column; NULL: the log has none. */
struct wal_row {
    enum wal_op op;
    int64_t pos;
    const struct wal_binding *binding;
    const struct row_value *before;
    const struct row_value *after;
};

/* at: when it committed, or what stands for it. */
void wal_writer_begin(struct wal_writer *writer, int64_t xid, int64_t pos, struct wall_time at);
void wal_writer_row(struct wal_writer *writer, const struct wal_row *row);
void wal_writer_truncate(struct wal_writer *writer, int64_t pos, const struct wal_table *table);
/* op: commit, abort or prepare; gid: of a prepared transaction, else "". */
void wal_writer_end(struct wal_writer *writer, const char *op, int64_t pos, struct str gid);

#endif
