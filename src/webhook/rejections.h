/* rejections.h - the newest webhooks that were turned away: bounded, rate-limited, masked. */
#ifndef WEBHOOK_REJECTIONS_H
#define WEBHOOK_REJECTIONS_H

#include "base/time.h"
#include "crypto/digest.h"
#include "webhook/signature.h"

enum {
    REJECTIONS_MAX = 256,
    REJECTION_ENDPOINT_SIZE = 32,
    REJECTION_HEADERS_SIZE = 1024,
    /* Kept in a second at most; a flood of forgeries must not push the one that matters out. */
    REJECTIONS_PER_S_MAX = 10,
    REJECTIONS_BURST_MAX = 50,
};

/* Never a secret, a signature or the body: its digest tells whether two are the same. */
struct rejection {
    uint64_t number; /* from 1; gaps are what was not kept */
    struct wall_time at;
    char endpoint[REJECTION_ENDPOINT_SIZE];
    uint8_t reason; /* enum webhook_reason */
    uint8_t form;   /* enum body_form, with a secret */
    bool timed;
    int64_t ahead_s;                    /* when timed */
    char secret[SIGNING_KEY_NAME_SIZE]; /* the name of what would have verified; "" */
    uint64_t body_size;
    struct digest body_digest;
    char headers[REJECTION_HEADERS_SIZE]; /* "name: value\n", masked and cut; terminated */
};

/* One task at a time. Zeroed, it is empty. */
struct rejections {
    uint64_t count;     /* of all, kept or not */
    uint64_t kept;      /* the newest of them stand in entries, REJECTIONS_MAX at most */
    uint64_t tokens_us; /* of the rate, in microseconds' worth */
    struct wall_time filled_at;
    struct rejection entries[REJECTIONS_MAX];
};

/*
 * Whether the rate lets one more be kept now; to be asked before a webhook is diagnosed, so that
 * a flood costs a check each and no more.
 */
bool rejections_has_room(struct rejections *rejections, struct wall_time now);

/*
 * Counts it, and keeps it when there is room. Of the headers, those that are known to be
 * harmless keep their value; of the others only name and length are kept.
 */
struct rejection_source {
    struct str endpoint;
    const struct webhook_message *message;
    const struct webhook_verdict *verdict;
    struct wall_time now;
};
void rejections_add(struct rejections *rejections, const struct rejection_source *source);

/* The index-th newest from 0 on; NULL past the oldest. Good until the next rejections_add(). */
const struct rejection *rejections_at(const struct rejections *rejections, uint64_t index);

#endif
