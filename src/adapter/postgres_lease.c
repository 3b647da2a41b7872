#include "adapter/postgres_lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct postgres_lease {
    struct lease port;                      /* first */
    struct postgres_connection *connection; /* NULL: lost, or not made yet */
    struct postgres_connection_options options;
    char url[POSTGRES_URL_SIZE];
};

#define LEFT_MS "(extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint"
/* A wish that nobody followed is forgotten: as LEASE_WISH_MS. */
#define WISH_LIVES "wanted_at > clock_timestamp() - interval '30 seconds'"
#define WANTED "CASE WHEN " WISH_LIVES " THEN wanted ELSE '' END"
_Static_assert(LEASE_WISH_MS == 30000, "it stands in the statements, too");
_Static_assert(LEASE_PREFERENCE_MS == 1500, "the same");
_Static_assert(LEASE_RIVAL_MS == 2000, "the same");

#define CLOCK_NS "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"

#define HEAD(column) "(SELECT ours." column " FROM lane AS ours WHERE ours.number = $1)"

/* holder, url, wanted, epoch, left_ms, clock, the head's sequence and hash: what view_of() reads. */
#define VIEW                                                                                       \
    "holder, url, " WANTED ", epoch, " LEFT_MS ", " CLOCK_NS ", " HEAD("sequence") ", " HEAD("hash")

static const struct postgres_statement LEASE_SELECT = { "lease_select",
                                                        "SELECT " VIEW
                                                        " FROM lease WHERE lane = $1" };
static const struct postgres_statement LEASE_TAKE = {
    "lease_take",
    "INSERT INTO lease AS held(lane, holder, url, epoch, wanted, wanted_at, expires_at)"
    " VALUES($1, $2, $3, 1, '', clock_timestamp(),"
    " clock_timestamp() + $4::bigint * interval '1 millisecond')"
    " ON CONFLICT(lane) DO UPDATE SET holder = excluded.holder, url = excluded.url,"
    " epoch = held.epoch + 1, wanted = '', expires_at = excluded.expires_at"
    " WHERE held.expires_at <= clock_timestamp() AND (held.wanted IN ('', excluded.holder)"
    " OR held.wanted_at <= clock_timestamp() - interval '30 seconds'"
    " OR held.expires_at <= clock_timestamp() - interval '1500 milliseconds')"
    " RETURNING " VIEW
};
static const struct postgres_statement LEASE_RENEW = {
    "lease_renew",
    "UPDATE lease SET expires_at = clock_timestamp() + $4::bigint * interval '1 millisecond'"
    " WHERE lane = $1 AND holder = $2 AND epoch = $3 RETURNING " VIEW
};
/* Nobody's from then on: a renewal that was under way meanwhile finds it no more. */
static const struct postgres_statement LEASE_RELEASE = {
    "lease_release", "UPDATE lease SET holder = '', expires_at = clock_timestamp(), wanted = $4,"
                     " wanted_at = clock_timestamp()"
                     " WHERE lane = $1 AND holder = $2 AND epoch = $3 RETURNING " VIEW
};
static const struct postgres_statement LEASE_WANT = {
    "lease_want",
    "UPDATE lease SET wanted = $2, wanted_at = clock_timestamp() WHERE lane = $1 RETURNING " VIEW
};
static const struct postgres_statement REPLICA_REPORT = {
    "replica_report",
    "WITH rival AS (SELECT url FROM replica WHERE lane = $1 AND name = $2 AND url <> $3"
    " AND seen_at > clock_timestamp() - interval '2 seconds' AND stage <> 2)"
    " INSERT INTO replica(lane, name, url, batch, holds, warm, stage, seen_at)"
    " VALUES($1, $2, $3, $4, $5, $6, $7, clock_timestamp()) ON CONFLICT(lane, name) DO UPDATE"
    " SET url = excluded.url, batch = excluded.batch, holds = excluded.holds,"
    " warm = excluded.warm, stage = excluded.stage, seen_at = excluded.seen_at"
    " RETURNING coalesce((SELECT url FROM rival), '')"
};
static const struct postgres_statement REPLICA_LIST = {
    "replica_list",
    "SELECT lane, name, url, batch, holds, warm, stage,"
    " (extract(epoch FROM clock_timestamp() - seen_at) * 1000)::bigint FROM (SELECT * FROM replica"
    " WHERE seen_at > clock_timestamp() - interval '1 day' ORDER BY seen_at DESC LIMIT $1::bigint)"
    " AS heard ORDER BY lane, name"
};

