/* checkers.h - what must hold of every answer, of the end of a seed, and of the journal. */
#ifndef SIM_CHECKERS_H
#define SIM_CHECKERS_H

#include "sim/asking.h"

/*
 * Called in the moment of an answer. It holds the answer against the twin, which knows exactly
 * what is durable in that moment:
 * - acknowledged means journaled, with that outcome, amount, position and stamp;
 * - nothing is told or shown that is above the durable journal;
 * - a repeat is told what the first time was told, another content is told ID_CONFLICT, and
 *   no two callers are told that they did it;
 * - "not done" means not journaled;
 * - a read shows the twin as of the batch it names, and that is not before anything this
 *   process has told before.
 */
void check_answer(struct asking *asking);

/* lane_submit() did not accept: its status must be one it may return. */
void check_refusal(struct asking *asking, enum status status);

/* At the end of a seed, of a question given up: what was "not done" was never done. */
void check_abandoned(struct service *service, const struct question *question);
/* No hold is open that should have expired by now. */
void check_expired(struct service *service, struct wall_time now);

#endif
