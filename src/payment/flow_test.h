/* flow_test.h - for tests: one payment, its parent, and the decisions that move them. */
#ifndef PAYMENT_FLOW_TEST_H
#define PAYMENT_FLOW_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "payment/chart.h"
#include "payment/decide.h"

enum { EUR = 978, JPY = 392, HORIZON_MS = 60000, KEY_WINDOW_MS = 86400000, CALL_MS = 5000 };

struct scene {
    struct payment payment;
    struct payment parent;
    bool made;
    bool has_parent;
    struct account wallet;
    struct account counter;
    struct payment_facts facts;
    struct payment_command command;
    struct payment_decision decision;
    uint64_t commands;
};

static inline struct payment_id scene_id(uint64_t number)
{
    return (struct payment_id){ { .lo = number, .hi = 0x0190a1b2c3d47000 } };
}

static inline void scene_begin(struct scene *scene)
{
    *scene = (struct scene){
        .wallet = { .id = { { 1, 1 } }, .asset = EUR, .kind = ACCOUNT_LIABILITY },
        .counter = { .id = { { 2, 1 } }, .asset = EUR, .kind = ACCOUNT_LIABILITY },
        .facts = { .part = { 0, 1 }, .stamp = { 20000 * NS_PER_DAY }, .chart = true, .slot = 7 },
    };
    scene->facts.wallet = &scene->wallet;
    scene->facts.counter = &scene->counter;
}

/* In a ledger of two lanes: the wallet is in the first, which decides, the counter in the second. */
static inline void scene_between_lanes(struct scene *scene)
{
    scene_begin(scene);
    scene->facts.part = (struct lane_part){ 0, 2 };
    scene->wallet.id.value = (struct uuid){ .lo = UINT64_C(2) << 62 | 1 << 16, .hi = 0x8000 };
    scene->counter.id.value = (struct uuid){ .lo = UINT64_C(2) << 62 | 2 << 16 | 1, .hi = 0x8000 };
    scene->facts.counter = NULL; /* the lane knows nothing of it */
}

static inline void scene_text(char *into, const char *text)
{
    memcpy(into, text, strlen(text) + 1);
}

/* Decides, and when it was OK takes the after-images over. */
static inline enum payment_outcome scene_run(struct scene *scene)
{
    scene->commands++;
    scene->facts.root = (struct uuid){ .lo = scene->commands << 20, .hi = 0x0190a1b2c3d47000 };
    scene->facts.parent = scene->has_parent ? &scene->parent : NULL;
    payment_decide(scene->made ? &scene->payment : NULL, &scene->command, &scene->facts,
                   &scene->decision);
    if (scene->decision.outcome != PAYMENT_OUTCOME_OK) return scene->decision.outcome;
    scene->payment = scene->decision.payment;
    scene->made = true;
    if (scene->decision.parent_changed) scene->parent = scene->decision.parent;
    return PAYMENT_OUTCOME_OK;
}

static inline enum payment_outcome scene_arrive(struct scene *scene, enum outcome arrival)
{
    scene->command = (struct payment_command){ .cause = PAYMENT_CAUSE_ARRIVE,
                                               .id = scene->payment.id,
                                               .departure = scene->payment.posted,
                                               .arrival = (uint8_t)arrival };
    return scene_run(scene);
}

static inline void scene_refused(struct scene *scene, enum outcome refusal)
{
    payment_decide_refused(scene->made ? &scene->payment : NULL, &scene->command, &scene->facts,
                           refusal, &scene->decision);
    if (scene->decision.outcome == PAYMENT_OUTCOME_OK) scene->payment = scene->decision.payment;
}

/* A creation of the kind, as the parser lets it pass: 100.00 EUR. */
static inline void scene_draft(struct scene *scene, enum payment_kind kind)
{
    struct payment *draft = &scene->command.draft;
    scene->command = (struct payment_command){ .cause = PAYMENT_CAUSE_CREATE };
    draft->id = scene_id(1);
    draft->kind = (uint8_t)kind;
    draft->amount.minor = 10000;
    draft->asset = EUR;
    if (kind == PAYMENT_REFUND) {
        draft->parent = scene_id(9);
        return;
    }
    draft->wallet = scene->wallet.id;
    if (kind == PAYMENT_PAY_IN || kind == PAYMENT_PAY_OUT) {
        scene_text(draft->method, "pm_1");
        scene_text(draft->psp, "sandbox");
    } else {
        draft->counter = scene->counter.id;
    }
    if (kind == PAYMENT_EXCHANGE) {
        draft->counter_asset = JPY;
        scene->counter.asset = JPY;
    }
}

