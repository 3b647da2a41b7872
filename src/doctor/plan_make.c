#include "doctor/plan_make.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hex.h"
#include "base/json_reader.h"
#include "doctor/examination.h"

enum {
    STEPS_ROOM = DIAGNOSIS_ROWS_MAX + 5 * DIAGNOSIS_CAUSES_MAX,
};

/* ---- the diagnosis ---- */

static void delta_read(struct json_reader *reader, struct signed_amount *out_delta)
{
    const struct signed_amount_form form = { .point = '.', .minor = true };
    struct str text;
    if (!json_string(reader, &text)) return;
    if (signed_amount_parse(text, &form, out_delta) != STATUS_OK) json_fail(reader, "no amount");
}

/* {"record": "R-0123456789abcdef", "source": "evidence/01-x.ndjson", ...} */
static void record_read(struct json_reader *reader, struct plan_row *row)
{
    struct str key;
    struct str text;
    uint8_t bytes[8];
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("source"))) (void)json_string(reader, &row->source);
        if (str_equal(key, STR("source"))) continue; /* a fault stays, here and below */
        if (!str_equal(key, STR("record"))) {
            (void)json_skip(reader);
            continue;
        }
        if (!json_string(reader, &text)) return;
        bool good = text.len == 18 && str_starts(text, STR("R-")) &&
                    hex_parse((struct str){ text.data + 2, 16 }, bytes, sizeof bytes) == STATUS_OK;
        if (!good) {
            json_fail(reader, "no record");
            return;
        }
        row->record = 0;
        for (size_t i = 0; i < sizeof bytes; i++) row->record = row->record << 8 | bytes[i];
    }
}

static int by_text(const void *left, const void *right)
{
    return text_compare(*(const struct str *)left, *(const struct str *)right);
}

/* Rows come by account: the same one is mostly the last. */
static void left_add(struct json_reader *reader, struct plan_diagnosis *diagnosis,
                     struct str account)
{
    uint32_t count = diagnosis->left_count;
    if (count > 0 && str_equal(diagnosis->left[count - 1], account)) return;
    if (count == PLAN_LEFT_MAX)
        json_fail(reader, "more than 40000 accounts are left");
    else
        diagnosis->left[diagnosis->left_count++] = account;
}

/* Those that only a doubt or a violation names are among them. */
static void left_read(struct json_reader *reader, struct plan_diagnosis *diagnosis)
{
    struct str account;
    if (!json_array_begin(reader)) return;
    while (json_array_next(reader))
        if (json_string(reader, &account)) left_add(reader, diagnosis, account);
}

static void row_read(struct json_reader *reader, uint32_t cause, struct plan_diagnosis *diagnosis)
{
    struct plan_row row = { .cause = cause };
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("account")))
            (void)json_string(reader, &row.account); /* a fault stays, here and below */
        else if (str_equal(key, STR("ccy")))
            (void)json_string(reader, &row.ccy);
        else if (str_equal(key, STR("delta")))
            delta_read(reader, &row.delta);
        else if (str_equal(key, STR("left")))
            (void)json_bool(reader, &row.left);
        else if (str_equal(key, STR("record")))
            record_read(reader, &row);
        else
            (void)json_skip(reader);
    }
    if (row.account.len == 0) return;
    if (row.left) left_add(reader, diagnosis, row.account);
    if (row.delta.minor == 0) return; /* touched, and right */
    if (diagnosis->row_count == DIAGNOSIS_ROWS_MAX) {
        json_fail(reader, "more than 20000 accounts to repair");
        return;
    }
    diagnosis->rows[diagnosis->row_count++] = row;
}

/* As rules have them: it stands in comments and files of others. */
static void fault_read(struct json_reader *reader, struct str *out_fault)
{
    struct str text;
    if (!json_string(reader, &text)) return;
    if (rule_id_is_valid(text))
        *out_fault = text;
    else
        json_fail(reader, "`fault` is no id of a rule: 1 to 16 letters, digits, _ and -");
}

static void cause_member(struct json_reader *reader, struct str key, struct plan_cause *cause,
                         struct plan_diagnosis *diagnosis)
{
    if (str_equal(key, STR("fault"))) {
        fault_read(reader, &cause->fault);
    } else if (str_equal(key, STR("title"))) {
        (void)json_string(reader, &cause->title); /* a fault stays, here and below */
    } else if (str_equal(key, STR("label"))) {
        (void)json_string(reader, &cause->label);
    } else if (str_equal(key, STR("repair"))) {
        (void)json_string(reader, &cause->repair);
    } else if (str_equal(key, STR("stop"))) {
        (void)json_string(reader, &cause->stop);
    } else if (str_equal(key, STR("prevention"))) {
        (void)json_string(reader, &cause->prevention);
    } else if (str_equal(key, STR("ledger_entry"))) {
        (void)json_bool(reader, &cause->ledger_entry);
    } else if (str_equal(key, STR("psp_money"))) {
        (void)json_bool(reader, &cause->psp_money);
    } else if (str_equal(key, STR("affected"))) {
        if (!json_array_begin(reader)) return;
        while (json_array_next(reader)) row_read(reader, diagnosis->cause_count, diagnosis);
    } else {
        (void)json_skip(reader);
    }
}

