#include "wallet/lane_share.h"

#include <string.h>

#include "base/check.h"

static bool is_live(const struct lease_member *member)
{
    return member->age_ms <= LANE_SHARE_AGE_MS_MAX;
}

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

uint32_t lane_share_wait_ms(uint32_t owned)
{
    if (owned >= LANE_SHARE_WAIT_MS_MAX / LANE_SHARE_WAIT_MS) return LANE_SHARE_WAIT_MS_MAX;
    return owned * LANE_SHARE_WAIT_MS;
}

static uint32_t owned_by(const struct lease_member *members, uint32_t count, const char *name)
{
    uint32_t owned = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (members[i].holds && is_live(&members[i]) && same(members[i].party.name, name)) owned++;
    }
    return owned;
}

static bool could_own(const struct lease_member *member, uint32_t lane, const char *self,
                      const char *wanted)
{
    return member->lane == lane && member->warm && !member->holds && is_live(member) &&
           !same(member->party.name, self) &&
           (wanted[0] == '\0' || same(member->party.name, wanted));
}

const char *lane_share_heir(const struct lease_member *members, uint32_t count, uint32_t lane,
                            const char *self, const char *wanted)
{
    uint32_t fewest = UINT32_MAX;
    uint32_t heirs = 0; /* with as few */
    for (uint32_t i = 0; i < count; i++) {
        if (!could_own(&members[i], lane, self, wanted)) continue;
        uint32_t owned = owned_by(members, count, members[i].party.name);
        if (owned > fewest) continue;
        heirs = owned < fewest ? 1 : heirs + 1;
        fewest = owned;
    }
    if (heirs == 0) return NULL;
    uint32_t place = lane % heirs;
    for (uint32_t i = 0; i < count; i++) {
        if (!could_own(&members[i], lane, self, wanted)) continue;
        if (owned_by(members, count, members[i].party.name) != fewest) continue;
        if (place-- == 0) return members[i].party.name;
    }
    CHECK(false);
    return NULL;
}

bool lane_share_lacks(const struct lease_member *members, uint32_t count, const char *self,
                      uint32_t *out_lane)
{
    uint32_t most = owned_by(members, count, self) + 1;
    bool lacks = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!members[i].holds || !is_live(&members[i])) continue;
        uint32_t owned = owned_by(members, count, members[i].party.name);
        if (owned <= most) continue;
        most = owned;
        *out_lane = members[i].lane;
        lacks = true;
    }
    return lacks;
}
