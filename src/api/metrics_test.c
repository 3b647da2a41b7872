/*
 * Goal: the page says what was counted, in the form Prometheus reads.
 * Method: calls are counted and the page's lines looked for; bounds of buckets; every line is a
 * comment or a sample, each sample's family is described once before it (promtool reads the page
 * of a running server in tests/e2e).
 */
#include "api/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct metrics metrics;

static int metrics_zero(void **state)
{
    (void)state; /* the counters are the fixture */
    memset(&metrics, 0, sizeof metrics);
    return 0;
}

static char *page(const struct lane_status *status)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    metrics_build_write("1.2.3", &out);
    metrics_write(&metrics, status, (struct wall_time){ 100 * NS_PER_S }, &out);
    const struct saga_status saga = { .orders = 7,
                                      .answers = { [PSP_ANSWER_UNKNOWN] = 3 },
                                      .call_ns_total = 1500000000 };
    metrics_saga_write(&saga, &out);
    const struct log_relay_status log = { .state = LOG_REFUSED };
    metrics_log_write(&log, &out);
    assert_int_equal(buf_status(&out), STATUS_OK);
    char *text = strdup(buf_terminated(&out));
    assert_non_null(text);
    buf_free(&out);
    return text;
}

static void expect_line(const char *text, const char *line)
{
    char whole[256];
    int len = snprintf(whole, sizeof whole, "\n%s\n", line);
    assert_true(len > 0 && (size_t)len < sizeof whole);
    if (strstr(text, whole) == NULL) fail_msg("no line %s", line);
}

static void calls_are_counted_by_operation_and_status(void **state)
{
    (void)state; /* the counters are the fixture */
    const struct lane_status status = { .accepting = true, .units = 12 };
    metrics_count(&metrics, ROUTE_ACCOUNTS_GET, 200, 1000);
    metrics_count(&metrics, ROUTE_ACCOUNTS_GET, 200, 1000);
    metrics_count(&metrics, ROUTE_ACCOUNTS_GET, 404, 1000);
    metrics_count(&metrics, ROUTE_NONE, 418, 1000);
    char *text = page(&status);
    expect_line(text, "tpwallet_http_requests_total{operation=\"accounts_get\",status=\"200\"} 2");
    expect_line(text, "tpwallet_http_requests_total{operation=\"accounts_get\",status=\"404\"} 1");
    expect_line(text, "tpwallet_http_requests_total{operation=\"none\",status=\"0\"} 1");
    expect_line(text, "tpwallet_units_total 12");
    expect_line(text, "tpwallet_accepting 1");
    expect_line(text, "tpwallet_build_info{version=\"1.2.3\"} 1");
    free(text);
}

static void payments_are_counted_by_state_cause_and_outcome(void **state)
{
    (void)state; /* the counters are the fixture */
    struct lane_status status = { 0 };
    status.payment_states[PAYMENT_STATE_MANUAL] = 4;
    status.oldest_manual.ns = 40 * NS_PER_S + 500 * NS_PER_MS;
    status.payment_commands[PAYMENT_CAUSE_CREATE][PAYMENT_OUTCOME_LEDGER] = 5;
    char *text = page(&status);
    expect_line(text, "tpwallet_payments_open{state=\"manual\"} 4");
    expect_line(text, "tpwallet_payments_open{state=\"in_doubt\"} 0");
    assert_null(strstr(text, "state=\"succeeded\""));
    expect_line(text, "tpwallet_payments_oldest_seconds{state=\"manual\"} 59.500000000");
    expect_line(text, "tpwallet_payments_oldest_seconds{state=\"in_doubt\"} 0.000000000");
    expect_line(text,
                "tpwallet_payment_commands_total{cause=\"create\",outcome=\"ledger_refused\"} 5");
    expect_line(text, "tpwallet_saga_calls_total{call=\"order\"} 7");
    expect_line(text, "tpwallet_saga_answers_total{answer=\"unknown\"} 3");
    expect_line(text, "tpwallet_saga_call_seconds_total 1.500000000");
    free(text);
}

static void buckets_hold_what_is_at_most_their_bound(void **state)
{
    (void)state; /* the counters are the fixture */
    const struct lane_status status = { 0 };
    metrics_count(&metrics, ROUTE_ACCOUNTS_GET, 200, 100000);
    metrics_count(&metrics, ROUTE_ACCOUNTS_GET, 200, 100001);
    metrics_count(&metrics, ROUTE_ACCOUNTS_GET, 200, INT64_C(11000000000));
    char *text = page(&status);
#define NAME "tpwallet_http_request_duration_seconds"
    expect_line(text, NAME "_bucket{operation=\"accounts_get\",le=\"0.0001\"} 1");
    expect_line(text, NAME "_bucket{operation=\"accounts_get\",le=\"0.00025\"} 2");
    expect_line(text, NAME "_bucket{operation=\"accounts_get\",le=\"10\"} 2");
    expect_line(text, NAME "_bucket{operation=\"accounts_get\",le=\"+Inf\"} 3");
    expect_line(text, NAME "_count{operation=\"accounts_get\"} 3");
    expect_line(text, NAME "_sum{operation=\"accounts_get\"} 11.000200001");
    free(text);
}

static void every_family_is_described_once(void **state)
{
    (void)state; /* the counters are the fixture */
    const struct lane_status status = { 0 };
    metrics_count(&metrics, ROUTE_ACCOUNTS_GET, 200, 1);
    char *text = page(&status);
    assert_int_equal(text[strlen(text) - 1], '\n');
    char family[128] = "";
    size_t families = 0;
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            size_t len = strcspn(line + 7, " ");
            assert_true(len < sizeof family);
            char described[160];
            memcpy(family, line + 7, len);
            family[len] = '\0';
            int wrote = snprintf(described, sizeof described, "# HELP %s ", family);
            assert_true(wrote > 0 && (size_t)wrote < sizeof described);
            assert_null(strstr(line + 1, described));
            families++;
        } else if (strncmp(line, "# TYPE ", 7) != 0) {
            assert_int_equal(strncmp(line, family, strlen(family)), 0);
        }
    }
    assert_true(families > 25);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(calls_are_counted_by_operation_and_status, metrics_zero),
        cmocka_unit_test_setup(payments_are_counted_by_state_cause_and_outcome, metrics_zero),
        cmocka_unit_test_setup(buckets_hold_what_is_at_most_their_bound, metrics_zero),
        cmocka_unit_test_setup(every_family_is_described_once, metrics_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
