#include "adapter/sqlite_event_book.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/sqlite_connection.h"
#include "base/check.h"
#include "wallet/event_reading.h"

enum {
    PAGE_SIZE = 4096,
    CACHE_KIB = 16 << 10,
    WAL_FRAMES_MAX = 4096,    /* 16 MiB; then it is moved into the database */
    VALUE_SIZE_MAX = 1 << 20, /* of a record that is looked at; larger ones are dead letters */
    ARENA_SIZE = 2 << 20,
    REDRIVE_PAGE = 64,
};

enum statement {
    MARK_SELECT,
    MARK_REPLACE,
    INBOX_INSERT,
    PAYMENT_UPSERT,
    HAPPENED_ADD,
    LETTER_INSERT,
    LETTER_DELETE,
    LETTERS_SELECT,
    PAUSED_SELECT,
    PAUSED_REPLACE,
    TOPIC_SELECT,
    TOPIC_INSERT,
    STATEMENT_COUNT,
};

static const char *const SQL[STATEMENT_COUNT] = {
    [MARK_SELECT] = "SELECT next FROM mark WHERE partition=?1",
    [MARK_REPLACE] = "INSERT OR REPLACE INTO mark(partition, next) VALUES(?1, ?2)",
    [INBOX_INSERT] = "INSERT OR IGNORE INTO inbox(source, id) VALUES(?1, ?2)",
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
    [PAUSED_SELECT] = "SELECT value FROM setting WHERE name='paused'",
    [PAUSED_REPLACE] = "INSERT OR REPLACE INTO setting(name, value) VALUES('paused', ?1)",
    [TOPIC_SELECT] = "SELECT value FROM setting WHERE name='topic'",
    [TOPIC_INSERT] = "INSERT OR IGNORE INTO setting(name, value) VALUES('topic', ?1)",
};

static const struct sqlite_table TABLES[] = {
    { "mark", "CREATE TABLE mark(partition INTEGER PRIMARY KEY, next INTEGER)" },
    { "inbox", "CREATE TABLE inbox(source TEXT, id TEXT, PRIMARY KEY(source, id)) WITHOUT ROWID" },
    { "payment", "CREATE TABLE payment(id TEXT PRIMARY KEY, kind TEXT, state TEXT, asset TEXT,"
                 " amount TEXT, version INTEGER, event TEXT) WITHOUT ROWID" },
    { "happened", "CREATE TABLE happened(type TEXT, day TEXT, events INTEGER,"
                  " PRIMARY KEY(type, day)) WITHOUT ROWID" },
    { "letter", "CREATE TABLE letter(partition INTEGER, position INTEGER, reason TEXT, key BLOB,"
                " value BLOB, PRIMARY KEY(partition, position)) WITHOUT ROWID" },
    { "setting", "CREATE TABLE setting(name TEXT PRIMARY KEY, value) WITHOUT ROWID" },
};
static const struct sqlite_file_kind KIND = {
    .name = "an event book",
    .application_id = 0x74574562,
    .version = 1,
    .tables = TABLES,
    .table_count = sizeof TABLES / sizeof TABLES[0],
    .first_root = 2,
};

struct event_book {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int wal_frames;
    struct arena arena;
};

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

/* A statement that returns one number or nothing. */
static enum status number_select(struct event_book *book, enum statement which, int64_t *out_number,
                                 struct error *out_error)
{
    sqlite3_stmt *statement = book->statements[which];
    int code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) *out_number = sqlite3_column_int64(statement, 0);
    if (code == SQLITE_DONE) status = STATUS_NOT_FOUND;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = sqlite_failure(book->db, code, out_error);
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    return status;
}

/* ---- Opening ---- */

static int on_wal(void *argument, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    ((struct event_book *)argument)->wal_frames = frames;
    return SQLITE_OK;
}

