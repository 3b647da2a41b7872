/* A line enters the first phase that it has a key for; what a phase leaves goes to the next one. */
#include "cmd/reconcile_pipeline.h"

#include "base/check.h"
#include "base/reserve.h"

static uint64_t key_prefix(const void *item)
{
    return ((const struct reconcile_line *)item)->key.hi;
}

static uint64_t ref_prefix(const void *item)
{
    return ((const struct reconcile_line *)item)->ref.hi;
}

static uint64_t batch_prefix(const void *item)
{
    return ((const struct reconcile_line *)item)->batch.hi;
}

struct phase {
    int (*compare)(const void *a, const void *b);
    uint64_t (*prefix)(const void *item);
    bool (*same)(const struct reconcile_line *a, const struct reconcile_line *b);
    void (*match)(struct reconcile_matcher *matcher, struct reconcile_line *lines, uint32_t count);
};

static const struct phase phases[RECONCILE_PHASES] = {
    { reconcile_by_key, key_prefix, reconcile_same_key, reconcile_key_group },
    { reconcile_by_composite, ref_prefix, reconcile_same_composite, reconcile_composite_group },
    { reconcile_by_amount, NULL, reconcile_same_amount, reconcile_amount_group },
    { reconcile_by_batch, batch_prefix, reconcile_same_batch, reconcile_batch_group },
};

enum { GROUP_SIZE = RECONCILE_GROUP_MAX * sizeof(struct reconcile_line) };

enum status reconcile_pipeline_open(struct reconcile_pipeline *pipeline, struct error *out_error)
{
    pipeline->group = reserve_new(GROUP_SIZE);
    enum status status = STATUS_OK;
    if (pipeline->group == NULL)
        status = error_set(out_error, STATUS_LIMIT, "no memory for comparing");
    for (int i = 0; i < RECONCILE_PHASES && status == STATUS_OK; i++) {
        const struct external_sort_options options = {
            .item_size = sizeof(struct reconcile_line),
            .compare = phases[i].compare,
            .prefix = phases[i].prefix,
            .memory_max = pipeline->memory_max / RECONCILE_PHASES,
            .folder = pipeline->folder,
        };
        status = external_sort_new(&options, &pipeline->sorts[i], out_error);
    }
    return status;
}

void reconcile_pipeline_close(struct reconcile_pipeline *pipeline)
{
    for (int i = 0; i < RECONCILE_PHASES; i++) external_sort_free(pipeline->sorts[i]);
    reserve_free(pipeline->group, GROUP_SIZE);
    *pipeline = (struct reconcile_pipeline){ 0 };
}

static bool enters(const struct reconcile_pipeline *pipeline, enum reconcile_phase phase,
                   const struct reconcile_line *line)
{
    switch (phase) {
    case RECONCILE_BY_KEY: return !uuid_is_nil(line->key);
    case RECONCILE_BY_COMPOSITE: return !uuid_is_nil(line->ref);
    case RECONCILE_BY_AMOUNT: return pipeline->matcher->window_ns > 0;
    case RECONCILE_BY_BATCH: return !uuid_is_nil(line->batch);
    case RECONCILE_PHASES: break;
    }
    return false;
}

/* Into the first phase from `from` on that it enters, or to its end. */
static enum status forward(struct reconcile_pipeline *pipeline, int from,
                           const struct reconcile_line *line, struct error *out_error)
{
    for (int phase = from; phase < RECONCILE_PHASES; phase++)
        if (enters(pipeline, (enum reconcile_phase)phase, line))
            return external_sort_add(pipeline->sorts[phase], line, out_error);
    struct reconcile_line rest = *line;
    reconcile_rest(pipeline->matcher, &rest);
    return STATUS_OK;
}

enum status reconcile_pipeline_add(struct reconcile_pipeline *pipeline,
                                   const struct reconcile_line *line, struct error *out_error)
{
    return forward(pipeline, RECONCILE_BY_KEY, line, out_error);
}

/* What is held of the group leaves unmatched: the group is too large to be looked at whole. */
static enum status flood(struct reconcile_pipeline *pipeline, int phase, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < pipeline->group_count && status == STATUS_OK; i++) {
        if (phase == RECONCILE_BY_KEY)
            reconcile_overused(pipeline->matcher, &pipeline->group[i]);
        else
            status = forward(pipeline, phase + 1, &pipeline->group[i], out_error);
    }
    pipeline->group_count = 0;
    pipeline->flooded = true;
    return status;
}

static enum status group_end(struct reconcile_pipeline *pipeline, int phase,
                             struct error *out_error)
{
    enum status status = STATUS_OK;
    if (pipeline->flooded) status = flood(pipeline, phase, out_error);
    uint32_t count = pipeline->group_count;
    if (count > 0) phases[phase].match(pipeline->matcher, pipeline->group, count);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        if ((pipeline->group[i].flags & RECONCILE_FLAG_CONSUMED) != 0) continue;
        status = forward(pipeline, phase + 1, &pipeline->group[i], out_error);
    }
    pipeline->group_count = 0;
    pipeline->flooded = false;
    return status;
}

static enum status phase_run(struct reconcile_pipeline *pipeline, int phase,
                             struct error *out_error)
{
    struct external_sort *sort = pipeline->sorts[phase];
    struct reconcile_line line;
    struct reconcile_line head;
    bool open = false;
    for (;;) {
        bool there;
        enum status status = external_sort_next(sort, &line, &there, out_error);
        if (status == STATUS_OK && open && (!there || !phases[phase].same(&head, &line)))
            status = group_end(pipeline, phase, out_error);
        if (status != STATUS_OK || !there) return status;
        if (pipeline->group_count == RECONCILE_GROUP_MAX)
            status = flood(pipeline, phase, out_error);
        if (status != STATUS_OK) return status;
        pipeline->group[pipeline->group_count++] = line;
        head = line;
        open = true;
    }
}

enum status reconcile_pipeline_run(struct reconcile_pipeline *pipeline, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (int phase = 0; phase < RECONCILE_PHASES && status == STATUS_OK; phase++) {
        status = phase_run(pipeline, phase, out_error);
        external_sort_free(pipeline->sorts[phase]);
        pipeline->sorts[phase] = NULL;
    }
    return status;
}
