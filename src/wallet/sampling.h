/* sampling.h - which traces are watched: one in so many, those asked for, and all about an incident. */
#ifndef WALLET_SAMPLING_H
#define WALLET_SAMPLING_H

#include "base/error.h"
#include "base/status.h"
#include "port/clock.h"
#include "port/sync.h"
#include "port/tracer.h"

/*
 * A trace is watched when its id falls into the ratio (decided by the low 56 bits of the id, so
 * that every process and every step decides alike), when its caller says that it samples, or when
 * it is about something that is raised. In the last two cases the trace itself is remembered, at
 * most SAMPLING_FOLLOWED_MAX, the newest ones, for SAMPLING_FOLLOW_S, so that what comes of it later in this
 * process (the PSP's call, the webhook) is watched too: none of these outlives the process.
 *
 * What is raised is told by the lane that has it in its journal. A raise ends by itself: at its
 * time, or when this process has watched so many traces of it.
 *
 * While nothing is raised or followed, asking costs a comparison. All calls from any task.
 */
struct sampling;

enum {
    SAMPLING_FOLLOWED_MAX = 4096,
    SAMPLING_FOLLOW_S = 3600,
    SAMPLING_RATIO_MAX = 1000000000, /* of the denominator */
};

struct sampling_options {
    struct tracer *sink; /* takes the spans; outlives this */
    struct sync *sync;
    struct clock *clock;
    uint32_t ratio_part; /* so many ... */
    uint32_t ratio_of;   /* ... of so many traces; at least 1 */
};

struct sampling_counts {
    uint64_t watched;  /* spans passed on */
    uint64_t raises;   /* that have not ended */
    uint64_t followed; /* traces taken up because of a raise or their caller */
};

/* STATUS_LIMIT: no memory. */
enum status sampling_new(const struct sampling_options *options, struct sampling **out_sampling,
                         struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void sampling_free(struct sampling *sampling);

/* The port; lives as this. */
struct tracer *sampling_tracer(struct sampling *sampling);

/* How many more traces of this raise are watched here; 0: none, or it is not known. */
uint32_t sampling_traces_left(struct sampling *sampling, struct uuid id);
void sampling_get_counts(struct sampling *sampling, struct sampling_counts *out_counts);

#endif
