/* render.h - JSON answers as text for people: lists of names and values, and tables. */
#ifndef CMD_RENDER_H
#define CMD_RENDER_H

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/* A list of columns ends with an entry whose path is NULL. */
struct render_column {
    const char *path; /* as answer.h makes them: "balance.net" */
    const char *title;
    bool right; /* amounts stand right */
};

enum { RENDER_COLUMNS_MAX = 12 };

/*
 * Append text; STATUS_INVALID when the answer is no JSON object, STATUS_LIMIT when it or the
 * text is too large.
 */
enum status render_object(struct str json, struct buf *out) MUST_CHECK;
/* A table of the objects in the array `list`, then what stands beside that array. */
enum status render_table(struct str json, const char *list, const struct render_column *columns,
                         struct buf *out) MUST_CHECK;

#endif
