/* doctor_database.h - a database's state at one instant as sources of a bundle, whatever database. */
#ifndef CMD_DOCTOR_DATABASE_H
#define CMD_DOCTOR_DATABASE_H

#include "adapter/database_state.h"
#include "cmd/doctor_bundle.h"

struct doctor_database {
    const char *system;    /* whose word it is */
    const char *collector; /* what read it */
    struct database_instant instant;
    void *connection;
    bool without_relays; /* nobody reads its log by a slot */
    /* As postgres_state_read(). STATUS_DENIED: this part is not for this user. */
    enum status (*read)(void *connection, enum database_part part,
                        const struct database_visitor *visitor, bool *out_whole,
                        struct error *out_error);
};

/*
 * A source for each part: covered at that instant only, and not at all as far as something was
 * hidden.
 */
enum status doctor_database_collect(struct doctor_bundle *bundle,
                                    const struct doctor_database *database) MUST_CHECK;

#endif
