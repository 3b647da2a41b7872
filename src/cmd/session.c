/* One request, two ways: over the local socket of a server, or into an API opened here. */
#include "cmd/session.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/http_client.h"
#include "base/check.h"
#include "cmd/pause.h"

enum { OPEN_ATTEMPTS = 40, OPEN_RETRY_MS = 250, PATH_SIZE_MAX = 4096 };

static const char *method_text(enum api_method method)
{
    static const char *const texts[] = {
        [API_GET] = "GET", [API_POST] = "POST",     [API_PATCH] = "PATCH",
        [API_PUT] = "PUT", [API_DELETE] = "DELETE", [API_HEAD] = "HEAD",
    };
    CHECK(method < API_OTHER);
    return texts[method];
}

/* STATUS_NOT_FOUND: no server runs on the folder. */
static enum status remote_open(const char *folder, struct http_client **out_client,
                               struct error *out_error)
{
    BUF_SCOPE struct buf path;
    buf_init(&path, PATH_SIZE_MAX);
    buf_append_format(&path, "%s/socket", folder);
    if (access(buf_terminated(&path), F_OK) != 0) return STATUS_NOT_FOUND;
    const struct http_client_options options = { .socket_path = buf_terminated(&path) };
    struct http_client *client;
    enum status status = http_client_open(&options, &client, out_error);
    if (status != STATUS_OK) return status;

    BUF_SCOPE struct buf body;
    buf_init(&body, PATH_SIZE_MAX);
    const struct http_call call = { .method = STR("GET"), .target = STR("/livez") };
    unsigned http_status = 0;
    status = http_client_call(client, &call, &http_status, &body, out_error);
    if (status == STATUS_OK) {
        *out_client = client;
        return STATUS_OK;
    }
    http_client_close(client);
    /* nobody listens: a server that died left its socket behind */
    return status == STATUS_UNAVAILABLE ? STATUS_NOT_FOUND : status;
}

enum status session_open(const struct session_options *options, struct session *out_session,
                         struct error *out_error)
{
    *out_session = (struct session){ 0 };
    char folder[PATH_SIZE_MAX];
    enum status status =
        data_folder_lane_path(options->folder, options->lane, folder, sizeof folder, out_error);
    if (status != STATUS_OK) return status;
    const struct host_options host = {
        .folder = folder,
        .read_only = options->read_only,
        .links = options->read_only ? NULL : options->links,
    };
    if (options->lane > 0 || options->of_lane) {
        int len = snprintf(out_session->lane, sizeof out_session->lane, "%u", options->lane);
        CHECK(len > 0 && (size_t)len < sizeof out_session->lane);
    }
    status = STATUS_CONFLICT;
    /* another command has the folder for a moment, or a server is about to listen */
    for (int attempt = 0; attempt < OPEN_ATTEMPTS && status == STATUS_CONFLICT; attempt++) {
        if (out_session->host.elsewhere) return status; /* looked at long enough */
        if (attempt > 0) pause_ms(OPEN_RETRY_MS);
        status = remote_open(options->folder, &out_session->client, out_error);
        if (status == STATUS_NOT_FOUND) status = host_open(&host, &out_session->host, out_error);
    }
    if (status == STATUS_CONFLICT) out_error->status = status = STATUS_UNAVAILABLE;
    return status;
}

void session_close(struct session *session)
{
    if (session->client != NULL)
        http_client_close(session->client);
    else
        host_close(&session->host);
    *session = (struct session){ 0 };
}

struct lane *session_lane(const struct session *session)
{
    return session->client == NULL ? session->host.lane : NULL;
}

void session_ways_stop(struct session *session)
{
    if (session->client == NULL) host_ways_stop(&session->host);
}

static enum status remote_call(struct session *session, const struct session_request *request,
                               unsigned *out_http_status, struct buf *out_answer,
                               struct error *out_error)
{
    const struct http_call call = {
        .method = str_from(method_text(request->method)),
        .target = request->target,
        .idempotency_key = request->idempotency_key,
        .content_type = request->content_type,
        .lane = str_from(session->lane),
        .body = request->body,
    };
    return http_client_call(session->client, &call, out_http_status, out_answer, out_error);
}

static enum status local_call(struct session *session, const struct session_request *request,
                              unsigned *out_http_status, struct buf *out_answer,
                              struct error *out_error)
{
    const char *question = memchr(request->target.data, '?', request->target.len);
    size_t path_len =
        question == NULL ? request->target.len : (size_t)(question - request->target.data);
    size_t query_from = question == NULL ? path_len : path_len + 1;
    buf_reset(out_answer);
    struct api_call call = {
        .method = request->method,
        .path = { request->target.data, path_len },
        .query = { request->target.data + query_from, request->target.len - query_from },
        .content_type = request->content_type,
        .idempotency_key = request->idempotency_key,
        .body = request->body,
        .local = true,
        .uid_known = true,
        .uid = getuid(),
        .answer = *out_answer,
    };
    host_call(&session->host, &call);
    *out_answer = call.answer;
    *out_http_status = call.status;
    if (buf_status(out_answer) != STATUS_OK)
        return error_set(out_error, STATUS_LIMIT, "the answer is too large");
    return STATUS_OK;
}

enum status session_call(struct session *session, const struct session_request *request,
                         unsigned *out_http_status, struct buf *out_answer, struct error *out_error)
{
    CHECK(request->target.len > 0);
    return session->client != NULL
               ? remote_call(session, request, out_http_status, out_answer, out_error)
               : local_call(session, request, out_http_status, out_answer, out_error);
}
