/* exam_sitting.h - the doctor at its exam: rules and a store that take one case after another. */
#ifndef CMD_EXAM_SITTING_H
#define CMD_EXAM_SITTING_H

#include "base/error.h"
#include "doctor/diagnosis.h"
#include "sim/naive_case.h"

struct exam_sitting;

/* Rules of a folder; NULL: those that are built in. */
enum status exam_sitting_open(const char *rules, struct exam_sitting **out_sitting,
                              struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void exam_sitting_close(struct exam_sitting *sitting);

/*
 * Hands the doctor the evidence of a case, as its bundle would. `without`: a class whose rule
 * is left out, or NAIVE_FAULT_COUNT. The diagnosis is good until the next case.
 */
enum status exam_sitting_take(struct exam_sitting *sitting, const struct naive_case *made,
                              enum naive_fault without, const struct diagnosis **out_diagnosis,
                              struct error *out_error) MUST_CHECK;

#endif
