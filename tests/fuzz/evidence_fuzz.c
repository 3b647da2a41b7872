/*
 * Goal: whatever bytes come as a line of evidence, a manifest, rules or their cases, reading stays
 * inside them, and what is taken keeps its limits; a line means the same to the quick reader of plain
 * lines as to the JSON reader.
 * Method: the first byte chooses the reader; the rest is its input. A line is read again with a blank
 * in it, which only the JSON reader knows.
 */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "doctor/fixture.h"
#include "doctor/manifest.h"
#include "doctor/record.h"
#include "doctor/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;
static struct record_names names;

static void check_same(const struct record *record, const struct record *other)
{
    CHECK(record->kind == other->kind && record->seen == other->seen);
    CHECK(record->unknown_count == other->unknown_count);
    for (uint32_t i = 0; i < EVIDENCE_FIELDS_MAX; i++) {
        const struct record_value *value = &record->values[i];
        if ((record->seen >> i & 1) == 0) continue;
        CHECK((value->text.data == NULL) == (other->values[i].text.data == NULL));
        CHECK(value->number == other->values[i].number);
        if (value->text.data != NULL) CHECK(str_equal(value->text, other->values[i].text));
    }
}

/* record NULL: the line was not taken. */
static void read_with_blank(struct str input, const struct record *record)
{
    static struct record other;
    static char copy[(1 << 20) + 1];
    const char *reason = NULL;
    int kind = record_kind(input);
    if (kind < 0) return;
    size_t head = sizeof "{'kind':''" - 1 + strlen(evidence_kinds[kind].name);
    memcpy(copy, input.data, head);
    copy[head] = ' ';
    memcpy(copy + head + 1, input.data + head, input.len - head);
    struct str blank = { copy, input.len + 1 };
    bool taken = record_parse(&names, blank, &arena, &other, &reason) == STATUS_OK;
    CHECK(taken == (record != NULL));
    if (taken) check_same(record, &other);
}

static void read_record(struct str input)
{
    static struct record record;
    const char *reason = NULL;
    bool taken = record_parse(&names, input, &arena, &record, &reason) == STATUS_OK;
    read_with_blank(input, taken ? &record : NULL);
    if (!taken) {
        CHECK(reason != NULL);
        return;
    }
    CHECK(record.kind < evidence_kind_count());
    for (uint32_t i = 0; evidence_field_at(&evidence_kinds[record.kind], i) != NULL; i++) {
        if ((record.seen >> i & 1) != 0) CHECK(record.values[i].text.len <= EVIDENCE_TEXT_MAX);
    }
}

static void read_manifest(struct str input)
{
    static struct manifest manifest;
    struct error error;
    if (manifest_parse(input, &arena, &manifest, &error) != STATUS_OK) return;
    CHECK(manifest.source_count <= MANIFEST_SOURCES_MAX);
    for (uint32_t kind = 0; kind < evidence_kind_count(); kind++) {
        (void)manifest_covers(&manifest, kind, EVIDENCE_ALL_TIME); /* that it ends */
    }
}

static void read_rules(struct str input)
{
    static struct rule_set set;
    static struct fixture_set fixtures;
    struct error error;
    if (rule_set_parse(input, &set, &error) == STATUS_OK) CHECK(set.rule_count <= RULES_MAX);
    if (fixture_parse(input, &fixtures, &error) == STATUS_OK) {
        CHECK(fixtures.count <= FIXTURE_CASES_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > (1 << 20)) return 0;
    struct str input = { (const char *)data + 1, size - 1 };
    if (arena.memory == NULL) {
        CHECK(arena_init(&arena, 64 << 20) == STATUS_OK);
        record_names_init(&names);
    }
    arena_reset(&arena);
    switch (data[0] % 3) {
    case 0: read_record(input); break;
    case 1: read_manifest(input); break;
    default: read_rules(input); break;
    }
    return 0;
}
