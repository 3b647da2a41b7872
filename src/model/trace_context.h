/* trace_context.h - the traceparent header of W3C Trace Context, level 1. */
#ifndef MODEL_TRACE_CONTEXT_H
#define MODEL_TRACE_CONTEXT_H

#include <stdbool.h>

#include "base/str.h"
#include "model/id.h"

enum { TRACEPARENT_LEN = 55, TRACEPARENT_SIZE = TRACEPARENT_LEN + 1, TRACE_FLAG_SAMPLED = 1 };

/*
 * False for what the recommendation calls invalid (the caller then begins a new trace): upper
 * case, all-zero ids, version ff, wrong length. Versions above 00 may go on after the flags, in
 * printable characters.
 */
bool traceparent_parse(struct str header, struct trace *out_trace, uint8_t *out_flags) MUST_CHECK;

/* Version 00, terminated. */
struct str traceparent_format(struct trace trace, uint8_t flags, char text[TRACEPARENT_SIZE]);

/* What was received, as we say it: nothing else of a stranger's text is kept or sent. "": invalid. */
struct str traceparent_renew(struct str header, char text[TRACEPARENT_SIZE]);

#endif
