#include "wallet/key_ring.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/reserve.h"

struct key_ring {
    struct sync *sync;
    struct clock *clock;
    struct monitor *monitor; /* guards the rest */
    struct lane *lane;       /* NULL: what is kept counts */
    bool known;
    struct monotonic_time until; /* what is known counts */
    uint32_t count;
    struct credential kept[CREDENTIALS_MAX];
};

enum status key_ring_new(struct sync *sync, struct clock *clock, struct key_ring **out_ring)
{
    struct key_ring *ring = reserve_new(sizeof *ring);
    if (ring == NULL) return STATUS_LIMIT;
    ring->sync = sync;
    ring->clock = clock;
    ring->monitor = sync->monitor_new(sync, "key-ring");
    *out_ring = ring;
    return STATUS_OK;
}

void key_ring_free(struct key_ring *ring)
{
    if (ring == NULL) return;
    ring->sync->monitor_free(ring->monitor);
    reserve_free(ring, sizeof *ring);
}

static struct monotonic_time kept_until(struct monotonic_time since)
{
    int64_t kept_ns = KEY_RING_KEPT_S * NS_PER_S;
    return since.ns > INT64_MAX - kept_ns ? MONOTONIC_NEVER
                                          : (struct monotonic_time){ since.ns + kept_ns };
}

void key_ring_follow(struct key_ring *ring, struct lane *lane, struct monotonic_time whole_at)
{
    ring->sync->lock(ring->monitor);
    ring->lane = lane;
    ring->known = true;
    ring->until = kept_until(whole_at);
    ring->sync->unlock(ring->monitor);
}

void key_ring_leave(struct key_ring *ring)
{
    struct monotonic_time until = kept_until(clock_monotonic(ring->clock));
    ring->sync->lock(ring->monitor);
    if (ring->lane != NULL) {
        ring->count = lane_credentials(ring->lane, ring->kept, CREDENTIALS_MAX);
        if (until.ns < ring->until.ns) ring->until = until;
    }
    ring->lane = NULL;
    ring->sync->unlock(ring->monitor);
}

static enum status kept_find(const struct key_ring *ring, const struct digest *secret_digest,
                             struct credential *out_credential)
{
    for (uint32_t i = 0; i < ring->count; i++) {
        const struct credential *credential = &ring->kept[i];
        if (credential->revoked || !digest_equal(&credential->secret_digest, secret_digest))
            continue;
        *out_credential = *credential;
        return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}

enum status key_ring_find(struct key_ring *ring, const struct digest *secret_digest,
                          struct credential *out_credential)
{
    ring->sync->lock(ring->monitor);
    enum status status = STATUS_UNAVAILABLE;
    bool counts = ring->known && clock_monotonic(ring->clock).ns < ring->until.ns;
    if (counts)
        status = ring->lane != NULL
                     ? lane_credential_by_digest(ring->lane, secret_digest, out_credential)
                     : kept_find(ring, secret_digest, out_credential);
    ring->sync->unlock(ring->monitor);
    return status;
}