static void causes_read(struct json_reader *reader, struct plan_diagnosis *diagnosis)
{
    struct str key;
    if (!json_array_begin(reader)) return;
    while (json_array_next(reader)) {
        if (diagnosis->cause_count == DIAGNOSIS_CAUSES_MAX) {
            json_fail(reader, "more than 256 causes");
            return;
        }
        struct plan_cause *cause = &diagnosis->causes[diagnosis->cause_count];
        memset(cause, 0, sizeof *cause);
        if (!json_object_begin(reader)) return;
        while (json_object_next(reader, &key)) cause_member(reader, key, cause, diagnosis);
        diagnosis->cause_count++;
    }
}

static void violation_read(struct json_reader *reader, struct plan_diagnosis *diagnosis)
{
    struct plan_violation violation = { .fault = STR("") };
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("invariant")))
            (void)json_string(reader, &violation.invariant); /* a fault stays, here and below */
        else if (str_equal(key, STR("key")))
            (void)json_string(reader, &violation.key);
        else if (str_equal(key, STR("cause")))
            (void)json_string(reader, &violation.fault);
        else
            (void)json_skip(reader);
    }
    if (diagnosis->violation_count == DIAGNOSIS_ROWS_MAX) {
        json_fail(reader, "more than 20000 violations");
        return;
    }
    diagnosis->violations[diagnosis->violation_count++] = violation;
}

static void violations_read(struct json_reader *reader, struct plan_diagnosis *diagnosis)
{
    if (!json_array_begin(reader)) return;
    while (json_array_next(reader)) violation_read(reader, diagnosis);
}

static void member_read(struct json_reader *reader, struct str key, struct str *format,
                        struct plan_diagnosis *diagnosis)
{
    struct str text;
    if (str_equal(key, STR("format"))) {
        (void)json_string(reader, format); /* a fault stays, here and below */
    } else if (str_equal(key, STR("incident"))) {
        (void)json_string(reader, &diagnosis->incident);
    } else if (str_equal(key, STR("rules_sha256"))) {
        bool good =
            json_string(reader, &text) &&
            hex_parse(text, diagnosis->rules.bytes, sizeof diagnosis->rules.bytes) == STATUS_OK;
        if (!good) json_fail(reader, "no SHA-256");
    } else if (str_equal(key, STR("what_if"))) {
        (void)json_string(reader, &diagnosis->what_if);
    } else if (str_equal(key, STR("unexplained_count"))) {
        (void)json_uint64(reader, &diagnosis->unexplained);
    } else if (str_equal(key, STR("truncated"))) {
        (void)json_bool(reader, &diagnosis->truncated);
    } else if (str_equal(key, STR("causes"))) {
        causes_read(reader, diagnosis);
    } else if (str_equal(key, STR("left_accounts"))) {
        left_read(reader, diagnosis);
    } else if (str_equal(key, STR("violations"))) {
        violations_read(reader, diagnosis);
    } else {
        (void)json_skip(reader);
    }
}

