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

static bool heap_reserve(struct payment_heap *heap, size_t size)
{
    heap->places = reserve_new(size);
    heap->indexes = reserve_new(size);
    return heap->places != NULL && heap->indexes != NULL;
}

static void heap_free(struct payment_heap *heap, size_t size)
{
    reserve_free(heap->places, size);
    reserve_free(heap->indexes, size);
}

static void heap_clear(struct payment_heap *heap, uint32_t used)
{
    memset(heap->indexes, 0, used * sizeof *heap->indexes);
    heap->count = 0;
}

enum status payment_table_init(struct payment_table *table, uint32_t slots_max, uint64_t seed)
{
    CHECK(slots_max < PAYMENT_SLOT_NONE);
    *table = (struct payment_table){ .slots_max = slots_max };
    table->slots = reserve_new(slots_size(table));
    table->free_places = reserve_new(places_size(table));
    bool whole = table->slots != NULL && table->free_places != NULL;
    whole = heap_reserve(&table->due, places_size(table)) && whole;
    whole = heap_reserve(&table->in_doubt, places_size(table)) && whole;
    whole = heap_reserve(&table->manual, places_size(table)) && whole;
    if (!whole) return STATUS_LIMIT;
    return id_map_init(&table->map, table->slots, sizeof(struct payment_slot),
                       (uint64_t)slots_max + 1, seed);
}

void payment_table_free(struct payment_table *table)
{
    reserve_free(table->slots, slots_size(table));
    reserve_free(table->free_places, places_size(table));
    heap_free(&table->due, places_size(table));
    heap_free(&table->in_doubt, places_size(table));
    heap_free(&table->manual, places_size(table));
    id_map_free(&table->map);
    *table = (struct payment_table){ 0 };
}

void payment_table_reset(struct payment_table *table)
{
    id_map_reset(&table->map);
    memset(table->slots, 0, table->used * sizeof *table->slots);
    heap_clear(&table->due, table->used);
    heap_clear(&table->in_doubt, table->used);
    heap_clear(&table->manual, table->used);
    memset(table->states, 0, sizeof table->states);
    table->used = 0;
    table->count = 0;
    table->free_count = 0;
}

/* ---- The heaps ---- */

static int64_t time_of(const struct payment_table *table, const struct payment_heap *heap,
                       uint32_t place)
{
    const struct payment *payment = &table->slots[place].payment;
    return heap == &table->due ? payment->next_at.ns : payment->step_at.ns;
}

static bool is_before(const struct payment_table *table, const struct payment_heap *heap,
                      uint32_t a, uint32_t b)
{
    int64_t left = time_of(table, heap, a);
    int64_t right = time_of(table, heap, b);
    return left != right ? left < right : a < b;
}

static void heap_put(struct payment_heap *heap, uint32_t index, uint32_t place)
{
    heap->places[index] = place;
    heap->indexes[place] = index + 1;
}

static void heap_rise(const struct payment_table *table, struct payment_heap *heap, uint32_t index,
                      uint32_t place)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (!is_before(table, heap, place, heap->places[parent])) break;
        heap_put(heap, index, heap->places[parent]);
        index = parent;
    }
    heap_put(heap, index, place);
}

static void heap_sink(const struct payment_table *table, struct payment_heap *heap, uint32_t index,
                      uint32_t place)
{
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= heap->count) break;
        bool right = child + 1 < heap->count &&
                     is_before(table, heap, heap->places[child + 1], heap->places[child]);
        if (right) child++;
        if (!is_before(table, heap, heap->places[child], place)) break;
        heap_put(heap, index, heap->places[child]);
        index = child;
    }
    heap_put(heap, index, place);
}

static void heap_insert(const struct payment_table *table, struct payment_heap *heap,
                        uint32_t place)
{
    CHECK(heap->indexes[place] == 0);
    heap_rise(table, heap, heap->count++, place);
}

/* Before the place's time is changed: the order of the heap depends on it. */
static void heap_remove(const struct payment_table *table, struct payment_heap *heap,
                        uint32_t place)
{
    if (heap->indexes[place] == 0) return;
    uint32_t index = heap->indexes[place] - 1;
    heap->indexes[place] = 0;
    uint32_t last = heap->places[--heap->count];
    if (last == place) return;
    heap_sink(table, heap, index, last);
    if (heap->places[index] == last) heap_rise(table, heap, index, last);
}

static void due_insert(struct payment_table *table, uint32_t place)
{
    if (table->slots[place].payment.next_at.ns != 0) heap_insert(table, &table->due, place);
}

/* The heap of those in a state; NULL: it has none. */
static struct payment_heap *heap_of_state(struct payment_table *table, uint8_t state)
{
    if (state == PAYMENT_STATE_IN_DOUBT) return &table->in_doubt;
    return state == PAYMENT_STATE_MANUAL ? &table->manual : NULL;
}

