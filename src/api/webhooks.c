/* /v1/webhooks/{name}, /v1/webhook-rejections: what PSPs tell us, and what was turned away. */
#include "api/lookup.h"
#include "base/check.h"
#include "base/hex.h"

_Static_assert((int)API_RAW_HEADERS_MAX > (int)WEBHOOK_HEADERS_MAX, "too many are seen as such");

static enum api_progress receive_start(struct work *work)
{
    return work_queue(work);
}

static struct webhook_message message_of(const struct api_call *call,
                                         struct webhook_header headers[API_RAW_HEADERS_MAX])
{
    for (uint32_t i = 0; i < call->raw_header_count; i++) {
        headers[i] =
            (struct webhook_header){ call->raw_headers[i].name, call->raw_headers[i].value };
    }
    return (struct webhook_message){ headers, call->raw_header_count, call->body };
}

static void unknown_raise(struct work *work)
{
    (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, "serve --webhook-in names who may");
    problem_detail(&work->problem, "nobody of this name sends webhooks here");
}

/* Verified and stored, and then: the sender comes again, and so does our own task. */
static void later_raise(struct work *work, const char *detail)
{
    (void)problem_raise(&work->problem, PROBLEM_UNAVAILABLE, "send it again");
    problem_detail(&work->problem, "%s", detail);
}

static void receipt_write(struct work *work, enum webhook_in_result result)
{
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    render_name(&render, STR("result"), webhook_in_result_name(result));
    json_write_object_end(&render.json);
    render_end(&render);
}

static void receive_run(struct work *work)
{
    struct webhook_in *in = work->api->options.webhook_in;
    if (in == NULL) {
        unknown_raise(work);
        return;
    }
    struct webhook_header headers[API_RAW_HEADERS_MAX];
    const struct webhook_arrival arrival = {
        .name = work->name,
        .message = message_of(work->call, headers),
        .trace = work->call->trace,
    };
    char text[WEBHOOK_IN_TEXT_SIZE];
    enum webhook_in_result result = webhook_in_receive(in, &arrival, text);
    switch (result) {
    case WEBHOOK_IN_DONE:
    case WEBHOOK_IN_REPEATED:
    case WEBHOOK_IN_IGNORED:
    case WEBHOOK_IN_KEPT: receipt_write(work, result); return;
    case WEBHOOK_IN_REJECTED:
        work->www_error = "";
        (void)problem_raise(&work->problem, PROBLEM_WEBHOOK_REJECTED, NULL);
        problem_detail(&work->problem, "%s", text);
        return;
    case WEBHOOK_IN_UNKNOWN: unknown_raise(work); return;
    case WEBHOOK_IN_NOT_STORED: later_raise(work, "it could not be stored"); return;
    case WEBHOOK_IN_NOT_TAKEN: later_raise(work, "it is stored, and waits for the ledger"); return;
    case WEBHOOK_IN_COUNT: break;
    }
    CHECK(false); /* no result */
}

HANDLER(ROUTE_WEBHOOKS_RECEIVE, webhooks_receive) = { .start = receive_start, .run = receive_run };

static void rejection_write(struct render *render, const struct rejection *rejection)
{
    char digest[2 * sizeof rejection->body_digest.bytes + 1];
    struct str text =
        hex_format(rejection->body_digest.bytes, sizeof rejection->body_digest.bytes, digest);
    enum webhook_reason reason = (enum webhook_reason)rejection->reason;
    json_write_object_begin(&render->json);
    render_number(render, STR("number"), rejection->number);
    render_time(render, STR("at"), rejection->at);
    render_name(render, STR("sender"), rejection->endpoint);
    render_name(render, STR("reason"), webhook_reason_code(reason));
    render_name(render, STR("message"), webhook_reason_text(reason));
    if (rejection->secret[0] != '\0') {
        render_name(render, STR("secret"), rejection->secret);
        render_name(render, STR("body_form"), body_form_code((enum body_form)rejection->form));
    }
    if (rejection->timed) {
        json_write_key(&render->json, STR("ahead_s"));
        json_write_int64(&render->json, rejection->ahead_s);
    }
    render_number(render, STR("body_size"), rejection->body_size);
    render_text(render, STR("body_sha256"), text);
    render_name(render, STR("headers"), rejection->headers);
    json_write_object_end(&render->json);
}

static void rejections_write(struct work *work)
{
    struct webhook_in *in = work->api->options.webhook_in;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    struct rejection rejection;
    for (uint64_t i = 0; in != NULL && i < work->query.limit; i++) {
        if (!webhook_in_rejection(in, i, &rejection)) break;
        rejection_write(&render, &rejection);
    }
    json_write_array_end(&render.json);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_WEBHOOK_REJECTIONS_LIST, webhook_rejections_list) = { .write = rejections_write };
