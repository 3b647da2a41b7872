/*
 * Goal: no map, key or value makes the mapping crash, and what is written is a record's line.
 * Method: three parts, cut at zero bytes: map, pattern, and a value that is also key and header.
 */
#include "base/check.h"
#include "doctor/value_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str part_take(struct str *rest)
{
    struct str part = *rest;
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, '\0', rest->len);
    if (end == NULL) {
        *rest = STR("");
        return part;
    }
    part.len = (size_t)(end - rest->data);
    *rest = (struct str){ end + 1, rest->len - part.len - 1 };
    return part;
}

static void write(const struct value_map *map, const struct value_source *source)
{
    struct mask_counts masked = { 0 };
    struct evidence_line line;
    struct json_reader reader;
    struct arena arena;
    BUF_SCOPE struct buf out;
    buf_init(&out, EVIDENCE_LINE_SIZE_MAX * 8);
    if (arena_init(&arena, 1 << 22) != STATUS_OK) return;
    evidence_begin(&line, &out, "message", &masked);
    value_map_write(map, "message", "ts", source, &line);
    evidence_end(&line);
    if (!out.overflow) {
        json_reader_init(&reader, buf_view(&out), &arena);
        CHECK(json_skip(&reader));
        CHECK(json_end(&reader) == STATUS_OK);
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct value_map map = { 0 };
    struct value_source source = { .header_count = 1 };
    struct arena arena;
    struct str rest = { (const char *)data, size };
    struct str text = part_take(&rest);
    struct str pattern = part_take(&rest);
    if (size > VALUE_MAP_SIZE_MAX || arena_init(&arena, 25 * size + (64 << 10)) != STATUS_OK)
        return 0;
    if (value_map_parse(&map, "message", text, NULL) == STATUS_OK) {
        if (!value_key_match(&source, pattern, rest)) source.key = rest;
        source.headers[0] = (struct value_header){ STR("traceparent"), rest };
        source.text = rest;
        if (json_tree_parse(rest, &arena, &source.root, NULL) != STATUS_OK) source.root = NULL;
        write(&map, &source);
    }
    arena_done(&arena);
    return 0;
}
