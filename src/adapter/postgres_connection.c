/*
 * libpq is used without blocking throughout: everything waits in await(), which knows the
 * deadline. What a session is set to is one constant text per schema, sent before anything else.
 */
#include "adapter/postgres_connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/time.h"

static int64_t now_ns(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK(failed == 0);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- failures ---- */

static void take_message(struct error *out_error, const char *message)
{
    char line[ERROR_TEXT_SIZE];
    size_t len = strcspn(message, "\n");
    if (len >= sizeof line) len = sizeof line - 1;
    memcpy(line, message, len);
    line[len] = '\0';
    error_detail(out_error, "%s", line);
}

static bool state_is(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

struct meaning {
    const char *state; /* the beginning of an SQLSTATE */
    enum status status;
    const char *message;
    const char *hint;
};

/* The first that fits. */
static const struct meaning MEANINGS[] = {
    { "53100", STATUS_LIMIT, "the database's disk is full", "make room at the database" },
    { "XX001", STATUS_CORRUPT, "the database found its own data damaged", "restore a backup" },
    { "XX002", STATUS_CORRUPT, "the database found an index of its own damaged", "REINDEX" },
    { "28", STATUS_DENIED, "the database does not let us in",
      "look at the user, at PGPASSFILE, and at the server's pg_hba.conf" },
    { "42501", STATUS_DENIED, "the database's user lacks a right",
      "the user must own the schema tpwallet, or be allowed to make it" },
    { "3D000", STATUS_INVALID, "there is no such database", "createdb" },
    { "42P01", STATUS_INVALID, "a table of ours is not there", "`tpwallet init --store URL`" },
    { "3F000", STATUS_INVALID, "our schema is not there", "`tpwallet init --store URL`" },
    { "42703", STATUS_INVALID, "a column of ours is not there", "the schema was changed by hand" },
    { POSTGRES_STATE_FENCED, STATUS_UNAVAILABLE, "the lane has another owner", "" },
    { "42P06", STATUS_CONFLICT, "the schema is there already", "" },
    { "23505", STATUS_CONFLICT, "the key is taken already", "" },
    { "25006", STATUS_UNAVAILABLE, "the database takes no writes", "is it a standby?" },
    { "40", STATUS_UNAVAILABLE, "the database gave up a transaction for another's sake", "" },
    { "53300", STATUS_UNAVAILABLE, "the database has no connection left", "max_connections" },
    { "55P03", STATUS_UNAVAILABLE, "another session has the row locked", "" },
    { "57014", STATUS_UNAVAILABLE, "the database took too long", "" },
    { "57P", STATUS_UNAVAILABLE, "the database is going down or coming up", "" },
};

/* Of a database that is somebody else's; before those above. */
static const struct meaning GUEST_MEANINGS[] = {
    { "42501", STATUS_DENIED, "the database's user lacks a right", "docs/casework.md says which" },
    { "42P01", STATUS_INVALID, "there is no such table", "" },
    { "3F000", STATUS_INVALID, "there is no such schema", "" },
    { "42703", STATUS_INVALID, "there is no such column", "" },
    { "42704", STATUS_INVALID, "there is no such object", "" },
};

static struct meaning meaning_of(const struct postgres_connection *connection, const char *state)
{
    for (size_t i = 0; connection->guest && i < sizeof GUEST_MEANINGS / sizeof GUEST_MEANINGS[0];
         i++) {
        if (state_is(state, GUEST_MEANINGS[i].state)) return GUEST_MEANINGS[i];
    }
    for (size_t i = 0; i < sizeof MEANINGS / sizeof MEANINGS[0]; i++) {
        if (state_is(state, MEANINGS[i].state)) return MEANINGS[i];
    }
    return (struct meaning){ "", STATUS_UNAVAILABLE, "the database failed", "" };
}

enum status postgres_failure(struct postgres_connection *connection, const PGresult *result,
                             struct error *out_error)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message =
        result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity =
        result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (message == NULL || message[0] == '\0') message = PQerrorMessage(connection->pg);
    memset(connection->state, 0, sizeof connection->state);
    if (state != NULL)
        memcpy(connection->state, state, strnlen(state, sizeof connection->state - 1));
    connection->fatal = severity != NULL && strcmp(severity, "ERROR") != 0;
    if (connection->fatal || PQstatus(connection->pg) == CONNECTION_BAD) connection->lost = true;
    struct meaning found = meaning_of(connection, state == NULL ? "" : state);
    if (state == NULL) found.message = "the connection to the database is lost";
    (void)error_set(out_error, found.status, "%s", found.message);
    take_message(out_error, message);
    if (found.hint[0] != '\0') error_hint(out_error, "%s", found.hint);
    return found.status;
}

static enum status lose(struct postgres_connection *connection, struct error *out_error)
{
    enum status status = postgres_failure(connection, NULL, out_error);
    connection->lost = true;
    return status;
}

static enum status too_late(struct postgres_connection *connection, struct error *out_error)
{
    connection->lost = true;
    connection->state[0] = '\0';
    (void)error_set(out_error, STATUS_UNAVAILABLE, "the database did not answer in time");
    return STATUS_UNAVAILABLE;
}

/* ---- waiting ---- */

/* False when the deadline has passed. */
static bool poll_for(struct postgres_connection *connection, short events)
{
    for (;;) {
        int64_t left = connection->deadline_ns - now_ns();
        if (left <= 0) return false;
        struct pollfd at = { .fd = PQsocket(connection->pg), .events = events };
        int ready = poll(&at, 1, (int)(left / NS_PER_MS) + 1);
        if (ready > 0) return true;
        CHECK(ready == 0 || errno == EINTR || errno == EAGAIN || errno == ENOMEM);
    }
}

/* Until a result can be taken without waiting. */
static enum status await(struct postgres_connection *connection, struct error *out_error)
{
    for (;;) {
        int unsent = PQflush(connection->pg);
        if (unsent < 0) return lose(connection, out_error);
        if (!PQisBusy(connection->pg)) return STATUS_OK;
        if (!poll_for(connection, unsent > 0 ? POLLIN | POLLOUT : POLLIN))
            return too_late(connection, out_error);
        if (PQconsumeInput(connection->pg) == 0 && PQisBusy(connection->pg))
            return lose(connection, out_error);
    }
}

static enum status next_result(struct postgres_connection *connection, PGresult **out_result,
                               struct error *out_error)
{
    enum status status = await(connection, out_error);
    if (status == STATUS_OK) *out_result = PQgetResult(connection->pg);
    return status;
}

int64_t postgres_deadline(uint32_t ms)
{
    return now_ns() + (int64_t)ms * NS_PER_MS;
}

void postgres_call_begin(struct postgres_connection *connection)
{
    connection->deadline_ns = postgres_deadline(POSTGRES_CALL_MS_MAX);
}

void postgres_call_until(struct postgres_connection *connection, int64_t deadline_ns)
{
    connection->deadline_ns = deadline_ns;
}

bool postgres_is_cockroach(const struct postgres_connection *connection)
{
    return PQparameterStatus(connection->pg, "crdb_version") != NULL;
}

/* ---- opening ---- */

/* A warning is kept: at a commit it means that a standby may not have it. */
static void on_notice(void *argument, const PGresult *result)
{
    struct postgres_connection *connection = argument;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == NULL || strcmp(severity, "WARNING") != 0) return;
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    connection->warned = true;
    int length = snprintf(connection->warning, sizeof connection->warning, "%s",
                          message == NULL ? "" : message);
    CHECK(length >= 0);
}

