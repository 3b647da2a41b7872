/* Linear probing; removal shifts back what follows, so there are no tombstones to wade through. */
#include "base/id_map.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"

static struct uuid entry_id(const struct id_map *map, uint32_t entry)
{
    struct uuid id;
    memcpy(&id, map->entries + entry * map->stride, sizeof id);
    return id;
}

static uint64_t slots_for(uint64_t entries_max)
{
    uint64_t slots = 64;
    while (slots < entries_max * 2) slots *= 2;
    return slots;
}

enum status id_map_init(struct id_map *map, const void *entries, uint64_t stride,
                        uint64_t entries_max, uint64_t seed)
{
    CHECK(entries_max > 0 && entries_max < ID_MAP_NONE);
    CHECK(stride >= sizeof(struct uuid));
    uint64_t slot_count = slots_for(entries_max);
    struct id_map_slot *slots = reserve_new(slot_count * sizeof *slots);
    if (slots == NULL) return STATUS_LIMIT;
    *map = (struct id_map){
        .slots = slots,
        .slot_count = slot_count,
        .entries = entries,
        .stride = stride,
        .seed = seed,
        .entries_max = entries_max,
    };
    return STATUS_OK;
}

void id_map_free(struct id_map *map)
{
    if (map->slots == NULL) return;
    reserve_free(map->slots, map->slot_count * sizeof *map->slots);
    *map = (struct id_map){ 0 };
}

void id_map_reset(struct id_map *map)
{
    if (map->count == 0) return;
    memset(map->slots, 0, map->slot_count * sizeof *map->slots);
    map->count = 0;
}

/* From slot *probe on; leaves *probe behind the slot that was found. */
static uint32_t find_from(const struct id_map *map, struct uuid id, uint32_t hash, uint64_t *probe)
{
    uint64_t mask = map->slot_count - 1;
    for (uint64_t at = *probe & mask;; at = (at + 1) & mask) {
        struct id_map_slot slot = map->slots[at];
        if (slot.entry_plus_one == 0) return ID_MAP_NONE;
        if (slot.hash != hash) continue;
        if (!uuid_equal(entry_id(map, slot.entry_plus_one - 1), id)) continue;
        *probe = at + 1;
        return slot.entry_plus_one - 1;
    }
}

uint32_t id_map_find(const struct id_map *map, struct uuid id)
{
    uint32_t hash = id_map_hash(id, map->seed);
    uint64_t probe = hash;
    return find_from(map, id, hash, &probe);
}

uint32_t id_map_find_first(const struct id_map *map, struct uuid id, uint64_t *probe)
{
    uint32_t hash = id_map_hash(id, map->seed);
    *probe = hash;
    return find_from(map, id, hash, probe);
}

uint32_t id_map_find_next(const struct id_map *map, struct uuid id, uint64_t *probe)
{
    return find_from(map, id, id_map_hash(id, map->seed), probe);
}

void id_map_insert(struct id_map *map, uint32_t entry)
{
    CHECK(map->count < map->entries_max);
    CHECK(entry < map->entries_max);
    uint32_t hash = id_map_hash(entry_id(map, entry), map->seed);
    uint64_t mask = map->slot_count - 1;
    uint64_t at = hash & mask;
    while (map->slots[at].entry_plus_one != 0) at = (at + 1) & mask;
    map->slots[at] = (struct id_map_slot){ hash, entry + 1 };
    map->count++;
}

void id_map_remove(struct id_map *map, uint32_t entry)
{
    uint64_t mask = map->slot_count - 1;
    uint64_t at = id_map_hash(entry_id(map, entry), map->seed) & mask;
    while (map->slots[at].entry_plus_one != entry + 1) {
        CHECK(map->slots[at].entry_plus_one != 0);
        at = (at + 1) & mask;
    }
    uint64_t hole = at;
    for (uint64_t next = (hole + 1) & mask; map->slots[next].entry_plus_one != 0;
         next = (next + 1) & mask) {
        uint64_t home = map->slots[next].hash & mask;
        if (((next - home) & mask) < ((next - hole) & mask)) continue; /* home lies after hole */
        map->slots[hole] = map->slots[next];
        hole = next;
    }
    map->slots[hole] = (struct id_map_slot){ 0 };
    map->count--;
}
