#include "webhook/signature.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/hex.h"

enum { PARTS_MAX = 5 };

#define SCHEME_NAME(name, value, text) [value] = text,
static const char *const SCHEME_NAMES[WEBHOOK_SCHEME_END] = { WEBHOOK_SCHEME_TABLE(SCHEME_NAME) };

const char *webhook_scheme_name(unsigned scheme)
{
    return scheme < WEBHOOK_SCHEME_END ? SCHEME_NAMES[scheme] : NULL;
}

bool webhook_scheme_parse(struct str text, uint8_t *out_scheme)
{
    for (unsigned scheme = 1; scheme < WEBHOOK_SCHEME_END; scheme++) {
        if (!str_equal(text, str_from(webhook_scheme_name(scheme)))) continue;
        *out_scheme = (uint8_t)scheme;
        return true;
    }
    return false;
}

#define REASON_CODE(name, code, text) code,
#define REASON_TEXT(name, code, text) text,
static const char *const CODES[] = { WEBHOOK_REASON_TABLE(REASON_CODE) };
static const char *const TEXTS[] = { WEBHOOK_REASON_TABLE(REASON_TEXT) };

const char *webhook_reason_code(enum webhook_reason reason)
{
    CHECK((unsigned)reason < WEBHOOK_REASON_COUNT);
    return CODES[reason];
}

const char *webhook_reason_text(enum webhook_reason reason)
{
    CHECK((unsigned)reason < WEBHOOK_REASON_COUNT);
    return TEXTS[reason];
}

/* ---- what is signed ---- */

/* The parts before the body, and their number; the body follows them. */
struct prefix {
    struct digest_part parts[PARTS_MAX];
    uint32_t count;
};

static void prefix_add(struct prefix *prefix, struct str text)
{
    prefix->parts[prefix->count++] = (struct digest_part){ text.data, text.len };
    prefix->parts[prefix->count++] = (struct digest_part){ ".", 1 };
}

static struct digest hmac_of(struct signing_key *key, const struct prefix *prefix, struct str body)
{
    struct prefix whole = *prefix;
    whole.parts[whole.count] = (struct digest_part){ body.data, body.len };
    return hmac_key_digest(&key->prepared, whole.parts, whole.count + 1);
}

static struct str join(const struct prefix *prefix, struct str body, struct buf *scratch)
{
    buf_reset(scratch);
    for (uint32_t i = 0; i < prefix->count; i++) {
        buf_append(scratch, prefix->parts[i].data, prefix->parts[i].size);
    }
    buf_append_str(scratch, body);
    CHECK(buf_status(scratch) == STATUS_OK); /* the body is bounded, and scratch made for it */
    return buf_view(scratch);
}

/* ---- headers ---- */

enum wanted { WANTED_SIGNATURE, WANTED_TIMESTAMP, WANTED_ID, WANTED_COUNT };

/* A message on its way through the checks. */
struct reading {
    const struct webhook_check *check;
    const struct webhook_message *message;
    struct str values[WANTED_COUNT];
    struct signature_list list;
    struct prefix prefix;
    uint64_t bytes_left; /* of the diagnosis */
    uint32_t ed25519_left;
};

/* The first header of that name; *out_count is how many there are, so that 2 is an answer. */
static struct str header_find(const struct webhook_message *message, const char *name,
                              uint32_t *out_count)
{
    struct str value = { NULL, 0 };
    *out_count = 0;
    for (uint32_t i = 0; i < message->header_count; i++) {
        if (!str_equal_caseless(message->headers[i].name, str_from(name))) continue;
        if (*out_count == 0) value = message->headers[i].value;
        ++*out_count;
    }
    return value;
}

static enum webhook_reason header_take(struct reading *reading, enum wanted wanted,
                                       const char *name, const char *alias,
                                       struct webhook_verdict *verdict)
{
    uint32_t count = 0;
    struct str value = header_find(reading->message, name, &count);
    if (count == 0 && alias != NULL) value = header_find(reading->message, alias, &count);
    reading->values[wanted] = value;
    if (count == 1) return WEBHOOK_REASON_VERIFIED;
    verdict->header = name;
    return count == 0 ? WEBHOOK_REASON_HEADER_MISSING : WEBHOOK_REASON_HEADER_TWICE;
}

