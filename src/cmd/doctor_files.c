/* Statements and logs as evidence: files read row by row, each a record or a reject. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/decimal.h"
#include "cmd/doctor_collectors.h"
#include "cmd/file_bytes.h"
#include "cmd/file_lines.h"
#include "cmd/reconcile_read.h"
#include "doctor/log_line.h"
#include "model/evidence.h"

/* ---- a PSP's statement ---- */

struct statement {
    struct doctor_file file;
    struct reconcile_source source;
    struct reconcile_currencies currencies;
    struct reconcile_refusals refusals;
};

static const char *line_type(struct signed_amount amount)
{
    return amount.minor < 0 ? "refund" : "charge";
}

static enum status line_write(void *context, const struct reconcile_line *line, struct str batch,
                              struct error *out_error)
{
    struct statement *statement = context;
    struct evidence_line out;
    (void)out_error; /* the bundle's is the same */
    evidence_begin(&out, &statement->file.line, "psp", &statement->file.masked);
    evidence_text(&out, "psp_ref", str_from(line->label));
    evidence_word(&out, "type", line_type(line->amount));
    evidence_amount(&out, "amount", line->amount);
    evidence_text(&out, "ccy", str_from(statement->currencies.list[line->currency].code));
    if ((line->flags & RECONCILE_FLAG_FEE_TOLD) != 0) evidence_amount(&out, "fee", line->fee);
    evidence_text(&out, "payout", batch);
    evidence_time(&out, "ts", line->at);
    evidence_word(&out, "state", "succeeded");
    char number[24];
    int len = snprintf(number, sizeof number, "%llu", (unsigned long long)line->line);
    CHECK(len > 0);
    evidence_text(&out, "line", str_from(number));
    evidence_end(&out);
    bool day = (line->flags & RECONCILE_FLAG_DAY_ONLY) != 0;
    doctor_file_saw(&statement->file, line->at,
                    (struct wall_time){ line->at.ns + (day ? NS_PER_DAY - 1 : 0) });
    return doctor_file_rows(&statement->file, 1);
}

static enum status statement_read(struct statement *statement, const char *file, struct buf *text,
                                  const char *mapping)
{
    struct error *error = &statement->file.bundle->error;
    enum status status = file_bytes_read(mapping, text, error);
    if (status == STATUS_OK)
        status = reconcile_mapping_parse(buf_view(text), &statement->currencies,
                                         &statement->source.mapping, error);
    const struct reconcile_visitor visitor = { line_write, statement };
    if (status == STATUS_OK)
        status =
            reconcile_read_csv(file, &statement->source, &visitor, &statement->refusals, error);
    const struct reconcile_refusal *first = &statement->refusals.shown[0];
    if (statement->refusals.count > 0)
        doctor_file_reject(&statement->file, first->line, first->fault);
    statement->file.rejected = statement->refusals.count;
    return status;
}

enum status doctor_collect_statement(struct doctor_bundle *bundle,
                                     const struct invocation *invocation)
{
    static const char *const kinds[] = { "psp", NULL };
    const char *mapping = invocation_text(invocation, "mapping");
    if (mapping == NULL)
        return error_set(&bundle->error, STATUS_INVALID, "--statement needs --mapping");
    struct doctor_source source =
        doctor_source_of(bundle, "statement", invocation_text(invocation, "system"), kinds);
    source.authority = 40;
    struct statement reading = { .source.side = RECONCILE_THEIRS };
    reading.source.currencies = &reading.currencies;
    BUF_SCOPE struct buf text;
    buf_init(&text, RECONCILE_MAPPING_SIZE_MAX);
    enum status status = doctor_file_begin(bundle, &source, &reading.file);
    if (status == STATUS_OK)
        status = statement_read(&reading, invocation_text(invocation, "statement"), &text, mapping);
    doctor_file_bound(&reading.file, invocation, &source);
    return doctor_file_end(&reading.file, status);
}

/* ---- logs ---- */

#define GROUP_NAMES "group group_id consumer_group groupId"

