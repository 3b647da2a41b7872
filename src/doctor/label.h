/* label.h - how sure a cause is, and what holds it back from being surer. */
#ifndef DOCTOR_LABEL_H
#define DOCTOR_LABEL_H

#include "doctor/examination.h"

/*
 * Writes label, held_back and systems of a chosen instance whose extent is known. CONFIRMED says
 * that the cause is right, that nobody else is affected, and by how much each is: so all that its
 * parts read must be covered, no query or search for it be cut short, no doubt of its rule be true,
 * nothing open be about its keys and
 * accounts, and each amount that its repair posts be what an invariant measured or one record of
 * the evidence says. STATUS_LIMIT: the arena is full; others as the evidence has them.
 */
enum status label_cause(struct examination *examination, struct instance *instance) MUST_CHECK;

/*
 * The kinds by which it was found, and counted what it touched, that are not covered over the whole
 * window, by bit.
 */
uint64_t label_unseen(const struct examination *examination, const struct instance *instance);

#endif
