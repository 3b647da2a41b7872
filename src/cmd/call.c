/* Builds one request from options, sends it over a session, shows what came back. */
#include "cmd/call.h"

#include <stdio.h>
#include <string.h>

#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "api/lanes.h"
#include "base/check.h"
#include "cmd/import_id.h"
#include "cmd/lane_set.h"
#include "cmd/report.h"
#include "cmd/session.h"

enum { TARGET_SIZE_MAX = 4096, ANSWER_SIZE_MAX = 64 << 20, BODY_SIZE_MAX = 64 << 10 };

static bool has_body(enum api_method method)
{
    return method == API_POST || method == API_PATCH;
}

static bool sends_body(const struct call *call)
{
    return has_body(call->method) && !call->bare;
}

void call_init(struct call *call, const struct invocation *invocation, enum api_method method,
               const char *path)
{
    *call = (struct call){ .invocation = invocation, .method = method };
    buf_init(&call->target, TARGET_SIZE_MAX);
    buf_init(&call->body, BODY_SIZE_MAX);
    buf_init(&call->key, TARGET_SIZE_MAX);
    buf_append_str(&call->target, str_from(path));
    json_writer_init(&call->json, &call->body);
    if (has_body(method)) json_write_object_begin(&call->json);
}

void call_encode(struct buf *out, const char *text)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text != '\0'; text++) {
        if (strchr(unreserved, *text) != NULL)
            buf_append_byte(out, (uint8_t)*text);
        else
            buf_append_format(out, "%%%02X", (unsigned)(uint8_t)*text);
    }
}

void call_segment(struct call *call, const char *text)
{
    buf_append_byte(&call->target, '/');
    call_encode(&call->target, text);
}

enum status call_id_parse(const char *text, const char *kind, struct uuid *out_id,
                          struct error *out_error)
{
    if (uuid_parse(str_from(text), out_id) == STATUS_OK) return STATUS_OK;
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0') {
        enum status status =
            error_set(out_error, STATUS_INVALID, "'%s' is neither a UUID nor NAMESPACE:KEY", text);
        error_hint(out_error, "`tpwallet help account key` explains the second");
        return status;
    }
    struct import_set set = { { text, (size_t)(colon - text) }, str_from(kind) };
    *out_id = import_key_id(&set, str_from(colon + 1));
    return STATUS_OK;
}

/* The id's text, or "" with call->error set: the first error stays. */
static const char *id_text(struct call *call, const char *text, const char *kind,
                           char out_text[UUID_TEXT_LEN + 1])
{
    struct uuid id;
    struct error error;
    out_text[0] = '\0';
    if (call_id_parse(text, kind, &id, &error) == STATUS_OK)
        uuid_format(id, out_text);
    else if (call->error.status == STATUS_OK)
        call->error = error;
    return out_text;
}

void call_segment_id(struct call *call, const char *text)
{
    char id[UUID_TEXT_LEN + 1];
    call_segment(call, id_text(call, text, "account", id));
}

void call_query(struct call *call, const char *name, const char *value)
{
    if (value == NULL) return;
    buf_append_format(&call->target, "%c%s=", call->has_query ? '&' : '?', name);
    call->has_query = true;
    call_encode(&call->target, value);
}

void call_reason(struct call *call)
{
    call_query(call, "reason", invocation_text(call->invocation, "reason"));
}

void call_lane(struct call *call)
{
    struct error error = { 0 };
    uint64_t lane = 0;
    enum status status = invocation_number(
        call->invocation, "lane", (struct number_range){ 0, LANES_MAX - 1 }, &lane, &error);
    if (status != STATUS_OK && call->error.status == STATUS_OK) call->error = error;
    call->lane = (uint32_t)lane;
    call->of_lane = invocation_has(call->invocation, "lane");
}

void call_text(struct call *call, const char *name, const char *value)
{
    if (value == NULL) return;
    json_write_key(&call->json, str_from(name));
    json_write_string(&call->json, str_from(value));
}

