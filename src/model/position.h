/* position.h - positions of the journal as text: "1207-3", or "1207" for the end of a batch. */
#ifndef MODEL_POSITION_H
#define MODEL_POSITION_H

#include "base/str.h"
#include "model/id.h"

enum {
    POSITION_TEXT_SIZE = 32,
    /* As an index: after every unit of the batch. */
    POSITION_INDEX_END = INT32_MAX,
};

/* A bare batch gets POSITION_INDEX_END. False: not a position. */
bool position_parse(struct str text, struct position *out_position) MUST_CHECK;

/* POSITION_INDEX_END is written as the bare batch. */
struct str position_format(struct position position, char text[POSITION_TEXT_SIZE]);

/* Whether a stands after b. */
static inline bool position_after(struct position a, struct position b)
{
    return a.batch != b.batch ? a.batch > b.batch : a.index > b.index;
}

#endif
