/*
 * Our own folder as evidence: the journal read unit by unit, and the balances as they stand. All of
 * the journal, whatever the window: balances are the sum of everything.
 */
#define _GNU_SOURCE /* memmem() */
#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/id_map.h"
#include "base/reserve.h"
#include "cmd/answer.h"
#include "cmd/doctor_collectors.h"
#include "cmd/session.h"
#include "payment/chart.h"
#include "wallet/act_walk.h"
#include "wallet/journal_walk.h"

enum { ANSWER_SIZE = 16 << 20, ACCOUNTS_MAX = 1 << 26 };

/* How many postings an account has had, in order of the first. */
struct ours_account {
    struct uuid id;
    uint64_t postings;
};

/* The evidence of the journal goes into one file, since one source wrote it. */
struct ours {
    struct doctor_bundle *bundle;
    struct doctor_file file;
    const struct batch_header *batch;
    const struct record_context *context;
    struct payment payment; /* of the unit at hand */
    uint32_t payment_unit;
    uint8_t payment_cause;
    bool payment_there;
    struct ours_account *accounts; /* ACCOUNTS_MAX, as far as they are needed */
    struct id_map places;
    char codes[ASSETS_CUSTOM_MAX][ASSET_CODE_LEN_MAX + 1];
};

static struct str code_of(const struct ours *ours, uint32_t asset)
{
    const struct asset *iso = asset_iso_by_id(asset);
    if (iso != NULL) return str_from(iso->code);
    uint32_t place = asset - ASSET_CUSTOM_FIRST;
    return place < ASSETS_CUSTOM_MAX ? str_from(ours->codes[place]) : STR("");
}

static struct signed_amount amount_of(struct money amount, bool negative)
{
    CHECK(amount.minor <= (uint128)SIGNED_AMOUNT_MAX); /* one_line() asks before */
    int128 minor = (int128)amount.minor;
    return (struct signed_amount){ negative ? -minor : minor };
}

static struct evidence_line begin(struct ours *ours, const char *kind)
{
    struct evidence_line line;
    evidence_begin(&line, &ours->file.line, kind, &ours->file.masked);
    return line;
}

/* Context of all that the request caused: its key, and its trace. */
static void context_fields(const struct ours *ours, struct evidence_line *line)
{
    const struct record_context *context = ours->context;
    if (context == NULL) return;
    evidence_uuid(line, "idem", context->key);
    if (uuid_is_nil(context->trace.id)) return;
    char text[UUID_TEXT_LEN + 1];
    char trace[UUID_TEXT_LEN];
    uuid_format(context->trace.id, text);
    size_t len = 0;
    for (size_t i = 0; i < UUID_TEXT_LEN; i++)
        if (text[i] != '-') trace[len++] = text[i];
    evidence_text(line, "trace", (struct str){ trace, len });
}

static const char *type_of(const struct ours *ours, const struct record_transfer *transfer,
                           bool of_payment)
{
    if (transfer->head.kind == TRANSFER_REVERSAL) return "reversal";
    if (!of_payment) return "transfer";
    if (ours->payment_cause == PAYMENT_CAUSE_SETTLE) return "other";
    switch (ours->payment.kind) {
    case PAYMENT_PAY_IN: return "payment";
    case PAYMENT_PAY_OUT: return "withdrawal";
    case PAYMENT_MERCHANT: return "capture";
    case PAYMENT_REFUND: return "refund";
    case PAYMENT_EXCHANGE: return "fx";
    case PAYMENT_CHARGEBACK: return "dispute";
    default: return "transfer";
    }
}

static const char *cause_of(const struct ours *ours, bool of_payment)
{
    if (!of_payment) return "api";
    switch (ours->payment_cause) {
    case PAYMENT_CAUSE_HINT: return "webhook";
    case PAYMENT_CAUSE_ANSWER: return "poll";
    case PAYMENT_CAUSE_EXPIRE: return "job";
    case PAYMENT_CAUSE_RESOLVE: return "manual";
    case PAYMENT_CAUSE_SETTLE: return "job";
    default: return "api";
    }
}

static bool at_psp(const struct ours *ours, const struct record_transfer *transfer)
{
    if (ours->payment.psp[0] == '\0' || ours->payment_cause == PAYMENT_CAUSE_SETTLE) return false;
    struct account_id clearing =
        chart_account_id(transfer->asset, CHART_CLEARING, ours->payment.psp);
    return uuid_equal(clearing.value, transfer->debit.value) ||
           uuid_equal(clearing.value, transfer->credit.value);
}

