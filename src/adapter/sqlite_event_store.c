#include "adapter/sqlite_event_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/sqlite_connection.h"
#include "base/check.h"

enum {
    PAGE_SIZE = 4096,
    CACHE_KIB = 16 << 10,
    WAL_FRAMES_MAX = 4096, /* 16 MiB; then it is moved into the database */
};

enum statement {
    MARK_SELECT,
    MARK_REPLACE,
    BELOW_FLOOR,
    INBOX_INSERT,
    SOURCE_COUNT,
    EDGE_SELECT,
    INBOX_CUT,
    SOURCE_CUT,
    PAYMENT_UPSERT,
    HAPPENED_ADD,
    LETTER_INSERT,
    LETTER_DELETE,
    LETTERS_SELECT,
    ERRAND_INSERT,
    ERRAND_FIRST,
    ERRAND_DELETE,
    SETTING_SELECT,
    SETTING_REPLACE,
    STATEMENT_COUNT,
};

static const char *const SQL[STATEMENT_COUNT] = {
    [MARK_SELECT] = "SELECT next FROM mark WHERE partition=?1",
    [MARK_REPLACE] = "INSERT OR REPLACE INTO mark(partition, next) VALUES(?1, ?2)",
    [BELOW_FLOOR] = "SELECT 1 FROM source WHERE source=?1 AND (floor_batch, floor_unit)>=(?2, ?3)",
    [INBOX_INSERT] = "INSERT OR IGNORE INTO inbox(source, batch, unit) VALUES(?1, ?2, ?3)",
    [SOURCE_COUNT] =
        "INSERT INTO source(source, floor_batch, floor_unit, kept) VALUES(?1, -1, -1, 1)"
        " ON CONFLICT(source) DO UPDATE SET kept=kept+1 RETURNING kept",
    [EDGE_SELECT] = "SELECT batch, unit FROM inbox WHERE source=?1"
                    " ORDER BY batch DESC, unit DESC LIMIT 1 OFFSET ?2",
    [INBOX_CUT] = "DELETE FROM inbox WHERE source=?1 AND (batch, unit)<=(?2, ?3)",
    [SOURCE_CUT] = "UPDATE source SET floor_batch=?2, floor_unit=?3, kept=?4 WHERE source=?1",
    [PAYMENT_UPSERT] = "INSERT INTO payment(id, kind, state, asset, amount, version, event)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                       " ON CONFLICT(id) DO UPDATE SET kind=excluded.kind, state=excluded.state,"
                       " asset=excluded.asset, amount=excluded.amount, version=excluded.version,"
                       " event=excluded.event WHERE excluded.version>payment.version",
    [HAPPENED_ADD] = "INSERT INTO happened(type, day, events) VALUES(?1, ?2, 1)"
                     " ON CONFLICT(type, day) DO UPDATE SET events=events+1",
    [LETTER_INSERT] = "INSERT OR IGNORE INTO letter(partition, position, reason, key, value)"
                      " VALUES(?1, ?2, ?3, ?4, ?5)",
    [LETTER_DELETE] = "DELETE FROM letter WHERE partition=?1 AND position=?2",
    [LETTERS_SELECT] =
        "SELECT partition, position, reason, key, value FROM letter"
        " WHERE (partition, position)>(?1, ?2) ORDER BY partition, position LIMIT ?3",
    [ERRAND_INSERT] = "INSERT INTO errand(id, traceparent, value) VALUES(?1, ?2, ?3)",
    [ERRAND_FIRST] = "SELECT number, id, traceparent, value FROM errand ORDER BY number LIMIT 1",
    [ERRAND_DELETE] = "DELETE FROM errand WHERE number=?1 AND id=?2",
    [SETTING_SELECT] = "SELECT value FROM setting WHERE name=?1",
    [SETTING_REPLACE] = "INSERT OR REPLACE INTO setting(name, value) VALUES(?1, ?2)",
};

