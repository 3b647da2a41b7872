/* foreign_plan.h - the repair of somebody else's ledger, as SQL for its owners to read and to run. */
#ifndef DOCTOR_FOREIGN_PLAN_H
#define DOCTOR_FOREIGN_PLAN_H

#include "doctor/plan_make.h"
#include "doctor/table_mapping.h"

enum { FOREIGN_SQL_SIZE_MAX = 32 << 20 };

/*
 * One transaction: locks, then each step with its own preconditions, then what must hold after it,
 * and ROLLBACK, which its owners change. Steps follow from the first word of each cause's repair:
 *
 *     reverse     one for each transaction that an affected row was traced to
 *     compensate  what an affected row has too much or too little, between the legs of its transaction
 *     complete    one for each transaction whose postings do not sum to zero
 *     rebuild     the balance of each affected row
 *
 * Their words are the mapping's templates; values stand in them as literals. An id follows from
 * incident, step and rules, so that the same step is the same each time. STATUS_DENIED: the label
 * gets no plan. STATUS_INVALID: a repair or template that cannot be written, an amount that is not
 * traced, a text that is no literal; the error says which. STATUS_LIMIT.
 */
enum status foreign_plan_sql(const struct plan_diagnosis *diagnosis,
                             const struct table_mapping *mapping, struct buf *out_sql,
                             struct error *out_error) MUST_CHECK;

#endif
