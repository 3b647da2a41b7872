#include "doctor/table_mapping.h"

#include <string.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/shown_text.h"

struct reading {
    struct json_reader json;
    struct arena *arena;
    struct table_mapping *mapping;
    bool local_times; /* a column has them */
};

static const char *const repair_names[] = {
#define REPAIR_NAME(name, text) (text),
    TABLE_REPAIR_TABLE(REPAIR_NAME)
#undef REPAIR_NAME
};

const char *table_repair_name(enum table_repair repair)
{
    CHECK(repair < TABLE_REPAIR_COUNT);
    return repair_names[repair];
}

/* ---- texts ---- */

static const char *const word_names[] = {
#define WORD_NAME(name, text) (text),
    TABLE_WORD_TABLE(WORD_NAME)
#undef WORD_NAME
};

/* Bytes of the name behind a brace at `at`; 0: it is no {word}. */
static size_t word_len(struct str text, size_t at)
{
    size_t len = 0;
    while (at + len < text.len && ((text.data[at + len] >= 'a' && text.data[at + len] <= 'z') ||
                                   text.data[at + len] == '_'))
        len++;
    return at + len < text.len && text.data[at + len] == '}' ? len : 0;
}

bool table_word_next(struct str *text, struct str *out_before, enum table_word *out_word)
{
    for (size_t at = 0; at < text->len; at++) {
        size_t len = text->data[at] == '{' ? word_len(*text, at + 1) : 0;
        if (len == 0) continue;
        struct str name = { text->data + at + 1, len };
        uint32_t word = 0;
        while (word < TABLE_WORD_COUNT && !str_equal(name, str_from(word_names[word]))) word++;
        *out_word = (enum table_word)word;
        *out_before = (struct str){ text->data, at };
        *text = (struct str){ text->data + at + len + 2, text->len - at - len - 2 };
        return true;
    }
    *out_before = *text;
    return false;
}

/* Names stand between double quotes in SQL. */
static bool name_is_valid(struct str name)
{
    if (name.len == 0 || name.len > TABLE_NAME_LEN_MAX) return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-';
        if (!good) return false;
    }
    return true;
}

static void line_add(struct reading *it, struct str line, struct buf *text)
{
    if (text->len > 0) buf_append_byte(text, '\n');
    buf_append_str(text, line);
    if (memchr(line.data, '\0', line.len) != NULL) json_fail(&it->json, "a NUL is no SQL");
}

/* A string, or an array of lines. */
static void sql_read(struct reading *it, struct str *out_sql)
{
    BUF_SCOPE struct buf text;
    struct str line;
    buf_init(&text, TABLE_SQL_SIZE_MAX);
    if (json_peek(&it->json) != JSON_ARRAY) {
        if (json_string(&it->json, &line)) line_add(it, line, &text);
    } else if (json_array_begin(&it->json)) {
        while (json_array_next(&it->json))
            if (json_string(&it->json, &line)) line_add(it, line, &text);
    }
    char *copy = arena_take(it->arena, text.len + 1);
    if (text.overflow || copy == NULL) {
        json_fail(&it->json, "the SQL is longer than 32768 bytes");
        return;
    }
    if (text.len == 0) json_fail(&it->json, "there is no SQL");
    memcpy(copy, buf_terminated(&text), text.len + 1);
    *out_sql = (struct str){ copy, text.len };
}

static void word_read(struct reading *it, struct str *out_word)
{
    if (!json_string(&it->json, out_word)) return;
    if (!name_is_valid(*out_word))
        json_fail(&it->json, "a name is 1 to 63 of letters, digits, _ and -");
}

/* ---- tables ---- */

static void column_read(struct reading *it, struct str name, struct table_spec *table)
{
    struct str type;
    struct table_column column = { .name = name };
    if (!json_string(&it->json, &type)) return;
    if (!name_is_valid(name)) {
        json_fail(&it->json, "a column's name is 1 to 63 of letters, digits, _ and -");
    } else if (!table_type_parse(type, &column.type)) {
        json_fail(&it->json, "a type is text, integer, decimal, boolean, time, local_time, epoch_s "
                             "or epoch_ms");
    } else if (table->column_count == TABLE_COLUMNS_MAX) {
        json_fail(&it->json, "more than 64 columns");
    } else {
        table->columns[table->column_count++] = column;
        it->local_times = it->local_times || column.type == TABLE_TYPE_LOCAL_TIME;
    }
}

