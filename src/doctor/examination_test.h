/* examination_test.h - for tests: evidence whose queries are names, with rows written down. */
#ifndef DOCTOR_EXAMINATION_TEST_H
#define DOCTOR_EXAMINATION_TEST_H

#include <string.h>

#include "base/check.h"
#include "doctor/claims.h"
#include "doctor/diagnose.h"
#include "doctor/remedy.h"
#include "model/evidence.h"

enum { SCRIPT_QUERIES_MAX = 64, SCRIPT_ROWS_MAX = 16, SCRIPT_COLUMNS_MAX = 8 };

/* "inv key delta" are the columns; a row is its cells in that order, NULL text and 0 for none. */
struct script_cell {
    const char *text; /* NULL: the number counts */
    int64_t number;   /* INT64_MIN: NULL */
};
#define T(literal)                                                                                 \
    {                                                                                              \
        literal, 0                                                                                 \
    }
#define N(value)                                                                                   \
    {                                                                                              \
        NULL, value                                                                                \
    }
#define NONE                                                                                       \
    {                                                                                              \
        NULL, INT64_MIN                                                                            \
    }

struct script_query {
    const char *sql;
    const char *columns;
    uint32_t row_count;
    struct script_cell rows[SCRIPT_ROWS_MAX][SCRIPT_COLUMNS_MAX];
    enum status failure; /* of each run, after its rows; STATUS_OK: none */
};

struct script {
    struct evidence port; /* first: the port is the script */
    const struct script_query *queries;
    uint32_t query_count;
    uint64_t uncovered;                 /* kinds, by bit */
    uint64_t reads[SCRIPT_QUERIES_MAX]; /* kinds that each query reads, by bit */
    uint32_t violations;
    struct evidence_source sources[2];
    struct evidence_bundle bundle;
    char names[SCRIPT_QUERIES_MAX][SCRIPT_COLUMNS_MAX][32];
};

static inline struct script *script_of(struct evidence *evidence)
{
    return (struct script *)evidence; /* its first member */
}

static inline enum status script_prepare(struct evidence *evidence, struct str sql,
                                         struct str narrow, uint32_t *out_query,
                                         struct error *out_error)
{
    (void)narrow; /* scripts have few rows */
    struct script *script = script_of(evidence);
    for (uint32_t i = 0; i < script->query_count; i++) {
        if (!str_equal(sql, str_from(script->queries[i].sql))) continue;
        *out_query = i;
        return STATUS_OK;
    }
    bool own = str_equal(sql, STR(REMEDY_QUERY)) || str_equal(sql, STR(CLAIMS_QUERY));
    if (own) { /* of no rows, unless the script has it */
        *out_query = SCRIPT_QUERIES_MAX;
        return STATUS_OK;
    }
    return error_set(out_error, STATUS_INVALID, "the script has no '%.*s'", STR_ARG(sql));
}

static inline const char *script_column(struct evidence *evidence, uint32_t query, uint32_t index)
{
    struct script *script = script_of(evidence);
    if (query == SCRIPT_QUERIES_MAX) return NULL;
    const char *at = script->queries[query].columns;
    for (uint32_t i = 0; *at != '\0'; i++) {
        size_t len = strcspn(at, " ");
        CHECK(len < sizeof script->names[0][0] && i < SCRIPT_COLUMNS_MAX);
        memcpy(script->names[query][i], at, len);
        script->names[query][i][len] = '\0';
        if (i == index) return script->names[query][i];
        at += len;
        if (*at == ' ') at++;
    }
    return NULL;
}

static inline uint64_t script_reads(struct evidence *evidence, uint32_t query)
{
    return script_of(evidence)->reads[query];
}

static inline enum status script_run(struct evidence *evidence, uint32_t query,
                                     struct evidence_arguments arguments, evidence_visit *visit,
                                     void *context, struct error *out_error)
{
    (void)arguments; /* rows are the same for all */
    struct script *script = script_of(evidence);
    if (query == SCRIPT_QUERIES_MAX) return STATUS_OK;
    const struct script_query *asked = &script->queries[query];
    uint32_t count = 0;
    while (script_column(evidence, query, count) != NULL) count++;
    for (uint32_t i = 0; i < asked->row_count; i++) {
        struct evidence_cell cells[SCRIPT_COLUMNS_MAX];
        for (uint32_t k = 0; k < count; k++) {
            const struct script_cell *cell = &asked->rows[i][k];
            cells[k] = (struct evidence_cell){ EVIDENCE_CELL_NUMBER, cell->number, { NULL, 0 } };
            if (cell->text != NULL) {
                cells[k] = (struct evidence_cell){ EVIDENCE_CELL_TEXT, 0, str_from(cell->text) };
            } else if (cell->number == INT64_MIN) {
                cells[k].type = EVIDENCE_CELL_NULL;
            }
        }
        if (!visit(context, cells, count)) break;
    }
    if (asked->failure != STATUS_OK) return error_set(out_error, asked->failure, "as written");
    return STATUS_OK;
}

static inline enum status script_violate(struct evidence *evidence,
                                         const struct evidence_violation *violation,
                                         struct error *out_error)
{
    (void)violation; /* only how many */
    (void)out_error;
    script_of(evidence)->violations++;
    return STATUS_OK;
}

static inline enum status script_forget(struct evidence *evidence, struct error *out_error)
{
    (void)out_error;
    script_of(evidence)->violations = 0;
    return STATUS_OK;
}

static inline enum evidence_coverage script_coverage(struct evidence *evidence, uint32_t kind,
                                                     int64_t ts_ns)
{
    (void)ts_ns; /* the same at all times */
    return (script_of(evidence)->uncovered >> kind & 1) != 0 ? EVIDENCE_NOT_COVERED
                                                             : EVIDENCE_COVERED;
}

/* Odd records are the first system's, even ones the second's. */
static inline enum status script_cite(struct evidence *evidence, int64_t record,
                                      struct evidence_citation *out_citation,
                                      struct error *out_error)
{
    (void)evidence;
    (void)out_error;
    *out_citation =
        (struct evidence_citation){ .hash = (uint64_t)record, .source = record % 2 == 0 ? 1 : 0 };
    return STATUS_OK;
}

static inline enum status script_drop(struct evidence *evidence, uint64_t hash, uint32_t *out_count,
                                      struct error *out_error)
{
    (void)evidence;
    (void)hash;
    (void)out_error;
    *out_count = 0;
    return STATUS_OK;
}

static inline const struct evidence_bundle *script_bundle(struct evidence *evidence)
{
    return &script_of(evidence)->bundle;
}

static inline void script_init(struct script *script, const struct script_query *queries,
                               uint32_t count)
{
    *script = (struct script){ .queries = queries, .query_count = count };
    script->port = (struct evidence){ script_prepare, script_column, script_reads,    script_run,
                                      script_violate, script_forget, script_coverage, script_cite,
                                      script_drop,    script_bundle };
    script->sources[0].system = STR("first");
    script->sources[1].system = STR("second");
    script->bundle = (struct evidence_bundle){ STR("test"), 1000, 1, 1000, script->sources, 2 };
}

#endif
