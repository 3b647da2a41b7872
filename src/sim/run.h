/* run.h - runs the simulator over a range of seeds, and says what was done, hit and broken. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/* Below this many seeds a fault, crash point or outcome that was never met is no failure. */
enum { SIM_COVERAGE_SEEDS_MIN = 100 };

/* Name in options, text in tables. */
#define SIM_WORKLOAD_TABLE(X)                                                                      \
    X(LEDGER, "ledger")                                                                            \
    X(PAYMENTS, "payments")                                                                        \
    X(LANES, "lanes")

#define SIM_WORKLOAD_ENUM(name, text) SIM_WORKLOAD_##name,
enum sim_workload { SIM_WORKLOAD_TABLE(SIM_WORKLOAD_ENUM) SIM_WORKLOAD_COUNT };
#undef SIM_WORKLOAD_ENUM
const char *sim_workload_name(enum sim_workload workload);
bool sim_workload_parse(struct str text, enum sim_workload *out_workload);

struct sim_options {
    enum sim_workload workload;
    uint64_t seed_first;
    uint64_t seed_last; /* included; at least seed_first */
    bool verbose;       /* a line per seed, and the newest log lines of one that fails */
    /*
     * Where text goes, in whole lines; called from the caller's own stack only. owner is
     * handed through.
     */
    void (*write)(void *owner, struct str text);
    void *owner;
    /*
     * Set to each seed before it starts; may be NULL. A failed CHECK stops the program, so a
     * handler of SIGABRT can name the seed from here.
     */
    volatile uint64_t *current_seed;
};

struct sim_result {
    uint64_t seeds;
    uint64_t violations;
    uint64_t never_met; /* faults, crash points and outcomes with no hit, the excluded ones aside */
    uint64_t trace;     /* over all seeds, in order: equal for equal ranges and binaries */
};

/*
 * Writes a line for each violation (seed, what, and the command to replay it), then tables of
 * the work acknowledged and of the hits per fault, crash point and outcome, and last
 * "seeds N, violations V, trace HASH".
 *
 * STATUS_OK: nothing is wrong. STATUS_CORRUPT: a violation, or something of the tables was
 * never met in a range of at least SIM_COVERAGE_SEEDS_MIN seeds. One thread; needs none else.
 */
enum status sim_run_seeds(const struct sim_options *options, struct sim_result *out_result)
    MUST_CHECK;

/* Paragraphs for the help of the command; static. */
extern const char sim_help[];

#endif
