/* Easy handles of libcurl, each with a connection or a few of its own, lent to one call at a time. */
#include "adapter/curl_http.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "adapter/address_guard.h"
#include "base/check.h"
#include "base/hash.h"

enum {
    HEADER_SIZE_MAX = 4 << 10,
    METHOD_SIZE_MAX = 16,
    CONNECTIONS_MAX = 4,     /* of one handle */
    IDLE_SPARE = 64,         /* with so many idle, the longest idle one changes its origin */
    BODY_KEPT_MAX = 64 << 10 /* of memory that an idle handle keeps */
};

/* Which addresses a handle's connections are to, so that a call finds none that it may not use. */
enum reach {
    REACH_PUBLIC,
    REACH_ANY,
    REACH_LOOPBACK, /* who we are is told without TLS */
};

struct handle {
    CURL *easy;
    const struct http_cover *cover;
    uint64_t origin; /* hash of the newest call's */
    enum reach reach;

    /* Of the call under way: */
    struct buf body;
    size_t head_size;
    unsigned sockets;   /* made */
    const char *denied; /* why an address was; NULL: none was */
    bool sent;          /* writing the request may have begun */
    bool head_done;     /* the empty line behind the final head was seen */
    bool head_long;
    char message[CURL_ERROR_SIZE];
};

struct curl_http {
    struct http_out port;
    pthread_mutex_t mutex;
    uint32_t count; /* of handles, lent ones included */
    uint32_t idle_count;
    struct handle *idle[CURL_HTTP_CALLS_MAX]; /* longest idle first */
    char *ca_file;
    struct http_cover cover;
};

static void library_init(void)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_ALL);
    CHECK(code == CURLE_OK);
}

/* ---- What libcurl asks during a call ---- */

static size_t body_take(const char *data, size_t one, size_t size, void *context)
{
    struct handle *handle = context;
    CHECK(one == 1); /* as libcurl documents */
    buf_append(&handle->body, data, size);
    return buf_status(&handle->body) == STATUS_OK ? size : CURL_WRITEFUNC_ERROR;
}

/* Once for each line of a head; heads of 1xx come before the one that counts. */
static size_t head_take(const char *data, size_t one, size_t size, void *context)
{
    struct handle *handle = context;
    CHECK(one == 1); /* as libcurl documents */
    struct str line = { data, size };
    if (str_starts(line, STR("HTTP/"))) handle->head_done = false;
    if (str_equal(line, STR("\r\n")) || str_equal(line, STR("\n"))) handle->head_done = true;
    handle->head_size += size;
    if (handle->head_size <= CURL_HTTP_HEAD_SIZE_MAX) return size;
    handle->head_long = true;
    return CURL_WRITEFUNC_ERROR;
}

static curl_socket_t socket_make(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct handle *handle = context;
    if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
    if (handle->sent) return CURL_SOCKET_BAD; /* for writing it a second time */
    const char *reason = address_special(&address->addr, address->addrlen);
    if (handle->reach == REACH_ANY) reason = NULL;
    if (handle->reach == REACH_LOOPBACK)
        reason = reason != NULL && strcmp(reason, "loopback") == 0
                     ? NULL
                     : "not loopback, and what says who we are would be sent without TLS";
    if (reason != NULL) {
        handle->denied = reason;
        return CURL_SOCKET_BAD;
    }
    handle->sockets++;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool is_covered(const struct http_cover *cover)
{
    return cover->covers == NULL || cover->covers(cover->context);
}

/* The connection stands, its TLS too, and nothing of the request is written yet. */
static int request_begins(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct handle *handle = context;
    char *addresses[] = { remote, local }; /* not const in libcurl's type */
    (void)addresses;                       /* judged when the socket was made */
    (void)remote_port;
    (void)local_port;
    if (handle->sent) return CURL_PREREQFUNC_ABORT; /* a second writing on its own account */
    if (!is_covered(handle->cover)) return CURL_PREREQFUNC_ABORT; /* it took long to connect */
    handle->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* ---- Handles ---- */

static void handle_free(struct handle *handle)
{
    if (handle == NULL) return;
    if (handle->easy != NULL) curl_easy_cleanup(handle->easy);
    buf_free(&handle->body);
    free(handle);
}

/* What stays the same for all calls. A failure is our bug or lack of memory. */
static bool handle_configure(struct handle *handle, const char *ca_file)
{
    CURL *easy = handle->easy;
    bool ok = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->message) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, (long)CONNECTIONS_MAX) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CURL_HTTP_IDLE_S_MAX) == CURLE_OK;
    /* A name that is still being resolved when the time is up is left behind, not waited for. */
    ok = ok && curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_take) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, head_take) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERDATA, handle) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_make) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, handle) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, request_begins) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PREREQDATA, handle) == CURLE_OK;
    if (ca_file != NULL) ok = ok && curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) == CURLE_OK;
    return ok;
}

