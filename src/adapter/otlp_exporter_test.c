/*
 * Goal: spans arrive at a collector in the JSON form of OTLP, in batches, and a collector that is
 * slow, refuses, or is not there costs spans and never a caller's time.
 * Method: the HTTP server with a small API that keeps bodies is the collector; jansson reads
 * what came.
 */
#include "adapter/otlp_exporter.h"

#include <jansson.h>

#include "adapter/http_server_test.h"
#include "adapter/otlp_sender.h"

enum { URL_SIZE = 128 };

struct world {
    struct api *api;
    struct http_server *server;
    struct otlp_exporter *exporter;
};

static struct otlp_exporter *exporter_to(const char *url)
{
    const struct otlp_options options = {
        .url = url,
        .version = "1.2.3",
        .sync = thread_sync(),
        .clock = system_clock(),
    };
    struct otlp_exporter *exporter = NULL;
    struct error error;
    assert_int_equal(otlp_open(&options, &exporter, &error), STATUS_OK);
    return exporter;
}

static void world_open(struct world *world)
{
    world->api = double_new();
    const struct http_server_options options = double_options(world->api);
    world->server = double_serve(&options);
    char url[URL_SIZE];
    int len = snprintf(url, sizeof url, "http://%s/sink", http_server_address(world->server));
    assert_true(len > 0 && len < URL_SIZE);
    world->exporter = exporter_to(url);
}

static void world_close(struct world *world)
{
    http_server_close(world->server);
    double_free(world->api);
}

static struct span span_of(uint64_t number)
{
    return (struct span){
        .trace = { .id = { .hi = 0x0af7651916cd43dd, .lo = 0x8448eb211c80319c }, .span = number },
        .parent = 0x00f067aa0ba902b7,
        .kind = SPAN_SERVER,
        .route = STR("/v1/transfers"),
        .method = STR("POST"),
        .http_status = 201,
        .start = { 1000000000000000001 },
        .end = { 1000000000000000002 },
    };
}

