/* evidence.h - the evidence of one bundle as the doctor sees it: queries, coverage, citations. */
#ifndef PORT_EVIDENCE_H
#define PORT_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "crypto/digest.h"

/*
 * Rules ask in SQL over one table for each kind of model/evidence.h, the table `violation`, and
 * the views and functions of docs/doctor_rules.md. A query only reads. One task at a time; each
 * call but run() within EVIDENCE_CALL_S_MAX; run() is stopped, with STATUS_LIMIT, after a fixed
 * number of the store's own steps, so that equal evidence ends equally. STATUS_CORRUPT,
 * STATUS_UNAVAILABLE and STATUS_LIMIT (memory, disk) may come from every call.
 */
enum {
    EVIDENCE_CALL_S_MAX = 60,
    EVIDENCE_COLUMNS_MAX = 24, /* of a query */
    EVIDENCE_ARGUMENTS_MAX = 24,
};

enum evidence_cell_type { EVIDENCE_CELL_NULL, EVIDENCE_CELL_NUMBER, EVIDENCE_CELL_TEXT };

struct evidence_cell {
    enum evidence_cell_type type;
    int64_t number;
    struct str text;
};

/* What :name in a query stands for. Names that the query does not have are passed over. */
struct evidence_argument {
    const char *name;
    struct evidence_cell value;
};

struct evidence_arguments {
    const struct evidence_argument *items;
    uint32_t count;
};

/* Called for each row; cells are good until it returns. False stops the query. */
typedef bool evidence_visit(void *context, const struct evidence_cell *cells, uint32_t count);

/* Where an invariant does not hold: a row of the table `violation`. Texts may be empty. */
struct evidence_violation {
    struct str invariant;
    struct str key;
    struct str account;
    struct str ccy;
    struct evidence_cell delta; /* signed minor units; NULL: no money */
    int64_t ts_ns;              /* 0: not known */
    int64_t record;             /* a witness; 0: none */
};

enum evidence_coverage { EVIDENCE_NOT_COVERED, EVIDENCE_COVERED_IN_PART, EVIDENCE_COVERED };

#define EVIDENCE_ALL_TIME INT64_MIN

/* One record, to be shown. */
struct evidence_citation {
    uint64_t hash;   /* of its line */
    uint32_t kind;   /* place in evidence_kinds */
    uint32_t source; /* place in the bundle's sources */
    int64_t ts_ns;   /* 0: none */
};

struct evidence_source {
    struct str path;
    struct str system;
    struct str clock;
    uint64_t kinds; /* that it has, or would have, by bit */
    uint64_t rows;
    uint64_t rejected;
    uint64_t unknown_fields;
    uint64_t first_reject_line; /* from 1; 0: none */
    const char *first_reject;   /* why; static */
    struct digest sha256;       /* of its file; zeros: the manifest has none */
};

struct evidence_bundle {
    struct str incident;
    int64_t as_of_ns;
    int64_t from_ns;
    int64_t to_ns;
    const struct evidence_source *sources;
    uint32_t source_count;
};

struct evidence {
    /*
     * narrow: the name of what is known of the rows that the query can find, or empty; of use where
     * there are many (doctor/narrowing.h). STATUS_INVALID: it is not one query that only reads; the
     * error says why.
     */
    enum status (*prepare)(struct evidence *evidence, struct str sql, struct str narrow,
                           uint32_t *out_query, struct error *out_error);
    /* The name of a column, static while the query is; NULL past the last. */
    const char *(*column)(struct evidence *evidence, uint32_t query, uint32_t index);
    /* The kinds that a query reads, by bit. */
    uint64_t (*reads)(struct evidence *evidence, uint32_t query);
    enum status (*run)(struct evidence *evidence, uint32_t query,
                       struct evidence_arguments arguments, evidence_visit *visit, void *context,
                       struct error *out_error);
    enum status (*violate)(struct evidence *evidence, const struct evidence_violation *violation,
                           struct error *out_error);
    /* Forgets all violations. */
    enum status (*forget)(struct evidence *evidence, struct error *out_error);
    /* Of a kind at an instant, or EVIDENCE_ALL_TIME: over the whole window. */
    enum evidence_coverage (*coverage)(struct evidence *evidence, uint32_t kind, int64_t ts_ns);
    /* STATUS_NOT_FOUND: there is no such record. */
    enum status (*cite)(struct evidence *evidence, int64_t record,
                        struct evidence_citation *out_citation, struct error *out_error);
    /* Removes the records whose line has this hash, as if they had not been collected. */
    enum status (*drop)(struct evidence *evidence, uint64_t hash, uint32_t *out_count,
                        struct error *out_error);
    const struct evidence_bundle *(*bundle)(struct evidence *evidence);
};

#endif
