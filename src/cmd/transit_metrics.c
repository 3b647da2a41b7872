#include "cmd/transit_metrics.h"

#include <inttypes.h>

#include "base/metric_text.h"

void transit_status_add(struct transit_status *sums, const struct transit_status *one)
{
    sums->open += one->open;
    sums->stuck += one->stuck;
    sums->settled += one->settled;
    sums->released += one->released;
    sums->withdrawn += one->withdrawn;
    sums->unreachable += one->unreachable;
    sums->broken += one->broken;
}

static void ends_write(const struct transit_status *status, uint32_t lane, struct buf *out_page)
{
    const struct {
        const char *name;
        uint64_t number;
    } rows[] = {
        { "settled", status->settled },     { "released", status->released },
        { "withdrawn", status->withdrawn }, { "unreachable", status->unreachable },
        { "broken", status->broken },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_append_format(out_page,
                          "tpwallet_transits_total{lane=\"%u\",result=\"%s\"} %" PRIu64 "\n", lane,
                          rows[i].name, rows[i].number);
    }
}

void transit_metrics_write(const struct transit_status *statuses, uint32_t lanes,
                           struct buf *out_page)
{
    metric_head_write(out_page, "tpwallet_transits_total", "counter",
                      "Money that left the lane: how it ended, and what kept it from its end");
    for (uint32_t lane = 0; lane < lanes; lane++) ends_write(&statuses[lane], lane, out_page);
    metric_head_write(out_page, "tpwallet_transits_open", "gauge",
                      "Departures that were open when a worker looked last");
    for (uint32_t lane = 0; lane < lanes; lane++) {
        buf_append_format(out_page, "tpwallet_transits_open{lane=\"%u\"} %" PRIu64 "\n", lane,
                          statuses[lane].open);
    }
    metric_head_write(out_page, "tpwallet_transits_stuck", "gauge",
                      "Of those, the ones whose end the lane has refused: not tried again");
    for (uint32_t lane = 0; lane < lanes; lane++) {
        buf_append_format(out_page, "tpwallet_transits_stuck{lane=\"%u\"} %" PRIu64 "\n", lane,
                          statuses[lane].stuck);
    }
}

void carrier_metrics_write(struct carrier *carrier, struct buf *out_page)
{
    struct carrier_status status;
    carrier_get_status(carrier, &status);
    metric_head_write(out_page, "tpwallet_carried_total", "counter",
                      "Assets, rates and closed periods of lane 0 that were made in this lane");
    buf_append_format(out_page, "tpwallet_carried_total %" PRIu64 "\n", status.carried);
    metric_head_write(out_page, "tpwallet_carry_broken", "gauge",
                      "1 when this lane's custom assets are not those of lane 0");
    buf_append_format(out_page, "tpwallet_carry_broken %u\n", status.broken ? 1U : 0U);
}
