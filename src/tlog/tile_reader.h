/* tile_reader.h - hashes of whole subtrees, read out of tiles. */
#ifndef TLOG_TILE_READER_H
#define TLOG_TILE_READER_H

#include "tlog/tile.h"

/*
 * Where tiles come from: files, a network, memory. Writes tile.width hashes; any status but OK
 * ends what was asked for and is passed on.
 */
struct tile_source {
    enum status (*read)(struct tile_source *source, const struct tile *tile,
                        struct digest out_hashes[TILE_WIDTH]);
};

/*
 * A tree_reader over the tiles of a tree of a given size; keeps the tile of each level that it
 * read last, which is what a proof needs: it asks for a tile once for each level, and for those
 * at the tree's right end. 66 KiB; one task at a time. A tile's inner hashes are computed, at
 * most 127 for a question.
 */
struct tile_reader {
    struct tree_reader reader;
    struct tile_source *source;
    uint64_t size;
    struct {
        struct tile tile; /* width 0: none yet */
        struct digest hashes[TILE_WIDTH];
    } held[TILE_LEVELS];
};

/* CHECKs that size is at most TREE_SIZE_MAX. Nothing needs to be released. */
void tile_reader_init(struct tile_reader *reader, struct tile_source *source, uint64_t size);

#endif
