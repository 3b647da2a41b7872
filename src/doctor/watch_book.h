/* watch_book.h - what a journal must come to, recomputed record by record in bounded memory. */
#ifndef DOCTOR_WATCH_BOOK_H
#define DOCTOR_WATCH_BOOK_H

#include "base/id_map.h"
#include "model/position.h"
#include "model/record.h"

/*
 * Reads a journal's records in order and keeps what the invariants need, on its own: it shares no
 * table and no arithmetic with the ledger that made them. What is violated becomes a finding; the
 * book takes the record as it is and goes on, so that one fault is told once.
 *
 * Memory is reserved at init for the maxima and touched as it is used. Past a maximum the book
 * says so (watch_book.missed) and looks at what it knows.
 */

/* Name, code, what it says. */
#define WATCH_FAULT_TABLE(X)                                                                       \
    X(ACCOUNT_UNKNOWN, "account_unknown", "a transfer moves an account that was never made")       \
    X(ASSET_DIFFERS, "asset_differs", "a transfer and its account are of different assets")        \
    X(ENTRY_CHAIN, "entry_chain", "an entry does not follow the account's entry before it")        \
    X(BALANCE_IMPOSSIBLE, "balance_impossible", "a balance passes 128 bits or what was reserved")  \
    X(BOUND, "bound", "an account is beyond the bound that it was made with")                      \
    X(HOLD_UNKNOWN, "hold_unknown", "a hold that is not open is posted, voided or expired")        \
    X(HOLD_AMOUNT, "hold_amount", "captured, released and open are not the amount of the hold")    \
    X(REFUND_OVER_CAPTURE, "refund_over_capture", "more is given back than was taken")             \
    X(REFERENCE_TWICE, "reference_twice", "two payments have one reference of the PSP")            \
    X(TOTALS, "totals", "an asset's debits and credits differ")                                    \
    X(SERVER_BALANCE, "server_balance", "the server's balance is not that of the journal")         \
    X(SERVER_TOTALS, "server_totals", "the server's totals are not those of the journal")          \
    X(SERVER_AHEAD, "server_ahead", "the server tells of a batch that the journal does not have")  \
    X(SERVER_LACKS, "server_lacks", "the server does not know an account of the journal")          \
    X(JOURNAL_DAMAGED, "journal_damaged", "the journal is damaged, or its chain is broken")

#define WATCH_FAULT_ENUM(name, code, text) WATCH_FAULT_##name,
enum watch_fault { WATCH_FAULT_TABLE(WATCH_FAULT_ENUM) WATCH_FAULT_COUNT };
#undef WATCH_FAULT_ENUM

/* Static strings. */
const char *watch_fault_code(enum watch_fault fault);
const char *watch_fault_text(enum watch_fault fault);

struct watch_finding {
    enum watch_fault fault;
    struct position position; /* of the unit, or as of where it was compared */
    struct uuid subject;      /* account, hold or payment; nil: none */
    uint32_t asset;           /* 0: no amounts are told */
    struct money expected;
    struct money found;
};

struct watch_account {
    struct uuid id; /* first: id_map.h */
    struct balance balance;
    struct locator last_entry;
    uint64_t moved_batch; /* the newest that moved it */
    uint32_t asset;
    uint16_t flags;
    bool queued; /* moved, and the server was not asked since */
};

struct watch_hold {
    struct uuid id; /* first: id_map.h */
    struct money amount;
    struct money captured;
    struct money released; /* without what was captured */
    uint32_t next_free;    /* of places that are free; plus one, 0: none */
};

/* What a payment that reached a PSP is known by there. */
struct watch_reference {
    struct uuid digest; /* first: id_map.h; PSP, its object, kind, asset and amount */
    struct uuid payment;
};

struct watch_totals {
    uint32_t asset;
    struct balance balance; /* sums over all accounts */
};

enum {
    WATCH_FINDINGS_MAX = 256, /* kept between two readings; more are counted */
    WATCH_ASSETS_MAX = 512,   /* with totals */
};

struct watch_options {
    uint32_t accounts_max;
    uint32_t holds_max;      /* open at once */
    uint32_t references_max; /* the newest so many are compared */
    uint64_t seed;           /* of the tables: drawn by the caller */
};

struct watch_book {
    struct watch_options options;
    struct watch_account *accounts;
    struct id_map account_map;
    uint32_t account_count;
    uint32_t *moved; /* a ring of account numbers */
    uint32_t moved_first;
    uint32_t moved_count;
    struct watch_hold *holds;
    struct id_map hold_map;
    uint32_t hold_count; /* places used so far */
    uint32_t hold_free;  /* plus one; 0: none */
    struct watch_reference *references;
    struct id_map reference_map;
    uint32_t reference_count;
    uint32_t reference_next;
    struct asset *assets; /* custom ones, by id less ASSET_CUSTOM_FIRST */
    struct watch_totals totals[WATCH_ASSETS_MAX];
    uint32_t totals_count;
    struct watch_finding findings[WATCH_FINDINGS_MAX];
    uint32_t finding_count;
    uint64_t found;     /* all of them */
    uint64_t transfers; /* that changed something */
    uint64_t missed;    /* records that found no room in a table */
};

/* Pages that are touched are the only cost. STATUS_LIMIT: the address space is refused. */
enum status watch_book_init(struct watch_book *book, const struct watch_options *options)
    MUST_CHECK;
/* Accepts a zeroed one. */
void watch_book_done(struct watch_book *book);
/* The most memory that it can come to use, in bytes. */
uint64_t watch_book_size_max(const struct watch_options *options);

/* The next record of the journal, whole and checked (wallet/batch.h), and where it lies. */
void watch_book_take(struct watch_book *book, uint64_t batch, struct locator locator,
                     const struct record_head *record);
/* After the last record of a batch: the totals. */
void watch_book_batch_end(struct watch_book *book, uint64_t batch);

/* An account that moved and was not asked for since; false: there is none. */
bool watch_book_moved(struct watch_book *book, uint32_t *out_number) MUST_CHECK;
/* It is to be asked for again. */
void watch_book_moved_again(struct watch_book *book, uint32_t number);

/* The server's word for an account, as of a batch that the book has reached and no other moved. */
void watch_book_compare(struct watch_book *book, uint32_t number, uint64_t batch,
                        const struct balance *server);
/* The same for an asset's sums over all accounts, as of the batch that the book has reached. */
void watch_book_compare_totals(struct watch_book *book, const struct asset *asset, uint64_t batch,
                               const struct balance *server);
/* What is found from outside. */
void watch_book_find(struct watch_book *book, const struct watch_finding *finding);

/* By number, or NULL. */
const struct asset *watch_book_asset(const struct watch_book *book, uint32_t id);
/* By code; NULL. */
const struct asset *watch_book_asset_by_code(const struct watch_book *book, struct str code);

#endif
