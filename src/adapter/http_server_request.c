/*
 * The connection's thread starts the call and suspends the connection; whoever completes the call
 * gives the word that resumes it (http_server_loop.h).
 */
#include "adapter/http_server_request.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "adapter/http_server_head.h"
#include "adapter/http_server_stream.h"
#include "adapter/tls_server.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/limits.h"

#define HSTS_VALUE "max-age=63072000"

enum request_stage {
    STAGE_HEAD,   /* the head has not been handed over yet */
    STAGE_BODY,   /* pieces of it are coming in */
    STAGE_CALLED, /* the api has it */
    STAGE_ANSWERED,
};

struct http_request {
    struct api_call call;
    struct request_service *service;
    struct http_loop *loop;
    struct MHD_Connection *connection;
    struct http_connection *peer;
    struct http_resume resume;
    struct http_stream stream; /* of an answer in parts */
    enum request_stage stage;
    bool tls;
    bool close;         /* the connection ends with this answer */
    bool body_too_long; /* of a chunked body: the rest is read and thrown away */
    size_t body_max;
    size_t reserved; /* of the service's bodies_size */
    struct buf target;
    struct buf body;
    struct wall_time begun;
    struct api_raw_header raw_headers[API_RAW_HEADERS_MAX];
    struct http_request *next;
};

void request_service_init(struct request_service *service)
{
    CHECK(service != NULL);
    int error = pthread_mutex_init(&service->pool_mutex, NULL);
    CHECK(error == 0);
}

static void request_free(struct http_request *request)
{
    buf_free(&request->target);
    buf_free(&request->body);
    buf_free(&request->call.answer);
    free(request);
}

void request_service_done(struct request_service *service)
{
    CHECK(request_service_active(service) == 0);
    while (service->pool != NULL) {
        struct http_request *request = service->pool;
        service->pool = request->next;
        request_free(request);
    }
    int error = pthread_mutex_destroy(&service->pool_mutex);
    CHECK(error == 0);
}

/* The counter of the ended is read first: a request between the two readings counts as active. */
uint64_t request_service_active(const struct request_service *service)
{
    uint64_t ended = atomic_load(&service->counts.ended);
    return atomic_load(&service->counts.begun) - ended;
}

static struct http_request *pool_take(struct request_service *service)
{
    int error = pthread_mutex_lock(&service->pool_mutex);
    CHECK(error == 0);
    struct http_request *request = service->pool;
    if (request != NULL) service->pool = request->next;
    error = pthread_mutex_unlock(&service->pool_mutex);
    CHECK(error == 0);
    if (request != NULL) return request;

    request = calloc(1, sizeof *request);
    if (request == NULL) return NULL;
    buf_init(&request->target, REQUEST_HEADERS_SIZE_MAX);
    buf_init(&request->body, REQUEST_BODY_SIZE_MAX);
    buf_init(&request->call.answer, ANSWER_SIZE_MAX);
    return request;
}

static void buffer_recycle(struct buf *buf)
{
    size_t size_max = buf->size_max;
    buf_reset(buf);
    if (buf->capacity <= REQUEST_BUFFER_KEPT_SIZE) return;
    buf_free(buf);
    buf_init(buf, size_max);
}

static void pool_give(struct http_request *request)
{
    struct request_service *service = request->service;
    buffer_recycle(&request->target);
    buffer_recycle(&request->body);
    buffer_recycle(&request->call.answer);
    int error = pthread_mutex_lock(&service->pool_mutex);
    CHECK(error == 0);
    request->next = service->pool;
    service->pool = request;
    error = pthread_mutex_unlock(&service->pool_mutex);
    CHECK(error == 0);
}

/* By whoever completes the call. Once the other side knows, the request may be gone. */
static void request_ready(struct api_call *call)
{
    struct http_request *request = call->owner;
    struct request_service *service = request->service;
    (void)atomic_fetch_add(&service->resumers, 1);
    http_loop_ready(request->loop, &request->resume);
    (void)atomic_fetch_sub(&service->resumers, 1);
}

/* Everything of the last request is gone, except the memory of the buffers. */
static void request_reset(struct http_request *request)
{
    struct buf target = request->target;
    struct buf body = request->body;
    struct buf answer = request->call.answer;
    *request = (struct http_request){ .target = target, .body = body, .call.answer = answer };
}

