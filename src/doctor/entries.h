/* entries.h - which accounts a repair posts to, and which are left to people. */
#ifndef DOCTOR_ENTRIES_H
#define DOCTOR_ENTRIES_H

#include "doctor/examination.h"

/*
 * Marks what each chosen cause touched and the repair leaves alone: all of a cause that may be
 * another one, that was not counted in full or of which a doubt could not be told, and the accounts that a doubt of any cause names or
 * that a violation without cause is about. Causes must have their extents and labels.
 */
enum status examine_entries(struct examination *examination) MUST_CHECK;

#endif
