/* note_keys.h - public keys of logs and witnesses, as options name them. */
#ifndef CMD_NOTE_KEYS_H
#define CMD_NOTE_KEYS_H

#include "tlog/note.h"

struct note_keys_option {
    const char *name; /* "witnesses", for messages */
    enum note_kind kind;
    uint32_t count_max;   /* of the array */
    const char *shown_by; /* "tpwallet log key", for the hint: what prints such a key */
};

/* With commas between, at least one. STATUS_INVALID: one is none of this kind, or there twice. */
enum status note_keys_parse(const struct note_keys_option *option, struct str text,
                            struct note_key *out_keys, uint32_t *out_count, struct error *out_error)
    MUST_CHECK;

/* Cuts what is before the next comma off *rest; false when nothing is left. */
bool note_keys_take_word(struct str *rest, struct str *out_word);

#endif
