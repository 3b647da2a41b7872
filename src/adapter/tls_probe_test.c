/*
 * Goal: a file that is none, an endpoint that is none or does not answer are told as what they are.
 * Method: files that are missing, empty and no PEM; endpoints without a port, and one on which
 * nobody listens. Real handshakes are in tests/doctor/bundle_test.py.
 */
#include "adapter/tls_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_is_no_certificate_is_told(void **state)
{
    (void)state; /* no fixture */
    static struct tls_probe probe;
    struct error error;
    assert_int_equal(tls_probe_file("/nowhere/at/all", &probe, &error), STATUS_NOT_FOUND);
    assert_int_equal(tls_probe_file("/dev/null", &probe, &error), STATUS_INVALID);
    assert_int_equal(tls_probe_file("/proc/self/cmdline", &probe, &error), STATUS_INVALID);
}

static void what_is_no_endpoint_is_told(void **state)
{
    (void)state; /* no fixture */
    static const char *const endpoints[] = { "", "host", ":443", "host:", "[]:443" };
    static struct tls_probe probe;
    struct error error;
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
        if (tls_probe_endpoint(endpoints[i], NULL, 100, &probe, &error) != STATUS_INVALID)
            fail_msg("%s", endpoints[i]);
}

static void nobody_listening_is_refused(void **state)
{
    (void)state; /* no fixture */
    static struct tls_probe probe;
    struct error error;
    assert_int_equal(tls_probe_endpoint("127.0.0.1:1", NULL, 2000, &probe, &error), STATUS_OK);
    assert_string_equal(probe.result, "refused");
    assert_string_equal(probe.detail, "no connection");
    assert_int_equal(probe.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_certificate_is_told),
        cmocka_unit_test(what_is_no_endpoint_is_told),
        cmocka_unit_test(nobody_listening_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
