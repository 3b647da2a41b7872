/*
 * Goal: no record of Kafka's topic of offsets makes the reading crash; views lie in it.
 * Method: the first byte says where key and value part; an empty value is one that is not there.
 */
#include "base/check.h"
#include "doctor/offset_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct str text, struct str whole)
{
    if (text.len == 0) return;
    CHECK(text.data >= whole.data);
    CHECK(text.data + text.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct offset_record record;
    if (size == 0) return 0;
    size_t cut = 1 + data[0] % size;
    struct str key = { (const char *)data + 1, cut - 1 };
    struct str value = { (const char *)data + cut, size - cut };
    if (value.len == 0) value.data = NULL;
    if (offset_record_parse(key, value, &record) != STATUS_OK) return 0;
    check_within(record.group, key);
    check_within(record.topic, key);
    CHECK(record.partition >= 0);
    CHECK(offset_record_partition(record.group, 50) < 50);
    return 0;
}
