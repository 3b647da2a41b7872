/* A walk over assets, roles and PSPs, and one call of the API for all, or for each. */
#include "cmd/chart_accounts.h"

#include <string.h>

#include "base/check.h"
#include "cmd/answer.h"
#include "cmd/lane_set.h"
#include "payment/chart.h"

enum {
    BODY_SIZE_MAX = 256 << 10,
    ANSWER_SIZE_MAX = 1 << 20,
    TARGET_SIZE_MAX = 256,
    PATH_SIZE_MAX = 4096
};

/* One account of the chart. */
struct place {
    struct asset asset;
    enum chart_role role;
    char psp[PSP_NAME_SIZE]; /* "" for roles that have none */
    struct account account;
};

struct walk {
    struct session *session;
    const struct chart_names *names;
    enum status (*visit)(struct walk *walk, const struct place *place, struct error *out_error);
    struct json_writer *json; /* what the visits write into */
};

/* ---- Assets ---- */

struct asset_search {
    struct str code;
    struct asset asset;
    bool found;
};

static bool digits_read(struct str text, uint32_t *out_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || number > UINT32_MAX / 10) return false;
        number = 10 * number + (uint64_t)(text.data[i] - '0');
    }
    *out_number = (uint32_t)number;
    return text.len > 0;
}

static bool asset_compare(void *argument, const struct answer_object *item)
{
    struct asset_search *search = argument;
    if (!str_equal(answer_text(item, "code"), search->code)) return true;
    uint32_t exponent = 0;
    search->found = digits_read(answer_text(item, "id"), &search->asset.id) &&
                    digits_read(answer_text(item, "exponent"), &exponent);
    search->asset.exponent = (uint8_t)exponent;
    return false;
}

/* The answer to a GET; its HTTP status is for the caller. */
static enum status get(struct session *session, struct str target, unsigned *out_http_status,
                       struct buf *out_answer, struct error *out_error)
{
    const struct session_request request = { .method = API_GET, .target = target };
    return session_call(session, &request, out_http_status, out_answer, out_error);
}

static enum status list_read(struct str json, const struct answer_list *list,
                             struct error *out_error)
{
    struct arena arena;
    struct answer_object rest;
    enum status status = arena_init(&arena, answer_arena_size(json));
    if (status == STATUS_OK) status = answer_read_list(json, list, &arena, &rest);
    arena_done(&arena);
    if (status == STATUS_OK) return status;
    return error_set(out_error, status, "the server's answer cannot be read");
}

static enum status custom_asset_find(struct session *session, struct asset_search *search,
                                     struct error *out_error)
{
    BUF_SCOPE struct buf answer;
    buf_init(&answer, ANSWER_SIZE_MAX);
    unsigned http_status = 0;
    enum status status =
        get(session, STR("/v1/assets?limit=1000"), &http_status, &answer, out_error);
    if (status != STATUS_OK) return status;
    const struct answer_list list = { "items", asset_compare, search };
    return list_read(buf_view(&answer), &list, out_error);
}

static enum status asset_find(struct session *session, struct str code, struct asset *out_asset,
                              struct error *out_error)
{
    const struct asset *iso = asset_iso_by_code(code);
    if (iso != NULL) {
        *out_asset = *iso;
        return STATUS_OK;
    }
    struct asset_search search = { .code = code };
    if (code.len > 0 && code.len <= ASSET_CODE_LEN_MAX) {
        memcpy(search.asset.code, code.data, code.len);
        enum status status = custom_asset_find(session, &search, out_error);
        if (status != STATUS_OK) return status;
    }
    if (!search.found) {
        enum status status =
            error_set(out_error, STATUS_NOT_FOUND, "there is no asset '%.*s'", STR_ARG(code));
        error_hint(out_error, "an ISO 4217 code like EUR, or one made by `tpwallet asset create`");
        return status;
    }
    *out_asset = search.asset;
    return STATUS_OK;
}

/* ---- The walk ---- */

