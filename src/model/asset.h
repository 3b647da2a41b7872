/* asset.h - what amounts are counted in: ISO 4217 currencies and custom assets. */
#ifndef MODEL_ASSET_H
#define MODEL_ASSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/str.h"

/*
 * id: the ISO 4217 numeric code (978 is EUR), or ASSET_CUSTOM_FIRST + n for the n-th custom
 * asset of this ledger. code: the ISO alphabetic code, or 3 to 12 of A-Z 0-9 starting with a
 * letter, terminated. exponent: decimals between major and minor units.
 */
struct asset {
    uint32_t id;
    uint8_t exponent;
    char code[ASSET_CODE_LEN_MAX + 1];
};

enum { ASSET_CUSTOM_FIRST = 10000 };

/* The active ISO 4217 currencies and funds that have a minor unit. NULL when there is none. */
const struct asset *asset_iso_by_code(struct str code);
const struct asset *asset_iso_by_id(uint32_t id);
/* All of them, ordered by code; *out_count is how many. */
const struct asset *asset_iso_table(uint32_t *out_count);

/* Whether text may name a custom asset: 3 to 12 of A-Z 0-9, a letter first, not an ISO code. */
bool asset_custom_code_valid(struct str code);

#endif
