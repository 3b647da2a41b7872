#include "adapter/postgres_write.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"

static const struct postgres_statement BEGIN = { "begin", "BEGIN ISOLATION LEVEL READ COMMITTED" };
static const struct postgres_statement COMMIT = { "commit", "COMMIT" };

/* Of a process that stands still between two bytes of a commit, its row locked for as long. */
static const struct postgres_statement STUCK_END = {
    "stuck_end", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                 " WHERE application_name = $1::text AND usename = current_user"
                 " AND datname = current_database() AND pid <> pg_backend_pid()"
                 " AND backend_xid IS NOT NULL AND wait_event = 'ClientRead'"
};

static const struct postgres_statement *const APPEND_STATEMENTS[] = {
    &BEGIN,
    &POSTGRES_LANE_MOVE,
    &POSTGRES_BATCH_INSERT,
    &POSTGRES_SLICE_DELETE,
    &POSTGRES_SLICE_INSERT,
    &COMMIT,
};
enum { APPEND_STATEMENT_COUNT = sizeof APPEND_STATEMENTS / sizeof APPEND_STATEMENTS[0] };

/* ---- the connection ---- */

void postgres_write_close(struct postgres_write *write)
{
    postgres_connection_close(write->connection);
    write->connection = NULL;
    write->writer = 0;
}

enum status postgres_write_open(struct postgres_write *write, struct error *out_error)
{
    if (write->connection != NULL && !write->connection->lost) return STATUS_OK;
    postgres_write_close(write);
    enum status status = postgres_connection_open(&write->options, &write->connection, out_error);
    if (status != STATUS_OK) write->connection = NULL;
    return status;
}

/* A connection, and the time of a call that has just begun. */
static enum status call_begin(struct postgres_write *write, struct error *out_error)
{
    int64_t deadline_ns = postgres_deadline(POSTGRES_CALL_MS_MAX);
    enum status status = postgres_write_open(write, out_error);
    if (status != STATUS_OK) return status;
    postgres_call_until(write->connection, deadline_ns);
    for (size_t i = 0; status == STATUS_OK && i < APPEND_STATEMENT_COUNT; i++) {
        status = postgres_prepare(write->connection, APPEND_STATEMENTS[i], out_error);
    }
    return status;
}

static enum status fenced(const struct postgres_write *write, uint64_t epoch,
                          struct error *out_error)
{
    (void)error_set(out_error, STATUS_FENCED, "lane %u has another owner, or another head",
                    write->lane);
    error_detail(out_error, "ours is epoch %llu", (unsigned long long)epoch);
    return STATUS_FENCED;
}

/*
 * Takes a number for this connection. Committed, so that whatever was committed before it is
 * where commits have to be; an answer with a warning says that this is not known.
 */
static enum status writer_take(struct postgres_write *write, uint64_t epoch,
                               struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *result = NULL;
    postgres_bind_int32(&parameters, (int32_t)write->lane);
    postgres_bind_number(&parameters, epoch);
    write->connection->warned = false;
    enum status status =
        postgres_query(write->connection, &POSTGRES_LANE_WRITER, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    bool found = PQntuples(result) == 1;
    uint64_t writer = found ? (uint64_t)postgres_int64(result, 0, 0) : 0;
    PQclear(result);
    if (!found) return fenced(write, epoch, out_error);
    if (write->connection->warned) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, "a standby may not have what we know");
        error_detail(out_error, "%s", write->connection->warning);
        return STATUS_UNAVAILABLE;
    }
    write->writer = writer;
    return STATUS_OK;
}

/* ---- claim ---- */

/* An idle connection may have gone unnoticed, with the server; nothing was asked over it yet. */
static enum status claim_begin(struct postgres_write *write, struct error *out_error)
{
    for (bool old = write->connection != NULL;; old = false) {
        enum status status = call_begin(write, out_error);
        if (status == STATUS_OK) status = postgres_begin(write->connection, out_error);
        bool gone = write->connection != NULL && write->connection->lost;
        if (status == STATUS_OK || !old || !gone) return status;
    }
}

