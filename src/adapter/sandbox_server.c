#include "adapter/sandbox_server.h"

#include <stdlib.h>

#include "adapter/sandbox_desk.h"
#include "base/check.h"

enum { KEY_LEN_MAX = 200 };

/* An answer that is written and waits. */
struct waiting {
    struct api_call *call;
    struct monotonic_time due;
    struct waiting *next;
};

struct sandbox_server {
    struct sandbox_server_options options;
    struct monitor *lock;
    struct sandbox sandbox;
    struct sandbox_desk desk;
    struct buf authorization;
    struct sandbox_hooks *hooks;
    struct task *ticker;
    struct waiting *waiting; /* by due */
    bool hurry;
    bool stop;
};

static struct sandbox_server *server_of(struct api *api)
{
    return (struct sandbox_server *)(void *)api;
}

/* ---- time ---- */

static void books_advance(struct sandbox_server *server)
{
    struct wall_time now = clock_wall(server->options.clock);
    now.ns += server->desk.ahead_ns;
    sandbox_advance(&server->sandbox, now);
}

static void waiting_add(struct sandbox_server *server, struct waiting *added)
{
    struct waiting **at = &server->waiting;
    while (*at != NULL && (*at)->due.ns <= added->due.ns) at = &(*at)->next;
    added->next = *at;
    *at = added;
}

/* Takes off the list what is due. */
static struct waiting *waiting_take(struct sandbox_server *server)
{
    struct monotonic_time now = clock_monotonic(server->options.clock);
    struct waiting *first = server->waiting;
    struct waiting **end = &server->waiting;
    while (*end != NULL && (server->hurry || (*end)->due.ns <= now.ns)) end = &(*end)->next;
    if (end == &server->waiting) return NULL;
    server->waiting = *end;
    *end = NULL;
    return first;
}

static void waiting_answer(struct waiting *list)
{
    while (list != NULL) {
        struct waiting *next = list->next; /* finish() frees the one that is answered */
        list->call->ready(list->call);
        list = next;
    }
}

static void ticker_body(void *argument)
{
    struct sandbox_server *server = argument;
    struct sync *sync = server->options.sync;
    sync->lock(server->lock);
    while (!server->stop) {
        books_advance(server);
        hooks_ring(server->hooks);
        struct waiting *due = waiting_take(server);
        if (due != NULL) {
            sync->unlock(server->lock);
            waiting_answer(due);
            sync->lock(server->lock);
        }
        struct monotonic_time until = clock_monotonic(server->options.clock);
        until.ns += SANDBOX_SERVER_TICK_MS * NS_PER_MS;
        (void)sync->wait(server->lock, until); /* woken or not, the loop looks at everything */
    }
    sync->unlock(server->lock);
}

/* ---- the service ---- */

static enum api_progress service_start(struct api *api, struct api_call *call)
{
    struct sandbox_server *server = server_of(api);
    struct sync *sync = server->options.sync;
    struct waiting *waiting = NULL;
    sync->lock(server->lock);
    books_advance(server);
    uint32_t wait_ms = desk_serve(&server->desk, call);
    hooks_ring(server->hooks);
    if (wait_ms > 0 && !server->hurry) waiting = malloc(sizeof *waiting);
    if (waiting != NULL) { /* without memory the answer does not wait */
        *waiting = (struct waiting){ call, clock_monotonic(server->options.clock), NULL };
        waiting->due.ns += (int64_t)wait_ms * NS_PER_MS;
        call->work = waiting;
        waiting_add(server, waiting);
    }
    sync->unlock(server->lock);
    return waiting == NULL ? API_READY : API_PENDING;
}

static void service_finish(struct api *api, struct api_call *call)
{
    (void)api; /* the answer was written at the start */
    free(call->work);
    call->work = NULL;
}

static void service_refuse(struct api_call *call, unsigned status, const char *code,
                           const char *detail, const char *hint)
{
    (void)hint; /* the wire's errors have no place for it */
    desk_refuse(call, status, code, detail);
}

