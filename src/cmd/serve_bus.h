/* serve_bus.h - what a server needs to publish its events on Kafka. */
#ifndef CMD_SERVE_BUS_H
#define CMD_SERVE_BUS_H

#include "adapter/kafka_lag.h"
#include "base/buf.h"
#include "cmd/invocation.h"
#include "wallet/lane.h"

struct bus;
struct bus_relay;
struct journal_feed;

/* Zeroed: nothing is published. */
struct serve_bus {
    struct bus *bus; /* NULL: nothing is published */
    struct journal_feed *feed;
    struct bus_relay *relay;
    struct lane *lane;
    struct store *store;        /* the lane's */
    char source[32];            /* of its events, as the API's: the lane */
    struct kafka_groups groups; /* whose lag is watched while this publishes */
    struct kafka_lag_options lag_options;
    struct kafka_lag *lag;
};

/*
 * From the options --kafka, --kafka-topic, --kafka-partitions and --kafka-settings.
 * STATUS_INVALID, STATUS_NOT_FOUND, STATUS_DENIED, STATUS_LIMIT. Brokers are not asked yet.
 * out_bus does not move afterwards.
 */
enum status serve_bus_open(const struct invocation *invocation, struct serve_bus *out_bus,
                           struct error *out_error) MUST_CHECK;
/* From --kafka-groups, after the open. STATUS_INVALID, STATUS_LIMIT. */
enum status serve_bus_watch(const struct invocation *invocation, struct serve_bus *bus,
                            struct error *out_error) MUST_CHECK;
/* When it does not run. Accepts a zeroed struct. */
void serve_bus_close(struct serve_bus *bus);

/* Starts publishing beside an open lane, of that number, which this process owns. To be stopped either way. */
enum status serve_bus_start(struct serve_bus *bus, struct lane *lane, uint32_t number,
                            const struct lane_ports *ports, struct error *out_error) MUST_CHECK;
/* After the call of the bus under way. Also when it was not started. */
void serve_bus_stop(struct serve_bus *bus);

void serve_bus_metrics(struct serve_bus *bus, struct buf *out_page);

#endif