static enum webhook_reason headers_take(struct reading *reading, struct webhook_verdict *verdict)
{
    const struct webhook_policy *policy = reading->check->policy;
    const char *names[WANTED_COUNT] = { policy->signature_header, policy->timestamp_header, "" };
    const char *aliases[WANTED_COUNT] = { NULL };
    if (policy->scheme == WEBHOOK_STANDARD) {
        names[WANTED_SIGNATURE] = "webhook-signature";
        names[WANTED_TIMESTAMP] = "webhook-timestamp";
        names[WANTED_ID] = "webhook-id";
        aliases[WANTED_SIGNATURE] = "svix-signature";
        aliases[WANTED_TIMESTAMP] = "svix-timestamp";
        aliases[WANTED_ID] = "svix-id";
    } else if (policy->scheme == WEBHOOK_STRIPE) {
        names[WANTED_SIGNATURE] = "stripe-signature";
        names[WANTED_TIMESTAMP] = "";
    }
    enum webhook_reason reason = WEBHOOK_REASON_VERIFIED;
    for (unsigned i = 0; reason == WEBHOOK_REASON_VERIFIED && i < WANTED_COUNT; i++) {
        if (*names[i] == 0) continue;
        reason = header_take(reading, (enum wanted)i, names[i], aliases[i], verdict);
    }
    return reason;
}

static enum webhook_reason list_reason(enum status status)
{
    if (status == STATUS_OK) return WEBHOOK_REASON_VERIFIED;
    if (status == STATUS_LIMIT) return WEBHOOK_REASON_SIGNATURES_TOO_MANY;
    return status == STATUS_NOT_FOUND ? WEBHOOK_REASON_VERSION_UNKNOWN
                                      : WEBHOOK_REASON_HEADER_MALFORMED;
}

bool webhook_id_valid(struct str id)
{
    if (id.len == 0 || id.len > WEBHOOK_ID_LEN_MAX) return false;
    for (size_t i = 0; i < id.len; i++) {
        if (id.data[i] <= ' ' || id.data[i] > '~' || id.data[i] == '.') return false;
    }
    return true;
}

/* Fills list, prefix and what the verdict says of them. */
static enum webhook_reason headers_parse(struct reading *reading, struct webhook_verdict *verdict)
{
    const struct webhook_policy *policy = reading->check->policy;
    struct str value = reading->values[WANTED_SIGNATURE];
    struct str timestamp = reading->values[WANTED_TIMESTAMP];
    struct signature_list *list = &reading->list;
    enum status status = STATUS_INVALID;
    if (policy->scheme == WEBHOOK_STANDARD) {
        status = signature_header_standard(value, list);
    } else if (policy->scheme == WEBHOOK_STRIPE) {
        status = signature_header_stripe(value, list);
        timestamp = list->timestamp;
    } else {
        status = signature_header_plain(value, str_from(policy->prefix), policy->base64, list);
    }
    enum webhook_reason reason = list_reason(status);
    verdict->header = policy->scheme == WEBHOOK_STANDARD ? "webhook-signature"
                      : policy->scheme == WEBHOOK_STRIPE ? "stripe-signature"
                                                         : policy->signature_header;
    if (reason != WEBHOOK_REASON_VERIFIED) return reason;
    if (policy->scheme == WEBHOOK_STANDARD) {
        verdict->header = "webhook-id";
        if (!webhook_id_valid(reading->values[WANTED_ID])) return WEBHOOK_REASON_HEADER_MALFORMED;
        verdict->id = reading->values[WANTED_ID];
        prefix_add(&reading->prefix, verdict->id);
    }
    verdict->header = NULL;
    verdict->timed = policy->scheme != WEBHOOK_PLAIN || *policy->timestamp_header != 0;
    if (!verdict->timed) return WEBHOOK_REASON_VERIFIED;
    status = signature_timestamp(timestamp, &verdict->timestamp_s);
    if (status != STATUS_OK) {
        verdict->timed = false;
        return WEBHOOK_REASON_TIMESTAMP_MALFORMED;
    }
    int64_t now_s = reading->check->now.ns / NS_PER_S;
    verdict->ahead_s = (int64_t)verdict->timestamp_s - now_s; /* eleven digits: no overflow */
    prefix_add(&reading->prefix, timestamp);
    return WEBHOOK_REASON_VERIFIED;
}

