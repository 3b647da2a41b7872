#include "wallet/receipt.h"

#include <inttypes.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "model/position.h"
#include "wallet/batch.h"

#define FORMAT STR("tpwallet-receipt/1")

/* ---- The facts: written by one function, so that they can be held against the record ---- */

static void fact_text(struct json_writer *json, struct str key, const char *text)
{
    json_write_key(json, key);
    json_write_string(json, str_from(text));
}

static void fact_id(struct json_writer *json, struct str key, struct uuid id)
{
    char text[UUID_TEXT_LEN + 1];
    if (uuid_is_nil(id)) return;
    uuid_format(id, text);
    fact_text(json, key, text);
}

static void fact_money(struct json_writer *json, struct str key, struct money amount)
{
    char text[MONEY_TEXT_SIZE];
    json_write_key(json, key);
    json_write_string(json, money_format(amount, 0, text));
}

static void fact_number(struct json_writer *json, struct str key, uint64_t number)
{
    json_write_key(json, key);
    json_write_uint64(json, number);
}

/* Amounts in minor units, assets by number: what they are called is in no record. */
static void facts_write(struct json_writer *json, const struct leaf_head *place,
                        const struct record_payment *record)
{
    const struct payment *payment = &record->payment;
    char position[POSITION_TEXT_SIZE];
    char time[TIME_TEXT_SIZE];
    json_write_object_begin(json);
    fact_id(json, STR("id"), payment->id.value);
    fact_text(json, STR("kind"), payment_kind_name(payment->kind));
    fact_text(json, STR("state"), payment_state_name(payment->state));
    fact_text(json, STR("cause"), payment_cause_name(record->head.kind));
    fact_text(json, STR("outcome"),
              payment_outcome_code((enum payment_outcome)record->head.outcome));
    fact_id(json, STR("wallet"), payment->wallet.value);
    fact_id(json, STR("counter"), payment->counter.value);
    fact_id(json, STR("parent"), payment->parent.value);
    fact_id(json, STR("user_ref"), payment->user_ref);
    fact_number(json, STR("asset"), payment->asset);
    fact_money(json, STR("amount_minor"), payment->amount);
    fact_money(json, STR("captured_minor"), payment->captured);
    fact_money(json, STR("refunded_minor"), payment->refunded);
    fact_money(json, STR("disputed_minor"), payment->disputed);
    fact_number(json, STR("version"), payment->version);
    fact_number(json, STR("lane"), place->lane);
    const struct position unit = { place->batch, place->unit };
    json_write_key(json, STR("position"));
    json_write_string(json, position_format(unit, position));
    json_write_key(json, STR("at"));
    json_write_string(json, wall_time_format(place->stamp, time));
    json_write_object_end(json);
}

/* ---- Making ---- */

/* The payment's record in the unit, and which part of the leaf it is. */
static enum status record_find(struct store *journal, struct position unit,
                               struct payment_id payment, struct leaf_record *out_record,
                               uint32_t *out_part, struct error *out_error)
{
    BUF_SCOPE struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    struct batch_reader reader;
    const struct record_head *record;
    uint32_t part = 0;
    enum status status = journal->read(journal, unit.batch, &blob, out_error);
    if (status == STATUS_OK) status = batch_open(buf_view(&blob), &reader, out_error);
    while (status == STATUS_OK) {
        status = batch_next(&reader, &record, out_error);
        if (status != STATUS_OK) break;
        if (record->type == RECORD_CONTEXT || record->unit != unit.index) continue;
        part++;
        if (record->type != RECORD_PAYMENT) continue;
        const struct record_payment *found = (const struct record_payment *)record;
        if (!uuid_equal(found->payment.id.value, payment.value)) continue;
        leaf_record_make(record, out_record);
        *out_part = part;
        return STATUS_OK;
    }
    return status;
}

static void base64_member(struct json_writer *json, struct str key, const void *bytes, size_t size)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, BASE64_TEXT_SIZE(RECEIPT_LEAF_SIZE_MAX));
    base64_append(&text, bytes, size);
    CHECK(buf_status(&text) == STATUS_OK);
    json_write_key(json, key);
    json_write_string(json, buf_view(&text));
}

