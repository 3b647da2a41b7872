/*
 * Goal: a problem says what RFC 9457 and api/openapi.yaml say it does, and cannot break its JSON.
 * Method: problems are raised, written and read back with jansson; texts that are too long or not
 * UTF-8 among them; every code of the table in turn.
 */
#include "api/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

static json_t *written(const struct problem *problem, struct trace trace)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    problem_write(problem, trace, &text);
    assert_int_equal(buf_status(&text), STATUS_OK);
    json_t *json = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    buf_free(&text);
    return json;
}

static void expect_text(const json_t *json, const char *key, const char *value)
{
    const char *found = json_string_value(json_object_get(json, key));
    if (found == NULL) fail_msg("no %s", key);
    assert_string_equal(found, value);
}

static void a_problem_has_all_that_was_said_of_it(void **state)
{
    (void)state; /* no fixture is needed */
    struct problem problem;
    assert_false(problem_raise(&problem, PROBLEM_WRONG_EXPONENT, "send fewer"));
    problem_field(&problem, "/%d/amount", 3);
    problem_detail(&problem, "EUR has %d", 2);
    problem_limit(&problem, 2);
    problem.line = 9;
    const struct trace trace = { { .hi = 0x4bf92f3577b34da6, .lo = 0xa3ce929d0e0e4736 }, 1 };
    json_t *json = written(&problem, trace);
    expect_text(json, "type", "urn:tpwallet:problem:wrong_exponent");
    expect_text(json, "title", "the amount has more decimals than its asset");
    expect_text(json, "code", "wrong_exponent");
    expect_text(json, "detail", "EUR has 2");
    expect_text(json, "field", "/3/amount");
    expect_text(json, "hint", "send fewer");
    expect_text(json, "trace_id", "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_int_equal(json_integer_value(json_object_get(json, "status")), 400);
    assert_int_equal(json_integer_value(json_object_get(json, "limit")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "line")), 9);
    assert_int_equal(json_object_size(json), 10);
    json_decref(json);
}

static void what_was_not_said_is_left_out(void **state)
{
    (void)state; /* no fixture is needed */
    struct problem problem;
    (void)problem_raise(&problem, PROBLEM_NOT_FOUND, NULL);
    json_t *json = written(&problem, (struct trace){ 0 });
    assert_int_equal(json_object_size(json), 4); /* type, title, status, code */
    json_decref(json);
}

static void a_refusal_carries_its_result(void **state)
{
    (void)state; /* no fixture is needed */
    struct problem problem;
    problem_refuse(&problem, 422, "hold_expired", "the time of the hold has passed");
    problem.has_result = true;
    problem.has_id = true;
    problem.id = (struct uuid){ .hi = 0x019ab00000007000, .lo = 0x8000000000000001 };
    problem.position = (struct position){ 12, 3 };
    problem.at = (struct wall_time){ NS_PER_S };
    problem.repeated = true;
    json_t *json = written(&problem, (struct trace){ 0 });
    expect_text(json, "id", "019ab000-0000-7000-8000-000000000001");
    expect_text(json, "position", "12-3");
    expect_text(json, "at", "1970-01-01T00:00:01.000000000Z");
    assert_true(json_is_true(json_object_get(json, "repeated")));
    assert_int_equal(problem.retry_after_s, 0);
    json_decref(json);
}

static void raising_again_forgets_the_last_one(void **state)
{
    (void)state; /* no fixture is needed */
    struct problem problem;
    (void)problem_raise(&problem, PROBLEM_TOO_BUSY, "wait");
    assert_int_equal(problem.retry_after_s, 1);
    problem_limit(&problem, 5);
    problem_field(&problem, "x");
    problem.has_result = true;
    (void)problem_raise(&problem, PROBLEM_NOT_FOUND, NULL);
    assert_int_equal(problem.retry_after_s, 0);
    json_t *json = written(&problem, (struct trace){ 0 });
    assert_int_equal(json_object_size(json), 4);
    json_decref(json);
}

static void long_and_broken_texts_stay_json(void **state)
{
    (void)state; /* no fixture is needed */
    char text[3 * PROBLEM_TEXT_SIZE];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    struct problem problem;
    (void)problem_raise(&problem, PROBLEM_UNKNOWN_FIELD, NULL);
    problem_detail(&problem, "%s", text);
    problem_field(&problem, "%s", text);
    assert_int_equal(strlen(problem.detail), PROBLEM_TEXT_SIZE - 1); /* cut */
    assert_int_equal(strlen(problem.field), 0); /* half a pointer points elsewhere */
    problem_detail(&problem, "\"\\\n\x01 \xC3\xA4 \xFF\xC3");
    json_t *json = written(&problem, (struct trace){ 0 });
    expect_text(json, "detail", "\"\\\n\x01 \xC3\xA4 \xEF\xBF\xBD\xEF\xBF\xBD");
    json_decref(json);
}

static void every_code_is_found_by_its_name(void **state)
{
    (void)state; /* no fixture is needed */
    for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
        struct problem problem;
        (void)problem_raise(&problem, (enum problem_code)i, NULL);
        assert_int_equal(problem_find(str_from(problem.code)), i);
        assert_int_equal(problem.status, problem_status((enum problem_code)i));
        bool wait = problem.status == 429 || problem.status == 503 || i == PROBLEM_DISK_FULL;
        assert_int_equal(problem.retry_after_s != 0, wait);
    }
    assert_int_equal(problem_find(STR("no_such_code")), PROBLEM_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_has_all_that_was_said_of_it),
        cmocka_unit_test(what_was_not_said_is_left_out),
        cmocka_unit_test(a_refusal_carries_its_result),
        cmocka_unit_test(raising_again_forgets_the_last_one),
        cmocka_unit_test(long_and_broken_texts_stay_json),
        cmocka_unit_test(every_code_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
