#include "adapter/postgres_copy.h"

#include <endian.h>

enum {
    NUMERIC_BASE = 10000,
    NUMERIC_GROUPS_MAX = 10, /* 39 digits in fours */
    EPOCH_DAYS_2000 = 10957, /* from 1970 to 2000, where PostgreSQL counts from */
};

static const char SIGNATURE[11] = "PGCOPY\n\377\r\n";

void postgres_copy_reset(struct postgres_copy *copy)
{
    static const uint8_t nothing[8]; /* no flags, no extension */
    buf_reset(&copy->buf);
    copy->rows = 0;
    buf_append(&copy->buf, SIGNATURE, sizeof SIGNATURE);
    buf_append(&copy->buf, nothing, sizeof nothing);
}

void postgres_copy_init(struct postgres_copy *copy, size_t size_max)
{
    buf_init(&copy->buf, size_max);
    postgres_copy_reset(copy);
}

void postgres_copy_free(struct postgres_copy *copy)
{
    buf_free(&copy->buf);
    *copy = (struct postgres_copy){ 0 };
}

void postgres_copy_row(struct postgres_copy *copy, uint16_t columns)
{
    uint16_t swapped = htobe16(columns);
    buf_append(&copy->buf, &swapped, sizeof swapped);
    copy->rows++;
}

/* A column: its size, then its bytes. */
static void column(struct postgres_copy *copy, const void *data, uint32_t size)
{
    uint32_t swapped = htobe32(size);
    buf_append(&copy->buf, &swapped, sizeof swapped);
    buf_append(&copy->buf, data, size);
}

void postgres_copy_null(struct postgres_copy *copy)
{
    uint32_t none = UINT32_MAX;
    buf_append(&copy->buf, &none, sizeof none);
}

void postgres_copy_int32(struct postgres_copy *copy, int32_t number)
{
    uint32_t swapped = htobe32((uint32_t)number);
    column(copy, &swapped, sizeof swapped);
}

void postgres_copy_int64(struct postgres_copy *copy, int64_t number)
{
    uint64_t swapped = htobe64((uint64_t)number);
    column(copy, &swapped, sizeof swapped);
}

void postgres_copy_text(struct postgres_copy *copy, struct str text)
{
    if (text.len == 0) {
        postgres_copy_null(copy);
    } else {
        column(copy, text.data, (uint32_t)text.len);
    }
}

void postgres_copy_uuid(struct postgres_copy *copy, struct uuid id)
{
    uint64_t halves[2] = { htobe64(id.hi), htobe64(id.lo) };
    if (uuid_is_nil(id)) {
        postgres_copy_null(copy);
    } else {
        column(copy, halves, sizeof halves);
    }
}

/*
 * A numeric is groups of four digits, the most significant first, without zero groups at either
 * end; the weight of the first says how many stand behind it.
 */
void postgres_copy_money(struct postgres_copy *copy, struct money amount)
{
    uint16_t groups[NUMERIC_GROUPS_MAX];
    uint16_t words[4 + NUMERIC_GROUPS_MAX];
    uint32_t count = 0;
    uint128 rest = amount.minor;
    while (rest > UINT64_MAX) {
        groups[count++] = (uint16_t)(rest % NUMERIC_BASE);
        rest /= NUMERIC_BASE;
    }
    for (uint64_t low = (uint64_t)rest; low > 0; low /= NUMERIC_BASE) {
        groups[count++] = (uint16_t)(low % NUMERIC_BASE);
    }
    uint32_t zeros = 0;
    while (zeros < count && groups[zeros] == 0) zeros++;
    uint32_t kept = count - zeros;
    words[0] = htobe16((uint16_t)kept);
    words[1] = count == 0 ? 0 : htobe16((uint16_t)(count - 1));
    words[2] = 0; /* positive */
    words[3] = 0; /* no decimals */
    for (uint32_t i = 0; i < kept; i++) words[4 + i] = htobe16(groups[count - 1 - i]);
    column(copy, words, (4 + kept) * (uint32_t)sizeof words[0]);
}

void postgres_copy_time(struct postgres_copy *copy, struct wall_time time)
{
    if (time.ns == 0) {
        postgres_copy_null(copy);
    } else {
        postgres_copy_int64(copy, (time.ns - EPOCH_DAYS_2000 * NS_PER_DAY) / NS_PER_US);
    }
}

void postgres_copy_date(struct postgres_copy *copy, struct business_date date)
{
    if (date.days == 0) {
        postgres_copy_null(copy);
    } else {
        postgres_copy_int32(copy, date.days - EPOCH_DAYS_2000);
    }
}

enum status postgres_copy_end(struct postgres_copy *copy)
{
    uint16_t end = UINT16_MAX;
    buf_append(&copy->buf, &end, sizeof end);
    return buf_status(&copy->buf);
}
