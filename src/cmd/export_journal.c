/* tpwallet export journal: the journal's batches and records as they are, for other eyes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/report.h"
#include "model/admin.h"
#include "wallet/batch.h"

struct journal_export {
    const struct invocation *invocation;
    struct data_folder *folder;
    struct store *store;
    struct buf blob;
    struct buf line;
    uint64_t first;
    uint64_t last;
    struct error error;
};

static void text(struct json_writer *writer, struct str name, struct str value)
{
    json_write_key(writer, name);
    json_write_string(writer, value);
}

static void number(struct json_writer *writer, struct str name, uint64_t value)
{
    json_write_key(writer, name);
    json_write_uint64(writer, value);
}

static void id(struct json_writer *writer, struct str name, struct uuid value)
{
    if (uuid_is_nil(value)) return;
    json_write_key(writer, name);
    json_write_uuid(writer, value);
}

/* Amounts are in minor units here: the journal knows assets by number only. */
static void minor(struct json_writer *writer, struct str name, struct money value)
{
    json_write_key(writer, name);
    if (money_equal(value, MONEY_MAX))
        json_write_string(writer, STR("all"));
    else
        json_write_money(writer, value, 0);
}

static void digest(struct json_writer *writer, struct str name, const struct digest *value)
{
    BUF_SCOPE struct buf hex;
    buf_init(&hex, 2 * sizeof(value->bytes) + 1);
    for (size_t i = 0; i < sizeof(value->bytes); i++)
        buf_append_format(&hex, "%02x", value->bytes[i]);
    text(writer, name, buf_view(&hex));
}

static void stamp(struct json_writer *writer, struct str name, struct wall_time time)
{
    char digits[TIME_TEXT_SIZE];
    text(writer, name, wall_time_format(time, digits));
}

static void date(struct json_writer *writer, struct str name, struct business_date value)
{
    char digits[DATE_TEXT_SIZE];
    if (value.days > 0) text(writer, name, business_date_format(value, digits));
}

/* As W3C Trace Context writes it. */
static void trace_id(struct json_writer *writer, struct uuid value)
{
    if (uuid_is_nil(value)) return;
    BUF_SCOPE struct buf hex;
    buf_init(&hex, 64);
    buf_append_format(&hex, "%016" PRIx64 "%016" PRIx64, value.hi, value.lo);
    text(writer, STR("trace_id"), buf_view(&hex));
}

static void context_members(struct json_writer *writer, const struct record_context *context)
{
    number(writer, STR("route"), context->route);
    id(writer, STR("principal"), context->principal.value);
    trace_id(writer, context->trace.id);
    id(writer, STR("key"), context->key);
    id(writer, STR("fingerprint"), context->fingerprint);
    id(writer, STR("root"), context->root);
}

static void transfer_members(struct json_writer *writer, const struct record_transfer *transfer)
{
    const char *kind = transfer_kind_name(transfer->head.kind);
    text(writer, STR("kind"), str_from(kind == NULL ? "" : kind));
    id(writer, STR("id"), transfer->id.value);
    id(writer, STR("debit"), transfer->debit.value);
    id(writer, STR("credit"), transfer->credit.value);
    number(writer, STR("asset_id"), transfer->asset);
    minor(writer, STR("amount_minor"), transfer->amount);
    id(writer, STR("user_ref"), transfer->user_ref);
    date(writer, STR("value_date"), transfer->value_date);
    number(writer, STR("timeout_s"), transfer->timeout_s);
    number(writer, STR("code"), transfer->code);
    number(writer, STR("flags"), transfer->head.flags);
    if (transfer->head.size != RECORD_TRANSFER_LONG_SIZE) return;
    const struct record_transfer_more *more = (const void *)(transfer + 1);
    id(writer, STR("target"), more->target.value);
    minor(writer, STR("requested_minor"), more->requested);
    minor(writer, STR("released_minor"), more->released);
}

static void account_members(struct json_writer *writer, const struct record_account *record)
{
    const struct account *account = &record->account;
    const char *kind = account_kind_name(account->kind);
    id(writer, STR("id"), account->id.value);
    number(writer, STR("asset_id"), account->asset);
    text(writer, STR("kind"), str_from(kind == NULL ? "" : kind));
    number(writer, STR("flags"), account->flags);
    id(writer, STR("user_ref"), account->user_ref);
    id(writer, STR("metadata_ref"), account->metadata_ref);
}

static void name(struct json_writer *writer, struct str key, const char *value)
{
    if (value != NULL && value[0] != '\0') text(writer, key, str_from(value));
}

