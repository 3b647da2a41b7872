#include "tlog/tree_proof.h"

#include "base/check.h"

/* The largest power of two below count, which is at least 2: where RFC 6962 splits. */
static uint64_t split_of(uint64_t count)
{
    return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

/* The leaves [first, end). */
struct range {
    uint64_t first;
    uint64_t end;
};

/* Siblings as they are met from the root down. */
struct siblings {
    uint32_t count;
    struct range ranges[TREE_PROOF_HASHES_MAX];
};

static void siblings_add(struct siblings *siblings, uint64_t first, uint64_t end)
{
    CHECK(siblings->count < TREE_PROOF_HASHES_MAX);
    siblings->ranges[siblings->count++] = (struct range){ first, end };
}

static enum status read_siblings(struct tree_reader *reader, const struct siblings *siblings,
                                 struct tree_proof *out_proof)
{
    struct tree_proof proof = { .count = siblings->count };
    for (uint32_t i = 0; i < siblings->count; i++) {
        const struct range *range = &siblings->ranges[siblings->count - 1 - i];
        enum status status = tree_read_range(reader, range->first, range->end, &proof.hashes[i]);
        if (status != STATUS_OK) return status;
    }
    *out_proof = proof;
    return STATUS_OK;
}

enum status tree_prove_inclusion(struct tree_reader *reader, uint64_t index, uint64_t size,
                                 struct tree_proof *out_proof)
{
    if (size > TREE_SIZE_MAX || index >= size) return STATUS_INVALID;
    struct siblings siblings = { 0 };
    struct range range = { 0, size };
    while (range.end - range.first > 1) {
        uint64_t middle = range.first + split_of(range.end - range.first);
        if (index < middle) {
            siblings_add(&siblings, middle, range.end);
            range.end = middle;
        } else {
            siblings_add(&siblings, range.first, middle);
            range.first = middle;
        }
    }
    return read_siblings(reader, &siblings, out_proof);
}

enum status tree_prove_consistency(struct tree_reader *reader, uint64_t old_size, uint64_t size,
                                   struct tree_proof *out_proof)
{
    if (size > TREE_SIZE_MAX || old_size > size) return STATUS_INVALID;
    struct siblings siblings = { 0 };
    struct range range = { 0, size };
    if (old_size == 0) range.end = 0;
    while (range.end > old_size) {
        uint64_t middle = range.first + split_of(range.end - range.first);
        if (old_size <= middle) {
            siblings_add(&siblings, middle, range.end);
            range.end = middle;
        } else {
            siblings_add(&siblings, range.first, middle);
            range.first = middle;
        }
    }
    /* The verifier has the old root already when the old tree is one whole subtree. */
    if (range.first != 0) siblings_add(&siblings, range.first, range.end);
    return read_siblings(reader, &siblings, out_proof);
}

static enum status wrong_length(struct error *out_error, const struct tree_proof *proof)
{
    enum status status = error_set(out_error, STATUS_INVALID,
                                   "the proof does not have the length that it must have");
    error_detail(out_error, "it has %u hashes", proof->count);
    return status;
}

enum status tree_verify_inclusion(const struct tree_head *head, uint64_t index,
                                  const struct digest *leaf, const struct tree_proof *proof,
                                  struct error *out_error)
{
    CHECK(proof->count <= TREE_PROOF_HASHES_MAX);
    if (index >= head->size) {
        enum status status =
            error_set(out_error, STATUS_INVALID, "the tree is too small to have this leaf");
        error_detail(out_error, "leaf %llu of %llu", (unsigned long long)index,
                     (unsigned long long)head->size);
        return status;
    }
    uint64_t place = index;
    uint64_t last = head->size - 1;
    struct digest hash = *leaf;
    for (uint32_t i = 0; i < proof->count; i++) {
        if (last == 0) return wrong_length(out_error, proof);
        if ((place & 1) != 0 || place == last) {
            hash = tree_node(&proof->hashes[i], &hash);
            while ((place & 1) == 0 && place != 0) {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = tree_node(&hash, &proof->hashes[i]);
        }
        place >>= 1;
        last >>= 1;
    }
    if (last != 0) return wrong_length(out_error, proof);
    if (!digest_equal(&hash, &head->root)) {
        return error_set(out_error, STATUS_INVALID, "the proof leads to another root");
    }
    return STATUS_OK;
}

/* Both trees of one size, or nothing before: no hash is needed. */
static enum status verify_without_hashes(const struct tree_head *old, const struct tree_head *head,
                                         const struct tree_proof *proof, struct error *out_error)
{
    if (proof->count != 0) return wrong_length(out_error, proof);
    struct digest expected = old->size == 0 ? tree_empty_root() : head->root;
    if (!digest_equal(&old->root, &expected)) {
        return error_set(out_error, STATUS_INVALID,
                         old->size == 0 ? "the root of an empty tree is another one"
                                        : "two trees of one size have different roots");
    }
    if (head->size == 0 && !digest_equal(&head->root, &expected)) {
        return error_set(out_error, STATUS_INVALID, "the root of an empty tree is another one");
    }
    return STATUS_OK;
}

enum status tree_verify_consistency(const struct tree_head *old, const struct tree_head *head,
                                    const struct tree_proof *proof, struct error *out_error)
{
    CHECK(proof->count <= TREE_PROOF_HASHES_MAX);
    if (old->size > head->size) {
        return error_set(out_error, STATUS_INVALID, "the older tree is the larger one");
    }
    if (old->size == 0 || old->size == head->size) {
        return verify_without_hashes(old, head, proof, out_error);
    }
    uint64_t place = old->size - 1;
    uint64_t last = head->size - 1;
    while ((place & 1) != 0) {
        place >>= 1;
        last >>= 1;
    }
    uint32_t next = 0;
    struct digest before = old->root;
    if (place != 0) {
        if (proof->count == 0) return wrong_length(out_error, proof);
        before = proof->hashes[next++];
    }
    struct digest after = before;
    for (; next < proof->count; next++) {
        const struct digest *hash = &proof->hashes[next];
        if (last == 0) return wrong_length(out_error, proof);
        if ((place & 1) != 0 || place == last) {
            before = tree_node(hash, &before);
            after = tree_node(hash, &after);
            while ((place & 1) == 0 && place != 0) {
                place >>= 1;
                last >>= 1;
            }
        } else {
            after = tree_node(&after, hash);
        }
        place >>= 1;
        last >>= 1;
    }
    if (last != 0) return wrong_length(out_error, proof);
    if (!digest_equal(&before, &old->root)) {
        return error_set(out_error, STATUS_INVALID, "the proof leads to another old root");
    }
    if (!digest_equal(&after, &head->root)) {
        return error_set(out_error, STATUS_INVALID, "the proof leads to another new root");
    }
    return STATUS_OK;
}
