/* reserves_proof.h - that a customer's balance is in the total of a snapshot of reserves. */
#ifndef WALLET_RESERVES_PROOF_H
#define WALLET_RESERVES_PROOF_H

#include "wallet/reserves_snapshot.h"

/*
 * One JSON object for one customer: `asset`, `account`, `balance`; `snapshot` is the public part,
 * whole, so that the file is enough by itself; `shares` are all shares of the balance, each with
 * the place of its leaf, its salt, and its way up: hash and sum of each sibling, the leaf's first.
 * Amounts are decimal strings of the asset. There is one text for a proof; any other is refused.
 */
enum {
    /* A level has two base64 or decimal strings, their names and marks; a share 28 levels. */
    RESERVES_PROOF_SIZE_MAX =
        RESERVES_SNAPSHOT_SIZE_MAX + SUM_SHARES_MAX * (SUM_HEIGHT_MAX * 160 + 256) + 1024,
};

struct reserves_proof {
    struct account_id account;
    struct money balance;
    struct asset asset;     /* of the snapshot's statement */
    uint32_t height;        /* of its tree: siblings of each share */
    struct sum_proof *sums; /* the caller's */
    struct reserves_snapshot snapshot;
};

/* STATUS_LIMIT: out_json is too small. */
enum status reserves_proof_write(const struct reserves_proof *proof, struct buf *out_json)
    MUST_CHECK;

/*
 * Fills *sums; views into text or arena, which needs twice the text's size. STATUS_INVALID, with
 * why: also for amounts that are negative or pass 128 bits. STATUS_LIMIT. Nothing is verified.
 */
enum status reserves_proof_parse(struct str text, struct arena *arena, struct sum_proof *sums,
                                 struct reserves_proof *out_proof, struct error *out_error)
    MUST_CHECK;

/*
 * STATUS_OK: what reserves_snapshot_verify() says, and the account's shares are in the statement's
 * total and come to `balance`. Anything else is not verified, and the error says what.
 */
enum status reserves_proof_verify(const struct reserves_proof *proof, const struct note_key *key,
                                  struct reserves_facts *out_facts, struct error *out_error)
    MUST_CHECK;

/* Whether a text says near its beginning that it is a proof, rather than a snapshot. */
bool reserves_is_proof(struct str text);

#endif
