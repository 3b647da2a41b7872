/* reserves_book.h - the secret part of a snapshot of reserves: every balance, and the tree's key. */
#ifndef WALLET_RESERVES_BOOK_H
#define WALLET_RESERVES_BOOK_H

#include "wallet/reserves_reading.h"
#include "wallet/reserves_statement.h"

/*
 * A file is a head of 64 bytes and so many sum_liability, ordered by account; it is used where it
 * lies in memory. With it every proof is made, and an auditor who is given it makes the whole
 * tree again. Nothing in it needs a check of its own: any other byte gives another root.
 */
enum {
    RESERVES_BOOK_MAGIC = 0x52575054, /* "TPWR" in the file */
    RESERVES_BOOK_VERSION = 1,
    RESERVES_PADDING_SHARE = 32, /* a 32nd of what is used is leaves of nothing, at least */
    RESERVES_HEIGHT_MIN = 8,     /* so that few customers stand among many leaves of nothing */
    RESERVES_SHARES_DEFAULT = 2,
};

struct reserves_book_head {
    uint32_t magic;
    uint32_t version;
    uint32_t shares;
    uint32_t height;
    uint64_t count;
    uint8_t key[SUM_KEY_SIZE];
    uint8_t reserved[8];
};
_Static_assert(sizeof(struct reserves_book_head) == 64, "stored as it is");

struct reserves_book {
    uint8_t *memory; /* a file's bytes, page aligned; size_max of them reserved */
    size_t size_max;
    size_t size;
    struct secret key;
    struct sum_tree tree; /* nodes NULL: not built */
};

/* For a file of up to so many bytes. STATUS_LIMIT. Close it also after a failure. */
enum status reserves_book_new(size_t size_max, struct reserves_book *out_book,
                              struct error *out_error) MUST_CHECK;
/* Wipes it. Accepts a zeroed one. */
void reserves_book_close(struct reserves_book *book);

static inline const struct reserves_book_head *reserves_book_head(const struct reserves_book *book)
{
    return (const struct reserves_book_head *)book->memory;
}
static inline const struct sum_liability *reserves_book_liabilities(
    const struct reserves_book *book)
{
    return (const struct sum_liability *)(book->memory + sizeof(struct reserves_book_head));
}

/* ---- Making ---- */

/* Bytes of a book of so many accounts. */
size_t reserves_book_size(uint64_t count);

/*
 * Every account of kind liability but `suspense`, with what it is owed; those that owe us are left
 * out, and told in the statement with what they owe in all. Also fills the statement's asset and
 * place. Key: SUM_KEY_SIZE random bytes. The book needs room for all accounts of the reading.
 * STATUS_LIMIT: too many accounts for a tree, or sums that pass 128 bits.
 */
struct reserves_book_options {
    uint32_t shares; /* 1 to SUM_SHARES_MAX */
    struct account_id suspense;
    const uint8_t *key;
};
enum status reserves_book_fill(struct reserves_book *book, const struct reserves_reading *reading,
                               const struct reserves_book_options *options,
                               struct reserves_statement *statement, struct error *out_error)
    MUST_CHECK;

/* ---- Using: after it was filled or read ---- */

/* STATUS_INVALID, with why: it is no book; accounts out of order, twice, or without an id. */
enum status reserves_book_open(struct reserves_book *book, struct error *out_error) MUST_CHECK;

/* Makes the tree. STATUS_LIMIT: no memory, or the total passes 128 bits. */
enum status reserves_book_build(struct reserves_book *book, struct error *out_error) MUST_CHECK;

/* That a built book is the statement's: key, height, root and total. STATUS_INVALID, with which. */
enum status reserves_book_compare(const struct reserves_book *book,
                                  const struct reserves_statement *statement,
                                  struct error *out_error) MUST_CHECK;

/* The account's place among the liabilities; false: it is none of them. */
bool reserves_book_find(const struct reserves_book *book, struct account_id account,
                        uint64_t *out_index) MUST_CHECK;

#endif