static void number_field(struct evidence_line *out, const char *name, struct str text)
{
    uint64_t value;
    if (decimal_parse(text, INT64_MAX, &value) == STATUS_OK)
        evidence_int(out, name, (int64_t)value);
}

static void shared_fields(struct evidence_line *out, const struct log_line *line,
                          struct wall_time at)
{
    evidence_time(out, "ts", at);
    evidence_text(out, "host", log_line_value(line, "host hostname pod instance"));
    evidence_text(out, "trace", log_line_value(line, "trace_id trace traceId traceid"));
    evidence_text(out, "idem",
                  log_line_value(line, "idempotency_key idempotency-key idem idempotencyKey"));
    evidence_text(out, "tx", log_line_value(line, "tx transaction_id transfer_id transactionId"));
    evidence_text(out, "psp_ref", log_line_value(line, "psp_ref charge_id payment_intent"));
    evidence_text(out, "event", log_line_value(line, "event_id eventId"));
    evidence_text(out, "account", log_line_value(line, "account account_id accountId"));
}

/* Why a caller did not get the answer, in the words of the bundle; NULL: nothing tells that. */
static const char *answer_lost(const struct log_line *line)
{
    static const char *const words[] = { "timeout", "refused", "reset" };
    struct str told = log_line_value(line, "response_lost response_error");
    if (told.len == 0 || evidence_has_word("false 0 - none", ' ', told)) return NULL;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_equal(told, str_from(words[i]))) return words[i];
    return "reset"; /* it broke off, however the log puts it */
}

static void request_write(struct doctor_file *file, const struct log_line *line,
                          struct wall_time at)
{
    struct evidence_line out;
    evidence_begin(&out, &file->line, "request", &file->masked);
    shared_fields(&out, line, at);
    evidence_text(&out, "method", log_line_value(line, "method http_method verb"));
    evidence_text(&out, "path", log_line_value(line, "path route uri url"));
    evidence_text(&out, "client", log_line_value(line, "principal client client_id user remote"));
    number_field(&out, "status", log_line_value(line, "status http_status status_code code"));
    /* what tells one wish that was sent twice from two wishes, and why it was sent again */
    evidence_text(&out, "body_hash", log_line_value(line, "body_hash request_hash body_sha256"));
    evidence_text(&out, "click", log_line_value(line, "click click_id interaction_id"));
    const char *lost = answer_lost(line);
    if (lost != NULL) evidence_word(&out, "error", lost);
    evidence_end(&out);
}

static void log_write(struct doctor_file *file, const struct log_line *line, struct wall_time at)
{
    struct evidence_line out;
    evidence_begin(&out, &file->line, "log", &file->masked);
    shared_fields(&out, line, at);
    evidence_text(&out, "service", log_line_value(line, "service app logger component"));
    evidence_text(&out, "writer", log_line_value(line, "writer pid process"));
    evidence_text(&out, "level", log_line_value(line, "level severity lvl"));
    evidence_text(&out, "code", log_line_value(line, "event msg message code"));
    evidence_text(&out, "sqlstate", log_line_value(line, "sqlstate sql_state"));
    number_field(&out, "pos", log_line_value(line, "n seq line_number"));
    number_field(&out, "dropped", log_line_value(line, "dropped lost"));
    evidence_end(&out);
}

/* What a consumer says that it has done with a message. */
static void applied_write(struct doctor_file *file, const struct log_line *line,
                          struct wall_time at)
{
    struct evidence_line out;
    evidence_begin(&out, &file->line, "applied", &file->masked);
    shared_fields(&out, line, at);
    evidence_text(&out, "group_name", log_line_value(line, GROUP_NAMES));
    evidence_text(&out, "topic", log_line_value(line, "topic"));
    number_field(&out, "part", log_line_value(line, "partition part"));
    number_field(&out, "pos", log_line_value(line, "offset"));
    evidence_text(&out, "result", log_line_value(line, "result outcome"));
    evidence_text(&out, "key", log_line_value(line, "key"));
    evidence_text(&out, "member", log_line_value(line, "member consumer_id"));
    number_field(&out, "generation", log_line_value(line, "generation"));
    evidence_text(&out, "aggregate", log_line_value(line, "aggregate aggregate_id"));
    number_field(&out, "ver", log_line_value(line, "ver version"));
    evidence_end(&out);
}

