/* kafka_reader.h - records of a topic in order, from where the caller keeps its marks. */
#ifndef ADAPTER_KAFKA_READER_H
#define ADAPTER_KAFKA_READER_H

#include "adapter/kafka_client.h"
#include "base/str.h"

/*
 * Sees only what is committed. Where a partition is read on is the caller's to know, not Kafka's:
 * it is asked for each partition that this reader is given, and Kafka's own offsets of the group
 * are written only for others to look at. One thread at a time.
 */
struct kafka_reader;

enum { KAFKA_READER_RECORDS_MAX = 1024 };

struct kafka_reader_options {
    struct kafka_options kafka;
    const char *topic;
    const char
        *group; /* shares the partitions with others of the same name; NULL: range_* counts */
    /*
     * The offset to read on from: STATUS_NOT_FOUND is from the first one there is; any other
     * status but OK ends kafka_reader_take() with it. Called from within it.
     */
    enum status (*mark)(void *owner, int32_t partition, int64_t *out_next, struct error *out_error);
    void *owner;
    int32_t range_partition; /* without a group: this partition from here on */
    int64_t range_from;
};

/* Views are good until the next call. */
struct kafka_reader_record {
    int32_t partition;
    int64_t offset;
    int64_t time_ms; /* the record's timestamp */
    bool end; /* no record: everything before `offset` was given, and there is no more by now */
    struct str key;
    struct str value;
    struct str traceparent; /* the header beside it; "": there is none */
};

enum status kafka_reader_open(const struct kafka_reader_options *options,
                              struct kafka_reader **out_reader, struct error *out_error) MUST_CHECK;
/* Leaves the group at once. Accepts NULL. */
void kafka_reader_close(struct kafka_reader *reader);

/*
 * What there is, up to `max` records (KAFKA_READER_RECORDS_MAX at most), waiting for a first one for
 * wait_ms; none is fine. STATUS_CORRUPT: the topic no longer has the record behind a mark: what
 * lies between is lost here. STATUS_DENIED, STATUS_NOT_FOUND, STATUS_UNAVAILABLE (the reader goes
 * on by itself when brokers are away; this is something else), and those of `mark`.
 */
enum status kafka_reader_take(struct kafka_reader *reader, uint32_t max, int wait_ms,
                              struct kafka_reader_record *out_records, uint32_t *out_count,
                              struct error *out_error) MUST_CHECK;

/* While paused it stays in its group and is given nothing. */
void kafka_reader_pause(struct kafka_reader *reader, bool paused);

/* Tells Kafka up to where all records taken so far are dealt with, for others to look at. */
void kafka_reader_tell(struct kafka_reader *reader);

/* The offsets of a partition: of the first record, and behind the last one that is committed. */
enum status kafka_reader_bounds(struct kafka_reader *reader, int32_t partition, int64_t *out_first,
                                int64_t *out_end, struct error *out_error) MUST_CHECK;
enum status kafka_reader_partitions(struct kafka_reader *reader, int32_t *out_count,
                                    struct error *out_error) MUST_CHECK;

#endif
