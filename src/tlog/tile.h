/* tile.h - C2SP tlog-tiles: which parts of a log are files, and what they are called. */
#ifndef TLOG_TILE_H
#define TLOG_TILE_H

#include <stdbool.h>

#include "base/str.h"
#include "tlog/tree.h"

enum {
    TILE_HEIGHT = 8,     /* levels of the tree in one tile */
    TILE_WIDTH = 256,    /* hashes in a whole tile; entries in a whole bundle */
    TILE_LEVELS = 8,     /* of tiles; the tree has 63 */
    TILE_PATH_SIZE = 64, /* "tile/entries/x036/x028/x797/x018/x963/967.p/255" and a terminator */
};

enum tile_kind {
    TILE_HASHES,
    TILE_ENTRIES, /* an entry bundle (tlog/bundle.h); level 0 */
};

/* width is 1 to TILE_WIDTH; less than that is a partial tile, which grows into another one. */
struct tile {
    enum tile_kind kind;
    unsigned level;
    uint64_t index;
    unsigned width;
};

/* Whether a tree of at most TREE_SIZE_MAX leaves can have it. */
bool tile_is_possible(const struct tile *tile);
bool tile_equal(const struct tile *a, const struct tile *b);

/* How wide tile `index` of a level is in a tree of that size; 0 when it is not there. */
unsigned tile_width(uint64_t size, unsigned level, uint64_t index);

/* "tile/<L>/<N>[.p/<W>]" or "tile/entries/<N>[.p/<W>]". CHECKs that the tile is possible. */
struct str tile_path(const struct tile *tile, char text[TILE_PATH_SIZE]);
/* Only what tile_path() writes, else STATUS_INVALID: so a tile has one address. */
enum status tile_parse(struct str path, struct tile *out_tile) MUST_CHECK;

/*
 * The tiles that a tree of `to` leaves has and one of `from` has not: from 0, all of them.
 * Lower levels first, each from left to right; a tile that grew is new.
 */
struct tile_walk {
    enum tile_kind kind;
    uint64_t from;
    uint64_t to;
    unsigned level;
    uint64_t index;
};
/* CHECKs that from is at most to, and to at most TREE_SIZE_MAX. */
void tile_walk_init(struct tile_walk *walk, enum tile_kind kind, uint64_t from, uint64_t to);
bool tile_walk_next(struct tile_walk *walk, struct tile *out_tile);

#endif
