/* wal_books.h - what a database's log shows of the books: postings made, and balances before and after. */
#ifndef DOCTOR_WAL_BOOKS_H
#define DOCTOR_WAL_BOOKS_H

#include "base/id_map.h"
#include "base/time.h"
#include "doctor/evidence_line.h"
#include "doctor/wal_facts.h"

enum {
    WAL_ACCOUNTS_MAX = 1 << 20, /* touched in one log */
    WAL_ACCOUNT_TEXTS_MAX = 64 << 20,
};

struct wal_account;

/*
 * Rows of `ledger_tx` and `posting` that were inserted become records of these kinds; of each row of
 * `account` that was touched there is one record at the end, with the balance before its first
 * change in the log (of a row that was inserted: the one it was made with) as `opening`. Only what was
 * committed may be told.
 */
struct wal_books {
    struct buf *out;
    struct mask_counts *masked;
    uint64_t rows;    /* records written */
    uint64_t unknown; /* accounts without a balance or beyond the maximum, postings of nothing */
    struct wal_account *accounts;
    uint32_t account_count;
    struct id_map map;
    struct buf texts; /* their names */
};

/* STATUS_LIMIT: no memory. */
enum status wal_books_init(struct wal_books *books, struct buf *out, struct mask_counts *masked)
    MUST_CHECK;
/* Accepts a zeroed one. */
void wal_books_done(struct wal_books *books);

/* The transaction that a row is of, and when it committed. */
struct wal_moment {
    int64_t xid;
    struct wall_time at;
};
void wal_books_row(struct wal_books *books, const struct wal_row *row,
                   const struct wal_facts *facts, const struct wal_moment *moment);
/* The account at `index` as a record. Nothing when its balance is not known. */
void wal_books_account(struct wal_books *books, uint32_t index);

#endif
