/* log_builder.h - makes leaves of the journal's units, and of them the tree and its tiles. */
#ifndef WALLET_LOG_BUILDER_H
#define WALLET_LOG_BUILDER_H

#include "crypto/secret.h"
#include "tlog/bundle.h"
#include "tlog/leaf.h"
#include "tlog/tile_reader.h"
#include "wallet/batch.h"

/* Where finished tiles and bundles go. Any status but OK ends what was asked for. */
struct log_sink {
    enum status (*take)(struct log_sink *sink, const struct tile *tile, struct str bytes,
                        struct error *out_error);
};

enum {
    LOG_BUNDLE_SIZE_MAX = TILE_WIDTH * (2 + (int)sizeof(struct leaf)), /* of our leaves */
};

/* About 80 KiB, and the bundle at hand. The same journal and key give the same bytes, always. */
struct log_builder {
    const struct secret *key; /* LEAF_KEY_SIZE; outlives the builder */
    struct log_sink *sink;
    struct tree tree;
    struct leaf leaf;
    struct buf bundle;                             /* its entries so far */
    struct digest hashes[TILE_LEVELS][TILE_WIDTH]; /* of the tile at the right end of each level */
};

void log_builder_init(struct log_builder *builder, const struct secret *key, struct log_sink *sink);
/* Accepts a zeroed one. */
void log_builder_done(struct log_builder *builder);
/* Empty again. */
void log_builder_reset(struct log_builder *builder);

/*
 * A leaf for each unit of the batch; what became whole goes to the sink. STATUS_CORRUPT: the
 * batch is damaged. After any failure the builder must be reset.
 */
enum status log_builder_add(struct log_builder *builder, struct batch_reader *reader,
                            struct error *out_error) MUST_CHECK;

/* The tiles and the bundle at the right end go to the sink, partial as they are. */
enum status log_builder_flush(struct log_builder *builder, struct error *out_error) MUST_CHECK;

/* How source gives out the bytes of a tile or bundle. */
struct log_source {
    enum status (*read)(struct log_source *source, const struct tile *tile, struct buf *out_bytes,
                        struct error *out_error);
};

/*
 * Goes on from the tiles of a tree of `size` leaves. STATUS_NOT_FOUND: one is missing.
 * STATUS_CORRUPT: they do not give this root.
 */
enum status log_builder_resume(struct log_builder *builder, struct log_source *source,
                               const struct digest *root, uint64_t size, struct error *out_error)
    MUST_CHECK;

/* Hashes of whole subtrees out of such a source: for proofs. */
struct log_tile_source {
    struct tile_source port; /* first */
    struct log_source *source;
    struct buf bytes;
    struct error error; /* of the last read that failed */
};
void log_tile_source_init(struct log_tile_source *tiles, struct log_source *source);
void log_tile_source_done(struct log_tile_source *tiles);

#endif
