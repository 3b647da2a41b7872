/* mapping_line.h - the lines of a mapping: "name = value", "name == constant", comments between. */
#ifndef DOCTOR_MAPPING_LINE_H
#define DOCTOR_MAPPING_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct mapping_line {
    uint32_t number; /* from 1 */
    struct str name;
    struct str value;
    bool constant;
    bool broken; /* there is no '=': name and value mean nothing */
};

/*
 * The next line that is neither empty nor a comment (#), without the blanks around its parts; line
 * begins as zeros. False: there are no more. Views point into text.
 */
bool mapping_line_next(struct str *text, struct mapping_line *line);

/* Without blanks, tabs and carriage returns at its ends. */
struct str mapping_trimmed(struct str text);
/* The part before the first `mark`, which is cut off with it; all of it when there is none. */
struct str mapping_part_take(struct str *text, char mark);

#endif
