/* slice.h - the sweeping checkpoint: memory's tables copied a slice at a time, and loaded. */
#ifndef LEDGER_SLICE_H
#define LEDGER_SLICE_H

#include "base/buf.h"
#include "ledger/ledger.h"

/*
 * A sweep walks the tables in this order, copying entries [from, to) by number; the last table
 * ends it, so a stored SLICE_REGISTRY says that its generation is whole. Taken between two
 * batches, a slice is the state as of the batch before.
 *
 * A table is swept up to the numbers that were given when its sweep began. So every sweep
 * ends, however fast entries are made, and what it has of holds never was more than were open
 * at one time. What was made later is in the journal: see slice_covers().
 */
enum slice_table {
    SLICE_ACCOUNTS = 1,
    SLICE_HOLDS = 2,
    SLICE_REVERSALS = 3,
    SLICE_PAYMENTS = 4, /* by place */
    SLICE_REGISTRY = 5,
};

struct slice {
    uint32_t table;
    uint64_t generation; /* from 1 */
    uint64_t from;
    uint64_t to;
};

/* Where the sweep stands. Start: {.generation = last + 1, .table = SLICE_ACCOUNTS}. */
struct sweep {
    uint64_t generation;
    uint32_t table;
    uint32_t entries_max; /* in a slice; 0: as many as fit */
    uint64_t from;
    uint64_t end; /* set when the sweep of a table begins */
};

/* Bytes the next slice will have, about: for pacing. */
size_t sweep_next_size(const struct ledger *ledger, const struct sweep *sweep);

/* Appends the next slice's bytes to out_bytes (at most SLICE_SIZE_MAX) and moves on. */
struct slice sweep_next(struct ledger *ledger, struct sweep *sweep, struct buf *out_bytes);

/*
 * Loads one slice into an emptied ledger. Order: by table; within a table the newest
 * generation first, then by `from`. Entries that a newer slice has brought are passed over.
 * STATUS_CORRUPT: not such bytes, or a gap. STATUS_LIMIT: more than the options allow.
 */
enum status slice_load(struct ledger *ledger, const struct slice *slice, uint64_t at_batch,
                       struct str bytes) MUST_CHECK;

/*
 * Whether the journal can be replayed over what slices have brought, from the batch with this
 * header on: everything made before it is there. When it holds for a batch it holds for all
 * before it; replay must begin at such a batch, even where every slice is newer.
 */
bool slice_covers(const struct ledger *ledger, const struct batch_header *header);

#endif
