/* witness_decide.h - what a witness answers: from a request and what it cosigned last, an outcome. */
#ifndef TLOG_WITNESS_DECIDE_H
#define TLOG_WITNESS_DECIDE_H

#include "tlog/witness_wire.h"

/*
 * In the order of checking, which is that of C2SP tlog-witness. Name, HTTP status, code, text.
 * UNSTORED is nothing that is decided here: what was decided could not be written down.
 */
#define WITNESS_OUTCOME_TABLE(X)                                                                   \
    X(COSIGNED, 200, "cosigned", "it continues what was cosigned before")                          \
    X(MALFORMED, 400, "malformed", "this is not an add-checkpoint request")                        \
    X(UNKNOWN_LOG, 404, "unknown_log", "no log of this origin is known here")                      \
    X(NOT_SIGNED, 403, "not_signed", "no key of this log that is known here signed it")            \
    X(WRONG_SIGNATURE, 403, "wrong_signature", "a signature in the name of a known key is wrong")  \
    X(BACKWARDS, 400, "backwards", "the old size is larger than the checkpoint's")                 \
    X(OTHER_SIZE, 409, "other_size", "the checkpoint cosigned last has another size")              \
    X(FORKED, 409, "forked", "another tree of this size was cosigned")                             \
    X(INCONSISTENT, 422, "inconsistent", "the proof does not lead from what was cosigned to it")   \
    X(UNSTORED, 503, "unstored", "the witness cannot write it down now")

#define WITNESS_OUTCOME_ENUM(name, http, code, text) WITNESS_##name,
enum witness_outcome { WITNESS_OUTCOME_TABLE(WITNESS_OUTCOME_ENUM) WITNESS_OUTCOME_COUNT };
#undef WITNESS_OUTCOME_ENUM

/* Static; CHECK that outcome is in range. */
unsigned witness_outcome_http(enum witness_outcome outcome);
const char *witness_outcome_code(enum witness_outcome outcome);
const char *witness_outcome_text(enum witness_outcome outcome);

/* A request whose checkpoint is signed by a log that is known. Views into the request's bytes. */
struct witness_submission {
    struct witness_request request;
    struct note note;
    struct checkpoint checkpoint;
};

/*
 * Reads and verifies the signature: COSIGNED, and out_submission is filled; or the outcome that
 * ends it, and *out_error says what was wrong with it. keys are of NOTE_ED25519 (CHECKed); a
 * key's name is its log's origin, and several may have the same. Signatures by others are ignored.
 */
enum witness_outcome witness_submission_open(struct str bytes, const struct note_key *keys,
                                             uint32_t key_count,
                                             struct witness_submission *out_submission,
                                             struct error *out_error) MUST_CHECK;

/*
 * COSIGNED, or why not. last is of the checkpoint cosigned last for this origin; of size 0 when
 * there is none, whatever its root. *out_error is left alone on COSIGNED.
 */
enum witness_outcome witness_decide(const struct witness_submission *submission,
                                    const struct tree_head *last, struct error *out_error)
    MUST_CHECK;

#endif
