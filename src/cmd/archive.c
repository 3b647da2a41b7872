/* tpwallet archive: old batches of the journal into segment files, from which they are read. */
#include "adapter/archive.h"

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/sqlite_store.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/call.h"
#include "cmd/folder_act.h"
#include "cmd/report.h"

static enum status archive_folder(const struct invocation *invocation,
                                  const struct archive_options *options,
                                  struct archive_result *out_result, struct error *out_error)
{
    struct data_folder *folder;
    enum status status = data_folder_open(invocation->data, DATA_FOLDER_OWNER, &folder, out_error);
    if (status == STATUS_CONFLICT)
        error_hint(out_error, "archiving wants the folder for itself: stop the server first");
    if (status != STATUS_OK) return status;
    const struct sqlite_store_options store_options = { .folder = invocation->data,
                                                        .ledger = data_folder_ledger(folder) };
    struct store *store;
    status = folder_store_is_local(folder, "archiving", out_error);
    if (status == STATUS_OK) status = sqlite_store_open(&store_options, &store, out_error);
    if (status == STATUS_OK) {
        status = archive_run(store, options, out_result, out_error);
        store->close(store);
    }
    data_folder_close(folder);
    return status;
}

static int archive_report(const struct invocation *invocation, const struct archive_result *result)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("segments"));
        json_write_uint64(&writer, result->segments);
        json_write_key(&writer, STR("batches"));
        json_write_uint64(&writer, result->batches);
        json_write_key(&writer, STR("bytes"));
        json_write_uint64(&writer, result->bytes);
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    } else {
        buf_append_format(&out, "moved %llu batches into %llu segments of %llu bytes\n",
                          (unsigned long long)result->batches, (unsigned long long)result->segments,
                          (unsigned long long)result->bytes);
    }
    return report_text(invocation, buf_view(&out));
}

static int archive_command_run(struct invocation *invocation)
{
    struct error error;
    struct archive_options options = { .keep_batches = 0 };
    struct archive_result result = { 0 };
    enum status status =
        invocation_number(invocation, "keep-batches", (struct number_range){ 1, UINT64_MAX },
                          &options.keep_batches, &error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "segment-size",
                                   (struct number_range){ 1 << 20, UINT64_C(1) << 40 },
                                   &options.segment_size_max, &error);
    if (status == STATUS_OK) status = folder_act_record(invocation, NOTICE_ARCHIVE, &error);
    if (status == STATUS_OK) status = archive_folder(invocation, &options, &result, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    return archive_report(invocation, &result);
}

static const struct option archive_command_options[] = {
    { "keep-batches", "COUNT", "how many of the newest batches stay in the journal", "10000" },
    { "segment-size", "BYTES", "largest size of a segment file", "64M" },
    REASON_OPTION,
    { 0 },
};

const struct command command_archive = {
    .name = "archive",
    .summary = "move old batches of the journal into segment files",
    .details = "Segments stand in DIR/archive and are verified before the journal lets go of "
               "their batches; history is read from them as before. They may be kept on other "
               "media: without them the ledger works, but what they hold is not found. Wants the "
               "folder for itself: no server may run.",
    .options = archive_command_options,
    .examples = "archive\narchive --keep-batches 1000",
    .run = archive_command_run,
};
