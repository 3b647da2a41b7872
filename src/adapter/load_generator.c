/* The event loop: edges only, since a connection always waits for exactly one thing. */
#include "adapter/load_generator.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "adapter/load_connection.h"
#include "adapter/load_request.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/money.h"

enum {
    ANSWER_SIZE_MAX = 16 << 20,
    EVENTS_MAX = 256,
    WAIT_MS = 100,
    LAST_ANSWER_MS_MAX = 10000, /* after the end, for what is under way */
};

struct client {
    struct load_connection connection;
    struct load_request request;
    uint64_t began_ns;
    bool busy;
    bool sending;
};

struct load {
    const struct load_options *options;
    struct load_target target;
    struct client *clients;
    int epoll_fd;
    struct prng prng;
    struct load_histogram histogram;
    struct load_result result;
    uint64_t issued; /* transfers in requests begun */
    uint32_t busy;
    uint64_t start_ns;
    uint64_t end_ns; /* monotonic; UINT64_MAX: by count only */
};

static uint64_t now_ns(const struct load *load)
{
    return (uint64_t)clock_monotonic(load->options->clock).ns;
}

static void status_count(struct load_result *result, uint32_t status)
{
    for (uint32_t i = 0; i < result->status_count; i++) {
        if (result->statuses[i].status != status) continue;
        result->statuses[i].count++;
        return;
    }
    if (result->status_count == LOAD_STATUSES_MAX) return; /* more kinds than a server has */
    result->statuses[result->status_count++] = (struct load_status){ status, 1 };
}

static bool client_connect(struct load *load, struct client *client)
{
    if (load_connect(&client->connection, &load->target) != STATUS_OK) return false;
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client };
    return epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->connection.fd, &event) == 0;
}

static bool is_over(const struct load *load, uint64_t now)
{
    const struct load_options *options = load->options;
    if (options->transfers_max > 0 && load->issued >= options->transfers_max) return true;
    return now >= load->end_ns;
}

/* With a rate: whether another request may begin, so that slow answers do not lower the rate. */
static bool is_time(const struct load *load, uint64_t now)
{
    const struct load_options *options = load->options;
    if (options->rate == 0) return true;
    uint128 allowed = (uint128)(now - load->start_ns) * options->rate / (uint64_t)NS_PER_S;
    return load->issued < allowed * options->batch;
}

static void client_begin(struct load *load, struct client *client, uint64_t now)
{
    const struct load_options *options = load->options;
    uint64_t unix_ms = (uint64_t)(clock_wall(options->clock).ns / NS_PER_MS);
    load_request_renew(&client->request, options, &load->prng, unix_ms);
    load_begin(&client->connection);
    client->began_ns =
        load_form_is_single(options->form) ? now : now_ns(load); /* without its making */
    client->busy = true;
    client->sending = true;
    load->busy++;
    load->issued += options->batch;
}

static void client_lost(struct load *load, struct client *client)
{
    status_count(&load->result, 0);
    load->result.failures += load->options->batch;
    load_disconnect(&client->connection);
    client->busy = false;
    load->busy--;
}

static void client_answered(struct load *load, struct client *client, uint64_t now)
{
    struct load_result *result = &load->result;
    const struct load_connection *connection = &client->connection;
    load_histogram_record(&load->histogram, now - client->began_ns);
    status_count(result, connection->http_status);
    uint32_t ok = 0;
    if (connection->http_status == 200 || connection->http_status == 201) {
        ok = load_answer_ok(load->options, load_body(connection));
    }
    result->requests++;
    result->transfers += ok;
    result->failures += load->options->batch - ok;
    result->bytes_sent += connection->sent;
    result->bytes_received += connection->answer.len;
    client->busy = false;
    load->busy--;
    if (connection->close) load_disconnect(&client->connection);
}

/* Goes on until the socket is not ready: begins, sends, receives, begins again. */
static void client_run(struct load *load, struct client *client)
{
    for (;;) {
        if (!client->busy) {
            uint64_t now = now_ns(load);
            if (is_over(load, now) || !is_time(load, now)) return;
            if (client->connection.fd < 0 && !client_connect(load, client)) return;
            client_begin(load, client, now);
        }
        enum load_progress progress;
        if (client->sending) {
            progress = load_send(&client->connection, buf_view(&client->request.text));
            if (progress == LOAD_DONE) {
                client->sending = false;
                return; /* the answer raises an edge */
            }
        } else {
            progress = load_receive(&client->connection);
            if (progress == LOAD_DONE) client_answered(load, client, now_ns(load));
        }
        if (progress == LOAD_AGAIN) return;
        if (progress == LOAD_LOST) client_lost(load, client);
    }
}

static bool clients_open(struct load *load)
{
    const struct load_options *options = load->options;
    for (uint32_t i = 0; i < options->connections; i++) {
        struct client *client = &load->clients[i];
        client->connection.fd = -1;
        buf_init(&client->connection.answer, ANSWER_SIZE_MAX);
        if (load_request_init(&client->request, options) != STATUS_OK) return false;
    }
    for (uint32_t i = 0; i < options->connections; i++) {
        if (!client_connect(load, &load->clients[i])) return false;
    }
    return true;
}

