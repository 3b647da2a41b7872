/* render_json.h - a diagnosis as JSON: the master of every other form of it. */
#ifndef DOCTOR_RENDER_JSON_H
#define DOCTOR_RENDER_JSON_H

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "doctor/diagnosis.h"
#include "port/evidence.h"

enum { DIAGNOSIS_TEXT_MAX = 512 << 20 };

/*
 * Appends one document and a newline; equal diagnoses give equal bytes. Its members are described
 * in docs/doctor_json.md. The evidence must be the one that was diagnosed: records are cited from
 * it. STATUS_LIMIT: the buf is too small; else as the evidence.
 */
enum status diagnosis_json(const struct diagnosis *diagnosis, struct evidence *evidence,
                           struct buf *out, struct error *out_error) MUST_CHECK;

/* A rule's title with its {parameters} filled in; names that the instance lacks become "?". */
void diagnosis_title(const struct diagnosis *diagnosis, const struct instance *instance,
                     struct buf *out);

/* The bits of the exit code: 1 violations, 2 not all was checked, 4 something is unexplained. */
unsigned diagnosis_exit_bits(const struct diagnosis *diagnosis);

#endif
