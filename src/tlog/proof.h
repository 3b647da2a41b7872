/* proof.h - C2SP tlog-proof: a file that proves, with keys and nothing else, what a log has. */
#ifndef TLOG_PROOF_H
#define TLOG_PROOF_H

#include "tlog/cosignature.h"

enum {
    PROOF_EXTRA_LEN_MAX = 128 << 10, /* characters: twice the longest leaf */
    PROOF_SIZE_MAX = NOTE_SIZE_MAX + PROOF_EXTRA_LEN_MAX + TREE_PROOF_HASHES_MAX * 45 + 128,
};

/* Strings are views into the file. */
struct proof {
    struct str extra; /* base64 of bytes that nobody signed; usually empty: none */
    uint64_t index;   /* of the entry, from 0 */
    struct tree_proof inclusion;
    struct str checkpoint; /* a signed note, word for word */
};

/* STATUS_LIMIT and STATUS_INVALID, with why. Nothing is verified. */
enum status proof_parse(struct str bytes, struct proof *out_proof, struct error *out_error)
    MUST_CHECK;

/* CHECKs that extra is base64 and within its limit. buf keeps its own maximum. */
void proof_format(const struct proof *proof, struct buf *bytes);

/* Who is believed: a log, and `quorum` of some witnesses (keys of NOTE_COSIGNATURE). */
struct proof_trust {
    const struct note_key *log;
    struct str origin;
    const struct note_key *witnesses;
    uint32_t witness_count;
    uint32_t quorum;
};

struct proof_facts {
    struct tree_head head;
    uint32_t cosigned_by; /* how many of the witnesses */
    uint64_t cosigned_s;  /* the newest cosignature, seconds since 1970; 0 without one */
};

/*
 * A checkpoint alone: that the log signed it, of its origin, and that enough witnesses cosigned
 * it; statuses as below.
 */
enum status proof_checkpoint_open(struct str checkpoint, const struct proof_trust *trust,
                                  struct proof_facts *out_facts, struct error *out_error)
    MUST_CHECK;

/*
 * STATUS_OK: the log signed a checkpoint of its origin, enough witnesses cosigned it, and the
 * leaf stands at proof->index in that tree. Anything else is not proven, and the error says
 * what: STATUS_INVALID (malformed, or the path leads elsewhere), STATUS_NOT_FOUND (not signed by
 * the log), STATUS_DENIED (a wrong signature, another origin, too few witnesses), STATUS_LIMIT.
 * The witnesses must be distinct.
 */
enum status proof_verify(const struct proof *proof, const struct digest *leaf,
                         const struct proof_trust *trust, struct proof_facts *out_facts,
                         struct error *out_error) MUST_CHECK;

#endif
