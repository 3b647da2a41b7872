/*
 * Goal: the caller learns whether a call was answered, was never sent, or may have been done.
 * Method: calls to a real server over TCP and over a local socket; to an address where nobody
 * listens; and to a socket whose owner reads the request and hangs up.
 */
#include "adapter/http_client.h"

#include <pthread.h>

#include "adapter/http_server_test.h"

enum { URL_SIZE = 128 };

struct world {
    struct api *api;
    struct http_server *server;
    struct http_client *client;
    struct buf body;
};

static void world_open(struct world *world)
{
    *world = (struct world){ .api = double_new() };
    const struct http_server_options options = double_options(world->api);
    world->server = double_serve(&options);
    char url[URL_SIZE];
    int len = snprintf(url, sizeof url, "http://%s/", http_server_address(world->server));
    assert_true(len > 0 && len < URL_SIZE);
    const struct http_client_options client = { .url = url };
    struct error error;
    assert_int_equal(http_client_open(&client, &world->client, &error), STATUS_OK);
    buf_init(&world->body, 4096);
}

static void world_close(struct world *world)
{
    http_client_close(world->client);
    http_server_close(world->server);
    double_free(world->api);
    buf_free(&world->body);
}

static void call_to(struct world *world, const struct http_call *call, unsigned http_status,
                    struct str body)
{
    unsigned got = 0;
    struct error error = { 0 };
    enum status status = http_client_call(world->client, call, &got, &world->body, &error);
    if (status != STATUS_OK) fail_msg("%s", error.message);
    assert_int_equal(got, http_status);
    assert_true(str_equal(buf_view(&world->body), body));
}

static void calls_of_all_kinds_share_a_connection(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    const struct http_call get = { .method = STR("GET"), .target = STR("/ready?a=1") };
    const struct http_call post = { .method = STR("POST"),
                                    .target = STR("/echo"),
                                    .content_type = STR("text/plain"),
                                    .idempotency_key = STR("\"k\""),
                                    .body = STR("hello") };
    const struct http_call empty = { .method = STR("POST"), .target = STR("/echo") };
    const struct http_call head = { .method = STR("HEAD"), .target = STR("/ready") };
    const struct http_call other = { .method = STR("DELETE"), .target = STR("/other") };
    for (int round = 0; round < 3; round++) {
        call_to(&world, &get, 200, STR("readya=1"));
        call_to(&world, &post, 200, STR("hello"));
        call_to(&world, &empty, 200, STR(""));
        call_to(&world, &head, 200, STR(""));
        call_to(&world, &other, 404, STR(""));
    }
    struct http_server_status status;
    http_server_get_status(world.server, &status);
    assert_int_equal(status.requests, 15);
    assert_int_equal(status.connections, 1);
    world_close(&world);
}

static void a_local_socket_is_called_by_its_path(void **state)
{
    (void)state;
    char folder[] = "/tmp/http_client_test.XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[URL_SIZE];
    int len = snprintf(path, sizeof path, "%s/socket", folder);
    assert_true(len > 0 && len < URL_SIZE);
    struct api *api = double_new();
    struct http_server_options options = double_options(api);
    options.listen = NULL;
    options.socket_path = path;
    struct http_server *server = double_serve(&options);
    const struct http_client_options local = { .socket_path = path };
    struct http_client *client = NULL;
    struct error error;
    assert_int_equal(http_client_open(&local, &client, &error), STATUS_OK);
    BUF_SCOPE struct buf body;
    buf_init(&body, 4096);
    unsigned http_status = 0;
    const struct http_call get = { .method = STR("GET"), .target = STR("/ready") };
    assert_int_equal(http_client_call(client, &get, &http_status, &body, &error), STATUS_OK);
    assert_true(str_equal(buf_view(&body), STR("local")));
    http_server_close(server);
    assert_int_equal(http_client_call(client, &get, &http_status, &body, &error),
                     STATUS_UNAVAILABLE); /* nobody there, nothing sent */
    http_client_close(client);
    double_free(api);
    assert_int_equal(rmdir(folder), 0);
}

