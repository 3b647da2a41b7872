/* reserves_reading.h - what an asset's accounts stood at, as of a position of the signed journal. */
#ifndef WALLET_RESERVES_READING_H
#define WALLET_RESERVES_READING_H

#include "base/id_map.h"
#include "model/asset.h"
#include "model/position.h"
#include "port/store.h"
#include "wallet/log_files.h"

/*
 * Reads the journal from its first batch to the last one that the log's checkpoint covers, adds up
 * what every account of the asset was given and took, and makes every leaf of the log again: only
 * when they give the root that was signed does the reading count. So a position in the past, too,
 * is one of the history that was signed.
 */
struct reserves_reading_options {
    struct store *journal;
    const struct secret *leaf_key; /* LEAF_KEY_SIZE */
    const struct tree_head *log;   /* of a checkpoint whose signature was verified; not empty */
    uint32_t lane;
    struct str asset;   /* its code */
    struct position at; /* its index may be POSITION_INDEX_END; batch 0: all that is signed */
    uint64_t seed;      /* of a hash table, unpredictable */
    /* NULL, or told how far it is, now and then and at the end. */
    void (*progress)(void *argument, uint64_t leaves, uint64_t leaves_all);
    void *argument;
};

enum {
    /* Each takes 96 bytes, and 16 for its place in the map. */
    RESERVES_ACCOUNTS_MAX = 1 << 26,
};

struct reserves_standing {
    struct account_id id; /* first: for the map */
    struct balance balance;
    uint32_t kind; /* enum account_kind */
};

struct reserves_reading {
    struct asset asset;
    struct position at; /* a unit's */
    uint64_t index;     /* of its leaf in the log */
    struct reserves_standing *standings;
    uint64_t count;
    struct id_map map;
};

/*
 * STATUS_NOT_FOUND: there is no such asset or unit. STATUS_UNAVAILABLE: the position is not signed
 * yet, or the journal cannot be read. STATUS_CORRUPT: the journal is damaged, or is not the one
 * that was signed, or its debits and credits differ. STATUS_LIMIT. On failure nothing is kept.
 */
enum status reserves_reading_open(const struct reserves_reading_options *options,
                                  struct reserves_reading *out_reading, struct error *out_error)
    MUST_CHECK;
/* Accepts a zeroed one. */
void reserves_reading_close(struct reserves_reading *reading);

/* NULL: there is no such account of this asset. */
const struct reserves_standing *reserves_reading_find(const struct reserves_reading *reading,
                                                      struct account_id id);

#endif
