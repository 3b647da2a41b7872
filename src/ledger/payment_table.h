/* payment_table.h - the open payments: by id, by place, and by the time something is due. */
#ifndef LEDGER_PAYMENT_TABLE_H
#define LEDGER_PAYMENT_TABLE_H

#include "base/id_map.h"
#include "model/payment.h"

/*
 * Each open payment has a place, from 0, and keeps it until it rests; then the place is the
 * next to be given again. A place that is free has a nil id. Records name the place, so that
 * replay needs no search and a checkpoint may copy any range of places at any time.
 *
 * A payment that is due is handed out once: taken, it is due again only after its next record
 * (unless that keeps it in hand), or when it is put back. What is taken is not durable: after a restart it is due anew.
 */
struct payment_slot {
    struct payment payment; /* nil id: the place is free */
    struct locator newest;  /* its newest record */
    uint64_t applied_batch; /* kept for recovery: see account_state */
};
_Static_assert(sizeof(struct payment_slot) == 544, "stored as it is in checkpoint slices");

/* Some of the places, by a time of theirs, then by place. */
struct payment_heap {
    uint32_t *places;
    uint32_t count;
    uint32_t *indexes; /* by place: index in the heap plus one; 0: not in it */
};

struct payment_table {
    struct payment_slot *slots;
    uint32_t slots_max;
    uint32_t used;                      /* places ever given */
    uint32_t count;                     /* open now */
    uint64_t states[PAYMENT_STATE_END]; /* of count, by state */
    uint32_t *free_places;              /* a stack of places below used that are free */
    uint32_t free_count;
    struct id_map map;
    struct payment_heap due;      /* by next_at; those with none and those taken are not in it */
    struct payment_heap in_doubt; /* those in that state, by step_at */
    struct payment_heap manual;   /* the same */
};

/* STATUS_LIMIT when the address space is refused. */
enum status payment_table_init(struct payment_table *table, uint32_t slots_max, uint64_t seed)
    MUST_CHECK;
/* Accepts a zeroed table. */
void payment_table_free(struct payment_table *table);
void payment_table_reset(struct payment_table *table);

/* The place of an open payment, or PAYMENT_SLOT_NONE. */
uint32_t payment_find(const struct payment_table *table, struct payment_id id);
/* The place that the next one opened will have, or PAYMENT_SLOT_NONE: no more can be open. */
uint32_t payment_next_place(const struct payment_table *table);

/*
 * Takes the after-image in: opens (place == payment_next_place()), changes, or, when it rests,
 * frees its place. payment->slot is the place; PAYMENT_SLOT_NONE does nothing.
 */
void payment_table_apply(struct payment_table *table, const struct payment *payment,
                         struct locator newest, uint64_t batch);

/*
 * The place of the payment that is due first, if it is due at `now` and its newest record is in
 * a batch up to `durable`; it is then taken. PAYMENT_SLOT_NONE when there is none.
 */
uint32_t payment_take_due(struct payment_table *table, struct wall_time now, uint64_t durable);
/* What was taken and not dealt with is due again; nothing happens when it moved or rests. */
void payment_put_back(struct payment_table *table, struct payment_id id);
/* Whether it was taken, and has neither moved nor been put back. */
bool payment_in_hand(const struct payment_table *table, struct payment_id id);
/* Takes it whatever its time: it has moved, and is still in the hand of who took it. */
void payment_keep_in_hand(struct payment_table *table, struct payment_id id);
/* When the first is due; 0: none. */
struct wall_time payment_first_due(const struct payment_table *table);

/*
 * When the step was written down that has been in doubt, or has waited for a person, for longest;
 * 0: none. state is one of these two.
 */
struct wall_time payment_oldest(const struct payment_table *table, uint8_t state);

/* ---- Recovery ---- */

/* Writes a place as a checkpoint or a record has it, in any order; then payment_table_recovered(). */
void payment_slot_set(struct payment_table *table, uint32_t place, const struct payment_slot *slot);
/* Makes map, heap and free places from the slots. STATUS_CORRUPT: an id in two places. */
enum status payment_table_recovered(struct payment_table *table) MUST_CHECK;

/* STATUS_CORRUPT when slots, map, heap and free places disagree; costs a pass over all. */
enum status payment_table_check(const struct payment_table *table) MUST_CHECK;

#endif
