#include "api/lane_link.h"

#include <string.h>

#include "api/render.h"
#include "api/service_call.h"
#include "base/check.h"
#include "model/trace_context.h"
#include "port/peer.h"

enum { ANSWER_SIZE_MAX = 64 << 10, LANE_TEXT_SIZE = 12 };

/* Nobody owns the lane, or nobody could be reached: nothing was done. */
static bool is_undone(const struct api_call *call)
{
    for (uint32_t i = 0; i < call->header_count; i++) {
        const struct api_header *header = &call->headers[i];
        if (strcmp(header->name, PEER_HEADER_NOT_OWNER) == 0)
            return strcmp(header->value, "undone") == 0;
    }
    return false;
}

static enum status results_take(const struct api_call *call, const struct request *request)
{
    struct str answer = buf_view(&call->answer);
    struct transfer_record record;
    if (call->status != 200) return is_undone(call) ? STATUS_UNAVAILABLE : STATUS_IN_DOUBT;
    if (answer.len != request->count * sizeof record) return STATUS_IN_DOUBT;
    for (uint32_t i = 0; i < request->count; i++) {
        memcpy(&record, answer.data + i * sizeof record, sizeof record);
        if (record.outcome >= OUTCOME_COUNT) return STATUS_IN_DOUBT;
        request->transfer_results[i] = transfer_result_of(&record);
    }
    return STATUS_OK;
}

static enum api_arrival arrival_of(const struct request *request)
{
    if (request->withdraw) return API_ARRIVAL_WITHDRAW;
    return request->to_wallets ? API_ARRIVAL_PAY : API_ARRIVAL_DECIDE;
}

static enum status link_run(struct transit_link *port, struct request *request)
{
    struct lane_link *link = (struct lane_link *)port;
    CHECK(request->kind == REQUEST_TRANSFERS);
    BUF_SCOPE struct buf lane;
    buf_init(&lane, LANE_TEXT_SIZE);
    buf_append_format(&lane, "%u", link->lane);
    const struct api_raw_header headers[] = {
        { STR("TPW-Lane"), buf_view(&lane) },
        { STR("Content-Type"), STR("application/vnd.tpwallet.transfers") },
    };
    char traceparent[TRACEPARENT_SIZE];
    struct api_call call = {
        .method = API_POST,
        .path = STR("/v1/transfers"),
        .content_type = headers[1].value,
        .raw_headers = headers,
        .raw_header_count = 2,
        .body = { (const char *)request->transfers, request->count * sizeof(struct transfer) },
        .arrival = arrival_of(request),
    };
    if (!uuid_is_nil(request->trace.id))
        call.traceparent = traceparent_format(request->trace, 0, traceparent);
    buf_init(&call.answer, ANSWER_SIZE_MAX);
    service_call(&link->links->service, &call, link->links->sync, link->links->monitor);
    enum status status = results_take(&call, request);
    buf_free(&call.answer);
    return status;
}

void lane_links_init(struct lane_links *links, struct api_service service, struct sync *sync)
{
    *links = (struct lane_links){ .service = service, .sync = sync };
    links->monitor = sync->monitor_new(sync, "lane-links");
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        links->each[lane] =
            (struct lane_link){ .port = { .run = link_run }, .links = links, .lane = lane };
        links->ports[lane] = &links->each[lane].port;
    }
}

void lane_links_done(struct lane_links *links)
{
    if (links->monitor != NULL) links->sync->monitor_free(links->monitor);
    *links = (struct lane_links){ 0 };
}
