/* postgres_write.h - the one connection that appends to a lane in PostgreSQL: all or nothing. */
#ifndef ADAPTER_POSTGRES_WRITE_H
#define ADAPTER_POSTGRES_WRITE_H

#include "adapter/postgres_connection.h"
#include "adapter/postgres_journal.h"

/*
 * A commit is one pipeline, one round trip: BEGIN, the guarded move of the head, the batch, its
 * slices, COMMIT. Each connection that appends takes a number first, which the guard compares
 * too: so that what an older connection left under way, cut off before its answer came, cannot
 * be committed behind the back of whoever asked whether it was. Calls by one task at a time.
 */
struct postgres_write {
    struct postgres_connection_options options; /* its texts are the owner's */
    struct postgres_connection *connection;     /* NULL: not open */
    uint32_t lane;
    uint64_t writer; /* 0: none was taken on this connection */
    uint64_t epoch;  /* of the newest claim or append that went well; 0: none */
};

/*
 * Makes the connection, if there is none that is good; the tables may be lacking yet. As
 * postgres_connection_open().
 */
enum status postgres_write_open(struct postgres_write *write, struct error *out_error) MUST_CHECK;
/* Accepts a zeroed struct. */
void postgres_write_close(struct postgres_write *write);

/* The calls of port/store.h of the same names. A claim in doubt is STATUS_IN_DOUBT. */
enum status postgres_write_claim(struct postgres_write *write, struct store_head *out_head,
                                 struct error *out_error) MUST_CHECK;
enum status postgres_write_append(struct postgres_write *write, const struct store_batch *batch,
                                  struct error *out_error) MUST_CHECK;

/*
 * After a commit in doubt, on a new connection: what was left under way is committed or never
 * will be, and what is then seen is durable, at the standbys too that commits wait for. As
 * postgres_connection_open().
 */
enum status postgres_write_settle(struct postgres_write *write, struct error *out_error) MUST_CHECK;

#endif
