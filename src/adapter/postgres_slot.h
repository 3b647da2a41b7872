/* postgres_slot.h - what waits in a logical replication slot, looked at and left where it is. */
#ifndef ADAPTER_POSTGRES_SLOT_H
#define ADAPTER_POSTGRES_SLOT_H

#include "adapter/postgres_connection.h"

struct postgres_slot {
    const char *name;
    const char *publication;
};

/* What a slot has of the log, and of which tables. */
struct postgres_slot_extent {
    int64_t from_pos; /* behind what was confirmed */
    int64_t to_pos;   /* what the server had written when it was asked */
    bool whole; /* the publication has inserts, updates, deletes and truncations, and all rows */
};

struct postgres_slot_visitor {
    void *context;
    /* A table that is published, before the messages: SCHEMA.NAME. */
    enum status (*table)(void *context, struct str name);
    /* One message of pgoutput, protocol version 1, and its place. */
    enum status (*message)(void *context, int64_t pos, struct str bytes);
};

/*
 * All from the slot's confirmed position to the end of the log, whole transactions in the order of
 * their commits. Nothing is confirmed: whoever reads the slot next reads the same. The server keeps
 * the answer in files of its own while it is taken. STATUS_INVALID: no such slot or publication, not
 * of pgoutput, of another database. STATUS_CONFLICT: somebody is reading it. STATUS_DENIED: the user
 * has not the attribute REPLICATION. Otherwise as postgres_failure(); what a visitor returns that
 * is not OK ends it.
 */
enum status postgres_slot_peek(struct postgres_connection *connection,
                               const struct postgres_slot *slot,
                               const struct postgres_slot_visitor *visitor,
                               struct postgres_slot_extent *out_extent, struct error *out_error)
    MUST_CHECK;

#endif
