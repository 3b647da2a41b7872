/* table_source.h - the tables that a mapping names, read out of PostgreSQL or of a SQLite file. */
#ifndef ADAPTER_TABLE_SOURCE_H
#define ADAPTER_TABLE_SOURCE_H

#include "adapter/table_stage.h"

/*
 * Both read in one snapshot and change nothing. STATUS_INVALID: a table or column that the mapping
 * names is not there or, in a file, is a view, or its text is not what the mapping says; the error
 * names it. STATUS_LIMIT: a row is too large. STATUS_CORRUPT: the file is damaged. STATUS_DENIED,
 * STATUS_UNAVAILABLE, STATUS_NOT_FOUND.
 */
enum status table_source_postgres(const char *url, const struct table_mapping *mapping,
                                  struct table_stage *stage, struct error *out_error) MUST_CHECK;
enum status table_source_sqlite(const char *path, const struct table_mapping *mapping,
                                struct table_stage *stage, struct error *out_error) MUST_CHECK;

#endif
