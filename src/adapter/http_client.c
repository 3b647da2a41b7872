/* One easy handle of libcurl, which keeps its connection between calls. */
#include "adapter/http_client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/check.h"

enum {
    CONNECT_MS_MAX = 5000,
    CALL_MS_MAX = 60000,
    URL_SIZE_MAX = 8 << 10,
    HEADER_SIZE_MAX = 1 << 10,
};

struct http_client {
    CURL *easy;
    struct buf base; /* "http://localhost" or as given, without a slash behind */
    struct buf url;
    struct buf *answer; /* of the call under way */
    char message[CURL_ERROR_SIZE];
};

static void library_init(void)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_ALL);
    CHECK(code == CURLE_OK);
}

static size_t answer_take(const char *data, size_t one, size_t size, void *context)
{
    struct http_client *client = context;
    CHECK(one == 1); /* as libcurl documents */
    buf_append(client->answer, data, size);
    return buf_status(client->answer) == STATUS_OK ? size : CURL_WRITEFUNC_ERROR;
}

/* Every option has a constant type of value, so a failure is our bug or lack of memory. */
static bool client_configure(struct http_client *client, const struct http_client_options *options)
{
    CURL *easy = client->easy;
    long connect_ms = options->connect_ms_max > 0 ? (long)options->connect_ms_max : CONNECT_MS_MAX;
    long call_ms = options->call_ms_max > 0 ? (long)options->call_ms_max : CALL_MS_MAX;
    bool ok = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->message) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_3) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, call_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_take) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEDATA, client) == CURLE_OK;
    if (options->socket_path != NULL) {
        ok = ok &&
             curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, options->socket_path) == CURLE_OK;
    }
    if (options->ca_file != NULL) {
        ok = ok && curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file) == CURLE_OK;
    }
    if (options->certificate_file != NULL) {
        ok = ok && curl_easy_setopt(easy, CURLOPT_SSLCERT, options->certificate_file) == CURLE_OK;
    }
    if (options->key_file != NULL) {
        ok = ok && curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key_file) == CURLE_OK;
    }
    return ok;
}

static bool url_is_http(struct str url)
{
    return str_starts(url, STR("http://")) || str_starts(url, STR("https://"));
}

enum status http_client_open(const struct http_client_options *options,
                             struct http_client **out_client, struct error *out_error)
{
    CHECK(options != NULL);
    CHECK(out_client != NULL);
    CHECK((options->socket_path != NULL) != (options->url != NULL));
    struct str base = STR("http://localhost");
    if (options->url != NULL) base = str_from(options->url);
    if (!url_is_http(base)) {
        return error_set(out_error, STATUS_INVALID, "'%.*s' is no URL of http or https",
                         STR_ARG(base));
    }
    while (base.len > 0 && base.data[base.len - 1] == '/') base.len--;

    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int error = pthread_once(&once, library_init);
    CHECK(error == 0);
    struct http_client *client = calloc(1, sizeof *client);
    if (client == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    buf_init(&client->base, URL_SIZE_MAX);
    buf_init(&client->url, 2 * URL_SIZE_MAX);
    buf_append_str(&client->base, base);
    client->easy = curl_easy_init();
    if (client->easy == NULL || buf_status(&client->base) != STATUS_OK ||
        !client_configure(client, options)) {
        http_client_close(client);
        return error_set(out_error, STATUS_UNAVAILABLE, "the HTTP client cannot be set up");
    }
    *out_client = client;
    return STATUS_OK;
}

void http_client_close(struct http_client *client)
{
    if (client == NULL) return;
    if (client->easy != NULL) curl_easy_cleanup(client->easy);
    buf_free(&client->base);
    buf_free(&client->url);
    free(client);
}

/* The list with one header more; on lack of memory, NULL, and the list is freed. */
static struct curl_slist *header_append(struct curl_slist *list, struct str name, struct str value)
{
    struct buf line;
    buf_init(&line, HEADER_SIZE_MAX);
    buf_append_str(&line, name);
    buf_append_str(&line, value);
    struct curl_slist *longer = NULL;
    if (buf_status(&line) == STATUS_OK) longer = curl_slist_append(list, buf_terminated(&line));
    if (longer == NULL) curl_slist_free_all(list);
    buf_free(&line);
    return longer;
}

static struct curl_slist *headers_make(const struct http_call *call)
{
    const struct {
        struct str name;
        struct str value;
    } headers[] = {
        { STR("Authorization: "), call->authorization },
        { STR("Idempotency-Key: "), call->idempotency_key },
        { STR("Accept: "), call->accept },
        { STR("traceparent: "), call->traceparent },
        { STR("TPW-Lane: "), call->lane },
    };
    /* No waiting for 100 Continue; and a body has the type it is given, or none. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    struct str type_name =
        call->content_type.len > 0 ? STR("Content-Type: ") : STR("Content-Type:");
    if (list != NULL) list = header_append(list, type_name, call->content_type);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0] && list != NULL; i++) {
        if (headers[i].value.len == 0) continue;
        list = header_append(list, headers[i].name, headers[i].value);
    }
    return list;
}

/* What a failure of libcurl says about the call. */
static enum status status_of(CURLcode code, bool overflow)
{
    switch ((int)code) {
    case CURLE_OK: return STATUS_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_OUT_OF_MEMORY: return STATUS_UNAVAILABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_REMOTE_ACCESS_DENIED: return STATUS_DENIED;
    case CURLE_URL_MALFORMAT: return STATUS_INVALID;
    case CURLE_WRITE_ERROR: return overflow ? STATUS_LIMIT : STATUS_IN_DOUBT;
    default: return STATUS_IN_DOUBT;
    }
}

static bool call_configure(struct http_client *client, const struct http_call *call,
                           struct curl_slist *headers, struct buf *method)
{
    CURL *easy = client->easy;
    buf_append_str(method, call->method);
    bool head = str_equal(call->method, STR("HEAD"));
    bool ok = curl_easy_setopt(easy, CURLOPT_URL, buf_terminated(&client->url)) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK; /* forgets the last body */
    ok = ok && curl_easy_setopt(easy, CURLOPT_NOBODY, head ? 1L : 0L) == CURLE_OK;
    if (call->body.len > 0) {
        ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                    (curl_off_t)call->body.len) == CURLE_OK;
        ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.data) == CURLE_OK;
    }
    ok = ok && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, buf_terminated(method)) == CURLE_OK;
    return ok;
}