/* The next word between commas; false at the end. */
static bool word_next(const char **at, struct str *out_word)
{
    if (*at == NULL || **at == '\0') return false;
    size_t len = strcspn(*at, ",");
    *out_word = (struct str){ *at, len };
    *at += len + ((*at)[len] == ',');
    return true;
}

static enum status psp_take(struct str word, char out_psp[PSP_NAME_SIZE], struct error *out_error)
{
    if (!psp_name_is_valid(word))
        return error_set(out_error, STATUS_INVALID,
                         "'%.*s' is no PSP's name: 1 to 15 of a-z, 0-9 and '-'", STR_ARG(word));
    memset(out_psp, 0, PSP_NAME_SIZE);
    memcpy(out_psp, word.data, word.len);
    return STATUS_OK;
}

static enum status place_visit(struct walk *walk, struct place *place, struct error *out_error)
{
    place->account = chart_account(walk->names->part, place->asset.id, place->role, place->psp);
    return walk->visit(walk, place, out_error);
}

static enum status clearing_walk(struct walk *walk, struct place *place, struct error *out_error)
{
    struct str word;
    enum status status = STATUS_OK;
    place->role = CHART_CLEARING;
    for (const char *at = walk->names->psps; status == STATUS_OK && word_next(&at, &word);) {
        status = psp_take(word, place->psp, out_error);
        if (status == STATUS_OK) status = place_visit(walk, place, out_error);
    }
    memset(place->psp, 0, sizeof place->psp);
    return status;
}

static enum status chart_walk(struct walk *walk, struct error *out_error)
{
    struct str word;
    enum status status = STATUS_OK;
    for (const char *at = walk->names->assets; status == STATUS_OK && word_next(&at, &word);) {
        struct place place = { 0 };
        status = asset_find(walk->session, word, &place.asset, out_error);
        if (status == STATUS_OK) status = clearing_walk(walk, &place, out_error);
        for (unsigned role = 1; status == STATUS_OK && role < CHART_ROLE_END; role++) {
            if (role == CHART_CLEARING) continue;
            place.role = role;
            status = place_visit(walk, &place, out_error);
        }
    }
    return status;
}

static void member_write(struct json_writer *json, struct str key, const char *value)
{
    json_write_key(json, key);
    json_write_string(json, str_from(value));
}

/* ---- Making ---- */

static enum status request_visit(struct walk *walk, const struct place *place,
                                 struct error *out_error)
{
    (void)out_error; /* nothing can go wrong: the writer is looked at once, at its end */
    json_write_object_begin(walk->json);
    json_write_key(walk->json, STR("id"));
    json_write_uuid(walk->json, place->account.id.value);
    member_write(walk->json, STR("asset"), place->asset.code);
    member_write(walk->json, STR("kind"), account_kind_name(place->account.kind));
    json_write_object_end(walk->json);
    return STATUS_OK;
}

static bool outcome_look(void *argument, const struct answer_object *item)
{
    bool *all = argument;
    *all = str_equal(answer_text(item, "outcome"), STR("ok"));
    return *all;
}

static enum status answer_look(unsigned http_status, struct str answer, struct error *out_error)
{
    if (http_status >= 300) {
        return error_set(out_error, http_status >= 500 ? STATUS_UNAVAILABLE : STATUS_DENIED,
                         "the chart was not made: HTTP status %u", http_status);
    }
    bool all = true;
    const struct answer_list list = { "results", outcome_look, &all };
    enum status status = list_read(answer, &list, out_error);
    if (status != STATUS_OK || all) return status;
    return error_set(out_error, STATUS_CONFLICT,
                     "an account with an id of the chart is there, and is not of the chart");
}

