/*
 * Goal: a client gets the answer that HTTP promises it, or is refused, whatever it sends and
 * however slowly; and every request that was begun is answered before the server is gone.
 * Method: raw sockets against a real server with a small API behind it. Nothing is slept for:
 * the test waits for what the server sends, or for its closing the connection.
 */
#include "adapter/http_server_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { TEXT_SIZE = 1 << 16 };

struct world {
    struct api *api;
    struct http_server *server;
    char text[TEXT_SIZE];
};

static struct world *world_open(const struct http_server_options *options)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->api = double_new();
    struct http_server_options served = options == NULL ? double_options(world->api) : *options;
    served.service.api = world->api;
    world->server = double_serve(&served);
    return world;
}

static void world_close(struct world *world)
{
    http_server_close(world->server);
    double_free(world->api);
    free(world);
}

static struct http_server_status status_of(struct world *world)
{
    struct http_server_status status;
    http_server_get_status(world->server, &status);
    return status;
}

/* ---- what is answered, and what refused ---- */

/* 0: this is no answer. */
static unsigned status_in(const char *text)
{
    if (strncmp(text, "HTTP/1.1 ", 9) != 0) return 0;
    return (unsigned)strtoul(text + 9, NULL, 10);
}

struct exchange {
    const char *name;
    struct str bytes;
    unsigned status; /* of the answer */
    bool closes;
};

#define HOST "Host: x\r\n"
#define POST "POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

#define EXCHANGE(name, bytes, status, closes)                                                      \
    {                                                                                              \
        name, { bytes, sizeof(bytes) - 1 }, status, closes                                         \
    }

