/*
 * Goal: whatever a server does, a caller learns in time whether its request was answered, was
 * never sent, or may have come; and nobody is called who must not be.
 * Method: calls through libcurl to real servers on loopback that fail in one way each: plain and
 * with TLS, expired, for another name, unknown; 256 at once; a kept connection that dies.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/curl_http.h"
#include "adapter/system_clock.h"
#include "tests/port/fault_server.h"

enum { URL_SIZE = 256, BODY_SIZE = 4096, CALL_MS = 3000 };

struct world {
    struct fault_server *server;
    struct http_out *http;
    struct buf body;
    struct http_out_response response;
    struct error error;
};

static void world_open_with(struct world *world, const struct server_options *options, bool trusts)
{
    *world = (struct world){ .server = fault_server_open(options) };
    struct curl_http_options http = { 0 };
    if (options->certificate != SERVER_PLAIN && trusts)
        http.ca_file = fault_server_ca_file(world->server);
    assert_int_equal(curl_http_open(&http, &world->http, &world->error), STATUS_OK);
    buf_init(&world->body, BODY_SIZE);
    buf_append_str(&world->body, STR("before"));
}

static void world_open(struct world *world, const struct server_step *steps, uint32_t count)
{
    const struct server_options options = { .steps = steps, .step_count = count };
    world_open_with(world, &options, true);
}

static void world_close(struct world *world)
{
    world->http->close(world->http);
    fault_server_close(world->server);
    buf_free(&world->body);
}

static enum status call_path(struct world *world, struct str method, const char *path,
                             const struct http_out_request *like)
{
    char url[URL_SIZE];
    int len = snprintf(url, sizeof url, "%s%s", fault_server_url(world->server), path);
    assert_true(len > 0 && len < URL_SIZE);
    struct http_out_request request = *like;
    request.method = method;
    request.url = str_from(url);
    return world->http->call(world->http, &request, &world->response, &world->body, &world->error);
}

static const struct http_out_request plain = { .call_ms_max = CALL_MS,
                                               .connect_ms_max = CALL_MS,
                                               .private_allowed = true };

static enum status post(struct world *world)
{
    struct http_out_request request = plain;
    request.body = STR("a=1");
    return call_path(world, STR("POST"), "/orders", &request);
}

static void assert_untouched(const struct world *world)
{
    assert_true(str_equal(buf_view(&world->body), STR("before")));
    assert_int_equal(world->response.status, 0);
}

/* ---- What is sent, and what comes back ---- */

static void request_and_answer_pass_unchanged(void **state)
{
    (void)state;
    static const struct server_step step = { .status = 404, .body = "{\"a\":1}" };
    struct world world;
    world_open(&world, &step, 1);
    const struct http_out_header headers[] = {
        { STR("Authorization"), STR("Bearer s3cret") },
        { STR("Idempotency-Key"), STR("k:1") },
        { STR("Content-Type"), STR("application/x-www-form-urlencoded") },
    };
    struct http_out_request request = plain;
    request.headers = headers;
    request.header_count = 3;
    request.body = STR("amount=1250&currency=eur");
    assert_int_equal(call_path(&world, STR("POST"), "/v1/refunds?a=%20", &request), STATUS_OK);
    assert_int_equal(world.response.status, 404);
    assert_int_equal(world.response.retry_after_s, 0);
    assert_true(str_equal(buf_view(&world.body), STR("{\"a\":1}")));
    struct str sent = fault_server_request(world.server, 0);
    char text[BODY_SIZE];
    assert_true(sent.len < sizeof text);
    memcpy(text, sent.data, sent.len);
    text[sent.len] = '\0';
    assert_non_null(strstr(text, "POST /v1/refunds?a=%20 HTTP/1.1\r\n"));
    assert_non_null(strstr(text, "\r\nAuthorization: Bearer s3cret\r\n"));
    assert_non_null(strstr(text, "\r\nIdempotency-Key: k:1\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(text, "\r\n\r\namount=1250&currency=eur"));
    assert_null(strstr(text, "Expect"));
    world_close(&world);
}

static void calls_of_one_thread_share_a_connection(void **state)
{
    (void)state;
    static const struct server_step step = { .body = "x" };
    struct world world;
    world_open(&world, &step, 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(post(&world), STATUS_OK);
        assert_int_equal(call_path(&world, STR("GET"), "/", &plain), STATUS_OK);
        assert_int_equal(call_path(&world, STR("DELETE"), "/", &plain), STATUS_OK);
    }
    struct str get = fault_server_request(world.server, 1);
    assert_true(str_starts(get, STR("GET / HTTP/1.1\r\n"))); /* and the last body is forgotten */
    assert_true(get.len > 4 && memcmp(get.data + get.len - 4, "\r\n\r\n", 4) == 0);
    struct server_counts counts;
    fault_server_counts(world.server, &counts);
    assert_int_equal(counts.requests, 15);
    assert_int_equal(counts.connections, 1);
    world_close(&world);
}

static void the_time_to_come_back_is_told(void **state)
{
    (void)state;
    static const struct server_step step = { .status = 429, .header = "Retry-After: 17\r\n" };
    struct world world;
    world_open(&world, &step, 1);
    assert_int_equal(post(&world), STATUS_OK);
    assert_int_equal(world.response.status, 429);
    assert_int_equal(world.response.retry_after_s, 17);
    world_close(&world);
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    (void)state;
    static const struct server_step step = { .status = 302, .header = "Location: /elsewhere\r\n" };
    struct world world;
    world_open(&world, &step, 1);
    assert_int_equal(post(&world), STATUS_OK);
    assert_int_equal(world.response.status, 302);
    struct server_counts counts;
    fault_server_counts(world.server, &counts);
    assert_int_equal(counts.requests, 1);
    world_close(&world);
}

static void proxies_of_the_environment_are_not_used(void **state)
{
    (void)state;
    static const struct server_step step = { .body = "x" };
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("all_proxy", "http://127.0.0.1:1", 1), 0);
    struct world world;
    world_open(&world, &step, 1);
    assert_int_equal(post(&world), STATUS_OK);
    world_close(&world);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("all_proxy"), 0);
}

