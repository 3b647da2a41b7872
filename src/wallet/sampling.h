/* sampling.h - which traces are watched: one in so many, those asked for, and all about an incident. */
#ifndef WALLET_SAMPLING_H
#define WALLET_SAMPLING_H

#include "base/error.h"
#include "base/status.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/sync.h"
#include "port/tracer.h"

/*
 * A trace is watched when its id falls into the ratio (decided by the low 56 bits of the id, so
 * that every process and every step decides alike), when its caller says that it samples, or when
 * it is about something that is raised. In the last two cases the trace itself is remembered, at
 * most SAMPLING_FOLLOWED_MAX, the newest ones, for SAMPLING_FOLLOW_S, so that what comes of it later in this
 * process (the PSP's call, the webhook) is watched too. None of it outlives the process.
 *
 * A raise ends by itself: at its time, or when it has made so many traces watched.
 *
 * While nothing is raised or followed, asking costs a comparison. All calls from any task.
 */
struct sampling;

enum {
    SAMPLING_RAISES_MAX = 32,
    SAMPLING_FOLLOWED_MAX = 4096,
    SAMPLING_FOLLOW_S = 3600,
    SAMPLING_RAISE_S_MAX = 24 * 3600,
    SAMPLING_TRACES_MAX = 100000,
    SAMPLING_RATIO_MAX = 1000000000, /* of the denominator */
};

/* One of each: payment, user_ref, route; the others are nil. */
struct raise {
    struct uuid id;
    struct uuid payment;
    struct uuid user_ref;
    uint32_t route; /* number of an operation */
    uint32_t traces_left;
    struct wall_time until;
};

struct sampling_options {
    struct tracer *sink; /* takes the spans; outlives this */
    struct sync *sync;
    struct clock *clock;
    struct entropy *entropy;
    uint32_t ratio_part; /* so many ... */
    uint32_t ratio_of;   /* ... of so many traces; at least 1 */
};

struct sampling_counts {
    uint64_t watched;  /* spans passed on */
    uint64_t raises;   /* now */
    uint64_t followed; /* traces taken up because of a raise or their caller */
};

/* STATUS_LIMIT: no memory. */
enum status sampling_new(const struct sampling_options *options, struct sampling **out_sampling,
                         struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void sampling_free(struct sampling *sampling);

/* The port; lives as this. */
struct tracer *sampling_tracer(struct sampling *sampling);

/* Gives it an id if it has none; replaces the one with its id. STATUS_LIMIT: too many are raised. */
enum status sampling_raise(struct sampling *sampling, struct raise *raise) MUST_CHECK;
/* STATUS_NOT_FOUND: it is not raised, or has ended. */
enum status sampling_lower(struct sampling *sampling, struct uuid id) MUST_CHECK;
/* Those that are raised, in order of raising. */
uint32_t sampling_list(struct sampling *sampling, struct raise out_raises[SAMPLING_RAISES_MAX]);
void sampling_get_counts(struct sampling *sampling, struct sampling_counts *out_counts);

#endif
