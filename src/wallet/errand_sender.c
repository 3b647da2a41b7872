/* The claim is a setting of the store: "TOKEN UNTIL", in nanoseconds of the wall clock. */
#include "wallet/errand_sender.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/decimal.h"
#include "base/hash.h"
#include "base/reserve.h"
#include "model/trace_context.h"

enum {
    CLAIM_SIZE_MAX = 64,
    ERRAND_SIZE_MAX = 2 << 20,
    ANSWER_SIZE_MAX = 64 << 10, /* of which only the status counts */
};

const struct errand_sender_options ERRAND_SENDER_OPTIONS_DEFAULT = {
    .lease_ms = 60000,
    .connect_ms_max = 5000,
    .call_ms_max = 10000,
    .poll_ms = 200,
    .retry_ms_min = 1000,
    .retry_ms_max = 60000,
    .task = true,
};

struct errand_sender {
    struct errand_sender_ports ports;
    struct errand_sender_options options;
    struct task *task;
    struct wall_time claimed_until; /* 0: not claimed */
    uint32_t retry_ms;              /* the next wait; 0: nothing has failed */
    struct monotonic_time idle_until;
    struct buf claim;
    struct buf errand;
    struct buf answer;

    struct monitor *monitor; /* guards the rest */
    bool stopping;
    struct errand_sender_counts counts;
};

static void idle(struct errand_sender *sender, uint32_t ms)
{
    sender->idle_until.ns = clock_monotonic(sender->ports.clock).ns + (int64_t)ms * NS_PER_MS;
}

/* ---- The claim ---- */

static bool claim_parse(struct str text, uint64_t *out_token, uint64_t *out_until_ns)
{
    const char *space = text.len == 0 ? NULL : memchr(text.data, ' ', text.len);
    if (space == NULL) return false;
    size_t at = (size_t)(space - text.data);
    return decimal_parse((struct str){ text.data, at }, UINT64_MAX, out_token) == STATUS_OK &&
           decimal_parse((struct str){ space + 1, text.len - at - 1 }, INT64_MAX, out_until_ns) ==
               STATUS_OK;
}

/* STATUS_CONFLICT: another sender has it. `until` 0 gives it back. */
static enum status claim_write(struct errand_sender *sender, struct wall_time until)
{
    struct event_store *store = sender->ports.store;
    uint64_t token = 0;
    uint64_t until_ns = 0;
    enum status status = store->setting_get(store, "sender", &sender->claim, NULL);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    bool known = status == STATUS_OK && claim_parse(buf_view(&sender->claim), &token, &until_ns);
    int64_t now_ns = clock_wall(sender->ports.clock).ns;
    if (known && token != sender->options.token && (int64_t)until_ns > now_ns)
        return STATUS_CONFLICT;
    buf_reset(&sender->claim);
    buf_append_format(&sender->claim, "%" PRIu64 " %" PRId64, sender->options.token, until.ns);
    return store->setting_set(store, "sender", buf_view(&sender->claim), NULL);
}

static enum status claim(struct errand_sender *sender, struct wall_time until)
{
    struct event_store *store = sender->ports.store;
    enum status status = store->begin(store, NULL);
    if (status != STATUS_OK) return status;
    status = claim_write(sender, until);
    if (status == STATUS_OK) status = store->commit(store, NULL);
    if (status != STATUS_OK) store->undo(store);
    if (status == STATUS_OK) sender->claimed_until = until;
    return status;
}

/* As long as the half of it is left, nothing is asked. */
static enum status claim_ensure(struct errand_sender *sender)
{
    int64_t lease_ns = (int64_t)sender->options.lease_ms * NS_PER_MS;
    int64_t now_ns = clock_wall(sender->ports.clock).ns;
    int64_t left_ns = sender->claimed_until.ns - now_ns;
    if (left_ns > lease_ns / 2 && left_ns <= lease_ns) return STATUS_OK;
    return claim(sender, (struct wall_time){ now_ns + lease_ns });
}

