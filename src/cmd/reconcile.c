/* tpwallet reconcile: a statement against our ledger, line by line, and its payouts against a bank. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/reserve.h"
#include "cmd/file_bytes.h"
#include "cmd/invocation.h"
#include "cmd/reconcile_payouts.h"
#include "cmd/reconcile_read.h"
#include "cmd/reconcile_tally.h"
#include "cmd/report.h"

enum {
    MEMORY_MIN = 16 << 20,
    REPORT_SIZE_MAX = 256 << 20,
    LISTED_TEXT = 20,
    LISTED_JSON = 1000,
    LISTED_MAX = 30000, /* what the tally's memory has room for, whatever they are */
};

struct reconciliation {
    struct invocation *invocation;
    struct reconcile_currencies currencies;
    struct reconcile_fees fees;
    struct reconcile_refusals refusals;
    struct reconcile_matcher matcher;
    struct reconcile_tally tallies[2]; /* the statement, the payouts */
    struct reconcile_pipeline pipeline;
    struct reconcile_payouts payouts;
    struct buf mappings[4]; /* their texts, and that of the fees: views point into them */
    bool three_way;
    uint64_t memory;
    FILE *rows;
    const char *folder; /* for temporary files */
    struct error error;
};

/* ---- what was asked for ---- */

static enum status text_read(struct reconciliation *all, const char *option, struct buf *text)
{
    buf_init(text, RECONCILE_MAPPING_SIZE_MAX);
    const char *path = invocation_text(all->invocation, option);
    if (path == NULL) return error_set(&all->error, STATUS_INVALID, "--%s is missing", option);
    return file_bytes_read(path, text, &all->error);
}

static enum status mapping_read(struct reconciliation *all, const char *option, struct buf *text,
                                struct reconcile_source *source)
{
    source->currencies = &all->currencies;
    enum status status = text_read(all, option, text);
    if (status == STATUS_OK)
        status = reconcile_mapping_parse(buf_view(text), &all->currencies, &source->mapping,
                                         &all->error);
    if (status == STATUS_INVALID && text->len > 0)
        error_detail(&all->error, "in %s", invocation_text(all->invocation, option));
    return status;
}

static enum status fees_read(struct reconciliation *all)
{
    if (!invocation_has(all->invocation, "fees")) return STATUS_OK;
    enum status status = text_read(all, "fees", &all->mappings[3]);
    if (status != STATUS_OK) return status;
    return reconcile_fees_parse(buf_view(&all->mappings[3]), &all->currencies, &all->fees,
                                &all->error);
}

static enum status numbers_read(struct reconciliation *all)
{
    static const struct number_range days = { 0, RECONCILE_DUE_DAYS_MAX };
    static const struct number_range hours = { 0, 24 * 366 };
    static const struct number_range memory = { MEMORY_MIN, UINT64_C(1) << 40 };
    static const struct number_range listed = { 0, LISTED_MAX };
    uint64_t due_days = 0;
    uint64_t window = 0;
    uint64_t list_max = all->invocation->json ? LISTED_JSON : LISTED_TEXT;
    struct invocation *invocation = all->invocation;
    enum status status = invocation_number(invocation, "due-days", days, &due_days, &all->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "window-hours", hours, &window, &all->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "memory", memory, &all->memory, &all->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "list", listed, &list_max, &all->error);
    all->matcher.due_days = (uint32_t)due_days;
    all->matcher.window_ns = (int64_t)window * 3600 * NS_PER_S;
    for (int i = 0; i < 2; i++) all->tallies[i].list_max = list_max;
    return status;
}

