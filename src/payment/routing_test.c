/*
 * Goal: the PSP chosen is the one that the rules name, and a mistake in the rules is told by line.
 * Method: one configuration asked in many ways; a table of wrong ones; every prefix of a good one.
 */
#include "payment/routing.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buf.h"

enum { EUR = 978, USD = 840, JPY = 392, A = 0, B = 1, C = 2, NONE = 99, ALL = 0x7E };

static const char text[] = "# who does what\n"
                           "psp a\n"
                           "psp b   # the second\r\n"
                           "psp c\n"
                           "cost a EUR 100 0.30\n"
                           "cost b EUR 200\n"
                           "cost a * 150\n"
                           "\n"
                           "rule operation=pay_out psps=c\n"
                           "rule asset=EUR amount=10.00..99.99 psps=a,b by=cost\n"
                           "rule asset=EUR amount=100.. psps=b,a by=success success_min=900\n"
                           "rule method=pm_card_ psps=c,b,a by=cost\n"
                           "rule asset=USD psps=a,b success_min=950\n";

static struct routing routing;

static void parse(const char *from)
{
    struct error error = { 0 };
    if (routing_parse(str_from(from), &routing, &error) != STATUS_OK) fail_msg("%s", error.message);
}

static uint32_t choose(uint32_t asset, uint64_t minor, const char *method,
                       const struct routing_health *health)
{
    const struct routing_ask ask = { .operation = PSP_CHARGE,
                                     .asset = asset,
                                     .amount = money_from_minor(minor),
                                     .method = str_from(method) };
    uint32_t psp = NONE;
    enum status status = routing_choose(&routing, &ask, health, &psp);
    assert_int_equal(status, psp == NONE ? STATUS_NOT_FOUND : STATUS_OK);
    return psp;
}

static const struct routing_health good[] = { { ALL, false, 1000 },
                                              { ALL, false, 1000 },
                                              { ALL, false, 1000 } };

static void the_first_rule_that_matches_decides(void **state)
{
    (void)state;
    parse(text);
    assert_int_equal(routing.psp_count, 3);
    assert_int_equal(routing.rule_count, 5);
    assert_int_equal(choose(EUR, 999, "x", good), NONE);
    assert_int_equal(choose(EUR, 1000, "x", good), B); /* 0.20 against 0.40 */
    assert_int_equal(choose(EUR, 9999, "x", good), A); /* 1.30 against 2.00 */
    assert_int_equal(choose(EUR, 10000, "x", good), B);
    assert_int_equal(choose(JPY, 10, "x", good), NONE);
    assert_int_equal(choose(JPY, 10, "pm_card_visa", good), A); /* the only known cost */
    assert_int_equal(choose(USD, 10, "x", good), A);
    const struct routing_ask ask = { .operation = PSP_PAY_OUT, .asset = EUR };
    uint32_t psp = NONE;
    assert_int_equal(routing_choose(&routing, &ask, good, &psp), STATUS_OK);
    assert_int_equal(psp, C);
}

static void costs_are_rounded_up_and_ties_keep_their_order(void **state)
{
    (void)state;
    parse(text);
    const struct routing_ask ask = { .operation = PSP_CHARGE,
                                     .asset = EUR,
                                     .amount = money_from_minor(3001) };
    struct money cost = MONEY_ZERO;
    assert_true(routing_cost_of(&routing, A, &ask, &cost));
    assert_true(cost.minor == 61); /* 30.01 and 30 */
    assert_true(routing_cost_of(&routing, B, &ask, &cost));
    assert_true(cost.minor == 61); /* 60.02 */
    assert_int_equal(choose(EUR, 3001, "x", good), A);
    const struct routing_ask vast = { .operation = PSP_CHARGE, .asset = EUR, .amount = MONEY_MAX };
    assert_false(routing_cost_of(&routing, A, &vast, &cost));
    assert_false(routing_cost_of(&routing, C, &ask, &cost));
}

static void health_comes_before_success_and_success_before_cost(void **state)
{
    (void)state;
    parse(text);
    struct routing_health health[] = { { ALL, false, 940 },
                                       { ALL, false, 930 },
                                       { ALL, false, 0 } };
    assert_int_equal(choose(EUR, 10000, "x", health), A);
    health[A].open = true;
    assert_int_equal(choose(EUR, 10000, "x", health), B);
    assert_int_equal(choose(EUR, 9999, "x", health), B);
    health[B].open = true; /* all are: it can wait for the better */
    assert_int_equal(choose(EUR, 10000, "x", health), A);
    assert_int_equal(choose(USD, 1, "x", good), A);
    health[A] = (struct routing_health){ ALL, false, 949 };
    health[B] = (struct routing_health){ ALL, false, 950 };
    assert_int_equal(choose(USD, 1, "x", health), B); /* a is below success_min */
    health[B].success_per_mille = 900;
    assert_int_equal(choose(USD, 1, "x", health), A); /* both are */
}

static void what_a_psp_cannot_do_it_is_not_asked_for(void **state)
{
    (void)state;
    parse(text);
    struct routing_health health[] = { good[0], good[1], good[2] };
    health[A].operations = 1U << PSP_PAY_OUT;
    assert_int_equal(choose(USD, 1, "x", health), B);
    health[B].operations = 0;
    assert_int_equal(choose(USD, 1, "x", health), NONE);
}

