/* sandbox_test.h - for tests: a sandbox of its own, and orders by small numbers. */
#ifndef SANDBOX_SANDBOX_TEST_H
#define SANDBOX_SANDBOX_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "sandbox/check.h"
#include "sandbox/sandbox.h"
#include "sandbox/statement.h"

enum { EUR = 978, TEST_ITEMS_MAX = 4096 };
#define TEST_START ((struct wall_time){ 20000 * NS_PER_DAY + 3600 * NS_PER_S })

/* Fees of 1 % and 10 on charges, 5 on pay-outs, 100 on chargebacks: easy to reckon by hand. */
static inline struct sandbox *sandbox_test_new(void)
{
    struct sandbox *sandbox = calloc(1, sizeof *sandbox);
    CHECK(sandbox != NULL);
    struct sandbox_options options = SANDBOX_OPTIONS_DEFAULT;
    options.items_max = TEST_ITEMS_MAX;
    options.webhooks = true;
    options.fees[PSP_LINE_CHARGE] = (struct sandbox_fee){ .bps = 100, .fixed_minor = 10 };
    options.fees[PSP_LINE_PAY_OUT] = (struct sandbox_fee){ .fixed_minor = 5 };
    options.fees[PSP_LINE_CHARGEBACK] = (struct sandbox_fee){ .fixed_minor = 100 };
    enum status status = sandbox_init(sandbox, &options, TEST_START);
    CHECK(status == STATUS_OK);
    return sandbox;
}

static inline void sandbox_test_free(struct sandbox *sandbox)
{
    sandbox_free(sandbox);
    free(sandbox);
}

static inline struct psp_order order_make(uint64_t payment, uint8_t operation, uint64_t minor)
{
    return (struct psp_order){
        .payment = { { .lo = payment, .hi = 7 } },
        .step_number = 1,
        .operation = operation,
        .asset = EUR,
        .amount = money_from_minor(minor),
    };
}

static inline struct psp_order order_on(uint64_t payment, uint8_t operation, uint64_t minor,
                                        const char *method)
{
    struct psp_order order = order_make(payment, operation, minor);
    int len = snprintf(order.method, sizeof order.method, "%s", method);
    CHECK(len > 0 && (size_t)len < sizeof order.method);
    return order;
}

static inline struct psp_order order_about(uint64_t payment, uint8_t operation, uint64_t minor,
                                           const struct psp_reply *charge)
{
    struct psp_order order = order_make(payment, operation, minor);
    int len = snprintf(order.object, sizeof order.object, "%s", charge->object);
    CHECK(len >= 0 && (size_t)len < sizeof order.object);
    return order;
}

static inline struct psp_reply ask(struct sandbox *sandbox, const struct psp_order *order)
{
    struct psp_reply reply;
    sandbox_order(sandbox, order, &reply);
    return reply;
}

static inline struct psp_reply look(struct sandbox *sandbox, const struct psp_order *order)
{
    struct psp_reply reply;
    sandbox_query(sandbox, order, &reply);
    return reply;
}

static inline void later_ms(struct sandbox *sandbox, int64_t ms)
{
    sandbox_advance(sandbox, (struct wall_time){ sandbox->now.ns + ms * NS_PER_MS });
}

static inline void later_days(struct sandbox *sandbox, int64_t days)
{
    later_ms(sandbox, days * 86400 * 1000);
}

#endif