/* ---- keys against signatures ---- */

static bool hmac_matches(const struct signature_list *list, const struct digest *digest)
{
    bool matches = false;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].kind != SIGNATURE_HMAC) continue;
        matches |= digest_equal(&list->items[i].hmac, digest);
    }
    return matches;
}

static uint32_t count_kind(const struct signature_list *list, enum signature_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) count += list->items[i].kind == kind;
    return count;
}

static bool ed25519_matches(struct reading *reading, const struct signing_key *key, struct str body)
{
    const struct signature_list *list = &reading->list;
    struct str whole = join(&reading->prefix, body, &reading->check->scratch->message);
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].kind != SIGNATURE_ED25519) continue;
        if (ed25519_verify(&key->public, whole, &list->items[i].ed25519)) return true;
    }
    return false;
}

static bool key_fits(const struct reading *reading, const struct signing_key *key)
{
    enum signature_kind kind = key->kind == SIGNING_KEY_HMAC ? SIGNATURE_HMAC : SIGNATURE_ED25519;
    return key->kind != SIGNING_KEY_NONE && count_kind(&reading->list, kind) > 0;
}

static bool key_matches(struct reading *reading, struct signing_key *key, struct str body)
{
    if (!key_fits(reading, key)) return false;
    if (key->kind != SIGNING_KEY_HMAC) return ed25519_matches(reading, key, body);
    struct digest digest = hmac_of(key, &reading->prefix, body);
    return hmac_matches(&reading->list, &digest);
}

/* Whether the diagnosis may still afford this; takes its price. */
static bool afford(struct reading *reading, const struct signing_key *key, struct str body)
{
    if (!key_fits(reading, key)) return true; /* costs nothing */
    uint32_t checks = 0;
    if (key->kind != SIGNING_KEY_HMAC) checks = count_kind(&reading->list, SIGNATURE_ED25519);
    if (reading->bytes_left < body.len || reading->ed25519_left < checks) return false;
    reading->bytes_left -= body.len;
    reading->ed25519_left -= checks;
    return true;
}

/* The first key of the endpoint that is live and verifies the body as it came. */
static const struct signing_key *find_live(struct reading *reading)
{
    const struct webhook_check *check = reading->check;
    for (uint32_t i = 0; i < check->key_count; i++) {
        struct signing_key *key = check->keys[i];
        if (signing_key_age(key, check->now) != SIGNING_KEY_LIVE) continue;
        if (key_matches(reading, key, reading->message->body)) return key;
    }
    return NULL;
}

/* ---- the reason ---- */

static const struct signing_key *find_any(struct reading *reading, struct str body,
                                          struct webhook_verdict *verdict)
{
    const struct webhook_check *check = reading->check;
    for (uint32_t i = 0; i < check->key_count + check->other_count; i++) {
        bool other = i >= check->key_count;
        struct signing_key *key = other ? check->others[i - check->key_count] : check->keys[i];
        if (!afford(reading, key, body)) return NULL;
        if (!key_matches(reading, key, body)) continue;
        verdict->other = other;
        return key;
    }
    return NULL;
}

static bool any_fits(const struct reading *reading)
{
    for (uint32_t i = 0; i < reading->check->key_count; i++) {
        if (key_fits(reading, reading->check->keys[i])) return true;
    }
    return false;
}

static bool outside(const struct webhook_policy *policy, const struct webhook_verdict *verdict)
{
    if (!verdict->timed || policy->tolerance_s == 0) return false;
    int64_t tolerance_s = policy->tolerance_s;
    return verdict->ahead_s < -tolerance_s || verdict->ahead_s > tolerance_s;
}

