#include "cmd/reconcile_tally.h"

#include "base/check.h"
#include "base/json_member.h"

enum { LISTED_SIZE_MAX = 64 << 20, LISTED_LINES = 8 }; /* of one result, the rest is counted */

/* What a result adds to the total of one currency. */
struct reconcile_part {
    struct signed_amount drift;
    uint32_t currency;
    uint32_t reserved[3];
};

/* A result that is kept to be shown; its `parts` stand behind it, and then `shown` lines. */
struct reconcile_listed {
    enum reconcile_verdict verdict;
    uint32_t count;
    uint32_t shown;
    uint32_t parts; /* the first is of the first line's currency */
};

void reconcile_tally_init(struct reconcile_tally *tally)
{
    buf_init(&tally->listed, LISTED_SIZE_MAX);
}

void reconcile_tally_done(struct reconcile_tally *tally)
{
    buf_free(&tally->listed);
}

/* Sums stay below the currency's bound. */
static void sum_add(struct signed_amount *sum, struct signed_amount part)
{
    bool fits = signed_amount_add(*sum, part, sum);
    CHECK(fits);
}

void reconcile_tally_line(struct reconcile_tally *tally, const struct reconcile_line *line)
{
    tally->lines[line->side]++;
    sum_add(&tally->sums[line->side][line->currency], line->amount);
}

uint64_t reconcile_tally_class(const struct reconcile_tally *tally, enum reconcile_class class)
{
    uint64_t results = 0;
    for (uint32_t i = 0; i < RECONCILE_VERDICT_COUNT; i++)
        if (reconcile_verdict_class((enum reconcile_verdict)i) == class)
            results += tally->totals[i].results;
    return results;
}

/* Results that are no matches. */
static uint64_t differences_count(const struct reconcile_tally *tally)
{
    return reconcile_tally_class(tally, RECONCILE_BREAK) +
           reconcile_tally_class(tally, RECONCILE_TIMING) +
           reconcile_tally_class(tally, RECONCILE_OPEN);
}

static const char *class_name(enum reconcile_class class)
{
    static const char *const names[RECONCILE_CLASS_COUNT] = { "match", "timing", "break", "open" };
    return names[class];
}

/* ---- as CSV ---- */

void reconcile_tally_head(FILE *rows)
{
    (void)fputs("comparison,result,class,rule,side,line,key,amount,currency,at,drift\n",
                rows); /* ferror() is asked at the end */
}

/* A spreadsheet must not take a key for a formula: it is quoted, and its first character told. */
static void label_write(FILE *rows, const char *label)
{
    bool formula = label[0] != '\0' && strchr("=+-@", label[0]) != NULL;
    (void)fputs(formula ? "\"'" : "\"", rows); /* the same */
    for (; *label != '\0'; label++) {
        if (*label == '"') (void)fputc('"', rows); /* the same */
        (void)fputc(*label, rows);                 /* the same */
    }
    (void)fputc('"', rows); /* the same */
}

static void rows_write(struct reconcile_tally *tally, const struct reconcile_result *result)
{
    for (uint32_t i = 0; i < result->count; i++) {
        const struct reconcile_line *line = result->lines[i];
        const struct reconcile_currency *currency = &tally->currencies->list[line->currency];
        char amount[SIGNED_AMOUNT_TEXT_SIZE];
        char drift[SIGNED_AMOUNT_TEXT_SIZE];
        char at[TIME_TEXT_SIZE];
        struct str amount_text = signed_amount_format(line->amount, currency->exponent, amount);
        struct str drift_text =
            signed_amount_format(tally->parts[line->currency], currency->exponent, drift);
        int done = fprintf(tally->rows, "%s,%llu,%s,%s,%s,%llu,", tally->name,
                           (unsigned long long)tally->numbered,
                           class_name(reconcile_verdict_class(result->verdict)),
                           reconcile_verdict_name(result->verdict), tally->names[line->side],
                           (unsigned long long)line->line);
        label_write(tally->rows, line->label);
        if (done > 0)
            done =
                fprintf(tally->rows, ",%.*s,%s,%.*s,%.*s\n", STR_ARG(amount_text), currency->code,
                        STR_ARG(wall_time_format(line->at, at)), STR_ARG(drift_text));
        if (done < 0) tally->rows_failed = true;
    }
}

