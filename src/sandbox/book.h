/* book.h - the sandbox's own double entry: what it owes the merchant, per asset. */
#ifndef SANDBOX_BOOK_H
#define SANDBOX_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/money.h"

/*
 * CARDHOLDERS  who is charged and refunded: debits are what they paid.
 * BANKS        who is paid out to: credits are what they got.
 * MERCHANT     what is owed to the merchant and not yet settled: credits less debits.
 * FEES         the sandbox's income.
 * SETTLED      what went to the merchant's bank account, less what was taken from it.
 */
#define BOOK_ACCOUNT_TABLE(X)                                                                      \
    X(CARDHOLDERS, "cardholders")                                                                  \
    X(BANKS, "banks")                                                                              \
    X(MERCHANT, "owed")                                                                            \
    X(FEES, "fees")                                                                                \
    X(SETTLED, "settled")

#define BOOK_ACCOUNT_ENUM(name, text) BOOK_##name,
enum book_account { BOOK_ACCOUNT_TABLE(BOOK_ACCOUNT_ENUM) BOOK_ACCOUNT_COUNT };
#undef BOOK_ACCOUNT_ENUM

enum { BOOK_ASSETS_MAX = 256 }; /* more than ISO 4217 has */

struct book_sums {
    struct money debits;
    struct money credits;
};

struct book_page {
    uint32_t asset;
    struct book_sums accounts[BOOK_ACCOUNT_COUNT];
};

struct book {
    struct book_page pages[BOOK_ASSETS_MAX]; /* in order of first use */
    uint32_t count;
};

/* Credits less debits, which may be below zero. */
struct book_balance {
    bool negative;
    struct money amount;
};

struct book_entry {
    uint32_t asset;
    enum book_account debit;
    enum book_account credit;
    struct money amount; /* zero leaves no trace */
};

const char *book_account_name(enum book_account account);
void book_post(struct book *book, const struct book_entry *entry);
/* NULL: nothing was posted in this asset. */
const struct book_page *book_find(const struct book *book, uint32_t asset);
struct book_balance book_balance(const struct book_page *page, enum book_account account);
/* STATUS_CORRUPT when debits and credits of an asset differ. */
enum status book_check(const struct book *book) MUST_CHECK;

#endif
