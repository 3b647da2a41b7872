/* service.h - the service under test: the lives of its process, on two machines and one disk. */
#ifndef SIM_SERVICE_H
#define SIM_SERVICE_H

#include "sim/log_stage.h"
#include "sim/model_journal.h"
#include "sim/sim_clock.h"
#include "sim/sim_entropy.h"
#include "sim/sim_log.h"
#include "sim/sim_run_store.h"
#include "sim/sim_store.h"
#include "sim/sim_sync.h"
#include "wallet/lane.h"

/*
 * The supervisor starts the lane as `tpwallet serve` would, again and again: after a crash,
 * after a shutdown, after damage was mended, and, when SECOND_OWNER strikes, beside a life
 * that does not know yet that it lost the lane. All lives share the disk; each machine has
 * its own index, its own log and its own wall clock.
 *
 * Clients stand outside: they survive every crash.
 */
enum { MACHINES = LOG_MACHINES };

enum life_phase { LIFE_OPENING, LIFE_UP, LIFE_CLOSING, LIFE_OVER };

/* One life of the process. */
struct life {
    struct service *service;
    struct process process;
    struct sim_sync sync;
    struct sim_clock clock;
    struct sim_entropy entropy;
    struct sim_log log;
    struct store *store;
    struct run_store *run_store;
    struct lane *lane; /* while UP or CLOSING */
    struct log_beside log_beside;
    enum life_phase phase;
    uint32_t machine;
    uint32_t users;       /* clients inside the lane's calls */
    bool rebuilding;      /* it came up before its index covered the journal */
    bool superseded;      /* another life was started beside it */
    bool may_be_damaged;  /* something was damaged when it began */
    uint64_t damage_hits; /* the damage ever done by then */
    uint64_t told_batch;  /* the newest batch that a client was told of */
    struct task *task;
    void *beside; /* what the owner of the service runs beside the lane; its own */
};

struct service_stats {
    uint64_t lives;
    uint64_t opens;     /* that came up */
    uint64_t shutdowns; /* without a crash */
    uint64_t opens_refused[STATUS_COUNT];
    uint64_t runs_committed;
    uint64_t replayed;
    uint64_t rebuilds;        /* lives that came up before their index covered the journal, */
    uint64_t rebuilds_ended;  /* those of them that took writes later, */
    uint64_t rebuild_crashes; /* and lives that crashed with an index not yet rebuilt */
};

/* Streams of the world's seed between those of one lane and of the next. */
enum { LANE_STREAMS = 1000000 };

struct asking;

struct service {
    struct world *world;
    uint64_t streams; /* the first of this lane's; lane 0 begins with 0 */
    struct faults faults;
    struct verdict verdict;
    struct model *model;
    struct model_journal journal;
    struct sim_disk *disk;
    struct sim_wall walls[MACHINES];
    struct sim_shelf *shelves[MACHINES];
    struct sim_log_ring log;
    struct log_stage log_stage;
    struct lane_options options;
    struct prng plan;    /* of lives: when each ends */
    struct life *newest; /* the one begun last */
    struct life *active; /* the newest that is UP; NULL */
    struct life *former; /* superseded and not yet over; NULL */
    bool machine_used[MACHINES];
    uint32_t life_count;
    bool stopping; /* no more lives after this one */
    struct task *supervisor;
    struct service_stats stats;
    uint32_t point_count; /* a crash may aim at the first so many of enum sim_point, */
    uint32_t point_gap;   /* and at so many beyond those of PSPs: they have none */
    /*
     * Called by the task of a life that has come up, and before its lane is drained. opened()
     * must not wait for the lane. May be NULL.
     */
    void (*opened)(void *owner, struct life *life);
    void (*closing)(void *owner, struct life *life);
    /* A batch is durable, and the twin has it. May be NULL. */
    void (*appended)(void *owner);
    /* A client was answered, and what it was told is right. May be NULL. */
    void (*answered)(void *owner, const struct asking *asking);
    void *owner;
};

/* A life may meet only damage that was there when it began, or was done since. */
bool life_damage_possible(const struct life *life);
/* A static string. */
const char *life_phase_name(enum life_phase phase);

/* Builds everything in the world and starts the supervisor. faults must have their rates. */
void service_init(struct service *service, struct world *world, const struct lane_options *options);
void service_start(struct service *service);
/* The world has ended (or was stopped: then what lives hold is lost). */
void service_done(struct service *service);

/*
 * A life that is up, for the caller to use until service_leave(); waits for one. Seldom it is
 * the superseded one. NULL: the service has stopped for good.
 */
struct life *service_enter(struct service *service, struct prng *prng);
void service_leave(struct life *life);

/* Ends the newest life in an orderly way; another begins. */
void service_restart(struct service *service);
/* Ends it, and no other begins. */
void service_stop(struct service *service);

#endif
