/* log_proof.h - files that prove, with the log's key alone, what its folder holds or that it grew. */
#ifndef WALLET_LOG_PROOF_H
#define WALLET_LOG_PROOF_H

#include "port/log_store.h"
#include "tlog/leaf.h"
#include "tlog/proof.h"

/*
 * Of a leaf: a C2SP tlog-proof, whose extra data are the entry. Of growth: what C2SP tlog-witness
 * has as an add-checkpoint request: the old size, the consistency proof, the checkpoint. Both
 * under the checkpoint that is shown, with its cosignatures.
 */
enum { LOG_PROOF_SIZE_MAX = PROOF_SIZE_MAX };

/*
 * Appends the file. Beside a server too. STATUS_NOT_FOUND: nothing is shown, or not so many leaves.
 * STATUS_CORRUPT; STATUS_LIMIT: it does not fit. As the store's read().
 */
enum status log_proof_leaf(struct log_store *store, uint64_t index, struct buf *out_file,
                           struct error *out_error) MUST_CHECK;
enum status log_proof_growth(struct log_store *store, uint64_t old_size, struct buf *out_file,
                             struct error *out_error) MUST_CHECK;

/* The index of the unit at this position; as log_proof_leaf(). */
enum status log_proof_find(struct log_store *store, uint64_t batch, uint32_t unit,
                           uint64_t *out_index, struct error *out_error) MUST_CHECK;

struct log_proof_facts {
    struct proof_facts proof;
    bool grown; /* of growth: the next is set; else the two behind it */
    uint64_t old_size;
    uint64_t index;
    struct leaf_head place;
};

/*
 * STATUS_OK: it is proven. old: the checkpoint that somebody kept, as a note signed by the same
 * log; needed for growth (else STATUS_INVALID), not looked at for a leaf. Anything else: as
 * proof_verify(), and the error says why.
 */
enum status log_proof_verify(struct str file, struct str old, const struct proof_trust *trust,
                             struct log_proof_facts *out_facts, struct error *out_error) MUST_CHECK;

#endif
