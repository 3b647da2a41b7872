/* statement.h - what the sandbox moved on one day, as lines that it shows when the day is over. */
#ifndef SANDBOX_STATEMENT_H
#define SANDBOX_STATEMENT_H

#include "sandbox/sandbox.h"

/*
 * As port/psp.h: lines from number `from` on, at most `limit`; out_count < limit is the end.
 * STATUS_NOT_FOUND until the day is over or closed. Faults leave lines out or give them twice,
 * each time the same ones. A chargeback's reference is that of the charge or capture disputed,
 * its object the charge's.
 */
enum status sandbox_statement(const struct sandbox *sandbox, struct business_date day,
                              uint32_t from, struct psp_line *out_lines, uint32_t limit,
                              uint32_t *out_count) MUST_CHECK;
/* Of one line, by its place; without faults. */
void sandbox_line_describe(const struct sandbox *sandbox, uint32_t line, struct psp_line *out_line);

#endif
