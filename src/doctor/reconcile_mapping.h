/* reconcile_mapping.h - how a CSV statement is to be read: which column is what, and how written. */
#ifndef DOCTOR_RECONCILE_MAPPING_H
#define DOCTOR_RECONCILE_MAPPING_H

#include "doctor/reconcile_fees.h"

/* One source for the list: name, as it is written, whether several columns may make it up. */
#define RECONCILE_FIELD_TABLE(X)                                                                   \
    X(KEY, "key", true)                                                                            \
    X(REF, "ref", true)                                                                            \
    X(BATCH, "batch", true)                                                                        \
    X(ID, "id", true)                                                                              \
    X(AMOUNT, "amount", false)                                                                     \
    X(PLUS, "plus", false)   /* instead of amount: what the other side owes us more, */            \
    X(MINUS, "minus", false) /* and less */                                                        \
    X(FEE, "fee", false)                                                                           \
    X(CURRENCY, "currency", false)                                                                 \
    X(DATE, "date", false)                                                                         \
    X(KIND, "kind", false)

#define RECONCILE_FIELD_ENUM(name, text, several) RECONCILE_FIELD_##name,
enum reconcile_field { RECONCILE_FIELD_TABLE(RECONCILE_FIELD_ENUM) RECONCILE_FIELD_COUNT };
#undef RECONCILE_FIELD_ENUM

enum {
    RECONCILE_COLUMNS_MAX = 4, /* of one field */
    RECONCILE_WORDS_MAX = 16,  /* of a list of kinds */
    RECONCILE_MAPPING_SIZE_MAX = 64 << 10,
};

enum reconcile_date_form {
    RECONCILE_DATE_ISO, /* 2026-11-28, or with a time behind T or a blank, Z or an offset */
    RECONCILE_DATE_DMY, /* 28.11.2026, 28/11/2026 */
    RECONCILE_DATE_MDY, /* 11/28/2026 */
    RECONCILE_DATE_YMD, /* 20261128 */
    RECONCILE_DATE_EPOCH_S,
    RECONCILE_DATE_EPOCH_MS,
};

struct reconcile_words {
    struct str list[RECONCILE_WORDS_MAX];
    uint32_t count;
};

struct reconcile_mapping {
    struct {
        struct str names[RECONCILE_COLUMNS_MAX]; /* of columns, or one constant */
        int32_t columns[RECONCILE_COLUMNS_MAX];  /* of the file, by reconcile_mapping_bind() */
        uint32_t count;                          /* 0: not mapped */
        bool constant;
    } fields[RECONCILE_FIELD_COUNT];
    enum reconcile_date_form date_form;
    int32_t offset_s; /* of times without an offset, east of UTC */
    char point;
    char group;
    bool minor;    /* amounts are whole minor units */
    bool net;      /* amounts are after the fee */
    bool inverted; /* amounts have the other sign */
    struct reconcile_words negative_kinds;
    struct reconcile_words skip_kinds;
};

/*
 * Lines "field = column", "field = column + column", "field == constant", and the settings
 * date_format, utc_offset, point, group, unit, amount_is, sign, negative_kinds, skip_kinds and
 * currency.CODE; # begins a comment line. Views point into text. STATUS_INVALID names the line.
 */
enum status reconcile_mapping_parse(struct str text, struct reconcile_currencies *currencies,
                                    struct reconcile_mapping *out_mapping, struct error *out_error)
    MUST_CHECK;

/* Finds the columns in the file's header. STATUS_INVALID: one is missing, or there twice. */
enum status reconcile_mapping_bind(struct reconcile_mapping *mapping, const struct str *header,
                                   uint32_t count, struct error *out_error) MUST_CHECK;

#endif