void *request_begin(void *listener, const char *uri, struct MHD_Connection *connection)
{
    struct http_listener *from = listener;
    struct request_service *service = from->service;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    CHECK(info != NULL);
    struct http_connection *peer = info->socket_context;
    struct http_request *request = peer == NULL ? NULL : pool_take(service);
    if (request == NULL) return NULL; /* request_handle() then gives the connection up */
    request_reset(request);
    request->service = service;
    request->loop = &from->loop;
    request->connection = connection;
    request->resume.connection = connection;
    request->peer = peer;
    request->tls = from->tls;
    request->call.local = from->local;
    if (from->local) {
        request->call.uid_known = connection_uid(peer, &request->call.uid);
    }
    request->call.ready = request_ready;
    request->call.owner = request;
    buf_append(&request->target, uri, strlen(uri));
    if (service->tracer != NULL) request->begun = clock_wall(service->clock);
    connection_enter(peer, PHASE_HEADERS);
    atomic_fetch_add(&service->counts.begun, 1);
    return request;
}

/* ---- the answer ---- */

static void header_add(struct MHD_Response *response, const char *name, const char *value)
{
    enum MHD_Result added = MHD_add_response_header(response, name, value);
    CHECK(added == MHD_YES); /* names and values are ours, and small */
}

static struct MHD_Response *answer_response(struct http_request *request)
{
    struct api_call *call = &request->call;
    if (!call->streams) {
        return MHD_create_response_from_buffer(call->answer.len, call->answer.data,
                                               MHD_RESPMEM_PERSISTENT);
    }
    request->close = true; /* who has read a stream to its end has lost little */
    request->stream = (struct http_stream){
        .service = &request->service->api,
        .call = call,
        .loop = request->loop,
        .resume = &request->resume,
        .peer = request->peer,
    };
    return http_stream_response(&request->stream);
}

