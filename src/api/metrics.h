/* metrics.h - what the API of a lane counts, in the text format that Prometheus reads. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include <stdatomic.h>

#include "api/event_streams.h"
#include "api/router.h"
#include "base/buf.h"
#include "wallet/lane.h"
#include "wallet/log_relay.h"
#include "wallet/saga.h"
#include "wallet/webhook_desk.h"
#include "wallet/webhook_in.h"

/* HTTP statuses that are counted one by one; any other is counted as the last, 0 ("other"). */
#define METRIC_STATUS_TABLE(X)                                                                     \
    X(200)                                                                                         \
    X(201)                                                                                         \
    X(400)                                                                                         \
    X(401)                                                                                         \
    X(403)                                                                                         \
    X(404)                                                                                         \
    X(405)                                                                                         \
    X(408)                                                                                         \
    X(409)                                                                                         \
    X(413)                                                                                         \
    X(414)                                                                                         \
    X(415)                                                                                         \
    X(422)                                                                                         \
    X(429)                                                                                         \
    X(431)                                                                                         \
    X(500)                                                                                         \
    X(503)                                                                                         \
    X(507)                                                                                         \
    X(0)

#define METRIC_STATUS_ONE(status) +1
enum {
    METRIC_STATUS_COUNT = 0 METRIC_STATUS_TABLE(METRIC_STATUS_ONE),
    METRIC_ROUTE_COUNT = ROUTE_NUMBER_MAX + 1, /* 0: no route matched */
};
#undef METRIC_STATUS_ONE

/* Upper bounds of the latency buckets: nanoseconds, and the same in seconds as text. */
#define METRIC_BUCKET_TABLE(X)                                                                     \
    X(100000, "0.0001")                                                                            \
    X(250000, "0.00025")                                                                           \
    X(500000, "0.0005")                                                                            \
    X(1000000, "0.001")                                                                            \
    X(2500000, "0.0025")                                                                           \
    X(5000000, "0.005")                                                                            \
    X(10000000, "0.01")                                                                            \
    X(25000000, "0.025")                                                                           \
    X(50000000, "0.05")                                                                            \
    X(100000000, "0.1")                                                                            \
    X(250000000, "0.25")                                                                           \
    X(500000000, "0.5")                                                                            \
    X(1000000000, "1")                                                                             \
    X(2500000000, "2.5")                                                                           \
    X(5000000000, "5")                                                                             \
    X(10000000000, "10")

#define METRIC_BUCKET_ONE(ns, seconds) +1
enum { METRIC_BUCKET_COUNT = 0 METRIC_BUCKET_TABLE(METRIC_BUCKET_ONE) };
#undef METRIC_BUCKET_ONE

struct metric_route {
    _Atomic uint64_t by_status[METRIC_STATUS_COUNT];
    _Atomic uint64_t buckets[METRIC_BUCKET_COUNT + 1]; /* not cumulative; the last is above all */
    _Atomic uint64_t ns_total;
};

/* Zeroed is empty. */
struct metrics {
    struct metric_route routes[METRIC_ROUTE_COUNT];
    _Atomic uint64_t in_flight;
};

/* Any task. route is a number of the table, or 0. */
void metrics_count(struct metrics *metrics, uint32_t route, unsigned status, int64_t duration_ns);

/* Appends which program it is. */
void metrics_build_write(const char *version, struct buf *out_page);

/* Appends what was counted, and the lane's state as of now, in text format 0.0.4. */
void metrics_write(const struct metrics *metrics, const struct lane_status *status,
                   struct wall_time now, struct buf *out_page);

/* Appends what the workers of payments counted. */
void metrics_saga_write(const struct saga_status *status, struct buf *out_page);

/* Appends what streams of events counted. */
void metrics_streams_write(const struct event_streams_status *status, struct buf *out_page);

/* Appends what became of webhooks that came, and of the endpoints that ours are sent to. */
void metrics_webhook_in_write(const struct webhook_in_status *status, struct buf *out_page);
void metrics_webhook_desk_write(const struct webhook_desk_status *status, struct buf *out_page);

/* Appends how far the verifiable log is. */
void metrics_log_write(const struct log_relay_status *status, struct buf *out_page);

#endif
