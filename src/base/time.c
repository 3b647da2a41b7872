/* Civil dates by the days-from-civil arithmetic: no time zones, no libc calendar. */
#include "base/time.h"

#include <stdbool.h>

#include "base/check.h"

struct civil {
    int32_t year;
    uint32_t month;
    uint32_t day;
};

/* Proleptic Gregorian; eras of 400 years start on 1 March, so that leap days come last. */
static int32_t days_from_civil(struct civil date)
{
    int32_t year = date.year - (date.month <= 2);
    int32_t era = year / 400;
    uint32_t year_of_era = (uint32_t)(year - era * 400);
    uint32_t shifted_month = date.month > 2 ? date.month - 3 : date.month + 9;
    uint32_t day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
    uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int32_t)day_of_era - 719468;
}

static struct civil civil_from_days(int32_t days)
{
    int32_t shifted = days + 719468;
    int32_t era = shifted / 146097;
    uint32_t day_of_era = (uint32_t)(shifted - era * 146097);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t shifted_month = (5 * day_of_year + 2) / 153;
    uint32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    return (struct civil){
        .year = (int32_t)year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * shifted_month + 2) / 5 + 1,
    };
}

static uint32_t days_in_month(int32_t year, uint32_t month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

/* Exactly `count` digits from *at on. */
static bool digits_take(struct str text, size_t *at, unsigned count, uint32_t *out_value)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++, *at += 1) {
        if (*at >= text.len || text.data[*at] < '0' || text.data[*at] > '9') return false;
        value = value * 10 + (uint32_t)(text.data[*at] - '0');
    }
    *out_value = value;
    return true;
}

static bool char_take(struct str text, size_t *at, char expected)
{
    if (*at >= text.len || text.data[*at] != expected) return false;
    *at += 1;
    return true;
}

static bool date_take(struct str text, size_t *at, int32_t *out_days)
{
    uint32_t year, month, day;
    if (!digits_take(text, at, 4, &year) || !char_take(text, at, '-')) return false;
    if (!digits_take(text, at, 2, &month) || !char_take(text, at, '-')) return false;
    if (!digits_take(text, at, 2, &day)) return false;
    if (year < 1970 || month < 1 || month > 12) return false;
    if (day < 1 || day > days_in_month((int32_t)year, month)) return false;
    *out_days = days_from_civil((struct civil){ (int32_t)year, month, day });
    return true;
}

static bool clock_take(struct str text, size_t *at, int64_t *out_seconds)
{
    uint32_t hour, minute, second;
    if (!digits_take(text, at, 2, &hour) || !char_take(text, at, ':')) return false;
    if (!digits_take(text, at, 2, &minute) || !char_take(text, at, ':')) return false;
    if (!digits_take(text, at, 2, &second)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    *out_seconds = (int64_t)hour * 3600 + minute * 60 + second;
    return true;
}

static bool fraction_take(struct str text, size_t *at, int64_t *out_ns)
{
    *out_ns = 0;
    if (!char_take(text, at, '.')) return true;
    unsigned digits = 0;
    for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; *at += 1) {
        if (++digits > 9) return false;
        *out_ns = *out_ns * 10 + (text.data[*at] - '0');
    }
    for (unsigned i = digits; i < 9; i++) *out_ns *= 10;
    return digits > 0;
}

static bool offset_take(struct str text, size_t *at, int64_t *out_seconds)
{
    *out_seconds = 0;
    if (char_take(text, at, 'Z')) return true;
    int64_t sign = char_take(text, at, '+') ? 1 : char_take(text, at, '-') ? -1 : 0;
    uint32_t hour, minute;
    if (sign == 0 || !digits_take(text, at, 2, &hour) || !char_take(text, at, ':')) return false;
    if (!digits_take(text, at, 2, &minute) || hour > 23 || minute > 59) return false;
    *out_seconds = sign * ((int64_t)hour * 3600 + minute * 60);
    return true;
}

enum status wall_time_parse(struct str text, struct wall_time *out_time)
{
    CHECK(out_time != NULL);
    size_t at = 0;
    int32_t days;
    int64_t seconds, ns, offset;
    if (!date_take(text, &at, &days) || !char_take(text, &at, 'T')) return STATUS_INVALID;
    if (!clock_take(text, &at, &seconds) || !fraction_take(text, &at, &ns)) return STATUS_INVALID;
    if (!offset_take(text, &at, &offset) || at != text.len) return STATUS_INVALID;
    int64_t total = (int64_t)days * 86400 + seconds - offset;
    if (total < 0 || total >= INT64_MAX / NS_PER_S) return STATUS_INVALID;
    out_time->ns = total * NS_PER_S + ns;
    return STATUS_OK;
}

/* Writes exactly `count` digits, zeros first, and returns where they end. */
static char *digits_put(char *to, uint32_t value, unsigned count)
{
    for (unsigned i = count; i > 0; i--, value /= 10) to[i - 1] = (char)('0' + value % 10);
    CHECK(value == 0);
    return to + count;
}

static char *date_put(char *to, int32_t days)
{
    struct civil date = civil_from_days(days);
    to = digits_put(to, (uint32_t)date.year, 4);
    *to++ = '-';
    to = digits_put(to, date.month, 2);
    *to++ = '-';
    return digits_put(to, date.day, 2);
}

/* By hand, not by snprintf(): each answer to a transfer holds a time. */
struct str wall_time_format(struct wall_time time, char text[TIME_TEXT_SIZE])
{
    CHECK(time.ns >= 0);
    uint32_t second_of_day = (uint32_t)(time.ns % NS_PER_DAY / NS_PER_S);
    char *to = date_put(text, (int32_t)(time.ns / NS_PER_DAY));
    *to++ = 'T';
    to = digits_put(to, second_of_day / 3600, 2);
    *to++ = ':';
    to = digits_put(to, second_of_day / 60 % 60, 2);
    *to++ = ':';
    to = digits_put(to, second_of_day % 60, 2);
    *to++ = '.';
    to = digits_put(to, (uint32_t)(time.ns % NS_PER_S), 9);
    *to++ = 'Z';
    *to = '\0';
    return (struct str){ text, (size_t)(to - text) };
}

enum status business_date_parse(struct str text, struct business_date *out_date)
{
    CHECK(out_date != NULL);
    size_t at = 0;
    int32_t days;
    if (!date_take(text, &at, &days) || at != text.len || days < 1) return STATUS_INVALID;
    out_date->days = days;
    return STATUS_OK;
}

struct str business_date_format(struct business_date date, char text[DATE_TEXT_SIZE])
{
    CHECK(date.days >= 0 && date.days <= BUSINESS_DATE_DAYS_MAX);
    char *to = date_put(text, date.days);
    *to = '\0';
    return (struct str){ text, (size_t)(to - text) };
}
