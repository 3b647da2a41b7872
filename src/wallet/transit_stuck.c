#include "wallet/transit_stuck.h"

static uint32_t entry_find(const struct transit_stuck *stuck, struct transfer_id departure)
{
    uint32_t at = 0;
    while (at < stuck->count && !uuid_equal(stuck->entries[at].departure.value, departure.value))
        at++;
    return at;
}

bool transit_stuck_add(struct transit_stuck *stuck, struct transfer_id departure, bool paid,
                       const char *outcome)
{
    uint32_t at = entry_find(stuck, departure);
    if (at == TRANSIT_STUCK_MAX) return false;
    if (at == stuck->count) stuck->count++;
    stuck->entries[at] = (struct transit_stuck_entry){ departure, outcome, paid, true };
    return true;
}

bool transit_stuck_has(struct transit_stuck *stuck, struct transfer_id departure, bool paid)
{
    uint32_t at = entry_find(stuck, departure);
    if (at == stuck->count) return false;
    bool same = stuck->entries[at].paid == paid;
    stuck->entries[at].seen = true;
    if (!same) stuck->entries[at] = stuck->entries[--stuck->count];
    return same;
}

const char *transit_stuck_outcome(const struct transit_stuck *stuck, struct transfer_id departure,
                                  bool paid)
{
    uint32_t at = entry_find(stuck, departure);
    bool same = at < stuck->count && stuck->entries[at].paid == paid;
    return same ? stuck->entries[at].outcome : NULL;
}

void transit_stuck_look(struct transit_stuck *stuck)
{
    for (uint32_t i = 0; i < stuck->count; i++) stuck->entries[i].seen = false;
}

void transit_stuck_looked(struct transit_stuck *stuck)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < stuck->count; i++) {
        if (stuck->entries[i].seen) stuck->entries[left++] = stuck->entries[i];
    }
    stuck->count = left;
}
