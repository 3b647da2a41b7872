/*
 * Goal: whatever is commanded in whatever order, a payment moves by the table only, its amounts
 * stay within bounds, what is refused changes nothing, and money is moved once; with the lines of
 * the PSP's statements, clearing, suspense and receivable come to nothing.
 * Method: random walks of commands over every kind, with the sums of what the decisions move kept
 * beside the payment by a naive ledger; it refuses some of what the PSP's answers move.
 * Then whole courses from a table, with the statement's lines among them.
 */
#include "payment/decide.h"

#include "base/prng.h"
#include "payment/flow.h"
#include "payment/flow_test.h"

enum { WALKS = 3000, COMMANDS = 40, ACCOUNTS = 24 };

/* Posted balances by account: what came in less what went out. */
struct naive {
    struct account_id ids[ACCOUNTS];
    __int128 balances[ACCOUNTS];
    uint32_t count;
    struct transfer moved[COMMANDS * PAYMENT_TRANSFERS_MAX];
    uint32_t moved_count;
};

static __int128 *balance_of(struct naive *naive, struct account_id id)
{
    for (uint32_t i = 0; i < naive->count; i++) {
        if (uuid_equal(naive->ids[i].value, id.value)) return &naive->balances[i];
    }
    assert_true(naive->count < ACCOUNTS);
    naive->ids[naive->count] = id;
    return &naive->balances[naive->count++];
}

static const struct transfer *moved_find(const struct naive *naive, struct transfer_id id)
{
    for (uint32_t i = 0; i < naive->moved_count; i++) {
        if (uuid_equal(naive->moved[i].id.value, id.value)) return &naive->moved[i];
    }
    fail_msg("a target that was never made");
    return NULL;
}

static void naive_apply(struct naive *naive, const struct transfer *transfer)
{
    struct transfer resolved = *transfer;
    bool moves = transfer->kind != TRANSFER_HOLD && transfer->kind != TRANSFER_VOID;
    if (transfer->kind == TRANSFER_POST || transfer->kind == TRANSFER_REVERSAL) {
        const struct transfer *target = moved_find(naive, transfer->target);
        bool back = transfer->kind == TRANSFER_REVERSAL;
        resolved.debit = back ? target->credit : target->debit;
        resolved.credit = back ? target->debit : target->credit;
        if (back) resolved.amount = target->amount;
    }
    if (moves) {
        *balance_of(naive, resolved.credit) += (__int128)resolved.amount.minor;
        *balance_of(naive, resolved.debit) -= (__int128)resolved.amount.minor;
    }
    naive->moved[naive->moved_count++] = resolved;
}

static void command_draw(struct scene *scene, struct prng *prng)
{
    static const enum psp_answer answers[] = {
        PSP_ANSWER_DONE,     PSP_ANSWER_PENDING,   PSP_ANSWER_DECLINED, PSP_ANSWER_NOT_FOUND,
        PSP_ANSWER_NOT_SENT, PSP_ANSWER_THROTTLED, PSP_ANSWER_INVALID,  PSP_ANSWER_UNKNOWN,
    };
    switch (prng_below(prng, 9)) {
    case 0: (void)scene_capture(scene, prng_below(prng, 12000), prng_chance(prng, 1, 4)); return;
    case 1: (void)scene_cause(scene, PAYMENT_CAUSE_CANCEL); return;
    case 2: (void)scene_cause(scene, PAYMENT_CAUSE_EXPIRE); return;
    case 3: (void)scene_cause(scene, PAYMENT_CAUSE_HINT); return;
    case 4: (void)scene_cause(scene, PAYMENT_CAUSE_EXECUTE); return;
    case 5:
        (void)scene_resolve(scene, prng_chance(prng, 1, 2) ? PAYMENT_STATE_SUCCEEDED
                                                           : PAYMENT_STATE_FAILED);
        return;
    default: (void)scene_answer(scene, answers[prng_below(prng, 8)], prng_chance(prng, 1, 2));
    }
}

