/* import_mapping.h - which column of an import file is which field of an account or transfer. */
#ifndef CMD_IMPORT_MAPPING_H
#define CMD_IMPORT_MAPPING_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

enum import_kind { IMPORT_ACCOUNTS, IMPORT_TRANSFERS };

/* One source for the list: name, field as it is written in --map, of accounts, of transfers. */
#define IMPORT_FIELD_TABLE(X)                                                                      \
    X(ID, "id", true, true)                                                                        \
    X(KIND, "kind", true, true)                                                                    \
    X(ASSET, "asset", true, true)                                                                  \
    X(FLAGS, "flags", true, true)                                                                  \
    X(USER_REF, "user_ref", true, true)                                                            \
    X(METADATA_REF, "metadata_ref", true, false)                                                   \
    X(OPENING, "opening", true, false)                                                             \
    X(DEBIT, "debit", false, true)                                                                 \
    X(CREDIT, "credit", false, true)                                                               \
    X(AMOUNT, "amount", false, true)                                                               \
    X(TARGET, "target", false, true)                                                               \
    X(VALUE_DATE, "value_date", false, true)                                                       \
    X(TIMEOUT_S, "timeout_s", false, true)                                                         \
    X(CODE, "code", false, true)

#define IMPORT_FIELD_ENUM(name, text, accounts, transfers) IMPORT_FIELD_##name,
enum import_field { IMPORT_FIELD_TABLE(IMPORT_FIELD_ENUM) IMPORT_FIELD_COUNT };
#undef IMPORT_FIELD_ENUM

/* Static. */
const char *import_field_name(enum import_field field);

enum import_source {
    IMPORT_NONE,     /* the field is left out */
    IMPORT_COLUMN,   /* text is the column's name; the file must have it */
    IMPORT_OPTIONAL, /* the same, if the file has it */
    IMPORT_CONSTANT, /* text is the value, for every row */
};

struct import_mapping {
    struct {
        enum import_source source;
        struct str text; /* points into the text that was parsed, or is static */
    } fields[IMPORT_FIELD_COUNT];
};

/*
 * text: "field=column" or "field==constant", with commas between; NULL: every field comes from
 * the column of its own name, if there is one. STATUS_INVALID names the part that is wrong.
 */
enum status import_mapping_parse(enum import_kind kind, const char *text,
                                 struct import_mapping *out_mapping, struct error *out_error)
    MUST_CHECK;

#endif
