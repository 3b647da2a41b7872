/* replica_life.h - for tests: a replica in the simulated world: keeper of a lease, and a lane that follows or leads. */
#ifndef TESTS_SIM_REPLICA_LIFE_H
#define TESTS_SIM_REPLICA_LIFE_H

#include "api/front.h"
#include "sim/asking.h"
#include "sim/sim_lease.h"
#include "tests/sim/append_history.h"
#include "wallet/lease_keeper.h"

enum { REPLICAS = 3 };

/* BELIEF: answers without a lease, for ever. NO_GUARD: commits whose epoch nobody looks at. */
enum planted { PLANTED_NOTHING, PLANTED_BELIEF, PLANTED_NO_GUARD };

struct scene;
struct serving;

/*
 * What cmd/replica.h does, over ports of the simulation: its lives open the shipped lane as a
 * follower, over the scene's one journal and a shelf of the replica's own, and lead it while the
 * keeper holds the lease. A life ends when it is killed, fenced, or has lost the lease.
 */
struct replica {
    struct lane_route route; /* first */
    struct clock clock;      /* that of the replica: other speed, and it stands while paused */
    struct peer peer;
    struct scene *scene;
    uint32_t number;
    struct process process; /* of what outlives a life: front and keeper */
    struct sim_sync sync;
    struct sim_entropy entropy;
    struct lease *lease;
    struct lease_keeper keeper;
    struct front *front;
    int64_t speed_ppm;
    struct monotonic_time paused_until;
    bool cut[REPLICAS]; /* from a peer */
    struct sim_wall wall;
    struct sim_shelf *shelf;
    struct life *life; /* NULL: between two */
    bool leads;
    bool warm;
    bool moves;   /* it is asked to hand the lane over */
    bool forgets; /* it was killed: the keeper begins anew */
    enum status (*append)(struct store *store, const struct store_batch *batch,
                          struct error *out_error); /* the store's own */
};

struct scene {
    struct world *world;
    struct service service; /* the journal, its twin and the verdict; none of its lives */
    struct told told;
    struct prng prng;
    struct sim_register *leases;
    struct replica replicas[REPLICAS];
    enum planted planted;
    bool over; /* no more faults, then no more replicas */
    bool stop;
    uint32_t clients_left;
    uint32_t lives_left; /* replicas that have not ended */
    uint32_t under_way;  /* hops */
    struct serving *serving;
    struct append_history history;
    uint64_t ids;
    uint64_t ticks;      /* of the history */
    uint64_t told_batch; /* the newest that any client has heard of */
    uint32_t stale;      /* reads older than that */
    uint32_t takeovers;
    uint32_t moves; /* as planned */
    uint32_t lives;
    struct front_status front; /* of all */
};

bool chance(struct scene *scene, uint64_t of);
int64_t some_ms(struct scene *scene, uint64_t most);

/* All but its front, which must be there when it starts. */
void replica_init(struct replica *replica, struct scene *scene, uint32_t number);
void replica_start(struct replica *replica);
/* Accepts one that was not begun. */
void replica_done(struct replica *replica);
/* A replica that is paused goes on, wherever it was, when it is woken. */
void replica_pause_point(struct replica *replica);

#endif