/* ---- Servers that fail ---- */

struct failure {
    const char *name;
    struct server_step step;
    enum status status;
};

static const struct failure failures[] = {
    { "closed at once", { .act = SERVER_REFUSES_ALL }, STATUS_IN_DOUBT },
    { "closed after the request", { .act = SERVER_HANGS_UP }, STATUS_IN_DOUBT },
    { "garbage", { .act = SERVER_SAYS_GARBAGE }, STATUS_IN_DOUBT },
    { "head cut", { .act = SERVER_CUTS_HEAD, .body = "1234" }, STATUS_IN_DOUBT },
    { "body cut", { .act = SERVER_CUTS_BODY, .body = "1234" }, STATUS_IN_DOUBT },
    { "head without end", { .act = SERVER_NEVER_ENDS }, STATUS_IN_DOUBT },
    { "10 MiB", { .act = SERVER_ANSWERS, .body_size = 10 << 20 }, STATUS_LIMIT },
    { "one byte over", { .act = SERVER_ANSWERS, .body_size = BODY_SIZE + 1 }, STATUS_LIMIT },
    { "just fits", { .act = SERVER_ANSWERS, .body_size = BODY_SIZE }, STATUS_OK },
    { "no length", { .act = SERVER_ENDS_BODY, .body = "1234" }, STATUS_OK },
};

static void each_failure_after_sending_is_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        struct world world;
        world_open(&world, &failures[i].step, 1);
        enum status status = post(&world);
        if (status != failures[i].status) {
            fail_msg("%s: %s, expected %s (%s)", failures[i].name, status_name(status),
                     status_name(failures[i].status), world.error.message);
        }
        if (status != STATUS_OK) assert_untouched(&world);
        world_close(&world);
    }
}

static int64_t elapsed_ms(struct monotonic_time start)
{
    return (clock_monotonic(system_clock()).ns - start.ns) / NS_PER_MS;
}

static void a_call_ends_in_time_however_slowly_bytes_come(void **state)
{
    (void)state;
    static const struct server_step steps[] = { { .act = SERVER_TRICKLES, .body = "x" },
                                                { .act = SERVER_IS_SILENT } };
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        world_open(&world, &steps[i], 1);
        struct http_out_request request = plain;
        request.call_ms_max = 1500;
        struct monotonic_time start = clock_monotonic(system_clock());
        assert_int_equal(call_path(&world, STR("POST"), "/", &request), STATUS_IN_DOUBT);
        int64_t took_ms = elapsed_ms(start);
        assert_true(took_ms >= 1400 && took_ms < 10000);
        assert_untouched(&world);
        world_close(&world);
    }
}