enum status plan_diagnosis_parse(struct str text, struct arena *arena,
                                 struct plan_diagnosis *out_diagnosis, struct error *out_error)
{
    struct json_reader reader;
    struct str key;
    struct str format = STR("");
    memset(out_diagnosis, 0, sizeof *out_diagnosis);
    out_diagnosis->rows = arena_take_array(arena, DIAGNOSIS_ROWS_MAX, sizeof *out_diagnosis->rows);
    out_diagnosis->violations =
        arena_take_array(arena, DIAGNOSIS_ROWS_MAX, sizeof *out_diagnosis->violations);
    out_diagnosis->left = arena_take_array(arena, PLAN_LEFT_MAX, sizeof *out_diagnosis->left);
    if (out_diagnosis->rows == NULL || out_diagnosis->violations == NULL ||
        out_diagnosis->left == NULL)
        return error_set(out_error, STATUS_LIMIT, "no memory");
    json_reader_init(&reader, text, arena);
    if (json_object_begin(&reader))
        while (json_object_next(&reader, &key)) member_read(&reader, key, &format, out_diagnosis);
    if (json_end(&reader) != STATUS_OK) {
        (void)error_set(out_error, STATUS_INVALID, "the diagnosis: %s", reader.reason);
        error_hint(out_error, "it is the file that `tpwallet doctor diagnose BUNDLE --json` wrote");
        return STATUS_INVALID;
    }
    qsort(out_diagnosis->left, out_diagnosis->left_count, sizeof *out_diagnosis->left, by_text);
    if (!str_equal(format, STR("tpwallet-diagnosis-1")))
        return error_set(out_error, STATUS_INVALID, "it is no diagnosis: `doctor diagnose --json`");
    if (out_diagnosis->what_if.len == 0) return STATUS_OK;
    enum status status =
        error_set(out_error, STATUS_DENIED, "the diagnosis is of what would be, not of what is");
    error_detail(out_error, "it was made as if %.*s had not been collected",
                 out_diagnosis->what_if.len > 64 ? 64 : STR_ARG(out_diagnosis->what_if));
    error_hint(out_error, "diagnose again without --what-if");
    return status;
}

/* ---- the plan ---- */

static int label_rank(struct str label)
{
    if (str_equal(label, STR("CONFIRMED"))) return 0;
    return str_equal(label, STR("PROBABLE")) ? 1 : 2;
}

static struct str weakest_label(const struct plan_diagnosis *diagnosis)
{
    struct str weakest = STR("CONFIRMED");
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        struct str label = diagnosis->causes[i].label;
        if (label_rank(label) > label_rank(weakest)) weakest = label;
    }
    return weakest;
}

static struct plan_step *step_add(struct repair_plan *plan, enum plan_step_kind kind,
                                  const struct plan_cause *cause, struct str what)
{
    CHECK(plan->step_count < STEPS_ROOM); /* rows and causes are bounded */
    struct plan_step *step = &plan->steps[plan->step_count++];
    memset(step, 0, sizeof *step);
    step->kind = kind;
    step->fault = cause->fault;
    step->what = what;
    if (step->what.len > PLAN_TEXT_MAX) step->what.len = PLAN_TEXT_MAX;
    return step;
}

/* The first word of a template that moves no money of ours. */
static bool template_kind(struct str repair, enum plan_step_kind *out_kind)
{
    static const struct {
        const char *word;
        enum plan_step_kind kind;
    } words[] = { { "rebuild", PLAN_REBUILD },     { "purge", PLAN_PURGE },
                  { "redeliver", PLAN_REDELIVER }, { "replay", PLAN_REDELIVER },
                  { "republish", PLAN_REDELIVER }, { "poll", PLAN_POLL },
                  { "rotate", PLAN_ROTATE } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!str_starts(repair, str_from(words[i].word))) continue;
        *out_kind = words[i].kind;
        return true;
    }
    return false;
}

static bool absolute(struct signed_amount delta, struct signed_amount *out_amount)
{
    if (delta.minor < -SIGNED_AMOUNT_MAX) return false;
    out_amount->minor = delta.minor < 0 ? -delta.minor : delta.minor;
    return true;
}

bool plan_row_is_traced(const struct plan_row *row)
{
    struct signed_amount amount;
    bool credited = row->delta.minor > 0;
    return row->tx.len > 0 && absolute(row->delta, &amount) &&
           signed_amount_compare(amount, row->amount) == 0 &&
           str_equal(credited ? row->credit : row->debit, row->account);
}

static bool account_is_left(const struct plan_diagnosis *diagnosis, struct str account)
{
    return diagnosis->left_count > 0 && bsearch(&account, diagnosis->left, diagnosis->left_count,
                                                sizeof account, by_text) != NULL;
}

bool plan_row_is_left(const struct plan_diagnosis *diagnosis, const struct plan_row *row)
{
    return row->left || account_is_left(diagnosis, row->debit) ||
           account_is_left(diagnosis, row->credit);
}

bool plan_row_leave(struct plan_diagnosis *diagnosis, struct plan_row *row)
{
    row->left = true;
    if (account_is_left(diagnosis, row->account)) return true;
    if (diagnosis->left_count == PLAN_LEFT_MAX) return false;
    uint32_t at = diagnosis->left_count++;
    for (; at > 0 && by_text(&row->account, &diagnosis->left[at - 1]) < 0; at--)
        diagnosis->left[at] = diagnosis->left[at - 1];
    diagnosis->left[at] = row->account;
    return true;
}

