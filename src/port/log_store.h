/* log_store.h - the files of a verifiable log, and the record of what was last signed. */
#ifndef PORT_LOG_STORE_H
#define PORT_LOG_STORE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "crypto/digest.h"

/*
 * Files are named as C2SP tlog-tiles has them: "checkpoint", "tile/0/000", "tile/entries/x001/234"
 * (tlog/tile.h makes the names). All of them can be made again from the journal and the log's
 * key; the head cannot: it says what a signature was given for, and is kept apart from them.
 *
 * write, remove, sync and head_write: one task. read and head_read: any task. Each call within
 * LOG_STORE_CALL_S_MAX. STATUS_UNAVAILABLE may come from every call.
 */
enum {
    LOG_STORE_CALL_S_MAX = 10,
    LOG_STORE_NAME_LEN_MAX = 64,
};

struct log_head {
    uint64_t size; /* leaves: all units of the journal's batches up to `batch` */
    struct digest root;
    uint64_t batch;
    struct digest batch_hash; /* of that batch, and so of all before */
    uint64_t epoch;           /* of the owner who signed */
};

struct log_store {
    /* Replaces out_bytes' contents. STATUS_NOT_FOUND; STATUS_LIMIT: out_bytes is too small. */
    enum status (*read)(struct log_store *store, struct str name, struct buf *out_bytes,
                        struct error *out_error);
    /*
     * A whole tile has TILE_WIDTH hashes, and no whole bundle is empty. Whole bundles come in their
     * order, at the beginning or anywhere where they were written before.
     *
     * The file is there whole or as it was before, for every reader, unless the power goes before
     * the next sync: then it may be anything. STATUS_LIMIT: the disk is full.
     */
    enum status (*write)(struct log_store *store, struct str name, struct str bytes,
                         struct error *out_error);
    /* One that is not there is fine. Never a whole tile: those stay. */
    enum status (*remove)(struct log_store *store, struct str name, struct error *out_error);
    /* What was written before is durable on STATUS_OK. */
    enum status (*sync)(struct log_store *store, struct error *out_error);

    /* STATUS_NOT_FOUND: nothing was ever signed. STATUS_CORRUPT. */
    enum status (*head_read)(struct log_store *store, struct log_head *out_head,
                             struct error *out_error);
    /* Durable on STATUS_OK, whole or as before in any case. */
    enum status (*head_write)(struct log_store *store, const struct log_head *head,
                              struct error *out_error);
    void (*close)(struct log_store *store);
};

#endif
