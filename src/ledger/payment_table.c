/* A heap of places ordered by time, then by place, so that equal times come in a fixed order. */
#include "ledger/payment_table.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"

/* One more than is used, so that a table for none is an array too. */
static size_t slots_size(const struct payment_table *table)
{
    return (table->slots_max + 1) * sizeof(struct payment_slot);
}

static size_t places_size(const struct payment_table *table)
{
    return (table->slots_max + 1) * sizeof(uint32_t);
}

enum status payment_table_init(struct payment_table *table, uint32_t slots_max, uint64_t seed)
{
    CHECK(slots_max < PAYMENT_SLOT_NONE);
    *table = (struct payment_table){ .slots_max = slots_max };
    table->slots = reserve_new(slots_size(table));
    table->free_places = reserve_new(places_size(table));
    table->heap = reserve_new(places_size(table));
    table->heap_places = reserve_new(places_size(table));
    bool whole = table->slots != NULL && table->free_places != NULL && table->heap != NULL &&
                 table->heap_places != NULL;
    if (!whole) return STATUS_LIMIT;
    return id_map_init(&table->map, table->slots, sizeof(struct payment_slot),
                       (uint64_t)slots_max + 1, seed);
}

void payment_table_free(struct payment_table *table)
{
    reserve_free(table->slots, slots_size(table));
    reserve_free(table->free_places, places_size(table));
    reserve_free(table->heap, places_size(table));
    reserve_free(table->heap_places, places_size(table));
    id_map_free(&table->map);
    *table = (struct payment_table){ 0 };
}

void payment_table_reset(struct payment_table *table)
{
    id_map_reset(&table->map);
    memset(table->slots, 0, table->used * sizeof *table->slots);
    memset(table->heap_places, 0, table->used * sizeof *table->heap_places);
    memset(table->states, 0, sizeof table->states);
    table->used = 0;
    table->count = 0;
    table->free_count = 0;
    table->heap_count = 0;
}

/* ---- The heap ---- */

static bool due_before(const struct payment_table *table, uint32_t a, uint32_t b)
{
    int64_t left = table->slots[a].payment.next_at.ns;
    int64_t right = table->slots[b].payment.next_at.ns;
    return left != right ? left < right : a < b;
}

static void heap_put(struct payment_table *table, uint32_t index, uint32_t place)
{
    table->heap[index] = place;
    table->heap_places[place] = index + 1;
}

static void heap_rise(struct payment_table *table, uint32_t index, uint32_t place)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (!due_before(table, place, table->heap[parent])) break;
        heap_put(table, index, table->heap[parent]);
        index = parent;
    }
    heap_put(table, index, place);
}

static void heap_sink(struct payment_table *table, uint32_t index, uint32_t place)
{
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= table->heap_count) break;
        bool right = child + 1 < table->heap_count &&
                     due_before(table, table->heap[child + 1], table->heap[child]);
        if (right) child++;
        if (!due_before(table, table->heap[child], place)) break;
        heap_put(table, index, table->heap[child]);
        index = child;
    }
    heap_put(table, index, place);
}

static void heap_insert(struct payment_table *table, uint32_t place)
{
    CHECK(table->heap_places[place] == 0);
    if (table->slots[place].payment.next_at.ns == 0) return;
    heap_rise(table, table->heap_count++, place);
}

/* Before the place's time is changed: the order of the heap depends on it. */
static void heap_remove(struct payment_table *table, uint32_t place)
{
    if (table->heap_places[place] == 0) return;
    uint32_t index = table->heap_places[place] - 1;
    table->heap_places[place] = 0;
    uint32_t last = table->heap[--table->heap_count];
    if (last == place) return;
    heap_sink(table, index, last);
    if (table->heap[index] == last) heap_rise(table, index, last);
}

/* ---- Changes ---- */

uint32_t payment_find(const struct payment_table *table, struct payment_id id)
{
    return id_map_find(&table->map, id.value);
}
_Static_assert((uint32_t)ID_MAP_NONE == (uint32_t)PAYMENT_SLOT_NONE, "one way to say none");

uint32_t payment_next_place(const struct payment_table *table)
{
    if (table->free_count > 0) return table->free_places[table->free_count - 1];
    return table->used < table->slots_max ? table->used : PAYMENT_SLOT_NONE;
}

static void place_open(struct payment_table *table, uint32_t place)
{
    CHECK(place == payment_next_place(table));
    if (table->free_count > 0) {
        table->free_count--;
    } else {
        table->used++;
    }
    table->count++;
}

void payment_table_apply(struct payment_table *table, const struct payment *payment,
                         struct locator newest, uint64_t batch)
{
    uint32_t place = payment->slot;
    if (place == PAYMENT_SLOT_NONE) return;
    struct payment_slot *slot = &table->slots[place];
    bool known = place < table->used && uuid_equal(slot->payment.id.value, payment->id.value);
    bool open = payment_is_open(payment);
    if (known) heap_remove(table, place);
    if (known) table->states[slot->payment.state]--;
    if (!known) place_open(table, place);
    if (open) {
        table->states[payment->state]++;
        slot->payment = *payment;
        slot->newest = newest;
        if (!known) id_map_insert(&table->map, place);
        heap_insert(table, place);
    } else {
        if (known) id_map_remove(&table->map, place);
        memset(slot, 0, sizeof *slot);
        table->free_places[table->free_count++] = place;
        table->count--;
    }
    slot->applied_batch = batch;
}

