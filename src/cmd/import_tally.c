/* Each refused row goes to a CSV file: line, id, field, code, reason. */
#include "cmd/import_tally.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/json_member.h"

void import_tally_init(struct import_tally *tally, const char *path, bool quiet,
                       struct clock *clock)
{
    *tally = (struct import_tally){ .path = path, .quiet = quiet, .clock = clock };
    tally->started = clock_monotonic(clock);
    tally->shown = tally->started;
}

enum status import_tally_done(struct import_tally *tally, struct error *out_error)
{
    if (tally->file != NULL && fclose(tally->file) != 0) tally->file_failed = true;
    tally->file = NULL;
    if (!tally->file_failed) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "the refused rows could not be written to '%s'",
                     tally->path);
}

/* reason holds no quotes: it comes from tables and sentences of ours */
static void refusal_write(struct import_tally *tally, uint64_t line, const struct uuid *id,
                          const char *field, const char *code, const char *reason)
{
    if (tally->file == NULL && !tally->file_failed) {
        tally->file = fopen(tally->path, "we");
        tally->file_failed =
            tally->file == NULL || fputs("line,id,field,code,reason\n", tally->file) == EOF;
    }
    if (tally->file_failed) return;
    char text[UUID_TEXT_LEN + 1] = "";
    if (id != NULL) uuid_format(*id, text);
    if (fprintf(tally->file, "%llu,%s,%s,%s,\"%s\"\n", (unsigned long long)line, text,
                field == NULL ? "" : field, code, reason) < 0)
        tally->file_failed = true;
}

void import_tally_fault(struct import_tally *tally, uint64_t line, struct uuid id,
                        const struct import_fault *fault)
{
    if (fault->readable) {
        tally->refused++;
        tally->not_allowed++;
    } else {
        tally->unreadable++;
    }
    refusal_write(tally, line, uuid_is_nil(id) ? NULL : &id, fault->field,
                  fault->readable ? "invalid_value" : "unreadable", fault->reason);
}

void import_tally_account(struct import_tally *tally, uint64_t line, struct uuid id,
                          enum account_outcome outcome, bool repeated)
{
    tally->account_outcomes[outcome]++;
    if (repeated) tally->repeated++;
    if (outcome == ACCOUNT_OUTCOME_OK) {
        tally->done++;
        return;
    }
    tally->refused++;
    refusal_write(tally, line, &id, NULL, account_outcome_code(outcome),
                  account_outcome_text(outcome));
}

void import_tally_transfer(struct import_tally *tally, uint64_t line, struct uuid id,
                           enum outcome outcome, bool repeated)
{
    tally->transfer_outcomes[outcome]++;
    if (repeated) tally->repeated++;
    if (outcome == OUTCOME_OK) {
        tally->done++;
        return;
    }
    tally->refused++;
    refusal_write(tally, line, &id, NULL, outcome_code(outcome), outcome_text(outcome));
}

void import_tally_opening(struct import_tally *tally, uint64_t line, struct uuid id,
                          enum outcome outcome, bool repeated)
{
    (void)repeated; /* the account of the line says so already */
    tally->transfer_outcomes[outcome]++;
    if (outcome == OUTCOME_OK) {
        tally->openings++;
        return;
    }
    tally->openings_refused++;
    refusal_write(tally, line, &id, "opening", outcome_code(outcome), outcome_text(outcome));
}

static uint64_t elapsed_ms(const struct import_tally *tally)
{
    int64_t ns = clock_monotonic(tally->clock).ns - tally->started.ns;
    return ns < NS_PER_MS ? 1 : (uint64_t)(ns / NS_PER_MS);
}

static uint64_t per_second(const struct import_tally *tally)
{
    return tally->rows * 1000 / elapsed_ms(tally);
}

void import_tally_progress(struct import_tally *tally)
{
    struct monotonic_time now = clock_monotonic(tally->clock);
    if (tally->quiet || now.ns - tally->shown.ns < NS_PER_S) return;
    tally->shown = now;
    (void)fprintf(stderr, "import: %llu rows, %llu refused, %llu/s\n",
                  (unsigned long long)tally->rows,
                  (unsigned long long)(tally->refused + tally->unreadable),
                  (unsigned long long)per_second(tally));
}

