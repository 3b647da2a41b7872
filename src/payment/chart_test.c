/*
 * Goal: each role of each asset has one account, whose id nobody has to look up.
 * Method: ids of all roles, several assets and PSPs compared with each other; one spelt out, since
 * it must never change.
 */
#include "payment/chart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void ids_differ_by_asset_role_and_psp(void **state)
{
    (void)state;
    static const uint32_t assets[] = { 978, 840, 10000 };
    static const char *const psps[] = { "sandbox", "stripe" };
    struct uuid ids[64];
    size_t count = 0;
    for (size_t a = 0; a < 3; a++) {
        for (unsigned role = 1; role < CHART_ROLE_END; role++) {
            for (size_t p = 0; p < (role == CHART_CLEARING ? 2U : 1U); p++) {
                ids[count++] = chart_account_id(LANE_ALONE, assets[a], role, psps[p]).value;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ids[i].hi >> 12 & 15, 8); /* RFC 9562, section 5.8 */
        assert_int_equal(ids[i].lo >> 62, 2);
        for (size_t j = i + 1; j < count; j++) assert_false(uuid_equal(ids[i], ids[j]));
    }
}

static void only_clearing_is_kept_apart_by_psp(void **state)
{
    (void)state;
    for (unsigned role = 1; role < CHART_ROLE_END; role++) {
        struct account_id one = chart_account_id(LANE_ALONE, 978, role, "sandbox");
        struct account_id other = chart_account_id(LANE_ALONE, 978, role, "stripe");
        assert_int_equal(uuid_equal(one.value, other.value), role != CHART_CLEARING);
    }
}

static void an_id_never_changes(void **state)
{
    (void)state;
    char text[UUID_TEXT_LEN + 1];
    uuid_format(chart_account_id(LANE_ALONE, 978, CHART_BANK, "").value, text);
    assert_string_equal(text, "e4849cd9-3b57-87fe-859e-4781eea77813");
}

static void accounts_are_what_the_table_says(void **state)
{
    (void)state;
    for (unsigned role = 1; role < CHART_ROLE_END; role++) {
        struct account account = chart_account(LANE_ALONE, 978, role, "sandbox");
        assert_non_null(chart_role_name(role));
        assert_non_null(chart_role_text(role));
        assert_non_null(account_kind_name(account.kind));
        assert_int_equal(account.flags, 0);
        assert_int_equal(account.asset, 978);
    }
    assert_int_equal(chart_account(LANE_ALONE, 978, CHART_SUSPENSE, "").kind, ACCOUNT_LIABILITY);
    assert_null(chart_role_name(0));
    assert_null(chart_role_text(CHART_ROLE_END));
}

static void each_lane_has_its_own(void **state)
{
    (void)state;
    enum { LANES = 3 };
    struct account_id base = chart_account_id(LANE_ALONE, 978, CHART_BANK, "");
    for (uint32_t lane = 0; lane < LANES; lane++) {
        const struct lane_part part = { lane, LANES };
        struct account_id own = chart_account(part, 978, CHART_BANK, "").id;
        assert_int_equal(lane_of_account(own, LANES), lane);
        assert_int_equal(own.value.hi, base.value.hi);
        assert_true(chart_account_is(own, 978, CHART_BANK, ""));
        assert_false(chart_account_is(own, 978, CHART_FEES, ""));
        assert_false(chart_account_is(own, 840, CHART_BANK, ""));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_differ_by_asset_role_and_psp),
        cmocka_unit_test(only_clearing_is_kept_apart_by_psp),
        cmocka_unit_test(an_id_never_changes),
        cmocka_unit_test(each_lane_has_its_own),
        cmocka_unit_test(accounts_are_what_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
