/* memtable.h - the newest entries of an index, in memory, until they become a sorted run. */
#ifndef WALLET_MEMTABLE_H
#define WALLET_MEMTABLE_H

#include "base/id_map.h"
#include "crypto/digest.h"
#include "model/id.h"

/* One entry of an index: a key may have several, in journal order. */
struct index_entry {
    struct uuid key;
    struct locator locator;
};
_Static_assert(sizeof(struct index_entry) == 24, "stored as it is in runs");

/* Entries in the order of coming, and a map over them. Frozen, it is read by two tasks. */
struct memtable {
    struct index_entry *entries;
    uint32_t count;
    uint32_t entries_max;
    struct id_map map;
    struct uuid key_min;
    struct uuid key_max;
    uint64_t last_batch; /* when frozen: everything up to and with this batch is in it or older */
    struct digest last_hash; /* of that batch, once it is durable: */
    bool last_known;
    struct memtable *next;
};

/* STATUS_LIMIT when the address space is refused. */
enum status memtable_new(uint32_t entries_max, uint64_t seed, struct memtable **out_table)
    MUST_CHECK;
/* Accepts NULL. */
void memtable_free(struct memtable *table);
void memtable_reset(struct memtable *table);

void memtable_insert(struct memtable *table, struct uuid key, struct locator locator);
/* The oldest entry of the key; false when there is none. */
bool memtable_find(const struct memtable *table, struct uuid key, struct locator *out_locator);
/* The records of a key above `after`, in journal order: room for `limit` is the caller's. */
struct index_query {
    struct uuid key;
    struct locator after;
    struct locator *out_locators;
    uint32_t limit;
};

/* Adds to the `have` locators that the query's array holds; returns how many were added. */
uint32_t memtable_find_after(const struct memtable *table, const struct index_query *query,
                             uint32_t have);

static inline bool memtable_may_hold(const struct memtable *table, struct uuid key)
{
    return table->count > 0 && uuid_compare(key, table->key_min) >= 0 &&
           uuid_compare(key, table->key_max) <= 0;
}

/*
 * Sorts `count` entries by key, then locator, in place, with `scratch` of the same size: a
 * merge of the ascending stretches that are already there, so ordered input costs one pass.
 */
void index_entries_sort(struct index_entry *entries, struct index_entry *scratch, uint32_t count);

static inline int index_entry_compare(const struct index_entry *a, const struct index_entry *b)
{
    int order = uuid_compare(a->key, b->key);
    if (order != 0) return order;
    return a->locator.packed < b->locator.packed ? -1 : a->locator.packed > b->locator.packed;
}

#endif