/* ---- The connection ---- */

static void connection_drop(struct postgres_lease *lease)
{
    postgres_connection_close(lease->connection);
    lease->connection = NULL;
}

static enum status call_begin(struct postgres_lease *lease, struct error *out_error)
{
    if (lease->connection != NULL && lease->connection->lost) connection_drop(lease);
    lease->options.deadline_ns = postgres_deadline(LEASE_CALL_MS_MAX);
    if (lease->connection == NULL) {
        enum status status =
            postgres_connection_open(&lease->options, &lease->connection, out_error);
        if (status != STATUS_OK) {
            lease->connection = NULL;
            return error_set(out_error, STATUS_UNAVAILABLE, "the leases cannot be reached");
        }
    }
    CHECK(lease->connection != NULL);
    lease->connection->deadline_ns = lease->options.deadline_ns;
    lease->connection->warned = false;
    return STATUS_OK;
}

/* A statement that changes a row: when the connection goes, it may be done. */
static enum status row_change(struct postgres_lease *lease,
                              const struct postgres_statement *statement,
                              const struct postgres_parameters *parameters, PGresult **out_rows,
                              struct error *out_error)
{
    enum status status = call_begin(lease, out_error);
    if (status != STATUS_OK) return status;
    CHECK(lease->connection != NULL);
    PGresult *rows = NULL;
    status = postgres_query(lease->connection, statement, parameters, &rows, out_error);
    bool doubt = lease->connection->lost || lease->connection->warned;
    if (lease->connection->lost) connection_drop(lease);
    if (!doubt && status == STATUS_OK) {
        *out_rows = rows;
        return STATUS_OK;
    }
    if (status == STATUS_OK) PQclear(rows);
    if (doubt) return error_set(out_error, STATUS_IN_DOUBT, "the lease's change is in doubt");
    return error_set(out_error, STATUS_UNAVAILABLE, "the lease cannot be changed");
}

/* ---- Rows ---- */

static void text_take(const PGresult *rows, int column, char *out_text, size_t size)
{
    struct str text = postgres_bytes(rows, 0, column);
    size_t len = text.len < size ? text.len : size - 1;
    memset(out_text, 0, size);
    memcpy(out_text, text.data, len);
}

static struct lease_view view_of(const PGresult *rows)
{
    struct lease_view view = { .epoch = (uint64_t)postgres_int64(rows, 0, 3),
                               .left_ms = postgres_int64(rows, 0, 4),
                               .clock = { postgres_int64(rows, 0, 5) },
                               .head = { .batch = (uint64_t)postgres_int64(rows, 0, 6) } };
    if (!postgres_copy(rows, 0, 7, &view.head.hash, sizeof view.head.hash))
        view.head.hash = (struct digest){ 0 }; /* nothing was appended yet */
    text_take(rows, 0, view.holder.name, sizeof view.holder.name);
    text_take(rows, 1, view.holder.url, sizeof view.holder.url);
    text_take(rows, 2, view.wanted, sizeof view.wanted);
    return view;
}

/* The row that was changed; none: `none`. */
static enum status view_take(PGresult *rows, enum status none, struct lease_view *out_view,
                             struct error *out_error)
{
    bool found = PQntuples(rows) == 1;
    if (found && out_view != NULL) *out_view = view_of(rows);
    PQclear(rows);
    if (found) return STATUS_OK;
    const char *why =
        none == STATUS_NOT_FOUND ? "nobody ever held the lease" : "somebody else holds the lease";
    return error_set(out_error, none, "%s", why);
}

