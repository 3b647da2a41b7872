#include "doctor/manifest.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hex.h"
#include "base/json_reader.h"
#include "base/time.h"
#include "doctor/bundle_path.h"
#include "model/evidence.h"

_Static_assert(EVIDENCE_KINDS_MAX <= 64, "kinds of a source are bits of a word");

static bool read_time(struct json_reader *reader, int64_t *out_ns)
{
    struct str text;
    struct wall_time time;
    if (!json_string(reader, &text)) return false;
    if (wall_time_parse(text, &time) != STATUS_OK) {
        json_fail(reader, "not a time of RFC 3339");
        return false;
    }
    *out_ns = time.ns;
    return true;
}

static bool read_kind(struct json_reader *reader, uint32_t *out_kind)
{
    struct str name;
    if (!json_string(reader, &name)) return false;
    int kind = evidence_kind_find(name);
    if (kind < 0) {
        json_fail(reader, "there is no kind of evidence of that name");
        return false;
    }
    *out_kind = (uint32_t)kind;
    return true;
}

static void read_kinds(struct json_reader *reader, struct manifest_source *source)
{
    uint32_t kind;
    if (json_peek(reader) == JSON_STRING) {
        if (read_kind(reader, &kind)) source->kinds |= UINT64_C(1) << kind;
        return;
    }
    if (!json_array_begin(reader)) return;
    while (json_array_next(reader)) {
        if (read_kind(reader, &kind)) source->kinds |= UINT64_C(1) << kind;
    }
}

static void read_loss(struct json_reader *reader, enum manifest_loss *out_loss)
{
    struct str text;
    if (!json_string(reader, &text)) return;
    if (str_equal(text, STR("none"))) {
        *out_loss = MANIFEST_LOSS_NONE;
    } else if (str_equal(text, STR("sampled"))) {
        *out_loss = MANIFEST_LOSS_SAMPLED;
    } else if (str_equal(text, STR("unknown"))) {
        *out_loss = MANIFEST_LOSS_UNKNOWN;
    } else {
        json_fail(reader, "loss is none, sampled or unknown");
    }
}

/* Times that are not given are 0 and become the window's when the whole is read. */
static void read_coverage(struct json_reader *reader, struct manifest *manifest, uint32_t source)
{
    if (manifest->coverage_count == MANIFEST_COVERAGE_MAX) {
        json_fail(reader, "more than 2048 entries of coverage");
        return;
    }
    struct manifest_coverage entry = { .kind = UINT32_MAX, .source = source };
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("kind"))) {
            (void)read_kind(reader, &entry.kind); /* a fault stays, here and below */
        } else if (str_equal(key, STR("loss"))) {
            read_loss(reader, &entry.loss);
        } else if (str_equal(key, STR("n_lost"))) {
            (void)json_uint64(reader, &entry.lost);
        } else if (str_equal(key, STR("from"))) {
            (void)read_time(reader, &entry.from_ns);
        } else if (str_equal(key, STR("to"))) {
            (void)read_time(reader, &entry.to_ns);
        } else {
            (void)json_skip(reader);
        }
    }
    if (entry.kind == UINT32_MAX) {
        json_fail(reader, "an entry of coverage has no kind");
        return;
    }
    manifest->coverage[manifest->coverage_count++] = entry;
}

static void read_digest(struct json_reader *reader, struct manifest_source *source)
{
    struct str text;
    if (!json_string(reader, &text)) return;
    source->has_digest = hex_parse(text, &source->sha256, sizeof source->sha256) == STATUS_OK;
    if (!source->has_digest) json_fail(reader, "sha256 is not 64 hexadecimal digits");
}

static void read_size(struct json_reader *reader, struct manifest_source *source)
{
    uint64_t size;
    if (!json_uint64(reader, &size)) return;
    if (size > INT64_MAX) {
        json_fail(reader, "a size is beyond 2^63");
        return;
    }
    source->size = (int64_t)size;
}

static void read_authority(struct json_reader *reader, struct manifest_source *source)
{
    uint64_t authority;
    if (!json_uint64(reader, &authority)) return;
    source->authority = authority > 1000000 ? 1000000 : (int64_t)authority;
}

