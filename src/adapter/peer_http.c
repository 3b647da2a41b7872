/*
 * One thread runs all transfers of libcurl's multi interface. Others hand calls over under the
 * mutex and wake it. Handles keep what they were set to, and are used again.
 */
#include "adapter/peer_http.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "adapter/address_guard.h"
#include "adapter/peer_headers.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/limits.h"

enum {
    URL_SIZE_MAX = 16 << 10,
    HEADER_SIZE_MAX = 16 << 10,
    IDLE_S_MAX = 50,
    POLL_MS = 1000,
    ALIVE_S = 5
};

struct transfer_http {
    struct transfer_http *next;
    struct peer_http *peer;
    CURL *easy;
    struct peer_call *peer_call;
    struct curl_slist *headers;
    struct buf url;
    char message[CURL_ERROR_SIZE];
    bool stream;                 /* its answer may come in parts, and may then take for ever */
    struct monotonic_time until; /* of a stream's head */
    bool sent;                   /* writing the request may have begun */
    bool head_done;
    bool overflow;
    bool denied;
    bool added; /* to the multi handle */

    /* Of an answer in parts, under the mutex: */
    bool streams; /* done() was called for it */
    bool waiting; /* the transport waits for a part */
    bool ended;   /* no part comes any more */
    bool left;    /* the call is gone */
    bool paused;  /* the reader is slow */
    bool unpause;
    struct buf parts;
};

struct peer_http {
    struct peer port; /* first */
    CURLM *multi;
    pthread_t thread;
    bool plain;
    struct uuid ledger;
    const struct secret *secret; /* NULL: none */
    uint32_t silent_s_max;
    char *ca_file;
    char *certificate_file;
    char *key_file;

    pthread_mutex_t mutex;       /* guards the rest */
    struct transfer_http *asked; /* handed over, newest first */
    struct transfer_http *idle;
    struct transfer_http *streaming[PEER_CALLS_MAX]; /* all with `streams`, in no order */
    uint32_t streaming_count;
    uint32_t count; /* of transfers, idle ones included */
    bool stopping;  /* streams end */
    bool closing;
};

static void mutex_lock(struct peer_http *peer)
{
    int error = pthread_mutex_lock(&peer->mutex);
    CHECK(error == 0);
}

static void mutex_unlock(struct peer_http *peer)
{
    int error = pthread_mutex_unlock(&peer->mutex);
    CHECK(error == 0);
}

/* ---- The body of an answer ---- */

static bool is_stream(const struct transfer_http *transfer)
{
    const char *type = transfer->peer_call->call->answer_type;
    return transfer->stream && type != NULL && strcmp(type, PEER_STREAM_TYPE) == 0;
}

static void parts_move(struct transfer_http *transfer)
{
    struct buf *answer = &transfer->peer_call->call->answer;
    buf_reset(answer);
    buf_append_str(answer, buf_view(&transfer->parts));
    buf_reset(&transfer->parts);
    if (transfer->paused) transfer->unpause = true;
}

/* Under the mutex. True: the call's ready is to be called, without it. */
static bool part_give(struct transfer_http *transfer)
{
    if (!transfer->waiting || transfer->left) return false;
    if (transfer->parts.len == 0 && !transfer->ended) return false;
    parts_move(transfer);
    if (transfer->ended) transfer->peer_call->call->streams = false;
    transfer->waiting = false;
    return true;
}

/* The head of a stream has come, so the call has an answer; its parts follow. */
static void stream_begin(struct transfer_http *transfer)
{
    struct peer_http *peer = transfer->peer;
    long status = 0;
    CURLcode code = curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    CHECK(code == CURLE_OK);
    mutex_lock(peer);
    CHECK(peer->streaming_count < PEER_CALLS_MAX);
    peer->streaming[peer->streaming_count++] = transfer;
    transfer->streams = true;
    transfer->ended = transfer->ended || peer->stopping;
    parts_move(transfer);
    mutex_unlock(peer);
    struct peer_call *peer_call = transfer->peer_call;
    peer_call->call->status = (unsigned)status;
    peer_call->call->streams = true;
    peer_call->status = STATUS_OK;
    peer_call->done(peer_call);
}