static void a_kept_connection_that_dies_after_the_request_is_in_doubt(void **state)
{
    (void)state;
    static const struct server_step steps[] = { { .body = "first" },
                                                { .act = SERVER_HANGS_UP },
                                                { .body = "third" } };
    struct world world;
    world_open(&world, steps, 3);
    assert_int_equal(post(&world), STATUS_OK);
    assert_int_equal(post(&world), STATUS_IN_DOUBT);
    struct server_counts counts;
    fault_server_counts(world.server, &counts);
    assert_int_equal(counts.requests, 2); /* it was not written a second time */
    assert_int_equal(counts.connections, 1);
    assert_int_equal(post(&world), STATUS_OK);
    assert_true(str_equal(buf_view(&world.body), STR("third")));
    world_close(&world);
}

static void a_kept_connection_that_was_closed_is_replaced(void **state)
{
    (void)state;
    static const struct server_step steps[] = { { .act = SERVER_ENDS_BODY, .body = "first" },
                                                { .body = "second" } };
    struct world world;
    world_open(&world, steps, 2);
    assert_int_equal(post(&world), STATUS_OK);
    assert_int_equal(post(&world), STATUS_OK);
    assert_true(str_equal(buf_view(&world.body), STR("second")));
    world_close(&world);
}

static void nobody_there_means_nothing_was_sent(void **state)
{
    (void)state;
    static const struct server_step step = { .body = "x" };
    struct world world;
    world_open(&world, &step, 1);
    char url[URL_SIZE];
    int len = snprintf(url, sizeof url, "%s/secret-path", fault_server_url(world.server));
    assert_true(len > 0 && len < URL_SIZE);
    fault_server_close(world.server);
    struct http_out_request request = plain;
    request.method = STR("POST");
    request.url = str_from(url);
    assert_int_equal(
        world.http->call(world.http, &request, &world.response, &world.body, &world.error),
        STATUS_UNAVAILABLE);
    assert_null(strstr(world.error.message, "secret-path"));
    assert_untouched(&world);
    world.http->close(world.http);
    buf_free(&world.body);
}

/* ---- Who may be called ---- */

static void private_addresses_are_called_only_when_allowed(void **state)
{
    (void)state;
    static const struct server_step step = { .body = "x" };
    struct world world;
    world_open(&world, &step, 1);
    struct http_out_request request = plain;
    assert_int_equal(call_path(&world, STR("GET"), "/", &request), STATUS_OK);
    request.private_allowed = false; /* and the connection that is open now is of no use for it */
    assert_int_equal(call_path(&world, STR("GET"), "/", &request), STATUS_DENIED);
    assert_non_null(strstr(world.error.message, "loopback"));
    struct server_counts counts;
    fault_server_counts(world.server, &counts);
    assert_int_equal(counts.connections, 1);
    world_close(&world);
}

/* The address of this machine towards the documentation's network; nothing is sent to find it. */
static bool own_address(char *out_text, size_t size)
{
    struct sockaddr_in there = { .sin_family = AF_INET };
    struct sockaddr_in here = { 0 };
    socklen_t len = sizeof here;
    assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &there.sin_addr), 1);
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(probe >= 0);
    bool found = connect(probe, (struct sockaddr *)&there, sizeof there) == 0 &&
                 getsockname(probe, (struct sockaddr *)&here, &len) == 0;
    assert_int_equal(close(probe), 0);
    return found && inet_ntop(AF_INET, &here.sin_addr, out_text, (socklen_t)size) != NULL;
}

static void who_we_are_is_told_without_tls_on_loopback_only(void **state)
{
    (void)state;
    static const struct server_step step = { .body = "x" };
    static const struct http_out_header header = { { "Authorization", 13 }, { "Bearer x", 8 } };
    char own[64] = "10.255.255.1"; /* a machine without a network denies it before it asks */
    char url[URL_SIZE];
    struct world world;
    world_open(&world, &step, 1);
    (void)own_address(own, sizeof own);
    struct http_out_request request = plain;
    int len = snprintf(url, sizeof url, "http://%s:9/", own);
    assert_true(len > 0 && len < URL_SIZE);
    request.method = STR("GET");
    request.url = str_from(url);
    request.headers = &header;
    request.header_count = 1;
    enum status status =
        world.http->call(world.http, &request, &world.response, &world.body, &world.error);
    assert_int_equal(status, STATUS_DENIED);
    assert_non_null(strstr(world.error.message, "without TLS"));
    assert_int_equal(call_path(&world, STR("GET"), "/", &request), STATUS_OK);
    request.private_allowed = false;
    assert_int_equal(call_path(&world, STR("GET"), "/", &request), STATUS_DENIED);
    request.private_allowed = true;
    request.header_count = 0; /* who says nothing may go there: nobody listens */
    request.url = str_from(url);
    status = world.http->call(world.http, &request, &world.response, &world.body, &world.error);
    assert_int_not_equal(status, STATUS_DENIED);
    world_close(&world);
}

