/*
 * Goal: a member is its key and its value, with what each needs to be JSON.
 * Method: one object with all of them, as its text.
 */
#include "base/json_member.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void members_are_written_in_order(void **state)
{
    (void)state; /* no fixture */
    static const uint8_t bytes[] = { 0x00, 0xAB, 0xFF };
    BUF_SCOPE struct buf out;
    struct json_writer writer;
    buf_init(&out, 1000);
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    json_member_text(&writer, "text", STR("a\"b\n"));
    json_member_number(&writer, "number", UINT64_MAX);
    json_member_hex(&writer, "hex", bytes, sizeof bytes);
    json_write_object_end(&writer);
    assert_int_equal(json_write_end(&writer), STATUS_OK);
    assert_string_equal(buf_terminated(&out), "{\"text\":\"a\\\"b\\n\","
                                              "\"number\":18446744073709551615,"
                                              "\"hex\":\"00abff\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_written_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
