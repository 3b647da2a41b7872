/* table_mapping.h - which tables of somebody's ledger are which records, as a document to read. */
#ifndef DOCTOR_TABLE_MAPPING_H
#define DOCTOR_TABLE_MAPPING_H

#include "base/arena.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "doctor/table_value.h"
#include "model/evidence.h"

/* docs/tables.md is for who writes one. */
enum {
    TABLE_MAPPING_SIZE_MAX = 256 << 10,
    TABLE_MAPPING_TABLES_MAX = 32,
    TABLE_MAPPING_RECORDS_MAX = 64,
    TABLE_MAPPING_ASSETS_MAX = 256,
    TABLE_COLUMNS_MAX = 64,     /* of a table, that a mapping names */
    TABLE_NAME_LEN_MAX = 63,    /* as PostgreSQL has it */
    TABLE_SQL_SIZE_MAX = 32768, /* of one query or template */
};

struct table_column {
    struct str name;
    enum table_type type;
    bool indexed; /* queries look up by it */
};

struct table_spec {
    struct str schema; /* where a source has schemas */
    struct str name;   /* among the mapping's tables once */
    uint32_t column_count;
    struct table_column columns[TABLE_COLUMNS_MAX];
};

/* A SELECT in SQLite's words over the tables; its columns are fields of the kind. */
struct table_record {
    uint32_t kind;    /* place in evidence_kinds */
    struct str query; /* empty: such a ledger has none of the kind, which is evidence too */
};

/* Begins and ends a block of PL/pgSQL in a template; no value holds it. */
#define TABLE_BLOCK_TAG "$tpwallet$"

/* What {word} in a template of SQL stands for: a literal. One source for the list. */
#define TABLE_WORD_TABLE(X)                                                                        \
    X(ID, "id")             /* of the step: derived, the same each time */                         \
    X(INCIDENT, "incident") /* of the bundle */                                                    \
    X(TARGET, "target")     /* the transaction that the step is about */                           \
    X(ACCOUNT, "account")   /* that has too much or too little */                                  \
    X(FROM, "from")         /* the account that the step takes from */                             \
    X(TO, "to")             /* and gives to */                                                     \
    X(CCY, "ccy")           /* as the evidence has it */                                           \
    X(AMOUNT, "amount")     /* in major units, more than nothing */                                \
    X(MINOR, "minor")       /* the same in minor units */                                          \
    X(DELTA, "delta")       /* what the account has too much; negative: too little */              \
    X(DELTA_MINOR, "delta_minor")

#define TABLE_WORD_ENUM(name, text) TABLE_WORD_##name,
enum table_word { TABLE_WORD_TABLE(TABLE_WORD_ENUM) TABLE_WORD_COUNT };
#undef TABLE_WORD_ENUM

/*
 * How a step of a repair is written for the ledger's owners, as SQL of their database. One source
 * for the list: name, as it is written.
 */
#define TABLE_REPAIR_TABLE(X)                                                                      \
    X(BEGIN, "begin")       /* before all steps: locks */                                          \
    X(REVERSE, "reverse")   /* a transaction is taken back whole */                                \
    X(ADJUST, "adjust")     /* an amount between the two accounts of a transaction */              \
    X(COMPLETE, "complete") /* what a transaction lacks is written */                              \
    X(REBUILD, "rebuild")   /* a balance is made of its postings again */                          \
    X(CHECK, "check")       /* after all steps: what must hold, or RAISE */

#define TABLE_REPAIR_ENUM(name, text) TABLE_REPAIR_##name,
enum table_repair { TABLE_REPAIR_TABLE(TABLE_REPAIR_ENUM) TABLE_REPAIR_COUNT };
#undef TABLE_REPAIR_ENUM

struct table_mapping {
    struct digest digest; /* of its text */
    struct str name;
    struct str about;
    struct str system; /* whose word the records are */
    struct table_zone zone;
    struct table_assets assets;
    uint32_t table_count;
    struct table_spec tables[TABLE_MAPPING_TABLES_MAX];
    uint32_t record_count;
    struct table_record records[TABLE_MAPPING_RECORDS_MAX];
    struct str repair[TABLE_REPAIR_COUNT]; /* empty: there is none */
};

/*
 * Strict: an unknown member, a name that occurs twice, a type or kind that there is not, a column
 * of local times without a time zone are STATUS_INVALID, which says where; so is a template in which
 * a {word} would be no literal by itself, or that is not shown as it is (base/shown_text.h). Texts are views into the input or the arena, which needs
 * four times the input's size. STATUS_LIMIT: it is too small.
 */
enum status table_mapping_parse(struct str text, struct arena *arena,
                                struct table_mapping *out_mapping, struct error *out_error)
    MUST_CHECK;

const char *table_repair_name(enum table_repair repair);

/*
 * The next {word} of *text: what stands before it is *out_before, and *text begins behind it. False:
 * there is none, and *out_before is the rest. TABLE_WORD_COUNT: a word that there is not.
 */
bool table_word_next(struct str *text, struct str *out_before, enum table_word *out_word);

/* The table of that name, or -1. A schema is compared where both have one. */
int table_mapping_find(const struct table_mapping *mapping, struct str schema, struct str name);

#endif
