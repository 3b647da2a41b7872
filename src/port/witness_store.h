/* witness_store.h - what a witness cosigned last of each log: one note per origin. */
#ifndef PORT_WITNESS_STORE_H
#define PORT_WITNESS_STORE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"

/*
 * A witness that forgets can be made to cosign a contradiction: what is written is on the disk
 * before anybody hears of it. One task at a time. Each call within WITNESS_STORE_CALL_S_MAX.
 */
enum {
    WITNESS_STORE_CALL_S_MAX = 10,
    WITNESS_STORE_NOTE_SIZE_MAX = 8 << 10, /* a checkpoint's text and one signature are less */
};

struct witness_store {
    /*
     * Replaces out_note's contents. STATUS_NOT_FOUND: nothing was ever written for this origin.
     * STATUS_LIMIT: out_note is too small. STATUS_UNAVAILABLE.
     */
    enum status (*read)(struct witness_store *store, struct str origin, struct buf *out_note,
                        struct error *out_error);
    /*
     * STATUS_OK: durable. STATUS_LIMIT (the disk is full), STATUS_UNAVAILABLE: as it was before.
     * STATUS_IN_DOUBT: the one or the other, and nobody can tell before the next start.
     */
    enum status (*write)(struct witness_store *store, struct str origin, struct str note,
                         struct error *out_error);
    void (*close)(struct witness_store *store);
};

#endif
