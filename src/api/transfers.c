/* POST /v1/transfers: one object, an array, a stream, or records. */
#include "api/lanes.h"
#include "api/render.h"
#include "api/transfers_parse.h"
#include "api/work.h"
#include "base/check.h"

static bool list_reserve(struct work *work, struct transfer_list *out_list)
{
    size_t size = work->call->body.len;
    uint32_t capacity = transfers_capacity(size);
    if (work->media == MEDIA_TRANSFERS) {
        size_t records = size / sizeof(struct transfer);
        capacity = records < REQUEST_TRANSFERS_MAX ? (uint32_t)records + 1 : REQUEST_TRANSFERS_MAX;
    }
    size_t each = sizeof(struct transfer) + sizeof(struct transfer_result);
    enum { SLACK = 64 }; /* what the arena needs to align two pieces */
    if (!work_reserve(work, capacity * each + SLACK)) return false;
    out_list->transfers = arena_take_array(&work->bulk, capacity, sizeof(struct transfer));
    work->request.transfer_results =
        arena_take_array(&work->bulk, capacity, sizeof(struct transfer_result));
    CHECK(out_list->transfers != NULL);
    CHECK(work->request.transfer_results != NULL);
    out_list->capacity = capacity;
    return true;
}

static bool body_parse(struct work *work, struct transfer_list *list)
{
    struct str body = work->call->body;
    struct problem *problem = &work->problem;
    if (work->call->arrival != API_ARRIVAL_NONE)
        return transfers_parse_arrivals(body, work->api->options.lane, work->api->options.lanes,
                                        list, problem);
    if (work->media == MEDIA_TRANSFERS) return transfers_parse_binary(body, list, problem);
    if (work->media == MEDIA_X_NDJSON)
        return transfers_parse_ndjson(body, &work->assets, &work->scratch, list, problem);
    return transfers_parse_json(body, &work->assets, &work->scratch, list, problem);
}

/* One object in JSON needs no memory of its own. */
static bool is_single(const struct work *work)
{
    return work->media == MEDIA_JSON && work->bulk_size == 0;
}

static enum api_progress create_start(struct work *work)
{
    struct request *request = &work->request;
    work_request(work, REQUEST_TRANSFERS);
    struct transfer_list list = { .transfers = &work->transfer, .capacity = 1 };
    request->transfer_results = &work->transfer_result;
    bool single = work->media == MEDIA_JSON && !body_is_array(work->call->body);
    if (!single && !list_reserve(work, &list)) return API_READY;
    if (!body_parse(work, &list)) return API_READY;
    if (list.ids_missing && uuid_is_nil(request->key)) {
        (void)problem_raise(&work->problem, PROBLEM_IDEMPOTENCY_KEY_REQUIRED,
                            "give each item an id, or the request an Idempotency-Key");
        problem_field(&work->problem, "Idempotency-Key");
        return API_READY;
    }
    bool arrives = work->call->arrival != API_ARRIVAL_NONE;
    if (!arrives && !lanes_transfers_here(work, list.transfers, list.count)) return API_READY;
    request->withdraw = work->call->arrival == API_ARRIVAL_WITHDRAW;
    request->to_wallets = work->call->arrival == API_ARRIVAL_PAY;
    request->count = list.count;
    request->transfers = list.transfers;
    return work_submit(work);
}

static void refusal_raise(struct work *work, const struct transfer_result *result)
{
    struct problem *problem = &work->problem;
    problem_refuse(problem, outcome_http_status(result->outcome), outcome_code(result->outcome),
                   outcome_text(result->outcome));
    problem->has_result = true;
    problem->has_id = true;
    problem->id = result->id.value;
    problem->position = result->position;
    problem->at = result->stamp;
    problem->repeated = result->repeated;
}

/* Whether it has left for another lane, which will decide. */
static bool is_pending(const struct work *work, uint32_t index)
{
    return work->request.transfers[index].kind == TRANSFER_DEPARTURE &&
           work->request.transfer_results[index].outcome == OUTCOME_OK;
}

static void result_write(struct work *work, struct render *render, uint32_t index)
{
    render_transfer_result(render, &work->request.transfer_results[index], is_pending(work, index));
}

static void json_array_write(struct work *work)
{
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("results"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < work->request.count; i++) {
        result_write(work, &render, i);
    }
    json_write_array_end(&render.json);
    render_position(&render, STR("position"), work->request.position);
    json_write_object_end(&render.json);
    render_end(&render);
}

static void lines_write(struct work *work)
{
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    for (uint32_t i = 0; i < work->request.count; i++) {
        result_write(work, &render, i);
        render_next(&render);
        buf_append_byte(&work->call->answer, '\n');
    }
    work->call->answer_type = "application/x-ndjson";
}

static void records_write(struct work *work)
{
    for (uint32_t i = 0; i < work->request.count; i++) {
        struct transfer_record record = transfer_record_of(&work->request.transfer_results[i]);
        buf_append(&work->call->answer, &record, sizeof record);
    }
    work->call->answer_type = "application/vnd.tpwallet.transfer-results";
}

static bool all_repeated(const struct request *request)
{
    for (uint32_t i = 0; i < request->count; i++) {
        if (!request->transfer_results[i].repeated) return false;
    }
    return true;
}

static void create_write(struct work *work)
{
    if (!work_answered(work)) return;
    struct transit *transit = work->api->options.transit;
    if (work->departs && transit != NULL) transit_wake(transit);
    work->replayed = all_repeated(&work->request);
    if (work->media == MEDIA_TRANSFERS) {
        records_write(work);
    } else if (work->media == MEDIA_X_NDJSON) {
        lines_write(work);
    } else if (!is_single(work)) {
        json_array_write(work);
    } else if (work->transfer_result.outcome != OUTCOME_OK) {
        refusal_raise(work, &work->transfer_result);
    } else {
        struct render render;
        render_init(&render, &work->assets, &work->call->answer);
        result_write(work, &render, 0);
        render_end(&render);
        unsigned done = is_pending(work, 0) ? 202 : 201;
        work->call->status = work->transfer_result.repeated ? 200 : done;
    }
}

HANDLER(ROUTE_TRANSFERS_CREATE, transfers_create) = { .start = create_start,
                                                      .write = create_write };
