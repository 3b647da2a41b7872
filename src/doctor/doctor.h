/* doctor.h - rules bound to a store of evidence, for one diagnosis after another. */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "base/error.h"
#include "base/status.h"
#include "doctor/diagnosis.h"
#include "doctor/rule.h"
#include "port/evidence.h"

/* Where the columns that have a meaning are in a query; -1: it has none of that name. */
enum doctor_column {
    COLUMN_INV,
    COLUMN_KEY,
    COLUMN_ACCOUNT,
    COLUMN_CCY,
    COLUMN_DELTA,
    COLUMN_TS,
    COLUMN_W,
    COLUMN_PAYMENT,
    COLUMN_HOLD,
    COLUMN_WEBHOOK,
    COLUMN_PAYOUT,
    COLUMN_BEFORE_CLOCK,
    COLUMN_BEFORE_TS,
    COLUMN_AFTER_CLOCK,
    COLUMN_AFTER_TS,
    COLUMN_COUNT,
};

struct doctor_query {
    uint32_t handle; /* in the evidence */
    uint32_t column_count;
    const char *names[EVIDENCE_COLUMNS_MAX];
    int8_t columns[COLUMN_COUNT];
    uint64_t violation_kinds; /* of the invariants by whose violations it goes, by bit */
};

/*
 * Rules prepared against a store once, for as many cases as it is loaded with. One thread at a
 * time. Set and evidence must outlive it.
 */
struct doctor {
    const struct rule_set *rules;
    struct evidence *evidence;
    struct doctor_query queries[RULE_QUERIES_MAX];
    struct doctor_query reversals; /* remedy.h */
    struct doctor_query payments;  /* claims.h */
};

/* STATUS_INVALID: a query is not one that reads, or lacks a column; the error says which. */
enum status doctor_init(struct doctor *doctor, const struct rule_set *rules,
                        struct evidence *evidence, struct error *out_error) MUST_CHECK;

#endif
