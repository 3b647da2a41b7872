/*
 * Columns that small reads need stand before blobs, so that reading them touches no overflow
 * page. Slices are looked up by name, batches by sequence; stamps rise with the sequence, so
 * finding one is a binary search and needs no index that every commit would write.
 */
#include "adapter/sqlite_journal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/check.h"

const char JOURNAL_LANE_SELECT[] =
    "SELECT epoch, sequence, stamp, hash, mark FROM lane WHERE number=0";
const char JOURNAL_LANE_UPDATE[] =
    "UPDATE lane SET epoch=?1, sequence=?2, stamp=?3, hash=?4, mark=?5"
    " WHERE number=0 AND epoch=?6 AND sequence=?7";
const char JOURNAL_BATCH_INSERT[] =
    "INSERT INTO batch(sequence, stamp, size, mark, hash, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
const char JOURNAL_BATCH_SELECT[] =
    "SELECT sequence, stamp, size, mark, hash FROM batch WHERE sequence=?1";
const char JOURNAL_SLICE_INSERT[] =
    "INSERT OR REPLACE INTO slice(number, generation, low, high, at_batch, size, mark, digest, data)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
/*
 * Generation by generation, so that each is a seek in the primary key: looking at every slice of
 * the last sweep made commits five times as long with a million accounts.
 */
const char JOURNAL_SLICE_DELETE[] =
    "WITH RECURSIVE older(generation) AS ("
    " SELECT min(generation) FROM slice WHERE number=?1 AND generation<?2"
    " UNION ALL"
    " SELECT (SELECT min(generation) FROM slice"
    "  WHERE number=?1 AND generation>older.generation AND generation<?2)"
    " FROM older WHERE older.generation IS NOT NULL)"
    " DELETE FROM slice WHERE number=?1 AND generation IN older AND low<=?3 AND high<=?3";
const char JOURNAL_SLICE_LIST[] =
    "SELECT number, generation, low, high, at_batch, size, mark, digest FROM slice"
    " ORDER BY number, generation, low";
const char JOURNAL_SLICE_SELECT[] =
    "SELECT number, generation, low, high, at_batch, size, mark, digest, data FROM slice"
    " WHERE number=?1 AND generation=?2 AND low=?3";
const char JOURNAL_ARCHIVED_SELECT[] =
    "SELECT first, last, first_stamp, last_stamp, size, mark, digest FROM archived"
    " WHERE first<=?1 ORDER BY first DESC LIMIT 1";
const char JOURNAL_ARCHIVED_INSERT[] =
    "INSERT INTO archived(first, last, first_stamp, last_stamp, size, mark, digest)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/* As SQLite keeps them in sqlite_schema: compared letter by letter at open. */
static const struct sqlite_table TABLES[] = {
    { "meta", "CREATE TABLE meta(name INTEGER PRIMARY KEY, value INTEGER, mark INTEGER)" },
    { "lane", "CREATE TABLE lane(number INTEGER PRIMARY KEY, epoch INTEGER, sequence INTEGER,"
              " stamp INTEGER, hash BLOB, mark INTEGER)" },
    { "batch",
      "CREATE TABLE batch(sequence INTEGER PRIMARY KEY, stamp INTEGER, size INTEGER, mark INTEGER,"
      " hash BLOB, data BLOB)" },
    { "slice", "CREATE TABLE slice(number INTEGER, generation INTEGER, low INTEGER, high INTEGER,"
               " at_batch INTEGER, size INTEGER, mark INTEGER, digest BLOB, data BLOB,"
               " PRIMARY KEY(number, generation, low)) WITHOUT ROWID" },
    { "archived",
      "CREATE TABLE archived(first INTEGER PRIMARY KEY, last INTEGER, first_stamp INTEGER,"
      " last_stamp INTEGER, size INTEGER, mark INTEGER, digest BLOB)" },
};
enum {
    TABLE_COUNT = sizeof TABLES / sizeof TABLES[0],
    FIRST_ROOT = 3, /* page 1 is the schema, page 2 the page map */
};

/* ---- marks: the columns laid out back to back, the kind of row first ---- */

