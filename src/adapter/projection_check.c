/* One transaction that sees one moment; rows come in the journal's order, as COPY would have sent them. */
#include "adapter/projection_check.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/postgres_connection.h"
#include "adapter/projection_rows.h"
#include "base/check.h"
#include "wallet/journal_walk.h"

enum { ROWS_SIZE_MAX = 16 << 20, COPY_HEADER_SIZE = 19 };

static const char BEGIN[] = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

static const struct postgres_statement CURSOR = {
    "check_cursor", "SELECT sequence FROM projection WHERE lane = $1::int4"
};
static const struct postgres_statement TRANSFERS = {
    "check_transfers", "SELECT * FROM transfer WHERE lane = $1::int4 AND batch = $2::int8"
                       " ORDER BY slot"
};
static const struct postgres_statement EVENTS = {
    "check_events", "SELECT * FROM payment_event WHERE lane = $1::int4 AND batch = $2::int8"
                    " ORDER BY slot"
};
static const struct postgres_statement ACCOUNT = {
    "check_account", "SELECT lane, id, batch, slot, made_at, kind, asset, user_ref FROM account"
                     " WHERE lane = $1::int4 AND id = $2::uuid"
};
static const struct postgres_statement COUNTS = {
    "check_counts", "SELECT (SELECT count(*) FROM transfer WHERE lane = $1::int4),"
                    " (SELECT count(*) FROM payment_event WHERE lane = $1::int4),"
                    " (SELECT count(*) FROM account WHERE lane = $1::int4)"
};
/* An account whose balance is not the sum of its entries. */
static const struct postgres_statement BALANCES = {
    "check_balances",
    "SELECT account.id::text FROM account LEFT JOIN (SELECT account AS id,"
    " sum(CASE WHEN side = 'debit' THEN posted ELSE 0 END) AS dr,"
    " sum(CASE WHEN side = 'debit' THEN pending ELSE 0 END) AS dr_pending,"
    " sum(CASE WHEN side = 'credit' THEN posted ELSE 0 END) AS cr,"
    " sum(CASE WHEN side = 'credit' THEN pending ELSE 0 END) AS cr_pending"
    " FROM entry WHERE lane = $1::int4 GROUP BY account) AS entries ON entries.id = account.id"
    " WHERE account.lane = $1::int4 AND (debits_posted <> coalesce(dr, 0)"
    " OR debits_pending <> coalesce(dr_pending, 0) OR credits_posted <> coalesce(cr, 0)"
    " OR credits_pending <> coalesce(cr_pending, 0)) LIMIT 1"
};
/* A payment that is not as its newest event has it, or has none, or an event without payment. */
static const struct postgres_statement PAYMENTS = {
    "check_payments",
    "SELECT coalesce(payment.id, newest.id)::text FROM"
    " (SELECT * FROM payment WHERE lane = $1::int4) AS payment FULL JOIN"
    " (SELECT DISTINCT ON (id) * FROM payment_event WHERE lane = $1::int4 AND outcome = 'ok'"
    " ORDER BY id, batch DESC, slot DESC) AS newest ON newest.id = payment.id"
    " WHERE payment.id IS NULL OR newest.id IS NULL"
    " OR (payment.batch, payment.slot, payment.version, payment.state, payment.amount,"
    " payment.captured, payment.refunded, payment.refund_pending, payment.disputed)"
    " IS DISTINCT FROM (newest.batch, newest.slot, newest.version, newest.state, newest.amount,"
    " newest.captured, newest.refunded, newest.refund_pending, newest.disputed) LIMIT 1"
};

struct checking {
    struct postgres_connection *connection;
    uint32_t lane;
    struct projection_rows rows;
    struct projection_check_report report;
};

static struct postgres_parameters of_lane(const struct checking *checking)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, (int32_t)checking->lane);
    return parameters;
}

static enum status ask(struct checking *checking, const struct postgres_statement *statement,
                       const struct postgres_parameters *parameters, PGresult **out_result,
                       struct error *out_error)
{
    postgres_call_begin(checking->connection);
    return postgres_query(checking->connection, statement, parameters, out_result, out_error);
}

static enum status differs(struct error *out_error, const char *table, uint64_t batch, int row)
{
    (void)error_set(out_error, STATUS_CORRUPT,
                    "table %s is not what the journal says about batch %llu", table,
                    (unsigned long long)batch);
    error_detail(out_error, "row %d of that batch", row + 1);
    error_hint(out_error, "`tpwallet projection clear`, and the tables are filled anew");
    return STATUS_CORRUPT;
}

