/* The text of a mapping, taken apart line by line. */
#include "doctor/reconcile_mapping.h"

#include "base/check.h"
#include "base/decimal.h"
#include "doctor/mapping_line.h"

enum { OFFSET_S_MAX = 14 * 3600 };

struct field_entry {
    const char *name;
    bool several;
};

static const struct field_entry entries[] = {
#define FIELD_ENTRY(name, text, several) { (text), (several) },
    RECONCILE_FIELD_TABLE(FIELD_ENTRY)
#undef FIELD_ENTRY
};

/* Each of these returns NULL, or what is wrong. */
static const char *words_parse(struct str text, struct reconcile_words *out_words)
{
    if (text.len == 0 || text.data[text.len - 1] == ',') return "an entry of the list is empty";
    while (text.len > 0) {
        struct str word = mapping_trimmed(mapping_part_take(&text, ','));
        if (word.len == 0) return "an entry of the list is empty";
        if (out_words->count == RECONCILE_WORDS_MAX) return "more than 16 entries";
        out_words->list[out_words->count++] = word;
    }
    return NULL;
}

static const char *date_form_parse(struct str text, enum reconcile_date_form *out_form)
{
    static const char *const forms[] = {
        [RECONCILE_DATE_ISO] = "iso",         [RECONCILE_DATE_DMY] = "dmy",
        [RECONCILE_DATE_MDY] = "mdy",         [RECONCILE_DATE_YMD] = "ymd",
        [RECONCILE_DATE_EPOCH_S] = "epoch_s", [RECONCILE_DATE_EPOCH_MS] = "epoch_ms",
    };
    for (uint32_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (!str_equal(text, str_from(forms[i]))) continue;
        *out_form = (enum reconcile_date_form)i;
        return NULL;
    }
    return "date_format is iso, dmy, mdy, ymd, epoch_s or epoch_ms";
}

/* +08:00 */
static const char *offset_parse(struct str text, int32_t *out_offset_s)
{
    static const char fault[] = "utc_offset is +HH:MM or -HH:MM, at most 14 hours";
    bool shaped =
        text.len == 6 && (text.data[0] == '+' || text.data[0] == '-') && text.data[3] == ':';
    if (!shaped) return fault;
    int32_t digits[4];
    static const size_t places[] = { 1, 2, 4, 5 };
    for (int i = 0; i < 4; i++) {
        char c = text.data[places[i]];
        if (c < '0' || c > '9') return fault;
        digits[i] = c - '0';
    }
    int32_t minutes = digits[2] * 10 + digits[3];
    int32_t offset_s = (digits[0] * 10 + digits[1]) * 3600 + minutes * 60;
    if (minutes > 59 || offset_s > OFFSET_S_MAX) return fault;
    *out_offset_s = text.data[0] == '-' ? -offset_s : offset_s;
    return NULL;
}

/* One of two words, the second of which sets *out_flag. */
static const char *choice_parse(struct str text, struct str no, struct str yes, bool *out_flag)
{
    *out_flag = str_equal(text, yes);
    return *out_flag || str_equal(text, no) ? NULL : "there is no such choice";
}

static const char *group_parse(struct str text, char *out_group)
{
    static const struct {
        const char *name;
        char mark;
    } marks[] = { { "none", 0 }, { ",", ',' }, { ".", '.' }, { "'", '\'' }, { "blank", ' ' } };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (!str_equal(text, str_from(marks[i].name))) continue;
        *out_group = marks[i].mark;
        return NULL;
    }
    return "group is none, blank, a comma, a point or an apostrophe";
}

static const char *currency_parse(struct str code, struct str value,
                                  struct reconcile_currencies *currencies)
{
    uint64_t exponent;
    if (decimal_parse(value, ASSET_EXPONENT_MAX, &exponent) != STATUS_OK)
        return "the decimals of a currency are 0 to 18";
    if (reconcile_currency_add(currencies, code, (unsigned)exponent) != STATUS_OK)
        return "the currency cannot be: ISO codes have their own decimals, others are 3 to 12 of "
               "A-Z 0-9";
    return NULL;
}

static const char *point_parse(struct str text, char *out_point)
{
    if (!str_equal(text, STR(".")) && !str_equal(text, STR(","))) return "point is . or ,";
    *out_point = text.data[0];
    return NULL;
}

static const char *setting_parse(struct str name, struct str value,
                                 struct reconcile_currencies *currencies,
                                 struct reconcile_mapping *mapping)
{
    static const char currency[] = "currency.";
    if (str_starts(name, str_from(currency))) {
        struct str code = { name.data + sizeof currency - 1, name.len - sizeof currency + 1 };
        return currency_parse(code, value, currencies);
    }
    if (str_equal(name, STR("date_format"))) return date_form_parse(value, &mapping->date_form);
    if (str_equal(name, STR("utc_offset"))) return offset_parse(value, &mapping->offset_s);
    if (str_equal(name, STR("point"))) return point_parse(value, &mapping->point);
    if (str_equal(name, STR("group"))) return group_parse(value, &mapping->group);
    if (str_equal(name, STR("unit")))
        return choice_parse(value, STR("major"), STR("minor"), &mapping->minor);
    if (str_equal(name, STR("amount_is")))
        return choice_parse(value, STR("gross"), STR("net"), &mapping->net);
    if (str_equal(name, STR("sign")))
        return choice_parse(value, STR("as_written"), STR("inverted"), &mapping->inverted);
    if (str_equal(name, STR("negative_kinds"))) return words_parse(value, &mapping->negative_kinds);
    if (str_equal(name, STR("skip_kinds"))) return words_parse(value, &mapping->skip_kinds);
    return "there is no such field or setting";
}

