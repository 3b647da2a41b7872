#include "doctor/claims.h"

#include <stdlib.h>

/* A row about a payment, with its cause. */
struct claim {
    struct affected *row;
    struct str about; /* the payment's least transaction, or the name that it has in the row */
    uint32_t cause;   /* place of the instance */
    bool posts;
};

static int by_payment(const void *left, const void *right)
{
    const struct claim *a = left;
    const struct claim *b = right;
    return text_compare(a->row->payment, b->row->payment);
}

static int by_about(const void *left, const void *right)
{
    const struct claim *a = left;
    const struct claim *b = right;
    int order = text_compare(a->about, b->about);
    if (order == 0) order = (a->cause > b->cause) - (a->cause < b->cause);
    return order != 0 ? order : text_compare(a->row->payment, b->row->payment);
}

static uint32_t claims_list(const struct diagnosis *out, struct claim *claims)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < out->cause_count; i++) {
        const struct instance *cause = &out->instances[out->causes[i]];
        bool posts = out->rules->rules[cause->rule].ledger_entry;
        for (uint32_t k = 0; k < cause->affected_count; k++) {
            struct affected *row = &cause->affected[k];
            bool owed = row->account.len > 0 && !delta_is_zero(row->delta);
            if (row->payment.len > 0)
                claims[count++] =
                    (struct claim){ row, row->payment, out->causes[i], posts && owed };
        }
    }
    if (count > 0) qsort(claims, count, sizeof *claims, by_payment);
    return count;
}

/* ---- two causes about one payment: which of them is right, nothing here tells ---- */

struct naming {
    struct examination *examination;
    struct str about;
    enum status status;
};

static bool take_name(void *context, const struct evidence_cell *cells, uint32_t count)
{
    struct naming *naming = context;
    struct examination *examination = naming->examination;
    const struct row row = { &examination->doctor->payments, cells };
    (void)count; /* as the query has them */
    if (!row_text(&row, COLUMN_PAYMENT, examination->arena, &naming->about))
        naming->status = STATUS_LIMIT;
    return false;
}

/*
 * Of a look-up that could not be run to the end: any of these payments may be another's as well, so
 * nothing of their causes is posted.
 */
static void names_unknown(const struct diagnosis *out, const struct claim *claims, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) out->instances[claims[i].cause].extent_cut = true;
}

static enum status name_find(struct naming *naming, struct str payment, bool *out_failed)
{
    struct examination *examination = naming->examination;
    struct evidence_argument argument = { "payment",
                                          { .type = EVIDENCE_CELL_TEXT, .text = payment } };
    naming->about = STR("");
    enum status status =
        examine_ask(examination, examination->doctor->payments.handle,
                    (struct evidence_arguments){ &argument, 1 }, take_name, naming, out_failed);
    return status == STATUS_OK ? naming->status : status;
}

/* Rows of one name are beside each other: each name is looked up once. */
static enum status claims_name(struct examination *examination, struct claim *claims,
                               uint32_t count)
{
    struct naming naming = { .examination = examination };
    for (uint32_t i = 0; i < count; i++) {
        struct str payment = claims[i].row->payment;
        if (i == 0 || !str_equal(payment, claims[i - 1].row->payment)) {
            bool failed;
            enum status status = name_find(&naming, payment, &failed);
            if (status != STATUS_OK) return status;
            if (failed) {
                names_unknown(examination->out, claims, count);
                return STATUS_OK;
            }
        }
        if (naming.about.len > 0) claims[i].about = naming.about;
    }
    return STATUS_OK;
}

/* One name alone contests nothing. */
static bool of_several_names(const struct claim *claims, uint32_t count)
{
    bool posts = false;
    bool several = false;
    for (uint32_t i = 0; i < count; i++) {
        posts = posts || claims[i].posts;
        several = several || claims[i].cause != claims[0].cause ||
                  !str_equal(claims[i].row->payment, claims[0].row->payment);
    }
    return posts && several;
}

static bool differ(const struct claim *a, const struct claim *b)
{
    return a->cause != b->cause || !str_equal(a->row->payment, b->row->payment);
}

/*
 * By another cause, or by its own under another name, as two charges for one key have. In order of
 * both, whoever has a rival differs from the first or from the last.
 */
static void group_mark(const struct diagnosis *out, const struct claim *claims, uint32_t count)
{
    const struct claim *first = &claims[0];
    const struct claim *last = &claims[count - 1];
    bool posts = false;
    for (uint32_t i = 0; i < count; i++) posts = posts || claims[i].posts;
    if (!posts || !differ(first, last)) return;
    for (uint32_t i = 0; i < count; i++) {
        const struct claim *rival = differ(&claims[i], last) ? last : first;
        if (claims[i].row->account.len > 0)
            claims[i].row->barred_by = out->instances[rival->cause].rule + 1;
    }
}

static void contests_mark(const struct diagnosis *out, const struct claim *claims, uint32_t count)
{
    for (uint32_t first = 0; first < count;) {
        uint32_t end = first + 1;
        while (end < count && str_equal(claims[end].about, claims[first].about)) end++;
        group_mark(out, &claims[first], end - first);
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
    char text[DELTA_TEXT_SIZE];
    struct parameter parameters[] = {
        { "payment", { .type = EVIDENCE_CELL_TEXT, .text = claim->row->payment } },
        { "account", { .type = EVIDENCE_CELL_TEXT, .text = claim->row->account } },
        { "ccy", { .type = EVIDENCE_CELL_TEXT, .text = claim->row->ccy } },
        { "delta", delta_cell(claim->row->delta, text) },
    };
    struct instance asked = { .parameters = parameters,
                              .parameter_count = sizeof parameters / sizeof parameters[0] };
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
        if (!claims[i].posts || claims[i].row->barred_by != 0) continue;
        enum status status = claim_ask(examination, query, &claims[i], &barred);
        if (status != STATUS_OK) return status;
        if (!barred) continue;
        claims[i].row->barred_by = rule + 1;
        claims[i].row->bar = examination->doctor->rules->queries[query].name;
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
    enum status status = STATUS_OK;
    if (of_several_names(claims, count)) {
        status = claims_name(examination, claims, count);
        if (status == STATUS_OK) qsort(claims, count, sizeof *claims, by_about);
        if (status == STATUS_OK) contests_mark(out, claims, count);
    }
    return status == STATUS_OK ? bars_apply(examination, claims, count) : status;
}