static void table_name_read(struct reading *it, struct table_spec *table)
{
    struct str text;
    if (!json_string(&it->json, &text)) return;
    const char *point = text.len == 0 ? NULL : memchr(text.data, '.', text.len);
    table->name = text;
    if (point != NULL) {
        table->schema = (struct str){ text.data, (size_t)(point - text.data) };
        table->name = (struct str){ point + 1, text.len - table->schema.len - 1 };
    }
    if (!name_is_valid(table->name) || (point != NULL && !name_is_valid(table->schema)))
        json_fail(&it->json, "a table is NAME or SCHEMA.NAME, of letters, digits, _ and -");
}

static void index_read(struct reading *it, struct table_spec *table)
{
    struct str name;
    if (!json_string(&it->json, &name)) return;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!str_equal(table->columns[i].name, name)) continue;
        table->columns[i].indexed = true;
        return;
    }
    json_fail(&it->json, "an index is of a column, which stands in `columns` before it");
}

static void table_read(struct reading *it)
{
    enum { TABLE, COLUMNS, INDEXES, FIELDS };
    static const struct str names[] = {
        [TABLE] = { "table", 5 },
        [COLUMNS] = { "columns", 7 },
        [INDEXES] = { "indexes", 7 },
    };
    static const struct json_fields fields = { names, FIELDS };
    struct table_spec *table = &it->mapping->tables[it->mapping->table_count];
    unsigned field;
    struct str column;
    memset(table, 0, sizeof *table);
    table->schema = STR("public");
    if (!json_object_begin(&it->json)) return;
    while (json_object_field(&it->json, &fields, &field)) {
        if (field == TABLE) {
            table_name_read(it, table);
        } else if (field == INDEXES) {
            if (!json_array_begin(&it->json)) return;
            while (json_array_next(&it->json)) index_read(it, table);
        } else if (json_object_begin(&it->json)) {
            while (json_object_next(&it->json, &column)) column_read(it, column, table);
        }
    }
    if (table->name.len == 0 || table->column_count == 0)
        json_fail(&it->json, "a table has `table` and `columns`");
    for (uint32_t i = 0; i < it->mapping->table_count; i++)
        if (str_equal(it->mapping->tables[i].name, table->name))
            json_fail(&it->json, "two tables have one name");
    it->mapping->table_count++;
}

static void tables_read(struct reading *it)
{
    if (!json_array_begin(&it->json)) return;
    while (json_array_next(&it->json)) {
        if (it->mapping->table_count == TABLE_MAPPING_TABLES_MAX) {
            json_fail(&it->json, "more than 32 tables");
            return;
        }
        table_read(it);
    }
}

/* ---- records ---- */

static void kind_read(struct reading *it, struct table_record *record)
{
    struct str name;
    if (!json_string(&it->json, &name)) return;
    int kind = evidence_kind_find(name);
    if (kind < 0)
        json_fail(&it->json, "there is no such kind of record: docs/bundle.md");
    else
        record->kind = (uint32_t)kind;
}

static void record_read(struct reading *it)
{
    enum { KIND, QUERY, FIELDS };
    static const struct str names[] = { [KIND] = { "kind", 4 }, [QUERY] = { "query", 5 } };
    static const struct json_fields fields = { names, FIELDS };
    struct table_record *record = &it->mapping->records[it->mapping->record_count++];
    unsigned field;
    if (!json_object_begin(&it->json)) return;
    while (json_object_field(&it->json, &fields, &field)) {
        if (field == KIND)
            kind_read(it, record);
        else
            sql_read(it, &record->query);
    }
    if ((json_fields_seen(&it->json) & 1U << KIND) == 0)
        json_fail(&it->json, "a record has `kind`, and `query` unless there are none");
}

static void records_read(struct reading *it)
{
    if (!json_array_begin(&it->json)) return;
    while (json_array_next(&it->json)) {
        if (it->mapping->record_count == TABLE_MAPPING_RECORDS_MAX) {
            json_fail(&it->json, "more than 64 records");
            return;
        }
        record_read(it);
    }
}

/* ---- the rest ---- */

