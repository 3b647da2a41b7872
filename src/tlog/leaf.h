/* leaf.h - a unit of the journal as an entry of the log: its place for all, its records hidden. */
#ifndef TLOG_LEAF_H
#define TLOG_LEAF_H

#include "base/error.h"
#include "crypto/secret.h"
#include "model/record.h"

enum {
    LEAF_MAGIC = 0x4C575054, /* "TPWL" in the log */
    LEAF_VERSION = 1,
    LEAF_PARTS_MAX = 1 + LINKED_MAX, /* a context, and the records of a linked group */
    LEAF_RECORD_SIZE_MAX = sizeof(struct record_payment), /* the longest */
    LEAF_KEY_SIZE = 32,
};

/*
 * What anybody sees of a unit: where and when it was written, and how many records it has. As
 * (lane, batch, unit) names one unit, no two share a leaf. Little-endian.
 */
struct leaf_head {
    uint32_t magic;
    uint16_t version;
    uint16_t part_count;
    uint32_t lane;
    uint32_t unit;
    uint64_t batch;
    struct wall_time stamp; /* of the batch */
};
_Static_assert(sizeof(struct leaf_head) == 32, "hashed as it is");

/*
 * The entry is the head and, for each part, a hiding commitment: SHA-256 over "TPWC", a salt of
 * 128 bits and the record. Part 0 is the unit's context, the others its records in their order;
 * each can be shown without the others by giving its salt. docs/decisions/007 says why.
 */
struct leaf {
    struct leaf_head head;
    struct digest parts[LEAF_PARTS_MAX];
    struct digest salts; /* of this part and the next, while it is made; not of the entry */
};
_Static_assert(offsetof(struct leaf, parts) == sizeof(struct leaf_head), "bytes without a gap");
_Static_assert(sizeof(struct leaf) < UINT16_MAX, "an entry bundle can hold it");

struct leaf_salt {
    uint8_t bytes[16];
};

/* A record as it is committed to: without what says only how it lies in its batch. */
struct leaf_record {
    _Alignas(16) uint8_t bytes[LEAF_RECORD_SIZE_MAX];
    size_t size;
};

/* ---- Making ---- */

/* part_count, magic and version are filled; CHECKs that the stamp is a time. */
void leaf_begin(struct leaf *leaf, const struct leaf_head *head);

/*
 * The next part: first the context (CHECKed), then the records, all whole as batch_next() gives
 * them. key has LEAF_KEY_SIZE bytes; who knows it can open every leaf of the lane.
 */
void leaf_add(struct leaf *leaf, const struct secret *key, const struct record_head *record);

/* The entry's bytes: a view into the leaf. */
static inline struct str leaf_bytes(const struct leaf *leaf)
{
    size_t size = sizeof leaf->head + leaf->head.part_count * sizeof leaf->parts[0];
    return (struct str){ (const char *)leaf, size };
}

/*
 * The salt of a part: of SHA-256 over "TPWS", the key, lane, batch, unit and half of the part's
 * number, rounded down, the first half when it is even, the second when it is odd.
 * So the log is made again from journal and key, and one salt tells nothing about another.
 */
struct leaf_salt leaf_salt_of(const struct secret *key, const struct leaf_head *head,
                              uint32_t part);

/*
 * The record with zeroes for its unit, context and check (which say how it lies in the batch) and
 * for the places of earlier records: of a transfer those of both accounts, of a payment its own.
 */
void leaf_record_make(const struct record_head *record, struct leaf_record *out_record);

/* ---- Reading ---- */

/* Of bytes from outside: STATUS_INVALID, with why, for anything but what leaf_bytes() gives. */
enum status leaf_parse(struct str bytes, struct leaf *out_leaf, struct error *out_error) MUST_CHECK;

/* What a receipt shows of a leaf: one part, from outside. */
struct leaf_opening {
    uint32_t part;
    struct leaf_salt salt;
    struct str record;
};

/*
 * Whether the part was committed to: STATUS_OK, and *out_record can be read as the struct that
 * its head names; STATUS_INVALID, with why, otherwise.
 */
enum status leaf_open(const struct leaf *leaf, const struct leaf_opening *opening,
                      struct leaf_record *out_record, struct error *out_error) MUST_CHECK;

#endif
