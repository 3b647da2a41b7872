/* wal_facts.h - what a row of a database's log says, by a mapping: ids, exact amounts, versions. */
#ifndef DOCTOR_WAL_FACTS_H
#define DOCTOR_WAL_FACTS_H

#include "doctor/row_value.h"
#include "doctor/wal_mapping.h"

enum wal_op { WAL_INSERT, WAL_UPDATE, WAL_DELETE };

/* All of a row, one value a column; NULL: the log has none. */
struct wal_row {
    enum wal_op op;
    int64_t pos;
    const struct wal_binding *binding;
    const struct row_value *before;
    const struct row_value *after;
};

/* Views into the row's values. */
struct wal_facts {
    struct str fields[WAL_FIELD_COUNT]; /* as the newest image has them; "" when untold */
    struct str ccy;                     /* its code in upper case; lives as long as currencies */
    bool has_before_amount;
    bool has_after_amount;
    bool has_before_version;
    bool has_after_version;
    struct signed_amount before_amount;
    struct signed_amount after_amount;
    int64_t before_version;
    int64_t after_version;
};

/* False: a value is not what its field needs. */
bool wal_facts_read(const struct wal_row *row, struct reconcile_currencies *currencies,
                    struct wal_facts *out_facts);

#endif
