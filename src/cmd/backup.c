/* tpwallet backup, restore: copies of the journal, beside a running server, and back again. */
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/call.h"
#include "cmd/folder_act.h"
#include "cmd/lane_copies.h"
#include "cmd/report.h"

enum { FOLDER_PATH_SIZE = 4096 };

static bool progress_show(void *owner, uint64_t batches_done, uint64_t batches_total)
{
    const struct invocation *invocation = owner;
    if (!invocation->json && isatty(STDERR_FILENO) != 0)
        (void)fprintf(stderr, "\r%llu of %llu batches%s", (unsigned long long)batches_done,
                      (unsigned long long)batches_total, batches_done >= batches_total ? "\n" : "");
    return true;
}

/*
 * What a copy of the journal does not have, and nothing makes again. The key is a secret, and an old
 * log.head put back would sign a contradiction: they are kept apart, and that is said.
 */
static const struct {
    const char *file;
    const char *what;
} LEFT_OUT[] = {
    { "log.key", "the verifiable log's secrets" },
    { "log.head", "what it last signed; only its newest copy is of use" },
    { "endpoints.db", "receivers of webhooks and their secrets" },
    { "relay.db", "how far deliveries got" },
    { "inbox.db", "webhooks received" },
    { "store", "the database's webhooks: tables endpoint, delivery, dead_letter, inbox" },
};
enum { LEFT_OUT_COUNT = sizeof LEFT_OUT / sizeof LEFT_OUT[0] };

static bool is_left_out(const char *source, size_t at)
{
    BUF_SCOPE struct buf path;
    buf_init(&path, FOLDER_PATH_SIZE);
    buf_append_format(&path, "%s/%s", source, LEFT_OUT[at].file);
    return access(buf_terminated(&path), F_OK) == 0;
}

static void left_out_json(const char *source, struct json_writer *writer)
{
    json_write_key(writer, STR("left_out"));
    json_write_array_begin(writer);
    for (size_t i = 0; i < LEFT_OUT_COUNT; i++)
        if (is_left_out(source, i)) json_write_string(writer, str_from(LEFT_OUT[i].file));
    json_write_array_end(writer);
}

static void left_out_text(const char *source, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < LEFT_OUT_COUNT; i++) {
        if (!is_left_out(source, i)) continue;
        if (!any) buf_append_format(out, "not in it, keep copies yourself; of %s:\n", source);
        any = true;
        buf_append_format(out, "  %-13s %s\n", LEFT_OUT[i].file, LEFT_OUT[i].what);
    }
}

static int result_report(const struct invocation *invocation,
                         const struct journal_copy_result *result,
                         const struct backup_options *options)
{
    const char *target = options->target;
    BUF_SCOPE struct buf out;
    buf_init(&out, 16384);
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("folder"));
        json_write_string(&writer, str_from(target));
        json_write_key(&writer, STR("batches"));
        json_write_uint64(&writer, result->batches);
        json_write_key(&writer, STR("bytes"));
        json_write_uint64(&writer, result->bytes);
        json_write_key(&writer, STR("head"));
        json_write_uint64(&writer, result->head);
        left_out_json(options->source, &writer);
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    } else {
        buf_append_format(&out,
                          "%s: copied %llu batches of %llu bytes, verified, up to batch %llu\n",
                          target, (unsigned long long)result->batches,
                          (unsigned long long)result->bytes, (unsigned long long)result->head);
        left_out_text(options->source, &out);
    }
    return report_text(invocation, buf_view(&out));
}

/* Of each lane, as it was copied. */
struct reporting {
    struct invocation *invocation;
    int code;
};

static bool lane_report(void *context, const struct backup_options *lane,
                        const struct journal_copy_result *result)
{
    struct reporting *reporting = context;
    reporting->code = result_report(reporting->invocation, result, lane);
    return reporting->code == EXIT_CODE_DONE;
}

/* Copies one lane after the other, and says so of each. */
static int lanes_copy(struct invocation *invocation, const struct backup_options *all,
                      lane_copy *copy)
{
    struct error error;
    struct reporting reporting = { invocation, EXIT_CODE_DONE };
    const struct lane_copies copies = { *all, copy, lane_report, &reporting };
    enum status status = lane_copies_make(&copies, &error);
    if (status == STATUS_NOT_FOUND && copy == backup_restore)
        error_hint(&error, "BACKUP is the folder that `tpwallet backup` made, --data a new one");
    bool told = status == STATUS_OK || reporting.code != EXIT_CODE_DONE;
    return told ? reporting.code : report_error(invocation, &error);
}

