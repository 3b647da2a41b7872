/* event.h - what a webhook of a PSP says: which event, of what type, about which object of ours. */
#ifndef WEBHOOK_EVENT_H
#define WEBHOOK_EVENT_H

#include "base/arena.h"
#include "model/psp.h"

/*
 * SANDBOX  {"id","type","at","data":{"object","reference",...}}
 * STRIPE   {"id","object":"event","type","created","data":{"object":{"id","metadata":{"reference"}}}}
 */
enum webhook_style { WEBHOOK_STYLE_SANDBOX = 1, WEBHOOK_STYLE_STRIPE = 2 };

/* What it is about, by its type. Everything that we do nothing about is OTHER: kept, ignored. */
enum webhook_topic { WEBHOOK_TOPIC_OTHER, WEBHOOK_TOPIC_ORDER, WEBHOOK_TOPIC_CHARGEBACK };

enum { WEBHOOK_TYPE_SIZE = 64, WEBHOOK_AMOUNT_SIZE = 48, WEBHOOK_EVENT_ARENA_SIZE = 64 << 10 };

/*
 * A hint and no more: what is true is what the PSP answers when it is asked. Texts are
 * terminated, printable ASCII without spaces, and "" when the event does not have them.
 */
struct webhook_event {
    char id[PSP_TOKEN_SIZE]; /* dedupes */
    char type[WEBHOOK_TYPE_SIZE];
    uint8_t topic;             /* enum webhook_topic */
    bool ours;                 /* the reference is a psp_key() */
    struct wall_time created;  /* by the PSP's clock */
    struct payment_id payment; /* when ours */
    uint32_t step_number;      /* when ours */
    char object[PSP_TOKEN_SIZE];
    char reference[PSP_TOKEN_SIZE];
    char parent[PSP_TOKEN_SIZE]; /* the charge or payment that a refund or chargeback is about */
    char status[PSP_REASON_SIZE];
    char asset[PSP_NAME_SIZE];
    char amount[WEBHOOK_AMOUNT_SIZE]; /* SANDBOX: major units; STRIPE: its own minor units */
};

/*
 * STATUS_INVALID: no JSON, or id, type or time are missing, or a text is not as said above;
 * STATUS_LIMIT: nested too deep, too long, or out of arena. out_reason is a static sentence.
 * Fields that are not known are skipped. An arena of WEBHOOK_EVENT_ARENA_SIZE is enough for
 * events of 32 KiB with an escape in every string.
 */
enum status webhook_event_parse(enum webhook_style style, struct str body, struct arena *arena,
                                struct webhook_event *out_event, const char **out_reason)
    MUST_CHECK;

#endif
