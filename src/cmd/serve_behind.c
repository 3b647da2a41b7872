#include "cmd/serve_behind.h"

#include "base/check.h"

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

enum status serve_behind_open(const struct invocation *invocation, uint32_t lanes,
                              struct serve_behind *out_behind, struct error *out_error)
{
    CHECK(lanes > 0 && lanes <= LANES_MAX);
    enum status status = STATUS_OK;
    out_behind->lanes = lanes;
    for (uint32_t lane = 0; lane < lanes && status == STATUS_OK; lane++) {
        status = lane_open_behind(invocation, lane, out_behind, out_error);
    }
    return status;
}

void serve_behind_close(struct serve_behind *behind)
{
    for (uint32_t lane = 0; lane < behind->lanes; lane++) {
        serve_bus_close(&behind->bus[lane]);
        serve_cache_close(&behind->cache[lane]);
    }
}
