/* saga.h - the workers of payments: take what is due, ask the PSP, bring back the answer. */
#ifndef WALLET_SAGA_H
#define WALLET_SAGA_H

#include "port/psp.h"
#include "wallet/lane.h"

/*
 * Each worker goes round straight: wait for a payment to be due, look at what has to be done,
 * call the PSP if it is to be called, hand the answer to the lane as the next command, wait
 * until that is durable. The intent was durable before the payment was handed out, so a crash
 * anywhere between loses nothing: the payment is due again, under the same key.
 *
 * What could not be handed in (the lane reloads, its queue is full) is put back, and is due
 * again. Nothing of the saga's is durable; all of it is in the payments.
 */
struct saga;

enum { SAGA_WORKERS_MAX = 256, SAGA_PSPS_MAX = 16 };

struct saga_options {
    uint32_t workers;        /* calls at one time, 1 to SAGA_WORKERS_MAX */
    struct psp *const *psps; /* by name; they and the array outlive the saga */
    uint32_t psp_count;
};

struct saga_status {
    uint64_t orders;  /* sent, since the start */
    uint64_t queries; /* asked */
    uint64_t answers[PSP_ANSWER_END];
    uint64_t put_back; /* could not be handed in */
    uint64_t refused;  /* answers that the payment had no use for any more */
    uint64_t call_ns_total;
    uint32_t busy; /* workers with a payment in hand now */
};

/* STATUS_LIMIT: no memory; STATUS_UNAVAILABLE: no task can be started. */
enum status saga_start(struct lane *lane, const struct lane_ports *ports,
                       const struct saga_options *options, struct saga **out_saga,
                       struct error *out_error) MUST_CHECK;

/* Workers take no more and end, unwaited for: for whoever stops several sagas. Accepts NULL. */
void saga_retire(struct saga *saga);

/*
 * Workers finish the call in hand, take no more, and end: at most as long as a call may last.
 * Before lane_close(); a lane that is drained sends its workers away at once. Accepts NULL.
 */
void saga_stop(struct saga *saga);

void saga_get_status(struct saga *saga, struct saga_status *out_status);

#endif
