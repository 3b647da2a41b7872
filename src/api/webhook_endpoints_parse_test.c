/*
 * Goal: bodies about endpoints are taken as they are meant, and what is wrong is named.
 * Method: a table of bodies, each with the request it is for and the problem it must raise.
 */
#include "api/webhook_endpoints_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The code of the problem; NULL: it was taken. */
static const char *parse(enum endpoint_request request, const char *text,
                         struct endpoint_body *out_body)
{
    static _Alignas(16) uint8_t memory[BODY_SCRATCH_SIZE];
    struct arena scratch;
    struct problem problem = { .code = NULL };
    arena_init_over(&scratch, memory, sizeof memory);
    memset(out_body, 0, sizeof *out_body);
    bool taken = endpoint_body_parse(request, str_from(text), &scratch, out_body, &problem);
    arena_done(&scratch);
    assert_int_equal(taken, problem.code == NULL);
    return problem.code;
}

static void members_go_where_they_are_meant(void **state)
{
    (void)state; /* no fixture is needed */
    struct endpoint_body body;
    assert_null(parse(ENDPOINT_CREATE,
                      "{\"id\":\"019ab000-0000-7000-8000-0000000000e1\",\"url\":\"https://a.b/c\","
                      "\"filters\":[\"payment.*\",\"refund.failed\"],\"after\":\"12-3\"}",
                      &body));
    assert_true(body.has_id && body.has_after && body.change.url && body.change.filters);
    assert_string_equal(body.change.wanted.url, "https://a.b/c");
    assert_int_equal(body.change.wanted.filter_count, 2);
    assert_string_equal(body.change.wanted.filters[1], "refund.failed");
    assert_int_equal(body.change.wanted.since.batch, 12);
    assert_null(parse(ENDPOINT_UPDATE, "{\"state\":\"disabled\"}", &body));
    assert_int_equal(body.change.wanted.state, ENDPOINT_DISABLED);
    assert_false(body.change.url || body.change.filters);
    assert_null(parse(ENDPOINT_UPDATE, "{\"filters\":[]}", &body));
    assert_true(body.change.filters);
    assert_null(parse(ENDPOINT_ROTATE, "{\"overlap_s\":60}", &body));
    assert_int_equal(body.overlap_s, 60);
    assert_null(parse(ENDPOINT_REDRIVE, "{\"sequence\":42}", &body));
    assert_int_equal(body.sequence, 42);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state; /* no fixture is needed */
    static const struct {
        enum endpoint_request request;
        const char *text;
        const char *code;
    } cases[] = {
        { ENDPOINT_CREATE, "[]", "wrong_type" },
        { ENDPOINT_CREATE, "{", "malformed_json" },
        { ENDPOINT_CREATE, "{}", "missing_field" },
        { ENDPOINT_CREATE, "{\"url\":7}", "wrong_type" },
        { ENDPOINT_CREATE, "{\"url\":\"\"}", "invalid_value" },
        { ENDPOINT_CREATE, "{\"url\":\"ftp://a.b/\"}", "invalid_value" },
        { ENDPOINT_CREATE, "{\"url\":\"https://u:p@a.b/\"}", "invalid_value" },
        { ENDPOINT_CREATE, "{\"url\":\"https://a.b/\",\"state\":\"active\"}", "unknown_field" },
        { ENDPOINT_CREATE, "{\"url\":\"https://a.b/\",\"filters\":[\"*\"]}", "invalid_value" },
        { ENDPOINT_CREATE, "{\"url\":\"https://a.b/\",\"after\":\"x\"}", "invalid_value" },
        { ENDPOINT_CREATE, "{\"url\":\"https://a.b/\"} {}", "malformed_json" },
        { ENDPOINT_UPDATE, "{}", "missing_field" },
        { ENDPOINT_UPDATE, "{\"state\":\"asleep\"}", "invalid_value" },
        { ENDPOINT_UPDATE, "{\"secret\":\"x\"}", "unknown_field" },
        { ENDPOINT_ROTATE, "{\"overlap_s\":31536001}", "invalid_value" },
        { ENDPOINT_REDRIVE, "{\"sequence\":0}", "invalid_value" },
        { ENDPOINT_REDRIVE, "{\"sequence\":-1}", "wrong_type" },
        { ENDPOINT_UPDATE,
          "{\"filters\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\","
          "\"a\",\"a\",\"a\",\"a\",\"a\"]}",
          "too_many_items" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct endpoint_body body;
        const char *code = parse(cases[i].request, cases[i].text, &body);
        if (code == NULL) fail_msg("taken: %s", cases[i].text);
        assert_string_equal(code, cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_go_where_they_are_meant),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