uint32_t payment_take_due(struct payment_table *table, struct wall_time now, uint64_t durable)
{
    if (table->heap_count == 0) return PAYMENT_SLOT_NONE;
    uint32_t place = table->heap[0];
    const struct payment_slot *slot = &table->slots[place];
    if (slot->payment.next_at.ns > now.ns) return PAYMENT_SLOT_NONE;
    if (locator_batch(slot->newest) > durable) return PAYMENT_SLOT_NONE;
    heap_remove(table, place);
    return place;
}

void payment_put_back(struct payment_table *table, struct payment_id id)
{
    uint32_t place = payment_find(table, id);
    if (place == PAYMENT_SLOT_NONE || table->heap_places[place] != 0) return;
    heap_insert(table, place);
}

bool payment_in_hand(const struct payment_table *table, struct payment_id id)
{
    uint32_t place = payment_find(table, id);
    return place != PAYMENT_SLOT_NONE && table->heap_places[place] == 0 &&
           table->slots[place].payment.next_at.ns != 0;
}

void payment_keep_in_hand(struct payment_table *table, struct payment_id id)
{
    uint32_t place = payment_find(table, id);
    if (place != PAYMENT_SLOT_NONE) heap_remove(table, place);
}

struct wall_time payment_first_due(const struct payment_table *table)
{
    if (table->heap_count == 0) return (struct wall_time){ 0 };
    return table->slots[table->heap[0]].payment.next_at;
}

/* ---- Recovery and check ---- */

void payment_slot_set(struct payment_table *table, uint32_t place, const struct payment_slot *slot)
{
    CHECK(place < table->slots_max);
    table->slots[place] = *slot;
    if (place >= table->used) table->used = place + 1;
}

enum status payment_table_recovered(struct payment_table *table)
{
    id_map_reset(&table->map);
    memset(table->heap_places, 0, table->used * sizeof *table->heap_places);
    memset(table->states, 0, sizeof table->states);
    table->count = 0;
    table->free_count = 0;
    table->heap_count = 0;
    for (uint32_t place = table->used; place > 0; place--) {
        if (uuid_is_nil(table->slots[place - 1].payment.id.value)) {
            table->free_places[table->free_count++] = place - 1;
        }
    }
    for (uint32_t place = 0; place < table->used; place++) {
        const struct payment *payment = &table->slots[place].payment;
        if (uuid_is_nil(payment->id.value)) continue;
        if (payment_find(table, payment->id) != PAYMENT_SLOT_NONE) return STATUS_CORRUPT;
        if (payment->slot != place || !payment_is_open(payment)) return STATUS_CORRUPT;
        if (payment->state >= PAYMENT_STATE_END) return STATUS_CORRUPT;
        id_map_insert(&table->map, place);
        heap_insert(table, place);
        table->count++;
        table->states[payment->state]++;
    }
    return STATUS_OK;
}

static bool heap_whole(const struct payment_table *table)
{
    for (uint32_t i = 0; i < table->heap_count; i++) {
        uint32_t place = table->heap[i];
        if (place >= table->used || table->heap_places[place] != i + 1) return false;
        if (table->slots[place].payment.next_at.ns == 0) return false;
        if (i > 0 && due_before(table, place, table->heap[(i - 1) / 2])) return false;
    }
    return true;
}

static bool free_places_whole(const struct payment_table *table)
{
    for (uint32_t i = 0; i < table->free_count; i++) {
        uint32_t place = table->free_places[i];
        if (place >= table->used) return false;
        if (!uuid_is_nil(table->slots[place].payment.id.value)) return false;
        if (table->heap_places[place] != 0) return false;
    }
    return true;
}

enum status payment_table_check(const struct payment_table *table)
{
    uint32_t open = 0;
    uint64_t states[PAYMENT_STATE_END] = { 0 };
    for (uint32_t place = 0; place < table->used; place++) {
        const struct payment *payment = &table->slots[place].payment;
        if (uuid_is_nil(payment->id.value)) continue;
        open++;
        if (payment->state >= PAYMENT_STATE_END) return STATUS_CORRUPT;
        states[payment->state]++;
        if (payment->slot != place || !payment_is_open(payment)) return STATUS_CORRUPT;
        if (payment_find(table, payment->id) != place) return STATUS_CORRUPT;
    }
    bool counted =
        open == table->count && table->map.count == open && table->used == open + table->free_count;
    counted = counted && memcmp(states, table->states, sizeof states) == 0;
    if (!counted || !heap_whole(table) || !free_places_whole(table)) return STATUS_CORRUPT;
    return STATUS_OK;
}