static size_t head_take(const char *data, size_t one, size_t size, void *context)
{
    struct transfer_http *transfer = context;
    CHECK(one == 1);                    /* as libcurl documents */
    if (transfer->streams) return size; /* trailers, of a call that may be gone */
    struct api_call *call = transfer->peer_call->call;
    struct str line = { data, size };
    if (str_starts(line, STR("HTTP/"))) {
        transfer->head_done = false;
        call->header_count = 0;
        call->answer_type = NULL;
        return size;
    }
    if (str_equal(line, STR("\r\n")) || str_equal(line, STR("\n"))) {
        transfer->head_done = true;
        if (is_stream(transfer)) stream_begin(transfer);
        return size;
    }
    const char *colon = memchr(data, ':', size);
    if (colon == NULL) return size;
    size_t len = (size_t)(colon - data);
    struct str rest = { colon + 1, size - len - 1 };
    peer_answer_header(call, (struct str){ data, len }, rest);
    return size;
}

static size_t stream_take(struct transfer_http *transfer, const char *data, size_t size)
{
    struct peer_http *peer = transfer->peer;
    mutex_lock(peer);
    struct api_call *call = transfer->left ? NULL : transfer->peer_call->call;
    bool full = transfer->parts.len + size > PEER_STREAM_SIZE_MAX && transfer->parts.len > 0;
    bool over = transfer->left || transfer->ended;
    if (full && !over) transfer->paused = true;
    if (!full && !over) buf_append(&transfer->parts, data, size);
    bool ready = part_give(transfer);
    mutex_unlock(peer);
    if (ready) call->ready(call);
    if (over) return CURL_WRITEFUNC_ERROR;
    return full ? CURL_WRITEFUNC_PAUSE : size;
}

static size_t body_take(const char *data, size_t one, size_t size, void *context)
{
    struct transfer_http *transfer = context;
    CHECK(one == 1); /* as libcurl documents */
    if (transfer->streams) return stream_take(transfer, data, size);
    struct buf *answer = &transfer->peer_call->call->answer;
    buf_append(answer, data, size);
    transfer->overflow = buf_status(answer) != STATUS_OK;
    return transfer->overflow ? CURL_WRITEFUNC_ERROR : size;
}

/* ---- What else libcurl asks ---- */

static curl_socket_t socket_make(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer_http *transfer = context;
    if (purpose != CURLSOCKTYPE_IPCXN || transfer->sent) return CURL_SOCKET_BAD;
    const char *special = address_special(&address->addr, address->addrlen);
    bool loopback = special != NULL && strcmp(special, "loopback") == 0;
    if (transfer->peer->plain && !loopback) {
        transfer->denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int request_begins(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct transfer_http *transfer = context;
    char *addresses[] = { remote, local }; /* not const in libcurl's type */
    (void)addresses;                       /* judged when the socket was made */
    (void)remote_port;
    (void)local_port;
    if (transfer->sent) return CURL_PREREQFUNC_ABORT; /* a second writing on its own account */
    transfer->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* At least once a second, while a stream runs: whether it is to be ended before its head is there. */
static int stream_watch(void *context, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                        curl_off_t up)
{
    struct transfer_http *transfer = context;
    const curl_off_t sizes[] = { down_all, down, up_all, up };
    (void)sizes; /* the head is what is waited for */
    if (transfer->head_done) return 0;
    mutex_lock(transfer->peer);
    bool stopping = transfer->peer->stopping;
    mutex_unlock(transfer->peer);
    return stopping || clock_monotonic(system_clock()).ns >= transfer->until.ns;
}

/* ---- Handles ---- */

static void transfer_free(struct transfer_http *transfer)
{
    if (transfer == NULL) return;
    if (transfer->easy != NULL) curl_easy_cleanup(transfer->easy);
    buf_free(&transfer->url);
    buf_free(&transfer->parts);
    free(transfer);
}

static bool tls_configure(const struct peer_http *peer, CURL *easy)
{
    if (peer->plain) return true;
    return curl_easy_setopt(easy, CURLOPT_CAINFO, peer->ca_file) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSLCERT, peer->certificate_file) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSLKEY, peer->key_file) == CURLE_OK;
}

/* What stays the same for all calls. A failure is our bug or lack of memory. */
static bool transfer_configure(struct transfer_http *transfer)
{
    CURL *easy = transfer->easy;
    const char *protocols = transfer->peer->plain ? "http" : "https";
    bool ok = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_3) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S_MAX) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK;
    ok = ok &&
         curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)PEER_CONNECT_MS_MAX) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_take) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, head_take) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_make) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, request_begins) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, stream_watch) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)ALIVE_S) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)ALIVE_S) == CURLE_OK;
    return ok && tls_configure(transfer->peer, easy);
}

