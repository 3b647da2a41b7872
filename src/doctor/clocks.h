/* clocks.h - clocks as intervals: how far each can be off, from what must have come first. */
#ifndef DOCTOR_CLOCKS_H
#define DOCTOR_CLOCKS_H

#include "doctor/examination.h"

/*
 * What happened before something else, by another clock, bounds how far the two can be apart; all
 * bounds are combined. A clock that cannot be right against the one that most others agree with (of
 * equals, "ledger"), but for a quarter of a second, is a finding of invariant I28.
 */
enum status examine_clocks(struct examination *examination) MUST_CHECK;

#endif
