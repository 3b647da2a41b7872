/* model_log.h - the log as the durable journal has it: the naive twin of tree, tiles and heads. */
#ifndef SIM_MODEL_LOG_H
#define SIM_MODEL_LOG_H

#include "sim/sim_store.h"
#include "sim/verdict.h"
#include "tlog/leaf.h"
#include "tlog/tree.h"

/*
 * Keeps the hash of every leaf and of every whole subtree, and where each batch ends; roots are
 * computed by the definition of RFC 6962, section 2.1. Of the shipped code it uses what a leaf's
 * bytes are (tlog/leaf.h) and how leaf and node are hashed, nothing else.
 */
struct model_log {
    const struct secret *key; /* LEAF_KEY_SIZE; outlives it */
    struct leaf leaf;         /* in the making */
    uint64_t batch_count;
    uint64_t *batch_leaves; /* all up to and with batch i + 1 */
    uint64_t counts[TREE_LEVELS];
    struct digest *hashes[TREE_LEVELS]; /* of the subtrees of 2^level leaves, from left to right */
};

void model_log_init(struct model_log *model, const struct secret *key);
void model_log_done(struct model_log *model);

/* The next durable batch, whole (sim/model_journal.h has looked). */
void model_log_batch(struct model_log *model, const struct sim_batch *batch);

static inline uint64_t model_log_size(const struct model_log *model)
{
    return model->counts[0];
}
/* All leaves of batches 1..sequence; CHECKs that there are so many batches. */
uint64_t model_log_size_at(const struct model_log *model, uint64_t sequence);
/* Of the first `size` leaves; CHECKs that there are so many. */
struct digest model_log_root(struct model_log *model, uint64_t size);

#endif
