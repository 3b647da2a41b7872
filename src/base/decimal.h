/* decimal.h - whole numbers in decimal digits: one text for each, as strict formats want it. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/*
 * Digits without sign, space or leading zero ("0" excepted). STATUS_INVALID otherwise, and
 * STATUS_LIMIT for what is above maximum.
 */
enum status decimal_parse(struct str text, uint64_t maximum, uint64_t *out_value) MUST_CHECK;

#endif
