/* report.h - the sums over a range of seeds, and their tables. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include "sim/crowd.h"
#include "sim/run.h"

struct report;

/* Stops the program when memory is lacking. */
struct report *report_new(void);
void report_free(struct report *report);

/* Adds a seed that has ended; writes its violations, and its line when verbose. */
void report_seed(struct report *report, const struct sim_options *options, uint64_t seed,
                 const struct service *service, const struct crowd *crowd);

/* Writes the tables and the last line. */
void report_print(const struct report *report, const struct sim_options *options,
                  struct sim_result *out_result);

#endif