/* What is wrong, given the key and the form that verify. */
static enum webhook_reason reason_of(const struct webhook_check *check,
                                     const struct webhook_verdict *verdict)
{
    if (verdict->form != BODY_FORM_AS_RECEIVED) return WEBHOOK_REASON_BODY_CHANGED;
    if (verdict->other) return WEBHOOK_REASON_KEY_OTHER;
    if (outside(check->policy, verdict)) {
        return verdict->ahead_s < 0 ? WEBHOOK_REASON_TIMESTAMP_OLD : WEBHOOK_REASON_TIMESTAMP_AHEAD;
    }
    switch (signing_key_age(verdict->key, check->now)) {
    case SIGNING_KEY_NOT_YET: return WEBHOOK_REASON_KEY_NOT_YET;
    case SIGNING_KEY_EXPIRED: return WEBHOOK_REASON_KEY_EXPIRED;
    case SIGNING_KEY_LIVE: break;
    }
    return WEBHOOK_REASON_VERIFIED;
}

static enum webhook_reason diagnose(struct reading *reading, struct webhook_verdict *verdict)
{
    const struct webhook_check *check = reading->check;
    if (!check->diagnose) return WEBHOOK_REASON_NO_MATCH;
    if (!any_fits(reading)) return WEBHOOK_REASON_NO_KEY;
    for (unsigned form = 0; form < BODY_FORM_COUNT; form++) {
        struct str body;
        if (body_form_make((enum body_form)form, reading->message->body, &check->scratch->form,
                           &body) != STATUS_OK) {
            continue;
        }
        verdict->key = find_any(reading, body, verdict);
        if (verdict->key == NULL) continue;
        verdict->form = (uint8_t)form;
        enum webhook_reason reason = reason_of(check, verdict);
        CHECK(reason != WEBHOOK_REASON_VERIFIED); /* find_live() would have found it */
        return reason;
    }
    return WEBHOOK_REASON_NO_MATCH;
}

static enum webhook_reason judge(struct reading *reading, struct webhook_verdict *verdict)
{
    const struct webhook_check *check = reading->check;
    const struct webhook_message *message = reading->message;
    if (message->body.len > WEBHOOK_BODY_SIZE_MAX) return WEBHOOK_REASON_TOO_LARGE;
    if (message->header_count > WEBHOOK_HEADERS_MAX) return WEBHOOK_REASON_TOO_LARGE;
    enum webhook_reason reason = headers_take(reading, verdict);
    if (reason == WEBHOOK_REASON_VERIFIED) reason = headers_parse(reading, verdict);
    if (reason != WEBHOOK_REASON_VERIFIED) return reason;
    verdict->key = find_live(reading);
    if (verdict->key == NULL) return diagnose(reading, verdict);
    return reason_of(check, verdict);
}

bool webhook_verify(const struct webhook_check *check, const struct webhook_message *message,
                    struct webhook_verdict *out_verdict)
{
    CHECK(webhook_scheme_name(check->policy->scheme) != NULL);
    CHECK(check->key_count <= SIGNING_KEYS_MAX);
    struct reading reading; /* the list is large, and read only as far as it is written */
    reading.check = check;
    reading.message = message;
    for (unsigned i = 0; i < WANTED_COUNT; i++) reading.values[i] = (struct str){ NULL, 0 };
    reading.prefix.count = 0;
    reading.bytes_left = WEBHOOK_DIAGNOSIS_BYTES_MAX;
    reading.ed25519_left = WEBHOOK_DIAGNOSIS_ED25519_MAX;
    struct webhook_verdict verdict = { .form = BODY_FORM_AS_RECEIVED };
    verdict.reason = (uint8_t)judge(&reading, &verdict);
    *out_verdict = verdict;
    return verdict.reason == WEBHOOK_REASON_VERIFIED;
}

/* ---- in words ---- */