static int backup_command_run(struct invocation *invocation)
{
    const struct backup_options options = {
        .source = invocation->data,
        .target = invocation->positionals[0],
        .progress = { progress_show, invocation },
    };
    return lanes_copy(invocation, &options, backup_run);
}

static const struct positional backup_positionals[] = {
    { "FOLDER", "a new folder, or an earlier backup of this ledger to bring up to date", false },
    { 0 },
};

const struct command command_backup = {
    .name = "backup",
    .summary = "copy the ledger to another folder, also while it is served",
    .details =
        "Copies what was committed when it began, a page at a time, each batch verified "
        "against its hash and the one before. Into an earlier backup it copies only what "
        "is new. A backup is a data folder that can be read and checked, and that refuses "
        "to be written. Of a ledger with several lanes all are copied, one after the other: "
        "what is on its way between two of them may be in one copy only.\n\n"
        "It bears the ledger's id; a folder with a backup of another ledger is refused. Secrets "
        "and what belongs to webhooks are not in it: it says which files of the source those "
        "are (`left_out` in JSON). The index and log/ are not either, and are made again.",
    .positionals = backup_positionals,
    .examples = "backup /mnt/backup/ledger\ncheck --data /mnt/backup/ledger",
    .run = backup_command_run,
};

static int restore_run(struct invocation *invocation)
{
    const struct backup_options options = {
        .source = invocation->positionals[0],
        .target = invocation->data,
        .progress = { progress_show, invocation },
    };
    int code = lanes_copy(invocation, &options, backup_restore);
    if (code == EXIT_CODE_DONE && !invocation->json)
        (void)fprintf(stderr,
                      "it can be read but not written until `tpwallet --data %s restore accept`\n"
                      "before it is served, put the ledger's log.key and newest log.head there: "
                      "without them a new verifiable log begins\n",
                      options.target);
    return code;
}

static const struct positional restore_positionals[] = {
    { "BACKUP", "the folder that `tpwallet backup` made", false },
    { 0 },
};

const struct command command_restore = {
    .name = "restore",
    .summary = "make a ledger of a backup, in a new folder, readable only at first",
    .details = "The data folder must be absent or empty. What it holds can be looked at and "
               "checked; it is written only after `tpwallet restore accept`, so that two ledgers "
               "do not go on from one past by mistake. It is the same ledger, by its id, in an "
               "earlier state. The index is made anew when it is first opened. Put log.key and the "
               "newest log.head into it before it is served (docs/log.md).",
    .positionals = restore_positionals,
    .examples = "restore /mnt/backup/ledger --data /var/lib/tpwallet",
    .run = restore_run,
};

static int restore_accept_run(struct invocation *invocation)
{
    struct error error;
    const char *reason;
    enum status status = folder_act_reason(invocation, &reason, &error);
    bool changed = false;
    if (status == STATUS_OK) status = lane_copies_accept(invocation->data, &changed, &error);
    if (status == STATUS_OK && changed)
        status = folder_act_record(invocation, NOTICE_RESTORE_ACCEPT, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    BUF_SCOPE struct buf out;
    buf_init(&out, 8192);
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("folder"));
        json_write_string(&writer, str_from(invocation->data));
        json_write_key(&writer, STR("read_only"));
        json_write_bool(&writer, false);
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    } else {
        buf_append_format(&out,
                          changed ? "%s may be written from here on\n"
                                  : "%s may be written already; nothing was changed\n",
                          invocation->data);
    }
    return report_text(invocation, buf_view(&out));
}

static const struct option accept_options[] = {
    REASON_OPTION,
    { 0 },
};

const struct command command_restore_accept = {
    .name = "restore accept",
    .summary = "let a restored ledger be written",
    .details =
        "From here on it is a ledger of its own, and no backup of the one it came from. "
        "Make sure that the old one is not served any more. A ledger that has moved into a "
        "database (`init --from`) is refused, as it goes on there. Its first unit says who accepted "
        "it (`tpwallet audit list`); for that it is opened, which makes its index.",
    .options = accept_options,
    .examples = "restore accept --data /var/lib/tpwallet",
    .run = restore_accept_run,
};
