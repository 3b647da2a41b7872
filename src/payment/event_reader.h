/* event_reader.h - which wire a PSP's webhooks are in, by the PSP's name. */
#ifndef PAYMENT_EVENT_READER_H
#define PAYMENT_EVENT_READER_H

#include "payment/psp_wire.h"

/*
 * STATUS_INVALID: not understood. An arena of twice the body is enough, and EVENT_READER_SLACK.
 * What is read is not believed: who reads before the signature was looked at may only choose who
 * is to look at it.
 */
typedef enum status (*event_reader)(struct str body, struct arena *arena,
                                    struct psp_event *out_event);

enum { EVENT_READER_SLACK = 64 << 10 };

/* "stripe" and "stripe-eu" send Stripe's events, all others the sandbox's. */
event_reader event_reader_of(struct str psp);

#endif
