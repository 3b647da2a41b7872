/* /log: the verifiable log as C2SP tlog-tiles has it; public, and cacheable. */
#include "api/lookup.h"

enum { NAME_SIZE = 80 };

static void log_serve(struct work *work, struct str name)
{
    struct error error = { 0 };
    struct log_relay *log = work->api->options.log;
    struct buf *answer = &work->call->answer;
    enum status status = STATUS_NOT_FOUND;
    if (log != NULL) status = log_relay_read(log, name, answer, &error);
    if (status == STATUS_NOT_FOUND) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_detail(&work->problem, "%s",
                       log == NULL ? "this server keeps no log" : "the log has no such file");
        return;
    }
    (void)work_history_ok(work, status, &error); /* the problem is raised */
}

static enum api_progress slow_start(struct work *work)
{
    return work_queue(work);
}

static void checkpoint_run(struct work *work)
{
    log_serve(work, STR("checkpoint"));
}

static void checkpoint_write(struct work *work)
{
    work->call->answer_type = "text/plain; charset=utf-8";
    work->cacheable = "no-cache";
}

HANDLER(ROUTE_LOG_CHECKPOINT,
        log_checkpoint) = { .start = slow_start, .run = checkpoint_run, .write = checkpoint_write };

static void tile_run(struct work *work)
{
    BUF_SCOPE struct buf name;
    buf_init(&name, NAME_SIZE);
    buf_append_format(&name, "tile/%.*s", STR_ARG(work->name));
    /* A longer name is none. */
    log_serve(work, buf_status(&name) == STATUS_OK ? buf_view(&name) : STR(""));
}

static void tile_write(struct work *work)
{
    work->call->answer_type = "application/octet-stream";
    work->cacheable = "public, max-age=31536000, immutable";
}

HANDLER(ROUTE_LOG_TILE, log_tile) = { .start = slow_start, .run = tile_run, .write = tile_write };