static const char *const SESSION_SCHEMA[] = {
    [POSTGRES_SCHEMA_TPWALLET] = "SET search_path = tpwallet, pg_catalog",
    [POSTGRES_SCHEMA_BENCH] = "SET search_path = tpwallet_bench, pg_catalog",
    [POSTGRES_SCHEMA_EVENTS] = "SET search_path = tpwallet_events, pg_catalog",
};

static const char SESSION_ANY[] = "SET client_min_messages = warning;"
                                  " SET statement_timeout = 9000;"
                                  " SET idle_in_transaction_session_timeout = 20000";
/*
 * Tables are found by their keys, whatever the planner thinks of their sizes at the time of
 * preparing; a plan is made once. What waits for another's lock waits less than a call.
 */
static const char SESSION_POSTGRES[] = "SET lock_timeout = 4000; SET enable_seqscan = off;"
                                       " SET jit = off; SET plan_cache_mode = force_generic_plan";
static const char SESSION_GUEST[] = "SET search_path = pg_catalog; SET lock_timeout = 1000;"
                                    " SET default_transaction_read_only = on";
static const char SESSION_READ_ONLY[] = "SET default_transaction_read_only = on";

static const struct postgres_statement SERVER_SETTINGS = {
    "settings", "SELECT coalesce(current_setting('fsync', true), 'on') = 'off',"
                " coalesce(current_setting('synchronous_commit', true), 'on') = 'off',"
                " current_setting('server_encoding') = 'UTF8'"
};

