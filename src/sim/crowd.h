/* crowd.h - the clients of a seed, what they share, and what they have been told. */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include "sim/asking.h"

enum {
    CROWD_MEMORY = 128, /* questions remembered, to be asked again */
    CROWD_CLIENTS_MAX = 24,
    CROWD_RACERS_MAX = 64, /* who ask one question at once */
    CROWD_PRINCIPALS = 4,
    CROWD_REFERENCES = 12,
    CROWD_ABANDONED_MAX = 64,
};

/* How the clients of a seed behave. */
struct crowd_profile {
    uint32_t clients;
    uint32_t questions;      /* each asks so many */
    uint32_t bulk_items_max; /* in one request */
    uint32_t think_ms_max;   /* between two questions */
};

struct crowd {
    struct service *service;
    struct crowd_profile profile;
    struct told told;
    struct question *memory[CROWD_MEMORY];
    uint32_t memory_count;
    struct question *abandoned[CROWD_ABANDONED_MAX];
    uint32_t abandoned_count;
    struct uuid references[CROWD_REFERENCES];
    uint32_t busy; /* clients that have not finished */
    void *owner;   /* of what invents; its own */
    /* What they ask for: sim/invention.h unless it is set otherwise. */
    struct question *(*invent)(struct crowd *crowd, struct prng *prng);
    struct question *(*invent_opening)(struct crowd *crowd, struct prng *prng);
};

/* Makes the things that clients share, from the world's seed. */
void crowd_init(struct crowd *crowd, struct service *service, const struct crowd_profile *profile);
/* Starts every client. */
void crowd_start(struct crowd *crowd);
void crowd_done(struct crowd *crowd);

/*
 * Asks until there is an answer, as the API tells clients to: again with the same content
 * after a lost or doubtful answer, and after "not done" mostly too. False: the service is
 * gone for good.
 */
bool crowd_ask(struct crowd *crowd, struct prng *prng, struct question *question);

/* Reads everything back, and compares: after each opening a part, at the end all of it. */
void crowd_audit(struct crowd *crowd, struct life *life, bool all);

#endif
