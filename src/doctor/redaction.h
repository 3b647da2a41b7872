/* redaction.h - a record of evidence without what an outsider must not see, and still joinable. */
#ifndef DOCTOR_REDACTION_H
#define DOCTOR_REDACTION_H

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/secret.h"

enum { REDACTION_FIELDS_MAX = 32 };

/*
 * Values of the fields that are hidden become "x" and 16 digits of an HMAC under the key: equal
 * values stay equal, within this derivative and, with the key thrown away, nowhere else. Amounts,
 * times and everything else stay.
 */
struct redaction {
    struct secret key;
    struct str hidden[REDACTION_FIELDS_MAX];
    uint32_t count;
};

/* "account,client": STATUS_INVALID for an empty name; STATUS_LIMIT. The names point into text. */
enum status redaction_fields(struct redaction *redaction, struct str text) MUST_CHECK;

/*
 * One line (without its newline) in, one line with it out. STATUS_INVALID: it is no flat object of
 * JSON; STATUS_LIMIT. The arena: the line's size and 16 KiB; it is reset.
 */
enum status redaction_line(const struct redaction *redaction, struct str line, struct arena *arena,
                           struct buf *out, uint64_t *out_hidden) MUST_CHECK;

#endif
