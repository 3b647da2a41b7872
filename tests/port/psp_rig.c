/*
 * Goal: the tests of PSPs over HTTP need not repeat how one is opened.
 * Method: the real HTTP client, loopback allowed, a call's time cut to two seconds.
 */
#include "tests/port/psp_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/curl_http.h"
#include "adapter/system_clock.h"

enum { CALL_MS = 2000 };

void psp_rig_open(struct psp_rig *rig, psp_open open, const char *url, const char *ca_file)
{
    char key[] = "sk_test_s3cret";
    struct error error = { 0 };
    const struct curl_http_options http = { .ca_file = ca_file };
    memset(rig, 0, sizeof *rig);
    assert_int_equal(curl_http_open(&http, &rig->http, &error), STATUS_OK);
    assert_int_equal(secret_take(key, sizeof key - 1, &rig->key), STATUS_OK);
    const struct psp_options options = { .name = "rig",
                                         .url = url,
                                         .key = &rig->key,
                                         .http = rig->http,
                                         .clock = system_clock(),
                                         .call_ms_max = CALL_MS,
                                         .private_allowed = true };
    if (open(&options, &rig->psp, &error) != STATUS_OK) fail_msg("%s", error.message);
}

void psp_rig_close(struct psp_rig *rig)
{
    rig->psp->close(rig->psp);
    rig->http->close(rig->http);
    secret_done(&rig->key);
}

struct psp_order psp_rig_order(enum psp_operation operation, const char *method, const char *object)
{
    struct psp_order order = { .step_number = 2,
                               .operation = (uint8_t)operation,
                               .asset = 978,
                               .last = true,
                               .amount = money_from_minor(1250),
                               .trace = { .id = { .lo = 2, .hi = 1 }, .span = 3 } };
    assert_int_equal(uuid_parse(STR("0190a1b2-0000-7000-8000-00000000c3d4"), &order.payment.value),
                     STATUS_OK);
    assert_true(strlen(method) < PSP_TOKEN_SIZE && strlen(object) < PSP_TOKEN_SIZE);
    memcpy(order.method, method, strlen(method));
    memcpy(order.object, object, strlen(object));
    return order;
}
