/* note.h - C2SP signed-note: a text with signatures by named keys, as go.mod's sumdb has them. */
#ifndef TLOG_NOTE_H
#define TLOG_NOTE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "crypto/ed25519.h"

enum {
    NOTE_SIZE_MAX = 256 << 10, /* a hundred signatures of the post-quantum kind are less */
    NOTE_SIGNATURES_MAX = 100, /* as the Go reference; the specification asks for at least 16 */
    NOTE_SIGNATURE_SIZE_MAX = 8192, /* behind the key id; post-quantum ones have up to 5 kB */
    NOTE_NAME_LEN_MAX = 255,
    /* "PRIVATE+KEY+", name, "+", 8 digits, "+", base64 of 33 bytes, terminator */
    NOTE_KEY_TEXT_SIZE = 12 + NOTE_NAME_LEN_MAX + 1 + 8 + 1 + 44 + 1,
};

/* What a key signs: the first byte of its encoding, part of its id. */
enum note_kind {
    NOTE_ED25519 = 1,     /* the text as it stands */
    NOTE_COSIGNATURE = 4, /* a checkpoint and a time: tlog/cosignature.h */
};

/* ---- Keys ---- */

struct note_key {
    enum note_kind kind;
    uint32_t id; /* first four bytes of SHA-256 over name, newline, kind, public key */
    struct ed25519_public public;
    size_t name_len;
    char name[NOTE_NAME_LEN_MAX];
};

/* Its seed is a secret: note_signer_done() when it is not needed any more. */
struct note_signer {
    struct note_key key;
    struct secret seed;
};

/* Of a key: UTF-8, 1 to NOTE_NAME_LEN_MAX bytes, without control, Unicode space or plus. */
bool note_name_is_valid(struct str name);

static inline struct str note_key_name(const struct note_key *key)
{
    return (struct str){ key->name, key->name_len };
}

/* The same public key under the same name. */
static inline bool note_key_equal(const struct note_key *a, const struct note_key *b)
{
    return str_equal(note_key_name(a), note_key_name(b)) &&
           memcmp(a->public.bytes, b->public.bytes, sizeof a->public.bytes) == 0;
}

/* STATUS_INVALID when the name is no name. The seed is taken (secret.h): wiped where it was. */
enum status note_key_make(struct str name, enum note_kind kind, const struct ed25519_public *public,
                          struct note_key *out_key) MUST_CHECK;
enum status note_signer_make(struct str name, enum note_kind kind, void *seed,
                             struct note_signer *out_signer) MUST_CHECK;
void note_signer_done(struct note_signer *signer);

/*
 * As text: "name+1f2e3d4c+base64 of kind and public key", and for a signer "PRIVATE+KEY+" and the
 * same with its seed. Read strictly: one text for a key, with the right id; else
 * STATUS_INVALID. What note_signer_format() writes is a secret: secret_wipe() it.
 */
struct str note_key_format(const struct note_key *key, char text[NOTE_KEY_TEXT_SIZE]);
enum status note_key_parse(struct str text, struct note_key *out_key) MUST_CHECK;
struct str note_signer_format(const struct note_signer *signer, char text[NOTE_KEY_TEXT_SIZE]);
enum status note_signer_parse(struct str text, struct note_signer *out_signer) MUST_CHECK;

/* ---- Notes ---- */

/* Views into the note's bytes. `encoded` is base64 of the key's id and the signature. */
struct note_signature {
    struct str name;
    uint32_t id;
    struct str encoded;
};

struct note {
    struct str text; /* with its last newline: what is signed */
    uint32_t signature_count;
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
};

/*
 * Takes a note apart; nothing is verified, and nothing in its text may be believed. STATUS_LIMIT
 * for what is too large, STATUS_INVALID for what is no note, with why.
 */
enum status note_parse(struct str bytes, struct note *out_note, struct error *out_error) MUST_CHECK;

/*
 * The bytes of the next signature that claims to be by this key, from *at on (0 at first).
 * STATUS_NOT_FOUND: there is none. STATUS_INVALID: there is one, of another size.
 */
enum status note_signature_by(const struct note *note, const struct note_key *key, uint32_t *at,
                              void *out_bytes, size_t size) MUST_CHECK;

/*
 * For a key of NOTE_ED25519 (CHECKed). STATUS_OK: it signed this text. STATUS_NOT_FOUND: the
 * note has no signature by this key. STATUS_DENIED: it has one that is wrong, so that nothing
 * about the note should be believed, whoever else signed it.
 */
enum status note_verify(const struct note *note, const struct note_key *key,
                        struct error *out_error) MUST_CHECK;

/* Whether a text can be signed: UTF-8, ends with a newline, has no other control characters. */
bool note_text_is_valid(struct str text);

/*
 * Writing: the text and an empty line, then signature lines. note_begin() wants a valid text
 * (CHECKed: what we sign is made by us). buf keeps its own maximum.
 */
void note_begin(struct buf *note, struct str text);
void note_sign(struct buf *note, struct str text, const struct note_signer *signer);
/* A line with a signature made elsewhere. */
void note_append_signature(struct buf *note, const struct note_key *key, const void *bytes,
                           size_t size);

#endif
