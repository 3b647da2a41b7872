/* /v1/periods: up to which date the books are closed. */
#include "api/acts.h"
#include "api/admin_parse.h"
#include "api/lookup.h"

static enum api_progress close_start(struct work *work)
{
    if (!period_close_parse(work->call->body, &work->scratch, &work->admin, &work->problem))
        return API_READY;
    return act_submit(work);
}

static void close_write(struct work *work)
{
    struct render render;
    if (act_answer_begin(work, &render)) act_answer_end(work, &render);
}

HANDLER(ROUTE_PERIODS_CLOSE, periods_close) = { .start = close_start, .write = close_write };

/* Every read says it: this one asks for nothing else. */
static enum api_progress get_start(struct work *work)
{
    work_request(work, REQUEST_READ);
    work->read =
        (struct read){ .kind = READ_ACCOUNT_PAGE, .limit = 1, .accounts = &work->account_state };
    work->request.read = &work->read;
    return work_submit(work);
}

static void get_write(struct work *work)
{
    if (!work_answered(work)) return;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    if (work->read.closed_through.days != 0)
        render_date(&render, STR("closed_through"), work->read.closed_through);
    render_as_of(&render, work->read.as_of_batch);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_PERIODS_GET, periods_get) = { .start = get_start, .write = get_write };
