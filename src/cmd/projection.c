/* tpwallet projection check, projection clear: the SQL tables beside a journal. */
#include <inttypes.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/postgres_projection.h"
#include "adapter/projection_check.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/pause.h"
#include "cmd/report.h"

enum {
    EXIT_BEHIND = 9,
    FOLLOW_MS_MAX = 2000, /* a relay that runs and is not held up is there by then */
    LOOK_MS = 100,
};

struct check {
    const char *url; /* of the tables; the folder's or the command line's */
    uint32_t lane;
    struct projection_check_report report;
};

/* Where the tables are: --url, or where the journal is. */
static enum status url_find(const struct invocation *invocation, const struct data_folder *folder,
                            const char **out_url, struct error *out_error)
{
    const char *url = invocation_text(invocation, "url");
    if (url == NULL) url = data_folder_store(folder);
    if (url == NULL) {
        (void)error_set(out_error, STATUS_INVALID, "the journal is in the folder: which database?");
        error_hint(out_error, "--url postgres://user@host/database");
        return STATUS_INVALID;
    }
    *out_url = url;
    return STATUS_OK;
}

/*
 * How many batches that were in the journal when it was compared the tables lack. Behind a server
 * they follow within moments, which are waited for.
 */
static enum status behind_find(const struct check *check, uint64_t *out_behind,
                               struct error *out_error)
{
    uint64_t reached = check->report.batch;
    enum status status = STATUS_OK;
    for (int waited = 0; reached < check->report.head && waited < FOLLOW_MS_MAX;
         waited += LOOK_MS) {
        if (waited > 0) pause_ms(LOOK_MS);
        status = projection_reached(check->url, check->lane, &reached, out_error);
        if (status != STATUS_OK) return status;
    }
    *out_behind = reached < check->report.head ? check->report.head - reached : 0;
    return status;
}

static int check_report(const struct invocation *invocation,
                        const struct projection_check_report *report, uint64_t behind)
{
    const struct {
        struct str name;
        uint64_t number;
    } numbers[] = {
        { STR("batch"), report->batch },           { STR("head"), report->head },
        { STR("accounts"), report->accounts },     { STR("transfers"), report->transfers },
        { STR("payment_events"), report->events }, { STR("behind"), behind },
    };
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            json_write_key(&writer, numbers[i].name);
            json_write_uint64(&writer, numbers[i].number);
        }
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    } else {
        buf_append_format(&out,
                          "the SQL tables are what the journal says up to batch %" PRIu64
                          " of %" PRIu64 ": %" PRIu64 " accounts, %" PRIu64 " transfers, %" PRIu64
                          " events of payments; balances and payments are what these come to\n",
                          report->batch, report->head, report->accounts, report->transfers,
                          report->events);
        if (behind > 0)
            buf_append_format(&out,
                              "they are behind: %" PRIu64 " batches are still to come, by a "
                              "server with --projection that owns the lane\n",
                              behind);
    }
    int code = report_text(invocation, buf_view(&out));
    return code == EXIT_CODE_DONE && behind > 0 ? EXIT_BEHIND : code;
}

static int check_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct data_folder *folder = NULL;
    struct store *store = NULL;
    struct check check = { 0 };
    uint64_t behind = 0;
    const struct folder_store_options options = { .read_only = true };
    enum status status = data_folder_open(invocation->data, DATA_FOLDER_GUEST, &folder, &error);
    if (status == STATUS_OK) status = url_find(invocation, folder, &check.url, &error);
    if (status == STATUS_OK) status = folder_store_open(folder, &options, &store, &error);
    if (status == STATUS_OK) check.lane = data_folder_lane(folder);
    if (status == STATUS_OK)
        status = projection_check(check.url, check.lane, store, &check.report, &error);
    if (status == STATUS_OK) status = behind_find(&check, &behind, &error);
    if (store != NULL) store->close(store);
    data_folder_close(folder);
    return status == STATUS_OK ? check_report(invocation, &check.report, behind)
                               : report_error(invocation, &error);
}

static int clear_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct data_folder *folder = NULL;
    const char *url = NULL;
    enum status status = data_folder_open(invocation->data, DATA_FOLDER_GUEST, &folder, &error);
    if (status == STATUS_OK) status = url_find(invocation, folder, &url, &error);
    if (status == STATUS_OK) status = postgres_projection_clear(url, &error);
    data_folder_close(folder);
    if (status != STATUS_OK) return report_error(invocation, &error);
    return report_text(invocation, STR("the SQL tables are empty; a server with --projection fills "
                                       "them from the first batch on\n"));
}

static const struct option options[] = {
    { "url", "URL", "the database that has the tables; without it, the journal's own", NULL },
    { 0 },
};

static const struct own_exit_code check_exit_codes[] = {
    { EXIT_CODE_DONE, "the tables are what the journal says, and have all of it" },
    { EXIT_CODE_USAGE, "the command line is wrong; or which database is not known" },
    { EXIT_CODE_NOT_FOUND, "there is no such folder; or the tables were never filled" },
    { EXIT_CODE_UNAVAILABLE, "journal or tables cannot be read now" },
    { EXIT_CODE_DAMAGED, "the tables differ, or the journal is damaged" },
    { EXIT_CODE_DENIED, "the folder or the database may not be read" },
    { EXIT_BEHIND, "the tables are right as far as they go, and lack what came last" },
    { 0, NULL },
};

const struct command command_projection_check = {
    .name = "projection check",
    .summary = "compare the SQL tables with the journal, row by row",
    .details =
        "Every batch that is in the tables is read from the journal; each of its rows must "
        "be there, the same, and no other; balances must be the sums of the entries, and "
        "payments as their newest event has them. Changes nothing, and runs beside a "
        "server. Ends with exit code 5 and the place when anything differs. What the journal "
        "had and the tables have not, two seconds later either, is `behind`: exit code 9.",
    .options = options,
    .exit_codes = check_exit_codes,
    .examples = "projection check\nprojection check --url postgres://auditor@reports/wallet",
    .run = check_run,
};

const struct command command_projection_clear = {
    .name = "projection clear",
    .summary = "empty the SQL tables, to be filled anew from the journal",
    .details = "The journal is not touched. A server that runs with --projection begins again at "
               "the first batch.",
    .options = options,
    .examples = "projection clear",
    .run = clear_run,
};