static enum status lease_read(struct lease *port, uint32_t lane, struct lease_view *out_view,
                              struct error *out_error)
{
    struct postgres_lease *lease = (struct postgres_lease *)port;
    enum status status = call_begin(lease, out_error);
    if (status != STATUS_OK) return status;
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, (int32_t)lane);
    PGresult *rows = NULL;
    status = postgres_query(lease->connection, &LEASE_SELECT, &parameters, &rows, out_error);
    if (status != STATUS_OK) {
        return error_set(out_error, STATUS_UNAVAILABLE, "the leases cannot be read");
    }
    return view_take(rows, STATUS_NOT_FOUND, out_view, out_error);
}

static enum status lease_take(struct lease *port, const struct lease_term *term,
                              struct lease_view *out_view, struct error *out_error)
{
    struct postgres_lease *lease = (struct postgres_lease *)port;
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, (int32_t)term->lane);
    postgres_bind_text(&parameters, str_from(term->party->name));
    postgres_bind_text(&parameters, str_from(term->party->url));
    postgres_bind_int64(&parameters, term->ttl_ms);
    PGresult *rows = NULL;
    enum status status = row_change(lease, &LEASE_TAKE, &parameters, &rows, out_error);
    return status == STATUS_OK ? view_take(rows, STATUS_CONFLICT, out_view, out_error) : status;
}

static void term_bind(struct postgres_parameters *parameters, const struct lease_term *term)
{
    postgres_bind_int32(parameters, (int32_t)term->lane);
    postgres_bind_text(parameters, str_from(term->party->name));
    postgres_bind_number(parameters, term->epoch);
}

static enum status lease_renew(struct lease *port, const struct lease_term *term,
                               struct lease_view *out_view, struct error *out_error)
{
    struct postgres_lease *lease = (struct postgres_lease *)port;
    struct postgres_parameters parameters = { 0 };
    term_bind(&parameters, term);
    postgres_bind_int64(&parameters, term->ttl_ms);
    PGresult *rows = NULL;
    enum status status = row_change(lease, &LEASE_RENEW, &parameters, &rows, out_error);
    return status == STATUS_OK ? view_take(rows, STATUS_FENCED, out_view, out_error) : status;
}

static enum status lease_release(struct lease *port, const struct lease_term *term, const char *to,
                                 struct error *out_error)
{
    struct postgres_lease *lease = (struct postgres_lease *)port;
    CHECK(strlen(to) < LEASE_NAME_SIZE);
    struct postgres_parameters parameters = { 0 };
    term_bind(&parameters, term);
    postgres_bind_text(&parameters, str_from(to));
    PGresult *rows = NULL;
    enum status status = row_change(lease, &LEASE_RELEASE, &parameters, &rows, out_error);
    return status == STATUS_OK ? view_take(rows, STATUS_FENCED, NULL, out_error) : status;
}

static enum status lease_want(struct lease *port, uint32_t lane, const char *to,
                              struct error *out_error)
{
    struct postgres_lease *lease = (struct postgres_lease *)port;
    CHECK(strlen(to) < LEASE_NAME_SIZE);
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, (int32_t)lane);
    postgres_bind_text(&parameters, str_from(to));
    PGresult *rows = NULL;
    enum status status = row_change(lease, &LEASE_WANT, &parameters, &rows, out_error);
    return status == STATUS_OK ? view_take(rows, STATUS_NOT_FOUND, NULL, out_error) : status;
}

