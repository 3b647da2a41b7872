/*
 * Accounts in every lane, money from one that may overdraw, and most of it to somewhere else: as
 * transfers, and as payments.
 */
#include "sim/lanes_invention.h"

#include "base/check.h"
#include "model/transit.h"
#include "payment/chart.h"
#include "sim/invention.h"

enum { EUR = 978, USD = 840 };

static bool chance(struct prng *prng, uint64_t percent)
{
    return prng_chance(prng, percent, 100);
}

static struct lane_side *side_of(const struct crowd *crowd)
{
    return crowd->owner;
}

static struct account_id id_in_lane(const struct lanes_stage *stage, uint32_t lane,
                                    struct prng *prng)
{
    struct account_id id;
    do {
        id.value = invent_id(prng);
    } while (lane_of_account(id, stage->lanes) != lane);
    return id;
}

/* ---- Accounts ---- */

static struct account account_in(const struct lane_side *side, struct prng *prng, bool bounded)
{
    return (struct account){
        .id = id_in_lane(side->stage, side->lane, prng),
        .asset = chance(prng, 80) ? EUR : USD,
        .kind = bounded ? ACCOUNT_LIABILITY : ACCOUNT_ASSET,
        .flags = bounded ? ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS : 0,
    };
}

struct question *invent_lanes_opening(struct crowd *crowd, struct prng *prng)
{
    enum { SOURCES = 2, COUNT = 8, CHART = 4 };
    static const enum chart_role roles[] = { CHART_BANK, CHART_SUSPENSE };
    const struct lane_side *side = side_of(crowd);
    const struct lane_part part = { side->lane, side->stage->lanes };
    struct question *question = question_new(REQUEST_ACCOUNTS, COUNT + CHART);
    for (uint32_t i = 0; i < COUNT; i++) {
        question->accounts[i] = account_in(side, prng, i >= SOURCES);
        if (i < SOURCES) question->accounts[i].asset = i == 0 ? EUR : USD;
    }
    for (uint32_t i = 0; i < CHART; i++) { /* as much of it as is used here */
        uint32_t asset = i < CHART / 2 ? EUR : USD;
        question->accounts[COUNT + i] = chart_account(part, asset, roles[i % 2], "");
    }
    return question;
}

static struct question *invent_account(struct crowd *crowd, struct prng *prng)
{
    struct question *question = question_new(REQUEST_ACCOUNTS, 1);
    question->accounts[0] = account_in(side_of(crowd), prng, true);
    return question;
}

/* A customer's or a source of the lane; nil when there is none. */
static const struct account *some_account(const struct lane_side *side, struct prng *prng,
                                          bool source)
{
    const struct model *model = side->service.model;
    for (int attempt = 0; attempt < 32 && model->account_count > 0; attempt++) {
        const struct account *account =
            &model->accounts[prng_below(prng, model->account_count)].state.account;
        if (transit_account_is(account->id)) continue;
        if (source == (account->kind == ACCOUNT_ASSET)) return account;
    }
    return NULL;
}

/* NULL when there is none. */
static const struct payment *some_payment(const struct lane_side *side, struct prng *prng)
{
    const struct model_payments *twin = side->twin;
    if (twin->payment_count == 0) return NULL;
    return &twin->payments[prng_below(prng, twin->payment_count)].newest;
}

/* ---- Transfers ---- */

static struct transfer transfer_from(const struct lane_side *side, struct prng *prng, bool source)
{
    struct transfer transfer = {
        .id = { invent_id(prng) },
        .amount = money_from_minor(prng_between(prng, 1, source ? 4000 : 900)),
        .asset = EUR,
        .code = (uint32_t)prng_below(prng, 4),
        .kind = TRANSFER_DIRECT,
    };
    const struct account *from = some_account(side, prng, source);
    transfer.debit = from == NULL ? id_in_lane(side->stage, side->lane, prng) : from->id;
    if (from != NULL) transfer.asset = from->asset;
    int32_t today = business_date_of(side->service.journal.stamp).days;
    if (today > 10 && chance(prng, 10)) {
        transfer.value_date.days = today - 4 + (int32_t)prng_below(prng, 6);
    }
    return transfer;
}

