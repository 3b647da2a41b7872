/* wal_mapping.h - which tables of a database's log are records, and which columns are what. */
#ifndef DOCTOR_WAL_MAPPING_H
#define DOCTOR_WAL_MAPPING_H

#include "base/error.h"
#include "doctor/reconcile_currency.h"

/* One source for the list: name, as it is written. docs/casework.md is for who writes one. */
#define WAL_FIELD_TABLE(X)                                                                         \
    X(KEY, "key")                                                                                  \
    X(TX, "tx")                                                                                    \
    X(IDEM, "idem")                                                                                \
    X(ACCOUNT, "account")                                                                          \
    X(CURRENCY, "currency")                                                                        \
    X(AMOUNT, "amount")                                                                            \
    X(VERSION, "version")                                                                          \
    X(EVENT, "event")                                                                              \
    X(PSP_REF, "psp_ref")

#define WAL_FIELD_ENUM(name, text) WAL_FIELD_##name,
enum wal_field { WAL_FIELD_TABLE(WAL_FIELD_ENUM) WAL_FIELD_COUNT };
#undef WAL_FIELD_ENUM

enum {
    WAL_TABLES_MAX = 16,
    WAL_MAPPING_SIZE_MAX = 64 << 10,
    WAL_NAME_MAX = 193, /* three names of 64 bytes and the points between */
};

struct wal_table {
    struct str record; /* table_name of its records: account, posting, ledger_tx, ... */
    struct str name;   /* SCHEMA.TABLE, or DATABASE.TABLE */
    struct {
        struct str name; /* of the column, or a constant; "": not mapped */
        bool constant;
    } fields[WAL_FIELD_COUNT];
    bool minor;    /* amounts are whole minor units */
    bool inverted; /* and have the other sign */
};

struct wal_mapping {
    struct wal_table tables[WAL_TABLES_MAX];
    uint32_t count;
};

/*
 * Lines "table RECORD = SCHEMA.NAME", each followed by what its columns are: "field = column",
 * "field == constant", unit and sign; before the first, currency.CODE. Views point into text.
 * STATUS_INVALID names the line.
 */
enum status wal_mapping_parse(struct str text, struct reconcile_currencies *currencies,
                              struct wal_mapping *out_mapping, struct error *out_error) MUST_CHECK;

/* A table of the mapping with the places of its columns among those of the log; -1: not mapped. */
struct wal_binding {
    const struct wal_table *table;
    int32_t columns[WAL_FIELD_COUNT];
};

/* STATUS_NOT_FOUND: the table is not mapped. STATUS_INVALID: it lacks a column that is. */
enum status wal_mapping_bind(const struct wal_mapping *mapping, struct str name,
                             const struct str *columns, uint32_t count,
                             struct wal_binding *out_binding, struct error *out_error) MUST_CHECK;

#endif