static const struct exchange exchanges[] = {
    EXCHANGE("get", GET("/ready"), 200, false),
    EXCHANGE("query", GET("/ready?a=%20+b&c"), 200, false),
    EXCHANGE("absolute form", GET("http://x/ready"), 200, false),
    EXCHANGE("empty value", "GET /ready HTTP/1.1\r\n" HOST "X:\r\n\r\n", 200, false),
    EXCHANGE("space behind", "GET /ready HTTP/1.1\r\n" HOST "X: v \t\r\n\r\n", 200, false),
    EXCHANGE("blank lines before", "\r\n\r\n" GET("/ready"), 200, false),
    EXCHANGE("accept twice", "GET /ready HTTP/1.1\r\n" HOST "Accept: a\r\nAccept: b\r\n\r\n", 200,
             false),
    EXCHANGE("HTTP/1.0", "GET /ready HTTP/1.0\r\n\r\n", 200, true),
    EXCHANGE("asked to close", "GET /ready HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200,
             true),
    EXCHANGE("body", POST "Content-Length: 2\r\n\r\nok", 200, false),
    EXCHANGE("empty body", POST "Content-Length: 0\r\n\r\n", 200, false),
    EXCHANGE("chunked body", POST CHUNKED "\r\n2\r\nok\r\n0\r\n\r\n", 200, true),
    EXCHANGE("continue", POST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\nok", 100, false),
    EXCHANGE("nothing there", GET("/other"), 404, false),

    EXCHANGE("length twice", POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", 400, true),
    EXCHANGE("lengths differ", POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", 400, true),
    EXCHANGE("length list", POST "Content-Length: 2, 2\r\n\r\nok", 400, true),
    EXCHANGE("length signed", POST "Content-Length: +2\r\n\r\nok", 400, true),
    EXCHANGE("length hexadecimal", POST "Content-Length: 0x2\r\n\r\nok", 400, true),
    EXCHANGE("length negative", POST "Content-Length: -2\r\n\r\nok", 400, true),
    EXCHANGE("length empty", POST "Content-Length:\r\n\r\n", 400, true),
    EXCHANGE("length past 64 bits", POST "Content-Length: 18446744073709551618\r\n\r\nok", 413,
             true),
    EXCHANGE("length and chunked", POST "Content-Length: 2\r\n" CHUNKED "\r\n0\r\n\r\n", 400, true),
    EXCHANGE("chunked and length", POST CHUNKED "Content-Length: 2\r\n\r\n0\r\n\r\n", 400, true),
    EXCHANGE("unknown coding", POST "Transfer-Encoding: gzip\r\n\r\n", 400, true),
    EXCHANGE("list of codings", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400,
             true),
    EXCHANGE("nearly chunked", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, true),
    EXCHANGE("chunked twice", POST CHUNKED CHUNKED "\r\n0\r\n\r\n", 400, true),
    EXCHANGE("chunked, then identity", POST CHUNKED "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
             400, true),
    EXCHANGE("chunked in HTTP/1.0", "POST /echo HTTP/1.0\r\n" CHUNKED "\r\n0\r\n\r\n", 400, true),
    EXCHANGE("chunk size is none", POST CHUNKED "\r\nzz\r\nok\r\n0\r\n\r\n", 400, true),
    EXCHANGE("space before colon", "GET /ready HTTP/1.1\r\n" HOST "X : a\r\n\r\n", 400, true),
    EXCHANGE("coding, space before colon", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400,
             true),
    EXCHANGE("length, space before colon", POST "Content-Length : 2\r\n\r\nok", 400, true),
    EXCHANGE("folded", "GET /ready HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400, true),
    EXCHANGE("folded first", "GET /ready HTTP/1.1\r\n X: a\r\n" HOST "\r\n", 400, true),
    EXCHANGE("a fold that makes a name", POST "Content-Lengt: 2\r\n h\r\n\r\nok", 400, true),
    EXCHANGE("bare LF everywhere", "GET /ready HTTP/1.1\nHost: x\n\n", 400, true),
    EXCHANGE("bare LF in the middle", "GET /ready HTTP/1.1\r\nX: a\n" HOST "\r\n", 400, true),
    EXCHANGE("bare LF at the end", "GET /ready HTTP/1.1\r\n" HOST "\n", 400, true),
    EXCHANGE("bare LF, then CR LF", "GET /ready HTTP/1.1\r\nHost: x\n\r\n", 400, true),
    EXCHANGE("bare CR", "GET /ready HTTP/1.1\r\n" HOST "X: a\rY: b\r\n\r\n", 400, true),
    EXCHANGE("zero byte in a value", "GET /ready HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n", 400, true),
    EXCHANGE("zero byte in the last value", "GET /ready HTTP/1.1\r\nHost: x\0\r\n\r\n", 400, true),
    EXCHANGE("zero byte in a name", "GET /ready HTTP/1.1\r\n" HOST "X\0: b\r\n\r\n", 400, true),
    EXCHANGE("zero byte in the target", "GET /ready\0x HTTP/1.1\r\n" HOST "\r\n", 400, true),
    EXCHANGE("no colon", "GET /ready HTTP/1.1\r\n" HOST "XY\r\n\r\n", 400, true),
    EXCHANGE("no name", "GET /ready HTTP/1.1\r\n" HOST ": v\r\n\r\n", 400, true),
    EXCHANGE("control character", "GET /ready HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n", 400, true),
    EXCHANGE("two spaces", "GET  /ready HTTP/1.1\r\n" HOST "\r\n", 400, true),
    EXCHANGE("space in the target", "GET /re ady HTTP/1.1\r\n" HOST "\r\n", 400, true),
    EXCHANGE("space behind the version", "GET /ready HTTP/1.1 \r\n" HOST "\r\n", 400, true),
    EXCHANGE("fragment", GET("/ready#x"), 400, true),
    EXCHANGE("not ASCII", GET("/\xc3\xa4"), 400, true),
    EXCHANGE("no path", GET("ready"), 400, true),
    EXCHANGE("asterisk", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400, true),
    EXCHANGE("a tunnel", "CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n", 400, true),
    EXCHANGE("method is no token", "G(T /ready HTTP/1.1\r\n" HOST "\r\n", 400, true),
    EXCHANGE("no host", "GET /ready HTTP/1.1\r\n\r\n", 400, true),
    EXCHANGE("two hosts", "GET /ready HTTP/1.1\r\n" HOST HOST "\r\n", 400, true),
    EXCHANGE("two keys",
             "GET /ready HTTP/1.1\r\n" HOST "Authorization: a\r\nAuthorization: b\r\n\r\n", 400,
             true),
    EXCHANGE("HTTP/0.9", "GET /ready\r\n\r\n", 400, true),
    EXCHANGE("HTTP/2", "GET /ready HTTP/2.0\r\n" HOST "\r\n", 505, true),
    EXCHANGE("expects magic", POST "Content-Length: 2\r\nExpect: magic\r\n\r\nok", 400, true),
    EXCHANGE("a body where none is taken",
             "GET /ready HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok", 413, true),
    EXCHANGE("a body too large", POST "Content-Length: 1048577\r\n\r\n", 413, true),
};

static void every_head_is_answered_or_refused(void **state)
{
    (void)state;
    struct world *world = world_open(NULL);
    for (size_t i = 0; i < sizeof exchanges / sizeof exchanges[0]; i++) {
        const struct exchange *exchange = &exchanges[i];
        int fd = raw_connect(world->server);
        raw_send(fd, exchange->bytes);
        bool open = raw_receive(fd, "\r\n\r\n", 1, world->text, TEXT_SIZE);
        if (!open || status_in(world->text) != exchange->status) {
            fail_msg("%s: '%.60s'", exchange->name, world->text);
        }
        if (exchange->closes) {
            raw_receive_rest(fd, world->text, TEXT_SIZE);
        } else { /* it serves the next one */
            raw_send(fd, STR(GET("/ready?again")));
            if (!raw_receive(fd, "again", 1, world->text, TEXT_SIZE)) {
                fail_msg("%s: closed", exchange->name);
            }
        }
        assert_int_equal(close(fd), 0);
    }
    world_close(world);
}

/* The same bytes one at a time must mean the same. */
static void heads_mean_the_same_byte_by_byte(void **state)
{
    (void)state;
    struct world *world = world_open(NULL);
    for (size_t i = 0; i < sizeof exchanges / sizeof exchanges[0]; i++) {
        const struct exchange *exchange = &exchanges[i];
        int fd = raw_connect(world->server);
        const int yes = 1;
        assert_int_equal(setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &yes, sizeof yes), 0);
        for (size_t at = 0; at < exchange->bytes.len; at++) {
            raw_send(fd, (struct str){ exchange->bytes.data + at, 1 });
        }
        bool open = raw_receive(fd, "\r\n\r\n", 1, world->text, TEXT_SIZE);
        if (!open || status_in(world->text) != exchange->status) {
            fail_msg("%s: '%.60s'", exchange->name, world->text);
        }
        assert_int_equal(close(fd), 0);
    }
    world_close(world);
}

static void nothing_smuggled_behind_a_refusal_or_a_chunked_body(void **state)
{
    (void)state;
    static const struct str smugglers[] = {
        { POST CHUNKED "\r\n2\r\nok\r\n0\r\n\r\n" GET("/ready?smuggled"),
          sizeof POST CHUNKED "\r\n2\r\nok\r\n0\r\n\r\n" GET("/ready?smuggled") - 1 },
        { POST "Content-Length: 2\r\n" CHUNKED "\r\n0\r\n\r\n" GET("/ready?smuggled"),
          sizeof POST "Content-Length: 2\r\n" CHUNKED "\r\n0\r\n\r\n" GET("/ready?smuggled") - 1 },
        { POST CHUNKED "\r\n2;\nok\r\n0\r\n\r\n" GET("/ready?smuggled"),
          sizeof POST CHUNKED "\r\n2;\nok\r\n0\r\n\r\n" GET("/ready?smuggled") - 1 },
    };
    struct world *world = world_open(NULL);
    for (size_t i = 0; i < sizeof smugglers / sizeof smugglers[0]; i++) {
        int fd = raw_connect(world->server);
        raw_send(fd, smugglers[i]);
        raw_receive_rest(fd, world->text, TEXT_SIZE);
        assert_null(strstr(world->text, "smuggled"));
        assert_int_equal(close(fd), 0);
    }
    world_close(world);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct world *world = world_open(NULL);
    int fd = raw_connect(world->server);
    raw_send(fd, STR(GET("/ready?one") POST "Content-Length: 5\r\n\r\ntwo!!" GET("/ready?three")));
    assert_true(raw_receive(fd, "three", 1, world->text, TEXT_SIZE));
    const char *one = strstr(world->text, "one");
    const char *two = strstr(world->text, "two!!");
    assert_non_null(one);
    assert_non_null(two);
    assert_true(one < two);
    assert_int_equal(close(fd), 0);
    world_close(world);
}

static void head_has_the_length_and_no_body(void **state)
{
    (void)state;
    struct world *world = world_open(NULL);
    int fd = raw_connect(world->server);
    raw_send(fd, STR("HEAD /ready HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    raw_receive_rest(fd, world->text, TEXT_SIZE);
    assert_non_null(strstr(world->text, "Content-Length: 5\r\n"));
    assert_non_null(strstr(world->text, "X-Double: yes\r\n"));
    assert_string_equal(strstr(world->text, "\r\n\r\n"), "\r\n\r\n");
    assert_int_equal(close(fd), 0);
    world_close(world);
}

/* Sends a GET whose target or header is padded; returns the status. */
static unsigned padded(struct world *world, const char *before, size_t padding, const char *after)
{
    static char pad[1 << 17];
    memset(pad, 'a', sizeof pad);
    assert_true(padding <= sizeof pad);
    int fd = raw_connect(world->server);
    raw_send(fd, str_from(before));
    raw_send(fd, (struct str){ pad, padding });
    raw_send(fd, str_from(after));
    (void)raw_receive(fd, "\r\n\r\n", 1, world->text, TEXT_SIZE);
    assert_int_equal(close(fd), 0);
    return status_in(world->text);
}

static void targets_and_heads_have_a_largest_size(void **state)
{
    (void)state;
    const char *in_target = " HTTP/1.1\r\n" HOST "\r\n";
    const char *in_header = "GET /ready HTTP/1.1\r\n" HOST "X: ";
    struct world *world = world_open(NULL);
    assert_int_equal(padded(world, "GET /ready?", 8192 - 7, in_target), 200);
    assert_int_equal(padded(world, "GET /ready?", 8192 - 6, in_target), 414);
    assert_int_equal(padded(world, "GET /ready?", 100000, in_target), 414);
    size_t most = REQUEST_HEADERS_SIZE_MAX - strlen(in_header) - 4;
    assert_int_equal(padded(world, in_header, most, "\r\n\r\n"), 200);
    assert_int_equal(padded(world, in_header, most + 1, "\r\n\r\n"), 431);
    assert_int_equal(padded(world, in_header, 100000, "\r\n\r\n"), 431);
    world_close(world);
}

/* Sends so many header lines; returns the status. */
static unsigned of_lines(struct world *world, uint32_t count)
{
    static const char line[] = "X-Filler: x\r\n";
    int fd = raw_connect(world->server);
    raw_send(fd, STR("GET /ready HTTP/1.1\r\n" HOST));
    for (uint32_t i = 1; i < count; i++) raw_send(fd, STR(line));
    raw_send(fd, STR("\r\n"));
    (void)raw_receive(fd, "\r\n\r\n", 1, world->text, TEXT_SIZE);
    assert_int_equal(close(fd), 0);
    return status_in(world->text);
}

static void heads_have_a_largest_number_of_lines(void **state)
{
    (void)state;
    struct world *world = world_open(NULL);
    assert_int_equal(of_lines(world, API_RAW_HEADERS_MAX), 200);
    assert_int_equal(of_lines(world, API_RAW_HEADERS_MAX + 1), 431);
    world_close(world);
}

static void the_largest_body_arrives_whole(void **state)
{
    (void)state;
    static char body[DOUBLE_BODY_MAX];
    static char answer[DOUBLE_BODY_MAX + 4096];
    memset(body, 'b', sizeof body);
    body[DOUBLE_BODY_MAX - 1] = 'e';
    struct world *world = world_open(NULL);
    int fd = raw_connect(world->server);
    raw_send(fd, STR(POST "Content-Length: 1048576\r\n\r\n"));
    raw_send(fd, (struct str){ body, sizeof body });
    assert_true(raw_receive(fd, "bbbe", 1, answer, sizeof answer));
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), DOUBLE_BODY_MAX);
    assert_int_equal(close(fd), 0);
    world_close(world);
}

static void a_chunked_body_over_the_limit_is_refused_at_its_end(void **state)
{
    (void)state;
    static char piece[1 << 16];
    struct world *world = world_open(NULL);
    int fd = raw_connect(world->server);
    raw_send(fd, STR(POST CHUNKED "\r\n"));
    for (int i = 0; i < 17; i++) {
        raw_send(fd, STR("10000\r\n"));
        raw_send(fd, (struct str){ piece, sizeof piece });
        raw_send(fd, STR("\r\n"));
    }
    raw_send(fd, STR("0\r\n\r\n"));
    raw_receive_rest(fd, world->text, TEXT_SIZE);
    assert_int_equal(status_in(world->text), 413);
    assert_int_equal(close(fd), 0);
    world_close(world);
}

/* ---- the slow, the gone, the many ---- */

enum {
    SHORT_MS = 400,
    LONG_MS = 60000, /* whoever waits for a turn on a busy machine is not cut off for that */
};

static struct http_server_options patient(void)
{
    struct http_server_options options = double_options(NULL);
    options.idle_ms = LONG_MS;
    options.headers_ms = LONG_MS;
    options.body_ms = LONG_MS;
    options.answer_ms = LONG_MS;
    return options;
}

/* Sends a byte whenever it can, so that the client is never inactive; ends when cut off. */
static void drip(int fd, struct str begin, char byte)
{
    raw_send(fd, begin);
    char got;
    for (;;) {
        if (send(fd, &byte, 1, MSG_NOSIGNAL) < 0) return;
        const struct timeval pause = { .tv_usec = 20000 };
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause), 0);
        ssize_t received = recv(fd, &got, 1, 0);
        if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR)) return;
    }
}

