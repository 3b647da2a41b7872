/*
 * Goal: rows of a binlog are read as the server wrote them, and nothing is read past their end.
 * Method: values of every type, in the bytes that MariaDB 10.11 wrote, each cut at every place.
 */
#include "doctor/binlog_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BYTES(literal)                                                                             \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

struct value_case {
    uint8_t type;
    struct str meta;
    bool is_unsigned;
    struct str bytes;
    const char *text; /* NULL: passed over */
};

static const struct value_case cases[] = {
    { 1, BYTES(""), false, BYTES("\xff"), "-1" },
    { 1, BYTES(""), true, BYTES("\xff"), "255" },
    { 2, BYTES(""), false, BYTES("\x00\x80"), "-32768" },
    { 9, BYTES(""), false, BYTES("\xff\xff\xff"), "-1" },
    { 9, BYTES(""), true, BYTES("\x01\x00\x80"), "8388609" },
    { 3, BYTES(""), true, BYTES("\xff\xff\xff\xff"), "4294967295" },
    { 8, BYTES(""), true, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615" },
    { 8, BYTES(""), false, BYTES("\x00\x00\x00\x00\x00\x00\x00\x80"), "-9223372036854775808" },
    { 246, BYTES("\x14\x02"), false, BYTES("\x80\x00\x00\x00\x00\x00\x03\xe8\x00"), "1000.00" },
    { 246, BYTES("\x14\x02"), false, BYTES("\x7f\xff\xff\xff\xff\xff\xff\xff\xfe"), "-0.01" },
    { 246, BYTES("\x0e\x04"), false, BYTES("\x81\x0d\xfb\x38\xd2\x04\xd2"), "1234567890.1234" },
    { 246, BYTES("\x0e\x04"), false, BYTES("\x7e\xf2\x04\xc7\x2d\xfb\x2d"), "-1234567890.1234" },
    { 246, BYTES("\x03\x03"), false, BYTES("\x80\x07"), "0.007" },
    { 246, BYTES("\x12\x00"), false, BYTES("\x80\x00\x00\x01\x00\x00\x00\x02"), "1000000002" },
    { 15, BYTES("\x50\x00"), false, BYTES("\x02w1"), "w1" },
    { 15, BYTES("\x00\x04"), false, BYTES("\x02\x00w1"), "w1" },
    { 254, BYTES("\xfe\x0c"), false,
      BYTES("\x03"
            "EUR"),
      "EUR" },
    { 254, BYTES("\xee\x2c"), false,
      BYTES("\x03\x00"
            "EUR"),
      "EUR" }, /* 300 bytes at most */
    { 254, BYTES("\xfe\x10"), false, BYTES("\x03\x00\x11\xfe"), "0011fe" },
    { 254, BYTES("\xf7\x01"), false, BYTES("\x02"), NULL },                             /* ENUM */
    { 254, BYTES("\xf8\x08"), false, BYTES("\x02\x00\x00\x00\x00\x00\x00\x00"), NULL }, /* SET */
    { 252, BYTES("\x02"), false, BYTES("\x06\x00h\xc3\xa4llo"), "h\xc3\xa4llo" },
    { 252, BYTES("\x04"), false, BYTES("\x01\x00\x00\x00\xff"), "ff" },
    { 16, BYTES("\x01\x01"), false, BYTES("\x00\x05"), NULL },
    { 4, BYTES("\x04"), false, BYTES("\x00\x00\xc0\x3f"), NULL },
    { 5, BYTES("\x08"), false, BYTES("\x00\x00\x00\x00\x00\x00\xf8\x3f"), NULL },
    { 13, BYTES(""), false, BYTES("\x7e"), NULL },
    { 10, BYTES(""), false, BYTES("\x01\x02\x03"), NULL },
    { 17, BYTES("\x06"), false, BYTES("\x01\x02\x03\x04\x05\x06\x07"), NULL },
    { 18, BYTES("\x03"), false, BYTES("\x99\xbb\x7c\x24\x4e\x0d\xc0"), NULL },
    { 19, BYTES("\x00"), false, BYTES("\x80\x00\x00"), NULL },
    { 140, BYTES("\x01"), false, BYTES("\x02\x00x"), NULL },
};

static struct arena arena;
static struct binlog_column columns[BINLOG_COLUMNS_MAX];
static struct row_value values[BINLOG_COLUMNS_MAX];

/* Behind the bits of NULL, one column. */
static enum status image(const struct value_case *it, size_t size, struct str *out_rest)
{
    struct error error;
    char bytes[64];
    const uint8_t all = 0xff;
    const struct binlog_shape shape = { columns, 1, &all };
    struct str types = { (const char *)&it->type, 1 };
    bytes[0] = 0;
    memcpy(bytes + 1, it->bytes.data, it->bytes.len);
    arena_reset(&arena);
    assert_int_equal(binlog_columns_parse(types, it->meta, columns, &error), STATUS_OK);
    columns[0].is_unsigned = it->is_unsigned;
    *out_rest = (struct str){ bytes, size };
    enum status status = binlog_image_take(&shape, out_rest, &arena, values, &error);
    if (status == STATUS_OK && it->text != NULL)
        assert_true(str_equal(values[0].text, str_from(it->text)));
    return status;
}

static void values_are_what_was_written(void **state)
{
    (void)state; /* no fixture */
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str rest;
        if (image(&cases[i], cases[i].bytes.len + 1, &rest) != STATUS_OK) fail_msg("case %zu", i);
        assert_int_equal(rest.len, 0);
        assert_int_equal(values[0].kind,
                         cases[i].text == NULL ? ROW_VALUE_UNKNOWN : ROW_VALUE_TEXT);
        for (size_t size = 0; size <= cases[i].bytes.len; size++)
            if (image(&cases[i], size, &rest) != STATUS_INVALID) fail_msg("case %zu, %zu", i, size);
    }
    arena_done(&arena);
}

