/*
 * Goal: a position is read and written the same way, and nothing else is taken for one.
 * Method: tables of good and bad texts, with the extremes of both numbers.
 */
#include "model/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void good_texts_come_back_as_they_were(void **state)
{
    static const struct {
        const char *text;
        uint64_t batch;
        uint32_t index;
    } rows[] = {
        { "1207-3", 1207, 3 },
        { "0-0", 0, 0 },
        { "1", 1, POSITION_INDEX_END },
        { "1099511627775-2147483646", 1099511627775, POSITION_INDEX_END - 1 },
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct position position;
        char text[POSITION_TEXT_SIZE];
        assert_true(position_parse(str_from(rows[i].text), &position));
        assert_int_equal(position.batch, rows[i].batch);
        assert_int_equal(position.index, rows[i].index);
        assert_true(str_equal(position_format(position, text), str_from(rows[i].text)));
    }
}

static void other_texts_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "-",
        "-1",
        "1-",
        "1-2-3",
        "01",
        "1-02",
        "1 - 2",
        "+1",
        "1-x",
        "x-1",
        "1.5",
        "1-2147483647",
        "1099511627776",
        " 1",
        "1-1 ",
        "99999999999999999999999999",
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct position position;
        if (position_parse(str_from(rows[i]), &position)) fail_msg("taken: %s", rows[i]);
    }
}

static void positions_are_ordered_by_batch_then_index(void **state)
{
    (void)state; /* no fixture is needed */
    const struct position low = { 1, 9 };
    const struct position middle = { 2, 0 };
    const struct position high = { 2, 1 };
    assert_true(position_after(middle, low));
    assert_true(position_after(high, middle));
    assert_false(position_after(low, high));
    assert_false(position_after(high, high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_come_back_as_they_were),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(positions_are_ordered_by_batch_then_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
