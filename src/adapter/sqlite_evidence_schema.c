/* Tables follow model/evidence.h: their names and columns come from that table alone. */
#include "adapter/sqlite_evidence_schema.h"

#include <string.h>

#include "adapter/sqlite_connection.h"
#include "base/buf.h"
#include "model/evidence.h"

enum { SCHEMA_TEXT_MAX = 16 << 10 };

static const char views[] =
    "CREATE TABLE violation(inv, key, account, ccy, delta, ts, w);"
    "CREATE INDEX violation_inv ON violation(inv, key);"
    "CREATE INDEX violation_account ON violation(account);"
    "CREATE VIEW posted AS SELECT * FROM ledger_tx WHERE state IS NULL OR state = 'posted';"
    "CREATE VIEW held AS SELECT o.* FROM hold o WHERE NOT EXISTS (SELECT 1 FROM hold n"
    " WHERE n.hold = o.hold AND"
    "  (coalesce(n.lsn, 0), coalesce(n.ts, 0), n.state <> 'active', coalesce(n.captured, 0), n.r) >"
    "  (coalesce(o.lsn, 0), coalesce(o.ts, 0), o.state <> 'active', coalesce(o.captured, 0), o.r));"
    "CREATE VIEW unheard AS SELECT * FROM request"
    " WHERE error IS NOT NULL OR status IN (408, 499, 502, 503, 504);"
    "CREATE VIEW heard AS SELECT * FROM request h WHERE error IS NULL AND"
    " status BETWEEN 200 AND 498 AND status NOT IN (408, 429) AND NOT EXISTS"
    " (SELECT 1 FROM unheard u WHERE u.idem = h.idem AND (u.trace = h.trace OR"
    "  (u.trace IS NULL OR h.trace IS NULL) AND (u.tx IS NULL OR h.tx IS NULL) AND h.ts BETWEEN"
    "  u.ts - 1000000000 AND coalesce(u.done_ts, u.ts + 1000000000)));"
    "CREATE VIEW takes_back AS SELECT m.tx AS tx, o.tx AS payment, CASE WHEN m.type = 'reversal' OR"
    "   m.reference IS NOT NULL AND m.reversal_of IS NULL OR EXISTS (SELECT 1 FROM posted e WHERE"
    "    e.idem = o.idem AND e.type IS o.type AND (e.ts, e.tx) < (o.ts, o.tx)) THEN o.idem END AS key"
    "  FROM (SELECT r AS by, (SELECT min(r) FROM ledger_tx WHERE tx = n.reversal_of) AS of"
    "    FROM posted n WHERE n.reversal_of IS NOT NULL"
    "   UNION ALL SELECT r, coalesce((SELECT min(r) FROM posted WHERE tx = n.reference),"
    "     (SELECT r FROM posted WHERE idem = n.reference ORDER BY ts DESC, tx DESC LIMIT 1))"
    "    FROM posted n WHERE n.reference IS NOT NULL AND n.reversal_of IS NULL AND"
    "     coalesce(n.type, 'other') IN ('refund', 'transfer', 'adjust', 'compensation', 'other')"
    "   UNION ALL SELECT r, (SELECT max(c.r) FROM posted c WHERE c.psp_ref = n.psp_ref AND"
    "     coalesce(c.type, 'payment') IN ('payment', 'capture', 'deposit') HAVING count(*) = 1)"
    "    FROM posted n WHERE n.type = 'refund' AND coalesce(n.cause, 'manual') = 'manual' AND"
    "     n.reversal_of IS NULL AND n.reference IS NULL) g"
    "  JOIN ledger_tx m ON m.r = g.by JOIN ledger_tx o ON o.r = g.of WHERE m.tx <> o.tx;"
    "CREATE VIEW own_effect AS SELECT a.* FROM applied a WHERE a.result = 'effect' AND NOT EXISTS"
    " (SELECT 1 FROM ledger_tx l WHERE l.tx = a.tx AND a.event IS NOT NULL AND (l.event <> a.event"
    "  OR l.event IS NULL AND l.cause <> 'message' AND EXISTS"
    "  (SELECT 1 FROM ledger_tx t WHERE t.cause = 'message' AND t.event IS NOT NULL)));"
    "CREATE VIEW customer_leg AS SELECT p.* FROM posting p WHERE NOT EXISTS"
    " (SELECT 1 FROM account a WHERE a.account = p.account AND a.ccy = p.ccy"
    "  AND a.type NOT IN ('customer', 'merchant'));"
    "CREATE VIEW setting AS SELECT name, value, r FROM config c WHERE NOT EXISTS"
    " (SELECT 1 FROM config d WHERE d.name = c.name AND"
    "  (coalesce(d.ts, 0), d.r) > (coalesce(c.ts, 0), c.r));"
    "CREATE VIEW xact AS SELECT xid,"
    " min(CASE WHEN op = 'begin' THEN pos END) AS begin_pos,"
    " max(CASE WHEN op = 'commit' THEN pos END) AS commit_pos,"
    " max(CASE WHEN op = 'abort' THEN pos END) AS abort_pos,"
    " min(pos) AS first_pos, max(pos) AS last_pos"
    " FROM wal WHERE xid IS NOT NULL GROUP BY xid;";

