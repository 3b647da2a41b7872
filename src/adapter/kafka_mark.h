/* kafka_mark.h - a lane's marks in a partition of Kafka: as bytes, and the newest one found. */
#ifndef ADAPTER_KAFKA_MARK_H
#define ADAPTER_KAFKA_MARK_H

#include "adapter/kafka_client.h"
#include "base/buf.h"
#include "port/bus.h"

enum { KAFKA_MARK_SIZE_MAX = 256 };

/* Who published up to where. Zeroed: nobody did, nothing. */
struct kafka_mark {
    uint64_t epoch;
    struct bus_mark mark;
};

/* One JSON object: {"epoch":7,"batch":1207,"index":3,"time_ns":1760000000000000000}. */
enum status kafka_mark_write(const struct kafka_mark *mark, struct buf *out_json) MUST_CHECK;
/* STATUS_CORRUPT: it is none. */
enum status kafka_mark_read(struct str json, struct kafka_mark *out_mark) MUST_CHECK;

/*
 * The newest committed mark of a partition; zeroed when there is none. To be asked when no
 * transaction is open there. STATUS_UNAVAILABLE, STATUS_DENIED, STATUS_NOT_FOUND, STATUS_CORRUPT.
 */
enum status kafka_mark_newest(const struct kafka_options *kafka, const char *topic,
                              int32_t partition, struct kafka_mark *out_mark,
                              struct error *out_error) MUST_CHECK;

#endif