static enum status unfit(struct error *out_error, const char *what, const char *hint)
{
    (void)error_set(out_error, STATUS_INVALID, "%s", what);
    error_hint(out_error, "%s", hint);
    return STATUS_INVALID;
}

static enum status verify_server(struct postgres_connection *connection, struct error *out_error)
{
    const char *version = PQparameterStatus(connection->pg, "server_version");
    bool other =
        postgres_is_cockroach(connection) || (version != NULL && strstr(version, "-YB-") != NULL);
    if (!other && PQserverVersion(connection->pg) < POSTGRES_VERSION_MIN) {
        (void)error_set(out_error, STATUS_INVALID, "PostgreSQL %s is too old",
                        version == NULL ? "" : version);
        error_hint(out_error, "PostgreSQL 15 to 18 will do");
        return STATUS_INVALID;
    }
    PGresult *result = NULL;
    enum status status = postgres_query(connection, &SERVER_SETTINGS, NULL, &result, out_error);
    if (status != STATUS_OK) return status;
    bool unsynced = postgres_bool(result, 0, 0);
    bool asynchronous = postgres_bool(result, 0, 1);
    bool utf8 = postgres_bool(result, 0, 2);
    PQclear(result);
    if (unsynced)
        return unfit(out_error, "the database does not sync its files: a power cut loses money",
                     "set fsync = on");
    if (!utf8)
        return unfit(out_error, "the database does not keep text as UTF-8",
                     "createdb --encoding=UTF8 --template=template0");
    if (!asynchronous) return STATUS_OK;
    return postgres_execute(connection, "SET synchronous_commit = on", out_error);
}

static enum status session_begin(struct postgres_connection *connection,
                                 const struct postgres_connection_options *options,
                                 struct error *out_error)
{
    bool plain = !postgres_is_cockroach(connection);
    if (options->guest) {
        enum status begun = postgres_execute(connection, SESSION_ANY, out_error);
        return begun == STATUS_OK ? postgres_execute(connection, SESSION_GUEST, out_error) : begun;
    }
    enum status status = postgres_execute(connection, SESSION_SCHEMA[options->schema], out_error);
    if (status == STATUS_OK) status = postgres_execute(connection, SESSION_ANY, out_error);
    if (status == STATUS_OK && plain)
        status = postgres_execute(connection, SESSION_POSTGRES, out_error);
    if (status == STATUS_OK) status = verify_server(connection, out_error);
    if (status == STATUS_OK && options->read_only)
        status = postgres_execute(connection, SESSION_READ_ONLY, out_error);
    return status;
}

