/* From the texts of a row to a line: keys, amount, fee, currency and time, each or a refusal. */
#include "doctor/reconcile_row.h"

#include "base/check.h"
#include "base/decimal.h"
#include "crypto/digest.h"

struct str reconcile_row_text(const struct reconcile_mapping *mapping, enum reconcile_field field,
                              const struct str *row, uint32_t count)
{
    if (mapping->fields[field].count == 0) return STR("");
    if (mapping->fields[field].constant) return mapping->fields[field].names[0];
    uint32_t column = (uint32_t)mapping->fields[field].columns[0];
    return column < count ? row[column] : STR("");
}

/* Several columns with their lengths before them: no two rows can be mistaken for one another. */
static bool several_digest(const struct reconcile_mapping *mapping, enum reconcile_field field,
                           const struct str *row, uint32_t count, struct uuid *out_digest)
{
    uint32_t columns = mapping->fields[field].count;
    uint64_t lens[RECONCILE_COLUMNS_MAX];
    struct digest_part parts[2 * RECONCILE_COLUMNS_MAX];
    bool any = false;
    for (uint32_t i = 0; i < columns; i++) {
        uint32_t column = (uint32_t)mapping->fields[field].columns[i];
        struct str text = column < count ? row[column] : STR("");
        if (text.len > RECONCILE_TEXT_MAX) return false;
        any = any || text.len > 0;
        lens[i] = text.len;
        parts[2 * i] = (struct digest_part){ &lens[i], sizeof lens[i] };
        parts[2 * i + 1] = (struct digest_part){ text.data, text.len };
    }
    *out_digest = (struct uuid){ 0 };
    if (!any) return true;
    struct digest digest = digest_of_parts(parts, (size_t)2 * columns);
    memcpy(out_digest, digest.bytes, sizeof *out_digest);
    return true;
}

static bool field_digest(const struct reconcile_mapping *mapping, enum reconcile_field field,
                         const struct str *row, uint32_t count, struct uuid *out_digest)
{
    if (mapping->fields[field].count > 1)
        return several_digest(mapping, field, row, count, out_digest);
    struct str text = reconcile_row_text(mapping, field, row, count);
    if (text.len > RECONCILE_TEXT_MAX) return false;
    *out_digest = reconcile_digest(text);
    return true;
}

static bool word_is_in(const struct reconcile_words *words, struct str word)
{
    for (uint32_t i = 0; i < words->count; i++)
        if (str_equal(words->list[i], word)) return true;
    return false;
}

/* ---- times ---- */

/* "DD.MM.YYYY" and the like, with any of . / - between, as YYYY-MM-DD. */
static bool date_rearrange(struct str text, const uint8_t places[8], char out_date[11])
{
    static const uint8_t targets[] = { 0, 1, 2, 3, 5, 6, 8, 9 };
    memcpy(out_date, "0000-00-00", 11);
    for (int i = 0; i < 8; i++) {
        if (places[i] >= text.len) return false;
        out_date[targets[i]] = text.data[places[i]];
    }
    return true;
}

