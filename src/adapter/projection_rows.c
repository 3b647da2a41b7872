#include "adapter/projection_rows.h"

#include <string.h>

#include "ledger/effect.h"
#include "model/psp.h"

void projection_rows_init(struct projection_rows *rows, uint32_t lane, size_t size_max)
{
    *rows = (struct projection_rows){ .lane = lane };
    postgres_copy_init(&rows->accounts, size_max);
    postgres_copy_init(&rows->transfers, size_max);
    postgres_copy_init(&rows->events, size_max);
    buf_init(&rows->changes, size_max);
}

void projection_rows_free(struct projection_rows *rows)
{
    postgres_copy_free(&rows->accounts);
    postgres_copy_free(&rows->transfers);
    postgres_copy_free(&rows->events);
    buf_free(&rows->changes);
    rows->asset_count = 0;
}

void projection_rows_reset(struct projection_rows *rows)
{
    postgres_copy_reset(&rows->accounts);
    postgres_copy_reset(&rows->transfers);
    postgres_copy_reset(&rows->events);
    buf_reset(&rows->changes);
    rows->assets_new = 0;
}

/* ---- assets ---- */

static const struct asset *asset_find(const struct projection_rows *rows, uint32_t id)
{
    for (uint32_t i = rows->asset_count; i > 0; i--) {
        if (rows->assets[i - 1].id == id) return &rows->assets[i - 1];
    }
    return NULL;
}

enum status projection_rows_know(struct projection_rows *rows, const struct asset *asset)
{
    if (asset_find(rows, asset->id) != NULL) return STATUS_OK;
    if (rows->asset_count == PROJECTION_ASSETS_MAX) return STATUS_LIMIT;
    rows->assets[rows->asset_count++] = *asset;
    return STATUS_OK;
}

static enum status asset_add(struct projection_rows *rows, const struct asset *asset)
{
    uint32_t before = rows->asset_count;
    enum status status = projection_rows_know(rows, asset);
    if (rows->asset_count != before) rows->assets_new++;
    return status;
}

/* "" when it is none. */
static struct str asset_code(const struct projection_rows *rows, uint32_t id)
{
    const struct asset *asset = asset_find(rows, id);
    if (asset == NULL) asset = asset_iso_by_id(id);
    return asset == NULL ? STR("") : str_from(asset->code);
}

/* ---- the columns that every row begins with ---- */

static void place(struct postgres_copy *copy, const struct batch_reader *reader,
                  const struct record_head *head)
{
    const char *record = (const char *)head;
    postgres_copy_int64(copy, (int64_t)reader->header->sequence);
    postgres_copy_int32(copy, (int32_t)(record - reader->blob.data));
}

static const struct record_context *context_of(const struct batch_reader *reader,
                                               const struct record_head *head)
{
    return (const struct record_context *)(const void *)(reader->blob.data + head->context);
}

/* ---- rows ---- */

static enum status account_row(struct projection_rows *rows, const struct batch_reader *reader,
                               const struct record_account *record)
{
    struct postgres_copy *copy = &rows->accounts;
    const struct account *account = &record->account;
    if (record->head.outcome != 0) return STATUS_OK; /* refused */
    const struct asset *iso = asset_iso_by_id(account->asset);
    enum status status = iso == NULL ? STATUS_OK : asset_add(rows, iso);
    postgres_copy_row(copy, PROJECTION_ACCOUNT_COLUMNS);
    postgres_copy_int32(copy, (int32_t)rows->lane);
    postgres_copy_uuid(copy, account->id.value);
    place(copy, reader, &record->head);
    postgres_copy_time(copy, reader->header->stamp);
    postgres_copy_text(copy, str_from(account_kind_name(account->kind)));
    postgres_copy_text(copy, asset_code(rows, account->asset));
    postgres_copy_uuid(copy, account->user_ref);
    postgres_copy_int32(copy, account->flags);
    for (int i = 0; i < 4; i++) postgres_copy_money(copy, MONEY_ZERO);
    return status;
}

static void money_or_null(struct postgres_copy *copy, bool there, struct money amount)
{
    if (there) {
        postgres_copy_money(copy, amount);
    } else {
        postgres_copy_null(copy);
    }
}

static void transfer_row(struct projection_rows *rows, const struct batch_reader *reader,
                         const struct record_transfer *record)
{
    static const struct record_transfer_more nothing;
    struct postgres_copy *copy = &rows->transfers;
    struct transfer_view view = transfer_view_of(record);
    const struct record_context *context = context_of(reader, &record->head);
    const struct record_transfer_more *more = view.more == NULL ? &nothing : view.more;
    postgres_copy_row(copy, PROJECTION_TRANSFER_COLUMNS);
    postgres_copy_int32(copy, (int32_t)rows->lane);
    place(copy, reader, &record->head);
    postgres_copy_int32(copy, record->head.unit);
    postgres_copy_time(copy, reader->header->stamp);
    postgres_copy_uuid(copy, record->id.value);
    postgres_copy_text(copy, str_from(transfer_kind_name(record->head.kind)));
    postgres_copy_text(copy, str_from(outcome_code((enum outcome)record->head.outcome)));
    postgres_copy_int32(copy, record->head.flags);
    postgres_copy_uuid(copy, record->debit.value);
    postgres_copy_uuid(copy, record->credit.value);
    postgres_copy_text(copy, asset_code(rows, record->asset));
    postgres_copy_money(copy, record->amount);
    money_or_null(copy, view.more != NULL, more->requested);
    money_or_null(copy, view.more != NULL, more->released);
    postgres_copy_uuid(copy, more->target.value);
    postgres_copy_uuid(copy, record->user_ref);
    postgres_copy_date(copy, record->value_date);
    postgres_copy_int64(copy, record->timeout_s);
    postgres_copy_int64(copy, record->code);
    postgres_copy_uuid(copy, context->principal.value);
    postgres_copy_uuid(copy, context->trace.id);
}