static enum status connect_failure(struct postgres_connection *connection, struct error *out_error)
{
    static const struct {
        const char *words;
        enum status status;
        const char *hint;
    } known[] = {
        { "authentication failed", STATUS_DENIED, "look at the user and at PGPASSFILE" },
        { "no password supplied", STATUS_DENIED, "put the password into a file for PGPASSFILE" },
        { "no pg_hba.conf entry", STATUS_DENIED, "the server's pg_hba.conf must let us in" },
        { "role \"", STATUS_DENIED, "createuser" },
        { "database \"", STATUS_INVALID, "createdb makes one" },
        { "definition of service", STATUS_INVALID, "PGSERVICEFILE names the file that has it" },
        { "service file \"", STATUS_INVALID, "PGSERVICEFILE names the file that has it" },
        { "session is read-only", STATUS_UNAVAILABLE, "no server of the URL takes writes" },
    };
    const char *message = PQerrorMessage(connection->pg);
    connection->lost = true;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strstr(message, known[i].words) == NULL) continue;
        (void)error_set(out_error, known[i].status, "the database does not let us in");
        take_message(out_error, message);
        error_hint(out_error, "%s", known[i].hint);
        return known[i].status;
    }
    (void)error_set(out_error, STATUS_UNAVAILABLE, "the database cannot be reached");
    take_message(out_error, message);
    error_hint(out_error, "is the server running, and is the URL right?");
    return STATUS_UNAVAILABLE;
}

static enum status connect_wait(struct postgres_connection *connection, bool *out_silent,
                                struct error *out_error)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED) return connect_failure(connection, out_error);
        if (!poll_for(connection, next == PGRES_POLLING_READING ? POLLIN : POLLOUT)) {
            *out_silent = true;
            (void)too_late(connection, out_error);
            error_hint(out_error, "is the server running, and is the URL right?");
            return STATUS_UNAVAILABLE;
        }
        next = PQconnectPoll(connection->pg);
    }
    return PQsetnonblocking(connection->pg, 1) == 0 ? STATUS_OK : lose(connection, out_error);
}

/*
 * What stands before the URL is a default that it may change, what stands behind it is not.
 * Dead peers are noticed by the deadlines; keep-alives are for connections that nobody uses.
 */
static void connect_start(struct postgres_connection *connection,
                          const struct postgres_connection_options *options,
                          const struct postgres_hosts *hosts)
{
    const char *const keywords[] = {
        "target_session_attrs",
        "fallback_application_name",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "dbname",
        "host",
        "hostaddr",
        "port",
        "client_encoding",
        NULL,
    };
    const char *const values[] = {
        options->any_server ? "any" : "read-write",
        options->name,
        "10",
        "5",
        "3",
        "10000",
        options->url,
        hosts->host,
        hosts->hostaddr,
        hosts->port,
        "UTF8",
        NULL,
    };
    connection->pg = PQconnectStartParams(keywords, values, 1);
    CHECK(connection->pg != NULL);
}

/*
 * libpq goes on from a host that refuses, and waits for ever for one that says nothing: each has
 * its part of the time to be the first.
 */
static enum status connect(struct postgres_connection *connection,
                           const struct postgres_connection_options *options,
                           struct error *out_error)
{
    int64_t deadline_ns = postgres_deadline(POSTGRES_CONNECT_MS_MAX);
    if (options->deadline_ns != 0 && options->deadline_ns < deadline_ns)
        deadline_ns = options->deadline_ns;
    enum status status = STATUS_UNAVAILABLE;
    struct postgres_hosts hosts = { .count = 1 };
    bool silent = true;
    for (uint32_t first = 0; silent && first < hosts.count; first++) {
        PQfinish(connection->pg);
        connection->lost = false;
        silent = false;
        postgres_url_hosts(options->url, first, &hosts);
        connect_start(connection, options, &hosts);
        if (PQstatus(connection->pg) == CONNECTION_BAD)
            return connect_failure(connection, out_error);
        (void)PQsetNoticeReceiver(connection->pg, on_notice, connection); /* the former prints */
        int64_t left_ns = deadline_ns - now_ns();
        connection->deadline_ns = now_ns() + left_ns / (hosts.count - first);
        status = connect_wait(connection, &silent, out_error);
    }
    connection->deadline_ns = deadline_ns;
    return status;
}

enum status postgres_connection_open(const struct postgres_connection_options *options,
                                     struct postgres_connection **out_connection,
                                     struct error *out_error)
{
    enum status status = postgres_url_check(options->url, out_error);
    if (status != STATUS_OK) return status;
    struct postgres_connection *connection = calloc(1, sizeof *connection);
    CHECK(connection != NULL);
    connection->guest = options->guest;
    status = connect(connection, options, out_error);
    if (status == STATUS_OK) status = session_begin(connection, options, out_error);
    if (status != STATUS_OK) {
        postgres_connection_close(connection);
        return status;
    }
    connection->warned = false;
    *out_connection = connection;
    return STATUS_OK;
}

