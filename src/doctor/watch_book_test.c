/*
 * Goal: each thing that a journal can be wrong in is found under its name, once, at its place; a
 * right journal gives no finding, whatever the order of holds, and however small the tables are.
 * Method: records written by hand, right ones and the same with one field altered; tables of one
 * and two entries; a server's word that is off by one minor unit.
 */
#include "doctor/watch_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/admin.h"

enum { EUR = 978, CASH = 1, ANNA = 2, BEN = 3 };

struct long_transfer {
    struct record_transfer record;
    struct record_transfer_more more;
};

struct desk {
    struct watch_book book;
    uint64_t batch;
    struct locator newest[8]; /* by account */
};

static struct desk desk;

static struct uuid id_of(uint64_t number)
{
    return (struct uuid){ .hi = 7, .lo = number };
}

static void take(const void *record)
{
    desk.batch++;
    struct locator locator = { desk.batch << BATCH_OFFSET_BITS | 128 };
    watch_book_take(&desk.book, desk.batch, locator, record);
    watch_book_batch_end(&desk.book, desk.batch);
}

static void account_make(uint64_t number, uint16_t flags)
{
    struct record_account record = {
        .head = { .type = RECORD_ACCOUNT, .outcome = ACCOUNT_OUTCOME_OK, .size = sizeof record },
        .account = { .id = { id_of(number) },
                     .asset = EUR,
                     .kind = ACCOUNT_LIABILITY,
                     .flags = flags },
    };
    take(&record);
}

static struct long_transfer transfer_of(uint8_t kind, uint64_t from, uint64_t to, uint64_t amount)
{
    return (struct long_transfer){
        .record = { .head = { .type = RECORD_TRANSFER, .outcome = OUTCOME_OK, .kind = kind },
                    .id = { id_of(1000 + desk.batch) },
                    .debit = { id_of(from) },
                    .credit = { id_of(to) },
                    .amount = { amount },
                    .asset = EUR,
                    .previous_debit = desk.newest[from],
                    .previous_credit = desk.newest[to] },
    };
}

static void transfer_take_from(const struct long_transfer *transfer, uint64_t from, uint64_t to)
{
    take(&transfer->record);
    desk.newest[from] = desk.newest[to] = (struct locator){ desk.batch << BATCH_OFFSET_BITS | 128 };
}

static struct uuid move(uint8_t kind, uint64_t amount)
{
    struct long_transfer transfer = transfer_of(kind, ANNA, BEN, amount);
    transfer_take_from(&transfer, ANNA, BEN);
    return transfer.record.id.value;
}

static void hold_end(uint8_t kind, struct uuid hold, uint64_t amount, uint64_t released,
                     bool closes)
{
    struct long_transfer transfer = transfer_of(kind, ANNA, BEN, amount);
    transfer.more.target.value = hold;
    transfer.more.released.minor = released;
    if (closes) transfer.record.head.flags = RECORD_FLAG_CLOSES_HOLD;
    transfer_take_from(&transfer, ANNA, BEN);
}

static void desk_open(uint32_t accounts_max, uint32_t holds_max, uint32_t references_max)
{
    memset(&desk, 0, sizeof desk);
    const struct watch_options options = { accounts_max, holds_max, references_max, 42 };
    assert_int_equal(watch_book_init(&desk.book, &options), STATUS_OK);
    assert_true(watch_book_size_max(&options) > sizeof desk.book);
    account_make(CASH, 0);
    account_make(ANNA, ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS);
    account_make(BEN, 0);
    struct long_transfer first = transfer_of(TRANSFER_DIRECT, CASH, ANNA, 1000);
    if (accounts_max >= 3) transfer_take_from(&first, CASH, ANNA);
    assert_int_equal(desk.book.found, 0);
}

static void one_finding(enum watch_fault fault, struct uuid subject)
{
    assert_int_equal(desk.book.found, 1);
    assert_int_equal(desk.book.findings[0].fault, fault);
    assert_true(uuid_equal(desk.book.findings[0].subject, subject));
    assert_non_null(watch_fault_text(fault));
    assert_true(strlen(watch_fault_code(fault)) > 0);
    watch_book_done(&desk.book);
}

