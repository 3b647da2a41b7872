#include "adapter/otlp_sender.h"

#include <pthread.h>

#include "base/check.h"

enum { CONNECT_MS_MAX = 1000 };

static void library_init(void)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_ALL);
    CHECK(code == CURLE_OK);
}

/* The collector's words are of no use here: only its status counts. */
static size_t answer_drop(const char *data, size_t one, size_t size, void *context)
{
    (void)data;
    (void)context;
    return one * size;
}

static bool configure(struct otlp_sender *sender)
{
    CURL *easy = sender->easy;
    const char *url = buf_terminated(&sender->url);
    bool ok = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, sender->headers) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_drop) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)OTLP_SEND_MS_MAX) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK;
    return ok;
}

enum status otlp_sender_open(struct otlp_sender *sender, const char *url, struct error *out_error)
{
    CHECK(url != NULL);
    *sender = (struct otlp_sender){ 0 };
    buf_init(&sender->url, ERROR_TEXT_SIZE * 8);
    struct str text = str_from(url);
    if (!str_starts(text, STR("http://")) && !str_starts(text, STR("https://"))) {
        (void)error_set(out_error, STATUS_INVALID, "'%s' is no URL of http or https", url);
        error_hint(out_error, "write it as http://127.0.0.1:4318/v1/traces");
        return STATUS_INVALID;
    }
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int error = pthread_once(&once, library_init);
    CHECK(error == 0);
    buf_append_str(&sender->url, text);
    sender->headers = curl_slist_append(NULL, "Content-Type: application/json");
    sender->easy = curl_easy_init();
    bool ok = sender->headers != NULL && sender->easy != NULL &&
              buf_status(&sender->url) == STATUS_OK && configure(sender);
    if (ok) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "sending to '%s' cannot be set up", url);
}

bool otlp_sender_post(struct otlp_sender *sender, const struct buf *body)
{
    CURL *easy = sender->easy;
    curl_off_t size = (curl_off_t)body->len;
    if (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size) != CURLE_OK) return false;
    if (curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data) != CURLE_OK) return false;
    if (curl_easy_perform(easy) != CURLE_OK) return false;
    long http_status = 0;
    if (curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http_status) != CURLE_OK) return false;
    return http_status >= 200 && http_status < 300;
}

void otlp_sender_close(struct otlp_sender *sender)
{
    if (sender->easy != NULL) curl_easy_cleanup(sender->easy);
    curl_slist_free_all(sender->headers);
    buf_free(&sender->url);
}
