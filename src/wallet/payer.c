/*
 * The record of the payment is written before the transfers, so that a repeat finds it behind
 * the context, and mended in place when the ledger refuses them. What has to be read from
 * history is read before the first byte is written.
 */
#include "wallet/payer.h"

#include <string.h>

#include "base/check.h"
#include "payment/chart.h"
#include "payment/decide.h"
#include "wallet/lane_task.h"
#include "wallet/transit_apply.h"

_Static_assert(sizeof(struct record_context) + 2 * sizeof(struct record_payment) +
                       2 * PAYMENT_TRANSFERS_MAX * RECORD_TRANSFER_LONG_SIZE <=
                   PAYMENT_ITEMS * (BATCH_ITEM_SIZE_MAX + sizeof(struct record_context)),
               "a payment's unit has the room that was asked for");

/* A payment as it stands, and where its newest record is. */
struct found {
    struct payment payment;
    struct locator newest;
    uint8_t outcome; /* of a creation that was refused */
    uint8_t ledger_outcome;
    bool there;
};

/* The newest record of a key that has several. */
static enum status find_last(struct index *index, struct uuid key, struct locator *out_locator,
                             struct error *out_error)
{
    struct locator page[PAGE_ITEMS_MAX];
    struct locator after = { 0 };
    for (;;) {
        const struct index_query query = { key, after, page, PAGE_ITEMS_MAX };
        uint32_t count;
        enum status status = index_find_after(index, &query, &count, out_error);
        if (status != STATUS_OK) return status;
        if (count > 0) after = page[count - 1];
        if (count < PAGE_ITEMS_MAX) break;
    }
    if (locator_is_none(after)) return STATUS_NOT_FOUND;
    *out_locator = after;
    return STATUS_OK;
}

static enum status payment_record_read(struct lane *lane, struct locator locator,
                                       struct applier_record *out_record, struct error *out_error)
{
    enum status status = applier_record_read(lane, locator, out_record, out_error);
    if (status != STATUS_OK) return status;
    if (((const struct record_head *)out_record->bytes)->type == RECORD_PAYMENT) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the index names no payment in batch %llu",
                     (unsigned long long)locator_batch(locator));
}

/* STATUS_OK also when there is none. */
static enum status payment_load(struct lane *lane, struct payment_id id, struct found *out_found,
                                struct error *out_error)
{
    *out_found = (struct found){ 0 };
    if (uuid_is_nil(id.value)) return STATUS_OK;
    const struct payment_table *table = &lane->ledger->payments;
    uint32_t place = payment_find(table, id);
    if (place != PAYMENT_SLOT_NONE) {
        out_found->payment = table->slots[place].payment;
        out_found->newest = table->slots[place].newest;
        out_found->there = true;
        return STATUS_OK;
    }
    struct index *index = lane->indexes[LANE_INDEX_PAYMENTS];
    struct locator locator;
    enum status status = index_find(index, id.value, &locator, out_error);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status == STATUS_OK) status = find_last(index, id.value, &locator, out_error);
    struct applier_record known;
    if (status == STATUS_OK) status = payment_record_read(lane, locator, &known, out_error);
    if (status != STATUS_OK) return status;
    const struct record_payment *record = (const struct record_payment *)known.bytes;
    out_found->payment = record->payment;
    out_found->payment.slot = PAYMENT_SLOT_NONE;
    out_found->newest = locator;
    out_found->outcome = record->head.outcome;
    out_found->ledger_outcome = record->ledger_outcome;
    out_found->there = true;
    return STATUS_OK;
}

/* ---- Repeats ---- */

static void result_write(const struct record_payment *record, struct position position,
                         struct wall_time stamp, struct payment_result *out_result)
{
    *out_result = (struct payment_result){
        .payment = record->payment,
        .position = position,
        .stamp = stamp,
        .outcome = record->head.outcome,
        .ledger_outcome = record->ledger_outcome,
    };
}

