/*
 * Goal: each line of a statement is booked once, whatever happens between; what belongs to no
 * payment is in suspense and named; clearing comes out at nothing.
 * Method: a PSP that has a statement in memory, a lane stepped by the test; the statement booked
 * twice, and again after a crash in the middle.
 */
#include "wallet/settlement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "payment/chart.h"
#include "wallet/lane_test.h"

enum { LINES_MAX = 450 };

struct office {
    struct psp port; /* first */
    struct psp_line lines[LINES_MAX];
    uint32_t line_count;
    uint32_t odd_count;
    char odd_reason[32];
};

static enum status office_statement(struct psp *psp, const struct psp_part *part,
                                    struct psp_line *out_lines, uint32_t *out_count,
                                    struct error *out_error)
{
    struct office *office = (struct office *)psp;
    if (part->day.days != 20000) return error_set(out_error, STATUS_NOT_FOUND, "not made yet");
    uint32_t left = office->line_count - part->from;
    *out_count = left < part->limit ? left : part->limit;
    memcpy(out_lines, office->lines + part->from, *out_count * sizeof *out_lines);
    return STATUS_OK;
}

static void odd_note(void *context, const struct psp_line *line, const char *reason)
{
    (void)line;
    struct office *office = context;
    office->odd_count++;
    memcpy(office->odd_reason, reason, strlen(reason) + 1);
}

static void line_add(struct office *office, uint64_t payment, uint8_t kind, uint64_t gross,
                     uint64_t fee)
{
    struct psp_line *line = &office->lines[office->line_count++];
    memset(line, 0, sizeof *line);
    char id[] = "ln_000000";
    for (uint32_t i = 0, rest = office->line_count; i < 6; i++, rest /= 10) {
        id[8 - i] = (char)('0' + rest % 10);
    }
    memcpy(line->id, id, sizeof id);
    (void)psp_key((struct payment_id){ test_id(payment) }, 1, line->reference);
    line->kind = kind;
    line->asset = EUR;
    line->gross.minor = gross;
    line->fee.minor = fee;
}

static struct bench *scene_new(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    test_chart(bench, EUR, "sandbox");
    return bench;
}

static void command_run(struct bench *bench, const struct payment_command *command,
                        struct payment_result *out_result)
{
    struct request request = { .kind = REQUEST_PAYMENT,
                               .root = lane_new_id(bench->lane),
                               .count = 1,
                               .payment = command,
                               .payment_result = out_result };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(out_result->outcome, PAYMENT_OUTCOME_OK);
}

static void charged(struct bench *bench, uint64_t number, uint64_t minor)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft.id.value = test_id(number);
    command.draft.kind = PAYMENT_PAY_IN;
    command.draft.amount.minor = minor;
    command.draft.asset = EUR;
    command.draft.wallet.value = test_id(2);
    memcpy(command.draft.method, "pm_1", 5);
    memcpy(command.draft.psp, "sandbox", 8);
    struct payment_result result;
    command_run(bench, &command, &result);
    struct payment_command answer = {
        .cause = PAYMENT_CAUSE_ANSWER,
        .id = result.payment.id,
        .step_number = 1,
        .key_window_ms = 86400000,
        .reply = { .answer = PSP_ANSWER_DONE, .asset = EUR, .amount = { minor } },
    };
    command_run(bench, &answer, &result);
}

static enum status settle(struct bench *bench, struct office *office,
                          struct settlement_report *out_report)
{
    office->port.statement = office_statement;
    memcpy(office->port.traits.name, "sandbox", 8);
    const struct settlement_options options = {
        .psp = &office->port, .day = { 20000 }, .odd = odd_note, .context = office
    };
    struct error error = { 0 };
    return settlement_run(bench->lane, &options, out_report, &error);
}

static int64_t net(struct bench *bench, enum chart_role role)
{
    struct uuid id = chart_account_id(lane_part(bench->lane), EUR, role, "sandbox").value;
    struct account_state account;
    struct read read = { .kind = READ_ACCOUNTS, .count = 1, .ids = &id, .accounts = &account };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return (int64_t)account.balance.debits_posted.minor -
           (int64_t)account.balance.credits_posted.minor;
}

