/* lanes_total.h - the trial balance over all lanes of a ledger: each lane's, asked for and added up. */
#ifndef API_LANES_TOTAL_H
#define API_LANES_TOTAL_H

#include "api/work.h"

/*
 * Lane 0 is asked when a call names no lane, and asks the others through the front, as its caller
 * and with its key. Their answers are each as of a moment of their own: money on its way between
 * two lanes is in both, in one or in none of the transit accounts that it passes, and within each
 * lane debits equal credits.
 */
struct lanes_total {
    struct totals_row *rows; /* the caller's, with those of this lane */
    uint32_t count;
    uint32_t limit;
    struct position as_of[LANES_MAX];
};

/* Whether the call is about all lanes, and there is a front to ask. */
bool lanes_total_wanted(const struct work *work);

enum { LANES_TOTAL_MS_MAX = 10000 }; /* then no further lane is asked */

/* On a worker, as a wide work: adds what the other lanes say. False: the problem is raised. */
bool lanes_total_add(struct work *work, struct lanes_total *total);

#endif