static enum status execute(sqlite3 *db, struct buf *sql, struct error *out_error)
{
    if (buf_status(sql) != STATUS_OK) return error_set(out_error, STATUS_LIMIT, "a table's text");
    return sqlite_execute(db, buf_terminated(sql), out_error);
}

/* Names stand between these pieces; they are constants of evidence_kinds. */
static const char create_table[] = "CREATE TABLE ";
static const char create_index[] = "CREATE INDEX ";
static const char create_virtual[] = "CREATE VIRTUAL TABLE ";

static void append(struct buf *sql, const char *text)
{
    buf_append_str(sql, str_from(text));
}

static enum status make_table(sqlite3 *db, const struct evidence_kind *kind,
                              struct error *out_error)
{
    const struct evidence_field *field;
    struct buf BUF_SCOPE sql;
    buf_init(&sql, SCHEMA_TEXT_MAX);
    append(&sql, create_table);
    append(&sql, kind->name);
    append(&sql, "(r INTEGER PRIMARY KEY, src, h");
    for (uint32_t i = 0; (field = evidence_field_at(kind, i)) != NULL; i++) {
        append(&sql, ", ");
        append(&sql, field->name);
    }
    append(&sql, ")");
    return execute(db, &sql, out_error);
}

static enum status make_indexes(sqlite3 *db, const struct evidence_kind *kind,
                                struct error *out_error)
{
    struct buf BUF_SCOPE sql;
    buf_init(&sql, SCHEMA_TEXT_MAX);
    for (const char *at = kind->indexes; *at != '\0';) {
        struct str column = { at, strcspn(at, " ") };
        append(&sql, create_index);
        append(&sql, kind->name);
        append(&sql, "_");
        buf_append_str(&sql, column);
        append(&sql, " ON ");
        append(&sql, kind->name);
        append(&sql, "(");
        buf_append_str(&sql, column);
        append(&sql, ");");
        at += column.len;
        if (*at == ' ') at++;
    }
    return sql.len == 0 ? STATUS_OK : execute(db, &sql, out_error);
}

static enum status make_virtual(sqlite3 *db, const struct evidence_kind *kind,
                                struct error *out_error)
{
    struct buf BUF_SCOPE sql;
    buf_init(&sql, SCHEMA_TEXT_MAX);
    append(&sql, create_virtual);
    append(&sql, kind->name);
    append(&sql, " USING evidence");
    return execute(db, &sql, out_error);
}

enum status sqlite_evidence_schema(sqlite3 *db, bool in_files, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (uint32_t k = 0; status == STATUS_OK && k < evidence_kind_count(); k++) {
        const struct evidence_kind *kind = &evidence_kinds[k];
        status = in_files ? make_virtual(db, kind, out_error) : make_table(db, kind, out_error);
        if (status == STATUS_OK && !in_files) status = make_indexes(db, kind, out_error);
    }
    if (status == STATUS_OK) status = sqlite_execute(db, views, out_error);
    return status;
}

enum status sqlite_evidence_prepare(sqlite3 *db, uint32_t kind, enum evidence_statement what,
                                    sqlite3_stmt **out_statement, struct error *out_error)
{
    static const struct {
        const char *before;
        const char *after;
    } pieces[] = {
        [EVIDENCE_INSERT] = { "INSERT INTO ", " VALUES(?, ?, ?" },
        [EVIDENCE_CITE] = { "SELECT h, src, ts FROM ", " WHERE r = ?" },
        [EVIDENCE_DROP] = { "DELETE FROM ", " WHERE h = ? RETURNING src" },
        [EVIDENCE_CLEAR] = { "DELETE FROM ", "" },
    };
    struct buf BUF_SCOPE sql;
    buf_init(&sql, SCHEMA_TEXT_MAX);
    append(&sql, pieces[what].before);
    append(&sql, evidence_kinds[kind].name);
    append(&sql, pieces[what].after);
    if (what == EVIDENCE_INSERT) {
        for (uint32_t i = 0; evidence_field_at(&evidence_kinds[kind], i) != NULL; i++) {
            append(&sql, ", ?");
        }
        append(&sql, ")");
    }
    if (buf_status(&sql) != STATUS_OK) return error_set(out_error, STATUS_LIMIT, "a statement");
    return sqlite_prepare(db, buf_terminated(&sql), out_statement, out_error);
}