/* Mostly to a customer of the asset; now and then to another's, or to nobody's. */
static struct account_id some_receiver(const struct lane_side *side, struct prng *prng,
                                       uint32_t asset)
{
    for (int attempt = 0; attempt < 12 && !chance(prng, 3); attempt++) {
        const struct account *to = some_account(side, prng, false);
        if (to != NULL && (to->asset == asset || chance(prng, 4))) return to->id;
    }
    return id_in_lane(side->stage, side->lane, prng);
}

static void invent_inside(const struct lane_side *side, struct prng *prng, bool source,
                          struct transfer *out_transfer)
{
    *out_transfer = transfer_from(side, prng, source);
    do {
        out_transfer->credit = some_receiver(side, prng, out_transfer->asset);
    } while (uuid_equal(out_transfer->credit.value, out_transfer->debit.value));
}

static const struct lane_side *some_other(const struct lane_side *side, struct prng *prng)
{
    const struct lanes_stage *stage = side->stage;
    uint32_t step = 1 + (uint32_t)prng_below(prng, stage->lanes - 1);
    return &stage->sides[(side->lane + step) % stage->lanes];
}

/*
 * There; now and then an account between the lanes, which nobody could name any more, but what is on
 * its way may be for one.
 */
static struct account_id some_destination(const struct lane_side *side, const struct lane_side *to,
                                          struct prng *prng, uint32_t asset)
{
    if (side == to || !chance(prng, 3)) return some_receiver(to, prng, asset);
    const struct transit_account way = {
        .asset = asset, .lane = to->lane, .peer = side->lane, .out = chance(prng, 25)
    };
    struct account_id id = transit_account(&way).id;
    if (chance(prng, 25)) id.value.hi ^= 4; /* which only looks like one */
    return id;
}

static void invent_departure(const struct lane_side *side, struct prng *prng,
                             struct transfer *out_transfer)
{
    const struct lane_side *peer = some_other(side, prng);
    struct transfer transfer = transfer_from(side, prng, chance(prng, 15));
    transfer.credit = some_destination(side, peer, prng, transfer.asset);
    const struct lane_part here = { side->lane, side->stage->lanes };
    *out_transfer = transit_departure(&transfer, here);
    const struct payment *payment = some_payment(side, prng);
    /* whoever names a payment in a transfer of his has no part in it */
    if (payment != NULL && chance(prng, 10)) out_transfer->user_ref = payment->id.value;
}

/* ---- Those who meddle ---- */

static const struct books_departure *some_departure(const struct lane_side *side, struct prng *prng)
{
    const struct transit_books *books = &side->stage->books;
    uint32_t reach = books->departure_count < 40 ? books->departure_count : 40;
    if (reach == 0) return NULL;
    return &books->departures[books->departure_count - 1 - prng_below(prng, reach)];
}

/* A client has no business with what is on its way. */
static void invent_meddling(const struct lane_side *side, struct prng *prng,
                            struct transfer *out_transfer)
{
    static const uint8_t kinds[] = { TRANSFER_POST, TRANSFER_VOID, TRANSFER_REVERSAL };
    const struct books_departure *departure = some_departure(side, prng);
    if (departure == NULL) {
        invent_departure(side, prng, out_transfer);
        return;
    }
    *out_transfer = (struct transfer){
        .id = { invent_id(prng) },
        .amount = MONEY_MAX,
        .target = departure->source == side->lane ? departure->id : departure->arrival,
        .kind = kinds[prng_below(prng, sizeof kinds)],
    };
}

