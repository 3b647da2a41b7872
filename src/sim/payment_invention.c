/* Payments are picked from the twin, the newest most often, so that commands race. */
#include "sim/payment_invention.h"

#include <string.h>

#include "base/check.h"
#include "payment/chart.h"
#include "sandbox/method.h"
#include "sim/invention.h"
#include "sim/sim_psp.h"

enum { EUR = 978, USD = 840, GBP = 826 /* without a chart */, RECENT = 8 };

static bool chance(struct prng *prng, uint64_t percent)
{
    return prng_chance(prng, percent, 100);
}

struct account_id payment_wallet(uint32_t asset, uint64_t which)
{
    return (struct account_id){ { .hi = asset, .lo = UINT64_C(0xA110000) + which } };
}

static struct account wallet_account(uint32_t asset, uint64_t which)
{
    return (struct account){
        .id = payment_wallet(asset, which),
        .asset = asset,
        .kind = ACCOUNT_LIABILITY,
        .flags = ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS,
    };
}

struct question *invent_payment_opening(struct crowd *crowd, struct prng *prng)
{
    (void)crowd;
    (void)prng;
    static const uint32_t assets[] = { EUR, USD };
    enum { ROLES = CHART_ROLE_END - 1, COUNT = 2 * (ROLES + PAYMENT_WALLETS) + 1 };
    struct question *question = question_new(REQUEST_ACCOUNTS, COUNT);
    struct account *next = question->accounts;
    for (uint32_t i = 0; i < 2; i++) {
        for (unsigned role = 1; role < CHART_ROLE_END; role++) {
            *next++ = chart_account(LANE_ALONE, assets[i], role,
                                    role == CHART_CLEARING ? SIM_PSP_NAME : "");
        }
        for (uint64_t which = 0; which < PAYMENT_WALLETS; which++) {
            *next++ = wallet_account(assets[i], which);
        }
    }
    *next++ = wallet_account(GBP, 0);
    CHECK(next == question->accounts + COUNT);
    return question;
}

/* ---- Parts ---- */

static uint32_t some_asset(struct prng *prng)
{
    if (chance(prng, 2)) return GBP;
    return chance(prng, 70) ? EUR : USD;
}

static struct account_id some_wallet(struct prng *prng, uint32_t asset)
{
    if (asset == GBP) return payment_wallet(asset, 0);
    if (chance(prng, 2)) asset = asset == EUR ? USD : EUR;
    if (chance(prng, 1)) return (struct account_id){ invent_id(prng) };
    if (chance(prng, 1))
        return chart_account_id(LANE_ALONE, asset, CHART_BANK, ""); /* no customer's */
    return payment_wallet(asset, prng_below(prng, PAYMENT_WALLETS));
}

static struct money some_amount(struct prng *prng, uint64_t most)
{
    return money_from_minor(prng_between(prng, 1, most));
}

static void token_set(char *out_text, size_t size, struct str text)
{
    CHECK(text.len < size);
    memset(out_text, 0, size);
    memcpy(out_text, text.data, text.len);
}

/* A test method of the sandbox; half of them are the plain one. */
static void method_set(struct crowd *crowd, struct prng *prng, bool bank, struct payment *draft)
{
    token_set(draft->psp, sizeof draft->psp, str_from(SIM_PSP_NAME));
    token_set(draft->method, sizeof draft->method, bank ? STR("bank_ok") : STR("card_ok"));
    if (chance(prng, 40)) return;
    uint32_t count;
    const struct sandbox_method *methods = method_table(&count);
    bool tight = crowd->service->options.payments_max < 100;
    for (;;) {
        uint8_t which = (uint8_t)prng_below(prng, count);
        const struct sandbox_method *method = &methods[which];
        if (method->bank != bank || method->fault != SANDBOX_FAULT_NONE) continue;
        /* a dispute that finds no place is refused for ever: it needs places */
        if (tight && method->later >= LATER_DISPUTED && method->later <= LATER_DISPUTE_REVERSED) {
            return;
        }
        char token[PSP_TOKEN_SIZE];
        token_set(draft->method, sizeof draft->method, method_token(which, token));
        return;
    }
}