static struct transfer_http *transfer_new(struct peer_http *peer)
{
    struct transfer_http *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) return NULL;
    transfer->peer = peer;
    buf_init(&transfer->url, URL_SIZE_MAX);
    buf_init(&transfer->parts, 2 * PEER_STREAM_SIZE_MAX);
    transfer->easy = curl_easy_init();
    if (transfer->easy != NULL && transfer_configure(transfer)) return transfer;
    transfer_free(transfer);
    return NULL;
}

static struct transfer_http *transfer_take(struct peer_http *peer)
{
    mutex_lock(peer);
    struct transfer_http *transfer = peer->idle;
    if (transfer != NULL) peer->idle = transfer->next;
    bool make = transfer == NULL && peer->count < PEER_CALLS_MAX;
    if (make) peer->count++;
    mutex_unlock(peer);
    if (!make) return transfer;
    transfer = transfer_new(peer);
    if (transfer != NULL) return transfer;
    mutex_lock(peer);
    peer->count--;
    mutex_unlock(peer);
    return NULL;
}

static void transfer_give(struct transfer_http *transfer)
{
    struct peer_http *peer = transfer->peer;
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    transfer->peer_call = NULL;
    transfer->sent = transfer->head_done = transfer->overflow = transfer->denied = false;
    transfer->streams = transfer->waiting = transfer->ended = transfer->left = false;
    transfer->paused = transfer->unpause = transfer->added = false;
    buf_reset(&transfer->parts);
    mutex_lock(peer);
    transfer->next = peer->idle;
    peer->idle = transfer;
    mutex_unlock(peer);
}

/* ---- A request ---- */

static bool header_append(struct curl_slist **list, struct str name, struct str value)
{
    BUF_SCOPE struct buf line;
    buf_init(&line, HEADER_SIZE_MAX);
    buf_append_str(&line, name);
    /* libcurl takes a name with ';' as one without a value */
    buf_append_str(&line, value.len > 0 ? STR(": ") : STR(";"));
    buf_append_str(&line, value);
    if (buf_status(&line) != STATUS_OK) return false;
    struct curl_slist *longer = curl_slist_append(*list, buf_terminated(&line));
    if (longer != NULL) *list = longer;
    return longer != NULL;
}