/* An id that a lane will want to use for a step of what is on its way. */
static void invent_taken_id(const struct lane_side *side, struct prng *prng,
                            struct transfer *out_transfer)
{
    const struct books_departure *departure = some_departure(side, prng);
    invent_inside(side, prng, true, out_transfer);
    if (departure == NULL) return;
    out_transfer->id = departure->source == side->lane
                           ? transit_end_id(departure->id, chance(prng, 50))
                           : departure->arrival;
}

static void invent_transfer(const struct lane_side *side, struct prng *prng,
                            struct transfer *out_transfer)
{
    uint64_t draw = prng_below(prng, 100);
    if (draw < 25) {
        invent_inside(side, prng, true, out_transfer);
    } else if (draw < 35) {
        invent_inside(side, prng, false, out_transfer);
    } else if (draw < 92) {
        invent_departure(side, prng, out_transfer);
    } else if (draw < 96) {
        invent_meddling(side, prng, out_transfer);
    } else {
        invent_taken_id(side, prng, out_transfer);
    }
}

/* ---- Payments ---- */

static void invent_paying(const struct lane_side *side, struct prng *prng, struct payment *draft)
{
    const struct lane_side *to = chance(prng, 85) ? some_other(side, prng) : side;
    const struct account *wallet = some_account(side, prng, false);
    const struct account *house = chance(prng, 8) ? some_account(to, prng, true) : NULL;
    draft->kind = chance(prng, 65) ? PAYMENT_WALLET : PAYMENT_MERCHANT;
    draft->asset = wallet == NULL ? EUR : wallet->asset;
    draft->amount = money_from_minor(prng_between(prng, 1, 900));
    draft->wallet = wallet == NULL ? id_in_lane(side->stage, side->lane, prng) : wallet->id;
    draft->code = (uint32_t)prng_below(prng, 4);
    draft->counter = house != NULL ? house->id : some_destination(side, to, prng, draft->asset);
    while (uuid_equal(draft->counter.value, draft->wallet.value))
        draft->counter = id_in_lane(side->stage, to->lane, prng);
}

/* One of which something can be captured, mostly; NULL when there is no payment. */
static const struct payment *some_reserved(const struct lane_side *side, struct prng *prng)
{
    const struct payment *payment = NULL;
    for (int attempt = 0; attempt < 24; attempt++) {
        payment = some_payment(side, prng);
        bool reserved = payment != NULL && (payment->state == PAYMENT_STATE_AUTHORISED ||
                                            payment->state == PAYMENT_STATE_PART_CAPTURED);
        if (reserved) break;
    }
    return payment;
}

/* One that has taken something, mostly; NULL when there is no payment. */
static const struct payment *some_taken(const struct lane_side *side, struct prng *prng)
{
    const struct payment *payment = NULL;
    for (int attempt = 0; attempt < 24; attempt++) {
        payment = some_payment(side, prng);
        if (payment != NULL && !money_is_zero(payment->captured)) break;
    }
    return payment;
}

/* All that is left of what was taken, or a part; now and then more than that. */
static void invent_refund(const struct payment *known, struct prng *prng, struct payment *draft)
{
    draft->kind = PAYMENT_REFUND;
    draft->parent = known->id;
    draft->amount = MONEY_MAX;
    if (chance(prng, 30)) return;
    draft->amount = money_from_minor(prng_between(prng, 1, (uint64_t)known->amount.minor));
}

/* Of what is reserved: a part, the last part, or nothing more. */
static void invent_capture(const struct payment *known, struct prng *prng,
                           struct payment_command *command)
{
    command->id = known->id;
    command->cause = PAYMENT_CAUSE_CANCEL;
    if (chance(prng, 15)) return;
    command->cause = PAYMENT_CAUSE_CAPTURE;
    command->last = chance(prng, 35);
    command->amount = MONEY_MAX;
    if (chance(prng, 20)) return;
    command->amount = money_from_minor(prng_between(prng, 1, (uint64_t)known->amount.minor));
}

