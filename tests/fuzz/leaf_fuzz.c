/*
 * Goal: whatever bytes come as an entry of the log or as an opening of it, reading stays inside
 * them; an entry that is read has no other bytes, and opens to nothing that it does not commit to.
 * Method: the input as an entry; as a record that a leaf made here commits to, and that must then
 * be refused or be laid out as its type says.
 */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "tlog/leaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_entry(struct str input)
{
    static struct leaf leaf;
    struct error error;
    struct leaf_record record;
    if (leaf_parse(input, &leaf, &error) != STATUS_OK) return;
    CHECK(str_equal(leaf_bytes(&leaf), input));
    const struct leaf_opening opening = { .part = 1, .record = input };
    CHECK(leaf_open(&leaf, &opening, &record, &error) == STATUS_INVALID);
}

static void open_record(struct str input)
{
    struct leaf leaf = { .head.part_count = 2 };
    struct leaf_record record;
    struct error error;
    for (uint32_t part = 0; part < 2; part++) {
        const struct leaf_opening opening = { .part = part, .record = input };
        const struct digest_part parts[] = {
            { "TPWC", 4 },
            { opening.salt.bytes, 16 },
            { input.data, input.len },
        };
        leaf.parts[part] = digest_of_parts(parts, 3);
        if (leaf_open(&leaf, &opening, &record, &error) != STATUS_OK) continue;
        const struct record_head *head = (const struct record_head *)record.bytes;
        CHECK(head->size == input.len && record.size == input.len);
        CHECK((head->type == RECORD_CONTEXT) == (part == 0));
        CHECK(memcmp(record.bytes, input.data, input.len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    parse_entry(input);
    open_record(input);
    return 0;
}
