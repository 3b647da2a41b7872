/* id_map.h - from a 128-bit id to the number of its entry in an array kept elsewhere. */
#ifndef BASE_ID_MAP_H
#define BASE_ID_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "base/uuid.h"

/*
 * Open addressing over eight bytes a slot, at most half full; the ids themselves stay in the
 * entries, whose first field must be their struct uuid. Reserved for `entries_max` at init:
 * it never grows, so no insert is ever slow. The seed makes slots unpredictable to whoever
 * chooses ids; it changes no result.
 *
 * One task at a time.
 */
enum { ID_MAP_NONE = UINT32_MAX };

struct id_map_slot {
    uint32_t hash;
    uint32_t entry_plus_one; /* 0: free */
};

struct id_map {
    struct id_map_slot *slots;
    uint64_t slot_count; /* a power of two */
    const uint8_t *entries;
    uint64_t stride;
    uint64_t seed;
    uint64_t count;
    uint64_t entries_max;
};

/* STATUS_LIMIT when the address space is refused. entries outlives the map. */
enum status id_map_init(struct id_map *map, const void *entries, uint64_t stride,
                        uint64_t entries_max, uint64_t seed) MUST_CHECK;
/* Accepts a zeroed map. */
void id_map_free(struct id_map *map);
/* Forgets every entry; the cost is that of the slots in use. */
void id_map_reset(struct id_map *map);

static inline uint32_t id_map_hash(struct uuid id, uint64_t seed)
{
    return (uint32_t)hash_uuid(id, seed);
}

/* Brings the slot of an id near; changes nothing. */
static inline void id_map_prefetch(const struct id_map *map, struct uuid id)
{
    __builtin_prefetch(&map->slots[id_map_hash(id, map->seed) & (map->slot_count - 1)]);
}

/* The entry's number (of several with this id, the first inserted), or ID_MAP_NONE. */
uint32_t id_map_find(const struct id_map *map, struct uuid id);
/*
 * All entries of an id, in the order in which they were inserted, as long as none was removed:
 * first with any *probe, then next with the same, until ID_MAP_NONE.
 */
uint32_t id_map_find_first(const struct id_map *map, struct uuid id, uint64_t *probe);
uint32_t id_map_find_next(const struct id_map *map, struct uuid id, uint64_t *probe);
/* The entry must already hold its id. */
void id_map_insert(struct id_map *map, uint32_t entry);
/* The entry must still hold its id, and must be in the map. */
void id_map_remove(struct id_map *map, uint32_t entry);

#endif
