/* note_lines.h - "NAME VALUE" lines, which the texts of the doctor's signed notes are made of. */
#ifndef DOCTOR_NOTE_LINES_H
#define DOCTOR_NOTE_LINES_H

#include "base/buf.h"
#include "crypto/digest.h"

/* Appends a digest's line. */
void note_line_digest(struct buf *out, const char *name, const struct digest *digest);

/* Takes the next line off *rest; false: it has another name, or no value. */
bool note_line_take(struct str *rest, const char *name, struct str *out_value);
/* The same, of a SHA-256 in hex. */
bool note_line_take_digest(struct str *rest, const char *name, struct digest *out_digest);

#endif