/* Whose transaction it is: the customer's side, which is not of the chart. */
static void subject_fields(const struct ours *ours, struct evidence_line *line,
                           const struct record_transfer *transfer, bool psp)
{
    bool in = psp &&
              uuid_equal(chart_account_id(transfer->asset, CHART_CLEARING, ours->payment.psp).value,
                         transfer->debit.value);
    struct uuid subject = in ? transfer->credit.value : transfer->debit.value;
    evidence_uuid(line, "account", subject);
    evidence_amount(line, "amount", amount_of(transfer->amount, !in));
    if (psp) evidence_text(line, "psp_ref", str_from(ours->payment.psp_object));
}

/* The version of the account that the posting makes; 0: there are too many accounts to tell. */
static int64_t version_next(struct ours *ours, struct uuid id)
{
    uint32_t place = id_map_find(&ours->places, id);
    if (place == ID_MAP_NONE) {
        if (ours->places.count == ACCOUNTS_MAX) return 0;
        place = (uint32_t)ours->places.count;
        ours->accounts[place].id = id;
        id_map_insert(&ours->places, place);
    }
    return (int64_t)++ours->accounts[place].postings;
}

static void posting_write(struct ours *ours, const struct record_transfer *transfer, bool credit)
{
    struct evidence_line line = begin(ours, "posting");
    struct uuid account = credit ? transfer->credit.value : transfer->debit.value;
    int64_t version = version_next(ours, account);
    evidence_uuid(&line, "tx", transfer->id.value);
    evidence_int(&line, "seq", credit);
    evidence_uuid(&line, "account", account);
    if (version > 0) evidence_int(&line, "ver", version);
    evidence_amount(&line, "amount", amount_of(transfer->amount, !credit));
    evidence_text(&line, "ccy", code_of(ours, transfer->asset));
    evidence_time(&line, "ts", ours->batch->stamp);
    evidence_end(&line);
}

static void moved_write(struct ours *ours, const struct record_transfer *transfer)
{
    bool of_payment = ours->payment_there && ours->payment_unit == transfer->head.unit;
    bool psp = of_payment && at_psp(ours, transfer);
    struct evidence_line line = begin(ours, "ledger_tx");
    evidence_uuid(&line, "tx", transfer->id.value);
    evidence_time(&line, "ts", ours->batch->stamp);
    evidence_int(&line, "pos", (int64_t)ours->batch->sequence);
    evidence_int(&line, "lsn", (int64_t)ours->batch->sequence);
    evidence_word(&line, "state", "posted");
    evidence_word(&line, "type", type_of(ours, transfer, of_payment));
    evidence_word(&line, "cause", cause_of(ours, of_payment));
    evidence_text(&line, "ccy", code_of(ours, transfer->asset));
    subject_fields(ours, &line, transfer, psp);
    if (of_payment) evidence_uuid(&line, "cause_id", ours->payment.id.value);
    if (transfer->head.size == RECORD_TRANSFER_LONG_SIZE) {
        const struct record_transfer_more *more = (const void *)(transfer + 1);
        if (transfer->head.kind == TRANSFER_REVERSAL)
            evidence_uuid(&line, "reversal_of", more->target.value);
    }
    bool settles = of_payment && ours->payment_cause == PAYMENT_CAUSE_SETTLE;
    if (!settles) context_fields(ours, &line); /* one call books a statement of many intents */
    evidence_end(&line);
    posting_write(ours, transfer, false);
    posting_write(ours, transfer, true);
}

static void hold_write(struct ours *ours, const struct record_transfer *transfer)
{
    struct evidence_line line = begin(ours, "hold");
    evidence_uuid(&line, "hold", transfer->id.value);
    evidence_uuid(&line, "account", transfer->debit.value);
    evidence_amount(&line, "amount", amount_of(transfer->amount, false));
    evidence_text(&line, "ccy", code_of(ours, transfer->asset));
    evidence_word(&line, "state", "active");
    evidence_time(&line, "ts", ours->batch->stamp);
    evidence_int(&line, "lsn", (int64_t)ours->batch->sequence);
    if (transfer->timeout_s > 0) {
        int64_t ends = ours->batch->stamp.ns + transfer->timeout_s * NS_PER_S;
        evidence_time(&line, "expires_ts", (struct wall_time){ ends });
    }
    evidence_end(&line);
}

