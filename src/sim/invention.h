/* invention.h - makes up what clients ask: by chance, but so that most of it means something. */
#ifndef SIM_INVENTION_H
#define SIM_INVENTION_H

#include "sim/crowd.h"

/*
 * Accounts, holds and transfers are picked from the twin, so that postings meet open holds and
 * repeats meet what was done; now and then an id is picked that nobody knows.
 *
 * A new question, with one reference; or, for a repeat, a reference to an old one.
 */
struct question *invent(struct crowd *crowd, struct prng *prng);

/* The first question of a seed: accounts to move money between. */
struct question *invent_opening(struct crowd *crowd, struct prng *prng);

struct uuid invent_id(struct prng *prng);

#endif