static void a_right_journal_gives_no_finding(void **state)
{
    (void)state;
    desk_open(10, 1, 10);
    for (int i = 0; i < 3; i++) { /* a place for one hold is enough, again and again */
        struct uuid hold = move(TRANSFER_HOLD, 100);
        hold_end(TRANSFER_POST, hold, 30, 30, false);
        hold_end(TRANSFER_POST, hold, 20, 70, true);
        hold = move(TRANSFER_HOLD, 5);
        hold_end(TRANSFER_VOID, hold, 5, 5, true);
        (void)move(TRANSFER_DIRECT, 7);
    }
    assert_int_equal(desk.book.found, 0);
    assert_int_equal(desk.book.missed, 0);
    const struct balance right = { .debits_posted = { 171 }, .credits_posted = { 1000 } };
    watch_book_compare(&desk.book, 1, desk.batch, &right);
    assert_int_equal(desk.book.found, 0);
    watch_book_done(&desk.book);
}

static void an_altered_amount_breaks_the_bound(void **state)
{
    (void)state;
    desk_open(10, 10, 10);
    (void)move(TRANSFER_DIRECT, 1001);
    assert_int_equal(desk.book.findings[0].found.minor, 1001);
    assert_int_equal(desk.book.findings[0].expected.minor, 1000);
    one_finding(WATCH_FAULT_BOUND, id_of(ANNA));
}

static void a_lost_entry_breaks_the_chain_once(void **state)
{
    (void)state;
    desk_open(10, 10, 10);
    struct long_transfer lost = transfer_of(TRANSFER_DIRECT, CASH, BEN, 1);
    transfer_take_from(&lost, CASH, BEN);
    desk.newest[BEN].packed += 16; /* an entry between them was never seen */
    (void)move(TRANSFER_DIRECT, 1);
    (void)move(TRANSFER_DIRECT, 1);
    one_finding(WATCH_FAULT_ENTRY_CHAIN, id_of(BEN));
}

static void a_hold_gives_no_more_than_it_has(void **state)
{
    (void)state;
    desk_open(10, 10, 10);
    struct uuid hold = move(TRANSFER_HOLD, 100);
    struct uuid other = move(TRANSFER_HOLD, 100);
    (void)other; /* so that enough is pending */
    hold_end(TRANSFER_POST, hold, 101, 101, true);
    one_finding(WATCH_FAULT_HOLD_AMOUNT, hold);

    desk_open(10, 10, 10);
    hold = move(TRANSFER_HOLD, 100);
    hold_end(TRANSFER_VOID, hold, 99, 99, true); /* said to be closed, with one still open */
    one_finding(WATCH_FAULT_HOLD_AMOUNT, hold);

    desk_open(10, 10, 10);
    hold = move(TRANSFER_HOLD, 100);
    hold_end(TRANSFER_POST, hold, 40, 30, false); /* captures more than it frees */
    one_finding(WATCH_FAULT_HOLD_AMOUNT, hold);
}

static void a_hold_is_ended_once(void **state)
{
    (void)state;
    desk_open(10, 10, 10);
    struct uuid hold = move(TRANSFER_HOLD, 100);
    (void)move(TRANSFER_HOLD, 100);
    hold_end(TRANSFER_POST, hold, 100, 100, true);
    hold_end(TRANSFER_POST, hold, 100, 100, true);
    one_finding(WATCH_FAULT_HOLD_UNKNOWN, hold);
}

static void an_account_must_be_there_and_of_the_asset(void **state)
{
    (void)state;
    desk_open(10, 10, 10);
    struct long_transfer transfer = transfer_of(TRANSFER_DIRECT, CASH, 5, 1);
    take(&transfer.record);
    assert_int_equal(desk.book.findings[0].fault, WATCH_FAULT_ACCOUNT_UNKNOWN);
    watch_book_done(&desk.book);

    desk_open(10, 10, 10);
    transfer = transfer_of(TRANSFER_DIRECT, CASH, BEN, 1);
    transfer.record.asset = 840;
    take(&transfer.record);
    assert_int_equal(desk.book.found, 2); /* on both sides */
    assert_int_equal(desk.book.findings[0].fault, WATCH_FAULT_ASSET_DIFFERS);
    watch_book_done(&desk.book);
}

static void payment(uint64_t number, uint8_t kind, uint64_t captured, uint64_t refunded)
{
    struct record_payment record = {
        .head = { .type = RECORD_PAYMENT, .outcome = PAYMENT_OUTCOME_OK },
        .payment = { .id = { id_of(number) },
                     .kind = kind,
                     .asset = EUR,
                     .amount = { 500 },
                     .captured = { captured },
                     .refunded = { refunded },
                     .psp = "acme",
                     .psp_object = "ch_1" },
    };
    take(&record);
}

