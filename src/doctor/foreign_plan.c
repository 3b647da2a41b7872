#include "doctor/foreign_plan.h"

#include <string.h>

#include "base/check.h"
#include "base/hex.h"
#include "doctor/mappings_builtin.h"

struct foreign_step {
    enum table_repair repair;
    const struct plan_cause *cause;
    struct str target;
    struct str account;
    struct str from;
    struct str to;
    struct str ccy;
    struct signed_amount amount;
    struct signed_amount delta;
};

struct foreign_writing {
    const struct plan_diagnosis *diagnosis;
    const struct table_mapping *mapping;
    struct buf *out;
    struct error *error;
    struct str label;
    uint32_t count; /* of steps */
};

/* ---- values ---- */

/* With a backslash it is E'...': the same whatever standard_conforming_strings is. */
static enum status literal_write(struct foreign_writing *it, struct str text)
{
    bool plain = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        struct str rest = { text.data + i, text.len - i };
        if ((unsigned char)text.data[i] < ' ' || str_starts(rest, STR(TABLE_BLOCK_TAG)))
            plain = false;
    }
    if (!plain)
        return error_set(it->error, STATUS_INVALID, "a name that cannot stand in SQL: '%.*s'",
                         text.len > 64 ? 64 : STR_ARG(text));
    if (memchr(text.data, '\\', text.len) != NULL) buf_append_byte(it->out, 'E');
    buf_append_byte(it->out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.data[i];
        if (byte == '\'' || byte == '\\') buf_append_byte(it->out, byte); /* twice */
        buf_append_byte(it->out, byte);
    }
    buf_append_byte(it->out, '\'');
    return STATUS_OK;
}

/*
 * Minor units as they are, or with the asset's decimals. Behind a minus of the template a negative
 * one would begin a comment, but for its parentheses.
 */
static enum status amount_write(struct foreign_writing *it, const struct foreign_step *step,
                                struct signed_amount amount, bool major)
{
    char text[SIGNED_AMOUNT_TEXT_SIZE];
    uint8_t exponent = 0;
    if (major && !table_assets_find(&it->mapping->assets, step->ccy, &exponent))
        return error_set(it->error, STATUS_INVALID,
                         "'%.*s' is an asset without decimals: they belong into `assets`",
                         STR_ARG(step->ccy));
    struct str shown = signed_amount_format(amount, exponent, text);
    buf_append_format(it->out, amount.minor < 0 ? "(%.*s)" : "%.*s", STR_ARG(shown));
    return STATUS_OK;
}

/* What an id is derived from: the same step of the same incident by the same rules. */
static struct uuid step_id(const struct foreign_writing *it, const struct foreign_step *step)
{
    const struct repair_plan plan = { .incident = it->diagnosis->incident,
                                      .rules = it->diagnosis->rules };
    const struct plan_step entry = {
        .kind = step->repair == TABLE_REPAIR_REBUILD ? PLAN_REBUILD : PLAN_COMPENSATE,
        .target = step->target,
        .debit = step->from.len > 0 ? step->from : step->account,
        .credit = step->to,
        .ccy = step->ccy,
    };
    return plan_entry_id(&plan, &entry);
}

static enum status word_write(struct foreign_writing *it, const struct foreign_step *step,
                              enum table_word word)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(step_id(it, step), id);
    switch (word) {
    case TABLE_WORD_ID: return literal_write(it, str_from(id));
    case TABLE_WORD_INCIDENT: return literal_write(it, it->diagnosis->incident);
    case TABLE_WORD_TARGET: return literal_write(it, step->target);
    case TABLE_WORD_ACCOUNT: return literal_write(it, step->account);
    case TABLE_WORD_FROM: return literal_write(it, step->from);
    case TABLE_WORD_TO: return literal_write(it, step->to);
    case TABLE_WORD_CCY: return literal_write(it, step->ccy);
    case TABLE_WORD_AMOUNT: return amount_write(it, step, step->amount, true);
    case TABLE_WORD_MINOR: return amount_write(it, step, step->amount, false);
    case TABLE_WORD_DELTA: return amount_write(it, step, step->delta, true);
    case TABLE_WORD_DELTA_MINOR: return amount_write(it, step, step->delta, false);
    case TABLE_WORD_COUNT: break;
    }
    return error_set(it->error, STATUS_INVALID, "a template has a {word} that there is not");
}

static enum status template_write(struct foreign_writing *it, const struct foreign_step *step)
{
    struct str rest = it->mapping->repair[step->repair];
    struct str before;
    enum table_word word;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && table_word_next(&rest, &before, &word)) {
        buf_append_str(it->out, before);
        status = word_write(it, step, word);
    }
    buf_append_str(it->out, before);
    buf_append_byte(it->out, '\n');
    return status;
}

