/* cosignature.h - C2SP tlog-cosignature v1: a witness says when it saw a checkpoint consistent. */
#ifndef TLOG_COSIGNATURE_H
#define TLOG_COSIGNATURE_H

#include "tlog/checkpoint.h"

/* Behind the key's id: the time in 8 bytes, and the signature. */
enum { COSIGNATURE_SIZE = 8 + ED25519_SIGNATURE_SIZE };

/*
 * Appends the witness's signature line (key of NOTE_COSIGNATURE, CHECKed) to a note that has
 * this text. CHECKs that the text is a checkpoint's in length, and that time_s, seconds since
 * 1970, is at most 2^63 - 1. That it verified consistency is the caller's word.
 */
void cosignature_sign(struct buf *note, struct str text, uint64_t time_s,
                      const struct note_signer *witness);

/*
 * STATUS_OK: the witness cosigned this checkpoint, last at *out_time_s. STATUS_NOT_FOUND: it
 * did not. STATUS_DENIED: something in its name is wrong, so that the note should not be
 * believed.
 */
enum status cosignature_verify(const struct note *note, const struct note_key *witness,
                               uint64_t *out_time_s, struct error *out_error) MUST_CHECK;

#endif