static size_t service_body_max(enum api_method method, struct str path)
{
    (void)path; /* all are small */
    return method == API_POST || method == API_PUT ? DESK_BODY_SIZE_MAX : 0;
}

struct api_service sandbox_server_service(struct sandbox_server *server)
{
    return (struct api_service){
        .api = (struct api *)(void *)server,
        .start = service_start,
        .finish = service_finish,
        .refuse = service_refuse,
        .body_size_max = service_body_max,
    };
}

/* ---- life ---- */

static enum status hooks_begin(struct sandbox_server *server, struct error *out_error)
{
    const struct sandbox_server_options *options = &server->options;
    const struct hooks_options hooks = {
        .sandbox = &server->sandbox,
        .lock = server->lock,
        .http = options->http,
        .sync = options->sync,
        .clock = options->clock,
        .entropy = options->entropy,
        .tasks = options->hook_tasks,
    };
    enum status status = hooks_open(&hooks, &server->hooks, out_error);
    if (status != STATUS_OK || options->hook == NULL) return status;
    uint32_t receiver;
    options->sync->lock(server->lock);
    status = hooks_add(server->hooks, options->hook, &receiver);
    options->sync->unlock(server->lock);
    if (status == STATUS_OK) return STATUS_OK;
    status = error_set(out_error, STATUS_INVALID, "the webhook's URL or secret is none");
    error_hint(out_error, "http://HOST:PORT/PATH; a secret of the standard style is whsec_ and "
                          "base64, of the stripe style any text of 16 characters or more");
    return status;
}

static enum status server_begin(struct sandbox_server *server, struct error *out_error)
{
    const struct sandbox_server_options *options = &server->options;
    struct sandbox_options books = options->books;
    books.webhooks = true;
    enum status status = sandbox_init(&server->sandbox, &books, clock_wall(options->clock));
    if (status != STATUS_OK)
        return error_set(out_error, status, "there is no memory for so many orders");
    if (options->faults != NULL) server->sandbox.faults = *options->faults;
    status = hooks_begin(server, out_error);
    if (status != STATUS_OK) return status;
    server->desk.sandbox = &server->sandbox;
    server->desk.hooks = server->hooks;
    server->desk.authorization = buf_view(&server->authorization);
    status =
        options->sync->spawn(options->sync, "sandbox.tick", ticker_body, server, &server->ticker);
    if (status != STATUS_OK)
        return error_set(out_error, status, "no task for the clock could be started");
    return STATUS_OK;
}

enum status sandbox_server_open(const struct sandbox_server_options *options,
                                struct sandbox_server **out_server, struct error *out_error)
{
    struct sandbox_server *server = calloc(1, sizeof *server);
    if (server == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    server->options = *options;
    buf_init(&server->authorization, KEY_LEN_MAX);
    buf_append_format(&server->authorization, "Bearer %s", options->key);
    server->lock = options->sync->monitor_new(options->sync, "sandbox");
    enum status status = buf_status(&server->authorization);
    if (status == STATUS_OK)
        status = server_begin(server, out_error);
    else
        status = error_set(out_error, STATUS_INVALID, "the key is too long");
    if (status == STATUS_OK)
        *out_server = server;
    else
        sandbox_server_close(server);
    return status;
}

void sandbox_server_hurry(struct sandbox_server *server)
{
    struct sync *sync = server->options.sync;
    sync->lock(server->lock);
    server->hurry = true;
    sync->unlock(server->lock);
}

void sandbox_server_close(struct sandbox_server *server)
{
    if (server == NULL) return;
    struct sync *sync = server->options.sync;
    sync->lock(server->lock);
    server->stop = true;
    sync->wake_all(server->lock);
    sync->unlock(server->lock);
    sync->join(server->ticker);
    hooks_close(server->hooks);
    CHECK(server->waiting == NULL); /* the HTTP server was closed, so all is answered */
    sync->monitor_free(server->lock);
    sandbox_free(&server->sandbox);
    buf_free(&server->authorization);
    free(server);
}
