/* letterbox.h - where a life takes webhooks in: its inbox, and who verifies, stores and acts. */
#ifndef SIM_LETTERBOX_H
#define SIM_LETTERBOX_H

#include "sim/service.h"
#include "sim/sim_inbox.h"
#include "wallet/webhook_in.h"

/*
 * Each machine has a tray, as it has an index of its own. The PSP signs what it posts; some of it
 * comes with a byte changed first, and must be turned away.
 */
struct letterbox {
    struct inbox *inbox;
    struct webhook_in *in; /* NULL: not open */
    uint32_t inside;       /* deliveries */
};

/* False: it cannot be opened now. */
bool letterbox_open(struct letterbox *box, struct life *life, struct sim_tray *tray);
/* Nobody comes in from here on; waits for those who are inside. Accepts a zeroed one. */
void letterbox_close(struct letterbox *box, struct world *world);

/*
 * True: it was answered as taken (2xx), and need not come again; false: not, or nobody was told.
 * `life` has been entered.
 */
bool letterbox_post(struct letterbox *box, struct life *life, const struct psp_event *event,
                    bool changed_first);

#endif
