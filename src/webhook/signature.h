/* signature.h - webhooks signed and verified, and, when one does not verify, the reason by name. */
#ifndef WEBHOOK_SIGNATURE_H
#define WEBHOOK_SIGNATURE_H

#include "webhook/body_form.h"
#include "webhook/signature_header.h"
#include "webhook/signing_key.h"

/*
 * What is signed, over raw bytes:
 * STANDARD  "<webhook-id>.<webhook-timestamp>.<body>"; Standard Webhooks. The names with "svix-"
 *           for "webhook-" are read as well.
 * STRIPE    "<t>.<body>", in Stripe-Signature.
 * PLAIN     "<body>", or "<timestamp>.<body>" when there is a timestamp header; HMAC only.
 */
#define WEBHOOK_SCHEME_TABLE(X)                                                                    \
    X(STANDARD, 1, "standard")                                                                     \
    X(STRIPE, 2, "stripe")                                                                         \
    X(PLAIN, 3, "plain")

#define WEBHOOK_SCHEME_ENUM(name, value, text) WEBHOOK_##name = value,
enum webhook_scheme { WEBHOOK_SCHEME_TABLE(WEBHOOK_SCHEME_ENUM) WEBHOOK_SCHEME_END };
#undef WEBHOOK_SCHEME_ENUM
/* NULL for what is none. */
const char *webhook_scheme_name(unsigned scheme);
bool webhook_scheme_parse(struct str text, uint8_t *out_scheme);

enum {
    WEBHOOK_TOLERANCE_S_DEFAULT = 300,
    WEBHOOK_HEADERS_MAX = 64,
    WEBHOOK_HEADER_NAME_SIZE = 48,
    WEBHOOK_PREFIX_SIZE = 16,
    WEBHOOK_ID_LEN_MAX = 128,
    WEBHOOK_BODY_SIZE_MAX = 1 << 20, /* events of providers are some KiB */
    /* What a diagnosis may cost: about what answering 100 good webhooks does. */
    WEBHOOK_DIAGNOSIS_BYTES_MAX = 8 << 20,
    WEBHOOK_DIAGNOSIS_ED25519_MAX = 64,
};

struct webhook_policy {
    uint8_t scheme;       /* enum webhook_scheme */
    bool base64;          /* PLAIN: the signature is base64, else hex */
    uint32_t tolerance_s; /* how far the timestamp may be from now, both ways; 0: not looked at */
    char signature_header[WEBHOOK_HEADER_NAME_SIZE]; /* PLAIN */
    char timestamp_header[WEBHOOK_HEADER_NAME_SIZE]; /* PLAIN; "": none is signed */
    char prefix[WEBHOOK_PREFIX_SIZE];                /* PLAIN: "sha256=" */
};

struct webhook_header {
    struct str name; /* of any case */
    struct str value;
};

struct webhook_message {
    const struct webhook_header *headers;
    uint32_t header_count;
    struct str body; /* the raw bytes */
};

/*
 * Name, code, sentence: what is found first in this order, by and large. Everything but VERIFIED
 * is a rejection, and names the cause and not the symptom: a webhook replayed after a year is
 * TIMESTAMP_OLD, although its secret is gone by then.
 */
#define WEBHOOK_REASON_TABLE(X)                                                                    \
    X(VERIFIED, "verified", "the signature is right")                                              \
    X(TOO_LARGE, "too_large", "the body or the number of headers is over the limit")               \
    X(HEADER_MISSING, "header_missing", "a header that the scheme needs is not there")             \
    X(HEADER_TWICE, "header_twice", "a header that the scheme needs is there more than once")      \
    X(HEADER_MALFORMED, "header_malformed", "a header cannot be read")                             \
    X(TIMESTAMP_MALFORMED, "timestamp_malformed", "the timestamp is no time in seconds")           \
    X(SIGNATURES_TOO_MANY, "signatures_too_many", "more signatures than are looked at")            \
    X(VERSION_UNKNOWN, "version_unknown", "there is no signature of a version that we know")       \
    X(TIMESTAMP_OLD, "timestamp_old",                                                              \
      "the signature is right, but too old: a replay, or a clock that is off")                     \
    X(TIMESTAMP_AHEAD, "timestamp_ahead",                                                          \
      "the signature is right, but from the future: a clock is off")                               \
    X(KEY_EXPIRED, "key_expired", "it is signed with a secret that is not accepted any more")      \
    X(KEY_NOT_YET, "key_not_yet", "it is signed with a secret that is not accepted yet")           \
    X(KEY_OTHER, "key_other", "it is signed with the secret of another endpoint")                  \
    X(BODY_CHANGED, "body_changed",                                                                \
      "another form of the body verifies: it was changed on its way")                              \
    X(NO_KEY, "no_key", "the endpoint has no secret for the signatures that came")                 \
    X(NO_MATCH, "no_match",                                                                        \
      "no secret that we know and no form of the body verifies: wrong secret, or changed body")

