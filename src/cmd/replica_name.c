#include "cmd/replica_name.h"

#include <string.h>

#include "cmd/pause.h"

enum { LOOK_MS = 100 };

/* NULL: nobody else has said within LEASE_RIVAL_MS that it is the party. */
static const struct lease_member *rival_find(const struct lease_party *party, uint32_t lane,
                                             const struct lease_member *members, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct lease_member *member = &members[i];
        bool same = member->lane == lane && strcmp(member->party.name, party->name) == 0 &&
                    strcmp(member->party.url, party->url) != 0;
        bool runs = member->stage != LEASE_STAGE_STOPPED;
        if (same && runs && member->age_ms <= LEASE_RIVAL_MS) return member;
    }
    return NULL;
}

enum status replica_name_check(struct lease *lease, const struct lease_party *party, uint32_t lane,
                               struct lease_member *members, struct error *out_error)
{
    int64_t before_ms = INT64_MAX;
    for (bool first = true;; first = false) {
        uint32_t count = 0;
        enum status status = lease->members(lease, members, LEASE_MEMBERS_MAX, &count, out_error);
        if (status != STATUS_OK) return status;
        const struct lease_member *rival = rival_find(party, lane, members, count);
        if (rival == NULL) return STATUS_OK;
        if (!first && rival->age_ms < before_ms) { /* it has said so again */
            (void)error_set(out_error, STATUS_CONFLICT, "another server is the replica '%s': %s",
                            party->name, rival->party.url);
            error_hint(out_error, "give each server a --replica-name of its own");
            return STATUS_CONFLICT;
        }
        before_ms = rival->age_ms;
        pause_ms(LOOK_MS);
    }
}
