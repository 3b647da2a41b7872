/* The cursor is moved first in each transaction, from where it was: whoever is not alone fails there. */
#include "adapter/postgres_projection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/postgres_connection.h"
#include "adapter/postgres_journal.h"
#include "adapter/postgres_migrations.h"
#include "adapter/projection_rows.h"
#include "base/check.h"
#include "base/metric_text.h"
#include "wallet/journal_walk.h"

enum {
    ROWS_SIZE_MAX = 48 << 20,  /* of each kind; a batch of the largest size fits */
    TRANSFERS_AT_ONCE = 65536, /* about so many in a transaction */
    BATCHES_AT_ONCE = 1024,
    RETRY_MS = 500, /* after a failure */
    LOOK_MS = 1000, /* a cursor that rests is read again so often: the tables may be cleared */
};

struct gate {
    struct store port; /* first: the port's pointer is ours */
    struct store *inner;
    struct postgres_projection *projection;
    int64_t lag_max_ns;
};

struct postgres_projection {
    struct postgres_projection_options options;
    char url[POSTGRES_URL_SIZE];
    char name[48];
    struct task *task;
    struct postgres_connection *connection; /* NULL: none; the task's, as those below */
    struct journal_walk walk;
    bool begun; /* the walk stands at the cursor */
    uint64_t cursor;
    struct monotonic_time looked_at; /* when the cursor was read last */
    struct projection_rows rows;
    struct gate gate;

    struct monitor *monitor; /* guards the rest */
    bool stopping;
    bool failing;   /* the newest round failed */
    bool caught_up; /* once: a journal that was long before is no reason to hold appends up */
    int64_t batch_stamp_ns;
    struct postgres_projection_status status;
};

/* ---- SQL ---- */

static const struct postgres_statement CURSOR_MAKE = {
    "cursor_make", "INSERT INTO projection(lane, sequence, stamp, hash, filled_at)"
                   " VALUES($1::int4, 0, 0, '', now()) ON CONFLICT (lane) DO NOTHING"
};
static const struct postgres_statement CURSOR_SELECT = {
    "cursor_select", "SELECT sequence, stamp, hash FROM projection WHERE lane = $1::int4"
};
static const struct postgres_statement CURSOR_MOVE = {
    "cursor_move",
    "WITH moved AS (UPDATE projection SET sequence = $3::int8, stamp = $4::int8,"
    " hash = $5::bytea, filled_at = now() WHERE lane = $1::int4 AND sequence = $2::int8"
    " RETURNING 1) SELECT 1 / count(*) FROM moved"
};
static const struct postgres_statement ASSETS_SELECT = {
    "assets_select", "SELECT id, code, exponent FROM asset WHERE lane = $1::int4"
};
static const struct postgres_statement ASSET_INSERT = {
    "asset_insert", "INSERT INTO asset(lane, id, code, exponent)"
                    " VALUES($1::int4, $2::int8, $3::text, $4::int4)"
                    " ON CONFLICT (lane, id) DO NOTHING"
};
static const struct postgres_statement FLAGS_UPDATE = {
    "flags_update", "UPDATE account SET flags = (flags | $3::int4) & ~$4::int4"
                    " WHERE lane = $1::int4 AND id = $2::uuid"
};
/* What the new rows, in batches ($2, $3], did to each account. */
static const struct postgres_statement BALANCES_UPDATE = {
    "balances_update",
    "UPDATE account SET debits_posted = debits_posted + change.dr,"
    " debits_pending = debits_pending + change.dr_pending,"
    " credits_posted = credits_posted + change.cr,"
    " credits_pending = credits_pending + change.cr_pending FROM"
    " (SELECT account AS id,"
    " sum(CASE WHEN side = 'debit' THEN posted ELSE 0 END) AS dr,"
    " sum(CASE WHEN side = 'debit' THEN pending ELSE 0 END) AS dr_pending,"
    " sum(CASE WHEN side = 'credit' THEN posted ELSE 0 END) AS cr,"
    " sum(CASE WHEN side = 'credit' THEN pending ELSE 0 END) AS cr_pending"
    " FROM entry WHERE lane = $1::int4 AND batch > $2::int8 AND batch <= $3::int8"
    " GROUP BY account) AS change"
    " WHERE account.lane = $1::int4 AND account.id = change.id"
};

