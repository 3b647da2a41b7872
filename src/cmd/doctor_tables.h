/* doctor_tables.h - evidence out of the tables of somebody's ledger, and the mapping that says how. */
#ifndef CMD_DOCTOR_TABLES_H
#define CMD_DOCTOR_TABLES_H

#include "cmd/doctor_bundle.h"
#include "doctor/table_mapping.h"

/* In a bundle: the mapping by which its tables were read, as it was. */
#define DOCTOR_TABLES_FILE "tables.json"

/* A mapping with its text; zeroed at first. */
struct doctor_mapping {
    struct buf text;
    struct arena arena;
    struct table_mapping *parsed;
};

/* One that is built in, by its name, or a file. As table_mapping_parse(); closed in any case. */
enum status doctor_mapping_open(const char *name, struct doctor_mapping *mapping,
                                struct error *out_error) MUST_CHECK;
/* The same of its text, which is copied. */
enum status doctor_mapping_take(struct str text, struct doctor_mapping *mapping,
                                struct error *out_error) MUST_CHECK;
void doctor_mapping_close(struct doctor_mapping *mapping);

/*
 * --tables: postgres://…, a SQLite file, or a plain dump; --tables-mapping: how it is read. All of
 * it becomes one source, or nothing is added: STATUS_INVALID says what does not fit.
 */
enum status doctor_collect_tables(struct doctor_bundle *bundle, const struct invocation *invocation)
    MUST_CHECK;

#endif
