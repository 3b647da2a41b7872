#include "doctor/clocks.h"

enum {
    CLOCKS_MAX = 64,
    CLOCK_TOLERANCE_MS = 250, /* what well kept clocks may differ by */
};
#define UNBOUNDED (INT64_MAX / 4)

struct clock_graph {
    uint32_t count;
    struct str names[CLOCKS_MAX];
    /* bounds[a][b]: the offset of b is at most that of a and this. */
    int64_t bounds[CLOCKS_MAX][CLOCKS_MAX];
};

struct pair_visit {
    struct examination *examination;
    const struct doctor_query *query;
    struct clock_graph *graph;
    bool full;
};

/* -1: there are too many. */
static int clock_place(struct pair_visit *visit, struct str name)
{
    struct clock_graph *graph = visit->graph;
    for (uint32_t i = 0; i < graph->count; i++) {
        if (str_equal(graph->names[i], name)) return (int)i;
    }
    if (graph->count == CLOCKS_MAX) return -1;
    graph->names[graph->count] = text_keep(visit->examination->arena, name);
    if (graph->names[graph->count].data == NULL) return -1;
    return (int)graph->count++;
}

static bool take_pair(void *context, const struct evidence_cell *cells, uint32_t count)
{
    (void)count; /* the columns are known */
    struct pair_visit *visit = context;
    struct row row = { visit->query, cells };
    struct evidence_cell before = row_cell(&row, COLUMN_BEFORE_CLOCK);
    struct evidence_cell after = row_cell(&row, COLUMN_AFTER_CLOCK);
    int64_t before_ns = row_number(&row, COLUMN_BEFORE_TS);
    int64_t after_ns = row_number(&row, COLUMN_AFTER_TS);
    if (before.type != EVIDENCE_CELL_TEXT || after.type != EVIDENCE_CELL_TEXT) return true;
    if (before_ns == 0 || after_ns == 0) return true;
    int earlier = clock_place(visit, before.text);
    int later = clock_place(visit, after.text);
    if (earlier < 0 || later < 0) {
        visit->full = true;
        return true;
    }
    int64_t *bound = &visit->graph->bounds[later][earlier];
    if (earlier != later && after_ns - before_ns < *bound) *bound = after_ns - before_ns;
    return true;
}

