/*
 * Goal: a cursor leads back to its place in its own list, and no other text does.
 * Method: round trips; each bit of a cursor's text changed in turn; other lists and filters.
 */
#include "api/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_cursor_leads_back_to_its_place(void **state)
{
    static const uint64_t places[] = { 0, 1, UINT64_C(1) << 40, UINT64_MAX };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char text[CURSOR_TEXT_SIZE];
        const struct cursor made = { .list = 3, .place = places[i], .filters = 99 };
        struct cursor found = { .list = 3, .filters = 99 };
        struct str written = cursor_format(&made, text);
        assert_int_equal(written.len, CURSOR_TEXT_LEN);
        assert_int_equal(cursor_parse(written, &found), STATUS_OK);
        assert_int_equal(found.place, places[i]);
    }
}

static void a_changed_cursor_is_refused(void **state)
{
    (void)state; /* no fixture is needed */
    char text[CURSOR_TEXT_SIZE];
    const struct cursor made = { .list = 3, .place = 77, .filters = 99 };
    struct str written = cursor_format(&made, text);
    for (size_t at = 0; at < written.len; at++) {
        char before = text[at];
        text[at] = before == '0' ? '1' : '0';
        struct cursor found = { .list = 3, .place = 5, .filters = 99 };
        assert_int_equal(cursor_parse(written, &found), STATUS_INVALID);
        assert_int_equal(found.place, 5);
        text[at] = before;
    }
    for (size_t len = 0; len < written.len; len++) {
        struct cursor found = { .list = 3, .filters = 99 };
        assert_int_equal(cursor_parse((struct str){ text, len }, &found), STATUS_INVALID);
    }
}

static void a_cursor_of_another_list_or_filter_is_refused(void **state)
{
    (void)state; /* no fixture is needed */
    char text[CURSOR_TEXT_SIZE];
    const struct cursor made = { .list = 3, .place = 77, .filters = 99 };
    struct str written = cursor_format(&made, text);
    struct cursor other_list = { .list = 4, .filters = 99 };
    struct cursor other_lane = { .list = 3, .lane = 1, .filters = 99 };
    struct cursor other_filter = { .list = 3, .filters = 98 };
    assert_int_equal(cursor_parse(written, &other_list), STATUS_INVALID);
    assert_int_equal(cursor_parse(written, &other_lane), STATUS_INVALID);
    assert_int_equal(cursor_parse(written, &other_filter), STATUS_INVALID);
}

static void a_cursor_says_its_lane(void **state)
{
    (void)state; /* no fixture is needed */
    char text[CURSOR_TEXT_SIZE];
    const struct cursor made = { .list = 3, .lane = 5, .place = 77, .filters = 99 };
    assert_int_equal(cursor_lane(cursor_format(&made, text)), 5);
    assert_int_equal(cursor_lane(STR("none")), 0);
    assert_int_equal(cursor_lane(STR("")), 0);
}

static void filters_depend_on_values_and_their_order(void **state)
{
    (void)state; /* no fixture is needed */
    const uint64_t a = 1;
    const uint64_t b = 2;
    uint64_t ab = cursor_filter(cursor_filter(0, &a, sizeof a), &b, sizeof b);
    uint64_t ba = cursor_filter(cursor_filter(0, &b, sizeof b), &a, sizeof a);
    assert_int_not_equal(ab, ba);
    assert_int_not_equal(ab, cursor_filter(0, &a, sizeof a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_leads_back_to_its_place),
        cmocka_unit_test(a_changed_cursor_is_refused),
        cmocka_unit_test(a_cursor_of_another_list_or_filter_is_refused),
        cmocka_unit_test(a_cursor_says_its_lane),
        cmocka_unit_test(filters_depend_on_values_and_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
