/* log_files.h - tiles, bundles and the checkpoint out of a log's files, narrower ones too. */
#ifndef WALLET_LOG_FILES_H
#define WALLET_LOG_FILES_H

#include "port/log_store.h"
#include "tlog/checkpoint.h"
#include "tlog/tree_proof.h"
#include "wallet/log_builder.h"

/*
 * A partial tile that has grown is cut out of the wider one, so that what was asked for under an
 * older checkpoint is still found. `size` is that of a tree whose tiles are all there.
 */
struct log_files {
    struct log_source port; /* first */
    struct log_store *store;
    uint64_t size;
};
void log_files_init(struct log_files *files, struct log_store *store, uint64_t size);

/* A sink that writes into the store. */
struct log_files_sink {
    struct log_sink port; /* first */
    struct log_store *store;
};
void log_files_sink_init(struct log_files_sink *sink, struct log_store *store);

/*
 * The leaf's place of a unit, found by halving over the entries; *out_leaf is that entry.
 * STATUS_NOT_FOUND: no entry of this batch and unit. As the store's read(); STATUS_CORRUPT.
 */
enum status log_files_find(struct log_files *files, uint64_t batch, uint32_t unit,
                           uint64_t *out_index, struct leaf *out_leaf, struct error *out_error)
    MUST_CHECK;

/* The entry at this index. STATUS_NOT_FOUND: the tree is smaller. As above. */
enum status log_files_leaf(struct log_files *files, uint64_t index, struct leaf *out_leaf,
                           struct error *out_error) MUST_CHECK;

/*
 * In the first `size` leaves, of a tree that is signed: that leaf `at` is there, or that the first
 * `at` are their beginning. STATUS_INVALID: `at` is not among them. As the store's read().
 */
enum log_prove { LOG_PROVE_LEAF, LOG_PROVE_GROWTH };
enum status log_files_prove(struct log_files *files, enum log_prove what, uint64_t at,
                            uint64_t size, struct tree_proof *out_proof, struct error *out_error)
    MUST_CHECK;

#endif
