/* A walk over each blob, record by record, with model/record.h as the only thing shared. */
#include "sim/model_journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "model/record.h"
#include "model/transit.h"
#include "payment/chart.h"
#include "sim/model_decide.h"

/* The batch in hand, and the place in it. */
struct walk {
    const uint8_t *data;
    uint32_t size;
    uint64_t sequence;
    struct wall_time stamp;
    uint32_t at;
    uint32_t records;
};

void model_journal_init(struct model_journal *journal, struct model *model, struct verdict *verdict)
{
    *journal = (struct model_journal){ .model = model, .verdict = verdict };
    journal->undos = calloc(LINKED_MAX, sizeof *journal->undos);
    CHECK(journal->undos != NULL);
}

void model_journal_done(struct model_journal *journal)
{
    free(journal->undos);
}

/* NULL at the end, and for what is no record. */
static const struct record_head *record_at(const struct walk *walk, uint32_t at)
{
    if (at + sizeof(struct record_head) > walk->size) return NULL;
    const struct record_head *head = (const struct record_head *)(walk->data + at);
    bool fits = head->size >= sizeof *head && head->size % 16 == 0 && at + head->size <= walk->size;
    return fits ? head : NULL;
}

static bool record_intact(const struct record_head *head)
{
    uint8_t copy[4096];
    if (head->size > sizeof copy) return false;
    memcpy(copy, head, head->size);
    memset(copy + offsetof(struct record_head, check), 0, sizeof head->check);
    return (uint32_t)hash_bytes(copy, head->size) == head->check;
}

static struct position position_of(const struct walk *walk, const struct record_head *head)
{
    return (struct position){ walk->sequence, head->unit };
}

static struct locator locator_of(const struct walk *walk, const struct record_head *head)
{
    return locator_make(walk->sequence, (uint32_t)((const uint8_t *)head - walk->data));
}

static struct model_place place_of(const struct walk *walk, const struct record_head *head)
{
    return (struct model_place){ locator_of(walk, head), position_of(walk, head) };
}

/* ---- Transfers ---- */

static const struct record_transfer_more *more_of(const struct record_transfer *record)
{
    if (record->head.size != RECORD_TRANSFER_LONG_SIZE) return NULL;
    return (const struct record_transfer_more *)(record + 1);
}

/* What was asked for, as far as the record says it. */
static struct transfer asked_of(const struct record_transfer *record)
{
    const struct record_transfer_more *more = more_of(record);
    bool own_parties =
        record->head.kind == TRANSFER_DIRECT || transfer_kind_holds(record->head.kind);
    struct transfer asked = {
        .id = record->id,
        .amount = more == NULL ? record->amount : more->requested,
        .user_ref = record->user_ref,
        .timeout_s = record->timeout_s,
        .code = record->code,
        .kind = record->head.kind,
        .flags = record->head.flags & (uint8_t) ~(RECORD_FLAGS_GIVEN | RECORD_FLAG_CLOSES_HOLD),
    };
    if (own_parties) {
        asked.debit = record->debit;
        asked.credit = record->credit;
    }
    if (more != NULL) asked.target = more->target;
    bool asset_given = (record->head.flags & RECORD_FLAG_ASSET_GIVEN) != 0;
    if (own_parties || asset_given) asked.asset = record->asset;
    if ((record->head.flags & RECORD_FLAG_DATE_GIVEN) != 0) asked.value_date = record->value_date;
    return asked;
}

/* What a record of an applied transfer must state, beside its outcome. */
static void effect_compare(struct model_journal *journal, const struct walk *walk,
                           const struct record_transfer *record, const struct model_effect *effect)
{
    const struct model *model = journal->model;
    const struct record_transfer_more *more = more_of(record);
    const struct account_state *debit = &model->accounts[effect->debit].state;
    const struct account_state *credit = &model->accounts[effect->credit].state;
    const char *wrong = NULL;
    if (!money_equal(record->amount, effect->amount)) wrong = "amount";
    if (more != NULL && !money_equal(more->released, effect->released)) wrong = "released";
    if (!uuid_equal(record->debit.value, debit->account.id.value)) wrong = "debit";
    if (!uuid_equal(record->credit.value, credit->account.id.value)) wrong = "credit";
    if (record->asset != effect->asset) wrong = "asset";
    if (record->value_date.days != effect->value_date.days) wrong = "value_date";
    if (record->previous_debit.packed != debit->last_entry.packed) wrong = "previous_debit";
    if (record->previous_credit.packed != credit->last_entry.packed) wrong = "previous_credit";
    if (wrong != NULL) {
        verdict_violation(journal->verdict,
                          "batch %" PRIu64 " offset %u: %s of a transfer is wrong", walk->sequence,
                          locator_offset(locator_of(walk, &record->head)), wrong);
    }
}

