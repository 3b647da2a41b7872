/* kafka_bus.h - port/bus.h over Kafka: a transaction for each run, the mark inside of it. */
#ifndef ADAPTER_KAFKA_BUS_H
#define ADAPTER_KAFKA_BUS_H

#include "adapter/kafka_client.h"
#include "port/bus.h"

/*
 * Lane N is partition N of the topic, its producer's transactional.id "tpwallet.TOPIC.lane-N",
 * and its marks are records in partition N of TOPIC.positions, which is compacted. Both topics are
 * made when they are not there and may be. A record's key is the event's key, its value the
 * envelope, with the headers content-type and traceparent.
 */
struct kafka_bus_options {
    struct kafka_options kafka;
    const char *topic;
    int32_t partitions; /* of a topic that has to be made; at least the lane's number and one */
};

/* Nothing is asked of brokers yet. STATUS_INVALID; STATUS_LIMIT: no memory. */
enum status kafka_bus_open(const struct kafka_bus_options *options, struct bus **out_bus,
                           struct error *out_error) MUST_CHECK;

#endif
