#include "doctor/claims.h"

#include <stdlib.h>

/* A row that would be posted, with its cause. */
struct claim {
    struct affected *row;
    uint32_t cause; /* place of the instance */
};

static int by_payment(const void *left, const void *right)
{
    const struct claim *a = left;
    const struct claim *b = right;
    int order = text_compare(a->row->payment, b->row->payment);
    return order != 0 ? order : (a->cause > b->cause) - (a->cause < b->cause);
}

static bool posts(const struct diagnosis *out, const struct instance *cause)
{
    return out->rules->rules[cause->rule].ledger_entry;
}

static uint32_t claims_list(const struct diagnosis *out, struct claim *claims)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < out->cause_count; i++) {
        const struct instance *cause = &out->instances[out->causes[i]];
        for (uint32_t k = 0; posts(out, cause) && k < cause->affected_count; k++) {
            struct affected *row = &cause->affected[k];
            if (row->payment.len > 0 && row->account.len > 0 && !delta_is_zero(row->delta))
                claims[count++] = (struct claim){ row, out->causes[i] };
        }
    }
    if (count > 0) qsort(claims, count, sizeof *claims, by_payment);
    return count;
}

/* ---- two causes about one payment: which of them is right, nothing here tells ---- */

static void contests_mark(const struct diagnosis *out, const struct claim *claims, uint32_t count)
{
    for (uint32_t first = 0; first < count;) {
        uint32_t end = first + 1;
        while (end < count && str_equal(claims[end].row->payment, claims[first].row->payment))
            end++;
        const struct claim *last = &claims[end - 1];
        bool contested = claims[first].cause != last->cause;
        for (uint32_t i = first; contested && i < end; i++) {
            uint32_t other = claims[i].cause == last->cause ? claims[first].cause : last->cause;
            claims[i].row->barred_by = out->instances[other].rule + 1;
        }
        first = end;
    }
}

/* ---- bars of invariants ---- */

static bool take_any(void *context, const struct evidence_cell *cells, uint32_t count)
{
    (void)cells; /* that there is one says it */
    (void)count;
    *(bool *)context = true;
    return false;
}

/* A bar that could not be run to the end bars as well. */
static enum status claim_ask(struct examination *examination, uint32_t query,
                             const struct claim *claim, bool *out_barred)
{
    struct parameter parameters[] = {
        { "payment", { .type = EVIDENCE_CELL_TEXT, .text = claim->row->payment } },
        { "account", { .type = EVIDENCE_CELL_TEXT, .text = claim->row->account } },
        { "ccy", { .type = EVIDENCE_CELL_TEXT, .text = claim->row->ccy } },
    };
    struct instance asked = { .parameters = parameters, .parameter_count = 3 };
    bool failed;
    *out_barred = false;
    enum status status = examine_run(examination, query, &asked, take_any, out_barred, &failed);
    *out_barred = *out_barred || failed;
    return status;
}

static enum status bar_apply(struct examination *examination, uint32_t rule, uint32_t query,
                             const struct claim *claims, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bool barred;
        if (claims[i].row->barred_by != 0) continue;
        enum status status = claim_ask(examination, query, &claims[i], &barred);
        if (status != STATUS_OK) return status;
        if (barred) claims[i].row->barred_by = rule + 1;
    }
    return STATUS_OK;
}

static enum status bars_apply(struct examination *examination, const struct claim *claims,
                              uint32_t count)
{
    const struct rule_set *rules = examination->doctor->rules;
    for (uint32_t r = 0; r < rules->rule_count; r++) {
        const struct rule *rule = &rules->rules[r];
        for (uint32_t i = 0; i < rule->query_count; i++) {
            uint32_t query = rule->query_first + i;
            if (rules->queries[query].part != RULE_PART_BAR) continue;
            enum status status = bar_apply(examination, r, query, claims, count);
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}

enum status examine_claims(struct examination *examination)
{
    struct diagnosis *out = examination->out;
    struct arena_mark ARENA_SCOPE here = arena_mark(examination->arena);
    size_t room = 1;
    for (uint32_t i = 0; i < out->cause_count; i++)
        room += out->instances[out->causes[i]].affected_count;
    struct claim *claims = arena_take_array(examination->arena, room, sizeof *claims);
    if (claims == NULL) return STATUS_LIMIT;
    uint32_t count = claims_list(out, claims);
    contests_mark(out, claims, count);
    return bars_apply(examination, claims, count);
}
