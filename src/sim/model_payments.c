/* Images are kept as hashes: who compares has the image in hand. */
#include "sim/model_payments.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/reserve.h"

struct model_payments *model_payments_new(struct verdict *verdict)
{
    struct model_payments *twin = calloc(1, sizeof *twin);
    CHECK(twin != NULL);
    twin->verdict = verdict;
    twin->payments = reserve_new(MODEL_PAYMENTS_MAX * sizeof *twin->payments);
    twin->answers = reserve_new(MODEL_ANSWERS_MAX * sizeof *twin->answers);
    CHECK(twin->payments != NULL);
    CHECK(twin->answers != NULL);
    enum status status =
        id_map_init(&twin->map, twin->payments, sizeof *twin->payments, MODEL_PAYMENTS_MAX, 1);
    CHECK(status == STATUS_OK);
    status =
        id_map_init(&twin->answer_map, twin->answers, sizeof *twin->answers, MODEL_ANSWERS_MAX, 2);
    CHECK(status == STATUS_OK);
    return twin;
}

void model_payments_free(struct model_payments *twin)
{
    if (twin == NULL) return;
    for (uint32_t i = 0; i < twin->payment_count; i++) free(twin->payments[i].images);
    id_map_free(&twin->map);
    id_map_free(&twin->answer_map);
    reserve_free(twin->payments, MODEL_PAYMENTS_MAX * sizeof *twin->payments);
    reserve_free(twin->answers, MODEL_ANSWERS_MAX * sizeof *twin->answers);
    free(twin->events);
    free(twin);
}

/* ---- Looking up ---- */

struct model_payment *model_payments_find(const struct model_payments *twin, struct uuid id)
{
    uint32_t place = id_map_find(&twin->map, id);
    return place == ID_MAP_NONE ? NULL : &twin->payments[place];
}

struct model_answer *model_payments_answer(const struct model_payments *twin, struct uuid key)
{
    uint32_t place = id_map_find(&twin->answer_map, key);
    return place == ID_MAP_NONE ? NULL : &twin->answers[place];
}

/* The place among the open ones is nobody's business. */
uint64_t model_payment_hash(const struct payment *payment)
{
    struct payment shown = *payment;
    shown.slot = 0;
    return hash_bytes(&shown, sizeof shown);
}

bool model_payment_stood(const struct model_payment *payment, const struct payment *image)
{
    uint64_t hash = model_payment_hash(image);
    for (uint32_t i = payment->image_count; i > 0; i--) {
        if (payment->images[i - 1] == hash) return true;
    }
    return false;
}

bool model_payments_expects(const struct model_payments *twin, const struct psp_order *order)
{
    const struct model_payment *known = model_payments_find(twin, order->payment.value);
    if (known == NULL || known->newest.step_number < order->step_number) return false;
    if (known->newest.step_number > order->step_number) return true; /* a late repeat */
    return known->newest.step == order->operation && known->newest.asset == order->asset &&
           money_equal(known->newest.step_amount, order->amount);
}

/* ---- Records ---- */

static void wrong(struct model_payments *twin, const struct payment *payment, const char *what)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(payment->id.value, id);
    verdict_violation(twin->verdict,
                      "batch %" PRIu64 " unit %u: %s (%s %s, %s, version %" PRIu64 ")",
                      twin->unit.batch, twin->unit.index, what, payment_kind_name(payment->kind),
                      id, payment_state_name(payment->state), payment->version);
}

static struct model_payment *payment_add(struct model_payments *twin, struct uuid id)
{
    CHECK(twin->payments != NULL);
    CHECK(twin->payment_count < MODEL_PAYMENTS_MAX);
    uint32_t place = twin->payment_count++;
    twin->payments[place].id = id;
    id_map_insert(&twin->map, place);
    return &twin->payments[place];
}

static void image_add(struct model_payment *payment, const struct payment *image)
{
    if (payment->image_count == payment->image_room) {
        payment->image_room = payment->image_room == 0 ? 8 : 2 * payment->image_room;
        payment->images = realloc(payment->images, payment->image_room * sizeof *payment->images);
        CHECK(payment->images != NULL);
    }
    payment->images[payment->image_count++] = model_payment_hash(image);
}

static void event_add(struct model_payments *twin, const struct model_event *event)
{
    if (twin->event_count == twin->event_room) {
        twin->event_room = twin->event_room == 0 ? 256 : 2 * twin->event_room;
        twin->events = realloc(twin->events, twin->event_room * sizeof *twin->events);
        CHECK(twin->events != NULL);
    }
    twin->events[twin->event_count++] = *event;
}

