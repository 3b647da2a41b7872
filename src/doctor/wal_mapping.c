#include "doctor/wal_mapping.h"

#include "base/decimal.h"
#include "doctor/mapping_line.h"

static const char *const field_names[] = {
#define FIELD_NAME(name, text) (text),
    WAL_FIELD_TABLE(FIELD_NAME)
#undef FIELD_NAME
};

/* Each of these returns NULL, or what is wrong. */
static const char *table_begin(struct str record, struct str name, struct wal_mapping *mapping)
{
    if (mapping->count == WAL_TABLES_MAX) return "more than 16 tables";
    if (record.len == 0 || record.len > 32) return "a record's name has 1 to 32 letters";
    for (size_t i = 0; i < record.len; i++)
        if ((record.data[i] < 'a' || record.data[i] > 'z') && record.data[i] != '_')
            return "a record's name has letters a to z, and _";
    if (name.len == 0 || name.len > WAL_NAME_MAX || memchr(name.data, '.', name.len) == NULL)
        return "a table is SCHEMA.NAME";
    for (uint32_t i = 0; i < mapping->count; i++)
        if (str_equal(mapping->tables[i].name, name)) return "the table is given twice";
    mapping->tables[mapping->count++] = (struct wal_table){ .record = record, .name = name };
    return NULL;
}

static const char *choice(struct str text, struct str no, struct str yes, bool *out_flag)
{
    *out_flag = str_equal(text, yes);
    return *out_flag || str_equal(text, no) ? NULL : "there is no such choice";
}

static const char *field_set(struct wal_table *table, const struct mapping_line *line)
{
    for (uint32_t i = 0; i < WAL_FIELD_COUNT; i++) {
        if (!str_equal(line->name, str_from(field_names[i]))) continue;
        if (table->fields[i].name.len > 0) return "the field is given twice";
        if (line->value.len == 0 || line->value.len > WAL_NAME_MAX) return "there is no column";
        if (line->constant && i != WAL_FIELD_CURRENCY && i != WAL_FIELD_ACCOUNT)
            return "only account and currency may be constants";
        table->fields[i].name = line->value;
        table->fields[i].constant = line->constant;
        return NULL;
    }
    return "there is no such field or setting";
}

static const char *currency_set(const struct mapping_line *line, struct str code,
                                struct reconcile_currencies *currencies)
{
    uint64_t exponent;
    bool good = decimal_parse(line->value, ASSET_EXPONENT_MAX, &exponent) == STATUS_OK &&
                reconcile_currency_add(currencies, code, (unsigned)exponent) == STATUS_OK;
    return good ? NULL : "currency.CODE is the decimals, 0 to 18, of what ISO 4217 does not have";
}

static const char *line_take(const struct mapping_line *line,
                             struct reconcile_currencies *currencies, struct wal_mapping *mapping)
{
    static const char table_word[] = "table ";
    static const char currency_word[] = "currency.";
    struct str rest = line->name;
    if (line->broken) return "there is no '='";
    if (str_starts(rest, str_from(table_word))) {
        rest = (struct str){ rest.data + sizeof table_word - 1, rest.len - sizeof table_word + 1 };
        return table_begin(mapping_trimmed(rest), line->value, mapping);
    }
    if (str_starts(rest, str_from(currency_word))) {
        rest = (struct str){ rest.data + sizeof currency_word - 1,
                             rest.len - sizeof currency_word + 1 };
        return currency_set(line, rest, currencies);
    }
    if (mapping->count == 0) return "a line `table RECORD = SCHEMA.NAME` comes first";
    struct wal_table *table = &mapping->tables[mapping->count - 1];
    if (str_equal(rest, STR("unit")))
        return choice(line->value, STR("major"), STR("minor"), &table->minor);
    if (str_equal(rest, STR("sign")))
        return choice(line->value, STR("as_written"), STR("inverted"), &table->inverted);
    return field_set(table, line);
}

static const char *whole_fault(const struct wal_mapping *mapping)
{
    if (mapping->count == 0) return "there is no table";
    for (uint32_t i = 0; i < mapping->count; i++) {
        const struct wal_table *table = &mapping->tables[i];
        bool amount = table->fields[WAL_FIELD_AMOUNT].name.len > 0;
        if (amount && table->fields[WAL_FIELD_CURRENCY].name.len == 0)
            return "a table with an amount has a currency";
        if (str_equal(table->record, STR("account")) &&
            (!amount || table->fields[WAL_FIELD_ACCOUNT].name.len == 0))
            return "the table `account` has an account and an amount";
    }
    return NULL;
}

enum status wal_mapping_parse(struct str text, struct reconcile_currencies *currencies,
                              struct wal_mapping *out_mapping, struct error *out_error)
{
    struct wal_mapping mapping = { .count = 0 };
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

/* ---- the columns of a log ---- */

static int32_t column_find(struct str name, const struct str *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (str_equal(columns[i], name)) return (int32_t)i;
    return -1;
}

enum status wal_mapping_bind(const struct wal_mapping *mapping, struct str name,
                             const struct str *columns, uint32_t count,
                             struct wal_binding *out_binding, struct error *out_error)
{
    struct wal_binding binding = { .table = NULL };
    for (uint32_t i = 0; i < mapping->count && binding.table == NULL; i++)
        if (str_equal(mapping->tables[i].name, name)) binding.table = &mapping->tables[i];
    if (binding.table == NULL)
        return error_set(out_error, STATUS_NOT_FOUND, "the table %.*s is not mapped",
                         STR_ARG(name));
    for (uint32_t i = 0; i < WAL_FIELD_COUNT; i++) {
        binding.columns[i] = -1;
        struct str column = binding.table->fields[i].name;
        if (column.len == 0 || binding.table->fields[i].constant) continue;
        binding.columns[i] = column_find(column, columns, count);
        if (binding.columns[i] < 0)
            return error_set(out_error, STATUS_INVALID, "the table %.*s has no column '%.*s'",
                             STR_ARG(name), STR_ARG(column));
    }
    *out_binding = binding;
    return STATUS_OK;
}
