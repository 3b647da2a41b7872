/* A ring of spans, and a task that takes them out in batches and posts them by libcurl. */
#include "adapter/otlp_exporter.h"

#include <pthread.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/json_writer.h"

enum {
    SEND_PERIOD_MS = 1000,
    CONNECT_MS_MAX = 1000,
    BODY_SIZE_MAX = 1 << 20, /* a batch is about 300 KiB */
    SPAN_ERROR = 2,          /* STATUS_CODE_ERROR */
    TRACE_DIGITS = 32,
    SPAN_DIGITS = 16,
    NAME_SIZE_MAX = 256,
};

struct otlp_exporter {
    struct sync *sync;
    struct clock *clock;
    struct monitor *monitor; /* the ring, the counts and stop */
    struct task *task;
    CURL *easy; /* the task's, as everything below it */
    struct curl_slist *headers;
    struct buf body;
    struct buf url;
    struct buf version;
    struct span batch[OTLP_BATCH_SPANS];

    struct span ring[OTLP_QUEUE_SPANS];
    uint32_t first;
    uint32_t count;
    struct otlp_counts counts;
    bool stop;
};

/* ---- the JSON form: opentelemetry-proto, "JSON Protobuf encoding" ---- */

static void attribute_text(struct json_writer *writer, struct str key, struct str text)
{
    json_write_object_begin(writer);
    json_write_key(writer, STR("key"));
    json_write_string(writer, key);
    json_write_key(writer, STR("value"));
    json_write_object_begin(writer);
    json_write_key(writer, STR("stringValue"));
    json_write_string(writer, text);
    json_write_object_end(writer);
    json_write_object_end(writer);
}

/* 64-bit integers are strings there; so text is a number in decimal. */
static void attribute_number(struct json_writer *writer, struct str key, uint64_t number)
{
    struct buf text;
    buf_init(&text, SPAN_DIGITS + 8);
    buf_append_format(&text, "%llu", (unsigned long long)number);
    json_write_object_begin(writer);
    json_write_key(writer, STR("key"));
    json_write_string(writer, key);
    json_write_key(writer, STR("value"));
    json_write_object_begin(writer);
    json_write_key(writer, STR("intValue"));
    json_write_string(writer, buf_view(&text));
    json_write_object_end(writer);
    json_write_object_end(writer);
    buf_free(&text);
}

static void member_hex(struct json_writer *writer, struct str key, const uint64_t *words,
                       size_t count)
{
    char digits[TRACE_DIGITS];
    CHECK(count <= 2);
    for (size_t i = 0; i < count; i++) {
        hex_put((uint32_t)(words[i] >> 32), digits + i * SPAN_DIGITS);
        hex_put((uint32_t)words[i], digits + i * SPAN_DIGITS + 8);
    }
    json_write_key(writer, key);
    json_write_string(writer, (struct str){ digits, count * SPAN_DIGITS });
}

static void member_time(struct json_writer *writer, struct str key, struct wall_time time)
{
    struct buf text;
    buf_init(&text, TIME_TEXT_SIZE);
    buf_append_format(&text, "%lld", (long long)time.ns);
    json_write_key(writer, key);
    json_write_string(writer, buf_view(&text));
    buf_free(&text);
}

static void member_name(struct json_writer *writer, const struct span *span)
{
    json_write_key(writer, STR("name"));
    if (span->name.len > 0) {
        json_write_string(writer, span->name);
        return;
    }
    struct buf name;
    buf_init(&name, NAME_SIZE_MAX);
    buf_append_str(&name, span->method);
    if (span->route.len > 0) {
        buf_append_byte(&name, ' ');
        buf_append_str(&name, span->route);
    }
    json_write_string(writer, buf_view(&name));
    buf_free(&name);
}

