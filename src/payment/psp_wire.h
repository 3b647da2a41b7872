/* psp_wire.h - what the wires of PSPs share: tokens, reasons, HTTP statuses, and events as hints. */
#ifndef PAYMENT_PSP_WIRE_H
#define PAYMENT_PSP_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json_reader.h"
#include "base/str.h"
#include "model/psp.h"

/* A whole answer over HTTP. */
struct psp_http {
    unsigned status;
    uint32_t retry_after_s; /* 0: it did not say */
    struct str body;
};

/* 1 to 63 printable ASCII characters without space. False: nothing is written. */
bool psp_token_read(struct str text, char out_token[PSP_TOKEN_SIZE]) MUST_CHECK;
/* Whether it may stand in a path as it is: letters, digits, '_' and '-'. */
bool psp_token_plain(const char *token);

/* As a stable code: in lower case, everything but a-z and 0-9 as '_', cut at the end. */
void psp_reason_set(struct psp_reply *reply, struct str text);

/* answer, and reason as psp_reason_set(); asset, amount and object are emptied. */
void psp_reply_set(struct psp_reply *reply, enum psp_answer answer, struct str reason);

/*
 * By the status alone: 429 THROTTLED, other 4xx INVALID, all else UNKNOWN, with that reason. Of a
 * query, INVALID becomes UNKNOWN: that a question was refused says nothing of the order.
 */
void psp_reply_by_status(const struct psp_http *http, struct str reason, struct psp_reply *reply);

/* Takes a string or null (as empty), or fails the reading. */
bool psp_json_text(struct json_reader *reader, struct str *out_text);

/* ---- Events ---- */

#define PSP_EVENT_TABLE(X)                                                                         \
    X(OTHER, "other")                                                                              \
    X(ORDER, "order") /* something of an order of ours has moved: ask what */                      \
    X(CHARGEBACK_OPENED, "chargeback_opened")                                                      \
    X(CHARGEBACK_WON, "chargeback_won")                                                            \
    X(CHARGEBACK_LOST, "chargeback_lost")                                                          \
    X(CHARGEBACK_REVERSED, "chargeback_reversed")

#define PSP_EVENT_ENUM(name, text) PSP_EVENT_##name,
enum psp_event_kind { PSP_EVENT_TABLE(PSP_EVENT_ENUM) PSP_EVENT_COUNT };
#undef PSP_EVENT_ENUM
/* Static. CHECKs that it is one. */
const char *psp_event_kind_name(unsigned kind);

/* What a webhook's body says. All of it is a hint: what is so, a query tells. */
struct psp_event {
    char id[PSP_TOKEN_SIZE];
    uint8_t kind;   /* enum psp_event_kind */
    uint8_t answer; /* enum psp_answer: what the event says of the order; 0: it does not */
    bool ours;      /* it carries a reference of ours: payment and step_number */
    struct payment_id payment;
    uint32_t step_number;
    struct wall_time at;
    char object[PSP_TOKEN_SIZE];     /* the PSP's id of what moved, or of the charge disputed */
    char chargeback[PSP_TOKEN_SIZE]; /* of CHARGEBACK_*; else "" */
    uint32_t asset;                  /* of CHARGEBACK_*; 0: it is not one that we know */
    struct money amount;
};

/* Sets ours, payment and step_number by the reference. */
void psp_event_refer(struct psp_event *event, struct str reference);

#endif
