#include "adapter/sqlite_write.h"

#include "base/check.h"
#include "base/limits.h"

static const char BATCH_DELETE[] = "DELETE FROM batch WHERE sequence>=?1 AND sequence<=?2";

static int on_wal(void *argument, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    ((struct sqlite_write *)argument)->wal_frames = (uint32_t)frames;
    return SQLITE_OK;
}

enum status sqlite_write_open(struct sqlite_write *write,
                              const struct sqlite_connection_options *options,
                              struct error *out_error)
{
    *write = (struct sqlite_write){ 0 };
    enum status status = sqlite_connection_open(options, &write->db, out_error);
    if (status != STATUS_OK) return status;
    (void)sqlite3_wal_hook(write->db, on_wal, write); /* no hook was there before */
    return STATUS_OK;
}

enum status sqlite_write_prepare(struct sqlite_write *write, struct error *out_error)
{
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } statements[] = {
        { "BEGIN IMMEDIATE", &write->begin },
        { "COMMIT", &write->commit },
        { "ROLLBACK", &write->rollback },
        { JOURNAL_LANE_SELECT, &write->lane_select },
        { JOURNAL_LANE_UPDATE, &write->lane_update },
        { JOURNAL_BATCH_INSERT, &write->batch_insert },
        { BATCH_DELETE, &write->batch_delete },
        { JOURNAL_SLICE_DELETE, &write->slice_delete },
        { JOURNAL_SLICE_INSERT, &write->slice_insert },
        { JOURNAL_ARCHIVED_INSERT, &write->archived_insert },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof statements / sizeof statements[0]; i++) {
        status = sqlite_prepare(write->db, statements[i].sql, statements[i].statement, out_error);
    }
    return status;
}

void sqlite_write_close(struct sqlite_write *write)
{
    sqlite3_stmt *statements[] = {
        write->begin,        write->commit,          write->rollback,     write->lane_select,
        write->lane_update,  write->batch_insert,    write->batch_delete, write->slice_delete,
        write->slice_insert, write->archived_insert,
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        (void)sqlite3_finalize(statements[i]); /* repeats the code of the last step */
    }
    sqlite_connection_close(write->db);
    *write = (struct sqlite_write){ 0 };
}

/* ---- the two ends of a transaction ---- */

static enum status commit_now(struct sqlite_write *write, struct error *out_error)
{
    enum status status = sqlite_step_done(write->commit, out_error);
    if (status == STATUS_OK) return STATUS_OK;
    if (out_error != NULL) out_error->status = STATUS_IN_DOUBT;
    error_hint(out_error, "the commit is there in full or not at all: reopening tells");
    return STATUS_IN_DOUBT;
}

/* Commits when all is well; else undoes it and returns the cause. */
static enum status end(struct sqlite_write *write, enum status status, struct error *out_error)
{
    if (status == STATUS_OK) return commit_now(write, out_error);
    (void)sqlite3_step(write->rollback); /* some errors rolled back by themselves */
    (void)sqlite3_reset(write->rollback);
    /* That a rollback fails is not known to happen; then only a reopen tells what stands. */
    return sqlite3_get_autocommit(write->db) ? status : STATUS_IN_DOUBT;
}

/* ---- the calls ---- */

enum status sqlite_write_claim(struct sqlite_write *write, struct store_head *out_head,
                               struct error *out_error)
{
    enum status status = sqlite_step_done(write->begin, out_error);
    if (status != STATUS_OK) return status;
    struct store_head head;
    status = journal_lane_read(write->lane_select, &head, out_error);
    if (status == STATUS_OK) {
        uint64_t before = head.epoch++;
        journal_lane_bind(write->lane_update, &head, before, head.sequence);
        status = sqlite_step_done(write->lane_update, out_error);
    }
    status = end(write, status, out_error);
    if (status == STATUS_OK) *out_head = head;
    return status;
}

static enum status insert_slice(struct sqlite_write *write, const struct store_batch *batch,
                                const struct store_slice *slice, struct error *out_error)
{
    CHECK(slice->from <= slice->to);
    CHECK(slice->size <= SLICE_SIZE_MAX);
    const uint64_t bound[] = { slice->table, slice->generation, slice->to };
    for (int i = 0; i < 3; i++) {
        int code = sqlite3_bind_int64(write->slice_delete, i + 1, (sqlite3_int64)bound[i]);
        CHECK(code == SQLITE_OK);
    }
    enum status status = sqlite_step_done(write->slice_delete, out_error);
    if (status != STATUS_OK) return status;
    struct journal_slice row = { .slice = *slice };
    row.slice.at_batch = batch->sequence;
    row.slice.data = NULL;
    journal_slice_digest(slice->data, slice->size, row.digest);
    journal_slice_bind(write->slice_insert, &row, slice->data);
    return sqlite_step_done(write->slice_insert, out_error);
}

