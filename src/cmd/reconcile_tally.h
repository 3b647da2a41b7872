/* reconcile_tally.h - what a comparison came to: counted, summed, listed, and shown in three forms. */
#ifndef CMD_RECONCILE_TALLY_H
#define CMD_RECONCILE_TALLY_H

#include <stdio.h>

#include "base/json_writer.h"
#include "doctor/reconcile_currency.h"
#include "doctor/reconcile_match.h"

struct reconcile_total {
    uint64_t results;
    uint64_t lines;
};

struct reconcile_tally {
    const char *name;     /* "statement", "payouts" */
    const char *names[2]; /* of the sides, as they are shown */
    const struct reconcile_currencies *currencies;
    uint64_t list_max; /* results that are no matches and are listed */
    FILE *rows;        /* every result as CSV; NULL: nowhere */

    struct reconcile_total totals[RECONCILE_VERDICT_COUNT];
    struct signed_amount drifts[RECONCILE_VERDICT_COUNT][RECONCILE_CURRENCIES_MAX];
    struct signed_amount sums[2][RECONCILE_CURRENCIES_MAX]; /* of all lines by side */
    struct signed_amount parts[RECONCILE_CURRENCIES_MAX];   /* of the result at hand */
    uint64_t lines[2];
    uint64_t numbered; /* results so far */
    bool rows_failed;
    struct buf listed; /* of struct reconcile_listed, each with its lines behind it */
    uint64_t listed_count;
};

/* A zeroed tally with its first members filled; reconcile_tally_done() gives back what it holds. */
void reconcile_tally_init(struct reconcile_tally *tally);
void reconcile_tally_done(struct reconcile_tally *tally);

/* Every line that goes into the comparison. */
void reconcile_tally_line(struct reconcile_tally *tally, const struct reconcile_line *line);
/* The matcher's found(): context is the tally. */
void reconcile_tally_found(void *context, const struct reconcile_result *result);

uint64_t reconcile_tally_class(const struct reconcile_tally *tally, enum reconcile_class class);

/* The first line of the CSV. */
void reconcile_tally_head(FILE *rows);
void reconcile_tally_text(const struct reconcile_tally *tally, struct buf *out);
/* One object. */
void reconcile_tally_json(const struct reconcile_tally *tally, struct json_writer *writer);

#endif
