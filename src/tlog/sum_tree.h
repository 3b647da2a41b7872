/* sum_tree.h - a Merkle sum tree: what customers are owed in all, and that each is counted in. */
#ifndef TLOG_SUM_TREE_H
#define TLOG_SUM_TREE_H

#include "base/error.h"
#include "base/money.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "model/id.h"

/*
 * For one asset at one moment. Each balance is cut into random shares, the shares and leaves of
 * nothing (padding) are shuffled, and every node hashes both children's hashes and both sums, each
 * by itself: so no sum below can be changed without changing the root. Sums are unsigned 128-bit
 * and checked at each node by maker and verifier: nothing negative can be expressed, and nothing
 * can wrap around to hide.
 *
 * What a proof shows beside its own shares: the sums of `height` subtrees for each share. The
 * lowest is a random share of somebody's balance, or nothing at all; the upper ones are sums over
 * many. More shares and more padding show less. Nobody's id and no number of customers is shown;
 * the root shows the total. That nobody was left out is known only as far as customers look: who
 * is left out has no proof, and nobody else can tell.
 *
 *   leaf  SHA-256("TPWV", salt (16), account (16), amount (16))
 *   node  SHA-256("TPWN", left hash (32), left sum (16), right hash (32), right sum (16))
 *
 * all numbers little-endian. Everything random comes from a key of SUM_KEY_SIZE bytes, so that a
 * snapshot is made again, and proofs with it, from key and balances. A key must be random, kept
 * secret and used for one snapshot: with it, every balance can be found by trying.
 */
enum {
    SUM_HEIGHT_MAX = 28, /* 268 million leaves: 25 GB of nodes */
    SUM_SHARES_MAX = 8,
    SUM_KEY_SIZE = 32,
};

struct sum_node {
    struct digest hash;
    struct money sum;
};
_Static_assert(sizeof(struct sum_node) == 48, "hashed as it is");

/* What is published of a snapshot. */
struct sum_head {
    uint32_t height;
    struct sum_node root;
};

struct sum_liability {
    struct account_id account;
    struct money balance;
};

/* ---- Making ---- */

struct sum_options {
    uint32_t height; /* of the tree: 2^height leaves */
    uint32_t shares; /* of each balance: 1 to SUM_SHARES_MAX */
    const struct secret *key;
};

/* Memory is the caller's: nodes 2 << height (48 bytes each), order 1 << height (4 bytes each). */
struct sum_tree {
    struct sum_options options;
    struct sum_node *nodes; /* from 1: the children of i are 2 i and 2 i + 1 */
    uint32_t *order;        /* where the leaf stands that was made as number i */
    uint64_t count;         /* liabilities */
};

/*
 * The least height for so many liabilities, with at least one leaf in `padding_share` of nothing
 * (16: a sixteenth more); above SUM_HEIGHT_MAX when there is none.
 */
uint32_t sum_tree_height(uint64_t count, uint32_t shares, uint32_t padding_share);

/*
 * Accounts must be distinct; those with nothing are welcome. An account that owes us is not a
 * liability and must not be netted: leave it out. STATUS_LIMIT: the total passes 128 bits.
 * CHECKs the options, and that there is room for the shares.
 */
enum status sum_tree_build(struct sum_tree *tree, const struct sum_liability *liabilities,
                           uint64_t count) MUST_CHECK;
struct sum_head sum_tree_head(const struct sum_tree *tree);
/* STATUS_CORRUPT when any node is not made of its children; a pass over all. */
enum status sum_tree_check(const struct sum_tree *tree) MUST_CHECK;

struct sum_salt {
    uint8_t bytes[16];
};

/* One share and its way up: the sibling of the leaf first. */
struct sum_share {
    uint32_t place; /* of the leaf, from the left */
    struct sum_salt salt;
    struct money amount;
    struct sum_node siblings[SUM_HEIGHT_MAX];
};

struct sum_proof {
    uint32_t share_count;
    struct sum_share shares[SUM_SHARES_MAX];
};

/* Of liability `index`, as it was given to sum_tree_build() (CHECKed against the leaves). */
void sum_tree_prove(const struct sum_tree *tree, uint64_t index,
                    const struct sum_liability *liability, struct sum_proof *out_proof);

/* ---- Verifying ---- */

/*
 * That the account's shares are in the total: *out_balance is their sum, for the customer to
 * compare. STATUS_INVALID, with why, otherwise: also for a leaf given twice, and for sums that
 * pass 128 bits. Head and proof may be anything.
 */
enum status sum_verify(const struct sum_head *head, struct account_id account,
                       const struct sum_proof *proof, struct money *out_balance,
                       struct error *out_error) MUST_CHECK;

#endif