static enum status options_read(struct reconciliation *all)
{
    struct invocation *invocation = all->invocation;
    enum status status = numbers_read(all);
    const char *as_of = invocation_text(invocation, "as-of");
    if (status == STATUS_OK && as_of != NULL &&
        business_date_parse(str_from(as_of), &all->matcher.as_of) != STATUS_OK)
        status = error_set(&all->error, STATUS_INVALID, "--as-of is no date: YYYY-MM-DD");
    bool ledger_file = invocation_has(invocation, "ledger");
    int ways =
        ledger_file + invocation_has(invocation, "psp") + invocation_has(invocation, "account");
    if (status == STATUS_OK && ways != 1) {
        status = error_set(&all->error, STATUS_INVALID, "what is to be compared is not clear");
        error_hint(&all->error, "give one of --psp NAME, --account ID (of the data folder) and "
                                "--ledger FILE");
    }
    all->three_way = invocation_has(invocation, "payouts");
    all->folder = invocation_text(invocation, "temp");
    if (all->folder == NULL) all->folder = getenv("TMPDIR");
    if (all->folder == NULL) all->folder = "/tmp";
    return status;
}

static enum status rows_open(struct reconciliation *all)
{
    const char *path = invocation_text(all->invocation, "csv");
    if (path == NULL) return STATUS_OK;
    all->rows = fopen(path, "wx");
    if (all->rows == NULL)
        return error_set(&all->error, errno == EEXIST ? STATUS_CONFLICT : STATUS_DENIED,
                         "cannot make %s: %s", path, strerror(errno));
    reconcile_tally_head(all->rows);
    return STATUS_OK;
}

/* ---- the two comparisons ---- */

static enum status line_take(void *context, const struct reconcile_line *line, struct str batch,
                             struct error *out_error)
{
    struct reconciliation *all = context;
    bool theirs = line->side == RECONCILE_THEIRS;
    if (theirs && line->at.ns >= all->matcher.newest.at.ns) all->matcher.newest = *line;
    reconcile_tally_line(all->matcher.context, line);
    enum status status = reconcile_pipeline_add(&all->pipeline, line, out_error);
    if (status == STATUS_OK && theirs && all->payouts.sort != NULL)
        status = reconcile_payouts_add(&all->payouts, line, batch, out_error);
    return status;
}

static enum status stage_open(struct reconciliation *all, struct reconcile_tally *tally)
{
    reconcile_tally_init(tally);
    memset(&all->matcher.newest, 0, sizeof all->matcher.newest);
    tally->currencies = &all->currencies;
    tally->rows = all->rows;
    all->matcher.found = reconcile_tally_found;
    all->matcher.context = tally;
    all->pipeline = (struct reconcile_pipeline){
        .matcher = &all->matcher,
        .memory_max = all->memory,
        .folder = all->folder,
    };
    return reconcile_pipeline_open(&all->pipeline, &all->error);
}

/* Without --as-of: up to the newest line of theirs, and nothing is known of what is later. */
static enum status stage_run(struct reconciliation *all)
{
    all->matcher.newest_ends = !invocation_has(all->invocation, "as-of");
    if (all->matcher.newest_ends) all->matcher.as_of = business_date_of(all->matcher.newest.at);
    return reconcile_pipeline_run(&all->pipeline, &all->error);
}

static enum status ours_read(struct reconciliation *all, const struct reconcile_visitor *visitor)
{
    struct reconcile_source source = { .currencies = &all->currencies, .side = RECONCILE_OURS };
    if (all->fees.count > 0) source.fees = &all->fees;
    if (invocation_has(all->invocation, "ledger")) {
        enum status status = mapping_read(all, "ledger-mapping", &all->mappings[1], &source);
        if (status != STATUS_OK) return status;
        return reconcile_read_csv(invocation_text(all->invocation, "ledger"), &source, visitor,
                                  &all->refusals, &all->error);
    }
    struct reconcile_journal journal = {
        .folder = all->invocation->data,
        .psp = invocation_text(all->invocation, "psp"),
    };
    const char *account = invocation_text(all->invocation, "account");
    if (account != NULL && uuid_parse(str_from(account), &journal.account.value) != STATUS_OK)
        return error_set(&all->error, STATUS_INVALID, "--account is no id");
    return reconcile_read_journal(&journal, &source, visitor, &all->refusals, &all->error);
}

