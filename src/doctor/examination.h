/* examination.h - one diagnosis being made: the steps that its parts share. */
#ifndef DOCTOR_EXAMINATION_H
#define DOCTOR_EXAMINATION_H

#include "doctor/diagnose.h"

struct examination {
    struct doctor *doctor;
    const struct doctor_options *options;
    struct arena *arena;
    struct diagnosis *out;
    struct error *error;
    struct buf findings;  /* of struct finding */
    struct buf instances; /* of struct instance */
    uint32_t *heads;      /* findings by invariant and key; UINT32_MAX ends */
    uint32_t head_count;  /* a power of two */
    uint64_t covered;     /* kinds, over the whole window, by bit */
};

/* A row of a query, with its columns known by meaning. */
struct row {
    const struct doctor_query *query;
    const struct evidence_cell *cells;
};

/* NULL cell when the query has no such column. */
struct evidence_cell row_cell(const struct row *row, enum doctor_column column);
/* Text in the arena, numbers as digits, NULL as empty. False: the arena is full. */
bool row_text(const struct row *row, enum doctor_column column, struct arena *arena,
              struct str *out_text);
/* An amount as queries have it: a number where 64 bits hold it, else its digits, in text. */
struct evidence_cell delta_cell(struct delta delta, char text[DELTA_TEXT_SIZE]);
/* False: NULL, or no amount. */
bool cell_delta(const struct evidence_cell *cell, struct delta *out_delta);
int64_t row_number(const struct row *row, enum doctor_column column);
/* As memcmp(), a shorter text before a longer one that begins so. */
int text_compare(struct str a, struct str b);
/* Text copied into the arena; NULL data when it is full. */
struct str text_keep(struct arena *arena, struct str text);

/*
 * Runs a query that doctor_init() prepared. STATUS_INVALID and STATUS_LIMIT of the query become
 * *out_failed: its answer is unknown on this evidence.
 */
enum status examine_ask(struct examination *examination, uint32_t handle,
                        struct evidence_arguments arguments, evidence_visit *visit, void *context,
                        bool *out_failed) MUST_CHECK;
/* The same for a query of the rule set, whose arguments are the parameters of the instance, or none. */
enum status examine_run(struct examination *examination, uint32_t query,
                        const struct instance *instance, evidence_visit *visit, void *context,
                        bool *out_failed) MUST_CHECK;

/* Kinds of `kinds` that are not covered at ts_ns, or EVIDENCE_ALL_TIME. */
uint64_t examine_lacking(struct examination *examination, uint64_t kinds, int64_t ts_ns);

/* Adds a finding, unless there are too many: then the diagnosis is truncated. */
enum status examine_add_finding(struct examination *examination, const struct finding *finding)
    MUST_CHECK;

#endif
