/* Pure: a row's texts in, a value of the model out. */
#include "cmd/import_items.h"

#include <string.h>

#include "base/check.h"
#include "cmd/import_id.h"
#include "model/admin.h"

struct row {
    const struct import_rules *rules;
    const struct str *values;
    uint64_t line;
    const char *fault;
    enum import_field field; /* where the fault is */
};

/* The first fault stays. */
static void row_fail(struct row *row, enum import_field field, const char *fault)
{
    if (row->fault != NULL) return;
    row->fault = fault;
    row->field = field;
}

const struct asset *import_asset_by_code(const struct import_rules *rules, struct str code)
{
    const struct asset *iso = asset_iso_by_code(code);
    if (iso != NULL) return iso;
    for (uint32_t i = 0; i < rules->custom_asset_count; i++)
        if (str_equal(str_from(rules->custom_assets[i].code), code))
            return &rules->custom_assets[i];
    return NULL;
}

bool import_id_of(const struct import_rules *rules, const char *kind, struct str text,
                  struct uuid *out_id)
{
    if (uuid_parse(text, out_id) == STATUS_OK) return true;
    if (rules->namespace.len == 0 || text.len == 0) return false;
    struct import_set set = { .name = rules->namespace, .kind = str_from(kind) };
    *out_id = import_key_id(&set, text);
    return true;
}

static struct uuid row_id(struct row *row, enum import_field field, const char *kind)
{
    struct uuid id = { 0 };
    if (row->values[field].len == 0) return id;
    if (!import_id_of(row->rules, kind, row->values[field], &id))
        row_fail(row, field, "it is no UUID, and no --id-namespace is given for other keys");
    return id;
}

static struct uuid row_line_id(const struct row *row, const char *kind)
{
    struct import_set set = { .name = row->rules->name, .kind = str_from(kind) };
    return import_line_id(&set, row->line);
}

static const struct asset *row_asset(struct row *row)
{
    struct str code = row->values[IMPORT_FIELD_ASSET];
    const struct asset *asset = import_asset_by_code(row->rules, code);
    if (asset == NULL)
        row_fail(row, IMPORT_FIELD_ASSET,
                 code.len == 0 ? "an asset is required" : "there is no such asset");
    return asset;
}

static struct money row_money(struct row *row, enum import_field field, const struct asset *asset)
{
    struct money amount = MONEY_ZERO;
    struct str text = row->values[field];
    if (text.len == 0 || asset == NULL) return amount;
    if (field == IMPORT_FIELD_AMOUNT && str_equal(text, STR("all"))) return MONEY_MAX;
    enum status status = money_parse(text, asset->exponent, &amount);
    if (status == STATUS_LIMIT) row_fail(row, field, "the amount is over 128 bits");
    if (status == STATUS_INVALID)
        row_fail(row, field, "it is no amount: digits, a point, at most the asset's decimals");
    return amount;
}

static uint32_t row_number(struct row *row, enum import_field field)
{
    struct str text = row->values[field];
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > UINT32_MAX) {
            row_fail(row, field, "it is no whole number up to 4294967295");
            return 0;
        }
        value = 10 * value + (uint64_t)(text.data[i] - '0');
    }
    if (value > UINT32_MAX) row_fail(row, field, "it is no whole number up to 4294967295");
    return (uint32_t)value;
}

/* Cuts the first word off; words stand between '|', ',', ';' or blanks. */
static struct str word_cut(struct str *rest)
{
    size_t from = 0;
    while (from < rest->len && memchr("|,; ", rest->data[from], 4) != NULL) from++;
    size_t to = from;
    while (to < rest->len && memchr("|,; ", rest->data[to], 4) == NULL) to++;
    struct str word = { rest->data + from, to - from };
    *rest = (struct str){ rest->data + to, rest->len - to };
    return word;
}

static uint16_t account_flags(struct row *row)
{
    uint16_t flags = 0;
    struct str rest = row->values[IMPORT_FIELD_FLAGS];
    for (struct str word = word_cut(&rest); word.len > 0; word = word_cut(&rest)) {
        uint16_t flag = 0;
        if (!account_flag_parse(word, &flag))
            row_fail(row, IMPORT_FIELD_FLAGS, "there is no such flag");
        flags |= flag;
    }
    return flags;
}

static struct import_fault unreadable(const struct row *row)
{
    return (struct import_fault){ row->fault, import_field_name(row->field), false };
}

