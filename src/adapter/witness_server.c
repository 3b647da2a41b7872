#include "adapter/witness_server.h"

static struct witness *witness_of(struct api *api)
{
    return (struct witness *)(void *)api;
}

static void plain(struct api_call *call, unsigned status, struct str text)
{
    call->status = status;
    call->answer_type = "text/plain; charset=utf-8";
    buf_reset(&call->answer);
    buf_append_str(&call->answer, text);
}

static void add_checkpoint(struct witness *witness, struct api_call *call)
{
    enum witness_outcome outcome = witness_add_checkpoint(witness, call->body, &call->answer);
    bool size = outcome == WITNESS_OTHER_SIZE || outcome == WITNESS_FORKED;
    call->status = witness_outcome_http(outcome);
    call->answer_type = size ? "text/x.tlog.size" : "text/plain; charset=utf-8";
}

static enum api_progress service_start(struct api *api, struct api_call *call)
{
    struct witness *witness = witness_of(api);
    bool get = call->method == API_GET || call->method == API_HEAD;
    if (str_equal(call->path, STR("/add-checkpoint"))) {
        if (call->method == API_POST)
            add_checkpoint(witness, call);
        else
            plain(call, 405, STR("POST a checkpoint here\n"));
    } else if (get && str_equal(call->path, STR("/livez"))) {
        plain(call, 200, STR("ok\n"));
    } else if (get && str_equal(call->path, STR("/metrics"))) {
        plain(call, 200, STR(""));
        witness_write_metrics(witness, &call->answer);
        call->answer_type = "text/plain; version=0.0.4; charset=utf-8";
    } else {
        plain(call, 404, STR("a witness: POST /add-checkpoint, GET /livez, GET /metrics\n"));
    }
    return API_READY;
}

static void service_finish(struct api *api, struct api_call *call)
{
    (void)api; /* the answer was written at the start */
    (void)call;
}

static void service_refuse(struct api_call *call, unsigned status, const char *code,
                           const char *detail, const char *hint)
{
    (void)hint; /* one line says it */
    plain(call, status, str_from(detail == NULL ? code : detail));
    buf_append_byte(&call->answer, '\n');
}

static size_t service_body_max(enum api_method method, struct str path)
{
    bool takes = method == API_POST && str_equal(path, STR("/add-checkpoint"));
    return takes ? WITNESS_REQUEST_SIZE_MAX : 0;
}

struct api_service witness_service(struct witness *witness)
{
    return (struct api_service){
        .api = (struct api *)(void *)witness,
        .start = service_start,
        .finish = service_finish,
        .refuse = service_refuse,
        .body_size_max = service_body_max,
    };
}