static void slow_clients_are_cut_off(void **state)
{
    (void)state;
    const struct {
        struct str begin;
        char byte;
        struct http_server_status late;
    } slow[] = {
        /* a request line without end */
        { STR("GET /"), 'a', { .late_idle = 1 } },
        /* a header without end */
        { STR("GET /ready HTTP/1.1\r\n" HOST "X: "), 'a', { .late_headers = 1 } },
        /* a body */
        { STR(POST "Content-Length: 100000\r\n\r\n"), 'a', { .late_body = 1 } },
        /* a chunk */
        { STR(POST CHUNKED "\r\n10000\r\n"), 'a', { .late_body = 1 } },
        /* blank lines for ever */
        { STR(""), '\n', { .late_idle = 1 } },
    };
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        struct http_server_options options = patient();
        if (slow[i].late.late_idle != 0) options.idle_ms = SHORT_MS;
        if (slow[i].late.late_headers != 0) options.headers_ms = SHORT_MS;
        if (slow[i].late.late_body != 0) options.body_ms = SHORT_MS;
        struct world *world = world_open(&options);
        int fd = raw_connect(world->server);
        drip(fd, slow[i].begin, slow[i].byte);
        assert_int_equal(close(fd), 0);
        struct http_server_status status = status_of(world);
        assert_int_equal(status.late_idle, slow[i].late.late_idle);
        assert_int_equal(status.late_headers, slow[i].late.late_headers);
        assert_int_equal(status.late_body, slow[i].late.late_body);
        assert_int_equal(world->api->started, 0);
        world_close(world);
    }
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    static char body[DOUBLE_BODY_MAX];
    struct http_server_options options = patient();
    options.answer_ms = SHORT_MS;
    struct world *world = world_open(&options);
    int fd = raw_connect(world->server);
    for (int i = 0; i < 32 && status_of(world).late_answer == 0; i++) {
        raw_send(fd, STR(POST "Content-Length: 1048576\r\n\r\n"));
        raw_send(fd, (struct str){ body, sizeof body });
    }
    struct http_server_status status = status_of(world);
    assert_int_equal(status.late_answer, 1);
    assert_int_equal(status.interrupted, 1);
    assert_int_equal(close(fd), 0);
    world_close(world);
}