#define PAYMENT_REST                                                                               \
    "batch, slot, made_at, version, kind, state, parent, user_ref, wallet, counter, asset,"        \
    " amount, captured, refund_pending, refunded, disputed, counter_asset, counter_amount,"        \
    " step_number, psp, psp_object, reason, code, created_at, expires_at"

static const struct postgres_statement PAYMENTS_DELETE = {
    "payments_delete", "DELETE FROM payment WHERE lane = $1::int4 AND id IN"
                       " (SELECT id FROM payment_event WHERE lane = $1::int4"
                       " AND batch > $2::int8 AND batch <= $3::int8 AND outcome = 'ok')"
};
static const struct postgres_statement PAYMENTS_INSERT = {
    "payments_insert",
    "INSERT INTO payment(lane, id, " PAYMENT_REST ")"
    " SELECT DISTINCT ON (id) lane, id, " PAYMENT_REST " FROM payment_event"
    " WHERE lane = $1::int4 AND batch > $2::int8 AND batch <= $3::int8 AND outcome = 'ok'"
    " ORDER BY id, batch DESC, slot DESC"
};

static const char COPY_ACCOUNTS[] = "COPY account FROM STDIN (FORMAT binary)";
static const char COPY_TRANSFERS[] = "COPY transfer FROM STDIN (FORMAT binary)";
static const char COPY_EVENTS[] = "COPY payment_event FROM STDIN (FORMAT binary)";

/* What is lost of it in a crash is filled in again: nobody has to wait for the disk. */
static const char SESSION[] = "SET synchronous_commit = off";

static const char CLEAR[] = "TRUNCATE projection, asset, account, transfer, payment_event, payment";

/* ---- where it stands ---- */

static void status_take(struct postgres_projection *projection, const struct store_head *head)
{
    struct sync *sync = projection->options.sync;
    sync->lock(projection->monitor);
    struct postgres_projection_status *status = &projection->status;
    status->head = head->sequence;
    status->batch = projection->cursor;
    bool behind = status->batch < status->head && projection->batch_stamp_ns > 0;
    if (status->batch == status->head) projection->caught_up = true;
    status->lag_ns = behind ? head->stamp.ns - projection->batch_stamp_ns : 0;
    sync->unlock(projection->monitor);
}

static void disconnect(struct postgres_projection *projection)
{
    postgres_connection_close(projection->connection);
    projection->connection = NULL;
    projection->begun = false;
}

static enum status connect(struct postgres_projection *projection, struct error *out_error)
{
    const struct postgres_connection_options options = {
        .url = projection->url,
        .name = projection->name,
        .schema = projection->options.schema,
    };
    if (projection->connection != NULL && !projection->connection->lost) return STATUS_OK;
    disconnect(projection);
    enum status status = postgres_connection_open(&options, &projection->connection, out_error);
    if (status != STATUS_OK) {
        projection->connection = NULL;
        return status;
    }
    postgres_call_begin(projection->connection);
    if (!postgres_is_cockroach(projection->connection))
        status = postgres_execute(projection->connection, SESSION, out_error);
    return status;
}

static struct postgres_parameters of_lane(const struct postgres_projection *projection)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, (int32_t)projection->options.lane);
    return parameters;
}

/* ---- where to begin ---- */

