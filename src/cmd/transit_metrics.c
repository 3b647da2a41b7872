#include "cmd/transit_metrics.h"

#include <inttypes.h>

#include "base/metric_text.h"

void transit_status_add(struct transit_status *sums, const struct transit_status *one)
{
    sums->open += one->open;
    sums->settled += one->settled;
    sums->released += one->released;
    sums->withdrawn += one->withdrawn;
    sums->unreachable += one->unreachable;
    sums->broken += one->broken;
}

void transit_metrics_write(const struct transit_status *sums, struct buf *out_page)
{
    const struct {
        const char *name;
        uint64_t number;
    } rows[] = {
        { "settled", sums->settled },     { "released", sums->released },
        { "withdrawn", sums->withdrawn }, { "unreachable", sums->unreachable },
        { "broken", sums->broken },
    };
    metric_head_write(out_page, "tpwallet_transits_total", "counter",
                      "Money between lanes: how departures ended, and what kept them from it");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        metric_labelled_write(out_page, "tpwallet_transits_total", "result", str_from(rows[i].name),
                              rows[i].number);
    }
    metric_head_write(out_page, "tpwallet_transits_open", "gauge",
                      "Departures that were open when a worker looked last");
    buf_append_format(out_page, "tpwallet_transits_open %" PRIu64 "\n", sums->open);
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