enum status chart_accounts_make(struct session *session, const struct chart_names *names,
                                struct error *out_error)
{
    BUF_SCOPE struct buf body;
    BUF_SCOPE struct buf answer;
    buf_init(&body, BODY_SIZE_MAX);
    buf_init(&answer, ANSWER_SIZE_MAX);
    struct json_writer json;
    struct walk walk = {
        .session = session, .names = names, .visit = request_visit, .json = &json
    };
    json_writer_init(&json, &body);
    json_write_array_begin(&json);
    enum status status = chart_walk(&walk, out_error);
    if (status != STATUS_OK) return status;
    json_write_array_end(&json);
    if (json_write_end(&json) != STATUS_OK)
        return error_set(out_error, STATUS_LIMIT, "these are too many assets at once");
    const struct session_request request = {
        .method = API_POST,
        .target = STR("/v1/accounts"),
        .content_type = STR("application/json"),
        .body = buf_view(&body),
    };
    unsigned http_status = 0;
    status = session_call(session, &request, &http_status, &answer, out_error);
    if (status != STATUS_OK) return status;
    return answer_look(http_status, buf_view(&answer), out_error);
}

/* ---- Showing ---- */

/* The balance is absent when the account was not made. */
static enum status balance_write(struct walk *walk, const struct place *place,
                                 struct error *out_error)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(place->account.id.value, id);
    BUF_SCOPE struct buf target;
    BUF_SCOPE struct buf answer;
    buf_init(&target, TARGET_SIZE_MAX);
    buf_init(&answer, ANSWER_SIZE_MAX);
    buf_append_format(&target, "/v1/accounts/%s", id);
    unsigned http_status = 0;
    enum status status = get(walk->session, buf_view(&target), &http_status, &answer, out_error);
    if (status != STATUS_OK) return status;
    json_write_key(walk->json, STR("made"));
    json_write_bool(walk->json, http_status == 200);
    if (http_status == 404) return STATUS_OK;
    if (http_status != 200)
        return error_set(out_error, STATUS_UNAVAILABLE, "account %s cannot be read: HTTP status %u",
                         id, http_status);
    struct arena arena;
    struct answer_object account;
    status = arena_init(&arena, answer_arena_size(buf_view(&answer)));
    if (status == STATUS_OK) status = answer_read(buf_view(&answer), &arena, &account);
    if (status == STATUS_OK) {
        json_write_key(walk->json, STR("balance"));
        json_write_string(walk->json, answer_text(&account, "balance.net"));
    }
    arena_done(&arena);
    if (status == STATUS_OK) return status;
    return error_set(out_error, status, "the server's answer cannot be read");
}

static enum status show_visit(struct walk *walk, const struct place *place, struct error *out_error)
{
    struct json_writer *json = walk->json;
    json_write_object_begin(json);
    if (walk->names->part.lanes > 1) {
        json_write_key(json, STR("lane"));
        json_write_uint64(json, walk->names->part.lane);
    }
    member_write(json, STR("asset"), place->asset.code);
    member_write(json, STR("role"), chart_role_name(place->role));
    if (place->psp[0] != '\0') member_write(json, STR("psp"), place->psp);
    json_write_key(json, STR("id"));
    json_write_uuid(json, place->account.id.value);
    member_write(json, STR("kind"), account_kind_name(place->account.kind));
    member_write(json, STR("meaning"), chart_role_text(place->role));
    enum status status = balance_write(walk, place, out_error);
    json_write_object_end(json);
    return status;
}

enum status chart_accounts_show(struct session *session, const struct chart_names *names,
                                struct json_writer *json, struct error *out_error)
{
    struct walk walk = { .session = session, .names = names, .visit = show_visit, .json = json };
    return chart_walk(&walk, out_error);
}

/* ---- Over lanes ---- */

enum status chart_accounts_each(const struct session_options *options, struct chart_names *names,
                                enum status (*visit)(void *context, struct session *session,
                                                     const struct chart_names *names,
                                                     struct error *out_error),
                                void *context, struct error *out_error)
{
    struct lane_part *part = &names->part;
    enum status status = lane_set_count(options->folder, &part->lanes, out_error);
    for (part->lane = 0; status == STATUS_OK && part->lane < part->lanes; part->lane++) {
        struct session session;
        struct session_options one = *options;
        one.lane = part->lane;
        status = session_open(&one, &session, out_error);
        if (status != STATUS_OK) break;
        status = visit(context, &session, names, out_error);
        session_close(&session);
    }
    return status;
}
