/* /v1/trace-raises: incidents that are watched for a while, whatever the sampling. */
#include "api/acts.h"
#include "api/body.h"
#include "api/lanes.h"
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

static const struct route *route_named(struct str name)
{
    uint32_t count = 0;
    const struct route *routes = router_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (str_equal(name, str_from(routes[i].operation))) return &routes[i];
    }
    return NULL;
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

static bool raise_take(struct body *body, struct admin *admin)
{
    unsigned field;
    struct raise *raise = &admin->raise;
    if (!json_object_begin(&body->reader)) return body_expected(body, "must be an object");
    while (json_object_field(&body->reader, &fields, &field)) {
        bool ok = false;
        switch ((enum field)field) {
        case FIELD_ID: ok = body_id(body, &raise->id); break;
        case FIELD_PAYMENT: ok = body_id(body, &raise->payment); break;
        case FIELD_USER_REF: ok = body_id(body, &raise->user_ref); break;
        case FIELD_ROUTE: ok = route_take(body, &raise->route); break;
        case FIELD_FOR_S: ok = number_take(body, RAISE_FOR_S_MAX, &admin->raise_for_s); break;
        case FIELD_TRACES: ok = number_take(body, RAISE_TRACES_MAX, &raise->traces); break;
        case FIELD_COUNT: break;
        }
        if (!ok) return false;
    }
    if (body->reader.fault != JSON_FAULT_NONE) return body_reader_fault(body);
    if (json_end(&body->reader) != STATUS_OK) return body_reader_fault(body);
    if (!raise_names_one(raise))
        return body_fault(body, PROBLEM_INVALID_VALUE, "route",
                          "give exactly one of payment, user_ref and route");
    return admin->raise_for_s != 0 ||
           body_fault(body, PROBLEM_MISSING_FIELD, "for_s", "is missing");
}

static enum api_progress create_start(struct work *work)
{
    struct body body;
    body_init(&body, work->call->body, &work->scratch, &work->problem);
    work->admin =
        (struct admin){ .kind = ADMIN_TRACE_RAISE, .raise = { .traces = TRACES_DEFAULT } };
    if (!raise_take(&body, &work->admin) || !lanes_first_here(work, "traces are raised"))
        return API_READY;
    return act_submit(work);
}

static void raise_write(struct render *render, const struct raise *raise)
{
    render_uuid(render, STR("id"), raise->id);
    render_reference(render, STR("payment"), raise->payment);
    render_reference(render, STR("user_ref"), raise->user_ref);
    const struct route *route = router_route(raise->route);
    if (route != NULL) render_name(render, STR("route"), route->operation);
    render_time(render, STR("until"), raise->until);
    render_number(render, STR("traces"), raise->traces);
}

/* Whether spans go anywhere from here: another replica may have what this one lacks. */
static void collector_write(struct work *work, struct render *render)
{
    render_bool(render, STR("collector"), work->api->options.sampling != NULL);
}

static void create_write(struct work *work)
{
    struct render render;
    if (!act_answer_begin(work, &render)) return;
    struct raise raise = work->admin.raise;
    if (uuid_is_nil(raise.id)) raise.id = work->request.root_used;
    raise.until.ns = work->admin_result.stamp.ns + (int64_t)work->admin.raise_for_s * NS_PER_S;
    raise_write(&render, &raise);
    collector_write(work, &render);
    act_answer_end(work, &render);
}

HANDLER(ROUTE_TRACE_RAISES_CREATE, trace_raises_create) = { .start = create_start,
                                                            .write = create_write };

static void list_write(struct work *work)
{
    struct raise raises[RAISES_MAX];
    struct wall_time now = clock_wall(work->api->ports.clock);
    struct sampling *sampling = work->api->options.sampling;
    uint32_t count = lane_raises(work->api->lane, raises);
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < count; i++) {
        if (raises[i].until.ns <= now.ns) continue;
        json_write_object_begin(&render.json);
        raise_write(&render, &raises[i]);
        if (sampling != NULL)
            render_number(&render, STR("traces_left"),
                          sampling_traces_left(sampling, raises[i].id));
        json_write_object_end(&render.json);
    }
    json_write_array_end(&render.json);
    collector_write(work, &render);
    json_write_object_end(&render.json);
    render_end(&render);
}

static enum api_progress list_start(struct work *work)
{
    (void)lanes_first_here(work, "traces are raised"); /* or the problem is raised */
    return API_READY;
}

HANDLER(ROUTE_TRACE_RAISES_LIST, trace_raises_list) = { .start = list_start, .write = list_write };

static enum api_progress lower_start(struct work *work)
{
    work->admin = (struct admin){ .kind = ADMIN_TRACE_LOWER, .raise = { .id = work->id } };
    return lanes_first_here(work, "traces are raised") ? act_submit(work) : API_READY;
}

static void lower_write(struct work *work)
{
    struct render render;
    if (!act_answer_begin(work, &render)) return;
    render_uuid(&render, STR("id"), work->id);
    act_answer_end(work, &render);
    work->call->status = 200;
}

HANDLER(ROUTE_TRACE_RAISES_DELETE, trace_raises_delete) = { .start = lower_start,
                                                            .write = lower_write };