/* Whether others see a difference. */
static bool differs_for_others(const struct payment *before, const struct payment *after)
{
    const struct money sums[][2] = {
        { before->captured, after->captured },
        { before->refunded, after->refunded },
        { before->refund_pending, after->refund_pending },
        { before->disputed, after->disputed },
    };
    for (int i = 0; i < 4; i++) {
        if (!money_equal(sums[i][0], sums[i][1])) return true;
    }
    bool settled = (after->flags & PAYMENT_FLAG_SETTLED) != (before->flags & PAYMENT_FLAG_SETTLED);
    return settled || before->state != after->state;
}

/* A record that goes on from another, or begins. NULL: it is as it must be. */
static const char *chain_fault(const struct model_payment *known,
                               const struct record_payment *record)
{
    const struct payment *after = &record->payment;
    bool first = known->image_count == 0;
    bool done = record->head.outcome == PAYMENT_OUTCOME_OK;
    if (((record->head.flags & RECORD_FLAG_CREATES) != 0) != first) {
        return first ? "its first record does not say so" : "it is made twice";
    }
    if (first) {
        if (!locator_is_none(record->previous)) return "its first record has one before";
        if (done && after->version != 1) return "its first version is not 1";
        return NULL;
    }
    if (!done) {
        if (!locator_is_none(record->previous)) return "a refusal is in its chain";
        bool same = model_payment_hash(after) == model_payment_hash(&known->newest);
        return same ? NULL : "a refusal changes it";
    }
    if (record->previous.packed != known->newest_at.packed) return "its chain is broken";
    if (after->version != known->newest.version + 1) return "a version is left out";
    return NULL;
}

static const char *move_fault(const struct model_payment *known,
                              const struct record_payment *record)
{
    const struct payment *after = &record->payment;
    struct payment_move move = {
        .kind = after->kind,
        .from = known->newest.state,
        .to = after->state,
        .cause = record->head.kind,
    };
    if (record->head.outcome != PAYMENT_OUTCOME_OK) return NULL;
    return payment_move_allowed(&move) ? NULL : "a move that is in no table";
}

static const char *amounts_fault(const struct payment *payment)
{
    if (money_equal(payment->amount, MONEY_MAX)) return NULL; /* "all", refused */
    if (money_less(payment->amount, payment->captured)) return "more is taken than was asked for";
    struct money given;
    if (!money_add(payment->refunded, payment->refund_pending, &given)) return "refunds overflow";
    if (money_less(payment->captured, given) && payment->kind != PAYMENT_REFUND &&
        money_is_zero(payment->disputed)) {
        return "more is given back than was taken";
    }
    return NULL;
}

static void answer_note(struct model_payments *twin, const struct record_payment *record,
                        const struct record_context *context, struct position position)
{
    if (uuid_is_nil(context->key) || record->head.kind == PAYMENT_CAUSE_FOLLOW) return;
    if (model_payments_answer(twin, context->key) != NULL) {
        wrong(twin, &record->payment, "what was asked under one key is done twice");
        return;
    }
    CHECK(twin->answers != NULL);
    CHECK(twin->answer_count < MODEL_ANSWERS_MAX);
    uint32_t place = twin->answer_count++;
    twin->answers[place] = (struct model_answer){
        .key = context->key,
        .fingerprint = context->fingerprint,
        .hash = model_payment_hash(&record->payment),
        .position = position,
        .outcome = record->head.outcome,
        .ledger_outcome = record->ledger_outcome,
    };
    id_map_insert(&twin->answer_map, place);
}

static void touch(struct model_payments *twin, struct model_payment *payment)
{
    CHECK(twin->touched_count < sizeof twin->touched / sizeof twin->touched[0]);
    twin->touched[twin->touched_count++] = (uint32_t)(payment - twin->payments);
}

static void counts_add(struct model_payments *twin, const struct model_payment *known,
                       const struct record_payment *record)
{
    const struct payment *after = &record->payment;
    bool done = record->head.outcome == PAYMENT_OUTCOME_OK;
    twin->outcomes[record->head.outcome]++;
    twin->causes[record->head.kind]++;
    if (record->head.kind == PAYMENT_CAUSE_ANSWER) twin->answered[record->answer]++;
    if (!done) return;
    twin->moves++;
    if (known->image_count == 0) twin->kinds[after->kind]++;
    if (known->newest.state != after->state) twin->states[after->state]++;
}

/* Ends the unit in hand when another begins. */
static void unit_begin(struct model_payments *twin, struct position unit)
{
    bool same = twin->unit.batch == unit.batch && twin->unit.index == unit.index;
    if (same && twin->touched_count > 0) return;
    model_payments_batch_end(twin);
    twin->unit = unit;
}