static void columns_that_are_not_there_are_unknown(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    const uint8_t present = 0x05; /* of three columns the first and the third */
    const struct binlog_shape shape = { columns, 3, &present };
    struct str rest = STR("\x02\x07");
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    assert_int_equal(binlog_columns_parse(STR("\x01\x01\x01"), STR(""), columns, &error),
                     STATUS_OK);
    assert_int_equal(binlog_image_take(&shape, &rest, &arena, values, &error), STATUS_OK);
    assert_int_equal(values[0].kind, ROW_VALUE_TEXT);
    assert_int_equal(values[1].kind, ROW_VALUE_UNKNOWN);
    assert_int_equal(values[2].kind, ROW_VALUE_NULL);
    arena_done(&arena);
}

static void types_that_cannot_be_are_refused(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    const uint8_t all = 0xff;
    const struct binlog_shape shape = { columns, 1, &all };
    struct str rest = STR("\x00\x80\x80");
    assert_int_equal(binlog_columns_parse(STR("\x06"), STR(""), columns, &error), STATUS_INVALID);
    assert_int_equal(binlog_columns_parse(STR("\x0f"), STR("\x01"), columns, &error),
                     STATUS_INVALID);
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    static const struct str metas[] = { BYTES("\x42\x00"), BYTES("\x01\x02"), BYTES("\x00\x00") };
    for (size_t i = 0; i < sizeof metas / sizeof metas[0]; i++) {
        struct str bytes = rest;
        assert_int_equal(binlog_columns_parse(STR("\xf6"), metas[i], columns, &error), STATUS_OK);
        assert_int_equal(binlog_image_take(&shape, &bytes, &arena, values, &error), STATUS_INVALID);
    }
    arena_done(&arena);
}

static void names_of_transactions_are_shown(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    binlog_gid_append(STR("pay-17"), STR(""), &out);
    buf_append_byte(&out, ' ');
    binlog_gid_append(STR("pay"), STR("17"), &out);
    buf_append_byte(&out, ' ');
    binlog_gid_append(STR("\x00\xff"), STR("x"), &out);
    assert_string_equal(buf_terminated(&out), "pay-17 pay,17 00ff,x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_what_was_written),
        cmocka_unit_test(columns_that_are_not_there_are_unknown),
        cmocka_unit_test(types_that_cannot_be_are_refused),
        cmocka_unit_test(names_of_transactions_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