static inline void scene_draft_card(struct scene *scene)
{
    scene_draft(scene, PAYMENT_MERCHANT);
    scene->command.draft.wallet = (struct account_id){ { 0, 0 } };
    scene_text(scene->command.draft.method, "pm_1");
    scene_text(scene->command.draft.psp, "sandbox");
    scene->facts.wallet = NULL;
}

/* A parent that has 100.00 EUR to give back: a charge at a PSP, or between two wallets. */
static inline void scene_parent(struct scene *scene, enum payment_kind kind)
{
    scene->has_parent = true;
    scene->parent = (struct payment){
        .id = scene_id(9),
        .kind = (uint8_t)kind,
        .state = PAYMENT_STATE_SUCCEEDED,
        .amount = { 10000 },
        .captured = { 10000 },
        .asset = EUR,
        .wallet = scene->wallet.id,
        .slot = PAYMENT_SLOT_NONE,
        .version = 3,
    };
    if (kind == PAYMENT_WALLET) {
        scene->parent.counter = scene->counter.id;
        return;
    }
    scene_text(scene->parent.psp, "sandbox");
    scene_text(scene->parent.method, "pm_1");
    scene_text(scene->parent.psp_object, "ch_1");
}

/* The PSP's answer to the step under way, agreeing in amount. */
static inline enum payment_outcome scene_answer(struct scene *scene, enum psp_answer answer,
                                                bool query)
{
    scene->command = (struct payment_command){
        .cause = PAYMENT_CAUSE_ANSWER,
        .id = scene->payment.id,
        .step_number = scene->payment.step_number,
        .horizon_ms = HORIZON_MS,
        .key_window_ms = KEY_WINDOW_MS,
        .reply = { .answer = (uint8_t)answer,
                   .query = query,
                   .asset = scene->payment.asset,
                   .amount = scene->payment.step_amount },
    };
    scene_text(scene->command.reply.object, "ch_2");
    if (answer != PSP_ANSWER_DONE) scene_text(scene->command.reply.reason, "said_so");
    return scene_run(scene);
}

static inline enum payment_outcome scene_cause(struct scene *scene, enum payment_cause cause)
{
    scene->command = (struct payment_command){ .cause = (uint8_t)cause, .id = scene->payment.id };
    return scene_run(scene);
}

static inline enum payment_outcome scene_capture(struct scene *scene, uint64_t minor, bool last)
{
    scene->command = (struct payment_command){
        .cause = PAYMENT_CAUSE_CAPTURE, .id = scene->payment.id, .amount = { minor }, .last = last
    };
    if (minor == 0) scene->command.amount = MONEY_MAX;
    return scene_run(scene);
}

static inline enum payment_outcome scene_resolve(struct scene *scene, enum payment_state state)
{
    scene->command = (struct payment_command){ .cause = PAYMENT_CAUSE_RESOLVE,
                                               .id = scene->payment.id,
                                               .state = (uint8_t)state };
    scene_text(scene->command.reason, "bank_statement");
    return scene_run(scene);
}

static inline void scene_later(struct scene *scene, int64_t ms)
{
    scene->facts.stamp.ns += ms * NS_PER_MS;
}

static inline struct account_id scene_chart(enum chart_role role)
{
    return chart_account_id(LANE_ALONE, EUR, role, "sandbox");
}

/* The decision's transfer at `index`: its kind, between whom, and how much. */
static inline void assert_moves(const struct scene *scene, uint32_t index, struct account_id debit,
                                struct account_id credit, uint64_t minor)
{
    assert_true(index < scene->decision.transfer_count);
    const struct transfer *transfer = &scene->decision.transfers[index];
    assert_true(uuid_equal(transfer->debit.value, debit.value));
    assert_true(uuid_equal(transfer->credit.value, credit.value));
    assert_true(transfer->amount.minor == minor);
    bool last = index + 1 == scene->decision.transfer_count;
    assert_int_equal((transfer->flags & TRANSFER_FLAG_LINKED) != 0, !last);
    assert_true((transfer->flags & TRANSFER_FLAG_OWNED) != 0);
    assert_true(uuid_equal(transfer->user_ref, scene->payment.id.value));
    struct transfer free = *transfer;
    free.flags &= (uint8_t)~TRANSFER_FLAG_OWNED; /* the one thing that callers may not say */
    const char *field;
    assert_null(transfer_fault(&free, &field));
}

static inline void assert_state(const struct scene *scene, enum payment_state state)
{
    assert_string_equal(payment_state_name(scene->payment.state), payment_state_name(state));
}

#endif