/* What a payment says was taken is what the accounts have seen. */
static void assert_books(struct naive *naive, const struct scene *scene)
{
    const struct payment *payment = &scene->payment;
    __int128 got = *balance_of(naive, scene->counter.id) - *balance_of(naive, scene->wallet.id);
    __int128 captured = (__int128)payment->captured.minor;
    assert_true(payment->captured.minor <= payment->amount.minor);
    bool waits = (payment->flags & PAYMENT_FLAG_SUSPENSE) != 0;
    __int128 suspense = *balance_of(naive, scene_chart(CHART_SUSPENSE));
    assert_true(suspense == (waits ? (__int128)payment->step_amount.minor : 0));
    switch ((enum payment_kind)payment->kind) {
    case PAYMENT_PAY_IN: assert_true(*balance_of(naive, scene->wallet.id) == captured); break;
    case PAYMENT_PAY_OUT:
        if (!waits) assert_true(*balance_of(naive, scene->wallet.id) == -captured);
        break;
    case PAYMENT_WALLET: assert_true(got == 2 * captured); break;
    case PAYMENT_MERCHANT: assert_true(*balance_of(naive, scene->counter.id) == captured); break;
    case PAYMENT_REFUND:
        if (!waits) assert_true(*balance_of(naive, scene->wallet.id) == -captured);
        assert_true(scene->parent.refunded.minor + scene->parent.refund_pending.minor <= 10000);
        break;
    case PAYMENT_EXCHANGE:
    case PAYMENT_CHARGEBACK:
    case PAYMENT_KIND_END: break;
    }
}

static void walk(uint64_t seed)
{
    struct prng prng;
    prng_init(&prng, seed);
    struct scene scene;
    scene_begin(&scene);
    enum payment_kind kind = (enum payment_kind)(1 + prng_below(&prng, PAYMENT_CHARGEBACK - 1));
    if (kind == PAYMENT_REFUND) scene_parent(&scene, PAYMENT_PAY_IN);
    scene_draft(&scene, kind);
    if (kind == PAYMENT_MERCHANT && prng_chance(&prng, 1, 2)) scene_draft_card(&scene);
    if (kind == PAYMENT_MERCHANT) scene.command.draft.expires_at.ns = scene.facts.stamp.ns + 9000;
    scene.facts.rate_numerator = scene.facts.rate_denominator = 7;
    static struct naive naive;
    memset(&naive, 0, sizeof naive);
    for (int i = 0; i < COMMANDS; i++) {
        struct payment before = scene.payment;
        if (i == 0) assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
        struct payment parent = scene.parent;
        if (i > 0) command_draw(&scene, &prng);
        bool answers = scene.command.cause == PAYMENT_CAUSE_ANSWER;
        if (answers && scene.decision.transfer_count > 0 && prng_chance(&prng, 1, 4)) {
            scene.payment = before;
            scene.parent = parent;
            scene_refused(&scene, OUTCOME_CREDIT_ACCOUNT_FROZEN);
            assert_int_equal(scene.decision.outcome, PAYMENT_OUTCOME_OK);
        }
        bool done = scene.decision.outcome == PAYMENT_OUTCOME_OK;
        if (!done) {
            assert_int_equal(scene.decision.transfer_count, 0);
            assert_memory_equal(&before, &scene.payment, sizeof before);
        }
        for (uint32_t t = 0; t < scene.decision.transfer_count; t++) {
            naive_apply(&naive, &scene.decision.transfers[t]);
        }
        assert_int_equal(scene.payment.version, before.version + done);
        assert_books(&naive, &scene);
        scene_later(&scene, (int64_t)prng_below(&prng, 1 << prng_below(&prng, 28)));
    }
}

static void whatever_is_commanded_the_books_are_even(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WALKS; seed++) walk(seed);
}

/* ---- Whole courses, with what the PSP's statements say of them ---- */