/* After an effect on a hold: does the record say rightly whether the hold is closed now? */
static void closing_compare(struct model_journal *journal, const struct walk *walk,
                            const struct record_transfer *record, uint32_t target)
{
    bool stated = (record->head.flags & RECORD_FLAG_CLOSES_HOLD) != 0;
    const struct model_transfer *transfer =
        target == MODEL_NONE ? NULL : &journal->model->transfers[target];
    bool closed = transfer != NULL && transfer_kind_holds(transfer->asked.kind) &&
                  transfer->closed_at.packed == locator_of(walk, &record->head).packed;
    if (stated != closed) {
        verdict_violation(journal->verdict, "batch %" PRIu64 ": the end of a hold is misstated",
                          walk->sequence);
    }
}

static uint32_t transfer_add(struct model_journal *journal, const struct walk *walk,
                             const struct record_transfer *record,
                             const struct model_effect *effect)
{
    bool done = effect->outcome == OUTCOME_OK;
    struct model_transfer transfer = {
        .asked = asked_of(record),
        .outcome = effect->outcome,
        .debit = effect->debit,
        .credit = effect->credit,
        .amount = done ? effect->amount : record->amount,
        .asset = record->asset,
        .position = position_of(walk, &record->head),
        .stamp = walk->stamp,
        .locator = locator_of(walk, &record->head),
    };
    if (done && transfer_kind_holds(record->head.kind)) {
        transfer.remaining = effect->amount;
        if (record->timeout_s != 0) {
            transfer.expires_at.ns = walk->stamp.ns + (int64_t)record->timeout_s * NS_PER_S;
        }
    }
    return model_transfer_add(journal->model, &transfer);
}

static void outcome_compare(struct model_journal *journal, const struct walk *walk,
                            const struct record_transfer *record, enum outcome decided)
{
    const struct record_transfer_more *more = more_of(record);
    journal->outcomes[decided]++;
    if (decided != OUTCOME_OK && more != NULL && !money_equal(record->amount, more->requested)) {
        verdict_violation(journal->verdict,
                          "batch %" PRIu64 ": a refusal states another amount than was asked for",
                          walk->sequence);
    }
    if (record->head.outcome == decided) return;
    const char *recorded =
        record->head.outcome < OUTCOME_COUNT ? outcome_code(record->head.outcome) : "none";
    verdict_violation(journal->verdict,
                      "batch %" PRIu64 " offset %u: a transfer of kind %u is recorded as %s, "
                      "the twin decides %s",
                      walk->sequence, locator_offset(locator_of(walk, &record->head)),
                      record->head.kind, recorded, outcome_code(decided));
}

static void expire(struct model_journal *journal, const struct walk *walk,
                   const struct record_transfer *record)
{
    struct model *model = journal->model;
    const struct transfer asked = asked_of(record);
    uint32_t place = model_transfer_find(model, asked.target);
    const struct model_transfer *hold = place == MODEL_NONE ? NULL : &model->transfers[place];
    if (hold == NULL || hold->asked.kind != TRANSFER_HOLD || hold->outcome != OUTCOME_OK ||
        hold->closed_by != 0) {
        verdict_violation(journal->verdict, "batch %" PRIu64 ": expires what is no open hold",
                          walk->sequence);
        return;
    }
    if (hold->expires_at.ns == 0 || walk->stamp.ns < hold->expires_at.ns) {
        verdict_violation(journal->verdict, "batch %" PRIu64 ": a hold expires before its time",
                          walk->sequence);
        return;
    }
    struct model_effect effect = {
        .outcome = OUTCOME_OK,
        .target = place,
        .debit = hold->debit,
        .credit = hold->credit,
        .asset = hold->asset,
        .amount = hold->remaining,
        .released = hold->remaining,
        .value_date = business_date_of(walk->stamp),
    };
    effect_compare(journal, walk, record, &effect);
    struct model_undo undo;
    model_apply(model, &asked, &effect, place_of(walk, &record->head), &undo);
    model_unit_end(model, position_of(walk, &record->head));
    closing_compare(journal, walk, record, effect.target);
    journal->outcomes[record->head.outcome]++;
    journal->expiries++;
}

