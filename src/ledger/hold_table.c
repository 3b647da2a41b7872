/* Places are reused last freed first, which is what lets an undo find its place again. */
#include "ledger/hold_table.h"

#include "base/check.h"
#include "base/reserve.h"

struct wall_time hold_expires_at(struct wall_time stamp, uint32_t timeout_s)
{
    if (timeout_s == 0) return (struct wall_time){ 0 };
    struct wall_time expires_at;
    if (__builtin_add_overflow(stamp.ns, timeout_s * NS_PER_S, &expires_at.ns)) {
        expires_at.ns = INT64_MAX;
    }
    return expires_at;
}

enum status hold_table_init(struct hold_table *table, uint64_t holds_max, uint64_t seed)
{
    CHECK(holds_max > 0 && holds_max < HOLD_NONE);
    *table = (struct hold_table){ .holds_max = holds_max };
    table->holds = reserve_new(holds_max * sizeof *table->holds);
    table->heap = reserve_new(holds_max * sizeof *table->heap);
    table->departures = reserve_new(holds_max * sizeof *table->departures);
    bool reserved = table->holds != NULL && table->heap != NULL && table->departures != NULL;
    if (!reserved || id_map_init(&table->map, table->holds, sizeof *table->holds, holds_max,
                                 seed) != STATUS_OK) {
        hold_table_free(table);
        return STATUS_LIMIT;
    }
    hold_table_reset(table);
    return STATUS_OK;
}

void hold_table_free(struct hold_table *table)
{
    reserve_free(table->holds, table->holds_max * sizeof *table->holds);
    reserve_free(table->heap, table->holds_max * sizeof *table->heap);
    reserve_free(table->departures, table->holds_max * sizeof *table->departures);
    id_map_free(&table->map);
    *table = (struct hold_table){ 0 };
}

void hold_table_reset(struct hold_table *table)
{
    id_map_reset(&table->map);
    table->used = 0;
    table->free = HOLD_NONE;
    table->first = HOLD_NONE;
    table->last = HOLD_NONE;
    table->count = 0;
    table->heap_count = 0;
    table->departure_count = 0;
    hold_sweep_start(table);
}

void hold_sweep_start(struct hold_table *table)
{
    table->sweep = table->first;
    table->sweep_from = 1;
}

void hold_sweep_pass(struct hold_table *table)
{
    const struct hold *hold = &table->holds[table->sweep];
    table->sweep_from = hold->number + 1;
    table->sweep = hold->next;
}

uint32_t hold_find(const struct hold_table *table, struct transfer_id id)
{
    return id_map_find(&table->map, id.value); /* ID_MAP_NONE is HOLD_NONE */
}
_Static_assert((uint32_t)ID_MAP_NONE == (uint32_t)HOLD_NONE, "one way to say none");

static bool expires_before(const struct hold_table *table, uint32_t a, uint32_t b)
{
    const struct hold *left = &table->holds[a];
    const struct hold *right = &table->holds[b];
    if (left->expires_at.ns != right->expires_at.ns) {
        return left->expires_at.ns < right->expires_at.ns;
    }
    return left->number < right->number;
}

static void heap_place(struct hold_table *table, uint32_t at, uint32_t place)
{
    table->heap[at] = place;
    table->holds[place].heap_index = at;
}

static void heap_rise(struct hold_table *table, uint32_t at)
{
    uint32_t place = table->heap[at];
    while (at > 0) {
        uint32_t parent = (at - 1) / 4;
        if (!expires_before(table, place, table->heap[parent])) break;
        heap_place(table, at, table->heap[parent]);
        at = parent;
    }
    heap_place(table, at, place);
}

static uint32_t heap_earliest_child(const struct hold_table *table, uint32_t at)
{
    uint64_t first = (uint64_t)at * 4 + 1;
    uint32_t best = HOLD_NONE;
    for (uint64_t child = first; child < first + 4 && child < table->heap_count; child++) {
        if (best == HOLD_NONE || expires_before(table, table->heap[child], table->heap[best])) {
            best = (uint32_t)child;
        }
    }
    return best;
}

static void heap_sink(struct hold_table *table, uint32_t at)
{
    uint32_t place = table->heap[at];
    for (;;) {
        uint32_t child = heap_earliest_child(table, at);
        if (child == HOLD_NONE || !expires_before(table, table->heap[child], place)) break;
        heap_place(table, at, table->heap[child]);
        at = child;
    }
    heap_place(table, at, place);
}

static bool departs(const struct hold *hold)
{
    return hold->owned == HOLD_OF_TRANSIT;
}

static void heap_add(struct hold_table *table, uint32_t place)
{
    struct hold *hold = &table->holds[place];
    hold->heap_index = HOLD_NONE;
    CHECK(!departs(hold) || hold->expires_at.ns == 0);
    if (departs(hold)) {
        hold->heap_index = table->departure_count;
        table->departures[table->departure_count++] = place;
    }
    if (hold->expires_at.ns == 0) return;
    table->heap[table->heap_count] = place;
    heap_rise(table, table->heap_count++);
}