static enum status insert_batch(struct sqlite_write *write, const struct store_batch *batch,
                                struct error *out_error)
{
    struct journal_batch row = { batch->sequence, batch->stamp, batch->size, batch->hash };
    journal_batch_bind(write->batch_insert, &row, batch->data);
    return sqlite_step_done(write->batch_insert, out_error);
}

static enum status fenced(struct sqlite_write *write, const struct store_batch *batch,
                          struct error *out_error)
{
    (void)error_set(out_error, STATUS_FENCED, "batch %llu of epoch %llu does not follow",
                    (unsigned long long)batch->sequence, (unsigned long long)batch->epoch);
    error_detail(out_error, "the head of %s is another", sqlite3_db_filename(write->db, "main"));
    return STATUS_FENCED;
}

/* The guarded UPDATE is first: no row changed means that another owner wrote. */
enum status sqlite_write_append(struct sqlite_write *write, const struct store_batch *batch,
                                struct error *out_error)
{
    const struct store_head head = { batch->epoch, batch->sequence, batch->hash, batch->stamp };
    enum status status = sqlite_step_done(write->begin, out_error);
    if (status != STATUS_OK) return status;
    journal_lane_bind(write->lane_update, &head, batch->epoch, batch->sequence - 1);
    status = sqlite_step_done(write->lane_update, out_error);
    if (status == STATUS_OK && sqlite3_changes(write->db) != 1) {
        status = fenced(write, batch, out_error);
    }
    if (status == STATUS_OK) status = insert_batch(write, batch, out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < batch->slice_count; i++) {
        status = insert_slice(write, batch, &batch->slices[i], out_error);
    }
    return end(write, status, out_error);
}

enum status sqlite_write_copy(struct sqlite_write *write, const struct store_batch *batches,
                              uint32_t count, struct error *out_error)
{
    CHECK(count > 0);
    const struct store_batch *last = &batches[count - 1];
    const struct store_head head = { last->epoch, last->sequence, last->hash, last->stamp };
    struct store_head before;
    enum status status = sqlite_step_done(write->begin, out_error);
    if (status != STATUS_OK) return status;
    status = journal_lane_read(write->lane_select, &before, out_error);
    if (status == STATUS_OK && before.sequence + 1 != batches[0].sequence) {
        status =
            error_set(out_error, STATUS_CONFLICT, "batch %llu does not follow batch %llu",
                      (unsigned long long)batches[0].sequence, (unsigned long long)before.sequence);
    }
    if (status == STATUS_OK) {
        journal_lane_bind(write->lane_update, &head, before.epoch, before.sequence);
        status = sqlite_step_done(write->lane_update, out_error);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        CHECK(batches[i].sequence == batches[0].sequence + i);
        status = insert_batch(write, &batches[i], out_error);
    }
    return end(write, status, out_error);
}

enum status sqlite_write_take_out(struct sqlite_write *write,
                                  const struct journal_archived *archived, struct error *out_error)
{
    enum status status = sqlite_step_done(write->begin, out_error);
    if (status != STATUS_OK) return status;
    int code = sqlite3_bind_int64(write->batch_delete, 1, (sqlite3_int64)archived->first);
    CHECK(code == SQLITE_OK);
    code = sqlite3_bind_int64(write->batch_delete, 2, (sqlite3_int64)archived->last);
    CHECK(code == SQLITE_OK);
    status = sqlite_step_done(write->batch_delete, out_error);
    if (status == STATUS_OK &&
        (uint64_t)sqlite3_changes64(write->db) != archived->last - archived->first + 1) {
        status = error_set(out_error, STATUS_CORRUPT, "batches %llu to %llu are not all there",
                           (unsigned long long)archived->first, (unsigned long long)archived->last);
    }
    if (status == STATUS_OK) {
        journal_archived_bind(write->archived_insert, archived);
        status = sqlite_step_done(write->archived_insert, out_error);
    }
    return end(write, status, out_error);
}

enum status sqlite_write_meta(struct sqlite_write *write, uint32_t name, int64_t value,
                              struct error *out_error)
{
    enum status status = sqlite_step_done(write->begin, out_error);
    if (status != STATUS_OK) return status;
    status = journal_meta_set(write->db, name, value, out_error);
    return end(write, status, out_error);
}

enum status sqlite_write_ledger(struct sqlite_write *write, struct uuid ledger,
                                struct error *out_error)
{
    enum status status = sqlite_step_done(write->begin, out_error);
    if (status != STATUS_OK) return status;
    status = journal_ledger_set(write->db, ledger, out_error);
    return end(write, status, out_error);
}