/* One unit's transfers: alone, or a linked group. */
struct group {
    const struct record_transfer *records[LINKED_MAX];
    uint32_t places[LINKED_MAX];
    uint32_t count;
};

/*
 * A member that is a repeat or an id conflict is not in the journal, and takes the others with
 * it: so a unit of which every record says LINKED_FAILED is believed. Whether it was linked at
 * all is for the check of the answer.
 */
static bool failed_by_unseen(const struct group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        if (group->records[i]->head.outcome != OUTCOME_LINKED_FAILED) return false;
    }
    return true;
}

/*
 * What was taken back before it was known is refused whatever the state, and what names an account
 * between lanes; what is of a payment, when its account is there and no wallet. That nothing else is
 * refused so is for whoever knows of both lanes. OUTCOME_OK: as the ledger decides.
 */
static enum outcome outcome_of_lanes(const struct model *model, const struct group *group)
{
    const struct record_transfer *record = group->records[0];
    bool arrives = group->count == 1 && record->head.kind == TRANSFER_DIRECT &&
                   (record->head.flags & TRANSFER_FLAG_OWNED) != 0;
    if (arrives && record->head.outcome == OUTCOME_WITHDRAWN) return OUTCOME_WITHDRAWN;
    bool as_paid = record->head.outcome == OUTCOME_NOT_A_WALLET;
    bool comes = transit_account_is(record->debit); /* else it is given, to the other lane */
    if (arrives && comes && transit_account_is(record->credit))
        return as_paid ? OUTCOME_NOT_A_WALLET : OUTCOME_CREDIT_ACCOUNT_NOT_FOUND;
    if (!arrives || !as_paid) return OUTCOME_OK;
    uint32_t place = model_account_find(model, comes ? record->credit : record->debit);
    bool wallet = place == MODEL_NONE || chart_is_wallet(&model->accounts[place].state.account);
    return wallet ? OUTCOME_OK : OUTCOME_NOT_A_WALLET;
}

/* Adds and applies members until one is refused; the rest is added as refused. How many held. */
static uint32_t group_decide(struct model_journal *journal, const struct walk *walk,
                             struct group *group)
{
    struct model *model = journal->model;
    uint32_t applied = 0;
    bool refused = failed_by_unseen(group);
    enum outcome of_lanes = outcome_of_lanes(model, group);
    for (uint32_t i = 0; i < group->count; i++) {
        const struct record_transfer *record = group->records[i];
        struct transfer asked = asked_of(record);
        struct model_effect effect = model_decide(model, &asked, walk->stamp);
        if (refused) effect.outcome = OUTCOME_LINKED_FAILED;
        if (of_lanes != OUTCOME_OK) effect.outcome = of_lanes;
        if (effect.outcome != OUTCOME_OK) {
            group->places[i] = transfer_add(journal, walk, record, &effect);
            refused = true;
            continue;
        }
        bool stated = record->head.outcome == OUTCOME_OK;
        if (stated) effect_compare(journal, walk, record, &effect);
        group->places[i] = transfer_add(journal, walk, record, &effect);
        model_apply(model, &asked, &effect, place_of(walk, &record->head),
                    &journal->undos[applied++]);
        if (stated) closing_compare(journal, walk, record, effect.target);
    }
    return applied;
}

static void group_apply(struct model_journal *journal, const struct walk *walk, struct group *group)
{
    struct model *model = journal->model;
    uint32_t applied = group_decide(journal, walk, group);
    bool fails = applied < group->count;
    for (uint32_t i = applied; fails && i > 0; i--) {
        model_undo(model, &journal->undos[i - 1]);
        struct model_transfer *member = &model->transfers[group->places[i - 1]];
        member->outcome = OUTCOME_LINKED_FAILED;
        member->amount = group->records[i - 1]->amount;
    }
    for (uint32_t i = 0; i < group->count; i++) {
        outcome_compare(journal, walk, group->records[i],
                        model->transfers[group->places[i]].outcome);
        if (journal->payments != NULL) {
            model_payments_transfer(journal->payments, group->records[i]);
        }
    }
    model_unit_end(model, position_of(walk, &group->records[0]->head));
    group->count = 0;
}

static bool id_is_new(struct model_journal *journal, const struct walk *walk,
                      const struct record_transfer *record)
{
    bool fresh = !uuid_is_nil(record->id.value) &&
                 model_transfer_find(journal->model, record->id) == MODEL_NONE;
    if (!fresh) {
        verdict_violation(journal->verdict, "batch %" PRIu64 " offset %u: an id comes twice",
                          walk->sequence, locator_offset(locator_of(walk, &record->head)));
    }
    return fresh;
}

