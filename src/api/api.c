/* The two halves of a call: what all operations share; the rest is in the file of the resource. */
#include "api/api.h"

#include <stdio.h>

#include "api/idempotency.h"
#include "api/lanes.h"
#include "api/watch.h"
#include "api/work.h"
#include "base/check.h"
#include "base/reserve.h"
#include "model/position.h"

static const char problem_type[] = "application/problem+json";

static enum status asset_by_code(void *context, struct str code, struct asset *out_asset)
{
    return lane_asset_by_code(context, code, out_asset);
}

static enum status asset_by_id(void *context, uint32_t id, struct asset *out_asset)
{
    return lane_asset_by_id(context, id, out_asset);
}

static enum status streams_open(struct api *api, struct error *out_error)
{
    const struct api_options *options = &api->options;
    if (options->stream_feed == NULL) return STATUS_OK;
    const struct event_streams_options streams = {
        .lane = api->lane,
        .keys = options->keys,
        .sync = api->ports.sync,
        .clock = api->ports.clock,
        .log = api->ports.log,
        .feed = options->stream_feed,
        .streams_max = options->streams_max == 0 ? EVENT_STREAMS_DEFAULT : options->streams_max,
        .heartbeat_ms = options->heartbeat_ms == 0 ? EVENT_HEARTBEAT_MS : options->heartbeat_ms,
    };
    return event_streams_new(&streams, &api->streams, out_error);
}

