/* plan_make.h - from a diagnosis to the steps of its repair: each by its rule's template. */
#ifndef DOCTOR_PLAN_MAKE_H
#define DOCTOR_PLAN_MAKE_H

#include "doctor/repair_plan.h"

enum {
    DIAGNOSIS_CAUSES_MAX = 256,
    DIAGNOSIS_ROWS_MAX = 20000,
    PLAN_LEFT_MAX = 2 * DIAGNOSIS_ROWS_MAX, /* by rows, and by doubts that have none */
};

/* What a cause touched, as the diagnosis says, and what evidence says of the record cited. */
struct plan_row {
    struct str account;
    struct str ccy;
    struct signed_amount delta; /* too much (positive) or too little */
    uint64_t record;            /* hash of the record cited; 0: none */
    struct str source;          /* that has it */
    uint32_t cause;
    bool left; /* nothing is posted for it */

    /* filled by whoever reads the evidence (plan_trace.h); empty: not found */
    bool found;
    struct digest line; /* of the record's bytes */
    struct str tx;
    struct str arrival; /* the transaction that brings its money to another lane */
    struct str debit; /* of the transaction's two legs; between lanes, who paid and who was paid */
    struct str credit;
    struct signed_amount amount;
    bool between; /* lanes */
};

struct plan_cause {
    struct str fault;
    struct str title;
    struct str label;
    struct str repair;
    struct str stop;
    struct str prevention;
    bool ledger_entry;
    bool psp_money;
};

/* Where an invariant does not hold, and which fault explains it; empty: none does. */
struct plan_violation {
    struct str invariant;
    struct str key;
    struct str fault;
};

struct plan_diagnosis {
    struct str incident;
    struct digest rules;
    struct str what_if; /* a record that was left out of the evidence; empty in what was parsed */
    uint64_t unexplained;
    bool truncated;
    uint32_t cause_count;
    struct plan_cause causes[DIAGNOSIS_CAUSES_MAX];
    uint32_t row_count;
    struct plan_row *rows; /* DIAGNOSIS_ROWS_MAX of them in the arena */
    uint32_t left_count;
    struct str *left; /* accounts to which nothing is posted, sorted; PLAN_LEFT_MAX in the arena */
    uint32_t violation_count;
    struct plan_violation *violations; /* DIAGNOSIS_ROWS_MAX of them in the arena */
};

/*
 * The output of `doctor diagnose --json`, whose views are of text and arena. STATUS_DENIED: it says
 * what would be if a record lacked. STATUS_INVALID, STATUS_LIMIT. The arena: 8 x the size.
 */
enum status plan_diagnosis_parse(struct str text, struct arena *arena,
                                 struct plan_diagnosis *out_diagnosis, struct error *out_error)
    MUST_CHECK;

/*
 * Leaves a row to people, and with it whatever else is its account's. False: more than PLAN_LEFT_MAX
 * accounts would be left.
 */
bool plan_row_leave(struct plan_diagnosis *diagnosis, struct plan_row *row) MUST_CHECK;

/*
 * The weakest label of its causes, when that gets a plan. STATUS_DENIED: it does not, or something is
 * not explained.
 */
enum status plan_label(const struct plan_diagnosis *diagnosis, struct str *out_label,
                       struct error *out_error) MUST_CHECK;
/* Whether what the row has too much or too little is one leg of its transaction, to the cent. */
bool plan_row_is_traced(const struct plan_row *row);

/* Whether nothing is posted for a row: it is left, or a leg of its transaction is on such an account. */
bool plan_row_is_left(const struct plan_diagnosis *diagnosis, const struct plan_row *row);

/*
 * Steps in order: stop, fix, entries, what follows from them. STATUS_DENIED: something is not
 * explained, or its label gets no plan. STATUS_INVALID: an amount cannot be traced to one
 * transaction of two legs: a person has to. plan's incident, label, rules and steps are written.
 */
enum status repair_plan_make(const struct plan_diagnosis *diagnosis, struct arena *arena,
                             struct repair_plan *plan, struct error *out_error) MUST_CHECK;

#endif
