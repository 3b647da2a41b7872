/* table_value.h - the text of a column as a typed value, or the reason why it is none. */
#ifndef DOCTOR_TABLE_VALUE_H
#define DOCTOR_TABLE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "doctor/signed_amount.h"
#include "model/asset.h"

/* One source for the list: name, as mappings write it. */
#define TABLE_TYPE_TABLE(X)                                                                        \
    X(TEXT, "text")                                                                                \
    X(INTEGER, "integer")                                                                          \
    X(DECIMAL, "decimal")                                                                          \
    X(BOOLEAN, "boolean")                                                                          \
    X(TIME, "time")             /* with an offset of its own */                                    \
    X(LOCAL_TIME, "local_time") /* without one: the mapping's zone */                              \
    X(EPOCH_S, "epoch_s")                                                                          \
    X(EPOCH_MS, "epoch_ms")

#define TABLE_TYPE_ENUM(name, text) TABLE_TYPE_##name,
enum table_type { TABLE_TYPE_TABLE(TABLE_TYPE_ENUM) TABLE_TYPE_COUNT };
#undef TABLE_TYPE_ENUM

/* False: there is no such type. */
bool table_type_parse(struct str text, enum table_type *out_type);
const char *table_type_name(enum table_type type);

/* What is added to a local time: "+02:00"; empty: none is known. */
struct table_zone {
    struct str offset;
};
bool table_zone_is_valid(struct str offset);

struct table_value {
    bool is_number;
    int64_t number;  /* integers, bools, times in nanoseconds */
    struct str text; /* texts and decimals: a view into what was read */
};

/* NULL, or what is wrong: static. Times are RFC 3339, or with a blank for the T, "+00" for "Z". */
const char *table_value_read(enum table_type type, struct str text, const struct table_zone *zone,
                             struct table_value *out_value);

/* Decimals of what is no ISO 4217 currency. */
struct table_assets {
    uint32_t count;
    struct {
        struct str code;
        uint8_t exponent;
    } list[256];
};

/* False: nobody says how many decimals it has. */
bool table_assets_find(const struct table_assets *assets, struct str code, uint8_t *out_exponent);

#endif
