#include "doctor/wal_writer.h"

#include "base/check.h"

void wal_writer_begin(struct wal_writer *writer, int64_t xid, int64_t pos, struct wall_time at)
{
    writer->xid = xid;
    writer->begin_pos = pos;
    writer->at = at;
    if (writer->first.ns == 0) writer->first = at;
    writer->begun = false;
    writer->provisional = false;
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
    if (!wal_facts_read(row, writer->currencies, &facts)) {
        writer->rejected++;
        return;
    }
    row_write(writer, row, &facts);
    const struct wal_moment moment = { writer->xid, writer->at };
    if (writer->books == NULL) return;
    if (writer->provisional)
        writer->books->unknown++;
    else
        wal_books_row(writer->books, row, &facts, &moment);
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