static enum status topic_verify(struct event_book *book, const char *topic, struct error *out_error)
{
    sqlite3_stmt *statement = book->statements[TOPIC_INSERT];
    bind_text(statement, 1, str_from(topic));
    enum status status = sqlite_step_done(statement, out_error);
    if (status != STATUS_OK) return status;
    statement = book->statements[TOPIC_SELECT];
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW) {
        status = sqlite_failure(book->db, code, out_error);
    } else if (!str_equal(column_bytes(statement, 0), str_from(topic))) {
        status = error_set(out_error, STATUS_CONFLICT, "the file is of another topic, '%.*s'",
                           STR_ARG(column_bytes(statement, 0)));
    }
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    return status;
}

static enum status file_open(struct event_book *book, const char *path, struct error *out_error)
{
    int handle = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (handle < 0) {
        (void)error_set(out_error, STATUS_DENIED, "%s: cannot be opened", path);
        error_detail(out_error, "open: %m");
        return STATUS_DENIED;
    }
    (void)close(handle); /* nothing was written */
    /* What a power cut takes is read again from the topic: effects and marks go together. */
    const struct sqlite_connection_options options = {
        .path = path, .page_size = PAGE_SIZE, .cache_kib = CACHE_KIB, .sync = SYNC_AT_CHECKPOINT
    };
    enum status status = sqlite_connection_open(&options, &book->db, out_error);
    if (status != STATUS_OK) return status;
    (void)sqlite3_wal_hook(book->db, on_wal, book); /* no hook was there before */
    status = sqlite_file_prepare(book->db, &KIND, true, out_error);
    for (int i = 0; status == STATUS_OK && i < STATEMENT_COUNT; i++)
        status = sqlite_prepare(book->db, SQL[i], &book->statements[i], out_error);
    return status;
}

