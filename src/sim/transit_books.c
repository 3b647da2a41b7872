#include "sim/transit_books.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "model/transit.h"
#include "payment/chart.h"

void transit_books_init(struct transit_books *books, struct verdict *verdict)
{
    *books = (struct transit_books){ .verdict = verdict };
    books->departures = calloc(BOOKS_DEPARTURES_MAX, sizeof *books->departures);
    CHECK(books->departures != NULL);
}

void transit_books_done(struct transit_books *books)
{
    free(books->departures);
}

static struct books_departure *departure_find(const struct transit_books *books, uint32_t source,
                                              struct transfer_id id)
{
    for (uint32_t i = books->departure_count; i > 0; i--) {
        struct books_departure *departure = &books->departures[i - 1];
        if (departure->source == source && uuid_equal(departure->id.value, id.value))
            return departure;
    }
    return NULL;
}

static struct books_departure *arrival_find(const struct transit_books *books, uint32_t source,
                                            struct transfer_id arrival)
{
    for (uint32_t i = books->departure_count; i > 0; i--) {
        struct books_departure *departure = &books->departures[i - 1];
        if (departure->source == source && uuid_equal(departure->arrival.value, arrival.value))
            return departure;
    }
    return NULL;
}

/* ---- Each step ---- */

static void departure_take(struct transit_books *books, uint32_t lane,
                           const struct model_transfer *transfer)
{
    struct transit_account way = { 0 };
    bool leaves = transit_account_parse(transfer->asked.credit, &way) && way.out;
    bool comes = !leaves && transit_account_parse(transfer->asked.debit, &way) && !way.out;
    if ((!leaves && !comes) || way.lane != lane) {
        verdict_violation(books->verdict, "lane %u: a departure to no transit account", lane);
        return;
    }
    CHECK(books->departure_count < BOOKS_DEPARTURES_MAX);
    books->departures[books->departure_count++] = (struct books_departure){
        .id = transfer->asked.id,
        .arrival = transit_arrival_id(transfer->asked.id),
        .there = { transfer->asked.target.value },
        .here = comes ? transfer->asked.credit : transfer->asked.debit,
        .amount = transfer->amount,
        .asset = transfer->asset,
        .source = lane,
        .peer = way.peer,
        .comes = comes,
    };
    books->open++;
    books->sums.departures++;
}

static bool is_wallet(const struct model *model, struct account_id id)
{
    uint32_t place = model_account_find(model, id);
    return place != MODEL_NONE && chart_is_wallet(&model->accounts[place].state.account);
}

static void arrival_take(struct transit_books *books, uint32_t lane,
                         const struct transit_account *way, const struct model_transfer *transfer)
{
    struct books_departure *departure = arrival_find(books, way->peer, transfer->asked.id);
    if (departure == NULL || departure->peer != lane) {
        verdict_violation(books->verdict, "lane %u: what never left lane %u is decided", lane,
                          way->peer);
        return;
    }
    bool accepted = transfer->outcome == OUTCOME_OK;
    const struct transfer *asked = &transfer->asked;
    struct account_id named = departure->comes ? asked->debit : asked->credit;
    bool same = uuid_equal(named.value, departure->there.value) && way->out == departure->comes &&
                money_equal(asked->amount, departure->amount);
    if (!same) verdict_violation(books->verdict, "lane %u: something else arrives", lane);
    if (accepted && departure->ended)
        verdict_violation(books->verdict, "lane %u: a credit after its release", lane);
    if (departure->accepted || departure->refused)
        verdict_violation(books->verdict, "lane %u: an arrival is decided twice", lane);
    bool paid = !uuid_is_nil(departure->payment);
    if (accepted && paid && !is_wallet(books->models[lane], departure->there))
        verdict_violation(books->verdict, "lane %u: a payment to no wallet arrives", lane);
    if (!paid && transfer->outcome == OUTCOME_NOT_A_WALLET)
        verdict_violation(books->verdict, "lane %u: a transfer is refused as a payment", lane);
    departure->accepted = accepted;
    departure->refused = !accepted;
    departure->refusal = (uint8_t)transfer->outcome;
    books->sums.accepted += accepted;
    books->sums.refused += !accepted;
    books->sums.withdrawn += transfer->outcome == OUTCOME_WITHDRAWN;
}

