/* tree.h - the Merkle tree of RFC 6962 and RFC 9162, section 2.1: hashes, growth, its root. */
#ifndef TLOG_TREE_H
#define TLOG_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "crypto/digest.h"

enum {
    /* Levels that a tree can have, leaves being level 0: sizes are below 2^63, as in Go's int64. */
    TREE_LEVELS = 63,
};
#define TREE_SIZE_MAX ((UINT64_C(1) << TREE_LEVELS) - 1)

/* A leaf is hashed behind 0x00, two children behind 0x01: neither passes for the other. */
struct digest tree_leaf(const void *entry, size_t size);
struct digest tree_node(const struct digest *left, const struct digest *right);
/* The root of no leaves: SHA-256 of nothing. */
struct digest tree_empty_root(void);

/*
 * A tree as it grows: 2 KiB, whatever the size. newest[L] is the newest whole subtree of 2^L
 * leaves: always where bit L of size is set (the peaks, of which the root is made), and after an
 * append also for each L below which size has only zero bits: these subtrees were just finished.
 */
struct tree {
    uint64_t size;
    struct digest newest[TREE_LEVELS];
};

void tree_init(struct tree *tree);
/* By the leaf's hash. CHECKs that the tree stays within TREE_SIZE_MAX. One hash on average. */
void tree_append(struct tree *tree, const struct digest *leaf);
struct digest tree_root(const struct tree *tree);

/* The subtree of leaves [index << level, (index + 1) << level). */
struct tree_place {
    unsigned level;
    uint64_t index;
};

/*
 * Where hashes of whole subtrees are found: tiles, memory. Any status that read() returns ends
 * what was asked for and is passed on. What it gives is believed: who reads from somebody else
 * verifies the outcome (tlog/tree_proof.h).
 */
struct tree_reader {
    enum status (*read)(struct tree_reader *reader, struct tree_place place,
                        struct digest *out_hash) MUST_CHECK;
};

/* The root of the first `size` leaves, and a tree of that size to be grown further. */
enum status tree_read_root(struct tree_reader *reader, uint64_t size, struct digest *out_root)
    MUST_CHECK;
enum status tree_read(struct tree_reader *reader, uint64_t size, struct tree *out_tree) MUST_CHECK;

/*
 * The hash over leaves [first, end), at least one: as RFC 6962 has MTH(D[first:end]). CHECKs
 * that first is a multiple of a power of two that is at least the number of leaves, as it is for
 * every part of a proof.
 */
enum status tree_read_range(struct tree_reader *reader, uint64_t first, uint64_t end,
                            struct digest *out_hash) MUST_CHECK;

#endif
