/*
 * Goal: no bytes make the reading of MariaDB's binlog crash, whatever its events say of columns and
 * sizes; records are lines.
 * Method: the input as a series of events about one mapped table: a letter, two bytes of length, and
 * what the event says; columns beyond the input's are never there.
 */
#include "base/check.h"
#include "doctor/binlog_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct binlog_session session;
static const struct str columns[] = { STR("id"), STR("balance"), STR("version") };
static const bool is_unsigned[] = { false, false, true };

static struct str part(struct str *rest, size_t len)
{
    if (len > rest->len) len = rest->len;
    struct str taken = { rest->data, len };
    *rest = (struct str){ rest->data + len, rest->len - len };
    return taken;
}

static enum status map(struct str text, struct error *out_error)
{
    struct binlog_map given = { .id = 1, .database = STR("app"), .table = STR("wallet") };
    given.types = part(&text, 3);
    given.metadata = part(&text, 6);
    given.names = text;
    return binlog_session_map(&session, &given, out_error);
}

static enum status rows(struct str text, struct error *out_error)
{
    struct str head = part(&text, 2);
    if (head.len < 2) return STATUS_OK;
    const uint8_t before = (uint8_t)head.data[0];
    const uint8_t after = (uint8_t)head.data[1];
    enum wal_op op = (enum wal_op)((before >> 3) % 3);
    const struct binlog_rows given = {
        1, op, 7, 3, op == WAL_INSERT ? NULL : &before, op == WAL_DELETE ? NULL : &after, text,
    };
    return binlog_session_rows(&session, &given, out_error);
}

static enum status event(char letter, struct str text, struct error *out_error)
{
    switch (letter) {
    case 'b':
        binlog_session_begin(&session, 1, 1, (struct wall_time){ 1 }, false);
        return STATUS_OK;
    case 'm': return map(text, out_error);
    case 'r': return rows(text, out_error);
    case 'q': binlog_session_query(&session, 2, STR("app"), text, text); return STATUS_OK;
    default: binlog_session_end(&session, "commit", 3, text); return STATUS_OK;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "table account = app.wallet\naccount = id\namount = balance\n"
                               "version = version\ncurrency == EUR\n";
    static struct reconcile_currencies currencies;
    static struct wal_mapping mapping;
    struct mask_counts masked = { 0, 0 };
    struct error error;
    struct arena arena;
    struct str rest = { (const char *)data, size };
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    const struct binlog_schema schema = { STR("app.wallet"), 3, columns, is_unsigned };
    struct wal_writer writer = { .currencies = &currencies, .out = &out, .masked = &masked };
    enum status status = arena_init(&arena, 1 << 16);
    if (status == STATUS_OK) status = wal_mapping_parse(STR(text), &currencies, &mapping, &error);
    binlog_session_init(&session, &writer, &arena);
    if (status == STATUS_OK) status = binlog_session_schema(&session, &mapping, &schema, &error);
    CHECK(status == STATUS_OK);
    while (rest.len >= 3 && status == STATUS_OK) {
        struct str head = part(&rest, 3);
        size_t len = (size_t)(uint8_t)head.data[1] << 8 | (uint8_t)head.data[2];
        status = event(head.data[0], part(&rest, len), &error);
    }
    CHECK(out.len == 0 || out.overflow || out.data[out.len - 1] == '\n');
    arena_done(&arena);
    return 0;
}