static void an_idle_connection_is_closed_in_the_end(void **state)
{
    (void)state;
    struct http_server_options options = patient();
    options.idle_ms = 5 * SHORT_MS; /* it also waits for the request so long */
    struct world *world = world_open(&options);
    int fd = raw_connect(world->server);
    raw_send(fd, STR(GET("/ready")));
    raw_receive_rest(fd, world->text, TEXT_SIZE);
    assert_int_equal(status_in(world->text), 200);
    assert_int_equal(status_of(world).late_idle, 1);
    assert_int_equal(close(fd), 0);
    world_close(world);
}

static void clients_that_leave_at_any_byte_harm_nobody(void **state)
{
    (void)state;
    const struct str whole = STR(POST "Content-Length: 20\r\n\r\n01234567890123456789");
    struct world *world = world_open(NULL);
    for (size_t len = 0; len <= whole.len; len++) {
        int fd = raw_connect(world->server);
        raw_send(fd, (struct str){ whole.data, len });
        const struct linger reset = { .l_onoff = 1 };
        if (len % 2 == 0) {
            assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
        }
        assert_int_equal(close(fd), 0);
    }
    int fd = raw_connect(world->server);
    raw_send(fd, STR(GET("/ready")));
    assert_true(raw_receive(fd, "ready", 1, world->text, TEXT_SIZE));
    assert_int_equal(close(fd), 0);
    world_close(world);
}