static void state_enter(struct payment_table *table, uint32_t place)
{
    uint8_t state = table->slots[place].payment.state;
    struct payment_heap *heap = heap_of_state(table, state);
    table->states[state]++;
    if (heap != NULL) heap_insert(table, heap, place);
}

static void state_leave(struct payment_table *table, uint32_t place)
{
    uint8_t state = table->slots[place].payment.state;
    struct payment_heap *heap = heap_of_state(table, state);
    table->states[state]--;
    if (heap != NULL) heap_remove(table, heap, place);
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
    if (known) heap_remove(table, &table->due, place);
    if (known) state_leave(table, place);
    if (!known) place_open(table, place);
    if (open) {
        slot->payment = *payment;
        slot->newest = newest;
        if (!known) id_map_insert(&table->map, place);
        due_insert(table, place);
        state_enter(table, place);
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
    if (table->due.count == 0) return PAYMENT_SLOT_NONE;
    uint32_t place = table->due.places[0];
    const struct payment_slot *slot = &table->slots[place];
    if (slot->payment.next_at.ns > now.ns) return PAYMENT_SLOT_NONE;
    if (locator_batch(slot->newest) > durable) return PAYMENT_SLOT_NONE;
    heap_remove(table, &table->due, place);
    return place;
}

void payment_put_back(struct payment_table *table, struct payment_id id)
{
    uint32_t place = payment_find(table, id);
    if (place == PAYMENT_SLOT_NONE || table->due.indexes[place] != 0) return;
    due_insert(table, place);
}

bool payment_in_hand(const struct payment_table *table, struct payment_id id)
{
    uint32_t place = payment_find(table, id);
    return place != PAYMENT_SLOT_NONE && table->due.indexes[place] == 0 &&
           table->slots[place].payment.next_at.ns != 0;
}

void payment_keep_in_hand(struct payment_table *table, struct payment_id id)
{
    uint32_t place = payment_find(table, id);
    if (place != PAYMENT_SLOT_NONE) heap_remove(table, &table->due, place);
}

struct wall_time payment_first_due(const struct payment_table *table)
{
    if (table->due.count == 0) return (struct wall_time){ 0 };
    return table->slots[table->due.places[0]].payment.next_at;
}

struct wall_time payment_oldest(const struct payment_table *table, uint8_t state)
{
    CHECK(state == PAYMENT_STATE_IN_DOUBT || state == PAYMENT_STATE_MANUAL);
    const struct payment_heap *heap =
        state == PAYMENT_STATE_IN_DOUBT ? &table->in_doubt : &table->manual;
    if (heap->count == 0) return (struct wall_time){ 0 };
    return table->slots[heap->places[0]].payment.step_at;
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
    heap_clear(&table->due, table->used);
    heap_clear(&table->in_doubt, table->used);
    heap_clear(&table->manual, table->used);
    memset(table->states, 0, sizeof table->states);
    table->count = 0;
    table->free_count = 0;
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
        due_insert(table, place);
        state_enter(table, place);
        table->count++;
    }
    return STATUS_OK;
}

static bool heap_whole(const struct payment_table *table, const struct payment_heap *heap)
{
    for (uint32_t i = 0; i < heap->count; i++) {
        uint32_t place = heap->places[i];
        if (place >= table->used || heap->indexes[place] != i + 1) return false;
        if (heap == &table->due && table->slots[place].payment.next_at.ns == 0) return false;
        if (i > 0 && is_before(table, heap, place, heap->places[(i - 1) / 2])) return false;
    }
    return true;
}

/* All in the state, and only they, are in its heap. */
static bool state_heap_whole(const struct payment_table *table, const struct payment_heap *heap,
                             uint8_t state)
{
    for (uint32_t i = 0; i < heap->count; i++) {
        if (heap->places[i] >= table->used) return false;
        if (table->slots[heap->places[i]].payment.state != state) return false;
    }
    return heap->count == table->states[state] && heap_whole(table, heap);
}

static bool free_places_whole(const struct payment_table *table)
{
    for (uint32_t i = 0; i < table->free_count; i++) {
        uint32_t place = table->free_places[i];
        if (place >= table->used) return false;
        if (!uuid_is_nil(table->slots[place].payment.id.value)) return false;
        if (table->due.indexes[place] != 0) return false;
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
    bool ordered = counted && heap_whole(table, &table->due) &&
                   state_heap_whole(table, &table->in_doubt, PAYMENT_STATE_IN_DOUBT) &&
                   state_heap_whole(table, &table->manual, PAYMENT_STATE_MANUAL);
    return ordered && free_places_whole(table) ? STATUS_OK : STATUS_CORRUPT;
}