static enum status theirs_read(struct reconciliation *all, const char *file, const char *mapping,
                               struct buf *text, const struct reconcile_visitor *visitor)
{
    struct reconcile_source source = { .side = RECONCILE_THEIRS };
    enum status status = mapping_read(all, mapping, text, &source);
    if (status != STATUS_OK) return status;
    const char *path = invocation_text(all->invocation, file);
    if (path == NULL) return error_set(&all->error, STATUS_INVALID, "--%s is missing", file);
    if (strcmp(file, "statement") == 0 && all->three_way &&
        source.mapping.fields[RECONCILE_FIELD_BATCH].count == 0)
        return error_set(&all->error, STATUS_INVALID,
                         "payouts need the batch of the statement's lines: map it");
    uint64_t refused = all->refusals.count;
    uint64_t skipped = all->refusals.skipped;
    status = reconcile_read_csv(path, &source, visitor, &all->refusals, &all->error);
    const struct reconcile_tally *tally = all->matcher.context;
    bool empty = tally->lines[RECONCILE_THEIRS] == 0 && all->refusals.count == refused;
    if (status != STATUS_OK || !empty) return status;
    status = error_set(&all->error, STATUS_INVALID, "%s has no line to compare", path);
    error_detail(&all->error, "it has a header and %llu rows of kinds that are skipped",
                 (unsigned long long)(all->refusals.skipped - skipped));
    error_hint(&all->error, "get the whole file: without a line it says nothing of any day");
    return status;
}

static enum status statement_compare(struct reconciliation *all)
{
    const struct reconcile_visitor visitor = { line_take, all };
    struct reconcile_tally *tally = &all->tallies[0];
    tally->name = "statement";
    tally->names[RECONCILE_OURS] = "ledger";
    tally->names[RECONCILE_THEIRS] = "statement";
    enum status status = stage_open(all, tally);
    if (status == STATUS_OK && all->three_way)
        status = reconcile_payouts_open(&all->payouts, all->memory / 4, all->folder, &all->error);
    if (status == STATUS_OK) status = ours_read(all, &visitor);
    if (status == STATUS_OK)
        status = theirs_read(all, "statement", "mapping", &all->mappings[0], &visitor);
    if (status == STATUS_OK) status = stage_run(all);
    reconcile_pipeline_close(&all->pipeline);
    return status;
}

static enum status batches_take(struct reconciliation *all)
{
    struct reconcile_line pending = { 0 };
    for (;;) {
        struct reconcile_line line;
        bool found;
        enum status status =
            reconcile_payouts_next(&all->payouts, &pending, &line, &found, &all->error);
        if (status == STATUS_OK && found) status = line_take(all, &line, STR(""), &all->error);
        if (status != STATUS_OK || !found) return status;
    }
}

static enum status payouts_compare(struct reconciliation *all)
{
    const struct reconcile_visitor visitor = { line_take, all };
    struct reconcile_tally *tally = &all->tallies[1];
    tally->name = "payouts";
    tally->names[RECONCILE_OURS] = "statement";
    tally->names[RECONCILE_THEIRS] = "payouts";
    enum status status = stage_open(all, tally);
    if (status == STATUS_OK) status = batches_take(all);
    reconcile_payouts_close(&all->payouts);
    if (status == STATUS_OK)
        status = theirs_read(all, "payouts", "payouts-mapping", &all->mappings[2], &visitor);
    if (status == STATUS_OK) status = stage_run(all);
    reconcile_pipeline_close(&all->pipeline);
    return status;
}

/* ---- the answer ---- */

/* Lines that the other side does not reach. */
static uint64_t open_count(const struct reconciliation *all)
{
    return reconcile_tally_class(&all->tallies[0], RECONCILE_OPEN) +
           reconcile_tally_class(&all->tallies[1], RECONCILE_OPEN);
}

static bool is_clean(const struct reconciliation *all)
{
    return all->refusals.count == 0 &&
           reconcile_tally_class(&all->tallies[0], RECONCILE_BREAK) == 0 &&
           reconcile_tally_class(&all->tallies[1], RECONCILE_BREAK) == 0 && open_count(all) == 0;
}

/* Whether there is a day to speak of: given, or that of a line. */
static bool is_dated(const struct reconciliation *all)
{
    return !all->matcher.newest_ends || all->matcher.newest.at.ns > 0;
}