void postgres_connection_close(struct postgres_connection *connection)
{
    if (connection == NULL) return;
    PQfinish(connection->pg);
    free(connection);
}

/* ---- one statement ---- */

/* False as libpq's own: nothing was sent. */
static bool send_prepared(struct postgres_connection *connection,
                          const struct postgres_statement *statement,
                          const struct postgres_parameters *parameters)
{
    const char *values[POSTGRES_PARAMETERS_MAX] = { 0 };
    int count = parameters == NULL ? 0 : parameters->count;
    for (int i = 0; i < count; i++) {
        bool inside = (parameters->inside >> i & 1) != 0;
        values[i] = inside ? (const char *)parameters->numbers[i] : parameters->values[i];
    }
    return PQsendQueryPrepared(connection->pg, statement->name, count, values,
                               parameters == NULL ? NULL : parameters->lengths,
                               parameters == NULL ? NULL : parameters->formats, 1) != 0;
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType state = PQresultStatus(result);
    return state == PGRES_COMMAND_OK || state == PGRES_TUPLES_OK || state == PGRES_EMPTY_QUERY;
}

/* The last of the results of what was sent; the first failure ends it. */
static enum status take_results(struct postgres_connection *connection, PGresult **out_result,
                                struct error *out_error)
{
    PGresult *last = NULL;
    enum status status = STATUS_OK;
    for (;;) {
        PGresult *result = NULL;
        enum status taken = next_result(connection, &result, out_error);
        if (taken != STATUS_OK || result == NULL) {
            if (status == STATUS_OK) status = taken;
            break;
        }
        if (!succeeded(result) && status == STATUS_OK)
            status = postgres_failure(connection, result, out_error);
        PQclear(last);
        last = result;
    }
    if (status == STATUS_OK && last == NULL) status = lose(connection, out_error);
    if (status != STATUS_OK || out_result == NULL) {
        PQclear(last);
        return status;
    }
    *out_result = last;
    return STATUS_OK;
}

static enum status lost_before(struct postgres_connection *connection, struct error *out_error)
{
    if (!connection->lost) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "the connection to the database is lost");
}

enum status postgres_execute(struct postgres_connection *connection, const char *sql,
                             struct error *out_error)
{
    enum status status = lost_before(connection, out_error);
    if (status != STATUS_OK) return status;
    if (PQsendQuery(connection->pg, sql) == 0) return lose(connection, out_error);
    return take_results(connection, NULL, out_error);
}

enum status postgres_prepare(struct postgres_connection *connection,
                             const struct postgres_statement *statement, struct error *out_error)
{
    for (uint32_t i = 0; i < connection->statement_count; i++) {
        if (connection->statements[i] == statement) return STATUS_OK;
    }
    enum status status = lost_before(connection, out_error);
    if (status != STATUS_OK) return status;
    CHECK(connection->statement_count < POSTGRES_STATEMENTS_MAX);
    if (PQsendPrepare(connection->pg, statement->name, statement->sql, 0, NULL) == 0)
        return lose(connection, out_error);
    status = take_results(connection, NULL, out_error);
    if (status == STATUS_OK) connection->statements[connection->statement_count++] = statement;
    return status;
}

enum status postgres_query(struct postgres_connection *connection,
                           const struct postgres_statement *statement,
                           const struct postgres_parameters *parameters, PGresult **out_result,
                           struct error *out_error)
{
    enum status status = postgres_prepare(connection, statement, out_error);
    if (status != STATUS_OK) return status;
    if (!send_prepared(connection, statement, parameters)) return lose(connection, out_error);
    return take_results(connection, out_result, out_error);
}

