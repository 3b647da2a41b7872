/* transit_metrics.h - what went between the lanes of a ledger, for a page of metrics. */
#ifndef CMD_TRANSIT_METRICS_H
#define CMD_TRANSIT_METRICS_H

#include "base/buf.h"
#include "wallet/transit.h"

void transit_status_add(struct transit_status *sums, const struct transit_status *one);

void transit_metrics_write(const struct transit_status *sums, struct buf *out_page);

#endif
