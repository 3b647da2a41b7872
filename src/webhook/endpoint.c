#include "webhook/endpoint.h"

#include <string.h>

#include "base/check.h"

const struct delivery_policy DELIVERY_POLICY_DEFAULT = {
    .first_ms = 5000,
    .delay_ms_max = 6 * 3600 * 1000,
    .attempts_max = 16,
    .disable_after_s = 5 * 86400,
    .disable_after_letters = 100,
};

static const char *url_fault(const char text[ENDPOINT_URL_SIZE])
{
    struct str url = { text, strnlen(text, ENDPOINT_URL_SIZE) };
    if (url.len == ENDPOINT_URL_SIZE) return "must be shorter than 512 characters";
    bool secure = str_starts(url, STR("https://"));
    if (!secure && !str_starts(url, STR("http://"))) return "must begin with https:// or http://";
    size_t host = secure ? 8 : 7;
    if (url.len == host || memchr("/?:", url.data[host], 3) != NULL) return "must name a host";
    bool in_host = true;
    for (size_t i = host; i < url.len; i++) {
        char c = url.data[i];
        if (c <= ' ' || c > '~' || c == '#' || c == '\\') {
            return "must be printable ASCII without spaces, '#' and '\\'";
        }
        if (c == '/' || c == '?') in_host = false;
        if (in_host && c == '@') return "must not hold a user or password";
    }
    return NULL;
}

static bool filter_valid(const char text[ENDPOINT_FILTER_SIZE])
{
    size_t len = strnlen(text, ENDPOINT_FILTER_SIZE);
    if (len == 0 || len == ENDPOINT_FILTER_SIZE) return false;
    if (len >= 3 && text[len - 2] == '.' && text[len - 1] == '*') len -= 2;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!plain && (c != '.' || i == 0 || i + 1 == len)) return false;
    }
    return true;
}

const char *endpoint_fault(const struct webhook_endpoint *endpoint, const char **out_field)
{
    *out_field = "url";
    const char *fault = url_fault(endpoint->url);
    if (fault != NULL) return fault;
    *out_field = "filters";
    if (endpoint->filter_count > ENDPOINT_FILTERS_MAX) return "at most 16 filters";
    for (uint32_t i = 0; i < endpoint->filter_count; i++) {
        if (!filter_valid(endpoint->filters[i])) {
            return "a filter is a-z, 0-9, '_' and '.', shorter than 64, or ends in \".*\"";
        }
    }
    *out_field = "state";
    if (endpoint->state == ENDPOINT_ACTIVE || endpoint->state == ENDPOINT_DISABLED) return NULL;
    return "must be active or disabled";
}

static bool filter_matches(struct str filter, struct str type)
{
    if (filter.len >= 2 && filter.data[filter.len - 1] == '*') {
        return str_starts(type, (struct str){ filter.data, filter.len - 1 });
    }
    return str_equal(filter, type);
}

bool endpoint_wants(const struct webhook_endpoint *endpoint, struct str type)
{
    for (uint32_t i = 0; i < endpoint->filter_count; i++) {
        if (filter_matches(str_from(endpoint->filters[i]), type)) return true;
    }
    return endpoint->filter_count == 0;
}

/* A prepared key does not know where it stands, so it may be moved; what is left is nobody's. */
static void key_move(struct signing_key *from, struct signing_key *to)
{
    *to = *from;
    secret_wipe(from, sizeof *from);
}

enum status endpoint_rotate(struct webhook_endpoint *endpoint, struct signing_key *key,
                            struct wall_time now, uint32_t overlap_s)
{
    int64_t end_ns = now.ns + (int64_t)overlap_s * NS_PER_S;
    uint32_t over = 0;
    for (uint32_t i = 0; i < endpoint->key_count; i++) {
        over += signing_key_age(&endpoint->keys[i], now) == SIGNING_KEY_EXPIRED;
    }
    if (endpoint->key_count - over == ENDPOINT_KEYS_MAX) return STATUS_LIMIT;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < endpoint->key_count; i++) {
        struct signing_key *old = &endpoint->keys[i];
        if (signing_key_age(old, now) == SIGNING_KEY_EXPIRED) {
            signing_key_done(old);
            continue;
        }
        if (old->not_after.ns == 0 || old->not_after.ns > end_ns) old->not_after.ns = end_ns;
        if (kept != i) key_move(old, &endpoint->keys[kept]);
        kept++;
    }
    for (uint32_t i = kept; i > 0; i--) key_move(&endpoint->keys[i - 1], &endpoint->keys[i]);
    key_move(key, &endpoint->keys[0]);
    endpoint->keys[0].not_before = now;
    endpoint->key_count = (uint8_t)(kept + 1);
    return STATUS_OK;
}

uint32_t endpoint_live_keys(struct webhook_endpoint *endpoint, struct wall_time now,
                            struct signing_key *out_keys[ENDPOINT_KEYS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < endpoint->key_count; i++) {
        struct signing_key *key = &endpoint->keys[i];
        if (signing_key_age(key, now) == SIGNING_KEY_LIVE) out_keys[count++] = key;
    }
    return count;
}

void endpoint_take_filters(struct webhook_endpoint *to, const struct webhook_endpoint *from)
{
    memcpy(to->filters, from->filters, sizeof to->filters);
    to->filter_count = from->filter_count;
    to->since = from->since;
    to->sequence_base = from->sequence_base;
}

void endpoint_done(struct webhook_endpoint *endpoint)
{
    if (endpoint == NULL) return;
    for (uint32_t i = 0; i < endpoint->key_count; i++) signing_key_done(&endpoint->keys[i]);
    secret_wipe(endpoint, sizeof *endpoint);
}

/* ---- when ---- */

uint32_t delivery_delay_ms(const struct delivery_policy *policy, uint32_t attempts,
                           uint32_t retry_after_s, struct prng *prng)
{
    CHECK(attempts > 0);
    uint64_t step_ms = policy->first_ms;
    for (uint32_t i = 1; i < attempts && step_ms < policy->delay_ms_max; i++) step_ms *= 2;
    if (step_ms > policy->delay_ms_max) step_ms = policy->delay_ms_max;
    uint64_t delay_ms = prng_between(prng, step_ms / 2, step_ms);
    uint64_t asked_ms = (uint64_t)retry_after_s * 1000;
    if (asked_ms > policy->delay_ms_max) asked_ms = policy->delay_ms_max;
    return (uint32_t)(delay_ms > asked_ms ? delay_ms : asked_ms);
}

enum delivery_next delivery_judge(const struct delivery_policy *policy,
                                  const struct delivery_record *record, struct wall_time now)
{
    if (record->gone) return DELIVERY_DISABLE;
    int64_t failing_ns = record->failing_at.ns == 0 ? 0 : now.ns - record->failing_at.ns;
    if (failing_ns >= (int64_t)policy->disable_after_s * NS_PER_S) return DELIVERY_DISABLE;
    if (record->attempts < policy->attempts_max) return DELIVERY_RETRY;
    if (record->letters + 1 >= policy->disable_after_letters) return DELIVERY_DISABLE;
    return DELIVERY_DEAD_LETTER;
}
