/* Sources of an earlier bundle in another one, as they are: what was collected outside of our ledger. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "cmd/answer.h"
#include "cmd/doctor_collectors.h"
#include "doctor/bundle_path.h"

enum { PART = 64 << 10 };

struct earlier {
    struct doctor_bundle bundle;
    struct arena arena;
    struct answer_object source; /* of the line at hand */
};

/* Our own ledger is collected anew instead. */
static bool is_ours(const struct answer_object *source)
{
    return str_starts(answer_text(source, "collector"), STR("tpwallet-"));
}

/* "ledger" of "evidence/01-ledger.ndjson", terminated; false: no name that a collector gives. */
static bool name_of(struct str path, char out_name[64])
{
    static const struct str folder = { "evidence/", 9 };
    static const struct str end = { ".ndjson", 7 };
    const char *dash = path.len == 0 ? NULL : memchr(path.data, '-', path.len);
    if (dash == NULL || !str_starts(path, folder) || !bundle_path_is_kept(path)) return false;
    struct str name = { dash + 1, path.len - (size_t)(dash + 1 - path.data) };
    if (name.len <= end.len || name.len - end.len >= 64) return false;
    name.len -= end.len;
    if (memcmp(name.data + name.len, end.data, end.len) != 0) return false;
    memcpy(out_name, name.data, name.len);
    out_name[name.len] = '\0';
    return true;
}

/* The line about a source, under the name that its file has now. */
static enum status line_rewrite(struct str line, struct str path, struct arena *arena,
                                struct buf *out)
{
    struct json_reader reader;
    struct json_writer writer;
    struct str key, value;
    json_reader_init(&reader, line, arena);
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    if (json_object_begin(&reader))
        while (json_object_next(&reader, &key) && json_raw(&reader, &value)) {
            json_write_key(&writer, key);
            if (str_equal(key, STR("path")))
                json_write_string(&writer, path);
            else
                json_write_json(&writer, value);
        }
    json_write_object_end(&writer);
    enum status status = json_end(&reader);
    return status == STATUS_OK ? json_write_end(&writer) : status;
}

static enum status bytes_copy(struct doctor_bundle *bundle, struct earlier *from,
                              struct doctor_file *file)
{
    char name[BUNDLE_PATH_LEN_MAX + 1];
    char part[PART];
    FILE *source;
    struct str path = answer_text(&from->source, "path");
    memcpy(name, path.data, path.len); /* name_of() knows it */
    name[path.len] = '\0';
    enum status status = doctor_bundle_evidence(&from->bundle, name, &source);
    if (status != STATUS_OK) {
        bundle->error = from->bundle.error;
        return status;
    }
    size_t got;
    while (status == STATUS_OK && (got = fread(part, 1, sizeof part, source)) > 0) {
        buf_append(&file->line, part, got);
        status = doctor_file_rows(file, 0);
    }
    bool good = ferror(source) == 0;
    (void)fclose(source); /* only read from */
    if (status != STATUS_OK || good) return status;
    return error_set(&bundle->error, STATUS_UNAVAILABLE, "cannot read %s", name);
}

static enum status source_adopt(struct doctor_bundle *bundle, struct earlier *from, struct str line)
{
    static const char *const none[] = { NULL };
    char name[64];
    struct digest digest;
    bool good =
        name_of(answer_text(&from->source, "path"), name) &&
        hex_parse(answer_text(&from->source, "sha256"), &digest, sizeof digest) == STATUS_OK;
    if (!good) return error_set(&bundle->error, STATUS_CORRUPT, "sources.ndjson is damaged");
    const struct doctor_source source = doctor_source_of(bundle, name, name, none);
    struct doctor_file file;
    BUF_SCOPE struct buf told;
    buf_init(&told, DOCTOR_SOURCE_SIZE_MAX);
    enum status status = doctor_file_begin(bundle, &source, &file);
    if (status == STATUS_OK) status = bytes_copy(bundle, from, &file);
    if (status == STATUS_OK) {
        arena_reset(&from->arena);
        status = line_rewrite(line, str_from(file.name), &from->arena, &told);
        if (status != STATUS_OK)
            status = error_set(&bundle->error, STATUS_CORRUPT, "sources.ndjson is damaged");
    }
    const struct doctor_adoption adoption = { buf_view(&told), &digest };
    return doctor_file_adopt(&file, &adoption, status);
}

static enum status sources_adopt(struct doctor_bundle *bundle, struct earlier *from)
{
    struct str rest = buf_view(&from->bundle.sources);
    struct str line;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && str_take_line(&rest, &line)) {
        arena_reset(&from->arena);
        if (answer_read(line, &from->arena, &from->source) != STATUS_OK)
            return error_set(&bundle->error, STATUS_CORRUPT, "sources.ndjson is damaged");
        if (!is_ours(&from->source)) status = source_adopt(bundle, from, line);
    }
    return status;
}

enum status doctor_collect_again(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    struct earlier from = { 0 };
    const char *path = invocation_text(invocation, "again");
    enum status status = doctor_bundle_open(path, NULL, NULL, &from.bundle);
    if (status != STATUS_OK) {
        bundle->error = from.bundle.error;
    } else {
        status = arena_init(&from.arena, 8 * (size_t)DOCTOR_SOURCE_SIZE_MAX);
        if (status != STATUS_OK) (void)error_set(&bundle->error, status, "no memory");
        /* Ours was collected before; without it there is nothing to hold this against. */
        if (status == STATUS_OK)
            status = doctor_bundle_is_of(bundle, doctor_bundle_ledger(&from.bundle));
        if (status == STATUS_OK) status = sources_adopt(bundle, &from);
    }
    arena_done(&from.arena);
    doctor_bundle_close(&from.bundle);
    return status;
}
