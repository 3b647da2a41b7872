/*
 * Goal: kinds and flags have the names of the API, both ways, and no others are taken.
 * Method: the spellings typed a second time; every value of 16 bits; near misses.
 */
#include "model/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void kinds_are_named_both_ways(void **state)
{
    (void)state; /* no fixture */
    static const char *const names[] = {
        NULL, "asset", "liability", "equity", "income", "expense"
    };
    for (unsigned kind = 1; kind <= 5; kind++) {
        uint16_t parsed = 0;
        assert_string_equal(account_kind_name(kind), names[kind]);
        assert_true(account_kind_parse(str_from(names[kind]), &parsed));
        assert_int_equal(parsed, kind);
    }
    unsigned named = 0;
    for (unsigned kind = 0; kind <= UINT16_MAX; kind++) named += account_kind_name(kind) != NULL;
    assert_int_equal(named, ACCOUNT_KIND_END - 1);
}

static void flags_are_named_both_ways(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *name;
        uint16_t flag;
    } cases[] = {
        { "debits_must_not_exceed_credits", 1 },
        { "credits_must_not_exceed_debits", 2 },
        { "frozen", 4 },
        { "closed", 8 },
    };
    uint16_t all = 0;
    for (size_t i = 0; i < 4; i++) {
        uint16_t parsed = 0;
        assert_string_equal(account_flag_name(cases[i].flag), cases[i].name);
        assert_true(account_flag_parse(str_from(cases[i].name), &parsed));
        assert_int_equal(parsed, cases[i].flag);
        all |= parsed;
    }
    assert_int_equal(all, ACCOUNT_FLAGS_ALL);
    unsigned named = 0;
    for (unsigned flag = 0; flag <= UINT16_MAX; flag++) named += account_flag_name(flag) != NULL;
    assert_int_equal(named, 4);
}

static void other_spellings_are_refused_and_change_nothing(void **state)
{
    (void)state; /* no fixture */
    static const char *const misses[] = { "",        "Asset",  "assets",  "asse",
                                          "frozen ", "FROZEN", "unknown", "closed\n" };
    for (size_t i = 0; i < sizeof misses / sizeof misses[0]; i++) {
        uint16_t value = 77;
        assert_false(account_kind_parse(str_from(misses[i]), &value));
        assert_false(account_flag_parse(str_from(misses[i]), &value));
        assert_int_equal(value, 77);
    }
}

static void content_is_all_but_the_id_and_what_came_later(void **state)
{
    (void)state; /* no fixture */
    const struct account first = {
        .id = { { 1, 0 } }, .user_ref = { 2, 0 }, .metadata_ref = { 3, 0 }, .asset = 978, .kind = 2
    };
    struct account others[5] = { first, first, first, first, first };
    others[0].user_ref.lo = 9;
    others[1].metadata_ref.hi = 9;
    others[2].asset = 840;
    others[3].kind = 1;
    others[4].flags = ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS;
    for (size_t i = 0; i < 5; i++) {
        if (account_same_content(&first, &others[i])) fail_msg("row %zu", i);
    }
    struct account later = first;
    later.id.value.lo = 7;
    later.flags = ACCOUNT_FLAG_FROZEN | ACCOUNT_FLAG_CLOSED;
    assert_true(account_same_content(&first, &later));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_named_both_ways),
        cmocka_unit_test(flags_are_named_both_ways),
        cmocka_unit_test(other_spellings_are_refused_and_change_nothing),
        cmocka_unit_test(content_is_all_but_the_id_and_what_came_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
