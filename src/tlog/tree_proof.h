/* tree_proof.h - that a leaf is in a tree, and that one tree is the beginning of another. */
#ifndef TLOG_TREE_PROOF_H
#define TLOG_TREE_PROOF_H

#include "base/error.h"
#include "tlog/tree.h"

enum {
    /* A leaf has at most 63 siblings on its way up; a consistency proof has one hash more. */
    TREE_PROOF_HASHES_MAX = TREE_LEVELS + 1,
};

/* The order is that of RFC 6962, sections 2.1.1 and 2.1.2: what is lowest in the tree first. */
struct tree_proof {
    uint32_t count;
    struct digest hashes[TREE_PROOF_HASHES_MAX];
};

struct tree_head {
    uint64_t size;
    struct digest root;
};

/* ---- Making ---- */

/* Of leaf `index` in the first `size` leaves; STATUS_INVALID when it is not among them. */
enum status tree_prove_inclusion(struct tree_reader *reader, uint64_t index, uint64_t size,
                                 struct tree_proof *out_proof) MUST_CHECK;

/*
 * Of the first `old_size` leaves in the first `size`; STATUS_INVALID when they are more. With
 * nothing before, or nothing added, there is nothing to prove and the proof is empty.
 */
enum status tree_prove_consistency(struct tree_reader *reader, uint64_t old_size, uint64_t size,
                                   struct tree_proof *out_proof) MUST_CHECK;

/* ---- Verifying ---- */

/*
 * By the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2, which know nothing of how a proof
 * is made. STATUS_OK: it is proven. STATUS_INVALID: it is not, and the error says why. sizes and
 * index may be anything.
 */
enum status tree_verify_inclusion(const struct tree_head *head, uint64_t index,
                                  const struct digest *leaf, const struct tree_proof *proof,
                                  struct error *out_error) MUST_CHECK;
enum status tree_verify_consistency(const struct tree_head *old, const struct tree_head *head,
                                    const struct tree_proof *proof, struct error *out_error)
    MUST_CHECK;

#endif