void model_payments_record(struct model_payments *twin, const struct record_payment *record,
                           const struct record_context *context, struct model_payment_place where)
{
    unit_begin(twin, where.position);
    const struct payment *after = &record->payment;
    bool done = record->head.outcome == PAYMENT_OUTCOME_OK;
    struct model_payment *known = model_payments_find(twin, after->id.value);
    answer_note(twin, record, context, where.position);
    bool makes =
        record->head.kind == PAYMENT_CAUSE_CREATE || record->head.kind == PAYMENT_CAUSE_DISPUTE;
    if (known == NULL && !makes) { /* a command to what is not there takes no id */
        twin->outcomes[record->head.outcome]++;
        if (done) wrong(twin, after, "something is done to a payment that is not there");
        return;
    }
    if (known == NULL) known = payment_add(twin, after->id.value);
    const char *fault = chain_fault(known, record);
    if (fault == NULL) fault = move_fault(known, record);
    if (fault == NULL) fault = amounts_fault(after);
    bool first = known->image_count == 0;
    bool tells = (first || done) && differs_for_others(&known->newest, after);
    bool said = (record->head.flags & RECORD_FLAG_TELLS) != 0;
    if (fault == NULL && said != tells) fault = "whether others are told is wrong";
    if (fault != NULL) wrong(twin, after, fault);
    if (tells && twin->touched_count == 0) {
        const struct model_event event = { where.position, after->id.value, after->state };
        event_add(twin, &event);
    }
    counts_add(twin, known, record);
    touch(twin, known);
    if (!first && !done) return;
    if (first) known->outcome = record->head.outcome;
    known->newest = *after;
    known->newest_at = where.locator;
    known->newest_of = where.position;
    image_add(known, after);
}

/* ---- Transfers ---- */

static void party_add(struct model_payment *payment, struct account_id account, __int128 net)
{
    for (uint32_t i = 0; i < payment->party_count; i++) {
        struct model_party *party = &payment->parties[i];
        if (!uuid_equal(party->account.value, account.value)) continue;
        party->net += net;
        return;
    }
    CHECK(payment->party_count < MODEL_PARTIES_MAX);
    payment->parties[payment->party_count++] = (struct model_party){ account, net };
}

void model_payments_transfer(struct model_payments *twin, const struct record_transfer *record)
{
    uint8_t kind = record->head.kind;
    bool posts = kind == TRANSFER_DIRECT || kind == TRANSFER_POST || kind == TRANSFER_REVERSAL;
    if (record->head.outcome != OUTCOME_OK || !posts) return;
    struct model_payment *payment = model_payments_find(twin, record->user_ref);
    if (payment == NULL) return; /* of nobody's payment */
    party_add(payment, record->debit, -(__int128)record->amount.minor);
    party_add(payment, record->credit, (__int128)record->amount.minor);
    payment->reversals += kind == TRANSFER_REVERSAL;
    if (payment->reversals > 1) wrong(twin, &payment->newest, "it is taken back twice");
}

static __int128 net_of(const struct model_payment *payment, struct account_id account)
{
    for (uint32_t i = 0; i < payment->party_count; i++) {
        if (uuid_equal(payment->parties[i].account.value, account.value)) {
            return payment->parties[i].net;
        }
    }
    return 0;
}

/* What the customer's account must have got (or given, below zero) by what the payment says. */
static __int128 owed_by(const struct payment *payment, struct account_id *out_account)
{
    __int128 taken = (__int128)payment->captured.minor;
    *out_account = payment->wallet;
    switch ((enum payment_kind)payment->kind) {
    case PAYMENT_PAY_IN: return taken;
    case PAYMENT_PAY_OUT:
    case PAYMENT_WALLET:
    case PAYMENT_EXCHANGE: return -taken;
    case PAYMENT_REFUND:
        if (uuid_is_nil(payment->counter.value)) return -taken;
        *out_account = payment->counter; /* who was paid may be in another lane */
        return taken;
    case PAYMENT_MERCHANT:
        if (payment->method[0] == '\0') return -taken; /* the merchant may be in another lane */
        *out_account = payment->counter;
        return taken;
    case PAYMENT_CHARGEBACK: /* the customer keeps it: the house bears the loss */
    case PAYMENT_KIND_END: break;
    }
    return 0;
}

void model_payments_batch_end(struct model_payments *twin)
{
    for (uint32_t i = 0; i < twin->touched_count; i++) {
        const struct model_payment *payment = &twin->payments[twin->touched[i]];
        struct account_id account;
        __int128 owed = owed_by(&payment->newest, &account);
        if (net_of(payment, account) != owed) {
            wrong(twin, &payment->newest, "its transfers have moved another amount than it says");
        }
    }
    twin->touched_count = 0;
}
