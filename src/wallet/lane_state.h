/* lane_state.h - what a lane's tasks share; read by src/wallet only. */
#ifndef WALLET_LANE_STATE_H
#define WALLET_LANE_STATE_H

#include "ledger/decide.h"
#include "ledger/slice.h"
#include "wallet/answers.h"
#include "wallet/batch.h"
#include "wallet/clock_watch.h"
#include "wallet/doorbell.h"
#include "wallet/gather.h"
#include "wallet/index.h"
#include "wallet/journal_walk.h"
#include "wallet/queue.h"

enum lane_index {
    LANE_INDEX_IDS,        /* transfer id -> its record */
    LANE_INDEX_REFERENCES, /* user_ref -> transfer records */
    LANE_INDEX_KEYS,       /* digest of an idempotency key -> the context that used it first */
    LANE_INDEX_CLOSINGS,   /* hold id -> the record that closed it */
    LANE_INDEX_PAYMENTS,   /* payment id -> the records after which it rested */
    LANE_INDEX_ACCOUNTS,   /* account id -> the record that made or refused it */
    LANE_INDEX_ACCOUNT_REFERENCES, /* user_ref -> records of accounts made */
    LANE_INDEX_COUNT,
};

enum {
    /* While a batch is in the air, the apply task is woken only for at least so much work. */
    LANE_WAKE_ITEMS = 512,
};

/* How much there is of everything. */
struct lane_sizes {
    uint64_t accounts;
    uint64_t holds;
    uint64_t reversals;
    uint64_t payments; /* open */
    uint64_t payment_states[PAYMENT_STATE_END];
    struct wall_time oldest_in_doubt;
    struct wall_time oldest_manual;
};

/* A batch on its way: built by the apply task, then written by the flush task. */
struct flight {
    struct batch batch;
    struct digest hash;     /* set by the flush task */
    struct answers answers; /* what is answered when it has landed, in order */
    struct buf slice_bytes;
    struct store_slice slices[STORE_SLICES_PER_BATCH_MAX];
    uint32_t slice_count;
    bool changes_registry;
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t repeats;
    uint64_t expiries;
    struct lane_sizes sizes; /* the ledger's with this batch, and not the next one */
    uint64_t payment_commands[PAYMENT_CAUSE_END][PAYMENT_OUTCOME_COUNT];
    bool has_payments;    /* else nothing of these was counted */
    uint32_t group_begin; /* offset of the first record of the group being applied; 0: none */
    const struct request *context_owner; /* whose context was written last */
};

/* What history says of a transfer's target, looked up before the group is begun. */
struct target_ahead {
    struct transfer_id id;
    _Alignas(16) uint8_t record[RECORD_TRANSFER_LONG_SIZE];
    bool found;
    uint8_t closed_by;
};
enum { TARGETS_AHEAD_MAX = 4 }; /* of the transfers of a payment's command */

/* A linked group while it is applied: room for one, as the apply task works on one at a time. */
struct linked_group {
    const struct request *request;
    uint32_t from; /* first item of the request */
    uint32_t count;
    uint32_t unit;
    uint64_t begin;                              /* this group's records are at or above */
    struct locator known[LINKED_MAX];            /* where its id stands already, or none */
    struct record_transfer *records[LINKED_MAX]; /* NULL: not recorded (id conflict) */
    struct ledger_undo undos[LINKED_MAX];
    struct target_ahead ahead[TARGETS_AHEAD_MAX];
    uint32_t ahead_count; /* not asked of history again: by then it might not answer */
};

enum rebuild_state {
    REBUILD_NONE,    /* memory and runs cover the journal */
    REBUILD_LOST,    /* the runs are damaged: they go as soon as nothing is in the air */
    REBUILD_RUNNING, /* the journal is read again, from the least cursor on */
};

/* Where the rebuilding of the indexes stands: see rebuild.h. */
struct rebuild {
    enum rebuild_state state;
    struct journal_walk walk; /* while running: memory and runs cover what it has read */
    uint64_t from;            /* the batch behind which it began, */
    struct monotonic_time begun;
    struct monotonic_time log_at;
    struct monotonic_time retry_at; /* after a store that did not answer */
};

enum handover { HANDOVER_IDLE, HANDOVER_READY, HANDOVER_DONE };

struct lane {
    struct lane_ports ports;
    struct lane_options options;
    struct monitor *monitor; /* the apply task and those who ask for catching up wait here */
    struct doorbell flush_bell;
    struct doorbell index_bell;
    struct answers_waiters waiters;
    struct task *apply_task;
    struct task *flush_task;
    struct task *index_task;

    /* Under the monitor. */
    struct queue queue;
    bool draining;
    bool condemned;      /* the journal has not what is in memory */
    bool disowned;       /* another has taken the lane over */
    bool stop_helpers;   /* the apply task is done with the flush and index tasks */
    uint64_t submitted;  /* requests ever added to the queue */
    uint64_t wake_items; /* the apply task is woken when so many wait */
    uint64_t launches;   /* batches ever handed to the flush task */
    bool resume_expiry;
    uint64_t catch_ups_wanted;
    uint64_t catch_ups_done;
    enum handover flush_state;
    struct flight *flush_flight;
    enum status flush_status;
    struct error flush_error;
    uint64_t flush_ns;
    enum handover job_state;
    struct index_job job;
    struct registry published; /* as of the durable journal */
    uint64_t published_count;  /* times that it changed */
    struct lane_status status;

    struct monitor
        *followed; /* held while a follower's ledger is changed, or looked at beside it */
    bool whole;    /* under it: the ledger was whole, and is not another's yet */
    struct monotonic_time whole_at;

    /* The apply task's own. */
    struct ledger *ledger;
    struct index *indexes[LANE_INDEX_COUNT];
    struct flight flights[2];
    struct flight *building;
    struct flight *flying;  /* NULL: none */
    uint64_t next_sequence; /* of the batch being built */
    bool memory_lost;       /* drained while it could not be reloaded: nothing may be answered */
    struct store_head head; /* durable */
    struct sweep sweep;
    uint64_t sweep_credit; /* bytes of slices that are due */
    struct linked_group *group;
    uint64_t catch_up_wish;  /* of catch_ups_wanted: the one being fulfilled; 0: none */
    uint64_t catch_up_batch; /* what it came to: everything up to here is to be in runs */
    struct request *parked;  /* workers that wait for payments to become due */
    struct rebuild rebuild;
    struct gather gather;
    bool expiry_paused;
    struct clock_watch clock_watch;
    struct monotonic_time retry_at;  /* after a failed job */
    struct monotonic_time full_look; /* while the disk is full: when it is looked at again */
    int64_t full_pause_ms;           /* from a refused append to that look; doubles */
};

/* Under the monitor. */
static inline bool lane_is_damaged(const struct lane *lane)
{
    return lane->status.damaged || lane->condemned;
}
static inline bool lane_is_fenced(const struct lane *lane)
{
    return lane->status.fenced || lane->disowned;
}

#endif
