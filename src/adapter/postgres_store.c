/* Who may call what and when; writing and rows are in modules of their own. */
#include "adapter/postgres_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/ledger_id.h"
#include "adapter/postgres_journal.h"
#include "adapter/postgres_migrations.h"
#include "adapter/postgres_pool.h"
#include "adapter/postgres_write.h"
#include "base/check.h"
#include "base/limits.h"

struct postgres_store {
    struct store port; /* first: the port's pointer is ours */
    struct postgres_store_options options;
    char url[POSTGRES_URL_SIZE];
    char name[48];
    pthread_mutex_t writer_mutex; /* claim, append, reopen: one at a time */
    struct postgres_write write;
    struct postgres_pool readers;
    struct uuid ledger; /* nil: the database names none */
    bool in_doubt;
};

static struct postgres_store *of_port(struct store *store)
{
    return (struct postgres_store *)store;
}

/* ---- reading ---- */

/* STATUS_UNAVAILABLE: reopen is due. */
static enum status enter(const struct postgres_store *store, struct error *out_error)
{
    if (!__atomic_load_n(&store->in_doubt, __ATOMIC_ACQUIRE)) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "the last commit is in doubt: reopen first");
}

/* Parameters with the lane in them, and more for the caller to add. */
static struct postgres_parameters of_lane(const struct postgres_store *store)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, (int32_t)store->options.lane);
    return parameters;
}

static enum status read_rows(struct postgres_store *store,
                             const struct postgres_statement *statement,
                             const struct postgres_parameters *parameters, PGresult **out_result,
                             struct error *out_error)
{
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    return postgres_pool_query(&store->readers, statement, parameters, out_result, out_error);
}

static enum status store_head_of(struct store *port, struct store_head *out_head,
                                 struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    struct postgres_parameters parameters = of_lane(store);
    PGresult *result = NULL;
    struct postgres_lane_row row;
    enum status status = read_rows(store, &POSTGRES_LANE_SELECT, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    status = postgres_lane_read(result, store->options.lane, &row, out_error);
    PQclear(result);
    if (status == STATUS_OK) *out_head = row.head;
    return status;
}

static enum status no_such_batch(uint64_t sequence, struct error *out_error)
{
    return error_set(out_error, STATUS_NOT_FOUND, "there is no batch %llu",
                     (unsigned long long)sequence);
}

static enum status batch_damaged(uint64_t sequence, struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "batch %llu in the database is damaged",
                    (unsigned long long)sequence);
    error_detail(out_error, "its data do not have the hash that was stored with them");
    error_hint(out_error, "restore a backup of the database");
    return STATUS_CORRUPT;
}

static enum status batch_take(const struct postgres_store *store, const PGresult *result,
                              uint64_t sequence, struct buf *out_blob, struct error *out_error)
{
    struct postgres_batch_row row;
    if (PQntuples(result) == 0) return no_such_batch(sequence, out_error);
    enum status status = postgres_batch_read(result, 0, store->options.lane, &row, out_error);
    if (status != STATUS_OK) return status;
    struct str data = postgres_bytes(result, 0, POSTGRES_BATCH_DATA);
    struct digest digest = digest_of(data.data, data.len);
    if (row.sequence != sequence || row.size != data.len || !digest_equal(&digest, &row.hash))
        return batch_damaged(sequence, out_error);
    buf_reset(out_blob);
    buf_append_str(out_blob, data);
    if (buf_status(out_blob) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "batch %llu does not fit",
                     (unsigned long long)sequence);
}

static bool fits(uint64_t number)
{
    return number <= INT64_MAX;
}

