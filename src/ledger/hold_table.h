/* hold_table.h - the open holds: by id, in order of making, and by the time they expire. */
#ifndef LEDGER_HOLD_TABLE_H
#define LEDGER_HOLD_TABLE_H

#include "base/id_map.h"
#include "model/transfer.h"

enum { HOLD_NONE = UINT32_MAX };

/* Who alone may end a hold. */
enum hold_owner {
    HOLD_OF_ANYBODY = 0,
    HOLD_OF_PAYMENT = 1,
    HOLD_OF_TRANSIT = 2, /* a departure: it never expires */
};

static inline uint32_t hold_owner_of(uint8_t kind, uint8_t flags)
{
    if (kind == TRANSFER_DEPARTURE) return HOLD_OF_TRANSIT;
    return (flags & TRANSFER_FLAG_OWNED) != 0 ? HOLD_OF_PAYMENT : HOLD_OF_ANYBODY;
}

/* Also its layout in checkpoint slices, where the links mean nothing. */
struct hold {
    struct transfer_id id;
    struct money remaining;      /* still reserved, never zero while open */
    uint64_t number;             /* in order of making, from 1, over all history */
    uint64_t applied_batch;      /* kept for recovery: see account_state */
    struct wall_time expires_at; /* 0: never */
    uint32_t debit;              /* account numbers */
    uint32_t credit;
    uint32_t next; /* by number; for free places, the next free one */
    uint32_t previous;
    uint32_t heap_index; /* place in the expiry heap, of departures among those; else HOLD_NONE */
    uint32_t owned;      /* enum hold_owner */
};
_Static_assert(sizeof(struct hold) == 80, "stored as it is in checkpoint slices");

struct hold_table {
    struct hold *holds;
    uint64_t holds_max;
    uint32_t used;  /* places ever used */
    uint32_t free;  /* first free place below used */
    uint32_t first; /* lowest number */
    uint32_t last;
    uint64_t count;
    struct id_map map;
    uint32_t *heap;
    uint32_t heap_count;
    uint32_t *departures; /* places of those that are open, in no order */
    uint32_t departure_count;
    uint32_t sweep;      /* the first open hold numbered sweep_from or above, or HOLD_NONE */
    uint64_t sweep_from; /* set both with hold_sweep_start(), move with hold_sweep_pass() */
};

/* When a hold made at `stamp` expires: 0 is never; the end of time when 64 bits end before. */
struct wall_time hold_expires_at(struct wall_time stamp, uint32_t timeout_s);

/* STATUS_LIMIT when the address space is refused. */
enum status hold_table_init(struct hold_table *table, uint64_t holds_max, uint64_t seed) MUST_CHECK;
void hold_table_free(struct hold_table *table);
void hold_table_reset(struct hold_table *table);

/* The place of an open hold, or HOLD_NONE. */
uint32_t hold_find(const struct hold_table *table, struct transfer_id id);
static inline bool hold_table_full(const struct hold_table *table)
{
    return table->count == table->holds_max;
}
/* number must be above every number in the table. Returns its place. */
uint32_t hold_insert(struct hold_table *table, const struct hold *hold);
void hold_remove(struct hold_table *table, uint32_t place);
/*
 * Puts back what hold_remove() just took away (calls are undone last first, nothing between):
 * it has its old place, neighbours and content again.
 */
void hold_restore(struct hold_table *table, uint32_t place, const struct hold *hold);

/* The open hold that expires first, or HOLD_NONE. */
uint32_t hold_first_to_expire(const struct hold_table *table);

/*
 * A walk over the open holds in order of number that survives inserts and removals between its
 * steps: start, then look at table->sweep and pass it, until it is HOLD_NONE.
 */
void hold_sweep_start(struct hold_table *table);
void hold_sweep_pass(struct hold_table *table);

/* STATUS_CORRUPT when map, list and heap disagree; costs a pass over all. */
enum status hold_table_check(const struct hold_table *table) MUST_CHECK;

#endif
