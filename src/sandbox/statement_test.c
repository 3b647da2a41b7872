/*
 * Goal: a day's statement is whole, stands still once made, and faults change only what is shown.
 * Method: days with known lines, read in pieces of every size; a day closed early; lines left out
 * and given twice.
 */
#include "sandbox/statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sandbox/sandbox_test.h"

static int set_up(void **state)
{
    *state = sandbox_test_new();
    return 0;
}

static int tear_down(void **state)
{
    struct sandbox *sandbox = *state;
    assert_int_equal(sandbox_check(sandbox), STATUS_OK);
    sandbox_test_free(sandbox);
    return 0;
}

enum { LINES_MAX = 64 };

static uint32_t read_all(const struct sandbox *sandbox, struct business_date day, uint32_t limit,
                         struct psp_line *out_lines)
{
    uint32_t count = 0;
    for (;;) {
        uint32_t got;
        struct psp_line page[LINES_MAX];
        assert_int_equal(sandbox_statement(sandbox, day, count, page, limit, &got), STATUS_OK);
        for (uint32_t i = 0; i < got; i++) out_lines[count + i] = page[i];
        count += got;
        if (got < limit) return count;
    }
}

static void a_day_is_told_when_it_is_over(void **state)
{
    struct sandbox *sandbox = *state;
    struct business_date day = sandbox->day;
    const struct psp_order order = order_on(1, PSP_CHARGE, 1000, "card_ok");
    struct psp_reply charge = ask(sandbox, &order);
    const struct psp_order refund = order_about(2, PSP_REFUND, 400, &charge);
    (void)ask(sandbox, &refund); /* looked at below */
    struct psp_line lines[LINES_MAX];
    uint32_t count;
    assert_int_equal(sandbox_statement(sandbox, day, 0, lines, LINES_MAX, &count),
                     STATUS_NOT_FOUND);
    later_days(sandbox, 1);
    assert_int_equal(sandbox_statement(sandbox, day, 0, lines, LINES_MAX, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(lines[0].id, "ln_000000000001");
    assert_string_equal(lines[0].object, charge.object);
    assert_int_equal(lines[0].kind, PSP_LINE_CHARGE);
    assert_true(lines[0].gross.minor == 1000);
    assert_true(lines[0].fee.minor == 20);
    char key[PSP_KEY_SIZE];
    (void)psp_key(refund.payment, refund.step_number, key); /* terminated */
    assert_string_equal(lines[1].reference, key);
    assert_int_equal(lines[1].kind, PSP_LINE_REFUND);
    assert_true(lines[1].fee.minor == 0);
    const struct book_page *page = book_find(&sandbox->book, EUR);
    assert_true(book_balance(page, BOOK_MERCHANT).amount.minor == 0);
    assert_true(book_balance(page, BOOK_SETTLED).amount.minor == 580);
    day.days--;
    assert_int_equal(sandbox_statement(sandbox, day, 0, lines, LINES_MAX, &count), STATUS_OK);
    assert_int_equal(count, 0);
}

static void pieces_of_any_size_make_the_same_whole(void **state)
{
    struct sandbox *sandbox = *state;
    struct business_date day = sandbox->day;
    for (uint64_t i = 0; i < 3; i++) { /* three days of different length */
        for (uint64_t k = 0; k < 7 + i; k++) {
            const struct psp_order order = order_on(100 * i + k, PSP_CHARGE, 1000 + k, "card_ok");
            (void)ask(sandbox, &order); /* looked at below */
        }
        later_days(sandbox, 1);
    }
    day.days++;
    struct psp_line whole[LINES_MAX];
    assert_int_equal(read_all(sandbox, day, LINES_MAX, whole), 8);
    for (uint32_t limit = 1; limit < 10; limit++) {
        struct psp_line lines[LINES_MAX];
        assert_int_equal(read_all(sandbox, day, limit, lines), 8);
        for (uint32_t i = 0; i < 8; i++) assert_string_equal(lines[i].id, whole[i].id);
    }
}

static void what_comes_after_the_close_is_the_next_days(void **state)
{
    struct sandbox *sandbox = *state;
    struct business_date day = sandbox->day;
    const struct psp_order before = order_on(1, PSP_CHARGE, 1000, "card_ok");
    (void)ask(sandbox, &before); /* looked at below */
    later_ms(sandbox, 1);
    const struct book_page *page = book_find(&sandbox->book, EUR);
    assert_true(book_balance(page, BOOK_SETTLED).amount.minor == 0);
    sandbox_day_close(sandbox);
    later_ms(sandbox, 1);
    assert_true(book_balance(page, BOOK_SETTLED).amount.minor == 980);
    const struct psp_order after = order_on(2, PSP_CHARGE, 500, "card_ok");
    (void)ask(sandbox, &after); /* looked at below */
    struct psp_line lines[LINES_MAX];
    assert_int_equal(read_all(sandbox, day, LINES_MAX, lines), 1);
    later_days(sandbox, 2);
    day.days++;
    assert_int_equal(read_all(sandbox, day, LINES_MAX, lines), 1);
    assert_true(lines[0].gross.minor == 500);
}

static void chargebacks_bear_the_reference_of_the_capture(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order authorise = order_on(1, PSP_AUTHORISE, 1000, "card_dispute_won");
    struct psp_reply reserved = ask(sandbox, &authorise);
    struct psp_order capture = order_about(1, PSP_CAPTURE, 600, &reserved);
    capture.step_number = 4;
    capture.last = true;
    assert_int_equal(ask(sandbox, &capture).answer, PSP_ANSWER_DONE);
    struct business_date day = { sandbox->day.days + 3 };
    later_days(sandbox, 30);
    struct psp_line lines[LINES_MAX];
    assert_int_equal(read_all(sandbox, day, LINES_MAX, lines), 1);
    assert_int_equal(lines[0].kind, PSP_LINE_CHARGEBACK);
    assert_true(lines[0].fee.minor == 100);
    char key[PSP_KEY_SIZE];
    (void)psp_key(capture.payment, 4, key); /* terminated */
    assert_string_equal(lines[0].reference, key);
    assert_string_equal(lines[0].object, reserved.object);
    day.days += 7;
    assert_int_equal(read_all(sandbox, day, LINES_MAX, lines), 1);
    assert_int_equal(lines[0].kind, PSP_LINE_CHARGEBACK_REVERSAL);
}

static void faults_change_what_is_shown_and_not_the_books(void **state)
{
    struct sandbox *sandbox = *state;
    struct business_date day = sandbox->day;
    struct fault_rule rule = { .per_mille = 1000, .times = 1 };
    rule.fault = SANDBOX_FAULT_STATEMENT_MISSING;
    assert_int_equal(fault_rule_add(&sandbox->faults, &rule), STATUS_OK);
    rule.fault = SANDBOX_FAULT_STATEMENT_DOUBLE;
    assert_int_equal(fault_rule_add(&sandbox->faults, &rule), STATUS_OK);
    for (uint64_t i = 0; i < 3; i++) {
        const struct psp_order order = order_on(i, PSP_CHARGE, 1000, "card_ok");
        (void)ask(sandbox, &order); /* looked at below */
    }
    later_days(sandbox, 1);
    for (uint32_t limit = 1; limit < 5; limit++) {
        struct psp_line lines[LINES_MAX];
        assert_int_equal(read_all(sandbox, day, limit, lines), 3);
        assert_string_equal(lines[0].id, "ln_000000000002");
        assert_string_equal(lines[1].id, "ln_000000000002");
        assert_string_equal(lines[2].id, "ln_000000000003");
    }
    assert_int_equal(sandbox->line_count, 3);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(a_day_is_told_when_it_is_over),
        RIGGED(pieces_of_any_size_make_the_same_whole),
        RIGGED(what_comes_after_the_close_is_the_next_days),
        RIGGED(chargebacks_bear_the_reference_of_the_capture),
        RIGGED(faults_change_what_is_shown_and_not_the_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
