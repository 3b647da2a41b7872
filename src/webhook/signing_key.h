/* signing_key.h - a secret or key that webhooks are signed or verified with, and when it is live. */
#ifndef WEBHOOK_SIGNING_KEY_H
#define WEBHOOK_SIGNING_KEY_H

#include "base/buf.h"
#include "base/time.h"
#include "crypto/ed25519.h"
#include "crypto/hmac.h"

enum {
    SIGNING_KEY_NAME_SIZE = 32,
    SIGNING_KEY_SECRET_SIZE_MIN = 16, /* a shorter HMAC secret could be guessed */
    /* Live at once or about to be: at rotation there are two, in a hurry three. */
    SIGNING_KEYS_MAX = 8,
};

enum signing_key_kind {
    SIGNING_KEY_NONE,           /* zeroed or done */
    SIGNING_KEY_HMAC,           /* signs and verifies, v1 */
    SIGNING_KEY_ED25519,        /* signs and verifies, v1a */
    SIGNING_KEY_ED25519_PUBLIC, /* verifies, v1a */
};

/* Plain, as a secret is: whoever holds a copy wipes it. */
struct signing_key {
    char name[SIGNING_KEY_NAME_SIZE]; /* for reasons and logs: says nothing of the secret */
    uint8_t kind;                     /* enum signing_key_kind */
    struct wall_time not_before;      /* live from here on; 0: always was */
    struct wall_time not_after;       /* live until just before; 0: for ever */
    struct secret secret;             /* HMAC, ED25519 */
    struct ed25519_public public;     /* ED25519, ED25519_PUBLIC */
    struct hmac_key prepared;         /* HMAC */
};

/*
 * As Standard Webhooks writes them, base64 behind a prefix: "whsec_" an HMAC secret, "whsk_" an
 * Ed25519 seed (32 bytes, or 64 with the public key behind it), "whpk_" an Ed25519 public key.
 * STATUS_INVALID: none of these, or a public key that is not the seed's. STATUS_LIMIT: longer
 * than a secret may be. The window is open, the name empty.
 */
enum status signing_key_parse(struct str text, struct signing_key *out_key) MUST_CHECK;

/*
 * An HMAC secret that is the text's bytes as they are, prefix and all: what Stripe and most
 * others mean. STATUS_INVALID: too short. STATUS_LIMIT: too long.
 */
enum status signing_key_plain(struct str text, struct signing_key *out_key) MUST_CHECK;

/* An HMAC secret of bytes, which are wiped. As signing_key_plain(). */
enum status signing_key_take(void *bytes, size_t size, struct signing_key *out_key) MUST_CHECK;

/* Wipes it. Accepts NULL and a zeroed key. */
void signing_key_done(struct signing_key *key);

/* The name is cut at SIGNING_KEY_NAME_SIZE. */
void signing_key_name(struct signing_key *key, struct str name);

/*
 * What signing_key_parse() reads: the secret itself, or, of ED25519 keys, the public key when
 * `public`. Whoever holds out_text wipes it. CHECKs that an HMAC key is not asked for a public
 * one, and a public one not for its secret.
 */
void signing_key_format(const struct signing_key *key, bool public, struct buf *out_text);

enum signing_key_age { SIGNING_KEY_NOT_YET, SIGNING_KEY_LIVE, SIGNING_KEY_EXPIRED };
enum signing_key_age signing_key_age(const struct signing_key *key, struct wall_time now);

#endif
