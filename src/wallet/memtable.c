/* Appending is sequential and the map's slots are small, so an insert costs about one miss. */
#include "wallet/memtable.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"

enum status memtable_new(uint32_t entries_max, uint64_t seed, struct memtable **out_table)
{
    struct memtable *table = reserve_new(sizeof *table);
    if (table == NULL) return STATUS_LIMIT;
    table->entries_max = entries_max;
    table->entries = reserve_new(entries_max * sizeof *table->entries);
    if (table->entries == NULL || id_map_init(&table->map, table->entries, sizeof *table->entries,
                                              entries_max, seed) != STATUS_OK) {
        memtable_free(table);
        return STATUS_LIMIT;
    }
    *out_table = table;
    return STATUS_OK;
}

void memtable_free(struct memtable *table)
{
    if (table == NULL) return;
    reserve_free(table->entries, table->entries_max * sizeof *table->entries);
    id_map_free(&table->map);
    reserve_free(table, sizeof *table);
}

void memtable_reset(struct memtable *table)
{
    id_map_reset(&table->map);
    table->count = 0;
    table->last_batch = 0;
    table->next = NULL;
}

void memtable_insert(struct memtable *table, struct uuid key, struct locator locator)
{
    CHECK(table->count < table->entries_max);
    uint32_t place = table->count++;
    table->entries[place] = (struct index_entry){ key, locator };
    if (place == 0 || uuid_compare(key, table->key_min) < 0) table->key_min = key;
    if (place == 0 || uuid_compare(key, table->key_max) > 0) table->key_max = key;
    id_map_insert(&table->map, place);
}

bool memtable_find(const struct memtable *table, struct uuid key, struct locator *out_locator)
{
    if (!memtable_may_hold(table, key)) return false;
    uint32_t place = id_map_find(&table->map, key);
    if (place == ID_MAP_NONE) return false;
    *out_locator = table->entries[place].locator;
    return true;
}

uint32_t memtable_find_after(const struct memtable *table, const struct index_query *query,
                             uint32_t have)
{
    uint32_t room = query->limit - have;
    if (room == 0 || !memtable_may_hold(table, query->key)) return 0;
    uint32_t found = 0;
    uint64_t probe = 0;
    for (uint32_t place = id_map_find_first(&table->map, query->key, &probe);
         place != ID_MAP_NONE && found < room;
         place = id_map_find_next(&table->map, query->key, &probe)) {
        struct locator locator = table->entries[place].locator;
        if (locator.packed > query->after.packed) query->out_locators[have + found++] = locator;
    }
    return found;
}

/* The end of the ascending stretch that begins at `from`. */
static uint32_t stretch_end(const struct index_entry *entries, uint32_t from, uint32_t count)
{
    uint32_t at = from + 1;
    while (at < count && index_entry_compare(&entries[at - 1], &entries[at]) <= 0) at++;
    return at;
}

static void stretches_merge(const struct index_entry *from, uint32_t middle, uint32_t end,
                            struct index_entry *to)
{
    uint32_t left = 0;
    uint32_t right = middle;
    for (uint32_t at = 0; at < end; at++) {
        bool take_left =
            right == end || (left < middle && index_entry_compare(&from[left], &from[right]) <= 0);
        to[at] = take_left ? from[left++] : from[right++];
    }
}

/* One pass: neighbouring stretches are merged in pairs. Returns how many stretches there were. */
static uint32_t sort_pass(const struct index_entry *from, struct index_entry *to, uint32_t count)
{
    uint32_t stretches = 0;
    for (uint32_t start = 0; start < count;) {
        uint32_t middle = stretch_end(from, start, count);
        uint32_t end = middle < count ? stretch_end(from, middle, count) : count;
        stretches += middle < count ? 2 : 1;
        stretches_merge(from + start, middle - start, end - start, to + start);
        start = end;
    }
    return stretches;
}

void index_entries_sort(struct index_entry *entries, struct index_entry *scratch, uint32_t count)
{
    struct index_entry *from = entries;
    struct index_entry *to = scratch;
    if (count == 0 || stretch_end(entries, 0, count) == count) return;
    while (sort_pass(from, to, count) > 2) {
        struct index_entry *sorted = to;
        to = from;
        from = sorted;
    }
    if (to != entries) memcpy(entries, to, count * sizeof *entries);
}
