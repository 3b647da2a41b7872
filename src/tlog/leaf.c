#include "tlog/leaf.h"

#include <string.h>

#include "base/check.h"

_Static_assert((int)RECORD_TRANSFER_LONG_SIZE <= (int)LEAF_RECORD_SIZE_MAX, "room for the longest");
_Static_assert(sizeof(struct record_credential) <= LEAF_RECORD_SIZE_MAX, "room for the longest");

static const char SALT_TAG[4] = { 'T', 'P', 'W', 'S' };
static const char COMMITMENT_TAG[4] = { 'T', 'P', 'W', 'C' };

/* ---- Making ---- */

void leaf_begin(struct leaf *leaf, const struct leaf_head *head)
{
    CHECK(head->stamp.ns > 0);
    leaf->head = *head;
    leaf->head.magic = LEAF_MAGIC;
    leaf->head.version = LEAF_VERSION;
    leaf->head.part_count = 0;
}

/*
 * The salts of two parts, from one block of SHA-256. Everything has a fixed size, so the key in
 * front makes it a PRF, of whose output one half tells nothing of the other.
 */
static struct digest salts_of(const struct secret *key, const struct leaf_head *head, uint32_t part)
{
    CHECK(key->size == LEAF_KEY_SIZE);
    CHECK(part < LEAF_PARTS_MAX);
    struct __attribute__((packed)) {
        char tag[4];
        uint8_t key[LEAF_KEY_SIZE];
        uint32_t lane;
        uint64_t batch;
        uint32_t unit;
        uint16_t pair;
    } message = { .lane = head->lane, .batch = head->batch, .unit = head->unit };
    _Static_assert(sizeof message == 54, "hashed as it is, in one block");
    memcpy(message.tag, SALT_TAG, sizeof message.tag);
    memcpy(message.key, key->bytes, sizeof message.key);
    message.pair = (uint16_t)(part / 2);
    struct digest digest = digest_of(&message, sizeof message);
    secret_wipe(&message, sizeof message);
    return digest;
}

static struct leaf_salt half_of(const struct digest *salts, uint32_t part)
{
    struct leaf_salt salt;
    _Static_assert(2 * sizeof salt.bytes == sizeof salts->bytes, "two halves");
    memcpy(salt.bytes, salts->bytes + sizeof salt.bytes * (part % 2), sizeof salt.bytes);
    return salt;
}

struct leaf_salt leaf_salt_of(const struct secret *key, const struct leaf_head *head, uint32_t part)
{
    struct digest salts = salts_of(key, head, part);
    return half_of(&salts, part);
}

static struct digest commitment(const struct leaf_salt *salt, const struct leaf_record *record)
{
    uint8_t message[sizeof COMMITMENT_TAG + sizeof salt->bytes + LEAF_RECORD_SIZE_MAX];
    memcpy(message, COMMITMENT_TAG, sizeof COMMITMENT_TAG);
    memcpy(message + sizeof COMMITMENT_TAG, salt->bytes, sizeof salt->bytes);
    size_t before = sizeof COMMITMENT_TAG + sizeof salt->bytes;
    memcpy(message + before, record->bytes, record->size);
    return digest_of(message, before + record->size);
}

void leaf_record_make(const struct record_head *record, struct leaf_record *out_record)
{
    CHECK(record->size >= sizeof *record && record->size <= LEAF_RECORD_SIZE_MAX);
    memcpy(out_record->bytes, record, record->size);
    out_record->size = record->size;
    struct record_head *head = (struct record_head *)out_record->bytes;
    head->unit = 0;
    head->context = 0;
    head->check = 0;
    if (head->type == RECORD_TRANSFER && record->size >= sizeof(struct record_transfer)) {
        struct record_transfer *transfer = (struct record_transfer *)out_record->bytes;
        transfer->previous_debit = (struct locator){ 0 };
        transfer->previous_credit = (struct locator){ 0 };
    }
    if (head->type == RECORD_PAYMENT && record->size >= sizeof(struct record_payment)) {
        struct record_payment *payment = (struct record_payment *)out_record->bytes;
        payment->previous = (struct locator){ 0 };
    }
}

void leaf_add(struct leaf *leaf, const struct secret *key, const struct record_head *record)
{
    uint32_t part = leaf->head.part_count;
    CHECK(part < LEAF_PARTS_MAX);
    CHECK((part == 0) == (record->type == RECORD_CONTEXT));
    struct leaf_record hidden;
    if (part % 2 == 0) leaf->salts = salts_of(key, &leaf->head, part);
    struct leaf_salt salt = half_of(&leaf->salts, part);
    leaf_record_make(record, &hidden);
    leaf->parts[part] = commitment(&salt, &hidden);
    leaf->head.part_count++;
}

