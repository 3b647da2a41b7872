/*
 * Goal: a URL that names several hosts finds the one that takes writes, whichever is first, also
 * when another is a machine that says nothing, is not there, or is a standby.
 * Method: one real server; beside it a socket that takes connections and never says a word, and a
 * port at which nobody listens.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/postgres_connection.h"
#include "tests/postgres/postgres_rig.h"

static struct postgres_rig server;

/* A port of loopback; it answers when `listens`, if only by the kernel's own hand. */
static int port_take(bool listens, uint16_t *out_port)
{
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(file >= 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(file, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(file, (struct sockaddr *)&address, &size), 0);
    if (listens) assert_int_equal(listen(file, 16), 0);
    *out_port = ntohs(address.sin_port);
    return file;
}

static void opens(const char *url)
{
    struct error error = { 0 };
    struct postgres_connection *connection = NULL;
    const struct postgres_connection_options options = { .url = url, .name = "hosts test" };
    enum status status = postgres_connection_open(&options, &connection, &error);
    if (status != STATUS_OK) fail_msg("%s: %s: %s", url, error.message, error.detail);
    postgres_call_begin(connection);
    assert_int_equal(postgres_execute(connection, "CREATE TEMPORARY TABLE t(a int)", &error),
                     STATUS_OK);
    postgres_connection_close(connection);
}

static void url_write(char out_url[256], const uint16_t ports[3])
{
    int len = snprintf(out_url, 256,
                       "postgresql://postgres@127.0.0.1:%u,127.0.0.1:%u,127.0.0.1:%u/tpwallet",
                       ports[0], ports[1], ports[2]);
    assert_in_range(len, 1, 255);
}

static void server_is_found_behind_hosts_that_are_silent_or_gone(void **state)
{
    (void)state; /* none */
    uint16_t silent;
    uint16_t gone;
    int silent_file = port_take(true, &silent);
    int gone_file = port_take(false, &gone);
    const uint16_t orders[][3] = {
        { server.port, silent, gone },
        { gone, silent, server.port },
        { silent, gone, server.port },
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        char url[256];
        url_write(url, orders[i]);
        opens(url);
    }
    assert_int_equal(close(silent_file), 0);
    assert_int_equal(close(gone_file), 0);
}

static void nobody_who_answers_is_unavailable(void **state)
{
    (void)state; /* none */
    uint16_t silent;
    uint16_t gone;
    int silent_file = port_take(true, &silent);
    int gone_file = port_take(false, &gone);
    const uint16_t ports[] = { gone, silent, gone };
    char url[256];
    url_write(url, ports);
    struct error error = { 0 };
    struct postgres_connection *connection = NULL;
    const struct postgres_connection_options options = {
        .url = url,
        .name = "hosts test",
        .deadline_ns = postgres_deadline(600),
    };
    assert_int_equal(postgres_connection_open(&options, &connection, &error), STATUS_UNAVAILABLE);
    assert_true(postgres_deadline(0) - options.deadline_ns < 2000000000); /* and in its time */
    assert_int_equal(close(silent_file), 0);
    assert_int_equal(close(gone_file), 0);
}

int main(void)
{
    if (!postgres_rig_start(&server)) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_is_found_behind_hosts_that_are_silent_or_gone),
        cmocka_unit_test(nobody_who_answers_is_unavailable),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_rig_stop(&server);
    return failed;
}
