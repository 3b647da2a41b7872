/* tpwallet doctor report: an incident for people to read. */
#include <stdio.h>
#include <string.h>

#include "adapter/new_file.h"
#include "base/check.h"
#include "cmd/doctor_repair.h"
#include "cmd/file_bytes.h"
#include "cmd/report.h"
#include "doctor/report_html.h"
#include "doctor/report_markdown.h"

enum {
    DOCUMENT_MAX = 64 << 20,
    REPORT_MAX = 128 << 20,
    DOCUMENTS = 6,
    TREE_FACTOR = 24,
};

struct reporting {
    const struct invocation *invocation;
    struct doctor_bundle bundle;
    struct buf texts[DOCUMENTS];
    struct arena arenas[DOCUMENTS];
    struct report report;
    struct error error;
};

static enum status tree_read(struct reporting *all, int place, const struct json_node **out_root)
{
    struct buf *text = &all->texts[place];
    enum status status = arena_init(&all->arenas[place], TREE_FACTOR * text->len + (64 << 10));
    if (status != STATUS_OK) return error_set(&all->error, status, "no memory for the report");
    return json_tree_parse(buf_view(text), &all->arenas[place], out_root, &all->error);
}

/* What is not there (yet) is left out. */
static enum status document_read(struct reporting *all, int place, const char *name,
                                 const struct json_node **out_root)
{
    enum status status = doctor_bundle_get_kept(&all->bundle, name, &all->texts[place]);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) {
        all->error = all->bundle.error;
        return status;
    }
    return tree_read(all, place, out_root);
}

static enum status diagnosis_read(struct reporting *all)
{
    const char *path = invocation_text(all->invocation, "diagnosis");
    enum status status;
    if (path != NULL) {
        status = file_bytes_read(path, &all->texts[0], &all->error);
        if (status == STATUS_OK) status = tree_read(all, 0, &all->report.diagnosis);
        if (status != STATUS_OK) return status;
        struct str left_out = json_tree_text(all->report.diagnosis, "what_if");
        if (left_out.len == 0) return STATUS_OK;
        status = error_set(&all->error, STATUS_DENIED,
                           "the diagnosis is of what would be, not of what is");
        error_hint(&all->error, "diagnose again without --what-if");
        return status;
    }
    status = document_read(all, 0, "report/diagnosis.json", &all->report.diagnosis);
    if (status != STATUS_OK || all->report.diagnosis != NULL) return status;
    status = error_set(&all->error, STATUS_NOT_FOUND, "the bundle has no diagnosis yet");
    error_hint(&all->error, "`tpwallet doctor diagnose BUNDLE --json`, then --diagnosis FILE");
    return status;
}

static enum status documents_read(struct reporting *all)
{
    enum status status =
        doctor_bundle_open(all->invocation->positionals[0], invocation_text(all->invocation, "key"),
                           NULL, &all->bundle);
    if (status != STATUS_OK) {
        all->error = all->bundle.error;
        return status;
    }
    all->report.bundle = str_from(all->bundle.path);
    status = diagnosis_read(all);
    if (status == STATUS_OK) status = document_read(all, 1, "incident.json", &all->report.incident);
    if (status == STATUS_OK) status = document_read(all, 2, "plan/plan.json", &all->report.plan);
    if (status == STATUS_OK)
        status = document_read(all, 3, "plan/rehearsal.json", &all->report.rehearsal);
    if (status == STATUS_OK)
        status = document_read(all, 4, "plan/applied.json", &all->report.applied);
    if (status == STATUS_OK) status = document_read(all, 5, REPAIR_AFTER_FILE, &all->report.after);
    return status;
}

/* Into a new file, and with --key into the bundle, under its custody. */
static enum status report_write(struct reporting *all, const char *option, const char *name,
                                void (*write)(const struct report *, struct buf *))
{
    const char *path = invocation_text(all->invocation, option);
    if (path == NULL && !all->bundle.signs) return STATUS_OK;
    BUF_SCOPE struct buf out;
    buf_init(&out, REPORT_MAX);
    write(&all->report, &out);
    if (out.overflow) return error_set(&all->error, STATUS_LIMIT, "the report is too large");
    enum status status = STATUS_OK;
    if (path != NULL) status = new_file_write(path, buf_view(&out), 0600, &all->error);
    if (status != STATUS_OK || !all->bundle.signs) return status;
    status = doctor_bundle_put(&all->bundle, name, "reported", buf_view(&out));
    if (status != STATUS_OK) all->error = all->bundle.error;
    return status;
}

static enum status reports_write(struct reporting *all)
{
    bool any = invocation_has(all->invocation, "html") || invocation_has(all->invocation, "rca");
    if (!any && !all->bundle.signs)
        return error_set(&all->error, STATUS_INVALID, "give --html FILE, --rca FILE, or --key");
    struct str language = str_from(invocation_text(all->invocation, "language"));
    if (!report_language_parse(language, &all->report.language))
        return error_set(&all->error, STATUS_INVALID, "--language is en or zh, and not '%.40s'",
                         language.data);
    enum status status = report_write(all, "html", "report/report.html", report_html);
    return status == STATUS_OK ? report_write(all, "rca", "report/rca.md", report_markdown)
                               : status;
}

static int report_run(struct invocation *invocation)
{
    struct reporting all = { .invocation = invocation };
    for (int i = 0; i < DOCUMENTS; i++) buf_init(&all.texts[i], DOCUMENT_MAX);
    enum status status = documents_read(&all);
    if (status == STATUS_OK) status = reports_write(&all);
    int code = EXIT_CODE_DONE;
    if (status != STATUS_OK) {
        code = report_error(invocation, &all.error);
    } else if (invocation_has(invocation, "html") && !invocation->json) {
        BUF_SCOPE struct buf out;
        buf_init(&out, 2 * DOCTOR_PATH_MAX);
        buf_append_format(&out, "%s\n", invocation_text(invocation, "html"));
        code = report_text(invocation, buf_view(&out));
    }
    doctor_bundle_close(&all.bundle);
    for (int i = 0; i < DOCUMENTS; i++) {
        buf_free(&all.texts[i]);
        arena_done(&all.arenas[i]);
    }
    return code;
}

static const struct positional report_positionals[] = {
    { "BUNDLE", "the incident's folder", false },
    { 0 },
};

static const struct option report_options[] = {
    { "html", "FILE", "a new file: one page without scripts, also for paper", NULL },
    { "rca", "FILE", "a new file: the RCA document as Markdown", NULL },
    { "diagnosis", "FILE", "what `doctor diagnose --json` said; the bundle's own without it",
      NULL },
    { "language", "en|zh",
      "of the HTML's headings, labels and verdicts; rules and people are quoted as they wrote",
      "en" },
    { "key", "FILE", "puts both into the bundle too, under its custody", NULL },
    { 0 },
};

const struct command command_doctor_report = {
    .name = "doctor report",
    .summary = "write an incident's report: one HTML file, the RCA document",
    .details =
        "Made of the bundle's JSON: diagnosis, ticket, plan, rehearsal, what was applied. The "
        "same files give the same bytes. Money, causes with the records that bear witness, "
        "timeline by system, every hypothesis with its predicates, who is affected, the plan, "
        "coverage, and what is to be done within 24 hours, 7 and 90 days.",
    .positionals = report_positionals,
    .options = report_options,
    .examples = "doctor report case --html report.html --rca rca.md",
    .run = report_run,
};