static struct handle *handle_new(const char *ca_file, enum reach reach)
{
    struct handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL) return NULL;
    handle->reach = reach;
    handle->easy = curl_easy_init();
    if (handle->easy == NULL || !handle_configure(handle, ca_file)) {
        handle_free(handle);
        return NULL;
    }
    return handle;
}

static struct handle *idle_remove(struct curl_http *http, uint32_t index)
{
    struct handle *handle = http->idle[index];
    http->idle_count--;
    memmove(&http->idle[index], &http->idle[index + 1],
            (http->idle_count - index) * sizeof http->idle[0]);
    return handle;
}

/* The newest idle one of this origin; else, when there are many, the longest idle one. */
static struct handle *idle_find(struct curl_http *http, uint64_t origin, enum reach reach)
{
    for (uint32_t i = http->idle_count; i-- > 0;) {
        struct handle *handle = http->idle[i];
        if (handle->origin != origin || handle->reach != reach) continue;
        return idle_remove(http, i);
    }
    bool spare = http->idle_count >= IDLE_SPARE || http->count == CURL_HTTP_CALLS_MAX;
    for (uint32_t i = 0; spare && i < http->idle_count; i++) {
        if (http->idle[i]->reach == reach) return idle_remove(http, i);
    }
    return NULL;
}

static void mutex_lock(struct curl_http *http)
{
    int error = pthread_mutex_lock(&http->mutex);
    CHECK(error == 0);
}

static void mutex_unlock(struct curl_http *http)
{
    int error = pthread_mutex_unlock(&http->mutex);
    CHECK(error == 0);
}

/* NULL: as many calls as there may be are under way, or memory is lacking. */
static struct handle *handle_take(struct curl_http *http, uint64_t origin, enum reach reach)
{
    struct handle *surplus = NULL;
    mutex_lock(http);
    struct handle *handle = idle_find(http, origin, reach);
    bool make = handle == NULL && http->count < CURL_HTTP_CALLS_MAX;
    if (handle == NULL && !make && http->idle_count > 0) {
        surplus = idle_remove(http, 0); /* of the other sort; its place is taken */
        make = true;
        http->count--;
    }
    if (make) http->count++;
    mutex_unlock(http);
    handle_free(surplus);
    if (!make) return handle;
    handle = handle_new(http->ca_file, reach);
    if (handle != NULL) return handle;
    mutex_lock(http);
    http->count--;
    mutex_unlock(http);
    return NULL;
}

static void handle_give(struct curl_http *http, struct handle *handle)
{
    if (handle->body.capacity > BODY_KEPT_MAX) buf_free(&handle->body);
    mutex_lock(http);
    CHECK(http->idle_count < http->count);
    http->idle[http->idle_count++] = handle;
    mutex_unlock(http);
}

/* ---- A call ---- */

/* "https://host:port" of the URL, or all of it when it has no path; empty: it is none. */
static struct str url_origin(struct str url)
{
    struct str schemes[] = { STR("http://"), STR("https://") };
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (!str_starts(url, schemes[i])) continue;
        size_t end = schemes[i].len;
        while (end < url.len && strchr("/?#", url.data[end]) == NULL) end++;
        return (struct str){ url.data, end > schemes[i].len ? end : 0 };
    }
    return (struct str){ url.data, 0 };
}

static bool url_fits(struct str url)
{
    if (url.len >= CURL_HTTP_URL_SIZE_MAX) return false;
    for (size_t i = 0; i < url.len; i++) {
        if (url.data[i] <= ' ' || url.data[i] > '~') return false;
    }
    return true;
}

static void header_check(struct str text)
{
    CHECK(text.len == 0 || memchr(text.data, '\r', text.len) == NULL);
    CHECK(text.len == 0 || memchr(text.data, '\n', text.len) == NULL);
}

/* The list with one header more; on lack of memory, or room, NULL, and the list is freed. */
static struct curl_slist *header_append(struct curl_slist *list,
                                        const struct http_out_header *header)
{
    header_check(header->name);
    header_check(header->value);
    BUF_SCOPE struct buf line;
    buf_init(&line, HEADER_SIZE_MAX);
    buf_append_str(&line, header->name);
    buf_append_str(&line, header->value.len > 0 ? STR(": ") : STR(";")); /* ";" sends it empty */
    buf_append_str(&line, header->value);
    struct curl_slist *longer = NULL;
    if (buf_status(&line) == STATUS_OK) longer = curl_slist_append(list, buf_terminated(&line));
    if (longer == NULL) curl_slist_free_all(list);
    return longer;
}

