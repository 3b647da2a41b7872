#include "sim/naive_evidence.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "base/time.h"

enum { SOURCE_SIZE_MAX = 8 << 20 };

#define NAIVE_SOURCE_FACTS(id, name, system, authority, order, kinds)                              \
    { name, system, authority, order, kinds },
static const struct naive_source_facts facts[] = { NAIVE_SOURCE_TABLE(NAIVE_SOURCE_FACTS) };
_Static_assert(sizeof facts / sizeof facts[0] == NAIVE_SOURCES, "one entry per source");

const struct naive_source_facts *naive_source_facts(enum naive_source source)
{
    CHECK((unsigned)source < NAIVE_SOURCES);
    return &facts[source];
}

bool naive_source_parse(struct str name, enum naive_source *out_source)
{
    for (uint32_t i = 0; i < NAIVE_SOURCES; i++) {
        if (!str_equal(name, str_from(facts[i].name))) continue;
        *out_source = (enum naive_source)i;
        return true;
    }
    return false;
}

void naive_evidence_init(struct naive_evidence *evidence, int64_t start_unix_us)
{
    memset(evidence, 0, sizeof *evidence);
    evidence->start_unix_us = start_unix_us;
    for (uint32_t i = 0; i < NAIVE_SOURCES; i++) buf_init(&evidence->sources[i], SOURCE_SIZE_MAX);
}

void naive_evidence_done(struct naive_evidence *evidence)
{
    for (uint32_t i = 0; i < NAIVE_SOURCES; i++) buf_free(&evidence->sources[i]);
}

static void amount_write(struct json_writer *writer, int64_t amount)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)amount);
    CHECK(len > 0 && (size_t)len < sizeof text);
    json_write_string(writer, (struct str){ text, (size_t)len });
}

static void time_write(const struct naive_evidence *evidence, struct json_writer *writer,
                       int64_t at_us)
{
    char text[TIME_TEXT_SIZE];
    struct wall_time time = { (evidence->start_unix_us + at_us) * NS_PER_US };
    json_write_string(writer, wall_time_format(time, text));
}

static bool is_left_out(const struct naive_field *field)
{
    if (field->type == NAIVE_TEXT) return field->text == NULL || field->text[0] == '\0';
    return field->type == NAIVE_TIME && field->number < 0;
}

/* Whether a record of the logs falls into the stretch that nobody has. */
static bool is_rotated_away(const struct naive_evidence *evidence, enum naive_source source,
                            const struct naive_field *fields)
{
    if (source != SOURCE_LOGS || strcmp(fields->key, "ts") != 0) return false;
    return fields->number >= evidence->hole_from_us && fields->number < evidence->hole_until_us;
}

void naive_evidence_add(struct naive_evidence *evidence, enum naive_source source, const char *kind,
                        const struct naive_field *fields)
{
    CHECK((unsigned)source < NAIVE_SOURCES);
    if (is_rotated_away(evidence, source, fields)) return;
    struct buf *out = &evidence->sources[source];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("kind"));
    json_write_string(&writer, str_from(kind));
    for (const struct naive_field *field = fields; field->key != NULL; field++) {
        if (is_left_out(field)) continue;
        json_write_key(&writer, str_from(field->key));
        switch (field->type) {
        case NAIVE_TEXT: json_write_string(&writer, str_from(field->text)); break;
        case NAIVE_NUMBER: json_write_int64(&writer, field->number); break;
        case NAIVE_AMOUNT: amount_write(&writer, field->number); break;
        case NAIVE_TIME: time_write(evidence, &writer, field->number); break;
        case NAIVE_BOOL: json_write_bool(&writer, field->number != 0); break;
        }
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(out, '\n');
    evidence->rows[source]++;
}

uint64_t naive_evidence_hash(const struct naive_evidence *evidence)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < NAIVE_SOURCES; i++) {
        const struct buf *source = &evidence->sources[i];
        uint64_t part = source->len == 0 ? 0 : hash_bytes(source->data, source->len);
        hash = hash_fold(hash ^ part ^ i, 0x9E3779B97F4A7C15U);
    }
    return hash;
}