void call_id(struct call *call, const char *name, const char *value)
{
    char id[UUID_TEXT_LEN + 1];
    if (value == NULL) return;
    bool reference = strcmp(name, "user_ref") == 0 || strcmp(name, "metadata_ref") == 0;
    call_text(call, name, id_text(call, value, reference ? name : "account", id));
}

void call_truth(struct call *call, const char *name, bool value)
{
    json_write_key(&call->json, str_from(name));
    json_write_bool(&call->json, value);
}

void call_number(struct call *call, const char *name, const char *value)
{
    if (value == NULL) return;
    uint64_t number = 0;
    bool digits = value[0] != '\0';
    for (const char *at = value; *at != '\0' && digits; at++) {
        digits = *at >= '0' && *at <= '9' && number < UINT64_MAX / 10 - 10;
        number = 10 * number + (uint64_t)(*at - '0');
    }
    if (!digits && call->error.status == STATUS_OK)
        error_set(&call->error, STATUS_INVALID, "%s: '%s' is not a whole number", name, value);
    json_write_key(&call->json, str_from(name));
    json_write_uint64(&call->json, digits ? number : 0);
}

void call_words(struct call *call, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0') return;
    json_write_key(&call->json, str_from(name));
    json_write_array_begin(&call->json);
    while (*value != '\0') {
        size_t len = strcspn(value, ",");
        json_write_string(&call->json, (struct str){ value, len });
        value += len;
        if (*value == ',') value++;
    }
    json_write_array_end(&call->json);
}

static struct uuid fresh_id(void)
{
    uint64_t random[2];
    entropy_fill(system_entropy(), random, sizeof(random));
    return uuid_v7((uint64_t)(clock_wall(system_clock()).ns / NS_PER_MS), random);
}

static void made_write(struct call *call)
{
    json_write_key(&call->json, STR("id"));
    json_write_uuid(&call->json, call->made);
}

void call_new_id(struct call *call, const char *value)
{
    struct error error;
    call->made = fresh_id();
    if (value != NULL && call_id_parse(value, "account", &call->made, &error) != STATUS_OK)
        call->error = error;
    made_write(call);
}

/* What cannot be read the server finds wrong, and says so. */
static uint32_t home_of(const char *account, const char *parent, uint32_t lanes)
{
    struct uuid id;
    struct error error;
    const char *text = account != NULL ? account : parent;
    if (text == NULL || call_id_parse(text, "account", &id, &error) != STATUS_OK) return 0;
    if (account == NULL) return lane_of_payment((struct payment_id){ id }, lanes);
    return lane_of_account((struct account_id){ id }, lanes);
}

void call_new_payment_id(struct call *call, const char *value, const char *account,
                         const char *parent)
{
    uint32_t lanes = 1;
    struct error error;
    if (value != NULL || lane_set_count(call->invocation->data, &lanes, &error) != STATUS_OK) {
        call_new_id(call, value); /* without a folder nothing will be sent */
        return;
    }
    uint32_t home = home_of(account, parent, lanes);
    do {
        call->made = fresh_id();
    } while (lane_of_payment((struct payment_id){ call->made }, lanes) != home);
    made_write(call);
}

void call_fresh_key(struct call *call)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(fresh_id(), text);
    buf_append_str(&call->key, str_from(text));
}

void call_key(struct call *call, const char *value)
{
    call->key_is_given = true;
    if (value == NULL)
        call_fresh_key(call);
    else
        buf_append_str(&call->key, str_from(value));
}

void call_bare(struct call *call)
{
    call->bare = true;
    json_write_object_end(&call->json);
    CHECK(json_write_end(&call->json) == STATUS_OK);
    buf_reset(&call->body);
}

/* What a shown answer is: an object, a table of one of its arrays, or as the command has it. */
struct view {
    const char *list;
    const struct render_column *columns;
    call_render *render;
};

static int answer_show(const struct call *call, const struct view *view, struct str body)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, ANSWER_SIZE_MAX);
    enum status status = STATUS_OK;
    if (call->invocation->json) {
        buf_append_str(&text, body);
        if (body.len == 0 || body.data[body.len - 1] != '\n') buf_append_byte(&text, '\n');
        status = buf_status(&text);
    } else if (view->render != NULL) {
        status = view->render(body, &text);
    } else if (view->list != NULL) {
        status = render_table(body, view->list, view->columns, &text);
    } else {
        status = render_object(body, &text);
    }
    if (status != STATUS_OK) {
        struct error error;
        error_set(&error, status, "the answer cannot be shown");
        return report_error(call->invocation, &error);
    }
    return report_text(call->invocation, buf_view(&text));
}

