#include "adapter/sandbox_desk.h"

#include <stdio.h>

#include "adapter/sandbox_books.h"
#include "adapter/sandbox_hooks.h"
#include "adapter/sandbox_orders.h"
#include "adapter/sandbox_stripe.h"
#include "base/check.h"
#include "crypto/secret.h"
#include "model/asset.h"

static const char json_type[] = "application/json";

/* ---- answers ---- */

void desk_json(struct desk_call *call, struct json_writer *out_writer)
{
    call->api->status = 200;
    call->api->answer_type = json_type;
    buf_reset(&call->api->answer);
    json_writer_init(out_writer, &call->api->answer);
}

void desk_json_end(struct json_writer *writer)
{
    enum status status = json_write_end(writer);
    CHECK(status == STATUS_OK || status == STATUS_LIMIT); /* too long: the transport says so */
}

void desk_text(struct json_writer *writer, struct str key, struct str value)
{
    json_write_key(writer, key);
    json_write_string(writer, value);
}

void desk_number(struct json_writer *writer, struct str key, uint64_t value)
{
    json_write_key(writer, key);
    json_write_uint64(writer, value);
}

void desk_money(struct json_writer *writer, struct str key, struct money amount, uint32_t asset)
{
    const struct asset *known = asset_iso_by_id(asset);
    CHECK(known != NULL);
    json_write_key(writer, key);
    json_write_money(writer, amount, known->exponent);
}

void desk_time(struct json_writer *writer, struct str key, struct wall_time at)
{
    char text[TIME_TEXT_SIZE];
    desk_text(writer, key, wall_time_format(at, text));
}

struct str desk_asset_code(uint32_t asset)
{
    const struct asset *known = asset_iso_by_id(asset);
    CHECK(known != NULL);
    return str_from(known->code);
}

void desk_header(struct desk_call *call, const char *name, const char *value)
{
    struct api_call *api = call->api;
    CHECK(api->header_count < API_HEADERS_MAX);
    struct api_header *header = &api->headers[api->header_count++];
    header->name = name;
    int len = snprintf(header->value, sizeof header->value, "%s", value);
    CHECK(len >= 0 && (size_t)len < sizeof header->value);
}

static const char *stripe_error_type(unsigned status, const char *code)
{
    if (status >= 500) return "api_error";
    if (status == 402) return "card_error";
    if (strcmp(code, "reference_reused") == 0) return "idempotency_error";
    return "invalid_request_error";
}

void desk_error(struct desk_call *call, unsigned status, const char *code, const char *message)
{
    struct json_writer writer;
    desk_json(call, &writer);
    call->api->status = status;
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("error"));
    json_write_object_begin(&writer);
    if (call->stripe) desk_text(&writer, STR("type"), str_from(stripe_error_type(status, code)));
    desk_text(&writer, STR("code"), str_from(code));
    desk_text(&writer, STR("message"), str_from(message));
    json_write_object_end(&writer);
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

void desk_refuse(struct api_call *api, unsigned status, const char *code, const char *detail)
{
    struct desk_call call = { .api = api };
    desk_error(&call, status, code, detail == NULL ? code : detail);
}

/* ---- faults ---- */

static void throttled(struct desk_call *call)
{
    desk_error(call, 429, "throttled", "too many calls; nothing was looked at");
    desk_header(call, "Retry-After", "1");
}

/* Answers those faults that come before the effect. */
static bool fault_allows(struct desk_call *call, const struct desk_fault *fault)
{
    switch ((int)fault->fault) { /* the others come after the effect */
    case SANDBOX_FAULT_THROTTLE: throttled(call); return false;
    case SANDBOX_FAULT_ERROR_BEFORE:
        desk_error(call, 500, "internal", "something went wrong");
        return false;
    case SANDBOX_FAULT_TIMEOUT_BEFORE:
    case SANDBOX_FAULT_CLOSE_BEFORE:
        call->api->hang_up = true;
        call->wait_ms = fault->ms;
        return false;
    default: return true;
    }
}

bool desk_fault_before(struct desk_call *call, const struct psp_order *order,
                       struct desk_fault *out_fault)
{
    out_fault->fault = sandbox_fault_take(call->desk->sandbox, order, false, &out_fault->ms);
    return fault_allows(call, out_fault);
}

bool desk_fault_query(struct desk_call *call, struct payment_id payment, uint32_t step_number,
                      struct desk_fault *out_fault)
{
    const struct psp_order order = { .payment = payment,
                                     .step_number = step_number,
                                     .operation = FAULT_OPERATION_QUERY };
    return desk_fault_before(call, &order, out_fault);
}