/* Of the twin's, of a kind (0: any) and in a state (NONE: any); the newest more often. */
static const struct payment *some_payment(struct crowd *crowd, struct prng *prng, unsigned kind,
                                          unsigned state)
{
    const struct model_payments *twin = crowd->service->journal.payments;
    for (int attempt = 0; attempt < 30 && twin->payment_count > 0; attempt++) {
        uint64_t reach = attempt < 20 ? RECENT * (1 + (uint64_t)attempt) : twin->payment_count;
        if (reach > twin->payment_count) reach = twin->payment_count;
        uint64_t back = prng_below(prng, reach);
        const struct payment *payment = &twin->payments[twin->payment_count - 1 - back].newest;
        if (kind != 0 && payment->kind != kind) continue;
        if (state != PAYMENT_STATE_NONE && payment->state != state) continue;
        return payment;
    }
    return NULL;
}

static struct wall_time some_time(struct crowd *crowd, struct prng *prng, uint64_t ms_max)
{
    struct wall_time stamp = crowd->service->journal.stamp;
    int64_t ms = (int64_t)prng_between(prng, 1, ms_max);
    if (chance(prng, 3)) ms = -ms;
    return (struct wall_time){ stamp.ns + ms * NS_PER_MS };
}

/* ---- Creations ---- */

static void invent_merchant(struct crowd *crowd, struct prng *prng, struct payment *draft)
{
    draft->kind = PAYMENT_MERCHANT;
    draft->amount = some_amount(prng, 4000);
    draft->counter = some_wallet(prng, draft->asset);
    if (chance(prng, 60)) {
        method_set(crowd, prng, false, draft);
    } else {
        draft->wallet = some_wallet(prng, draft->asset);
        if (uuid_equal(draft->wallet.value, draft->counter.value)) draft->wallet.value.lo ^= 1;
    }
    if (chance(prng, 50)) draft->expires_at = some_time(crowd, prng, 20000);
}

static void invent_refund(struct crowd *crowd, struct prng *prng, struct payment *draft)
{
    *draft = (struct payment){ .kind = PAYMENT_REFUND };
    unsigned kind = (unsigned)prng_between(prng, PAYMENT_PAY_IN, PAYMENT_MERCHANT);
    if (chance(prng, 3)) kind = 0;
    const struct payment *parent = some_payment(crowd, prng, kind, PAYMENT_STATE_NONE);
    draft->parent.value = parent == NULL || chance(prng, 2) ? invent_id(prng) : parent->id.value;
    draft->amount = MONEY_MAX;
    if (parent == NULL || money_is_zero(parent->captured) || chance(prng, 30)) return;
    draft->amount.minor = 1 + prng_below(prng, (uint64_t)parent->captured.minor);
}

static void invent_exchange(struct prng *prng, struct payment *draft)
{
    draft->kind = PAYMENT_EXCHANGE;
    draft->asset = chance(prng, 90) ? EUR : USD;
    draft->counter_asset = draft->asset == EUR ? USD : EUR;
    draft->wallet = some_wallet(prng, draft->asset);
    draft->counter = some_wallet(prng, draft->counter_asset);
    if (uuid_equal(draft->wallet.value, draft->counter.value)) draft->counter.value.lo ^= 1;
    draft->amount = chance(prng, 10) ? money_from_minor(1) : some_amount(prng, 3000);
}