static void names_are_judged_by_what_they_resolve_to(void **state)
{
    (void)state;
    static const struct server_step step = { .body = "x" };
    static const char *const hosts[] = { "http://localhost",
                                         "http://[::1]",
                                         "http://0x7f000001",
                                         "http://2130706433",
                                         "http://[::ffff:127.0.0.1]",
                                         "http://169.254.169.254",
                                         "http://10.0.0.1" };
    struct world world;
    world_open(&world, &step, 1);
    const char *port = strrchr(fault_server_url(world.server), ':');
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char url[URL_SIZE];
        int len = snprintf(url, sizeof url, "%s%s/", hosts[i], port);
        assert_true(len > 0 && len < URL_SIZE);
        struct http_out_request request = plain;
        request.private_allowed = false;
        request.method = STR("GET");
        request.url = str_from(url);
        enum status status =
            world.http->call(world.http, &request, &world.response, &world.body, &world.error);
        if (status != STATUS_DENIED) fail_msg("%s: %s", url, status_name(status));
    }
    struct server_counts counts;
    fault_server_counts(world.server, &counts);
    assert_int_equal(counts.connections, 0);
    world_close(&world);
}

static void what_is_no_url_is_not_called(void **state)
{
    (void)state;
    static const char *const urls[] = { "",
                                        "ftp://127.0.0.1/",
                                        "file:///etc/passwd",
                                        "http://",
                                        "https:///x",
                                        "http://127.0.0.1:99999/",
                                        "http://a b/",
                                        "http://user:password@127.0.0.1/",
                                        "http://127.0.0.1/\n" };
    struct curl_http_options options = { 0 };
    struct http_out *http;
    struct error error;
    assert_int_equal(curl_http_open(&options, &http, &error), STATUS_OK);
    struct buf body;
    buf_init(&body, BODY_SIZE);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_out_request request = plain;
        struct http_out_response response;
        request.method = STR("GET");
        request.url = str_from(urls[i]);
        enum status status = http->call(http, &request, &response, &body, &error);
        if (status != STATUS_INVALID) fail_msg("'%s': %s", urls[i], status_name(status));
    }
    buf_free(&body);
    http->close(http);
}

static void a_file_of_authorities_must_be_there(void **state)
{
    (void)state;
    struct curl_http_options options = { .ca_file = "/nonexistent.pem" };
    struct http_out *http = NULL;
    struct error error;
    assert_int_equal(curl_http_open(&options, &http, &error), STATUS_INVALID);
    assert_null(http);
}

/* ---- TLS ---- */

static void a_certificate_must_be_trusted_valid_and_for_the_name(void **state)
{
    (void)state;
    static const struct server_step step = { .body = "x" };
    static const struct {
        enum server_certificate certificate;
        bool trusts;
        enum status status;
        const char *says;
    } cases[] = {
        { SERVER_TRUSTED, true, STATUS_OK, "" },
        { SERVER_TRUSTED, false, STATUS_DENIED, "self-signed" },
        { SERVER_EXPIRED, true, STATUS_DENIED, "expired" },
        { SERVER_OTHER_NAME, true, STATUS_DENIED, "name" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct server_options options = { .steps = &step,
                                                .step_count = 1,
                                                .certificate = cases[i].certificate };
        struct world world;
        world_open_with(&world, &options, cases[i].trusts);
        enum status status = post(&world);
        if (status != cases[i].status || strstr(world.error.message, cases[i].says) == NULL)
            fail_msg("case %zu: %s (%s)", i, status_name(status), world.error.message);
        struct server_counts counts;
        fault_server_counts(world.server, &counts);
        assert_int_equal(counts.requests, status == STATUS_OK ? 1 : 0);
        world_close(&world);
    }
}

static void tls_to_a_server_without_it_sends_nothing(void **state)
{
    (void)state;
    static const struct server_step step = { .act = SERVER_SAYS_GARBAGE };
    struct world world;
    world_open(&world, &step, 1);
    char url[URL_SIZE];
    int len = snprintf(url, sizeof url, "https%s/", fault_server_url(world.server) + 4);
    assert_true(len > 0 && len < URL_SIZE);
    struct http_out_request request = plain;
    request.call_ms_max = 1000;
    request.method = STR("POST");
    request.url = str_from(url);
    assert_int_equal(
        world.http->call(world.http, &request, &world.response, &world.body, &world.error),
        STATUS_UNAVAILABLE);
    world_close(&world);
}

/* ---- Many at once ---- */

enum { CALLERS = 256, CALLS_EACH = 4 };

struct caller {
    struct world *world;
    pthread_t thread;
    uint32_t answered;
};

static void *caller_main(void *argument)
{
    struct caller *caller = argument;
    struct buf body;
    buf_init(&body, BODY_SIZE);
    struct http_out_request request = plain;
    request.method = STR("POST");
    request.url = str_from(fault_server_url(caller->world->server));
    request.call_ms_max = 60000;
    for (int i = 0; i < CALLS_EACH; i++) {
        struct http_out_response response = { 0 };
        struct error error;
        struct http_out *http = caller->world->http;
        enum status status = http->call(http, &request, &response, &body, &error);
        if (status == STATUS_OK && str_equal(buf_view(&body), STR("x"))) caller->answered++;
    }
    buf_free(&body);
    return NULL;
}

static void many_threads_call_at_once_and_keep_their_connections(void **state)
{
    (void)state;
    static const struct server_step step = { .body = "x" };
    static struct caller callers[CALLERS];
    const struct server_options options = { .steps = &step, .step_count = 1, .gather = CALLERS };
    struct world world;
    world_open_with(&world, &options, true);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ .world = &world };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, caller_main, &callers[i]), 0);
    }
    uint32_t answered = 0;
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        answered += callers[i].answered;
    }
    assert_int_equal(answered, CALLERS * CALLS_EACH);
    struct server_counts counts;
    fault_server_counts(world.server, &counts);
    assert_int_equal(counts.connections, CALLERS);
    world_close(&world);
}

