/* plan_trace.h - from the records that a diagnosis cites to the transactions they are about. */
#ifndef DOCTOR_PLAN_TRACE_H
#define DOCTOR_PLAN_TRACE_H

#include "doctor/plan_make.h"

enum { PLAN_TRACE_LINE_ARENA = 24 * ((1 << 16) + 2) }; /* for the longest line of evidence */

/*
 * Evidence is read twice: each line of each source to plan_trace_record(), then to plan_trace_leg().
 * What a record is cited by is no digest: whoever writes evidence can make two lines of one id. A
 * citation leads to the line of that id in the source that it names, and to nothing when that source
 * has another line of it.
 */
struct plan_trace {
    struct plan_diagnosis *diagnosis; /* whose rows are filled */
    struct arena *texts;
    struct arena *line; /* of PLAN_TRACE_LINE_ARENA at least */
    struct error *error;
    struct plan_row *by_record[DIAGNOSIS_ROWS_MAX];
    struct plan_row *by_tx[2 * DIAGNOSIS_ROWS_MAX]; /* and one for the arrival of each */
    struct str
        asked[2 * DIAGNOSIS_ROWS_MAX]; /* beside by_tx: what brought a row's money from a lane */
    uint32_t record_count;
    uint32_t tx_count;
};

/* The four first members are the caller's. */
void plan_trace_begin(struct plan_trace *trace);
/* STATUS_DENIED: the source has two records that are cited as one. */
enum status plan_trace_record(struct plan_trace *trace, struct str source, struct str line)
    MUST_CHECK;
/* Between the readings. STATUS_LIMIT: no memory. */
enum status plan_trace_turn(struct plan_trace *trace) MUST_CHECK;
enum status plan_trace_leg(struct plan_trace *trace, struct str line) MUST_CHECK;
/*
 * After them. Money between two lanes is two transactions, one in each: its rows become one, of the
 * transfer that was asked for, from who paid to who was paid, also where only one of them is cited.
 * Of what has no other half the row is left, and with it its account. STATUS_LIMIT: more than
 * PLAN_LEFT_MAX of them.
 */
enum status plan_trace_end(struct plan_trace *trace) MUST_CHECK;

#endif