enum mark_kind { MARK_META = 1, MARK_LANE, MARK_BATCH, MARK_SLICE, MARK_ARCHIVED };

static int64_t mark_of(enum mark_kind kind, const uint64_t *numbers, size_t count,
                       const void *digest, size_t digest_size)
{
    uint64_t words[16] = { kind };
    CHECK(count + 1 + (digest_size + 7) / 8 <= sizeof words / sizeof words[0]);
    memcpy(words + 1, numbers, count * sizeof words[0]);
    if (digest_size > 0) memcpy(words + 1 + count, digest, digest_size);
    return (int64_t)XXH3_64bits(words, (1 + count) * sizeof words[0] + digest_size);
}

static int64_t lane_mark(const struct store_head *head)
{
    uint64_t numbers[] = { head->epoch, head->sequence, (uint64_t)head->stamp.ns };
    return mark_of(MARK_LANE, numbers, 3, &head->hash, sizeof head->hash);
}

static int64_t batch_mark(const struct journal_batch *row)
{
    uint64_t numbers[] = { row->sequence, (uint64_t)row->stamp.ns, row->size };
    return mark_of(MARK_BATCH, numbers, 3, &row->hash, sizeof row->hash);
}

static int64_t slice_mark(const struct journal_slice *row)
{
    const struct store_slice *slice = &row->slice;
    uint64_t numbers[] = { slice->table, slice->generation, slice->from,
                           slice->to,    slice->at_batch,   slice->size };
    return mark_of(MARK_SLICE, numbers, 6, row->digest, sizeof row->digest);
}

static int64_t archived_mark(const struct journal_archived *row)
{
    uint64_t numbers[] = { row->first, row->last, (uint64_t)row->first_stamp.ns,
                           (uint64_t)row->last_stamp.ns, row->size };
    return mark_of(MARK_ARCHIVED, numbers, 5, &row->digest, sizeof row->digest);
}

static int64_t meta_mark(uint32_t name, int64_t value)
{
    uint64_t numbers[] = { name, (uint64_t)value };
    return mark_of(MARK_META, numbers, 2, NULL, 0);
}

/* ---- columns ---- */

static void bind_number(sqlite3_stmt *statement, int at, uint64_t number)
{
    CHECK(number <= INT64_MAX); /* so that SQLite's order is ours */
    int code = sqlite3_bind_int64(statement, at, (sqlite3_int64)number);
    CHECK(code == SQLITE_OK);
}

static void bind_mark(sqlite3_stmt *statement, int at, int64_t mark)
{
    int code = sqlite3_bind_int64(statement, at, mark);
    CHECK(code == SQLITE_OK);
}

/* Not copied: the caller's bytes stay until the step is over. */
static void bind_bytes(sqlite3_stmt *statement, int at, const void *data, size_t size)
{
    int code = sqlite3_bind_blob64(statement, at, size == 0 ? "" : data, size, SQLITE_STATIC);
    CHECK(code == SQLITE_OK);
}

static uint64_t column_number(sqlite3_stmt *statement, int at)
{
    return (uint64_t)sqlite3_column_int64(statement, at);
}

/* False when the column does not hold a blob of exactly `size` bytes. */
static bool column_bytes(sqlite3_stmt *statement, int at, void *out_bytes, size_t size)
{
    if (sqlite3_column_type(statement, at) != SQLITE_BLOB) return false;
    const void *data = sqlite3_column_blob(statement, at);
    if (data == NULL || (size_t)sqlite3_column_bytes(statement, at) != size) return false;
    memcpy(out_bytes, data, size);
    return true;
}

static enum status row_damaged(sqlite3_stmt *statement, struct error *out_error, const char *table,
                               uint64_t key)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s: row %llu of table %s is damaged",
                    sqlite3_db_filename(sqlite3_db_handle(statement), "main"),
                    (unsigned long long)key, table);
    error_detail(out_error, "its columns do not match its mark");
    error_hint(out_error, "run `tpwallet check`; restore from a backup");
    return STATUS_CORRUPT;
}

/* ---- rows ---- */

