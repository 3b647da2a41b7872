#define _GNU_SOURCE /* memmem() */
#include "doctor/plan_trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "doctor/examination.h"
#include "doctor/json_tree.h"
#include "model/transit.h"

static int record_order(const void *a, const void *b)
{
    const struct plan_row *left = *(struct plan_row *const *)a;
    const struct plan_row *right = *(struct plan_row *const *)b;
    return (left->record > right->record) - (left->record < right->record);
}

static int tx_order(const void *a, const void *b)
{
    return text_compare((*(struct plan_row *const *)a)->tx, (*(struct plan_row *const *)b)->tx);
}

/* The first of the sorted rows that is not below; record_count when there is none. */
static uint32_t record_find(const struct plan_trace *trace, uint64_t record)
{
    uint32_t low = 0;
    uint32_t high = trace->record_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (trace->by_record[middle]->record < record)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t tx_find(const struct plan_trace *trace, struct str tx)
{
    uint32_t low = 0;
    uint32_t high = trace->tx_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (text_compare(trace->by_tx[middle]->tx, tx) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum status keep(struct plan_trace *trace, struct str text, struct str *out_text)
{
    struct str kept = text_keep(trace->texts, text);
    if (kept.data == NULL) return error_set(trace->error, STATUS_LIMIT, "no memory for the plan");
    *out_text = kept;
    return STATUS_OK;
}

/* NULL: it is no object, and so no record. */
static const struct json_node *line_read(struct plan_trace *trace, struct str line)
{
    const struct json_node *root;
    struct error ignored; /* such a line is a reject: the diagnosis counts it */
    arena_reset(trace->line);
    return json_tree_parse(line, trace->line, &root, &ignored) == STATUS_OK ? root : NULL;
}

void plan_trace_begin(struct plan_trace *trace)
{
    trace->record_count = 0;
    trace->tx_count = 0;
    for (uint32_t i = 0; i < trace->diagnosis->row_count; i++)
        if (trace->diagnosis->rows[i].record != 0)
            trace->by_record[trace->record_count++] = &trace->diagnosis->rows[i];
    if (trace->record_count > 0)
        qsort(trace->by_record, trace->record_count, sizeof trace->by_record[0], record_order);
}

static enum status row_take(struct plan_trace *trace, struct plan_row *row, struct str line)
{
    struct digest digest = digest_of(line.data, line.len);
    if (row->found && digest_equal(&digest, &row->line))
        return STATUS_OK; /* a line that is twice */
    if (row->found) {
        enum status status = error_set(trace->error, STATUS_DENIED,
                                       "R-%016llx is two records: what is cited cannot be told",
                                       (unsigned long long)row->record);
        error_detail(trace->error, "%.*s has two lines of that id, and no two have one by accident",
                     row->source.len > 128 ? 128 : STR_ARG(row->source));
        error_hint(trace->error, "somebody who could write there made them so: a person has to "
                                 "write this repair; the plan was not made");
        return status;
    }
    row->found = true;
    row->line = digest;
    const struct json_node *record = line_read(trace, line);
    struct str tx = json_tree_text(record, "tx");
    if (tx.len == 0) return STATUS_OK;
    struct str arrival = json_tree_text(record, "arrival");
    enum status status = keep(trace, tx, &row->tx);
    return status == STATUS_OK && arrival.len > 0 ? keep(trace, arrival, &row->arrival) : status;
}

enum status plan_trace_record(struct plan_trace *trace, struct str source, struct str line)
{
    uint64_t record = hash_bytes(line.data, line.len);
    enum status status = STATUS_OK;
    for (uint32_t place = record_find(trace, record);
         status == STATUS_OK && place < trace->record_count; place++) {
        struct plan_row *row = trace->by_record[place];
        if (row->record != record) break;
        if (str_equal(row->source, source)) status = row_take(trace, row, line);
    }
    return status;
}

/* Who was paid may have no row: an account that is no liability lacks nothing, and has nothing too much. */
static enum status arrivals_add(struct plan_trace *trace)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < trace->diagnosis->row_count; i++)
        count += trace->diagnosis->rows[i].arrival.len > 0;
    if (count == 0) return STATUS_OK;
    struct plan_row *came = arena_take_array(trace->texts, count, sizeof *came);
    if (came == NULL) return error_set(trace->error, STATUS_LIMIT, "no memory for the plan");
    for (uint32_t i = 0; i < trace->diagnosis->row_count; i++) {
        const struct plan_row *left = &trace->diagnosis->rows[i];
        if (left->arrival.len == 0) continue;
        *came = (struct plan_row){ .tx = left->arrival, .ccy = left->ccy };
        trace->by_tx[trace->tx_count++] = came++;
    }
    return STATUS_OK;
}

enum status plan_trace_turn(struct plan_trace *trace)
{
    memset(trace->asked, 0, sizeof trace->asked);
    for (uint32_t i = 0; i < trace->diagnosis->row_count; i++)
        if (trace->diagnosis->rows[i].tx.len > 0)
            trace->by_tx[trace->tx_count++] = &trace->diagnosis->rows[i];
    enum status status = arrivals_add(trace);
    if (status != STATUS_OK) return status;
    if (trace->tx_count > 0) qsort(trace->by_tx, trace->tx_count, sizeof trace->by_tx[0], tx_order);
    return STATUS_OK;
}

/* A third leg, or one of another amount, unmakes it. */
enum status plan_trace_leg(struct plan_trace *trace, struct str line)
{
    static const struct signed_amount_form form = { .point = '.', .minor = true };
    struct signed_amount amount;
    if (memmem(line.data, line.len, "\"posting\"", 9) == NULL) return STATUS_OK;
    const struct json_node *posting = line_read(trace, line);
    if (!str_equal(json_tree_text(posting, "kind"), STR("posting"))) return STATUS_OK;
    struct str tx = json_tree_text(posting, "tx");
    if (signed_amount_parse(json_tree_text(posting, "amount"), &form, &amount) != STATUS_OK)
        return STATUS_OK;
    enum status status = STATUS_OK;
    for (uint32_t place = tx_find(trace, tx); status == STATUS_OK && place < trace->tx_count;
         place++) {
        struct plan_row *row = trace->by_tx[place];
        if (!str_equal(row->tx, tx)) break;
        struct str *leg = amount.minor > 0 ? &row->credit : &row->debit;
        struct signed_amount size = { amount.minor < 0 ? -amount.minor : amount.minor };
        bool second = leg->len > 0 || !str_equal(json_tree_text(posting, "ccy"), row->ccy);
        if (row->amount.minor != 0 && signed_amount_compare(size, row->amount) != 0) second = true;
        row->amount = size;
        if (second) row->amount.minor = -1; /* of no amount that could be planned */
        status = keep(trace, json_tree_text(posting, "account"), leg);
    }
    return status;
}

/* Between two lanes, who is at the other end is not in the same transaction. */
static bool is_between(struct str account)
{
    struct account_id id;
    return uuid_parse(account, &id.value) == STATUS_OK && transit_account_is(id);
}

/* Of each row that is half of what went between lanes, and has no other half. */
static enum status halves_leave(struct plan_trace *trace)
{
    struct plan_diagnosis *diagnosis = trace->diagnosis;
    for (uint32_t i = 0; i < diagnosis->row_count; i++) {
        struct plan_row *row = &diagnosis->rows[i];
        if (!is_between(row->debit) && !is_between(row->credit)) continue;
        row->amount.minor = -1; /* of no amount that could be planned */
        if (!diagnosis->causes[row->cause].ledger_entry) continue;
        if (!plan_row_leave(diagnosis, row))
            return error_set(trace->error, STATUS_LIMIT, "more than 40000 accounts are left");
    }
    return STATUS_OK;
}

enum status plan_trace_end(struct plan_trace *trace)
{
    for (uint32_t i = 0; i < trace->diagnosis->row_count; i++) {
        struct plan_row *left = &trace->diagnosis->rows[i];
        if (left->arrival.len == 0 || !is_between(left->credit)) continue;
        for (uint32_t place = tx_find(trace, left->arrival); place < trace->tx_count; place++) {
            struct plan_row *came = trace->by_tx[place];
            if (!str_equal(came->tx, left->arrival)) break;
            if (signed_amount_compare(came->amount, left->amount) != 0) continue;
            left->credit = came->credit;
            came->debit = left->debit;
            left->between = true;
            came->between = true;
            trace->asked[place] = left->tx;
        }
    }
    for (uint32_t i = 0; i < trace->tx_count; i++) {
        struct plan_row *row = trace->by_tx[i];
        if (trace->asked[i].len > 0) row->tx = trace->asked[i];
    }
    return halves_leave(trace);
}
