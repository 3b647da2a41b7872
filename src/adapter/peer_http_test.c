/*
 * Goal: an owner that takes a call and says nothing holds nobody for longer than the call's time, also
 * when a stream is asked for, and not a replica that is being stopped; what is no stream cannot ask
 * to be one.
 * Method: a listening socket at which nobody answers: the kernel takes the connection and the request.
 */
#include "adapter/peer_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "adapter/system_clock.h"
#include "base/check.h"

enum { TIME_MS = 300, LATE_MS = 20000 };

struct rig {
    int handle;
    struct peer *peer;
    struct api_call call;
    struct peer_call peer_call;
    pthread_mutex_t mutex;
    pthread_cond_t change;
    bool done;
};

static void rig_done(struct peer_call *peer_call)
{
    struct rig *rig = peer_call->owner;
    (void)pthread_mutex_lock(&rig->mutex);
    rig->done = true;
    (void)pthread_cond_signal(&rig->change);
    (void)pthread_mutex_unlock(&rig->mutex);
}

static void rig_open(struct rig *rig)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    const struct peer_http_options options = { .silent_s_max = 60 };
    *rig = (struct rig){ .mutex = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rig->handle = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(rig->handle, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(rig->handle, 8), 0);
    assert_int_equal(getsockname(rig->handle, (struct sockaddr *)&address, &size), 0);
    int len = snprintf(rig->peer_call.url, sizeof rig->peer_call.url, "http://127.0.0.1:%u",
                       ntohs(address.sin_port));
    assert_true(len > 0 && (size_t)len < sizeof rig->peer_call.url);
    assert_int_equal(peer_http_open(&options, &rig->peer, NULL), STATUS_OK);
    buf_init(&rig->call.answer, 1 << 16);
}

static void rig_close(struct rig *rig)
{
    rig->peer->close(rig->peer);
    buf_free(&rig->call.answer);
    assert_int_equal(close(rig->handle), 0);
}

static void ask(struct rig *rig, const char *path, uint32_t left_ms)
{
    rig->call.method = API_GET;
    rig->call.path = str_from(path);
    rig->call.accept = STR(PEER_STREAM_TYPE);
    rig->peer_call.call = &rig->call;
    rig->peer_call.left_ms = left_ms;
    rig->peer_call.done = rig_done;
    rig->peer_call.owner = rig;
    rig->peer->send(rig->peer, &rig->peer_call);
}

/* How long the call took from here on. */
static int64_t wait_done(struct rig *rig)
{
    struct monotonic_time began = clock_monotonic(system_clock());
    (void)pthread_mutex_lock(&rig->mutex);
    while (!rig->done) (void)pthread_cond_wait(&rig->change, &rig->mutex);
    rig->done = false;
    (void)pthread_mutex_unlock(&rig->mutex);
    return (clock_monotonic(system_clock()).ns - began.ns) / NS_PER_MS;
}

static void nobody_waits_longer_than_the_calls_time(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_open(&rig);
    ask(&rig, "/v1/accounts", TIME_MS); /* whatever it accepts, it is no stream */
    assert_true(wait_done(&rig) < LATE_MS);
    assert_int_equal(rig.peer_call.status, STATUS_IN_DOUBT);
    ask(&rig, PEER_STREAM_PATH, TIME_MS);
    assert_in_range(wait_done(&rig), TIME_MS / 2, LATE_MS);
    assert_int_equal(rig.peer_call.status, STATUS_IN_DOUBT);
    rig_close(&rig);
}

static void a_stop_ends_streams_whose_owner_is_silent(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_open(&rig);
    ask(&rig, PEER_STREAM_PATH, 1000 * LATE_MS);
    int taken = accept(rig.handle, NULL, NULL); /* the call is under way */
    assert_true(taken >= 0);
    rig.peer->stop(rig.peer);
    assert_true(wait_done(&rig) < LATE_MS);
    assert_int_equal(rig.call.streams, false);
    assert_int_equal(close(taken), 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_longer_than_the_calls_time),
        cmocka_unit_test(a_stop_ends_streams_whose_owner_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
