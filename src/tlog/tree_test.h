/* tree_test.h - for tests: whole subtrees kept in memory, and the tree as RFC 6962 defines it. */
#ifndef TLOG_TREE_TEST_H
#define TLOG_TREE_TEST_H

#include <stdlib.h>

#include "base/check.h"
#include "tlog/tree.h"

/* A reader over all whole subtrees of `size` leaves. */
struct memory_tree {
    struct tree_reader reader;
    uint64_t size;
    struct digest *levels[TREE_LEVELS];
    uint64_t reads;
    uint64_t reads_max; /* the read after so many fails */
};

static inline enum status memory_tree_get(struct tree_reader *reader, struct tree_place place,
                                          struct digest *out_hash)
{
    struct memory_tree *tree = (struct memory_tree *)reader;
    CHECK(place.level < TREE_LEVELS);
    CHECK(place.index < tree->size >> place.level); /* else nobody would have it */
    if (tree->reads++ == tree->reads_max) return STATUS_UNAVAILABLE;
    *out_hash = tree->levels[place.level][place.index];
    return STATUS_OK;
}

/* Leaf i is eight bytes: i + salt. */
static inline struct digest memory_leaf(uint64_t i, uint64_t salt)
{
    uint64_t entry = i + salt;
    return tree_leaf(&entry, sizeof entry);
}

static inline void memory_tree_init(struct memory_tree *tree, uint64_t size, uint64_t salt)
{
    *tree = (struct memory_tree){
        .reader = { memory_tree_get },
        .size = size,
        .reads_max = UINT64_MAX,
    };
    for (unsigned level = 0; size >> level > 0; level++) {
        uint64_t count = size >> level;
        tree->levels[level] = malloc(count * sizeof(struct digest));
        CHECK(tree->levels[level] != NULL);
        for (uint64_t i = 0; i < count; i++) {
            const struct digest *below = level == 0 ? NULL : tree->levels[level - 1];
            tree->levels[level][i] =
                level == 0 ? memory_leaf(i, salt) : tree_node(&below[2 * i], &below[2 * i + 1]);
        }
    }
}

static inline void memory_tree_done(struct memory_tree *tree)
{
    for (unsigned level = 0; level < TREE_LEVELS; level++) free(tree->levels[level]);
}

/* MTH of RFC 6962, section 2.1, word for word. */
static inline struct digest defined_root(const struct digest *leaves, uint64_t count)
{
    if (count == 0) return digest_of("", 0);
    if (count == 1) return leaves[0];
    uint64_t split = 1;
    while (split * 2 < count) split *= 2;
    struct digest left = defined_root(leaves, split);
    struct digest right = defined_root(leaves + split, count - split);
    return tree_node(&left, &right);
}

#endif