/* ---- Sending ---- */

/* What was watched before it came here is watched on; its new span, or 0. */
static uint64_t span_begin(const struct errand_sender *sender, const struct event_errand *errand,
                           struct trace *out_parent)
{
    uint8_t flags = 0;
    if (sender->ports.tracer == NULL || !traceparent_parse(errand->traceparent, out_parent, &flags))
        return 0;
    const uint64_t words[] = { sender->options.token, (uint64_t)errand->number,
                               sender->counts.sent + sender->counts.failed, out_parent->span };
    return (flags & TRACE_FLAG_SAMPLED) == 0 ? 0 : hash_bytes(words, sizeof words) | 1;
}

static void span_record(struct errand_sender *sender, const struct event_errand *errand,
                        struct trace parent, uint64_t id, unsigned http_status,
                        struct wall_time start)
{
    struct span span = {
        .trace = { parent.id, id },
        .parent = parent.span,
        .kind = SPAN_CLIENT,
        .name = STR("event notify"),
        .method = STR("POST"),
        .http_status = http_status,
        .failed = http_status < 200 || http_status > 299,
        .start = start,
        .end = clock_wall(sender->ports.clock),
    };
    span_note_text(&span, STR("cloudevents.event_id"), errand->id);
    sender->ports.tracer->record(sender->ports.tracer, &span);
}

/* The status of a whole answer; 0: there was none. */
static unsigned post(struct errand_sender *sender, const struct event_errand *errand,
                     struct str traceparent)
{
    const struct http_out_header headers[] = {
        { STR("content-type"), STR("application/cloudevents+json") },
        { STR("user-agent"), STR("tpwallet") },
        { STR("traceparent"), traceparent },
        { STR("authorization"), sender->options.authorization },
    };
    struct http_out_header given[4];
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        if (headers[i].value.len > 0) given[count++] = headers[i];
    const struct http_out_request request = {
        .method = STR("POST"),
        .url = str_from(sender->options.url),
        .headers = given,
        .header_count = count,
        .body = errand->value,
        .connect_ms_max = sender->options.connect_ms_max,
        .call_ms_max = sender->options.call_ms_max,
        .private_allowed = sender->options.private_allowed,
    };
    struct http_out_response response = { 0 };
    struct http_out *http = sender->ports.http;
    enum status status = http->call(http, &request, &response, &sender->answer, NULL);
    return status == STATUS_OK ? response.status : 0;
}

static unsigned errand_send(struct errand_sender *sender, const struct event_errand *errand)
{
    struct trace parent = { 0 };
    uint64_t id = span_begin(sender, errand, &parent);
    struct wall_time start = clock_wall(sender->ports.clock);
    char text[TRACEPARENT_SIZE];
    struct str traceparent = traceparent_renew(errand->traceparent, text);
    if (id != 0)
        traceparent = traceparent_format((struct trace){ parent.id, id }, TRACE_FLAG_SAMPLED, text);
    unsigned http_status = post(sender, errand, traceparent);
    if (id != 0) span_record(sender, errand, parent, id, http_status, start);
    return http_status;
}

static void wait_more(struct errand_sender *sender)
{
    const struct errand_sender_options *options = &sender->options;
    uint32_t wait_ms = sender->retry_ms == 0 ? options->retry_ms_min : sender->retry_ms;
    sender->retry_ms = wait_ms > options->retry_ms_max / 2 ? options->retry_ms_max : wait_ms * 2;
    idle(sender, wait_ms);
}

static void told(struct errand_sender *sender, unsigned http_status)
{
    bool good = http_status >= 200 && http_status <= 299;
    sender->ports.sync->lock(sender->monitor);
    if (good) sender->counts.sent++;
    if (!good) sender->counts.failed++;
    sender->counts.http_status = http_status;
    sender->ports.sync->unlock(sender->monitor);
}