/* ---- steps ---- */

/* The rest of a comment: one line, whatever the text is. */
static void comment_end(struct foreign_writing *it, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_append_byte(it->out, (uint8_t)text.data[i] < ' ' ? ' ' : (uint8_t)text.data[i]);
    buf_append_byte(it->out, '\n');
}

static void comment_write(struct foreign_writing *it, const char *name, struct str text)
{
    buf_append_format(it->out, "-- %s", name);
    comment_end(it, text);
}

static enum status step_write(struct foreign_writing *it, const struct foreign_step *step)
{
    if (it->mapping->repair[step->repair].len == 0) {
        enum status status = error_set(it->error, STATUS_INVALID,
                                       "the mapping %.*s has no template '%s', which %.*s needs",
                                       STR_ARG(it->mapping->name), table_repair_name(step->repair),
                                       STR_ARG(step->cause->fault));
        error_hint(it->error, "its owners have to write this repair; the plan was not made");
        return status;
    }
    it->count++;
    buf_append_format(it->out, "\n-- step %u: %s, for ", it->count,
                      table_repair_name(step->repair));
    comment_end(it, step->cause->fault);
    return template_write(it, step);
}

static enum status not_traced(struct foreign_writing *it, const struct plan_row *row)
{
    enum status status =
        error_set(it->error, STATUS_INVALID,
                  "what account %.*s has too much or too little is no one transaction",
                  row->account.len > 64 ? 64 : STR_ARG(row->account));
    error_hint(it->error, "its owners have to write this repair; the plan was not made");
    return status;
}

/* Its other leg is affected too: the transaction is taken back once. */
static bool was_written(const struct foreign_writing *it, uint32_t place)
{
    const struct plan_row *row = &it->diagnosis->rows[place];
    for (uint32_t i = 0; i < place; i++)
        if (it->diagnosis->rows[i].cause == row->cause &&
            str_equal(it->diagnosis->rows[i].tx, row->tx))
            return true;
    return false;
}

/* From who has too much to the other leg, or the other way. */
static enum status row_write(struct foreign_writing *it, enum table_repair repair, uint32_t place)
{
    const struct plan_row *row = &it->diagnosis->rows[place];
    bool much = row->delta.minor > 0;
    struct foreign_step step = {
        .repair = repair,
        .cause = &it->diagnosis->causes[row->cause],
        .target = row->tx,
        .account = row->account,
        .ccy = row->ccy,
        .delta = row->delta,
        .amount = { much ? row->delta.minor : -row->delta.minor },
    };
    if (repair == TABLE_REPAIR_REBUILD) return step_write(it, &step);
    bool credited = str_equal(row->account, row->credit);
    bool legs =
        row->tx.len > 0 && row->amount.minor > 0 && row->debit.len > 0 && row->credit.len > 0;
    if (!legs || (!credited && !str_equal(row->account, row->debit))) return not_traced(it, row);
    if (repair == TABLE_REPAIR_REVERSE && !plan_row_is_traced(row)) return not_traced(it, row);
    struct str other = credited ? row->debit : row->credit;
    step.from = much ? row->account : other;
    step.to = much ? other : row->account;
    if (plan_row_is_left(it->diagnosis, row) || was_written(it, place)) return STATUS_OK;
    return step_write(it, &step);
}

static enum status rows_write(struct foreign_writing *it, enum table_repair repair, uint32_t cause)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < it->diagnosis->row_count && status == STATUS_OK; i++)
        if (it->diagnosis->rows[i].cause == cause && !it->diagnosis->rows[i].left)
            status = row_write(it, repair, i);
    return status;
}

static enum status completions_write(struct foreign_writing *it, uint32_t cause)
{
    const struct plan_cause *about = &it->diagnosis->causes[cause];
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < it->diagnosis->violation_count && status == STATUS_OK; i++) {
        const struct plan_violation *violation = &it->diagnosis->violations[i];
        const struct foreign_step step = { .repair = TABLE_REPAIR_COMPLETE,
                                           .cause = about,
                                           .target = violation->key };
        if (str_equal(violation->fault, about->fault) &&
            str_equal(violation->invariant, STR("I01")))
            status = step_write(it, &step);
    }
    return status;
}