/* What ends a hold, or a part of it. */
static void hold_end_write(struct ours *ours, const struct record_transfer *transfer)
{
    if (transfer->head.size != RECORD_TRANSFER_LONG_SIZE) return;
    const struct record_transfer_more *more = (const void *)(transfer + 1);
    bool posts = transfer->head.kind == TRANSFER_POST;
    bool closes = (transfer->head.flags & RECORD_FLAG_CLOSES_HOLD) != 0;
    struct evidence_line line = begin(ours, "hold");
    evidence_uuid(&line, "hold", more->target.value);
    evidence_uuid(&line, "account", transfer->debit.value);
    evidence_amount(&line, "amount", amount_of(more->released, false));
    evidence_text(&line, "ccy", code_of(ours, transfer->asset));
    const char *state = transfer->head.kind == TRANSFER_EXPIRE ? "expired"
                        : posts                                ? "captured"
                                                               : "released";
    evidence_word(&line, "state", closes ? state : "active");
    evidence_amount(&line, "captured", amount_of(posts ? transfer->amount : MONEY_ZERO, false));
    evidence_time(&line, "ts", ours->batch->stamp);
    evidence_int(&line, "lsn", (int64_t)ours->batch->sequence);
    evidence_end(&line);
}

static enum status transfer_write(struct ours *ours, const struct record_transfer *transfer)
{
    if (transfer->head.outcome != OUTCOME_OK) return STATUS_OK;
    if (transfer->amount.minor > (uint128)SIGNED_AMOUNT_MAX) {
        ours->file.rejected++;
        return STATUS_OK;
    }
    switch (transfer->head.kind) {
    case TRANSFER_DEPARTURE:
    case TRANSFER_HOLD: hold_write(ours, transfer); return doctor_file_rows(&ours->file, 1);
    case TRANSFER_VOID:
    case TRANSFER_EXPIRE: hold_end_write(ours, transfer); return doctor_file_rows(&ours->file, 1);
    case TRANSFER_POST:
        moved_write(ours, transfer);
        hold_end_write(ours, transfer);
        return doctor_file_rows(&ours->file, 4);
    default: moved_write(ours, transfer); return doctor_file_rows(&ours->file, 3);
    }
}

static const char *call_result(uint8_t answer)
{
    switch (answer) {
    case PSP_ANSWER_DONE:
    case PSP_ANSWER_PENDING: return "ok";
    case PSP_ANSWER_DECLINED: return "declined";
    case PSP_ANSWER_UNKNOWN: return "timeout";
    default: return "error";
    }
}

static const char *call_op(const struct record_payment *record)
{
    if ((record->head.flags & RECORD_FLAG_QUERY) != 0) return "query";
    switch (record->payment.step) {
    case PSP_CAPTURE: return "capture";
    case PSP_CANCEL: return "void";
    case PSP_REFUND: return "refund";
    case PSP_PAY_OUT: return "payout";
    default: return "charge";
    }
}

static enum status call_write(struct ours *ours, const struct record_payment *record)
{
    char key[PSP_KEY_SIZE];
    struct evidence_line line = begin(ours, "psp_call");
    evidence_time(&line, "ts", ours->batch->stamp);
    evidence_word(&line, "op", call_op(record));
    evidence_word(&line, "result", call_result(record->answer));
    evidence_text(&line, "reference",
                  psp_key(record->payment.id, record->payment.step_number, key));
    evidence_text(&line, "psp_ref", str_from(record->payment.psp_object));
    evidence_amount(&line, "amount", amount_of(record->payment.amount, false));
    evidence_text(&line, "ccy", code_of(ours, record->payment.asset));
    evidence_int(&line, "attempt", record->payment.attempts);
    evidence_end(&line);
    return doctor_file_rows(&ours->file, 1);
}

static enum status payment_write(struct ours *ours, const struct record_payment *record)
{
    if (record->head.outcome != PAYMENT_OUTCOME_OK) return STATUS_OK;
    bool same_unit = ours->payment_there && ours->payment_unit == record->head.unit;
    if (same_unit) return STATUS_OK; /* the first one is the one that the command was for */
    ours->payment = record->payment;
    ours->payment_unit = record->head.unit;
    ours->payment_cause = record->head.kind;
    ours->payment_there = true;
    return record->head.kind == PAYMENT_CAUSE_ANSWER ? call_write(ours, record) : STATUS_OK;
}

static enum status act_write(struct ours *ours, const struct record_head *record)
{
    const char *code = act_code(record);
    if (code == NULL) return STATUS_OK;
    char actor[UUID_TEXT_LEN + 1] = "";
    struct evidence_line line = begin(ours, "audit");
    evidence_int(&line, "pos", (int64_t)(ours->batch->sequence * BATCH_UNITS_MAX + record->unit));
    evidence_time(&line, "ts", ours->batch->stamp);
    evidence_word(&line, "act", code);
    if (ours->context != NULL) uuid_format(ours->context->principal.value, actor);
    evidence_text(&line, "actor", str_from(actor));
    evidence_bool(&line, "hash_ok", true); /* journal_walk_read() has held it against its hash */
    evidence_end(&line);
    return doctor_file_rows(&ours->file, 1);
}