static void what_was_owed_comes_to_the_bank(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    static struct office office;
    memset(&office, 0, sizeof office);
    for (uint64_t i = 0; i < 250; i++) { /* more than a page */
        charged(bench, 1000 + i, 100 + i);
        line_add(&office, 1000 + i, PSP_LINE_CHARGE, 100 + i, 3);
    }
    int64_t owed = net(bench, CHART_CLEARING);
    struct settlement_report report;
    assert_int_equal(settle(bench, &office, &report), STATUS_OK);
    assert_int_equal(report.booked, 250);
    assert_int_equal(net(bench, CHART_CLEARING), 0);
    assert_int_equal(net(bench, CHART_BANK), owed - 750);
    assert_int_equal(net(bench, CHART_FEES), 750);
    bench_crash(bench);
    bench_open(bench);
    assert_int_equal(settle(bench, &office, &report), STATUS_OK);
    assert_int_equal(report.repeated, 250);
    assert_int_equal(report.booked, 0);
    assert_int_equal(net(bench, CHART_BANK), owed - 750);
    assert_int_equal(office.odd_count, 0);
    bench_free(bench);
}

static void what_nobody_knows_is_in_suspense(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    static struct office office;
    memset(&office, 0, sizeof office);
    line_add(&office, 4711, PSP_LINE_CHARGE, 500, 20);
    memcpy(office.lines[0].reference, "not-ours", 9);
    line_add(&office, 4712, PSP_LINE_REFUND, 100, 0);
    struct settlement_report report;
    for (int time = 0; time < 2; time++) {
        assert_int_equal(settle(bench, &office, &report), STATUS_OK);
        assert_int_equal(report.unmatched, time == 0 ? 2 : 0);
        assert_int_equal(report.repeated, time == 0 ? 0 : 2);
        assert_int_equal(net(bench, CHART_SUSPENSE), -400);
        assert_int_equal(net(bench, CHART_BANK), 380);
    }
    assert_string_equal(office.odd_reason, "in_suspense");
    bench_free(bench);
}

/* The bank has the money: that the payment does not know what for must not keep it off the books. */
static void what_its_payment_refuses_is_in_suspense(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    static struct office office;
    memset(&office, 0, sizeof office);
    charged(bench, 1000, 100);
    line_add(&office, 1000, PSP_LINE_CHARGE, 100, 3);
    office.lines[0].asset = 840; /* settled in dollars, of which there is no chart */
    line_add(&office, 1001, PSP_LINE_CHARGE, 700, 0);
    struct payment_command reserve = { .cause = PAYMENT_CAUSE_CREATE };
    reserve.draft.id.value = test_id(1001);
    reserve.draft.kind = PAYMENT_MERCHANT;
    reserve.draft.amount.minor = 700;
    reserve.draft.asset = EUR;
    reserve.draft.counter.value = test_id(2);
    memcpy(reserve.draft.method, "pm_1", 5);
    memcpy(reserve.draft.psp, "sandbox", 8);
    struct payment_result result;
    command_run(bench, &reserve, &result);
    struct payment_command answer = {
        .cause = PAYMENT_CAUSE_ANSWER,
        .id = result.payment.id,
        .step_number = 1,
        .key_window_ms = 86400000,
        .reply = { .answer = PSP_ANSWER_DONE, .asset = EUR, .amount = { 700 } },
    };
    command_run(bench, &answer, &result); /* reserved: nothing was captured that we know of */
    struct settlement_report report;
    assert_int_equal(settle(bench, &office, &report), STATUS_OK);
    assert_int_equal(report.booked, 0);
    assert_int_equal(report.refused, 1);
    assert_int_equal(report.unmatched, 1);
    assert_int_equal(net(bench, CHART_CLEARING), 100);
    assert_int_equal(net(bench, CHART_SUSPENSE), -700);
    assert_int_equal(net(bench, CHART_BANK), 700);
    bench_free(bench);
}

