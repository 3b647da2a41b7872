/* reconcile_pipeline.h - two sides' lines through the phases of matching, in bounded memory. */
#ifndef CMD_RECONCILE_PIPELINE_H
#define CMD_RECONCILE_PIPELINE_H

#include "adapter/external_sort.h"
#include "doctor/reconcile_match.h"

/* The orders that lines are brought into, one phase each. */
enum reconcile_phase {
    RECONCILE_BY_KEY,
    RECONCILE_BY_COMPOSITE,
    RECONCILE_BY_AMOUNT,
    RECONCILE_BY_BATCH,
    RECONCILE_PHASES
};

struct reconcile_pipeline {
    struct reconcile_matcher *matcher;
    size_t memory_max; /* shared out among the phases */
    const char *folder;

    /* the pipeline's own */
    struct external_sort *sorts[RECONCILE_PHASES];
    struct reconcile_line *group;
    uint32_t group_count;
    bool flooded; /* the group is larger than a group may be */
};

/* matcher is the caller's; found() may stop nothing. reconcile_pipeline_close() also on failure. */
enum status reconcile_pipeline_open(struct reconcile_pipeline *pipeline, struct error *out_error)
    MUST_CHECK;
void reconcile_pipeline_close(struct reconcile_pipeline *pipeline);

/* A line of either side. STATUS_LIMIT, STATUS_UNAVAILABLE: the disk. */
enum status reconcile_pipeline_add(struct reconcile_pipeline *pipeline,
                                   const struct reconcile_line *line, struct error *out_error)
    MUST_CHECK;
/* All phases; then every line was in a result. */
enum status reconcile_pipeline_run(struct reconcile_pipeline *pipeline, struct error *out_error)
    MUST_CHECK;

#endif
