/* story_test.h - for tests: payments led through a lane that the test steps, and their stories. */
#ifndef WALLET_STORY_TEST_H
#define WALLET_STORY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "payment/chart.h"
#include "wallet/lane_test.h"
#include "wallet/story.h"

static inline struct payment_result story_run(struct bench *bench,
                                              const struct payment_command *command)
{
    struct payment_result result;
    struct request request = { .kind = REQUEST_PAYMENT,
                               .principal = PRINCIPAL_LOCAL,
                               .root = lane_new_id(bench->lane),
                               .trace = { .id = { 3, 4 }, .span = 5 },
                               .count = 1,
                               .payment = command,
                               .payment_result = &result };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(result.outcome, PAYMENT_OUTCOME_OK);
    return result;
}

static inline struct bench *story_bench(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    test_chart(bench, EUR, "sandbox");
    return bench;
}

static inline struct payment story_pay_in(struct bench *bench, uint64_t number)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft.id.value = test_id(number);
    command.draft.kind = PAYMENT_PAY_IN;
    command.draft.amount.minor = 700;
    command.draft.asset = EUR;
    command.draft.wallet.value = test_id(2);
    memcpy(command.draft.method, "pm_1", 5);
    memcpy(command.draft.psp, "sandbox", 8);
    return story_run(bench, &command).payment;
}

static inline struct payment story_answered(struct bench *bench, const struct payment *payment,
                                            enum psp_answer answer)
{
    struct payment_command command = {
        .cause = PAYMENT_CAUSE_ANSWER,
        .id = payment->id,
        .step_number = payment->step_number,
        .key_window_ms = 86400000,
        .reply = { .answer = (uint8_t)answer,
                   .asset = EUR,
                   .amount = payment->step_amount,
                   .duration_ms = 42 },
    };
    return story_run(bench, &command).payment;
}

static inline struct locator story_newest(struct bench *bench, uint64_t number)
{
    struct uuid id = test_id(number);
    struct payment payment;
    struct locator locator;
    struct read read = {
        .kind = READ_PAYMENTS, .count = 1, .ids = &id, .payments = &payment, .locators = &locator
    };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return locator;
}

/* Into units that the next call uses again. */
static inline void story_load(struct bench *bench, uint64_t number, struct story *out_story)
{
    static struct story_unit units[STORY_UNITS_MAX];
    struct error error = { 0 };
    out_story->units = units;
    enum status status =
        story_read(&bench->store.port, story_newest(bench, number), out_story, &error);
    if (status != STATUS_OK) fail_msg("%s", error.message);
}

#endif