static void span_write(struct json_writer *writer, const struct span *span)
{
    const uint64_t trace[] = { span->trace.id.hi, span->trace.id.lo };
    json_write_object_begin(writer);
    member_hex(writer, STR("traceId"), trace, 2);
    member_hex(writer, STR("spanId"), &span->trace.span, 1);
    if (span->parent != 0) member_hex(writer, STR("parentSpanId"), &span->parent, 1);
    member_name(writer, span);
    json_write_key(writer, STR("kind"));
    json_write_uint64(writer, (uint64_t)span->kind);
    member_time(writer, STR("startTimeUnixNano"), span->start);
    member_time(writer, STR("endTimeUnixNano"), span->end);
    json_write_key(writer, STR("attributes"));
    json_write_array_begin(writer);
    if (span->method.len > 0) {
        attribute_text(writer, STR("http.request.method"), span->method);
    }
    if (span->route.len > 0) attribute_text(writer, STR("http.route"), span->route);
    if (span->http_status > 0) {
        attribute_number(writer, STR("http.response.status_code"), span->http_status);
    }
    json_write_array_end(writer);
    if (span->http_status >= 500) {
        json_write_key(writer, STR("status"));
        json_write_object_begin(writer);
        json_write_key(writer, STR("code"));
        json_write_uint64(writer, SPAN_ERROR);
        json_write_object_end(writer);
    }
    json_write_object_end(writer);
}

static void resource_write(struct json_writer *writer, struct str version)
{
    json_write_key(writer, STR("resource"));
    json_write_object_begin(writer);
    json_write_key(writer, STR("attributes"));
    json_write_array_begin(writer);
    attribute_text(writer, STR("service.name"), STR("tpwallet"));
    attribute_text(writer, STR("service.version"), version);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

static enum status body_write(struct otlp_exporter *exporter, uint32_t count)
{
    struct json_writer writer;
    buf_reset(&exporter->body);
    json_writer_init(&writer, &exporter->body);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("resourceSpans"));
    json_write_array_begin(&writer);
    json_write_object_begin(&writer);
    resource_write(&writer, buf_view(&exporter->version));
    json_write_key(&writer, STR("scopeSpans"));
    json_write_array_begin(&writer);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("scope"));
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("name"));
    json_write_string(&writer, STR("tpwallet.http"));
    json_write_object_end(&writer);
    json_write_key(&writer, STR("spans"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < count; i++) span_write(&writer, &exporter->batch[i]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    return json_write_end(&writer);
}

/* ---- sending ---- */

/* The collector's words are of no use here: only its status counts. */
static size_t answer_drop(const char *data, size_t one, size_t size, void *context)
{
    (void)data;
    (void)context;
    return one * size;
}

static bool batch_send(struct otlp_exporter *exporter, uint32_t count)
{
    CURL *easy = exporter->easy;
    if (body_write(exporter, count) != STATUS_OK) return false;
    curl_off_t size = (curl_off_t)exporter->body.len;
    if (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size) != CURLE_OK) return false;
    if (curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exporter->body.data) != CURLE_OK) return false;
    if (curl_easy_perform(easy) != CURLE_OK) return false;
    long http_status = 0;
    if (curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http_status) != CURLE_OK) return false;
    return http_status >= 200 && http_status < 300;
}

/* Monitor held. */
static uint32_t batch_take(struct otlp_exporter *exporter)
{
    uint32_t count = exporter->count < OTLP_BATCH_SPANS ? exporter->count : OTLP_BATCH_SPANS;
    for (uint32_t i = 0; i < count; i++) {
        exporter->batch[i] = exporter->ring[(exporter->first + i) % OTLP_QUEUE_SPANS];
    }
    exporter->first = (exporter->first + count) % OTLP_QUEUE_SPANS;
    exporter->count -= count;
    return count;
}

static struct monotonic_time after_ms(struct otlp_exporter *exporter, int64_t ms)
{
    return (struct monotonic_time){ clock_monotonic(exporter->clock).ns + ms * NS_PER_MS };
}

/* Monitor held, and released while the collector is waited for. */
static void batches_send(struct otlp_exporter *exporter, struct monotonic_time give_up)
{
    while (exporter->count > 0) {
        uint32_t count = batch_take(exporter);
        exporter->sync->unlock(exporter->monitor);
        bool in_time = clock_monotonic(exporter->clock).ns < give_up.ns;
        bool sent = in_time && batch_send(exporter, count);
        exporter->sync->lock(exporter->monitor);
        exporter->counts.sent += sent ? count : 0;
        exporter->counts.dropped += sent ? 0 : count;
    }
}

static void exporter_run(void *argument)
{
    struct otlp_exporter *exporter = argument;
    exporter->sync->lock(exporter->monitor);
    while (!exporter->stop) {
        struct monotonic_time until = after_ms(exporter, SEND_PERIOD_MS);
        while (!exporter->stop && exporter->count < OTLP_BATCH_SPANS) {
            if (!exporter->sync->wait(exporter->monitor, until)) break;
        }
        if (!exporter->stop) batches_send(exporter, MONOTONIC_NEVER);
    }
    batches_send(exporter, after_ms(exporter, OTLP_SEND_MS_MAX));
    exporter->sync->unlock(exporter->monitor);
}