static bool day_read(struct str text, enum reconcile_date_form form, struct wall_time *out_time)
{
    static const uint8_t dmy[8] = { 6, 7, 8, 9, 3, 4, 0, 1 };
    static const uint8_t mdy[8] = { 6, 7, 8, 9, 0, 1, 3, 4 };
    static const uint8_t ymd[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    char date[11];
    if (form == RECONCILE_DATE_YMD) {
        if (text.len != 8 || !date_rearrange(text, ymd, date)) return false;
        text = (struct str){ date, 10 };
    } else if (form != RECONCILE_DATE_ISO) {
        bool marks = text.len == 10 && text.data[2] == text.data[5] &&
                     memchr("./-", text.data[2], 3) != NULL;
        if (!marks || !date_rearrange(text, form == RECONCILE_DATE_DMY ? dmy : mdy, date))
            return false;
        text = (struct str){ date, 10 };
    }
    struct business_date day;
    if (business_date_parse(text, &day) != STATUS_OK) return false;
    if (day.days > INT64_MAX / NS_PER_DAY) return false;
    out_time->ns = day.days * NS_PER_DAY;
    return true;
}

/* A time with a blank in place of T, and without an offset, is common; both are put right. */
static bool instant_read(struct str text, int32_t offset_s, struct wall_time *out_time)
{
    char copy[TIME_TEXT_SIZE + 8];
    if (text.len < 19 || text.len > TIME_TEXT_SIZE) return false;
    memcpy(copy, text.data, text.len);
    size_t len = text.len;
    if (copy[10] == ' ') copy[10] = 'T';
    bool zoned = copy[len - 1] == 'Z' || copy[len - 6] == '+' || copy[len - 6] == '-';
    if (!zoned) copy[len++] = 'Z';
    if (wall_time_parse((struct str){ copy, len }, out_time) != STATUS_OK) return false;
    if (!zoned) out_time->ns -= offset_s * NS_PER_S;
    return out_time->ns >= 0;
}

static bool epoch_read(struct str text, int64_t unit_ns, struct wall_time *out_time)
{
    uint64_t value;
    if (decimal_parse(text, (uint64_t)(INT64_MAX / unit_ns), &value) != STATUS_OK) return false;
    out_time->ns = (int64_t)value * unit_ns;
    return true;
}

static bool time_read(const struct reconcile_mapping *mapping, struct str text,
                      struct reconcile_line *line)
{
    if (mapping->date_form == RECONCILE_DATE_EPOCH_S) return epoch_read(text, NS_PER_S, &line->at);
    if (mapping->date_form == RECONCILE_DATE_EPOCH_MS)
        return epoch_read(text, NS_PER_MS, &line->at);
    if (mapping->date_form == RECONCILE_DATE_ISO && text.len > 10)
        return instant_read(text, mapping->offset_s, &line->at);
    line->flags |= RECONCILE_FLAG_DAY_ONLY;
    return day_read(text, mapping->date_form, &line->at);
}

/* ---- amounts ---- */

static const char *amount_fault(enum status status)
{
    return status == STATUS_LIMIT
               ? "an amount over 128 bits"
               : "an amount that is none, or has more decimals than its currency";
}

/* plus and minus are two columns, of which one may be empty. */
static enum status sides_read(const struct reconcile_mapping *mapping,
                              const struct signed_amount_form *form, const struct str *row,
                              uint32_t count, struct signed_amount *out_amount)
{
    struct signed_amount values[2] = { { 0 }, { 0 } };
    bool any = false;
    for (uint32_t i = 0; i < 2; i++) {
        enum reconcile_field field = i == 0 ? RECONCILE_FIELD_PLUS : RECONCILE_FIELD_MINUS;
        struct str text = reconcile_row_text(mapping, field, row, count);
        if (text.len == 0) continue;
        any = true;
        enum status status = signed_amount_parse(text, form, &values[i]);
        if (status != STATUS_OK) return status;
    }
    if (!any) return STATUS_INVALID;
    return signed_amount_subtract(values[0], values[1], out_amount) ? STATUS_OK : STATUS_LIMIT;
}

static const char *amounts_read(const struct reconcile_mapping *mapping, unsigned exponent,
                                const struct str *row, uint32_t count, struct reconcile_line *line)
{
    const struct signed_amount_form form = {
        .exponent = exponent,
        .point = mapping->point,
        .group = mapping->group,
        .minor = mapping->minor,
        .decimals_exact = true, /* 10.000 may be ten, and ten thousand where the point is a comma */
    };
    enum status status;
    if (mapping->fields[RECONCILE_FIELD_AMOUNT].count > 0)
        status = signed_amount_parse(
            reconcile_row_text(mapping, RECONCILE_FIELD_AMOUNT, row, count), &form, &line->amount);
    else
        status = sides_read(mapping, &form, row, count, &line->amount);
    if (status != STATUS_OK) return amount_fault(status);
    struct str kind = reconcile_row_text(mapping, RECONCILE_FIELD_KIND, row, count);
    bool turned = mapping->inverted != word_is_in(&mapping->negative_kinds, kind);
    if (line->amount.minor < -SIGNED_AMOUNT_MAX) return amount_fault(STATUS_LIMIT);
    if (turned) line->amount.minor = -line->amount.minor;
    struct str fee = reconcile_row_text(mapping, RECONCILE_FIELD_FEE, row, count);
    if (fee.len == 0) {
        if (mapping->net) line->flags |= RECONCILE_FLAG_NET;
        return NULL;
    }
    status = signed_amount_parse(fee, &form, &line->fee);
    if (status != STATUS_OK) return amount_fault(status);
    line->flags |= RECONCILE_FLAG_FEE_TOLD;
    if (mapping->net && !signed_amount_add(line->amount, line->fee, &line->amount))
        return amount_fault(STATUS_LIMIT);
    return NULL;
}

const char *reconcile_line_settle(const struct reconcile_source *source, struct str kind,
                                  struct reconcile_line *line)
{
    if (source->fees != NULL && source->side == RECONCILE_OURS &&
        reconcile_fee_of(source->fees, kind, line, &line->fee))
        line->flags |= RECONCILE_FLAG_CONTRACT;
    struct reconcile_currency *currency = &source->currencies->list[line->currency];
    if (!reconcile_bound(&currency->bound, line)) return "the total passes 128 bits";
    return NULL;
}

static const char *keys_read(const struct reconcile_mapping *mapping, const struct str *row,
                             uint32_t count, struct reconcile_line *line)
{
    bool fits = field_digest(mapping, RECONCILE_FIELD_KEY, row, count, &line->key) &&
                field_digest(mapping, RECONCILE_FIELD_REF, row, count, &line->ref) &&
                field_digest(mapping, RECONCILE_FIELD_BATCH, row, count, &line->batch) &&
                field_digest(mapping, RECONCILE_FIELD_ID, row, count, &line->id);
    if (!fits) return "a key of more than 1024 bytes";
    struct str label = reconcile_row_text(mapping, RECONCILE_FIELD_KEY, row, count);
    if (label.len == 0) label = reconcile_row_text(mapping, RECONCILE_FIELD_REF, row, count);
    if (label.len == 0) label = reconcile_row_text(mapping, RECONCILE_FIELD_BATCH, row, count);
    reconcile_label(label, line->label);
    return NULL;
}

enum reconcile_row reconcile_row_read(const struct reconcile_source *source, const struct str *row,
                                      uint32_t count, struct reconcile_line *out_line,
                                      const char **out_fault)
{
    const struct reconcile_mapping *mapping = &source->mapping;
    struct str kind = reconcile_row_text(mapping, RECONCILE_FIELD_KIND, row, count);
    if (word_is_in(&mapping->skip_kinds, kind)) return RECONCILE_ROW_SKIPPED;
    memset(out_line, 0, sizeof *out_line);
    out_line->side = (uint8_t)source->side;
    struct str code = reconcile_row_text(mapping, RECONCILE_FIELD_CURRENCY, row, count);
    *out_fault = "there is no such currency";
    if (!reconcile_currency_find(source->currencies, code, &out_line->currency))
        return RECONCILE_ROW_REFUSED;
    unsigned exponent = source->currencies->list[out_line->currency].exponent;
    *out_fault = amounts_read(mapping, exponent, row, count, out_line);
    if (*out_fault != NULL) return RECONCILE_ROW_REFUSED;
    *out_fault = "a date that is none";
    struct str date = reconcile_row_text(mapping, RECONCILE_FIELD_DATE, row, count);
    if (!time_read(mapping, date, out_line)) return RECONCILE_ROW_REFUSED;
    *out_fault = keys_read(mapping, row, count, out_line);
    if (*out_fault == NULL) *out_fault = reconcile_line_settle(source, kind, out_line);
    return *out_fault == NULL ? RECONCILE_ROW_LINE : RECONCILE_ROW_REFUSED;
}
