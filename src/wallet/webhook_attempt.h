/* webhook_attempt.h - one event sent to one endpoint once, and what was said to it. */
#ifndef WALLET_WEBHOOK_ATTEMPT_H
#define WALLET_WEBHOOK_ATTEMPT_H

#include "port/http_out.h"
#include "wallet/event_envelope.h"
#include "webhook/endpoint.h"

/* Memory of one worker; grows to its bounds once. */
struct attempt_memory {
    struct buf event; /* the feed's */
    struct buf body;
    struct buf signature;
    struct buf scratch;
    struct buf answer;
};
void attempt_memory_init(struct attempt_memory *memory, size_t answer_size_max);
void attempt_memory_free(struct attempt_memory *memory);

struct attempt {
    struct webhook_endpoint *endpoint; /* its keys are used: nobody else may */
    const struct feed_event *event;
    struct event_delivery delivery;
    struct trace trace; /* for the receiver to go on with; nil: there is none */
    bool watched;       /* its span is this attempt's; else that of the unit */
    struct wall_time now;
    uint32_t connect_ms_max;
    uint32_t call_ms_max;
    bool private_allowed;
};

struct attempt_result {
    bool delivered;       /* 2xx, whole and in time */
    bool gone;            /* 410 */
    uint16_t http_status; /* 0: no answer, or nothing was sent */
    uint32_t retry_after_s;
};

/* Anything that is not 2xx, or no whole answer, is not delivered, though it may have been got. */
struct attempt_result attempt_send(const struct attempt *attempt, struct http_out *http,
                                   struct attempt_memory *memory);

#endif
