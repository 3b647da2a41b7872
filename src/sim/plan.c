/* Draws; the rates are per opportunity, so each fault has its own scale. */
#include "sim/plan.h"

enum { STREAM_SEED_PLAN = 4 };

/* In 65,536ths, when a fault is at its usual strength. */
static const uint32_t usual_rates[SIM_FAULT_COUNT] = {
    [SIM_FAULT_CRASH] = 1, /* on or off: see service.c */
    [SIM_FAULT_STALL] = 8,
    [SIM_FAULT_SPURIOUS_WAKE] = 1500,
    [SIM_FAULT_SPAWN_FAILS] = 2500,
    [SIM_FAULT_STORE_UNAVAILABLE] = 500,
    [SIM_FAULT_STORE_SLOW] = 300,
    [SIM_FAULT_DISK_FULL] = 400,
    [SIM_FAULT_LOST_COMMIT] = 700,
    [SIM_FAULT_LOST_REPLY] = 700,
    [SIM_FAULT_REOPEN_FAILS] = 16000,
    [SIM_FAULT_SECOND_OWNER] = 3000,
    [SIM_FAULT_FLIP_BATCH] = 60,
    [SIM_FAULT_FLIP_SLICE] = 3000,
    [SIM_FAULT_RUNS_UNAVAILABLE] = 900,
    [SIM_FAULT_RUNS_FULL] = 1500,
    [SIM_FAULT_RUNS_LOST] = 16000,
    [SIM_FAULT_RUNS_LOST_ALL] = 6000,
    [SIM_FAULT_RUNS_DAMAGED] = 200,
    [SIM_FAULT_CLOCK_FORWARD] = 120,
    [SIM_FAULT_CLOCK_BACK] = 120,
    [SIM_FAULT_CLOCK_JUMP] = 50,
    [SIM_FAULT_LOG_FILES_UNAVAILABLE] = 1500,
    [SIM_FAULT_LOG_FILES_IN_DOUBT] = 4000,
    [SIM_FAULT_LOG_FILES_FULL] = 1500,
    [SIM_FAULT_LOG_FILES_LOST] = 20000,
    [SIM_FAULT_LOG_FILES_LOST_ALL] = 6000,
    [SIM_FAULT_PSP_NOT_SENT] = 2000,
    [SIM_FAULT_PSP_THROTTLED] = 1500,
    [SIM_FAULT_PSP_SLOW] = 1500,
    [SIM_FAULT_PSP_REQUEST_LOST] = 2000,
    [SIM_FAULT_PSP_REQUEST_LATE] = 1500,
    [SIM_FAULT_PSP_REPLY_LOST] = 2500,
    [SIM_FAULT_PSP_GARBAGE] = 1000,
    [SIM_FAULT_PSP_WRONG_AMOUNT] = 600,
    [SIM_FAULT_PSP_QUERY_BLIND] = 10000,
    [SIM_FAULT_WEBHOOK_LOST] = 12000,
    [SIM_FAULT_WEBHOOK_LATE] = 12000,
    [SIM_FAULT_WEBHOOK_TWICE] = 8000,
    [SIM_FAULT_LINK_LOST] = 6000,
    [SIM_FAULT_LINK_LATE] = 6000,
    [SIM_FAULT_LINK_SLOW] = 4000,
    [SIM_FAULT_LINK_REPLY_LOST] = 8000,
};

static uint32_t rate_draw(struct prng *prng, uint32_t usual)
{
    switch (prng_below(prng, 8)) {
    case 0:
    case 1:
    case 2: return 0;
    case 3: return usual / 4 + 1;
    case 4: return usual * 3 < FAULT_RATE_ALWAYS / 2 ? usual * 3 : FAULT_RATE_ALWAYS / 2;
    default: return usual;
    }
}

static void profile_draw(struct prng *prng, struct crowd_profile *out_profile)
{
    bool bulky = prng_below(prng, 4) == 0;
    *out_profile = (struct crowd_profile){
        .clients = (uint32_t)prng_between(prng, 2, 10),
        .questions = (uint32_t)prng_between(prng, 15, 50),
        .bulk_items_max = bulky ? 300 : 60,
        .think_ms_max = (uint32_t)prng_between(prng, 1, 400),
    };
}

