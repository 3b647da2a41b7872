/* endpoint.h - a receiver of our webhooks: where, of what, signed with what; and when to give up. */
#ifndef WEBHOOK_ENDPOINT_H
#define WEBHOOK_ENDPOINT_H

#include "base/prng.h"
#include "model/id.h"
#include "webhook/signing_key.h"

enum {
    ENDPOINT_URL_SIZE = 512,
    ENDPOINT_FILTERS_MAX = 16,
    ENDPOINT_FILTER_SIZE = 64,
    /* At rotation the old one lives on beside the new one; more would only be forgotten ones. */
    ENDPOINT_KEYS_MAX = 4,
};

enum endpoint_state { ENDPOINT_ACTIVE = 1, ENDPOINT_DISABLED = 2 };

/*
 * The sequence of an event at an endpoint is sequence_base plus how many events after `since`,
 * up to and with it, pass the filters: it follows from the journal and from this value, and is
 * the same whenever it is counted. So filters change only together with since and sequence_base.
 *
 * Holds secrets: stands where its owner keeps it, as a signing_key does.
 */
struct webhook_endpoint {
    struct uuid id;
    char url[ENDPOINT_URL_SIZE];
    uint8_t state;        /* enum endpoint_state */
    uint8_t filter_count; /* 0: every event */
    uint8_t key_count;
    char filters[ENDPOINT_FILTERS_MAX][ENDPOINT_FILTER_SIZE]; /* "payment.*", "payment.failed" */
    struct position since; /* events after it are the endpoint's */
    uint64_t sequence_base;
    struct signing_key keys[ENDPOINT_KEYS_MAX];
};

/*
 * What is wrong with it, as a static sentence; NULL: nothing. Secrets apart. A URL is https or
 * http, has a host and no user, no fragment, no spaces; where it may lead is looked at when it is
 * called. A filter is a type, or "name.*" for all below.
 */
const char *endpoint_fault(const struct webhook_endpoint *endpoint, const char **out_field);

/* Whether events of that type are sent to it. */
bool endpoint_wants(const struct webhook_endpoint *endpoint, struct str type);

/*
 * Adds a key that is live from now on, first of all; those that are live now stay so until
 * now + overlap_s, or shorter if they end before; those that are over go. STATUS_LIMIT, with the
 * key untouched: ENDPOINT_KEYS_MAX are not over yet. Otherwise the key is taken over.
 */
enum status endpoint_rotate(struct webhook_endpoint *endpoint, struct signing_key *key,
                            struct wall_time now, uint32_t overlap_s) MUST_CHECK;

/* The keys that sign now, newest first; fills up to ENDPOINT_KEYS_MAX. */
uint32_t endpoint_live_keys(struct webhook_endpoint *endpoint, struct wall_time now,
                            struct signing_key *out_keys[ENDPOINT_KEYS_MAX]);

/* What the sequence follows from (filters, since, sequence_base) and nothing else. */
void endpoint_take_filters(struct webhook_endpoint *to, const struct webhook_endpoint *from);

/* Wipes it. Accepts NULL and a zeroed one. */
void endpoint_done(struct webhook_endpoint *endpoint);

/* ---- When to try again, and when to stop ---- */

struct delivery_policy {
    uint32_t first_ms;              /* before the second attempt */
    uint32_t delay_ms_max;          /* it doubles up to here */
    uint32_t attempts_max;          /* then the event is a dead letter */
    uint32_t disable_after_s;       /* without any success: the endpoint is disabled */
    uint32_t disable_after_letters; /* or with so many dead letters in a row */
};
/* 5 s doubling to 6 h, 16 attempts in about two days; disabled after 5 days or 100 letters. */
extern const struct delivery_policy DELIVERY_POLICY_DEFAULT;

/*
 * How long to wait after so many attempts (at least 1), between half of the step and all of it by
 * chance, so that receivers that come back are not hit all at once. What the receiver asked for
 * (Retry-After, 0: nothing) is honoured up to delay_ms_max.
 */
uint32_t delivery_delay_ms(const struct delivery_policy *policy, uint32_t attempts,
                           uint32_t retry_after_s, struct prng *prng);

enum delivery_next { DELIVERY_RETRY, DELIVERY_DEAD_LETTER, DELIVERY_DISABLE };
struct delivery_record {
    uint32_t attempts;           /* of this event, the failed one included */
    uint64_t letters;            /* dead letters in a row before it */
    struct wall_time failing_at; /* of the first failure since the last success; 0: none */
    bool gone;                   /* the receiver said 410: it does not want any more */
};
/* After a failed attempt. */
enum delivery_next delivery_judge(const struct delivery_policy *policy,
                                  const struct delivery_record *record, struct wall_time now);

#endif
