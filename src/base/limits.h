/* limits.h - every maximum in one place, with its reason. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include "base/check.h"

enum {
    /* One request, one batch: 8,190 records of 128 bytes and a header are one MiB. */
    REQUEST_TRANSFERS_MAX = 8190,
    REQUEST_ACCOUNTS_MAX = 8190,
    BATCH_UNITS_MAX = 8190,
    /* A linked group must fit in one batch beside its context, and be undone in one step. */
    LINKED_MAX = 1024,
    /* Record offsets inside a batch are 24 bits; a batch stays far below that. */
    BATCH_SIZE_MAX = 4 << 20,
    BATCH_OFFSET_BITS = 24,
    /* Holds that expire are journaled beside other work: at most half a batch at a time. */
    BATCH_EXPIRIES_MAX = 4095,

    /* Work accepted and not yet answered; past it a caller is told to come back (429). */
    QUEUE_TRANSFERS_MAX = 16 * REQUEST_TRANSFERS_MAX,
    QUEUE_REQUESTS_MAX = 16384,
    /* Callers that share the lane's turn; each has its own queue. */
    QUEUE_PRINCIPALS_MAX = 1024,

    ASSETS_CUSTOM_MAX = 4096,
    ASSET_CODE_LEN_MAX = 12,
    ASSET_EXPONENT_MAX = 18,
    CREDENTIALS_MAX = 4096,
    RATES_MAX = 256, /* pairs of assets that can be exchanged */
    RAISES_MAX = 32, /* incidents watched at once: each request is held against all of them */
    CREDENTIAL_NAME_LEN_MAX = 63,

    HOLD_TIMEOUT_S_MAX = 366 * 86400, /* longer reservations are an agreement, not a hold */

    /* A longer jump of the wall clock against the monotonic one stops expiry and alarms. */
    CLOCK_JUMP_S_MAX = 300,
    /* The same at start, against the last stamp: longer than a week's outage wants a person. */
    CLOCK_GAP_START_S_MAX = 7 * 86400,
    /* A replica whose clock is further from the database's owns no lane. NTP keeps clocks within
       milliseconds, and holds are timed in seconds. */
    CLOCK_SKEW_MS_MAX = 1000,

    IDEMPOTENCY_KEY_LEN_MAX = 255,
    PAGE_ITEMS_DEFAULT = 100,
    PAGE_ITEMS_MAX = 1000,
    READ_IDS_MAX = 1000,

    /* Open payments at once; each a slot of 512 bytes, and 8 for its place in the map. */
    PAYMENTS_OPEN_MAX = 1 << 20,

    /* A checkpoint slice is one row; memory's tables are copied this many bytes at a time. */
    SLICE_SIZE_MAX = 1 << 20,

    JSON_DEPTH_MAX = 16,
    REQUEST_BODY_SIZE_MAX = 4 << 20,
    REQUEST_HEADERS_SIZE_MAX = 16 << 10,
};

_Static_assert(BATCH_SIZE_MAX < 1 << BATCH_OFFSET_BITS, "offsets in a batch fit a locator");
_Static_assert(LINKED_MAX <= BATCH_UNITS_MAX, "a linked group fits in a batch");
_Static_assert(REQUEST_TRANSFERS_MAX <= QUEUE_TRANSFERS_MAX, "one request fits in the queue");

#endif