static enum status assets_load(struct postgres_projection *projection, struct error *out_error)
{
    struct postgres_parameters parameters = of_lane(projection);
    PGresult *found = NULL;
    enum status status =
        postgres_query(projection->connection, &ASSETS_SELECT, &parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    projection->rows.asset_count = 0;
    for (int i = 0; status == STATUS_OK && i < PQntuples(found); i++) {
        struct str code = postgres_bytes(found, i, 1);
        struct asset asset = { .id = (uint32_t)postgres_int64(found, i, 0) };
        if (code.len < sizeof asset.code) memcpy(asset.code, code.data, code.len);
        status = projection_rows_know(&projection->rows, &asset);
    }
    PQclear(found);
    return status;
}

static enum status cursor_load(struct postgres_projection *projection, struct error *out_error)
{
    struct postgres_parameters parameters = of_lane(projection);
    PGresult *found = NULL;
    enum status status =
        postgres_change(projection->connection, &CURSOR_MAKE, &parameters, NULL, out_error);
    if (status == STATUS_OK)
        status =
            postgres_query(projection->connection, &CURSOR_SELECT, &parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    if (PQntuples(found) != 1) {
        PQclear(found);
        return error_set(out_error, STATUS_UNAVAILABLE, "the cursor was taken away");
    }
    struct journal_walk *walk = &projection->walk;
    uint64_t cursor = (uint64_t)postgres_int64(found, 0, 0);
    journal_walk_close(walk);
    journal_walk_open(walk, projection->options.journal, projection->options.lane, cursor);
    walk->stamp.ns = postgres_int64(found, 0, 1);
    walk->previous_known = postgres_copy(found, 0, 2, &walk->previous, sizeof walk->previous);
    PQclear(found);
    struct sync *sync = projection->options.sync;
    sync->lock(projection->monitor);
    if (cursor < projection->cursor) projection->caught_up = false; /* they were cleared */
    projection->cursor = cursor;
    projection->batch_stamp_ns = walk->stamp.ns;
    sync->unlock(projection->monitor);
    return STATUS_OK;
}

static enum status begin(struct postgres_projection *projection, struct error *out_error)
{
    enum status status = connect(projection, out_error);
    if (status != STATUS_OK || projection->begun) return status;
    postgres_call_begin(projection->connection);
    status = cursor_load(projection, out_error);
    if (status == STATUS_OK) status = assets_load(projection, out_error);
    projection->begun = status == STATUS_OK;
    projection->looked_at = clock_monotonic(projection->options.clock);
    return status;
}

/* ---- a round ---- */

/* Rows of the batches behind the cursor, up to the head, as many as go together. */
static enum status rows_gather(struct postgres_projection *projection, uint64_t head,
                               struct error *out_error)
{
    struct journal_walk *walk = &projection->walk;
    projection_rows_reset(&projection->rows);
    uint64_t last = projection->cursor + BATCHES_AT_ONCE;
    if (last > head) last = head;
    while (walk->sequence < last && projection->rows.transfers.rows < TRANSFERS_AT_ONCE) {
        struct batch_reader reader;
        enum status status = journal_walk_read(walk, &reader, out_error);
        if (status != STATUS_OK) return status;
        status = projection_rows_add(&projection->rows, &reader, out_error);
        if (status == STATUS_LIMIT && walk->sequence > projection->cursor) break;
        if (status != STATUS_OK) return status;
        journal_walk_next(walk);
    }
    return STATUS_OK;
}

static enum status cursor_move(struct postgres_projection *projection, struct error *out_error)
{
    const struct journal_walk *walk = &projection->walk;
    struct postgres_parameters parameters = of_lane(projection);
    PGresult *moved = NULL;
    postgres_bind_number(&parameters, projection->cursor);
    postgres_bind_number(&parameters, walk->sequence);
    postgres_bind_int64(&parameters, walk->stamp.ns);
    postgres_bind_bytes(&parameters, &walk->previous, sizeof walk->previous);
    enum status status =
        postgres_query(projection->connection, &CURSOR_MOVE, &parameters, &moved, out_error);
    if (status == STATUS_OK) PQclear(moved);
    if (strcmp(projection->connection->state, POSTGRES_STATE_FENCED) == 0 && status != STATUS_OK)
        return error_set(out_error, STATUS_UNAVAILABLE, "another fills these tables");
    return status;
}

static enum status assets_write(struct postgres_projection *projection, struct error *out_error)
{
    const struct projection_rows *rows = &projection->rows;
    enum status status = STATUS_OK;
    for (uint32_t i = rows->assets_new; status == STATUS_OK && i > 0; i--) {
        const struct asset *asset = &rows->assets[rows->asset_count - i];
        struct postgres_parameters parameters = of_lane(projection);
        postgres_bind_number(&parameters, asset->id);
        postgres_bind_text(&parameters, str_from(asset->code));
        postgres_bind_int32(&parameters, asset->exponent);
        status =
            postgres_change(projection->connection, &ASSET_INSERT, &parameters, NULL, out_error);
    }
    return status;
}

static enum status copy_write(struct postgres_projection *projection, const char *sql,
                              struct postgres_copy *copy, struct error *out_error)
{
    if (copy->rows == 0) return STATUS_OK;
    enum status status = postgres_copy_end(copy);
    if (status != STATUS_OK) return error_set(out_error, status, "the rows do not fit");
    postgres_call_begin(projection->connection);
    return postgres_copy_in(projection->connection, sql, buf_view(&copy->buf), out_error);
}

static enum status flags_write(struct postgres_projection *projection, struct error *out_error)
{
    const struct buf *changes = &projection->rows.changes;
    enum status status = STATUS_OK;
    for (size_t at = 0; status == STATUS_OK && at < changes->len;) {
        struct projection_change change;
        memcpy(&change, changes->data + at, sizeof change);
        at += sizeof change;
        struct postgres_parameters parameters = of_lane(projection);
        postgres_bind_uuid(&parameters, change.account.value);
        postgres_bind_int32(&parameters, change.set);
        postgres_bind_int32(&parameters, change.clear);
        postgres_call_begin(projection->connection);
        status =
            postgres_change(projection->connection, &FLAGS_UPDATE, &parameters, NULL, out_error);
    }
    return status;
}

/* One of the statements about batches ($2, $3]. */
static enum status new_rows_use(struct postgres_projection *projection,
                                const struct postgres_statement *statement, struct error *out_error)
{
    struct postgres_parameters parameters = of_lane(projection);
    postgres_bind_number(&parameters, projection->cursor);
    postgres_bind_number(&parameters, projection->walk.sequence);
    postgres_call_begin(projection->connection);
    return postgres_change(projection->connection, statement, &parameters, NULL, out_error);
}

static enum status rows_write(struct postgres_projection *projection, struct error *out_error)
{
    struct projection_rows *rows = &projection->rows;
    bool transfers = rows->transfers.rows > 0;
    bool events = rows->events.rows > 0;
    postgres_call_begin(projection->connection);
    enum status status = postgres_begin(projection->connection, out_error);
    if (status == STATUS_OK) status = cursor_move(projection, out_error);
    if (status == STATUS_OK) status = assets_write(projection, out_error);
    if (status == STATUS_OK)
        status = copy_write(projection, COPY_ACCOUNTS, &rows->accounts, out_error);
    if (status == STATUS_OK)
        status = copy_write(projection, COPY_TRANSFERS, &rows->transfers, out_error);
    if (status == STATUS_OK) status = copy_write(projection, COPY_EVENTS, &rows->events, out_error);
    if (status == STATUS_OK) status = flags_write(projection, out_error);
    if (status == STATUS_OK && transfers)
        status = new_rows_use(projection, &BALANCES_UPDATE, out_error);
    if (status == STATUS_OK && events)
        status = new_rows_use(projection, &PAYMENTS_DELETE, out_error);
    if (status == STATUS_OK && events)
        status = new_rows_use(projection, &PAYMENTS_INSERT, out_error);
    postgres_call_begin(projection->connection);
    return status == STATUS_OK ? postgres_commit(projection->connection, out_error) : status;
}

static enum status contradiction(struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT,
                    "the tables were filled from another journal, or one that was longer");
    error_hint(out_error, "`tpwallet projection clear`, and they are filled anew");
    return STATUS_CORRUPT;
}

/* *out_busy: there is more to do at once. */
static enum status round_run(struct postgres_projection *projection, bool *out_busy,
                             struct error *out_error)
{
    struct store_head head;
    struct store *journal = projection->options.journal;
    *out_busy = false;
    /* The cursor first: whoever filled them until now may still be at it, and is never ahead. */
    enum status status = begin(projection, out_error);
    if (status == STATUS_OK) status = journal->head(journal, &head, out_error);
    if (status != STATUS_OK) return status;
    status_take(projection, &head);
    if (head.sequence < projection->cursor) return contradiction(out_error);
    if (head.sequence == projection->cursor) {
        int64_t since_ns = clock_monotonic(projection->options.clock).ns - projection->looked_at.ns;
        if (since_ns >= LOOK_MS * NS_PER_MS) projection->begun = false;
        return STATUS_OK;
    }
    status = rows_gather(projection, head.sequence, out_error);
    if (status == STATUS_OK) status = rows_write(projection, out_error);
    if (status != STATUS_OK) return status;
    struct sync *sync = projection->options.sync;
    sync->lock(projection->monitor);
    projection->cursor = projection->walk.sequence;
    projection->batch_stamp_ns = projection->walk.stamp.ns;
    projection->status.rows += projection->rows.transfers.rows;
    projection->status.commits++;
    sync->unlock(projection->monitor);
    status_take(projection, &head);
    sync->wake_all(projection->monitor);
    *out_busy = projection->cursor < head.sequence;
    return STATUS_OK;
}

/* ---- the task ---- */

static void fail(struct postgres_projection *projection, const struct error *error)
{
    struct sync *sync = projection->options.sync;
    disconnect(projection); /* what is under way is rolled back; the cursor is read again */
    sync->lock(projection->monitor);
    bool first = !projection->failing;
    projection->failing = true;
    projection->status.failures++;
    projection->status.fault = *error;
    projection->status.stopped = error->status == STATUS_CORRUPT;
    bool stopped = projection->status.stopped;
    sync->unlock(projection->monitor);
    sync->wake_all(projection->monitor);
    if (!first && !stopped) return;
    const struct log_field fields[] = {
        { STR("detail"), str_from(error->detail), 0 },
        { STR("batch"), { NULL, 0 }, (int64_t)projection->cursor },
    };
    log_write(
        projection->options.log,
        (struct log_line){ .level = stopped ? LOG_ALARM : LOG_WARNING,
                           .event = stopped ? STR("projection.stopped") : STR("projection.failed"),
                           .message = str_from(error->message),
                           .fields = fields,
                           .field_count = 2 });
}

static bool round_do(struct postgres_projection *projection, int64_t *out_wait_ms)
{
    struct error error = { 0 };
    bool busy = false;
    *out_wait_ms = PROJECTION_POLL_MS;
    enum status status = round_run(projection, &busy, &error);
    if (status == STATUS_OK) {
        projection->options.sync->lock(projection->monitor);
        projection->failing = false;
        projection->options.sync->unlock(projection->monitor);
        return busy;
    }
    error.status = status;
    fail(projection, &error);
    *out_wait_ms = RETRY_MS;
    return false;
}

static void task_body(void *argument)
{
    struct postgres_projection *projection = argument;
    struct sync *sync = projection->options.sync;
    bool over = false;
    while (!over) {
        int64_t wait_ms = 0;
        bool busy = round_do(projection, &wait_ms);
        struct monotonic_time until = clock_monotonic(projection->options.clock);
        until.ns += wait_ms * NS_PER_MS;
        sync->lock(projection->monitor);
        while (!busy && !projection->stopping && !projection->status.stopped) {
            if (!sync->wait(projection->monitor, until)) break;
        }
        over = projection->stopping || projection->status.stopped;
        sync->unlock(projection->monitor);
    }
}

/* ---- opening and closing ---- */

static enum status schema_make(struct postgres_projection *projection, struct error *out_error)
{
    enum status status = connect(projection, out_error);
    if (status != STATUS_OK) return status;
    postgres_call_begin(projection->connection);
    return postgres_migrate(projection->connection, projection->options.schema, out_error);
}

static enum status prepare(struct postgres_projection *projection,
                           const struct postgres_projection_options *options,
                           struct error *out_error)
{
    enum status status = postgres_url_check(options->url, out_error);
    if (status != STATUS_OK) return status;
    memcpy(projection->url, options->url, strlen(options->url) + 1);
    projection->options = *options;
    projection->options.url = projection->url;
    int length = snprintf(projection->name, sizeof projection->name, "tpwallet projection %u",
                          options->lane);
    CHECK(length > 0 && (size_t)length < sizeof projection->name);
    projection_rows_init(&projection->rows, options->lane, ROWS_SIZE_MAX);
    projection->monitor = options->sync->monitor_new(options->sync, "projection");
    return schema_make(projection, out_error);
}

enum status postgres_projection_open(const struct postgres_projection_options *options,
                                     struct postgres_projection **out_projection,
                                     struct error *out_error)
{
    struct postgres_projection *projection = calloc(1, sizeof *projection);
    CHECK(projection != NULL);
    enum status status = prepare(projection, options, out_error);
    if (status != STATUS_OK) {
        postgres_projection_close(projection);
        return status;
    }
    *out_projection = projection;
    return STATUS_OK;
}

enum status postgres_projection_start(struct postgres_projection *projection,
                                      struct error *out_error)
{
    struct sync *sync = projection->options.sync;
    CHECK(projection->task == NULL);
    enum status status = sync->spawn(sync, "projection", task_body, projection, &projection->task);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "the task that fills the SQL tables cannot be started");
}

