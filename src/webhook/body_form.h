/* body_form.h - what a body may have looked like when it was signed: to tell why it does not verify. */
#ifndef WEBHOOK_BODY_FORM_H
#define WEBHOOK_BODY_FORM_H

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/*
 * Name, code, sentence. In the order of trying: what is likely and cheap comes first. Each says
 * how the signed body differs from the one that came.
 */
#define BODY_FORM_TABLE(X)                                                                         \
    X(AS_RECEIVED, "as_received", "the body as it came")                                           \
    X(NEWLINE_CUT, "newline_cut", "without the line end that something added at its end")          \
    X(NEWLINE_ADDED, "newline_added", "with the line feed at its end that something took away")    \
    X(MARK_CUT, "mark_cut", "without the byte order mark that something put before it")            \
    X(MARK_ADDED, "mark_added", "with the byte order mark that something took away")               \
    X(SPACE_CUT, "space_cut", "without the white space around it")                                 \
    X(LINE_FEEDS, "line_feeds", "with line feeds where CR LF came")                                \
    X(CR_LINE_FEEDS, "cr_line_feeds", "with CR LF where line feeds came")                          \
    X(JSON_COMPACT, "json_compact", "the same JSON without white space: it was serialised again")  \
    X(JSON_INDENTED, "json_indented",                                                              \
      "the same JSON indented by two spaces: it was serialised again")                             \
    X(JSON_SPACED, "json_spaced",                                                                  \
      "the same JSON with a space behind ':' and ',': it was serialised again")                    \
    X(EMPTY, "empty", "no body at all")

#define BODY_FORM_ENUM(name, code, text) BODY_FORM_##name,
enum body_form { BODY_FORM_TABLE(BODY_FORM_ENUM) BODY_FORM_COUNT };
#undef BODY_FORM_ENUM

/* Static strings. CHECKs that form is in range. */
const char *body_form_code(enum body_form form);
const char *body_form_text(enum body_form form);

/*
 * The body in that form: a view into body or scratch, whose contents are replaced.
 * STATUS_NOT_FOUND: this body has no such form, or it is the body as it came. STATUS_LIMIT: it
 * does not fit scratch. JSON is not checked: only its white space outside of strings changes.
 */
enum status body_form_make(enum body_form form, struct str body, struct buf *scratch,
                           struct str *out_body) MUST_CHECK;

#endif
