/* shown_text.h - text from elsewhere as it may stand on a terminal: nothing in it commands one. */
#ifndef BASE_SHOWN_TEXT_H
#define BASE_SHOWN_TEXT_H

#include "base/buf.h"

/*
 * Appends it; control characters (C0 with line feeds and tabs, DEL, C1), marks that change the
 * direction of what is beside them, and bytes that are no UTF-8 as "\n", "\x1b", "\u202e".
 */
void shown_text_append(struct buf *out, struct str text);

/* The same of whole lines: line feeds and tabs stay. */
void shown_text_append_lines(struct buf *out, struct str text);

/* Whether that leaves it as it is. */
bool shown_text_is_plain(struct str text);

#endif
