/* tile_pack.h - whole tiles and bundles of a log, end to end in a few files. */
#ifndef ADAPTER_TILE_PACK_H
#define ADAPTER_TILE_PACK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "tlog/tile.h"

/*
 * A file for each level's hashes ("hashes-0" to "hashes-7"), where a tile's place follows from its
 * index; one for the entries, and one that says where in it each bundle lies. A file for each tile
 * costs a log that follows a busy journal more than all its hashing does: half of its time went
 * into making files. Whole tiles never change, so nothing is ever moved or taken out.
 *
 * write: one task. read: any.
 */
struct tile_pack {
    int hashes[TILE_LEVELS]; /* -1: there is none, as in the others */
    int entries;
    int places;
};

/* Of a folder; makes what is missing unless read_only. STATUS_LIMIT: the disk is full. */
enum status tile_pack_open(int folder, bool read_only, struct tile_pack *out_pack,
                           struct error *out_error) MUST_CHECK;
void tile_pack_close(struct tile_pack *pack);

/* Replaces out_bytes' contents. STATUS_NOT_FOUND; STATUS_LIMIT: out_bytes is too small. */
enum status tile_pack_read(const struct tile_pack *pack, const struct tile *tile,
                           struct buf *out_bytes, struct error *out_error) MUST_CHECK;

/*
 * CHECKs that the tile is whole, and its bytes too. Readers find it whole or not at all, or, when
 * it is written once more, as it was; for others than the newest, the same bytes are expected.
 * Not durable yet. STATUS_LIMIT: the disk is full.
 */
enum status tile_pack_write(struct tile_pack *pack, const struct tile *tile, struct str bytes,
                            struct error *out_error) MUST_CHECK;

#endif