static void what_the_ledger_refused_is_booked_when_it_can_be(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    static struct office office;
    memset(&office, 0, sizeof office);
    charged(bench, 1000, 100);
    line_add(&office, 1000, PSP_LINE_CHARGE, 100, 3);
    line_add(&office, 4711, PSP_LINE_CHARGE, 50, 0); /* nobody's */
    test_freeze(bench, chart_account_id(LANE_ALONE, EUR, CHART_BANK, ""), true);
    struct settlement_report report;
    for (int time = 0; time < 2; time++) {
        assert_int_equal(settle(bench, &office, &report), STATUS_OK);
        assert_int_equal(report.refused, 2);
        assert_int_equal(net(bench, CHART_BANK), 0);
    }
    test_freeze(bench, chart_account_id(LANE_ALONE, EUR, CHART_BANK, ""), false);
    for (int time = 0; time < 2; time++) {
        assert_int_equal(settle(bench, &office, &report), STATUS_OK);
        assert_int_equal(report.refused, 0);
        assert_int_equal(report.booked, time == 0);
        assert_int_equal(report.unmatched, time == 0);
        assert_int_equal(net(bench, CHART_BANK), 147);
    }
    bench_free(bench);
}

static void a_line_that_changed_is_not_booked_again(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    static struct office office;
    memset(&office, 0, sizeof office);
    charged(bench, 1000, 100);
    line_add(&office, 1000, PSP_LINE_CHARGE, 100, 3);
    struct settlement_report report;
    assert_int_equal(settle(bench, &office, &report), STATUS_OK);
    office.lines[0].fee.minor = 4;
    assert_int_equal(settle(bench, &office, &report), STATUS_OK);
    assert_int_equal(report.refused, 1);
    assert_string_equal(office.odd_reason, "line_changed");
    assert_int_equal(net(bench, CHART_FEES), 3);
    bench_free(bench);
}

/* The same statement, booked by one lane of two after the other. */
static void each_lane_books_its_own_lines(void **state)
{
    (void)state;
    enum { LANES = 2, LINES = 8 };
    static struct office office;
    memset(&office, 0, sizeof office);
    for (uint64_t i = 0; i < LINES; i++) line_add(&office, 1000 + i, PSP_LINE_CHARGE, 100, 3);
    line_add(&office, 4711, PSP_LINE_CHARGE, 50, 0);
    memcpy(office.lines[LINES].reference, "not-ours", 9);
    uint64_t booked = 0;
    for (uint32_t lane = 0; lane < LANES; lane++) {
        struct bench *bench = bench_new();
        bench_crash(bench);
        bench->options.number = lane;
        bench->options.lanes = LANES;
        bench_open(bench);
        test_accounts(bench, 2);
        test_chart(bench, EUR, "sandbox");
        uint64_t own = 0;
        for (uint64_t i = 0; i < LINES; i++) {
            if (lane_of_payment((struct payment_id){ test_id(1000 + i) }, LANES) != lane) continue;
            charged(bench, 1000 + i, 100);
            own++;
        }
        assert_in_range(own, 1, LINES - 1);
        struct settlement_report report;
        assert_int_equal(settle(bench, &office, &report), STATUS_OK);
        assert_int_equal(report.booked, own);
        assert_int_equal(report.unmatched, lane == 0 ? 1 : 0); /* what is nobody's is lane 0's */
        assert_int_equal(report.lines + report.elsewhere, LINES + 1);
        assert_int_equal(net(bench, CHART_CLEARING), 0);
        assert_int_equal(net(bench, CHART_FEES), 3 * own);
        booked += report.booked;
        bench_free(bench);
    }
    assert_int_equal(booked, LINES);
}

static void a_day_without_a_statement_is_said(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    static struct office office;
    memset(&office, 0, sizeof office);
    office.port.statement = office_statement;
    const struct settlement_options options = { .psp = &office.port, .day = { 20001 } };
    struct settlement_report report;
    struct error error = { 0 };
    assert_int_equal(settlement_run(bench->lane, &options, &report, &error), STATUS_NOT_FOUND);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_owed_comes_to_the_bank),
        cmocka_unit_test(what_nobody_knows_is_in_suspense),
        cmocka_unit_test(what_its_payment_refuses_is_in_suspense),
        cmocka_unit_test(what_the_ledger_refused_is_booked_when_it_can_be),
        cmocka_unit_test(a_line_that_changed_is_not_booked_again),
        cmocka_unit_test(each_lane_books_its_own_lines),
        cmocka_unit_test(a_day_without_a_statement_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