void postgres_projection_close(struct postgres_projection *projection)
{
    if (projection == NULL) return;
    struct sync *sync = projection->options.sync;
    if (projection->task != NULL) {
        sync->lock(projection->monitor);
        projection->stopping = true;
        sync->unlock(projection->monitor);
        sync->wake_all(projection->monitor);
        sync->join(projection->task);
    }
    disconnect(projection);
    journal_walk_close(&projection->walk);
    if (sync != NULL && projection->monitor != NULL) {
        projection_rows_free(&projection->rows);
        sync->monitor_free(projection->monitor);
    }
    free(projection);
}

enum status postgres_projection_clear(const char *url, struct error *out_error)
{
    const struct postgres_connection_options options = { .url = url,
                                                         .name = "tpwallet projection clear" };
    struct postgres_connection *connection = NULL;
    enum status status = postgres_connection_open(&options, &connection, out_error);
    if (status != STATUS_OK) return status;
    postgres_call_begin(connection);
    status = postgres_execute(connection, CLEAR, out_error);
    postgres_connection_close(connection);
    return status;
}

/* ---- what it says of itself ---- */

void postgres_projection_get_status(struct postgres_projection *projection,
                                    struct postgres_projection_status *out_status)
{
    struct sync *sync = projection->options.sync;
    sync->lock(projection->monitor);
    *out_status = projection->status;
    sync->unlock(projection->monitor);
}