static int pipe_breaks_are_errors(void **state)
{
    (void)state;
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR;
}

/* ---- What a lease covers ---- */

/* The lease runs out after so many looks. */
struct lapse {
    uint32_t looks_left;
};

static bool lapse_covers(void *context)
{
    struct lapse *lapse = context;
    if (lapse->looks_left == 0) return false;
    lapse->looks_left--;
    return true;
}

/* Before the call, and after the connection stands: in neither case does the server see it. */
static void what_no_lease_covers_is_not_sent(void **state)
{
    (void)state;
    static const struct server_step step = { .status = 200, .body = "{}" };
    for (uint32_t looks = 0; looks <= 2; looks++) {
        struct lapse lapse = { .looks_left = looks };
        struct world world;
        world_open(&world, &step, 1);
        world.http->close(world.http);
        const struct curl_http_options covered = { .cover = { lapse_covers, &lapse } };
        assert_int_equal(curl_http_open(&covered, &world.http, &world.error), STATUS_OK);
        enum status status = post(&world);
        struct server_counts counts;
        fault_server_counts(world.server, &counts);
        assert_int_equal(status, looks < 2 ? STATUS_UNAVAILABLE : STATUS_OK);
        assert_int_equal(counts.requests, looks < 2 ? 0 : 1);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_lease_covers_is_not_sent),
        cmocka_unit_test(request_and_answer_pass_unchanged),
        cmocka_unit_test(calls_of_one_thread_share_a_connection),
        cmocka_unit_test(the_time_to_come_back_is_told),
        cmocka_unit_test(a_redirect_is_an_answer_and_not_followed),
        cmocka_unit_test(proxies_of_the_environment_are_not_used),
        cmocka_unit_test(each_failure_after_sending_is_told_apart),
        cmocka_unit_test(a_call_ends_in_time_however_slowly_bytes_come),
        cmocka_unit_test(a_kept_connection_that_dies_after_the_request_is_in_doubt),
        cmocka_unit_test(a_kept_connection_that_was_closed_is_replaced),
        cmocka_unit_test(nobody_there_means_nothing_was_sent),
        cmocka_unit_test(private_addresses_are_called_only_when_allowed),
        cmocka_unit_test(who_we_are_is_told_without_tls_on_loopback_only),
        cmocka_unit_test(names_are_judged_by_what_they_resolve_to),
        cmocka_unit_test(what_is_no_url_is_not_called),
        cmocka_unit_test(a_file_of_authorities_must_be_there),
        cmocka_unit_test(a_certificate_must_be_trusted_valid_and_for_the_name),
        cmocka_unit_test(tls_to_a_server_without_it_sends_nothing),
        cmocka_unit_test(many_threads_call_at_once_and_keep_their_connections),
    };
    return cmocka_run_group_tests(tests, pipe_breaks_are_errors, NULL);
}