static void count_line(struct buf *out, const char *name, uint64_t count)
{
    buf_append_format(out, "  %-26s%12llu\n", name, (unsigned long long)count);
}

static void summary_text(const struct import_tally *tally, enum import_kind kind, struct buf *out)
{
    uint64_t ms = elapsed_ms(tally);
    buf_append_format(out, "%s: %llu rows in %llu.%03llu s, %llu a second\n",
                      kind == IMPORT_ACCOUNTS ? "accounts" : "transfers",
                      (unsigned long long)tally->rows, (unsigned long long)(ms / 1000),
                      (unsigned long long)(ms % 1000), (unsigned long long)per_second(tally));
    count_line(out, "done", tally->done);
    count_line(out, "refused", tally->refused);
    for (uint32_t i = 1; i < ACCOUNT_OUTCOME_COUNT && kind == IMPORT_ACCOUNTS; i++) {
        if (tally->account_outcomes[i] == 0) continue;
        buf_append_format(out, "    %-24s%12llu\n", account_outcome_code((enum account_outcome)i),
                          (unsigned long long)tally->account_outcomes[i]);
    }
    for (uint32_t i = 1; i < OUTCOME_COUNT && kind == IMPORT_TRANSFERS; i++) {
        if (tally->transfer_outcomes[i] == 0) continue;
        buf_append_format(out, "    %-24s%12llu\n", outcome_code((enum outcome)i),
                          (unsigned long long)tally->transfer_outcomes[i]);
    }
    if (tally->not_allowed > 0)
        buf_append_format(out, "    %-24s%12llu\n", "invalid_value",
                          (unsigned long long)tally->not_allowed);
    count_line(out, "unreadable", tally->unreadable);
    count_line(out, "there before", tally->repeated);
    if (tally->openings + tally->openings_refused > 0) {
        count_line(out, "openings done", tally->openings);
        count_line(out, "openings refused", tally->openings_refused);
    }
    if (tally->refused + tally->unreadable + tally->openings_refused > 0)
        buf_append_format(out, "each refused row, with line and reason: %s\n", tally->path);
}

static void summary_json(const struct import_tally *tally, enum import_kind kind, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("kind"));
    json_write_string(&writer, kind == IMPORT_ACCOUNTS ? STR("accounts") : STR("transfers"));
    json_member_number(&writer, "rows", tally->rows);
    json_member_number(&writer, "done", tally->done);
    json_member_number(&writer, "refused", tally->refused);
    json_member_number(&writer, "unreadable", tally->unreadable);
    json_member_number(&writer, "repeated", tally->repeated);
    json_member_number(&writer, "openings", tally->openings);
    json_member_number(&writer, "openings_refused", tally->openings_refused);
    json_write_key(&writer, STR("outcomes"));
    json_write_object_begin(&writer);
    for (uint32_t i = 0; i < ACCOUNT_OUTCOME_COUNT && kind == IMPORT_ACCOUNTS; i++)
        if (tally->account_outcomes[i] > 0)
            json_member_number(&writer, account_outcome_code((enum account_outcome)i),
                               tally->account_outcomes[i]);
    for (uint32_t i = 0; i < OUTCOME_COUNT && kind == IMPORT_TRANSFERS; i++)
        if (tally->transfer_outcomes[i] > 0)
            json_member_number(&writer, outcome_code((enum outcome)i), tally->transfer_outcomes[i]);
    if (tally->not_allowed > 0) json_member_number(&writer, "invalid_value", tally->not_allowed);
    json_write_object_end(&writer);
    json_member_number(&writer, "elapsed_ms", elapsed_ms(tally));
    json_member_number(&writer, "rows_per_second", per_second(tally));
    bool file = tally->refused + tally->unreadable + tally->openings_refused > 0;
    json_write_key(&writer, STR("refusals"));
    if (file)
        json_write_string(&writer, str_from(tally->path));
    else
        json_write_null(&writer);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(out, '\n');
}

void import_tally_summary(const struct import_tally *tally, enum import_kind kind, bool json,
                          struct buf *out)
{
    if (json)
        summary_json(tally, kind, out);
    else
        summary_text(tally, kind, out);
}
