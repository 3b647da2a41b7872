/* tpwallet log verify: history made again from the journal, and held against what was signed. */
#include "cmd/log_verify.h"

#include <inttypes.h>

#include "adapter/data_folder.h"
#include "adapter/file_log_store.h"
#include "adapter/folder_store.h"
#include "adapter/log_keys.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/file_bytes.h"
#include "cmd/report.h"
#include "model/position.h"

enum { LISTED_MAX = 20 };

enum status log_verify_run(const struct data_folder *folder, struct store *journal,
                           const struct tree_head *held, uint32_t held_count,
                           struct log_audit_report *out_report, struct error *out_error)
{
    struct log_keys keys = { 0 };
    struct log_store *files = NULL;
    enum status status = log_keys_read(data_folder_path(folder), &keys, out_error);
    if (status == STATUS_OK)
        status = file_log_store_open(data_folder_path(folder), true, &files, out_error);
    if (status == STATUS_OK) {
        const struct log_audit_options options = {
            .lane = data_folder_lane(folder),
            .key = &keys.leaf,
            .log = &keys.signer.key,
            .held = held,
            .held_count = held_count,
        };
        status = log_audit_run(journal, files, &options, out_report, out_error);
    }
    if (files != NULL) files->close(files);
    log_keys_done(&keys);
    return status;
}

enum status log_verify_status(const struct log_audit_report *report, struct error *out_error)
{
    if (report->verdict == LOG_SOUND || report->verdict == LOG_NOTHING_SIGNED) return STATUS_OK;
    enum status status =
        error_set(out_error, STATUS_CORRUPT, "the verifiable log: %s", report->fault.message);
    bool files_only = report->verdict == LOG_FILES_WRONG;
    error_hint(out_error, files_only
                              ? "remove log/: the next `tpwallet serve` makes it again"
                              : "`tpwallet log verify` says from where on, and what it touches");
    return status;
}

/* ---- A checkpoint that somebody kept ---- */

static enum status held_read(const struct invocation *invocation, struct tree_head *out_head,
                             uint32_t *out_count, struct error *out_error)
{
    const char *path = invocation_text(invocation, "checkpoint");
    *out_count = 0;
    if (path == NULL) return STATUS_OK;
    struct log_keys keys = { 0 };
    struct note note;
    struct checkpoint checkpoint;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, NOTE_SIZE_MAX + 1);
    enum status status = file_bytes_read(path, &bytes, out_error);
    if (status == STATUS_OK) status = log_keys_read(invocation->data, &keys, out_error);
    if (status == STATUS_OK) status = note_parse(buf_view(&bytes), &note, out_error);
    if (status == STATUS_OK) {
        const struct note_key *key = &keys.signer.key;
        status = checkpoint_open(&note, key, note_key_name(key), &checkpoint, out_error);
        /* A view of no signature of ours is of no log of ours. */
        if (status == STATUS_NOT_FOUND || status == STATUS_DENIED) {
            if (out_error != NULL) out_error->status = STATUS_INVALID;
            status = STATUS_INVALID;
        }
    }
    log_keys_done(&keys);
    if (status != STATUS_OK) return status;
    *out_head = checkpoint.head;
    *out_count = 1;
    return STATUS_OK;
}

/* ---- Telling ---- */

static bool journal_is_at_fault(const struct log_audit_report *report)
{
    return report->verdict >= LOG_JOURNAL_DAMAGED;
}

static void json_write_payments(struct json_writer *writer, const struct log_audit_report *report)
{
    json_write_key(writer, STR("payments"));
    json_write_array_begin(writer);
    for (uint32_t i = 0; i < report->payment_count; i++) {
        char id[UUID_TEXT_LEN + 1];
        uuid_format(report->payments[i].value, id);
        json_write_string(writer, str_from(id));
    }
    json_write_array_end(writer);
}

static void json_report(const struct log_audit_report *report, struct buf *out)
{
    const struct {
        struct str name;
        uint64_t number;
    } numbers[] = {
        { STR("leaves"), report->leaves },
        { STR("batches"), report->batches },
        { STR("signed_leaves"), report->head.size },
        { STR("signed_batch"), report->head.batch },
        { STR("files_right"), report->files_right },
        { STR("files_missing"), report->files_missing },
        { STR("files_wrong"), report->files_wrong },
    };
    struct json_writer writer;
    char text[POSITION_TEXT_SIZE];
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("verdict"));
    json_write_string(&writer, str_from(log_verdict_text(report->verdict)));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&writer, numbers[i].name);
        json_write_uint64(&writer, numbers[i].number);
    }
    if (report->fault.message[0] != '\0') {
        json_write_key(&writer, STR("message"));
        json_write_string(&writer, str_from(report->fault.message));
    }
    if (journal_is_at_fault(report)) {
        json_write_key(&writer, STR("trusted_leaves"));
        json_write_uint64(&writer, report->trusted_leaves);
        json_write_key(&writer, STR("exact"));
        json_write_bool(&writer, report->exact);
        json_write_key(&writer, STR("from"));
        json_write_string(&writer, position_format(report->from, text));
        json_write_key(&writer, STR("batches_unreadable"));
        json_write_uint64(&writer, report->batches_unreadable);
        json_write_key(&writer, STR("payment_records"));
        json_write_uint64(&writer, report->payments_found);
        json_write_payments(&writer, report);
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(out, '\n');
}

