/*
 * Goal: spans of both exports are read as what they say; what is no span is counted, and what is no
 * export refused; statements of databases are left where they are.
 * Method: documents beside the spans that they hold, written out as one text.
 */
#include "doctor/trace_export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OTLP(spans)                                                                                \
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"      \
    "{\"stringValue\":\"pay\"}},{\"key\":\"host.name\",\"value\":{\"stringValue\":\"h1\"}}]},"     \
    "\"scopeSpans\":[{\"spans\":[" spans "]}]}]}"
#define JAEGER(spans)                                                                              \
    "{\"data\":[{\"traceID\":\"t1\",\"spans\":[" spans "],\"processes\":{\"p1\":{\"serviceName\":" \
    "\"pay\",\"tags\":[{\"key\":\"hostname\",\"value\":\"h1\"}]}}}],\"total\":0}"

struct export_case {
    const char *document;
    const char *spans; /* trace,span,parent,link,service,host,from,op,error,event,start,duration; */
    uint64_t rejected;
    uint64_t dropped;
};

static const struct export_case cases[] = {
    { OTLP("{\"traceId\":\"t1\",\"spanId\":\"s1\",\"parentSpanId\":\"\",\"name\":\"op\","
           "\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"12\",\"droppedLinksCount\":2,"
           "\"attributes\":[{\"key\":\"db.statement\",\"value\":{\"stringValue\":\"SELECT\"}}]}"),
      "t1,s1,,,pay,h1,,op,,,5,7;", 0, 2 },
    { "[" OTLP("{\"traceId\":\"t1\",\"spanId\":\"s2\",\"parentSpanId\":\"s1\",\"kind\":5,"
               "\"startTimeUnixNano\":5,\"endTimeUnixNano\":4,\"status\":{\"code\":2},"
               "\"links\":[{\"traceId\":\"t2\",\"spanId\":\"x\"}],\"attributes\":["
               "{\"key\":\"messaging.destination.name\",\"value\":{\"stringValue\":\"topic\"}},"
               "{\"key\":\"messaging.message.id\",\"value\":{\"intValue\":\"7\"}}]}") "]",
      "t1,s2,s1,t2,pay,h1,topic,,error,7,5,0;", 0, 0 },
    { OTLP("{\"traceId\":\"00\",\"spanId\":\"s1\",\"startTimeUnixNano\":5},"
           "{\"traceId\":\"t1\",\"startTimeUnixNano\":5},{\"traceId\":\"t1\",\"spanId\":\"s\"},7"),
      "", 4, 0 },
    { JAEGER("{\"traceID\":\"t1\",\"spanID\":\"s1\",\"operationName\":\"op\",\"startTime\":5,"
             "\"duration\":7,\"processID\":\"p1\",\"references\":[{\"refType\":\"CHILD_OF\","
             "\"traceID\":\"t1\",\"spanID\":\"s0\"},{\"refType\":\"FOLLOWS_FROM\",\"traceID\":"
             "\"t2\",\"spanID\":\"x\"}],\"tags\":[{\"key\":\"error\",\"type\":\"bool\",\"value\":"
             "true},{\"key\":\"otel.status_description\",\"value\":\"no\"}]}"),
      "t1,s1,s0,t2,pay,h1,,op,no,,5000,7000;", 0, 0 },
    { JAEGER("{\"traceID\":\"t1\",\"spanID\":\"s1\",\"startTime\":9223372036854775807,"
             "\"processID\":\"p2\"}"),
      "", 1, 0 },
    { "{\"data\":[{\"spans\":[{\"traceID\":\"t1\",\"spanID\":\"s1\",\"startTime\":5,\"processID\":"
      "\"b\"},{\"traceID\":\"t1\",\"spanID\":\"s2\",\"startTime\":5,\"processID\":\"bb\"},{"
      "\"traceID\":\"t1\",\"spanID\":\"s3\",\"startTime\":5,\"processID\":\"\"}],\"processes\":{"
      "\"bb\":{\"serviceName\":\"three\"},\"b\":{\"serviceName\":\"one\"},\"a\":7,"
      "\"ba\":{}}},{\"processes\":[7]}]}",
      "t1,s1,,,one,,,,,,5000,0;t1,s2,,,three,,,,,,5000,0;t1,s3,,,,,,,,,5000,0;", 0, 0 },
    { "{\"resourceSpans\":[]}", "", 0, 0 },
    { "[]", "", 0, 0 },
    { "{\"resourceLogs\":[]}", NULL, 0, 0 },
    { "[{\"data\":[]},{}]", NULL, 0, 0 },
    { "{\"data\":{}}", NULL, 0, 0 },
    { "7", NULL, 0, 0 },
};

static enum status take(void *owner, const struct trace_span *span)
{
    const struct str *texts[] = { &span->trace,   &span->span, &span->parent, &span->link,
                                  &span->service, &span->host, &span->from,   &span->op,
                                  &span->error,   &span->event };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        buf_append_format(owner, "%.*s,", STR_ARG(*texts[i]));
    buf_append_format(owner, "%lld,%lld;", (long long)span->start.ns, (long long)span->duration_ns);
    return STATUS_OK;
}

static void documents_hold_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct export_case *row = &cases[i];
        struct arena arena;
        struct error error;
        const struct json_node *root;
        struct trace_counts counts = { 0 };
        BUF_SCOPE struct buf out;
        buf_init(&out, 4096);
        const struct trace_visitor visitor = { take, &out };
        assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
        assert_int_equal(json_tree_parse(str_from(row->document), &arena, &root, &error),
                         STATUS_OK);
        enum status status = trace_export_read(root, &visitor, &counts);
        assert_int_equal(status, row->spans == NULL ? STATUS_INVALID : STATUS_OK);
        assert_string_equal(buf_terminated(&out), row->spans == NULL ? "" : row->spans);
        assert_int_equal(counts.rejected, row->rejected);
        assert_int_equal(counts.dropped, row->dropped);
        arena_done(&arena);
    }
}

static enum status refuse(void *owner, const struct trace_span *span)
{
    (void)span;
    (*(int *)owner)++;
    return STATUS_LIMIT;
}

static void what_a_visitor_refuses_ends_it(void **state)
{
    (void)state;
    struct arena arena;
    struct error error;
    const struct json_node *root;
    struct trace_counts counts = { 0 };
    int visits = 0;
    const struct trace_visitor visitor = { refuse, &visits };
    struct str text = STR(OTLP("{\"traceId\":\"t\",\"spanId\":\"s\",\"startTimeUnixNano\":5},"
                               "{\"traceId\":\"t\",\"spanId\":\"s\",\"startTimeUnixNano\":5}"));
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    assert_int_equal(json_tree_parse(text, &arena, &root, &error), STATUS_OK);
    assert_int_equal(trace_export_read(root, &visitor, &counts), STATUS_LIMIT);
    assert_int_equal(visits, 1);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_hold_what_they_say),
        cmocka_unit_test(what_a_visitor_refuses_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
