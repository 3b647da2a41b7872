/*
 * Goal: a PSP that fails is left alone, others are not touched by it, and all of it is counted.
 * Method: PSPs that answer as told, a clock and a monitor that the test moves.
 */
#include "wallet/psp_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "port/sync_test.h"

static struct stepped_sync test_sync;
static struct stepped_clock test_clock;

struct double_psp {
    struct psp port;
    struct psp_reply reply;
    uint32_t calls;
    bool closed;
};

static void double_order(struct psp *psp, const struct psp_order *order,
                         struct psp_reply *out_reply)
{
    struct double_psp *twin = (struct double_psp *)psp;
    (void)order;
    stepped_none_held(&test_sync);
    twin->calls++;
    *out_reply = twin->reply;
}

static void double_query(struct psp *psp, const struct psp_order *order,
                         struct psp_reply *out_reply)
{
    double_order(psp, order, out_reply);
    out_reply->query = true;
}

static void double_close(struct psp *psp)
{
    ((struct double_psp *)psp)->closed = true;
}

static struct double_psp double_make(const char *name)
{
    struct double_psp twin = { .port = { .traits = { .operations = 0x7E },
                                         .order = double_order,
                                         .query = double_query,
                                         .close = double_close },
                               .reply = { .answer = PSP_ANSWER_DONE, .duration_ms = 7 } };
    memcpy(twin.port.traits.name, name, strlen(name));
    return twin;
}

static struct psp_set set;
static struct double_psp a;
static struct double_psp b;

static void begin(void)
{
    const struct breaker_options options = { .calls_min = 4, .open_ms = 1000, .probes = 1 };
    test_sync = (struct stepped_sync)STEPPED_SYNC;
    test_clock = (struct stepped_clock)STEPPED_CLOCK(NS_PER_S);
    test_clock.wall_ahead_ns = 5 - NS_PER_S;
    a = double_make("a");
    b = double_make("b");
    psp_set_init(&set, &test_sync.port, &test_clock.port, &options);
    assert_int_equal(psp_set_add(&set, &a.port), STATUS_OK);
    assert_int_equal(psp_set_add(&set, &b.port), STATUS_OK);
}

static struct psp_reply call(const char *name, bool query)
{
    const struct psp_order order = { .operation = PSP_CHARGE };
    struct psp_reply reply = { 0 };
    struct psp *psp = psp_set_find(&set, str_from(name));
    assert_non_null(psp);
    if (query)
        psp->query(psp, &order, &reply);
    else
        psp->order(psp, &order, &reply);
    return reply;
}

static void a_psp_that_fails_is_left_alone_for_a_while(void **state)
{
    (void)state;
    begin();
    a.reply = (struct psp_reply){ .answer = PSP_ANSWER_UNKNOWN };
    for (int i = 0; i < 4; i++) assert_int_equal(call("a", false).answer, PSP_ANSWER_UNKNOWN);
    for (int query = 0; query < 2; query++) {
        struct psp_reply reply = call("a", query == 1);
        assert_int_equal(reply.answer, PSP_ANSWER_NOT_SENT);
        assert_string_equal(reply.reason, "breaker_open");
        assert_int_equal(reply.query, query);
        assert_int_equal(reply.at.ns, 5);
    }
    assert_int_equal(a.calls, 4);
    assert_int_equal(call("b", false).answer, PSP_ANSWER_DONE);
    test_clock.now_ns += NS_PER_S;
    a.reply = (struct psp_reply){ .answer = PSP_ANSWER_DONE };
    assert_int_equal(call("a", true).answer, PSP_ANSWER_DONE);
    struct psp_status status;
    psp_set_get_status(&set, 0, &status);
    assert_int_equal(status.state, BREAKER_CLOSED);
    assert_int_equal(status.opened, 1);
    assert_int_equal(status.counts.held_back, 2);
    assert_int_equal(status.counts.orders[PSP_ANSWER_UNKNOWN], 4);
    assert_int_equal(status.counts.queries[PSP_ANSWER_DONE], 1);
    psp_set_done(&set);
    assert_true(a.closed && b.closed);
}

