/* psp_set.h - several PSPs by name, each behind a circuit breaker, counted for the metrics. */
#ifndef WALLET_PSP_SET_H
#define WALLET_PSP_SET_H

#include "base/buf.h"
#include "payment/breaker.h"
#include "payment/routing.h"
#include "port/clock.h"
#include "port/psp.h"
#include "port/sync.h"

/*
 * A member is a PSP (port/psp.h) itself: its orders and queries go to the PSP given, or are
 * NOT_SENT with the reason "breaker_open". A call counts as a failure of the PSP when it is
 * NOT_SENT, THROTTLED, or UNKNOWN without an answer or with a 5xx; statements pass uncounted.
 *
 * Any task. It lives where its owner keeps it and must not move.
 */
enum { PSP_SET_MAX = ROUTING_PSPS_MAX, PSP_SET_METRICS_SIZE_MAX = 64 << 10 };

struct psp_counts {
    uint64_t orders[PSP_ANSWER_END]; /* by answer */
    uint64_t queries[PSP_ANSWER_END];
    uint64_t held_back; /* of both, by the breaker; among NOT_SENT */
    uint64_t call_ms;   /* time in calls that were let through */
};

struct psp_member {
    struct psp port;
    struct psp *psp;
    struct psp_set *set;
    struct breaker breaker;
    struct psp_counts counts;
};

struct psp_set {
    struct sync *sync;
    struct clock *clock;
    struct monitor *monitor;
    struct breaker_options breaker;
    uint32_t count;
    struct psp_member members[PSP_SET_MAX];
};

/* The breaker's options are those of every member. */
void psp_set_init(struct psp_set *set, struct sync *sync, struct clock *clock,
                  const struct breaker_options *breaker);
/* Closes the PSPs. No call may be under way. */
void psp_set_done(struct psp_set *set);

/* Before the set is used. STATUS_CONFLICT: the name is taken; STATUS_LIMIT: as many as may be. On
 * STATUS_OK the PSP belongs to the set. */
enum status psp_set_add(struct psp_set *set, struct psp *psp) MUST_CHECK;

/* The member of that name; NULL: there is none. */
struct psp *psp_set_find(struct psp_set *set, struct str name);

/* As routing_choose(), by the health of the members; the name, static as long as `routing`. */
enum status psp_set_choose(struct psp_set *set, const struct routing *routing,
                           const struct routing_ask *ask, const char **out_name) MUST_CHECK;

/* What is known of the member with this place, 0 to count - 1. */
struct psp_status {
    const char *name;
    enum breaker_state state;
    uint32_t success_per_mille;
    uint64_t opened;
    struct psp_counts counts;
};
void psp_set_get_status(struct psp_set *set, uint32_t place, struct psp_status *out_status);

/*
 * Appends, in Prometheus' text format: tpwallet_psp_calls_total{psp,call,answer},
 * tpwallet_psp_call_seconds_total{psp}, tpwallet_psp_held_back_total{psp},
 * tpwallet_psp_breaker_state{psp,state} (1 for the state it is in, 0 for the others),
 * tpwallet_psp_breaker_opened_total{psp}, tpwallet_psp_success_ratio{psp}.
 */
void psp_set_write_metrics(struct psp_set *set, struct buf *out_text);

#endif
