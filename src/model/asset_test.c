/*
 * Goal: every active ISO 4217 currency with a minor unit is found by code and by number, with
 * the right number of decimals, and nothing else is.
 * Method: known facts typed a second time (count, sums, the currencies that are not of two
 * decimals), order and look-ups over the whole table, near misses, all 17,576 codes of three
 * letters and all ids below 12,000.
 */
#include "model/asset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void the_table_is_ordered_and_whole(void **state)
{
    (void)state; /* no fixture */
    uint32_t count = 0;
    const struct asset *table = asset_iso_table(&count);
    assert_int_equal(count, 165);
    uint32_t id_sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(strlen(table[i].code), 3);
        assert_true(table[i].id > 0 && table[i].id <= 999);
        assert_true(table[i].exponent <= 4);
        if (i > 0) assert_true(strcmp(table[i - 1].code, table[i].code) < 0);
        id_sum += table[i].id;
    }
    assert_int_equal(id_sum, 92250);
}

static void every_row_is_found_by_code_and_by_number(void **state)
{
    (void)state; /* no fixture */
    uint32_t count = 0;
    const struct asset *table = asset_iso_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        assert_ptr_equal(asset_iso_by_code(str_from(table[i].code)), &table[i]);
        assert_ptr_equal(asset_iso_by_id(table[i].id), &table[i]);
    }
}

static void nothing_else_is_found(void **state)
{
    (void)state; /* no fixture */
    uint32_t count = 0;
    (void)asset_iso_table(&count); /* only how many there are */
    uint32_t by_code = 0;
    char code[3];
    for (code[0] = 'A'; code[0] <= 'Z'; code[0]++) {
        for (code[1] = 'A'; code[1] <= 'Z'; code[1]++) {
            for (code[2] = 'A'; code[2] <= 'Z'; code[2]++) {
                const struct asset *asset = asset_iso_by_code((struct str){ code, 3 });
                if (asset == NULL) continue;
                assert_memory_equal(asset->code, code, 3);
                by_code++;
            }
        }
    }
    assert_int_equal(by_code, count);
    uint32_t by_id = 0;
    for (uint32_t id = 0; id < 12000; id++) by_id += asset_iso_by_id(id) != NULL;
    assert_int_equal(by_id, count);
    assert_null(asset_iso_by_id(UINT32_MAX));
    const char *const misses[] = { "",    "E",   "EU",  "EURO", "eur", "EUr", "EU\xD2",
                                   "XAU", "XXX", "XTS", "XDR",  "XAG", "BGN", "HRK",
                                   "ANG", "ZWL", "SLL", "CUC",  "AAA", "ZZZ", "\x7F\x7F\x7F" };
    for (size_t i = 0; i < sizeof misses / sizeof misses[0]; i++)
        assert_null(asset_iso_by_code(str_from(misses[i])));
}

static void known_facts_hold(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *code;
        uint32_t id;
        unsigned exponent;
    } facts[] = {
        { "ALL", 8, 2 },   { "DZD", 12, 2 },  { "AUD", 36, 2 },  { "BHD", 48, 3 },
        { "CAD", 124, 2 }, { "CHE", 947, 2 }, { "CHF", 756, 2 }, { "CLF", 990, 4 },
        { "CLP", 152, 0 }, { "CNY", 156, 2 }, { "EUR", 978, 2 }, { "GBP", 826, 2 },
        { "INR", 356, 2 }, { "IQD", 368, 3 }, { "JOD", 400, 3 }, { "JPY", 392, 0 },
        { "KRW", 410, 0 }, { "KWD", 414, 3 }, { "LYD", 434, 3 }, { "MGA", 969, 2 },
        { "MRU", 929, 2 }, { "MXV", 979, 2 }, { "OMR", 512, 3 }, { "SLE", 925, 2 },
        { "TND", 788, 3 }, { "USD", 840, 2 }, { "USN", 997, 2 }, { "UYW", 927, 4 },
        { "VED", 926, 2 }, { "VND", 704, 0 }, { "XAD", 396, 2 }, { "XCG", 532, 2 },
        { "ZAR", 710, 2 }, { "ZWG", 924, 2 },
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        const struct asset *asset = asset_iso_by_code(str_from(facts[i].code));
        assert_non_null(asset);
        assert_int_equal(asset->id, facts[i].id);
        assert_int_equal(asset->exponent, facts[i].exponent);
    }
}

static void decimals_other_than_two_are_the_known_ones(void **state)
{
    (void)state; /* no fixture */
    static const char *const expected[5] = {
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ",
        "",
        NULL,
        "BHD IQD JOD KWD LYD OMR TND ",
        "CLF UYW ",
    };
    for (unsigned exponent = 0; exponent < 5; exponent++) {
        if (expected[exponent] == NULL) continue;
        char found[256] = "";
        size_t at = 0;
        uint32_t count = 0;
        const struct asset *table = asset_iso_table(&count);
        for (uint32_t i = 0; i < count; i++) {
            if (table[i].exponent != exponent) continue;
            memcpy(found + at, table[i].code, 3);
            found[at + 3] = ' ';
            at += 4;
        }
        found[at] = '\0';
        assert_string_equal(found, expected[exponent]);
    }
}

static void custom_codes_are_three_to_twelve_and_not_iso(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *code;
        bool valid;
    } cases[] = {
        { "PTS", true },  { "POINTS", true }, { "A1B2C3D4E5F6", true },   { "X99", true },
        { "XAU", true },  { "BGN", true },    { "USDC", true },           { "", false },
        { "P", false },   { "PT", false },    { "ABCDEFGHIJKLM", false }, { "1INCH", false },
        { "pts", false }, { "PTs", false },   { "PT S", false },          { "P-T", false },
        { "EUR", false }, { "JPY", false },   { "PT\xC3\x84", false },    { "AB[", false },
        { "AB@", false }, { "AB/", false },   { "AB:", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (asset_custom_code_valid(str_from(cases[i].code)) == cases[i].valid) continue;
        fail_msg("\"%s\" must be %s", cases[i].code, cases[i].valid ? "valid" : "refused");
    }
    assert_false(asset_custom_code_valid((struct str){ "PT\0", 3 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_ordered_and_whole),
        cmocka_unit_test(every_row_is_found_by_code_and_by_number),
        cmocka_unit_test(nothing_else_is_found),
        cmocka_unit_test(known_facts_hold),
        cmocka_unit_test(decimals_other_than_two_are_the_known_ones),
        cmocka_unit_test(custom_codes_are_three_to_twelve_and_not_iso),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