/* Whoever holds the row and does not go on is ended: what it holds is not committed. */
static void stuck_end(struct postgres_write *write)
{
    struct postgres_parameters parameters = { 0 };
    if (write->connection->lost) return;
    postgres_bind_text(&parameters, str_from(write->options.name));
    PGresult *result = NULL;
    enum status status = postgres_query(write->connection, &STUCK_END, &parameters, &result, NULL);
    if (status == STATUS_OK) PQclear(result); /* a server that cannot has said what it could */
}

static enum status claim_row(struct postgres_write *write, struct postgres_lane_row *out_row,
                             struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *result = NULL;
    struct postgres_lane_row row;
    postgres_bind_int32(&parameters, (int32_t)write->lane);
    enum status status =
        postgres_query(write->connection, &POSTGRES_LANE_LOCK, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    status = postgres_lane_read(result, write->lane, &row, out_error);
    PQclear(result);
    if (status != STATUS_OK) return status;
    row.head.epoch++;
    row.writer++;
    postgres_lane_bind(&parameters, write->lane, &row);
    status = postgres_change(write->connection, &POSTGRES_LANE_CLAIM, &parameters, NULL, out_error);
    if (status == STATUS_OK) *out_row = row;
    return status;
}

enum status postgres_write_claim(struct postgres_write *write, struct store_head *out_head,
                                 struct error *out_error)
{
    struct postgres_lane_row row;
    enum status status = claim_begin(write, out_error);
    if (status != STATUS_OK) return status;
    CHECK(write->connection != NULL);
    status = claim_row(write, &row, out_error);
    bool locked_out = status != STATUS_OK && strcmp(write->connection->state, "55P03") == 0;
    if (status == STATUS_OK) status = postgres_commit(write->connection, out_error);
    if (status != STATUS_OK) {
        postgres_rollback(write->connection);
        if (locked_out) stuck_end(write);
        if (status == STATUS_IN_DOUBT) write->connection->lost = true;
        return status;
    }
    write->writer = row.writer;
    write->epoch = row.head.epoch;
    *out_head = row.head;
    return STATUS_OK;
}

/* ---- append ---- */

static enum status add_slice(struct postgres_write *write, const struct store_batch *batch,
                             const struct store_slice *slice, struct error *out_error)
{
    CHECK(slice->from <= slice->to);
    CHECK(slice->size <= SLICE_SIZE_MAX);
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, (int32_t)write->lane);
    postgres_bind_int32(&parameters, (int32_t)slice->table);
    postgres_bind_number(&parameters, slice->generation);
    postgres_bind_number(&parameters, slice->to);
    enum status status =
        postgres_pipeline_add(write->connection, &POSTGRES_SLICE_DELETE, &parameters, out_error);
    if (status != STATUS_OK) return status;
    struct postgres_slice_row row = { .slice = *slice };
    row.slice.at_batch = batch->sequence;
    postgres_slice_digest(slice->data, slice->size, row.digest);
    postgres_slice_bind(&parameters, write->lane, &row, slice->data);
    return postgres_pipeline_add(write->connection, &POSTGRES_SLICE_INSERT, &parameters, out_error);
}

/* All but the COMMIT: without that nothing of it can become durable. */
static enum status add_batch(struct postgres_write *write, const struct store_batch *batch,
                             struct error *out_error)
{
    struct postgres_connection *connection = write->connection;
    struct postgres_parameters parameters;
    enum status status = postgres_pipeline_begin(connection, out_error);
    if (status == STATUS_OK) status = postgres_pipeline_add(connection, &BEGIN, NULL, out_error);
    if (status != STATUS_OK) return status;
    postgres_move_bind(&parameters, write->lane, batch, write->writer);
    status = postgres_pipeline_add(connection, &POSTGRES_LANE_MOVE, &parameters, out_error);
    if (status != STATUS_OK) return status;
    postgres_batch_bind(&parameters, write->lane, batch);
    status = postgres_pipeline_add(connection, &POSTGRES_BATCH_INSERT, &parameters, out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < batch->slice_count; i++) {
        status = add_slice(write, batch, &batch->slices[i], out_error);
    }
    return status;
}

