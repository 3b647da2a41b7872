/* postgres_guard.h - what an owner writes beside its journal, refused once the lane is another's. */
#ifndef ADAPTER_POSTGRES_GUARD_H
#define ADAPTER_POSTGRES_GUARD_H

#include "adapter/postgres_pool.h"

/*
 * A statement that begins with
 *
 *   WITH POSTGRES_GUARD, done AS (INSERT …) SELECT POSTGRES_GUARD_HOLDS
 *
 * is carried out while the lane's epoch is its writer's, and else is a division by zero, which
 * takes back all of it. The lane's row is held until it is committed, against claims and not
 * against commits: so a claim waits for it, or it for the claim. Its own parameters begin at $3.
 */
#define POSTGRES_GUARD                                                                             \
    "owner AS (SELECT 1 FROM lane WHERE number = $1::int4 AND epoch = $2::int8 FOR KEY SHARE)"
#define POSTGRES_GUARD_HOLDS "1 / (SELECT count(*) FROM owner)"

/*
 * Who claimed a lane, by the epoch of that claim (port/store.h). Epoch 0 is nobody's: a store that
 * is opened for it only reads, any server will do, and the schema is left as it is.
 */
struct postgres_owner {
    uint32_t lane;
    uint64_t epoch;
};

/* Ahead of the statement's own parameters. CHECKs that there are none yet. */
void postgres_guard_bind(struct postgres_parameters *parameters, struct postgres_owner owner);

/*
 * The connections of an owner's store, once the schema is made or brought up. name: what the
 * server shows. As postgres_pool_open() and postgres_pool_migrate().
 */
enum status postgres_owner_pool_open(struct postgres_pool *pool, const char *url, const char *name,
                                     struct postgres_owner owner, struct error *out_error)
    MUST_CHECK;

#endif