static bool is_number(struct str text)
{
    uint64_t value;
    return decimal_parse(text, INT64_MAX, &value) == STATUS_OK;
}

/* All that is needed to say which message it was, and what came of it. */
static bool is_applied(const struct log_line *line)
{
    return log_line_value(line, GROUP_NAMES).len > 0 && log_line_value(line, "topic").len > 0 &&
           is_number(log_line_value(line, "partition part")) &&
           is_number(log_line_value(line, "offset")) &&
           evidence_has_word("effect deduped error skipped", ' ',
                             log_line_value(line, "result outcome"));
}

enum line_kind { LINE_LOG, LINE_REQUEST, LINE_APPLIED, LINE_KINDS };

static enum line_kind kind_of(const struct log_line *line)
{
    if (is_applied(line)) return LINE_APPLIED;
    bool request = log_line_value(line, "method http_method verb").len > 0 &&
                   log_line_value(line, "path route uri url").len > 0;
    return request ? LINE_REQUEST : LINE_LOG;
}

/* A log that never tells of requests does not cover them. */
struct lines_seen {
    bool kinds[LINE_KINDS];
    const char *names[LINE_KINDS + 1];
};

static const char *const *kinds_of(struct lines_seen *seen)
{
    static const char *const names[LINE_KINDS] = { "log", "request", "applied" };
    uint32_t count = 0;
    for (int i = 0; i < LINE_KINDS; i++)
        if (seen->kinds[i]) seen->names[count++] = names[i];
    if (count == 0) seen->names[count++] = names[LINE_LOG];
    seen->names[count] = NULL;
    return seen->names;
}

struct log {
    struct doctor_file file;
    struct arena arena;
    struct lines_seen seen;
    uint64_t number; /* of the line at hand */
};

static enum status line_take(void *owner, struct str text)
{
    struct log *log = owner;
    struct doctor_file *file = &log->file;
    struct log_line line;
    struct wall_time at;
    arena_reset(&log->arena);
    const char *fault = NULL;
    if (log_line_parse(text, &log->arena, &line) != STATUS_OK)
        fault = "neither JSON, logfmt nor a line of an access log";
    else if (!log_line_time(log_line_value(&line, "ts time timestamp @timestamp at t"), &at))
        fault = "no time that can be read";
    if (fault != NULL) {
        doctor_file_reject(file, log->number, fault);
        return STATUS_OK;
    }
    doctor_file_saw(file, at, at);
    enum line_kind kind = kind_of(&line);
    log->seen.kinds[kind] = true;
    switch (kind) {
    case LINE_APPLIED: applied_write(file, &line, at); break;
    case LINE_REQUEST: request_write(file, &line, at); break;
    case LINE_KINDS:
    case LINE_LOG: log_write(file, &line, at); break;
    }
    return doctor_file_rows(file, 1);
}

enum status doctor_collect_log(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    struct doctor_source source =
        doctor_source_of(bundle, "log", invocation_text(invocation, "system"), NULL);
    struct log log = { 0 };
    const struct file_visitor visitor = { .line = line_take,
                                          .owner = &log,
                                          .out_number = &log.number };
    uint64_t passed_over = 0;
    enum status status = arena_init(&log.arena, 4 * (size_t)LOG_LINE_SIZE_MAX);
    if (status != STATUS_OK) return error_set(&bundle->error, status, "no memory");
    status = doctor_file_begin(bundle, &source, &log.file);
    if (status == STATUS_OK)
        status = file_lines_read(invocation_text(invocation, "log"), LOG_LINE_SIZE_MAX, &visitor,
                                 &passed_over, &bundle->error);
    log.file.rejected += passed_over; /* where they are nobody counted */
    source.kinds = kinds_of(&log.seen);
    doctor_file_bound(&log.file, invocation, &source);
    doctor_file_past(&log.file, &source);
    status = doctor_file_end(&log.file, status);
    arena_done(&log.arena);
    return status;
}