static void refunds_stay_within_captures(void **state)
{
    (void)state;
    desk_open(10, 10, 10);
    payment(50, PAYMENT_PAY_IN, 500, 500);
    assert_int_equal(desk.book.found, 0);
    payment(50, PAYMENT_PAY_IN, 500, 501);
    one_finding(WATCH_FAULT_REFUND_OVER_CAPTURE, id_of(50));
}

static void two_payments_with_one_reference_are_found(void **state)
{
    (void)state;
    desk_open(10, 10, 1);
    payment(50, PAYMENT_PAY_IN, 0, 0);
    payment(50, PAYMENT_PAY_IN, 500, 0);
    payment(51, PAYMENT_REFUND, 0, 0); /* has its charge's */
    payment(52, PAYMENT_REFUND, 0, 0);
    assert_int_equal(desk.book.found, 0);
    payment(53, PAYMENT_PAY_IN, 0, 0);
    one_finding(WATCH_FAULT_REFERENCE_TWICE, id_of(53));
}

static void a_server_off_by_one_cent_is_found(void **state)
{
    (void)state;
    desk_open(10, 10, 10);
    const struct balance wrong = { .credits_posted = { 1001 } };
    watch_book_compare(&desk.book, 1, desk.batch, &wrong);
    assert_int_equal(desk.book.findings[0].expected.minor, 1000);
    assert_int_equal(desk.book.findings[0].found.minor, 1001);
    one_finding(WATCH_FAULT_SERVER_BALANCE, id_of(ANNA));

    desk_open(10, 10, 10);
    const struct asset *asset = watch_book_asset_by_code(&desk.book, STR("EUR"));
    assert_ptr_equal(asset, watch_book_asset(&desk.book, EUR));
    const struct balance totals = { .debits_posted = { 1000 }, .credits_posted = { 1000 } };
    watch_book_compare_totals(&desk.book, asset, desk.batch, &totals);
    assert_int_equal(desk.book.found, 0);
    watch_book_compare_totals(&desk.book, asset, desk.batch, &wrong);
    one_finding(WATCH_FAULT_SERVER_TOTALS, (struct uuid){ 0 });
}

static void each_account_that_moved_is_asked_for_once(void **state)
{
    (void)state;
    desk_open(10, 10, 10);
    (void)move(TRANSFER_DIRECT, 1);
    uint32_t number;
    for (uint32_t wanted = 0; wanted < 3; wanted++) {
        assert_true(watch_book_moved(&desk.book, &number));
        assert_int_equal(number, wanted);
    }
    assert_false(watch_book_moved(&desk.book, &number));
    (void)move(TRANSFER_DIRECT, 1);
    assert_true(watch_book_moved(&desk.book, &number));
    assert_int_equal(number, 1);
    watch_book_done(&desk.book);
}

static void full_tables_miss_and_say_so(void **state)
{
    (void)state;
    desk_open(2, 1, 10);
    assert_int_equal(desk.book.missed, 1); /* Ben */
    (void)move(TRANSFER_DIRECT, 0);
    (void)move(TRANSFER_HOLD, 0);
    struct uuid second = move(TRANSFER_HOLD, 0);
    hold_end(TRANSFER_VOID, second, 0, 0, true);
    assert_int_equal(desk.book.found, 0);
    assert_true(desk.book.missed > 1);
    watch_book_done(&desk.book);
}

static void findings_beyond_the_maximum_are_counted(void **state)
{
    (void)state;
    desk_open(10, 10, 10);
    const struct watch_finding finding = { .fault = WATCH_FAULT_SERVER_AHEAD };
    for (int i = 0; i < WATCH_FINDINGS_MAX + 5; i++) watch_book_find(&desk.book, &finding);
    assert_int_equal(desk.book.finding_count, WATCH_FINDINGS_MAX);
    assert_int_equal(desk.book.found, WATCH_FINDINGS_MAX + 5);
    watch_book_done(&desk.book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_journal_gives_no_finding),
        cmocka_unit_test(an_altered_amount_breaks_the_bound),
        cmocka_unit_test(a_lost_entry_breaks_the_chain_once),
        cmocka_unit_test(a_hold_gives_no_more_than_it_has),
        cmocka_unit_test(a_hold_is_ended_once),
        cmocka_unit_test(an_account_must_be_there_and_of_the_asset),
        cmocka_unit_test(refunds_stay_within_captures),
        cmocka_unit_test(two_payments_with_one_reference_are_found),
        cmocka_unit_test(a_server_off_by_one_cent_is_found),
        cmocka_unit_test(each_account_that_moved_is_asked_for_once),
        cmocka_unit_test(full_tables_miss_and_say_so),
        cmocka_unit_test(findings_beyond_the_maximum_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