enum event {
    END,
    CHARGE,  /* made, and done */
    PAY_OUT, /* the same */
    REFUND,  /* of what was charged: the same */
    DISPUTE, /* of what was charged: opened */
    WON,
    LOST,
    OVERTURNED,
    TAKEN_BACK,  /* the PSP says of what had succeeded that it has failed */
    TO_SUSPENSE, /* instead of what was decided last: the ledger refuses it */
    DONE_BY_HAND,
    UNDONE_BY_HAND,
    LINES, /* from here on: LINES + enum psp_line_kind */
};

enum { EVENTS_MAX = 12 };

static const uint8_t courses[][EVENTS_MAX] = {
    { CHARGE, LINES + PSP_LINE_CHARGE },
    { LINES + PSP_LINE_CHARGE, CHARGE }, /* the statement is first */
    { CHARGE, TAKEN_BACK, UNDONE_BY_HAND },
    { CHARGE, TAKEN_BACK, DONE_BY_HAND, LINES + PSP_LINE_CHARGE },
    { CHARGE, TO_SUSPENSE, LINES + PSP_LINE_CHARGE, DONE_BY_HAND },
    { CHARGE, TO_SUSPENSE, LINES + PSP_LINE_CHARGE, UNDONE_BY_HAND, LINES + PSP_LINE_REFUND },
    { CHARGE, TO_SUSPENSE, DONE_BY_HAND, TAKEN_BACK, UNDONE_BY_HAND },
    { CHARGE, REFUND, LINES + PSP_LINE_CHARGE, LINES + PSP_LINE_REFUND },
    { CHARGE, LINES + PSP_LINE_CHARGE, REFUND, LINES + PSP_LINE_REFUND, TAKEN_BACK,
      LINES + PSP_LINE_REFUND_FAILURE },
    { CHARGE, LINES + PSP_LINE_CHARGE, REFUND, LINES + PSP_LINE_REFUND, TAKEN_BACK, TO_SUSPENSE,
      LINES + PSP_LINE_REFUND_FAILURE, DONE_BY_HAND },
    { CHARGE, LINES + PSP_LINE_CHARGE, DISPUTE, LINES + PSP_LINE_CHARGEBACK, LOST },
    { CHARGE, LINES + PSP_LINE_CHARGE, DISPUTE, LINES + PSP_LINE_CHARGEBACK, WON,
      LINES + PSP_LINE_CHARGEBACK_REVERSAL },
    { CHARGE, LINES + PSP_LINE_CHARGE, DISPUTE, LINES + PSP_LINE_CHARGEBACK, WON,
      LINES + PSP_LINE_CHARGEBACK_REVERSAL, OVERTURNED, LINES + PSP_LINE_CHARGEBACK },
    { CHARGE, LINES + PSP_LINE_CHARGE, DISPUTE, LINES + PSP_LINE_CHARGEBACK, LOST, OVERTURNED,
      LINES + PSP_LINE_CHARGEBACK_REVERSAL },
    { PAY_OUT, LINES + PSP_LINE_PAY_OUT },
    { PAY_OUT, LINES + PSP_LINE_PAY_OUT, TAKEN_BACK, LINES + PSP_LINE_PAY_OUT_RETURN },
    { PAY_OUT, LINES + PSP_LINE_PAY_OUT, TAKEN_BACK, TO_SUSPENSE, LINES + PSP_LINE_PAY_OUT_RETURN,
      DONE_BY_HAND },
};

static void made(struct scene *scene, enum payment_kind kind)
{
    if (scene->made && kind == PAYMENT_REFUND) {
        scene->parent = scene->payment;
        scene->has_parent = true;
        scene->made = false;
    }
    if (scene->made) return; /* its line was first */
    scene_draft(scene, kind);
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
}

static void dispute(struct scene *scene, enum payment_state state)
{
    if (state == PAYMENT_STATE_OPENED) {
        scene->parent = scene->payment;
        scene->has_parent = true;
        scene->made = false;
    }
    scene->command =
        (struct payment_command){ .cause = PAYMENT_CAUSE_DISPUTE, .state = (uint8_t)state };
    scene->command.draft.id = scene_id(5);
    scene->command.draft.amount.minor = 10000;
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
}

