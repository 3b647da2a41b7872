/*
 * Goal: parts of an answer go out as they come, nothing is made for a reader who does not read, and
 * a stream ends with its client, with its api and with its server, each time once.
 * Method: raw sockets against a real server, whose api gives parts when the test says so.
 */
#include "adapter/http_server_test.h"

enum {
    TEXT_SIZE = 1 << 16,
    LITTLE_S = 20,
    READER_MS = 2000, /* without a turn on a busy machine */
};

struct scene {
    struct api *api;
    struct http_server *server;
    int fd;
    char text[TEXT_SIZE];
};

static void scene_begin(struct scene *scene, const char *path, uint32_t answer_ms)
{
    memset(scene, 0, sizeof *scene);
    scene->api = double_new();
    struct http_server_options options = double_options(scene->api);
    options.answer_ms = answer_ms;
    scene->server = double_serve(&options);
    scene->fd = raw_connect(scene->server);
    char request[128];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    assert_true(len > 0 && (size_t)len < sizeof request);
    raw_send(scene->fd, (struct str){ request, (size_t)len });
}

static void scene_end(struct scene *scene)
{
    (void)close(scene->fd); /* whatever was not read is not wanted */
    http_server_close(scene->server);
    double_free(scene->api);
}

static void expect_received(struct scene *scene, const char *text)
{
    assert_true(raw_receive(scene->fd, text, 1, scene->text, TEXT_SIZE));
}

static void each_part_goes_out_when_it_is_there(void **state)
{
    (void)state; /* unused */
    struct scene scene;
    scene_begin(&scene, "/stream", 0);
    expect_received(&scene, "first\n");
    assert_non_null(strstr(scene.text, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(scene.text, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(scene.text, "Connection: close\r\n"));
    for (int i = 0; i < 50; i++) {
        double_part(scene.api, "more\n", false);
        expect_received(&scene, "more\n");
    }
    double_part(scene.api, "", false); /* nothing after all: the next one is asked for */
    double_part(scene.api, "last\n", true);
    raw_receive_rest(scene.fd, scene.text, TEXT_SIZE);
    assert_non_null(strstr(scene.text, "last\n\r\n0\r\n\r\n"));
    double_await_left(scene.api, 1);
    assert_int_equal(scene.api->hurried, 0);
    scene_end(&scene);
}

static void others_are_served_beside_a_stream_that_waits(void **state)
{
    (void)state; /* unused */
    struct scene scene;
    scene_begin(&scene, "/stream", 0);
    expect_received(&scene, "first\n");
    int other = raw_connect(scene.server);
    raw_send(other, STR("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\necho"));
    assert_true(raw_receive(other, "echo", 1, scene.text, TEXT_SIZE));
    (void)close(other); /* it has its answer */
    double_part(scene.api, "last\n", true);
    raw_receive_rest(scene.fd, scene.text, TEXT_SIZE);
    scene_end(&scene);
}

static void a_client_that_goes_ends_its_stream(void **state)
{
    (void)state; /* unused */
    struct scene scene;
    scene_begin(&scene, "/stream", 0);
    expect_received(&scene, "first\n");
    (void)shutdown(scene.fd, SHUT_RDWR); /* it is connected */
    double_await_left(scene.api, 1);
    assert_int_equal(scene.api->hurried, 1);
    scene_end(&scene);
}

/* A reader who never reads gets what the kernel takes, and is cut off. */
static void a_slow_reader_is_cut_off(void **state)
{
    (void)state; /* unused */
    struct scene scene;
    scene_begin(&scene, "/flood", 300);
    double_await_left(scene.api, 1);
    struct http_server_status status;
    http_server_get_status(scene.server, &status);
    assert_int_equal(status.late_part, 1);
    uint64_t size = scene.api->floods * DOUBLE_FLOOD_SIZE;
    assert_in_range(size, DOUBLE_FLOOD_SIZE, 64 << 20); /* the buffers of two sockets, at most */
    assert_int_equal(scene.api->hurried, 0);
    scene_end(&scene);
}

/* Who reads all the time stays, although all of it takes longer than a part may. */
static void a_reader_who_keeps_up_stays(void **state)
{
    (void)state; /* unused */
    struct scene scene;
    scene_begin(&scene, "/flood", READER_MS);
    struct monotonic_time until = clock_monotonic(system_clock());
    until.ns += 3 * READER_MS / 2 * NS_PER_MS;
    while (clock_monotonic(system_clock()).ns < until.ns) {
        ssize_t got = recv(scene.fd, scene.text, TEXT_SIZE, 0);
        assert_true(got > 0 ||
                    (got < 0 && errno == EINTR)); /* with a timeout it is not restarted */
    }
    struct http_server_status status;
    http_server_get_status(scene.server, &status);
    assert_int_equal(status.late_part, 0);
    assert_int_equal(status.connections, 1);
    scene_end(&scene);
}

static struct monotonic_time soon(void)
{
    struct monotonic_time now = clock_monotonic(system_clock());
    return (struct monotonic_time){ now.ns + LITTLE_S * NS_PER_S };
}

static void a_drain_ends_a_stream_that_waits(void **state)
{
    (void)state; /* unused */
    struct scene scene;
    scene_begin(&scene, "/stream", 0);
    expect_received(&scene, "first\n");
    assert_int_equal(http_server_drain(scene.server, soon()), STATUS_OK);
    raw_receive_rest(scene.fd, scene.text, TEXT_SIZE);
    assert_non_null(strstr(scene.text, "stop\n\r\n0\r\n\r\n"));
    scene_end(&scene);
}

/* The reader does not take what would be the last part: the deadline of the drain ends it. */
static void a_drain_cuts_off_who_does_not_read(void **state)
{
    (void)state; /* unused */
    struct scene scene;
    scene_begin(&scene, "/flood", 0);
    double_await_started(scene.api, 1);
    struct monotonic_time deadline = clock_monotonic(system_clock());
    deadline.ns += 100 * NS_PER_MS;
    enum status status = http_server_drain(scene.server, deadline);
    assert_true(status == STATUS_OK || status == STATUS_TIMEOUT); /* on a busy machine */
    double_await_left(scene.api, 1);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_goes_out_when_it_is_there),
        cmocka_unit_test(others_are_served_beside_a_stream_that_waits),
        cmocka_unit_test(a_client_that_goes_ends_its_stream),
        cmocka_unit_test(a_slow_reader_is_cut_off),
        cmocka_unit_test(a_reader_who_keeps_up_stays),
        cmocka_unit_test(a_drain_ends_a_stream_that_waits),
        cmocka_unit_test(a_drain_cuts_off_who_does_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
