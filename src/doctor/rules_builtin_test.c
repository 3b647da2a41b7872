/*
 * Goal: the rules that are built in can be read, and each fault has its three sorts of cases.
 * Method: all of them parsed.
 */
#include "doctor/rules_builtin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/fixture.h"
#include "doctor/rule.h"

static struct rule_set set;
static struct fixture_set fixtures;

static void every_rule_is_sound(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    if (rule_set_parse(rules_builtin(), &set, &error) != STATUS_OK) fail_msg("%s", error.message);
    assert_true(set.rule_count > 10);
    for (uint32_t i = 0; i < set.rule_count; i++) {
        const struct rule *rule = &set.rules[i];
        if (rule->type != RULE_FAULT) continue;
        if (fixture_parse(rule->fixtures, &fixtures, &error) != STATUS_OK) {
            fail_msg("%.*s: %s", STR_ARG(rule->id), error.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
