/*
 * Goal: query parameters mean what they say, and a wrong, unknown or double one is named.
 * Method: tables of queries with the code and parameter expected; percent-encoding in names' values.
 */
#include "api/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ALL = 0xFFFF & ~PARAMETER_TRANSIT_STATE }; /* that is another's `state` */

static bool parse(const char *text, uint32_t allowed, struct query *out_query,
                  struct problem *out_problem)
{
    out_problem->code = NULL;
    return query_parse(str_from(text), allowed, out_query, out_problem);
}

static void absent_parameters_have_their_defaults(void **state)
{
    (void)state; /* no fixture is needed */
    struct query query;
    struct problem problem;
    assert_true(parse("", ALL, &query, &problem));
    assert_int_equal(query.present, 0);
    assert_int_equal(query.limit, PAGE_ITEMS_DEFAULT);
    assert_int_equal(query.from.ns, 0);
    assert_true(query.to.ns == INT64_MAX);
    assert_true(uuid_is_nil(query.user_ref));
    assert_int_equal(query.min_position.batch, 0);
    assert_int_equal(query.peer, LANES_MAX);
    assert_int_equal(query.transit_state, 0);
}

static void every_parameter_is_read(void **state)
{
    (void)state; /* no fixture is needed */
    struct query query;
    struct problem problem;
    assert_true(parse("limit=7&state=manual&at=12-3&min_position=9&cursor=abc"
                      "&from=1970-01-01T00:00:01Z&to=1970-01-01T01%3A00:02%2B01:00"
                      "&user_ref=019AB000-0000-7000-8000-000000000001&after=4-1&since=41"
                      "&act=key_create&actor=local:1000&reason=ops-1%2F2&max_stale_ms=250&peer=63&",
                      ALL, &query, &problem));
    assert_int_equal(query.present, ALL);
    assert_int_equal(query.limit, 7);
    assert_int_equal(query.state, PAYMENT_STATE_MANUAL);
    assert_int_equal(query.after.batch, 4);
    assert_int_equal(query.peer, LANES_MAX - 1);
    assert_int_equal(query.since, 41);
    assert_int_equal(query.max_stale_ms, 250);
    assert_int_equal(query.at.batch, 12);
    assert_int_equal(query.at.index, 3);
    assert_int_equal(query.min_position.batch, 9);
    assert_int_equal(query.from.ns, NS_PER_S);
    assert_int_equal(query.to.ns, 2 * NS_PER_S);
    assert_int_equal(query.cursor_len, 3);
    assert_int_equal(query.user_ref.hi, 0x019ab00000007000);
    assert_string_equal(query.act, "key_create");
    assert_string_equal(query.reason, "ops-1/2");
    assert_true(actor_matches(&query.actor, principal_local(1000)));
    assert_false(actor_matches(&query.actor, principal_local(1001)));
    assert_false(actor_matches(&query.actor, PRINCIPAL_LOCAL));
}