void postgres_projection_catch_up(struct postgres_projection *projection)
{
    struct store_head head;
    struct sync *sync = projection->options.sync;
    struct store *journal = projection->options.journal;
    if (journal->head(journal, &head, NULL) != STATUS_OK) return; /* there is nothing to wait for */
    sync->lock(projection->monitor);
    while (projection->cursor < head.sequence && !projection->status.stopped) {
        (void)sync->wait(projection->monitor, MONOTONIC_NEVER);
    }
    sync->unlock(projection->monitor);
}

static void number_write(struct buf *out_page, const char *name, const char *type, const char *help,
                         uint64_t number)
{
    metric_head_write(out_page, name, type, help);
    buf_append_format(out_page, "%s %" PRIu64 "\n", name, number);
}

void postgres_projection_metrics(struct postgres_projection *projection, struct buf *out_page)
{
    struct postgres_projection_status status;
    postgres_projection_get_status(projection, &status);
    number_write(out_page, "tpwallet_projection_batch", "gauge",
                 "Batches of the journal that are in the SQL tables.", status.batch);
    number_write(out_page, "tpwallet_projection_lag_batches", "gauge",
                 "Batches of the journal that are not in the SQL tables yet.",
                 status.head - status.batch);
    metric_head_write(out_page, "tpwallet_projection_lag_seconds", "gauge",
                      "Time between the newest batch and the newest in the SQL tables.");
    buf_append_format(out_page, "tpwallet_projection_lag_seconds %" PRId64 ".%03" PRId64 "\n",
                      status.lag_ns / NS_PER_S, status.lag_ns % NS_PER_S / NS_PER_MS);
    number_write(out_page, "tpwallet_projection_transfers_total", "counter",
                 "Transfers written into the SQL tables.", status.rows);
    number_write(out_page, "tpwallet_projection_commits_total", "counter",
                 "Transactions that wrote them.", status.commits);
    number_write(out_page, "tpwallet_projection_failures_total", "counter",
                 "Rounds that failed and were tried again.", status.failures);
    number_write(out_page, "tpwallet_projection_waits_total", "counter",
                 "Commits that waited for the SQL tables.", status.waits);
    number_write(out_page, "tpwallet_projection_stopped", "gauge",
                 "1: the SQL tables are of another journal, and not filled.", status.stopped);
}

