/* pgoutput.h - messages of PostgreSQL's logical replication, plugin pgoutput, protocol version 1. */
#ifndef DOCTOR_PGOUTPUT_H
#define DOCTOR_PGOUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/time.h"
#include "doctor/row_value.h"

enum {
    PGOUTPUT_COLUMNS_MAX = 1600,  /* PostgreSQL's own */
    PGOUTPUT_TRUNCATED_MAX = 256, /* tables of one TRUNCATE */
};

enum pgoutput_type {
    PGOUTPUT_BEGIN,
    PGOUTPUT_COMMIT,
    PGOUTPUT_ORIGIN,
    PGOUTPUT_RELATION,
    PGOUTPUT_TYPE,
    PGOUTPUT_INSERT,
    PGOUTPUT_UPDATE,
    PGOUTPUT_DELETE,
    PGOUTPUT_TRUNCATE,
};

/* All of them in one, so that nothing is taken from a heap; which members count, the type says. */
struct pgoutput_message {
    enum pgoutput_type type;
    uint32_t xid;          /* begin */
    uint64_t lsn;          /* begin, commit: of the commit; origin: of it there */
    struct wall_time at;   /* begin, commit: of the commit */
    uint32_t relation;     /* relation, insert, update, delete: the number it goes by */
    struct str schema;     /* relation, type; "" is pg_catalog */
    struct str name;       /* relation, type, origin */
    char identity;         /* relation: d, n, f or i: which columns tell what was before */
    bool has_before;       /* update, delete */
    uint32_t column_count; /* relation, insert, update, delete */
    struct str columns[PGOUTPUT_COLUMNS_MAX]; /* relation: their names */
    struct row_value before[PGOUTPUT_COLUMNS_MAX];
    struct row_value after[PGOUTPUT_COLUMNS_MAX]; /* insert, update */
    uint32_t truncated_count;
    uint32_t truncated[PGOUTPUT_TRUNCATED_MAX]; /* relations */
};

/*
 * One message, all of it and nothing behind. Texts are views into bytes. STATUS_INVALID: it is none,
 * of a later version, or has values that are not text; what message holds then means nothing.
 */
enum status pgoutput_parse(struct str bytes, struct pgoutput_message *message,
                           struct error *out_error) MUST_CHECK;

#endif
