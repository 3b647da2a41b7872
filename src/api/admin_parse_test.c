/*
 * Goal: the small administrative bodies become the act they say, and nothing else does.
 * Method: one good body each, cut at every byte; tables of wrong ones with code and place.
 */
#include "api/admin_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

typedef bool parser(struct str text, struct arena *scratch, struct admin *out_admin,
                    struct problem *out_problem);

struct attempt {
    struct admin admin;
    struct problem problem;
};

static bool parse(parser *parse_body, struct str text, struct attempt *out_attempt)
{
    struct arena scratch;
    assert_int_equal(arena_init(&scratch, BODY_SCRATCH_SIZE), STATUS_OK);
    out_attempt->problem.code = NULL;
    bool taken = parse_body(text, &scratch, &out_attempt->admin, &out_attempt->problem);
    assert_int_equal(taken, !problem_is_set(&out_attempt->problem));
    arena_done(&scratch);
    return taken;
}

static void expect_no_prefix_is_taken(parser *parse_body, struct str text)
{
    struct attempt attempt;
    for (size_t cut = 0; cut < text.len; cut++) {
        assert_false(parse(parse_body, (struct str){ text.data, cut }, &attempt));
        assert_string_equal(attempt.problem.code, "malformed_json");
    }
}

static void good_bodies_become_acts(void **state)
{
    (void)state; /* no fixture is needed */
    struct attempt attempt;
    const struct str asset = STR("{\"code\":\"POINTS\",\"exponent\":18}");
    assert_true(parse(asset_create_parse, asset, &attempt));
    assert_int_equal(attempt.admin.kind, ADMIN_ASSET_CREATE);
    assert_string_equal(attempt.admin.asset.code, "POINTS");
    assert_int_equal(attempt.admin.asset.exponent, 18);
    expect_no_prefix_is_taken(asset_create_parse, asset);

    const struct str period = STR("{\"through\":\"2026-10-31\"}");
    assert_true(parse(period_close_parse, period, &attempt));
    assert_int_equal(attempt.admin.kind, ADMIN_PERIOD_CLOSE);
    assert_int_equal(attempt.admin.closed_through.days, 20757);
    expect_no_prefix_is_taken(period_close_parse, period);

    const struct str key = STR("{\"scopes\":[\"admin\",\"metrics:read\"],\"name\":\"a b\"}");
    assert_true(parse(key_create_parse, key, &attempt));
    assert_int_equal(attempt.admin.kind, ADMIN_CREDENTIAL_CREATE);
    assert_string_equal(attempt.admin.credential.name, "a b");
    assert_int_equal(attempt.admin.credential.scopes, SCOPE_ADMIN | SCOPE_METRICS_READ);
    expect_no_prefix_is_taken(key_create_parse, key);
}

static void wrong_bodies_are_refused_by_place(void **state)
{
    static const struct {
        parser *parse_body;
        const char *text;
        const char *code;
        const char *field;
    } rows[] = {
        { asset_create_parse, "{\"code\":\"POINTS\"}", "missing_field", "/exponent" },
        { asset_create_parse, "{\"exponent\":2}", "missing_field", "/code" },
        { asset_create_parse, "{\"code\":\"EUR\",\"exponent\":2}", "invalid_value", "/code" },
        { asset_create_parse, "{\"code\":\"points\",\"exponent\":2}", "invalid_value", "/code" },
        { asset_create_parse, "{\"code\":\"TOOLONGACODEX\",\"exponent\":2}", "invalid_value",
          "/code" },
        { asset_create_parse, "{\"code\":\"P\\u0000S\",\"exponent\":2}", "invalid_value", "/code" },
        { asset_create_parse, "{\"exponent\":19}", "invalid_value", "/exponent" },
        { asset_create_parse, "{\"exponent\":-1}", "wrong_type", "/exponent" },
        { asset_create_parse, "{\"exponent\":\"2\"}", "wrong_type", "/exponent" },
        { asset_create_parse, "[]", "wrong_type", "" },
        { period_close_parse, "{}", "missing_field", "/through" },
        { period_close_parse, "{\"through\":\"2026-02-29\"}", "invalid_value", "/through" },
        { period_close_parse, "{\"through\":null}", "wrong_type", "/through" },
        { period_close_parse, "{\"until\":\"2026-01-01\"}", "unknown_field", "/until" },
        { repair_note_parse, "{}", "missing_field", "/plan" },
        { repair_note_parse, "{\"plan\":\"6b86\"}", "invalid_value", "/plan" },
        { repair_note_parse, "{\"plan\":7}", "wrong_type", "/plan" },
        { key_create_parse, "{\"name\":\"x\"}", "missing_field", "/scopes" },
        { key_create_parse, "{\"scopes\":[\"admin\"]}", "missing_field", "/name" },
        { key_create_parse, "{\"name\":\"\",\"scopes\":[\"admin\"]}", "invalid_value", "/name" },
        { key_create_parse, "{\"name\":\"\xC3\xA4\",\"scopes\":[\"admin\"]}", "invalid_value",
          "/name" },
        { key_create_parse, "{\"name\":\"a\\nb\",\"scopes\":[\"admin\"]}", "invalid_value",
          "/name" },
        { key_create_parse,
          "{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
          "invalid_value", "/name" },
        { key_create_parse, "{\"name\":\"x\",\"scopes\":[]}", "invalid_value", "/scopes" },
        { key_create_parse, "{\"name\":\"x\",\"scopes\":[\"root\"]}", "invalid_value",
          "/scopes/0" },
        { key_create_parse, "{\"name\":\"x\",\"scopes\":[\"admin\",\"admin\"]}", "invalid_value",
          "/scopes/1" },
        { key_create_parse, "{\"name\":\"x\",\"scopes\":\"admin\"}", "wrong_type", "/scopes" },
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct attempt attempt;
        if (parse(rows[i].parse_body, str_from(rows[i].text), &attempt))
            fail_msg("taken: %s", rows[i].text);
        if (strcmp(attempt.problem.code, rows[i].code) != 0 ||
            strcmp(attempt.problem.field, rows[i].field) != 0)
            fail_msg("%s: %s at %s", rows[i].text, attempt.problem.code, attempt.problem.field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_bodies_become_acts),
        cmocka_unit_test(wrong_bodies_are_refused_by_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