/* ---- counting ---- */

/* Those that are not nothing, after the first line's; of very many currencies some. */
static uint32_t parts_pick(const struct reconcile_tally *tally, uint32_t first,
                           struct reconcile_part parts[LISTED_LINES])
{
    uint32_t count = 0;
    parts[count++] = (struct reconcile_part){ .drift = tally->parts[first], .currency = first };
    for (uint32_t k = 0; k < tally->currencies->count && count < LISTED_LINES; k++)
        if (k != first && tally->parts[k].minor != 0)
            parts[count++] = (struct reconcile_part){ .drift = tally->parts[k], .currency = k };
    return count;
}

/* What a result adds to each total: one drift, or with several currencies that of each line. */
static void parts_fill(struct reconcile_tally *tally, const struct reconcile_result *result)
{
    memset(tally->parts, 0, sizeof tally->parts);
    if (result->verdict != RECONCILE_CURRENCY_DIFFERS) {
        tally->parts[result->lines[0]->currency] = result->drift;
        return;
    }
    for (uint32_t i = 0; i < result->count; i++) {
        const struct reconcile_line *line = result->lines[i];
        struct signed_amount part = line->amount;
        if (line->side == RECONCILE_OURS) part.minor = -part.minor;
        sum_add(&tally->parts[line->currency], part);
    }
}

static void list(struct reconcile_tally *tally, const struct reconcile_result *result)
{
    struct reconcile_part parts[LISTED_LINES] = { 0 };
    tally->listed_count++;
    struct reconcile_listed listed = {
        .verdict = result->verdict,
        .count = result->count,
        .shown = result->count < LISTED_LINES ? result->count : LISTED_LINES,
    };
    listed.parts = parts_pick(tally, result->lines[0]->currency, parts);
    buf_append(&tally->listed, &listed, sizeof listed);
    buf_append(&tally->listed, parts, listed.parts * sizeof parts[0]);
    for (uint32_t i = 0; i < listed.shown; i++)
        buf_append(&tally->listed, result->lines[i], sizeof *result->lines[i]);
    CHECK(!tally->listed.overflow); /* list_max is bounded by the command */
}

void reconcile_tally_found(void *context, const struct reconcile_result *result)
{
    struct reconcile_tally *tally = context;
    enum reconcile_class class = reconcile_verdict_class(result->verdict);
    tally->numbered++;
    tally->totals[result->verdict].results++;
    tally->totals[result->verdict].lines += result->count;
    parts_fill(tally, result);
    for (uint32_t k = 0; k < tally->currencies->count; k++)
        sum_add(&tally->drifts[result->verdict][k], tally->parts[k]);
    if (class != RECONCILE_MATCH && tally->listed_count < tally->list_max) list(tally, result);
    if (tally->rows != NULL) rows_write(tally, result);
}

/* ---- as text ---- */

static void amount_append(const struct reconcile_tally *tally, uint32_t currency,
                          struct signed_amount amount, struct buf *out)
{
    char text[SIGNED_AMOUNT_TEXT_SIZE];
    const struct reconcile_currency *known = &tally->currencies->list[currency];
    buf_append_format(out, "%s %.*s", known->code,
                      STR_ARG(signed_amount_format(amount, known->exponent, text)));
}

static void line_text(const struct reconcile_tally *tally, const struct reconcile_line *line,
                      struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    struct str time = wall_time_format(line->at, at);
    if ((line->flags & RECONCILE_FLAG_DAY_ONLY) != 0) time.len = 10;
    buf_append_format(out, "      %s line %llu  ", tally->names[line->side],
                      (unsigned long long)line->line);
    amount_append(tally, line->currency, line->amount, out);
    buf_append_format(out, "  %.*s  %s\n", STR_ARG(time), line->label);
}

/* The result at *at, which moves on to its first line. */
static void listed_take(const struct reconcile_tally *tally, size_t *at,
                        struct reconcile_listed *out_listed,
                        struct reconcile_part out_parts[LISTED_LINES])
{
    memcpy(out_listed, tally->listed.data + *at, sizeof *out_listed);
    *at += sizeof *out_listed;
    memcpy(out_parts, tally->listed.data + *at, out_listed->parts * sizeof out_parts[0]);
    *at += out_listed->parts * sizeof out_parts[0];
}

