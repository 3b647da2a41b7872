/* evidence.h - what a record of evidence is: its kinds, their fields, and the types of these. */
#ifndef MODEL_EVIDENCE_H
#define MODEL_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/*
 * One table says what a line of a bundle may hold. The reader of bundles, the tables of the
 * evidence store, the rules and docs/bundle.md all follow it.
 */
enum evidence_type {
    EVIDENCE_TEXT,   /* a string; a whole number is taken as its digits */
    EVIDENCE_AMOUNT, /* signed minor units: a string of digits, up to 128 bits */
    EVIDENCE_INT,    /* signed, 64 bits: a number or a string of digits */
    EVIDENCE_TIME,   /* RFC 3339 with any offset, or nanoseconds since 1970 as a number */
    EVIDENCE_BOOL,   /* true or false */
};

struct evidence_field {
    const char *name;
    enum evidence_type type;
    const char *values; /* "a|b|c": nothing else is taken; NULL: anything */
    const char *meaning;
};

struct evidence_kind {
    const char *name;
    const char *letter;                  /* as the rules' comments abbreviate it */
    const char *meaning;                 /* what one record says */
    const char *required;                /* names of fields, by blanks */
    const char *states;                  /* what `state` may be, as evidence_field.values */
    const char *indexes;                 /* names of fields that rules look up by, by blanks */
    const struct evidence_field *fields; /* beside the common ones; ends with a NULL name */
};

enum {
    EVIDENCE_KINDS_MAX = 64,
    EVIDENCE_FIELDS_MAX = 48, /* of a kind, with the common ones */
    EVIDENCE_COMMON_COUNT = 13,
    EVIDENCE_TEXT_MAX = 4096,      /* bytes of a value */
    EVIDENCE_LINE_MAX = 64 * 1024, /* bytes of a line: more is a reject, unread */
};

/* In the order of docs/bundle.md; ends with a NULL name. */
extern const struct evidence_kind evidence_kinds[];
extern const struct evidence_field evidence_common[EVIDENCE_COMMON_COUNT];

/* The place of a kind in evidence_kinds, -1 when there is none of that name. */
int evidence_kind_find(struct str name);
uint32_t evidence_kind_count(void);
/* Common fields first, then the kind's own; NULL past the last. */
const struct evidence_field *evidence_field_at(const struct evidence_kind *kind, uint32_t index);
/* True when `words`, parted by `separator`, has `word`. words may be NULL: has nothing. */
bool evidence_has_word(const char *words, char separator, struct str word);

#endif
