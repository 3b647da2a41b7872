/* postgres_store.h - the store port over PostgreSQL: one lane of the tables in schema tpwallet. */
#ifndef ADAPTER_POSTGRES_STORE_H
#define ADAPTER_POSTGRES_STORE_H

#include "adapter/postgres_connection.h"
#include "base/uuid.h"
#include "port/store.h"

/*
 * A batch is one row; a commit is one pipelined transaction, whose first statement moves the
 * lane's head or fails. Acknowledged means: COMMIT was answered with COMMIT and no warning,
 * that is, on the server's disk and at the synchronous standbys it has.
 *
 * Connections: one that appends, made at the first claim or append; a few that read. Those that
 * are lost are made again; an append whose answer did not come is STATUS_IN_DOUBT.
 */
struct postgres_store_options {
    const char *url; /* without a password; copied */
    enum postgres_schema schema;
    uint32_t lane;
    uint32_t lanes;     /* of the ledger, as whoever opens it believes; 0: that is not looked at */
    struct uuid ledger; /* which one it is to be, or is made; nil: whichever it is */
    bool read_only;     /* nothing is written or migrated; claim and append are denied */
};

struct postgres_store_made {
    bool is_new;        /* whether any lane was made */
    struct uuid ledger; /* which one is there; nil when options->lanes is 0 */
};

/*
 * Makes what is lacking: the schema, and an empty lane, or all `lanes` at once where there are none,
 * with the ledger's id (a new one when options->ledger is nil). What is there stays as it is.
 * STATUS_INVALID: not a database that will do, or of a newer version; or the ledger there is another
 * one, or has another number of lanes. STATUS_DENIED, STATUS_UNAVAILABLE.
 */
enum status postgres_store_create(const struct postgres_store_options *options,
                                  struct postgres_store_made *out_made, struct error *out_error)
    MUST_CHECK;

/*
 * Brings the schema up, unless read_only. STATUS_CORRUPT: the head is not the newest batch's.
 * STATUS_NOT_FOUND: no such lane. STATUS_INVALID, STATUS_DENIED, STATUS_UNAVAILABLE as above.
 */
enum status postgres_store_open(const struct postgres_store_options *options,
                                struct store **out_store, struct error *out_error) MUST_CHECK;

/* Of a store that postgres_store_open() made: which ledger's it is. Nil: it has no id yet. */
struct uuid postgres_store_ledger(struct store *store);
/*
 * For one that has none, which may be written: where another writes one at the same time, one of
 * the two holds, and is the store's. STATUS_DENIED, STATUS_UNAVAILABLE.
 */
enum status postgres_store_set_ledger(struct store *store, struct uuid ledger,
                                      struct error *out_error) MUST_CHECK;

#endif