/* Hands the call's answer to the library; MHD_NO gives the connection up. */
static enum MHD_Result answer_queue(struct http_request *request)
{
    struct api_call *call = &request->call;
    request->stage = STAGE_ANSWERED;
    if (call->hang_up) return MHD_NO;
    if (buf_status(&call->answer) != STATUS_OK) {
        buf_reset(&call->answer);
        call->header_count = 0;
        call->streams = false;
        request->service->api.refuse(call, 500, "internal",
                                     "the answer is larger than an answer may be",
                                     "ask for less at once");
    }
    struct MHD_Response *response = answer_response(request);
    if (response == NULL) return MHD_NO;
    if (call->answer_type != NULL) header_add(response, "Content-Type", call->answer_type);
    CHECK(call->header_count <= API_HEADERS_MAX);
    for (uint32_t i = 0; i < call->header_count; i++) {
        header_add(response, call->headers[i].name, call->headers[i].value);
    }
    if (request->tls) header_add(response, "Strict-Transport-Security", HSTS_VALUE);
    if (request->close || atomic_load_explicit(&request->service->draining, memory_order_relaxed)) {
        header_add(response, "Connection", "close");
    }
    connection_enter(request->peer, call->streams ? PHASE_PART : PHASE_ANSWER);
    enum MHD_Result queued = MHD_queue_response(request->connection, call->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* What is refused here ends the connection: where a next request would begin is not known. */
static enum MHD_Result answer_refuse(struct http_request *request, const struct http_fault *fault)
{
    request->close = true;
    atomic_fetch_add_explicit(&request->service->counts.refused, 1, memory_order_relaxed);
    request->service->api.refuse(&request->call, fault->status, fault->code, fault->detail,
                                 fault->hint);
    return answer_queue(request);
}

static enum MHD_Result answer_finish(struct http_request *request)
{
    struct api_service *api = &request->service->api;
    api->finish(api->api, &request->call);
    return answer_queue(request);
}

/* ---- the head ---- */

static enum MHD_Result head_take(void *reader, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    CHECK(kind == MHD_HEADER_KIND);
    struct http_header header = { { name, name_len }, { value, value_len } };
    if (value == NULL) header.value = (struct str){ name + name_len, 0 }; /* fails the walk */
    http_head_take(reader, header);
    return MHD_YES;
}

static void head_apply(struct http_request *request, const struct http_head *head)
{
    struct api_call *call = &request->call;
    call->method = head->method;
    call->path = head->path;
    call->query = head->query;
    call->content_type = head->content_type;
    call->accept = head->accept;
    call->authorization = head->authorization;
    call->idempotency_key = head->idempotency_key;
    call->min_position = head->min_position;
    call->last_event_id = head->last_event_id;
    call->traceparent = head->traceparent;
    call->tracestate = head->tracestate;
    memcpy(request->raw_headers, head->raw, head->raw_count * sizeof head->raw[0]);
    call->raw_headers = request->raw_headers;
    call->raw_header_count = head->raw_count;
    /* Chunk ends are read leniently by the library. A connection that carries no request after
     * one cannot be made to carry a smuggled one. */
    if (head->chunked) request->close = true;
}

static bool body_reserve(struct http_request *request, size_t size)
{
    struct request_service *service = request->service;
    size_t before = atomic_fetch_add(&service->bodies_size, size);
    if (before + size > service->bodies_size_max) {
        (void)atomic_fetch_sub(&service->bodies_size, size);
        return false;
    }
    request->reserved = size;
    return true;
}

/* Decides before the client has sent the body. */
static bool body_allowed(struct http_request *request, const struct http_head *head,
                         struct http_fault *out_fault)
{
    request->body_max = request->service->api.body_size_max(head->method, head->path);
    CHECK(request->body_max <= REQUEST_BODY_SIZE_MAX);
    if (!head->chunked && head->content_length == 0) return true;
    if (head->content_length > request->body_max || request->body_max == 0) {
        *out_fault = (struct http_fault){
            413, "body_too_large", "the body has more bytes than this path takes",
            request->body_max == 0 ? "this method takes no body there, or there is no such path"
                                   : "send the items in several requests"
        };
        return false;
    }
    size_t size = head->chunked ? request->body_max : (size_t)head->content_length;
    if (body_reserve(request, size)) return true;
    struct api_header *header = &request->call.headers[request->call.header_count++];
    *header = (struct api_header){ .name = "Retry-After", .value = "1" };
    *out_fault = (struct http_fault){ 503, "unavailable",
                                      "the requests arriving now use up the memory for bodies",
                                      "send the same request again, with the same key" };
    return false;
}

static size_t head_size(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    CHECK(info != NULL);
    return info->header_size;
}

/* The request line, cut by the library into terminated pieces of the received bytes. */
struct request_line {
    const char *method;
    const char *url;
    const char *version;
};

static enum MHD_Result request_head(struct http_request *request, struct request_line line)
{
    struct http_head_reader reader;
    http_head_begin(&reader, line.method, line.url, line.version, buf_view(&request->target));
    (void)MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, head_take, &reader);
    if (!http_head_end(&reader, head_size(request->connection))) {
        return answer_refuse(request, &reader.fault);
    }
    head_apply(request, &reader.head);
    struct http_fault fault;
    if (!body_allowed(request, &reader.head, &fault)) return answer_refuse(request, &fault);
    request->stage = STAGE_BODY;
    connection_enter(request->peer, PHASE_BODY);
    return MHD_YES;
}

/* ---- the body, and the call ---- */

static void body_take(struct http_request *request, const char *data, size_t size)
{
    if (request->body_too_long) return;
    if (size > request->body_max - request->body.len) {
        request->body_too_long = true; /* only a chunked body gets here */
        return;
    }
    buf_append(&request->body, data, size);
}

static enum MHD_Result request_call(struct http_request *request)
{
    if (request->body_too_long) {
        return answer_refuse(request,
                             &(struct http_fault){ 413, "body_too_large",
                                                   "the body has more bytes than this path takes",
                                                   "send the items in several requests" });
    }
    if (buf_status(&request->body) != STATUS_OK) return MHD_NO; /* out of memory */
    request->stage = STAGE_CALLED;
    request->call.body = buf_view(&request->body);
    connection_enter(request->peer, PHASE_PENDING);
    struct api_service *api = &request->service->api;
    if (api->start(api->api, &request->call) == API_READY) {
        return answer_finish(request);
    }
    if (atomic_load(&request->resume.mark) == MARK_READY) return answer_finish(request);
    http_loop_suspend(request->loop, &request->resume);
    return MHD_YES;
}

enum MHD_Result request_handle(void *listener, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload_data,
                               size_t *upload_data_size, void **context)
{
    CHECK(listener != NULL);
    CHECK(connection != NULL);
    struct http_request *request = *context;
    if (request == NULL) return MHD_NO; /* out of memory */
    switch (request->stage) {
    case STAGE_HEAD: return request_head(request, (struct request_line){ method, url, version });
    case STAGE_BODY:
        if (*upload_data_size == 0) return request_call(request);
        body_take(request, upload_data, *upload_data_size);
        *upload_data_size = 0; /* all of it was taken */
        return MHD_YES;
    case STAGE_CALLED:
        CHECK(atomic_load(&request->resume.mark) == MARK_READY);
        return answer_finish(request);
    case STAGE_ANSWERED: break;
    }
    *upload_data_size = 0;
    return MHD_YES;
}

/* ---- the end ---- */

static struct str method_text(enum api_method method)
{
    switch (method) {
    case API_GET: return STR("GET");
    case API_POST: return STR("POST");
    case API_PATCH: return STR("PATCH");
    case API_PUT: return STR("PUT");
    case API_DELETE: return STR("DELETE");
    case API_HEAD: return STR("HEAD");
    case API_OTHER: break;
    }
    return STR("_OTHER"); /* as the semantic conventions call it */
}

/*
 * The span named by the caller's traceparent, VERSION-TRACE-SPAN-FLAGS; 0 when the api did not go
 * on with that trace.
 */
static uint64_t parent_of(const struct api_call *call)
{
    enum { TRACE_AT = 3, SPAN_AT = 36, SPAN_END = 52 };
    const char *text = call->traceparent.data;
    uint32_t words[6] = { 0 };
    if (call->traceparent.len < SPAN_END) return 0;
    for (size_t i = 0; i < 6; i++) {
        size_t at = i < 4 ? TRACE_AT + 8 * i : SPAN_AT + 8 * (i - 4);
        if (!hex_take(text + at, &words[i])) return 0;
    }
    struct uuid trace = { .hi = (uint64_t)words[0] << 32 | words[1],
                          .lo = (uint64_t)words[2] << 32 | words[3] };
    if (!uuid_equal(trace, call->trace.id)) return 0;
    return (uint64_t)words[4] << 32 | words[5];
}

static void span_export(struct http_request *request)
{
    struct request_service *service = request->service;
    struct api_call *call = &request->call;
    if (service->tracer == NULL || !call->watched) return;
    struct str route = { 0 };
    if (call->route != 0 && service->route_path != NULL) route = service->route_path(call->route);
    struct span span = {
        .trace = call->trace,
        .parent = parent_of(call),
        .kind = SPAN_SERVER,
        .route = route,
        .method = method_text(call->method),
        .http_status = call->status,
        .start = request->begun,
        .end = clock_wall(service->clock),
    };
    span_note_text(&span, STR("url.path"), call->path);
    span_note_text(&span, STR("url.scheme"), request->tls ? STR("https") : STR("http"));
    span_note_id(&span, STR("tpwallet.payment.id"), call->payment);
    span_note_id(&span, STR("tpwallet.idempotency.digest"), call->key);
    service->tracer->record(service->tracer, &span);
}

/*
 * Resuming a connection, the library reads before it asks for the answer, and when the client is
 * gone it never asks. The call is over, but has to be finished.
 */
static void request_abandon(struct http_request *request)
{
    CHECK(atomic_load(&request->resume.mark) == MARK_READY); /* else it would be suspended */
    struct api_service *api = &request->service->api;
    api->finish(api->api, &request->call);
}

void request_end(void *listener, struct MHD_Connection *connection, void **context,
                 enum MHD_RequestTerminationCode reason)
{
    CHECK(listener != NULL);
    CHECK(connection != NULL);
    struct http_request *request = *context;
    if (request == NULL) return;
    *context = NULL;
    struct request_service *service = request->service;
    if (request->stage == STAGE_CALLED) request_abandon(request);
    http_stream_end(&request->stream);
    if (request->call.stream != NULL) service->api.leave(service->api.api, &request->call);
    span_export(request);
    if (request->reserved > 0) (void)atomic_fetch_sub(&service->bodies_size, request->reserved);
    if (reason != MHD_REQUEST_TERMINATED_COMPLETED_OK || request->stage != STAGE_ANSWERED) {
        atomic_fetch_add_explicit(&service->counts.interrupted, 1, memory_order_relaxed);
    }
    connection_enter(request->peer, PHASE_IDLE);
    pool_give(request);
    atomic_fetch_add(&service->counts.ended, 1);
}

/* ---- connections ---- */

static int handshake_finished(gnutls_session_t session, unsigned type, unsigned when,
                              unsigned incoming, const gnutls_datum_t *message)
{
    (void)type; /* asked for one type and one moment only */
    (void)when;
    (void)message;
    if (incoming == 0) return 0; /* ours; the client's comes last */
    struct MHD_Connection *connection = gnutls_session_get_ptr(session);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info != NULL && info->socket_context != NULL) {
        connection_enter(info->socket_context, PHASE_IDLE);
    }
    return 0;
}

static void connection_opened(struct http_listener *listener, struct MHD_Connection *connection,
                              void **socket_context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    CHECK(info != NULL);
    int fd = info->connect_fd;
    *socket_context = connection_add(&listener->service->connections, &listener->loop, fd,
                                     listener->tls ? PHASE_HANDSHAKE : PHASE_IDLE);
    if (*socket_context == NULL) (void)shutdown(fd, SHUT_RDWR); /* nobody would time it out */
    if (!listener->tls) return;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    CHECK(info != NULL);
    tls_server_prepare(info->tls_session, listener->require_certificate, handshake_finished);
}

void request_connection_changed(void *listener, struct MHD_Connection *connection,
                                void **socket_context, enum MHD_ConnectionNotificationCode change)
{
    if (change == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_opened(listener, connection, socket_context);
        return;
    }
    connection_remove(*socket_context);
    *socket_context = NULL;
}
