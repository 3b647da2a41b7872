/* breaker.h - a circuit breaker: whether a PSP that keeps failing is to be asked at all. */
#ifndef PAYMENT_BREAKER_H
#define PAYMENT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/*
 * CLOSED: everything passes; failures are counted in a window that slides by an eighth. When it
 * holds at least calls_min calls and failures are failure_percent of them or more: OPEN.
 * OPEN: nothing passes for open_ms; then HALF_OPEN.
 * HALF_OPEN: as many calls as probes pass at once; that many successes in a row close it, one
 * failure opens it again. A probe that never comes back stops counting after open_ms.
 *
 * Pure: time is passed in and never goes back. One task at a time.
 */
#define BREAKER_STATE_TABLE(X)                                                                     \
    X(CLOSED, 0, "closed")                                                                         \
    X(HALF_OPEN, 1, "half_open")                                                                   \
    X(OPEN, 2, "open")

#define BREAKER_STATE_ENUM(name, value, text) BREAKER_##name = value,
enum breaker_state { BREAKER_STATE_TABLE(BREAKER_STATE_ENUM) BREAKER_STATE_END };
#undef BREAKER_STATE_ENUM
const char *breaker_state_name(unsigned state);

struct breaker_options {
    uint32_t window_ms;       /* 0: 30,000 */
    uint32_t calls_min;       /* 0: 10 */
    uint32_t failure_percent; /* 1 to 100; 0: 50 */
    uint32_t open_ms;         /* 0: 10,000 */
    uint32_t probes;          /* 0: 3 */
};

enum { BREAKER_SLOTS = 8 };

struct breaker_slot {
    int64_t number; /* of its time, counted in eighths of the window */
    uint32_t calls;
    uint32_t failures;
};

struct breaker {
    struct breaker_options options;
    uint8_t state; /* enum breaker_state, as of the newest call here */
    struct monotonic_time since;
    uint32_t probes_out;  /* HALF_OPEN: let through and not back */
    uint32_t probes_good; /* HALF_OPEN: came back well, one after the other */
    struct monotonic_time probe_at;
    uint64_t opened; /* how often */
    struct breaker_slot slots[BREAKER_SLOTS];
};

void breaker_init(struct breaker *breaker, const struct breaker_options *options,
                  struct monotonic_time now);

/* Whether a call may be made. After true, breaker_report() is owed for it. */
bool breaker_allow(struct breaker *breaker, struct monotonic_time now);
/*
 * What became of a call that was let through. A failure is one of the PSP's health: no answer,
 * 5xx, throttled; a decline is none.
 */
void breaker_report(struct breaker *breaker, bool failed, struct monotonic_time now);

/* Without letting anything through: OPEN whose time is over is HALF_OPEN. */
enum breaker_state breaker_state_at(const struct breaker *breaker, struct monotonic_time now);

/* Of calls in the window, those that did not fail, in parts of 1,000; 1,000 when there are none. */
uint32_t breaker_success_per_mille(const struct breaker *breaker, struct monotonic_time now);

/* CHECKs the invariants. */
void breaker_check(const struct breaker *breaker);

#endif
