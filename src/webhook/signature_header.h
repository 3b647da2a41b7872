/* signature_header.h - what webhooks' signature and timestamp headers say, strictly read. */
#ifndef WEBHOOK_SIGNATURE_HEADER_H
#define WEBHOOK_SIGNATURE_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/ed25519.h"

enum {
    SIGNATURES_MAX = 8,               /* each costs a check for every live key */
    SIGNATURE_HEADER_SIZE_MAX = 2048, /* eight of Ed25519 are 736 bytes */
    SIGNATURE_TIMESTAMP_DIGITS_MAX = 11,
};

enum signature_kind { SIGNATURE_HMAC = 1, SIGNATURE_ED25519 = 2 };

struct signature {
    uint8_t kind; /* enum signature_kind */
    union {
        struct digest hmac;
        struct ed25519_signature ed25519;
    };
};

/* What a header holds of what we know; unknown versions are counted and passed over. */
struct signature_list {
    uint32_t count;
    uint32_t unknown;
    bool timed;
    uint64_t timestamp_s; /* when timed */
    struct str timestamp; /* its text, in the header's value */
    struct signature items[SIGNATURES_MAX];
};

/*
 * All: STATUS_INVALID for bad grammar, STATUS_LIMIT for more than the maxima above,
 * STATUS_NOT_FOUND when there are signatures, but none of a version that we know.
 */

/* Standard Webhooks: "v1,<base64> v1a,<base64> ...", one space between. */
enum status signature_header_standard(struct str value, struct signature_list *out_list) MUST_CHECK;

/* Stripe: "t=<seconds>,v1=<hex>,v1=<hex>,v0=...", in any order. */
enum status signature_header_stripe(struct str value, struct signature_list *out_list) MUST_CHECK;

/* One HMAC behind a fixed prefix ("sha256=", or none), in hex or base64. */
enum status signature_header_plain(struct str value, struct str prefix, bool base64,
                                   struct signature_list *out_list) MUST_CHECK;

/* Whole seconds since 1970 in decimal, up to eleven digits, without leading zeros. */
enum status signature_timestamp(struct str value, uint64_t *out_timestamp_s) MUST_CHECK;

#endif
