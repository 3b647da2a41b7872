/* postgres_state.h - what a PostgreSQL says of itself at one instant, to whoever may ask. */
#ifndef ADAPTER_POSTGRES_STATE_H
#define ADAPTER_POSTGRES_STATE_H

#include "adapter/database_state.h"
#include "adapter/postgres_connection.h"

/* Its version, and its clock beside ours. As postgres_failure(). */
enum status postgres_state_instant(struct postgres_connection *connection,
                                   struct database_instant *out_instant, struct error *out_error)
    MUST_CHECK;

/*
 * Settings that decide what a commit is worth, and where sequences stand; who waits for whose lock,
 * and prepared transactions; standbys; replication slots. *out_whole: nothing was hidden from this
 * user, who needs to be a member of pg_monitor for it, and may read the sequences. As
 * postgres_failure().
 */
enum status postgres_state_read(struct postgres_connection *connection, enum database_part part,
                                const struct database_visitor *visitor, bool *out_whole,
                                struct error *out_error) MUST_CHECK;

#endif
