#include "doctor/wal_writer.h"

#include "base/check.h"

/* ---- what a row says ---- */

/* What a mapped row says; views into its values. */
struct wal_facts {
    struct str fields[WAL_FIELD_COUNT]; /* as the newest image has them; amount and version below */
    struct str ccy;                     /* as its code is written in evidence */
    bool has_before_amount;
    bool has_after_amount;
    bool has_before_version;
    bool has_after_version;
    struct signed_amount before_amount;
    struct signed_amount after_amount;
    int64_t before_version;
    int64_t after_version;
};

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
    const struct signed_amount_form form = { exponent, '.', 0, table->minor };
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

/* False: a value is not what its field needs. */
static bool facts_read(const struct wal_row *row, struct reconcile_currencies *currencies,
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

/* ---- a transaction ---- */

void wal_writer_begin(struct wal_writer *writer, int64_t xid, int64_t pos, struct wall_time at)
{
    writer->xid = xid;
    writer->begin_pos = pos;
    writer->at = at;
    if (writer->first.ns == 0) writer->first = at;
    writer->begun = false;
    memset(writer->ids, 0, sizeof writer->ids);
}

static void record_begin(struct wal_writer *writer, const char *op, int64_t pos,
                         struct evidence_line *line)
{
    evidence_begin(line, writer->out, "wal", writer->masked);
    evidence_time(line, "ts", writer->at);
    evidence_int(line, "pos", pos);
    evidence_word(line, "op", op);
    evidence_int(line, "xid", writer->xid);
}

static void record_end(struct wal_writer *writer, struct evidence_line *line)
{
    evidence_end(line);
    writer->rows++;
}

static void begin_write(struct wal_writer *writer)
{
    struct evidence_line line;
    if (writer->begun) return;
    writer->begun = true;
    record_begin(writer, "begin", writer->begin_pos, &line);
    record_end(writer, &line);
}

static void id_keep(struct wal_writer *writer, int id, struct str text)
{
    bool first = writer->ids[id].len == 0;
    struct str kept = { writer->ids[id].text, writer->ids[id].len };
    if (text.len == 0) return;
    if (text.len > WAL_ID_MAX || (!first && !str_equal(kept, text))) {
        writer->ids[id].several = true;
    } else if (first) {
        memcpy(writer->ids[id].text, text.data, text.len);
        writer->ids[id].len = text.len;
    }
}

static void amounts_write(const struct wal_facts *facts, struct evidence_line *line)
{
    if (facts->has_before_amount) evidence_amount(line, "before_amount", facts->before_amount);
    if (facts->has_after_amount) evidence_amount(line, "after_amount", facts->after_amount);
    if (facts->has_before_version) evidence_int(line, "before_ver", facts->before_version);
    if (facts->has_after_version) evidence_int(line, "after_ver", facts->after_version);
}

static const char *const ops[] = {
    [WAL_INSERT] = "insert",
    [WAL_UPDATE] = "update",
    [WAL_DELETE] = "delete",
};

static void row_write(struct wal_writer *writer, const struct wal_row *row,
                      const struct wal_facts *facts)
{
    const struct wal_table *table = row->binding->table;
    struct evidence_line line;
    CHECK(row->op <= WAL_DELETE);
    begin_write(writer);
    record_begin(writer, ops[row->op], row->pos, &line);
    evidence_text(&line, "table_name", table->record);
    evidence_text(&line, "key", facts->fields[WAL_FIELD_KEY]);
    evidence_text(&line, "tx", facts->fields[WAL_FIELD_TX]);
    evidence_text(&line, "idem", facts->fields[WAL_FIELD_IDEM]);
    evidence_text(&line, "account", facts->fields[WAL_FIELD_ACCOUNT]);
    evidence_text(&line, "event", facts->fields[WAL_FIELD_EVENT]);
    evidence_text(&line, "psp_ref", facts->fields[WAL_FIELD_PSP_REF]);
    evidence_text(&line, "ccy", facts->ccy);
    amounts_write(facts, &line);
    record_end(writer, &line);
    id_keep(writer, 0, facts->fields[WAL_FIELD_TX]);
    id_keep(writer, 1, facts->fields[WAL_FIELD_IDEM]);
}

void wal_writer_row(struct wal_writer *writer, const struct wal_row *row)
{
    struct wal_facts facts;
    if (facts_read(row, writer->currencies, &facts))
        row_write(writer, row, &facts);
    else
        writer->rejected++;
}

void wal_writer_truncate(struct wal_writer *writer, int64_t pos, const struct wal_table *table)
{
    struct evidence_line line;
    begin_write(writer);
    record_begin(writer, "truncate", pos, &line);
    evidence_text(&line, "table_name", table->record);
    record_end(writer, &line);
}

void wal_writer_end(struct wal_writer *writer, const char *op, int64_t pos, struct str gid)
{
    static const char *const names[] = { "tx", "idem" };
    struct evidence_line line;
    if (!writer->begun && gid.len == 0) return;
    begin_write(writer);
    record_begin(writer, op, pos, &line);
    evidence_text(&line, "gid", gid);
    for (int i = 0; i < 2; i++)
        if (!writer->ids[i].several)
            evidence_text(&line, names[i], (struct str){ writer->ids[i].text, writer->ids[i].len });
    record_end(writer, &line);
}
