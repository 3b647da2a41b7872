/* /v1/trace-raises: what is watched for a while, whatever the sampling. */
#include "api/body.h"
#include "api/render.h"
#include "api/work.h"
#include "base/check.h"
#include "wallet/sampling.h"

enum field {
    FIELD_ID,
    FIELD_PAYMENT,
    FIELD_USER_REF,
    FIELD_ROUTE,
    FIELD_FOR_S,
    FIELD_TRACES,
    FIELD_COUNT
};
static const struct str names[FIELD_COUNT] = {
    { "id", 2 },    { "payment", 7 }, { "user_ref", 8 },
    { "route", 5 }, { "for_s", 5 },   { "traces", 6 },
};
static const struct json_fields fields = { names, FIELD_COUNT };

enum { TRACES_DEFAULT = 1000 };

static bool sampling_there(struct work *work)
{
    if (work->api->options.sampling != NULL) return true;
    return problem_raise(&work->problem, PROBLEM_UNAVAILABLE,
                         "nobody collects spans here: start the server with --otlp");
}

static const struct route *route_named(struct str name)
{
    uint32_t count = 0;
    const struct route *routes = router_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (str_equal(name, str_from(routes[i].operation))) return &routes[i];
    }
    return NULL;
}

static const char *route_name(uint32_t number)
{
    uint32_t count = 0;
    const struct route *routes = router_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (routes[i].number == number) return routes[i].operation;
    }
    return "";
}

static bool route_take(struct body *body, uint32_t *out_route)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    const struct route *route = route_named(text);
    if (route == NULL)
        return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "is no operation of /openapi.yaml");
    *out_route = route->number;
    return true;
}

static bool number_take(struct body *body, uint32_t max, uint32_t *out_number)
{
    if (!body_uint32(body, out_number)) return false;
    if (*out_number >= 1 && *out_number <= max) return true;
    (void)body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                     "must be 1 or more, and no more than limit");
    problem_limit(body->problem, max);
    return false;
}

static bool raise_take(struct body *body, struct raise *raise, uint32_t *out_for_s)
{
    unsigned field;
    if (!json_object_begin(&body->reader)) return body_expected(body, "must be an object");
    while (json_object_field(&body->reader, &fields, &field)) {
        bool ok = false;
        switch ((enum field)field) {
        case FIELD_ID: ok = body_id(body, &raise->id); break;
        case FIELD_PAYMENT: ok = body_id(body, &raise->payment); break;
        case FIELD_USER_REF: ok = body_id(body, &raise->user_ref); break;
        case FIELD_ROUTE: ok = route_take(body, &raise->route); break;
        case FIELD_FOR_S: ok = number_take(body, SAMPLING_RAISE_S_MAX, out_for_s); break;
        case FIELD_TRACES: ok = number_take(body, SAMPLING_TRACES_MAX, &raise->traces_left); break;
        case FIELD_COUNT: break;
        }
        if (!ok) return false;
    }
    if (body->reader.fault != JSON_FAULT_NONE) return body_reader_fault(body);
    if (json_end(&body->reader) != STATUS_OK) return body_reader_fault(body);
    int subjects =
        !uuid_is_nil(raise->payment) + !uuid_is_nil(raise->user_ref) + (raise->route != 0);
    if (subjects != 1)
        return body_fault(body, PROBLEM_INVALID_VALUE, "route",
                          "give exactly one of payment, user_ref and route");
    return *out_for_s != 0 || body_fault(body, PROBLEM_MISSING_FIELD, "for_s", "is missing");
}

/* Who watches whom is on record. */
static void raise_log(struct work *work, struct str event, struct str message, struct uuid id)
{
    char raise[UUID_TEXT_LEN + 1];
    char principal[UUID_TEXT_LEN + 1];
    uuid_format(id, raise);
    uuid_format(work->principal.value, principal);
    const struct log_field log_fields[] = {
        { STR("raise"), { raise, UUID_TEXT_LEN }, 0 },
        { STR("principal"), { principal, UUID_TEXT_LEN }, 0 },
    };
    log_write(work->api->ports.log, (struct log_line){
                                        .level = LOG_INFO,
                                        .trace = work->call->trace,
                                        .event = event,
                                        .message = message,
                                        .fields = log_fields,
                                        .field_count = 2,
                                    });
}

static enum api_progress create_start(struct work *work)
{
    struct raise raise = { .traces_left = TRACES_DEFAULT };
    uint32_t for_s = 0;
    struct body body;
    body_init(&body, work->call->body, &work->scratch, &work->problem);
    if (!raise_take(&body, &raise, &for_s) || !sampling_there(work)) return API_READY;
    raise.until.ns = clock_wall(work->api->ports.clock).ns + (int64_t)for_s * NS_PER_S;
    if (sampling_raise(work->api->options.sampling, &raise) != STATUS_OK) {
        (void)problem_raise(&work->problem, PROBLEM_TOO_BUSY, "lower one first");
        problem_limit(&work->problem, SAMPLING_RAISES_MAX);
        return API_READY;
    }
    work->raise = raise;
    raise_log(work, STR("trace.raised"), STR("traces are watched for an incident"), raise.id);
    return API_READY;
}

static void raise_write(struct render *render, const struct raise *raise)
{
    json_write_object_begin(&render->json);
    render_uuid(render, STR("id"), raise->id);
    render_reference(render, STR("payment"), raise->payment);
    render_reference(render, STR("user_ref"), raise->user_ref);
    if (raise->route != 0) render_name(render, STR("route"), route_name(raise->route));
    render_time(render, STR("until"), raise->until);
    render_number(render, STR("traces_left"), raise->traces_left);
    json_write_object_end(&render->json);
}

static void create_write(struct work *work)
{
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    raise_write(&render, &work->raise);
    render_end(&render);
    work->call->status = 201;
}

HANDLER(ROUTE_TRACE_RAISES_CREATE, trace_raises_create) = { .start = create_start,
                                                            .write = create_write };

static void list_write(struct work *work)
{
    struct raise raises[SAMPLING_RAISES_MAX];
    struct sampling *sampling = work->api->options.sampling;
    uint32_t count = sampling == NULL ? 0 : sampling_list(sampling, raises);
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < count; i++) raise_write(&render, &raises[i]);
    json_write_array_end(&render.json);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_TRACE_RAISES_LIST, trace_raises_list) = { .write = list_write };

static void lower_write(struct work *work)
{
    struct sampling *sampling = work->api->options.sampling;
    if (sampling == NULL || sampling_lower(sampling, work->id) != STATUS_OK) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, "it may have ended by itself");
        return;
    }
    raise_log(work, STR("trace.lowered"), STR("a watch was ended before its time"), work->id);
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    render_uuid(&render, STR("id"), work->id);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_TRACE_RAISES_DELETE, trace_raises_delete) = { .write = lower_write };