static void heap_drop(struct hold_table *table, uint32_t place)
{
    uint32_t at = table->holds[place].heap_index;
    if (at == HOLD_NONE) return;
    if (departs(&table->holds[place])) {
        uint32_t last = table->departures[--table->departure_count];
        table->departures[at] = last;
        table->holds[last].heap_index = at;
        return;
    }
    uint32_t moved = table->heap[--table->heap_count];
    if (moved == place) return;
    heap_place(table, at, moved);
    heap_rise(table, at);
    heap_sink(table, table->holds[moved].heap_index);
}

static uint32_t place_take(struct hold_table *table)
{
    if (table->free == HOLD_NONE) return table->used++;
    uint32_t place = table->free;
    table->free = table->holds[place].next;
    return place;
}

uint32_t hold_insert(struct hold_table *table, const struct hold *hold)
{
    CHECK(!hold_table_full(table));
    CHECK(!money_is_zero(hold->remaining));
    CHECK(table->last == HOLD_NONE || table->holds[table->last].number < hold->number);
    uint32_t place = place_take(table);
    struct hold *made = &table->holds[place];
    *made = *hold;
    made->next = HOLD_NONE;
    made->previous = table->last;
    if (table->last == HOLD_NONE) {
        table->first = place;
    } else {
        table->holds[table->last].next = place;
    }
    table->last = place;
    if (table->sweep == HOLD_NONE) table->sweep = place;
    table->count++;
    id_map_insert(&table->map, place);
    heap_add(table, place);
    return place;
}

void hold_remove(struct hold_table *table, uint32_t place)
{
    struct hold *hold = &table->holds[place];
    id_map_remove(&table->map, place);
    heap_drop(table, place);
    if (table->sweep == place) table->sweep = hold->next;
    if (hold->previous == HOLD_NONE) {
        table->first = hold->next;
    } else {
        table->holds[hold->previous].next = hold->next;
    }
    if (hold->next == HOLD_NONE) {
        table->last = hold->previous;
    } else {
        table->holds[hold->next].previous = hold->previous;
    }
    hold->next = table->free;
    table->free = place;
    table->count--;
}

void hold_restore(struct hold_table *table, uint32_t place, const struct hold *hold)
{
    CHECK(table->free == place);
    table->free = table->holds[place].next;
    table->holds[place] = *hold;
    if (hold->previous == HOLD_NONE) {
        table->first = place;
    } else {
        table->holds[hold->previous].next = place;
    }
    if (hold->next == HOLD_NONE) {
        table->last = place;
    } else {
        table->holds[hold->next].previous = place;
    }
    bool not_passed = hold->number >= table->sweep_from;
    if (not_passed && table->sweep == hold->next) table->sweep = place;
    table->count++;
    id_map_insert(&table->map, place);
    heap_add(table, place);
}

uint32_t hold_first_to_expire(const struct hold_table *table)
{
    return table->heap_count == 0 ? HOLD_NONE : table->heap[0];
}

enum status hold_table_check(const struct hold_table *table)
{
    uint64_t count = 0;
    uint64_t expiring = 0;
    uint64_t departures = 0;
    uint64_t number = 0;
    uint32_t previous = HOLD_NONE;
    for (uint32_t at = table->first; at != HOLD_NONE; at = table->holds[at].next) {
        const struct hold *hold = &table->holds[at];
        if (++count > table->count || hold->previous != previous) return STATUS_CORRUPT;
        if (hold->number <= number || money_is_zero(hold->remaining)) return STATUS_CORRUPT;
        if (hold_find(table, hold->id) != at) return STATUS_CORRUPT;
        if (hold->expires_at.ns != 0) {
            expiring++;
            if (hold->heap_index >= table->heap_count) return STATUS_CORRUPT;
            if (table->heap[hold->heap_index] != at) return STATUS_CORRUPT;
        }
        if (departs(hold)) {
            departures++;
            if (hold->expires_at.ns != 0 || hold->heap_index >= table->departure_count)
                return STATUS_CORRUPT;
            if (table->departures[hold->heap_index] != at) return STATUS_CORRUPT;
        }
        number = hold->number;
        previous = at;
    }
    for (uint32_t at = 1; at < table->heap_count; at++) {
        if (expires_before(table, table->heap[at], table->heap[(at - 1) / 4])) {
            return STATUS_CORRUPT;
        }
    }
    bool whole = count == table->count && expiring == table->heap_count &&
                 departures == table->departure_count && previous == table->last &&
                 table->map.count == count;
    return whole ? STATUS_OK : STATUS_CORRUPT;
}