static struct curl_slist *headers_make(const struct http_out_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no waiting for a 100 */
    bool typed = false;
    for (uint32_t i = 0; i < request->header_count && list != NULL; i++) {
        typed = typed || str_equal_caseless(request->headers[i].name, STR("Content-Type"));
        list = header_append(list, &request->headers[i]);
    }
    if (typed || list == NULL) return list;
    struct curl_slist *longer = curl_slist_append(list, "Content-Type:"); /* none is invented */
    if (longer == NULL) curl_slist_free_all(list);
    return longer;
}

static bool call_configure(struct handle *handle, const struct http_out_request *request,
                           struct curl_slist *headers)
{
    CURL *easy = handle->easy;
    BUF_SCOPE struct buf text;
    buf_init(&text, CURL_HTTP_URL_SIZE_MAX);
    buf_append_str(&text, request->url);
    bool ok = curl_easy_setopt(easy, CURLOPT_URL, buf_terminated(&text)) == CURLE_OK;
    long call_ms = (long)request->call_ms_max;
    long connect_ms = request->connect_ms_max > 0 ? (long)request->connect_ms_max : call_ms;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, call_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK; /* forgets the last body */
    bool head = str_equal(request->method, STR("HEAD"));
    bool post = str_equal(request->method, STR("POST"));
    ok = ok && curl_easy_setopt(easy, CURLOPT_NOBODY, head ? 1L : 0L) == CURLE_OK;
    if (post || request->body.len > 0) {
        const char *body = request->body.len > 0 ? request->body.data : "";
        ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                    (curl_off_t)request->body.len) == CURLE_OK;
        ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) == CURLE_OK;
    }
    buf_reset(&text);
    buf_append_str(&text, request->method);
    ok = ok && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, buf_terminated(&text)) == CURLE_OK;
    return ok;
}

/* What a failure of libcurl says when nothing was sent. */
static enum status status_unsent(const struct handle *handle, CURLcode code)
{
    switch ((int)code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_LOGIN_DENIED: return STATUS_INVALID;
    case CURLE_PEER_FAILED_VERIFICATION: return STATUS_DENIED;
    default: break;
    }
    return handle->denied != NULL && handle->sockets == 0 ? STATUS_DENIED : STATUS_UNAVAILABLE;
}

static enum status status_sent(const struct handle *handle, CURLcode code)
{
    if (code == CURLE_OK && handle->head_done) return STATUS_OK;
    if (code == CURLE_WRITE_ERROR && handle->body.overflow) return STATUS_LIMIT;
    return STATUS_IN_DOUBT;
}

static enum status call_fail(const struct handle *handle, CURLcode code, struct str origin,
                             struct error *out_error)
{
    enum status status = handle->sent ? status_sent(handle, code) : status_unsent(handle, code);
    if (status == STATUS_DENIED && handle->denied != NULL) {
        return error_set(out_error, status, "%.*s may not be called: its address is %s",
                         STR_ARG(origin), handle->denied);
    }
    if (status == STATUS_LIMIT) {
        return error_set(out_error, status, "the answer of %.*s is longer than %zu bytes",
                         STR_ARG(origin), handle->body.size_max);
    }
    if (code == CURLE_OK || handle->head_long) {
        return error_set(out_error, status, "the head of the answer of %.*s %s", STR_ARG(origin),
                         handle->head_long ? "is too long" : "is not whole");
    }
    const char *text = handle->message[0] != '\0' ? handle->message : curl_easy_strerror(code);
    return error_set(out_error, status, "no answer from %.*s: %s", STR_ARG(origin), text);
}