static void oversize(struct buf *answer)
{
    enum { SIZE = 10 << 20 };
    buf_reset(answer);
    void *bytes = buf_extend(answer, SIZE);
    if (bytes != NULL) memset(bytes, ' ', SIZE);
}

void desk_fault_after(struct desk_call *call, const struct desk_fault *fault)
{
    switch ((int)fault->fault) { /* the others came before the effect, or are the order's */
    case SANDBOX_FAULT_SLOW: call->wait_ms = fault->ms; break;
    case SANDBOX_FAULT_TIMEOUT_AFTER:
    case SANDBOX_FAULT_CLOSE_AFTER:
        call->api->hang_up = true;
        call->wait_ms = fault->ms;
        break;
    case SANDBOX_FAULT_ERROR_AFTER:
        desk_error(call, 500, "internal", "something went wrong");
        break;
    case SANDBOX_FAULT_GARBAGE:
        buf_reset(&call->api->answer);
        buf_append_str(&call->api->answer, STR("<html>\x01\xff<body>"));
        call->api->status = 200;
        break;
    case SANDBOX_FAULT_OVERSIZE:
        oversize(&call->api->answer);
        call->api->status = 200;
        break;
    default: break;
    }
}

bool desk_is_blind(struct desk_call *call, uint32_t item)
{
    struct sandbox *sandbox = call->desk->sandbox;
    const struct sandbox_item *about = sandbox_item(sandbox, item);
    const struct psp_order order = { .payment = about->payment,
                                     .step_number = about->step_number,
                                     .operation = about->kind };
    uint32_t ms;
    if (sandbox_fault_take(sandbox, &order, true, &ms) != SANDBOX_FAULT_QUERY_BLIND) return false;
    return sandbox->now.ns - about->created_at.ns < (int64_t)ms * NS_PER_MS;
}

/* ---- routing ---- */

static struct str segment_take(struct str *rest)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, '/', rest->len);
    struct str segment = { rest->data, end == NULL ? rest->len : (size_t)(end - rest->data) };
    size_t taken = end == NULL ? segment.len : segment.len + 1;
    *rest = (struct str){ rest->data + taken, rest->len - taken };
    return segment;
}

static bool route_matches(const struct desk_route *route, struct str path, struct str *out_part)
{
    struct str pattern = str_from(route->path);
    while (pattern.len > 0 && path.len > 0) {
        struct str wanted = segment_take(&pattern);
        struct str found = segment_take(&path);
        if (str_equal(wanted, STR("*")) && found.len > 0)
            *out_part = found;
        else if (!str_equal(wanted, found))
            return false;
    }
    return pattern.len == 0 && path.len == 0;
}

static const struct desk_route *route_find(enum api_method method, struct str path,
                                           struct str *out_part)
{
    static const struct desk_route *const tables[] = { desk_order_routes, desk_book_routes,
                                                       desk_stripe_routes, desk_hook_routes };
    if (method == API_HEAD) method = API_GET;
    for (unsigned i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct desk_route *route = tables[i]; route->path != NULL; route++)
            if (route->method == method && route_matches(route, path, out_part)) return route;
    return NULL;
}

/* The key is a secret in name only, and is compared as one all the same. */
static bool authorised(const struct sandbox_desk *desk, struct str header)
{
    return header.len == desk->authorization.len &&
           secret_bytes_equal(header.data, desk->authorization.data, header.len);
}

uint32_t desk_serve(struct sandbox_desk *desk, struct api_call *api)
{
    struct desk_call call = { .desk = desk,
                              .api = api,
                              .stripe = str_starts(api->path, STR("/v1/")) };
    arena_init_over(&desk->arena, desk->scratch, sizeof desk->scratch);
    struct str part = STR("");
    const struct desk_route *route = route_find(api->method, api->path, &part);
    if (!authorised(desk, api->authorization)) {
        desk_error(&call, 401, "unauthorised", "Authorization: Bearer KEY, as --key has it");
    } else if (route == NULL) {
        desk_error(&call, 404, "route_not_found", "there is no such path, or not for this method");
    } else if (form_decode(part, false, &desk->arena, &call.parameter) != STATUS_OK) {
        desk_error(&call, 400, "malformed", "the path has a broken escape");
    } else {
        route->handler(&call);
    }
    return call.wait_ms;
}
