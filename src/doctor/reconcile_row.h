/* reconcile_row.h - a row of a CSV statement as a line to compare, or the reason why it is none. */
#ifndef DOCTOR_RECONCILE_ROW_H
#define DOCTOR_RECONCILE_ROW_H

#include "doctor/reconcile_mapping.h"

enum reconcile_row { RECONCILE_ROW_LINE, RECONCILE_ROW_SKIPPED, RECONCILE_ROW_REFUSED };

struct reconcile_source {
    struct reconcile_mapping mapping; /* bound to the file */
    struct reconcile_currencies *currencies;
    const struct reconcile_fees *fees; /* of ours; NULL: none */
    enum reconcile_side side;
};

/*
 * A row as a line: its side, amounts with the house's sign, the contract's fee. With REFUSED,
 * *out_fault is a static text. out_line->line is left to the caller. The line counts toward its
 * currency's bound.
 */
enum reconcile_row reconcile_row_read(const struct reconcile_source *source, const struct str *row,
                                      uint32_t count, struct reconcile_line *out_line,
                                      const char **out_fault);

/* The text of a field that has one column, or the constant; empty when it has none. */
struct str reconcile_row_text(const struct reconcile_mapping *mapping, enum reconcile_field field,
                              const struct str *row, uint32_t count);

/* Of one line by itself, when it is no row of a file: the contract's fee and the bound. */
const char *reconcile_line_settle(const struct reconcile_source *source, struct str kind,
                                  struct reconcile_line *line);

#endif