/* ---- the gate ---- */

static struct gate *gate_of(struct store *port)
{
    return (struct gate *)port;
}

/* Under the monitor. */
static bool too_far_behind(const struct gate *gate, const struct store_batch *batch)
{
    const struct postgres_projection *projection = gate->projection;
    if (projection->failing || projection->status.stopped || projection->stopping) return false;
    if (!projection->caught_up) return false;
    bool behind = projection->cursor + 1 < batch->sequence;
    return behind && batch->stamp.ns - projection->batch_stamp_ns > gate->lag_max_ns;
}

static void gate_wait(struct gate *gate, const struct store_batch *batch)
{
    struct postgres_projection *projection = gate->projection;
    struct sync *sync = projection->options.sync;
    struct monotonic_time begun = clock_monotonic(projection->options.clock);
    struct monotonic_time until = { begun.ns + PROJECTION_WAIT_MS_MAX * NS_PER_MS };
    bool waited = false;
    sync->lock(projection->monitor);
    while (too_far_behind(gate, batch)) {
        waited = true;
        if (!sync->wait(projection->monitor, until)) break;
    }
    if (waited) {
        projection->status.waits++;
        projection->status.wait_ns += clock_monotonic(projection->options.clock).ns - begun.ns;
    }
    sync->unlock(projection->monitor);
}

