/*
 * Goal: a connection is shut down when its phase has taken too long, and not before; idle ones
 * are closed for a drain only when nothing has arrived on them.
 * Method: socket pairs stand for connections, and time is moved by hand: when the connection
 * with the shorter time is shut down, the one looked at in the same sweep must still be open.
 */
#include "adapter/http_server_connection.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/http_server_loop.h"
#include "adapter/thread_sync.h"

struct hand_clock {
    struct clock port;
    _Atomic int64_t ns;
};

static struct wall_time hand_wall(struct clock *clock)
{
    return (struct wall_time){ atomic_load(&((struct hand_clock *)clock)->ns) };
}

static struct monotonic_time hand_monotonic(struct clock *clock)
{
    return (struct monotonic_time){ atomic_load(&((struct hand_clock *)clock)->ns) };
}

static struct hand_clock hand_clock_at(int64_t ns)
{
    return (struct hand_clock){ .port = { .wall = hand_wall, .monotonic = hand_monotonic },
                                .ns = ns };
}

struct pair {
    int client;
    int server;
    struct http_connection *connection;
};

static struct pair pair_open(struct connection_list *list, const struct http_loop *loop,
                             enum connection_phase phase)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct pair pair = { .client = ends[0], .server = ends[1] };
    pair.connection = connection_add(list, loop, ends[1], phase);
    assert_non_null(pair.connection);
    return pair;
}

static void pair_close(struct pair *pair)
{
    connection_remove(pair->connection);
    assert_int_equal(close(pair->client), 0);
    assert_int_equal(close(pair->server), 0);
}

static bool is_open(const struct pair *pair)
{
    char byte;
    ssize_t got = recv(pair->client, &byte, 1, MSG_DONTWAIT);
    assert_true(got == 0 || (got < 0 && errno == EAGAIN));
    return got < 0;
}

static void await_shut_down(const struct pair *pair)
{
    char byte;
    assert_int_equal(recv(pair->client, &byte, 1, 0), 0);
}

static const struct connection_times times = {
    .phase_ms = { [PHASE_IDLE] = 1000, [PHASE_HEADERS] = 100, [PHASE_BODY] = 200 },
};

static void late_phases_are_shut_down_and_counted(void **state)
{
    (void)state;
    struct hand_clock clock = hand_clock_at(NS_PER_S);
    struct connection_list list;
    assert_int_equal(connection_list_init(&list, thread_sync(), &clock.port, &times), STATUS_OK);
    /* the list is looked through from the newest: what is open at the end was looked at before */
    struct pair headers = pair_open(&list, NULL, PHASE_HEADERS);
    struct pair body = pair_open(&list, NULL, PHASE_BODY);
    struct pair pending = pair_open(&list, NULL, PHASE_PENDING);
    assert_int_equal(connection_list_count(&list), 3);

    atomic_fetch_add(&clock.ns, 150 * NS_PER_MS);
    await_shut_down(&headers);
    assert_true(is_open(&body));
    atomic_fetch_add(&clock.ns, 100 * NS_PER_MS);
    await_shut_down(&body);
    assert_true(is_open(&pending)); /* without a deadline */
    atomic_fetch_add(&clock.ns, 1000 * NS_PER_S);

    struct pair idle = pair_open(&list, NULL, PHASE_IDLE); /* against the tick of the last look */
    atomic_fetch_add(&clock.ns, 2000 * NS_PER_MS);
    await_shut_down(&idle);
    assert_true(is_open(&pending));
    assert_int_equal(atomic_load(&list.late[PHASE_HEADERS]), 1);
    assert_int_equal(atomic_load(&list.late[PHASE_BODY]), 1);
    assert_int_equal(atomic_load(&list.late[PHASE_IDLE]), 1);
    assert_int_equal(atomic_load(&list.late[PHASE_PENDING]), 0);
    pair_close(&body); /* from the middle, the end, and the beginning of the list */
    pair_close(&headers);
    pair_close(&idle);
    pair_close(&pending);
    assert_int_equal(connection_list_count(&list), 0);
    connection_list_done(&list);
}

static void only_idle_connections_without_arrivals_are_closed(void **state)
{
    (void)state;
    struct hand_clock clock = hand_clock_at(NS_PER_S);
    struct connection_list list;
    assert_int_equal(connection_list_init(&list, thread_sync(), &clock.port, &times), STATUS_OK);
    struct http_loop mine;
    struct http_loop another;
    struct pair idle = pair_open(&list, &mine, PHASE_IDLE);
    struct pair arrived = pair_open(&list, &mine, PHASE_IDLE);
    struct pair busy = pair_open(&list, &mine, PHASE_PENDING);
    struct pair others = pair_open(&list, &another, PHASE_IDLE);
    assert_int_equal(send(arrived.client, "G", 1, 0), 1);
    connection_list_close_idle(&list, &mine);
    assert_false(is_open(&idle));
    assert_true(is_open(&arrived));
    assert_true(is_open(&busy));
    assert_true(is_open(&others));
    char byte;
    assert_int_equal(recv(arrived.server, &byte, 1, MSG_DONTWAIT), 1); /* it is still there */

    connection_list_abandon(&list);
    assert_false(is_open(&arrived));
    assert_true(is_open(&busy));
    assert_false(is_open(&others));
    pair_close(&idle);
    pair_close(&arrived);
    pair_close(&busy);
    pair_close(&others);
    connection_remove(NULL);
    connection_list_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_phases_are_shut_down_and_counted),
        cmocka_unit_test(only_idle_connections_without_arrivals_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