/* Whether a connection was made in this call or before: without one, nothing can be sent. */
static bool call_was_sent(CURL *easy)
{
    curl_off_t sent = 0;
    long request_size = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent); /* stays 0: decided below */
    if (curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_size) != CURLE_OK) return true;
    return sent > 0 || request_size > 0;
}

enum status http_client_call(struct http_client *client, const struct http_call *call,
                             unsigned *out_http_status, struct buf *out_body,
                             struct error *out_error)
{
    CHECK(client != NULL);
    CHECK(call != NULL);
    CHECK(out_http_status != NULL);
    CHECK(out_body != NULL);
    CHECK(call->target.len > 0 && call->target.data[0] == '/');
    buf_reset(&client->url);
    buf_append_str(&client->url, buf_view(&client->base));
    buf_append_str(&client->url, call->target);
    if (buf_status(&client->url) != STATUS_OK) {
        return error_set(out_error, STATUS_UNAVAILABLE, "the path is too long");
    }
    struct curl_slist *headers = headers_make(call);
    BUF_SCOPE struct buf method;
    buf_init(&method, HEADER_SIZE_MAX);
    if (headers == NULL || !call_configure(client, call, headers, &method)) {
        curl_slist_free_all(headers);
        return error_set(out_error, STATUS_UNAVAILABLE, "the request cannot be made");
    }
    buf_reset(out_body);
    client->answer = out_body;
    client->message[0] = '\0';
    CURLcode code = curl_easy_perform(client->easy);
    curl_slist_free_all(headers);
    enum status status = status_of(code, buf_status(out_body) != STATUS_OK);
    if (status == STATUS_IN_DOUBT && !call_was_sent(client->easy)) status = STATUS_UNAVAILABLE;
    if (status != STATUS_OK) {
        const char *text = client->message[0] != '\0' ? client->message : curl_easy_strerror(code);
        return error_set(out_error, status, "no answer from %.*s: %s",
                         STR_ARG(buf_view(&client->base)), text);
    }
    long http_status = 0;
    curl_off_t length = -1;
    code = curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &http_status);
    CHECK(code == CURLE_OK);
    code = curl_easy_getinfo(client->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    CHECK(code == CURLE_OK);
    /* libcurl takes a head that was cut off for a whole one. Our answers say how long they are. */
    if (length < 0) {
        return error_set(out_error, STATUS_IN_DOUBT, "the answer from %.*s is not whole",
                         STR_ARG(buf_view(&client->base)));
    }
    *out_http_status = (unsigned)http_status;
    return STATUS_OK;
}