static bool peer_headers(const struct peer_call *peer_call, const struct peer_http *peer,
                         struct curl_slist **list)
{
    const struct api_call *call = peer_call->call;
    BUF_SCOPE struct buf text;
    buf_init(&text, HEADER_SIZE_MAX);
    buf_append_format(&text, "%u", (unsigned)peer_call->left_ms);
    bool ok = header_append(list, STR(PEER_HEADER_LEFT_MS), buf_view(&text));
    if (peer->secret != NULL)
        ok = ok &&
             header_append(list, STR(PEER_HEADER_SECRET),
                           (struct str){ (const char *)peer->secret->bytes, peer->secret->size });
    buf_reset(&text);
    if (call->uid_known) buf_append_format(&text, "%u", (unsigned)call->uid);
    if (!call->uid_known) buf_append_byte(&text, '-');
    if (call->local) ok = ok && header_append(list, STR(PEER_HEADER_LOCAL), buf_view(&text));
    static const struct str arrivals[] = {
        [API_ARRIVAL_DECIDE] = { "decide", 6 },
        [API_ARRIVAL_PAY] = { "pay", 3 },
        [API_ARRIVAL_WITHDRAW] = { "withdraw", 8 },
    };
    if (call->arrival != API_ARRIVAL_NONE)
        ok = ok && header_append(list, STR(PEER_HEADER_ARRIVAL), arrivals[call->arrival]);
    char ledger[UUID_TEXT_LEN + 1];
    uuid_format(peer->ledger, ledger);
    if (!uuid_is_nil(peer->ledger))
        ok = ok && header_append(list, STR(PEER_HEADER_LEDGER), str_from(ledger));
    if (peer_call->traceparent[0] == '\0') return ok;
    return ok && header_append(list, STR("traceparent"), str_from(peer_call->traceparent));
}

static bool headers_make(struct transfer_http *transfer)
{
    const struct peer_call *peer_call = transfer->peer_call;
    const struct api_call *call = peer_call->call;
    bool ok = peer_headers(peer_call, transfer->peer, &transfer->headers);
    bool typed = false;
    for (uint32_t i = 0; i < call->raw_header_count && ok; i++) {
        const struct api_raw_header *header = &call->raw_headers[i];
        if (!peer_passes_header(header->name)) continue;
        typed = typed || str_equal_caseless(header->name, STR("Content-Type"));
        ok = header_append(&transfer->headers, header->name, header->value);
    }
    struct curl_slist *list = ok ? curl_slist_append(transfer->headers, "Expect:") : NULL;
    if (list != NULL && !typed) list = curl_slist_append(list, "Content-Type:");
    return list != NULL;
}

static const char *method_text(enum api_method method)
{
    switch (method) {
    case API_GET: return "GET";
    case API_HEAD: return "GET"; /* the transport leaves the body out */
    case API_POST: return "POST";
    case API_PATCH: return "PATCH";
    case API_PUT: return "PUT";
    case API_DELETE: return "DELETE";
    case API_OTHER: break;
    }
    return "OPTIONS"; /* refused by the owner as any unknown method is */
}

static bool wants_stream(const struct api_call *call)
{
    return call->method == API_GET && str_equal(call->path, STR(PEER_STREAM_PATH)) &&
           str_equal(call->accept, STR(PEER_STREAM_TYPE));
}

static bool transfer_prepare(struct transfer_http *transfer)
{
    CURL *easy = transfer->easy;
    const struct peer_call *peer_call = transfer->peer_call;
    const struct api_call *call = peer_call->call;
    buf_reset(&transfer->url);
    buf_append_str(&transfer->url, str_from(peer_call->url));
    buf_append_str(&transfer->url, call->path);
    if (call->query.len > 0) buf_append_byte(&transfer->url, '?');
    buf_append_str(&transfer->url, call->query);
    if (buf_status(&transfer->url) != STATUS_OK || !headers_make(transfer)) return false;
    transfer->stream = wants_stream(call);
    transfer->until = clock_monotonic(system_clock());
    transfer->until.ns += (int64_t)peer_call->left_ms * NS_PER_MS;
    long left_ms = transfer->stream ? 0L : (long)peer_call->left_ms;
    long silent_s = transfer->stream ? (long)transfer->peer->silent_s_max : 0L;
    bool ok = curl_easy_setopt(easy, CURLOPT_URL, buf_terminated(&transfer->url)) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK; /* forgets the last body */
    ok = ok && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_NOPROGRESS, transfer->stream ? 0L : 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, silent_s) == CURLE_OK;
    bool body = call->body.len > 0 || call->method == API_POST || call->method == API_PUT;
    if (body) {
        ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                    (curl_off_t)call->body.len) == CURLE_OK;
        ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                                    call->body.len > 0 ? call->body.data : "") == CURLE_OK;
    }
    return ok &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method_text(call->method)) == CURLE_OK;
}