/* ---- Everything else ---- */

static void context_apply(struct model_journal *journal, const struct walk *walk,
                          const struct record_context *record)
{
    struct model *model = journal->model;
    if (uuid_is_nil(record->key)) return;
    uint32_t place = model_context_find(model, record->key);
    if ((record->first != 0) != (place == MODEL_NONE)) {
        verdict_violation(journal->verdict,
                          "batch %" PRIu64 ": the first use of a key is misstated", walk->sequence);
    }
    if (place == MODEL_NONE) {
        struct model_context context = {
            .key = record->key,
            .fingerprint = record->fingerprint,
            .root = record->root,
            .position = { walk->sequence, 0 },
            .stamp = walk->stamp,
        };
        (void)model_context_add(model, &context); /* found by its key */
        return;
    }
    const struct model_context *known = &model->contexts[place];
    if (!uuid_equal(known->fingerprint, record->fingerprint)) {
        verdict_violation(journal->verdict, "batch %" PRIu64 ": a key with two fingerprints",
                          walk->sequence);
    }
    if (!uuid_equal(known->root, record->root)) {
        verdict_violation(journal->verdict, "batch %" PRIu64 ": a key with two roots",
                          walk->sequence);
    }
}

static void account_apply(struct model_journal *journal, const struct walk *walk,
                          const struct record_account *record)
{
    bool repeated = false;
    enum account_outcome decided =
        model_account_decide(journal->model, &record->account, &repeated);
    journal->account_outcomes[decided]++;
    /* An id in the journal twice is wrong whatever it came to. */
    bool again = repeated || decided == ACCOUNT_OUTCOME_ID_CONFLICT;
    if (again || decided != record->head.outcome) {
        verdict_violation(journal->verdict,
                          "batch %" PRIu64 ": an account is recorded as %u, the twin decides %s%s",
                          walk->sequence, record->head.outcome, account_outcome_code(decided),
                          again ? ", its id was there before" : "");
        return;
    }
    if (decided != ACCOUNT_OUTCOME_OK) {
        const struct model_refused_account refused = {
            .asked = record->account,
            .outcome = decided,
            .position = position_of(walk, &record->head),
            .stamp = walk->stamp,
        };
        model_refused_account_add(journal->model, &refused);
        return;
    }
    struct model_account account = {
        .state = { .account = record->account, .created_at = walk->stamp },
        .position = position_of(walk, &record->head),
        .locator = locator_of(walk, &record->head),
    };
    (void)model_account_add(journal->model, &account); /* found by its id */
    model_unit_end(journal->model, account.position);
}

/* The act that a record of one of the small types states. */
static struct admin admin_of(const struct record_head *head)
{
    struct admin admin = { 0 };
    if (head->type == RECORD_ACCOUNT_CHANGE) {
        const struct record_account_change *record = (const void *)head;
        admin.kind = ADMIN_ACCOUNT_CHANGE;
        admin.account = record->account;
        admin.set = record->set;
        admin.clear = record->clear;
    } else if (head->type == RECORD_ASSET) {
        const struct record_asset *record = (const void *)head;
        admin.kind = ADMIN_ASSET_CREATE;
        admin.asset.id = record->id;
        admin.asset.exponent = record->exponent;
        memcpy(admin.asset.code, record->code, sizeof admin.asset.code);
    } else if (head->type == RECORD_PERIOD) {
        admin.kind = ADMIN_PERIOD_CLOSE;
        admin.closed_through = ((const struct record_period *)(const void *)head)->closed_through;
    } else if (head->type == RECORD_RATE) {
        const struct record_rate *record = (const void *)head;
        admin.kind = ADMIN_RATE_SET;
        admin.rate = (struct rate){ record->asset, record->counter_asset, record->numerator,
                                    record->denominator };
    } else if (head->type == RECORD_RAISE) {
        admin.raise = ((const struct record_raise *)(const void *)head)->raise;
        admin.kind = admin.raise.traces == 0 ? ADMIN_TRACE_LOWER : ADMIN_TRACE_RAISE;
    } else if (head->type == RECORD_NOTICE) {
        const struct record_notice *record = (const void *)head;
        admin.kind = ADMIN_NOTICE;
        admin.notice.kind = head->kind;
        admin.notice.subject = record->subject;
        memcpy(admin.reason, record->reason, sizeof admin.reason);
    } else {
        const struct record_credential *record = (const void *)head;
        admin.kind = record->revoked ? ADMIN_CREDENTIAL_REVOKE : ADMIN_CREDENTIAL_CREATE;
        admin.credential.id = record->id;
        admin.credential.secret_digest = record->secret_digest;
        admin.credential.scopes = record->scopes;
        memcpy(admin.credential.name, record->name, sizeof admin.credential.name);
    }
    return admin;
}

