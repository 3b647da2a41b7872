#include "doctor/wal_facts.h"

/* False: the image does not tell, or there is none. */
static bool text_of(const struct wal_binding *binding, enum wal_field field,
                    const struct row_value *image, struct str *out_text)
{
    if (binding->table->fields[field].constant) {
        *out_text = binding->table->fields[field].name;
        return true;
    }
    int32_t column = binding->columns[field];
    if (image == NULL || column < 0 || image[column].kind != ROW_VALUE_TEXT) return false;
    *out_text = image[column].text;
    return true;
}

static bool version_parse(struct str text, int64_t *out_version)
{
    struct signed_amount number;
    const struct signed_amount_form whole = { .point = '.', .minor = true };
    if (signed_amount_parse(text, &whole, &number) != STATUS_OK) return false;
    if (number.minor < INT64_MIN || number.minor > INT64_MAX) return false;
    *out_version = (int64_t)number.minor;
    return true;
}

/* True with *out_has false: the image has no amount. */
static bool amount_read(const struct wal_binding *binding, const struct row_value *image,
                        unsigned exponent, bool *out_has, struct signed_amount *out_amount)
{
    struct str text;
    const struct wal_table *table = binding->table;
    const struct signed_amount_form form = { .exponent = exponent,
                                             .point = '.',
                                             .minor = table->minor };
    if (!text_of(binding, WAL_FIELD_AMOUNT, image, &text)) return true;
    if (signed_amount_parse(text, &form, out_amount) != STATUS_OK) return false;
    if (table->inverted) out_amount->minor = -out_amount->minor; /* the parser takes 127 bits */
    *out_has = true;
    return true;
}

static bool version_read(const struct wal_binding *binding, const struct row_value *image,
                         bool *out_has, int64_t *out_version)
{
    struct str text;
    if (!text_of(binding, WAL_FIELD_VERSION, image, &text)) return true;
    *out_has = version_parse(text, out_version);
    return *out_has;
}

bool wal_facts_read(const struct wal_row *row, struct reconcile_currencies *currencies,
                    struct wal_facts *out_facts)
{
    struct wal_facts facts = { 0 };
    const struct wal_binding *binding = row->binding;
    for (int field = 0; field < WAL_FIELD_COUNT; field++) {
        enum wal_field at = (enum wal_field)field;
        if (!text_of(binding, at, row->after, &facts.fields[field]))
            (void)text_of(binding, at, row->before, &facts.fields[field]); /* "" when untold */
    }
    unsigned exponent = 0;
    if (facts.fields[WAL_FIELD_CURRENCY].len > 0) {
        uint32_t currency;
        if (!reconcile_currency_find(currencies, facts.fields[WAL_FIELD_CURRENCY], &currency))
            return false;
        exponent = currencies->list[currency].exponent;
        facts.ccy = str_from(currencies->list[currency].code);
    }
    bool good =
        amount_read(binding, row->before, exponent, &facts.has_before_amount,
                    &facts.before_amount) &&
        amount_read(binding, row->after, exponent, &facts.has_after_amount, &facts.after_amount) &&
        version_read(binding, row->before, &facts.has_before_version, &facts.before_version) &&
        version_read(binding, row->after, &facts.has_after_version, &facts.after_version);
    if (good) *out_facts = facts;
    return good;
}