static void peer_send(struct peer *port, struct peer_call *peer_call)
{
    struct peer_http *peer = (struct peer_http *)port;
    struct transfer_http *transfer = transfer_take(peer);
    if (transfer != NULL) {
        transfer->peer_call = peer_call;
        peer_call->work = transfer;
        buf_reset(&peer_call->call->answer);
        if (transfer_prepare(transfer)) {
            mutex_lock(peer);
            transfer->next = peer->asked;
            peer->asked = transfer;
            mutex_unlock(peer);
            (void)curl_multi_wakeup(peer->multi); /* else at the next look */
            return;
        }
        transfer_give(transfer);
    }
    peer_call->status = STATUS_UNAVAILABLE;
    peer_call->done(peer_call);
}

/* ---- Ends ---- */

static enum status status_of(const struct transfer_http *transfer, CURLcode code)
{
    if (code == CURLE_OK && transfer->head_done) return STATUS_OK;
    if (transfer->overflow) return STATUS_LIMIT;
    if (transfer->sent) return STATUS_IN_DOUBT;
    bool denied = transfer->denied || code == CURLE_PEER_FAILED_VERIFICATION;
    return denied ? STATUS_DENIED : STATUS_UNAVAILABLE;
}

static void streaming_remove(struct peer_http *peer, struct transfer_http *transfer)
{
    for (uint32_t i = 0; i < peer->streaming_count; i++) {
        if (peer->streaming[i] != transfer) continue;
        peer->streaming[i] = peer->streaming[--peer->streaming_count];
        return;
    }
    CHECK(false);
}

/* The last part has come, or none will. Its handle is free when the reader has left, too. */
static void stream_finish(struct transfer_http *transfer)
{
    struct peer_http *peer = transfer->peer;
    mutex_lock(peer);
    struct api_call *call = transfer->left ? NULL : transfer->peer_call->call;
    transfer->ended = true;
    transfer->added = false;
    bool ready = part_give(transfer);
    bool left = transfer->left;
    if (left) streaming_remove(peer, transfer);
    mutex_unlock(peer);
    if (ready) call->ready(call);
    if (left) transfer_give(transfer);
}

static void transfer_finish(struct transfer_http *transfer, CURLcode code)
{
    if (transfer->streams) {
        stream_finish(transfer);
        return;
    }
    struct peer_call *peer_call = transfer->peer_call;
    enum status status = status_of(transfer, code);
    long http_status = 0;
    if (status == STATUS_OK) {
        CURLcode known = curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &http_status);
        CHECK(known == CURLE_OK);
        peer_call->call->status = (unsigned)http_status;
        peer_call->call->streams = false;
    }
    peer_call->status = status;
    transfer_give(transfer);
    peer_call->done(peer_call);
}

/* ---- The thread ---- */