/* The record of a key that was used before stands right behind its context. */
static enum status key_repeat(struct lane *lane, struct request *request, struct error *out_error)
{
    struct locator context;
    enum status status =
        index_find(lane->indexes[LANE_INDEX_KEYS], request->key, &context, out_error);
    if (status != STATUS_OK) return status;
    struct locator behind = locator_make(locator_batch(context),
                                         locator_offset(context) + sizeof(struct record_context));
    struct applier_record known;
    status = payment_record_read(lane, behind, &known, out_error);
    if (status != STATUS_OK) return status;
    result_write((const struct record_payment *)known.bytes, known.position, known.stamp,
                 request->payment_result);
    request->payment_result->repeated = true;
    lane->building->repeats++;
    return STATUS_OK;
}

static bool same_content(const struct payment *made, const struct payment *draft)
{
    bool all = draft->kind == PAYMENT_REFUND && money_equal(draft->amount, MONEY_MAX);
    bool accounts =
        draft->kind == PAYMENT_REFUND || (uuid_equal(made->wallet.value, draft->wallet.value) &&
                                          uuid_equal(made->counter.value, draft->counter.value));
    return made->kind == draft->kind && (all || money_equal(made->amount, draft->amount)) &&
           accounts && uuid_equal(made->parent.value, draft->parent.value) &&
           uuid_equal(made->user_ref, draft->user_ref) &&
           (draft->asset == 0 || made->asset == draft->asset) &&
           made->counter_asset == draft->counter_asset && made->code == draft->code &&
           strcmp(made->method, draft->method) == 0;
}

/* The id is known: the same content is the same payment, as it stands by now. */
static enum status id_repeat(struct lane *lane, struct request *request, const struct found *found,
                             struct error *out_error)
{
    struct applier_record newest;
    enum status status = payment_record_read(lane, found->newest, &newest, out_error);
    if (status != STATUS_OK) return status;
    struct payment_result *result = request->payment_result;
    bool same = same_content(&found->payment, &request->payment->draft);
    *result = (struct payment_result){
        .payment = found->payment,
        .position = newest.position,
        .stamp = newest.stamp,
        .outcome = same ? found->outcome : PAYMENT_OUTCOME_ID_CONFLICT,
        .ledger_outcome = found->ledger_outcome,
        .repeated = same,
    };
    if (same) lane->building->repeats++;
    return STATUS_OK;
}

/* ---- Facts ---- */

static const struct account *account_of(const struct lane *lane, struct account_id id)
{
    if (uuid_is_nil(id.value)) return NULL;
    uint32_t number = ledger_account_find(lane->ledger, id);
    return number == ACCOUNT_NONE ? NULL : &ledger_account(lane->ledger, number)->account;
}

static bool chart_has(const struct lane *lane, uint32_t asset, const char *psp)
{
    struct lane_part part = lane_part(lane);
    bool has = account_of(lane, chart_account_id(part, asset, CHART_BANK, "")) != NULL;
    if (psp[0] == '\0') return has;
    return has && account_of(lane, chart_account_id(part, asset, CHART_CLEARING, psp)) != NULL;
}

static bool chart_made(const struct lane *lane, const struct payment *draft,
                       const struct payment *parent)
{
    uint32_t asset = parent != NULL ? parent->asset : draft->asset;
    const char *psp = parent != NULL ? parent->psp : draft->psp;
    bool made = chart_has(lane, asset, psp);
    if (draft->kind != PAYMENT_EXCHANGE) return made;
    return made && chart_has(lane, draft->counter_asset, "");
}

/*
 * Some places are kept for what is not a new payment: a late truth about one at rest must find
 * one, whatever callers open meanwhile, since its event would not come again.
 */
static uint32_t place_for(const struct payment_table *table, uint8_t cause)
{
    enum { KEPT_SHARE = 16 };
    uint32_t open_max = table->slots_max - table->slots_max / KEPT_SHARE;
    bool full = cause == PAYMENT_CAUSE_CREATE && table->count >= open_max;
    return full ? PAYMENT_SLOT_NONE : payment_next_place(table);
}

