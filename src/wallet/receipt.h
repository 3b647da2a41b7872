/* receipt.h - a payment's record, proven to be in the signed log: made here, verified anywhere. */
#ifndef WALLET_RECEIPT_H
#define WALLET_RECEIPT_H

#include "base/arena.h"
#include "model/record.h"
#include "wallet/log_relay.h"

/*
 * One JSON object. `payment` says the facts for a reader; `record` is the journal's record in
 * base64, which is what is proven; `salt` and `part` open the commitment of `leaf` to it; `proof`
 * is a C2SP tlog-proof of the leaf, with the checkpoint and its cosignatures. Whoever verifies it
 * makes `payment` anew from the record and wants it to be the same, so that the two cannot differ.
 */
enum {
    RECEIPT_SIZE_MAX = PROOF_SIZE_MAX * 2 + (64 << 10),
    RECEIPT_LEAF_SIZE_MAX = sizeof(struct leaf),
};

/*
 * Of the payment's record in this unit. STATUS_NOT_FOUND: it is not in a signed tree yet.
 * STATUS_LIMIT: out_json is too small. As log_relay_prove(), and STATUS_CORRUPT.
 */
enum status receipt_write(struct log_relay *relay, struct store *journal, struct position unit,
                          struct payment_id payment, struct buf *out_json, struct error *out_error)
    MUST_CHECK;

struct receipt_facts {
    struct proof_facts proof;
    uint64_t index; /* of the leaf */
    struct leaf_head place;
    struct record_payment record;
};

/*
 * STATUS_OK: the log that is trusted signed a tree with this leaf, and the leaf commits to this
 * record. Anything else is not verified, and the error says what: statuses of proof_verify(), and
 * STATUS_INVALID. arena needs twice the text's size.
 */
enum status receipt_verify(struct str json, const struct proof_trust *trust, struct arena *arena,
                           struct receipt_facts *out_facts, struct error *out_error) MUST_CHECK;

#endif