static enum status cause_write(struct foreign_writing *it, uint32_t cause)
{
    const struct plan_cause *about = &it->diagnosis->causes[cause];
    if (str_starts(about->repair, STR("reverse")))
        return rows_write(it, TABLE_REPAIR_REVERSE, cause);
    if (str_starts(about->repair, STR("compensate")))
        return rows_write(it, TABLE_REPAIR_ADJUST, cause);
    if (str_starts(about->repair, STR("rebuild")))
        return rows_write(it, TABLE_REPAIR_REBUILD, cause);
    if (str_starts(about->repair, STR("complete"))) return completions_write(it, cause);
    if (!about->ledger_entry) return STATUS_OK; /* it stands among the comments */
    return error_set(it->error, STATUS_INVALID,
                     "the repair of %.*s, '%.*s', is nothing that is written as SQL",
                     STR_ARG(about->fault), about->repair.len > 80 ? 80 : STR_ARG(about->repair));
}

/* ---- the whole ---- */

static bool is_builtin(const struct table_mapping *mapping)
{
    struct str rest = mappings_builtin();
    struct str name;
    struct str text;
    while (mappings_builtin_next(&rest, &name, &text)) {
        struct digest digest = digest_of(text.data, text.len);
        if (digest_equal(&digest, &mapping->digest)) return true;
    }
    return false;
}

/* The statements are as good as the mapping, which came with the evidence. */
static void mapping_write(struct foreign_writing *it)
{
    const struct digest *digest = &it->mapping->digest;
    char hex[2 * sizeof digest->bytes + 1];
    buf_append_format(it->out, "-- Its statements are those of the mapping %.*s, %s,\n",
                      STR_ARG(it->mapping->name),
                      is_builtin(it->mapping)
                          ? "which is built in"
                          : "which is NOT BUILT IN: whoever collected the evidence wrote them");
    buf_append_format(it->out, "-- SHA-256 %.*s.\n",
                      STR_ARG(hex_format(digest->bytes, sizeof digest->bytes, hex)));
}

static void head_write(struct foreign_writing *it)
{
    buf_append_format(
        it->out,
        "-- tpwallet doctor: repair of incident %.*s in the ledger %.*s (%.*s).\n"
        "-- It was made from evidence, by rules %02x%02x%02x%02x, and nobody has run it. "
        "Read it; run it on a\n"
        "-- restored copy first. It changes nothing until its last line says COMMIT.\n",
        STR_ARG(it->diagnosis->incident), STR_ARG(it->mapping->name), STR_ARG(it->label),
        it->diagnosis->rules.bytes[0], it->diagnosis->rules.bytes[1], it->diagnosis->rules.bytes[2],
        it->diagnosis->rules.bytes[3]);
    mapping_write(it);
    for (uint32_t i = 0; i < it->diagnosis->cause_count; i++) {
        const struct plan_cause *cause = &it->diagnosis->causes[i];
        comment_write(it, "", STR(""));
        comment_write(it, "cause:  ", cause->title);
        comment_write(it, "first:  ", cause->stop);
        comment_write(it, "repair: ", cause->repair);
        comment_write(it, "so that it does not come again: ", cause->prevention);
    }
    buf_append_str(it->out, STR("\nBEGIN;\nSET LOCAL standard_conforming_strings = on;\n"
                                "SET LOCAL lock_timeout = '5s';\n"));
}

static enum status part_write(struct foreign_writing *it, enum table_repair repair,
                              const char *comment)
{
    const struct foreign_step step = { .repair = repair };
    if (it->mapping->repair[repair].len == 0) return STATUS_OK;
    buf_append_format(it->out, "\n-- %s\n", comment);
    return template_write(it, &step);
}

enum status foreign_plan_sql(const struct plan_diagnosis *diagnosis,
                             const struct table_mapping *mapping, struct buf *out_sql,
                             struct error *out_error)
{
    struct foreign_writing it = { diagnosis, mapping, out_sql, out_error, { 0 }, 0 };
    enum status status = plan_label(diagnosis, &it.label, out_error);
    if (status != STATUS_OK) return status;
    head_write(&it);
    status = part_write(&it, TABLE_REPAIR_BEGIN, "nobody else writes meanwhile");
    for (uint32_t i = 0; i < diagnosis->cause_count && status == STATUS_OK; i++)
        status = cause_write(&it, i);
    if (status == STATUS_OK && it.count == 0)
        status = error_set(out_error, STATUS_INVALID, "there is nothing to write into the ledger");
    if (status == STATUS_OK)
        status =
            part_write(&it, TABLE_REPAIR_CHECK, "what must hold now, or all of it is taken back");
    buf_append_str(out_sql,
                   STR("\n-- Its owners write COMMIT here, once they have seen it succeed.\n"
                       "ROLLBACK;\n"));
    if (status == STATUS_OK && out_sql->overflow)
        status = error_set(out_error, STATUS_LIMIT, "the plan is too large");
    return status;
}
