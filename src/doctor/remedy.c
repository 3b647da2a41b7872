#include "doctor/remedy.h"

#include <stdlib.h>
#include <string.h>

enum { REMEDIES_MAX = 1000000 };

/* A leg of a reversal, with what is left of it to be set against something. */
struct remedy {
    struct str payment; /* the transaction that was taken back */
    struct str key;     /* its idempotency key; empty: none */
    struct str account;
    struct str ccy;
    struct delta delta;
};

struct remedy_visit {
    struct examination *examination;
    struct buf rows; /* of struct remedy */
    enum status status;
};

static int by_leg(const void *left, const void *right)
{
    const struct remedy *a = left;
    const struct remedy *b = right;
    int order = text_compare(a->payment, b->payment);
    if (order == 0) order = text_compare(a->account, b->account);
    return order != 0 ? order : text_compare(a->ccy, b->ccy);
}

static int key_order(const struct remedy *a, const struct remedy *b)
{
    int order = text_compare(a->key, b->key);
    if (order == 0) order = text_compare(a->account, b->account);
    return order != 0 ? order : text_compare(a->ccy, b->ccy);
}

static int by_key(const void *left, const void *right)
{
    const struct remedy *a = *(struct remedy *const *)left;
    const struct remedy *b = *(struct remedy *const *)right;
    int order = key_order(a, b);
    return order != 0 ? order : text_compare(a->payment, b->payment);
}

static bool take_leg(void *context, const struct evidence_cell *cells, uint32_t count)
{
    struct remedy_visit *visit = context;
    struct examination *examination = visit->examination;
    const struct row row = { &examination->doctor->reversals, cells };
    struct evidence_cell delta = row_cell(&row, COLUMN_DELTA);
    struct remedy remedy;
    (void)count; /* as the query has them */
    if (!cell_delta(&delta, &remedy.delta)) return true;
    bool kept = row_text(&row, COLUMN_PAYMENT, examination->arena, &remedy.payment) &&
                row_text(&row, COLUMN_KEY, examination->arena, &remedy.key) &&
                row_text(&row, COLUMN_ACCOUNT, examination->arena, &remedy.account) &&
                row_text(&row, COLUMN_CCY, examination->arena, &remedy.ccy);
    if (kept) buf_append(&visit->rows, &remedy, sizeof remedy);
    if (!kept || buf_status(&visit->rows) != STATUS_OK) visit->status = STATUS_LIMIT;
    return visit->status == STATUS_OK;
}

/* Legs of the same reversed transaction on the same account become one. */
static enum status legs_merge(struct buf *rows, struct arena *arena, struct remedies *remedies)
{
    struct remedy *legs = (struct remedy *)(void *)rows->data;
    uint32_t count = (uint32_t)(rows->len / sizeof *legs);
    uint32_t kept = 0;
    if (count > 0) qsort(legs, count, sizeof *legs, by_leg);
    for (uint32_t i = 0; i < count; i++) {
        bool same = kept > 0 && by_leg(&legs[kept - 1], &legs[i]) == 0;
        if (!same)
            legs[kept++] = legs[i];
        else if (!delta_add(legs[kept - 1].delta, legs[i].delta, &legs[kept - 1].delta))
            return STATUS_LIMIT;
    }
    remedies->legs = arena_take_array(arena, (size_t)kept + 1, sizeof *legs);
    if (remedies->legs == NULL) return STATUS_LIMIT;
    if (kept > 0) memcpy(remedies->legs, legs, kept * sizeof *legs);
    remedies->count = kept;
    return STATUS_OK;
}

static enum status legs_index(struct arena *arena, struct remedies *remedies)
{
    remedies->by_key = arena_take_array(arena, (size_t)remedies->count + 1, sizeof(void *));
    if (remedies->by_key == NULL) return STATUS_LIMIT;
    for (uint32_t i = 0; i < remedies->count; i++) remedies->by_key[i] = &remedies->legs[i];
    if (remedies->count > 0)
        qsort(remedies->by_key, remedies->count, sizeof *remedies->by_key, by_key);
    return STATUS_OK;
}

