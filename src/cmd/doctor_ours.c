/*
 * Our own ledger as evidence: the journal of each lane read unit by unit, and the balances as they
 * stand. The journal is read whole, whatever is taken of it: balances are the sum of everything.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cmd/doctor_balances.h"
#include "cmd/doctor_collectors.h"
#include "cmd/doctor_holds.h"
#include "cmd/doctor_scope.h"
#include "model/transit.h"
#include "payment/chart.h"
#include "wallet/act_walk.h"
#include "wallet/record_sound.h"

enum { ACCOUNTS_MORE = 1 << 16, ACCOUNTS_MAX = 1 << 27 };

/* The evidence of a lane's journal goes into one file, since one source wrote it. */
struct ours {
    struct doctor_bundle *bundle;
    const struct doctor_scope *scope;
    const struct doctor_lane *lane;
    struct uuid ledger; /* which one it is */
    struct doctor_file file;
    struct doctor_balances balances;
    struct doctor_holds holds;
    const struct batch_header *batch;
    const struct record_context *context;
    struct payment payment; /* of the unit at hand */
    uint32_t payment_unit;
    uint8_t payment_cause;
    bool payment_there;
    uint64_t versions[2]; /* that a transfer's postings make of its debit and credit account */
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
    CHECK(amount.minor <= (uint128)SIGNED_AMOUNT_MAX); /* who has it from a record asks before */
    int128 minor = (int128)amount.minor;
    return (struct signed_amount){ negative ? -minor : minor };
}

static struct evidence_line begin(struct ours *ours, const char *kind)
{
    struct evidence_line line;
    evidence_begin(&line, &ours->file.line, kind, &ours->file.masked);
    return line;
}

/*
 * Context of all that the request caused: its key, and its trace. What left for another lane was
 * asked for when it left, and not when it was there.
 */
