/* fixture.h - the cases that a rule ships with: small bundles in text, and what must come out. */
#ifndef DOCTOR_FIXTURE_H
#define DOCTOR_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/delta.h"
#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "doctor/diagnosis.h"
#include "doctor/manifest.h"

/* The form is described in docs/doctor_rules.md. */
enum { FIXTURE_AFFECTED_MAX = 64, FIXTURE_LINES_MAX = 1 << 20 };

enum fixture_sort { FIXTURE_POSITIVE, FIXTURE_LOOKALIKE, FIXTURE_MISSING };

struct fixture_affected {
    struct str account;
    struct str ccy;
    struct delta delta;
};

struct fixture_case {
    enum fixture_sort sort;
    uint32_t line;       /* where it begins, from 1 */
    struct str lines;    /* its records */
    struct str imported; /* records of the case that it is derived from */
    uint64_t lacks;      /* kinds that are not there and not covered, by bit */
    bool expects;
    enum label expected; /* LABEL_NONE: the fault must not be found at all */
    struct str cause;    /* of a look-alike: what it is; empty: not said */
    uint32_t affected_count;
    struct fixture_affected affected[FIXTURE_AFFECTED_MAX];
};

enum { FIXTURE_CASES_MAX = 16 };
struct fixture_set {
    uint32_t count;
    struct fixture_case cases[FIXTURE_CASES_MAX];
};

/* STATUS_INVALID: the error names the line; also when one of the three sorts is not there. */
enum status fixture_parse(struct str text, struct fixture_set *out_set, struct error *out_error)
    MUST_CHECK;

/* A manifest in which each kind is a source of its own, covered unless it lacks. */
void fixture_manifest(const struct fixture_case *fixture, struct manifest *out_manifest);
/* Appends the case's lines of one kind. */
void fixture_lines(const struct fixture_case *fixture, uint32_t kind, struct buf *out_lines);

/* NULL: the diagnosis is as the case wants it; else what is wrong with it, in a few words. */
const char *fixture_verdict(const struct fixture_case *fixture, struct str fault,
                            const struct diagnosis *diagnosis);

#endif
