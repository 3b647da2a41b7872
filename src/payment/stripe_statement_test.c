/*
 * Goal: what moved on Stripe's balance is read to the minor unit, and nothing is passed over.
 * Method: pages with each type; pages wrong in one place.
 */
#include "payment/stripe_statement.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY "0190a1b2-0000-7000-8000-00000000c3d4:2"
#define LINE(id, type, amount, fee, net, source)                                                   \
    "{\"id\":\"" id "\",\"object\":\"balance_transaction\",\"type\":\"" type                       \
    "\",\"amount\":" amount ",\"fee\":" fee ",\"net\":" net                                        \
    ",\"currency\":\"eur\",\"created\":1700000000,\"fee_details\":[{}],\"source\":" source "}"
#define CHARGE                                                                                     \
    "{\"id\":\"ch_1\",\"object\":\"charge\",\"payment_intent\":\"pi_1\",\"metadata\":{"            \
    "\"reference\":\"" KEY "\"}}"
#define REFUND                                                                                     \
    "{\"id\":\"re_1\",\"object\":\"refund\",\"payment_intent\":\"pi_1\",\"metadata\":{"            \
    "\"reference\":\"" KEY "\"}}"
#define DISPUTE "{\"id\":\"dp_1\",\"object\":\"dispute\",\"payment_intent\":\"pi_1\"}"
#define LIST(lines, more) "{\"object\":\"list\",\"data\":[" lines "],\"has_more\":" more "}"

enum { LINES = 8, ARENA_SIZE = 64 << 10 };

static enum status read_text(const char *text, struct psp_line *lines, struct stripe_page *page,
                             struct error *error)
{
    static char memory[ARENA_SIZE];
    struct arena arena;
    arena_init_over(&arena, memory, sizeof memory);
    return stripe_statement_read(str_from(text), &arena, lines, LINES, page, error);
}

static void every_type_of_ours_is_a_line(void **state)
{
    (void)state;
    static const char text[] = LIST(
        LINE("txn_1", "charge", "1250", "44", "1206", CHARGE) "," LINE("txn_2", "refund", "-250", "0", "-250", REFUND) "," LINE(
            "txn_3", "payout", "-500",
            "25", "-525",
            "\"po_1\"") "," LINE("txn_4", "adjustment", "-1250", "1500", "-2750",
                                 DISPUTE) "," LINE("txn_5", "adjustment", "1250", "0", "1250",
                                                   DISPUTE) "," LINE("txn_6", "refund_failure",
                                                                     "250", "0", "250",
                                                                     REFUND) "," LINE("txn_7",
                                                                                      "payout_failure",
                                                                                      "500", "0",
                                                                                      "500",
                                                                                      "\"po_1\""),
        "true");
    static const struct {
        enum psp_line_kind kind;
        uint64_t gross;
        uint64_t fee;
        const char *object;
        const char *reference;
    } expected[] = {
        { PSP_LINE_CHARGE, 1250, 44, "pi_1", KEY },
        { PSP_LINE_REFUND, 250, 0, "re_1", KEY },
        { PSP_LINE_PAY_OUT, 500, 25, "po_1", "" },
        { PSP_LINE_CHARGEBACK, 1250, 1500, "pi_1", "" },
        { PSP_LINE_CHARGEBACK_REVERSAL, 1250, 0, "pi_1", "" },
        { PSP_LINE_REFUND_FAILURE, 250, 0, "re_1", KEY },
        { PSP_LINE_PAY_OUT_RETURN, 500, 0, "po_1", "" },
    };
    struct psp_line lines[LINES];
    struct stripe_page page = { 0 };
    struct error error = { 0 };
    if (read_text(text, lines, &page, &error) != STATUS_OK) fail_msg("%s", error.message);
    assert_true(page.more);
    assert_int_equal(page.count, sizeof expected / sizeof expected[0]);
    for (uint32_t i = 0; i < page.count; i++) {
        assert_int_equal(lines[i].kind, expected[i].kind);
        assert_true(lines[i].gross.minor == expected[i].gross);
        assert_true(lines[i].fee.minor == expected[i].fee);
        assert_string_equal(lines[i].object, expected[i].object);
        assert_string_equal(lines[i].reference, expected[i].reference);
        assert_int_equal(lines[i].asset, 978);
        assert_int_equal(lines[i].at.ns, INT64_C(1700000000) * NS_PER_S);
    }
    assert_string_equal(lines[6].id, "txn_7");
}

static void what_cannot_be_booked_is_not_passed_over(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        LIST("", "7"),
        LIST(LINE("txn_1", "stripe_fee", "-10", "0", "-10", "null"), "false"),
        LIST(LINE("txn_1", "adjustment", "-10", "0", "-10", REFUND), "false"),
        LIST(LINE("txn_1", "charge", "-10", "0", "-10", CHARGE), "false"),
        LIST(LINE("txn_1", "refund", "10", "0", "10", REFUND), "false"),
        LIST(LINE("txn_1", "charge", "10", "-1", "11", CHARGE), "false"),
        LIST(LINE("txn_1", "charge", "10", "1", "10", CHARGE), "false"),
        LIST(LINE("txn_1", "charge", "10", "null", "10", CHARGE), "false"),
        LIST(LINE("", "charge", "10", "0", "10", CHARGE), "false"),
        LIST(LINE("txn/1", "charge", "10", "0", "10", CHARGE), "false"),
        LIST(LINE("txn_1", "charge", "10", "0", "10", "null"), "false"),
        LIST(LINE("txn_1", "charge", "10", "0", "10", CHARGE), "false") "x",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct psp_line lines[LINES];
        struct stripe_page page = { .count = 77 };
        struct error error = { 0 };
        if (read_text(bad[i], lines, &page, &error) != STATUS_INVALID)
            fail_msg("%s was read", bad[i]);
        assert_int_equal(page.count, 77);
        assert_true(error.message[0] != '\0');
    }
}

static void pages_are_asked_for_by_day_and_the_line_before(void **state)
{
    (void)state;
    BUF_SCOPE struct buf path;
    buf_init(&path, 512);
    stripe_statement_path((struct business_date){ 20000 }, "txn_7", &path);
    assert_string_equal(buf_terminated(&path),
                        "/v1/balance_transactions?limit=100&created[gte]=1728000000"
                        "&created[lt]=1728086400&expand[0]=data.source&starting_after=txn_7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_of_ours_is_a_line),
        cmocka_unit_test(what_cannot_be_booked_is_not_passed_over),
        cmocka_unit_test(pages_are_asked_for_by_day_and_the_line_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
