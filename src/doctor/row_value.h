/* row_value.h - a value of a row as a database's log has it: text, NULL, or not told. */
#ifndef DOCTOR_ROW_VALUE_H
#define DOCTOR_ROW_VALUE_H

#include "base/str.h"

enum row_value_kind {
    ROW_VALUE_UNKNOWN, /* the log leaves it out */
    ROW_VALUE_NULL,
    ROW_VALUE_TEXT,
};

/* As the database would print it. The text is a view. */
struct row_value {
    enum row_value_kind kind;
    struct str text;
};

#endif