static void listed_text(const struct reconcile_tally *tally, struct buf *out)
{
    size_t at = 0;
    while (at < tally->listed.len) {
        struct reconcile_listed listed;
        struct reconcile_part parts[LISTED_LINES];
        struct reconcile_line line;
        listed_take(tally, &at, &listed, parts);
        buf_append_format(out, "  %s  drift ", reconcile_verdict_name(listed.verdict));
        for (uint32_t i = 0; i < listed.parts; i++) {
            if (i > 0) buf_append_str(out, STR(", "));
            amount_append(tally, parts[i].currency, parts[i].drift, out);
        }
        buf_append_format(out, "  (%s)\n", reconcile_verdict_text(listed.verdict));
        for (uint32_t i = 0; i < listed.shown; i++) {
            memcpy(&line, tally->listed.data + at, sizeof line);
            at += sizeof line;
            line_text(tally, &line, out);
        }
        if (listed.count > listed.shown)
            buf_append_format(out, "      and %u more lines\n", listed.count - listed.shown);
    }
}

static void totals_text(const struct reconcile_tally *tally, struct buf *out)
{
    for (uint32_t i = 0; i < RECONCILE_VERDICT_COUNT; i++) {
        const struct reconcile_total *total = &tally->totals[i];
        if (total->results == 0) continue;
        enum reconcile_verdict verdict = (enum reconcile_verdict)i;
        buf_append_format(out, "  %-7s %-21s %12llu results %12llu lines",
                          class_name(reconcile_verdict_class(verdict)),
                          reconcile_verdict_name(verdict), (unsigned long long)total->results,
                          (unsigned long long)total->lines);
        for (uint32_t k = 0; k < tally->currencies->count; k++) {
            if (tally->drifts[i][k].minor == 0) continue;
            buf_append_str(out, STR("  drift "));
            amount_append(tally, k, tally->drifts[i][k], out);
        }
        buf_append_byte(out, '\n');
    }
}

void reconcile_tally_text(const struct reconcile_tally *tally, struct buf *out)
{
    buf_append_format(out, "%s: %llu lines of %s, %llu of %s\n", tally->name,
                      (unsigned long long)tally->lines[0], tally->names[0],
                      (unsigned long long)tally->lines[1], tally->names[1]);
    for (uint32_t k = 0; k < tally->currencies->count; k++) {
        struct signed_amount ours = tally->sums[0][k];
        struct signed_amount theirs = tally->sums[1][k];
        if (ours.minor == 0 && theirs.minor == 0) continue;
        struct signed_amount drift = { theirs.minor - ours.minor }; /* both within one bound */
        buf_append_format(out, "  %s ", tally->names[0]);
        amount_append(tally, k, ours, out);
        buf_append_format(out, "  %s ", tally->names[1]);
        amount_append(tally, k, theirs, out);
        buf_append_str(out, STR("  drift "));
        amount_append(tally, k, drift, out);
        buf_append_byte(out, '\n');
    }
    totals_text(tally, out);
    listed_text(tally, out);
    uint64_t others = differences_count(tally);
    if (others > tally->listed_count)
        buf_append_format(out, "  and %llu more that are not shown here\n",
                          (unsigned long long)(others - tally->listed_count));
}

/* ---- as JSON ---- */

static void amount_member(const struct reconcile_tally *tally, struct json_writer *writer,
                          const char *key, uint32_t currency, struct signed_amount amount)
{
    char text[SIGNED_AMOUNT_TEXT_SIZE];
    unsigned exponent = tally->currencies->list[currency].exponent;
    json_member_text(writer, key, signed_amount_format(amount, exponent, text));
}

static void line_json(const struct reconcile_tally *tally, const struct reconcile_line *line,
                      struct json_writer *writer)
{
    char at[TIME_TEXT_SIZE];
    json_write_object_begin(writer);
    json_member_text(writer, "side", str_from(tally->names[line->side]));
    json_member_number(writer, "line", line->line);
    json_member_text(writer, "key", str_from(line->label));
    json_member_text(writer, "currency", str_from(tally->currencies->list[line->currency].code));
    amount_member(tally, writer, "amount", line->currency, line->amount);
    json_member_text(writer, "at", wall_time_format(line->at, at));
    json_write_object_end(writer);
}