static enum status gate_append(struct store *port, const struct store_batch *batch,
                               struct error *out_error)
{
    struct gate *gate = gate_of(port);
    if (gate->lag_max_ns > 0) gate_wait(gate, batch);
    return gate->inner->append(gate->inner, batch, out_error);
}

static enum status gate_head(struct store *port, struct store_head *out_head,
                             struct error *out_error)
{
    struct store *inner = gate_of(port)->inner;
    return inner->head(inner, out_head, out_error);
}

static enum status gate_claim(struct store *port, struct store_head *out_head,
                              struct error *out_error)
{
    struct store *inner = gate_of(port)->inner;
    return inner->claim(inner, out_head, out_error);
}

static enum status gate_room(struct store *port, struct error *out_error)
{
    struct store *inner = gate_of(port)->inner;
    return inner->room(inner, out_error);
}

static enum status gate_reopen(struct store *port, struct error *out_error)
{
    struct store *inner = gate_of(port)->inner;
    return inner->reopen(inner, out_error);
}

static enum status gate_read(struct store *port, uint64_t sequence, struct buf *out_blob,
                             struct error *out_error)
{
    struct store *inner = gate_of(port)->inner;
    return inner->read(inner, sequence, out_blob, out_error);
}

static enum status gate_read_part(struct store *port, uint64_t sequence, uint32_t offset,
                                  uint32_t size, void *out_bytes, struct error *out_error)
{
    struct store *inner = gate_of(port)->inner;
    return inner->read_part(inner, sequence, offset, size, out_bytes, out_error);
}

static enum status gate_find_stamp(struct store *port, struct wall_time stamp,
                                   uint64_t *out_sequence, struct error *out_error)
{
    struct store *inner = gate_of(port)->inner;
    return inner->find_stamp(inner, stamp, out_sequence, out_error);
}

static enum status gate_slice_list(struct store *port, struct buf *out_slices,
                                   struct error *out_error)
{
    struct store *inner = gate_of(port)->inner;
    return inner->slice_list(inner, out_slices, out_error);
}

static enum status gate_slice_read(struct store *port, const struct store_slice *slice,
                                   struct buf *out_data, struct error *out_error)
{
    struct store *inner = gate_of(port)->inner;
    return inner->slice_read(inner, slice, out_data, out_error);
}

/* It is a part of the projection, and inner is its opener's. */
static void gate_close(struct store *port)
{
    (void)port;
}

struct store *postgres_projection_gate(struct postgres_projection *projection, struct store *inner,
                                       int64_t lag_max_ns)
{
    projection->gate = (struct gate){
        .port = { .head = gate_head,
                  .claim = gate_claim,
                  .room = gate_room,
                  .append = gate_append,
                  .reopen = gate_reopen,
                  .read = gate_read,
                  .read_part = gate_read_part,
                  .find_stamp = gate_find_stamp,
                  .slice_list = gate_slice_list,
                  .slice_read = gate_slice_read,
                  .close = gate_close },
        .inner = inner,
        .projection = projection,
        .lag_max_ns = lag_max_ns,
    };
    return &projection->gate.port;
}
