/* transit_metrics.h - what goes between the lanes of a ledger, for a page of metrics. */
#ifndef CMD_TRANSIT_METRICS_H
#define CMD_TRANSIT_METRICS_H

#include "base/buf.h"
#include "wallet/carry.h"
#include "wallet/transit.h"

void transit_status_add(struct transit_status *sums, const struct transit_status *one);

/* Of each lane by its number: what has left it. */
void transit_metrics_write(const struct transit_status *statuses, uint32_t lanes,
                           struct buf *out_page);

/* Of one lane that is not lane 0. */
void carrier_metrics_write(struct carrier *carrier, struct buf *out_page);

#endif
