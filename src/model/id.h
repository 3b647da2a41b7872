/* id.h - identifiers as types of their own, so that swapped arguments do not compile. */
#ifndef MODEL_ID_H
#define MODEL_ID_H

#include "base/limits.h"
#include "base/uuid.h"

struct account_id {
    struct uuid value;
};
struct transfer_id {
    struct uuid value;
};
struct payment_id {
    struct uuid value;
};
/* Who asks: an API key's id, or one of those below. Work is taken in turn by principal. */
struct principal_id {
    struct uuid value;
};

/* The ledger itself (expiries), and the operator on this machine (local socket, CLI). */
#define PRINCIPAL_SYSTEM ((struct principal_id){ { .hi = 0, .lo = 0 } })
#define PRINCIPAL_LOCAL ((struct principal_id){ { .hi = 0, .lo = 1 } })

/* Who came over the network without a key, where that is allowed. */
#define PRINCIPAL_ANONYMOUS ((struct principal_id){ { .hi = 0, .lo = 2 } })

/* The operator again, by the number of the user on this machine. */
static inline struct principal_id principal_local(uint32_t uid)
{
    return (struct principal_id){ { .hi = 0, .lo = ((uint64_t)uid + 1) << 16 | 1 } };
}
static inline bool principal_is_local(struct principal_id principal)
{
    bool number = principal.value.lo >> 16 <= (uint64_t)UINT32_MAX + 1;
    return principal.value.hi == 0 && (principal.value.lo & UINT16_MAX) == 1 && number;
}
/* False: it is not known, or not a local one. */
static inline bool principal_uid(struct principal_id principal, uint32_t *out_uid)
{
    if (!principal_is_local(principal) || principal.value.lo >> 16 == 0) return false;
    *out_uid = (uint32_t)((principal.value.lo >> 16) - 1);
    return true;
}

/*
 * Where a unit stands in its lane's journal: batch is the journal's sequence number (from 1),
 * index the unit's place in it. A write returns it; a read may ask for at least it.
 */
struct position {
    uint64_t batch;
    uint32_t index;
};

/*
 * Where a record's bytes stand: batch sequence and byte offset, packed so that numeric order
 * is journal order. 0 is "none".
 */
struct locator {
    uint64_t packed;
};

static inline struct locator locator_make(uint64_t batch, uint32_t offset)
{
    CHECK(batch < UINT64_C(1) << (64 - BATCH_OFFSET_BITS));
    CHECK(offset < UINT32_C(1) << BATCH_OFFSET_BITS);
    return (struct locator){ batch << BATCH_OFFSET_BITS | offset };
}
static inline uint64_t locator_batch(struct locator locator)
{
    return locator.packed >> BATCH_OFFSET_BITS;
}
static inline uint32_t locator_offset(struct locator locator)
{
    return (uint32_t)(locator.packed & ((UINT64_C(1) << BATCH_OFFSET_BITS) - 1));
}
static inline bool locator_is_none(struct locator locator)
{
    return locator.packed == 0;
}

/* A W3C trace (trace-context, section 3.2.2): all zero is "none". */
struct trace {
    struct uuid id;
    uint64_t span;
};

#endif
