/* diagnose.h - from evidence to causes: violations, instances, the choice, what follows from it. */
#ifndef DOCTOR_DIAGNOSE_H
#define DOCTOR_DIAGNOSE_H

#include "base/arena.h"
#include "doctor/diagnosis.h"
#include "doctor/doctor.h"

struct doctor_options {
    const bool *skip; /* faults to leave out, by place in the rule set; NULL: none */
};

/*
 * All of the diagnosis lies in the arena. Equal evidence gives an equal diagnosis. STATUS_LIMIT:
 * the arena is too small; else as the evidence. A query that fails or takes too long on this
 * evidence leaves its predicate unknown.
 */
enum status doctor_diagnose(struct doctor *doctor, const struct doctor_options *options,
                            struct arena *arena, struct diagnosis *out_diagnosis,
                            struct error *out_error) MUST_CHECK;

#endif