static void wrong_parameters_are_named(void **state)
{
    static const struct {
        const char *text;
        const char *code;
        const char *field;
    } rows[] = {
        { "limit=0", "invalid_parameter", "limit" },
        { "limit=1001", "invalid_parameter", "limit" },
        { "limit=-1", "invalid_parameter", "limit" },
        { "limit=1e2", "invalid_parameter", "limit" },
        { "limit=", "invalid_parameter", "limit" },
        { "limit", "invalid_parameter", "limit" },
        { "limit=99999999999999", "invalid_parameter", "limit" },
        { "limit=1&limit=1", "duplicate_parameter", "limit" },
        { "at=x", "invalid_parameter", "at" },
        { "min_position=1-", "invalid_parameter", "min_position" },
        { "from=yesterday", "invalid_parameter", "from" },
        { "to=2026-13-01T00:00:00Z", "invalid_parameter", "to" },
        { "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "invalid_parameter", "from" },
        { "state=resting", "invalid_parameter", "state" },
        { "state=succeeded", "invalid_parameter", "state" },
        { "since=-1", "invalid_parameter", "since" },
        { "max_stale_ms=soon", "invalid_parameter", "max_stale_ms" },
        { "since=1234567890123456789", "invalid_parameter", "since" },
        { "user_ref=x", "invalid_parameter", "user_ref" },
        { "user_ref=00000000-0000-0000-0000-000000000000", "invalid_parameter", "user_ref" },
        { "cursor=0000000000000000000000000000000000000", "invalid_parameter", "cursor" },
        { "cursor=%4", "invalid_parameter", "cursor" },
        { "cursor=%zz", "invalid_parameter", "cursor" },
        { "act=transfer", "invalid_parameter", "act" },
        { "act=", "invalid_parameter", "act" },
        { "actor=me", "invalid_parameter", "actor" },
        { "actor=local:", "invalid_parameter", "actor" },
        { "actor=local:4294967296", "invalid_parameter", "actor" },
        { "actor=local:-1", "invalid_parameter", "actor" },
        { "actor=00000000-0000-0000-0000-000000000000", "invalid_parameter", "actor" },
        { "reason=", "invalid_parameter", "reason" },
        { "reason=because%20Anna%20asked", "invalid_parameter", "reason" },
        { "reason=anna@mail.test", "invalid_parameter", "reason" },
        { "limits=1", "unknown_parameter", "" },
        { "=1", "unknown_parameter", "" },
        { "%6cimit=1", "unknown_parameter", "" },
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct query query;
        struct problem problem;
        if (parse(rows[i].text, ALL, &query, &problem)) fail_msg("taken: %s", rows[i].text);
        assert_string_equal(problem.code, rows[i].code);
        assert_string_equal(problem.field, rows[i].field);
    }
}

static void actors_are_told_apart(void **state)
{
    (void)state; /* no fixture is needed */
    static const struct principal_id key = { { .hi = 7, .lo = 8 } };
    const struct principal_id all[] = { PRINCIPAL_SYSTEM, PRINCIPAL_ANONYMOUS, PRINCIPAL_LOCAL,
                                        principal_local(5), key };
    static const struct {
        const char *text;
        bool matches[5];
    } rows[] = {
        { "", { true, true, true, true, true } },
        { "actor=system", { true, false, false, false, false } },
        { "actor=anonymous", { false, true, false, false, false } },
        { "actor=local", { false, false, true, true, false } },
        { "actor=local:5", { false, false, false, true, false } },
        { "actor=00000000-0000-0007-0000-000000000008", { false, false, false, false, true } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct query query;
        struct problem problem;
        assert_true(parse(rows[i].text, ALL, &query, &problem));
        for (size_t j = 0; j < 5; j++) {
            assert_int_equal(actor_matches(&query.actor, all[j]), rows[i].matches[j]);
        }
    }
}

static void only_what_the_operation_takes_is_taken(void **state)
{
    (void)state; /* no fixture is needed */
    struct query query;
    struct problem problem;
    assert_true(parse("limit=1", PARAMETER_LIMIT, &query, &problem));
    assert_false(parse("limit=1", PARAMETER_AT, &query, &problem));
    assert_string_equal(problem.code, "unknown_parameter");
}

static void a_state_is_one_of_what_is_listed(void **state)
{
    (void)state; /* no fixture is needed */
    struct query query;
    struct problem problem;
    assert_true(parse("state=stuck", PARAMETER_TRANSIT_STATE, &query, &problem));
    assert_int_equal(query.transit_state, TRANSIT_STUCK);
    assert_int_equal(query.state, 0);
    assert_true(parse("state=waiting", PARAMETER_TRANSIT_STATE, &query, &problem));
    assert_int_equal(query.transit_state, TRANSIT_WAITING);
    assert_false(parse("state=stuck", PARAMETER_STATE, &query, &problem));
    assert_string_equal(problem.code, "invalid_parameter");
    assert_false(parse("state=manual", PARAMETER_TRANSIT_STATE, &query, &problem));
    assert_string_equal(problem.detail, "must be waiting or stuck");
    assert_false(parse("transit_state=stuck", PARAMETER_TRANSIT_STATE, &query, &problem));
    assert_string_equal(problem.code, "unknown_parameter");
}

static void decoding_stops_at_its_room(void **state)
{
    (void)state; /* no fixture is needed */
    char text[4];
    size_t len;
    assert_true(percent_decode(STR("a%62cd"), text, sizeof text, &len));
    assert_int_equal(len, 4);
    assert_memory_equal(text, "abcd", 4);
    assert_false(percent_decode(STR("abcde"), text, sizeof text, &len));
    assert_false(percent_decode(STR("a%"), text, sizeof text, &len));
    assert_false(percent_decode(STR("a%6"), text, sizeof text, &len));
    assert_false(percent_decode(STR("a%g0"), text, sizeof text, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_parameters_have_their_defaults),
        cmocka_unit_test(every_parameter_is_read),
        cmocka_unit_test(wrong_parameters_are_named),
        cmocka_unit_test(actors_are_told_apart),
        cmocka_unit_test(only_what_the_operation_takes_is_taken),
        cmocka_unit_test(a_state_is_one_of_what_is_listed),
        cmocka_unit_test(decoding_stops_at_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
