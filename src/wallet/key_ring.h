/* key_ring.h - the API keys of a ledger with several lanes: lane 0's, wherever they are asked for. */
#ifndef WALLET_KEY_RING_H
#define WALLET_KEY_RING_H

#include "wallet/lane.h"

/*
 * Keys are made and revoked in lane 0. A process that owns another lane follows lane 0, or owns it
 * too, and looks keys up there. While it has lane 0 not in memory, as it is recovered anew, or
 * there, but not known to be up to date, what was known last counts, for KEY_RING_KEPT_S: a key may
 * be revoked meanwhile. Any task. Memory: room for CREDENTIALS_MAX, reserved.
 */
struct key_ring;

enum { KEY_RING_KEPT_S = 60 };

/* STATUS_LIMIT: no memory. */
enum status key_ring_new(struct sync *sync, struct clock *clock, struct key_ring **out_ring)
    MUST_CHECK;
/* Accepts NULL. */
void key_ring_free(struct key_ring *ring);

/*
 * The lane's keys count, until key_ring_leave(), before which it must stay open. To be called again
 * with each look that finds it whole: nothing before `whole_at` is missing in it. MONOTONIC_NEVER:
 * nor ever will, since nobody else can own it.
 */
void key_ring_follow(struct key_ring *ring, struct lane *lane, struct monotonic_time whole_at);
/* The lane is about to be closed: its keys of now are kept. Nothing, when it is not followed. */
void key_ring_leave(struct key_ring *ring);

/*
 * As lane_credential_by_digest(). STATUS_UNAVAILABLE: no lane was ever followed, or the last
 * one was whole, or left, too long ago.
 */
enum status key_ring_find(struct key_ring *ring, const struct digest *secret_digest,
                          struct credential *out_credential) MUST_CHECK;

#endif
