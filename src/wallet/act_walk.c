#include "wallet/act_walk.h"

#include <string.h>

#include "model/position.h"
#include "wallet/event_feed.h"
#include "wallet/journal_walk.h"

const char *act_code(const struct record_head *record)
{
    const struct record_credential *credential = (const struct record_credential *)record;
    const struct record_raise *raise = (const struct record_raise *)record;
    switch ((enum record_type)record->type) {
    case RECORD_ACCOUNT_CHANGE: return "account_change";
    case RECORD_ASSET: return "asset_create";
    case RECORD_PERIOD: return "period_close";
    case RECORD_CREDENTIAL: return credential->revoked != 0 ? "key_revoke" : "key_create";
    case RECORD_RATE: return "rate_set";
    case RECORD_RAISE: return raise->raise.traces == 0 ? "trace_lower" : "trace_raise";
    case RECORD_NOTICE: return record->kind == NOTICE_REASON ? NULL : notice_code(record->kind);
    case RECORD_PAYMENT: return record->kind == PAYMENT_CAUSE_RESOLVE ? "payment_resolve" : NULL;
    case RECORD_CONTEXT:
    case RECORD_ACCOUNT:
    case RECORD_TRANSFER: return NULL;
    }
    return NULL;
}

bool act_code_is_known(struct str code)
{
    static const char *const codes[] = { "account_change", "asset_create", "period_close",
                                         "key_create",     "key_revoke",   "rate_set",
                                         "trace_raise",    "trace_lower",  "payment_resolve" };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (str_equal(code, str_from(codes[i]))) return true;
    }
    for (unsigned kind = NOTICE_REASON + 1; notice_code(kind) != NULL; kind++) {
        if (str_equal(code, str_from(notice_code(kind)))) return true;
    }
    return false;
}

static struct str padded(const char *text, size_t size)
{
    return (struct str){ text, strnlen(text, size) };
}

static struct str reason_of(const struct record_head *record)
{
    if (record->type == RECORD_NOTICE) {
        return padded(((const struct record_notice *)record)->reason, REASON_SIZE);
    }
    if (record->type == RECORD_PAYMENT) {
        return padded(((const struct record_payment *)record)->payment.reason, PSP_REASON_SIZE);
    }
    return (struct str){ "", 0 }; /* it may follow */
}

/* A reading of one batch: the row at hand waits for what stands behind its record. */
struct reading {
    const struct act_query *query;
    struct act_row row;
    bool pending;
    bool enough;
};

static void row_give(struct reading *reading)
{
    if (!reading->pending) return;
    reading->pending = false;
    reading->enough = !reading->query->visit(reading->query->owner, &reading->row);
}

static void record_take(struct reading *reading, const struct batch_reader *reader,
                        const struct record_head *record)
{
    struct act_row *row = &reading->row;
    bool reason = record->type == RECORD_NOTICE && record->kind == NOTICE_REASON;
    if (reason && reading->pending && record->unit == row->position.index) {
        row->reason = reason_of(record);
        return;
    }
    row_give(reading);
    const struct position position = { reader->header->sequence, record->unit };
    if (reading->enough || act_code(record) == NULL) return;
    if (position_compare(position, reading->query->after) <= 0) return;
    *row = (struct act_row){
        .position = position,
        .stamp = reader->header->stamp,
        .context =
            (const struct record_context *)(const void *)(reader->blob.data + record->context),
        .record = record,
        .reason = reason_of(record),
    };
    reading->pending = true;
}

/* True in *out_enough: the last row given was the last that is wanted. */
static enum status batch_read(const struct act_query *query, struct batch_reader *reader,
                              struct act_answer *answer, bool *out_enough, struct error *out_error)
{
    struct reading reading = { .query = query };
    const struct record_head *record;
    enum status status = STATUS_OK;
    while (!reading.enough && (status = batch_next(reader, &record, out_error)) == STATUS_OK) {
        if (record->type != RECORD_CONTEXT) record_take(&reading, reader, record);
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    row_give(&reading);
    *out_enough = reading.enough;
    answer->next = (struct position){ reader->header->sequence, POSITION_INDEX_END };
    if (reading.enough) answer->next = reading.row.position;
    return STATUS_OK;
}

/* The batch before the first that is of interest. */
static enum status begin_find(struct store *journal, const struct act_query *query,
                              uint64_t *out_before, struct error *out_error)
{
    struct position after = query->after;
    bool whole = after.index == POSITION_INDEX_END || after.batch == 0;
    *out_before = whole ? after.batch : after.batch - 1;
    if (query->from.ns <= 0) return STATUS_OK;
    uint64_t first = 0;
    enum status status = journal->find_stamp(journal, query->from, &first, out_error);
    if (status == STATUS_OK && first - 1 > *out_before) *out_before = first - 1;
    return status;
}

enum status act_walk(struct store *journal, const struct act_query *query,
                     struct act_answer *out_answer, struct error *out_error)
{
    uint64_t before;
    enum status status = begin_find(journal, query, &before, out_error);
    if (status != STATUS_OK) return status;
    struct act_answer answer = { .next = query->after, .complete = true };
    struct journal_walk walk;
    journal_walk_open(&walk, journal, query->lane, before);
    bool enough = false;
    while (!enough && walk.sequence < query->head) {
        answer.complete = false;
        if (query->over(query->owner)) break;
        struct batch_reader reader;
        status = journal_walk_read(&walk, &reader, out_error);
        if (status != STATUS_OK) break;
        answer.complete = true;
        if (reader.header->stamp.ns >= query->to.ns) break;
        status = batch_read(query, &reader, &answer, &enough, out_error);
        if (status != STATUS_OK) break;
        journal_walk_next(&walk);
    }
    journal_walk_close(&walk);
    if (enough) answer.complete = false; /* there may be more */
    if (status == STATUS_OK) *out_answer = answer;
    return status;
}
