/* doctor_wal.h - a database's log as a source of a bundle, whatever database it is of. */
#ifndef CMD_DOCTOR_WAL_H
#define CMD_DOCTOR_WAL_H

#include "adapter/database_state.h"
#include "cmd/doctor_bundle.h"
#include "doctor/wal_writer.h"

struct doctor_wal {
    struct doctor_source source;
    struct doctor_file file;
    struct reconcile_currencies currencies;
    struct wal_mapping mapping;
    struct wal_writer writer;
    bool keeps_books; /* what it shows of the books is a source too */
    struct doctor_source books_source;
    struct doctor_file books_file;
    struct wal_books books;
    const char *books_kinds[4];     /* those that are mapped */
    struct buf text;                /* of the mapping, which points into it */
    struct doctor_part part;        /* as much of the log as there was */
    bool published[WAL_TABLES_MAX]; /* the log has this table of the mapping */
};

/*
 * The mapping that the invocation names is read and the files begun; source has the system and the
 * collector. Whatever it returns, doctor_wal_end() is next. STATUS_CONFLICT: with --wal-books, when
 * the bundle has postings already.
 */
enum status doctor_wal_begin(struct doctor_bundle *bundle, const struct invocation *invocation,
                             const struct database_instant *instant, struct doctor_wal *wal)
    MUST_CHECK;
/* Behind each message: what was written goes to the file. */
enum status doctor_wal_flush(struct doctor_wal *wal) MUST_CHECK;
/*
 * The source is covered from the first transaction met to the instant; whole: nothing of the mapped
 * tables is missing in between.
 */
enum status doctor_wal_end(struct doctor_wal *wal, bool whole, enum status status) MUST_CHECK;

#endif
