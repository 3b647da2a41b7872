/*
 * Goal: only a read of one account whose caller allows an age may be answered by who does not own
 * its lane, and it says what must be covered.
 * Method: calls of each kind, with and without what is asked for, some of it wrong.
 */
#include "api/followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ACCOUNT "/v1/accounts/019ab000-0000-7000-8000-000000000001"

static void what_an_age_is_allowed_for_may_be_answered_by_a_follower(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        enum api_method method;
        const char *path;
        const char *query;
        const char *min_position;
        bool may;
        struct lane_need need;
    } cases[] = {
        { API_GET, ACCOUNT, "max_stale_ms=250", "", true, { 250, 0 } },
        { API_HEAD, ACCOUNT, "max_stale_ms=0", "", true, { 0, 0 } },
        { API_GET, ACCOUNT, "max_stale_ms=5&min_position=7-3", "", true, { 5, 7 } },
        { API_GET, ACCOUNT, "max_stale_ms=5", "9-1", true, { 5, 9 } },
        { API_GET, ACCOUNT, "max_stale_ms=5", "nine", false, { 0, 0 } },
        { API_GET, ACCOUNT, "", "", false, { 0, 0 } },
        { API_GET, ACCOUNT, "min_position=7", "", false, { 0, 0 } },
        { API_GET, ACCOUNT, "max_stale_ms=soon", "", false, { 0, 0 } },
        { API_GET, ACCOUNT, "max_stale_ms=5&at=7", "", false, { 0, 0 } }, /* exact by itself */
        { API_GET, ACCOUNT, "max_stale_ms=5&max_stale_ms=5", "", false, { 0, 0 } },
        { API_GET, ACCOUNT "/entries", "max_stale_ms=5", "", false, { 0, 0 } },
        { API_GET, "/v1/accounts", "max_stale_ms=5", "", false, { 0, 0 } },
        { API_GET, "/v1/nothing", "max_stale_ms=5", "", false, { 0, 0 } },
        { API_PATCH, ACCOUNT, "max_stale_ms=5", "", false, { 0, 0 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct api_call call = { .method = cases[i].method,
                                       .path = str_from(cases[i].path),
                                       .query = str_from(cases[i].query),
                                       .min_position = str_from(cases[i].min_position) };
        struct lane_need need = { 0, 0 };
        if (followed_need(&call, &need) != cases[i].may) fail_msg("case %zu", i);
        assert_int_equal(need.max_stale_ms, cases[i].need.max_stale_ms);
        assert_int_equal(need.batch, cases[i].need.batch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_age_is_allowed_for_may_be_answered_by_a_follower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
