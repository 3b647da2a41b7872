#include "webhook/signing_key.h"

#include <string.h>

#include "base/base64.h"
#include "base/check.h"

static const struct str HMAC_PREFIX = { "whsec_", 6 };
static const struct str SEED_PREFIX = { "whsk_", 5 };
static const struct str PUBLIC_PREFIX = { "whpk_", 5 };

enum { PAIR_SIZE = ED25519_SEED_SIZE + ED25519_PUBLIC_SIZE };

static struct str behind(struct str text, struct str prefix)
{
    return (struct str){ text.data + prefix.len, text.len - prefix.len };
}

enum status signing_key_take(void *bytes, size_t size, struct signing_key *out_key)
{
    if (size < SIGNING_KEY_SECRET_SIZE_MIN) {
        secret_wipe(bytes, size);
        return STATUS_INVALID;
    }
    struct secret SECRET_SCOPE secret = { .size = 0 };
    enum status status = secret_take(bytes, size, &secret);
    if (status != STATUS_OK) return status;
    memset(out_key, 0, sizeof *out_key);
    out_key->kind = SIGNING_KEY_HMAC;
    memcpy(out_key->secret.bytes, secret.bytes, secret.size);
    out_key->secret.size = secret.size;
    hmac_key_init(&out_key->prepared, &out_key->secret);
    return STATUS_OK;
}

enum status signing_key_plain(struct str text, struct signing_key *out_key)
{
    uint8_t bytes[SECRET_SIZE_MAX];
    if (text.len > sizeof bytes) return STATUS_LIMIT;
    if (text.len > 0) memcpy(bytes, text.data, text.len);
    return signing_key_take(bytes, text.len, out_key);
}

static enum status take_seed(uint8_t bytes[PAIR_SIZE], size_t size, struct signing_key *out_key)
{
    struct secret SECRET_SCOPE seed = { .size = 0 };
    if (size != ED25519_SEED_SIZE && size != PAIR_SIZE) return STATUS_INVALID;
    enum status status = secret_take(bytes, ED25519_SEED_SIZE, &seed);
    CHECK(status == STATUS_OK);
    struct ed25519_public public = ed25519_public_of(&seed);
    if (size == PAIR_SIZE &&
        memcmp(public.bytes, bytes + ED25519_SEED_SIZE, sizeof public.bytes) != 0) {
        return STATUS_INVALID;
    }
    memset(out_key, 0, sizeof *out_key);
    out_key->kind = SIGNING_KEY_ED25519;
    out_key->public = public;
    memcpy(out_key->secret.bytes, seed.bytes, seed.size);
    out_key->secret.size = seed.size;
    return STATUS_OK;
}

enum status signing_key_parse(struct str text, struct signing_key *out_key)
{
    uint8_t bytes[SECRET_SIZE_MAX];
    size_t size = 0;
    enum status status = STATUS_INVALID;
    if (str_starts(text, HMAC_PREFIX)) {
        status = base64_parse(behind(text, HMAC_PREFIX), sizeof bytes, bytes, &size);
        if (status == STATUS_OK) status = signing_key_take(bytes, size, out_key);
    } else if (str_starts(text, SEED_PREFIX)) {
        status = base64_parse(behind(text, SEED_PREFIX), sizeof bytes, bytes, &size);
        if (status == STATUS_OK) status = take_seed(bytes, size, out_key);
    } else if (str_starts(text, PUBLIC_PREFIX)) {
        struct ed25519_public public;
        status = base64_parse_exact(behind(text, PUBLIC_PREFIX), public.bytes, sizeof public.bytes);
        if (status != STATUS_OK) return status;
        memset(out_key, 0, sizeof *out_key);
        out_key->kind = SIGNING_KEY_ED25519_PUBLIC;
        out_key->public = public;
    }
    secret_wipe(bytes, sizeof bytes);
    return status;
}

void signing_key_done(struct signing_key *key)
{
    if (key != NULL) secret_wipe(key, sizeof *key);
}

void signing_key_name(struct signing_key *key, struct str name)
{
    size_t len = name.len < sizeof key->name ? name.len : sizeof key->name - 1;
    memset(key->name, 0, sizeof key->name);
    if (len > 0) memcpy(key->name, name.data, len);
}

void signing_key_format(const struct signing_key *key, bool public, struct buf *out_text)
{
    if (public) {
        CHECK(key->kind == SIGNING_KEY_ED25519 || key->kind == SIGNING_KEY_ED25519_PUBLIC);
        buf_append_str(out_text, PUBLIC_PREFIX);
        base64_append(out_text, key->public.bytes, sizeof key->public.bytes);
        return;
    }
    CHECK(key->kind == SIGNING_KEY_HMAC || key->kind == SIGNING_KEY_ED25519);
    buf_append_str(out_text, key->kind == SIGNING_KEY_HMAC ? HMAC_PREFIX : SEED_PREFIX);
    base64_append(out_text, key->secret.bytes, key->secret.size);
}

enum signing_key_age signing_key_age(const struct signing_key *key, struct wall_time now)
{
    if (now.ns < key->not_before.ns) return SIGNING_KEY_NOT_YET;
    if (key->not_after.ns != 0 && now.ns >= key->not_after.ns) return SIGNING_KEY_EXPIRED;
    return SIGNING_KEY_LIVE;
}
