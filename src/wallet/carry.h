/* carry.h - what is made in lane 0 alone and counts in all: custom assets, rates, the closed period. */
#ifndef WALLET_CARRY_H
#define WALLET_CARRY_H

#include "wallet/lane.h"

/*
 * A process has one carry for all lanes of a ledger that it has in memory, owned or followed. Whoever
 * owns another lane than 0 runs a carrier for it: it compares the two registries, and makes in its
 * lane what lane 0 has and it lacks, in lane 0's order. Nothing else is kept, so a crash anywhere
 * loses and doubles nothing, and whoever owns the lane next goes on. Whoever made the act in lane 0
 * waits, before it is answered, until all lanes have it (carry_is_everywhere()).
 *
 * A rate may be set again and again, so an old copy of lane 0 must not undo what a former owner has
 * carried: a carrier believes only what was whole at a time after it began, when nobody else could
 * write to its lane any more.
 *
 * Any task. Memory: about 1 KiB; of a carrier about 220 KiB.
 */
struct carry;

enum { CARRY_WAIT_MS = 3000 }; /* an answer waits so long for all lanes; then it is in doubt */

/* STATUS_LIMIT: no memory. */
enum status carry_new(struct sync *sync, uint32_t lanes, struct carry **out_carry) MUST_CHECK;
/* Accepts NULL. */
void carry_free(struct carry *carry);

/*
 * The lane's memory counts until carry_leave(): it stays open. It held everything that was durable
 * at whole_at, at least; told again and again. MONOTONIC_NEVER: nobody else ever owns it.
 */
void carry_enter(struct carry *carry, uint32_t number, struct lane *lane,
                 struct monotonic_time whole_at);
/* The lane is about to be closed. Nothing, when it has not entered. */
void carry_leave(struct carry *carry, uint32_t number);

/* Whether an act of this kind is made in lane 0 only, and for all lanes. */
bool carry_concerns(enum admin_kind kind);

/*
 * Whether every lane is known to have durably what lane 0 has of what the act, done or refused
 * there, is about.
 */
bool carry_is_everywhere(struct carry *carry, const struct admin *admin);

struct carrier;

struct carrier_status {
    uint64_t carried; /* acts made since the start */
    bool even;        /* the lane has all that lane 0 was seen to have */
    bool broken; /* its custom assets are not lane 0's: nothing is carried. An alarm says which */
};

/*
 * For the lane of this number, not 0, which this process owns. STATUS_LIMIT: no memory;
 * STATUS_UNAVAILABLE: no task can be started.
 */
enum status carrier_start(struct carry *carry, uint32_t number, struct lane *lane,
                          const struct lane_ports *ports, struct carrier **out_carrier,
                          struct error *out_error) MUST_CHECK;
/* Before lane_close(). Accepts NULL. */
void carrier_stop(struct carrier *carrier);
void carrier_get_status(struct carrier *carrier, struct carrier_status *out_status);

#endif