/* What is not known to be done is asked for again under the same id: then it is done once. */
static int not_answered(struct call *call, int code)
{
    char id[UUID_TEXT_LEN + 1];
    if (code != EXIT_CODE_UNAVAILABLE) return code;
    if (!uuid_is_nil(call->made)) {
        uuid_format(call->made, id);
        (void)fprintf(stderr, "  to be safe, give the same command with the id %s\n", id);
    } else if (call->key_is_given) {
        (void)fprintf(stderr, "  to be safe, give the same command with --key %.*s\n",
                      STR_ARG(buf_view(&call->key)));
    }
    return code;
}

static int exchange(struct call *call, const struct view *view, struct session *session)
{
    BUF_SCOPE struct buf answer;
    buf_init(&answer, ANSWER_SIZE_MAX);
    const struct session_request request = {
        .method = call->method,
        .target = buf_view(&call->target),
        .content_type = sends_body(call) ? STR("application/json") : STR(""),
        .idempotency_key = buf_view(&call->key),
        .body = buf_view(&call->body),
    };
    unsigned http_status = 0;
    enum status status = session_call(session, &request, &http_status, &answer, &call->error);
    if (status != STATUS_OK)
        return not_answered(call, report_error(call->invocation, &call->error));
    if (http_status >= 300)
        return not_answered(call, report_problem(call->invocation, http_status, buf_view(&answer)));
    return answer_show(call, view, buf_view(&answer));
}

void call_done(struct call *call)
{
    buf_free(&call->target);
    buf_free(&call->body);
    buf_free(&call->key);
}

/*
 * As a server's front finds it: without a server it says which folder has to be opened. 0 also
 * where the folder is that of one lane, or none: the session tells.
 */
static uint32_t lane_of(const struct call *call)
{
    uint32_t lanes = 0;
    struct error error;
    if (call->lane > 0) return call->lane;
    if (lane_set_count(call->invocation->data, &lanes, &error) != STATUS_OK) return 0;
    struct str target = buf_view(&call->target);
    const char *question = memchr(target.data, '?', target.len);
    const struct api_call about = {
        .method = call->method,
        .path = { target.data, question == NULL ? target.len : (size_t)(question - target.data) },
        .content_type = STR("application/json"),
        .idempotency_key = buf_view(&call->key),
        .body = buf_view(&call->body),
    };
    return lanes_of_call(&about, lanes);
}

static int call_run(struct call *call, const struct view *view)
{
    if (sends_body(call)) {
        json_write_object_end(&call->json);
        if (json_write_end(&call->json) != STATUS_OK && call->error.status == STATUS_OK)
            error_set(&call->error, STATUS_LIMIT, "the request is too large");
    }
    if (buf_status(&call->target) != STATUS_OK && call->error.status == STATUS_OK)
        error_set(&call->error, STATUS_LIMIT, "the arguments are too long");
    int code;
    struct session session;
    const struct session_options options = {
        .folder = call->invocation->data,
        .lane = lane_of(call),
        .of_lane = call->of_lane,
        .read_only = call->method == API_GET,
    };
    if (call->error.status == STATUS_OK &&
        session_open(&options, &session, &call->error) == STATUS_OK) {
        code = exchange(call, view, &session);
        session_close(&session);
    } else {
        code = report_error(call->invocation, &call->error);
    }
    call_done(call);
    return code;
}

int call_show(struct call *call)
{
    const struct view view = { .list = NULL };
    return call_run(call, &view);
}

int call_show_table(struct call *call, const char *list, const struct render_column *columns)
{
    const struct view view = { .list = list, .columns = columns };
    return call_run(call, &view);
}

int call_show_as(struct call *call, call_render *render)
{
    const struct view view = { .render = render };
    return call_run(call, &view);
}
