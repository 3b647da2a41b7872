/* What each life of a lane runs beside it: the workers of transits, over links of its own. */
#include "sim/lanes_stage.h"

#include <stdlib.h>

#include "base/check.h"
#include "sim/sim_link.h"

enum { AGAIN_MS = 20 };

struct beside {
    struct sim_link links[SIM_LANES_MAX];
    struct transit_link *ports[SIM_LANES_MAX];
    struct transit *transit;
};

struct audit {
    struct lane_side *side;
    struct life *life;
};

static void audit_body(void *argument)
{
    struct audit *audit = argument;
    crowd_audit(&audit->side->crowd, audit->life, false);
    service_leave(audit->life);
    audit->side->stage->busy--;
    free(audit);
}

static void audit_start(struct lane_side *side, struct life *life)
{
    struct audit *audit = calloc(1, sizeof *audit);
    CHECK(audit != NULL);
    *audit = (struct audit){ side, life };
    life->users++;
    side->stage->busy++;
    (void)task_spawn(side->stage->world, "audit", audit_body, audit); /* ends by itself */
}

void lanes_life_opened(void *owner, struct life *life)
{
    struct lane_side *side = owner;
    struct lanes_stage *stage = side->stage;
    struct beside *beside = calloc(1, sizeof *beside);
    CHECK(beside != NULL);
    life->beside = beside;
    for (uint32_t i = 0; i < stage->lanes; i++) {
        sim_link_init(&beside->links[i], life, side, &stage->sides[i]);
        beside->ports[i] = &beside->links[i].port;
    }
    const struct lane_ports ports = {
        .store = life->store,
        .run_store = life->run_store,
        .clock = &life->clock.port,
        .entropy = &life->entropy.port,
        .sync = &life->sync.port,
        .log = &life->log.port,
    };
    const struct transit_options options = {
        .lanes = stage->lanes,
        .lane = side->lane,
        .patience_ms = stage->patience_ms,
        .links = beside->ports,
    };
    audit_start(side, life);
    struct error error;
    while (transit_start(life->lane, &ports, &options, &beside->transit, &error) != STATUS_OK) {
        beside->transit = NULL;
        if (life->process.crashed || life->phase != LIFE_UP) return;
        task_sleep(stage->world, AGAIN_MS * NS_PER_MS);
    }
}

void lanes_life_closing(void *owner, struct life *life)
{
    struct lane_side *side = owner;
    struct beside *beside = life->beside;
    struct transit_status status;
    if (beside->transit != NULL) {
        transit_get_status(beside->transit, &status);
        if (status.broken > 0) {
            verdict_violation(&side->service.verdict, "a departure was ended both ways");
        }
    }
    transit_stop(beside->transit);
    life->beside = NULL;
    free(beside);
}