static struct question *invent_payment_of_lanes(const struct lane_side *side, struct prng *prng)
{
    struct question *question = question_new(REQUEST_PAYMENT, 1);
    struct payment_command *command = question->payment;
    const struct payment *known = some_reserved(side, prng);
    command->cause = PAYMENT_CAUSE_CREATE;
    bool keyed = true;
    if (known != NULL && chance(prng, 25)) {
        invent_refund(some_taken(side, prng), prng, &command->draft);
    } else if (known != NULL && known->kind == PAYMENT_MERCHANT && chance(prng, 80)) {
        invent_capture(known, prng, command);
    } else {
        invent_paying(side, prng, &command->draft);
        keyed = chance(prng, 50);
        if (!keyed || chance(prng, 20)) command->draft.id.value = invent_id(prng);
    }
    if (keyed) question->key = invent_id(prng);
    if (keyed) question_sign(question);
    return question;
}

/* ---- The rest ---- */

static struct question *invent_act(struct crowd *crowd, struct prng *prng)
{
    const struct lane_side *side = side_of(crowd);
    const struct account *account = some_account(side, prng, false);
    int32_t today = business_date_of(side->service.journal.stamp).days;
    struct question *question = question_new(REQUEST_ADMIN, 0);
    struct admin *admin = &question->admin;
    if (today > 10 && chance(prng, 15)) {
        admin->kind = ADMIN_PERIOD_CLOSE;
        admin->closed_through.days = today - (int32_t)prng_between(prng, 1, 4);
    } else {
        bool freeze = chance(prng, 40);
        admin->kind = ADMIN_ACCOUNT_CHANGE;
        admin->account.value = account == NULL ? invent_id(prng) : account->id.value;
        admin->set = freeze ? ACCOUNT_FLAG_FROZEN : 0;
        admin->clear = freeze ? 0 : ACCOUNT_FLAG_FROZEN;
    }
    question->key = invent_id(prng);
    question_sign(question);
    return question;
}

static struct question *invent_read(struct crowd *crowd, struct prng *prng)
{
    const struct model *model = crowd->service->model;
    bool accounts = chance(prng, 60);
    bool payments = !accounts && chance(prng, 50);
    struct question *question = question_new(REQUEST_READ, accounts ? 0 : 6);
    question->read_kind = accounts ? READ_ACCOUNT_PAGE : payments ? READ_PAYMENTS : READ_TRANSFERS;
    question->limit = 40;
    for (uint32_t i = 0; i < question->count; i++) {
        question->ids[i] = invent_id(prng);
        const struct payment *payment = payments ? some_payment(side_of(crowd), prng) : NULL;
        if (payment != NULL) question->ids[i] = payment->id.value;
        if (payments) continue;
        if (model->transfer_count == 0) continue;
        question->ids[i] = model->transfers[prng_below(prng, model->transfer_count)].asked.id.value;
    }
    return question;
}

struct question *invent_lanes(struct crowd *crowd, struct prng *prng)
{
    if (crowd->memory_count > 0 && chance(prng, 12)) {
        struct question *old = crowd->memory[prng_below(prng, crowd->memory_count)];
        old->fresh = false;
        return question_share(old);
    }
    uint64_t draw = prng_below(prng, 100);
    if (draw < 4) return invent_account(crowd, prng);
    if (draw < 12) return invent_act(crowd, prng);
    if (draw < 22) return invent_read(crowd, prng);
    if (draw < 45) return invent_payment_of_lanes(side_of(crowd), prng);
    uint32_t count = chance(prng, 60) ? 1 : (uint32_t)prng_between(prng, 2, 8);
    struct question *question = question_new(REQUEST_TRANSFERS, count);
    for (uint32_t i = 0; i < count; i++) {
        invent_transfer(side_of(crowd), prng, &question->transfers[i]);
    }
    question->principal.value = (struct uuid){ .lo = 100 + prng_below(prng, 4), .hi = 7 };
    /* an id of a transit's step is also asked for by the lanes themselves */
    question->fresh = false;
    return question;
}