static void only_what_speaks_of_health_opens_the_breaker(void **state)
{
    (void)state;
    static const struct {
        struct psp_reply reply;
        bool opens;
    } cases[] = {
        { { .answer = PSP_ANSWER_DONE }, false },
        { { .answer = PSP_ANSWER_PENDING }, false },
        { { .answer = PSP_ANSWER_DECLINED }, false },
        { { .answer = PSP_ANSWER_NOT_FOUND }, false },
        { { .answer = PSP_ANSWER_INVALID, .http_status = 400 }, false },
        { { .answer = PSP_ANSWER_UNKNOWN, .http_status = 200 }, false },
        { { .answer = PSP_ANSWER_UNKNOWN, .http_status = 500 }, true },
        { { .answer = PSP_ANSWER_UNKNOWN }, true },
        { { .answer = PSP_ANSWER_NOT_SENT }, true },
        { { .answer = PSP_ANSWER_THROTTLED, .http_status = 429 }, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin();
        a.reply = cases[i].reply;
        for (int j = 0; j < 5; j++) (void)call("a", false); /* counted below */
        assert_int_equal(a.calls, cases[i].opens ? 4 : 5);
        psp_set_done(&set);
    }
}

static void routes_follow_health(void **state)
{
    (void)state;
    static struct routing routing;
    struct error error;
    const char *name = NULL;
    const struct routing_ask ask = { .operation = PSP_CHARGE, .asset = 978 };
    begin();
    assert_int_equal(routing_parse(STR("psp z\npsp a\npsp b\nrule psps=z,a,b"), &routing, &error),
                     STATUS_OK);
    assert_int_equal(psp_set_choose(&set, &routing, &ask, &name), STATUS_OK);
    assert_string_equal(name, "a"); /* z is not there */
    a.reply = (struct psp_reply){ .answer = PSP_ANSWER_NOT_SENT };
    for (int i = 0; i < 4; i++) (void)call("a", false); /* so that it opens */
    assert_int_equal(psp_set_choose(&set, &routing, &ask, &name), STATUS_OK);
    assert_string_equal(name, "b");
    test_clock.now_ns += NS_PER_S;
    assert_int_equal(psp_set_choose(&set, &routing, &ask, &name), STATUS_OK);
    assert_string_equal(name, "a"); /* half open: it may be tried */
    psp_set_done(&set);
}

static void names_are_unique_and_members_limited(void **state)
{
    (void)state;
    static struct double_psp more[PSP_SET_MAX];
    begin();
    struct double_psp again = double_make("a");
    assert_int_equal(psp_set_add(&set, &again.port), STATUS_CONFLICT);
    assert_null(psp_set_find(&set, STR("c")));
    for (int i = 0; i < PSP_SET_MAX - 2; i++) {
        const char name[] = { 'p', (char)('a' + i), '\0' };
        more[i] = double_make(name);
        assert_int_equal(psp_set_add(&set, &more[i].port), STATUS_OK);
    }
    again = double_make("last");
    assert_int_equal(psp_set_add(&set, &again.port), STATUS_LIMIT);
    psp_set_done(&set);
}

static void metrics_name_psp_call_answer_and_state(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "\ntpwallet_psp_calls_total{psp=\"a\",call=\"order\",answer=\"unknown\"} 4\n",
        "\ntpwallet_psp_calls_total{psp=\"b\",call=\"query\",answer=\"done\"} 1\n",
        "\ntpwallet_psp_call_seconds_total{psp=\"b\"} 0.007\n",
        "\ntpwallet_psp_held_back_total{psp=\"a\"} 1\n",
        "\ntpwallet_psp_breaker_state{psp=\"a\",state=\"open\"} 1\n",
        "\ntpwallet_psp_breaker_state{psp=\"a\",state=\"closed\"} 0\n",
        "\ntpwallet_psp_breaker_opened_total{psp=\"a\"} 1\n",
        "\ntpwallet_psp_success_ratio{psp=\"a\"} 0.000\n",
        "\ntpwallet_psp_success_ratio{psp=\"b\"} 1.000\n",
    };
    BUF_SCOPE struct buf text;
    buf_init(&text, PSP_SET_METRICS_SIZE_MAX);
    begin();
    a.reply = (struct psp_reply){ .answer = PSP_ANSWER_UNKNOWN };
    for (int i = 0; i < 5; i++) (void)call("a", false); /* seen below */
    (void)call("b", true);                              /* as above */
    psp_set_write_metrics(&set, &text);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (strstr(buf_terminated(&text), lines[i]) == NULL) fail_msg("no %s", lines[i]);
    }
    psp_set_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_psp_that_fails_is_left_alone_for_a_while),
        cmocka_unit_test(only_what_speaks_of_health_opens_the_breaker),
        cmocka_unit_test(routes_follow_health),
        cmocka_unit_test(names_are_unique_and_members_limited),
        cmocka_unit_test(metrics_name_psp_call_answer_and_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