static const char *field_parse(enum reconcile_field field, struct str value, bool constant,
                               struct reconcile_mapping *mapping)
{
    if (mapping->fields[field].count > 0) return "the field is given twice";
    if (value.len == 0 || value.len > RECONCILE_TEXT_MAX) return "there is no column";
    mapping->fields[field].constant = constant;
    if (constant) {
        mapping->fields[field].names[0] = value;
        mapping->fields[field].count = 1;
        return NULL;
    }
    if (value.data[value.len - 1] == '+') return "a column's name is empty";
    while (value.len > 0) {
        struct str name = mapping_trimmed(mapping_part_take(&value, '+'));
        uint32_t count = mapping->fields[field].count;
        if (name.len == 0) return "a column's name is empty";
        if (count == (entries[field].several ? RECONCILE_COLUMNS_MAX : 1))
            return entries[field].several ? "more than four columns" : "it takes one column";
        mapping->fields[field].names[count] = name;
        mapping->fields[field].count = count + 1;
    }
    return NULL;
}

static const char *line_take(const struct mapping_line *line,
                             struct reconcile_currencies *currencies,
                             struct reconcile_mapping *mapping)
{
    if (line->broken) return "there is no '='";
    for (uint32_t i = 0; i < RECONCILE_FIELD_COUNT; i++)
        if (str_equal(line->name, str_from(entries[i].name)))
            return field_parse((enum reconcile_field)i, line->value, line->constant, mapping);
    if (line->constant) return "a setting is written with one '='";
    return setting_parse(line->name, line->value, currencies, mapping);
}

static const char *whole_fault(const struct reconcile_mapping *mapping)
{
    bool amount = mapping->fields[RECONCILE_FIELD_AMOUNT].count > 0;
    bool plus = mapping->fields[RECONCILE_FIELD_PLUS].count > 0;
    bool minus = mapping->fields[RECONCILE_FIELD_MINUS].count > 0;
    if (amount == (plus || minus) || plus != minus) return "give amount, or both plus and minus";
    if (mapping->fields[RECONCILE_FIELD_CURRENCY].count == 0) return "currency is not given";
    if (mapping->fields[RECONCILE_FIELD_DATE].count == 0) return "date is not given";
    if (mapping->point == mapping->group) return "point and group are the same";
    bool kinds = mapping->negative_kinds.count + mapping->skip_kinds.count > 0;
    if (kinds && mapping->fields[RECONCILE_FIELD_KIND].count == 0) return "kind is not given";
    return NULL;
}

enum status reconcile_mapping_parse(struct str text, struct reconcile_currencies *currencies,
                                    struct reconcile_mapping *out_mapping, struct error *out_error)
{
    struct reconcile_mapping mapping = { .point = '.' };
    struct mapping_line line = { 0 };
    while (mapping_line_next(&text, &line)) {
        const char *fault = line_take(&line, currencies, &mapping);
        if (fault != NULL)
            return error_set(out_error, STATUS_INVALID, "mapping, line %u: %s", line.number, fault);
    }
    const char *fault = whole_fault(&mapping);
    if (fault != NULL) return error_set(out_error, STATUS_INVALID, "mapping: %s", fault);
    *out_mapping = mapping;
    return STATUS_OK;
}

static enum status column_find(struct str name, const struct str *header, uint32_t count,
                               int32_t *out_column, struct error *out_error)
{
    int32_t found = -1;
    for (uint32_t i = 0; i < count; i++) {
        if (!str_equal(mapping_trimmed(header[i]), name)) continue;
        if (found >= 0)
            return error_set(out_error, STATUS_INVALID, "the file has two columns '%.*s'",
                             STR_ARG(name));
        found = (int32_t)i;
    }
    if (found < 0)
        return error_set(out_error, STATUS_INVALID, "the file has no column '%.*s'", STR_ARG(name));
    *out_column = found;
    return STATUS_OK;
}

enum status reconcile_mapping_bind(struct reconcile_mapping *mapping, const struct str *header,
                                   uint32_t count, struct error *out_error)
{
    for (uint32_t i = 0; i < RECONCILE_FIELD_COUNT; i++) {
        if (mapping->fields[i].constant) continue;
        for (uint32_t k = 0; k < mapping->fields[i].count; k++) {
            enum status status = column_find(mapping->fields[i].names[k], header, count,
                                             &mapping->fields[i].columns[k], out_error);
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}
