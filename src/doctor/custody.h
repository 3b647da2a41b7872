/* custody.h - who had an incident's evidence, and did what with it: signed records, chained. */
#ifndef DOCTOR_CUSTODY_H
#define DOCTOR_CUSTODY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "tlog/note.h"

/*
 * A custody log is a file that is only appended to. Each entry is "LENGTH\n" and a signed note of
 * so many bytes (tlog/note.h, Ed25519) with this text:
 *
 *     tpwallet-custody-1
 *     number 2
 *     at 2026-11-29T22:10:04.000000000Z
 *     act collected
 *     subject evidence/ledger.ndjson
 *     digest SHA-256 of the subject, as it is after the act
 *     previous SHA-256 of the entry before, its length included; zeros in the first
 *
 * followed by the signer's public key, so that the file verifies by itself; whose key it is has to
 * be known from elsewhere.
 */
enum {
    CUSTODY_WORD_MAX = 200, /* of an act or a subject */
    CUSTODY_SIZE_MAX = 16 << 20,
    CUSTODY_ENTRY_MAX = 4096,
};

struct custody_entry {
    uint64_t number; /* from 1 */
    struct wall_time at;
    struct str act;     /* printable ASCII without blank */
    struct str subject; /* the same, and bundle_path_is_kept() */
    struct digest digest;
    struct digest previous;
    struct note_key key; /* who signed */
};

/* Whether it can be an act. */
bool custody_word_is_valid(struct str word);
/* Whether it can be a subject: a word, and the path of a file inside of the bundle. */
bool custody_subject_is_valid(struct str subject);

/* Where a log stands: what the next entry follows. Zeroed: nowhere yet. */
struct custody_chain {
    uint64_t number;
    struct digest last;
};

/* entry's number, previous and key are filled from the chain and the signer; the chain moves on. */
void custody_append(struct custody_chain *chain, const struct custody_entry *entry,
                    const struct note_signer *signer, struct buf *out);

/*
 * The next entry, cut off *rest and verified: form, signature, number and chain. STATUS_NOT_FOUND
 * at the end; STATUS_INVALID: it is no entry; STATUS_DENIED: a signature, number or chain is wrong.
 * The views of the entry lie in the log's bytes.
 */
enum status custody_next(struct str *rest, struct custody_chain *chain,
                         struct custody_entry *out_entry, struct error *out_error) MUST_CHECK;

/*
 * Whether what is left of a log is an entry whose end was never written: its writer was ended, or
 * the disk full. One that was whole and is damaged is not.
 */
bool custody_is_torn(struct str rest);

/* The newest entry about a subject, of a log that custody_next() has read. False: there is none. */
bool custody_newest(struct str log, struct str subject, struct custody_entry *out_entry);

#endif
