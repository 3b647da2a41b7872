/* narrowing.h - which rows can violate a heavy invariant at all, found in one pass over all of them. */
#ifndef DOCTOR_NARROWING_H
#define DOCTOR_NARROWING_H

#include "doctor/record.h"

/*
 * An invariant over tens of millions of rows holds nearly everywhere, and SQL spends a minute on
 * finding that out. `narrow NAME` at a query of a rule says which rows it is enough to look at:
 * each name below stands for sums over all rows, made while they are loaded, from which the rows
 * of every possible violation follow, and few others. The query itself is then run over those
 * rows, so that what it says is what it would have said over all.
 *
 * Rows are told by a hash of the field that they are grouped by. Sums are kept in buckets of many
 * keys, each weighted by a random number of its own, so that the sums of two keys that are wrong
 * add up to nothing with a chance of 1 in 2^64. Hashes and weights follow a seed drawn for each
 * diagnosis: who writes evidence cannot choose keys that hide each other.
 */
#define NARROWING_TABLE(X)                                                                         \
    X(NONE, "")                                                                                    \
    X(UNBALANCED, "unbalanced") /* posting: amounts of a tx and ccy are not 0 together */          \
    X(BALANCES, "balances")     /* account, posting: amount, opening and postings disagree */      \
    X(VERSIONS, "versions")     /* posting: the versions of an account have gaps or repeats */     \
    X(PSP_SUMS, "psp_sums")     /* ledger_tx, psp: the sums of a psp_ref are not the same */       \
    X(PSP_KNOWN, "psp_known")   /* psp: not as many transactions of its type as lines */           \
    X(REFUNDS, "refunds")       /* ledger_tx: two refunds or disputes of a psp_ref */              \
    X(IDEM_TWICE, "idem_twice") /* ledger_tx: the same idem twice */                               \
    X(APPLIED_TWICE, "applied_twice") /* applied: the same offset and group twice */
#define NARROWING_ENUM(name, text) NARROWING_##name,
enum narrowing { NARROWING_TABLE(NARROWING_ENUM) NARROWING_COUNT };
#undef NARROWING_ENUM

/* NARROWING_COUNT: there is none of that name. */
enum narrowing narrowing_find(struct str name);

enum {
    NARROWING_BUCKET_BITS = 20,
    NARROWING_BOOKS_MAX = 1 << 22, /* accounts and currencies: above it, all rows are looked at */
    NARROWING_NOTES_MAX = 2,       /* of one record */
};

/* What one record adds: a weighted amount to a bucket. */
struct narrowing_note {
    uint32_t tally; /* enum narrowing */
    uint32_t hash;  /* of the key, its upper half */
    uint64_t value;
};

/* What a posting or a row of accounts adds to the book of its account and currency. */
struct narrowing_entry {
    uint64_t key; /* of account and currency; never 0 */
    uint32_t hash;
    bool is_account;
    bool odd; /* an amount beyond 64 bits: the book is looked at whatever it comes to */
    bool has_ver;
    int64_t amount;
    int64_t ver;
};

struct narrowing_notes {
    uint32_t count;
    struct narrowing_note notes[NARROWING_NOTES_MAX];
    bool has_entry;
    struct narrowing_entry entry;
    bool has_refund;
    uint32_t refund; /* hash of its psp_ref */
};

/* Places of the fields that are asked for, looked up once. */
struct narrowing_fields {
    uint64_t seed;
    uint32_t ledger, posting, account, psp; /* kinds */
    uint32_t ledger_type, account_opening, psp_type;
};
void narrowing_fields_init(struct narrowing_fields *fields, uint64_t seed);

/* The upper half of the hash that rows are found by: of a field's value. */
uint32_t narrowing_hash(const struct narrowing_fields *fields, const struct record_value *value);

/* What a record adds; pure, so that many threads may do it. */
void narrowing_take(const struct narrowing_fields *fields, const struct record *record,
                    struct narrowing_notes *out_notes);

struct narrowing_book;

struct narrowing_sums {
    uint64_t *buckets[NARROWING_COUNT]; /* NULL: no tally of that name */
    struct narrowing_book *books;       /* open addressing */
    uint32_t book_room;
    uint32_t book_count;
    bool books_full;
};

/* STATUS_LIMIT: no memory. narrowing_sums_done() also then. */
enum status narrowing_sums_init(struct narrowing_sums *sums) MUST_CHECK;
void narrowing_sums_done(struct narrowing_sums *sums);
void narrowing_sums_add(struct narrowing_sums *sums, const struct narrowing_note *note);
void narrowing_sums_enter(struct narrowing_sums *sums, const struct narrowing_entry *entry);

/*
 * Calls visit with a range of hashes [from, to] for each bucket or book that is not as it must be.
 * False: it cannot be told, and all rows are to be looked at.
 */
typedef void narrowing_visit(void *context, uint32_t from, uint32_t to);
bool narrowing_sums_odd(const struct narrowing_sums *sums, enum narrowing tally,
                        narrowing_visit *visit, void *context);

#endif
