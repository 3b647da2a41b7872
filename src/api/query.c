/* Strict: what is not understood is refused by name, so that a misspelt filter is not ignored. */
#include "api/query.h"

#include "base/check.h"
#include "base/decimal.h"
#include "base/hex.h"
#include "model/position.h"
#include "wallet/act_walk.h"

enum { VALUE_SIZE_MAX = 64 }; /* the longest is a time with nine decimals and an offset */

bool percent_decode(struct str raw, char *out_text, size_t size, size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (len == size) return false;
        char byte = raw.data[i];
        if (byte == '%') {
            if (raw.len - i < 3) return false;
            if (hex_parse((struct str){ raw.data + i + 1, 2 }, &byte, 1) != STATUS_OK) return false;
            i += 2;
        }
        out_text[len++] = byte;
    }
    *out_len = len;
    return true;
}

struct parameter_row {
    uint32_t bit;
    struct str text;
};

#define PARAMETER_ROW(name, bit, words) { bit, { words, sizeof(words) - 1 } },
static const struct parameter_row rows[] = { PARAMETER_TABLE(PARAMETER_ROW) };
#undef PARAMETER_ROW

/* Two lists may mean something else by one word. */
static uint32_t parameter_bit(struct str name, uint32_t allowed)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool taken = (rows[i].bit & allowed) != 0;
        if (taken && str_equal(rows[i].text, name)) return rows[i].bit;
    }
    return 0;
}

static bool limit_parse(struct str value, uint32_t *out_limit)
{
    uint32_t limit = 0;
    if (value.len == 0 || value.len > 4 || value.data[0] == '0') return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') return false;
        limit = limit * 10 + (uint32_t)(value.data[i] - '0');
    }
    if (limit > PAGE_ITEMS_MAX) return false;
    *out_limit = limit;
    return true;
}

static bool sequence_parse(struct str value, uint64_t *out_sequence)
{
    enum { DIGITS_MAX = 18 };
    uint64_t sequence = 0;
    if (value.len == 0 || value.len > DIGITS_MAX) return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') return false;
        sequence = sequence * 10 + (uint64_t)(value.data[i] - '0');
    }
    *out_sequence = sequence;
    return true;
}

static bool cursor_take(struct str value, struct query *query)
{
    if (value.len > CURSOR_TEXT_LEN) return false;
    memcpy(query->cursor_text, value.data, value.len);
    query->cursor_len = value.len;
    return true;
}

static bool id_parse(struct str value, struct uuid *out_id)
{
    return uuid_parse(value, out_id) == STATUS_OK && !uuid_is_nil(*out_id);
}

static bool state_parse(struct str value, uint8_t *out_state)
{
    uint8_t state;
    if (!payment_state_parse(value, &state) || !payment_state_is_open(state)) return false;
    *out_state = state;
    return true;
}

const char *transit_state_name(enum transit_state state)
{
    static const char *const names[] = { [TRANSIT_WAITING] = "waiting", [TRANSIT_STUCK] = "stuck" };
    CHECK(state >= TRANSIT_WAITING && state < TRANSIT_STATE_END);
    return names[state];
}

static bool transit_state_parse(struct str value, uint8_t *out_state)
{
    for (unsigned state = TRANSIT_WAITING; state < TRANSIT_STATE_END; state++) {
        if (!str_equal(value, str_from(transit_state_name(state)))) continue;
        *out_state = (uint8_t)state;
        return true;
    }
    return false;
}

static bool lane_parse(struct str value, uint32_t *out_lane)
{
    uint64_t lane;
    if (decimal_parse(value, LANES_MAX - 1, &lane) != STATUS_OK) return false;
    *out_lane = (uint32_t)lane;
    return true;
}

static bool act_parse(struct str value, char out_act[ACT_CODE_SIZE])
{
    if (!act_code_is_known(value)) return false;
    CHECK(value.len < ACT_CODE_SIZE);
    memcpy(out_act, value.data, value.len);
    return true;
}

static bool uid_parse(struct str value, uint32_t *out_uid)
{
    uint64_t uid = 0;
    if (value.len == 0 || value.len > 10) return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') return false;
        uid = uid * 10 + (uint64_t)(value.data[i] - '0');
    }
    *out_uid = (uint32_t)uid;
    return uid <= UINT32_MAX;
}

static bool actor_parse(struct str value, struct actor_wanted *out_actor)
{
    const struct str local = STR("local:");
    uint32_t uid;
    *out_actor = (struct actor_wanted){ .given = true, .id = PRINCIPAL_SYSTEM };
    if (str_equal(value, STR("system"))) return true;
    out_actor->id = PRINCIPAL_ANONYMOUS;
    if (str_equal(value, STR("anonymous"))) return true;
    out_actor->any_local = str_equal(value, STR("local"));
    if (out_actor->any_local) return true;
    if (!str_starts(value, local)) return id_parse(value, &out_actor->id.value);
    if (!uid_parse((struct str){ value.data + local.len, value.len - local.len }, &uid))
        return false;
    out_actor->id = principal_local(uid);
    return true;
}

bool actor_matches(const struct actor_wanted *wanted, struct principal_id principal)
{
    if (!wanted->given) return true;
    if (wanted->any_local) return principal_is_local(principal);
    return uuid_equal(wanted->id.value, principal.value);
}

