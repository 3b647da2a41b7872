#include "adapter/sandbox_hooks.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapter/sandbox_desk.h"
#include "adapter/sandbox_stripe_wire.h"
#include "adapter/sandbox_wire.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/json_reader.h"
#include "webhook/signature.h"

enum { BODY_SIZE_MAX = 64 << 10, HEADER_SIZE_MAX = 1024, ANSWER_SIZE_MAX = 64 << 10 };

struct receiver {
    bool live;
    enum hook_scheme scheme;
    char url[HOOKS_URL_LEN_MAX + 1];
    struct signing_key key;
    uint64_t arrived;
    uint64_t failed;
};

struct hook_task {
    struct sandbox_hooks *hooks;
    struct task *task;
    struct monitor *bell;
    bool rung; /* under bell */
    bool idle; /* under the lock */
    struct buf body;
    struct buf forged;
    struct buf signature;
    struct buf scratch;
    struct buf answer;
};

struct sandbox_hooks {
    struct hooks_options options;
    struct receiver receivers[HOOKS_RECEIVERS_MAX];
    struct hook_task tasks[HOOKS_TASKS_MAX];
    bool stop; /* under the lock */
};

bool hook_scheme_parse(struct str text, enum hook_scheme *out_scheme)
{
    static const char *const names[] = { "standard", "standard_ed25519", "stripe" };
    for (unsigned i = 0; i < HOOK_SCHEME_COUNT; i++) {
        if (!str_equal(text, str_from(names[i]))) continue;
        *out_scheme = (enum hook_scheme)i;
        return true;
    }
    return false;
}

/* ---- one delivery ---- */

/* What a call needs, made under the lock and sent without it. */
struct parcel {
    char url[HOOKS_URL_LEN_MAX + 1];
    char id[WIRE_EVENT_ID_SIZE];
    char timestamp[24];
    bool stripe;
};

static void body_make(struct hook_task *task, uint32_t event, bool stripe)
{
    struct sandbox *sandbox = task->hooks->options.sandbox;
    struct json_writer writer;
    buf_reset(&task->body);
    json_writer_init(&writer, &task->body);
    if (stripe)
        wire_stripe_event(&writer, sandbox, event);
    else
        wire_event(&writer, sandbox, event);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* a charge of 1,000 captures is smaller */
}

/* A forged one is signed right over another body: its form is good. */
static void signature_make(struct hook_task *task, struct receiver *receiver, struct str id,
                           bool forged)
{
    struct signing_key *keys[] = { &receiver->key };
    const struct webhook_policy policy = { .scheme = receiver->scheme == HOOK_STRIPE
                                                         ? WEBHOOK_STRIPE
                                                         : WEBHOOK_STANDARD };
    struct wall_time now = clock_wall(task->hooks->options.clock);
    struct webhook_signing signing = {
        .policy = &policy,
        .keys = keys,
        .key_count = 1,
        .id = id,
        .timestamp_s = (uint64_t)(now.ns / NS_PER_S),
        .body = buf_view(&task->body),
        .scratch = receiver->scheme == HOOK_STANDARD_ED25519 ? &task->scratch : NULL,
    };
    if (forged) {
        buf_reset(&task->forged);
        buf_append_str(&task->forged, buf_view(&task->body));
        buf_append_byte(&task->forged, ' ');
        signing.body = buf_view(&task->forged);
    }
    buf_reset(&task->signature);
    webhook_sign(&signing, &task->signature);
    CHECK(buf_status(&task->signature) == STATUS_OK);
}

static void parcel_make(struct hook_task *task, struct receiver *receiver,
                        const struct sandbox_delivery *delivery, struct parcel *out_parcel)
{
    out_parcel->stripe = receiver->scheme == HOOK_STRIPE;
    struct str id = wire_event_id(delivery->event, out_parcel->id);
    memcpy(out_parcel->url, receiver->url, sizeof out_parcel->url);
    body_make(task, delivery->event, out_parcel->stripe);
    signature_make(task, receiver, id, delivery->forged);
    struct wall_time now = clock_wall(task->hooks->options.clock);
    int len = snprintf(out_parcel->timestamp, sizeof out_parcel->timestamp, "%lld",
                       (long long)(now.ns / NS_PER_S));
    CHECK(len > 0 && (size_t)len < sizeof out_parcel->timestamp);
}