static void asset_read(struct reading *it, struct str code)
{
    struct table_assets *assets = &it->mapping->assets;
    uint64_t exponent;
    if (!json_uint64(&it->json, &exponent)) return;
    const struct asset *iso = asset_iso_by_code(code);
    if (exponent > ASSET_EXPONENT_MAX || code.len == 0) {
        json_fail(&it->json, "an asset has 0 to 18 decimals");
    } else if (iso != NULL && iso->exponent != exponent) {
        json_fail(&it->json, "ISO 4217 says how many decimals it has");
    } else if (assets->count == TABLE_MAPPING_ASSETS_MAX) {
        json_fail(&it->json, "more than 256 assets");
    } else {
        assets->list[assets->count].code = code;
        assets->list[assets->count++].exponent = (uint8_t)exponent;
    }
}

static void assets_read(struct reading *it)
{
    struct str code;
    if (!json_object_begin(&it->json)) return;
    while (json_object_next(&it->json, &code)) asset_read(it, code);
}

static void zone_read(struct reading *it)
{
    if (!json_string(&it->json, &it->mapping->zone.offset)) return;
    if (!table_zone_is_valid(it->mapping->zone.offset))
        json_fail(&it->json, "timezone is +HH:MM or -HH:MM, at most 14 hours");
}

/* Where a template is, as PostgreSQL reads it. */
struct template_place {
    char open; /* inside of these quotes, or '-': of a comment; 0: of neither */
    bool block;
};

static bool tag_is_alone(struct str piece, size_t at)
{
    struct str rest = { piece.data + at, piece.len - at };
    char c = ' ';
    if (at > 0) c = piece.data[at - 1];
    bool name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '_' || (unsigned char)c >= 0x80;
    return !name && str_starts(rest, STR(TABLE_BLOCK_TAG));
}

/* What stands between two words. NULL, or what is wrong with it. */
static const char *piece_fault(struct str piece, struct template_place *place)
{
    for (size_t i = 0; i < piece.len; i++) {
        struct str rest = { piece.data + i, piece.len - i };
        char c = piece.data[i];
        if (c == '\\') return "a template has no backslash";
        if (c == '$') {
            if (place->open != 0 || !tag_is_alone(piece, i))
                return "a $ is of the tag " TABLE_BLOCK_TAG ", outside of quotes and comments";
            place->block = !place->block;
            i += sizeof TABLE_BLOCK_TAG - 2;
        } else if (place->open == '-') {
            if (c == '\n' || c == '\r') place->open = 0;
        } else if (place->open != 0) {
            if (c == place->open) place->open = 0; /* a doubled one opens again */
        } else if (c == '\'' || c == '"') {
            place->open = c;
        } else if (str_starts(rest, STR("--"))) {
            place->open = '-';
        } else if (str_starts(rest, STR("/*"))) {
            return "comments of a template begin with --";
        }
    }
    return NULL;
}

/* A word is a literal by itself: values are quoted for that, and for nothing else. */
static const char *template_fault(struct str sql)
{
    struct template_place place = { 0, false };
    struct str before;
    enum table_word word;
    const char *fault = NULL;
    struct str whole = sql;
    while (fault == NULL && table_word_next(&sql, &before, &word)) {
        fault = piece_fault(before, &place);
        if (fault == NULL && word == TABLE_WORD_COUNT) fault = "a {word} that there is not";
        if (fault == NULL && place.open != 0)
            fault = "a {word} stands inside of quotes or behind --: it is a literal by itself";
    }
    if (fault == NULL) fault = piece_fault(before, &place);
    if (fault == NULL && (place.block || place.open == '\'' || place.open == '"'))
        fault = "a quote or block of the template does not end";
    if (fault == NULL && !shown_text_is_plain(whole))
        fault = "a template has control characters or marks of direction";
    return fault;
}

static void template_read(struct reading *it, struct str *out_sql)
{
    sql_read(it, out_sql);
    if (it->json.fault != JSON_FAULT_NONE) return;
    const char *fault = template_fault(*out_sql);
    if (fault != NULL) json_fail(&it->json, fault);
}

static void repair_read(struct reading *it)
{
    static const struct str names[] = {
#define REPAIR_FIELD(name, text) { (text), sizeof(text) - 1 },
        TABLE_REPAIR_TABLE(REPAIR_FIELD)
#undef REPAIR_FIELD
    };
    static const struct json_fields fields = { names, TABLE_REPAIR_COUNT };
    unsigned field;
    if (!json_object_begin(&it->json)) return;
    while (json_object_field(&it->json, &fields, &field))
        template_read(it, &it->mapping->repair[field]);
}

static void format_read(struct reading *it)
{
    struct str format;
    if (!json_string(&it->json, &format)) return;
    if (!str_equal(format, STR("tpwallet-tables-1")))
        json_fail(&it->json, "the format is not tpwallet-tables-1");
}

