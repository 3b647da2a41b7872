/*
 * Goal: lanes go to whoever has fewest, who comes gets a share and no more, and nobody who is
 * gone, cold or the owner itself is chosen.
 * Method: tables of members; replicas that come one after the other until nobody asks any more.
 */
#include "wallet/lane_share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { REPLICAS_MAX = 5, LANES_MOST = 8 };

static const char *const NAMES[REPLICAS_MAX] = { "a", "b", "c", "d", "e" };

/* All warm and heard of; owners[lane] is a place in NAMES. By lane and name. */
static uint32_t board_make(const uint32_t *owners, uint32_t lanes, uint32_t replicas,
                           struct lease_member *out_members)
{
    uint32_t count = 0;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        for (uint32_t i = 0; i < replicas; i++) {
            struct lease_member *member = &out_members[count++];
            *member = (struct lease_member){ .lane = lane, .age_ms = 400 };
            memcpy(member->party.name, NAMES[i], 2);
            member->holds = owners[lane] == i;
            member->warm = !member->holds;
        }
    }
    return count;
}

static void who_owns_more_lets_more_time_pass(void **state)
{
    (void)state; /* no fixture */
    assert_int_equal(lane_share_wait_ms(0), 0);
    assert_int_equal(lane_share_wait_ms(1), 150);
    assert_int_equal(lane_share_wait_ms(3), 450);
    assert_int_equal(lane_share_wait_ms(4), 600);
    assert_int_equal(lane_share_wait_ms(UINT32_MAX), 600);
}

static void the_heir_is_who_owns_fewest(void **state)
{
    (void)state; /* no fixture */
    struct lease_member members[LANES_MOST * REPLICAS_MAX];
    const uint32_t owners[] = { 0, 0, 1, 0 };
    uint32_t count = board_make(owners, 4, 4, members);
    assert_string_equal(lane_share_heir(members, count, 0, "a", ""), "c");
    assert_string_equal(lane_share_heir(members, count, 1, "a", ""), "d"); /* at the same time */
    assert_string_equal(lane_share_heir(members, count, 0, "a", "b"), "b");
    assert_null(lane_share_heir(members, count, 0, "a", "a"));
    assert_null(lane_share_heir(members, count, 0, "a", "nobody"));
    members[2].age_ms = LANE_SHARE_AGE_MS_MAX + 1; /* c, of lane 0 */
    assert_string_equal(lane_share_heir(members, count, 0, "a", ""), "d");
    members[3].warm = false;
    assert_string_equal(lane_share_heir(members, count, 0, "a", ""), "b");
    members[1].warm = false;
    assert_null(lane_share_heir(members, count, 0, "a", ""));
}

/* One asks until it has its share; what it is given is its own from then on. */
static uint32_t joins(uint32_t *owners, uint32_t lanes, uint32_t replicas)
{
    struct lease_member members[LANES_MOST * REPLICAS_MAX];
    uint32_t asked = 0;
    for (;;) {
        uint32_t lane = UINT32_MAX;
        uint32_t count = board_make(owners, lanes, replicas, members);
        if (!lane_share_lacks(members, count, NAMES[replicas - 1], &lane)) return asked;
        assert_true(lane < lanes);
        assert_int_not_equal(owners[lane], replicas - 1);
        owners[lane] = replicas - 1;
        asked++;
        assert_true(asked <= lanes);
    }
}

static void who_comes_gets_its_share_and_no_more(void **state)
{
    (void)state; /* no fixture */
    for (uint32_t lanes = 1; lanes <= LANES_MOST; lanes++) {
        uint32_t owners[LANES_MOST] = { 0 };
        for (uint32_t replicas = 2; replicas <= REPLICAS_MAX; replicas++) {
            uint32_t owned[REPLICAS_MAX] = { 0 };
            uint32_t asked = joins(owners, lanes, replicas);
            assert_in_range(asked, lanes / replicas, (lanes + replicas - 1) / replicas);
            for (uint32_t lane = 0; lane < lanes; lane++) owned[owners[lane]]++;
            for (uint32_t i = 0; i < replicas; i++) {
                assert_in_range(owned[i], lanes / replicas, lanes / replicas + 1);
            }
        }
    }
}

static void nobody_asks_for_what_nobody_has_too_much_of(void **state)
{
    (void)state; /* no fixture */
    struct lease_member members[LANES_MOST * REPLICAS_MAX];
    const uint32_t few[] = { 0, 1, 9 }; /* lane 2 has no owner */
    uint32_t lane;
    uint32_t count = board_make(few, 3, 3, members);
    assert_false(lane_share_lacks(members, count, "c", &lane));
    const uint32_t two[] = { 0, 0 };
    count = board_make(two, 2, 2, members);
    assert_true(lane_share_lacks(members, count, "b", &lane));
    assert_false(lane_share_lacks(members, count, "a", &lane));
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(members[i].party.name, "a") == 0) members[i].age_ms = 5000; /* it is gone */
    }
    assert_false(lane_share_lacks(members, count, "b", &lane));
    assert_false(lane_share_lacks(members, 0, "b", &lane));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_owns_more_lets_more_time_pass),
        cmocka_unit_test(the_heir_is_who_owns_fewest),
        cmocka_unit_test(who_comes_gets_its_share_and_no_more),
        cmocka_unit_test(nobody_asks_for_what_nobody_has_too_much_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