static struct payment_facts facts_of(const struct lane *lane, const struct request *request,
                                     const struct payment *draft, const struct payment *parent)
{
    struct payment_accounts accounts = payment_accounts(draft, parent);
    struct payment_facts facts = {
        .part = lane_part(lane),
        .stamp = lane->building->batch.stamp,
        .root = request->root_used,
        .parent = parent,
        .wallet = account_of(lane, accounts.wallet),
        .counter = account_of(lane, accounts.counter),
        .chart = chart_made(lane, draft, parent),
        .slot = place_for(&lane->ledger->payments, request->payment->cause),
    };
    const struct rate *rate =
        registry_rate(&lane->ledger->registry, draft->asset, draft->counter_asset);
    if (rate == NULL) return facts;
    facts.rate_numerator = rate->numerator;
    facts.rate_denominator = rate->denominator;
    return facts;
}

/* ---- Writing ---- */

static struct record_payment *record_write(struct lane *lane, const struct request *request,
                                           const struct payment_decision *decision, uint32_t unit)
{
    struct batch *batch = &lane->building->batch;
    const struct payment_command *command = request->payment;
    struct record_payment *record = batch_room(batch);
    memset(record, 0, sizeof *record);
    record->head = (struct record_head){
        .type = RECORD_PAYMENT,
        .outcome = (uint8_t)decision->outcome,
        .kind = command->cause,
    };
    record->payment = decision->payment;
    if (command->cause == PAYMENT_CAUSE_ANSWER) {
        record->duration_ms = command->reply.duration_ms;
        record->http_status = command->reply.http_status;
        record->answer = command->reply.answer;
        if (command->reply.query) record->head.flags |= RECORD_FLAG_QUERY;
    }
    if (command->cause == PAYMENT_CAUSE_SETTLE) {
        record->answer = command->line_kind;
        record->fee = command->fee;
    }
    batch_add(batch, &record->head, sizeof *record, unit);
    return record;
}

static void parent_write(struct lane *lane, const struct payment *parent, uint32_t unit)
{
    struct batch *batch = &lane->building->batch;
    struct record_payment *record = batch_room(batch);
    memset(record, 0, sizeof *record);
    record->head = (struct record_head){ .type = RECORD_PAYMENT, .kind = PAYMENT_CAUSE_FOLLOW };
    record->payment = *parent;
    batch_add(batch, &record->head, sizeof *record, unit);
}

/* Whether others see a difference: attempts and times are our own. */
static bool tells(const struct payment *before, const struct payment *after)
{
    return before->state != after->state || !money_equal(before->captured, after->captured) ||
           !money_equal(before->refunded, after->refunded) ||
           !money_equal(before->refund_pending, after->refund_pending) ||
           !money_equal(before->disputed, after->disputed) ||
           ((before->flags ^ after->flags) & PAYMENT_FLAG_SETTLED) != 0;
}

/*
 * A hint, a statement's line or a refund's course changes nothing about the step under way: only
 * an answer does, and answers count.
 */
static bool same_step(const struct payment *before, const struct payment *after)
{
    bool under_way =
        after->state == PAYMENT_STATE_PENDING || after->state == PAYMENT_STATE_IN_DOUBT;
    return under_way && before->state == after->state &&
           before->step_number == after->step_number && before->attempts == after->attempts;
}

static void table_apply(struct lane *lane, const struct payment *before,
                        const struct payment *payment, struct locator locator)
{
    struct payment_table *table = &lane->ledger->payments;
    bool in_hand = payment_in_hand(table, payment->id) && same_step(before, payment);
    payment_table_apply(table, payment, locator, lane->building->batch.sequence);
    if (in_hand) payment_keep_in_hand(table, payment->id); /* or two workers send it at once */
}