enum status journal_lane_read(sqlite3_stmt *select, struct store_head *out_head,
                              struct error *out_error)
{
    sqlite3 *db = sqlite3_db_handle(select);
    int code = sqlite3_step(select);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        struct store_head head = {
            .epoch = column_number(select, 0),
            .sequence = column_number(select, 1),
            .stamp = { sqlite3_column_int64(select, 2) },
        };
        if (column_bytes(select, 3, &head.hash, sizeof head.hash) &&
            sqlite3_column_int64(select, 4) == lane_mark(&head)) {
            *out_head = head;
        } else {
            status = row_damaged(select, out_error, "lane", 0);
        }
    } else if (code == SQLITE_DONE) {
        status = row_damaged(select, out_error, "lane", 0);
    } else {
        status = sqlite_failure(db, code, out_error);
    }
    (void)sqlite3_reset(select); /* repeats the code of the step */
    return status;
}

void journal_lane_bind(sqlite3_stmt *update, const struct store_head *head, uint64_t expected_epoch,
                       uint64_t expected_sequence)
{
    bind_number(update, 1, head->epoch);
    bind_number(update, 2, head->sequence);
    bind_number(update, 3, (uint64_t)head->stamp.ns);
    bind_bytes(update, 4, &head->hash, sizeof head->hash);
    bind_mark(update, 5, lane_mark(head));
    bind_number(update, 6, expected_epoch);
    bind_number(update, 7, expected_sequence);
}

void journal_batch_bind(sqlite3_stmt *insert, const struct journal_batch *row, const void *data)
{
    bind_number(insert, 1, row->sequence);
    bind_number(insert, 2, (uint64_t)row->stamp.ns);
    bind_number(insert, 3, row->size);
    bind_mark(insert, 4, batch_mark(row));
    bind_bytes(insert, 5, &row->hash, sizeof row->hash);
    bind_bytes(insert, 6, data, row->size);
}

enum status journal_batch_read(sqlite3_stmt *select, uint64_t sequence,
                               struct journal_batch *out_row, struct error *out_error)
{
    struct journal_batch row = {
        .sequence = column_number(select, 0),
        .stamp = { sqlite3_column_int64(select, 1) },
        .size = column_number(select, 2),
    };
    if (row.sequence != sequence || !column_bytes(select, 4, &row.hash, sizeof row.hash) ||
        sqlite3_column_int64(select, 3) != batch_mark(&row)) {
        return row_damaged(select, out_error, "batch", sequence);
    }
    *out_row = row;
    return STATUS_OK;
}

void journal_slice_bind(sqlite3_stmt *insert, const struct journal_slice *row, const void *data)
{
    const struct store_slice *slice = &row->slice;
    bind_number(insert, 1, slice->table);
    bind_number(insert, 2, slice->generation);
    bind_number(insert, 3, slice->from);
    bind_number(insert, 4, slice->to);
    bind_number(insert, 5, slice->at_batch);
    bind_number(insert, 6, slice->size);
    bind_mark(insert, 7, slice_mark(row));
    bind_bytes(insert, 8, row->digest, sizeof row->digest);
    bind_bytes(insert, 9, data, slice->size);
}

enum status journal_slice_read(sqlite3_stmt *select, struct journal_slice *out_row,
                               struct error *out_error)
{
    uint64_t table = column_number(select, 0);
    struct journal_slice row = { .slice = {
                                     .table = (uint32_t)table,
                                     .generation = column_number(select, 1),
                                     .from = column_number(select, 2),
                                     .to = column_number(select, 3),
                                     .at_batch = column_number(select, 4),
                                     .size = column_number(select, 5),
                                 } };
    if (table > UINT32_MAX || !column_bytes(select, 7, row.digest, sizeof row.digest) ||
        sqlite3_column_int64(select, 6) != slice_mark(&row)) {
        return row_damaged(select, out_error, "slice", table);
    }
    *out_row = row;
    return STATUS_OK;
}

