/* A size's binary digits are its peaks: the highest stands first. */
#include "tlog/tree.h"

#include <string.h>

#include "base/check.h"

struct digest tree_leaf(const void *entry, size_t size)
{
    const struct digest_part parts[] = { { "\x00", 1 }, { entry, size } };
    return digest_of_parts(parts, 2);
}

/* In one piece, which is hashed faster than three. */
struct digest tree_node(const struct digest *left, const struct digest *right)
{
    struct {
        uint8_t prefix;
        struct digest left;
        struct digest right;
    } message = { 1, *left, *right };
    _Static_assert(sizeof message == 65, "hashed as it is");
    return digest_of(&message, sizeof message);
}

struct digest tree_empty_root(void)
{
    return digest_of(NULL, 0);
}

void tree_init(struct tree *tree)
{
    *tree = (struct tree){ 0 };
}

void tree_append(struct tree *tree, const struct digest *leaf)
{
    CHECK(tree->size < TREE_SIZE_MAX);
    struct digest hash = *leaf;
    unsigned level = 0;
    for (; (tree->size >> level & 1) != 0; level++) {
        struct digest parent = tree_node(&tree->newest[level], &hash);
        tree->newest[level] = hash;
        hash = parent;
    }
    tree->newest[level] = hash;
    tree->size++;
}

struct digest tree_root(const struct tree *tree)
{
    if (tree->size == 0) return tree_empty_root();
    unsigned level = (unsigned)__builtin_ctzll(tree->size);
    struct digest root = tree->newest[level];
    for (level++; level < TREE_LEVELS; level++) {
        if ((tree->size >> level & 1) == 0) continue;
        root = tree_node(&tree->newest[level], &root);
    }
    return root;
}

enum status tree_read(struct tree_reader *reader, uint64_t size, struct tree *out_tree)
{
    CHECK(size <= TREE_SIZE_MAX);
    struct tree tree = { .size = size };
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        if ((size >> level & 1) == 0) continue;
        struct tree_place place = { level, (size >> level) - 1 };
        enum status status = reader->read(reader, place, &tree.newest[level]);
        if (status != STATUS_OK) return status;
    }
    *out_tree = tree;
    return STATUS_OK;
}

enum status tree_read_root(struct tree_reader *reader, uint64_t size, struct digest *out_root)
{
    struct tree tree;
    enum status status = tree_read(reader, size, &tree);
    if (status != STATUS_OK) return status;
    *out_root = tree_root(&tree);
    return STATUS_OK;
}

enum status tree_read_range(struct tree_reader *reader, uint64_t first, uint64_t end,
                            struct digest *out_hash)
{
    CHECK(first < end && end <= TREE_SIZE_MAX);
    uint64_t count = end - first;
    struct digest hash;
    bool begun = false;
    /* From the right: what is left of `count` ends where the peak begins. */
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        if ((count >> level & 1) == 0) continue;
        uint64_t peak = first + (((count >> level) - 1) << level);
        CHECK((peak & ((UINT64_C(1) << level) - 1)) == 0);
        struct digest left;
        enum status status =
            reader->read(reader, (struct tree_place){ level, peak >> level }, &left);
        if (status != STATUS_OK) return status;
        hash = begun ? tree_node(&left, &hash) : left;
        begun = true;
    }
    *out_hash = hash;
    return STATUS_OK;
}