static enum status record_write(struct ours *ours, const struct record_head *record)
{
    if (record->type == RECORD_ASSET && record->outcome == 0) {
        const struct record_asset *asset = (const void *)record;
        memcpy(ours->codes[asset->id - ASSET_CUSTOM_FIRST], asset->code, sizeof asset->code);
    }
    switch (record->type) {
    case RECORD_CONTEXT: ours->context = (const void *)record; return STATUS_OK;
    case RECORD_TRANSFER: return transfer_write(ours, (const void *)record);
    case RECORD_PAYMENT: {
        enum status status = payment_write(ours, (const void *)record);
        return status == STATUS_OK ? act_write(ours, record) : status;
    }
    default: return act_write(ours, record);
    }
}

static enum status journal_write(struct ours *ours, struct store *store)
{
    struct error *error = &ours->bundle->error;
    struct store_head head;
    enum status status = store->head(store, &head, error);
    if (status != STATUS_OK) return status;
    struct journal_walk walk;
    journal_walk_open(&walk, store, 0, 0);
    while (status == STATUS_OK && walk.sequence < head.sequence) {
        struct batch_reader reader;
        const struct record_head *record;
        status = journal_walk_read(&walk, &reader, error);
        ours->batch = reader.header;
        ours->payment_there = false;
        ours->context = NULL;
        while (status == STATUS_OK && (status = batch_next(&reader, &record, error)) == STATUS_OK)
            status = record_write(ours, record);
        if (status == STATUS_NOT_FOUND) status = STATUS_OK;
        if (status == STATUS_OK) journal_walk_next(&walk);
    }
    journal_walk_close(&walk);
    return status;
}

static enum status journal_open(struct ours *ours, const char *path)
{
    struct data_folder *folder = NULL;
    struct store *store = NULL;
    struct error *error = &ours->bundle->error;
    enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &folder, error);
    if (status != STATUS_OK) return status;
    const struct folder_store_options options = { .read_only = true };
    status = folder_store_open(folder, &options, &store, error);
    if (status == STATUS_OK) status = journal_write(ours, store);
    if (store != NULL) store->close(store);
    data_folder_close(folder);
    return status;
}

static enum status journal_collect(struct ours *ours, const char *path)
{
    size_t size = ACCOUNTS_MAX * sizeof *ours->accounts;
    uint64_t seed = 0;
    entropy_fill(system_entropy(), &seed, sizeof seed);
    ours->accounts = reserve_new(size);
    enum status status = STATUS_LIMIT;
    if (ours->accounts != NULL)
        status =
            id_map_init(&ours->places, ours->accounts, sizeof *ours->accounts, ACCOUNTS_MAX, seed);
    if (status == STATUS_OK)
        status = journal_open(ours, path);
    else
        (void)error_set(&ours->bundle->error, status, "no memory"); /* the status is returned */
    id_map_free(&ours->places);
    reserve_free(ours->accounts, size);
    return status;
}

/* ---- balances ---- */

static const char *account_type(struct uuid id, struct str code, struct str kind)
{
    static const struct {
        enum chart_role role;
        const char *type;
    } roles[] = { { CHART_BANK, "bank" },         { CHART_FEES, "fee" },
                  { CHART_ROUNDING, "rounding" }, { CHART_POSITION, "fx" },
                  { CHART_SUSPENSE, "suspense" }, { CHART_LOSS, "loss" } };
    const struct asset *iso = asset_iso_by_code(code);
    for (size_t i = 0; iso != NULL && i < sizeof roles / sizeof roles[0]; i++)
        if (uuid_equal(chart_account_id(iso->id, roles[i].role, "").value, id))
            return roles[i].type;
    return str_equal(kind, STR("liability")) ? "customer" : "clearing";
}

/* Major units without the point are minor units: the API writes all decimals. */
static bool minor_read(struct str text, struct signed_amount *out_amount)
{
    char digits[MONEY_TEXT_SIZE];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof digits; i++)
        if (text.data[i] != '.') digits[len++] = text.data[i];
    const struct signed_amount_form form = { .point = '.', .minor = true };
    return signed_amount_parse((struct str){ digits, len }, &form, out_amount) == STATUS_OK;
}