/* As much of the leg as makes the row smaller, and never the other way round. */
static void leg_use(struct remedy *leg, struct delta *row)
{
    struct delta left;
    bool opposite = (leg->delta.minor < 0) != (row->minor < 0);
    if (!opposite || leg->delta.minor == 0 || row->minor == 0) return;
    if (!delta_add(*row, leg->delta, &left)) return;
    bool over = left.minor != 0 && (left.minor < 0) != (row->minor < 0);
    leg->delta = over ? left : DELTA_ZERO;
    *row = over ? DELTA_ZERO : left;
}

/* Several transactions may have had the key: their legs are used in order. */
static void row_settle_by_key(struct affected *row, const struct remedies *remedies)
{
    const struct remedy wanted = { .key = row->payment, .account = row->account, .ccy = row->ccy };
    uint32_t low = 0;
    uint32_t high = remedies->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (key_order(remedies->by_key[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < remedies->count && key_order(remedies->by_key[low], &wanted) == 0; low++)
        leg_use(remedies->by_key[low], &row->delta);
}

static void row_settle(struct affected *row, const struct remedies *remedies)
{
    const struct remedy wanted = { .payment = row->payment,
                                   .account = row->account,
                                   .ccy = row->ccy };
    if (row->payment.len == 0) return;
    struct remedy *leg =
        bsearch(&wanted, remedies->legs, remedies->count, sizeof *remedies->legs, by_leg);
    if (leg != NULL)
        leg_use(leg, &row->delta);
    else
        row_settle_by_key(row, remedies);
}

static void cause_settle(struct instance *cause, const struct remedies *remedies)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < cause->affected_count; i++) {
        struct affected *row = &cause->affected[i];
        bool owed = !delta_is_zero(row->delta);
        row_settle(row, remedies);
        bool settled = owed && delta_is_zero(row->delta);
        cause->settled_count += settled;
        if (!settled) cause->affected[kept++] = *row;
    }
    cause->affected_count = kept;
}

static enum status legs_read(struct remedy_visit *visit, bool *out_failed)
{
    struct examination *examination = visit->examination;
    enum status status =
        examine_ask(examination, examination->doctor->reversals.handle,
                    (struct evidence_arguments){ NULL, 0 }, take_leg, visit, out_failed);
    return status == STATUS_OK ? visit->status : status;
}

/* What was taken back of a payment is not known, so nothing of the causes that name one is posted. */
static void reversals_unknown(const struct diagnosis *out)
{
    for (uint32_t i = 0; i < out->cause_count; i++) {
        struct instance *cause = &out->instances[out->causes[i]];
        for (uint32_t k = 0; k < cause->affected_count; k++)
            if (cause->affected[k].payment.len > 0) cause->extent_cut = true;
    }
}

enum status remedies_find(struct examination *examination, struct remedies *out_remedies)
{
    bool failed = false;
    struct remedies remedies = { .count = 0 };
    struct remedy_visit visit = { .examination = examination };
    buf_init(&visit.rows, (size_t)REMEDIES_MAX * sizeof(struct remedy));
    enum status status = STATUS_OK;
    if (examination->out->cause_count > 0) status = legs_read(&visit, &failed);
    if (failed)
        reversals_unknown(examination->out);
    else if (status == STATUS_OK)
        status = legs_merge(&visit.rows, examination->arena, &remedies);
    buf_free(&visit.rows);
    if (status == STATUS_OK) status = legs_index(examination->arena, &remedies);
    if (status == STATUS_OK) *out_remedies = remedies;
    return status;
}

void remedies_take(const struct remedies *remedies, struct diagnosis *out)
{
    for (uint32_t i = 0; remedies->count > 0 && i < out->cause_count; i++)
        cause_settle(&out->instances[out->causes[i]], remedies);
}