static void a_call_whose_client_has_left_is_finished(void **state)
{
    (void)state;
    struct world *world = world_open(NULL);
    int fd = raw_connect(world->server);
    raw_send(fd, STR("POST /hold HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"));
    double_await_started(world->api, 1);
    int other = raw_connect(world->server); /* answered: the thread has gone on from the first */
    raw_send(other, STR(GET("/ready")));
    assert_true(raw_receive(other, "ready", 1, world->text, TEXT_SIZE));
    assert_int_equal(close(other), 0);
    assert_int_equal(close(fd), 0);
    double_release(world->api);
    struct monotonic_time deadline = clock_monotonic(system_clock());
    deadline.ns += 20 * NS_PER_S;
    assert_int_equal(http_server_drain(world->server, deadline), STATUS_OK);
    world_close(world); /* compares calls started and finished */
}

static void bodies_together_have_a_largest_size(void **state)
{
    (void)state;
    struct http_server_options options = double_options(NULL);
    options.bodies_size_max = 1000;
    struct world *world = world_open(&options);
    int first = raw_connect(world->server);
    raw_send(first, STR(POST "Content-Length: 900\r\nExpect: 100-continue\r\n\r\n"));
    assert_true(raw_receive(first, "100 Continue", 1, world->text, TEXT_SIZE));
    int second = raw_connect(world->server);
    raw_send(second, STR(POST "Content-Length: 101\r\n\r\n"));
    raw_receive_rest(second, world->text, TEXT_SIZE);
    assert_int_equal(status_in(world->text), 503);
    assert_non_null(strstr(world->text, "Retry-After: 1\r\n"));
    int third = raw_connect(world->server);
    raw_send(third, STR(POST "Content-Length: 100\r\n\r\n"));
    raw_send(third, (struct str){ world->text, 100 });
    assert_true(raw_receive(third, "\r\n\r\n", 1, world->text, TEXT_SIZE));
    assert_int_equal(close(first), 0);
    assert_int_equal(close(second), 0);
    assert_int_equal(close(third), 0);
    struct monotonic_time deadline = clock_monotonic(system_clock());
    deadline.ns += 20 * NS_PER_S;
    assert_int_equal(http_server_drain(world->server, deadline), STATUS_OK);
    assert_int_equal(status_of(world).bodies_size, 0); /* all of it was given back */
    world_close(world);
}

