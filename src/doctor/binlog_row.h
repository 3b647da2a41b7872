/* binlog_row.h - rows of MySQL's and MariaDB's row-based binlog, value by value as text. */
#ifndef DOCTOR_BINLOG_ROW_H
#define DOCTOR_BINLOG_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "doctor/row_value.h"

enum {
    BINLOG_COLUMNS_MAX = 4096, /* MariaDB's own */
    BINLOG_BITMAP_SIZE = BINLOG_COLUMNS_MAX / 8,
    BINLOG_BYTES_SHOWN_MAX = 512, /* of a value that is no text: as hexadecimal digits */
    BINLOG_GID_MAX = 128,         /* bytes of a transaction's global name */
};

/* How a column stands in a row, as the event before the rows says it. */
struct binlog_column {
    uint8_t type;
    uint16_t meta;    /* of the type: a size, decimals, ... */
    bool is_unsigned; /* the event does not say it; as its owner knows */
};

/* Of `types`, one byte a column. STATUS_INVALID: a type is unknown, or the metadata too short. */
enum status binlog_columns_parse(struct str types, struct str metadata,
                                 struct binlog_column *out_columns, struct error *out_error)
    MUST_CHECK;

/* What an image of a row consists of. */
struct binlog_shape {
    const struct binlog_column *columns;
    uint32_t count;
    const uint8_t *present; /* a bit for each column */
};

/*
 * One image off the front of *rest: the columns whose bit is set; the others are unknown. Whole numbers, decimals and texts come as text; bytes that are none as hexadecimal
 * digits; floats, times and sets are passed over and unknown. Texts are views into the rest and
 * the arena. STATUS_INVALID: it ends too early. STATUS_LIMIT: the arena is full.
 */
enum status binlog_image_take(const struct binlog_shape *shape, struct str *rest,
                              struct arena *arena, struct row_value *values,
                              struct error *out_error) MUST_CHECK;

/*
 * The global name of a prepared transaction: its two parts with a comma between when there are two,
 * as hexadecimal digits when they are not printable.
 */
void binlog_gid_append(struct str first, struct str second, struct buf *out);

#endif