static void window_write(const struct naive_evidence *evidence, struct json_writer *writer,
                         int64_t from_us, int64_t to_us)
{
    json_write_key(writer, STR("from"));
    time_write(evidence, writer, from_us);
    json_write_key(writer, STR("to"));
    time_write(evidence, writer, to_us);
}

static void coverage_write(const struct naive_evidence *evidence, struct json_writer *writer,
                           struct str kind, int64_t from_us, int64_t to_us)
{
    json_write_object_begin(writer);
    json_write_key(writer, STR("kind"));
    json_write_string(writer, kind);
    json_write_key(writer, STR("loss"));
    bool sampled = str_equal(kind, STR("span")); /* as everybody samples them */
    json_write_string(writer, sampled ? STR("sampled") : STR("none"));
    window_write(evidence, writer, from_us, to_us);
    json_write_object_end(writer);
}

/* The next word of a list; false at its end. */
static bool word_take(struct str *rest, struct str *out_word)
{
    if (rest->len == 0) return false;
    const char *end = memchr(rest->data, ' ', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    *out_word = (struct str){ rest->data, len };
    size_t taken = end == NULL ? len : len + 1;
    *rest = (struct str){ rest->data + taken, rest->len - taken };
    return true;
}

static void source_write(const struct naive_evidence *evidence, struct json_writer *writer,
                         enum naive_source source, int64_t window_us)
{
    const struct naive_source_facts *fact = &facts[source];
    struct str rest = str_from(fact->kinds);
    struct str kind;
    char path[64];
    int len = snprintf(path, sizeof path, "evidence/%s.ndjson", fact->name);
    CHECK(len > 0 && (size_t)len < sizeof path);
    json_write_object_begin(writer);
    json_write_key(writer, STR("path"));
    json_write_string(writer, str_from(path));
    json_write_key(writer, STR("kind"));
    json_write_array_begin(writer);
    while (word_take(&rest, &kind)) json_write_string(writer, kind);
    json_write_array_end(writer);
    json_write_key(writer, STR("system"));
    json_write_string(writer, str_from(fact->system));
    json_write_key(writer, STR("authority"));
    json_write_uint64(writer, fact->authority);
    json_write_key(writer, STR("order"));
    json_write_string(writer, str_from(fact->order));
    json_write_key(writer, STR("rows"));
    json_write_uint64(writer, evidence->rows[source]);
    json_write_key(writer, STR("coverage"));
    json_write_array_begin(writer);
    rest = str_from(fact->kinds);
    while (word_take(&rest, &kind)) {
        bool holed = str_equal(kind, STR("log")) && evidence->hole_until_us > 0;
        if (holed) coverage_write(evidence, writer, kind, 0, evidence->hole_from_us);
        int64_t from_us = holed ? evidence->hole_until_us : 0;
        coverage_write(evidence, writer, kind, from_us, window_us);
    }
    json_write_array_end(writer);
    json_write_object_end(writer);
}

enum status naive_evidence_manifest(const struct naive_evidence *evidence, uint64_t seed,
                                    int64_t window_us, struct buf *out_json)
{
    struct json_writer writer;
    char incident[32];
    int len = snprintf(incident, sizeof incident, "case-%llu", (unsigned long long)seed);
    CHECK(len > 0 && (size_t)len < sizeof incident);
    json_writer_init(&writer, out_json);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("format"));
    json_write_string(&writer, STR("tpwallet-bundle-1"));
    json_write_key(&writer, STR("incident"));
    json_write_string(&writer, str_from(incident));
    json_write_key(&writer, STR("as_of"));
    time_write(evidence, &writer, window_us);
    json_write_key(&writer, STR("window"));
    json_write_object_begin(&writer);
    window_write(evidence, &writer, 0, window_us);
    json_write_object_end(&writer);
    json_write_key(&writer, STR("sources"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < NAIVE_SOURCES; i++)
        if (!evidence->dropped[i]) source_write(evidence, &writer, (enum naive_source)i, window_us);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    return json_write_end(&writer);
}