/* In the order in which they were handed over. */
static struct transfer_http *asked_take(struct peer_http *peer, bool *out_closing)
{
    mutex_lock(peer);
    struct transfer_http *newest = peer->asked;
    peer->asked = NULL;
    *out_closing = peer->closing;
    mutex_unlock(peer);
    struct transfer_http *oldest = NULL;
    while (newest != NULL) {
        struct transfer_http *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void asked_add(struct peer_http *peer, struct transfer_http *asked)
{
    while (asked != NULL) {
        struct transfer_http *transfer = asked;
        asked = asked->next;
        transfer->added = true;
        if (curl_multi_add_handle(peer->multi, transfer->easy) == CURLM_OK) continue;
        transfer_finish(transfer, CURLE_OUT_OF_MEMORY);
    }
}

static void finished_take(struct peer_http *peer)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(peer->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        struct transfer_http *transfer = NULL;
        CURLcode code = message->data.result;
        CURLcode known = curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        CHECK(known == CURLE_OK);
        CURLMcode removed = curl_multi_remove_handle(peer->multi, message->easy_handle);
        CHECK(removed == CURLM_OK);
        transfer_finish(transfer, code);
    }
}

enum stream_wish { WISH_NONE, WISH_GO_ON, WISH_END };

static enum stream_wish wish_take(struct peer_http *peer, uint32_t *at,
                                  struct transfer_http **out_transfer)
{
    enum stream_wish wish = WISH_NONE;
    mutex_lock(peer);
    while (wish == WISH_NONE && *at < peer->streaming_count) {
        struct transfer_http *transfer = peer->streaming[(*at)++];
        bool over = transfer->left || transfer->ended;
        if (over && transfer->added) wish = WISH_END;
        if (over && transfer->left && !transfer->added) wish = WISH_END;
        if (!over && transfer->unpause) wish = WISH_GO_ON;
        if (wish == WISH_GO_ON) transfer->unpause = transfer->paused = false;
        *out_transfer = transfer;
    }
    mutex_unlock(peer);
    return wish;
}

/* What readers of streams want: more, or nothing any more. */
static void streams_look(struct peer_http *peer)
{
    uint32_t at = 0;
    struct transfer_http *transfer = NULL;
    for (;;) {
        enum stream_wish wish = wish_take(peer, &at, &transfer);
        if (wish == WISH_NONE) return;
        if (wish == WISH_GO_ON) {
            (void)curl_easy_pause(transfer->easy, CURLPAUSE_CONT); /* a failure ends the transfer */
            continue;
        }
        if (transfer->added) {
            CURLMcode removed = curl_multi_remove_handle(peer->multi, transfer->easy);
            CHECK(removed == CURLM_OK);
        }
        stream_finish(transfer);
        at = 0; /* the order has changed */
    }
}

static void *peer_run(void *argument)
{
    struct peer_http *peer = argument;
    for (;;) {
        bool closing;
        asked_add(peer, asked_take(peer, &closing));
        streams_look(peer);
        int running = 0;
        CURLMcode code = curl_multi_perform(peer->multi, &running);
        CHECK(code == CURLM_OK);
        finished_take(peer);
        if (closing && running == 0) return NULL;
        code = curl_multi_poll(peer->multi, NULL, 0, POLL_MS, NULL);
        CHECK(code == CURLM_OK);
    }
}

/* ---- Answers in parts ---- */

static enum api_progress peer_more(struct peer *port, struct peer_call *peer_call)
{
    struct peer_http *peer = (struct peer_http *)port;
    struct transfer_http *transfer = peer_call->work;
    mutex_lock(peer);
    buf_reset(&peer_call->call->answer);
    transfer->waiting = true;
    bool ready = part_give(transfer);
    bool wake = transfer->unpause;
    mutex_unlock(peer);
    if (wake) (void)curl_multi_wakeup(peer->multi); /* else at the next look */
    return ready ? API_READY : API_PENDING;
}

static void peer_hurry(struct peer *port, struct peer_call *peer_call)
{
    struct peer_http *peer = (struct peer_http *)port;
    struct transfer_http *transfer = peer_call->work;
    mutex_lock(peer);
    transfer->ended = true;
    bool ready = part_give(transfer);
    mutex_unlock(peer);
    (void)curl_multi_wakeup(peer->multi); /* else at the next look */
    if (ready) peer_call->call->ready(peer_call->call);
}

static void peer_leave(struct peer *port, struct peer_call *peer_call)
{
    struct peer_http *peer = (struct peer_http *)port;
    struct transfer_http *transfer = peer_call->work;
    mutex_lock(peer);
    transfer->left = true;
    mutex_unlock(peer);
    (void)curl_multi_wakeup(peer->multi); /* else at the next look */
}

static void peer_stop(struct peer *port)
{
    struct peer_http *peer = (struct peer_http *)port;
    uint32_t at = 0;
    mutex_lock(peer);
    peer->stopping = true;
    for (;;) {
        while (at < peer->streaming_count && peer->streaming[at]->ended) at++;
        if (at == peer->streaming_count) break;
        struct transfer_http *transfer = peer->streaming[at];
        transfer->ended = true;
        struct api_call *call = transfer->left ? NULL : transfer->peer_call->call;
        if (!part_give(transfer)) continue;
        mutex_unlock(peer);
        call->ready(call);
        mutex_lock(peer);
        at = 0;
    }
    mutex_unlock(peer);
    (void)curl_multi_wakeup(peer->multi); /* else at the next look */
}

/* ---- Life ---- */

static void peer_free(struct peer_http *peer)
{
    while (peer->idle != NULL) {
        struct transfer_http *transfer = peer->idle;
        peer->idle = transfer->next;
        transfer_free(transfer);
    }
    if (peer->multi != NULL) (void)curl_multi_cleanup(peer->multi); /* nothing is in it */
    int error = pthread_mutex_destroy(&peer->mutex);
    CHECK(error == 0);
    free(peer->ca_file);
    free(peer->certificate_file);
    free(peer->key_file);
    free(peer);
}

static void peer_close(struct peer *port)
{
    if (port == NULL) return;
    struct peer_http *peer = (struct peer_http *)port;
    mutex_lock(peer);
    peer->closing = true;
    mutex_unlock(peer);
    (void)curl_multi_wakeup(peer->multi); /* else at the next look */
    int error = pthread_join(peer->thread, NULL);
    CHECK(error == 0);
    CHECK(peer->streaming_count == 0);
    peer_free(peer);
}

static enum status files_take(const struct peer_http_options *options, struct peer_http *peer,
                              struct error *out_error)
{
    const char *const from[] = { options->ca_file, options->certificate_file, options->key_file };
    char **const into[] = { &peer->ca_file, &peer->certificate_file, &peer->key_file };
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
        CHECK(from[i] != NULL);
        if (access(from[i], R_OK) != 0) {
            return error_set(out_error, STATUS_INVALID, "cannot read '%s': %s", from[i],
                             strerror(errno));
        }
        *into[i] = strdup(from[i]);
        CHECK(*into[i] != NULL);
    }
    return STATUS_OK;
}

