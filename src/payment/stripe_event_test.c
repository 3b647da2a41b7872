/*
 * Goal: an event leads to the payment that it is about, or to none.
 * Method: a table of types; every prefix of a good event.
 */
#include "payment/stripe_event.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY "0190a1b2-0000-7000-8000-00000000c3d4:2"
#define EVENT(type, object)                                                                         \
    "{\"id\":\"evt_1\",\"object\":\"event\",\"api_version\":\"2026-08-26\",\"created\":1700000000," \
    "\"data\":{\"object\":" object ",\"previous_attributes\":{}},\"type\":\"" type "\"}"
#define INTENT                                                                                     \
    "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"metadata\":{\"reference\":\"" KEY "\"}}"
#define DISPUTE(status)                                                                            \
    "{\"id\":\"dp_1\",\"object\":\"dispute\",\"amount\":500,\"currency\":\"jpy\","                 \
    "\"payment_intent\":\"pi_1\",\"status\":\"" status "\"}"

static enum status read_text(struct str text, struct psp_event *event)
{
    static char memory[16384];
    struct arena arena;
    arena_init_over(&arena, memory, sizeof memory);
    return stripe_event_read(text, &arena, event);
}

static void types_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum psp_event_kind kind;
        bool ours;
        const char *object;
        const char *chargeback;
    } cases[] = {
        { EVENT("payment_intent.succeeded", INTENT), PSP_EVENT_ORDER, true, "pi_1", "" },
        { EVENT("refund.updated", "{\"id\":\"re_1\"}"), PSP_EVENT_ORDER, false, "re_1", "" },
        { EVENT("payout.failed", "{\"id\":\"po_1\"}"), PSP_EVENT_ORDER, false, "po_1", "" },
        { EVENT("charge.dispute.created", DISPUTE("needs_response")), PSP_EVENT_CHARGEBACK_OPENED,
          false, "pi_1", "dp_1" },
        { EVENT("charge.dispute.closed", DISPUTE("won")), PSP_EVENT_CHARGEBACK_WON, false, "pi_1",
          "dp_1" },
        { EVENT("charge.dispute.closed", DISPUTE("lost")), PSP_EVENT_CHARGEBACK_LOST, false, "pi_1",
          "dp_1" },
        { EVENT("charge.dispute.closed", DISPUTE("warning_closed")), PSP_EVENT_CHARGEBACK_REVERSED,
          false, "pi_1", "dp_1" },
        { EVENT("charge.dispute.updated", DISPUTE("won")), PSP_EVENT_OTHER, false, "", "" },
        { EVENT("customer.created", "{\"id\":\"cus_1\"}"), PSP_EVENT_OTHER, false, "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct psp_event event;
        assert_int_equal(read_text(str_from(cases[i].text), &event), STATUS_OK);
        assert_int_equal(event.kind, cases[i].kind);
        assert_int_equal(event.ours, cases[i].ours);
        assert_string_equal(event.id, "evt_1");
        assert_string_equal(event.object, cases[i].object);
        assert_string_equal(event.chargeback, cases[i].chargeback);
        assert_int_equal(event.at.ns, INT64_C(1700000000) * NS_PER_S);
        if (event.chargeback[0] == '\0') continue;
        assert_int_equal(event.asset, 392);
        assert_true(event.amount.minor == 500);
    }
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"created\":1}",
        "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"x\"}",
        "{\"object\":\"event\",\"type\":\"x\",\"created\":1}",
        EVENT("payment_intent.succeeded", "{}"),
        EVENT("charge.dispute.created", "{\"id\":\"dp_1\",\"amount\":1,\"currency\":\"eur\"}"),
    };
    struct psp_event event;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(read_text(str_from(bad[i]), &event), STATUS_INVALID);
    static const char whole[] = EVENT("payment_intent.succeeded", INTENT);
    for (size_t len = 0; len + 1 < sizeof whole; len++)
        assert_int_equal(read_text((struct str){ whole, len }, &event), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_told_apart),
        cmocka_unit_test(what_is_no_event_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