static bool read_member(struct json_reader *reader, struct str key, struct manifest *manifest,
                        struct manifest_source *source)
{
    if (str_equal(key, STR("path"))) return json_string(reader, &source->path);
    if (str_equal(key, STR("system"))) return json_string(reader, &source->system);
    if (str_equal(key, STR("clock"))) return json_string(reader, &source->clock);
    if (str_equal(key, STR("rejected"))) return json_uint64(reader, &source->rejected);
    if (str_equal(key, STR("kind"))) {
        read_kinds(reader, source);
    } else if (str_equal(key, STR("sha256"))) {
        read_digest(reader, source);
    } else if (str_equal(key, STR("size"))) {
        read_size(reader, source);
    } else if (str_equal(key, STR("authority"))) {
        read_authority(reader, source);
    } else if (str_equal(key, STR("coverage"))) {
        if (!json_array_begin(reader)) return false;
        while (json_array_next(reader)) read_coverage(reader, manifest, manifest->source_count);
    } else {
        return json_skip(reader);
    }
    return true;
}

static void read_source(struct json_reader *reader, struct manifest *manifest)
{
    if (manifest->source_count == MANIFEST_SOURCES_MAX) {
        json_fail(reader, "more than 256 sources");
        return;
    }
    struct manifest_source source = { .size = -1 };
    uint32_t covered = manifest->coverage_count;
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        (void)read_member(reader, key, manifest, &source); /* a fault stays */
    }
    if (!bundle_path_is_inside(source.path)) {
        json_fail(reader, "the path of a source leaves the bundle, or is missing");
    } else if (source.system.len == 0) {
        json_fail(reader, "a source has no system");
    } else if (source.kinds == 0) {
        json_fail(reader, "a source has no kind");
    }
    if (source.clock.len == 0) source.clock = source.system;
    manifest->sources[manifest->source_count] = source;
    if (covered == manifest->coverage_count) manifest_cover(manifest, manifest->source_count);
    manifest->source_count++;
}

static void read_window(struct json_reader *reader, struct manifest *manifest)
{
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("from"))) {
            (void)read_time(reader, &manifest->from_ns); /* a fault stays, here and below */
        } else if (str_equal(key, STR("to"))) {
            (void)read_time(reader, &manifest->to_ns);
        } else {
            (void)json_skip(reader);
        }
    }
}

static void read_top(struct json_reader *reader, struct manifest *manifest, struct str *out_format)
{
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("format"))) {
            (void)json_string(reader, out_format); /* a fault stays, here and below */
        } else if (str_equal(key, STR("incident"))) {
            (void)json_string(reader, &manifest->incident);
        } else if (str_equal(key, STR("as_of"))) {
            (void)read_time(reader, &manifest->as_of_ns);
        } else if (str_equal(key, STR("window"))) {
            read_window(reader, manifest);
        } else if (str_equal(key, STR("sources"))) {
            if (!json_array_begin(reader)) return;
            while (json_array_next(reader)) read_source(reader, manifest);
        } else {
            (void)json_skip(reader);
        }
    }
}

void manifest_cover(struct manifest *manifest, uint32_t source)
{
    for (uint32_t kind = 0; kind < evidence_kind_count(); kind++) {
        if ((manifest->sources[source].kinds >> kind & 1) == 0) continue;
        if (manifest->coverage_count == MANIFEST_COVERAGE_MAX) return;
        manifest->coverage[manifest->coverage_count++] = (struct manifest_coverage){
            .kind = kind, .source = source, .from_ns = manifest->from_ns, .to_ns = manifest->to_ns
        };
    }
}