void journal_slice_digest(const void *data, size_t size,
                          uint8_t out_digest[JOURNAL_SLICE_DIGEST_SIZE])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, size));
    memcpy(out_digest, canonical.digest, JOURNAL_SLICE_DIGEST_SIZE);
}

void journal_archived_bind(sqlite3_stmt *insert, const struct journal_archived *row)
{
    bind_number(insert, 1, row->first);
    bind_number(insert, 2, row->last);
    bind_number(insert, 3, (uint64_t)row->first_stamp.ns);
    bind_number(insert, 4, (uint64_t)row->last_stamp.ns);
    bind_number(insert, 5, row->size);
    bind_mark(insert, 6, archived_mark(row));
    bind_bytes(insert, 7, &row->digest, sizeof row->digest);
}

enum status journal_archived_read(sqlite3_stmt *select, struct journal_archived *out_row,
                                  struct error *out_error)
{
    struct journal_archived row = {
        .first = column_number(select, 0),
        .last = column_number(select, 1),
        .first_stamp = { sqlite3_column_int64(select, 2) },
        .last_stamp = { sqlite3_column_int64(select, 3) },
        .size = column_number(select, 4),
    };
    if (!column_bytes(select, 6, &row.digest, sizeof row.digest) ||
        sqlite3_column_int64(select, 5) != archived_mark(&row) || row.last < row.first) {
        return row_damaged(select, out_error, "archived", row.first);
    }
    *out_row = row;
    return STATUS_OK;
}

/* ---- meta ---- */

/* As journal_meta_get(), but STATUS_NOT_FOUND, without an error, when there is no such number. */
static enum status meta_find(sqlite3 *db, uint32_t name, int64_t *out_value,
                             struct error *out_error)
{
    sqlite3_stmt *select = NULL;
    enum status status =
        sqlite_prepare(db, "SELECT value, mark FROM meta WHERE name=?1", &select, out_error);
    if (status != STATUS_OK) return status;
    bind_number(select, 1, name);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        int64_t value = sqlite3_column_int64(select, 0);
        if (sqlite3_column_int64(select, 1) == meta_mark(name, value)) {
            *out_value = value;
        } else {
            status = row_damaged(select, out_error, "meta", name);
        }
    } else if (code == SQLITE_DONE) {
        status = STATUS_NOT_FOUND;
    } else {
        status = sqlite_failure(db, code, out_error);
    }
    (void)sqlite3_finalize(select); /* repeats the code of the step */
    return status;
}

static enum status meta_lacking(sqlite3 *db, uint32_t name, struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s: row %u of table meta is not there",
                    sqlite3_db_filename(db, "main"), name);
    error_hint(out_error, "run `tpwallet check`; restore from a backup");
    return STATUS_CORRUPT;
}

enum status journal_meta_get(sqlite3 *db, uint32_t name, int64_t *out_value,
                             struct error *out_error)
{
    enum status status = meta_find(db, name, out_value, out_error);
    return status == STATUS_NOT_FOUND ? meta_lacking(db, name, out_error) : status;
}

enum status journal_ledger_get(sqlite3 *db, struct uuid *out_ledger, struct error *out_error)
{
    int64_t hi = 0;
    int64_t lo = 0;
    *out_ledger = (struct uuid){ 0 };
    enum status status = meta_find(db, JOURNAL_META_LEDGER_HI, &hi, out_error);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status == STATUS_OK) status = journal_meta_get(db, JOURNAL_META_LEDGER_LO, &lo, out_error);
    if (status == STATUS_OK) *out_ledger = (struct uuid){ .hi = (uint64_t)hi, .lo = (uint64_t)lo };
    return status;
}

enum status journal_ledger_set(sqlite3 *db, struct uuid ledger, struct error *out_error)
{
    enum status status =
        journal_meta_set(db, JOURNAL_META_LEDGER_HI, (int64_t)ledger.hi, out_error);
    if (status != STATUS_OK) return status;
    return journal_meta_set(db, JOURNAL_META_LEDGER_LO, (int64_t)ledger.lo, out_error);
}