static void payment_members(struct json_writer *writer, const struct record_payment *record)
{
    const struct payment *payment = &record->payment;
    name(writer, STR("cause"), payment_cause_name(record->head.kind));
    if (record->head.outcome < PAYMENT_OUTCOME_COUNT) {
        name(writer, STR("outcome"),
             payment_outcome_code((enum payment_outcome)record->head.outcome));
    }
    id(writer, STR("id"), payment->id.value);
    name(writer, STR("kind"), payment_kind_name(payment->kind));
    name(writer, STR("state"), payment_state_name(payment->state));
    name(writer, STR("reason"), payment->reason);
    number(writer, STR("version"), payment->version);
    number(writer, STR("asset_id"), payment->asset);
    minor(writer, STR("amount_minor"), payment->amount);
    minor(writer, STR("captured_minor"), payment->captured);
    minor(writer, STR("refunded_minor"), payment->refunded);
    minor(writer, STR("refund_pending_minor"), payment->refund_pending);
    minor(writer, STR("disputed_minor"), payment->disputed);
    id(writer, STR("wallet"), payment->wallet.value);
    id(writer, STR("counter"), payment->counter.value);
    id(writer, STR("payment"), payment->parent.value);
    name(writer, STR("psp"), payment->psp);
    name(writer, STR("psp_object"), payment->psp_object);
    name(writer, STR("step"), psp_operation_name(payment->step));
    number(writer, STR("step_number"), payment->step_number);
    number(writer, STR("attempts"), payment->attempts);
    number(writer, STR("flags"), record->head.flags);
}

static void raise_members(struct json_writer *writer, const struct raise *raise)
{
    id(writer, STR("id"), raise->id);
    id(writer, STR("payment"), raise->payment);
    id(writer, STR("user_ref"), raise->user_ref);
    number(writer, STR("route"), raise->route);
    number(writer, STR("traces"), raise->traces);
    if (raise->traces != 0) stamp(writer, STR("until"), raise->until);
}

static void small_members(struct json_writer *writer, const struct record_head *head)
{
    const struct record_account_change *change = (const void *)head;
    const struct record_asset *asset = (const void *)head;
    const struct record_period *period = (const void *)head;
    const struct record_rate *rate = (const void *)head;
    const struct record_credential *credential = (const void *)head;
    const struct record_notice *notice = (const void *)head;
    switch (head->type) {
    case RECORD_ACCOUNT_CHANGE:
        id(writer, STR("account"), change->account.value);
        number(writer, STR("set"), change->set);
        number(writer, STR("clear"), change->clear);
        break;
    case RECORD_ASSET:
        number(writer, STR("asset_id"), asset->id);
        text(writer, STR("code"),
             (struct str){ asset->code, strnlen(asset->code, ASSET_CODE_LEN_MAX) });
        number(writer, STR("exponent"), asset->exponent);
        break;
    case RECORD_RATE:
        number(writer, STR("asset"), rate->asset);
        number(writer, STR("to_asset"), rate->counter_asset);
        number(writer, STR("numerator"), rate->numerator);
        number(writer, STR("denominator"), rate->denominator);
        break;
    case RECORD_PAYMENT: payment_members(writer, (const struct record_payment *)head); break;
    case RECORD_RAISE:
        raise_members(writer, &((const struct record_raise *)(const void *)head)->raise);
        break;
    case RECORD_PERIOD: date(writer, STR("closed_through"), period->closed_through); break;
    case RECORD_CREDENTIAL:
        id(writer, STR("id"), credential->id.value);
        text(writer, STR("name"),
             (struct str){ credential->name, strnlen(credential->name, CREDENTIAL_NAME_LEN_MAX) });
        number(writer, STR("scopes"), credential->scopes);
        number(writer, STR("revoked"), credential->revoked);
        break;
    case RECORD_NOTICE:
        name(writer, STR("notice"), notice_code(head->kind));
        id(writer, STR("subject"), notice->subject);
        number(writer, STR("settings"), notice->settings);
        text(writer, STR("reason"),
             (struct str){ notice->reason, strnlen(notice->reason, REASON_LEN_MAX) });
        break;
    default: break;
    }
}

static const char *type_name(unsigned type)
{
    static const char *const names[] = {
        [RECORD_CONTEXT] = "context",
        [RECORD_ACCOUNT] = "account",
        [RECORD_TRANSFER] = "transfer",
        [RECORD_ACCOUNT_CHANGE] = "account_change",
        [RECORD_ASSET] = "asset",
        [RECORD_PERIOD] = "period",
        [RECORD_CREDENTIAL] = "credential",
        [RECORD_PAYMENT] = "payment",
        [RECORD_RATE] = "rate",
        [RECORD_NOTICE] = "notice",
        [RECORD_RAISE] = "raise",
    };
    CHECK(type < sizeof(names) / sizeof(names[0])); /* batch_next() knows no others */
    return names[type];
}