static void invent_draft(struct crowd *crowd, struct prng *prng, struct payment *draft)
{
    uint64_t draw = prng_below(prng, 100);
    draft->asset = some_asset(prng);
    draft->code = (uint32_t)prng_below(prng, 4);
    if (draw < 38) {
        draft->kind = PAYMENT_PAY_IN;
        draft->amount = some_amount(prng, 20000);
        draft->wallet = some_wallet(prng, draft->asset);
        method_set(crowd, prng, false, draft);
    } else if (draw < 52) {
        draft->kind = PAYMENT_PAY_OUT;
        draft->amount = some_amount(prng, 9000);
        draft->wallet = some_wallet(prng, draft->asset);
        method_set(crowd, prng, true, draft);
    } else if (draw < 60) {
        draft->kind = PAYMENT_WALLET;
        draft->amount = some_amount(prng, 4000);
        draft->wallet = some_wallet(prng, draft->asset);
        draft->counter = some_wallet(prng, draft->asset);
        if (uuid_equal(draft->wallet.value, draft->counter.value)) draft->wallet.value.lo ^= 1;
    } else if (draw < 76) {
        invent_merchant(crowd, prng, draft);
    } else if (draw < 92) {
        invent_refund(crowd, prng, draft);
    } else {
        invent_exchange(prng, draft);
        if (chance(prng, 30)) draft->expires_at = some_time(crowd, prng, 5000);
    }
}

static struct question *question_payment(struct prng *prng)
{
    struct question *question = question_new(REQUEST_PAYMENT, 1);
    question->key = invent_id(prng);
    return question;
}

/* With a key, an id of its own, or both: else a repeat would be another payment. */
static struct question *invent_creation(struct crowd *crowd, struct prng *prng)
{
    struct question *question = question_payment(prng);
    struct payment *draft = &question->payment->draft;
    question->payment->cause = PAYMENT_CAUSE_CREATE;
    invent_draft(crowd, prng, draft);
    if (chance(prng, 50)) {
        draft->id.value = invent_id(prng);
        if (chance(prng, 50)) question->key = (struct uuid){ 0, 0 };
    }
    const struct payment *known = some_payment(crowd, prng, 0, PAYMENT_STATE_NONE);
    if (known != NULL && chance(prng, 2)) { /* somebody else's id */
        draft->id = known->id;
        question->key = (struct uuid){ 0, 0 };
        question->fresh = false;
    }
    return question;
}

/* ---- Moves ---- */

static void target_set(struct prng *prng, struct question *question, const struct payment *payment)
{
    question->payment->id.value =
        payment == NULL || chance(prng, 2) ? invent_id(prng) : payment->id.value;
}

static struct question *invent_capture(struct crowd *crowd, struct prng *prng)
{
    unsigned state = chance(prng, 30) ? PAYMENT_STATE_PART_CAPTURED : PAYMENT_STATE_AUTHORISED;
    if (chance(prng, 10)) state = PAYMENT_STATE_NONE;
    unsigned kind = chance(prng, 95) ? PAYMENT_MERCHANT : 0;
    const struct payment *payment = some_payment(crowd, prng, kind, state);
    if (payment == NULL && chance(prng, 90)) return invent_creation(crowd, prng);
    struct question *question = question_payment(prng);
    target_set(prng, question, payment);
    question->payment->cause = PAYMENT_CAUSE_CAPTURE;
    question->payment->amount = MONEY_MAX;
    if (payment != NULL && chance(prng, 70)) {
        question->payment->amount.minor = 1 + prng_below(prng, (uint64_t)payment->amount.minor);
    }
    question->payment->last = chance(prng, 30);
    return question;
}

static struct question *invent_move(struct crowd *crowd, struct prng *prng)
{
    enum payment_cause cause = PAYMENT_CAUSE_EXECUTE;
    unsigned kind = PAYMENT_EXCHANGE;
    unsigned state = chance(prng, 80) ? PAYMENT_STATE_QUOTED : PAYMENT_STATE_NONE;
    if (chance(prng, 35)) {
        cause = PAYMENT_CAUSE_CANCEL;
        kind = chance(prng, 70) ? PAYMENT_MERCHANT : PAYMENT_EXCHANGE;
        state = PAYMENT_STATE_NONE;
        if (kind == PAYMENT_MERCHANT && chance(prng, 80)) state = PAYMENT_STATE_AUTHORISED;
    }
    if (chance(prng, 3)) kind = 0;
    const struct payment *payment = some_payment(crowd, prng, kind, state);
    if (payment == NULL && chance(prng, 90)) return invent_creation(crowd, prng);
    struct question *question = question_payment(prng);
    question->payment->cause = (uint8_t)cause;
    target_set(prng, question, payment);
    return question;
}