enum status journal_meta_set(sqlite3 *db, uint32_t name, int64_t value, struct error *out_error)
{
    sqlite3_stmt *replace = NULL;
    enum status status =
        sqlite_prepare(db, "INSERT OR REPLACE INTO meta(name, value, mark) VALUES(?1, ?2, ?3)",
                       &replace, out_error);
    if (status != STATUS_OK) return status;
    bind_number(replace, 1, name);
    bind_mark(replace, 2, value);
    bind_mark(replace, 3, meta_mark(name, value));
    status = sqlite_step_done(replace, out_error);
    (void)sqlite3_finalize(replace); /* repeats the code of the step */
    return status;
}

/* ---- the file ---- */

static enum status create_tables(sqlite3 *db, struct uuid ledger, struct error *out_error)
{
    enum status status = sqlite_execute(db, "BEGIN IMMEDIATE", out_error);
    for (size_t i = 0; status == STATUS_OK && i < TABLE_COUNT; i++) {
        status = sqlite_execute(db, TABLES[i].sql, out_error);
    }
    if (status == STATUS_OK) {
        _Static_assert(JOURNAL_APPLICATION_ID == 1951875402 && JOURNAL_VERSION == 1, "as below");
        status = sqlite_execute(db, "PRAGMA application_id=1951875402; PRAGMA user_version=1",
                                out_error);
    }
    if (status == STATUS_OK) status = journal_meta_set(db, JOURNAL_META_READ_ONLY, 0, out_error);
    if (status == STATUS_OK && !uuid_is_nil(ledger))
        status = journal_ledger_set(db, ledger, out_error);
    if (status != STATUS_OK) return status;

    static const struct store_head empty;
    sqlite3_stmt *update = NULL;
    status = sqlite_execute(db, "INSERT INTO lane VALUES(0, 0, 0, 0, NULL, 0)", out_error);
    if (status == STATUS_OK) status = sqlite_prepare(db, JOURNAL_LANE_UPDATE, &update, out_error);
    if (status == STATUS_OK) {
        journal_lane_bind(update, &empty, 0, 0);
        status = sqlite_step_done(update, out_error);
    }
    (void)sqlite3_finalize(update); /* repeats the code of the step */
    if (status == STATUS_OK) status = sqlite_execute(db, "COMMIT", out_error);
    return status;
}

enum status journal_create(const struct sqlite_connection_options *options, struct uuid ledger,
                           struct error *out_error)
{
    int file = open(options->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, "%s: cannot be made", options->path);
        error_detail(out_error, "open: %m");
        return STATUS_UNAVAILABLE;
    }
    (void)close(file); /* nothing was written */
    sqlite3 *db = NULL;
    enum status status = sqlite_connection_open(options, &db, out_error);
    if (status == STATUS_OK) status = create_tables(db, ledger, out_error);
    int64_t busy = 0;
    if (status == STATUS_OK) {
        status = sqlite_pragma_number(db, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, out_error);
    }
    sqlite_connection_close(db);
    return status;
}

enum status journal_verify_schema(sqlite3 *db, struct error *out_error)
{
    int64_t application = 0;
    int64_t version = 0;

    enum status status = sqlite_pragma_number(db, "PRAGMA application_id", &application, out_error);
    if (status == STATUS_OK) {
        status = sqlite_pragma_number(db, "PRAGMA user_version", &version, out_error);
    }
    if (status != STATUS_OK) return status;
    const char *path = sqlite3_db_filename(db, "main");
    if (application != JOURNAL_APPLICATION_ID) {
        status = error_set(out_error, STATUS_INVALID, "%s is not a journal of tpwallet", path);
        error_detail(out_error, "its application id is %lld", (long long)application);
        error_hint(out_error, "name the data folder that `tpwallet init` made");
        return status;
    }
    if (version != JOURNAL_VERSION) {
        status = error_set(out_error, STATUS_INVALID, "%s has version %lld; this program knows %d",
                           path, (long long)version, JOURNAL_VERSION);
        error_hint(out_error, "use the tpwallet that made it, or a newer one");
        return status;
    }
    return sqlite_verify_tables(db, TABLES, TABLE_COUNT, FIRST_ROOT, out_error);
}