static enum status in_doubt(struct postgres_write *write, const struct store_batch *batch,
                            struct error *out_error)
{
    const struct postgres_connection *connection = write->connection;
    (void)error_set(out_error, STATUS_IN_DOUBT, "whether batch %llu is committed is not known",
                    (unsigned long long)batch->sequence);
    error_detail(out_error, "%s",
                 connection->warned ? connection->warning : "the database's answer did not come");
    error_hint(out_error, "the commit is there in full or not at all: reopening tells");
    return STATUS_IN_DOUBT;
}

/* What the answers to the pipeline mean. `failed` is the status of the first that failed. */
static enum status judge(struct postgres_write *write, const struct store_batch *batch,
                         const struct postgres_pipeline_report *report, enum status failed,
                         struct error *out_error)
{
    const struct postgres_connection *connection = write->connection;
    bool all_but_commit = report->done + 1 >= connection->piped;
    if (failed == STATUS_OK) {
        bool committed = strcmp(report->last_tag, "COMMIT") == 0;
        return committed && !connection->warned ? STATUS_OK : in_doubt(write, batch, out_error);
    }
    if (!report->refused) return in_doubt(write, batch, out_error); /* the connection went */
    if (all_but_commit) {
        bool surely_not =
            strncmp(connection->state, "40", 2) == 0 && strcmp(connection->state, "40003") != 0;
        return surely_not ? failed : in_doubt(write, batch, out_error);
    }
    if (report->done == 1 && strcmp(connection->state, POSTGRES_STATE_FENCED) == 0)
        return fenced(write, batch->epoch, out_error);
    if (failed != STATUS_CONFLICT) return failed;
    return error_set(out_error, STATUS_CORRUPT,
                     "the database has batch %llu, which is above its lane's head",
                     (unsigned long long)batch->sequence);
}

enum status postgres_write_append(struct postgres_write *write, const struct store_batch *batch,
                                  struct error *out_error)
{
    enum status status = call_begin(write, out_error);
    if (status == STATUS_OK && write->writer == 0)
        status = writer_take(write, batch->epoch, out_error);
    if (status != STATUS_OK) return status;
    struct postgres_connection *connection = write->connection;
    status = add_batch(write, batch, out_error);
    if (status != STATUS_OK) return status; /* lost, its COMMIT never sent */
    struct postgres_pipeline_report report = { 0 };
    status = postgres_pipeline_add(connection, &COMMIT, NULL, out_error);
    if (status == STATUS_OK) status = postgres_pipeline_end(connection, &report, out_error);
    status = judge(write, batch, &report, status, out_error);
    if (status == STATUS_OK) {
        write->epoch = batch->epoch;
    } else if (status == STATUS_IN_DOUBT) {
        connection->lost = true;
    } else {
        postgres_rollback(connection);
    }
    return status;
}

/* ---- after a doubt ---- */

enum status postgres_write_settle(struct postgres_write *write, struct error *out_error)
{
    postgres_write_close(write);
    enum status status = call_begin(write, out_error);
    if (status != STATUS_OK || write->epoch == 0) return status;
    status = writer_take(write, write->epoch, out_error);
    bool locked_out = status != STATUS_OK && strcmp(write->connection->state, "55P03") == 0;
    if (locked_out) stuck_end(write);
    /* a newer owner's claim has settled it, and its appends tell us so */
    return status == STATUS_FENCED ? STATUS_OK : status;
}