static void write_difference(const struct webhook_verdict *verdict, struct buf *out)
{
    uint64_t seconds = (uint64_t)(verdict->ahead_s < 0 ? -verdict->ahead_s : verdict->ahead_s);
    buf_append_format(out, "; the timestamp %" PRIu64 " is %" PRIu64 " s %s", verdict->timestamp_s,
                      seconds, verdict->ahead_s < 0 ? "old" : "ahead");
}

void webhook_verdict_write(const struct webhook_verdict *verdict, struct buf *out_text)
{
    buf_append_str(out_text, str_from(webhook_reason_text((enum webhook_reason)verdict->reason)));
    if (verdict->reason == WEBHOOK_REASON_VERIFIED) return;
    if (verdict->header != NULL) buf_append_format(out_text, ": %s", verdict->header);
    if (verdict->key != NULL) {
        const char *name = *verdict->key->name == 0 ? "(without a name)" : verdict->key->name;
        buf_append_format(out_text, "; what verifies is the secret %s", name);
        if (verdict->form != BODY_FORM_AS_RECEIVED) {
            buf_append_format(out_text, " and the body %s",
                              body_form_text((enum body_form)verdict->form));
        }
    }
    if (verdict->timed) write_difference(verdict, out_text);
}

/* ---- signing ---- */

static void sign_one(const struct webhook_signing *signing, struct signing_key *key,
                     const struct prefix *prefix, struct buf *out)
{
    bool base64 = signing->policy->scheme == WEBHOOK_STANDARD ||
                  (signing->policy->scheme == WEBHOOK_PLAIN && signing->policy->base64);
    if (key->kind == SIGNING_KEY_ED25519) {
        CHECK(signing->policy->scheme == WEBHOOK_STANDARD);
        struct ed25519_signature signature =
            ed25519_sign(&key->secret, join(prefix, signing->body, signing->scratch));
        base64_append(out, signature.bytes, sizeof signature.bytes);
        return;
    }
    CHECK(key->kind == SIGNING_KEY_HMAC);
    struct digest digest = hmac_of(key, prefix, signing->body);
    if (base64) {
        base64_append(out, digest.bytes, sizeof digest.bytes);
        return;
    }
    char digits[2 * sizeof digest.bytes + 1];
    buf_append_str(out, hex_format(digest.bytes, sizeof digest.bytes, digits));
}

void webhook_sign(const struct webhook_signing *signing, struct buf *out_value)
{
    const struct webhook_policy *policy = signing->policy;
    CHECK(signing->key_count > 0);
    CHECK(signing->key_count <= SIGNING_KEYS_MAX);
    char timestamp[24];
    int len = snprintf(timestamp, sizeof timestamp, "%" PRIu64, signing->timestamp_s);
    CHECK(len > 0 && len <= SIGNATURE_TIMESTAMP_DIGITS_MAX);
    struct prefix prefix = { .count = 0 };
    if (policy->scheme == WEBHOOK_STANDARD) {
        CHECK(webhook_id_valid(signing->id));
        prefix_add(&prefix, signing->id);
    }
    bool timed = policy->scheme != WEBHOOK_PLAIN || *policy->timestamp_header != 0;
    if (timed) prefix_add(&prefix, (struct str){ timestamp, (size_t)len });
    if (policy->scheme == WEBHOOK_STRIPE) buf_append_format(out_value, "t=%s", timestamp);
    if (policy->scheme == WEBHOOK_PLAIN) buf_append_str(out_value, str_from(policy->prefix));
    uint32_t count = policy->scheme == WEBHOOK_PLAIN ? 1 : signing->key_count;
    for (uint32_t i = 0; i < count; i++) {
        struct signing_key *key = signing->keys[i];
        if (policy->scheme == WEBHOOK_STRIPE) buf_append_str(out_value, STR(",v1="));
        if (policy->scheme == WEBHOOK_STANDARD) {
            if (i > 0) buf_append_byte(out_value, ' ');
            buf_append_str(out_value, key->kind == SIGNING_KEY_HMAC ? STR("v1,") : STR("v1a,"));
        }
        sign_one(signing, key, &prefix, out_value);
    }
}
