/* bundle.h - entry bundles of C2SP tlog-tiles: entries behind their lengths, in two bytes. */
#ifndef TLOG_BUNDLE_H
#define TLOG_BUNDLE_H

#include "base/buf.h"
#include "tlog/tile.h"

enum {
    BUNDLE_ENTRY_SIZE_MAX = UINT16_MAX, /* what two bytes can say */
    BUNDLE_SIZE_MAX = TILE_WIDTH * (2 + BUNDLE_ENTRY_SIZE_MAX),
};

/* CHECKs that the entry has at most BUNDLE_ENTRY_SIZE_MAX bytes; buf keeps its own maximum. */
void bundle_append(struct buf *bundle, struct str entry);

/*
 * Cuts the first entry off the front of *rest; it stays in the bundle's bytes. STATUS_NOT_FOUND
 * when nothing is left, STATUS_INVALID when an entry is cut short. How many entries there must
 * be is known from the tile, and that they are the right ones from its hashes.
 */
enum status bundle_next(struct str *rest, struct str *out_entry) MUST_CHECK;

#endif