static void record_write(struct journal_export *export, const struct batch_header *batch,
                         const struct record_head *head)
{
    struct json_writer writer;
    json_writer_init(&writer, &export->line);
    json_write_object_begin(&writer);
    text(&writer, STR("type"), str_from(type_name(head->type)));
    number(&writer, STR("batch"), batch->sequence);
    number(&writer, STR("unit"), head->unit);
    if (head->type == RECORD_TRANSFER && head->outcome < OUTCOME_COUNT)
        text(&writer, STR("outcome"), str_from(outcome_code((enum outcome)head->outcome)));
    if (head->type == RECORD_ACCOUNT && head->outcome < ACCOUNT_OUTCOME_COUNT)
        text(&writer, STR("outcome"), str_from(account_outcome_code(head->outcome)));
    if (head->type == RECORD_CONTEXT)
        context_members(&writer, (const void *)head);
    else if (head->type == RECORD_TRANSFER)
        transfer_members(&writer, (const void *)head);
    else if (head->type == RECORD_ACCOUNT)
        account_members(&writer, (const void *)head);
    else
        small_members(&writer, head);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK); /* a line is far smaller than the buf */
    buf_append_byte(&export->line, '\n');
}

static void batch_write(struct journal_export *export, const struct batch_header *batch)
{
    struct json_writer writer;
    struct digest hash = digest_of(export->blob.data, export->blob.len);
    json_writer_init(&writer, &export->line);
    json_write_object_begin(&writer);
    text(&writer, STR("type"), STR("batch"));
    number(&writer, STR("batch"), batch->sequence);
    number(&writer, STR("version"), batch->version);
    number(&writer, STR("lane"), batch->lane);
    number(&writer, STR("epoch"), batch->epoch);
    stamp(&writer, STR("stamp"), batch->stamp);
    number(&writer, STR("size"), batch->size);
    number(&writer, STR("units"), batch->unit_count);
    number(&writer, STR("records"), batch->record_count);
    digest(&writer, STR("previous"), &batch->previous);
    digest(&writer, STR("hash"), &hash);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK); /* the same */
    buf_append_byte(&export->line, '\n');
}

/* Everything of one batch; written out when the buf has grown, and at its end. */
static enum status batch_export(struct journal_export *export, uint64_t sequence)
{
    enum status status =
        export->store->read(export->store, sequence, &export->blob, &export->error);
    if (status != STATUS_OK) return status;
    struct batch_reader reader;
    status = batch_open(buf_view(&export->blob), &reader, &export->error);
    if (status != STATUS_OK) return status;
    batch_write(export, reader.header);
    const struct record_head *head;
    while ((status = batch_next(&reader, &head, &export->error)) == STATUS_OK) {
        record_write(export, reader.header, head);
        if (export->line.len < 1 << 20) continue;
        if (!report_put(stdout, buf_view(&export->line))) break;
        buf_reset(&export->line);
    }
    if (status != STATUS_NOT_FOUND && status != STATUS_OK) return status;
    bool written = status == STATUS_NOT_FOUND && report_put(stdout, buf_view(&export->line));
    buf_reset(&export->line);
    if (written) return STATUS_OK;
    return error_set(&export->error, STATUS_LIMIT, "the output cannot be written");
}

static enum status journal_export_open(struct journal_export *export)
{
    const char *path = export->invocation->data;
    enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &export->folder, &export->error);
    if (status != STATUS_OK) return status;
    const struct folder_store_options options = { .read_only = true };
    status = folder_store_open(export->folder, &options, &export->store, &export->error);
    struct store_head head;
    if (status == STATUS_OK) status = export->store->head(export->store, &head, &export->error);
    if (status != STATUS_OK) return status;
    const struct number_range range = { 1, UINT64_MAX };
    export->first = 1;
    export->last = head.sequence;
    status = invocation_number(export->invocation, "first", range, &export->first, &export->error);
    if (status == STATUS_OK)
        status =
            invocation_number(export->invocation, "last", range, &export->last, &export->error);
    if (export->last > head.sequence) export->last = head.sequence;
    return status;
}

static int export_journal_run(struct invocation *invocation)
{
    struct journal_export export = { .invocation = invocation };
    buf_init(&export.blob, BATCH_SIZE_MAX);
    buf_init(&export.line, 2 << 20);
    enum status status = journal_export_open(&export);
    for (uint64_t at = export.first; status == STATUS_OK && at <= export.last; at++)
        status = batch_export(&export, at);
    if (export.store != NULL) export.store->close(export.store);
    data_folder_close(export.folder);
    buf_free(&export.blob);
    buf_free(&export.line);
    return status == STATUS_OK ? EXIT_CODE_DONE : report_error(invocation, &export.error);
}

static const struct option options[] = {
    { "first", "BATCH", "the first batch; 1 without it", NULL },
    { "last", "BATCH", "the last batch; the head without it", NULL },
    { 0 },
};

const struct command command_export_journal = {
    .name = "export journal",
    .summary = "write the journal's batches and records, one JSON object a line",
    .details = "Straight from the data folder, also beside a server. Each batch comes with its "
               "SHA-256 and that of the one before, then its records in order. Amounts are in "
               "minor units, assets by number, flags as bits, as they are stored.",
    .options = options,
    .examples = "export journal --first 1 --last 10",
    .run = export_journal_run,
};
