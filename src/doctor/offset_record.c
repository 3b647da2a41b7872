#include "doctor/offset_record.h"

#include <string.h>

#include "base/check.h"

enum { KEY_GROUP = 2, VALUE_VERSION_MAX = 4, COMPACT_FROM = 4 };

/* The first fault stays: what is read after it is 0 or "". */
struct reading {
    struct str rest;
    bool compact; /* lengths are unsigned varints of one more */
    bool fault;
};

static const uint8_t *take(struct reading *reading, size_t size)
{
    if (reading->fault || reading->rest.len < size) {
        reading->fault = true;
        return NULL;
    }
    const uint8_t *at = (const uint8_t *)reading->rest.data;
    reading->rest = (struct str){ reading->rest.data + size, reading->rest.len - size };
    return at;
}

/* Big-endian, sign kept by the caller's cast. */
static uint64_t take_number(struct reading *reading, size_t size)
{
    const uint8_t *at = take(reading, size);
    uint64_t number = 0;
    for (size_t i = 0; at != NULL && i < size; i++) number = number << 8 | at[i];
    return number;
}

static uint32_t take_varint(struct reading *reading)
{
    uint32_t number = 0;
    for (unsigned shift = 0; shift < 32; shift += 7) {
        const uint8_t *at = take(reading, 1);
        if (at == NULL) return 0;
        number |= (uint32_t)(*at & 0x7f) << shift;
        if ((*at & 0x80) == 0) return number;
    }
    reading->fault = true;
    return 0;
}

/* A string that may be null, which is "". */
static struct str take_text(struct reading *reading)
{
    int64_t len = reading->compact ? (int64_t)take_varint(reading) - 1
                                   : (int16_t)take_number(reading, sizeof(int16_t));
    if (len <= 0) {
        reading->fault = reading->fault || len < -1;
        return STR("");
    }
    const uint8_t *at = take(reading, (size_t)len);
    return at == NULL ? STR("") : (struct str){ (const char *)at, (size_t)len };
}

static uint32_t take_count(struct reading *reading)
{
    if (reading->compact) {
        uint32_t count = take_varint(reading);
        return count == 0 ? 0 : count - 1;
    }
    int32_t count = (int32_t)take_number(reading, sizeof(int32_t));
    reading->fault = reading->fault || count < 0;
    return reading->fault ? 0 : (uint32_t)count;
}

static void commit_read(struct reading *reading, uint16_t version, struct offset_record *record)
{
    enum { LEADER_FROM = 3 };
    record->kind = OFFSET_RECORD_COMMIT;
    record->committed = (int64_t)take_number(reading, sizeof(int64_t));
    if (version >= LEADER_FROM) (void)take_number(reading, sizeof(int32_t)); /* not told */
    (void)take_text(reading); /* what a client keeps there is its own */
    record->time_ms = (int64_t)take_number(reading, sizeof(int64_t));
}

static void group_read(struct reading *reading, uint16_t version, struct offset_record *record)
{
    enum { STAMP_FROM = 2 };
    record->kind = OFFSET_RECORD_GROUP;
    (void)take_text(reading); /* type of protocol */
    record->generation = (int32_t)take_number(reading, sizeof(int32_t));
    (void)take_text(reading);                                               /* protocol */
    (void)take_text(reading);                                               /* leader */
    if (version >= STAMP_FROM) (void)take_number(reading, sizeof(int64_t)); /* when it began */
    record->members = take_count(reading);
}

enum status offset_record_parse(struct str key, struct str value, struct offset_record *out_record)
{
    struct reading keys = { .rest = key };
    struct reading values = { .rest = value };
    struct offset_record record = { .kind = OFFSET_RECORD_OTHER };
    uint64_t kind = take_number(&keys, sizeof(uint16_t));
    if (!keys.fault && kind > KEY_GROUP) {
        *out_record = record;
        return STATUS_OK;
    }
    record.group = take_text(&keys);
    if (kind < KEY_GROUP) {
        record.topic = take_text(&keys);
        record.partition = (int32_t)take_number(&keys, sizeof(int32_t));
        record.kind = OFFSET_RECORD_DELETED;
    }
    if (value.data != NULL) {
        uint16_t version = (uint16_t)take_number(&values, sizeof(uint16_t));
        values.fault = values.fault || version > VALUE_VERSION_MAX;
        values.compact = version >= COMPACT_FROM;
        if (kind < KEY_GROUP)
            commit_read(&values, version, &record);
        else
            group_read(&values, version, &record);
    }
    if (keys.fault || values.fault || record.partition < 0) return STATUS_CORRUPT;
    *out_record = record;
    return STATUS_OK;
}

int32_t offset_record_partition(struct str group, int32_t partition_count)
{
    uint32_t hash = 0; /* as Java hashes a string */
    CHECK(partition_count > 0);
    for (size_t i = 0; i < group.len; i++) hash = hash * 31 + (uint8_t)group.data[i];
    return (int32_t)((hash & 0x7fffffff) % (uint32_t)partition_count);
}