/* ---- Reading ---- */

static enum status not_a_leaf(struct error *out_error, const char *why)
{
    enum status status = error_set(out_error, STATUS_INVALID, "this is no entry of a wallet's log");
    error_detail(out_error, "%s", why);
    return status;
}

enum status leaf_parse(struct str bytes, struct leaf *out_leaf, struct error *out_error)
{
    struct leaf_head head;
    if (bytes.len < sizeof head) return not_a_leaf(out_error, "it is too short");
    memcpy(&head, bytes.data, sizeof head);
    if (head.magic != LEAF_MAGIC) return not_a_leaf(out_error, "it does not begin with TPWL");
    if (head.version != LEAF_VERSION) return not_a_leaf(out_error, "its version is unknown");
    if (head.part_count < 2 || head.part_count > LEAF_PARTS_MAX) {
        return not_a_leaf(out_error, "it has too few parts or too many");
    }
    if (head.stamp.ns <= 0) return not_a_leaf(out_error, "its stamp is no time");
    size_t size = head.part_count * sizeof out_leaf->parts[0];
    if (bytes.len != sizeof head + size) return not_a_leaf(out_error, "its size is wrong");
    out_leaf->head = head;
    memcpy(out_leaf->parts, bytes.data + sizeof head, size);
    return STATUS_OK;
}

/*
 * The size of a record of this type; of a transfer the shorter one, 0 for an unknown type. The
 * compiler tells of a new type here: leaf_record_make() must know what in it says only places.
 */
static size_t size_of_type(uint8_t type)
{
    switch ((enum record_type)type) {
    case RECORD_CONTEXT: return sizeof(struct record_context);
    case RECORD_ACCOUNT: return sizeof(struct record_account);
    case RECORD_TRANSFER: return sizeof(struct record_transfer);
    case RECORD_ACCOUNT_CHANGE: return sizeof(struct record_account_change);
    case RECORD_ASSET: return sizeof(struct record_asset);
    case RECORD_PERIOD: return sizeof(struct record_period);
    case RECORD_CREDENTIAL: return sizeof(struct record_credential);
    case RECORD_PAYMENT: return sizeof(struct record_payment);
    case RECORD_RATE: return sizeof(struct record_rate);
    case RECORD_NOTICE: return sizeof(struct record_notice);
    case RECORD_RAISE: return sizeof(struct record_raise);
    }
    return 0;
}

/* Whether reading it as its type stays within its bytes, and nothing stands where zero must. */
static bool is_record(const struct leaf_record *record, uint32_t part)
{
    const struct record_head *head = (const struct record_head *)record->bytes;
    if (record->size < sizeof *head || head->size != record->size) return false;
    if ((part == 0) != (head->type == RECORD_CONTEXT)) return false;
    size_t size = size_of_type(head->type);
    bool may_be_long = head->type == RECORD_TRANSFER;
    if (record->size != size && !(may_be_long && record->size == RECORD_TRANSFER_LONG_SIZE)) {
        return false;
    }
    struct leaf_record again;
    leaf_record_make(head, &again);
    return memcmp(again.bytes, record->bytes, record->size) == 0;
}

enum status leaf_open(const struct leaf *leaf, const struct leaf_opening *opening,
                      struct leaf_record *out_record, struct error *out_error)
{
    struct leaf_record record;
    if (opening->part >= leaf->head.part_count) {
        return error_set(out_error, STATUS_INVALID, "the entry has no part %u", opening->part);
    }
    if (opening->record.len > LEAF_RECORD_SIZE_MAX) {
        return error_set(out_error, STATUS_INVALID, "this is too long for a record");
    }
    record.size = opening->record.len;
    if (record.size > 0) memcpy(record.bytes, opening->record.data, record.size);
    struct digest expected = commitment(&opening->salt, &record);
    if (!digest_equal(&expected, &leaf->parts[opening->part])) {
        return error_set(out_error, STATUS_INVALID, "the entry commits to another record");
    }
    if (!is_record(&record, opening->part)) {
        return error_set(out_error, STATUS_INVALID, "the entry commits to what is no record");
    }
    *out_record = record;
    return STATUS_OK;
}