/* ---- rows as COPY sends them, beside rows as SELECT gives them ---- */

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static uint32_t take_size(struct cursor *cursor)
{
    uint32_t swapped;
    CHECK(cursor->end - cursor->at >= (ptrdiff_t)sizeof swapped);
    memcpy(&swapped, cursor->at, sizeof swapped);
    cursor->at += sizeof swapped;
    return be32toh(swapped);
}

/* The columns that were selected; those behind them are passed over. */
static bool row_equal(struct cursor *cursor, const PGresult *result, int row)
{
    uint16_t swapped;
    bool equal = true;
    memcpy(&swapped, cursor->at, sizeof swapped);
    cursor->at += sizeof swapped;
    int columns = PQnfields(result);
    for (int i = 0; i < (int)be16toh(swapped); i++) {
        uint32_t size = take_size(cursor);
        bool null = size == UINT32_MAX;
        if (i < columns && equal) {
            equal = null == (PQgetisnull(result, row, i) != 0);
            if (equal && !null) {
                equal = (uint32_t)PQgetlength(result, row, i) == size &&
                        memcmp(PQgetvalue(result, row, i), cursor->at, size) == 0;
            }
        }
        if (!null) cursor->at += size;
    }
    return equal;
}

static struct cursor cursor_of(const struct postgres_copy *copy)
{
    return (struct cursor){ copy->buf.data + COPY_HEADER_SIZE, copy->buf.data + copy->buf.len };
}

