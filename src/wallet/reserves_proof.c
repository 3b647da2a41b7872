#include "wallet/reserves_proof.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/json_reader.h"

#define FORMAT STR("tpwallet-reserves-proof/1")
#define FAMILY STR("\"tpwallet-reserves-proof/")

enum { BEGINNING_LEN_MAX = 64 };

static enum status not_a_proof(struct error *out_error, const char *why)
{
    enum status status = error_set(out_error, STATUS_INVALID, "the proof is not verified");
    error_detail(out_error, "%s", why);
    return status;
}

bool reserves_is_proof(struct str text)
{
    for (size_t at = 0; at < text.len && at < BEGINNING_LEN_MAX; at++) {
        if (str_starts((struct str){ text.data + at, text.len - at }, FAMILY)) return true;
    }
    return false;
}

/* ---- Writing ---- */

enum {
    FIELD_FORMAT,
    FIELD_ASSET,
    FIELD_ACCOUNT,
    FIELD_BALANCE,
    FIELD_SNAPSHOT,
    FIELD_SHARES,
    FIELD_COUNT
};
static const struct str field_names[FIELD_COUNT] = { { "format", 6 },   { "asset", 5 },
                                                     { "account", 7 },  { "balance", 7 },
                                                     { "snapshot", 8 }, { "shares", 6 } };

enum { SHARE_PLACE, SHARE_AMOUNT, SHARE_SALT, SHARE_PATH, SHARE_COUNT };
static const struct str share_names[SHARE_COUNT] = {
    { "place", 5 }, { "amount", 6 }, { "salt", 4 }, { "path", 4 }
};

enum { NODE_HASH, NODE_SUM, NODE_COUNT };
static const struct str node_names[NODE_COUNT] = { { "hash", 4 }, { "sum", 3 } };

static void bytes_write(struct json_writer *json, struct str key, const void *bytes, size_t size)
{
    char text[BASE64_TEXT_SIZE(sizeof(struct digest))];
    CHECK(size <= sizeof(struct digest));
    json_write_key(json, key);
    json_write_string(json, base64_format(bytes, size, text));
}