enum status event_book_open(const char *path, const char *topic, struct event_book **out_book,
                            struct error *out_error)
{
    struct event_book *book = calloc(1, sizeof *book);
    if (book == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the event book");
    enum status status = arena_init(&book->arena, ARENA_SIZE);
    if (status != STATUS_OK) {
        free(book);
        return error_set(out_error, status, "no memory for the event book");
    }
    status = file_open(book, path, out_error);
    if (status == STATUS_OK) status = topic_verify(book, topic, out_error);
    if (status != STATUS_OK) {
        event_book_close(book);
        return status;
    }
    *out_book = book;
    return STATUS_OK;
}

void event_book_close(struct event_book *book)
{
    if (book == NULL) return;
    if (book->db != NULL) { /* what it cannot move, the next open reads */
        (void)sqlite3_wal_checkpoint_v2(book->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    for (int i = 0; i < STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(book->statements[i]); /* repeats the code of the last step */
    sqlite_connection_close(book->db);
    arena_done(&book->arena);
    free(book);
}

/* ---- Transactions ---- */

static enum status undo(struct event_book *book, enum status status)
{
    if (!sqlite3_get_autocommit(book->db))
        (void)sqlite3_exec(book->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum status event_book_begin(struct event_book *book, struct error *out_error)
{
    return sqlite_execute(book->db, "BEGIN IMMEDIATE", out_error);
}

enum status event_book_commit(struct event_book *book, struct error *out_error)
{
    enum status status = sqlite_execute(book->db, "COMMIT", out_error);
    if (status != STATUS_OK) return undo(book, status);
    if (book->wal_frames > WAL_FRAMES_MAX) { /* else by a later one */
        (void)sqlite3_wal_checkpoint_v2(book->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    return STATUS_OK;
}

/* ---- Effects ---- */

static enum status payment_put(struct event_book *book, const struct event_reading *event,
                               const struct event_payment *payment, struct error *out_error)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(payment->id, id);
    CHECK(payment->version <= INT64_MAX); /* as it was read */
    sqlite3_stmt *statement = book->statements[PAYMENT_UPSERT];
    bind_text(statement, 1, str_from(id));
    bind_text(statement, 2, payment->kind);
    bind_text(statement, 3, payment->state);
    bind_text(statement, 4, payment->asset);
    bind_text(statement, 5, payment->amount);
    bind_number(statement, 6, (int64_t)payment->version);
    bind_text(statement, 7, event->id);
    return sqlite_step_done(statement, out_error);
}

/* Whether the event is new to the inbox; it is in it from now on. */
static enum status inbox_put(struct event_book *book, const struct event_reading *event,
                             bool *out_new, struct error *out_error)
{
    sqlite3_stmt *statement = book->statements[INBOX_INSERT];
    bind_text(statement, 1, event->source);
    bind_text(statement, 2, event->id);
    enum status status = sqlite_step_done(statement, out_error);
    if (status == STATUS_OK) *out_new = sqlite3_changes(book->db) == 1;
    return status;
}

static enum status effects_put(struct event_book *book, const struct event_reading *event,
                               struct error *out_error)
{
    char day[DATE_TEXT_SIZE];
    sqlite3_stmt *statement = book->statements[HAPPENED_ADD];
    bind_text(statement, 1, event->type);
    bind_text(statement, 2, business_date_format(business_date_of(event->time), day));
    enum status status = sqlite_step_done(statement, out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < event->payment_count; i++)
        status = payment_put(book, event, &event->payments[i], out_error);
    return status;
}

static enum status letter_put(struct event_book *book, const struct event_book_record *record,
                              const char *reason, struct error *out_error)
{
    sqlite3_stmt *statement = book->statements[LETTER_INSERT];
    bind_number(statement, 1, record->partition);
    bind_number(statement, 2, record->offset);
    bind_text(statement, 3, str_from(reason));
    bind_bytes(statement, 4, record->key);
    bind_bytes(statement, 5, record->value);
    return sqlite_step_done(statement, out_error);
}

/* STATUS_INVALID: it cannot be understood, and nothing was done. */
static enum status event_take(struct event_book *book, struct str value,
                              enum event_book_outcome *out_outcome, struct error *out_error)
{
    if (value.len > VALUE_SIZE_MAX)
        return error_set(out_error, STATUS_INVALID, "it is larger than any event");
    struct event_reading event;
    arena_reset(&book->arena);
    enum status status = event_reading_parse(value, &book->arena, &event, out_error);
    if (status == STATUS_LIMIT) return error_set(out_error, STATUS_INVALID, "it is too complex");
    if (status != STATUS_OK) return status;
    bool is_new = false;
    status = inbox_put(book, &event, &is_new, out_error);
    if (status == STATUS_OK && is_new) status = effects_put(book, &event, out_error);
    if (status == STATUS_OK) *out_outcome = is_new ? EVENT_BOOK_APPLIED : EVENT_BOOK_REPEATED;
    return status;
}

static enum status record_take(struct event_book *book, const struct event_book_record *record,
                               enum event_book_outcome *out_outcome, struct error *out_error)
{
    struct error reason = { 0 };
    enum status status = event_take(book, record->value, out_outcome, &reason);
    if (status == STATUS_INVALID) {
        status = letter_put(book, record, reason.message, out_error);
        if (status == STATUS_OK) *out_outcome = EVENT_BOOK_DEAD;
    } else if (status != STATUS_OK && out_error != NULL) {
        *out_error = reason;
    }
    return status == STATUS_OK ? STATUS_OK : undo(book, status);
}

/* ---- Records ---- */

enum status event_book_mark(struct event_book *book, int32_t partition, int64_t *out_next,
                            struct error *out_error)
{
    bind_number(book->statements[MARK_SELECT], 1, partition);
    return number_select(book, MARK_SELECT, out_next, out_error);
}

static enum status mark_move(struct event_book *book, int32_t partition, int64_t next,
                             struct error *out_error)
{
    sqlite3_stmt *statement = book->statements[MARK_REPLACE];
    bind_number(statement, 1, partition);
    bind_number(statement, 2, next);
    return sqlite_step_done(statement, out_error);
}

enum status event_book_apply(struct event_book *book, const struct event_book_record *record,
                             enum event_book_outcome *out_outcome, struct error *out_error)
{
    int64_t mark = 0;
    enum status status = event_book_mark(book, record->partition, &mark, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return undo(book, status);
    *out_outcome = EVENT_BOOK_REPEATED;
    /* Another consumer was here, before or after this one was given the partition. */
    if (record->offset < mark || (record->end && record->offset == mark)) return STATUS_OK;
    if (!record->end) {
        status = record_take(book, record, out_outcome, out_error);
        if (status != STATUS_OK) return status;
    }
    int64_t next = record->end ? record->offset : record->offset + 1;
    status = mark_move(book, record->partition, next, out_error);
    return status == STATUS_OK ? STATUS_OK : undo(book, status);
}

enum status event_book_replay(struct event_book *book, const struct event_book_record *record,
                              enum event_book_outcome *out_outcome, struct error *out_error)
{
    *out_outcome = EVENT_BOOK_REPEATED;
    return record->end ? STATUS_OK : record_take(book, record, out_outcome, out_error);
}

/* ---- Pause ---- */

enum status event_book_set_paused(struct event_book *book, bool paused, struct error *out_error)
{
    sqlite3_stmt *statement = book->statements[PAUSED_REPLACE];
    bind_number(statement, 1, paused ? 1 : 0);
    return sqlite_step_done(statement, out_error);
}

enum status event_book_paused(struct event_book *book, bool *out_paused, struct error *out_error)
{
    int64_t value = 0;
    enum status status = number_select(book, PAUSED_SELECT, &value, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    *out_paused = status == STATUS_OK && value != 0;
    return STATUS_OK;
}

/* ---- Dead letters ---- */

/* The letters behind *at, REDRIVE_PAGE at most; *at moves. */
static enum status letters_page(struct event_book *book, struct event_book_record *at,
                                void (*visit)(void *owner, const struct event_book_letter *letter),
                                void *owner, uint32_t *out_count, struct error *out_error)
{
    sqlite3_stmt *statement = book->statements[LETTERS_SELECT];
    bind_number(statement, 1, at->partition);
    bind_number(statement, 2, at->offset);
    bind_number(statement, 3, REDRIVE_PAGE);
    uint32_t count = 0;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct event_book_letter letter = {
            .partition = (int32_t)sqlite3_column_int64(statement, 0),
            .offset = sqlite3_column_int64(statement, 1),
            .reason = column_bytes(statement, 2),
            .value = column_bytes(statement, 4),
        };
        at->partition = letter.partition;
        at->offset = letter.offset;
        visit(owner, &letter);
        count++;
    }
    enum status status =
        code == SQLITE_DONE ? STATUS_OK : sqlite_failure(book->db, code, out_error);
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    if (status == STATUS_OK) *out_count = count;
    return status;
}

enum status event_book_letters(struct event_book *book,
                               void (*visit)(void *owner, const struct event_book_letter *letter),
                               void *owner, struct error *out_error)
{
    struct event_book_record at = { .partition = -1 };
    uint32_t count = REDRIVE_PAGE;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && count == REDRIVE_PAGE)
        status = letters_page(book, &at, visit, owner, &count, out_error);
    return status;
}

struct redrive {
    struct event_book *book;
    uint64_t applied;
    uint64_t left;
    enum status status;
    struct error *error;
};

static void letter_redrive(void *owner, const struct event_book_letter *letter)
{
    struct redrive *redrive = owner;
    struct event_book *book = redrive->book;
    if (redrive->status != STATUS_OK) return;
    enum event_book_outcome outcome = EVENT_BOOK_DEAD;
    enum status status = event_take(book, letter->value, &outcome, redrive->error);
    if (status == STATUS_INVALID) {
        redrive->left++;
        return;
    }
    if (status == STATUS_OK) {
        sqlite3_stmt *statement = book->statements[LETTER_DELETE];
        bind_number(statement, 1, letter->partition);
        bind_number(statement, 2, letter->offset);
        status = sqlite_step_done(statement, redrive->error);
    }
    redrive->status = status;
    redrive->applied++;
}

enum status event_book_redrive(struct event_book *book, uint64_t *out_applied, uint64_t *out_left,
                               struct error *out_error)
{
    struct redrive redrive = { .book = book, .error = out_error };
    enum status status = event_book_begin(book, out_error);
    if (status != STATUS_OK) return status;
    status = event_book_letters(book, letter_redrive, &redrive, out_error);
    if (status == STATUS_OK) status = redrive.status;
    if (status != STATUS_OK) return undo(book, status);
    status = event_book_commit(book, out_error);
    if (status != STATUS_OK) return status;
    *out_applied = redrive.applied;
    *out_left = redrive.left;
    return STATUS_OK;
}
