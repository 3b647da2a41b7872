/* reserves_snapshot.h - the public part of a snapshot of reserves: signed, and bound to the log. */
#ifndef WALLET_RESERVES_SNAPSHOT_H
#define WALLET_RESERVES_SNAPSHOT_H

#include "base/arena.h"
#include "base/json_writer.h"
#include "tlog/leaf.h"
#include "tlog/proof.h"
#include "wallet/reserves_statement.h"

/*
 * One JSON object: `statement` is a signed note (reserves_statement.h); `leaf` is the log's entry
 * of the unit at the statement's position, in base64; `proof` is a C2SP tlog-proof of that leaf
 * with the checkpoint. There is one text for a snapshot, and any other is refused.
 */
enum {
    RESERVES_NOTE_SIZE_MAX = RESERVES_TEXT_SIZE_MAX + (4 << 10), /* and a signature */
    RESERVES_SNAPSHOT_SIZE_MAX = 2 * PROOF_SIZE_MAX + (128 << 10),
};

struct reserves_snapshot {
    struct str statement; /* the note */
    struct str leaf;      /* in base64 */
    struct str proof;     /* the file */
};

/* As the value that is due in `json`. */
void reserves_snapshot_write(const struct reserves_snapshot *snapshot, struct json_writer *json);

/*
 * Views into the text or the arena, which needs twice the text's size. STATUS_INVALID, with why;
 * STATUS_LIMIT. Nothing is verified.
 */
enum status reserves_snapshot_parse(struct str text, struct arena *arena,
                                    struct reserves_snapshot *out_snapshot, struct error *out_error)
    MUST_CHECK;

struct reserves_facts {
    struct reserves_statement statement;
    struct wall_time stamp; /* when the unit at the position was written */
    struct reserves_coverage coverage;
};

/*
 * STATUS_OK: the log with this key (NOTE_ED25519) signed the statement, and signed a tree in which
 * the unit at the statement's position stands. Anything else is not verified: STATUS_INVALID,
 * STATUS_NOT_FOUND (not signed by the key), STATUS_DENIED, STATUS_LIMIT. What the sums are is the
 * log's word; that a balance is in them is for reserves_proof_verify().
 */
enum status reserves_snapshot_verify(const struct reserves_snapshot *snapshot,
                                     const struct note_key *key, struct reserves_facts *out_facts,
                                     struct error *out_error) MUST_CHECK;

#endif
