/*
 * Goal: a buf never holds more than its maximum, keeps whole appends or none, remembers that
 * something was cut, and survives every failure of memory.
 * Method: the module is compiled into this test with a realloc() that fails at a given call;
 * all maxima and all failing calls in turn; the contents compared with a plain array.
 */
#include <stdlib.h>

static unsigned reallocs_allowed;

static void *failing_realloc(void *memory, size_t size)
{
    if (reallocs_allowed == 0) return NULL;
    reallocs_allowed--;
    return realloc(memory, size);
}

#define realloc failing_realloc
#include "base/buf.c"
#undef realloc

#include <setjmp.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/prng.h"

enum { MANY = 1000000 };

static void appends_of_every_kind_add_up(void **state)
{
    (void)state; /* no fixture */
    reallocs_allowed = MANY;
    struct buf buf;
    buf_init(&buf, 100);
    assert_string_equal(buf_terminated(&buf), "");
    buf_append(&buf, "ab", 2);
    buf_append(&buf, NULL, 0);
    buf_append_str(&buf, STR("cd"));
    buf_append_byte(&buf, 'e');
    buf_append_format(&buf, "%d-%s", 12, "x");
    buf_append_format(&buf, "%s", "");
    char *room = buf_extend(&buf, 3);
    assert_non_null(room);
    memcpy(room, "xyz", 3);
    assert_int_equal(buf_status(&buf), STATUS_OK);
    assert_string_equal(buf_terminated(&buf), "abcde12-xxyz");
    assert_true(str_equal(buf_view(&buf), STR("abcde12-xxyz")));
    buf_free(&buf);
}

static void the_maximum_is_reached_and_not_passed(void **state)
{
    (void)state; /* no fixture */
    reallocs_allowed = MANY;
    for (size_t size_max = 0; size_max < 300; size_max++) {
        struct buf buf;
        buf_init(&buf, size_max);
        for (size_t i = 0; i < size_max; i++) buf_append_byte(&buf, (uint8_t)i);
        assert_int_equal(buf_status(&buf), STATUS_OK);
        assert_int_equal(buf.len, size_max);
        assert_true(buf.capacity <= size_max + 1);
        buf_append_byte(&buf, 'x');
        assert_int_equal(buf_status(&buf), STATUS_LIMIT);
        assert_int_equal(buf.len, size_max);
        for (size_t i = 0; i < size_max; i++) assert_int_equal(buf.data[i], (uint8_t)i);
        buf_free(&buf);
    }
}

static void an_append_that_does_not_fit_appends_nothing(void **state)
{
    (void)state; /* no fixture */
    reallocs_allowed = MANY;
    struct buf buf;
    buf_init(&buf, 4);
    buf_append(&buf, "abc", 3);
    buf_append(&buf, "de", 2);
    assert_int_equal(buf_status(&buf), STATUS_LIMIT);
    assert_string_equal(buf_terminated(&buf), "abc");
    buf_append_byte(&buf, 'd'); /* would fit, but something before is missing */
    assert_string_equal(buf_terminated(&buf), "abc");
    buf_reset(&buf);
    assert_int_equal(buf_status(&buf), STATUS_OK);
    buf_append_format(&buf, "%d", 12345);
    assert_int_equal(buf_status(&buf), STATUS_LIMIT);
    assert_string_equal(buf_terminated(&buf), "");
    buf_reset(&buf);
    buf_append_format(&buf, "%d", 1234);
    assert_string_equal(buf_terminated(&buf), "1234");
    buf_reset(&buf);
    assert_null(buf_extend(&buf, SIZE_MAX));
    assert_null(buf_extend(&buf, 1));
    buf_free(&buf);
}

static void every_failure_of_memory_is_an_overflow(void **state)
{
    (void)state; /* no fixture */
    for (unsigned allowed = 0; allowed < 5; allowed++) {
        reallocs_allowed = allowed;
        struct buf buf;
        buf_init(&buf, 1 << 20);
        size_t before = 0;
        while (buf_status(&buf) == STATUS_OK) {
            before = buf.len;
            buf_append(&buf, "0123456789", 10);
        }
        assert_int_equal(buf.len, before);
        assert_int_equal(before, allowed == 0 ? 0 : ((32U << allowed) - 1) / 10 * 10);
        for (size_t i = 0; i < before; i++) assert_int_equal(buf.data[i], '0' + i % 10);
        reallocs_allowed = 1;
        buf_append_byte(&buf, 'x');
        assert_int_equal(buf_status(&buf), STATUS_LIMIT); /* until it is reset */
        buf_free(&buf);
    }
}

static void a_zeroed_buf_holds_nothing_and_is_freed(void **state)
{
    (void)state; /* no fixture */
    reallocs_allowed = MANY;
    struct buf buf = { 0 };
    buf_append_byte(&buf, 'x');
    assert_int_equal(buf_status(&buf), STATUS_LIMIT);
    buf_free(&buf);
    buf_free(&buf);
    buf_free(NULL);
}

static void random_appends_agree_with_a_plain_array(void **state)
{
    (void)state; /* no fixture */
    enum { SIZE = 5000 };
    reallocs_allowed = MANY;
    struct prng prng;
    prng_init(&prng, 1);
    uint8_t plain[SIZE];
    uint8_t piece[64];
    for (unsigned round = 0; round < 50; round++) {
        BUF_SCOPE struct buf buf;
        buf_init(&buf, SIZE);
        size_t len = 0;
        while (buf_status(&buf) == STATUS_OK) {
            size_t more = prng_below(&prng, sizeof piece + 1);
            prng_fill(&prng, piece, more);
            buf_append(&buf, piece, more);
            if (buf_status(&buf) != STATUS_OK) {
                assert_true(len + more > SIZE);
                continue;
            }
            memcpy(plain + len, piece, more);
            len += more;
        }
        assert_int_equal(buf.len, len);
        assert_memory_equal(buf.data, plain, len);
    }
}

static void init_with(void *argument)
{
    struct buf buf;
    buf_init(&buf, *(const size_t *)argument);
}

static void a_maximum_that_could_wrap_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    size_t most = SIZE_MAX / 2;
    size_t more = most + 1;
    assert_false(dies(init_with, &most));
    assert_true(dies(init_with, &more));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_of_every_kind_add_up),
        cmocka_unit_test(the_maximum_is_reached_and_not_passed),
        cmocka_unit_test(an_append_that_does_not_fit_appends_nothing),
        cmocka_unit_test(every_failure_of_memory_is_an_overflow),
        cmocka_unit_test(a_zeroed_buf_holds_nothing_and_is_freed),
        cmocka_unit_test(random_appends_agree_with_a_plain_array),
        cmocka_unit_test(a_maximum_that_could_wrap_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
