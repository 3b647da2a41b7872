/* tpwallet check: verifies a data folder from its first batch to its head, beside a server too. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/json_log.h"
#include "adapter/sqlite_run_store.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/log_verify.h"
#include "cmd/report.h"
#include "wallet/audit.h"

enum { FOLDER_PATH_SIZE = 4096 };

struct checking {
    const struct invocation *invocation;
    const char *path; /* of the lane's folder */
    struct data_folder *folder;
    struct json_log *warnings;
    struct lane_ports ports;
    struct audit_report report;
    struct log_audit_report tlog;
    struct uuid ledger; /* nil: from before ledgers had ids */
    bool has_log;
    bool beside_owner;
    int64_t elapsed_ns;
};

static void progress_show(void *argument, uint64_t batch, uint64_t head)
{
    const struct checking *checking = argument;
    if (checking->invocation->json || isatty(STDERR_FILENO) == 0) return;
    (void)fprintf(stderr, "\rbatch %" PRIu64 " of %" PRIu64 "%s", batch, head,
                  batch == head ? "\n" : "");
}

static enum status stores_open(struct checking *checking, struct error *out_error)
{
    const char *path = checking->path;
    const struct json_log_options log = {
        .fd = STDERR_FILENO,
        .writer = "check",
        .level_min = LOG_WARNING,
        .clock = system_clock(),
    };
    enum status status = json_log_open(&log, &checking->warnings, out_error);
    if (status != STATUS_OK) return status;
    status = data_folder_open(path, DATA_FOLDER_GUEST, &checking->folder, out_error);
    if (status != STATUS_OK) return status;
    checking->beside_owner = data_folder_beside_owner(checking->folder);
    const struct folder_store_options store = { .read_only = true };
    status = folder_store_open(checking->folder, &store, &checking->ports.store, out_error);
    if (status == STATUS_OK)
        checking->ledger = folder_store_ledger(checking->folder, checking->ports.store);
    if (status != STATUS_OK || checking->beside_owner) return status;
    const struct sqlite_run_store_options runs = { .folder = path };
    return sqlite_run_store_open(&runs, &checking->ports.run_store, out_error);
}

static void stores_close(struct checking *checking)
{
    struct lane_ports *ports = &checking->ports;
    if (ports->run_store != NULL) ports->run_store->close(ports->run_store);
    if (ports->store != NULL) ports->store->close(ports->store);
    data_folder_close(checking->folder);
    json_log_close(checking->warnings);
}

/* The log, where one is kept. */
static enum status log_check(struct checking *checking, struct error *out_error)
{
    enum status status = log_verify_run(checking->folder, checking->ports.store, NULL, 0,
                                        &checking->tlog, out_error);
    checking->has_log = status == STATUS_OK;
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    return log_verify_status(&checking->tlog, out_error);
}

static enum status all_check(struct checking *checking, struct error *out_error)
{
    enum status status = stores_open(checking, out_error);
    if (status != STATUS_OK) return status;
    struct lane_ports *ports = &checking->ports;
    ports->clock = system_clock();
    ports->entropy = system_entropy();
    ports->sync = thread_sync();
    ports->log = json_log_port(checking->warnings);
    int64_t begin_ns = clock_monotonic(ports->clock).ns;
    status = folder_store_integrity(checking->folder, ports->store, out_error);
    if (status == STATUS_OK && ports->run_store != NULL)
        status = sqlite_run_store_integrity(ports->run_store, out_error);
    if (status != STATUS_OK) return status;
    struct lane_options lane = LANE_OPTIONS_DEFAULT;
    lane.number = data_folder_lane(checking->folder);
    const struct audit_options options = {
        .lane = lane,
        .beside_owner = checking->beside_owner,
        .progress = progress_show,
        .argument = checking,
    };
    status = audit_run(ports, &options, &checking->report, out_error);
    if (status == STATUS_OK) status = log_check(checking, out_error);
    checking->elapsed_ns = clock_monotonic(ports->clock).ns - begin_ns;
    return status;
}