static void text_fault(const struct log_audit_report *report, struct buf *out)
{
    char text[POSITION_TEXT_SIZE];
    buf_append_format(out, "fault       %s\n", report->fault.message);
    if (!journal_is_at_fault(report)) return;
    buf_append_format(out, "trusted     the first %" PRIu64 " leaves%s\n", report->trusted_leaves,
                      report->exact ? "; the next one differs" : ", at least");
    buf_append_format(out, "not         from %.*s of the journal on\n",
                      STR_ARG(position_format(report->from, text)));
    if (report->batches_unreadable > 0) {
        buf_append_format(out, "unreadable  %" PRIu64 " batches: what they held is not known\n",
                          report->batches_unreadable);
    }
    buf_append_format(out, "payments    %" PRIu64 " records from there on, of %s%u payments\n",
                      report->payments_found,
                      report->payment_count == LOG_AUDIT_PAYMENTS_MAX ? "at least " : "",
                      report->payment_count);
    for (uint32_t i = 0; i < report->payment_count && i < LISTED_MAX; i++) {
        char id[UUID_TEXT_LEN + 1];
        uuid_format(report->payments[i].value, id);
        buf_append_format(out, "  %s\n", id);
    }
    if (report->payment_count > LISTED_MAX) buf_append_format(out, "  (more with --json)\n");
}

static void text_report(const struct log_audit_report *report, struct buf *out)
{
    buf_append_format(out, "journal     %" PRIu64 " batches, %" PRIu64 " leaves\n", report->batches,
                      report->leaves);
    buf_append_format(out, "signed      %" PRIu64 " leaves, up to batch %" PRIu64 "\n",
                      report->head.size, report->head.batch);
    buf_append_format(out,
                      "files       %" PRIu64 " right, %" PRIu64 " missing, %" PRIu64 " wrong\n",
                      report->files_right, report->files_missing, report->files_wrong);
    if (report->fault.message[0] != '\0') text_fault(report, out);
    buf_append_format(out, "verdict     %s\n", log_verdict_text(report->verdict));
}

static int verdict_show(const struct invocation *invocation, const struct log_audit_report *report)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 64 << 10);
    if (invocation->json) {
        json_report(report, &out);
    } else {
        text_report(report, &out);
    }
    int code = report_text(invocation, buf_view(&out));
    bool good = log_verify_status(report, NULL) == STATUS_OK;
    return code == EXIT_CODE_DONE && !good ? EXIT_CODE_DAMAGED : code;
}

static int verify_run(struct invocation *invocation)
{
    struct log_audit_report report;
    struct error error = { 0 };
    struct data_folder *folder = NULL;
    struct store *store = NULL;
    struct tree_head held;
    uint32_t held_count = 0;
    enum status status = data_folder_open(invocation->data, DATA_FOLDER_GUEST, &folder, &error);
    if (status == STATUS_OK) status = held_read(invocation, &held, &held_count, &error);
    if (status == STATUS_OK) {
        const struct folder_store_options options = { .read_only = true };
        status = folder_store_open(folder, &options, &store, &error);
    }
    if (status == STATUS_OK)
        status = log_verify_run(folder, store, &held, held_count, &report, &error);
    if (store != NULL) store->close(store);
    data_folder_close(folder);
    return status == STATUS_OK ? verdict_show(invocation, &report)
                               : report_error(invocation, &error);
}

static const struct option verify_options[] = {
    { "checkpoint", "FILE", "one that was kept elsewhere: it must be of this history too", NULL },
    { 0 },
};

const struct command command_log_verify = {
    .name = "log verify",
    .summary = "make the verifiable log again from the journal and compare all of it",
    .details =
        "Makes every leaf from the journal, compares bundles, tiles, the signed root and the\n"
        "checkpoint's signature. Names the first leaf from which history cannot be trusted, and the\n"
        "payments in what follows. Runs beside a server.\n"
        "\n"
        "What was doctored together with the keys shows only against a checkpoint that somebody\n"
        "else kept: give it with --checkpoint. Ends with exit code 5 when anything is wrong.",
    .options = verify_options,
    .examples = "log verify\nlog verify --checkpoint kept-in-march --json",
    .run = verify_run,
};
