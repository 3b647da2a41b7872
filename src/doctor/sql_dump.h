/* sql_dump.h - a plain dump of PostgreSQL read line by line: the rows of COPY and INSERT. */
#ifndef DOCTOR_SQL_DUMP_H
#define DOCTOR_SQL_DUMP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum {
    SQL_DUMP_LINE_MAX = 16 << 20,      /* a line, and a statement that has rows */
    SQL_DUMP_COLUMNS_MAX = 512,        /* of a table; PostgreSQL has at most 1,600 */
    SQL_DUMP_DEFINITIONS_MAX = 2 << 20 /* names of all tables and columns of a dump */
};

/*
 * A row of some table; or that there is one, with no cells. Views are good until the call returns;
 * data NULL: the value is NULL.
 */
struct sql_dump_row {
    struct str schema; /* empty: none was named */
    struct str table;
    uint32_t count;
    const struct str *columns;
    const struct str *cells;
};

struct sql_dump_visitor {
    enum status (*table)(void *context, const struct sql_dump_row *row, struct error *out_error);
    enum status (*row)(void *context, const struct sql_dump_row *row, struct error *out_error);
    void *context;
    uint64_t seed; /* drawn at start, so that nobody can choose names that collide */
};

struct sql_dump_table;

/*
 * What pg_dump and pg_dump --inserts write, and SQL of that kind: other statements are passed
 * over, whole, with what stands in their quotes. The members are its own, but for reading `line`
 * (of the newest line, from 1) and `complete` (the mark at the end of a dump was seen).
 */
struct sql_dump {
    struct sql_dump_visitor visitor;
    uint64_t line;
    bool complete;
    struct buf statement;
    struct arena tables_arena;
    struct arena row_arena;
    struct sql_dump_table *tables;
    struct str copy_schema; /* of the COPY whose rows are read */
    struct str copy_table;
    uint32_t copy_count; /* columns; 0: no COPY is read */
    struct str copy_columns[SQL_DUMP_COLUMNS_MAX];
    struct str cells[SQL_DUMP_COLUMNS_MAX];
    bool passed_over; /* the statement under way */
    enum { DUMP_PLAIN, DUMP_QUOTE, DUMP_ESCAPES, DUMP_NAME, DUMP_DOLLARS, DUMP_COMMENT } inside;
    uint32_t comment_depth;
    char tag[66]; /* of the dollar quote under way */
    size_t tag_len;
};

/* STATUS_LIMIT: no memory. sql_dump_free() in any case. */
enum status sql_dump_init(struct sql_dump *dump, const struct sql_dump_visitor *visitor,
                          struct error *out_error) MUST_CHECK;
void sql_dump_free(struct sql_dump *dump);

/*
 * The next line, without its newline. STATUS_INVALID: what is wrong, with the number of the line;
 * STATUS_LIMIT; or what the visitor returned.
 */
enum status sql_dump_line(struct sql_dump *dump, struct str line, struct error *out_error)
    MUST_CHECK;
/* STATUS_INVALID: it ended inside of a statement or of a table's rows. */
enum status sql_dump_end(struct sql_dump *dump, struct error *out_error) MUST_CHECK;

/*
 * One line of COPY's text form, without its newline: cells parted by tabs, \\N for NULL. False: not
 * so many cells, or no such line. The arena needs its size.
 */
bool sql_copy_line(struct str line, struct arena *arena, struct str *cells, uint32_t count)
    MUST_CHECK;

#endif