static void admin_apply(struct model_journal *journal, const struct walk *walk,
                        const struct record_head *head)
{
    struct model *model = journal->model;
    struct admin admin = admin_of(head);
    enum admin_outcome decided = model_admin_decide(model, &admin, walk->stamp);
    journal->admin_outcomes[decided]++;
    if (decided != head->outcome) {
        verdict_violation(journal->verdict,
                          "batch %" PRIu64 ": an act is recorded as %u, the twin decides %s",
                          walk->sequence, head->outcome, admin_outcome_code(decided));
        return;
    }
    const struct record_context *under = (const void *)(walk->data + head->context);
    uint32_t place = model_context_find(model, under->key);
    if (place != MODEL_NONE) {
        struct model_context *context = &model->contexts[place];
        if (context->has_admin) {
            verdict_violation(journal->verdict, "batch %" PRIu64 ": an act is done twice",
                              walk->sequence);
        }
        context->has_admin = true;
        context->admin_outcome = decided;
        context->asset_id = admin.asset.id;
        context->position = position_of(walk, head);
        memcpy(context->admin_reason, admin.reason, sizeof context->admin_reason);
    }
    journal->act = position_of(walk, head);
    if (decided == ADMIN_OUTCOME_OK) model_admin_apply(model, &admin, walk->stamp);
    model_unit_end(model, position_of(walk, head));
}

static void notice_apply(struct model_journal *journal, const struct walk *walk,
                         const struct record_notice *record)
{
    if (record->head.kind != NOTICE_REASON) {
        admin_apply(journal, walk, &record->head);
        return;
    }
    struct position act = journal->act;
    if (act.batch != walk->sequence || act.index != record->head.unit) {
        verdict_violation(journal->verdict, "batch %" PRIu64 ": a reason behind no act",
                          walk->sequence);
    }
    const struct record_context *under = (const void *)(walk->data + record->head.context);
    uint32_t place = model_context_find(journal->model, under->key);
    if (place == MODEL_NONE) return;
    memcpy(journal->model->contexts[place].admin_reason, record->reason, sizeof record->reason);
}

static void payment_apply(struct model_journal *journal, const struct walk *walk,
                          const struct record_payment *record)
{
    if (journal->payments == NULL) {
        verdict_violation(journal->verdict, "batch %" PRIu64 ": a payment that nobody asked for",
                          walk->sequence);
        return;
    }
    const struct record_context *context = (const void *)(walk->data + record->head.context);
    const struct model_payment_place where = { locator_of(walk, &record->head),
                                               position_of(walk, &record->head) };
    model_payments_record(journal->payments, record, context, where);
}

static void record_apply(struct model_journal *journal, const struct walk *walk,
                         const struct record_head *head)
{
    switch ((enum record_type)head->type) {
    case RECORD_CONTEXT: context_apply(journal, walk, (const void *)head); return;
    case RECORD_ACCOUNT: account_apply(journal, walk, (const void *)head); return;
    case RECORD_ACCOUNT_CHANGE:
    case RECORD_ASSET:
    case RECORD_PERIOD:
    case RECORD_CREDENTIAL:
    case RECORD_RATE:
    case RECORD_RAISE: admin_apply(journal, walk, head); return;
    case RECORD_NOTICE: notice_apply(journal, walk, (const void *)head); return;
    case RECORD_TRANSFER: break; /* by its group */
    case RECORD_PAYMENT: payment_apply(journal, walk, (const void *)head); return;
    }
}

/* ---- The walk ---- */