/* ---- the calls ---- */

static void library_init(void)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_ALL);
    CHECK(code == CURLE_OK);
}

static bool exporter_configure(struct otlp_exporter *exporter, const struct otlp_options *options)
{
    buf_append_str(&exporter->url, str_from(options->url));
    buf_append_str(&exporter->version, str_from(options->version));
    exporter->headers = curl_slist_append(NULL, "Content-Type: application/json");
    exporter->easy = curl_easy_init();
    CURL *easy = exporter->easy;
    if (exporter->headers == NULL || easy == NULL) return false;
    if (buf_status(&exporter->url) != STATUS_OK) return false;
    if (buf_status(&exporter->version) != STATUS_OK) return false;
    const char *url = buf_terminated(&exporter->url);
    bool ok = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exporter->headers) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_drop) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)OTLP_SEND_MS_MAX) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK;
    return ok;
}

static void exporter_free(struct otlp_exporter *exporter)
{
    if (exporter->easy != NULL) curl_easy_cleanup(exporter->easy);
    curl_slist_free_all(exporter->headers);
    exporter->sync->monitor_free(exporter->monitor);
    buf_free(&exporter->body);
    buf_free(&exporter->url);
    buf_free(&exporter->version);
    free(exporter);
}

enum status otlp_open(const struct otlp_options *options, struct otlp_exporter **out_exporter,
                      struct error *out_error)
{
    CHECK(options != NULL);
    CHECK(options->url != NULL);
    CHECK(options->version != NULL);
    CHECK(out_exporter != NULL);
    struct str url = str_from(options->url);
    if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) {
        (void)error_set(out_error, STATUS_INVALID, "'%s' is no URL of http or https", options->url);
        error_hint(out_error, "write it as http://127.0.0.1:4318/v1/traces");
        return STATUS_INVALID;
    }
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int error = pthread_once(&once, library_init);
    CHECK(error == 0);
    struct otlp_exporter *exporter = calloc(1, sizeof *exporter);
    if (exporter == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    exporter->sync = options->sync;
    exporter->clock = options->clock;
    exporter->monitor = options->sync->monitor_new(options->sync, "otlp");
    buf_init(&exporter->body, BODY_SIZE_MAX);
    buf_init(&exporter->url, ERROR_TEXT_SIZE * 8);
    buf_init(&exporter->version, ERROR_TEXT_SIZE);
    enum status status = STATUS_UNAVAILABLE;
    if (exporter_configure(exporter, options)) {
        status =
            exporter->sync->spawn(exporter->sync, "otlp", exporter_run, exporter, &exporter->task);
    }
    if (status != STATUS_OK) {
        exporter_free(exporter);
        return error_set(out_error, status, "the exporter of spans cannot be set up");
    }
    *out_exporter = exporter;
    return STATUS_OK;
}

void otlp_span(struct otlp_exporter *exporter, const struct span *span)
{
    if (exporter == NULL) return;
    CHECK(span != NULL);
    CHECK(!uuid_is_nil(span->trace.id));
    CHECK(span->trace.span != 0);
    exporter->sync->lock(exporter->monitor);
    if (exporter->count == OTLP_QUEUE_SPANS) {
        exporter->counts.dropped++;
    } else {
        exporter->ring[(exporter->first + exporter->count) % OTLP_QUEUE_SPANS] = *span;
        exporter->count++;
        exporter->counts.queued++;
        if (exporter->count == OTLP_BATCH_SPANS) exporter->sync->wake_all(exporter->monitor);
    }
    exporter->sync->unlock(exporter->monitor);
}

void otlp_get_counts(struct otlp_exporter *exporter, struct otlp_counts *out_counts)
{
    CHECK(out_counts != NULL);
    *out_counts = (struct otlp_counts){ 0 };
    if (exporter == NULL) return;
    exporter->sync->lock(exporter->monitor);
    *out_counts = exporter->counts;
    exporter->sync->unlock(exporter->monitor);
}

void otlp_close(struct otlp_exporter *exporter)
{
    if (exporter == NULL) return;
    exporter->sync->lock(exporter->monitor);
    exporter->stop = true;
    exporter->sync->wake_all(exporter->monitor);
    exporter->sync->unlock(exporter->monitor);
    exporter->sync->join(exporter->task);
    exporter_free(exporter);
}