static void response_read(const struct handle *handle, struct http_out_response *out_response)
{
    long http_status = 0;
    curl_off_t retry_after_s = 0;
    curl_off_t total_us = 0;
    CURLcode code = curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &http_status);
    CHECK(code == CURLE_OK);
    code = curl_easy_getinfo(handle->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    CHECK(code == CURLE_OK);
    code = curl_easy_getinfo(handle->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    CHECK(code == CURLE_OK);
    if (retry_after_s < 0 || retry_after_s > UINT32_MAX) retry_after_s = 0;
    *out_response = (struct http_out_response){ .status = (unsigned)http_status,
                                                .retry_after_s = (uint32_t)retry_after_s,
                                                .duration_ms = (uint32_t)(total_us / 1000) };
}

static enum status handle_call(struct handle *handle, const struct http_out_request *request,
                               struct curl_slist *headers, struct http_out_response *out_response,
                               struct buf *out_body, struct error *out_error)
{
    struct str origin = url_origin(request->url);
    buf_reset(&handle->body);
    handle->body.size_max = out_body->size_max;
    handle->head_size = 0;
    handle->sockets = 0;
    handle->denied = NULL;
    handle->sent = false;
    handle->head_done = false;
    handle->head_long = false;
    handle->message[0] = '\0';
    if (!call_configure(handle, request, headers))
        return error_set(out_error, STATUS_UNAVAILABLE, "the request cannot be made");
    CURLcode code = curl_easy_perform(handle->easy);
    struct http_out_response response = { 0 };
    if (code != CURLE_OK || !handle->head_done) return call_fail(handle, code, origin, out_error);
    response_read(handle, &response);
    if (response.status < 200) {
        return error_set(out_error, STATUS_IN_DOUBT, "%.*s has answered %u, which is no answer",
                         STR_ARG(origin), response.status);
    }
    buf_reset(out_body);
    buf_append_str(out_body, buf_view(&handle->body));
    if (buf_status(out_body) != STATUS_OK)
        return error_set(out_error, STATUS_LIMIT, "no memory for the answer");
    *out_response = response;
    return STATUS_OK;
}

/* False: it may go nowhere. */
static bool reach_of(const struct http_out_request *request, enum reach *out_reach)
{
    bool named = false;
    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct http_out_header *header = &request->headers[i];
        named = named ||
                (header->value.len > 0 && str_equal_caseless(header->name, STR("authorization")));
    }
    bool plain = named && str_starts(request->url, STR("http://"));
    *out_reach = plain ? REACH_LOOPBACK : request->private_allowed ? REACH_ANY : REACH_PUBLIC;
    return !plain || request->private_allowed;
}

static enum status http_call(struct http_out *port, const struct http_out_request *request,
                             struct http_out_response *out_response, struct buf *out_body,
                             struct error *out_error)
{
    struct curl_http *http = (struct curl_http *)port;
    CHECK(request->method.len > 0 && request->method.len < METHOD_SIZE_MAX);
    CHECK(request->header_count <= HTTP_OUT_HEADERS_MAX);
    CHECK(request->call_ms_max > 0);
    struct str origin = url_origin(request->url);
    if (origin.len == 0 || !url_fits(request->url))
        return error_set(out_error, STATUS_INVALID, "this is no URL of http or https");
    if (!is_covered(&http->cover))
        return error_set(out_error, STATUS_UNAVAILABLE, "calls are not covered by a lease now");
    enum reach reach;
    if (!reach_of(request, &reach))
        return error_set(out_error, STATUS_DENIED,
                         "%.*s may not be called: what says who we are would be sent without TLS",
                         STR_ARG(origin));
    struct handle *handle = handle_take(http, hash_bytes(origin.data, origin.len), reach);
    if (handle == NULL) {
        return error_set(out_error, STATUS_UNAVAILABLE, "%d calls are under way already",
                         CURL_HTTP_CALLS_MAX);
    }
    handle->cover = &http->cover;
    handle->origin = hash_bytes(origin.data, origin.len);
    struct curl_slist *headers = headers_make(request);
    enum status status = STATUS_UNAVAILABLE;
    if (headers == NULL) {
        status = error_set(out_error, status, "a header is too long");
    } else {
        status = handle_call(handle, request, headers, out_response, out_body, out_error);
    }
    curl_slist_free_all(headers);
    handle_give(http, handle);
    return status;
}

static void http_close(struct http_out *port)
{
    struct curl_http *http = (struct curl_http *)port;
    if (http == NULL) return;
    CHECK(http->idle_count == http->count); /* no call is under way */
    for (uint32_t i = 0; i < http->idle_count; i++) handle_free(http->idle[i]);
    int error = pthread_mutex_destroy(&http->mutex);
    CHECK(error == 0);
    free(http->ca_file);
    free(http);
}

enum status curl_http_open(const struct curl_http_options *options, struct http_out **out_http,
                           struct error *out_error)
{
    CHECK(options != NULL);
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0) {
        return error_set(out_error, STATUS_INVALID, "%s cannot be read: %s", options->ca_file,
                         strerror(errno));
    }
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int error = pthread_once(&once, library_init);
    CHECK(error == 0);
    struct curl_http *http = calloc(1, sizeof *http);
    if (http == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    error = pthread_mutex_init(&http->mutex, NULL);
    CHECK(error == 0);
    http->port = (struct http_out){ .call = http_call, .close = http_close };
    http->cover = options->cover;
    if (options->ca_file != NULL) {
        http->ca_file = strdup(options->ca_file);
        if (http->ca_file == NULL) {
            http_close(&http->port);
            return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
        }
    }
    *out_http = &http->port;
    return STATUS_OK;
}