/* One source for the list: name, text, whether it must be there. */
#define MEMBER_TABLE(X)                                                                            \
    X(FORMAT, "format", true)                                                                      \
    X(NAME, "name", true)                                                                          \
    X(ABOUT, "about", true)                                                                        \
    X(SYSTEM, "system", true)                                                                      \
    X(TIMEZONE, "timezone", false)                                                                 \
    X(ASSETS, "assets", false)                                                                     \
    X(TABLES, "tables", true)                                                                      \
    X(RECORDS, "records", true)                                                                    \
    X(REPAIR, "repair", false)

#define MEMBER_ENUM(name, text, needed) MEMBER_##name,
enum member { MEMBER_TABLE(MEMBER_ENUM) MEMBER_COUNT };
#undef MEMBER_ENUM

static void member_read(struct reading *it, enum member member)
{
    switch (member) {
    case MEMBER_FORMAT: format_read(it); break;
    case MEMBER_NAME: word_read(it, &it->mapping->name); break;
    case MEMBER_ABOUT: (void)json_string(&it->json, &it->mapping->about); break; /* a fault stays */
    case MEMBER_SYSTEM: word_read(it, &it->mapping->system); break;
    case MEMBER_TIMEZONE: zone_read(it); break;
    case MEMBER_ASSETS: assets_read(it); break;
    case MEMBER_TABLES: tables_read(it); break;
    case MEMBER_RECORDS: records_read(it); break;
    case MEMBER_REPAIR: repair_read(it); break;
    case MEMBER_COUNT: break;
    }
}

static void document_read(struct reading *it)
{
    static const struct str names[] = {
#define MEMBER_NAME(name, text, needed) { (text), sizeof(text) - 1 },
        MEMBER_TABLE(MEMBER_NAME)
#undef MEMBER_NAME
    };
    static const bool needed[] = {
#define MEMBER_NEEDED(name, text, needed) (needed),
        MEMBER_TABLE(MEMBER_NEEDED)
#undef MEMBER_NEEDED
    };
    static const struct json_fields fields = { names, MEMBER_COUNT };
    unsigned field;
    if (!json_object_begin(&it->json)) return;
    while (json_object_field(&it->json, &fields, &field)) member_read(it, (enum member)field);
    uint64_t seen = json_fields_seen(&it->json);
    for (uint32_t i = 0; i < MEMBER_COUNT; i++)
        if (needed[i] && (seen >> i & 1) == 0)
            json_fail(&it->json, "a mapping has format, name, about, system, tables and records");
    if (it->mapping->table_count == 0 || it->mapping->record_count == 0)
        json_fail(&it->json, "there is no table, or no record");
    if (it->local_times && it->mapping->zone.offset.len == 0)
        json_fail(&it->json, "columns of local_time need `timezone`");
}

enum status table_mapping_parse(struct str text, struct arena *arena,
                                struct table_mapping *out_mapping, struct error *out_error)
{
    struct reading it = { .arena = arena, .mapping = out_mapping };
    if (text.len > TABLE_MAPPING_SIZE_MAX)
        return error_set(out_error, STATUS_INVALID, "the mapping is larger than 256 KiB");
    memset(out_mapping, 0, sizeof *out_mapping);
    out_mapping->digest = digest_of(text.data, text.len);
    json_reader_init(&it.json, text, arena);
    document_read(&it);
    if (json_end(&it.json) == STATUS_OK) return STATUS_OK;
    BUF_SCOPE struct buf place;
    buf_init(&place, 128);
    json_pointer(&it.json, &place);
    struct str shown = buf_view(&place);
    return error_set(out_error, it.json.fault == JSON_FAULT_MEMORY ? STATUS_LIMIT : STATUS_INVALID,
                     "the mapping, at %.*s (byte %zu): %s", shown.len == 0 ? 7 : (int)shown.len,
                     shown.len == 0 ? "its top" : shown.data, it.json.fault_offset, it.json.reason);
}

int table_mapping_find(const struct table_mapping *mapping, struct str schema, struct str name)
{
    for (uint32_t i = 0; i < mapping->table_count; i++) {
        const struct table_spec *table = &mapping->tables[i];
        if (!str_equal(table->name, name)) continue;
        if (schema.len == 0 || str_equal(table->schema, schema)) return (int)i;
    }
    return -1;
}