static bool reason_parse(struct str value, char out_reason[REASON_SIZE])
{
    if (!reason_is_valid(value)) return false;
    memcpy(out_reason, value.data, value.len);
    return true;
}

/* NULL when the value was taken, else what it must be. */
static const char *value_take(uint32_t bit, struct str value, struct query *query)
{
    switch ((enum parameter)bit) {
    case PARAMETER_AT:
        return position_parse(value, &query->at) ? NULL : "a position: BATCH-INDEX or BATCH";
    case PARAMETER_AFTER:
        return position_parse(value, &query->after) ? NULL : "a position: BATCH-INDEX or BATCH";
    case PARAMETER_MIN_POSITION:
        return position_parse(value, &query->min_position) ? NULL
                                                           : "a position: BATCH-INDEX or BATCH";
    case PARAMETER_CURSOR: return cursor_take(value, query) ? NULL : "the `next` of a page";
    case PARAMETER_FROM:
        return wall_time_parse(value, &query->from) == STATUS_OK
                   ? NULL
                   : "a time as in RFC 3339: 2026-11-23T00:00:00Z";
    case PARAMETER_TO:
        return wall_time_parse(value, &query->to) == STATUS_OK
                   ? NULL
                   : "a time as in RFC 3339: 2026-11-23T00:00:00Z";
    case PARAMETER_LIMIT:
        return limit_parse(value, &query->limit) ? NULL : "a whole number from 1 to 1000";
    case PARAMETER_STATE:
        return state_parse(value, &query->state)
                   ? NULL
                   : "an open state: pending, in_doubt, manual, quoted, authorised, part_captured or "
                     "opened";
    case PARAMETER_TRANSIT_STATE:
        return transit_state_parse(value, &query->transit_state) ? NULL : "waiting or stuck";
    case PARAMETER_PEER: return lane_parse(value, &query->peer) ? NULL : "a lane: 0, 1, ...";
    case PARAMETER_ACT:
        return act_parse(value, query->act) ? NULL : "an act: key_create, period_close, ...";
    case PARAMETER_ACTOR:
        return actor_parse(value, &query->actor)
                   ? NULL
                   : "an API key's id, system, anonymous, local or local:UID";
    case PARAMETER_REASON:
        return reason_parse(value, query->reason)
                   ? NULL
                   : "a code or ticket, no text: 1 to 47 of A-Z a-z 0-9 . _ : # / -";
    case PARAMETER_MAX_STALE_MS:
        return sequence_parse(value, &query->max_stale_ms) ? NULL : "milliseconds";
    case PARAMETER_SINCE: return sequence_parse(value, &query->since) ? NULL : "a sequence number";
    case PARAMETER_USER_REF:
        return id_parse(value, &query->user_ref) ? NULL : "a UUID that is not all zero";
    }
    return "known";
}
_Static_assert(PAGE_ITEMS_MAX == 1000, "as the hint for limit says");

static bool pair_take(struct str name, struct str raw_value, uint32_t allowed, struct query *query,
                      struct problem *problem)
{
    uint32_t bit = parameter_bit(name, allowed);
    if (bit == 0) {
        (void)problem_raise(problem, PROBLEM_UNKNOWN_PARAMETER, "see /openapi.yaml");
        problem_detail(problem, "parameter \"%.*s\"", (int)(name.len > 32 ? 32 : name.len),
                       name.data);
        return false;
    }
    if ((query->present & bit) != 0) {
        (void)problem_raise(problem, PROBLEM_DUPLICATE_PARAMETER, NULL);
        problem_field(problem, "%.*s", STR_ARG(name));
        return false;
    }
    query->present |= bit;
    char text[VALUE_SIZE_MAX];
    size_t len = 0;
    const char *wanted = "shorter, and its percent-encoding valid";
    if (percent_decode(raw_value, text, sizeof text, &len))
        wanted = value_take(bit, (struct str){ text, len }, query);
    if (wanted == NULL) return true;
    (void)problem_raise(problem, PROBLEM_INVALID_PARAMETER, NULL);
    problem_field(problem, "%.*s", STR_ARG(name));
    problem_detail(problem, "must be %s", wanted);
    return false;
}

bool query_parse(struct str raw, uint32_t allowed, struct query *out_query,
                 struct problem *out_problem)
{
    CHECK(out_query != NULL);
    CHECK(out_problem != NULL);
    *out_query =
        (struct query){ .limit = PAGE_ITEMS_DEFAULT, .to = { INT64_MAX }, .peer = LANES_MAX };
    size_t at = 0;
    while (at < raw.len) {
        size_t end = at;
        while (end < raw.len && raw.data[end] != '&') end++;
        size_t equals = at;
        while (equals < end && raw.data[equals] != '=') equals++;
        struct str name = { raw.data + at, equals - at };
        struct str value = { raw.data + equals, 0 };
        if (equals < end) value = (struct str){ raw.data + equals + 1, end - equals - 1 };
        if (end > at && !pair_take(name, value, allowed, out_query, out_problem)) return false;
        at = end + 1;
    }
    if (out_query->from.ns <= out_query->to.ns) return true;
    (void)problem_raise(out_problem, PROBLEM_INVALID_PARAMETER, NULL);
    problem_field(out_problem, "from");
    problem_detail(out_problem, "must not be after `to`");
    return false;
}
