/*
 * Goal: dates and times are read and written as the calendar has them, every day and to the
 * nanosecond, and nothing that is no date or time is read.
 * Method: a naive calendar that counts days one by one beside the formulas, over all days that
 * can be written; tables of texts; every byte at every place of a text.
 */
#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check_test.h"

struct naive {
    unsigned year, month, day;
};

static unsigned month_days(unsigned year, unsigned month)
{
    if (month == 4 || month == 6 || month == 9 || month == 11) return 30;
    if (month != 2) return 31;
    if (year % 400 == 0) return 29;
    if (year % 100 == 0) return 28;
    return year % 4 == 0 ? 29 : 28;
}

static void next_day(struct naive *date)
{
    if (++date->day <= month_days(date->year, date->month)) return;
    date->day = 1;
    if (++date->month <= 12) return;
    date->month = 1;
    date->year++;
}

static void every_day_until_9999_is_written_and_read_back(void **state)
{
    (void)state; /* no fixture */
    struct naive date = { 1970, 1, 1 };
    for (int32_t days = 0; days <= BUSINESS_DATE_DAYS_MAX; days++, next_day(&date)) {
        char text[DATE_TEXT_SIZE];
        char expected[32];
        struct str written = business_date_format((struct business_date){ days }, text);
        int len =
            snprintf(expected, sizeof expected, "%04u-%02u-%02u", date.year, date.month, date.day);
        assert_int_equal(written.len, len);
        if (strcmp(text, expected) != 0) fail_msg("day %d is %s, not %s", days, expected, text);
        struct business_date back = { -1 };
        enum status status = business_date_parse(written, &back);
        assert_int_equal(status, days == 0 ? STATUS_INVALID : STATUS_OK); /* day 0 is "none" */
        if (days > 0) assert_int_equal(back.days, days);
    }
    assert_int_equal(date.year, 10000);
}

static void every_day_from_1970_to_2200_keeps_its_time(void **state)
{
    (void)state;           /* no fixture */
    enum { DAYS = 84370 }; /* until 2200-12-31 */
    for (int64_t day = 0; day <= DAYS; day++) {
        int64_t within = day * 1021 % 86400 * NS_PER_S + day * 7919 % NS_PER_S;
        struct wall_time time = { day * NS_PER_DAY + within };
        char text[TIME_TEXT_SIZE];
        struct str written = wall_time_format(time, text);
        struct wall_time back = { -1 };
        assert_int_equal(wall_time_parse(written, &back), STATUS_OK);
        assert_true(back.ns == time.ns);
        assert_int_equal(business_date_of(time).days, day);
        char date[DATE_TEXT_SIZE];
        assert_memory_equal(business_date_format(business_date_of(time), date).data, text, 10);
    }
}

