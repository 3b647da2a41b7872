#include "cmd/serve_behind.h"

#include "base/check.h"
#include "base/reserve.h"

/* What calls others over HTTP: each call is covered by the lane's lease. */
static enum status callers_open(const struct invocation *invocation, uint32_t lane,
                                struct http_cover cover, struct serve_behind *behind,
                                struct error *out_error)
{
    struct serve_payments *payments = &behind->payments[lane];
    enum status status = serve_payments_open(invocation, cover, payments, out_error);
    if (status == STATUS_OK)
        status = serve_webhooks_new(invocation, payments, &behind->webhooks[lane], out_error);
    if (status != STATUS_OK) return status;
    behind->webhooks[lane]->cover = cover;
    behind->webhooks[lane]->first = behind->webhooks[0];
    return STATUS_OK;
}

static enum status lane_open_behind(const struct invocation *invocation, uint32_t lane,
                                    struct serve_behind *behind, struct error *out_error)
{
    enum status status = serve_bus_open(invocation, &behind->bus[lane], out_error);
    if (status == STATUS_OK && lane == 0)
        status = serve_bus_watch(invocation, &behind->bus[lane], out_error);
    if (status == STATUS_OK)
        status = serve_projection_open(invocation, &behind->projection[lane], out_error);
    if (status == STATUS_OK)
        status = serve_cache_open(invocation, lane, &behind->cache[lane], out_error);
    return status;
}

enum status serve_behind_open(const struct invocation *invocation,
                              const struct serve_behind_options *options,
                              struct serve_behind *out_behind, struct error *out_error)
{
    uint32_t lanes = options->lanes;
    CHECK(lanes > 0 && lanes <= LANES_MAX);
    enum status status = STATUS_OK;
    out_behind->lanes = lanes;
    out_behind->payments = reserve_new(lanes * sizeof *out_behind->payments);
    if (out_behind->payments == NULL)
        return error_set(out_error, STATUS_LIMIT, "no memory for the PSPs of each lane");
    for (uint32_t lane = 0; lane < lanes && status == STATUS_OK; lane++) {
        status = callers_open(invocation, lane, options->covers[lane], out_behind, out_error);
        if (status == STATUS_OK) status = lane_open_behind(invocation, lane, out_behind, out_error);
    }
    return status;
}

void serve_behind_close(struct serve_behind *behind)
{
    for (uint32_t lane = 0; lane < behind->lanes; lane++) {
        serve_bus_close(&behind->bus[lane]);
        serve_cache_close(&behind->cache[lane]);
        serve_webhooks_free(behind->webhooks[lane]);
        if (behind->payments != NULL) serve_payments_close(&behind->payments[lane]);
    }
    if (behind->payments != NULL)
        reserve_free(behind->payments, behind->lanes * sizeof *behind->payments);
}
