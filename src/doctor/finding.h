/* finding.h - what an outside expert found in a bundle, or in a derivative of it: signed. */
#ifndef DOCTOR_FINDING_H
#define DOCTOR_FINDING_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "tlog/note.h"

enum {
    FINDING_TEXT_MAX = 32 << 10,
    FINDING_NOTE_MAX = 40 << 10,
};

/*
 * A signed note:
 *
 *     tpwallet-finding-1
 *     incident 7F3A
 *     seen SHA-256 of the manifest of the bundle that was looked at
 *     original SHA-256 of the manifest that it derives from; the same when it is no derivative
 *     at 2026-11-29T22:10:04.000000000Z
 *     key NAME+ID+KEY
 *
 *     the finding, in words
 */
struct finding_note {
    struct str incident;
    struct digest seen;
    struct digest original;
    struct wall_time at;
    struct note_key key;
    struct str text; /* UTF-8 lines; up to FINDING_TEXT_MAX bytes */
};

/* Whether it can be signed: lines of UTF-8 that end with a newline, and not too long. */
bool finding_text_is_valid(struct str text);

/* key is the signer's. CHECKs the text and the incident. */
void finding_write(const struct finding_note *finding, const struct note_signer *signer,
                   struct buf *out);
/* Views lie in the note. STATUS_INVALID: it is none. STATUS_DENIED: the signature is wrong. */
enum status finding_read(struct str note, struct finding_note *out_finding, struct error *out_error)
    MUST_CHECK;

#endif
