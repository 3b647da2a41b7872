#include "wallet/reserves_snapshot.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/json_reader.h"

#define FORMAT STR("tpwallet-reserves/1")

static enum status not_a_snapshot(struct error *out_error, const char *why)
{
    enum status status = error_set(out_error, STATUS_INVALID, "the snapshot is not verified");
    error_detail(out_error, "%s", why);
    return status;
}

/* ---- As text ---- */

enum { FIELD_FORMAT, FIELD_STATEMENT, FIELD_LEAF, FIELD_PROOF, FIELD_COUNT };
static const struct str field_names[FIELD_COUNT] = {
    { "format", 6 }, { "statement", 9 }, { "leaf", 4 }, { "proof", 5 }
};

void reserves_snapshot_write(const struct reserves_snapshot *snapshot, struct json_writer *json)
{
    const struct str texts[FIELD_COUNT] = { FORMAT, snapshot->statement, snapshot->leaf,
                                            snapshot->proof };
    json_write_object_begin(json);
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        json_write_key(json, field_names[i]);
        json_write_string(json, texts[i]);
    }
    json_write_object_end(json);
}

/* Any other text for the same would be one that nobody compares. */
static bool is_as_written(const struct reserves_snapshot *snapshot, struct str text)
{
    BUF_SCOPE struct buf again;
    buf_init(&again, RESERVES_SNAPSHOT_SIZE_MAX);
    struct json_writer json;
    json_writer_init(&json, &again);
    reserves_snapshot_write(snapshot, &json);
    return json_write_end(&json) == STATUS_OK && str_equal(buf_view(&again), text);
}

enum status reserves_snapshot_parse(struct str text, struct arena *arena,
                                    struct reserves_snapshot *out_snapshot, struct error *out_error)
{
    static const struct json_fields fields = { field_names, FIELD_COUNT };
    struct str texts[FIELD_COUNT] = { 0 };
    uint64_t seen = 0;
    struct json_reader json;
    if (text.len > RESERVES_SNAPSHOT_SIZE_MAX) {
        return error_set(out_error, STATUS_LIMIT, "this is too large for a snapshot of reserves");
    }
    json_reader_init(&json, text, arena);
    if (json_object_begin(&json)) {
        unsigned field;
        while (json_object_field(&json, &fields, &field)) {
            (void)json_string(&json, &texts[field]); /* json_end() looks */
        }
        seen = json_fields_seen(&json);
    }
    if (json_end(&json) != STATUS_OK) return not_a_snapshot(out_error, json.reason);
    if (seen != (1U << FIELD_COUNT) - 1) return not_a_snapshot(out_error, "a member is missing");
    if (!str_equal(texts[FIELD_FORMAT], FORMAT)) {
        return not_a_snapshot(out_error, "its format is not tpwallet-reserves/1");
    }
    const struct reserves_snapshot snapshot = { texts[FIELD_STATEMENT], texts[FIELD_LEAF],
                                                texts[FIELD_PROOF] };
    if (!is_as_written(&snapshot, text)) {
        return not_a_snapshot(out_error, "it is not written as we do");
    }
    *out_snapshot = snapshot;
    return STATUS_OK;
}

/* ---- Verifying ---- */

/* That the leaf is what the statement says of its place. */
static const char *place_fault(const struct reserves_statement *statement, const struct leaf *leaf,
                               const struct proof *proof, const struct tree_head *head)
{
    if (leaf->head.lane != statement->lane) return "the leaf is of another lane";
    if (leaf->head.batch != statement->at.batch || leaf->head.unit != statement->at.index) {
        return "the leaf is of another position";
    }
    if (proof->index != statement->index) return "the leaf stands elsewhere in the log";
    if (head->size != statement->log.size || !digest_equal(&head->root, &statement->log.root)) {
        return "the proof is under another checkpoint";
    }
    return NULL;
}

static enum status place_verify(const struct reserves_snapshot *snapshot,
                                const struct note_key *key, struct reserves_facts *facts,
                                struct error *out_error)
{
    struct leaf leaf;
    struct proof proof;
    struct proof_facts found;
    const struct proof_trust trust = { .log = key, .origin = note_key_name(key) };
    uint8_t bytes[sizeof leaf];
    size_t size = 0;
    if (base64_parse(snapshot->leaf, sizeof bytes, bytes, &size) != STATUS_OK) {
        return not_a_snapshot(out_error, "`leaf` is no entry in base64");
    }
    enum status status = leaf_parse((struct str){ (const char *)bytes, size }, &leaf, out_error);
    if (status == STATUS_OK) status = proof_parse(snapshot->proof, &proof, out_error);
    if (status != STATUS_OK) return status;
    struct digest hash = tree_leaf(bytes, size);
    status = proof_verify(&proof, &hash, &trust, &found, out_error);
    if (status != STATUS_OK) return status;
    const char *fault = place_fault(&facts->statement, &leaf, &proof, &found.head);
    if (fault != NULL) return not_a_snapshot(out_error, fault);
    facts->stamp = leaf.head.stamp;
    return STATUS_OK;
}

enum status reserves_snapshot_verify(const struct reserves_snapshot *snapshot,
                                     const struct note_key *key, struct reserves_facts *out_facts,
                                     struct error *out_error)
{
    struct note note;
    struct reserves_facts facts = { 0 };
    enum status status = note_parse(snapshot->statement, &note, out_error);
    if (status != STATUS_OK) return status;
    status = reserves_statement_open(&note, key, &facts.statement, out_error);
    if (status == STATUS_OK) status = place_verify(snapshot, key, &facts, out_error);
    if (status != STATUS_OK) return status;
    if (!reserves_coverage_of(&facts.statement, &facts.coverage)) {
        return not_a_snapshot(out_error, "the sums of its accounts pass 128 bits");
    }
    *out_facts = facts;
    return STATUS_OK;
}