enum status api_new(struct lane *lane, const struct lane_ports *ports,
                    const struct api_options *options, struct api **out_api,
                    struct error *out_error)
{
    CHECK(lane != NULL);
    CHECK(options->workers >= 1);
    CHECK(options->workers <= WORKERS_MAX);
    CHECK(options->version != NULL);
    struct api *api = reserve_new(sizeof *api);
    if (api == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the API");
    api->lane = lane;
    api->ports = *ports;
    api->options = *options;
    api->works = reserve_new(API_CALLS_MAX * sizeof(struct work));
    if (api->works == NULL) {
        reserve_free(api, sizeof *api);
        return error_set(out_error, STATUS_LIMIT, "no memory for the calls of the API");
    }
    api->pool = ports->sync->monitor_new(ports->sync, "api-pool");
    api->queue = ports->sync->monitor_new(ports->sync, "api-queue");
    enum status status = streams_open(api, out_error);
    if (status == STATUS_OK) status = workers_start(api, out_error);
    if (status != STATUS_OK) {
        api_free(api);
        return status;
    }
    *out_api = api;
    return STATUS_OK;
}

void api_free(struct api *api)
{
    if (api == NULL) return;
    workers_stop(api);
    event_streams_free(api->streams);
    struct sync *sync = api->ports.sync;
    sync->monitor_free(api->pool);
    sync->monitor_free(api->queue);
    reserve_free(api->works, API_CALLS_MAX * sizeof(struct work));
    reserve_free(api, sizeof *api);
}

static void header_add(struct api_call *call, const char *name, struct str value)
{
    CHECK(call->header_count < API_HEADERS_MAX);
    CHECK(value.len < API_HEADER_SIZE);
    struct api_header *header = &call->headers[call->header_count++];
    header->name = name;
    if (value.len > 0) memcpy(header->value, value.data, value.len);
    header->value[value.len] = '\0';
}

static void trace_begin(struct work *work)
{
    struct api_call *call = work->call;
    struct trace parent;
    uint8_t flags;
    if (!traceparent_parse(call->traceparent, &parent, &flags)) return; /* a trace of its own */
    call->trace.id = parent.id;
    work->trace_asked = (flags & TRACE_FLAG_SAMPLED) != 0;
}

/* The path, decoded: most have nothing to decode and stay where they are. */
static bool path_decode(struct work *work)
{
    struct str raw = work->call->path;
    work->path = raw;
    if (raw.len == 0 || memchr(raw.data, '%', raw.len) == NULL) return true;
    size_t len = 0;
    if (!percent_decode(raw, work->path_text, sizeof work->path_text, &len))
        return problem_raise(&work->problem, PROBLEM_INVALID_PATH, NULL);
    work->path = (struct str){ work->path_text, len };
    return true;
}

static bool route_find(struct work *work)
{
    struct api_call *call = work->call;
    if (!path_decode(work)) return false;
    struct route_match match = router_match(call->method, work->path);
    if (match.route == NULL && match.methods == 0)
        return problem_raise(&work->problem, PROBLEM_ROUTE_NOT_FOUND, "see /openapi.yaml");
    work->methods = match.methods;
    if (match.route == NULL) return problem_raise(&work->problem, PROBLEM_METHOD_NOT_ALLOWED, NULL);
    work->route = match.route;
    call->route = match.route->number;
    if (match.parameter.len == 0) return true;
    bool word = match.named || call->route == ROUTE_LOG_TILE;
    if (word) work->name = match.parameter;
    if (word) return true;
    if (uuid_parse(match.parameter, &work->id) == STATUS_OK && !uuid_is_nil(work->id)) return true;
    (void)problem_raise(&work->problem, PROBLEM_INVALID_PATH, NULL);
    problem_field(&work->problem, "id");
    problem_detail(&work->problem, "must be a UUID that is not all zero");
    return false;
}

/* The token of "Bearer TOKEN"; empty when it is something else. */
static struct str bearer_token(struct str header)
{
    const struct str scheme = STR("bearer ");
    if (!str_starts_caseless(header, scheme)) return (struct str){ NULL, 0 };
    return (struct str){ header.data + scheme.len, header.len - scheme.len };
}

static bool key_find(struct work *work, uint32_t *out_scopes)
{
    struct str token = bearer_token(work->call->authorization);
    struct credential credential;
    if (token.len == SECRET_LEN) {
        struct digest digest = digest_of(token.data, token.len);
        struct key_ring *keys = work->api->options.keys;
        enum status status = keys != NULL
                                 ? key_ring_find(keys, &digest, &credential)
                                 : lane_credential_by_digest(work->api->lane, &digest, &credential);
        if (status == STATUS_UNAVAILABLE) return work_status_ok(work, status);
        if (status == STATUS_OK) {
            work->principal = credential.id;
            work->by_key = true;
            work->key = digest;
            *out_scopes = credential.scopes;
            return true;
        }
    }
    work->www_error = "invalid_token";
    return problem_raise(&work->problem, PROBLEM_UNAUTHORIZED, "the key is unknown or revoked");
}

static bool authorize(struct work *work)
{
    struct api_call *call = work->call;
    uint32_t scopes = SCOPE_ALL;
    work->principal = PRINCIPAL_ANONYMOUS;
    if (call->local) {
        work->principal = call->uid_known ? principal_local(call->uid) : PRINCIPAL_LOCAL;
    }
    bool arrives = call->arrival != API_ARRIVAL_NONE && call->route == ROUTE_TRANSFERS_CREATE;
    if (arrives) work->principal = PRINCIPAL_SYSTEM;
    if (work->route->scope == 0 || call->local || arrives) return true;
    if (call->authorization.len == 0 && work->api->options.anonymous_all) return true;
    if (call->authorization.len == 0) {
        work->www_error = "";
        return problem_raise(&work->problem, PROBLEM_UNAUTHORIZED,
                             "send Authorization: Bearer KEY; `tpwallet key create` makes one");
    }
    if (!key_find(work, &scopes)) return false;
    if ((scopes & work->route->scope) != 0) return true;
    work->www_error = "insufficient_scope";
    (void)problem_raise(&work->problem, PROBLEM_FORBIDDEN, "use a key with this scope");
    problem_detail(&work->problem, "scope %s is needed", scope_name(work->route->scope));
    return false;
}

static bool media_take(struct work *work)
{
    const struct route *route = work->route;
    struct api_call *call = work->call;
    if (call->body.len > route->body_max) {
        (void)problem_raise(&work->problem, PROBLEM_BODY_TOO_LARGE, "send it in several requests");
        problem_limit(&work->problem, route->body_max);
        return false;
    }
    if (route->media == 0) return true;
    work->media = media_parse(call->content_type) & route->media;
    if (work->media != 0) return true;
    (void)problem_raise(&work->problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
                        "send Content-Type: application/json");
    problem_field(&work->problem, "Content-Type");
    return false;
}

static bool idempotency_take(struct work *work)
{
    struct api_call *call = work->call;
    work->request.key = (struct uuid){ 0 };
    work->request.fingerprint = (struct uuid){ 0 };
    if (call->idempotency_key.len == 0 || work->route->method == API_GET) return true;
    struct idempotency_key key;
    if (!idempotency_key_parse(call->idempotency_key, &key)) {
        (void)problem_raise(&work->problem, PROBLEM_INVALID_IDEMPOTENCY_KEY, NULL);
        problem_detail(&work->problem, "1 to 255 visible characters, quoted or not");
        problem_field(&work->problem, "Idempotency-Key");
        problem_limit(&work->problem, IDEMPOTENCY_KEY_LEN_MAX);
        return false;
    }
    work->request.key = idempotency_digest(work->principal, work->route->number, &key);
    work->request.fingerprint = idempotency_fingerprint(work->path, media_text(work->media),
                                                        call->body, str_from(work->query.reason));
    return true;
}

/* The position that a list over all lanes waits for is lane 0's; a follower's was looked at. */
static bool waits_here(const struct work *work)
{
    const struct api_options *options = &work->api->options;
    return !options->follows && (options->lane == 0 || !lanes_list_is_of_all(work));
}

static bool query_take(struct work *work)
{
    struct api_call *call = work->call;
    struct query *query = &work->query;
    uint32_t allowed = work->route->parameters;
    if (!query_parse(call->query, allowed, query, &work->problem)) return false;
    if (call->min_position.len == 0 || (allowed & PARAMETER_MIN_POSITION) == 0) return true;
    if (position_parse(call->min_position, &query->min_position)) return true;
    (void)problem_raise(&work->problem, PROBLEM_INVALID_PARAMETER, NULL);
    problem_field(&work->problem, "TPW-Min-Position");
    problem_detail(&work->problem, "must be a position: BATCH-INDEX or BATCH");
    return false;
}

static enum api_progress work_begin(struct work *work)
{
    if (work->query.min_position.batch > 0 && waits_here(work)) {
        struct lane_status status;
        lane_get_status(work->api->lane, &status);
        if (status.head.sequence < work->query.min_position.batch) return work_park(work);
    }
    const struct handler *handler = work->route->handler;
    return handler->start == NULL ? API_READY : handler->start(work);
}

enum api_progress api_start(struct api *api, struct api_call *call)
{
    CHECK(api != NULL);
    CHECK(call != NULL);
    CHECK(call->work == NULL);
    CHECK(call->stream == NULL);
    call->header_count = 0;
    call->streams = false;
    call->route = ROUTE_NONE;
    struct work *work = work_take(api, call);
    if (work == NULL) {
        api_refuse(call, 429, "too_busy", NULL, "wait and repeat");
        metrics_count(&api->metrics, ROUTE_NONE, 429, 0);
        return API_READY;
    }
    call->work = work;
    atomic_fetch_add_explicit(&api->metrics.in_flight, 1, memory_order_relaxed);
    work->started = clock_monotonic(api->ports.clock);
    work->assets = (struct asset_source){ .by_code = asset_by_code,
                                          .by_id = asset_by_id,
                                          .context = api->lane };
    trace_begin(work);
    bool found = route_find(work);
    watch_begin(work);
    if (!found || !authorize(work) || !query_take(work)) return API_READY;
    if (!lanes_path_here(work)) return API_READY;
    if (!media_take(work) || !idempotency_take(work)) return API_READY;
    return work_begin(work);
}

static void allow_add(struct work *work)
{
    char text[API_HEADER_SIZE];
    size_t len = 0;
    for (unsigned method = API_GET; method < API_OTHER; method++) {
        bool has = (work->methods >> method & 1) != 0;
        if (method == API_HEAD) has = (work->methods >> API_GET & 1) != 0;
        if (!has) continue;
        int more = snprintf(text + len, sizeof text - len, "%s%s", len == 0 ? "" : ", ",
                            method_name((enum api_method)method));
        CHECK(more > 0 && (size_t)more < sizeof text - len);
        len += (size_t)more;
    }
    header_add(work->call, "Allow", (struct str){ text, len });
}

static void www_authenticate_add(struct work *work)
{
    char text[API_HEADER_SIZE];
    const char *error = work->www_error;
    bool scope = work->problem.status == 403;
    const char *scheme = work->route->scope == 0 ? "Webhook-Signature" : "Bearer";
    int len = snprintf(text, sizeof text, "%s realm=\"tpwallet\"%s%s%s%s%s%s", scheme,
                       error[0] == '\0' ? "" : ", error=\"", error, error[0] == '\0' ? "" : "\"",
                       scope ? ", scope=\"" : "", scope ? scope_name(work->route->scope) : "",
                       scope ? "\"" : "");
    CHECK(len > 0 && (size_t)len < sizeof text);
    header_add(work->call, "WWW-Authenticate", (struct str){ text, (size_t)len });
}

/* As of when the answer is right, and how long ago that was when it was looked up. */
static void cached_headers_add(struct work *work)
{
    char text[POSITION_TEXT_SIZE];
    struct position position = { work->cached_batch, POSITION_INDEX_END };
    header_add(work->call, "TPW-Cached-Position", position_format(position, text));
    struct position age = { work->cached_age_ms, POSITION_INDEX_END };
    header_add(work->call, "TPW-Cached-Age-Ms", position_format(age, text));
}

static void headers_add(struct work *work)
{
    struct api_call *call = work->call;
    char text[TRACEPARENT_SIZE];
    bool unknown = work->api->ports.tracer == NULL; /* then the caller's word goes on */
    bool sampled = unknown ? work->trace_asked : call->watched;
    uint8_t flags = sampled ? TRACE_FLAG_SAMPLED : 0;
    header_add(call, "traceparent", traceparent_format(call->trace, flags, text));
    if (work->replayed) header_add(call, "Idempotent-Replayed", STR("true"));
    if (work->api->options.lanes > 1 && !work->total) {
        const struct position lane = { work->api->options.lane, POSITION_INDEX_END };
        header_add(call, "TPW-Lane", position_format(lane, text));
    }
    if (!problem_is_set(&work->problem)) {
        if (work->cached) cached_headers_add(work);
        if (work->cacheable != NULL) header_add(call, "Cache-Control", str_from(work->cacheable));
        return;
    }
    if (work->www_error != NULL) www_authenticate_add(work);
    if (call->status == 405) allow_add(work);
    if (work->problem.retry_after_s == 0) return;
    char seconds[POSITION_TEXT_SIZE];
    struct position as_number = { work->problem.retry_after_s, POSITION_INDEX_END };
    header_add(call, "Retry-After", position_format(as_number, seconds));
}

static void answer_write(struct work *work)
{
    struct api_call *call = work->call;
    const struct handler *handler = work->route == NULL ? NULL : work->route->handler;
    if (!problem_is_set(&work->problem)) {
        CHECK(handler != NULL);
        call->status = 200;
        call->answer_type = "application/json";
        if (handler->write != NULL) handler->write(work);
    }
    if (call->answer.overflow)
        (void)problem_raise(&work->problem, PROBLEM_INTERNAL, "ask for fewer items");
    if (!problem_is_set(&work->problem)) return;
    buf_reset(&call->answer);
    call->status = work->problem.status;
    call->answer_type = problem_type;
    problem_write(&work->problem, call->trace, &call->answer);
}

void api_finish(struct api *api, struct api_call *call)
{
    CHECK(api != NULL);
    CHECK(call != NULL);
    struct work *work = call->work;
    if (work == NULL) return; /* refused before it got one: the answer is there */
    answer_write(work);
    watch_end(work);
    headers_add(work);
    int64_t duration_ns = clock_monotonic(api->ports.clock).ns - work->started.ns;
    metrics_count(&api->metrics, call->route, call->status, duration_ns);
    atomic_fetch_sub_explicit(&api->metrics.in_flight, 1, memory_order_relaxed);
    call->work = NULL;
    work_release(work);
}

enum api_progress api_more(struct api *api, struct api_call *call)
{
    return event_streams_more(api->streams, call);
}

void api_hurry(struct api *api, struct api_call *call)
{
    event_streams_hurry(api->streams, call);
}

void api_leave(struct api *api, struct api_call *call)
{
    event_streams_leave(api->streams, call);
}

void api_stop(struct api *api)
{
    if (api->streams != NULL) event_streams_stop(api->streams);
}

void api_refuse(struct api_call *call, unsigned status, const char *code, const char *detail,
                const char *hint)
{
    CHECK(call != NULL);
    enum problem_code known = problem_find(str_from(code));
    CHECK(known < PROBLEM_COUNT);
    CHECK(problem_status(known) == status);
    struct problem problem;
    (void)problem_raise(&problem, known, hint);
    if (detail != NULL) problem_detail(&problem, "%s", detail);
    buf_reset(&call->answer);
    call->status = status;
    call->answer_type = problem_type;
    call->header_count = 0;
    problem_write(&problem, (struct trace){ 0 }, &call->answer);
    char seconds[POSITION_TEXT_SIZE];
    struct position as_number = { problem.retry_after_s, POSITION_INDEX_END };
    if (problem.retry_after_s != 0)
        header_add(call, "Retry-After", position_format(as_number, seconds));
}
