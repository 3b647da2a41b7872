/* Our side out of the journal: what moved an account, beside the payment that moved it. */
#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "base/check.h"
#include "cmd/reconcile_read.h"
#include "payment/chart.h"
#include "wallet/journal_walk.h"
#include "wallet/record_sound.h"

enum { ASSETS_MAX = ASSETS_CUSTOM_MAX, PATH_SIZE = 4096 };

struct reading {
    const struct reconcile_journal *journal;
    struct lane_part part; /* the one that is read */
    const struct reconcile_source *source;
    const struct reconcile_visitor *visitor;
    struct reconcile_refusals *refusals;
    struct wall_time stamp;
    bool known;             /* the PSP or the account that is asked for was met */
    uint64_t entries;       /* counted as lines */
    struct payment payment; /* of the unit at hand */
    uint32_t payment_unit;
    bool payment_there;
    bool settles;                    /* the unit books a statement */
    uint32_t currencies[ASSETS_MAX]; /* of custom assets; plus one, 0: not met */
};

static enum status asset_take(struct reading *reading, const struct record_asset *asset,
                              struct error *out_error)
{
    if (asset->head.outcome != 0) return STATUS_OK;
    struct str code = { asset->code, strnlen(asset->code, ASSET_CODE_LEN_MAX) };
    uint32_t place = asset->id - ASSET_CUSTOM_FIRST;
    CHECK(place < ASSETS_MAX);
    enum status status = reconcile_currency_add(reading->source->currencies, code, asset->exponent);
    uint32_t currency = 0;
    if (status == STATUS_OK &&
        !reconcile_currency_find(reading->source->currencies, code, &currency))
        status = STATUS_LIMIT;
    if (status != STATUS_OK)
        return error_set(out_error, status,
                         "the asset %.*s has other decimals than the mapping says", STR_ARG(code));
    reading->currencies[place] = currency + 1;
    return STATUS_OK;
}

static bool currency_of(const struct reading *reading, uint32_t asset, uint32_t *out_currency)
{
    const struct asset *iso = asset_iso_by_id(asset);
    if (iso != NULL)
        return reconcile_currency_find(reading->source->currencies, str_from(iso->code),
                                       out_currency);
    uint32_t place = asset - ASSET_CUSTOM_FIRST;
    if (place >= ASSETS_MAX || reading->currencies[place] == 0) return false;
    *out_currency = reading->currencies[place] - 1;
    return true;
}

static void payment_take(struct reading *reading, const struct record_payment *record)
{
    if (record->head.outcome != PAYMENT_OUTCOME_OK) return;
    const char *psp = reading->journal->psp;
    if (psp != NULL && strcmp(record->payment.psp, psp) == 0) reading->known = true;
    bool same_unit = reading->payment_there && reading->payment_unit == record->head.unit;
    if (same_unit) return; /* the first one counts */
    reading->payment = record->payment;
    reading->payment_unit = record->head.unit;
    reading->payment_there = true;
    reading->settles = record->head.kind == PAYMENT_CAUSE_SETTLE;
}

static void account_take(struct reading *reading, const struct record_account *record)
{
    if (record->head.outcome == 0 &&
        uuid_equal(record->account.id.value, reading->journal->account.value))
        reading->known = true;
}

/* The account that is compared, when this transfer may move it; nil when it does not. */
static struct account_id subject_of(const struct reading *reading,
                                    const struct record_transfer *transfer)
{
    struct account_id none = { { 0 } };
    if (reading->journal->psp == NULL) return reading->journal->account;
    bool of_payment = reading->payment_there && reading->payment_unit == transfer->head.unit;
    if (!of_payment || reading->settles) return none;
    if (strcmp(reading->payment.psp, reading->journal->psp) != 0) return none;
    return chart_account_id(reading->part, transfer->asset, CHART_CLEARING, reading->journal->psp);
}

static void keys_fill(const struct reading *reading, const struct record_transfer *transfer,
                      struct reconcile_line *line)
{
    char text[PSP_KEY_SIZE > UUID_TEXT_LEN + 1 ? PSP_KEY_SIZE : UUID_TEXT_LEN + 1];
    if (reading->journal->psp != NULL) {
        const struct payment *payment = &reading->payment;
        struct str key = psp_key(payment->id, payment->step_number, text);
        line->key = reconcile_digest(key);
        line->ref = reconcile_digest(str_from(payment->psp_object));
        reconcile_label(key, line->label);
        return;
    }
    bool named = !uuid_is_nil(transfer->user_ref);
    struct uuid key = named ? transfer->user_ref : transfer->id.value;
    if (!named) line->flags |= RECONCILE_FLAG_OWN_KEY;
    uuid_format(key, text);
    line->key = reconcile_digest(str_from(text));
    reconcile_label(str_from(text), line->label);
    uuid_format(transfer->id.value, text);
    line->ref = reconcile_digest(str_from(text));
}

static bool moves_money(const struct record_transfer *transfer)
{
    if (transfer->head.outcome != OUTCOME_OK || money_is_zero(transfer->amount)) return false;
    unsigned kind = transfer->head.kind;
    return kind == TRANSFER_DIRECT || kind == TRANSFER_POST || kind == TRANSFER_REVERSAL;
}

