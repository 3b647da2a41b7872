/* render_text.h - a diagnosis for a terminal: verdict, money, cause, what to do, then evidence. */
#ifndef DOCTOR_RENDER_TEXT_H
#define DOCTOR_RENDER_TEXT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "doctor/diagnosis.h"
#include "port/evidence.h"

/* Appends; as diagnosis_json(). */
enum status diagnosis_text(const struct diagnosis *diagnosis, struct evidence *evidence,
                           struct buf *out, struct error *out_error) MUST_CHECK;

/* Why a fault is not among the causes: each instance of it, with its predicates; or that its
 * trigger was not found. */
enum status diagnosis_why_not(const struct diagnosis *diagnosis, struct evidence *evidence,
                              struct str fault, struct buf *out, struct error *out_error)
    MUST_CHECK;

/*
 * What to collect next, what it would decide, and how; then what else could not be checked, and the
 * kinds that no source has.
 */
void diagnosis_next(const struct diagnosis *diagnosis, struct buf *out);

#endif