static const struct sqlite_table TABLES[] = {
    { "mark", "CREATE TABLE mark(partition INTEGER PRIMARY KEY, next INTEGER)" },
    { "inbox", "CREATE TABLE inbox(source TEXT, batch INTEGER, unit INTEGER,"
               " PRIMARY KEY(source, batch, unit)) WITHOUT ROWID" },
    { "source", "CREATE TABLE source(source TEXT PRIMARY KEY, floor_batch INTEGER,"
                " floor_unit INTEGER, kept INTEGER) WITHOUT ROWID" },
    { "payment", "CREATE TABLE payment(id TEXT PRIMARY KEY, kind TEXT, state TEXT, asset TEXT,"
                 " amount TEXT, version INTEGER, event TEXT) WITHOUT ROWID" },
    { "happened", "CREATE TABLE happened(type TEXT, day TEXT, events INTEGER,"
                  " PRIMARY KEY(type, day)) WITHOUT ROWID" },
    { "letter", "CREATE TABLE letter(partition INTEGER, position INTEGER, reason TEXT, key BLOB,"
                " value BLOB, PRIMARY KEY(partition, position)) WITHOUT ROWID" },
    { "errand", "CREATE TABLE errand(number INTEGER PRIMARY KEY, id TEXT, traceparent TEXT,"
                " value BLOB)" },
    { "setting", "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID" },
};
static const struct sqlite_file_kind KIND = {
    .name = "an event book",
    .application_id = 0x74574562,
    .version = 2,
    .tables = TABLES,
    .table_count = sizeof TABLES / sizeof TABLES[0],
    .first_root = 2,
};

struct sqlite_event_store {
    struct event_store port; /* first */
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int wal_frames;
};

static struct sqlite_event_store *of_port(struct event_store *port)
{
    return (struct sqlite_event_store *)port;
}

/* ---- Binding ---- */

static void bind_number(sqlite3_stmt *statement, int at, int64_t number)
{
    int code = sqlite3_bind_int64(statement, at, number);
    CHECK(code == SQLITE_OK);
}