/* The decision stands: the record is made final, memory and index follow it. */
static void record_finish(struct lane *lane, struct record_payment *record,
                          const struct found *before)
{
    struct locator previous = before->newest;
    struct batch *batch = &lane->building->batch;
    struct locator locator =
        locator_make(batch->sequence, (uint32_t)((const uint8_t *)record - batch->data));
    bool makes =
        record->head.kind == PAYMENT_CAUSE_CREATE || record->head.kind == PAYMENT_CAUSE_DISPUTE;
    bool creates = makes && locator_is_none(previous); /* others take no id, whatever they name */
    bool done = record->head.outcome == PAYMENT_OUTCOME_OK;
    bool rests = creates || done; /* a refused creation rests; other refusals change nothing */
    if (creates) record->head.flags |= RECORD_FLAG_CREATES;
    if (done) record->previous = previous;
    rests = rests && !payment_is_open(&record->payment);
    if (rests) record->head.flags |= RECORD_FLAG_RESTS;
    bool stands = creates || done;
    if (stands && tells(&before->payment, &record->payment)) {
        record->head.flags |= RECORD_FLAG_TELLS;
    }
    batch_recheck(&record->head);
    if (done) table_apply(lane, &before->payment, &record->payment, locator);
    if (rests) {
        index_insert(lane->indexes[LANE_INDEX_PAYMENTS], record->payment.id.value, locator);
    }
}

static enum outcome group_outcome(const struct transfer_result *results, uint32_t count)
{
    enum outcome outcome = OUTCOME_OK;
    for (uint32_t i = 0; i < count; i++) {
        bool own = results[i].outcome != OUTCOME_OK && results[i].outcome != OUTCOME_LINKED_FAILED;
        if (own && outcome == OUTCOME_OK) outcome = results[i].outcome;
    }
    return outcome;
}

/* All of a decision's transfers or none; *out_outcome is why. */
static enum status transfers_run(struct lane *lane, const struct request *request,
                                 const struct payment_decision *decision, uint32_t unit,
                                 enum outcome *out_outcome, struct error *out_error)
{
    *out_outcome = OUTCOME_OK;
    if (decision->transfer_count == 0) return STATUS_OK;
    struct transfer_result results[PAYMENT_TRANSFERS_MAX] = { 0 };
    struct request group = *request;
    group.kind = REQUEST_TRANSFERS;
    group.count = decision->transfer_count;
    group.transfers = decision->transfers;
    group.transfer_results = results;
    lane->building->context_owner = &group; /* the context of the request is written already */
    enum status status = applier_group(lane, &group, unit, out_error);
    lane->building->context_owner = request;
    if (status == STATUS_OK) *out_outcome = group_outcome(results, decision->transfer_count);
    return status;
}

/*
 * As the lane's own request: the record of a payment stands right behind its context, or a key
 * would not find it.
 */
static enum status transit_account_make(struct lane *lane, const struct payment_decision *decision,
                                        struct error *out_error)
{
    const struct request own = { .principal = PRINCIPAL_SYSTEM };
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < decision->transfer_count && status == STATUS_OK; i++)
        status = transit_apply_accounts(lane, &own, &decision->transfers[i], out_error);
    if (lane->building->context_owner == &own) lane->building->context_owner = NULL;
    return status;
}

/* What is looked up for one command. */
struct command_state {
    struct found before;
    struct found parent;
    const struct payment *draft; /* whose accounts and assets count */
};

static enum status state_load(struct lane *lane, const struct payment_command *command,
                              struct payment_id id, struct command_state *out_state,
                              struct error *out_error)
{
    enum status status = payment_load(lane, id, &out_state->before, out_error);
    if (status != STATUS_OK) return status;
    bool made = out_state->before.there && command->cause != PAYMENT_CAUSE_CREATE;
    out_state->draft = made ? &out_state->before.payment : &command->draft;
    return payment_load(lane, out_state->draft->parent, &out_state->parent, out_error);
}