#define WEBHOOK_REASON_ENUM(name, code, text) WEBHOOK_REASON_##name,
enum webhook_reason { WEBHOOK_REASON_TABLE(WEBHOOK_REASON_ENUM) WEBHOOK_REASON_COUNT };
#undef WEBHOOK_REASON_ENUM
/* Static strings. CHECKs that reason is in range. */
const char *webhook_reason_code(enum webhook_reason reason);
const char *webhook_reason_text(enum webhook_reason reason);

struct webhook_verdict {
    uint8_t reason; /* enum webhook_reason */
    uint8_t form;   /* enum body_form: of what verified */
    bool timed;     /* there is a timestamp, and the scheme signs it */
    bool other;     /* the key is one of `others` */
    /* What verified, also with a rejection that has found the cause; NULL: nothing did. */
    const struct signing_key *key;
    uint64_t timestamp_s; /* when timed */
    int64_t ahead_s;      /* when timed: the timestamp minus now */
    struct str id;        /* STANDARD: webhook-id, a view into the message */
    const char *header;   /* the header that is missing, twice or malformed; NULL: none */
};

/* Memory for what must be written to be looked at; buf_init() both to WEBHOOK_SCRATCH_SIZE. */
enum { WEBHOOK_SCRATCH_SIZE = 3 * WEBHOOK_BODY_SIZE_MAX };
struct webhook_scratch {
    struct buf message; /* Ed25519: all that is signed */
    struct buf form;
};

struct webhook_check {
    const struct webhook_policy *policy;
    struct signing_key *const *keys; /* of the endpoint: also those whose time is over or to come */
    uint32_t key_count;              /* at most SIGNING_KEYS_MAX */
    struct signing_key *const *others; /* of other endpoints: for the reason only */
    uint32_t other_count;
    struct wall_time now;
    bool diagnose; /* else a rejection after the headers is NO_MATCH, at the price of a check */
    struct webhook_scratch *scratch;
};

/*
 * True, and nothing else may be acted on, when a key that is live verifies the raw body within
 * the tolerance. In constant time as to secrets. One thread at a time for each key.
 */
bool webhook_verify(const struct webhook_check *check, const struct webhook_message *message,
                    struct webhook_verdict *out_verdict) MUST_CHECK;

/*
 * For people: the sentence, with the key's name, the form, the difference of clocks. Holds no
 * secret, and nothing of the message but the timestamp's number.
 */
void webhook_verdict_write(const struct webhook_verdict *verdict, struct buf *out_text);

/* ---- Signing ---- */

/* Printable ASCII without space and '.', at most WEBHOOK_ID_LEN_MAX: STANDARD signs it before a '.'. */
bool webhook_id_valid(struct str id);

/*
 * Appends the value of the scheme's signature header: STANDARD one signature for each key, in
 * their order, with a space between; STRIPE "t=...,v1=..." likewise; PLAIN of the first key.
 * CHECKs that there are 1 to SIGNING_KEYS_MAX keys, and that each can sign for the scheme.
 */
struct webhook_signing {
    const struct webhook_policy *policy;
    struct signing_key *const *keys;
    uint32_t key_count;
    struct str id; /* STANDARD: webhook_id_valid() */
    uint64_t timestamp_s;
    struct str body;
    struct buf *scratch; /* Ed25519; of the size of a webhook_scratch's; else NULL */
};
void webhook_sign(const struct webhook_signing *signing, struct buf *out_value);

#endif
