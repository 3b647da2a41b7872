/* tpwallet receipt verify: a payment's receipt held against a key; no ledger, no network. */
#include <inttypes.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/file_bytes.h"
#include "cmd/report.h"
#include "cmd/trust.h"
#include "model/position.h"
#include "wallet/receipt.h"

static const char *const NOT_PROVEN =
    "that nobody was shown another history, unless witnesses cosigned; that nothing happened to\n"
    "the payment later: a newer receipt, or none, would say; who is behind the accounts' ids";

static void facts_text(const struct receipt_facts *facts, const struct trust *trust,
                       struct buf *out)
{
    const struct payment *payment = &facts->record.payment;
    char id[UUID_TEXT_LEN + 1];
    char amount[MONEY_TEXT_SIZE];
    char time[TIME_TEXT_SIZE];
    uuid_format(payment->id.value, id);
    buf_append_format(out, "verified    payment %s\n", id);
    buf_append_format(out, "record      %s, %s, by %s: %s\n", payment_kind_name(payment->kind),
                      payment_state_name(payment->state),
                      payment_cause_name(facts->record.head.kind),
                      payment_outcome_code((enum payment_outcome)facts->record.head.outcome));
    buf_append_format(out, "amount      %.*s minor units of asset %u\n",
                      STR_ARG(money_format(payment->amount, 0, amount)), payment->asset);
    buf_append_format(out, "at          %.*s, batch %" PRIu64 ", unit %u, lane %u\n",
                      STR_ARG(wall_time_format(facts->place.stamp, time)), facts->place.batch,
                      facts->place.unit, facts->place.lane);
    buf_append_format(out, "log         %.*s: leaf %" PRIu64 " of %" PRIu64 "\n",
                      STR_ARG(trust->proof.origin), facts->index, facts->proof.head.size);
    buf_append_format(out, "witnesses   %u of %u cosigned\n", facts->proof.cosigned_by,
                      trust->proof.witness_count);
    buf_append_format(out, "proven      this record is in the log whose key you gave\n");
    buf_append_format(out, "not proven  %s\n", NOT_PROVEN);
}

static void facts_json(const struct receipt_facts *facts, const struct trust *trust,
                       struct buf *out)
{
    const struct payment *payment = &facts->record.payment;
    char id[UUID_TEXT_LEN + 1];
    char amount[MONEY_TEXT_SIZE];
    struct json_writer json;
    json_writer_init(&json, out);
    uuid_format(payment->id.value, id);
    const struct {
        struct str name;
        struct str text;
    } texts[] = {
        { STR("payment"), str_from(id) },
        { STR("state"), str_from(payment_state_name(payment->state)) },
        { STR("amount_minor"), money_format(payment->amount, 0, amount) },
        { STR("origin"), trust->proof.origin },
        { STR("not_proven"), str_from(NOT_PROVEN) },
    };
    const struct {
        struct str name;
        uint64_t number;
    } numbers[] = {
        { STR("asset"), payment->asset },
        { STR("lane"), facts->place.lane },
        { STR("batch"), facts->place.batch },
        { STR("unit"), facts->place.unit },
        { STR("index"), facts->index },
        { STR("tree_size"), facts->proof.head.size },
        { STR("cosigned_by"), facts->proof.cosigned_by },
    };
    json_write_object_begin(&json);
    json_write_key(&json, STR("verified"));
    json_write_bool(&json, true);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_write_key(&json, texts[i].name);
        json_write_string(&json, texts[i].text);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&json, numbers[i].name);
        json_write_uint64(&json, numbers[i].number);
    }
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    buf_append_byte(out, '\n');
}

static int verify_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct trust trust = { 0 };
    struct receipt_facts facts;
    struct arena arena;
    BUF_SCOPE struct buf text;
    BUF_SCOPE struct buf out;
    buf_init(&text, RECEIPT_SIZE_MAX);
    buf_init(&out, 64 << 10);
    enum status status = trust_parse(invocation, &trust, &error);
    if (status == STATUS_OK) status = file_bytes_read(invocation->positionals[0], &text, &error);
    if (status == STATUS_OK && text.len > 0 && text.data[text.len - 1] == '\n') text.len--;
    if (status != STATUS_OK) return report_error(invocation, &error);
    status = arena_init(&arena, 2 * RECEIPT_SIZE_MAX);
    if (status != STATUS_OK) {
        (void)error_set(&error, status, "no memory for the receipt"); /* as it is */
        return report_error(invocation, &error);
    }
    status = receipt_verify(buf_view(&text), &trust.proof, &arena, &facts, &error);
    arena_done(&arena);
    if (status != STATUS_OK) return report_refused(invocation, &error);
    if (invocation->json) {
        facts_json(&facts, &trust, &out);
    } else {
        facts_text(&facts, &trust, &out);
    }
    return report_text(invocation, buf_view(&out));
}

static const struct positional verify_positional[] = {
    { "FILE", "the receipt, as GET /v1/payments/{id}/receipt answers it", false },
    { 0 },
};

static const struct option verify_options[] = {
    TRUST_OPTIONS,
    { 0 },
};

const struct command command_receipt_verify = {
    .name = "receipt verify",
    .summary = "verify a payment's receipt offline: no ledger, no network",
    .details =
        "Verifies the checkpoint's signature by the key, that the leaf stands in the signed tree,\n"
        "that the leaf commits to the record, and that the facts are the record's. Says what is\n"
        "proven and what is not. Ends with exit code 1 when anything is not as it must be.",
    .positionals = verify_positional,
    .options = verify_options,
    .examples = "receipt verify receipt.json --key ledger.example.com/0+132d55bf+AaSKmZR1Dh9ai7q/"
                "XLXoK2QCe1zC3hJLDGYWZdN/CuoV",
    .run = verify_run,
};