static void one_address_cannot_take_all_connections(void **state)
{
    (void)state;
    struct http_server_options options = double_options(NULL);
    options.connections_per_address_max = 2;
    struct world *world = world_open(&options);
    int fds[3];
    for (int i = 0; i < 3; i++) fds[i] = raw_connect(world->server);
    for (int i = 0; i < 2; i++) {
        raw_send(fds[i], STR(GET("/ready")));
        assert_true(raw_receive(fds[i], "ready", 1, world->text, TEXT_SIZE));
    }
    raw_send(fds[2], STR(GET("/ready")));
    raw_receive_rest(fds[2], world->text, TEXT_SIZE);
    assert_string_equal(world->text, "");
    for (int i = 0; i < 3; i++) assert_int_equal(close(fds[i]), 0);
    world_close(world);
}

/* ---- the end ---- */

static void draining_answers_what_has_begun(void **state)
{
    (void)state;
    enum { CLIENTS = 20 };
    struct world *world = world_open(NULL);
    int idle = raw_connect(world->server);
    raw_send(idle, STR(GET("/ready")));
    assert_true(raw_receive(idle, "ready", 1, world->text, TEXT_SIZE));
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = raw_connect(world->server);
        raw_send(fds[i], STR("POST /hold HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nheld"));
    }
    double_await_started(world->api, CLIENTS + 1);

    struct monotonic_time now = clock_monotonic(system_clock());
    assert_int_equal(http_server_drain(world->server, now), STATUS_TIMEOUT); /* they wait still */
    double_release(world->api);
    for (int i = 0; i < CLIENTS; i++) {
        raw_receive_rest(fds[i], world->text, TEXT_SIZE);
        assert_int_equal(status_in(world->text), 200);
        assert_non_null(strstr(world->text, "Connection: close\r\n"));
        assert_non_null(strstr(world->text, "held"));
        assert_int_equal(close(fds[i]), 0);
    }
    raw_receive_rest(idle, world->text, TEXT_SIZE);
    assert_string_equal(world->text, "");
    assert_int_equal(close(idle), 0);
    world_close(world);
}

