/* doctor_holds.h - the open holds of a journal that is read, each as it stands by then. */
#ifndef CMD_DOCTOR_HOLDS_H
#define CMD_DOCTOR_HOLDS_H

#include "base/id_map.h"
#include "base/money.h"
#include "base/time.h"
#include "model/record.h"

struct doctor_hold {
    struct uuid id;
    struct money amount; /* the whole */
    struct money captured;
    struct money released;
    struct wall_time expires; /* 0 ns: never */
    bool departs;             /* to another lane; else what follows is nil */
    struct uuid user_ref;
    struct uuid key; /* that it was asked for under */
    struct uuid trace;
    uint32_t next_free; /* plus one; 0: none */
};

struct doctor_holds {
    struct doctor_hold *holds;
    struct id_map places;
    uint32_t used; /* of holds */
    uint32_t free; /* a chain of those that have ended, one above the place */
};

/* STATUS_LIMIT: the address space is refused. */
enum status doctor_holds_open(struct doctor_holds *holds) MUST_CHECK;
/* Also after a failure. Accepts a zeroed one. */
void doctor_holds_close(struct doctor_holds *holds);

/*
 * A transfer that holds; context is that of its request, or NULL. STATUS_LIMIT: too many are open at
 * once. STATUS_CORRUPT: it ends after all time.
 */
enum status doctor_holds_begin(struct doctor_holds *holds, const struct record_transfer *transfer,
                               const struct record_context *context, struct wall_time at,
                               struct doctor_hold *out_hold) MUST_CHECK;
/* The open departure that a transfer posts; NULL: it posts none. Good until the next call. */
const struct doctor_hold *doctor_holds_departure(const struct doctor_holds *holds,
                                                 const struct record_transfer *transfer);
/*
 * A transfer that ends a hold or a part of it: how the hold stands after it. STATUS_NOT_FOUND: it
 * has no target that is open. STATUS_CORRUPT: it takes more than the target is.
 */
enum status doctor_holds_end(struct doctor_holds *holds, const struct record_transfer *transfer,
                             struct doctor_hold *out_hold) MUST_CHECK;

#endif
