/* courier.h - what comes from the PSP by itself: its webhooks, and the lines of its statements. */
#ifndef SIM_COURIER_H
#define SIM_COURIER_H

#include "sim/crowd.h"
#include "sim/letterbox.h"
#include "sim/sim_psp.h"

/*
 * Each event of the sandbox is signed and posted to a life's letterbox, again and again until it
 * is taken, as a PSP delivers again until it gets a 2xx. A dispute is held back while the wallet
 * does not know that anything was taken: a creation that is refused is refused for ever.
 *
 * Faults: WEBHOOK_LOST (until courier_flush()), WEBHOOK_LATE, WEBHOOK_TWICE.
 */
enum event_fate { EVENT_LOST, EVENT_UNDER_WAY, EVENT_TOLD };

struct courier {
    struct crowd *crowd;
    struct sim_acquirer *acquirer;
    struct prng prng;
    uint32_t seen;      /* events looked at */
    uint8_t *fates;     /* per event: enum event_fate */
    uint32_t under_way; /* deliveries */
    uint32_t settled;   /* lines given to the wallet */
    uint64_t hints;     /* taken, as disputes are */
    uint64_t disputes;
    uint64_t attempts;
    uint64_t changed; /* that came with a byte changed first */
    uint64_t lines;
    bool stop;
    bool stopped;
    struct letterbox *(*letterbox)(struct life *life); /* NULL: it has none */
};

void courier_init(struct courier *courier, struct crowd *crowd, struct sim_acquirer *acquirer,
                  struct letterbox *(*letterbox)(struct life *life));
void courier_done(struct courier *courier);
/* Its task: looks for events until courier_stop(). */
void courier_start(struct courier *courier);
void courier_stop(struct courier *courier);

/* Delivers what was lost, too; true when everything that has happened is told. */
bool courier_flush(struct courier *courier);
/* Ends the PSP's day and books the statement; some lines come twice. */
void courier_settle(struct courier *courier);

/* The payment that a chargeback is with us; item is its place in the books. */
struct payment_id courier_dispute_id(const struct sandbox *books, uint32_t item);
/* The state that a chargeback of the PSP's has with us. */
enum payment_state courier_dispute_state(uint8_t sandbox_state);

#endif
