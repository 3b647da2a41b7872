#include "adapter/postgres_value.h"

#include <endian.h>
#include <string.h>

#include "base/check.h"

/* ---- parameters ---- */

static int add_value(struct postgres_parameters *parameters, const void *data, size_t size)
{
    int at = parameters->count++;
    CHECK(at < POSTGRES_PARAMETERS_MAX);
    CHECK(size <= INT32_MAX);
    parameters->values[at] = size == 0 ? "" : data;
    parameters->lengths[at] = (int)size;
    parameters->formats[at] = 1;
    return at;
}

static void add_number(struct postgres_parameters *parameters, const void *bytes, size_t size)
{
    int at = add_value(parameters, bytes, size);
    memcpy(parameters->numbers[at], bytes, size);
    parameters->values[at] = NULL;
    parameters->inside |= 1U << at;
}

void postgres_bind_int32(struct postgres_parameters *parameters, int32_t number)
{
    uint32_t swapped = htobe32((uint32_t)number);
    add_number(parameters, &swapped, sizeof swapped);
}

void postgres_bind_int64(struct postgres_parameters *parameters, int64_t number)
{
    uint64_t swapped = htobe64((uint64_t)number);
    add_number(parameters, &swapped, sizeof swapped);
}

void postgres_bind_number(struct postgres_parameters *parameters, uint64_t number)
{
    CHECK(number <= INT64_MAX);
    postgres_bind_int64(parameters, (int64_t)number);
}

void postgres_bind_bool(struct postgres_parameters *parameters, bool value)
{
    uint8_t byte = value;
    add_number(parameters, &byte, sizeof byte);
}

void postgres_bind_bytes(struct postgres_parameters *parameters, const void *data, size_t size)
{
    (void)add_value(parameters, data, size);
}

void postgres_bind_text(struct postgres_parameters *parameters, struct str text)
{
    (void)add_value(parameters, text.data, text.len);
}

void postgres_bind_uuid(struct postgres_parameters *parameters, struct uuid id)
{
    uint64_t halves[2] = { htobe64(id.hi), htobe64(id.lo) };
    add_number(parameters, halves, sizeof halves);
}

void postgres_bind_null(struct postgres_parameters *parameters)
{
    int at = add_value(parameters, NULL, 0);
    parameters->values[at] = NULL;
}

/* ---- columns ---- */

bool postgres_copy(const PGresult *result, int row, int column, void *out_bytes, size_t size)
{
    CHECK(row < PQntuples(result));
    CHECK(column < PQnfields(result));
    if (PQgetisnull(result, row, column) != 0) return false;
    if ((size_t)PQgetlength(result, row, column) != size) return false;
    memcpy(out_bytes, PQgetvalue(result, row, column), size);
    return true;
}

int64_t postgres_int64(const PGresult *result, int row, int column)
{
    uint64_t swapped = 0;
    if (!postgres_copy(result, row, column, &swapped, sizeof swapped)) return 0;
    return (int64_t)be64toh(swapped);
}

int32_t postgres_int32(const PGresult *result, int row, int column)
{
    uint32_t swapped = 0;
    if (!postgres_copy(result, row, column, &swapped, sizeof swapped)) return 0;
    return (int32_t)be32toh(swapped);
}

bool postgres_bool(const PGresult *result, int row, int column)
{
    uint8_t byte = 0;
    return postgres_copy(result, row, column, &byte, sizeof byte) && byte != 0;
}

struct uuid postgres_uuid(const PGresult *result, int row, int column)
{
    uint64_t halves[2];
    if (!postgres_copy(result, row, column, halves, sizeof halves)) return (struct uuid){ 0 };
    return (struct uuid){ .hi = be64toh(halves[0]), .lo = be64toh(halves[1]) };
}

struct str postgres_bytes(const PGresult *result, int row, int column)
{
    CHECK(row < PQntuples(result));
    CHECK(column < PQnfields(result));
    return (struct str){ PQgetvalue(result, row, column),
                         (size_t)PQgetlength(result, row, column) };
}
