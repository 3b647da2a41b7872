/* reserves_statement.h - what a log says it owes in an asset at a position, and what it holds. */
#ifndef WALLET_RESERVES_STATEMENT_H
#define WALLET_RESERVES_STATEMENT_H

#include "model/asset.h"
#include "model/psp.h"
#include "tlog/note.h"
#include "tlog/sum_tree.h"
#include "tlog/tree_proof.h"

/*
 * The text of a signed note by the log's own key. Its first line is the key's name and "/reserves":
 * no checkpoint begins so, and a statement is none, whatever stands in it.
 *
 *     ledger.example.com/0/reserves
 *     tpwallet reserves 1
 *     asset EUR 978 2                                 code, number, decimals
 *     lane 0
 *     position 1207-3                                 the last unit that counts
 *     leaf 4711 of 5000                               of that unit; of the log's checkpoint
 *     log MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=  the checkpoint's root
 *     tree 8 ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=  height and root of the sum tree
 *     total 123.45 EUR                                of what customers are owed
 *     overdrawn 2 owe 15.00 EUR                       customers who owe us: in no total
 *     key YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=  commits to the tree's secret key
 *     bank 0192f0c4-... debits 500.00 credits 1.00    an account; any number, also none
 *     clearing:sandbox 0192f0c4-... debits 3.00 credits 0.00
 *     suspense 0192f0c4-... debits 0.00 credits 0.00
 */
enum {
    RESERVE_ACCOUNTS_MAX = 64,
    RESERVES_TEXT_SIZE_MAX = 16 << 10, /* 64 lines of up to 170 bytes, and the others */
};

/* Value, text, sentence. */
#define RESERVE_ROLE_TABLE(X)                                                                      \
    X(BANK, 1, "bank", "a safeguarding account: what there is for customers")                      \
    X(CLEARING, 2, "clearing", "what a PSP owes us: on its way to the bank")                       \
    X(SUSPENSE, 3, "suspense", "owed to somebody who is not known yet")

#define RESERVE_ROLE_ENUM(name, value, text, sentence) RESERVE_##name = value,
enum reserve_role { RESERVE_ROLE_TABLE(RESERVE_ROLE_ENUM) RESERVE_ROLE_END };
#undef RESERVE_ROLE_ENUM

/* NULL when the value is none of the table. */
const char *reserve_role_name(unsigned role);

/* Posted amounts of both sides: a balance is never one signed number. */
struct reserve_account {
    enum reserve_role role;
    char psp[PSP_NAME_SIZE]; /* of clearing; "" otherwise */
    struct account_id id;
    struct money debits;
    struct money credits;
};

struct reserves_statement {
    struct asset asset;
    uint32_t lane;
    struct position at;
    uint64_t index;       /* of that unit's leaf in the log */
    struct tree_head log; /* of the checkpoint under which it was found */
    struct sum_head tree; /* its sum is the total */
    uint64_t overdrawn_count;
    struct money overdrawn;
    struct digest key; /* reserves_key_digest() */
    uint32_t account_count;
    struct reserve_account accounts[RESERVE_ACCOUNTS_MAX];
};

/* SHA-256 of "TPWK" and the key: whoever is shown the key later knows that it is this one. */
struct digest reserves_key_digest(const struct secret *key);

/* The signed note. CHECKs what is past the limits above; buf keeps its own maximum. */
void reserves_statement_sign(const struct reserves_statement *statement,
                             const struct note_signer *signer, struct buf *note);

/*
 * The one text that is written for this content, under any first line: nothing is verified.
 * STATUS_INVALID, with why: anything else, an ISO asset with other decimals, a total that is
 * negative, of another asset, or passes 128 bits.
 */
enum status reserves_statement_parse(struct str text, struct reserves_statement *out_statement,
                                     struct error *out_error) MUST_CHECK;

/*
 * The statement in a note, if `key` signed it (statuses of note_verify()) and its first line is
 * that of this key's statements (else STATUS_DENIED).
 */
enum status reserves_statement_open(const struct note *note, const struct note_key *key,
                                    struct reserves_statement *out_statement,
                                    struct error *out_error) MUST_CHECK;

/* ---- What it comes to ---- */

struct reserves_coverage {
    struct money owed;                /* the total and what is in suspense */
    struct money held;                /* at banks: accounts with a debit balance, each by itself */
    struct money clearing;            /* the same at PSPs */
    struct money short_of;            /* owed and not held; zero when it is covered */
    struct money short_with_clearing; /* the same with what PSPs owe counted as held */
};

/* Nothing is netted: an overdrawn bank account holds nothing. False: a sum passes 128 bits. */
bool reserves_coverage_of(const struct reserves_statement *statement,
                          struct reserves_coverage *out_coverage) MUST_CHECK;

#endif
