/* sqlite_evidence_table.h - the rows of evidence_rows.h as tables of SQLite. */
#ifndef ADAPTER_SQLITE_EVIDENCE_TABLE_H
#define ADAPTER_SQLITE_EVIDENCE_TABLE_H

#include <sqlite3.h>

#include "adapter/evidence_cursor.h"

enum { EVIDENCE_TABLE_COLUMNS = 3 /* r, src, h: before the fields */ };

struct evidence_tables {
    struct evidence_rows rows;
    enum narrowing narrowing; /* of the query that runs */
    void *spare;              /* cursors for the next time */
};

/* folder must live as long. STATUS_LIMIT. */
enum status evidence_tables_new(const char *folder, struct evidence_tables **out_tables) MUST_CHECK;
/* Forgets all records. STATUS_LIMIT. */
enum status evidence_tables_reset(struct evidence_tables *tables) MUST_CHECK;
/* After the database was closed; accepts NULL. */
void evidence_tables_free(struct evidence_tables *tables);

/* Makes it known to the database: CREATE VIRTUAL TABLE posting USING evidence. A code of SQLite. */
int evidence_tables_register(struct evidence_tables *tables, sqlite3 *db);

#endif
