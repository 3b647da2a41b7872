/* postgres_value.h - what goes to and comes from PostgreSQL in binary form: parameters, columns of rows. */
#ifndef ADAPTER_POSTGRES_VALUE_H
#define ADAPTER_POSTGRES_VALUE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/uuid.h"

enum { POSTGRES_PARAMETERS_MAX = 16 };

/* Parameters in binary form; may be copied. The bytes they point to stay the caller's. */
struct postgres_parameters {
    int count;
    uint32_t inside; /* bit by bit: the value stands in numbers, and not elsewhere */
    const char *values[POSTGRES_PARAMETERS_MAX];
    int lengths[POSTGRES_PARAMETERS_MAX];
    int formats[POSTGRES_PARAMETERS_MAX];
    uint8_t numbers[POSTGRES_PARAMETERS_MAX][16];
};

/* ---- parameters ---- */

void postgres_bind_int32(struct postgres_parameters *parameters, int32_t number);
void postgres_bind_int64(struct postgres_parameters *parameters, int64_t number);
/* CHECKs that it fits the server's signed numbers, so that its order is ours. */
void postgres_bind_number(struct postgres_parameters *parameters, uint64_t number);
void postgres_bind_bool(struct postgres_parameters *parameters, bool value);
void postgres_bind_bytes(struct postgres_parameters *parameters, const void *data, size_t size);
void postgres_bind_text(struct postgres_parameters *parameters, struct str text);
void postgres_bind_uuid(struct postgres_parameters *parameters, struct uuid id);
void postgres_bind_null(struct postgres_parameters *parameters);

/* ---- columns of binary results: CHECK the row and column, not what the server sent ---- */

/* 0 when it is NULL or of another size. */
int64_t postgres_int64(const PGresult *result, int row, int column);
int32_t postgres_int32(const PGresult *result, int row, int column);
bool postgres_bool(const PGresult *result, int row, int column);
/* Nil when it is NULL or of another size. */
struct uuid postgres_uuid(const PGresult *result, int row, int column);
/* Lives as long as the result. */
struct str postgres_bytes(const PGresult *result, int row, int column);
/* False when it is not exactly `size` bytes. */
bool postgres_copy(const PGresult *result, int row, int column, void *out_bytes, size_t size);

#endif