static void text_build(const struct reconciliation *all, struct buf *out)
{
    char day[DATE_TEXT_SIZE];
    reconcile_tally_text(&all->tallies[0], out);
    if (all->three_way) {
        reconcile_tally_text(&all->tallies[1], out);
        buf_append_format(out, "  %llu lines of the statement are in no batch\n",
                          (unsigned long long)all->payouts.unbatched);
    }
    if (all->refusals.skipped > 0)
        buf_append_format(out, "%llu rows were skipped by their kind\n",
                          (unsigned long long)all->refusals.skipped);
    for (uint32_t i = 0; i < RECONCILE_REFUSALS_SHOWN && i < all->refusals.count; i++) {
        const struct reconcile_refusal *refusal = &all->refusals.shown[i];
        buf_append_format(out, "refused: %s line %llu: %s\n", refusal->file,
                          (unsigned long long)refusal->line, refusal->fault);
    }
    if (all->refusals.count > 0)
        buf_append_format(out, "%llu rows were refused: the comparison is not complete\n",
                          (unsigned long long)all->refusals.count);
    if (open_count(all) > 0)
        buf_append_format(out,
                          "%llu lines are later than the newest one of the other side, which may "
                          "go on: --as-of says up to which day it is whole\n",
                          (unsigned long long)open_count(all));
    buf_append_str(out, is_clean(all) ? STR("RECONCILED") : STR("NOT RECONCILED"));
    if (is_dated(all))
        buf_append_format(out, " as of %.*s",
                          STR_ARG(business_date_format(all->matcher.as_of, day)));
    buf_append_byte(out, '\n');
}