static void bind_text(sqlite3_stmt *statement, int at, struct str text)
{
    const char *data = text.data == NULL ? "" : text.data;
    int code = sqlite3_bind_text64(statement, at, data, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    CHECK(code == SQLITE_OK);
}

static void bind_bytes(sqlite3_stmt *statement, int at, struct str bytes)
{
    const char *data = bytes.data == NULL ? "" : bytes.data;
    int code = sqlite3_bind_blob64(statement, at, data, bytes.len, SQLITE_TRANSIENT);
    CHECK(code == SQLITE_OK);
}

static struct str column_bytes(sqlite3_stmt *statement, int at)
{
    const char *data = sqlite3_column_blob(statement, at); /* before its length */
    return (struct str){ data, (size_t)sqlite3_column_bytes(statement, at) };
}

/* `source` and a position, as most statements about the inbox begin. */
static sqlite3_stmt *place_bind(struct sqlite_event_store *store, enum statement which,
                                struct str source, struct position position)
{
    CHECK(position.batch <= INT64_MAX);
    sqlite3_stmt *statement = store->statements[which];
    bind_text(statement, 1, source);
    bind_number(statement, 2, (int64_t)position.batch);
    bind_number(statement, 3, position.index);
    return statement;
}

/* One row of up to two numbers; STATUS_NOT_FOUND: there is none. */
static enum status numbers_take(struct sqlite_event_store *store, sqlite3_stmt *statement,
                                int64_t out_numbers[2], struct error *out_error)
{
    int code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    for (int i = 0; code == SQLITE_ROW && i < sqlite3_column_count(statement) && i < 2; i++)
        out_numbers[i] = sqlite3_column_int64(statement, i);
    if (code == SQLITE_DONE) status = STATUS_NOT_FOUND;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = sqlite_failure(store->db, code, out_error);
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    return status;
}

/* ---- Transactions ---- */

static enum status store_begin(struct event_store *port, struct error *out_error)
{
    return sqlite_execute(of_port(port)->db, "BEGIN IMMEDIATE", out_error);
}

static enum status store_commit(struct event_store *port, struct error *out_error)
{
    struct sqlite_event_store *store = of_port(port);
    enum status status = sqlite_execute(store->db, "COMMIT", out_error);
    if (status == STATUS_OK && store->wal_frames > WAL_FRAMES_MAX) { /* else by a later one */
        (void)sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    return status;
}

static void store_undo(struct event_store *port)
{
    struct sqlite_event_store *store = of_port(port);
    if (!sqlite3_get_autocommit(store->db))
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- Marks ---- */

static enum status store_mark_get(struct event_store *port, int32_t partition, int64_t *out_next,
                                  struct error *out_error)
{
    struct sqlite_event_store *store = of_port(port);
    int64_t numbers[2] = { 0, 0 };
    bind_number(store->statements[MARK_SELECT], 1, partition);
    enum status status = numbers_take(store, store->statements[MARK_SELECT], numbers, out_error);
    if (status == STATUS_OK) *out_next = numbers[0];
    return status;
}

static enum status store_mark_set(struct event_store *port, int32_t partition, int64_t next,
                                  struct error *out_error)
{
    sqlite3_stmt *statement = of_port(port)->statements[MARK_REPLACE];
    bind_number(statement, 1, partition);
    bind_number(statement, 2, next);
    return sqlite_step_done(statement, out_error);
}

/* ---- Inbox ---- */

/* All but the newest ones go, and become the source's floor. */
static enum status inbox_cut(struct sqlite_event_store *store, struct str source, uint32_t kept,
                             struct error *out_error)
{
    int64_t edge[2] = { 0, 0 };
    sqlite3_stmt *statement = store->statements[EDGE_SELECT];
    bind_text(statement, 1, source);
    bind_number(statement, 2, kept);
    enum status status = numbers_take(store, statement, edge, out_error);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* fewer are there than were counted */
    if (status != STATUS_OK) return status;
    const struct position position = { (uint64_t)edge[0], (uint32_t)edge[1] };
    status = sqlite_step_done(place_bind(store, INBOX_CUT, source, position), out_error);
    if (status != STATUS_OK) return status;
    statement = place_bind(store, SOURCE_CUT, source, position);
    bind_number(statement, 4, kept);
    return sqlite_step_done(statement, out_error);
}

static enum status store_inbox_take(struct event_store *port, const struct event_reading *event,
                                    uint32_t kept, enum event_novelty *out_novelty,
                                    struct error *out_error)
{
    struct sqlite_event_store *store = of_port(port);
    struct str source = event->source;
    int64_t numbers[2] = { 0, 0 };
    enum status status = numbers_take(
        store, place_bind(store, BELOW_FLOOR, source, event->position), numbers, out_error);
    if (status == STATUS_OK) {
        *out_novelty = EVENT_IS_BELOW_FLOOR;
        return STATUS_OK;
    }
    if (status != STATUS_NOT_FOUND) return status;
    status = sqlite_step_done(place_bind(store, INBOX_INSERT, source, event->position), out_error);
    if (status != STATUS_OK) return status;
    bool is_new = sqlite3_changes(store->db) == 1;
    if (is_new) {
        bind_text(store->statements[SOURCE_COUNT], 1, source);
        status = numbers_take(store, store->statements[SOURCE_COUNT], numbers, out_error);
        if (status == STATUS_OK && numbers[0] >= 2 * (int64_t)kept)
            status = inbox_cut(store, source, kept, out_error);
    }
    if (status == STATUS_OK) *out_novelty = is_new ? EVENT_IS_NEW : EVENT_IS_KNOWN;
    return status;
}

/* ---- Effects ---- */

static enum status payment_put(struct sqlite_event_store *store, const struct event_reading *event,
                               const struct event_payment *payment, struct error *out_error)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(payment->id, id);
    CHECK(payment->version <= INT64_MAX); /* as it was read */
    sqlite3_stmt *statement = store->statements[PAYMENT_UPSERT];
    bind_text(statement, 1, str_from(id));
    bind_text(statement, 2, payment->kind);
    bind_text(statement, 3, payment->state);
    bind_text(statement, 4, payment->asset);
    bind_text(statement, 5, payment->amount);
    bind_number(statement, 6, (int64_t)payment->version);
    bind_text(statement, 7, event->id);
    return sqlite_step_done(statement, out_error);
}

static enum status store_effects_put(struct event_store *port, const struct event_reading *event,
                                     struct error *out_error)
{
    struct sqlite_event_store *store = of_port(port);
    char day[DATE_TEXT_SIZE];
    sqlite3_stmt *statement = store->statements[HAPPENED_ADD];
    bind_text(statement, 1, event->type);
    bind_text(statement, 2, business_date_format(business_date_of(event->time), day));
    enum status status = sqlite_step_done(statement, out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < event->payment_count; i++)
        status = payment_put(store, event, &event->payments[i], out_error);
    return status;
}

/* ---- Dead letters ---- */

static enum status store_letter_put(struct event_store *port, const struct event_letter *letter,
                                    struct error *out_error)
{
    sqlite3_stmt *statement = of_port(port)->statements[LETTER_INSERT];
    bind_number(statement, 1, letter->partition);
    bind_number(statement, 2, letter->offset);
    bind_text(statement, 3, letter->reason);
    bind_bytes(statement, 4, letter->key);
    bind_bytes(statement, 5, letter->value);
    return sqlite_step_done(statement, out_error);
}

static enum status store_letter_drop(struct event_store *port, int32_t partition, int64_t offset,
                                     struct error *out_error)
{
    sqlite3_stmt *statement = of_port(port)->statements[LETTER_DELETE];
    bind_number(statement, 1, partition);
    bind_number(statement, 2, offset);
    return sqlite_step_done(statement, out_error);
}

static enum status store_letters(struct event_store *port, const struct event_letter *after,
                                 uint32_t limit,
                                 void (*visit)(void *owner, const struct event_letter *letter),
                                 void *owner, struct error *out_error)
{
    struct sqlite_event_store *store = of_port(port);
    sqlite3_stmt *statement = store->statements[LETTERS_SELECT];
    bind_number(statement, 1, after->partition);
    bind_number(statement, 2, after->offset);
    bind_number(statement, 3, limit);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct event_letter letter = {
            .partition = (int32_t)sqlite3_column_int64(statement, 0),
            .offset = sqlite3_column_int64(statement, 1),
            .reason = column_bytes(statement, 2),
            .key = column_bytes(statement, 3),
            .value = column_bytes(statement, 4),
        };
        visit(owner, &letter);
    }
    enum status status =
        code == SQLITE_DONE ? STATUS_OK : sqlite_failure(store->db, code, out_error);
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    return status;
}

/* ---- Errands ---- */

static enum status store_errand_put(struct event_store *port, const struct event_errand *errand,
                                    int64_t *out_number, struct error *out_error)
{
    struct sqlite_event_store *store = of_port(port);
    sqlite3_stmt *statement = store->statements[ERRAND_INSERT];
    bind_text(statement, 1, errand->id);
    bind_text(statement, 2, errand->traceparent);
    bind_bytes(statement, 3, errand->value);
    enum status status = sqlite_step_done(statement, out_error);
    if (status == STATUS_OK) *out_number = sqlite3_last_insert_rowid(store->db);
    return status;
}

static enum status store_errand_first(struct event_store *port, struct buf *memory,
                                      struct event_errand *out_errand, struct error *out_error)
{
    struct sqlite_event_store *store = of_port(port);
    sqlite3_stmt *statement = store->statements[ERRAND_FIRST];
    int code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        const struct event_errand row = { sqlite3_column_int64(statement, 0),
                                          column_bytes(statement, 1), column_bytes(statement, 2),
                                          column_bytes(statement, 3) };
        status = event_errand_copy(&row, memory, out_errand);
    }
    if (code == SQLITE_DONE) status = STATUS_NOT_FOUND;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = sqlite_failure(store->db, code, out_error);
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    return status;
}