static enum status transfer_take(struct reading *reading, const struct record_transfer *transfer,
                                 struct error *out_error)
{
    if (!moves_money(transfer)) return STATUS_OK;
    struct account_id subject = subject_of(reading, transfer);
    if (uuid_is_nil(subject.value)) return STATUS_OK;
    bool debit = uuid_equal(transfer->debit.value, subject.value);
    if (!debit && !uuid_equal(transfer->credit.value, subject.value)) return STATUS_OK;
    struct reconcile_line line;
    memset(&line, 0, sizeof line);
    line.line = ++reading->entries;
    line.side = (uint8_t)reading->source->side;
    line.at = reading->stamp;
    const char *fault = "the asset is not known";
    struct str kind =
        str_from(reading->payment_there ? payment_kind_name(reading->payment.kind) : "");
    if (transfer->amount.minor > (uint128)SIGNED_AMOUNT_MAX) {
        fault = "an amount over 128 bits";
    } else if (currency_of(reading, transfer->asset, &line.currency)) {
        line.amount.minor = (int128)transfer->amount.minor;
        if (!debit) line.amount.minor = -line.amount.minor;
        keys_fill(reading, transfer, &line);
        fault = reconcile_line_settle(reading->source, kind, &line);
    }
    if (fault == NULL)
        return reading->visitor->visit(reading->visitor->context, &line, STR(""), out_error);
    if (reading->refusals->count < RECONCILE_REFUSALS_SHOWN)
        reading->refusals->shown[reading->refusals->count] =
            (struct reconcile_refusal){ "journal", line.line, fault };
    reading->refusals->count++;
    return STATUS_OK;
}

static enum status batch_take(struct reading *reading, struct batch_reader *reader,
                              struct error *out_error)
{
    reading->stamp = reader->header->stamp;
    reading->payment_there = false;
    const struct record_head *record;
    enum status status;
    while ((status = batch_next(reader, &record, out_error)) == STATUS_OK) {
        const char *fault = record_sound_fault(record);
        if (fault != NULL)
            return error_set(out_error, STATUS_CORRUPT, "batch %llu of the journal has %s",
                             (unsigned long long)reader->header->sequence, fault);
        if (record->type == RECORD_ASSET)
            status = asset_take(reading, (const struct record_asset *)record, out_error);
        if (record->type == RECORD_ACCOUNT)
            account_take(reading, (const struct record_account *)record);
        if (record->type == RECORD_PAYMENT)
            payment_take(reading, (const struct record_payment *)record);
        if (record->type == RECORD_TRANSFER)
            status = transfer_take(reading, (const struct record_transfer *)record, out_error);
        if (status != STATUS_OK) return status;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status store_read(struct reading *reading, struct store *store, struct error *out_error)
{
    struct store_head head;
    enum status status = store->head(store, &head, out_error);
    if (status != STATUS_OK) return status;
    struct journal_walk walk;
    journal_walk_open(&walk, store, reading->part.lane, 0);
    while (status == STATUS_OK && walk.sequence < head.sequence) {
        struct batch_reader reader;
        status = journal_walk_read(&walk, &reader, out_error);
        if (status == STATUS_OK) status = batch_take(reading, &reader, out_error);
        if (status == STATUS_OK) journal_walk_next(&walk);
    }
    journal_walk_close(&walk);
    return status;
}

/* Each lane has its journal, its clearing accounts, and assets of its own. */
static enum status lane_read(struct reading *reading, const char *path, struct error *out_error)
{
    struct data_folder *folder = NULL;
    struct store *store = NULL;
    enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &folder, out_error);
    if (status != STATUS_OK) return status;
    reading->part = data_folder_part(folder);
    memset(reading->currencies, 0, sizeof reading->currencies);
    const struct folder_store_options options = { .read_only = true };
    status = folder_store_open(folder, &options, &store, out_error);
    if (status == STATUS_OK) status = store_read(reading, store, out_error);
    if (store != NULL) store->close(store);
    data_folder_close(folder);
    return status;
}

static enum status unknown(const struct reconcile_journal *journal, struct error *out_error)
{
    char id[UUID_TEXT_LEN + 1];
    enum status status;
    if (journal->psp != NULL) {
        status = error_set(out_error, STATUS_NOT_FOUND, "no payment was ever made with the PSP %s",
                           journal->psp);
        error_hint(out_error, "`payment list` names the PSP of each payment");
        return status;
    }
    uuid_format(journal->account.value, id);
    status = error_set(out_error, STATUS_NOT_FOUND, "there is no account %s", id);
    error_detail(out_error, "in the data folder %s", journal->folder);
    return status;
}

enum status reconcile_read_journal(const struct reconcile_journal *journal,
                                   const struct reconcile_source *source,
                                   const struct reconcile_visitor *visitor,
                                   struct reconcile_refusals *refusals, struct error *out_error)
{
    struct reading reading = {
        .journal = journal,
        .source = source,
        .visitor = visitor,
        .refusals = refusals,
    };
    uint32_t lanes = 0;
    enum status status = data_folder_count_lanes(journal->folder, &lanes, out_error);
    for (uint32_t lane = 0; status == STATUS_OK && lane < lanes; lane++) {
        char path[PATH_SIZE];
        status = data_folder_lane_path(journal->folder, lane, path, sizeof path, out_error);
        if (status == STATUS_OK) status = lane_read(&reading, path, out_error);
    }
    return status == STATUS_OK && !reading.known ? unknown(journal, out_error) : status;
}