static enum status decision_run(struct lane *lane, struct request *request,
                                const struct payment_command *command,
                                const struct command_state *state, struct error *out_error)
{
    const struct payment *before = state->before.there ? &state->before.payment : NULL;
    const struct payment *parent = state->parent.there ? &state->parent.payment : NULL;
    struct payment_facts facts = facts_of(lane, request, state->draft, parent);
    struct payment_decision decision;
    payment_decide(before, command, &facts, &decision);
    enum status status = transit_account_make(lane, &decision, out_error);
    if (status == STATUS_OK) { /* last: what it finds stays until a group has run */
        const struct transfer *transfers = decision.transfers;
        status = applier_group_readable(lane, transfers, decision.transfer_count, out_error);
    }
    if (status != STATUS_OK) return status;
    struct batch *batch = &lane->building->batch;
    const struct request *context_owner = lane->building->context_owner;
    struct batch_mark begin = batch_mark(batch);
    struct locator context = batch_next_locator(batch); /* of a new key; else nobody asks */
    applier_context(lane, request);
    uint32_t unit = batch->unit_count;
    struct record_payment *record = record_write(lane, request, &decision, unit);
    uint32_t end = batch->size;
    enum outcome outcome;
    status = transfers_run(lane, request, &decision, unit, &outcome, out_error);
    if (status == STATUS_OK && outcome != OUTCOME_OK) {
        payment_decide_refused(before, command, &facts, outcome, &decision);
        record->head.outcome = (uint8_t)decision.outcome;
        record->payment = decision.payment;
        record->ledger_outcome = (uint8_t)outcome;
        enum outcome again;
        status = transfers_run(lane, request, &decision, unit, &again, out_error);
        if (status == STATUS_OK && again != OUTCOME_OK) {
            payment_decide_unbooked(before, command, &facts, again, &decision);
            record->head.outcome = (uint8_t)decision.outcome;
            record->payment = decision.payment;
            record->ledger_outcome = (uint8_t)again;
        }
    }
    if (status != STATUS_OK && batch->size == end) { /* as if it had never been tried */
        batch_take_back(batch, &begin);
        lane->building->context_owner = context_owner;
        return status;
    }
    if (status != STATUS_OK) { /* after the ledger's refusal: the answer comes again */
        CHECK(before != NULL && uuid_is_nil(request->key));
        record->payment = *before;
        record->head.outcome = PAYMENT_OUTCOME_LEDGER;
        batch_recheck(&record->head);
        return status;
    }
    if (request->key_is_new) index_insert(lane->indexes[LANE_INDEX_KEYS], request->key, context);
    record_finish(lane, record, &state->before);
    lane->building->payment_commands[command->cause][decision.outcome]++;
    lane->building->has_payments = true;
    if (decision.outcome == PAYMENT_OUTCOME_OK && decision.parent_changed) {
        struct record_payment *followed = batch_room(batch);
        parent_write(lane, &decision.parent, unit);
        record_finish(lane, followed, &state->parent);
    }
    result_write(record, (struct position){ batch->sequence, unit }, batch->stamp,
                 request->payment_result);
    return STATUS_OK;
}

enum status payer_command(struct lane *lane, struct request *request, struct error *out_error)
{
    if (!uuid_is_nil(request->key) && !request->key_is_new) {
        return key_repeat(lane, request, out_error);
    }
    struct payment_command command = *request->payment;
    struct payment_id id = command.id;
    bool makes = command.cause == PAYMENT_CAUSE_CREATE || command.cause == PAYMENT_CAUSE_DISPUTE;
    if (makes) {
        if (uuid_is_nil(command.draft.id.value)) command.draft.id.value = request->root_used;
        id = command.draft.id;
        command.draft.trace = request->trace.id;
    }
    struct command_state state;
    enum status status = state_load(lane, &command, id, &state, out_error);
    if (status != STATUS_OK) return status;
    bool known = command.cause == PAYMENT_CAUSE_CREATE && state.before.there;
    if (known) return id_repeat(lane, request, &state.before, out_error);
    if (!makes && !state.before.there) command.draft.id = id; /* the refusal names what was asked */
    return decision_run(lane, request, &command, &state, out_error);
}

/* ---- Reads ---- */

static enum status read_by_ids(struct lane *lane, struct read *read, struct error *out_error)
{
    const struct payment_table *table = &lane->ledger->payments;
    for (uint32_t i = 0; i < read->count; i++) {
        struct payment_id id = { read->ids[i] };
        uint32_t place = payment_find(table, id);
        memset(&read->payments[i], 0, sizeof read->payments[i]);
        read->locators[i] = (struct locator){ 0 };
        if (place != PAYMENT_SLOT_NONE) {
            read->payments[i] = table->slots[place].payment;
            read->locators[i] = table->slots[place].newest;
            continue;
        }
        enum status status =
            find_last(lane->indexes[LANE_INDEX_PAYMENTS], id.value, &read->locators[i], out_error);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    }
    read->found = read->count;
    return STATUS_OK;
}