/* A person who is too quick: what the PSP did not confirm is taken for not done. */
static struct question *invent_hasty_resolution(struct crowd *crowd, struct prng *prng)
{
    const struct payment *payment = some_payment(crowd, prng, PAYMENT_PAY_IN, PAYMENT_STATE_MANUAL);
    if (payment == NULL) return invent_creation(crowd, prng);
    struct question *question = question_payment(prng);
    target_set(prng, question, payment);
    question->payment->cause = PAYMENT_CAUSE_RESOLVE;
    question->payment->state = PAYMENT_STATE_FAILED;
    memcpy(question->payment->reason, "hasty", sizeof "hasty");
    return question;
}

/* Somebody who cries "webhook", and somebody who would hurry a payment to its end. */
static struct question *invent_nudge(struct crowd *crowd, struct prng *prng)
{
    if (chance(prng, 30)) return invent_hasty_resolution(crowd, prng);
    struct question *question = question_payment(prng);
    question->payment->cause = chance(prng, 70) ? PAYMENT_CAUSE_HINT : PAYMENT_CAUSE_EXPIRE;
    target_set(prng, question, some_payment(crowd, prng, 0, PAYMENT_STATE_NONE));
    return question;
}

/* ---- Acts ---- */

/* Freezes a wallet or lets it go; the end of the run lets all go. */
static struct question *invent_act_of_payments(struct crowd *crowd, struct prng *prng)
{
    (void)crowd;
    struct question *question = question_new(REQUEST_ADMIN, 1);
    struct admin *admin = &question->admin;
    question->key = invent_id(prng);
    if (chance(prng, 60)) {
        admin->kind = ADMIN_RATE_SET;
        admin->rate = (struct rate){ EUR, USD, 1 + prng_below(prng, 9), 7 };
        return question;
    }
    admin->kind = ADMIN_ACCOUNT_CHANGE;
    admin->account = payment_wallet(EUR, prng_below(prng, PAYMENT_WALLETS));
    if (chance(prng, 20)) admin->set = ACCOUNT_FLAG_FROZEN;
    if (admin->set == 0) admin->clear = ACCOUNT_FLAG_FROZEN;
    return question;
}

/* A key that was used, and another content. */
static struct question *invent_conflict(struct crowd *crowd, struct prng *prng)
{
    struct question *question = invent_creation(crowd, prng);
    if (crowd->memory_count == 0) return question;
    const struct question *old = crowd->memory[prng_below(prng, crowd->memory_count)];
    if (!uuid_is_nil(old->key) && old->kind == REQUEST_PAYMENT) {
        question->key = old->key;
        question->fresh = false;
    }
    return question;
}

static struct question *invent_new_payment(struct crowd *crowd, struct prng *prng)
{
    uint64_t draw = prng_below(prng, 100);
    if (draw < 62) return invent_creation(crowd, prng);
    if (draw < 76) return invent_capture(crowd, prng);
    if (draw < 88) return invent_move(crowd, prng);
    if (draw < 92) return invent_nudge(crowd, prng);
    if (draw < 95) return invent_act_of_payments(crowd, prng);
    if (draw < 97) return invent_conflict(crowd, prng);
    return invent_creation(crowd, prng);
}

struct question *invent_payment(struct crowd *crowd, struct prng *prng)
{
    if (crowd->memory_count > 0 && chance(prng, 10)) {
        struct question *old = crowd->memory[prng_below(prng, crowd->memory_count)];
        old->fresh = false;
        return question_share(old);
    }
    struct question *question = invent_new_payment(crowd, prng);
    if (question->kind == REQUEST_PAYMENT) {
        const char *field;
        while (payment_fault(question->payment, &field) != NULL) { /* the parser would refuse it */
            question_release(question);
            question = invent_creation(crowd, prng);
        }
    }
    question->principal =
        (struct principal_id){ { .lo = 100 + prng_below(prng, CROWD_PRINCIPALS), .hi = 7 } };
    if (!uuid_is_nil(question->key)) question_sign(question);
    return question;
}