static enum status store_read(struct store *port, uint64_t sequence, struct buf *out_blob,
                              struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    struct postgres_parameters parameters = of_lane(store);
    PGresult *result = NULL;
    if (!fits(sequence)) return no_such_batch(sequence, out_error);
    postgres_bind_number(&parameters, sequence);
    enum status status = read_rows(store, &POSTGRES_BATCH_SELECT, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    status = batch_take(store, result, sequence, out_blob, out_error);
    PQclear(result);
    return status;
}

static enum status store_read_part(struct store *port, uint64_t sequence, uint32_t offset,
                                   uint32_t size, void *out_bytes, struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    struct postgres_parameters parameters = of_lane(store);
    PGresult *result = NULL;
    if (!fits(sequence) || offset > BATCH_SIZE_MAX || size > BATCH_SIZE_MAX)
        return no_such_batch(sequence, out_error);
    postgres_bind_number(&parameters, sequence);
    postgres_bind_int32(&parameters, (int32_t)offset + 1);
    postgres_bind_int32(&parameters, (int32_t)size);
    enum status status = read_rows(store, &POSTGRES_BATCH_PART, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    bool found = PQntuples(result) == 1 && postgres_copy(result, 0, 0, out_bytes, size);
    PQclear(result);
    return found ? STATUS_OK : no_such_batch(sequence, out_error);
}

static enum status store_find_stamp(struct store *port, struct wall_time stamp,
                                    uint64_t *out_sequence, struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    struct postgres_parameters parameters = of_lane(store);
    PGresult *result = NULL;
    postgres_bind_int64(&parameters, stamp.ns);
    enum status status = read_rows(store, &POSTGRES_BATCH_STAMP, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    *out_sequence = (uint64_t)postgres_int64(result, 0, 0);
    PQclear(result);
    return STATUS_OK;
}

static enum status slices_take(const struct postgres_store *store, const PGresult *result,
                               struct buf *out_slices, struct error *out_error)
{
    for (int i = 0; i < PQntuples(result); i++) {
        struct postgres_slice_row row;
        enum status status =
            postgres_slice_row_read(result, i, store->options.lane, &row, out_error);
        if (status != STATUS_OK) return status;
        buf_append(out_slices, &row.slice, sizeof row.slice);
    }
    if (buf_status(out_slices) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "the list of slices does not fit");
}

static enum status store_slice_list(struct store *port, struct buf *out_slices,
                                    struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    struct postgres_parameters parameters = of_lane(store);
    PGresult *result = NULL;
    enum status status = read_rows(store, &POSTGRES_SLICE_LIST, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    status = slices_take(store, result, out_slices, out_error);
    PQclear(result);
    return status;
}

static enum status slice_take(const struct postgres_store *store, const PGresult *result,
                              const struct store_slice *slice, struct buf *out_data,
                              struct error *out_error)
{
    struct postgres_slice_row row;
    uint8_t digest[POSTGRES_SLICE_DIGEST_SIZE];
    if (PQntuples(result) == 0)
        return error_set(out_error, STATUS_NOT_FOUND, "the slice was replaced meanwhile");
    enum status status = postgres_slice_row_read(result, 0, store->options.lane, &row, out_error);
    if (status != STATUS_OK) return status;
    if (row.slice.to != slice->to || row.slice.at_batch != slice->at_batch)
        return error_set(out_error, STATUS_NOT_FOUND, "the slice was replaced meanwhile");
    struct str data = postgres_bytes(result, 0, POSTGRES_SLICE_DATA);
    postgres_slice_digest(data.data, data.len, digest);
    if (data.len != row.slice.size || memcmp(digest, row.digest, sizeof digest) != 0) {
        (void)error_set(out_error, STATUS_CORRUPT,
                        "a slice of table %u as of batch %llu in the database is damaged",
                        slice->table, (unsigned long long)row.slice.at_batch);
        error_hint(out_error, "restore a backup of the database");
        return STATUS_CORRUPT;
    }
    buf_append_str(out_data, data);
    if (buf_status(out_data) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "a slice does not fit");
}

static enum status store_slice_read(struct store *port, const struct store_slice *slice,
                                    struct buf *out_data, struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    struct postgres_parameters parameters = of_lane(store);
    PGresult *result = NULL;
    buf_reset(out_data);
    postgres_bind_int32(&parameters, (int32_t)slice->table);
    postgres_bind_number(&parameters, slice->generation);
    postgres_bind_number(&parameters, slice->from);
    enum status status = read_rows(store, &POSTGRES_SLICE_SELECT, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    status = slice_take(store, result, slice, out_data, out_error);
    PQclear(result);
    return status;
}

/* ---- writing ---- */

static enum status denied(struct error *out_error)
{
    return error_set(out_error, STATUS_DENIED, "the store was opened to be read only");
}

static enum status store_reopen(struct store *port, struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    if (store->options.read_only) return STATUS_OK; /* nothing is held in memory */
    (void)pthread_mutex_lock(&store->writer_mutex);
    enum status status = postgres_write_settle(&store->write, out_error);
    if (status == STATUS_OK) __atomic_store_n(&store->in_doubt, false, __ATOMIC_RELEASE);
    (void)pthread_mutex_unlock(&store->writer_mutex);
    return status;
}

/* What the port's call may say; what else a server comes up with is a state that passes. */
static enum status writing(enum status status)
{
    bool known = status == STATUS_OK || status == STATUS_FENCED || status == STATUS_LIMIT ||
                 status == STATUS_IN_DOUBT || status == STATUS_CORRUPT;
    return known ? status : STATUS_UNAVAILABLE;
}

/* A claim in doubt: whether the epoch rose once or twice matters to nobody. */
static enum status store_claim(struct store *port, struct store_head *out_head,
                               struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    if (store->options.read_only) return denied(out_error);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    (void)pthread_mutex_lock(&store->writer_mutex);
    status = postgres_write_claim(&store->write, out_head, out_error);
    (void)pthread_mutex_unlock(&store->writer_mutex);
    if (status == STATUS_OK || status == STATUS_CORRUPT) return status;
    return STATUS_UNAVAILABLE;
}

/* How much room the server's disk has is not to be known from here. */
static enum status store_room(struct store *port, struct error *out_error)
{
    (void)port;
    (void)out_error;
    return STATUS_OK;
}

static enum status store_append(struct store *port, const struct store_batch *batch,
                                struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    CHECK(batch->sequence > 0);
    CHECK(batch->size <= BATCH_SIZE_MAX);
    CHECK(batch->slice_count <= STORE_SLICES_PER_BATCH_MAX);
    if (store->options.read_only) return denied(out_error);
    enum status status = enter(store, out_error);
    if (status != STATUS_OK) return status;
    (void)pthread_mutex_lock(&store->writer_mutex);
    status = writing(postgres_write_append(&store->write, batch, out_error));
    if (status == STATUS_IN_DOUBT) __atomic_store_n(&store->in_doubt, true, __ATOMIC_RELEASE);
    (void)pthread_mutex_unlock(&store->writer_mutex);
    return status;
}

static void store_close(struct store *port)
{
    if (port == NULL) return;
    struct postgres_store *store = of_port(port);
    postgres_write_close(&store->write);
    postgres_pool_close(&store->readers);
    (void)pthread_mutex_destroy(&store->writer_mutex); /* nobody is inside */
    free(store);
}

/* ---- making one ---- */

static struct postgres_store *store_new(const struct postgres_store_options *options)
{
    struct postgres_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    store->port = (struct store){
        .head = store_head_of,
        .claim = store_claim,
        .room = store_room,
        .append = store_append,
        .reopen = store_reopen,
        .read = store_read,
        .read_part = store_read_part,
        .find_stamp = store_find_stamp,
        .slice_list = store_slice_list,
        .slice_read = store_slice_read,
        .close = store_close,
    };
    int failed = pthread_mutex_init(&store->writer_mutex, NULL);
    CHECK(failed == 0);
    store->options = *options;
    store->options.url = store->url;
    return store;
}

/* One makes lanes at a time: two that make different numbers of them are no ledger. */
static const char LANES_LOCK[] = "SELECT pg_advisory_xact_lock(7887241006)";

static enum status set_names(struct postgres_store *store, const char *url, struct error *out_error)
{
    enum status status = postgres_url_check(url, out_error);
    if (status != STATUS_OK) return status;
    memcpy(store->url, url, strlen(url) + 1);
    int length = snprintf(store->name, sizeof store->name, "tpwallet lane %u", store->options.lane);
    CHECK(length > 0 && (size_t)length < sizeof store->name);
    store->write.lane = store->options.lane;
    store->write.options = (struct postgres_connection_options){
        .url = store->url,
        .name = store->name,
        .schema = store->options.schema,
    };
    return STATUS_OK;
}

/* The lane's row against the newest batch, as one statement sees them. */
static enum status verify_head(struct postgres_store *store, struct error *out_error)
{
    struct postgres_parameters parameters = of_lane(store);
    PGresult *result = NULL;
    struct postgres_lane_row lane;
    struct postgres_batch_row newest = { 0 };
    enum status status = read_rows(store, &POSTGRES_NEWEST_SELECT, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    status = postgres_lane_read(result, store->options.lane, &lane, out_error);
    if (status == STATUS_OK && PQgetisnull(result, 0, POSTGRES_LANE_COLUMNS) == 0) {
        status = postgres_batch_read(result, POSTGRES_LANE_COLUMNS, store->options.lane, &newest,
                                     out_error);
    }
    PQclear(result);
    if (status != STATUS_OK) return status;
    if (newest.sequence == lane.head.sequence && newest.stamp.ns == lane.head.stamp.ns &&
        digest_equal(&newest.hash, &lane.head.hash)) {
        return STATUS_OK;
    }
    (void)error_set(out_error, STATUS_CORRUPT,
                    "the head of lane %u in the database is not its newest batch",
                    store->options.lane);
    error_detail(out_error, "the head says %llu, and the newest batch is %llu",
                 (unsigned long long)lane.head.sequence, (unsigned long long)newest.sequence);
    error_hint(out_error, "rows were changed or restored by hand: restore a backup");
    return STATUS_CORRUPT;
}

/*
 * A ledger's lanes are as many as were made, and accounts follow from how many: who believes in
 * another number would look for them elsewhere.
 */
static enum status lanes_verify(const struct postgres_store *store, uint64_t there,
                                struct error *out_error)
{
    uint32_t lanes = store->options.lanes;
    if (there == lanes) return STATUS_OK;
    (void)error_set(out_error, STATUS_INVALID,
                    "the ledger in the database was made with --lanes %llu, not %u",
                    (unsigned long long)there, lanes);
    error_hint(out_error, "a folder for it is made with `tpwallet init --lanes %llu --store URL`",
               (unsigned long long)there);
    return STATUS_INVALID;
}

/* A URL may lead elsewhere than it did: to another database, or to another server's. */
static enum status ledger_verify(const struct postgres_store *store, struct error *out_error)
{
    char here[UUID_TEXT_LEN + 1];
    char wanted[UUID_TEXT_LEN + 1];
    bool known = !uuid_is_nil(store->ledger) && !uuid_is_nil(store->options.ledger);
    if (!known || uuid_equal(store->ledger, store->options.ledger)) return STATUS_OK;
    uuid_format(store->ledger, here);
    uuid_format(store->options.ledger, wanted);
    (void)error_set(out_error, STATUS_INVALID, "the database has another ledger");
    error_detail(out_error, "expected is ledger %s, and %s is there", wanted, here);
    error_hint(out_error, "correct the URL in the folder's file `store`, or what its host leads "
                          "to; a folder for the ledger that is there is made with `tpwallet init "
                          "--store URL`");
    return STATUS_INVALID;
}

static void ledger_take(struct postgres_store *store, PGresult *result)
{
    if (PQntuples(result) == 1) store->ledger = postgres_uuid(result, 0, 0);
    PQclear(result);
}

static enum status verify_ledger(struct postgres_store *store, struct error *out_error)
{
    struct postgres_parameters none = { 0 };
    PGresult *result = NULL;
    enum status status = read_rows(store, &POSTGRES_LEDGER_SELECT, &none, &result, out_error);
    if (status != STATUS_OK) return status;
    ledger_take(store, result);
    return ledger_verify(store, out_error);
}

/* On the writer's connection, which is open: what is there stays. */
static enum status ledger_write(struct postgres_store *store, struct uuid ledger,
                                struct error *out_error)
{
    struct postgres_connection *connection = store->write.connection;
    struct postgres_parameters parameters = { 0 };
    struct postgres_parameters none = { 0 };
    PGresult *result = NULL;
    postgres_bind_uuid(&parameters, ledger);
    enum status status =
        postgres_change(connection, &POSTGRES_LEDGER_INSERT, &parameters, NULL, out_error);
    if (status == STATUS_OK)
        status = postgres_query(connection, &POSTGRES_LEDGER_SELECT, &none, &result, out_error);
    if (status == STATUS_OK) ledger_take(store, result);
    return status;
}

static enum status verify_lanes(struct postgres_store *store, struct error *out_error)
{
    struct postgres_parameters none = { 0 };
    PGresult *result = NULL;
    if (store->options.lanes == 0) return STATUS_OK;
    enum status status = read_rows(store, &POSTGRES_LANES_SELECT, &none, &result, out_error);
    if (status != STATUS_OK) return status;
    uint64_t there = (uint64_t)postgres_int64(result, 0, 0);
    PQclear(result);
    return lanes_verify(store, there, out_error);
}

static enum status open_readers(struct postgres_store *store, struct error *out_error)
{
    struct postgres_connection_options options = store->write.options;
    options.read_only = true;
    options.any_server = store->options.read_only; /* a writer reads what it wrote */
    return postgres_pool_open(&store->readers, &options, out_error);
}

static enum status migrate(struct postgres_store *store, struct error *out_error)
{
    enum status status = postgres_write_open(&store->write, out_error);
    if (status != STATUS_OK) return status;
    postgres_call_begin(store->write.connection);
    return postgres_migrate(store->write.connection, store->options.schema, out_error);
}

static enum status lane_make(struct postgres_store *store, uint32_t lane, bool *out_new,
                             struct error *out_error)
{
    static const struct postgres_lane_row empty;
    struct postgres_parameters parameters = { 0 };
    uint64_t rows = 0;
    postgres_lane_bind(&parameters, lane, &empty);
    enum status status = postgres_change(store->write.connection, &POSTGRES_LANE_INSERT,
                                         &parameters, &rows, out_error);
    if (status == STATUS_OK) *out_new = rows == 1;
    return status;
}

/* In a transaction: all lanes where there are none, so that no ledger is ever half made. */
static enum status lanes_fill(struct postgres_store *store, bool *out_new, struct error *out_error)
{
    struct postgres_parameters none = { 0 };
    PGresult *result = NULL;
    bool made = false;
    enum status status = postgres_execute(store->write.connection, LANES_LOCK, out_error);
    if (status == STATUS_OK)
        status = postgres_query(store->write.connection, &POSTGRES_LANES_SELECT, &none, &result,
                                out_error);
    if (status != STATUS_OK) return status;
    uint64_t there = (uint64_t)postgres_int64(result, 0, 0);
    PQclear(result);
    *out_new = there == 0;
    bool drawn = uuid_is_nil(store->options.ledger);
    status = ledger_write(store, drawn ? ledger_id_draw() : store->options.ledger, out_error);
    if (status == STATUS_OK) status = ledger_verify(store, out_error);
    if (status != STATUS_OK) return status;
    if (there > 0) return lanes_verify(store, there, out_error);
    for (uint32_t lane = 0; status == STATUS_OK && lane < store->options.lanes; lane++)
        status = lane_make(store, lane, &made, out_error);
    return status;
}

/* What is not committed ends with the connection, which its caller closes. */
static enum status lanes_make(struct postgres_store *store, bool *out_new, struct error *out_error)
{
    bool made = false;
    enum status status = postgres_execute(store->write.connection, "BEGIN", out_error);
    if (status == STATUS_OK) status = lanes_fill(store, &made, out_error);
    if (status == STATUS_OK)
        status = postgres_execute(store->write.connection, "COMMIT", out_error);
    if (status == STATUS_OK) *out_new = made;
    return status;
}

enum status postgres_store_create(const struct postgres_store_options *options,
                                  struct postgres_store_made *out_made, struct error *out_error)
{
    struct postgres_store *store = store_new(options);
    struct postgres_store_made made = { 0 };
    enum status status = set_names(store, options->url, out_error);
    if (status == STATUS_OK) status = migrate(store, out_error);
    if (status == STATUS_OK && options->lanes > 0)
        status = lanes_make(store, &made.is_new, out_error);
    else if (status == STATUS_OK)
        status = lane_make(store, options->lane, &made.is_new, out_error);
    made.ledger = store->ledger;
    if (status == STATUS_OK) *out_made = made;
    store_close(&store->port);
    return status;
}

static enum status verify_schema(struct postgres_store *store, struct error *out_error)
{
    struct postgres_connection *connection = NULL;
    if (!store->options.read_only) return migrate(store, out_error);
    enum status status = postgres_pool_take(&store->readers, &connection, out_error);
    if (status != STATUS_OK) return status;
    status = postgres_migrations_verify(connection, out_error);
    postgres_pool_give(&store->readers, connection);
    return status;
}

enum status postgres_store_open(const struct postgres_store_options *options,
                                struct store **out_store, struct error *out_error)
{
    struct postgres_store *store = store_new(options);
    enum status status = set_names(store, options->url, out_error);
    if (status == STATUS_OK) status = open_readers(store, out_error);
    if (status == STATUS_OK) status = verify_schema(store, out_error);
    if (status == STATUS_OK) status = verify_ledger(store, out_error);
    if (status == STATUS_OK) status = verify_head(store, out_error);
    if (status == STATUS_OK) status = verify_lanes(store, out_error);
    if (status != STATUS_OK) {
        store_close(&store->port);
        return status;
    }
    *out_store = &store->port;
    return STATUS_OK;
}

struct uuid postgres_store_ledger(struct store *port)
{
    return of_port(port)->ledger;
}

enum status postgres_store_set_ledger(struct store *port, struct uuid ledger,
                                      struct error *out_error)
{
    struct postgres_store *store = of_port(port);
    if (store->options.read_only) return denied(out_error);
    (void)pthread_mutex_lock(&store->writer_mutex);
    enum status status = postgres_write_open(&store->write, out_error);
    if (status == STATUS_OK) {
        postgres_call_begin(store->write.connection);
        status = writing(ledger_write(store, ledger, out_error));
    }
    (void)pthread_mutex_unlock(&store->writer_mutex);
    return status;
}
