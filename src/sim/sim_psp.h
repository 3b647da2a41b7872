/* sim_psp.h - a PSP (port/psp.h) over the sandbox's books, which outlive every crash. */
#ifndef SIM_SIM_PSP_H
#define SIM_SIM_PSP_H

#include "port/psp.h"
#include "sandbox/sandbox.h"
#include "sim/process.h"
#include "sim/verdict.h"

/*
 * The acquirer is the PSP's own side: one for all lives, with the sandbox as its books. Its
 * clock is the world's, not that of a machine. Late truths and disputes come with the methods
 * of the sandbox (sandbox/method.h).
 *
 * An order that arrives is checked: it must be one that the wallet means to make
 * (sim_acquirer_expects), and it must not come again when the key of the first may be
 * forgotten. The sandbox itself never forgets: whoever relies on that is found out here.
 *
 * Faults: PSP_NOT_SENT, PSP_THROTTLED, PSP_SLOW, PSP_REQUEST_LOST, PSP_REQUEST_LATE,
 * PSP_REPLY_LOST, PSP_GARBAGE, PSP_WRONG_AMOUNT, PSP_QUERY_BLIND.
 */
enum {
    SIM_PSP_CALL_MS_MAX = 4000,
    SIM_PSP_HORIZON_MS = 5000,
    SIM_PSP_KEY_WINDOW_MS = 20000,
    SIM_PSP_ITEMS_MAX = 8192,
};
#define SIM_PSP_NAME "sandbox"

struct sim_acquirer {
    struct sandbox books;
    struct world *world;
    struct faults *faults;
    struct verdict *verdict;
    /* Whether the wallet's durable journal has the intent to send this. May be NULL. */
    bool (*expects)(void *owner, const struct psp_order *order);
    void *owner;
    uint32_t under_way; /* orders that arrive later */
    uint64_t resent;    /* orders that came again, and were known */
};

/* Stops the program when memory is lacking. */
void sim_acquirer_init(struct sim_acquirer *acquirer, struct world *world, struct faults *faults,
                       struct verdict *verdict);
void sim_acquirer_done(struct sim_acquirer *acquirer);
/* What was due by now has happened. */
void sim_acquirer_advance(struct sim_acquirer *acquirer);

/* The PSP as a process sees it. */
struct sim_psp {
    struct psp port; /* first: hand out &sim_psp.port */
    struct process *process;
    struct sim_acquirer *acquirer;
};

void sim_psp_init(struct sim_psp *psp, struct process *process, struct sim_acquirer *acquirer);

#endif
