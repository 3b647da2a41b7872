/* log_stage.h - the verifiable log beside each life, and whoever looks at what it publishes. */
#ifndef SIM_LOG_STAGE_H
#define SIM_LOG_STAGE_H

#include "sim/model_log.h"
#include "sim/sim_log_store.h"
#include "wallet/log_relay.h"

/*
 * Each machine has files of its own, as it has an index of its own, and all have one key. Each
 * life runs a relay as `tpwallet serve` does, and a reader asks it for the checkpoint.
 *
 * Violations, at every moment in which something can be seen:
 * - a recorded head that is below an earlier one, ends within a batch, or is not what the twin
 *   (sim/model_log.h) has at this size, which is never beyond what is durable;
 * - a checkpoint that is not well signed, that says what no head says, or more than is durable, or
 *   less than one before; one whose newest tiles are not there, or not safe, or not right;
 * - a reader who is given less than before, or what is no checkpoint;
 * - a relay that refuses to go on where nothing was damaged.
 *
 * As every checkpoint is compared with the one twin, no two contradict each other.
 */
enum { LOG_MACHINES = 2 };

struct life;
struct service;

/* What a machine's files have shown. */
struct log_shelf {
    struct log_stage *stage;
    struct sim_rack *rack;
    struct log_head recorded;
    bool emptied;        /* all files were lost, and no larger tree was signed since */
    uint64_t emptied_at; /* the size recorded then: its checkpoint stands while tiles are remade */
    uint64_t shown;      /* size of the newest checkpoint that was written */
    uint64_t read;       /* and of the newest that a reader was given */
};

struct log_stats {
    uint64_t heads;
    uint64_t checkpoints;
    uint64_t looks;     /* of readers, who were given one */
    uint64_t remade;    /* all tiles, after they were lost */
    uint64_t refused;   /* relays that met damage of the journal */
    uint64_t completed; /* logs compared whole, at the end of a seed */
};

struct log_stage {
    struct service *service;
    struct note_signer signer;
    struct secret key;
    struct model_log twin;
    struct log_shelf shelves[LOG_MACHINES];
    uint32_t poll_ms;
    uint32_t publish_ms;
    struct log_stats stats;
};

/* What a life runs. */
struct log_beside {
    struct log_store *files;
    struct log_relay *relay; /* NULL: it could not be started before the life ended */
};

/* The service's world, faults and disk are there. */
void log_stage_init(struct log_stage *stage, struct service *service);
void log_stage_done(struct log_stage *stage);

/* By the life's own task, once its lane is open; and before its lane is closed, after the users. */
void log_stage_opened(struct log_stage *stage, struct life *life);
void log_stage_closing(struct log_stage *stage, struct life *life);

/*
 * At the end of a seed, in calm, with one life only: waits until its relay has signed for the
 * whole journal, and compares every tile and entry with the twin.
 */
void log_stage_complete(struct log_stage *stage, struct prng *prng);

#endif