static enum status rows_compare(struct checking *checking, const struct postgres_statement *select,
                                const struct postgres_copy *copy, uint64_t batch,
                                struct error *out_error)
{
    struct postgres_parameters parameters = of_lane(checking);
    PGresult *found = NULL;
    const char *table = select == &TRANSFERS ? "transfer" : "payment_event";
    postgres_bind_number(&parameters, batch);
    enum status status = ask(checking, select, &parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    struct cursor cursor = cursor_of(copy);
    int rows = PQntuples(found);
    if ((uint64_t)rows != copy->rows) status = differs(out_error, table, batch, rows);
    for (int i = 0; status == STATUS_OK && i < rows; i++) {
        if (!row_equal(&cursor, found, i)) status = differs(out_error, table, batch, i);
    }
    PQclear(found);
    return status;
}

/* Accounts have a key of their own: each is asked for. */
static enum status accounts_compare(struct checking *checking, uint64_t batch,
                                    struct error *out_error)
{
    struct cursor cursor = cursor_of(&checking->rows.accounts);
    for (uint64_t i = 0; i < checking->rows.accounts.rows; i++) {
        struct postgres_parameters parameters = of_lane(checking);
        PGresult *found = NULL;
        /* a row: its count of columns, the lane's size and number, the id's size, the id */
        postgres_bind_bytes(&parameters, cursor.at + 2 + 8 + 4, 16);
        enum status status = ask(checking, &ACCOUNT, &parameters, &found, out_error);
        if (status != STATUS_OK) return status;
        bool there = PQntuples(found) == 1;
        bool equal = there && row_equal(&cursor, found, 0);
        PQclear(found);
        if (!equal) return differs(out_error, "account", batch, (int)i);
    }
    return STATUS_OK;
}

static enum status batch_compare(struct checking *checking, struct journal_walk *walk,
                                 struct error *out_error)
{
    struct batch_reader reader;
    struct projection_rows *rows = &checking->rows;
    enum status status = journal_walk_read(walk, &reader, out_error);
    if (status != STATUS_OK) return status;
    projection_rows_reset(rows);
    status = projection_rows_add(rows, &reader, out_error);
    if (status != STATUS_OK) return status;
    uint64_t batch = reader.header->sequence;
    status = rows_compare(checking, &TRANSFERS, &rows->transfers, batch, out_error);
    if (status == STATUS_OK)
        status = rows_compare(checking, &EVENTS, &rows->events, batch, out_error);
    if (status == STATUS_OK) status = accounts_compare(checking, batch, out_error);
    checking->report.transfers += rows->transfers.rows;
    checking->report.events += rows->events.rows;
    checking->report.accounts += rows->accounts.rows;
    if (status == STATUS_OK) journal_walk_next(walk);
    return status;
}

/* ---- what is derived from rows ---- */

static enum status none_found(struct checking *checking, const struct postgres_statement *statement,
                              const char *what, struct error *out_error)
{
    struct postgres_parameters parameters = of_lane(checking);
    PGresult *found = NULL;
    enum status status = ask(checking, statement, &parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    if (PQntuples(found) > 0) {
        status = error_set(out_error, STATUS_CORRUPT, "%s %.36s is not what its rows come to", what,
                           PQgetvalue(found, 0, 0));
        error_hint(out_error, "`tpwallet projection clear`, and the tables are filled anew");
    }
    PQclear(found);
    return status;
}

static enum status counts_compare(struct checking *checking, struct error *out_error)
{
    struct postgres_parameters parameters = of_lane(checking);
    PGresult *found = NULL;
    const struct projection_check_report *report = &checking->report;
    enum status status = ask(checking, &COUNTS, &parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    bool same = (uint64_t)postgres_int64(found, 0, 0) == report->transfers &&
                (uint64_t)postgres_int64(found, 0, 1) == report->events &&
                (uint64_t)postgres_int64(found, 0, 2) == report->accounts;
    PQclear(found);
    if (same) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the tables have rows that the journal has not");
}

static enum status cursor_find(struct checking *checking, struct error *out_error)
{
    struct postgres_parameters parameters = of_lane(checking);
    PGresult *found = NULL;
    enum status status = ask(checking, &CURSOR, &parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    if (PQntuples(found) == 1) {
        checking->report.batch = (uint64_t)postgres_int64(found, 0, 0);
    } else {
        status = error_set(out_error, STATUS_NOT_FOUND, "the SQL tables were never filled");
        error_hint(out_error, "`tpwallet serve --projection on` fills them");
    }
    PQclear(found);
    return status;
}

static enum status all_compare(struct checking *checking, struct store *journal,
                               struct error *out_error)
{
    struct store_head head;
    enum status status = cursor_find(checking, out_error);
    if (status == STATUS_OK) status = journal->head(journal, &head, out_error);
    if (status != STATUS_OK) return status;
    checking->report.head = head.sequence;
    if (head.sequence < checking->report.batch)
        return error_set(out_error, STATUS_CORRUPT, "the tables are ahead of the journal");
    struct journal_walk walk;
    journal_walk_open(&walk, journal, checking->lane, 0);
    while (status == STATUS_OK && walk.sequence < checking->report.batch) {
        status = batch_compare(checking, &walk, out_error);
    }
    journal_walk_close(&walk);
    if (status == STATUS_OK) status = counts_compare(checking, out_error);
    if (status == STATUS_OK) status = none_found(checking, &BALANCES, "account", out_error);
    if (status == STATUS_OK) status = none_found(checking, &PAYMENTS, "payment", out_error);
    return status;
}

static enum status checking_open(struct checking *checking, const char *url, uint32_t lane,
                                 struct error *out_error)
{
    const struct postgres_connection_options options = {
        .url = url,
        .name = "tpwallet projection check",
        .read_only = true,
        .any_server = true,
    };
    checking->lane = lane;
    enum status status = postgres_connection_open(&options, &checking->connection, out_error);
    if (status == STATUS_OK) postgres_call_begin(checking->connection);
    return status;
}

enum status projection_check(const char *url, uint32_t lane, struct store *journal,
                             struct projection_check_report *out_report, struct error *out_error)
{
    struct checking *checking = calloc(1, sizeof *checking);
    CHECK(checking != NULL);
    projection_rows_init(&checking->rows, lane, ROWS_SIZE_MAX);
    enum status status = checking_open(checking, url, lane, out_error);
    if (status == STATUS_OK) {
        status = postgres_execute(checking->connection, "SET statement_timeout = 0", out_error);
        if (status == STATUS_OK) status = postgres_execute(checking->connection, BEGIN, out_error);
        if (status == STATUS_OK) status = all_compare(checking, journal, out_error);
        postgres_connection_close(checking->connection);
    }
    if (status == STATUS_OK) *out_report = checking->report;
    projection_rows_free(&checking->rows);
    free(checking);
    return status;
}

enum status projection_reached(const char *url, uint32_t lane, uint64_t *out_batch,
                               struct error *out_error)
{
    struct checking *checking = calloc(1, sizeof *checking);
    CHECK(checking != NULL);
    enum status status = checking_open(checking, url, lane, out_error);
    if (status == STATUS_OK) {
        status = cursor_find(checking, out_error);
        postgres_connection_close(checking->connection);
    }
    if (status == STATUS_OK) *out_batch = checking->report.batch;
    free(checking);
    return status;
}
