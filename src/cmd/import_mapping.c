/* The text of --map, taken apart. */
#include "cmd/import_mapping.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "cmd/nearest.h"

struct field_entry {
    const char *name;
    bool of[2]; /* by enum import_kind */
};

static const struct field_entry entries[] = {
#define FIELD_ENTRY(name, text, accounts, transfers) { (text), { (accounts), (transfers) } },
    IMPORT_FIELD_TABLE(FIELD_ENTRY)
#undef FIELD_ENTRY
};

const char *import_field_name(enum import_field field)
{
    CHECK(field < IMPORT_FIELD_COUNT);
    return entries[field].name;
}

static const char *field_name_at(const void *set, uint32_t index)
{
    const enum import_kind *kind = set;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < IMPORT_FIELD_COUNT; i++)
        if (entries[i].of[*kind] && seen++ == index) return entries[i].name;
    return NULL;
}

static enum status unknown_field(enum import_kind kind, struct str name, struct error *out_error)
{
    enum status status =
        error_set(out_error, STATUS_INVALID, "--map: there is no field '%.*s' here", STR_ARG(name));
    BUF_SCOPE struct buf word;
    buf_init(&word, 4096);
    buf_append_str(&word, name);
    const char *nearest = nearest_name(buf_terminated(&word), field_name_at, &kind);
    if (nearest != NULL) {
        error_hint(out_error, "did you mean '%s'?", nearest);
        return status;
    }
    BUF_SCOPE struct buf list;
    buf_init(&list, 4096);
    const char *known;
    for (uint32_t i = 0; (known = field_name_at(&kind, i)) != NULL; i++)
        buf_append_format(&list, "%s%s", i == 0 ? "" : ", ", known);
    error_hint(out_error, "the fields are %s", buf_terminated(&list));
    return status;
}

/* One "field=column" or "field==constant". */
static enum status part_parse(enum import_kind kind, struct str part,
                              struct import_mapping *mapping, struct error *out_error)
{
    const char *equals = part.len == 0 ? NULL : memchr(part.data, '=', part.len);
    if (equals == NULL) {
        enum status status =
            error_set(out_error, STATUS_INVALID, "--map: '%.*s' has no '='", STR_ARG(part));
        error_hint(out_error, "write field=column, or field==constant");
        return status;
    }
    struct str name = { part.data, (size_t)(equals - part.data) };
    uint32_t field = 0;
    while (field < IMPORT_FIELD_COUNT &&
           !(entries[field].of[kind] && str_equal(str_from(entries[field].name), name)))
        field++;
    if (field == IMPORT_FIELD_COUNT) return unknown_field(kind, name, out_error);
    if (mapping->fields[field].source != IMPORT_NONE)
        return error_set(out_error, STATUS_INVALID, "--map: '%s' is given twice",
                         entries[field].name);
    struct str value = { equals + 1, part.len - name.len - 1 };
    bool constant = value.len > 0 && value.data[0] == '=';
    if (constant) value = (struct str){ value.data + 1, value.len - 1 };
    if (value.len == 0)
        return error_set(out_error, STATUS_INVALID, "--map: '%s' is given no %s",
                         entries[field].name, constant ? "value" : "column");
    mapping->fields[field].source = constant ? IMPORT_CONSTANT : IMPORT_COLUMN;
    mapping->fields[field].text = value;
    return STATUS_OK;
}

enum status import_mapping_parse(enum import_kind kind, const char *text,
                                 struct import_mapping *out_mapping, struct error *out_error)
{
    *out_mapping = (struct import_mapping){ 0 };
    if (text == NULL) {
        for (uint32_t i = 0; i < IMPORT_FIELD_COUNT; i++) {
            if (!entries[i].of[kind]) continue;
            out_mapping->fields[i].source = IMPORT_OPTIONAL;
            out_mapping->fields[i].text = str_from(entries[i].name);
        }
        return STATUS_OK;
    }
    while (*text != '\0') {
        struct str part = { text, strcspn(text, ",") };
        enum status status = part_parse(kind, part, out_mapping, out_error);
        if (status != STATUS_OK) return status;
        text += part.len;
        if (*text == ',') text++;
    }
    return STATUS_OK;
}
