/* postgres_connection.h - one PostgreSQL connection: opened our way, with deadlines, its errors in our words. */
#ifndef ADAPTER_POSTGRES_CONNECTION_H
#define ADAPTER_POSTGRES_CONNECTION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "adapter/postgres_url.h"
#include "adapter/postgres_value.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"

/*
 * Every wait has a deadline; when it passes the connection is given up, since nobody knows what
 * its server still does. A connection that is lost stays lost: close it and open another. One
 * thread at a time.
 *
 * A URL never holds a password: it comes from PGPASSFILE, a service file or a certificate.
 */
enum {
    POSTGRES_STATEMENTS_MAX = 48,   /* prepared on one connection */
    POSTGRES_CALL_MS_MAX = 9000,    /* within STORE_CALL_S_MAX, with room for what is around it */
    POSTGRES_CONNECT_MS_MAX = 5000, /* of it, to have a session */
    POSTGRES_VERSION_MIN = 150000,  /* as PQserverVersion() counts; of PostgreSQL itself */
};

/* SQLSTATE of what may only be done by a lane's owner and is not: a division by zero. */
#define POSTGRES_STATE_FENCED "22012"

/* Where the tables are: a ledger's, those for measuring, a consumer's of events. */
enum postgres_schema { POSTGRES_SCHEMA_TPWALLET, POSTGRES_SCHEMA_BENCH, POSTGRES_SCHEMA_EVENTS };

struct postgres_connection_options {
    const char *url;  /* postgres://... or postgresql://..., copied */
    const char *name; /* what the server shows as application_name, unless the URL says another */
    enum postgres_schema schema;
    bool read_only;      /* every transaction is */
    bool guest;          /* the database is somebody else's: read as it is, nothing asked of it */
    bool any_server;     /* a standby will do, as far behind as it may be */
    int64_t deadline_ns; /* to have a session by, see postgres_deadline(); 0: as it says */
};

/* SQL that is prepared at its first use on a connection; known by its address. */
struct postgres_statement {
    const char *name;
    const char *sql;
};

struct postgres_connection {
    PGconn *pg;
    int64_t deadline_ns; /* monotonic; of the call under way */
    bool lost;
    bool warned;              /* by the server, since this was last cleared */
    char warning[128];        /* the newest of those */
    char state[6];            /* SQLSTATE of the newest failure, "" when it had none */
    bool fatal;               /* and it ended the session */
    bool guest;               /* nothing in the database is ours */
    uint32_t statement_count; /* prepared */
    const struct postgres_statement *statements[POSTGRES_STATEMENTS_MAX];
    uint32_t piped; /* statements sent in the pipeline that is open */
};

/*
 * A session at a server that is of a known version, keeps text as UTF-8 and syncs what it
 * commits. STATUS_INVALID: the URL, or a server that will not do. STATUS_DENIED: it does not let
 * us in. STATUS_UNAVAILABLE.
 */
enum status postgres_connection_open(const struct postgres_connection_options *options,
                                     struct postgres_connection **out_connection,
                                     struct error *out_error) MUST_CHECK;
/* Accepts NULL. What was under way may go on at the server. */
void postgres_connection_close(struct postgres_connection *connection);

/* So long from now, on the monotonic clock. */
int64_t postgres_deadline(uint32_t ms);
/* Starts the time of a call; all below wait no longer than until it is over. */
void postgres_call_begin(struct postgres_connection *connection);
/* The same, until a time that was taken before. */
void postgres_call_until(struct postgres_connection *connection, int64_t deadline_ns);

/* Whether the server is one that speaks PostgreSQL's protocol and is another program. */
bool postgres_is_cockroach(const struct postgres_connection *connection);

/* ---- one statement, one round trip ---- */

/*
 * Statements without parameters, several at once if need be; their rows are dropped. As
 * postgres_failure().
 */
enum status postgres_execute(struct postgres_connection *connection, const char *sql,
                             struct error *out_error) MUST_CHECK;
