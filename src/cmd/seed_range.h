/* seed_range.h - a range of seeds as commands are given it: A..B, or A alone. */
#ifndef CMD_SEED_RANGE_H
#define CMD_SEED_RANGE_H

#include <stdint.h>

#include "base/error.h"

struct seed_range {
    uint64_t first;
    uint64_t last; /* included; at least first */
};

/* Up to 18 digits each. STATUS_INVALID fills out_error. */
enum status seed_range_parse(const char *text, struct seed_range *out_range,
                             struct error *out_error) MUST_CHECK;

#endif
