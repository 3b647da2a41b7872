#include "doctor/pgoutput_session.h"

#include "base/check.h"

void pgoutput_session_init(struct pgoutput_session *session, const struct wal_mapping *mapping,
                           struct wal_writer *writer)
{
    session->mapping = mapping;
    session->writer = writer;
    session->inside = false;
    session->relation_count = 0;
}

static enum status broken(struct error *out_error, const char *what)
{
    return error_set(out_error, STATUS_INVALID, "the log is broken: %s", what);
}

/* Its place, or PGOUTPUT_RELATIONS_MAX. */
static uint32_t relation_find(const struct pgoutput_session *session, uint32_t relation)
{
    for (uint32_t i = 0; i < session->relation_count; i++)
        if (session->relations[i].relation == relation) return i;
    return PGOUTPUT_RELATIONS_MAX;
}

static enum status relation_take(struct pgoutput_session *session, struct error *out_error)
{
    const struct pgoutput_message *message = &session->message;
    uint32_t at = relation_find(session, message->relation);
    if (at == PGOUTPUT_RELATIONS_MAX) {
        if (session->relation_count == PGOUTPUT_RELATIONS_MAX)
            return error_set(out_error, STATUS_LIMIT, "the log tells of more than 1024 tables");
        at = session->relation_count++;
    }
    BUF_SCOPE struct buf name;
    buf_init(&name, 2 * WAL_NAME_MAX);
    buf_append_str(&name, message->schema.len == 0 ? STR("pg_catalog") : message->schema);
    buf_append_byte(&name, '.');
    buf_append_str(&name, message->name);
    session->relations[at].relation = message->relation;
    session->relations[at].column_count = message->column_count;
    session->relations[at].mapped = false;
    enum status status =
        wal_mapping_bind(session->mapping, buf_view(&name), message->columns, message->column_count,
                         &session->relations[at].binding, out_error);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    session->relations[at].mapped = status == STATUS_OK;
    return status;
}

static enum status row_take(struct pgoutput_session *session, int64_t pos, struct error *out_error)
{
    const struct pgoutput_message *message = &session->message;
    uint32_t at = relation_find(session, message->relation);
    if (at == PGOUTPUT_RELATIONS_MAX) return broken(out_error, "a row of a table it did not name");
    if (session->relations[at].column_count != message->column_count)
        return broken(out_error, "a row has not the columns of its table");
    if (!session->relations[at].mapped) return STATUS_OK;
    static const enum wal_op ops[] = {
        [PGOUTPUT_INSERT] = WAL_INSERT,
        [PGOUTPUT_UPDATE] = WAL_UPDATE,
        [PGOUTPUT_DELETE] = WAL_DELETE,
    };
    const struct wal_row row = {
        .op = ops[message->type],
        .pos = pos,
        .binding = &session->relations[at].binding,
        .before = message->has_before ? message->before : NULL,
        .after = message->type == PGOUTPUT_DELETE ? NULL : message->after,
    };
    wal_writer_row(session->writer, &row);
    return STATUS_OK;
}

static enum status truncate_take(struct pgoutput_session *session, int64_t pos,
                                 struct error *out_error)
{
    const struct pgoutput_message *message = &session->message;
    for (uint32_t i = 0; i < message->truncated_count; i++) {
        uint32_t at = relation_find(session, message->truncated[i]);
        if (at == PGOUTPUT_RELATIONS_MAX)
            return broken(out_error, "a TRUNCATE of a table it did not name");
        if (session->relations[at].mapped)
            wal_writer_truncate(session->writer, pos, session->relations[at].binding.table);
    }
    return STATUS_OK;
}

enum status pgoutput_session_take(struct pgoutput_session *session, int64_t pos, struct str bytes,
                                  struct error *out_error)
{
    const struct pgoutput_message *message = &session->message;
    enum status status = pgoutput_parse(bytes, &session->message, out_error);
    if (status != STATUS_OK) return status;
    if (session->inside == (message->type == PGOUTPUT_BEGIN))
        return broken(out_error, session->inside ? "a transaction begins inside of another"
                                                 : "a message stands outside of a transaction");
    switch (message->type) {
    case PGOUTPUT_BEGIN:
        session->inside = true;
        wal_writer_begin(session->writer, message->xid, pos, message->at);
        return STATUS_OK;
    case PGOUTPUT_COMMIT:
        session->inside = false;
        wal_writer_end(session->writer, "commit", (int64_t)message->lsn, STR(""));
        return STATUS_OK;
    case PGOUTPUT_RELATION: return relation_take(session, out_error);
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE: return row_take(session, pos, out_error);
    case PGOUTPUT_TRUNCATE: return truncate_take(session, pos, out_error);
    case PGOUTPUT_ORIGIN:
    case PGOUTPUT_TYPE: return STATUS_OK; /* where it came from, and types: no records */
    }
    CHECK(false);
}