static void an_answer_that_does_not_fit_is_told(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    buf_free(&world.body);
    buf_init(&world.body, 4);
    const struct http_call get = { .method = STR("GET"), .target = STR("/ready") };
    unsigned http_status = 0;
    struct error error;
    assert_int_equal(http_client_call(world.client, &get, &http_status, &world.body, &error),
                     STATUS_LIMIT);
    buf_free(&world.body);
    buf_init(&world.body, 5);
    call_to(&world, &get, 200, STR("ready")); /* and the client is good for another call */
    world_close(&world);
}

/* A listening socket of the test's own; *out_url names it. */
static int listen_here(char url[URL_SIZE])
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    int len = snprintf(url, URL_SIZE, "http://127.0.0.1:%u", ntohs(here.sin_port));
    assert_true(len > 0 && len < URL_SIZE);
    return fd;
}

/* Reads the head of one request, answers with the text given, and hangs up. */
struct hanger_up {
    int fd;
    const char *answer;
};

static void *hang_up(void *argument)
{
    struct hanger_up *hanger_up = argument;
    char text[4096];
    int fd = accept(hanger_up->fd, NULL, NULL);
    (void)raw_receive(fd, "\r\n\r\n", 1, text, sizeof text);
    raw_send(fd, str_from(hanger_up->answer));
    (void)close(fd);
    return NULL;
}

static void a_call_without_a_whole_answer_is_in_doubt(void **state)
{
    (void)state;
    const char *const answers[] = { "", "HTTP/1.1 200 OK\r\n",
                                    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf" };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char url[URL_SIZE];
        struct hanger_up hanger_up = { .fd = listen_here(url), .answer = answers[i] };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, hang_up, &hanger_up), 0);
        const struct http_client_options options = { .url = url };
        struct http_client *client = NULL;
        struct error error;
        assert_int_equal(http_client_open(&options, &client, &error), STATUS_OK);
        BUF_SCOPE struct buf body;
        buf_init(&body, 4096);
        unsigned http_status = 0;
        const struct http_call post = { .method = STR("POST"), .target = STR("/echo") };
        assert_int_equal(http_client_call(client, &post, &http_status, &body, &error),
                         STATUS_IN_DOUBT);
        assert_string_not_equal(error.message, "");
        assert_int_equal(pthread_join(thread, NULL), 0);
        http_client_close(client);
        assert_int_equal(close(hanger_up.fd), 0);
    }
}

static void where_nobody_listens_nothing_is_sent(void **state)
{
    (void)state;
    char url[URL_SIZE];
    assert_int_equal(close(listen_here(url)), 0);
    const struct http_client_options options = { .url = url };
    struct http_client *client = NULL;
    struct error error;
    assert_int_equal(http_client_open(&options, &client, &error), STATUS_OK);
    BUF_SCOPE struct buf body;
    buf_init(&body, 4096);
    unsigned http_status = 0;
    const struct http_call get = { .method = STR("GET"), .target = STR("/ready") };
    assert_int_equal(http_client_call(client, &get, &http_status, &body, &error),
                     STATUS_UNAVAILABLE);
    http_client_close(client);
    http_client_close(NULL);
}

static void other_schemes_are_refused(void **state)
{
    (void)state;
    const char *const urls[] = { "file:///etc/passwd", "ftp://127.0.0.1", "127.0.0.1:80", "" };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        const struct http_client_options options = { .url = urls[i] };
        struct http_client *client = NULL;
        struct error error;
        assert_int_equal(http_client_open(&options, &client, &error), STATUS_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_of_all_kinds_share_a_connection),
        cmocka_unit_test(a_local_socket_is_called_by_its_path),
        cmocka_unit_test(an_answer_that_does_not_fit_is_told),
        cmocka_unit_test(a_call_without_a_whole_answer_is_in_doubt),
        cmocka_unit_test(where_nobody_listens_nothing_is_sent),
        cmocka_unit_test(other_schemes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
