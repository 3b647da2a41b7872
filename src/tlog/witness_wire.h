/* witness_wire.h - C2SP tlog-witness as bytes: add-checkpoint requests, and what witnesses answer. */
#ifndef TLOG_WITNESS_WIRE_H
#define TLOG_WITNESS_WIRE_H

#include "tlog/cosignature.h"

enum {
    WITNESS_PROOF_HASHES_MAX = 63, /* as the specification has it */
    /* Sixteen signatures of today's kinds are a tenth of it; the specification names no limit. */
    WITNESS_REQUEST_SIZE_MAX = 64 << 10,
    WITNESS_ANSWER_SIZE_MAX = 16 << 10,
};

/* ---- Requests ---- */

/* Strings are views into the bytes. */
struct witness_request {
    uint64_t old_size;       /* of the checkpoint that the witness cosigned last; 0: none */
    struct tree_proof proof; /* from there to the checkpoint; at most WITNESS_PROOF_HASHES_MAX */
    struct str checkpoint;   /* a signed note, word for word */
};

/* STATUS_LIMIT and STATUS_INVALID, with why. Nothing is verified, the note is not looked at. */
enum status witness_request_parse(struct str bytes, struct witness_request *out_request,
                                  struct error *out_error) MUST_CHECK;

/* CHECKs that the proof has at most WITNESS_PROOF_HASHES_MAX hashes. buf keeps its own maximum. */
void witness_request_format(const struct witness_request *request, struct buf *bytes);

/* ---- Answers ---- */

enum witness_answer_kind {
    WITNESS_ANSWER_COSIGNED,   /* with a cosignature by the key, over this very checkpoint */
    WITNESS_ANSWER_OTHER_SIZE, /* it cosigned another size last: ask again from there */
    WITNESS_ANSWER_FORKED,     /* it has another history than the request's */
    WITNESS_ANSWER_REFUSED,    /* it does not know the log or its key, or takes no such request */
    WITNESS_ANSWER_FAILED,     /* it could not, now; or what it says is no answer */
};

struct witness_answer {
    enum witness_answer_kind kind;
    uint64_t size;                         /* of OTHER_SIZE, and of FORKED with a status of 409 */
    uint64_t time_s;                       /* of COSIGNED */
    uint8_t cosignature[COSIGNATURE_SIZE]; /* of COSIGNED: verified; for note_append_signature() */
};

/* What the answer is held against. */
struct witness_asked {
    struct str text; /* of the checkpoint */
    uint64_t old_size;
    const struct note_key *witness; /* of NOTE_COSIGNATURE */
};

/*
 * Whatever the bytes are, there is an answer; *out_error says why it is none of the first two.
 * Signatures by other keys are passed over, a wrong one by this key is FAILED.
 */
void witness_answer_read(unsigned http_status, struct str body, const struct witness_asked *asked,
                         struct witness_answer *out_answer, struct error *out_error);

#endif
