/*
 * Goal: the check finds every single wrong number in items, lines and book.
 * Method: a sandbox with something of everything; each damaged in turn must be found.
 */
#include "sandbox/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sandbox/sandbox_test.h"

static struct sandbox *lived(void)
{
    struct sandbox *sandbox = sandbox_test_new();
    const struct psp_order order = order_on(1, PSP_CHARGE, 1000, "card_dispute_lost");
    struct psp_reply charge = ask(sandbox, &order);
    const struct psp_order refund = order_about(2, PSP_REFUND, 100, &charge);
    (void)ask(sandbox, &refund); /* the check is what is looked at */
    const struct psp_order pay_out = order_on(3, PSP_PAY_OUT, 300, "bank_ok");
    (void)ask(sandbox, &pay_out); /* as above */
    later_days(sandbox, 30);
    const struct psp_order authorise = order_on(4, PSP_AUTHORISE, 800, "card_ok");
    struct psp_reply reserved = ask(sandbox, &authorise);
    const struct psp_order capture = order_about(5, PSP_CAPTURE, 200, &reserved);
    (void)ask(sandbox, &capture); /* as above */
    return sandbox;
}

enum { DAMAGES = 13 };

static void damage(struct sandbox *sandbox, unsigned which)
{
    struct book_page *page = &sandbox->book.pages[0];
    switch (which) {
    case 0: sandbox->items[0].captured.minor++; break;
    case 1: sandbox->items[0].refunded.minor--; break;
    case 2: sandbox->items[0].disputed.minor--; break;
    case 3: sandbox->items[0].refund_pending.minor++; break;
    case 4: sandbox->items[1].state = SANDBOX_DECLINED; break;
    case 5: sandbox->items[4].captured.minor--; break;
    case 6: sandbox->lines[0].gross.minor++; break;
    case 7: sandbox->lines[0].fee.minor++; break;
    case 8: sandbox->line_count--; break;
    case 9: sandbox->lines[0].day.days++; break;
    case 10: page->accounts[BOOK_FEES].credits.minor++; break;
    case 11: /* line and book agree, against the item */
        sandbox->lines[0].gross.minor++;
        page->accounts[BOOK_CARDHOLDERS].debits.minor++;
        page->accounts[BOOK_MERCHANT].credits.minor++;
        break;
    default:
        page->accounts[BOOK_BANKS].credits.minor++;
        page->accounts[BOOK_MERCHANT].debits.minor++;
        break;
    }
}

static void every_wrong_number_is_found(void **state)
{
    (void)state; /* a sandbox for each */
    for (unsigned which = 0; which < DAMAGES; which++) {
        struct sandbox *sandbox = lived();
        assert_int_equal(sandbox_check(sandbox), STATUS_OK);
        damage(sandbox, which);
        if (sandbox_check(sandbox) != STATUS_CORRUPT) fail_msg("damage %u was not found", which);
        sandbox_test_free(sandbox);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wrong_number_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
