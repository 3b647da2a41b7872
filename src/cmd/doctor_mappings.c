/* tpwallet doctor mappings: how the tables of other ledgers are read. */
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/doctor_tables.h"
#include "cmd/report.h"
#include "doctor/mappings_builtin.h"

enum { OUT_SIZE_MAX = 1 << 20 };

static enum status mapping_show(struct json_writer *json, struct str name, struct buf *out,
                                struct error *out_error)
{
    char terminated[TABLE_NAME_LEN_MAX + 1] = { 0 };
    struct doctor_mapping mapping = { 0 };
    CHECK(name.len < sizeof terminated); /* names of files in doctor/mappings */
    memcpy(terminated, name.data, name.len);
    enum status status = doctor_mapping_open(terminated, &mapping, out_error);
    if (status == STATUS_OK && json == NULL) {
        buf_append_format(out, "%-10.*s %.*s\n", STR_ARG(name), STR_ARG(mapping.parsed->about));
    } else if (status == STATUS_OK) {
        json_write_object_begin(json);
        json_write_key(json, STR("name"));
        json_write_string(json, name);
        json_write_key(json, STR("about"));
        json_write_string(json, mapping.parsed->about);
        json_write_object_end(json);
    }
    doctor_mapping_close(&mapping);
    return status;
}

static enum status mappings_list(const struct invocation *invocation, struct buf *out,
                                 struct error *out_error)
{
    struct json_writer writer;
    struct json_writer *json = invocation->json ? &writer : NULL;
    struct str rest = mappings_builtin();
    struct str name;
    struct str text;
    enum status status = STATUS_OK;
    if (json != NULL) {
        json_writer_init(json, out);
        json_write_array_begin(json);
    }
    while (status == STATUS_OK && mappings_builtin_next(&rest, &name, &text))
        status = mapping_show(json, name, out, out_error);
    if (json == NULL || status != STATUS_OK) return status;
    json_write_array_end(json);
    status = json_write_end(json);
    buf_append_byte(out, '\n');
    return status;
}

static int mappings_run(struct invocation *invocation)
{
    struct error error = { 0 };
    const char *name = invocation->positionals[0];
    struct doctor_mapping mapping = { 0 };
    BUF_SCOPE struct buf out;
    buf_init(&out, OUT_SIZE_MAX);
    enum status status;
    if (name == NULL)
        status = mappings_list(invocation, &out, &error);
    else
        status = doctor_mapping_open(name, &mapping, &error);
    if (name != NULL && status == STATUS_OK) buf_append_str(&out, buf_view(&mapping.text));
    doctor_mapping_close(&mapping);
    if (status != STATUS_OK) return report_error(invocation, &error);
    return report_text(invocation, buf_view(&out));
}

static const struct positional positionals[] = {
    { "NAME|FILE", "one that is built in, or one to be checked; shown as it is", true },
    { 0 },
};

static const struct option options[] = { { 0 } };

const struct command command_doctor_mappings = {
    .name = "doctor mappings",
    .summary = "how the tables of other ledgers are read: those built in, or one of them",
    .details = "A mapping says which tables and columns there are, which queries over them give "
               "which records, and how a repair is written as SQL: docs/tables.md. To adapt one, "
               "write it to a file, change it, and give the file to `doctor collect`.",
    .positionals = positionals,
    .options = options,
    .examples = "doctor mappings\ndoctor mappings pgledger > ours.json\ndoctor mappings ours.json",
    .run = mappings_run,
};
