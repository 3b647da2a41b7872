/* transit_stuck.h - departures whose end this lane has refused: known, counted, and not tried again. */
#ifndef WALLET_TRANSIT_STUCK_H
#define WALLET_TRANSIT_STUCK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/id.h"

/* To one lane. Each is an alarm; whoever has so many has one cause for all of them. */
enum { TRANSIT_STUCK_MAX = 1024 };

struct transit_stuck_entry {
    struct transfer_id departure;
    const char *outcome; /* why; static */
    bool paid;           /* it was the payment's command that was refused */
    bool seen;           /* since transit_stuck_look() */
};

/* Zeroed is empty. */
struct transit_stuck {
    uint32_t count;
    struct transit_stuck_entry entries[TRANSIT_STUCK_MAX];
};

/* False: there is no place left. */
bool transit_stuck_add(struct transit_stuck *stuck, struct transfer_id departure, bool paid,
                       const char *outcome);

/*
 * Whether it is to be left alone. What is ended in another way by now (a payment waited for it and
 * does no more) is forgotten, since that may be possible.
 */
bool transit_stuck_has(struct transit_stuck *stuck, struct transfer_id departure, bool paid);

/* Why it is to be left alone; NULL: it is not. Looking changes nothing. */
const char *transit_stuck_outcome(const struct transit_stuck *stuck, struct transfer_id departure,
                                  bool paid);

/* All open departures are looked at from here on, and have been: what is not open is forgotten. */
void transit_stuck_look(struct transit_stuck *stuck);
void transit_stuck_looked(struct transit_stuck *stuck);

#endif