static void library_init(void)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_ALL);
    CHECK(code == CURLE_OK);
}

enum status peer_http_open(const struct peer_http_options *options, struct peer **out_peer,
                           struct error *out_error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int error = pthread_once(&once, library_init);
    CHECK(error == 0);
    struct peer_http *peer = calloc(1, sizeof *peer);
    if (peer == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    peer->port = (struct peer){ .send = peer_send,
                                .more = peer_more,
                                .hurry = peer_hurry,
                                .leave = peer_leave,
                                .stop = peer_stop,
                                .close = peer_close };
    peer->plain = options->ca_file == NULL;
    peer->ledger = options->ledger;
    peer->secret = options->secret;
    peer->silent_s_max = options->silent_s_max;
    error = pthread_mutex_init(&peer->mutex, NULL);
    CHECK(error == 0);
    enum status status = peer->plain ? STATUS_OK : files_take(options, peer, out_error);
    peer->multi = status == STATUS_OK ? curl_multi_init() : NULL;
    if (status == STATUS_OK && peer->multi == NULL) {
        status = error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    }
    if (status == STATUS_OK) {
        CURLMcode code =
            curl_multi_setopt(peer->multi, CURLMOPT_MAXCONNECTS, (long)PEER_CONNECTIONS_MAX);
        CHECK(code == CURLM_OK);
        error = pthread_create(&peer->thread, NULL, peer_run, peer);
        if (error != 0)
            status = error_set(out_error, STATUS_UNAVAILABLE, "no thread: %s", strerror(error));
    }
    if (status != STATUS_OK) {
        peer_free(peer);
        return status;
    }
    *out_peer = &peer->port;
    return STATUS_OK;
}