static void context_fields(const struct ours *ours, const struct doctor_hold *departure,
                           struct evidence_line *line)
{
    const struct record_context *context = ours->context;
    if (context == NULL && departure == NULL) return;
    evidence_uuid(line, "idem", departure != NULL ? departure->key : context->key);
    struct uuid id = departure != NULL ? departure->trace : context->trace.id;
    if (uuid_is_nil(id)) return;
    char text[UUID_TEXT_LEN + 1];
    char trace[UUID_TEXT_LEN];
    uuid_format(id, text);
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

/* The half of money between lanes that another lane asked for: how it came to that is told there. */
static bool is_arrival(const struct record_transfer *transfer)
{
    return transfer->head.kind == TRANSFER_DIRECT &&
           (transfer->head.flags & TRANSFER_FLAG_OWNED) != 0 &&
           (transit_account_is(transfer->debit) || transit_account_is(transfer->credit));
}

static const char *cause_of(const struct ours *ours, const struct record_transfer *transfer,
                            bool of_payment)
{
    if (is_arrival(transfer)) return "saga";
    if (!of_payment) return "api";
    switch (ours->payment_cause) {
    case PAYMENT_CAUSE_HINT: return "webhook";
    case PAYMENT_CAUSE_ANSWER: return "poll";
    case PAYMENT_CAUSE_EXPIRE:
    case PAYMENT_CAUSE_ARRIVE: return "job";
    case PAYMENT_CAUSE_RESOLVE: return "manual";
    case PAYMENT_CAUSE_SETTLE: return "job";
    default: return "api";
    }
}

static bool at_psp(const struct ours *ours, const struct record_transfer *transfer)
{
    if (ours->payment.psp[0] == '\0' || ours->payment_cause == PAYMENT_CAUSE_SETTLE) return false;
    const char *psp = ours->payment.psp;
    return chart_account_is(transfer->debit, transfer->asset, CHART_CLEARING, psp) ||
           chart_account_is(transfer->credit, transfer->asset, CHART_CLEARING, psp);
}

/* Whose transaction it is: the customer's side, which is neither of the chart nor between lanes. */
static void subject_fields(const struct ours *ours, struct evidence_line *line,
                           const struct record_transfer *transfer, bool psp)
{
    bool in = transit_account_is(transfer->debit) ||
              (psp && chart_account_is(transfer->debit, transfer->asset, CHART_CLEARING,
                                       ours->payment.psp));
    struct uuid subject = in ? transfer->credit.value : transfer->debit.value;
    evidence_uuid(line, "account", subject);
    evidence_amount(line, "amount", amount_of(transfer->amount, !in));
    if (psp) evidence_text(line, "psp_ref", str_from(ours->payment.psp_object));
}

static void posting_write(struct ours *ours, const struct record_transfer *transfer, struct uuid tx,
                          bool credit)
{
    struct evidence_line line = begin(ours, "posting");
    struct uuid account = credit ? transfer->credit.value : transfer->debit.value;
    evidence_uuid(&line, "tx", tx);
    evidence_int(&line, "seq", credit);
    evidence_uuid(&line, "account", account);
    evidence_int(&line, "ver", (int64_t)ours->versions[credit]);
    evidence_amount(&line, "amount", amount_of(transfer->amount, !credit));
    evidence_text(&line, "ccy", code_of(ours, transfer->asset));
    evidence_time(&line, "ts", ours->batch->stamp);
    evidence_end(&line);
}

/* What goes to or comes from another lane has the id that it was asked for by, once it is there. */
static void moved_write(struct ours *ours, const struct record_transfer *transfer)
{
    const struct doctor_hold *departure = doctor_holds_departure(&ours->holds, transfer);
    struct transfer_id tx =
        departure != NULL ? (struct transfer_id){ departure->id } : transfer->id;
    bool of_payment = ours->payment_there && ours->payment_unit == transfer->head.unit;
    bool psp = of_payment && at_psp(ours, transfer);
    struct evidence_line line = begin(ours, "ledger_tx");
    evidence_uuid(&line, "tx", tx.value);
    evidence_time(&line, "ts", ours->batch->stamp);
    evidence_int(&line, "pos", (int64_t)ours->batch->sequence);
    evidence_int(&line, "lsn", (int64_t)ours->batch->sequence);
    evidence_word(&line, "state", "posted");
    evidence_word(&line, "type", type_of(ours, transfer, of_payment));
    evidence_word(&line, "cause", cause_of(ours, transfer, of_payment));
    evidence_text(&line, "ccy", code_of(ours, transfer->asset));
    subject_fields(ours, &line, transfer, psp);
    if (of_payment) evidence_uuid(&line, "cause_id", ours->payment.id.value);
    if (transfer->head.size == RECORD_TRANSFER_LONG_SIZE) {
        const struct record_transfer_more *more = (const void *)(transfer + 1);
        if (transfer->head.kind == TRANSFER_REVERSAL)
            evidence_uuid(&line, "reversal_of", more->target.value);
    }
    if (departure != NULL) {
        evidence_uuid(&line, "arrival", transit_arrival_id(tx).value);
        evidence_uuid(&line, "reference", departure->user_ref);
    }
    if (is_arrival(transfer)) evidence_uuid(&line, "reference", transfer->user_ref);
    bool settles = of_payment && ours->payment_cause == PAYMENT_CAUSE_SETTLE;
    if (!settles)
        context_fields(ours, departure, &line); /* one call books a statement of many intents */
    evidence_end(&line);
    posting_write(ours, transfer, tx.value, false);
    posting_write(ours, transfer, tx.value, true);
}

/* A hold as it stands after a transfer began it, took from it or ended it. */
static void hold_write(struct ours *ours, const struct record_transfer *transfer,
                       const struct doctor_hold *hold, const char *hold_state)
{
    struct evidence_line line = begin(ours, "hold");
    evidence_uuid(&line, "hold", hold->id);
    evidence_uuid(&line, "account", transfer->debit.value);
    evidence_amount(&line, "amount", amount_of(hold->amount, false));
    evidence_text(&line, "ccy", code_of(ours, transfer->asset));
    evidence_word(&line, "state", hold_state);
    evidence_amount(&line, "captured", amount_of(hold->captured, false));
    evidence_amount(&line, "released", amount_of(hold->released, false));
    evidence_time(&line, "ts", ours->batch->stamp);
    evidence_int(&line, "lsn", (int64_t)ours->batch->sequence);
    if (hold->expires.ns > 0) evidence_time(&line, "expires_ts", hold->expires);
    evidence_end(&line);
}

static enum status hold_begin_write(struct ours *ours, const struct record_transfer *transfer,
                                    bool taken)
{
    struct doctor_hold hold;
    enum status status =
        doctor_holds_begin(&ours->holds, transfer, ours->context, ours->batch->stamp, &hold);
    if (status == STATUS_CORRUPT)
        return error_set(&ours->bundle->error, status, "batch %llu has a hold without an end",
                         (unsigned long long)ours->batch->sequence);
    if (status != STATUS_OK)
        return error_set(&ours->bundle->error, status, "too many holds are open at once");
    if (!taken) return STATUS_OK;
    hold_write(ours, transfer, &hold, "active");
    return doctor_file_rows(&ours->file, 1);
}

static const char *hold_state_after(const struct record_transfer *transfer)
{
    if ((transfer->head.flags & RECORD_FLAG_CLOSES_HOLD) == 0) return "active";
    switch (transfer->head.kind) {
    case TRANSFER_POST: return "captured";
    case TRANSFER_EXPIRE: return "expired";
    default: return "released";
    }
}

static enum status hold_end_write(struct ours *ours, const struct record_transfer *transfer,
                                  bool taken)
{
    struct doctor_hold hold;
    enum status status = doctor_holds_end(&ours->holds, transfer, &hold);
    if (!taken) return STATUS_OK;
    if (status != STATUS_OK) {
        ours->file.rejected++;
        return STATUS_OK;
    }
    hold_write(ours, transfer, &hold, hold_state_after(transfer));
    return doctor_file_rows(&ours->file, 1);
}

/* How many accounts there may be, and what may be made of them while the ledger is read. */
static uint64_t accounts_of(const struct doctor_journal *journal)
{
    uint64_t count = ACCOUNTS_MORE;
    for (uint32_t i = 0; i < journal->count; i++) count += 2 * journal->lanes[i].accounts;
    return count < ACCOUNTS_MAX ? count : ACCOUNTS_MAX;
}

/* Both postings of a transfer that moved money, whether they are taken or not. */
static enum status postings_count(struct ours *ours, const struct record_transfer *transfer,
                                  bool taken)
{
    struct wall_time at = ours->batch->stamp;
    struct doctor_posting posting = {
        .account = transfer->debit.value,
        .amount = amount_of(transfer->amount, true),
        .taken = taken,
        .after = at.ns > ours->scope->to.ns,
        .late = ours->batch->sequence > ours->lane->head,
    };
    struct error *error = &ours->bundle->error;
    enum status status = doctor_balances_post(&ours->balances, &posting, &ours->versions[0], error);
    posting.account = transfer->credit.value;
    posting.amount = amount_of(transfer->amount, false);
    if (status != STATUS_OK) return status;
    return doctor_balances_post(&ours->balances, &posting, &ours->versions[1], error);
}

/* A transfer of a unit that is not taken may tell of a hold that is. */
static bool hold_is_taken(const struct ours *ours, const struct record_transfer *transfer)
{
    bool ends = transfer->head.size == RECORD_TRANSFER_LONG_SIZE &&
                transfer->head.kind != TRANSFER_DEPARTURE;
    const struct record_transfer_more *more = (const void *)(transfer + 1);
    return doctor_scope_has_hold(ours->scope, ends ? more->target.value : transfer->id.value);
}

static enum status transfer_write(struct ours *ours, const struct record_transfer *transfer,
                                  enum doctor_scope_part part)
{
    if (transfer->head.outcome != OUTCOME_OK) return STATUS_OK;
    if (transfer->amount.minor > (uint128)SIGNED_AMOUNT_MAX) {
        ours->file.rejected++;
        return STATUS_OK;
    }
    bool whole = part == DOCTOR_SCOPE_WHOLE;
    bool hold = whole || (part == DOCTOR_SCOPE_HOLDS && hold_is_taken(ours, transfer));
    enum status status = STATUS_OK;
    switch (transfer->head.kind) {
    case TRANSFER_DEPARTURE:
    case TRANSFER_HOLD: return hold_begin_write(ours, transfer, hold);
    case TRANSFER_VOID:
    case TRANSFER_EXPIRE: return hold_end_write(ours, transfer, hold);
    default: status = postings_count(ours, transfer, whole); break;
    }
    if (status == STATUS_OK && whole) moved_write(ours, transfer);
    if (status == STATUS_OK) status = doctor_file_rows(&ours->file, 3U * whole);
    bool ends = transfer->head.kind == TRANSFER_POST;
    return status == STATUS_OK && ends ? hold_end_write(ours, transfer, hold) : status;
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
    if (record->payment.amount.minor > (uint128)SIGNED_AMOUNT_MAX) {
        ours->file.rejected++;
        return STATUS_OK;
    }
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

static enum status record_write(struct ours *ours, const struct record_head *record,
                                enum doctor_scope_part part)
{
    if (record->type == RECORD_ASSET && record->outcome == 0) {
        const struct record_asset *asset = (const void *)record;
        memcpy(ours->codes[asset->id - ASSET_CUSTOM_FIRST], asset->code, sizeof asset->code);
    }
    if (record->type == RECORD_CONTEXT) ours->context = (const void *)record;
    if (record->type == RECORD_TRANSFER) return transfer_write(ours, (const void *)record, part);
    if (part != DOCTOR_SCOPE_WHOLE || record->type == RECORD_CONTEXT) return STATUS_OK;
    enum status status = STATUS_OK;
    if (record->type == RECORD_PAYMENT) status = payment_write(ours, (const void *)record);
    return status == STATUS_OK ? act_write(ours, record) : status;
}

/* The accounts of the record behind the one at hand will be looked up next. */
static void next_expect(const struct ours *ours, const struct batch_reader *reader)
{
    if (reader->blob.len - reader->at < sizeof(struct record_transfer)) return;
    const struct record_transfer *next = (const void *)(reader->blob.data + reader->at);
    if (next->head.type != RECORD_TRANSFER) return;
    doctor_balances_expect(&ours->balances, next->debit.value);
    doctor_balances_expect(&ours->balances, next->credit.value);
}

static enum status batch_write(void *owner, struct batch_reader *reader, struct error *out_error)
{
    struct ours *ours = owner;
    const struct record_head *record;
    bool selects = doctor_scope_selects(ours->scope);
    enum doctor_scope_part part = DOCTOR_SCOPE_WHOLE;
    bool decided = !selects;
    uint16_t unit = 0;
    ours->batch = reader->header;
    ours->payment_there = false;
    ours->context = NULL;
    enum status status;
    while ((status = batch_next(reader, &record, out_error)) == STATUS_OK) {
        bool begins =
            selects && record->type != RECORD_CONTEXT && (!decided || record->unit != unit);
        if (begins) part = doctor_scope_takes(ours->scope, reader, record);
        if (begins) unit = record->unit;
        decided |= begins;
        next_expect(ours, reader);
        const char *fault = record_sound_fault(record);
        if (fault != NULL)
            return error_set(out_error, STATUS_CORRUPT, "batch %llu of the journal has %s",
                             (unsigned long long)reader->header->sequence, fault);
        status = record_write(ours, record, part);
        if (status != STATUS_OK) return status;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- sources ---- */

static struct doctor_source source_of(const struct ours *ours)
{
    const struct doctor_bundle *bundle = ours->bundle;
    return (struct doctor_source){
        .system = "tpwallet",
        .clock = "tpwallet",
        .authority = 30,
        .ledger = ours->ledger,
        .loss = "none",
        .from = bundle->incident.from,
        .to = bundle->incident.to,
    };
}

static enum status lane_collect(struct ours *ours, const struct doctor_lane *lane)
{
    static const char *const kinds[] = {
        "ledger_tx", "posting", "hold", "psp_call", "audit", NULL
    };
    char name[32] = "ledger";
    struct doctor_part part;
    struct doctor_source source = source_of(ours);
    const struct doctor_journal_visitor visitor = { batch_write, ours };
    source.name = name;
    source.collector = DOCTOR_OURS_COLLECTOR;
    source.order = "total";
    source.kinds = kinds;
    if (lane->number > 0) {
        int len = snprintf(name, sizeof name, "ledger-lane-%u", lane->number);
        CHECK(len > 0 && (size_t)len < sizeof name);
    }
    doctor_scope_tell(ours->scope, &source, &part);
    ours->lane = lane;
    memset(ours->codes, 0, sizeof ours->codes);
    enum status status = doctor_file_begin(ours->bundle, &source, &ours->file);
    if (status == STATUS_OK) status = doctor_journal_walk(lane, &visitor, &ours->bundle->error);
    return doctor_file_end(&ours->file, status);
}

static enum status balances_collect(struct ours *ours)
{
    static const char *const kinds[] = { "account", NULL };
    struct doctor_part part;
    struct doctor_source source = source_of(ours);
    source.name = "balances";
    source.collector = "tpwallet-accounts";
    source.order = "none";
    source.kinds = kinds;
    doctor_scope_tell(ours->scope, &source, &part);
    enum status status = doctor_file_begin(ours->bundle, &source, &ours->file);
    if (status == STATUS_OK)
        status = doctor_balances_write(&ours->balances, !ours->scope->by_id, &ours->file);
    return doctor_file_end(&ours->file, status);
}

static enum status lanes_collect(struct ours *ours, struct doctor_scope *scope,
                                 const struct doctor_journal *journal, const char *folder)
{
    struct error *error = &ours->bundle->error;
    enum status status = doctor_scope_follow(scope, journal, error);
    for (uint32_t i = 0; status == STATUS_OK && i < journal->count; i++)
        status = doctor_balances_ask(&ours->balances, folder, journal->lanes[i].number, error);
    for (uint32_t i = 0; status == STATUS_OK && i < journal->count; i++)
        status = lane_collect(ours, &journal->lanes[i]);
    return status == STATUS_OK ? balances_collect(ours) : status;
}

enum status doctor_collect_ours(struct doctor_bundle *bundle, const char *folder,
                                const struct doctor_scope_words *words)
{
    struct doctor_scope scope;
    struct doctor_journal journal = { 0 };
    BUF_SCOPE struct buf memory;
    buf_init(&memory, sizeof(struct ours));
    struct ours *ours = buf_extend(&memory, sizeof *ours);
    if (ours == NULL) return error_set(&bundle->error, STATUS_LIMIT, "no memory");
    memset(ours, 0, sizeof *ours);
    ours->bundle = bundle;
    ours->scope = &scope;
    enum status status = doctor_scope_open(words, &bundle->incident, &scope, &bundle->error);
    if (status == STATUS_OK) status = doctor_journal_open(folder, &journal, &bundle->error);
    ours->ledger = journal.ledger;
    if (status == STATUS_OK)
        status = doctor_balances_open(&ours->balances, accounts_of(&journal), &bundle->error);
    if (status == STATUS_OK && doctor_holds_open(&ours->holds) != STATUS_OK)
        status = error_set(&bundle->error, STATUS_LIMIT, "no memory for holds");
    if (status == STATUS_OK) status = lanes_collect(ours, &scope, &journal, folder);
    doctor_journal_close(&journal);
    doctor_balances_close(&ours->balances);
    doctor_holds_close(&ours->holds);
    doctor_scope_close(&scope);
    return status;
}