static enum status store_errand_drop(struct event_store *port, const struct event_errand *errand,
                                     struct error *out_error)
{
    sqlite3_stmt *statement = of_port(port)->statements[ERRAND_DELETE];
    bind_number(statement, 1, errand->number);
    bind_text(statement, 2, errand->id);
    return sqlite_step_done(statement, out_error);
}

/* ---- Settings ---- */

static enum status store_setting_get(struct event_store *port, const char *name,
                                     struct buf *out_value, struct error *out_error)
{
    struct sqlite_event_store *store = of_port(port);
    sqlite3_stmt *statement = store->statements[SETTING_SELECT];
    bind_text(statement, 1, str_from(name));
    int code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    buf_reset(out_value);
    if (code == SQLITE_ROW) buf_append_str(out_value, column_bytes(statement, 0));
    if (code == SQLITE_DONE) status = STATUS_NOT_FOUND;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = sqlite_failure(store->db, code, out_error);
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    return status == STATUS_OK ? buf_status(out_value) : status;
}

static enum status store_setting_set(struct event_store *port, const char *name, struct str value,
                                     struct error *out_error)
{
    sqlite3_stmt *statement = of_port(port)->statements[SETTING_REPLACE];
    bind_text(statement, 1, str_from(name));
    bind_text(statement, 2, value);
    return sqlite_step_done(statement, out_error);
}