static enum status evidence_write(struct log_relay *relay, const struct log_evidence *evidence,
                                  const struct leaf_record *record, uint32_t part,
                                  struct buf *out_json)
{
    BUF_SCOPE struct buf proof;
    buf_init(&proof, PROOF_SIZE_MAX);
    proof_format(&evidence->proof, &proof);
    if (buf_status(&proof) != STATUS_OK) return STATUS_LIMIT;
    struct leaf_salt salt = log_relay_salt(relay, &evidence->leaf, part);
    struct str leaf = leaf_bytes(&evidence->leaf);
    struct json_writer json;
    json_writer_init(&json, out_json);
    json_write_object_begin(&json);
    json_write_key(&json, STR("format"));
    json_write_string(&json, FORMAT);
    json_write_key(&json, STR("payment"));
    facts_write(&json, &evidence->leaf.head, (const struct record_payment *)record->bytes);
    fact_number(&json, STR("part"), part);
    base64_member(&json, STR("salt"), salt.bytes, sizeof salt.bytes);
    base64_member(&json, STR("record"), record->bytes, record->size);
    base64_member(&json, STR("leaf"), leaf.data, leaf.len);
    json_write_key(&json, STR("proof"));
    json_write_string(&json, buf_view(&proof));
    json_write_object_end(&json);
    return json_write_end(&json);
}

enum status receipt_write(struct log_relay *relay, struct store *journal, struct position unit,
                          struct payment_id payment, struct buf *out_json, struct error *out_error)
{
    struct leaf_record record;
    uint32_t part = 0;
    struct log_evidence evidence;
    buf_init(&evidence.checkpoint, NOTE_SIZE_MAX);
    enum status status = log_relay_prove(relay, unit, &evidence, out_error);
    if (status == STATUS_OK)
        status = record_find(journal, unit, payment, &record, &part, out_error);
    if (status == STATUS_OK) status = evidence_write(relay, &evidence, &record, part, out_json);
    buf_free(&evidence.checkpoint);
    return status;
}

/* ---- Verifying ---- */

enum {
    FIELD_FORMAT,
    FIELD_PAYMENT,
    FIELD_PART,
    FIELD_SALT,
    FIELD_RECORD,
    FIELD_LEAF,
    FIELD_PROOF,
    FIELD_COUNT
};
static const struct str field_names[FIELD_COUNT] = { { "format", 6 }, { "payment", 7 },
                                                     { "part", 4 },   { "salt", 4 },
                                                     { "record", 6 }, { "leaf", 4 },
                                                     { "proof", 5 } };

struct receipt {
    struct str texts[FIELD_COUNT]; /* of the strings */
    struct str payment;            /* as it is written */
    uint64_t part;
};

static enum status not_a_receipt(struct error *out_error, const char *why)
{
    enum status status = error_set(out_error, STATUS_INVALID, "the receipt is not verified");
    error_detail(out_error, "%s", why);
    return status;
}

static enum status receipt_parse(struct str text, struct arena *arena, struct receipt *out,
                                 struct error *out_error)
{
    static const struct json_fields fields = { field_names, FIELD_COUNT };
    struct json_reader json;
    json_reader_init(&json, text, arena);
    uint64_t seen = 0;
    if (json_object_begin(&json)) {
        unsigned field;
        while (json_object_field(&json, &fields, &field)) {
            if (field == FIELD_PAYMENT) {
                (void)json_raw(&json, &out->payment); /* json_end() looks */
            } else if (field == FIELD_PART) {
                (void)json_uint64(&json, &out->part); /* json_end() looks */
            } else {
                (void)json_string(&json, &out->texts[field]); /* json_end() looks */
            }
        }
        seen = json_fields_seen(&json);
    }
    if (json_end(&json) != STATUS_OK) return not_a_receipt(out_error, json.reason);
    if (seen != (1U << FIELD_COUNT) - 1) return not_a_receipt(out_error, "a member is missing");
    if (str_equal(out->texts[FIELD_FORMAT], FORMAT)) return STATUS_OK;
    return not_a_receipt(out_error, "its format is not tpwallet-receipt/1");
}