static void sort_names(struct clock_graph *graph, uint32_t order[CLOCKS_MAX])
{
    for (uint32_t i = 0; i < graph->count; i++) {
        uint32_t at = i;
        for (; at > 0; at--) {
            if (text_compare(graph->names[order[at - 1]], graph->names[i]) < 0) break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

static void combine(struct clock_graph *graph)
{
    for (uint32_t k = 0; k < graph->count; k++) {
        for (uint32_t i = 0; i < graph->count; i++) {
            if (graph->bounds[i][k] >= UNBOUNDED) continue;
            for (uint32_t j = 0; j < graph->count; j++) {
                if (graph->bounds[k][j] >= UNBOUNDED) continue;
                int64_t sum = graph->bounds[i][k] + graph->bounds[k][j];
                if (sum < graph->bounds[i][j]) graph->bounds[i][j] = sum;
            }
        }
    }
}

/* Whether `clock` cannot show the same time as `against`, but for the tolerance. */
static bool differs(const struct clock_graph *graph, uint32_t against, uint32_t clock)
{
    int64_t tolerance = CLOCK_TOLERANCE_MS * INT64_C(1000000);
    return graph->bounds[against][clock] < -tolerance || graph->bounds[clock][against] < -tolerance;
}

/* Whether both are bounded by the other, and may show the same time. */
static bool agrees(const struct clock_graph *graph, uint32_t against, uint32_t clock)
{
    bool bound = graph->bounds[against][clock] < UNBOUNDED &&
                 graph->bounds[clock][against] < UNBOUNDED && against != clock;
    return bound && !differs(graph, against, clock);
}

/* The clock that most others agree with and, of these, fewest differ from: the ledger's, or the first
 * by name. */
static uint32_t reference_of(const struct clock_graph *graph, const uint32_t order[CLOCKS_MAX])
{
    uint32_t best = order[0];
    uint32_t most = 0;
    uint32_t fewest = UINT32_MAX;
    for (uint32_t i = 0; i < graph->count; i++) {
        uint32_t agreeing = 0;
        uint32_t differing = 0;
        for (uint32_t k = 0; k < graph->count; k++) {
            agreeing += agrees(graph, order[i], k);
            differing += differs(graph, order[i], k);
        }
        bool ties = agreeing == most && differing == fewest;
        bool better = agreeing > most || (agreeing == most && differing < fewest);
        if (!better && !(ties && str_equal(graph->names[order[i]], STR("ledger")))) continue;
        most = agreeing;
        fewest = differing;
        best = order[i];
    }
    return best;
}

static enum status report_clock(struct examination *examination, int rule, struct str clock)
{
    struct finding finding = { .rule = (uint32_t)rule, .cause = -1, .key = clock };
    struct evidence_violation violation = { .invariant = STR("I28"), .key = clock };
    struct evidence *evidence = examination->doctor->evidence;
    struct diagnosis *out = examination->out;
    for (uint32_t i = 0; i < out->invariant_count; i++) {
        if (out->invariants[i].rule != (uint32_t)rule) continue;
        out->invariants[i].holds = TRUTH_FALSE;
        out->invariants[i].violations++;
    }
    enum status status = examine_add_finding(examination, &finding);
    if (status != STATUS_OK) return status;
    return evidence->violate(evidence, &violation, examination->error);
}

static enum status judge_clocks(struct examination *examination, struct clock_graph *graph)
{
    struct diagnosis *out = examination->out;
    uint32_t order[CLOCKS_MAX] = { 0 };
    sort_names(graph, order);
    combine(graph);
    uint32_t reference = reference_of(graph, order);
    int rule = rule_find(out->rules, STR("I28"));
    out->clocks = arena_take_array(examination->arena, CLOCKS_MAX, sizeof *out->clocks);
    if (out->clocks == NULL) return STATUS_LIMIT;
    for (uint32_t i = 0; i < graph->count; i++) {
        uint32_t clock = order[i];
        int64_t highest = graph->bounds[reference][clock];
        int64_t lowest = graph->bounds[clock][reference];
        out->clocks[out->clock_count++] =
            (struct clock_offset){ graph->names[clock], highest < UNBOUNDED && lowest < UNBOUNDED,
                                   -lowest, highest };
        bool wrong = clock != reference && differs(graph, reference, clock);
        if (!wrong && graph->bounds[clock][clock] >= 0) continue;
        out->clocks_agree = false;
        if (!wrong || rule < 0) continue;
        enum status status = report_clock(examination, rule, graph->names[clock]);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

enum status examine_clocks(struct examination *examination)
{
    const struct rule_set *rules = examination->doctor->rules;
    struct arena *arena = examination->arena;
    struct clock_graph *graph = arena_take(arena, sizeof *graph);
    if (graph == NULL) return STATUS_LIMIT;
    graph->count = 0;
    for (uint32_t i = 0; i < CLOCKS_MAX; i++) {
        for (uint32_t k = 0; k < CLOCKS_MAX; k++) graph->bounds[i][k] = i == k ? 0 : UNBOUNDED;
    }
    examination->out->clocks_agree = true;
    for (uint32_t i = 0; i < rules->rule_count; i++) {
        if (rules->rules[i].type != RULE_CAUSAL) continue;
        uint32_t query = rules->rules[i].query_first;
        struct pair_visit visit = { examination, &examination->doctor->queries[query], graph,
                                    false };
        bool failed; /* then these pairs bound nothing */
        enum status status = examine_run(examination, query, NULL, take_pair, &visit, &failed);
        if (status != STATUS_OK) return status;
        if (visit.full) examination->out->truncated = true;
    }
    return graph->count == 0 ? STATUS_OK : judge_clocks(examination, graph);
}