/* Under its id the other lane did something else before, so it can never arrive. */
static bool id_is_taken(const struct transit_books *books, const struct books_departure *departure)
{
    uint32_t known = model_transfer_find(books->models[departure->peer], departure->arrival);
    return known != MODEL_NONE && !departure->accepted && !departure->refused;
}

static void end_take(struct transit_books *books, struct books_departure *departure,
                     const struct model_transfer *transfer)
{
    uint32_t lane = departure->source;
    bool settles = transfer->asked.kind == TRANSFER_POST;
    bool conflict = !settles && id_is_taken(books, departure);
    uint32_t refusal = conflict ? OUTCOME_ID_CONFLICT : departure->refusal;
    if (settles && !departure->accepted)
        verdict_violation(books->verdict, "lane %u: settled before the other lane has it", lane);
    if (!settles && !departure->refused && !conflict)
        verdict_violation(books->verdict, "lane %u: released and not refused", lane);
    if (!settles && transfer->asked.code != refusal)
        verdict_violation(books->verdict, "lane %u: released with another outcome", lane);
    if (!money_equal(transfer->amount, departure->amount))
        verdict_violation(books->verdict, "lane %u: a departure ends in parts", lane);
    departure->ended = true;
    departure->refusal = (uint8_t)refusal;
    books->open--;
    books->sums.settled += settles;
    books->sums.released += !settles;
    books->sums.conflicts += conflict;
    if (uuid_is_nil(departure->payment)) return;
    books->sums.refunded += departure->comes && settles;
    books->sums.unrefunded += departure->comes && !settles;
    if (departure->comes) return;
    books->sums.paid += settles;
    books->sums.failed += !settles;
    books->sums.no_wallet += refusal == OUTCOME_NOT_A_WALLET;
}

static void transfer_take(struct transit_books *books, uint32_t lane,
                          const struct model_transfer *transfer)
{
    const struct transfer *asked = &transfer->asked;
    bool done = transfer->outcome == OUTCOME_OK;
    struct transit_account way;
    bool arrives = asked->kind == TRANSFER_DIRECT && (transit_account_parse(asked->debit, &way) ||
                                                      transit_account_parse(asked->credit, &way));
    if (arrives) {
        arrival_take(books, lane, &way, transfer);
    } else if (asked->kind == TRANSFER_DEPARTURE && done) {
        departure_take(books, lane, transfer);
    } else if ((asked->kind == TRANSFER_POST || asked->kind == TRANSFER_VOID) && done) {
        struct books_departure *departure = departure_find(books, lane, asked->target);
        if (departure != NULL) end_take(books, departure, transfer);
    }
}

/* ---- Payments ---- */

static void payment_wrong(struct transit_books *books, uint32_t lane, const struct payment *payment,
                          const char *what)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(payment->id.value, id);
    verdict_violation(books->verdict, "lane %u: %s (%s, %s %s)", lane, what, id,
                      payment_state_name(payment->state), payment->reason);
}

static bool crosses(const struct transit_books *books, uint32_t lane,
                    const struct model_payment *known)
{
    const struct payment *payment = &known->newest;
    bool back = payment->kind == PAYMENT_REFUND;
    bool from_wallet = payment->kind == PAYMENT_WALLET || payment->kind == PAYMENT_MERCHANT;
    struct account_id there = back ? payment->wallet : payment->counter;
    return known->outcome == PAYMENT_OUTCOME_OK && (back || from_wallet) &&
           lane_of_account(there, books->lanes) != lane;
}