void plan_make(const struct world *world, struct plan *out_plan)
{
    struct prng prng = world_stream(world, STREAM_SEED_PLAN);
    *out_plan = (struct plan){ .calm_after_steps = 60000 };
    bool quiet = prng_below(&prng, 12) == 0; /* now and then, nothing goes wrong at all */
    for (int i = 0; i < SIM_FAULT_PSP_FIRST; i++) {
        uint32_t rate = rate_draw(&prng, usual_rates[i]);
        out_plan->rates[i] = quiet ? 0 : rate;
    }
    if (!quiet && prng_below(&prng, 4) != 0) out_plan->rates[SIM_FAULT_CRASH] = 1;
    profile_draw(&prng, &out_plan->profile);
    bool tight = prng_below(&prng, 3) == 0; /* so that capacities are met */
    out_plan->options = (struct lane_options){
        .accounts_max = tight ? 24 : 96,
        .holds_max = tight ? 12 : 400,
        .reversals_max = tight ? 8 : 400,
        .memtable_ids = 1 << 10,
        .index_wait_ms = prng_below(&prng, 8) == 0 ? -1 : (int64_t)prng_below(&prng, 3),
    };
}

/* Half of the seeds have right clocks: a wallet with a wrong one cannot know how old a key is. */
static void clocks_mend(struct prng *prng, struct plan *plan)
{
    if (prng_below(prng, 2) == 0) return;
    plan->rates[SIM_FAULT_CLOCK_FORWARD] = 0;
    plan->rates[SIM_FAULT_CLOCK_BACK] = 0;
    plan->rates[SIM_FAULT_CLOCK_JUMP] = 0;
}

void plan_make_payments(const struct world *world, struct plan *out_plan)
{
    struct prng prng = world_stream(world, STREAM_SEED_PLAN);
    *out_plan = (struct plan){ .calm_after_steps = 150000 };
    bool quiet = prng_below(&prng, 12) == 0;
    for (int i = 0; i < SIM_FAULT_LINK_FIRST; i++) {
        uint32_t rate = rate_draw(&prng, usual_rates[i]);
        out_plan->rates[i] = quiet ? 0 : rate;
    }
    if (!quiet && prng_below(&prng, 4) != 0) out_plan->rates[SIM_FAULT_CRASH] = 1;
    clocks_mend(&prng, out_plan);
    out_plan->profile = (struct crowd_profile){
        .clients = (uint32_t)prng_between(&prng, 4, 24),
        .questions = (uint32_t)prng_between(&prng, 50, 110),
        .think_ms_max = (uint32_t)prng_between(&prng, 1, 600),
    };
    bool tight = prng_below(&prng, 4) == 0; /* so that capacities are met */
    out_plan->options = (struct lane_options){
        .accounts_max = 64,
        .holds_max = 2000,
        .reversals_max = 2000,
        .payments_max = tight ? 24 : 2000,
        .memtable_ids = 1 << 10,
        .index_wait_ms = prng_below(&prng, 8) == 0 ? -1 : (int64_t)prng_below(&prng, 3),
    };
}

void plan_make_lanes(const struct world *world, uint32_t lane, struct plan *out_plan)
{
    uint64_t streams = (uint64_t)lane * LANE_STREAMS;
    struct prng prng = world_stream(world, streams + STREAM_SEED_PLAN);
    *out_plan = (struct plan){ .calm_after_steps = 200000 };
    bool quiet = prng_below(&prng, 12) == 0;
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        uint32_t rate = rate_draw(&prng, usual_rates[i]);
        bool met = i < SIM_FAULT_PSP_FIRST || i >= SIM_FAULT_LINK_FIRST;
        out_plan->rates[i] = quiet || !met ? 0 : rate;
    }
    if (!quiet && prng_below(&prng, 4) != 0) out_plan->rates[SIM_FAULT_CRASH] = 1;
    out_plan->profile = (struct crowd_profile){
        .clients = (uint32_t)prng_between(&prng, 2, 6),
        .questions = (uint32_t)prng_between(&prng, 20, 50),
        .think_ms_max = (uint32_t)prng_between(&prng, 1, 600),
    };
    bool tight = prng_below(&prng, 4) == 0; /* so that departures meet the capacity of holds */
    out_plan->options = (struct lane_options){
        .number = lane,
        .accounts_max = 96,
        .holds_max = tight ? 6 : 400,
        .reversals_max = 400,
        .payments_max = tight ? 24 : 400,
        .memtable_ids = 1 << 10,
        .index_wait_ms = prng_below(&prng, 8) == 0 ? -1 : (int64_t)prng_below(&prng, 3),
    };
}