static void draining_waits_for_an_upload_in_time(void **state)
{
    (void)state;
    struct world *world = world_open(NULL);
    int fd = raw_connect(world->server);
    raw_send(fd, STR(POST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
    assert_true(raw_receive(fd, "\r\n\r\n", 1, world->text, TEXT_SIZE));
    raw_send(fd, STR("body")); /* arrives beside the drain, before or after its first look */
    struct monotonic_time deadline = clock_monotonic(system_clock());
    deadline.ns += 20 * NS_PER_S;
    assert_int_equal(http_server_drain(world->server, deadline), STATUS_OK);
    raw_receive_rest(fd, world->text, TEXT_SIZE);
    assert_non_null(strstr(world->text, "body"));
    assert_int_equal(close(fd), 0);
    world_close(world);
}

/* An idle connection may be closed with a request on its way, but only if nobody began it. */
static void draining_beside_a_new_request_answers_or_never_begins_it(void **state)
{
    (void)state;
    enum { ROUNDS = 100 };
    unsigned answered = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct world *world = world_open(NULL);
        int fd = raw_connect(world->server);
        raw_send(fd, STR(GET("/ready")));
        assert_true(raw_receive(fd, "ready", 1, world->text, TEXT_SIZE));
        raw_send(fd, STR(POST "Content-Length: 4\r\n\r\nlast"));
        struct monotonic_time deadline = clock_monotonic(system_clock());
        deadline.ns += 20 * NS_PER_S;
        assert_int_equal(http_server_drain(world->server, deadline), STATUS_OK);
        raw_receive_rest(fd, world->text, TEXT_SIZE);
        bool whole = strstr(world->text, "\r\n\r\nlast") != NULL;
        assert_int_equal(world->api->started, whole ? 2 : 1);
        answered += whole;
        assert_int_equal(close(fd), 0);
        world_close(world);
    }
    assert_int_equal(answered, ROUNDS); /* each was there before the drain began */
}

static void closing_with_calls_under_way_answers_them(void **state)
{
    (void)state;
    enum { ROUNDS = 50 };
    for (int round = 0; round < ROUNDS; round++) { /* ready() races with the closing */
        struct world *world = world_open(NULL);
        int fd = raw_connect(world->server);
        raw_send(fd, STR(POST "Content-Length: 4\r\n\r\nlast"));
        double_await_started(world->api, 1);
        http_server_close(world->server);
        world->server = NULL;
        raw_receive_rest(fd, world->text, TEXT_SIZE);
        assert_non_null(strstr(world->text, "last"));
        assert_int_equal(close(fd), 0);
        world_close(world);
    }
}

/* ---- listening ---- */

static void the_local_socket_is_the_owners_alone(void **state)
{
    (void)state;
    char folder[] = "/tmp/http_server_test.XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct sockaddr_un there = { .sun_family = AF_UNIX };
    int len = snprintf(there.sun_path, sizeof there.sun_path, "%s/socket", folder);
    assert_true(len > 0 && (size_t)len < sizeof there.sun_path);
    struct http_server_options options = double_options(NULL);
    options.socket_path = there.sun_path;
    for (int round = 0; round < 2; round++) { /* the second one finds a socket left behind */
        struct world *world = world_open(&options);
        struct stat file;
        assert_int_equal(stat(there.sun_path, &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&there, sizeof there), 0);
        raw_send(fd, STR(GET("/ready")));
        assert_true(raw_receive(fd, "local", 1, world->text, TEXT_SIZE));
        assert_int_equal(close(fd), 0);
        world_close(world);
        assert_int_equal(stat(there.sun_path, &file), -1);
        int left = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(bind(left, (struct sockaddr *)&there, sizeof there), 0);
        assert_int_equal(close(left), 0);
    }
    assert_int_equal(unlink(there.sun_path), 0);

    int file = open(there.sun_path, O_CREAT | O_WRONLY, 0600);
    assert_true(file >= 0);
    assert_int_equal(close(file), 0);
    struct http_server *server = NULL;
    struct error error;
    assert_int_equal(http_server_open(&options, &server, &error), STATUS_CONFLICT);
    assert_int_equal(unlink(there.sun_path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct api *api = double_new();
    struct http_server_options options[7];
    for (int i = 0; i < 7; i++) options[i] = double_options(api);
    options[0].listen = "0.0.0.0:0"; /* plain, and not loopback */
    options[1].plain = false;        /* TLS without a certificate */
    options[2].listen = NULL;        /* and no socket either */
    options[3].listen = "nonsense";
    options[4].listen = "127.0.0.1:65536";
    options[5].threads = 0;
    options[6].tls_key_file = "key.pem"; /* beside plain */
    for (int i = 0; i < 7; i++) {
        struct http_server *server = NULL;
        struct error error = { 0 };
        assert_int_equal(http_server_open(&options[i], &server, &error), STATUS_INVALID);
        assert_string_not_equal(error.message, "");
        assert_int_equal(http_server_check(&options[i], &error), STATUS_INVALID);
    }
    struct http_server_options good = double_options(api);
    struct http_server *first = double_serve(&good);
    char address[64]; /* the server's own ends with it */
    int len = snprintf(address, sizeof address, "%s", http_server_address(first));
    assert_in_range(len, 1, sizeof address - 1);
    good.listen = address;
    struct http_server *second = NULL;
    struct error error;
    assert_int_equal(http_server_open(&good, &second, &error), STATUS_CONFLICT);
    assert_int_equal(http_server_check(&good, &error), STATUS_CONFLICT);
    http_server_close(first);
    good.service.start = NULL; /* nobody is to answer yet */
    assert_int_equal(http_server_check(&good, &error), STATUS_OK);
    assert_int_equal(http_server_check(&good, &error), STATUS_OK); /* the address is free again */
    good.listen = "127.0.0.1:0";
    good.tls_certificate_file = "/nowhere/cert.pem";
    good.tls_key_file = "/nowhere/key.pem";
    good.plain = false;
    assert_int_equal(http_server_check(&good, &error), STATUS_NOT_FOUND);
    good.service = double_options(api).service;
    assert_int_equal(http_server_open(&good, &second, &error), STATUS_NOT_FOUND);
    http_server_close(NULL);
    double_free(api);
}

static void several_threads_serve_one_address(void **state)
{
    (void)state;
    struct http_server_options options = double_options(NULL);
    options.threads = 3;
    struct world *world = world_open(&options);
    for (int i = 0; i < 200; i++) {
        int fd = raw_connect(world->server);
        raw_send(fd, STR(POST "Content-Length: 5\r\n\r\nthree"));
        assert_true(raw_receive(fd, "three", 1, world->text, TEXT_SIZE));
        assert_int_equal(close(fd), 0);
    }
    assert_int_equal(status_of(world).requests, 200);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_head_is_answered_or_refused),
        cmocka_unit_test(heads_mean_the_same_byte_by_byte),
        cmocka_unit_test(nothing_smuggled_behind_a_refusal_or_a_chunked_body),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(head_has_the_length_and_no_body),
        cmocka_unit_test(targets_and_heads_have_a_largest_size),
        cmocka_unit_test(heads_have_a_largest_number_of_lines),
        cmocka_unit_test(the_largest_body_arrives_whole),
        cmocka_unit_test(a_chunked_body_over_the_limit_is_refused_at_its_end),
        cmocka_unit_test(slow_clients_are_cut_off),
        cmocka_unit_test(a_client_that_does_not_read_is_cut_off),
        cmocka_unit_test(an_idle_connection_is_closed_in_the_end),
        cmocka_unit_test(clients_that_leave_at_any_byte_harm_nobody),
        cmocka_unit_test(a_call_whose_client_has_left_is_finished),
        cmocka_unit_test(bodies_together_have_a_largest_size),
        cmocka_unit_test(one_address_cannot_take_all_connections),
        cmocka_unit_test(draining_answers_what_has_begun),
        cmocka_unit_test(draining_waits_for_an_upload_in_time),
        cmocka_unit_test(draining_beside_a_new_request_answers_or_never_begins_it),
        cmocka_unit_test(closing_with_calls_under_way_answers_them),
        cmocka_unit_test(the_local_socket_is_the_owners_alone),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(several_threads_serve_one_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
