/* offset_record.h - what Kafka's own topic of offsets says: commits, deletions, generations of groups. */
#ifndef DOCTOR_OFFSET_RECORD_H
#define DOCTOR_OFFSET_RECORD_H

#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

/*
 * Records of __consumer_offsets, as brokers from 0.9 to 4 write them: offsets in keys of version 0
 * and 1 with values of 0 to 4, groups in keys of version 2 with values of 0 to 4. Keys of other
 * versions are OFFSET_RECORD_OTHER.
 */
enum offset_record_kind {
    OFFSET_RECORD_OTHER,
    OFFSET_RECORD_COMMIT,
    OFFSET_RECORD_DELETED, /* the offset of a group in a partition is gone */
    OFFSET_RECORD_GROUP,   /* a new generation */
};

/* Texts are views into key and value. */
struct offset_record {
    enum offset_record_kind kind;
    struct str group;
    struct str topic; /* of COMMIT and DELETED */
    int32_t partition;
    int64_t committed;  /* of COMMIT */
    int64_t time_ms;    /* of COMMIT: when */
    int32_t generation; /* of GROUP */
    uint32_t members;   /* of GROUP: 0: nobody is in it */
};

/* value.data NULL: the record has none. STATUS_CORRUPT: it ends too early, or is none of these. */
enum status offset_record_parse(struct str key, struct str value, struct offset_record *out_record)
    MUST_CHECK;

/* The partition of __consumer_offsets that has a group. */
int32_t offset_record_partition(struct str group, int32_t partition_count);

#endif