static int json_report(const struct checking *checking)
{
    const struct audit_report *report = &checking->report;
    const struct {
        struct str name;
        uint64_t number;
    } numbers[] = {
        { STR("head"), report->head.sequence },
        { STR("batches"), report->batches },
        { STR("records"), report->records },
        { STR("transfers"), report->transfers },
        { STR("refusals"), report->refusals },
        { STR("journal_bytes"), report->journal_bytes },
        { STR("accounts"), report->accounts },
        { STR("holds"), report->holds },
        { STR("index_entries"), report->index_entries },
        { STR("index_runs"), report->index_runs },
        { STR("log_leaves"), checking->has_log ? checking->tlog.leaves : 0 },
        { STR("log_signed"), checking->has_log ? checking->tlog.head.size : 0 },
        { STR("elapsed_ms"), (uint64_t)(checking->elapsed_ns / NS_PER_MS) },
    };
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    char ledger[UUID_TEXT_LEN + 1];
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("sound"));
    json_write_bool(&writer, true);
    if (!uuid_is_nil(checking->ledger)) {
        uuid_format(checking->ledger, ledger);
        json_write_key(&writer, STR("ledger"));
        json_write_string(&writer, str_from(ledger));
    }
    json_write_key(&writer, STR("checkpoint_and_index_checked"));
    json_write_bool(&writer, !checking->beside_owner);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        json_write_key(&writer, numbers[i].name);
        json_write_uint64(&writer, numbers[i].number);
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(&out, '\n');
    return report_text(checking->invocation, buf_view(&out));
}

static int text_report(const struct checking *checking)
{
    const struct audit_report *report = &checking->report;
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    if (!uuid_is_nil(checking->ledger)) {
        char ledger[UUID_TEXT_LEN + 1];
        uuid_format(checking->ledger, ledger);
        buf_append_format(&out, "ledger      %s\n", ledger);
    }
    buf_append_format(&out,
                      "journal     %" PRIu64 " batches, %" PRIu64 " records, %" PRIu64
                      " bytes: hashes, chain and every record's check are right\n",
                      report->batches, report->records, report->journal_bytes);
    buf_append_format(&out,
                      "state       %" PRIu64 " accounts, %" PRIu64 " open holds, %" PRIu64
                      " transfers (%" PRIu64 " refused): every invariant holds\n",
                      report->accounts, report->holds, report->transfers, report->refusals);
    if (checking->beside_owner) {
        buf_append_format(&out, "checkpoint  not checked: a server is writing it\n");
        buf_append_format(&out, "index       not checked: a server is writing it\n");
    } else {
        buf_append_format(&out, "checkpoint  gives the same state as the whole journal\n");
        buf_append_format(&out,
                          "index       %" PRIu64 " entries in %" PRIu64
                          " runs: exactly those of the journal\n",
                          report->index_entries, report->index_runs);
    }
    if (checking->has_log) {
        buf_append_format(&out,
                          "log         %" PRIu64 " leaves, the first %" PRIu64
                          " signed: what the journal gives\n",
                          checking->tlog.leaves, checking->tlog.head.size);
    }
    buf_append_format(&out, "totals      debits equal credits in every asset\n");
    buf_append_format(&out, "sound       checked in %" PRId64 " ms\n",
                      checking->elapsed_ns / NS_PER_MS);
    return report_text(checking->invocation, buf_view(&out));
}

/* One lane; of the first, *out_lanes is how many there are. */
static int lane_check(struct invocation *invocation, uint32_t lane, uint32_t *out_lanes)
{
    char path[FOLDER_PATH_SIZE];
    struct checking checking = { .invocation = invocation, .path = path };
    struct error error = { 0 };
    enum status status = data_folder_lane_path(invocation->data, lane, path, sizeof path, &error);
    if (status == STATUS_OK) status = all_check(&checking, &error);
    if (status == STATUS_OK && data_folder_lane(checking.folder) == 0)
        *out_lanes = data_folder_lanes(checking.folder);
    stores_close(&checking);
    if (status != STATUS_OK) return report_error(invocation, &error);
    return invocation->json ? json_report(&checking) : text_report(&checking);
}

static int check_run(struct invocation *invocation)
{
    uint32_t lanes = 1;
    int code = EXIT_CODE_DONE;
    for (uint32_t lane = 0; lane < lanes && code == EXIT_CODE_DONE; lane++) {
        code = lane_check(invocation, lane, &lanes);
    }
    return code;
}

const struct command command_check = {
    .name = "check",
    .summary = "verify a data folder: journal, chain, checkpoint, index and totals",
    .details =
        "Reads every batch from the first to the head, verifies its hash, its link to the one\n"
        "before and the check of each record, replays all of it on an empty ledger, and compares\n"
        "the result with what a start would recover from the checkpoint. Then compares the index\n"
        "with the journal, entry by entry, and the verifiable log, as `tpwallet log verify` does.\n"
        "Changes nothing. Runs beside a server, but then leaves\n"
        "checkpoint and index out.\n"
        "\n"
        "Of a ledger with several lanes all are checked, one report after the other.\n"
        "\n"
        "Ends with exit code 5 and the place when anything is damaged. Then: keep the folder as\n"
        "it is, restore the newest backup to another one, and check that.",
    .examples = "check\ncheck --data /var/lib/tpwallet --json",
    .run = check_run,
};