/* It names its departure while it is pending, and forgets it when it has ended. */
static void payment_mark(struct transit_books *books, uint32_t lane, const struct payment *payment)
{
    struct books_departure *departure = departure_find(books, lane, payment->posted);
    if (departure == NULL) {
        payment_wrong(books, lane, payment, "a payment is pending, and its money has not left");
        return;
    }
    if (!uuid_is_nil(departure->payment)) return;
    bool part = payment->kind == PAYMENT_MERCHANT;
    bool back = payment->kind == PAYMENT_REFUND;
    struct money amount = part ? payment->step_amount : payment->amount;
    struct account_id there = back ? payment->wallet : payment->counter;
    struct account_id here = back ? payment->counter : payment->wallet;
    bool same = uuid_equal(departure->there.value, there.value) && departure->comes == back &&
                uuid_equal(departure->here.value, here.value) &&
                money_equal(departure->amount, amount);
    if (!same) payment_wrong(books, lane, payment, "something else has left for a payment");
    departure->payment = payment->id.value;
    books->sums.payments += !part && !back;
    books->sums.captures += part;
    books->sums.refunds += back;
}

/* What has left for a payment, and is there or not. */
struct sent {
    uint32_t count;
    uint32_t open;
    uint128 there;
    const struct books_departure *newest;
};

static struct sent sent_of(const struct transit_books *books, uint32_t lane, struct payment_id id)
{
    struct sent sent = { 0 };
    for (uint32_t i = 0; i < books->departure_count; i++) {
        const struct books_departure *departure = &books->departures[i];
        bool of_it = departure->source == lane && uuid_equal(departure->payment, id.value);
        if (!of_it) continue;
        sent.count++;
        sent.open += !departure->ended;
        if (departure->ended && departure->accepted) sent.there += departure->amount.minor;
        sent.newest = departure;
    }
    return sent;
}

static const char *whole_fault(const struct payment *payment, const struct sent *sent)
{
    if (sent->count != 1) return "a payment has left not once";
    if (sent->open > 0) return NULL;
    bool there = sent->newest->accepted;
    if (payment->state != (there ? PAYMENT_STATE_SUCCEEDED : PAYMENT_STATE_FAILED))
        return "a payment says other than its money";
    const char *reason = outcome_code(sent->newest->refusal);
    return there || strcmp(payment->reason, reason) == 0 ? NULL
                                                         : "a payment failed for another reason";
}

/* What is not captured and not on its way is reserved, as long as anything can be captured. */
static const char *hold_fault(const struct model *model, const struct payment *payment)
{
    uint128 rest = payment->amount.minor - payment->captured.minor;
    if (payment->state == PAYMENT_STATE_PENDING) rest -= payment->step_amount.minor;
    if (!payment_state_is_open(payment->state)) rest = 0;
    uint128 held = 0;
    uint32_t place = model_transfer_find(model, payment->hold);
    if (place != MODEL_NONE) held = model->transfers[place].remaining.minor;
    return held == rest ? NULL : "a payment reserves another amount than is left of it";
}

/* What is pending and given of it is what its refunds have under way and were given. */
static const char *refunds_fault(const struct transit_books *books, uint32_t lane,
                                 const struct payment *parent)
{
    const struct model_payments *twin = books->payments[lane];
    uint128 pending = 0;
    uint128 given = 0;
    if (money_is_zero(parent->captured)) return NULL;
    for (uint32_t i = 0; i < twin->payment_count; i++) {
        const struct payment *refund = &twin->payments[i].newest;
        if (!uuid_equal(refund->parent.value, parent->id.value)) continue;
        struct sent sent = sent_of(books, lane, refund->id);
        given += sent.there;
        if (sent.open > 0) pending += refund->amount.minor;
    }
    if (given + pending > parent->captured.minor) return "more is given back than was taken";
    return pending == parent->refund_pending.minor && given == parent->refunded.minor
               ? NULL
               : "a payment says other than its refunds";
}