/* Whether it arrived: a 2xx in time. */
static bool parcel_send(struct hook_task *task, const struct parcel *parcel)
{
    struct http_out *http = task->hooks->options.http;
    struct http_out_header headers[4] = {
        { STR("content-type"), STR("application/json") },
        { parcel->stripe ? STR("stripe-signature") : STR("webhook-signature"),
          buf_view(&task->signature) },
        { STR("webhook-id"), str_from(parcel->id) },
        { STR("webhook-timestamp"), str_from(parcel->timestamp) },
    };
    const struct http_out_request request = {
        .method = STR("POST"),
        .url = str_from(parcel->url),
        .headers = headers,
        .header_count = parcel->stripe ? 2 : 4,
        .body = buf_view(&task->body),
        .connect_ms_max = HOOKS_CALL_MS_MAX,
        .call_ms_max = HOOKS_CALL_MS_MAX,
        .private_allowed = true, /* whoever starts a sandbox tests on this machine */
    };
    struct http_out_response response;
    struct error error;
    buf_reset(&task->answer);
    enum status status = http->call(http, &request, &response, &task->answer, &error);
    return status == STATUS_OK && response.status >= 200 && response.status < 300;
}

/* Under the lock at both ends. */
static void delivery_carry(struct hook_task *task, struct sandbox_delivery *delivery)
{
    struct sandbox_hooks *hooks = task->hooks;
    struct sync *sync = hooks->options.sync;
    uint32_t missed = 0;
    for (uint32_t i = 0; i < HOOKS_RECEIVERS_MAX; i++) {
        struct receiver *receiver = &hooks->receivers[i];
        if (!receiver->live || (delivery->receivers >> i & 1) == 0) continue;
        struct parcel parcel;
        parcel_make(task, receiver, delivery, &parcel);
        sync->unlock(hooks->options.lock);
        bool arrived = parcel_send(task, &parcel);
        sync->lock(hooks->options.lock);
        if (arrived)
            receiver->arrived++;
        else
            receiver->failed++;
        if (!arrived) missed |= 1U << i;
    }
    delivery->receivers = missed;
    if (missed != 0) sandbox_event_failed(hooks->options.sandbox, delivery);
}

/* ---- tasks ---- */

static void bell_wait(struct hook_task *task)
{
    struct sync *sync = task->hooks->options.sync;
    sync->lock(task->bell);
    while (!task->rung) (void)sync->wait(task->bell, MONOTONIC_NEVER); /* the flag tells */
    task->rung = false;
    sync->unlock(task->bell);
}

static void bell_ring(struct hook_task *task)
{
    struct sync *sync = task->hooks->options.sync;
    sync->lock(task->bell);
    task->rung = true;
    sync->wake_all(task->bell);
    sync->unlock(task->bell);
}

static void task_body(void *argument)
{
    struct hook_task *task = argument;
    struct sandbox_hooks *hooks = task->hooks;
    struct sync *sync = hooks->options.sync;
    sync->lock(hooks->options.lock);
    while (!hooks->stop) {
        struct sandbox_delivery delivery;
        if (sandbox_event_next(hooks->options.sandbox, &delivery)) {
            delivery_carry(task, &delivery);
            continue;
        }
        task->idle = true;
        sync->unlock(hooks->options.lock);
        bell_wait(task);
        sync->lock(hooks->options.lock);
        task->idle = false;
    }
    sync->unlock(hooks->options.lock);
}

/* One task for each thing to be sent, as far as there are idle ones. */
void hooks_ring(struct sandbox_hooks *hooks)
{
    struct sandbox *sandbox = hooks->options.sandbox;
    if (sandbox_event_due(sandbox).ns > sandbox->now.ns) return;
    for (uint32_t i = 0; i < hooks->options.tasks; i++) {
        if (!hooks->tasks[i].idle) continue;
        hooks->tasks[i].idle = false;
        bell_ring(&hooks->tasks[i]);
        return; /* whoever finishes takes the next; and the ticker rings again */
    }
}

/* ---- life ---- */