static enum status facts_compare(const struct receipt *receipt, const struct receipt_facts *facts,
                                 struct error *out_error)
{
    BUF_SCOPE struct buf again;
    buf_init(&again, 16 << 10);
    struct json_writer json;
    json_writer_init(&json, &again);
    facts_write(&json, &facts->place, &facts->record);
    CHECK(json_write_end(&json) == STATUS_OK);
    if (str_equal(buf_view(&again), receipt->payment)) return STATUS_OK;
    return not_a_receipt(out_error, "`payment` does not say what the proven record says");
}

/* Enumerated bytes are names to us: a signed record has none but these. */
static bool record_is_known(const struct record_payment *record)
{
    const struct payment *payment = &record->payment;
    return record->head.type == RECORD_PAYMENT && payment->kind < PAYMENT_KIND_END &&
           payment->state < PAYMENT_STATE_END && record->head.kind < PAYMENT_CAUSE_END &&
           record->head.outcome < PAYMENT_OUTCOME_COUNT;
}

static enum status record_open(const struct receipt *receipt, const struct leaf *leaf,
                               struct receipt_facts *facts, struct error *out_error)
{
    uint8_t bytes[LEAF_RECORD_SIZE_MAX];
    struct leaf_record record;
    size_t size = 0;
    struct leaf_opening opening;
    if (receipt->part == 0 || receipt->part > UINT32_MAX) {
        return not_a_receipt(out_error, "`part` is none of a record");
    }
    opening.part = (uint32_t)receipt->part;
    if (base64_parse_exact(receipt->texts[FIELD_SALT], opening.salt.bytes,
                           sizeof opening.salt.bytes) != STATUS_OK) {
        return not_a_receipt(out_error, "`salt` is not 16 bytes in base64");
    }
    if (base64_parse(receipt->texts[FIELD_RECORD], sizeof bytes, bytes, &size) != STATUS_OK) {
        return not_a_receipt(out_error, "`record` is no record in base64");
    }
    opening.record = (struct str){ (const char *)bytes, size };
    enum status status = leaf_open(leaf, &opening, &record, out_error);
    if (status != STATUS_OK) return status;
    if (record.size != sizeof facts->record) {
        return not_a_receipt(out_error, "the record is not a payment's");
    }
    memcpy(&facts->record, record.bytes, sizeof facts->record);
    if (!record_is_known(&facts->record)) {
        return not_a_receipt(out_error, "the record is not a payment's, or of a newer kind");
    }
    return STATUS_OK;
}

static enum status verify(const struct receipt *receipt, const struct proof_trust *trust,
                          struct receipt_facts *facts, struct error *out_error)
{
    static const size_t size_max = RECEIPT_LEAF_SIZE_MAX;
    uint8_t bytes[RECEIPT_LEAF_SIZE_MAX];
    size_t size = 0;
    struct leaf leaf;
    struct proof proof;
    if (base64_parse(receipt->texts[FIELD_LEAF], size_max, bytes, &size) != STATUS_OK) {
        return not_a_receipt(out_error, "`leaf` is no entry in base64");
    }
    enum status status = leaf_parse((struct str){ (const char *)bytes, size }, &leaf, out_error);
    if (status == STATUS_OK) status = proof_parse(receipt->texts[FIELD_PROOF], &proof, out_error);
    if (status != STATUS_OK) return status;
    struct digest hash = tree_leaf(bytes, size);
    status = proof_verify(&proof, &hash, trust, &facts->proof, out_error);
    if (status != STATUS_OK) return status;
    facts->index = proof.index;
    facts->place = leaf.head;
    status = record_open(receipt, &leaf, facts, out_error);
    return status == STATUS_OK ? facts_compare(receipt, facts, out_error) : status;
}

enum status receipt_verify(struct str json, const struct proof_trust *trust, struct arena *arena,
                           struct receipt_facts *out_facts, struct error *out_error)
{
    struct receipt receipt = { 0 };
    struct receipt_facts facts;
    if (json.len > RECEIPT_SIZE_MAX) {
        return error_set(out_error, STATUS_LIMIT, "this is too large for a receipt");
    }
    enum status status = receipt_parse(json, arena, &receipt, out_error);
    if (status != STATUS_OK) return status;
    status = verify(&receipt, trust, &facts, out_error);
    if (status == STATUS_OK) *out_facts = facts;
    return status;
}