enum status postgres_change(struct postgres_connection *connection,
                            const struct postgres_statement *statement,
                            const struct postgres_parameters *parameters, uint64_t *out_rows,
                            struct error *out_error)
{
    PGresult *result = NULL;
    enum status status = postgres_query(connection, statement, parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    if (out_rows != NULL) *out_rows = strtoull(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return STATUS_OK;
}

/* ---- rows one by one ---- */

enum status postgres_rows_begin(struct postgres_connection *connection,
                                const struct postgres_statement *statement,
                                const struct postgres_parameters *parameters,
                                struct error *out_error)
{
    enum status status = postgres_prepare(connection, statement, out_error);
    if (status != STATUS_OK) return status;
    bool sent =
        send_prepared(connection, statement, parameters) && PQsetSingleRowMode(connection->pg) == 1;
    return sent ? STATUS_OK : lose(connection, out_error);
}

/* To the end of the answer, behind a failure that is told of. */
static void rest_drop(struct postgres_connection *connection)
{
    PGresult *result = NULL;
    while (next_result(connection, &result, NULL) == STATUS_OK && result != NULL) {
        PQclear(result);
        result = NULL;
    }
}

enum status postgres_rows_next(struct postgres_connection *connection, PGresult **out_row,
                               struct error *out_error)
{
    for (;;) {
        PGresult *result = NULL;
        enum status status = next_result(connection, &result, out_error);
        if (status != STATUS_OK) return status;
        if (result == NULL) return STATUS_NOT_FOUND;
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
            *out_row = result;
            return STATUS_OK;
        }
        if (!succeeded(result)) status = postgres_failure(connection, result, out_error);
        PQclear(result);
        if (status == STATUS_OK) continue;
        rest_drop(connection);
        return status;
    }
}

/* ---- COPY ---- */

enum { COPY_PIECE_SIZE = 256 << 10 };

/* What the socket does not take at once waits until it does. */
static enum status copy_send(struct postgres_connection *connection, struct str rows,
                             struct error *out_error)
{
    size_t sent = 0;
    while (sent < rows.len) {
        size_t size = rows.len - sent;
        if (size > COPY_PIECE_SIZE) size = COPY_PIECE_SIZE;
        int taken = PQputCopyData(connection->pg, rows.data + sent, (int)size);
        if (taken < 0) return lose(connection, out_error);
        if (taken > 0) {
            sent += size;
        } else if (!poll_for(connection, POLLOUT)) {
            return too_late(connection, out_error);
        }
    }
    int ended = 0;
    while ((ended = PQputCopyEnd(connection->pg, NULL)) == 0) {
        if (!poll_for(connection, POLLOUT)) return too_late(connection, out_error);
    }
    return ended > 0 ? STATUS_OK : lose(connection, out_error);
}

enum status postgres_copy_in(struct postgres_connection *connection, const char *sql,
                             struct str rows, struct error *out_error)
{
    PGresult *result = NULL;
    enum status status = lost_before(connection, out_error);
    if (status != STATUS_OK) return status;
    if (PQsendQuery(connection->pg, sql) == 0) return lose(connection, out_error);
    status = next_result(connection, &result, out_error);
    if (status != STATUS_OK) return status;
    bool begun = PQresultStatus(result) == PGRES_COPY_IN;
    if (!begun) status = postgres_failure(connection, result, out_error);
    PQclear(result);
    if (!begun) {
        enum status rest = take_results(connection, NULL, NULL); /* to the end of the answer */
        return rest == STATUS_OK ? STATUS_UNAVAILABLE : status;
    }
    status = copy_send(connection, rows, out_error);
    return status == STATUS_OK ? take_results(connection, NULL, out_error) : status;
}

/* ---- a pipeline ---- */

enum status postgres_pipeline_begin(struct postgres_connection *connection, struct error *out_error)
{
    enum status status = lost_before(connection, out_error);
    if (status != STATUS_OK) return status;
    connection->piped = 0;
    connection->warned = false;
    return PQenterPipelineMode(connection->pg) == 1 ? STATUS_OK : lose(connection, out_error);
}

enum status postgres_pipeline_add(struct postgres_connection *connection,
                                  const struct postgres_statement *statement,
                                  const struct postgres_parameters *parameters,
                                  struct error *out_error)
{
    if (!send_prepared(connection, statement, parameters)) return lose(connection, out_error);
    connection->piped++;
    return STATUS_OK;
}

/* The answer to one statement, and the NULL behind it. */
static enum status pipeline_take(struct postgres_connection *connection,
                                 struct postgres_pipeline_report *report, enum status so_far,
                                 struct error *out_error)
{
    PGresult *result = NULL;
    struct error *first = so_far == STATUS_OK ? out_error : NULL;
    enum status status = next_result(connection, &result, first);
    if (status != STATUS_OK) return status;
    if (result == NULL) return lose(connection, first);
    if (succeeded(result)) {
        report->done++;
        int length = snprintf(report->last_tag, sizeof report->last_tag, "%s", PQcmdStatus(result));
        CHECK(length >= 0); /* a longer tag is none that anybody asks for */
    } else if (PQresultStatus(result) != PGRES_PIPELINE_ABORTED) {
        status = postgres_failure(connection, result, first);
        report->refused = !connection->lost;
    }
    PQclear(result);
    if (connection->lost) return status;
    enum status end = next_result(connection, &result, first);
    if (end == STATUS_OK && result == NULL) return status;
    if (end == STATUS_OK) PQclear(result);
    return lose(connection, first);
}

static enum status pipeline_sync(struct postgres_connection *connection, struct error *out_error)
{
    PGresult *result = NULL;
    enum status status = next_result(connection, &result, out_error);
    if (status != STATUS_OK) return status;
    bool synced = result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    if (synced && PQexitPipelineMode(connection->pg) == 1) return STATUS_OK;
    return lose(connection, out_error);
}

enum status postgres_pipeline_end(struct postgres_connection *connection,
                                  struct postgres_pipeline_report *out_report,
                                  struct error *out_error)
{
    *out_report = (struct postgres_pipeline_report){ 0 };
    enum status status = STATUS_OK;
    if (PQpipelineSync(connection->pg) == 0) return lose(connection, out_error);
    for (uint32_t i = 0; i < connection->piped; i++) {
        enum status taken = pipeline_take(connection, out_report, status, out_error);
        if (status == STATUS_OK) status = taken;
        if (connection->lost) return status;
    }
    enum status synced = pipeline_sync(connection, status == STATUS_OK ? out_error : NULL);
    return status == STATUS_OK ? synced : status;
}

/* ---- transactions ---- */

enum status postgres_begin(struct postgres_connection *connection, struct error *out_error)
{
    return postgres_execute(connection, "BEGIN ISOLATION LEVEL READ COMMITTED", out_error);
}

static enum status commit_in_doubt(struct postgres_connection *connection, struct error *out_error)
{
    (void)error_set(out_error, STATUS_IN_DOUBT, "whether the commit is there is not known");
    error_detail(out_error, "%s", connection->warned ? connection->warning : "no answer came");
    error_hint(out_error, "it is there in full or not at all: asking again tells");
    return STATUS_IN_DOUBT;
}

enum status postgres_commit(struct postgres_connection *connection, struct error *out_error)
{
    enum status status = lost_before(connection, out_error);
    if (status != STATUS_OK) return status;
    connection->warned = false;
    PGresult *result = NULL;
    if (PQsendQuery(connection->pg, "COMMIT") == 0) return lose(connection, out_error);
    status = take_results(connection, &result, out_error);
    if (status != STATUS_OK) {
        bool surely_not = !connection->lost && state_is(connection->state, "40") &&
                          strcmp(connection->state, "40003") != 0;
        return surely_not ? status : commit_in_doubt(connection, out_error);
    }
    bool committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
    PQclear(result);
    if (!committed)
        return error_set(out_error, STATUS_UNAVAILABLE, "the database rolled the commit back");
    return connection->warned ? commit_in_doubt(connection, out_error) : STATUS_OK;
}

void postgres_rollback(struct postgres_connection *connection)
{
    if (connection->lost) return;
    if (postgres_execute(connection, "ROLLBACK", NULL) != STATUS_OK) connection->lost = true;
}

enum status postgres_port_status(enum status status)
{
    bool known = status == STATUS_OK || status == STATUS_LIMIT || status == STATUS_CORRUPT ||
                 status == STATUS_IN_DOUBT || status == STATUS_NOT_FOUND;
    return known ? status : STATUS_UNAVAILABLE;
}