enum status hooks_open(const struct hooks_options *options, struct sandbox_hooks **out_hooks,
                       struct error *out_error)
{
    CHECK(options->tasks > 0);
    CHECK(options->tasks <= HOOKS_TASKS_MAX);
    struct sandbox_hooks *hooks = calloc(1, sizeof *hooks);
    if (hooks == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    hooks->options = *options;
    for (uint32_t i = 0; i < options->tasks; i++) {
        struct hook_task *task = &hooks->tasks[i];
        task->hooks = hooks;
        task->bell = options->sync->monitor_new(options->sync, "sandbox.bell");
        buf_init(&task->body, BODY_SIZE_MAX);
        buf_init(&task->forged, BODY_SIZE_MAX + 1);
        buf_init(&task->signature, HEADER_SIZE_MAX);
        buf_init(&task->scratch, WEBHOOK_SCRATCH_SIZE);
        buf_init(&task->answer, ANSWER_SIZE_MAX);
    }
    for (uint32_t i = 0; i < options->tasks; i++) {
        struct hook_task *task = &hooks->tasks[i];
        enum status status =
            options->sync->spawn(options->sync, "sandbox.hook", task_body, task, &task->task);
        if (status == STATUS_OK) continue;
        hooks_close(hooks);
        return error_set(out_error, status, "no task for webhooks could be started");
    }
    *out_hooks = hooks;
    return STATUS_OK;
}

void hooks_close(struct sandbox_hooks *hooks)
{
    if (hooks == NULL) return;
    struct sync *sync = hooks->options.sync;
    sync->lock(hooks->options.lock);
    hooks->stop = true;
    sync->unlock(hooks->options.lock);
    for (uint32_t i = 0; i < hooks->options.tasks; i++) {
        struct hook_task *task = &hooks->tasks[i];
        bell_ring(task);
        sync->join(task->task);
        sync->monitor_free(task->bell);
        buf_free(&task->body);
        buf_free(&task->forged);
        buf_free(&task->signature);
        buf_free(&task->scratch);
        buf_free(&task->answer);
    }
    for (uint32_t i = 0; i < HOOKS_RECEIVERS_MAX; i++) signing_key_done(&hooks->receivers[i].key);
    free(hooks);
}

/* ---- receivers ---- */

/* "whsec_" or "whsk_" and random bytes in base64. */
static struct str secret_make(struct sandbox_hooks *hooks, bool ed25519, struct buf *out_text)
{
    enum { SECRET_BYTES = 32 };
    uint8_t bytes[SECRET_BYTES];
    hooks->options.entropy->fill(hooks->options.entropy, bytes, sizeof bytes);
    buf_append_str(out_text, ed25519 ? STR("whsk_") : STR("whsec_"));
    base64_append(out_text, bytes, sizeof bytes);
    secret_wipe(bytes, sizeof bytes);
    return buf_view(out_text);
}

static enum status key_read(struct sandbox_hooks *hooks, const struct hook_asked *asked,
                            struct signing_key *out_key)
{
    BUF_SCOPE struct buf made;
    buf_init(&made, HEADER_SIZE_MAX);
    struct str secret = asked->secret;
    bool ed25519 = asked->scheme == HOOK_STANDARD_ED25519;
    if (secret.len == 0) secret = secret_make(hooks, ed25519, &made);
    enum status status = asked->scheme == HOOK_STRIPE ? signing_key_plain(secret, out_key)
                                                      : signing_key_parse(secret, out_key);
    if (made.data != NULL) secret_wipe(made.data, made.len);
    uint8_t wanted = ed25519 ? SIGNING_KEY_ED25519 : SIGNING_KEY_HMAC;
    if (status == STATUS_OK && out_key->kind != wanted) {
        signing_key_done(out_key);
        return STATUS_INVALID;
    }
    return status == STATUS_OK ? STATUS_OK : STATUS_INVALID;
}

enum status hooks_add(struct sandbox_hooks *hooks, const struct hook_asked *asked,
                      uint32_t *out_receiver)
{
    bool http = str_starts(asked->url, STR("http://")) || str_starts(asked->url, STR("https://"));
    if (!http || asked->url.len > HOOKS_URL_LEN_MAX) return STATUS_INVALID;
    uint32_t free_place = 0;
    while (free_place < HOOKS_RECEIVERS_MAX && hooks->receivers[free_place].live) free_place++;
    if (free_place == HOOKS_RECEIVERS_MAX) return STATUS_LIMIT;
    struct receiver *receiver = &hooks->receivers[free_place];
    signing_key_done(&receiver->key);
    enum status status = key_read(hooks, asked, &receiver->key);
    if (status != STATUS_OK) return status;
    receiver->scheme = asked->scheme;
    receiver->arrived = 0;
    receiver->failed = 0;
    memcpy(receiver->url, asked->url.data, asked->url.len);
    receiver->url[asked->url.len] = '\0';
    receiver->live = true;
    *out_receiver = free_place;
    return STATUS_OK;
}

/* ---- their routes ---- */

static void id_write(struct json_writer *writer, uint32_t receiver)
{
    char text[24];
    int len = snprintf(text, sizeof text, "wh_%u", receiver + 1);
    CHECK(len > 0 && (size_t)len < sizeof text);
    desk_text(writer, STR("webhook"), (struct str){ text, (size_t)len });
}

/* The secret is shown once, to whoever asked for it. */
static void added_answer(struct desk_call *call, uint32_t receiver)
{
    struct signing_key *key = &call->desk->hooks->receivers[receiver].key;
    struct json_writer writer;
    BUF_SCOPE struct buf text;
    buf_init(&text, HEADER_SIZE_MAX);
    bool ed25519 = key->kind == SIGNING_KEY_ED25519;
    bool plain = call->desk->hooks->receivers[receiver].scheme == HOOK_STRIPE;
    if (plain)
        buf_append(&text, key->secret.bytes, key->secret.size);
    else
        signing_key_format(key, ed25519, &text);
    desk_json(call, &writer);
    json_write_object_begin(&writer);
    id_write(&writer, receiver);
    desk_text(&writer, ed25519 ? STR("public_key") : STR("secret"), buf_view(&text));
    json_write_object_end(&writer);
    desk_json_end(&writer);
    secret_wipe(text.data, text.len);
}

static bool asked_read(struct desk_call *call, struct hook_asked *out_asked)
{
    static const struct str names[] = { { "url", 3 }, { "scheme", 6 }, { "secret", 6 } };
    const struct json_fields fields = { names, 3 };
    struct str texts[3] = { STR(""), STR("standard"), STR("") };
    struct json_reader reader;
    json_reader_init(&reader, call->api->body, &call->desk->arena);
    if (json_object_begin(&reader)) {
        unsigned field;
        while (json_object_field(&reader, &fields, &field))
            (void)json_string(&reader, &texts[field]); /* json_end() tells */
    }
    out_asked->url = texts[0];
    out_asked->secret = texts[2];
    return json_end(&reader) == STATUS_OK && hook_scheme_parse(texts[1], &out_asked->scheme);
}

static bool hooks_there(struct desk_call *call)
{
    if (call->desk->hooks != NULL) return true;
    desk_error(call, 422, "no_webhooks", "this sandbox sends no webhooks");
    return false;
}

static void hook_post(struct desk_call *call)
{
    struct hook_asked asked;
    uint32_t receiver;
    if (!hooks_there(call)) return;
    if (!asked_read(call, &asked)) {
        desk_error(call, 400, "malformed", "url, scheme and secret are wanted");
        return;
    }
    enum status status = hooks_add(call->desk->hooks, &asked, &receiver);
    if (status == STATUS_OK)
        added_answer(call, receiver);
    else if (status == STATUS_LIMIT)
        desk_error(call, 422, "limit", "there are 8 webhooks");
    else
        desk_error(call, 400, "malformed", "the URL or the secret is none");
}

static void hook_list(struct desk_call *call)
{
    struct json_writer writer;
    if (!hooks_there(call)) return;
    desk_json(call, &writer);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("webhooks"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < HOOKS_RECEIVERS_MAX; i++) {
        const struct receiver *receiver = &call->desk->hooks->receivers[i];
        if (!receiver->live) continue;
        json_write_object_begin(&writer);
        id_write(&writer, i);
        desk_text(&writer, STR("url"), str_from(receiver->url));
        desk_number(&writer, STR("arrived"), receiver->arrived);
        desk_number(&writer, STR("failed"), receiver->failed);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    desk_number(&writer, STR("waiting"), call->desk->sandbox->deliveries.count);
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

/* The key stays until the place is used again: a task may be at it. */
static void hook_delete(struct desk_call *call)
{
    if (!hooks_there(call)) return;
    struct str name = call->parameter;
    bool named = name.len == 4 && str_starts(name, STR("wh_")) && name.data[3] >= '1' &&
                 name.data[3] <= '0' + HOOKS_RECEIVERS_MAX;
    struct receiver *receiver = named ? &call->desk->hooks->receivers[name.data[3] - '1'] : NULL;
    if (receiver == NULL || !receiver->live) {
        desk_error(call, 404, "object_unknown", "there is no such webhook");
        return;
    }
    receiver->live = false;
    hook_list(call);
}

const struct desk_route desk_hook_routes[] = {
    { API_POST, "/webhooks", hook_post },
    { API_GET, "/webhooks", hook_list },
    { API_DELETE, "/webhooks/*", hook_delete },
    { 0 },
};
