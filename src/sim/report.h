/* report.h - the sums over a range of seeds, and their tables. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include "sim/courier.h"
#include "sim/run.h"
#include "sim/transit_books.h"

struct report;

/* Stops the program when memory is lacking. */
struct report *report_new(void);
void report_free(struct report *report);

/* What a seed consisted of; what is not of its workload is NULL. */
struct seed_parts {
    const struct service *service;
    const struct crowd *crowd;
    const struct model_payments *twin;
    const struct sim_acquirer *acquirer;
    const struct courier *courier;
    uint64_t resolved; /* by a person */
    bool beside;       /* another lane of the seed that was added last */
    const struct transit_books *books;
};

/* Adds a seed that has ended; writes its violations, and its line when verbose. */
void report_seed(struct report *report, const struct sim_options *options, uint64_t seed,
                 const struct seed_parts *parts);

/* Writes the tables and the last line. */
void report_print(const struct report *report, const struct sim_options *options,
                  struct sim_result *out_result);

/* A line of a table; a count of zero that is not excluded was never met. */
void report_row(struct buf *text, const char *name, uint64_t count, bool excluded,
                uint64_t *never_met);

#endif