/* Sources in order of path, so that the order of the manifest's lines means nothing. */
static int by_path(const void *left, const void *right)
{
    struct str a = ((const struct manifest_source *)left)->path;
    struct str b = ((const struct manifest_source *)right)->path;
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static void sort_sources(struct manifest *manifest)
{
    struct str paths[MANIFEST_SOURCES_MAX];
    for (uint32_t i = 0; i < manifest->source_count; i++) paths[i] = manifest->sources[i].path;
    qsort(manifest->sources, manifest->source_count, sizeof manifest->sources[0], by_path);
    for (uint32_t i = 0; i < manifest->coverage_count; i++) {
        struct manifest_coverage *entry = &manifest->coverage[i];
        struct str path = paths[entry->source];
        uint32_t place = 0;
        while (!str_equal(manifest->sources[place].path, path)) place++;
        entry->source = place;
        if (entry->from_ns == 0) entry->from_ns = manifest->from_ns;
        if (entry->to_ns == 0) entry->to_ns = manifest->to_ns;
    }
}

static bool paths_are_unique(const struct manifest *manifest)
{
    for (uint32_t i = 1; i < manifest->source_count; i++) {
        if (str_equal(manifest->sources[i].path, manifest->sources[i - 1].path)) return false;
    }
    return true;
}

enum status manifest_parse(struct str text, struct arena *arena, struct manifest *out_manifest,
                           struct error *out_error)
{
    struct json_reader reader;
    struct str format = { 0 };
    *out_manifest = (struct manifest){ .incident = STR("-") };
    json_reader_init(&reader, text, arena);
    read_top(&reader, out_manifest, &format);
    if (json_end(&reader) != STATUS_OK) {
        (void)error_set(out_error, STATUS_INVALID, "manifest.json: %s", reader.reason);
        error_detail(out_error, "at byte %zu", reader.fault_offset);
        return STATUS_INVALID;
    }
    if (!str_equal(format, STR("tpwallet-bundle-1"))) {
        (void)error_set(out_error, STATUS_INVALID, "manifest.json: the format is '%.*s'",
                        format.len > 64 ? 64 : STR_ARG(format));
        error_hint(out_error, "this version reads tpwallet-bundle-1");
        return STATUS_INVALID;
    }
    if (out_manifest->as_of_ns == 0 || out_manifest->from_ns == 0 ||
        out_manifest->to_ns < out_manifest->from_ns) {
        return error_set(out_error, STATUS_INVALID,
                         "manifest.json: as_of or window is missing, or ends before it begins");
    }
    sort_sources(out_manifest);
    if (!paths_are_unique(out_manifest)) {
        return error_set(out_error, STATUS_INVALID, "manifest.json: a path occurs twice");
    }
    return STATUS_OK;
}

static bool entry_is_clean(const struct manifest_coverage *entry)
{
    return entry->loss == MANIFEST_LOSS_NONE && entry->lost == 0;
}

/* The end of what clean entries of one source cover of the kind, without a hole, from `at` on. */
static int64_t covered_until(const struct manifest *manifest, uint32_t source, uint32_t kind,
                             int64_t at)
{
    int64_t end = at;
    for (bool grew = true; grew;) {
        grew = false;
        for (uint32_t i = 0; i < manifest->coverage_count; i++) {
            const struct manifest_coverage *entry = &manifest->coverage[i];
            if (entry->kind != kind || entry->source != source || !entry_is_clean(entry)) continue;
            if (entry->from_ns > end || entry->to_ns <= end) continue;
            end = entry->to_ns;
            grew = true;
        }
    }
    return end;
}

static bool source_covers(const struct manifest *manifest, uint32_t source, uint32_t kind,
                          int64_t ts_ns)
{
    if (manifest->sources[source].rejected != 0) return false;
    if (ts_ns == EVIDENCE_ALL_TIME) {
        return covered_until(manifest, source, kind, manifest->from_ns) >= manifest->to_ns;
    }
    for (uint32_t i = 0; i < manifest->coverage_count; i++) {
        const struct manifest_coverage *entry = &manifest->coverage[i];
        if (entry->kind != kind || entry->source != source || !entry_is_clean(entry)) continue;
        if (entry->from_ns <= ts_ns && ts_ns <= entry->to_ns) return true;
    }
    return false;
}

enum evidence_coverage manifest_covers(const struct manifest *manifest, uint32_t kind,
                                       int64_t ts_ns)
{
    enum evidence_coverage coverage = EVIDENCE_NOT_COVERED;
    for (uint32_t source = 0; source < manifest->source_count; source++) {
        const struct manifest_source *it = &manifest->sources[source];
        if (it->refused || (it->kinds >> kind & 1) == 0) continue;
        if (!source_covers(manifest, source, kind, ts_ns)) return EVIDENCE_COVERED_IN_PART;
        coverage = EVIDENCE_COVERED;
    }
    return coverage;
}