static void health_tell(struct errand_sender *sender, enum status status)
{
    sender->ports.sync->lock(sender->monitor);
    sender->counts.unhealthy = status;
    sender->ports.sync->unlock(sender->monitor);
}

bool errand_sender_step(struct errand_sender *sender)
{
    struct event_store *store = sender->ports.store;
    struct event_errand errand;
    if (clock_monotonic(sender->ports.clock).ns < sender->idle_until.ns) return false;
    enum status status = claim_ensure(sender);
    if (status == STATUS_OK) status = store->errand_first(store, &sender->errand, &errand, NULL);
    if (status == STATUS_NOT_FOUND || status == STATUS_CONFLICT) {
        health_tell(sender, STATUS_OK);
        bool mine = status != STATUS_CONFLICT; /* another one's end is not waited for so closely */
        idle(sender, mine ? sender->options.poll_ms : sender->options.retry_ms_min);
        return false;
    }
    if (status == STATUS_OK) {
        unsigned http_status = errand_send(sender, &errand);
        told(sender, http_status);
        bool good = http_status >= 200 && http_status <= 299;
        if (good) status = store->errand_drop(store, &errand, NULL);
        if (good && status == STATUS_OK) sender->retry_ms = 0;
        if (!good) wait_more(sender);
    }
    health_tell(sender, status);
    if (status != STATUS_OK) wait_more(sender);
    return true;
}

/* ---- Life ---- */

static void sender_body(void *argument)
{
    struct errand_sender *sender = argument;
    struct sync *sync = sender->ports.sync;
    sync->lock(sender->monitor);
    while (!sender->stopping) {
        sync->unlock(sender->monitor);
        bool worked = errand_sender_step(sender);
        sync->lock(sender->monitor);
        if (worked || sender->stopping) continue;
        (void)sync->wait(sender->monitor, sender->idle_until);
    }
    sync->unlock(sender->monitor);
}

enum status errand_sender_open(const struct errand_sender_ports *ports,
                               const struct errand_sender_options *options,
                               struct errand_sender **out_sender, struct error *out_error)
{
    CHECK(options->token != 0 && options->lease_ms > 2 * options->call_ms_max);
    CHECK(options->retry_ms_min > 0 && options->retry_ms_min <= options->retry_ms_max);
    struct errand_sender *sender = reserve_new(sizeof *sender);
    if (sender == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the sender");
    sender->ports = *ports;
    sender->options = *options;
    sender->monitor = ports->sync->monitor_new(ports->sync, "errand_sender");
    buf_init(&sender->claim, CLAIM_SIZE_MAX);
    buf_init(&sender->errand, ERRAND_SIZE_MAX);
    buf_init(&sender->answer, ANSWER_SIZE_MAX);
    if (options->task && ports->sync->spawn(ports->sync, "errand_sender", sender_body, sender,
                                            &sender->task) != STATUS_OK) {
        errand_sender_close(sender);
        return error_set(out_error, STATUS_UNAVAILABLE, "the sender of errands cannot be started");
    }
    *out_sender = sender;
    return STATUS_OK;
}

void errand_sender_close(struct errand_sender *sender)
{
    if (sender == NULL) return;
    struct sync *sync = sender->ports.sync;
    sync->lock(sender->monitor);
    sender->stopping = true;
    sync->wake_all(sender->monitor);
    sync->unlock(sender->monitor);
    sync->join(sender->task);
    if (sender->claimed_until.ns > 0)
        (void)claim(sender, (struct wall_time){ 0 }); /* else it ends by itself */
    sync->monitor_free(sender->monitor);
    buf_free(&sender->claim);
    buf_free(&sender->errand);
    buf_free(&sender->answer);
    reserve_free(sender, sizeof *sender);
}

void errand_sender_get_counts(struct errand_sender *sender, struct errand_sender_counts *out_counts)
{
    sender->ports.sync->lock(sender->monitor);
    *out_counts = sender->counts;
    sender->ports.sync->unlock(sender->monitor);
}
