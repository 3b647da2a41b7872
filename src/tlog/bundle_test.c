/*
 * Goal: entries come back from a bundle as they went in, and a bundle cut anywhere is seen.
 * Method: entries of all sizes that matter; the bundle cut at each byte.
 */
#include "tlog/bundle.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/check_test.h"

static void bytes_are_as_specified(void **state)
{
    (void)state; /* no fixture */
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 1024);
    char long_entry[258];
    memset(long_entry, 'z', sizeof long_entry);
    bundle_append(&buf, STR("ab"));
    bundle_append(&buf, STR(""));
    bundle_append(&buf, (struct str){ long_entry, sizeof long_entry });
    assert_int_equal(buf.len, 4 + 2 + 2 + 258);
    assert_memory_equal(buf.data,
                        "\x00\x02"
                        "ab"
                        "\x00\x00"
                        "\x01\x02"
                        "zz",
                        10);
}

static void entries_come_back(void **state)
{
    (void)state; /* no fixture */
    static char bytes[BUNDLE_ENTRY_SIZE_MAX + 8];
    static const size_t sizes[] = { 0, 1, 255, 256, 257, 4000, BUNDLE_ENTRY_SIZE_MAX, 3 };
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7);
    struct buf BUF_SCOPE buf;
    buf_init(&buf, BUNDLE_SIZE_MAX);
    for (size_t i = 0; i < 8; i++) bundle_append(&buf, (struct str){ bytes + i, sizes[i] });
    struct str rest = buf_view(&buf);
    struct str entry;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(bundle_next(&rest, &entry), STATUS_OK);
        assert_true(str_equal(entry, (struct str){ bytes + i, sizes[i] }));
    }
    assert_int_equal(bundle_next(&rest, &entry), STATUS_NOT_FOUND);
}

static void a_cut_is_seen(void **state)
{
    (void)state; /* no fixture */
    struct buf BUF_SCOPE buf;
    buf_init(&buf, 1024);
    bundle_append(&buf, STR("first"));
    bundle_append(&buf, STR("second"));
    for (size_t len = 0; len < buf.len; len++) {
        struct str rest = { (const char *)buf.data, len };
        struct str entry = STR("untouched");
        enum status status = bundle_next(&rest, &entry);
        if (status == STATUS_OK) status = bundle_next(&rest, &entry);
        bool whole = len == 0 || len == 7;
        assert_int_equal(status, whole ? STATUS_NOT_FOUND : STATUS_INVALID);
        if (len < 7) assert_true(str_equal(entry, STR("untouched")));
    }
}

static void append_too_long(void *argument)
{
    struct buf buf;
    buf_init(&buf, BUNDLE_SIZE_MAX);
    bundle_append(&buf, (struct str){ argument, BUNDLE_ENTRY_SIZE_MAX + 1 });
}

static void a_longer_entry_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    static char bytes[BUNDLE_ENTRY_SIZE_MAX + 1];
    assert_true(dies(append_too_long, bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_specified),
        cmocka_unit_test(entries_come_back),
        cmocka_unit_test(a_cut_is_seen),
        cmocka_unit_test(a_longer_entry_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