static void line(struct scene *scene, uint8_t kind)
{
    if (!scene->made) made(scene, PAYMENT_PAY_IN);
    scene->command = (struct payment_command){
        .cause = PAYMENT_CAUSE_SETTLE,
        .id = scene->payment.id,
        .line_kind = kind,
        .amount = { 10000 },
        .fee = { 130 },
        .draft.asset = EUR,
    };
    scene_text(scene->command.draft.psp, "sandbox");
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
}

static void event_run(struct scene *scene, uint8_t event)
{
    if (event > LINES) {
        line(scene, event - LINES);
        return;
    }
    enum payment_outcome outcome = PAYMENT_OUTCOME_OK;
    switch ((enum event)event) {
    case CHARGE: made(scene, PAYMENT_PAY_IN); break;
    case PAY_OUT: made(scene, PAYMENT_PAY_OUT); break;
    case REFUND: made(scene, PAYMENT_REFUND); break;
    case DISPUTE: dispute(scene, PAYMENT_STATE_OPENED); return;
    case WON: dispute(scene, PAYMENT_STATE_WON); return;
    case LOST: dispute(scene, PAYMENT_STATE_LOST); return;
    case OVERTURNED: dispute(scene, PAYMENT_STATE_REVERSED); return;
    case TAKEN_BACK: outcome = scene_answer(scene, PSP_ANSWER_DECLINED, true); break;
    case DONE_BY_HAND: outcome = scene_resolve(scene, PAYMENT_STATE_SUCCEEDED); break;
    case UNDONE_BY_HAND: outcome = scene_resolve(scene, PAYMENT_STATE_FAILED); break;
    case TO_SUSPENSE:
    case LINES:
    case END: fail();
    }
    assert_int_equal(outcome, PAYMENT_OUTCOME_OK);
}

static void moves_apply(struct naive *naive, const struct scene *scene)
{
    for (uint32_t i = 0; i < scene->decision.transfer_count; i++) {
        naive_apply(naive, &scene->decision.transfers[i]);
    }
}

/* Decides one event; when the next is TO_SUSPENSE, the ledger refuses what was decided. */
static void event_book(struct naive *naive, struct scene *scene, const uint8_t *event)
{
    struct payment before = scene->payment;
    struct payment parent = scene->parent;
    event_run(scene, *event);
    if (*event == CHARGE || *event == PAY_OUT || *event == REFUND) {
        if (scene->command.cause == PAYMENT_CAUSE_CREATE) moves_apply(naive, scene);
        before = scene->payment;
        assert_int_equal(scene_answer(scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_OK);
    }
    if (event[1] == TO_SUSPENSE) {
        scene->payment = before;
        scene->parent = parent;
        scene_refused(scene, OUTCOME_CREDIT_ACCOUNT_FROZEN);
        assert_state(scene, PAYMENT_STATE_MANUAL);
    }
    moves_apply(naive, scene);
}

/* In the end nobody owes us anything, and nothing waits for its owner. */
static void every_course_comes_to_nothing(void **state)
{
    (void)state;
    static struct naive naive;
    for (size_t i = 0; i < sizeof courses / sizeof courses[0]; i++) {
        struct scene scene;
        scene_begin(&scene);
        memset(&naive, 0, sizeof naive);
        __int128 lines = 0;
        for (const uint8_t *event = courses[i]; *event != END; event++) {
            if (*event != TO_SUSPENSE) event_book(&naive, &scene, event);
            lines += *event > LINES;
        }
        assert_true(*balance_of(&naive, scene_chart(CHART_CLEARING)) == 0);
        assert_true(*balance_of(&naive, scene_chart(CHART_SUSPENSE)) == 0);
        assert_true(*balance_of(&naive, scene_chart(CHART_RECEIVABLE)) == 0);
        assert_true(*balance_of(&naive, scene_chart(CHART_FEES)) == -130 * lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_commanded_the_books_are_even),
        cmocka_unit_test(every_course_comes_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