static bool header_holds(struct model_journal *journal, const struct batch_header *header,
                         const struct sim_batch *batch)
{
    const char *wrong = NULL;
    if (header->magic != BATCH_MAGIC || header->version != BATCH_VERSION)
        wrong = "magic or version";
    if (header->size != batch->size || header->header_size != sizeof *header) wrong = "size";
    if (header->sequence != journal->sequence + 1) wrong = "sequence";
    if (header->epoch != batch->epoch || header->epoch < journal->epoch) wrong = "epoch";
    if (header->stamp.ns != batch->stamp.ns) wrong = "stamp, not the store's";
    if (header->stamp.ns <= journal->stamp.ns) wrong = "stamp, not above the last";
    if (!digest_equal(&header->previous, &journal->hash)) wrong = "hash of the batch before";
    if (wrong == NULL) return true;
    verdict_violation(journal->verdict, "batch %" PRIu64 ": wrong %s", journal->sequence + 1,
                      wrong);
    return false;
}

/* Per asset, posted and pending: what is debited is credited. */
static void totals_check(struct model_journal *journal)
{
    const struct model *model = journal->model;
    for (uint32_t i = 0; i < model->account_count; i++) {
        uint32_t asset = model->accounts[i].state.account.asset;
        uint128 posted = 0;
        uint128 pending = 0;
        bool first = true;
        for (uint32_t j = 0; j < model->account_count; j++) {
            const struct account_state *state = &model->accounts[j].state;
            if (state->account.asset != asset) continue;
            if (j < i) first = false;
            posted += state->balance.debits_posted.minor - state->balance.credits_posted.minor;
            pending += state->balance.debits_pending.minor - state->balance.credits_pending.minor;
        }
        if (first && (posted != 0 || pending != 0)) {
            verdict_violation(journal->verdict, "batch %" PRIu64 ": asset %u does not add up",
                              journal->sequence, asset);
        }
    }
}

/* A payment's unit may have a second group, when the ledger refused the first. */
static bool group_over(const struct group *group)
{
    const struct record_transfer *last = group->records[group->count - 1];
    return (last->head.flags & TRANSFER_FLAG_LINKED) == 0;
}

/* Takes transfers of one unit together; anything else ends the group in hand. */
static void walk_record(struct model_journal *journal, const struct walk *walk,
                        const struct record_head *head, struct group *group)
{
    bool is_transfer = head->type == RECORD_TRANSFER;
    bool same_unit = group->count > 0 && is_transfer && head->kind != TRANSFER_EXPIRE &&
                     head->unit == group->records[0]->head.unit && !group_over(group);
    if (group->count > 0 && !same_unit && head->type != RECORD_CONTEXT) {
        group_apply(journal, walk, group);
    }
    if (!is_transfer) {
        record_apply(journal, walk, head);
        return;
    }
    const struct record_transfer *record = (const void *)head;
    if (head->kind == TRANSFER_EXPIRE) {
        expire(journal, walk, record);
    } else if (!id_is_new(journal, walk, record)) {
        return;
    } else if (group->count < LINKED_MAX) {
        group->records[group->count++] = record;
    } else {
        verdict_violation(journal->verdict, "batch %" PRIu64 ": a group over LINKED_MAX",
                          walk->sequence);
    }
}

static void walk_all(struct model_journal *journal, struct walk *walk)
{
    struct group group = { .count = 0 };
    while (walk->at < walk->size) {
        const struct record_head *head = record_at(walk, walk->at);
        if (head == NULL || !record_intact(head)) {
            verdict_violation(journal->verdict, "batch %" PRIu64 " offset %u: no whole record",
                              walk->sequence, walk->at);
            return;
        }
        walk_record(journal, walk, head, &group);
        walk->at += head->size;
        walk->records++;
    }
    if (group.count > 0) group_apply(journal, walk, &group);
    if (journal->payments != NULL) model_payments_batch_end(journal->payments);
}

void model_journal_batch(struct model_journal *journal, uint64_t sequence,
                         const struct sim_batch *batch)
{
    const struct batch_header *header = batch->data;
    if (batch->size < sizeof *header || !header_holds(journal, header, batch)) {
        verdict_violation(journal->verdict, "batch %" PRIu64 " is none", sequence);
        return;
    }
    journal->sequence = header->sequence;
    journal->stamp = header->stamp;
    journal->epoch = header->epoch;
    journal->hash = digest_of(batch->data, batch->size);
    struct walk walk = {
        .data = batch->data,
        .size = (uint32_t)batch->size,
        .sequence = header->sequence,
        .stamp = header->stamp,
        .at = sizeof *header,
    };
    walk_all(journal, &walk);
    if (walk.records != header->record_count) {
        verdict_violation(journal->verdict, "batch %" PRIu64 ": %u records, its header says %u",
                          sequence, walk.records, header->record_count);
    }
    journal->records += walk.records;
    totals_check(journal);
}