static void listed_json(const struct reconcile_tally *tally, struct json_writer *writer)
{
    json_write_key(writer, STR("differences"));
    json_write_array_begin(writer);
    size_t at = 0;
    while (at < tally->listed.len) {
        struct reconcile_listed listed;
        struct reconcile_part parts[LISTED_LINES];
        struct reconcile_line line;
        listed_take(tally, &at, &listed, parts);
        json_write_object_begin(writer);
        json_member_text(writer, "rule", str_from(reconcile_verdict_name(listed.verdict)));
        json_member_text(writer, "class",
                         str_from(class_name(reconcile_verdict_class(listed.verdict))));
        uint32_t first = parts[0].currency;
        json_member_text(writer, "currency", str_from(tally->currencies->list[first].code));
        amount_member(tally, writer, "drift", first, parts[0].drift);
        json_write_key(writer, STR("drifts"));
        json_write_object_begin(writer);
        for (uint32_t i = 0; i < listed.parts; i++)
            amount_member(tally, writer, tally->currencies->list[parts[i].currency].code,
                          parts[i].currency, parts[i].drift);
        json_write_object_end(writer);
        json_member_number(writer, "line_count", listed.count);
        json_write_key(writer, STR("lines"));
        json_write_array_begin(writer);
        for (uint32_t i = 0; i < listed.shown; i++, at += sizeof line) {
            memcpy(&line, tally->listed.data + at, sizeof line);
            line_json(tally, &line, writer);
        }
        json_write_array_end(writer);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void totals_json(const struct reconcile_tally *tally, struct json_writer *writer)
{
    json_write_key(writer, STR("rules"));
    json_write_array_begin(writer);
    for (uint32_t i = 0; i < RECONCILE_VERDICT_COUNT; i++) {
        if (tally->totals[i].results == 0) continue;
        enum reconcile_verdict verdict = (enum reconcile_verdict)i;
        json_write_object_begin(writer);
        json_member_text(writer, "rule", str_from(reconcile_verdict_name(verdict)));
        json_member_text(writer, "class", str_from(class_name(reconcile_verdict_class(verdict))));
        json_member_number(writer, "results", tally->totals[i].results);
        json_member_number(writer, "lines", tally->totals[i].lines);
        json_write_key(writer, STR("drift"));
        json_write_object_begin(writer);
        for (uint32_t k = 0; k < tally->currencies->count; k++)
            if (tally->drifts[i][k].minor != 0)
                amount_member(tally, writer, tally->currencies->list[k].code, k,
                              tally->drifts[i][k]);
        json_write_object_end(writer);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

void reconcile_tally_json(const struct reconcile_tally *tally, struct json_writer *writer)
{
    json_write_object_begin(writer);
    json_member_text(writer, "comparison", str_from(tally->name));
    json_member_number(writer, "matches", reconcile_tally_class(tally, RECONCILE_MATCH));
    json_member_number(writer, "timing", reconcile_tally_class(tally, RECONCILE_TIMING));
    json_member_number(writer, "breaks", reconcile_tally_class(tally, RECONCILE_BREAK));
    json_member_number(writer, "open", reconcile_tally_class(tally, RECONCILE_OPEN));
    json_write_key(writer, STR("currencies"));
    json_write_array_begin(writer);
    for (uint32_t k = 0; k < tally->currencies->count; k++) {
        struct signed_amount ours = tally->sums[0][k];
        struct signed_amount theirs = tally->sums[1][k];
        if (ours.minor == 0 && theirs.minor == 0) continue;
        json_write_object_begin(writer);
        json_member_text(writer, "currency", str_from(tally->currencies->list[k].code));
        amount_member(tally, writer, "ours", k, ours);
        amount_member(tally, writer, "theirs", k, theirs);
        amount_member(tally, writer, "drift", k,
                      (struct signed_amount){ theirs.minor - ours.minor });
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    totals_json(tally, writer);
    listed_json(tally, writer);
    json_member_number(writer, "not_listed", differences_count(tally) - tally->listed_count);
    json_write_object_end(writer);
}