static void mistakes_are_told_by_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        { "", "line 1: no rule" },
        { "psp a\n", "line 2: no rule" },
        { "rules\n", "line 1: psp, cost or rule" },
        { "psp\n", "line 1: a name" },
        { "psp A\n", "line 1: a name" },
        { "psp a234567890123456\n", "line 1: a name" },
        { "psp a b\n", "line 1: too much" },
        { "psp a\npsp a\n", "line 2: declared twice" },
        { "psp a\n\ncost b EUR 1\n", "line 3: no PSP" },
        { "psp a\ncost\n", "line 2: the name" },
        { "psp a\ncost a\n", "line 2: an asset" },
        { "psp a\ncost a EUX 1\n", "line 2: no ISO" },
        { "psp a\ncost a EUR\n", "line 2: basis points" },
        { "psp a\ncost a EUR 10001\n", "line 2: basis points" },
        { "psp a\ncost a EUR 1.5\n", "line 2: basis points" },
        { "psp a\ncost a EUR 1 0.001\n", "line 2: no amount" },
        { "psp a\ncost a * 1 0.01\n", "line 2: a fixed cost" },
        { "psp a\ncost a EUR 1 0.01 x\n", "line 2: too much" },
        { "psp a\ncost a EUR 1\ncost a EUR 2\n", "line 3: this cost" },
        { "psp a\nrule\n", "line 2: psps= is missing" },
        { "psp a\nrule psps=b\n", "line 2: no PSP" },
        { "psp a\nrule psps=a,\n", "line 2: no PSP" },
        { "psp a\nrule psps=a,a\n", "line 2: named twice" },
        { "psp a\nrule psps=a psps=a\n", "line 2: given twice" },
        { "psp a\nrule psps=\n", "line 2: a value" },
        { "psp a\nrule psps=a fee=1\n", "line 2: rules have no" },
        { "psp a\nrule a\n", "line 2: NAME=VALUE" },
        { "psp a\nrule psps=a operation=refund\n", "line 2: charge, authorise" },
        { "psp a\nrule psps=a by=luck\n", "line 2: order, cost" },
        { "psp a\nrule psps=a asset=eur\n", "line 2: no ISO" },
        { "psp a\nrule psps=a amount=1..2\n", "line 2: amount= needs" },
        { "psp a\nrule psps=a asset=EUR amount=1\n", "line 2: amount=FROM" },
        { "psp a\nrule psps=a asset=EUR amount=2..1\n", "line 2: nothing lies" },
        { "psp a\nrule psps=a asset=JPY amount=1.5..\n", "line 2: no amount" },
        { "psp a\nrule psps=a success_min=1001\n", "line 2: 0 to 1000" },
        { "psp a\nrule psps=a by=cost\nrule asset=EUR psps=a\n", "line 3: never reached" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error error = { 0 };
        enum status status = routing_parse(str_from(bad[i].text), &routing, &error);
        if (status != STATUS_INVALID || strstr(error.message, bad[i].says) != error.message)
            fail_msg("'%s': %s '%s'", bad[i].text, status_name(status), error.message);
    }
}

static void there_are_limits(void **state)
{
    (void)state;
    struct error error = { 0 };
    BUF_SCOPE struct buf big;
    buf_init(&big, 2 * ROUTING_TEXT_SIZE_MAX);
    for (int i = 0; i <= ROUTING_PSPS_MAX; i++) buf_append_format(&big, "psp p%d\n", i);
    assert_int_equal(routing_parse(buf_view(&big), &routing, &error), STATUS_LIMIT);
    buf_reset(&big);
    buf_append_str(&big, STR("psp a\n"));
    for (int i = 0; i <= ROUTING_RULES_MAX; i++)
        buf_append_str(&big, STR("rule asset=EUR psps=a\n"));
    assert_int_equal(routing_parse(buf_view(&big), &routing, &error), STATUS_LIMIT);
    buf_reset(&big);
    for (int i = 0; i <= ROUTING_LINE_SIZE_MAX; i++) buf_append_byte(&big, '#');
    assert_int_equal(routing_parse(buf_view(&big), &routing, &error), STATUS_LIMIT);
    while (big.len <= ROUTING_TEXT_SIZE_MAX) buf_append_byte(&big, '\n');
    assert_int_equal(routing_parse(buf_view(&big), &routing, &error), STATUS_LIMIT);
}

static void no_prefix_of_a_configuration_is_a_crash(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        struct error error;
        enum status status = routing_parse((struct str){ text, len }, &routing, &error);
        assert_true(status == STATUS_OK || status == STATUS_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_matches_decides),
        cmocka_unit_test(costs_are_rounded_up_and_ties_keep_their_order),
        cmocka_unit_test(health_comes_before_success_and_success_before_cost),
        cmocka_unit_test(what_a_psp_cannot_do_it_is_not_asked_for),
        cmocka_unit_test(mistakes_are_told_by_line),
        cmocka_unit_test(there_are_limits),
        cmocka_unit_test(no_prefix_of_a_configuration_is_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
