/* time.h - points in time, durations and business dates as types of their own. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/* Nanoseconds since 1970-01-01T00:00:00Z, never negative. For records, never for durations. */
struct wall_time {
    int64_t ns;
};
/* Nanoseconds since some start that lasts as long as the process. For durations only. */
struct monotonic_time {
    int64_t ns;
};
/* Days since 1970-01-01, UTC: the value date of a transfer. 0 is "none". */
struct business_date {
    int32_t days;
};

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_DAY (INT64_C(86400) * NS_PER_S)

enum {
    TIME_TEXT_SIZE = 32,              /* 2026-11-23T06:14:50.123456789Z and a terminator */
    DATE_TEXT_SIZE = 16,              /* 2026-11-23 and a terminator */
    BUSINESS_DATE_DAYS_MAX = 2932896, /* 9999-12-31: later years would need a fifth digit */
};

/* RFC 3339, in UTC, with nine decimals. */
struct str wall_time_format(struct wall_time time, char text[TIME_TEXT_SIZE]);
/* RFC 3339 with Z or an offset, and up to nine decimals; 1970 to 2261. Else STATUS_INVALID. */
enum status wall_time_parse(struct str text, struct wall_time *out_time) MUST_CHECK;

/* 1970-01-01 for "none". CHECKs that date is at most BUSINESS_DATE_DAYS_MAX. */
struct str business_date_format(struct business_date date, char text[DATE_TEXT_SIZE]);
/* ISO 8601 YYYY-MM-DD, 1970-01-02 to 9999-12-31. Else STATUS_INVALID. */
enum status business_date_parse(struct str text, struct business_date *out_date) MUST_CHECK;

static inline struct business_date business_date_of(struct wall_time time)
{
    return (struct business_date){ (int32_t)(time.ns / NS_PER_DAY) };
}

#endif