static struct str padded(const char *text, size_t size)
{
    return (struct str){ text, strnlen(text, size) };
}

static void payment_columns(const struct projection_rows *rows, struct postgres_copy *copy,
                            const struct payment *payment)
{
    postgres_copy_uuid(copy, payment->id.value);
    postgres_copy_int64(copy, (int64_t)payment->version);
    postgres_copy_text(copy, str_from(payment_kind_name(payment->kind)));
    postgres_copy_text(copy, str_from(payment_state_name(payment->state)));
    postgres_copy_uuid(copy, payment->parent.value);
    postgres_copy_uuid(copy, payment->user_ref);
    postgres_copy_uuid(copy, payment->wallet.value);
    postgres_copy_uuid(copy, payment->counter.value);
    postgres_copy_text(copy, asset_code(rows, payment->asset));
    postgres_copy_money(copy, payment->amount);
    postgres_copy_money(copy, payment->captured);
    postgres_copy_money(copy, payment->refund_pending);
    postgres_copy_money(copy, payment->refunded);
    postgres_copy_money(copy, payment->disputed);
    postgres_copy_text(copy, asset_code(rows, payment->counter_asset));
    postgres_copy_money(copy, payment->counter_amount);
    postgres_copy_int64(copy, payment->step_number);
    postgres_copy_text(copy, padded(payment->psp, sizeof payment->psp));
    postgres_copy_text(copy, padded(payment->psp_object, sizeof payment->psp_object));
    postgres_copy_text(copy, padded(payment->reason, sizeof payment->reason));
    postgres_copy_int64(copy, payment->code);
    postgres_copy_time(copy, payment->created_at);
    postgres_copy_time(copy, payment->expires_at);
}

static void event_row(struct projection_rows *rows, const struct batch_reader *reader,
                      const struct record_payment *record)
{
    struct postgres_copy *copy = &rows->events;
    postgres_copy_row(copy, PROJECTION_EVENT_COLUMNS);
    postgres_copy_int32(copy, (int32_t)rows->lane);
    place(copy, reader, &record->head);
    postgres_copy_int32(copy, record->head.unit);
    postgres_copy_time(copy, reader->header->stamp);
    postgres_copy_text(copy, str_from(payment_cause_name(record->head.kind)));
    postgres_copy_text(copy,
                       str_from(payment_outcome_code((enum payment_outcome)record->head.outcome)));
    postgres_copy_money(copy, record->fee);
    postgres_copy_int32(copy, record->http_status);
    postgres_copy_int64(copy, record->duration_ms);
    payment_columns(rows, copy, &record->payment);
}

static enum status record_add(struct projection_rows *rows, const struct batch_reader *reader,
                              const struct record_head *record)
{
    const struct record_asset *asset = (const struct record_asset *)record;
    const struct record_account_change *change = (const struct record_account_change *)record;
    switch ((enum record_type)record->type) {
    case RECORD_ACCOUNT: return account_row(rows, reader, (const struct record_account *)record);
    case RECORD_TRANSFER:
        transfer_row(rows, reader, (const struct record_transfer *)record);
        return STATUS_OK;
    case RECORD_PAYMENT:
        event_row(rows, reader, (const struct record_payment *)record);
        return STATUS_OK;
    case RECORD_ACCOUNT_CHANGE: {
        if (record->outcome != 0) return STATUS_OK;
        const struct projection_change own = { change->account, change->set, change->clear };
        buf_append(&rows->changes, &own, sizeof own);
        return STATUS_OK;
    }
    case RECORD_ASSET: {
        if (record->outcome != 0) return STATUS_OK;
        struct asset own = { .id = asset->id, .exponent = asset->exponent };
        memcpy(own.code, asset->code, sizeof own.code);
        return asset_add(rows, &own);
    }
    case RECORD_CONTEXT:
    case RECORD_PERIOD:
    case RECORD_CREDENTIAL:
    case RECORD_RATE:
    case RECORD_RAISE:
    case RECORD_NOTICE: return STATUS_OK;
    }
    return STATUS_OK;
}

static bool full(const struct projection_rows *rows)
{
    return rows->accounts.buf.overflow || rows->transfers.buf.overflow ||
           rows->events.buf.overflow || rows->changes.overflow;
}

struct marks {
    size_t accounts;
    size_t transfers;
    size_t events;
    size_t changes;
    uint32_t assets;
};

static void take_back(struct projection_rows *rows, const struct marks *marks)
{
    rows->accounts.buf.len = marks->accounts;
    rows->transfers.buf.len = marks->transfers;
    rows->events.buf.len = marks->events;
    rows->changes.len = marks->changes;
    rows->accounts.buf.overflow = rows->transfers.buf.overflow = false;
    rows->events.buf.overflow = rows->changes.overflow = false;
    rows->assets_new -= rows->asset_count - marks->assets;
    rows->asset_count = marks->assets;
}

enum status projection_rows_add(struct projection_rows *rows, struct batch_reader *reader,
                                struct error *out_error)
{
    const struct marks marks = { rows->accounts.buf.len, rows->transfers.buf.len,
                                 rows->events.buf.len, rows->changes.len, rows->asset_count };
    const struct record_head *record;
    enum status status;
    while ((status = batch_next(reader, &record, out_error)) == STATUS_OK) {
        status = record_add(rows, reader, record);
        if (status == STATUS_OK && full(rows)) status = STATUS_LIMIT;
        if (status != STATUS_OK) break;
    }
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    take_back(rows, &marks);
    if (status == STATUS_LIMIT) return error_set(out_error, status, "the rows do not fit");
    return status;
}
