/* lanes_stage.h - all that a seed of several lanes consists of: a service and its clients for each. */
#ifndef SIM_LANES_STAGE_H
#define SIM_LANES_STAGE_H

#include "sim/plan.h"
#include "sim/transit_books.h"

struct lanes_stage;

/* One lane: its lives, its clients, its disk. The links to the others are each life's own. */
struct lane_side {
    struct lanes_stage *stage;
    uint32_t lane;
    struct plan plan;
    struct service service;
    struct crowd crowd;
    struct model_payments *twin;
};

struct lanes_stage {
    struct world *world;
    uint32_t lanes;
    int64_t patience_ms; /* of the workers */
    struct lane_side sides[SIM_LANES_MAX];
    struct transit_books books;
    uint32_t busy; /* audits, and calls on their way that nobody waits for */
};

/*
 * For struct service, whose owner is the struct lane_side: starts the workers of transits and an
 * audit beside a lane, and stops them.
 */
void lanes_life_opened(void *owner, struct life *life);
void lanes_life_closing(void *owner, struct life *life);

#endif
