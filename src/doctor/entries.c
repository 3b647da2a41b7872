#include "doctor/entries.h"

#include <stdlib.h>

#include "doctor/label.h"

struct doubt_visit {
    struct examination *examination;
    const struct doctor_query *query;
    struct buf accounts; /* of struct str */
    enum status status;
};

static void account_add(struct doubt_visit *visit, struct str account)
{
    if (account.len == 0) return;
    buf_append(&visit->accounts, &account, sizeof account);
    visit->status = buf_status(&visit->accounts);
}

static bool take_doubt(void *context, const struct evidence_cell *cells, uint32_t count)
{
    (void)count; /* the columns are known */
    struct doubt_visit *visit = context;
    struct row row = { visit->query, cells };
    struct str account;
    if (!row_text(&row, COLUMN_ACCOUNT, visit->examination->arena, &account))
        visit->status = STATUS_LIMIT;
    else
        account_add(visit, account);
    return visit->status == STATUS_OK;
}

static enum status doubts_of(struct doubt_visit *visit, struct instance *instance)
{
    const struct doctor *doctor = visit->examination->doctor;
    const struct rule *rule = &doctor->rules->rules[instance->rule];
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < rule->query_count; i++) {
        uint32_t query = rule->query_first + i;
        bool failed; /* then the doubt is there all the same, and any account may be its */
        if (doctor->rules->queries[query].part != RULE_PART_DOUBT) continue;
        visit->query = &doctor->queries[query];
        status = examine_run(visit->examination, query, instance, take_doubt, visit, &failed);
        if (status == STATUS_OK) status = visit->status;
        instance->extent_cut = instance->extent_cut || failed;
    }
    return status;
}

static int by_text(const void *left, const void *right)
{
    return text_compare(*(const struct str *)left, *(const struct str *)right);
}

static bool is_planned(const struct examination *examination, const struct instance *instance)
{
    return instance->label <= LABEL_PROBABLE && instance->others_unknown == 0 &&
           !instance->extent_cut && label_unseen(examination, instance) == 0;
}

/* An account is repaired as a whole or not at all: what is posted of it may net with what is not. */
static void unplanned_add(struct doubt_visit *visit, const struct instance *instance)
{
    const struct examination *examination = visit->examination;
    bool posts = examination->out->rules->rules[instance->rule].ledger_entry;
    bool unplanned = posts && !is_planned(examination, instance);
    for (uint32_t i = 0; i < instance->affected_count && visit->status == STATUS_OK; i++) {
        const struct affected *row = &instance->affected[i];
        if (unplanned || row->barred_by != 0) account_add(visit, row->account);
    }
}

static enum status accounts_find(struct doubt_visit *visit)
{
    const struct diagnosis *out = visit->examination->out;
    for (uint32_t i = 0; i < out->finding_count && visit->status == STATUS_OK; i++)
        if (out->findings[i].cause < 0) account_add(visit, out->findings[i].account);
    enum status status = visit->status;
    for (uint32_t i = 0; status == STATUS_OK && i < out->cause_count; i++)
        status = doubts_of(visit, &out->instances[out->causes[i]]);
    for (uint32_t i = 0; status == STATUS_OK && i < out->cause_count; i++) {
        unplanned_add(visit, &out->instances[out->causes[i]]);
        status = visit->status;
    }
    return status;
}

/* In order, each once. */
static enum status accounts_keep(struct examination *examination, const struct buf *accounts)
{
    struct diagnosis *out = examination->out;
    uint32_t count = (uint32_t)(accounts->len / sizeof(struct str));
    out->left = arena_take_array(examination->arena, (size_t)count + 1, sizeof *out->left);
    if (out->left == NULL) return STATUS_LIMIT;
    if (count > 0) {
        memcpy(out->left, accounts->data, accounts->len);
        qsort(out->left, count, sizeof *out->left, by_text);
    }
    for (uint32_t i = 0; i < count; i++)
        if (out->left_count == 0 || !str_equal(out->left[i], out->left[out->left_count - 1]))
            out->left[out->left_count++] = out->left[i];
    return STATUS_OK;
}

static void mark(struct examination *examination, struct instance *instance)
{
    const struct diagnosis *out = examination->out;
    bool planned = is_planned(examination, instance);
    for (uint32_t i = 0; i < instance->affected_count; i++) {
        struct affected *affected = &instance->affected[i];
        bool doubted = bsearch(&affected->account, out->left, out->left_count, sizeof(struct str),
                               by_text) != NULL;
        affected->left = !planned || doubted;
    }
}

enum status examine_entries(struct examination *examination)
{
    struct diagnosis *out = examination->out;
    struct doubt_visit visit = { .examination = examination };
    buf_init(&visit.accounts, (size_t)DIAGNOSIS_AFFECTED_MAX * sizeof(struct str));
    enum status status = accounts_find(&visit);
    if (status == STATUS_OK) status = accounts_keep(examination, &visit.accounts);
    for (uint32_t i = 0; status == STATUS_OK && i < out->cause_count; i++)
        mark(examination, &out->instances[out->causes[i]]);
    buf_free(&visit.accounts);
    return status;
}