static void payments_compare(struct transit_books *books, uint32_t lane)
{
    const struct model_payments *twin = books->payments[lane];
    for (uint32_t i = 0; i < twin->payment_count; i++) {
        const struct payment *payment = &twin->payments[i].newest;
        bool pending = payment->state == PAYMENT_STATE_PENDING;
        if (pending && crosses(books, lane, &twin->payments[i])) payment_mark(books, lane, payment);
    }
    for (uint32_t i = 0; i < twin->payment_count; i++) {
        const struct payment *payment = &twin->payments[i].newest;
        if (!crosses(books, lane, &twin->payments[i])) continue;
        bool pending = payment->state == PAYMENT_STATE_PENDING;
        struct sent sent = sent_of(books, lane, payment->id);
        const char *fault = NULL;
        if (sent.open != pending) fault = "a payment is pending, or its money on its way";
        if (fault == NULL && sent.there != payment->captured.minor)
            fault = "a payment has taken another amount than is there";
        bool merchant = payment->kind == PAYMENT_MERCHANT;
        if (fault == NULL && merchant) fault = hold_fault(books->models[lane], payment);
        if (fault == NULL && !merchant) fault = whole_fault(payment, &sent);
        bool back = payment->kind == PAYMENT_REFUND;
        if (fault == NULL && !back) fault = refunds_fault(books, lane, payment);
        if (fault != NULL) payment_wrong(books, lane, payment, fault);
    }
}

/* ---- At every moment ---- */

static struct balance balance_of(const struct transit_books *books,
                                 const struct transit_account *transit)
{
    const struct model *model = books->models[transit->lane];
    uint32_t place = model_account_find(model, transit_account(transit).id);
    return place == MODEL_NONE ? (struct balance){ 0 } : model->accounts[place].state.balance;
}

/* What left one lane for another in an asset, or is to come back, and how far it is. */
struct flow {
    uint128 open;
    uint128 accepted;
    uint128 settled;
};

/* Of what the lane has begun, by this account of its own. */
static struct flow flow_of(const struct transit_books *books, const struct transit_account *way)
{
    struct flow flow = { 0 };
    for (uint32_t i = 0; i < books->departure_count; i++) {
        const struct books_departure *departure = &books->departures[i];
        bool on_it = departure->source == way->lane && departure->peer == way->peer &&
                     departure->asset == way->asset && departure->comes != way->out;
        if (!on_it) continue;
        if (!departure->ended) flow.open += departure->amount.minor;
        if (departure->accepted) flow.accepted += departure->amount.minor;
        if (departure->accepted && departure->ended) flow.settled += departure->amount.minor;
    }
    return flow;
}

static void pair_compare(struct transit_books *books, uint32_t source, uint32_t peer,
                         uint32_t asset)
{
    const struct transit_account left = { asset, source, peer, true };
    const struct transit_account came = { asset, peer, source, false };
    struct balance out = balance_of(books, &left);
    struct balance in = balance_of(books, &came);
    struct flow sent = flow_of(books, &left);  /* begun where it leaves, */
    struct flow asked = flow_of(books, &came); /* and where it is to come to */
    bool right = out.credits_pending.minor == sent.open && in.debits_pending.minor == asked.open &&
                 out.credits_posted.minor == sent.settled + asked.accepted &&
                 in.debits_posted.minor == sent.accepted + asked.settled;
    bool clean = money_is_zero(out.debits_posted) && money_is_zero(out.debits_pending) &&
                 money_is_zero(in.credits_posted) && money_is_zero(in.credits_pending);
    if (!right || !clean) {
        verdict_violation(books->verdict,
                          "the transit accounts from lane %u to %u are not what is in flight",
                          source, peer);
    }
    books->sums.compared++;
}

void transit_books_batch(struct transit_books *books, uint32_t lane)
{
    static const uint32_t assets[] = { 978, 840 };
    const struct model *model = books->models[lane];
    while (books->seen[lane] < model->transfer_count) {
        transfer_take(books, lane, &model->transfers[books->seen[lane]++]);
    }
    payments_compare(books, lane);
    for (uint32_t peer = 0; peer < books->lanes; peer++) {
        if (peer == lane) continue;
        for (uint32_t i = 0; i < 2; i++) {
            pair_compare(books, lane, peer, assets[i]);
            pair_compare(books, peer, lane, assets[i]);
        }
    }
}
