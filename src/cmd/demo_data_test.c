/*
 * Goal: the made-up bank is the same on every machine, and in the shape of the sample.
 * Method: the digest of a small one is pinned; its rows are read back and looked at.
 */
#include "cmd/demo_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/csv_reader.h"
#include "crypto/digest.h"

static const struct demo_data_size size = { .accounts = 200, .transfers = 3000, .seed = 1 };

static FILE *made(enum status (*write)(const struct demo_data_size *, FILE *))
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(write(&size, file), STATUS_OK);
    assert_int_equal(fflush(file), 0);
    rewind(file);
    return file;
}

static uint32_t first_word(FILE *file)
{
    static char text[1 << 20];
    size_t len = fread(text, 1, sizeof(text), file);
    assert_true(len > 0);
    assert_true(len < sizeof(text));
    struct digest digest = digest_of(text, len);
    uint32_t word;
    memcpy(&word, digest.bytes, sizeof(word));
    assert_int_equal(fclose(file), 0);
    return word;
}

static void the_same_seed_makes_the_same_bytes(void **state)
{
    (void)state;
    assert_int_equal(first_word(made(demo_data_accounts)), 0x65310510);
    assert_int_equal(first_word(made(demo_data_transfers)), 0xE225EB55);
}

static void every_transfer_is_between_two_accounts_and_of_an_amount(void **state)
{
    (void)state;
    FILE *file = made(demo_data_transfers);
    struct csv_reader reader;
    struct error error;
    bool found = true;
    uint32_t rows = 0;
    csv_reader_init(&reader, fileno(file));
    assert_int_equal(csv_reader_next(&reader, &found, &error), STATUS_OK);
    assert_true(str_equal(reader.fields[2], STR("value")));
    while (csv_reader_next(&reader, &found, &error) == STATUS_OK && found) {
        rows++;
        assert_int_equal(reader.field_count, 4);
        assert_false(str_equal(reader.fields[0], reader.fields[1]));
        for (uint32_t i = 0; i < 2; i++) {
            char text[16] = { 0 };
            memcpy(text, reader.fields[i].data, reader.fields[i].len);
            assert_true(strtoul(text, NULL, 10) < size.accounts);
        }
        const char *point = memchr(reader.fields[2].data, '.', reader.fields[2].len);
        assert_non_null(point);
        assert_true(reader.fields[2].data[0] != '0');
    }
    assert_int_equal(rows, size.transfers);
    csv_reader_done(&reader);
    assert_int_equal(fclose(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_bytes),
        cmocka_unit_test(every_transfer_is_between_two_accounts_and_of_an_amount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