static void read_page(const struct lane *lane, struct read *read)
{
    const struct payment_table *table = &lane->ledger->payments;
    uint64_t place = read->from;
    for (; place < table->used; place++) {
        const struct payment *payment = &table->slots[place].payment;
        if (uuid_is_nil(payment->id.value)) continue;
        if (read->state != PAYMENT_STATE_NONE && payment->state != read->state) continue;
        if (read->found == read->limit) {
            read->more = true;
            break;
        }
        read->payments[read->found++] = *payment;
    }
    read->from = place;
}

enum status payer_read(struct lane *lane, struct read *read, struct error *out_error)
{
    if (read->kind == READ_PAYMENTS) return read_by_ids(lane, read, out_error);
    read_page(lane, read);
    return STATUS_OK;
}

/* ---- Due payments ---- */

void payer_park(struct lane *lane, struct request *request)
{
    struct read *read = request->read;
    for (uint32_t i = 0; i < read->count; i++) { /* what the worker did not deal with */
        payment_put_back(&lane->ledger->payments, (struct payment_id){ read->ids[i] });
    }
    request->next = lane->parked;
    lane->parked = request;
}

/*
 * Stamps never go back, and what is due is counted from them: when the clock was set back, the
 * newest stamp is the time, or what is to be done at once would wait for the clock to be there.
 */
static struct wall_time due_now(const struct lane *lane)
{
    struct wall_time now = clock_wall(lane->ports.clock);
    return now.ns > lane->head.stamp.ns ? now : lane->head.stamp;
}

static void due_take(struct lane *lane, struct read *read, struct wall_time now)
{
    struct payment_table *table = &lane->ledger->payments;
    while (read->found < read->limit) {
        uint32_t place = payment_take_due(table, now, lane->head.sequence);
        if (place == PAYMENT_SLOT_NONE) return;
        read->payments[read->found++] = table->slots[place].payment;
    }
}

bool payer_give_due(struct lane *lane)
{
    struct request *still = NULL;
    bool any = false;
    bool open = lane_writes_refused(lane) == STATUS_OK; /* else the answer could not be recorded */
    struct wall_time now = due_now(lane);
    int64_t monotonic_ns = clock_monotonic(lane->ports.clock).ns;
    while (lane->parked != NULL) {
        struct request *request = lane->parked;
        lane->parked = request->next;
        if (open) due_take(lane, request->read, now);
        if (request->read->found > 0 || request->read->until.ns <= monotonic_ns) {
            any = true;
            answer_give(&lane->waiters, request, STATUS_OK);
            continue;
        }
        request->next = still;
        still = request;
    }
    lane->parked = still;
    return any;
}

void payer_send_away(struct lane *lane, enum status status)
{
    while (lane->parked != NULL) {
        struct request *request = lane->parked;
        lane->parked = request->next;
        answer_give(&lane->waiters, request, status);
    }
}

struct monotonic_time payer_next_look(struct lane *lane)
{
    struct monotonic_time until = MONOTONIC_NEVER;
    if (lane->parked == NULL) return until;
    for (const struct request *request = lane->parked; request != NULL; request = request->next) {
        if (request->read->until.ns < until.ns) until = request->read->until;
    }
    struct wall_time due = payment_first_due(&lane->ledger->payments);
    if (due.ns == 0 || lane_writes_refused(lane) != STATUS_OK) return until;
    struct monotonic_time now = clock_monotonic(lane->ports.clock);
    int64_t wait_ns = due.ns - due_now(lane).ns;
    if (wait_ns < NS_PER_MS) wait_ns = NS_PER_MS; /* it may wait for its batch to land */
    if (wait_ns > NS_PER_S) wait_ns = NS_PER_S;   /* the wall clock may step meanwhile */
    if (now.ns + wait_ns < until.ns) until.ns = now.ns + wait_ns;
    return until;
}