struct import_fault import_account_of(const struct import_rules *rules, const struct str *values,
                                      uint64_t line, struct import_account *out_account)
{
    struct row row = { .rules = rules, .values = values, .line = line };
    struct account account = { 0 };
    account.id.value = row_id(&row, IMPORT_FIELD_ID, "account");
    if (values[IMPORT_FIELD_ID].len == 0) account.id.value = row_line_id(&row, "account");
    const struct asset *asset = row_asset(&row);
    account.asset = asset == NULL ? 0 : asset->id;
    struct str kind =
        values[IMPORT_FIELD_KIND].len > 0 ? values[IMPORT_FIELD_KIND] : STR("liability");
    if (!account_kind_parse(kind, &account.kind))
        row_fail(&row, IMPORT_FIELD_KIND, "there is no such kind of account");
    account.flags = account_flags(&row);
    account.user_ref = row_id(&row, IMPORT_FIELD_USER_REF, "user_ref");
    account.metadata_ref = row_id(&row, IMPORT_FIELD_METADATA_REF, "metadata_ref");
    struct money opening = row_money(&row, IMPORT_FIELD_OPENING, asset);
    *out_account = (struct import_account){ account, asset, opening, line };
    if (row.fault != NULL) return unreadable(&row);
    struct import_fault fault = { .readable = true };
    fault.reason = account_fault(&account, &fault.field);
    return fault;
}

static uint8_t transfer_flags(struct row *row)
{
    uint8_t flags = 0;
    struct str rest = row->values[IMPORT_FIELD_FLAGS];
    for (struct str word = word_cut(&rest); word.len > 0; word = word_cut(&rest)) {
        uint8_t flag = 0;
        if (!transfer_flag_parse(word, &flag))
            row_fail(row, IMPORT_FIELD_FLAGS, "there is no such flag");
        flags |= flag;
    }
    return flags;
}

/* POST, VOID and REVERSAL name a target; accounts follow from it, also when a file has them. */
static void targeted(struct row *row, struct transfer *transfer)
{
    transfer->target.value = row_id(row, IMPORT_FIELD_TARGET, "transfer");
    transfer->amount = MONEY_MAX;
    if (transfer->kind == TRANSFER_VOID) return;
    if (row->values[IMPORT_FIELD_AMOUNT].len == 0) return;
    const struct asset *asset = row_asset(row);
    transfer->asset = asset == NULL ? 0 : asset->id;
    transfer->amount = row_money(row, IMPORT_FIELD_AMOUNT, asset);
}

static void direct(struct row *row, struct transfer *transfer)
{
    transfer->debit.value = row_id(row, IMPORT_FIELD_DEBIT, "account");
    transfer->credit.value = row_id(row, IMPORT_FIELD_CREDIT, "account");
    const struct asset *asset = row_asset(row);
    transfer->asset = asset == NULL ? 0 : asset->id;
    transfer->amount = row_money(row, IMPORT_FIELD_AMOUNT, asset);
    if (transfer->kind == TRANSFER_HOLD)
        transfer->timeout_s = row_number(row, IMPORT_FIELD_TIMEOUT_S);
}

struct import_fault import_transfer_of(const struct import_rules *rules, const struct str *values,
                                       uint64_t line, struct transfer *out_transfer)
{
    struct row row = { .rules = rules, .values = values, .line = line };
    struct transfer transfer = { 0 };
    transfer.id.value = row_id(&row, IMPORT_FIELD_ID, "transfer");
    if (values[IMPORT_FIELD_ID].len == 0) transfer.id.value = row_line_id(&row, "transfer");
    transfer.kind = TRANSFER_DIRECT;
    if (values[IMPORT_FIELD_KIND].len > 0 &&
        !transfer_kind_parse(values[IMPORT_FIELD_KIND], &transfer.kind))
        row_fail(&row, IMPORT_FIELD_KIND, "there is no such kind of transfer");
    if (transfer.kind == TRANSFER_EXPIRE)
        row_fail(&row, IMPORT_FIELD_KIND, "expiries are made by the ledger itself");
    if (transfer.kind == TRANSFER_DIRECT || transfer.kind == TRANSFER_HOLD)
        direct(&row, &transfer);
    else
        targeted(&row, &transfer);
    transfer.user_ref = row_id(&row, IMPORT_FIELD_USER_REF, "user_ref");
    transfer.code = row_number(&row, IMPORT_FIELD_CODE);
    transfer.flags = transfer_flags(&row);
    struct str date = values[IMPORT_FIELD_VALUE_DATE];
    if (date.len > 0 && business_date_parse(date, &transfer.value_date) != STATUS_OK)
        row_fail(&row, IMPORT_FIELD_VALUE_DATE, "it is no date: YYYY-MM-DD");
    *out_transfer = transfer;
    if (row.fault != NULL) return unreadable(&row);
    struct import_fault fault = { .readable = true };
    fault.reason = transfer_fault(&transfer, &fault.field);
    return fault;
}

struct transfer import_opening_of(const struct import_rules *rules,
                                  const struct import_account *account, struct account_id from)
{
    CHECK(!money_is_zero(account->opening));
    struct import_set set = { .name = rules->name, .kind = STR("opening") };
    bool debited =
        account->account.kind == ACCOUNT_ASSET || account->account.kind == ACCOUNT_EXPENSE;
    return (struct transfer){
        .id = { import_line_id(&set, account->line) },
        .kind = TRANSFER_DIRECT,
        .debit = debited ? account->account.id : from,
        .credit = debited ? from : account->account.id,
        .asset = account->account.asset,
        .amount = account->opening,
    };
}