static void refusals_json(const struct reconciliation *all, struct json_writer *writer)
{
    json_write_key(writer, STR("refused"));
    json_write_uint64(writer, all->refusals.count);
    json_write_key(writer, STR("skipped"));
    json_write_uint64(writer, all->refusals.skipped);
    json_write_key(writer, STR("refusals"));
    json_write_array_begin(writer);
    for (uint32_t i = 0; i < RECONCILE_REFUSALS_SHOWN && i < all->refusals.count; i++) {
        json_write_object_begin(writer);
        json_write_key(writer, STR("file"));
        json_write_string(writer, str_from(all->refusals.shown[i].file));
        json_write_key(writer, STR("line"));
        json_write_uint64(writer, all->refusals.shown[i].line);
        json_write_key(writer, STR("reason"));
        json_write_string(writer, str_from(all->refusals.shown[i].fault));
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void json_build(const struct reconciliation *all, struct buf *out)
{
    char day[DATE_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("reconciled"));
    json_write_bool(&writer, is_clean(all));
    json_write_key(&writer, STR("as_of"));
    if (is_dated(all))
        json_write_string(&writer, business_date_format(all->matcher.as_of, day));
    else
        json_write_null(&writer);
    json_write_key(&writer, STR("comparisons"));
    json_write_array_begin(&writer);
    for (int i = 0; i < 1 + all->three_way; i++) reconcile_tally_json(&all->tallies[i], &writer);
    json_write_array_end(&writer);
    refusals_json(all, &writer);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK); /* LISTED_MAX is far below the buf */
    buf_append_byte(out, '\n');
}

static int answer(struct reconciliation *all)
{
    bool written = !all->tallies[0].rows_failed && !all->tallies[1].rows_failed;
    if (all->rows != NULL) {
        written = ferror(all->rows) == 0 && written;
        written = fclose(all->rows) == 0 && written;
        all->rows = NULL;
    }
    if (!written) {
        (void)unlink(invocation_text(all->invocation, "csv")); /* as rows_discard() */
        (void)error_set(&all->error, STATUS_LIMIT, "the results cannot be written to %s",
                        invocation_text(all->invocation, "csv")); /* reported below */
        return report_error(all->invocation, &all->error);
    }
    BUF_SCOPE struct buf out;
    buf_init(&out, REPORT_SIZE_MAX);
    if (all->invocation->json)
        json_build(all, &out);
    else
        text_build(all, &out);
    int code = report_text(all->invocation, buf_view(&out));
    if (code != EXIT_CODE_DONE) return code;
    return is_clean(all) ? EXIT_CODE_DONE : EXIT_CODE_REFUSED;
}

/* Half of the results would pass for all of them. */
static void rows_discard(struct reconciliation *all)
{
    if (all->rows == NULL) return;
    (void)fclose(all->rows); /* it goes, and the error was told already */
    (void)unlink(invocation_text(all->invocation, "csv"));
    all->rows = NULL;
}

static int all_run(struct reconciliation *all)
{
    enum status status = options_read(all);
    if (status == STATUS_OK) status = fees_read(all);
    if (status == STATUS_OK) status = rows_open(all);
    if (status == STATUS_OK) status = statement_compare(all);
    if (status == STATUS_OK && all->three_way) status = payouts_compare(all);
    int code = status == STATUS_OK ? answer(all) : report_error(all->invocation, &all->error);
    rows_discard(all);
    reconcile_payouts_close(&all->payouts);
    for (int i = 0; i < 2; i++) reconcile_tally_done(&all->tallies[i]);
    for (int i = 0; i < 4; i++) buf_free(&all->mappings[i]);
    return code;
}

static int reconcile_run(struct invocation *invocation)
{
    struct reconciliation *all = reserve_new(sizeof *all);
    if (all == NULL) {
        struct error error;
        (void)error_set(&error, STATUS_LIMIT, "no memory"); /* reported right here */
        return report_error(invocation, &error);
    }
    all->invocation = invocation;
    int code = all_run(all);
    reserve_free(all, sizeof *all);
    return code;
}

static const struct option options[] = {
    { "statement", "FILE", "the PSP's or bank's lines, as CSV", NULL },
    { "mapping", "FILE", "which of its columns is what", NULL },
    { "psp", "NAME",
      "ours: what moved this PSP's clearing accounts in the data folder, in all lanes", NULL },
    { "account", "ID", "ours: every entry of this account in the data folder", NULL },
    { "ledger", "FILE", "ours: lines as CSV, from whatever ledger", NULL },
    { "ledger-mapping", "FILE", "which of their columns is what", NULL },
    { "payouts", "FILE", "the bank's lines of payouts, as CSV: the third way", NULL },
    { "payouts-mapping", "FILE", "which of their columns is what; key is the batch", NULL },
    { "fees", "FILE", "what contracts say that movements cost", NULL },
    { "as-of", "YYYY-MM-DD",
      "the day up to which the statement is whole; without it, up to its newest line", NULL },
    { "due-days", "N", "working days until the statement must show what is ours", "2" },
    { "window-hours", "N", "how far apart a match by amount alone may be; 0: none is made", "48" },
    { "list", "N", "differences that are shown; 20, with --json 1000", NULL },
    { "csv", "FILE", "a new file with every result, matches too", NULL },
    { "memory", "SIZE", "bytes that sorting may take", "512M" },
    { "temp", "FOLDER", "for what does not fit; $TMPDIR without it", NULL },
    { 0 },
};

const struct command command_reconcile = {
    .name = "reconcile",
    .summary = "compare a PSP's or bank's statement with the ledger, line by line",
    .details =
        "Each line is used once, by the first rule that explains it: the same key and amount, "
        "several lines of a key with one sum, the same reference, the only candidate of an amount "
        "within the window, then sums within a batch. What is left is named: in transit, "
        "duplicate, missing, another amount, another currency. Amounts are exact to 127 bits. "
        "Exit code 0: everything is explained; 1: there are breaks, rows were refused, or ours "
        "goes on after the statement's newest line and --as-of does not say that the statement "
        "is whole.\n\n"
        "docs/reconcile.md has the rules and the form of a mapping.",
    .options = options,
    .examples = "reconcile --statement stripe.csv --mapping stripe.map --psp stripe\n"
                "reconcile --statement t.csv --mapping t.map --ledger o.csv "
                "--ledger-mapping o.map",
    .run = reconcile_run,
};