static bool account_write(void *context, const struct answer_object *item)
{
    struct ours *ours = context;
    struct uuid id;
    struct signed_amount credits;
    struct signed_amount debits;
    struct signed_amount net;
    struct str code = answer_text(item, "asset");
    bool read = uuid_parse(answer_text(item, "id"), &id) == STATUS_OK &&
                minor_read(answer_text(item, "balance.credits_posted"), &credits) &&
                minor_read(answer_text(item, "balance.debits_posted"), &debits) &&
                signed_amount_subtract(credits, debits, &net);
    if (!read) {
        ours->file.rejected++;
        return true;
    }
    bool bounded = memmem(answer_text(item, "flags").data, answer_text(item, "flags").len,
                          "debits_must_not_exceed_credits", 30) != NULL;
    struct evidence_line line = begin(ours, "account");
    evidence_uuid(&line, "account", id);
    evidence_text(&line, "ccy", code);
    evidence_amount(&line, "amount", net);
    evidence_word(&line, "type", account_type(id, code, answer_text(item, "kind")));
    evidence_bool(&line, "unlimited", !bounded);
    evidence_end(&line);
    return doctor_file_rows(&ours->file, 1) == STATUS_OK;
}

static enum status page_read(struct ours *ours, struct session *session, struct buf *next,
                             struct arena *arena, struct buf *answer)
{
    struct error *error = &ours->bundle->error;
    BUF_SCOPE struct buf target;
    buf_init(&target, 4096);
    buf_append_format(&target, "/v1/accounts?limit=1000%s%s", next->len > 0 ? "&cursor=" : "",
                      buf_terminated(next));
    const struct session_request request = { .method = API_GET, .target = buf_view(&target) };
    unsigned http = 0;
    enum status status = session_call(session, &request, &http, answer, error);
    if (status != STATUS_OK) return status;
    if (http >= 300)
        return error_set(error, STATUS_UNAVAILABLE, "accounts cannot be listed: status %u", http);
    struct answer_object rest;
    const struct answer_list list = { "items", account_write, ours };
    arena_reset(arena);
    buf_reset(next);
    status = answer_read_list(buf_view(answer), &list, arena, &rest);
    if (status != STATUS_OK)
        return error_set(error, status, "the list of accounts is not understood");
    buf_append_str(next, answer_text(&rest, "next"));
    return STATUS_OK;
}

static enum status balances_write(struct ours *ours, const char *folder)
{
    struct session session;
    struct arena arena;
    const struct session_options options = { .folder = folder, .read_only = true };
    enum status status = arena_init(&arena, 8 * (size_t)ANSWER_SIZE);
    if (status != STATUS_OK) return error_set(&ours->bundle->error, status, "no memory");
    status = session_open(&options, &session, &ours->bundle->error);
    if (status == STATUS_OK) {
        BUF_SCOPE struct buf next;
        BUF_SCOPE struct buf answer;
        buf_init(&next, 4096);
        buf_init(&answer, ANSWER_SIZE);
        do status = page_read(ours, &session, &next, &arena, &answer);
        while (status == STATUS_OK && next.len > 0);
        session_close(&session);
    }
    arena_done(&arena);
    return status;
}

static enum status source_collect(struct ours *ours, const struct doctor_source *source,
                                  const char *folder,
                                  enum status (*collect)(struct ours *, const char *))
{
    enum status status = doctor_file_begin(ours->bundle, source, &ours->file);
    if (status == STATUS_OK) status = collect(ours, folder);
    return doctor_file_end(&ours->file, status);
}

enum status doctor_collect_ours(struct doctor_bundle *bundle, const char *folder)
{
    static const char *const journal_kinds[] = { "ledger_tx", "posting", "hold",
                                                 "psp_call",  "audit",   NULL };
    static const char *const account_kinds[] = { "account", NULL };
    struct doctor_source source = {
        .name = "ledger",
        .system = "tpwallet",
        .collector = DOCTOR_OURS_COLLECTOR,
        .order = "total",
        .clock = "tpwallet",
        .authority = 30,
        .kinds = journal_kinds,
        .loss = "none",
        .from = bundle->incident.from,
        .to = bundle->incident.to,
    };
    struct ours ours = { .bundle = bundle };
    enum status status = source_collect(&ours, &source, folder, journal_collect);
    if (status != STATUS_OK) return status;
    source.name = "balances";
    source.collector = "tpwallet-accounts";
    source.order = "none";
    source.kinds = account_kinds;
    return source_collect(&ours, &source, folder, balances_write);
}