static void clients_close(struct load *load)
{
    for (uint32_t i = 0; i < load->options->connections; i++) {
        struct client *client = &load->clients[i];
        load_disconnect(&client->connection);
        buf_free(&client->connection.answer);
        load_request_free(&client->request);
    }
}

/* Begins what has become due, on connections that have nothing to do. */
static void idle_run(struct load *load, uint64_t now)
{
    for (uint32_t i = 0; i < load->options->connections && is_time(load, now); i++) {
        if (!load->clients[i].busy) client_run(load, &load->clients[i]);
    }
}

static void events_run(struct load *load)
{
    for (uint32_t i = 0; i < load->options->connections; i++) client_run(load, &load->clients[i]);
    uint64_t give_up_ns = UINT64_MAX;
    bool paced = load->options->rate > 0;
    while (load->busy > 0 || (paced && !is_over(load, now_ns(load)))) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(load->epoll_fd, events, EVENTS_MAX, paced ? 1 : WAIT_MS);
        CHECK(count >= 0 || errno == EINTR);
        for (int i = 0; i < count; i++) client_run(load, events[i].data.ptr);
        uint64_t now = now_ns(load);
        if (paced) idle_run(load, now);
        if (now >= give_up_ns) break;
        if (give_up_ns == UINT64_MAX && is_over(load, now)) {
            give_up_ns = now + LAST_ANSWER_MS_MAX * (uint64_t)NS_PER_MS;
        }
    }
    for (uint32_t i = 0; i < load->options->connections; i++) {
        if (load->clients[i].busy) client_lost(load, &load->clients[i]);
    }
}

static void result_finish(struct load *load, uint64_t elapsed_ns)
{
    struct load_result *result = &load->result;
    if (elapsed_ns == 0) elapsed_ns = 1;
    const uint128 second = (uint128)NS_PER_S;
    result->elapsed_ns = elapsed_ns;
    result->transfers_per_second = (uint64_t)(result->transfers * second / elapsed_ns);
    result->requests_per_second = (uint64_t)(result->requests * second / elapsed_ns);
    result->p50_ns = load_histogram_at(&load->histogram, 500);
    result->p90_ns = load_histogram_at(&load->histogram, 900);
    result->p99_ns = load_histogram_at(&load->histogram, 990);
    result->p999_ns = load_histogram_at(&load->histogram, 999);
    result->max_ns = load->histogram.max_ns;
}

static enum status load_measure(struct load *load, struct error *out_error)
{
    const struct load_options *options = load->options;
    uint64_t seed = 0;
    entropy_fill(options->entropy, &seed, sizeof seed);
    prng_init(&load->prng, seed);
    enum status status = STATUS_OK;
    if (!clients_open(load)) {
        status = error_set(out_error, STATUS_UNAVAILABLE, "cannot open %u connections to %s",
                           options->connections, options->address);
    }
    if (status == STATUS_OK) {
        uint64_t start_ns = now_ns(load);
        load->start_ns = start_ns;
        load->end_ns = UINT64_MAX;
        if (options->duration_ms > 0) {
            load->end_ns = start_ns + options->duration_ms * (uint64_t)NS_PER_MS;
        }
        events_run(load);
        result_finish(load, now_ns(load) - start_ns);
    }
    clients_close(load);
    return status;
}

static void options_check(const struct load_options *options)
{
    CHECK(options->connections >= 1 && options->connections <= LOAD_CONNECTIONS_MAX);
    CHECK(options->batch >= 1 && options->batch <= REQUEST_TRANSFERS_MAX);
    CHECK(options->account_count >= 2);
    CHECK(options->duration_ms > 0 || options->transfers_max > 0);
    CHECK(options->clock != NULL);
    CHECK(options->entropy != NULL);
}

enum status load_run(const struct load_options *options, struct load_result *out_result,
                     struct error *out_error)
{
    CHECK(options != NULL);
    CHECK(out_result != NULL);
    options_check(options);
    struct load *load = calloc(1, sizeof *load);
    if (load == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    load->options = options;
    enum status status = load_target_open(options->address, options->tls, &load->target);
    if (status != STATUS_OK) {
        free(load);
        (void)error_set(out_error, status, "'%s' cannot be loaded", options->address);
        error_hint(out_error, "only loopback addresses are taken: 127.0.0.1:8080, [::1]:8443");
        return status;
    }
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load->clients = calloc(options->connections, sizeof load->clients[0]);
    if (load->epoll_fd < 0 || load->clients == NULL) {
        status = error_set(out_error, STATUS_UNAVAILABLE, "out of memory or descriptors");
    } else {
        status = load_measure(load, out_error);
    }
    if (status == STATUS_OK) *out_result = load->result;
    if (load->epoll_fd >= 0) (void)close(load->epoll_fd); /* it holds no data */
    load_target_close(&load->target);
    free(load->clients);
    free(load);
    return status;
}