/* Rows in binary form; PQclear() them. parameters may be NULL. As postgres_failure(). */
enum status postgres_query(struct postgres_connection *connection,
                           const struct postgres_statement *statement,
                           const struct postgres_parameters *parameters, PGresult **out_result,
                           struct error *out_error) MUST_CHECK;
/* The same for statements that change rows: how many. */
enum status postgres_change(struct postgres_connection *connection,
                            const struct postgres_statement *statement,
                            const struct postgres_parameters *parameters, uint64_t *out_rows,
                            struct error *out_error) MUST_CHECK;
/* Ahead of a pipeline, in which nothing can be prepared. */
enum status postgres_prepare(struct postgres_connection *connection,
                             const struct postgres_statement *statement, struct error *out_error)
    MUST_CHECK;

/*
 * The same, row by row, so that memory is bounded however many there are: each row is a result of
 * its own; PQclear() it. The connection takes nothing else until STATUS_NOT_FOUND: there are no
 * more. As postgres_failure().
 */
enum status postgres_rows_begin(struct postgres_connection *connection,
                                const struct postgres_statement *statement,
                                const struct postgres_parameters *parameters,
                                struct error *out_error) MUST_CHECK;
enum status postgres_rows_next(struct postgres_connection *connection, PGresult **out_row,
                               struct error *out_error) MUST_CHECK;

/*
 * Rows in COPY's binary form (postgres_copy.h), as `sql` takes them: COPY … FROM STDIN. As
 * postgres_failure().
 */
enum status postgres_copy_in(struct postgres_connection *connection, const char *sql,
                             struct str rows, struct error *out_error) MUST_CHECK;

/* ---- several statements in one round trip: when one fails, none behind it is carried out ---- */

enum status postgres_pipeline_begin(struct postgres_connection *connection, struct error *out_error)
    MUST_CHECK;
/* Of a prepared statement. What does not fit the socket at once waits for the end. */
enum status postgres_pipeline_add(struct postgres_connection *connection,
                                  const struct postgres_statement *statement,
                                  const struct postgres_parameters *parameters,
                                  struct error *out_error) MUST_CHECK;

struct postgres_pipeline_report {
    uint32_t done;     /* statements that succeeded, from the first on */
    bool refused;      /* the server said why the next one failed, and the session goes on */
    char last_tag[16]; /* of the last that succeeded: "COMMIT", "INSERT 0 1" */
};
/*
 * Sends what waits, and takes all answers. As postgres_failure() for the first statement that
 * failed; out_report is written in any case.
 */
enum status postgres_pipeline_end(struct postgres_connection *connection,
                                  struct postgres_pipeline_report *out_report,
                                  struct error *out_error) MUST_CHECK;

/* ---- transactions by hand ---- */

enum status postgres_begin(struct postgres_connection *connection, struct error *out_error)
    MUST_CHECK;
/*
 * STATUS_IN_DOUBT: committed or not: the connection went, or the server warned, that a standby
 * has it is not known. As postgres_failure() when it is surely not committed.
 */
enum status postgres_commit(struct postgres_connection *connection, struct error *out_error)
    MUST_CHECK;
/* After a failure; a connection on which it fails is lost. */
void postgres_rollback(struct postgres_connection *connection);

/*
 * What the newest failure means to the caller, the server's words as detail: STATUS_CORRUPT,
 * STATUS_LIMIT (its disk is full), STATUS_DENIED (a right is missing), STATUS_CONFLICT (a key is
 * taken), STATUS_INVALID (the schema lacks what is named), STATUS_UNAVAILABLE for the rest.
 * `result` may be NULL: the connection's own failure.
 */
enum status postgres_failure(struct postgres_connection *connection, const PGresult *result,
                             struct error *out_error) MUST_CHECK;

/*
 * What may be said of a call by a port that is no journal's: STATUS_LIMIT, STATUS_CORRUPT,
 * STATUS_IN_DOUBT and STATUS_NOT_FOUND stay; what else a server comes up with passes:
 * STATUS_UNAVAILABLE.
 */
enum status postgres_port_status(enum status status) MUST_CHECK;

#endif