static const char *text_at(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* The value of an attribute in an array of {key, value: {kind: text}}. */
static const char *attribute(json_t *array, const char *key, const char *kind)
{
    size_t index;
    json_t *entry;
    json_array_foreach(array, index, entry)
    {
        if (strcmp(text_at(entry, "key"), key) == 0) {
            return text_at(json_object_get(entry, "value"), kind);
        }
    }
    return "";
}

/* The spans of a body; *out_body is to be released. */
static json_t *spans_of(const char *text, json_t **out_body)
{
    json_error_t error;
    *out_body = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (*out_body == NULL) fail_msg("%s", error.text);
    json_t *resource_spans = json_array_get(json_object_get(*out_body, "resourceSpans"), 0);
    json_t *resource = json_object_get(resource_spans, "resource");
    json_t *attributes = json_object_get(resource, "attributes");
    assert_string_equal(attribute(attributes, "service.name", "stringValue"), "tpwallet");
    assert_string_equal(attribute(attributes, "service.version", "stringValue"), "1.2.3");
    json_t *scope_spans = json_array_get(json_object_get(resource_spans, "scopeSpans"), 0);
    assert_string_not_equal(text_at(json_object_get(scope_spans, "scope"), "name"), "");
    return json_object_get(scope_spans, "spans");
}

static void a_span_has_the_form_of_otlp(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct span spans[2] = { span_of(0xb7ad6b7169203331), span_of(2) };
    spans[1].parent = 0;
    spans[1].http_status = 503;
    spans[1].name = STR("named");
    otlp_span(world.exporter, &spans[0]);
    otlp_span(world.exporter, &spans[1]);
    otlp_close(world.exporter); /* sends what is queued */
    assert_int_equal(world.api->sunk_count, 1);
    json_t *body;
    json_t *array = spans_of(buf_terminated(&world.api->sunk), &body);
    assert_int_equal(json_array_size(array), 2);

    json_t *first = json_array_get(array, 0);
    assert_string_equal(text_at(first, "traceId"), "0af7651916cd43dd8448eb211c80319c");
    assert_string_equal(text_at(first, "spanId"), "b7ad6b7169203331");
    assert_string_equal(text_at(first, "parentSpanId"), "00f067aa0ba902b7");
    assert_string_equal(text_at(first, "name"), "POST /v1/transfers");
    assert_int_equal(json_integer_value(json_object_get(first, "kind")), 2);
    assert_string_equal(text_at(first, "startTimeUnixNano"), "1000000000000000001");
    assert_string_equal(text_at(first, "endTimeUnixNano"), "1000000000000000002");
    json_t *attributes = json_object_get(first, "attributes");
    assert_string_equal(attribute(attributes, "http.request.method", "stringValue"), "POST");
    assert_string_equal(attribute(attributes, "http.route", "stringValue"), "/v1/transfers");
    assert_string_equal(attribute(attributes, "http.response.status_code", "intValue"), "201");
    assert_null(json_object_get(first, "status"));

    json_t *second = json_array_get(array, 1);
    assert_null(json_object_get(second, "parentSpanId"));
    assert_string_equal(text_at(second, "name"), "named");
    json_t *status = json_object_get(second, "status");
    assert_int_equal(json_integer_value(json_object_get(status, "code")), 2);
    json_decref(body);
    world_close(&world);
}

static void all_spans_arrive_once_in_bounded_batches(void **state)
{
    (void)state;
    enum { SPANS = 3 * OTLP_BATCH_SPANS + 7 };
    struct world world;
    world_open(&world);
    for (uint64_t i = 1; i <= SPANS; i++) {
        struct span span = span_of(i);
        otlp_span(world.exporter, &span);
    }
    otlp_close(world.exporter);
    assert_true(world.api->sunk_count >= 4);
    uint64_t expected = 1;
    char *at = world.api->sunk.len > 0 ? (char *)world.api->sunk.data : NULL;
    for (uint32_t i = 0; i < world.api->sunk_count; i++) {
        char *end = memchr(at, '\n', world.api->sunk.len);
        assert_non_null(end);
        *end = '\0';
        json_t *body;
        json_t *array = spans_of(at, &body);
        assert_true(json_array_size(array) <= OTLP_BATCH_SPANS);
        size_t index;
        json_t *span;
        json_array_foreach(array, index, span)
        {
            assert_int_equal(strtoull(text_at(span, "spanId"), NULL, 16), expected++);
        }
        json_decref(body);
        at = end + 1;
    }
    assert_int_equal(expected, SPANS + 1);
    world_close(&world);
}

static void a_refused_batch_is_dropped_and_counted(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    world.api->sink_status = 503;
    for (uint64_t i = 1; i <= OTLP_BATCH_SPANS; i++) { /* a whole batch is sent at once */
        struct span span = span_of(i);
        otlp_span(world.exporter, &span);
    }
    struct otlp_counts counts = { 0 };
    while (counts.dropped == 0) otlp_get_counts(world.exporter, &counts);
    assert_int_equal(counts.queued, OTLP_BATCH_SPANS);
    assert_int_equal(counts.dropped, OTLP_BATCH_SPANS);
    assert_int_equal(counts.sent, 0);
    otlp_close(world.exporter);
    assert_int_equal(world.api->sunk_count, 1); /* tried once */
    world_close(&world);
}

/* Listens, and never accepts: the kernel takes the connection, and nobody answers. */
static void a_silent_collector_fills_the_queue_and_no_more(void **state)
{
    (void)state;
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    char url[URL_SIZE];
    int len = snprintf(url, sizeof url, "http://127.0.0.1:%u/v1/traces", ntohs(here.sin_port));
    assert_true(len > 0 && len < URL_SIZE);
    struct otlp_exporter *exporter = exporter_to(url);
    enum { SPANS = 3 * OTLP_QUEUE_SPANS };
    struct monotonic_time start = clock_monotonic(system_clock());
    for (uint64_t i = 1; i <= SPANS; i++) {
        struct span span = span_of(i);
        otlp_span(exporter, &span);
    }
    int64_t took_ns = clock_monotonic(system_clock()).ns - start.ns;
    assert_true(took_ns < OTLP_SEND_MS_MAX * NS_PER_MS); /* no call waited for the collector */
    struct otlp_counts counts;
    otlp_get_counts(exporter, &counts);
    assert_int_equal(counts.queued + counts.dropped, SPANS);
    assert_true(counts.dropped >= SPANS - OTLP_QUEUE_SPANS - OTLP_BATCH_SPANS);
    assert_int_equal(close(fd), 0); /* hangs up, so that closing need not wait */
    otlp_close(exporter);
}

static void no_exporter_exports_nothing(void **state)
{
    (void)state;
    struct span span = span_of(1);
    struct otlp_counts counts = { .queued = 7 };
    otlp_span(NULL, &span);
    otlp_get_counts(NULL, &counts);
    assert_int_equal(counts.queued, 0);
    otlp_close(NULL);
    const struct otlp_options options = { .url = "file:///tmp/x", .version = "1" };
    struct otlp_exporter *exporter = NULL;
    struct error error;
    assert_int_equal(otlp_open(&options, &exporter, &error), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_has_the_form_of_otlp),
        cmocka_unit_test(all_spans_arrive_once_in_bounded_batches),
        cmocka_unit_test(a_refused_batch_is_dropped_and_counted),
        cmocka_unit_test(a_silent_collector_fills_the_queue_and_no_more),
        cmocka_unit_test(no_exporter_exports_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