/* The transaction is taken back whole. */
static enum status entry_add(const struct plan_cause *cause, const struct plan_row *row,
                             struct repair_plan *plan, struct error *out_error)
{
    if (!plan_row_is_traced(row)) {
        enum status status =
            error_set(out_error, STATUS_INVALID,
                      "what account %.*s has too much or too little is no one transaction",
                      row->account.len > 64 ? 64 : STR_ARG(row->account));
        error_hint(out_error, "a person has to write this entry; the plan was not made");
        return status;
    }
    struct plan_step *step =
        step_add(plan, row->between ? PLAN_SEND_BACK : PLAN_COMPENSATE, cause, cause->title);
    step->target = row->tx;
    step->debit = row->credit; /* the opposite entry */
    step->credit = row->debit;
    step->ccy = row->ccy;
    step->amount = row->amount;
    step->id = plan_entry_id(plan, step);
    return STATUS_OK;
}

static bool is_planned(const struct repair_plan *plan, struct str tx)
{
    for (uint32_t i = 0; i < plan->step_count; i++)
        if (plan_step_is_ours(plan->steps[i].kind) && str_equal(plan->steps[i].target, tx))
            return true;
    return false;
}

static enum status entries_add(const struct plan_diagnosis *diagnosis, struct repair_plan *plan,
                               struct error *out_error)
{
    for (uint32_t i = 0; i < diagnosis->row_count; i++) {
        const struct plan_row *row = &diagnosis->rows[i];
        if (!diagnosis->causes[row->cause].ledger_entry) continue;
        if (plan_row_is_left(diagnosis, row)) continue;
        if (plan_row_is_traced(row) && is_planned(plan, row->tx)) continue; /* its other leg */
        enum status status = entry_add(&diagnosis->causes[row->cause], row, plan, out_error);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

enum status plan_label(const struct plan_diagnosis *diagnosis, struct str *out_label,
                       struct error *out_error)
{
    struct str label = weakest_label(diagnosis);
    if (diagnosis->unexplained > 0 || diagnosis->truncated || diagnosis->cause_count == 0)
        label = STR("UNKNOWN");
    if (label_rank(label) <= 1) {
        *out_label = label;
        return STATUS_OK;
    }
    enum status status =
        error_set(out_error, STATUS_DENIED, "the cause is %.*s: that gets no plan", STR_ARG(label));
    error_hint(out_error, "`tpwallet doctor diagnose --next` names the evidence that would decide");
    return status;
}

/* Whether anything that a cause would post was left alone. */
static bool leaves_any(const struct plan_diagnosis *diagnosis, uint32_t cause)
{
    for (uint32_t i = 0; i < diagnosis->row_count; i++)
        if (diagnosis->rows[i].cause == cause && plan_row_is_left(diagnosis, &diagnosis->rows[i]))
            return true;
    return false;
}

enum status repair_plan_make(const struct plan_diagnosis *diagnosis, struct arena *arena,
                             struct repair_plan *plan, struct error *out_error)
{
    plan->incident = diagnosis->incident;
    plan->rules = diagnosis->rules;
    plan->step_count = 0;
    enum status status = plan_label(diagnosis, &plan->label, out_error);
    if (status != STATUS_OK) return status;
    plan->steps = arena_take_array(arena, STEPS_ROOM, sizeof *plan->steps);
    if (plan->steps == NULL) return error_set(out_error, STATUS_LIMIT, "no memory");
    for (uint32_t i = 0; i < diagnosis->cause_count; i++)
        if (diagnosis->causes[i].stop.len > 0)
            step_add(plan, PLAN_STOP, &diagnosis->causes[i], diagnosis->causes[i].stop);
    for (uint32_t i = 0; i < diagnosis->cause_count; i++)
        if (diagnosis->causes[i].prevention.len > 0)
            step_add(plan, PLAN_FIX, &diagnosis->causes[i], diagnosis->causes[i].prevention);
    status = entries_add(diagnosis, plan, out_error);
    for (uint32_t i = 0; i < diagnosis->cause_count && status == STATUS_OK; i++) {
        const struct plan_cause *cause = &diagnosis->causes[i];
        enum plan_step_kind kind;
        if (template_kind(cause->repair, &kind)) step_add(plan, kind, cause, cause->repair);
        if (cause->psp_money)
            step_add(plan, PLAN_POLL, cause,
                     STR("money moved outside: ask the PSP, and refund there what it has twice"));
        if (cause->ledger_entry && leaves_any(diagnosis, i))
            step_add(
                plan, PLAN_LEAVE, cause,
                STR("accounts that the diagnosis marks as left: a person has to look at them"));
    }
    if (status == STATUS_OK && plan->step_count > PLAN_STEPS_MAX)
        status = error_set(out_error, STATUS_LIMIT, "more than 20000 steps");
    return status;
}
