/*
 * Goal: events of the sandbox and of Stripe are understood; what is unknown in them is passed
 * over; what is wrong with them is refused before anything is believed.
 * Method: bodies as both write them; a table of faults; every prefix of a good body.
 */
#include "webhook/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "0190a1b2-0000-7000-8000-00000000c3d4:3"
#define SANDBOX                                                                                    \
    "{\"id\":\"evt_000000000001\",\"type\":\"order.updated\",\"at\":\"2026-11-23T06:14:50Z\","     \
    "\"data\":{\"object\":\"ch_000000000001\",\"reference\":\"" KEY "\",\"operation\":\"charge\"," \
    "\"status\":\"done\",\"amount\":\"12.50\",\"asset\":\"EUR\",\"reason\":\"\",\"new\":[{}]}}"
#define STRIPE                                                                                     \
    "{\n  \"id\": \"evt_1\",\n  \"object\": \"event\",\n  \"api_version\": null,\n"                \
    "  \"created\": 1700000000,\n  \"data\": {\"object\": {\"id\": \"re_1\", \"amount\": 1250,"    \
    " \"currency\": \"eur\", \"metadata\": {\"other\": \"x y\", \"reference\": \"" KEY "\"},"      \
    " \"payment_intent\": \"pi_1\", \"status\": \"succeeded\", \"charge\": null},"                 \
    " \"previous_attributes\": {}},\n  \"livemode\": false,\n  \"type\": \"refund.updated\"\n}"

static enum status parse(enum webhook_style style, struct str body, struct webhook_event *out_event,
                         const char **out_reason)
{
    struct arena arena;
    assert_int_equal(arena_init(&arena, WEBHOOK_EVENT_ARENA_SIZE), STATUS_OK);
    char *copy = malloc(body.len == 0 ? 1 : body.len); /* so that a read behind it is found */
    assert_non_null(copy);
    memcpy(copy, body.data, body.len);
    *out_reason = NULL;
    enum status status =
        webhook_event_parse(style, (struct str){ copy, body.len }, &arena, out_event, out_reason);
    assert_true((status == STATUS_OK) == (*out_reason == NULL));
    free(copy);
    arena_done(&arena);
    return status;
}

static void an_event_of_the_sandbox(void **state)
{
    (void)state; /* no fixture */
    struct webhook_event event;
    const char *reason;
    assert_int_equal(parse(WEBHOOK_STYLE_SANDBOX, STR(SANDBOX), &event, &reason), STATUS_OK);
    assert_string_equal(event.id, "evt_000000000001");
    assert_string_equal(event.type, "order.updated");
    assert_int_equal(event.topic, WEBHOOK_TOPIC_ORDER);
    assert_string_equal(event.object, "ch_000000000001");
    assert_string_equal(event.reference, KEY);
    assert_string_equal(event.status, "done");
    assert_string_equal(event.amount, "12.50");
    assert_string_equal(event.asset, "EUR");
    assert_true(event.ours);
    assert_int_equal(event.step_number, 3);
    assert_int_equal(event.created.ns, 1795414490 * NS_PER_S);
}

static void an_event_of_stripe(void **state)
{
    (void)state; /* no fixture */
    struct webhook_event event;
    const char *reason;
    assert_int_equal(parse(WEBHOOK_STYLE_STRIPE, STR(STRIPE), &event, &reason), STATUS_OK);
    assert_string_equal(event.id, "evt_1");
    assert_string_equal(event.type, "refund.updated");
    assert_int_equal(event.topic, WEBHOOK_TOPIC_ORDER);
    assert_string_equal(event.object, "re_1");
    assert_string_equal(event.parent, "pi_1");
    assert_string_equal(event.amount, "1250");
    assert_string_equal(event.asset, "eur");
    assert_true(event.ours);
    assert_int_equal(event.created.ns, 1700000000 * NS_PER_S);
}