/* ---- Life ---- */

static int on_wal(void *argument, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    ((struct sqlite_event_store *)argument)->wal_frames = frames;
    return SQLITE_OK;
}

static enum status file_open(struct sqlite_event_store *store, const char *path,
                             struct error *out_error)
{
    int handle = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (handle < 0) {
        (void)error_set(out_error, STATUS_DENIED, "%s: cannot be opened", path);
        error_detail(out_error, "open: %m");
        return STATUS_DENIED;
    }
    (void)close(handle); /* nothing was written */
    const struct sqlite_connection_options options = {
        .path = path, .page_size = PAGE_SIZE, .cache_kib = CACHE_KIB, .sync = SYNC_AT_CHECKPOINT
    };
    enum status status = sqlite_connection_open(&options, &store->db, out_error);
    if (status != STATUS_OK) return status;
    (void)sqlite3_wal_hook(store->db, on_wal, store); /* no hook was there before */
    status = sqlite_file_prepare(store->db, &KIND, true, out_error);
    for (int i = 0; status == STATUS_OK && i < STATEMENT_COUNT; i++)
        status = sqlite_prepare(store->db, SQL[i], &store->statements[i], out_error);
    return status;
}

static void store_close(struct event_store *port)
{
    struct sqlite_event_store *store = of_port(port);
    if (store->db != NULL) { /* what it cannot move, the next open reads */
        (void)sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    for (int i = 0; i < STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(store->statements[i]); /* repeats the code of the last step */
    sqlite_connection_close(store->db);
    free(store);
}

enum status sqlite_event_store_open(const char *path, struct event_store **out_store,
                                    struct error *out_error)
{
    struct sqlite_event_store *store = calloc(1, sizeof *store);
    if (store == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the event book");
    store->port = (struct event_store){
        .begin = store_begin,
        .commit = store_commit,
        .undo = store_undo,
        .mark_get = store_mark_get,
        .mark_set = store_mark_set,
        .inbox_take = store_inbox_take,
        .effects_put = store_effects_put,
        .letter_put = store_letter_put,
        .letter_drop = store_letter_drop,
        .letters = store_letters,
        .errand_put = store_errand_put,
        .errand_first = store_errand_first,
        .errand_drop = store_errand_drop,
        .setting_get = store_setting_get,
        .setting_set = store_setting_set,
        .close = store_close,
    };
    enum status status = file_open(store, path, out_error);
    if (status != STATUS_OK) {
        store_close(&store->port);
        return status;
    }
    *out_store = &store->port;
    return STATUS_OK;
}