static void share_write(const struct reserves_proof *proof, const struct sum_share *share,
                        struct json_writer *json)
{
    unsigned exponent = proof->asset.exponent;
    json_write_object_begin(json);
    json_write_key(json, share_names[SHARE_PLACE]);
    json_write_uint64(json, share->place);
    json_write_key(json, share_names[SHARE_AMOUNT]);
    json_write_money(json, share->amount, exponent);
    bytes_write(json, share_names[SHARE_SALT], share->salt.bytes, sizeof share->salt.bytes);
    json_write_key(json, share_names[SHARE_PATH]);
    json_write_array_begin(json);
    for (uint32_t i = 0; i < proof->height; i++) {
        const struct sum_node *node = &share->siblings[i];
        json_write_object_begin(json);
        bytes_write(json, node_names[NODE_HASH], node->hash.bytes, sizeof node->hash.bytes);
        json_write_key(json, node_names[NODE_SUM]);
        json_write_money(json, node->sum, exponent);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
}

enum status reserves_proof_write(const struct reserves_proof *proof, struct buf *out_json)
{
    CHECK(proof->height <= SUM_HEIGHT_MAX && proof->sums->share_count <= SUM_SHARES_MAX);
    struct json_writer json;
    json_writer_init(&json, out_json);
    json_write_object_begin(&json);
    json_write_key(&json, field_names[FIELD_FORMAT]);
    json_write_string(&json, FORMAT);
    json_write_key(&json, field_names[FIELD_ASSET]);
    json_write_string(&json, str_from(proof->asset.code));
    json_write_key(&json, field_names[FIELD_ACCOUNT]);
    json_write_uuid(&json, proof->account.value);
    json_write_key(&json, field_names[FIELD_BALANCE]);
    json_write_money(&json, proof->balance, proof->asset.exponent);
    json_write_key(&json, field_names[FIELD_SNAPSHOT]);
    reserves_snapshot_write(&proof->snapshot, &json);
    json_write_key(&json, field_names[FIELD_SHARES]);
    json_write_array_begin(&json);
    for (uint32_t i = 0; i < proof->sums->share_count; i++) {
        share_write(proof, &proof->sums->shares[i], &json);
    }
    json_write_array_end(&json);
    json_write_object_end(&json);
    return json_write_end(&json);
}

/* ---- Reading ---- */

static void amount_read(struct json_reader *json, unsigned exponent, struct money *out_amount)
{
    struct str text;
    if (!json_string(json, &text)) return;
    if (money_parse(text, exponent, out_amount) == STATUS_OK) return;
    if (text.len > 0 && text.data[0] == '-') {
        json_fail(json, "an amount is negative");
    } else if (money_parse(text, exponent, out_amount) == STATUS_LIMIT) {
        json_fail(json, "an amount passes 128 bits");
    } else {
        json_fail(json, "an amount is not written as its asset's are");
    }
}

static void bytes_read(struct json_reader *json, void *out_bytes, size_t size)
{
    struct str text;
    if (!json_string(json, &text)) return;
    if (base64_parse_exact(text, out_bytes, size) == STATUS_OK) return;
    json_fail(json, "a hash or salt is not so many bytes in base64");
}

static void node_read(struct json_reader *json, unsigned exponent, struct sum_node *node)
{
    static const struct json_fields fields = { node_names, NODE_COUNT };
    if (!json_object_begin(json)) return;
    unsigned field;
    while (json_object_field(json, &fields, &field)) {
        if (field == NODE_HASH) {
            bytes_read(json, node->hash.bytes, sizeof node->hash.bytes);
        } else {
            amount_read(json, exponent, &node->sum);
        }
    }
    if (json_fields_seen(json) != (1U << NODE_COUNT) - 1) json_fail(json, "a member is missing");
}

static void path_read(struct json_reader *json, const struct reserves_proof *proof,
                      struct sum_share *share)
{
    uint32_t count = 0;
    if (!json_array_begin(json)) return;
    while (json_array_next(json)) {
        if (count == proof->height) {
            json_fail(json, "a path is longer than the tree is high");
            return;
        }
        node_read(json, proof->asset.exponent, &share->siblings[count++]);
    }
    if (count < proof->height) json_fail(json, "a path is shorter than the tree is high");
}

static void share_read(struct json_reader *json, const struct reserves_proof *proof,
                       struct sum_share *share)
{
    static const struct json_fields fields = { share_names, SHARE_COUNT };
    uint64_t place = 0;
    if (!json_object_begin(json)) return;
    unsigned field;
    while (json_object_field(json, &fields, &field)) {
        switch (field) {
        case SHARE_PLACE: (void)json_uint64(json, &place); break; /* json_end() looks */
        case SHARE_AMOUNT: amount_read(json, proof->asset.exponent, &share->amount); break;
        case SHARE_SALT: bytes_read(json, share->salt.bytes, sizeof share->salt.bytes); break;
        default: path_read(json, proof, share); break;
        }
    }
    if (json_fields_seen(json) != (1U << SHARE_COUNT) - 1) json_fail(json, "a member is missing");
    if (place > UINT32_MAX) json_fail(json, "a share is outside of the tree");
    share->place = (uint32_t)place;
}

static void shares_read(struct json_reader *json, struct reserves_proof *proof)
{
    if (!json_array_begin(json)) return;
    while (json_array_next(json)) {
        if (proof->sums->share_count == SUM_SHARES_MAX) {
            json_fail(json, "it has more shares than a balance can have");
            return;
        }
        share_read(json, proof, &proof->sums->shares[proof->sums->share_count++]);
    }
}

/* The members, those that are objects or lists as they are written. */
static enum status members_read(struct str text, struct arena *arena,
                                struct str out_texts[FIELD_COUNT], struct error *out_error)
{
    static const struct json_fields fields = { field_names, FIELD_COUNT };
    uint64_t seen = 0;
    struct json_reader json;
    json_reader_init(&json, text, arena);
    if (json_object_begin(&json)) {
        unsigned field;
        while (json_object_field(&json, &fields, &field)) {
            if (field == FIELD_SNAPSHOT || field == FIELD_SHARES) {
                (void)json_raw(&json, &out_texts[field]); /* json_end() looks */
            } else {
                (void)json_string(&json, &out_texts[field]); /* json_end() looks */
            }
        }
        seen = json_fields_seen(&json);
    }
    if (json_end(&json) != STATUS_OK) return not_a_proof(out_error, json.reason);
    if (seen != (1U << FIELD_COUNT) - 1) return not_a_proof(out_error, "a member is missing");
    if (str_equal(out_texts[FIELD_FORMAT], FORMAT)) return STATUS_OK;
    return not_a_proof(out_error, "its format is not tpwallet-reserves-proof/1");
}

/* What the other members are read by: the asset's decimals, the tree's height. */
static enum status terms_read(struct str text, struct arena *arena, struct reserves_proof *proof,
                              struct error *out_error)
{
    struct note note;
    struct reserves_statement statement;
    enum status status = reserves_snapshot_parse(text, arena, &proof->snapshot, out_error);
    if (status == STATUS_OK) status = note_parse(proof->snapshot.statement, &note, out_error);
    if (status == STATUS_OK) status = reserves_statement_parse(note.text, &statement, out_error);
    if (status != STATUS_OK) return status;
    proof->asset = statement.asset;
    proof->height = statement.tree.height;
    return STATUS_OK;
}

static enum status sums_read(const struct str texts[FIELD_COUNT], struct arena *arena,
                             struct reserves_proof *proof, struct error *out_error)
{
    struct json_reader json;
    *proof->sums = (struct sum_proof){ 0 };
    if (uuid_parse(texts[FIELD_ACCOUNT], &proof->account.value) != STATUS_OK) {
        return not_a_proof(out_error, "`account` is no UUID");
    }
    if (!str_equal(texts[FIELD_ASSET], str_from(proof->asset.code))) {
        return not_a_proof(out_error, "`asset` is not that of the snapshot");
    }
    if (money_parse(texts[FIELD_BALANCE], proof->asset.exponent, &proof->balance) != STATUS_OK) {
        return not_a_proof(out_error, "`balance` is no amount of the asset, from zero to 128 bits");
    }
    json_reader_init(&json, texts[FIELD_SHARES], arena);
    shares_read(&json, proof);
    return json_end(&json) == STATUS_OK ? STATUS_OK : not_a_proof(out_error, json.reason);
}

static bool is_as_written(const struct reserves_proof *proof, struct str text)
{
    BUF_SCOPE struct buf again;
    buf_init(&again, RESERVES_PROOF_SIZE_MAX);
    return reserves_proof_write(proof, &again) == STATUS_OK && str_equal(buf_view(&again), text);
}

enum status reserves_proof_parse(struct str text, struct arena *arena, struct sum_proof *sums,
                                 struct reserves_proof *out_proof, struct error *out_error)
{
    struct str texts[FIELD_COUNT] = { 0 };
    struct reserves_proof proof = { .sums = sums };
    if (text.len > RESERVES_PROOF_SIZE_MAX) {
        return error_set(out_error, STATUS_LIMIT, "this is too large for a proof of a balance");
    }
    enum status status = members_read(text, arena, texts, out_error);
    if (status == STATUS_OK) {
        status = terms_read(texts[FIELD_SNAPSHOT], arena, &proof, out_error);
    }
    if (status == STATUS_OK) status = sums_read(texts, arena, &proof, out_error);
    if (status != STATUS_OK) return status;
    if (!is_as_written(&proof, text)) return not_a_proof(out_error, "it is not written as we do");
    *out_proof = proof;
    return STATUS_OK;
}

/* ---- Verifying ---- */

enum status reserves_proof_verify(const struct reserves_proof *proof, const struct note_key *key,
                                  struct reserves_facts *out_facts, struct error *out_error)
{
    struct reserves_facts facts;
    struct money balance = MONEY_ZERO;
    enum status status = reserves_snapshot_verify(&proof->snapshot, key, &facts, out_error);
    if (status != STATUS_OK) return status;
    status = sum_verify(&facts.statement.tree, proof->account, proof->sums, &balance, out_error);
    if (status != STATUS_OK) return status;
    if (!money_equal(balance, proof->balance)) {
        return not_a_proof(out_error, "the shares come to another balance than it names");
    }
    *out_facts = facts;
    return STATUS_OK;
}