static void types_that_we_do_not_know_are_other(void **state)
{
    (void)state; /* no fixture */
    struct webhook_event event;
    const char *reason;
    assert_int_equal(parse(WEBHOOK_STYLE_STRIPE,
                           STR("{\"id\":\"evt_2\",\"type\":\"customer.created\",\"created\":1,"
                               "\"data\":{\"object\":{\"id\":\"cus_1\"}}}"),
                           &event, &reason),
                     STATUS_OK);
    assert_int_equal(event.topic, WEBHOOK_TOPIC_OTHER);
    assert_false(event.ours);
    assert_string_equal(event.reference, "");
    assert_int_equal(parse(WEBHOOK_STYLE_SANDBOX,
                           STR("{\"id\":\"e\",\"type\":\"payment_intent.succeeded\","
                               "\"at\":\"2026-11-23T06:14:50Z\",\"data\":{}}"),
                           &event, &reason),
                     STATUS_OK);
    assert_int_equal(event.topic, WEBHOOK_TOPIC_OTHER); /* it is Stripe's */
    assert_int_equal(parse(WEBHOOK_STYLE_STRIPE,
                           STR("{\"id\":\"evt_3\",\"type\":\"charge.dispute.created\","
                               "\"created\":1,\"data\":{\"object\":{\"id\":\"dp_1\","
                               "\"payment_intent\":{\"id\":\"pi_2\",\"amount\":7}}}}"),
                           &event, &reason),
                     STATUS_OK);
    assert_int_equal(event.topic, WEBHOOK_TOPIC_CHARGEBACK);
    assert_string_equal(event.parent, "pi_2");
    assert_string_equal(event.amount, "");
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"id\":\"e\",\"type\":\"t\"}",
        "{\"id\":\"e\",\"created\":1}",
        "{\"id\":\"\",\"type\":\"t\",\"created\":1}",
        "{\"id\":7,\"type\":\"t\",\"created\":1}",
        "{\"id\":\"a b\",\"type\":\"t\",\"created\":1}",
        "{\"id\":\"a\\u0000b\",\"type\":\"t\",\"created\":1}",
        "{\"id\":\"\xC3\xA4\",\"type\":\"t\",\"created\":1}",
        "{\"id\":\"\xFF\",\"type\":\"t\",\"created\":1}",
        "{\"id\":\"e\",\"id\":\"f\",\"type\":\"t\",\"created\":1}",
        "{\"id\":\"e\",\"type\":\"t\",\"created\":-1}",
        "{\"id\":\"e\",\"type\":\"t\",\"created\":1.5}",
        "{\"id\":\"e\",\"type\":\"t\",\"created\":9223372037}",
        "{\"id\":\"e\",\"type\":\"t\",\"created\":\"now\"}",
        "{\"id\":\"e\",\"type\":\"t\",\"created\":1}x",
        "{\"id\":\"e\",\"type\":\"t\",\"created\":1,\"data\":[]}",
        "{\"id\":\"0123456789012345678901234567890123456789012345678901234567890123\","
        "\"type\":\"t\",\"created\":1}",
        "{\"id\":\"e\",\"type\":\"t\",\"created\":1,\"data\":{\"object\":{\"amount\":"
        "123456789012345678901234567890123456789012345678}}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct webhook_event event = { .id = "untouched" };
        const char *reason;
        if (parse(WEBHOOK_STYLE_STRIPE, str_from(bad[i]), &event, &reason) == STATUS_OK) {
            fail_msg("case %zu", i);
        }
        assert_string_equal(event.id, "untouched");
    }
}

static void a_part_of_an_event_is_none(void **state)
{
    (void)state; /* no fixture */
    struct webhook_event event;
    const char *reason;
    for (size_t len = 0; len < sizeof SANDBOX - 1; len++) {
        assert_int_equal(
            parse(WEBHOOK_STYLE_SANDBOX, (struct str){ SANDBOX, len }, &event, &reason),
            STATUS_INVALID);
    }
}

static void depth_is_limited(void **state)
{
    (void)state; /* no fixture */
    char body[2000] = "{\"id\":\"e\",\"type\":\"t\",\"created\":1,\"x\":";
    memset(body + strlen(body), '[', 500);
    struct webhook_event event;
    const char *reason;
    assert_int_equal(parse(WEBHOOK_STYLE_STRIPE, str_from(body), &event, &reason), STATUS_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_of_the_sandbox),
        cmocka_unit_test(an_event_of_stripe),
        cmocka_unit_test(types_that_we_do_not_know_are_other),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(a_part_of_an_event_is_none),
        cmocka_unit_test(depth_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