static void known_times_are_written(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000000000Z" },
        { 1, "1970-01-01T00:00:00.000000001Z" },
        { 951782400 * NS_PER_S, "2000-02-29T00:00:00.000000000Z" },
        { 1700000000 * NS_PER_S + 123456789, "2023-11-14T22:13:20.123456789Z" },
        { 4107542399 * NS_PER_S + 999999999, "2100-02-28T23:59:59.999999999Z" },
        { 4107542400 * NS_PER_S, "2100-03-01T00:00:00.000000000Z" },
        { INT64_MAX, "2262-04-11T23:47:16.854775807Z" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[TIME_TEXT_SIZE];
        struct str written = wall_time_format((struct wall_time){ cases[i].ns }, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(written.len, strlen(cases[i].text));
    }
}

static void times_are_read_in_all_spellings_allowed(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01T00:00:00.5Z", NS_PER_S / 2 },
        { "1970-01-01T00:00:00.000000001Z", 1 },
        { "1970-01-01T00:00:00.0Z", 0 },
        { "1970-01-01T01:00:00+01:00", 0 },
        { "1970-01-01T00:00:00-00:30", 1800 * NS_PER_S },
        { "1970-01-01T00:00:00+00:00", 0 },
        { "1970-01-01T23:59:00+23:59", 0 },
        { "2023-11-14T23:13:20.123456789+01:00", 1700000000 * NS_PER_S + 123456789 },
        { "2262-04-11T23:47:15.999999999Z", INT64_MAX / NS_PER_S * NS_PER_S - 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wall_time time = { -1 };
        enum status status = wall_time_parse(str_from(cases[i].text), &time);
        if (status != STATUS_OK || time.ns != cases[i].ns) fail_msg("%s", cases[i].text);
    }
}

static void other_times_are_refused_and_change_nothing(void **state)
{
    (void)state; /* no fixture */
    static const char *const texts[] = {
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-01-01T00:00:00z",
        "1970-01-01t00:00:00Z",
        "1970-01-01T00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:60Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567890Z",
        "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+00:60",
        "1970-01-01T00:00:00+0000",
        "1970-01-01T00:00:00+01:00", /* would be 1969 */
        "1970-01-01T00:00:00ZZ",
        "1970-01-01T00:00:00Z ",
        " 1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2262-04-11T23:47:16Z", /* part of that second does not fit */
        "2262-04-12T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2023-02-29T00:00:00Z",
        "2023-00-01T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2023-01-00T00:00:00Z",
        "2023-01-32T00:00:00Z",
        "+2023-01-01T00:00:00Z",
        "12023-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct wall_time time = { 77 };
        if (wall_time_parse(str_from(texts[i]), &time) != STATUS_INVALID)
            fail_msg("\"%s\" is read", texts[i]);
        assert_int_equal(time.ns, 77);
    }
}

static void other_dates_are_refused_and_change_nothing(void **state)
{
    (void)state; /* no fixture */
    static const char *const texts[] = {
        "",           "1970-01-01", "1969-12-31", "2023-02-29",  "2100-02-29",  "2023-04-31",
        "2023-1-01",  "2023-01-1",  "20230101",   "2023/01/01",  "2023-01-01 ", " 2023-01-01",
        "2023-01-0a", "2023-01-",   "2023-01",    "-2023-01-01", "2023-01-01T", "10000-01-01",
        "0000-01-01",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct business_date date = { 77 };
        if (business_date_parse(str_from(texts[i]), &date) != STATUS_INVALID)
            fail_msg("\"%s\" is read", texts[i]);
        assert_int_equal(date.days, 77);
    }
}

static void a_byte_out_of_place_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const char valid[] = "2023-11-14T22:13:20.123456789Z";
    for (size_t place = 0; place < sizeof valid - 1; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[sizeof valid];
            memcpy(text, valid, sizeof text);
            text[place] = (char)byte;
            bool digit = valid[place] >= '0' && valid[place] <= '9';
            if (digit ? byte >= '0' && byte <= '9' : byte == (unsigned char)valid[place]) continue;
            struct wall_time time;
            if (wall_time_parse((struct str){ text, sizeof text - 1 }, &time) != STATUS_INVALID)
                fail_msg("byte %u at %zu is read", byte, place);
        }
    }
}

static void format_date(void *argument)
{
    char text[DATE_TEXT_SIZE];
    (void)business_date_format(*(const struct business_date *)argument, text); /* dies before */
}

static void dates_that_cannot_be_written_stop_the_program(void **state)
{
    (void)state; /* no fixture */
    struct business_date last = { BUSINESS_DATE_DAYS_MAX };
    struct business_date beyond = { BUSINESS_DATE_DAYS_MAX + 1 };
    struct business_date before = { -1 };
    assert_false(dies(format_date, &last));
    assert_true(dies(format_date, &beyond));
    assert_true(dies(format_date, &before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_until_9999_is_written_and_read_back),
        cmocka_unit_test(every_day_from_1970_to_2200_keeps_its_time),
        cmocka_unit_test(known_times_are_written),
        cmocka_unit_test(times_are_read_in_all_spellings_allowed),
        cmocka_unit_test(other_times_are_refused_and_change_nothing),
        cmocka_unit_test(other_dates_are_refused_and_change_nothing),
        cmocka_unit_test(a_byte_out_of_place_is_refused),
        cmocka_unit_test(dates_that_cannot_be_written_stop_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