static enum status lease_report(struct lease *port, const struct lease_member *member,
                                char out_rival[LEASE_URL_SIZE], struct error *out_error)
{
    struct postgres_lease *lease = (struct postgres_lease *)port;
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, (int32_t)member->lane);
    postgres_bind_text(&parameters, str_from(member->party.name));
    postgres_bind_text(&parameters, str_from(member->party.url));
    postgres_bind_number(&parameters, member->batch);
    postgres_bind_bool(&parameters, member->holds);
    postgres_bind_bool(&parameters, member->warm);
    postgres_bind_int32(&parameters, (int32_t)member->stage);
    PGresult *rows = NULL;
    enum status status = row_change(lease, &REPLICA_REPORT, &parameters, &rows, out_error);
    if (status != STATUS_OK) return status;
    text_take(rows, 0, out_rival, LEASE_URL_SIZE);
    PQclear(rows);
    return STATUS_OK;
}

static enum lease_stage stage_of(int32_t number)
{
    if (number == LEASE_STAGE_STOPPED) return LEASE_STAGE_STOPPED;
    return number == LEASE_STAGE_STOPS ? LEASE_STAGE_STOPS : LEASE_STAGE_RUNS;
}

static void member_take(const PGresult *rows, int row, struct lease_member *out_member)
{
    *out_member = (struct lease_member){ .lane = (uint32_t)postgres_int32(rows, row, 0),
                                         .batch = (uint64_t)postgres_int64(rows, row, 3),
                                         .holds = postgres_bool(rows, row, 4),
                                         .warm = postgres_bool(rows, row, 5),
                                         .stage = stage_of(postgres_int32(rows, row, 6)),
                                         .age_ms = postgres_int64(rows, row, 7) };
    struct str name = postgres_bytes(rows, row, 1);
    struct str url = postgres_bytes(rows, row, 2);
    if (name.len < LEASE_NAME_SIZE) memcpy(out_member->party.name, name.data, name.len);
    if (url.len < LEASE_URL_SIZE) memcpy(out_member->party.url, url.data, url.len);
}

static enum status lease_members(struct lease *port, struct lease_member *out_members,
                                 uint32_t limit, uint32_t *out_count, struct error *out_error)
{
    struct postgres_lease *lease = (struct postgres_lease *)port;
    enum status status = call_begin(lease, out_error);
    if (status != STATUS_OK) return status;
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int64(&parameters, limit);
    PGresult *rows = NULL;
    status = postgres_query(lease->connection, &REPLICA_LIST, &parameters, &rows, out_error);
    if (status != STATUS_OK) {
        return error_set(out_error, STATUS_UNAVAILABLE, "the replicas cannot be read");
    }
    *out_count = 0;
    for (int row = 0; row < PQntuples(rows) && *out_count < limit; row++) {
        member_take(rows, row, &out_members[(*out_count)++]);
    }
    PQclear(rows);
    return STATUS_OK;
}

static void lease_close(struct lease *port)
{
    if (port == NULL) return;
    struct postgres_lease *lease = (struct postgres_lease *)port;
    connection_drop(lease);
    free(lease);
}

enum status postgres_lease_open(const struct postgres_lease_options *options,
                                struct lease **out_lease, struct error *out_error)
{
    enum status status = postgres_url_check(options->url, out_error);
    if (status != STATUS_OK) return status;
    struct postgres_lease *lease = calloc(1, sizeof *lease);
    if (lease == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    lease->port = (struct lease){ .read = lease_read,
                                  .take = lease_take,
                                  .renew = lease_renew,
                                  .release = lease_release,
                                  .want = lease_want,
                                  .report = lease_report,
                                  .members = lease_members,
                                  .close = lease_close };
    memcpy(lease->url, options->url, strlen(options->url) + 1);
    lease->options = (struct postgres_connection_options){ .url = lease->url,
                                                           .name = "tpwallet lease",
                                                           .schema = options->schema };
    status = postgres_connection_open(&lease->options, &lease->connection, out_error);
    if (status != STATUS_OK) {
        free(lease);
        return status;
    }
    *out_lease = &lease->port;
    return STATUS_OK;
}
