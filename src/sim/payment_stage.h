/* payment_stage.h - all that a seed of payments consists of, and what each life runs beside its lane. */
#ifndef SIM_PAYMENT_STAGE_H
#define SIM_PAYMENT_STAGE_H

#include "sim/courier.h"
#include "sim/plan.h"
#include "wallet/event_feed.h"

/* A reader of the events, who outlives every crash: it remembers how far it has come. */
struct feed_reader {
    struct position cursor;
    uint32_t consumed; /* events of payments */
};

struct payment_stage {
    struct world *world;
    struct service service;
    struct sim_acquirer acquirer;
    struct model_payments *twin;
    struct crowd crowd;
    struct courier courier;
    struct sim_tray *trays[MACHINES];
    struct plan plan;
    struct feed_reader reader;
    uint32_t workers;  /* of each saga */
    uint32_t audits;   /* under way */
    uint64_t resolved; /* by the operator */
};

/*
 * For struct service: starts the saga, a reader of the events and an audit, and stops them. What
 * cannot be started is tried again, as a supervisor would.
 */
void payment_life_opened(void *owner, struct life *life);
void payment_life_closing(void *owner, struct life *life);
/* NULL: it has none (yet, or any more). */
struct letterbox *payment_life_letterbox(struct life *life);

/* The reader has come to the end of the durable journal, and every event came once, in order. */
bool payment_feed_complete(const struct payment_stage *stage);

#endif
