/* The service of an HTTP server, whose one thread makes every call: only the counts are shared. */
#include "cmd/bench_receiver.h"

#include <string.h>

#include "adapter/http_server.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/json_writer.h"
#include "base/reserve.h"
#include "cmd/answer.h"

enum { BODY_SIZE_MAX = 128 << 10, TEXT_SIZE_MAX = 4096 };

/* As a service's api, which is opaque to the server. */
struct api {
    struct monitor *monitor;
    struct bench_told told; /* under the monitor */
    uint64_t sequence;      /* the highest in order */
    struct arena arena;     /* the thread's */
};

struct bench_receiver {
    struct api api;
    struct http_server *server;
};

/* ---- What arrives ---- */

/* Under the monitor. */
static void event_count(struct api *api, const struct answer_object *event, uint64_t now_ns)
{
    struct bench_told *told = &api->told;
    struct uuid id;
    uint64_t sequence = 0;
    if (uuid_parse(answer_text(event, "subject"), &id) != STATUS_OK ||
        decimal_parse(answer_text(event, "sequence"), UINT64_MAX, &sequence) != STATUS_OK) {
        told->odd++;
        return;
    }
    if (sequence <= api->sequence) {
        told->again++;
        return;
    }
    told->gaps += sequence - api->sequence - 1;
    api->sequence = sequence;
    uint64_t made_ns = (id.hi >> 16) * (uint64_t)NS_PER_MS; /* RFC 9562: its first 48 bits */
    load_histogram_record(&told->took, now_ns > made_ns ? now_ns - made_ns : 0);
    if (told->events == 0 || made_ns < told->first_ns) told->first_ns = made_ns;
    told->last_ns = now_ns;
    told->events++;
}

static enum api_progress receiver_start(struct api *api, struct api_call *call)
{
    struct sync *sync = thread_sync();
    struct answer_object event = { .count = 0 };
    uint64_t now_ns = (uint64_t)clock_wall(system_clock()).ns;
    arena_reset(&api->arena);
    if (answer_read(call->body, &api->arena, &event) != STATUS_OK) event.count = 0; /* odd */
    sync->lock(api->monitor);
    event_count(api, &event, now_ns);
    sync->wake_all(api->monitor);
    sync->unlock(api->monitor);
    return API_READY;
}

static void receiver_finish(struct api *api, struct api_call *call)
{
    (void)api; /* it has been counted */
    call->status = 200;
}

static void receiver_refuse(struct api_call *call, unsigned status, const char *code,
                            const char *detail, const char *hint)
{
    (void)code; /* nobody reads it */
    (void)detail;
    (void)hint;
    call->status = status;
}

static size_t receiver_body_size_max(enum api_method method, struct str path)
{
    (void)path;
    return method == API_POST ? BODY_SIZE_MAX : 0;
}

/* ---- Its life ---- */

enum status bench_receiver_open(struct bench_receiver **out_receiver, struct error *out_error)
{
    struct bench_receiver *receiver = reserve_new(sizeof *receiver);
    if (receiver == NULL) return error_set(out_error, STATUS_LIMIT, "no memory");
    struct sync *sync = thread_sync();
    receiver->api.monitor = sync->monitor_new(sync, "bench receiver");
    enum status status = arena_init(&receiver->api.arena, 4 * BODY_SIZE_MAX);
    struct http_server_options options = HTTP_SERVER_OPTIONS_DEFAULT;
    options.service = (struct api_service){
        .api = &receiver->api,
        .start = receiver_start,
        .finish = receiver_finish,
        .refuse = receiver_refuse,
        .body_size_max = receiver_body_size_max,
    };
    options.sync = sync;
    options.clock = system_clock();
    options.listen = "127.0.0.1:0";
    options.plain = true;
    if (status == STATUS_OK) status = http_server_open(&options, &receiver->server, out_error);
    if (status == STATUS_OK)
        *out_receiver = receiver;
    else
        bench_receiver_close(receiver);
    return status;
}

void bench_receiver_close(struct bench_receiver *receiver)
{
    if (receiver == NULL) return;
    http_server_close(receiver->server);
    thread_sync()->monitor_free(receiver->api.monitor);
    arena_done(&receiver->api.arena);
    reserve_free(receiver, sizeof *receiver);
}

/* ---- What is asked of it ---- */

static void endpoint_write(const struct bench_receiver *receiver, struct buf *out)
{
    BUF_SCOPE struct buf url;
    struct json_writer json;
    buf_init(&url, TEXT_SIZE_MAX);
    buf_append_format(&url, "http://%s/", http_server_address(receiver->server));
    json_writer_init(&json, out);
    json_write_object_begin(&json);
    json_write_key(&json, STR("url"));
    json_write_string(&json, buf_view(&url));
    json_write_key(&json, STR("filters"));
    json_write_array_begin(&json);
    json_write_string(&json, STR("payment.succeeded"));
    json_write_array_end(&json);
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
}

enum status bench_receiver_enrol(struct bench_receiver *receiver, struct session *session,
                                 struct error *out_error)
{
    BUF_SCOPE struct buf body;
    BUF_SCOPE struct buf answer;
    buf_init(&body, TEXT_SIZE_MAX);
    buf_init(&answer, TEXT_SIZE_MAX);
    endpoint_write(receiver, &body);
    const struct session_request request = {
        .method = API_POST,
        .target = STR("/v1/webhook-endpoints"),
        .content_type = STR("application/json"),
        .idempotency_key = STR("bench"),
        .body = buf_view(&body),
    };
    unsigned http_status = 0;
    enum status status = session_call(session, &request, &http_status, &answer, out_error);
    if (status != STATUS_OK || http_status == 201) return status;
    return error_set(out_error, STATUS_UNAVAILABLE, "the endpoint was not made: %u %.*s",
                     http_status, STR_ARG(buf_view(&answer)));
}

void bench_receiver_wait(struct bench_receiver *receiver, uint64_t events, uint64_t wait_ms,
                         struct bench_told *out_told)
{
    struct sync *sync = thread_sync();
    struct api *api = &receiver->api;
    struct monotonic_time until = clock_monotonic(system_clock());
    until.ns += (int64_t)wait_ms * NS_PER_MS;
    sync->lock(api->monitor);
    while (api->told.events < events && sync->wait(api->monitor, until)) continue;
    *out_told = api->told;
    sync->unlock(api->monitor);
}
