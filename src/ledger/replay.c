/* Applying journaled effects to a state in which some entries are newer than others. */
#include "ledger/replay.h"

#include <string.h>

#include "base/check.h"

/* Whether the record is not yet reflected in an entry. */
static bool is_newer(struct ledger_moment moment, uint64_t applied_batch)
{
    return moment.batch > applied_batch;
}

static enum status side_replay(struct ledger *ledger, struct ledger_moment moment,
                               struct account_id id, enum effect_side side,
                               struct transfer_view view)
{
    uint32_t number = ledger_account_find(ledger, id);
    if (number == ACCOUNT_NONE) return STATUS_CORRUPT;
    struct account_state *state = &ledger->accounts[number];
    if (!is_newer(moment, state->applied_batch)) return STATUS_OK;
    struct locator expected =
        side == EFFECT_DEBIT ? view.record->previous_debit : view.record->previous_credit;
    if (expected.packed != state->last_entry.packed) return STATUS_CORRUPT;
    if (!effect_apply(view, side, false, &state->balance)) return STATUS_CORRUPT;
    state->last_entry = moment.locator;
    state->entry_count++;
    return STATUS_OK;
}

static enum status hold_replay(struct ledger *ledger, struct ledger_moment moment,
                               struct transfer_view view)
{
    uint64_t number = ++ledger->holds_made;
    if (number < ledger->hold_replay_from) return STATUS_OK;
    if (hold_table_full(&ledger->holds)) return STATUS_LIMIT;
    uint32_t last = ledger->holds.last;
    if (last != HOLD_NONE && ledger->holds.holds[last].number >= number) return STATUS_CORRUPT;
    if (hold_find(&ledger->holds, view.record->id) != HOLD_NONE) return STATUS_CORRUPT;
    if (money_is_zero(view.record->amount)) return STATUS_CORRUPT;
    bool departs = view.record->head.kind == TRANSFER_DEPARTURE;
    if (departs && view.record->timeout_s != 0) return STATUS_CORRUPT;
    struct hold hold = {
        .id = view.record->id,
        .remaining = view.record->amount,
        .number = number,
        .applied_batch = moment.batch - 1,
        .expires_at = hold_expires_at(moment.stamp, view.record->timeout_s),
        .debit = ledger_account_find(ledger, view.record->debit),
        .credit = ledger_account_find(ledger, view.record->credit),
        .owned = hold_owner_of(view.record->head.kind, view.record->head.flags),
    };
    (void)hold_insert(&ledger->holds, &hold); /* its place is not needed */
    return STATUS_OK;
}

static bool is_account(const struct ledger *ledger, uint32_t number, struct account_id id)
{
    return number < ledger->account_count &&
           uuid_equal(ledger->accounts[number].account.id.value, id.value);
}

/* A hold that is not there was already closed in the checkpoint. */
static enum status hold_end_replay(struct ledger *ledger, struct ledger_moment moment,
                                   struct transfer_view view)
{
    CHECK(view.more != NULL); /* such kinds are long */
    uint32_t place = hold_find(&ledger->holds, view.more->target);
    if (place == HOLD_NONE) return STATUS_OK;
    struct hold *hold = &ledger->holds.holds[place];
    if (!is_newer(moment, hold->applied_batch)) return STATUS_OK;
    bool fits = is_account(ledger, hold->debit, view.record->debit) &&
                is_account(ledger, hold->credit, view.record->credit) &&
                money_subtract(hold->remaining, view.more->released, &hold->remaining);
    bool closes = (view.record->head.flags & RECORD_FLAG_CLOSES_HOLD) != 0;
    if (!fits || closes != money_is_zero(hold->remaining)) return STATUS_CORRUPT;
    if (closes) hold_remove(&ledger->holds, place);
    return STATUS_OK;
}

static enum status reversal_replay(struct ledger *ledger, struct ledger_moment moment,
                                   struct transfer_view view)
{
    CHECK(view.more != NULL); /* such kinds are long */
    uint32_t entry = id_map_find(&ledger->reversal_map, view.more->target.value);
    if (entry == ID_MAP_NONE) {
        if (ledger->reversal_count == ledger->options.reversals_max) return STATUS_LIMIT;
        entry = ledger->reversal_count++;
        ledger->reversals[entry] = (struct reversal){
            .target = view.more->target,
            .applied_batch = moment.batch - 1,
        };
        id_map_insert(&ledger->reversal_map, entry);
    }
    struct reversal *reversal = &ledger->reversals[entry];
    if (!is_newer(moment, reversal->applied_batch)) return STATUS_OK;
    bool fits = money_add(reversal->reversed, view.record->amount, &reversal->reversed);
    return fits ? STATUS_OK : STATUS_CORRUPT;
}

static enum status transfer_replay(struct ledger *ledger, struct ledger_moment moment,
                                   const struct record_transfer *record)
{
    if (record->head.outcome >= OUTCOME_COUNT) return STATUS_CORRUPT;
    if (record->head.kind < TRANSFER_DIRECT || record->head.kind >= TRANSFER_KIND_END) {
        return STATUS_CORRUPT;
    }
    if (record->head.outcome != OUTCOME_OK) return STATUS_OK;
    struct transfer_view view = transfer_view_of(record);
    enum status status = side_replay(ledger, moment, record->debit, EFFECT_DEBIT, view);
    if (status != STATUS_OK) return status;
    status = side_replay(ledger, moment, record->credit, EFFECT_CREDIT, view);
    if (status != STATUS_OK) return status;
    switch ((enum transfer_kind)record->head.kind) {
    case TRANSFER_HOLD:
    case TRANSFER_DEPARTURE: return hold_replay(ledger, moment, view);
    case TRANSFER_POST:
    case TRANSFER_VOID:
    case TRANSFER_EXPIRE: return hold_end_replay(ledger, moment, view);
    case TRANSFER_REVERSAL: return reversal_replay(ledger, moment, view);
    case TRANSFER_DIRECT: return STATUS_OK;
    case TRANSFER_KIND_END: break;
    }
    return STATUS_CORRUPT;
}

static enum status account_replay(struct ledger *ledger, struct ledger_moment moment,
                                  const struct record_account *record)
{
    const char *field;
    if (record->head.outcome >= ACCOUNT_OUTCOME_COUNT) return STATUS_CORRUPT;
    if (record->head.outcome == ACCOUNT_OUTCOME_ID_CONFLICT) return STATUS_CORRUPT;
    if (account_fault(&record->account, &field) != NULL) return STATUS_CORRUPT;
    if (record->head.outcome != ACCOUNT_OUTCOME_OK) return STATUS_OK;
    if (ledger_account_find(ledger, record->account.id) != ACCOUNT_NONE) return STATUS_OK;
    if (ledger->account_count == ledger->options.accounts_max) return STATUS_LIMIT;
    (void)ledger_account_append(ledger, moment, &record->account); /* its number is not needed */
    return STATUS_OK;
}

static enum status change_replay(struct ledger *ledger, struct ledger_moment moment,
                                 const struct record_account_change *record)
{
    if (record->head.outcome != ADMIN_OUTCOME_OK) return STATUS_OK;
    bool known = (record->set & ~(ACCOUNT_FLAG_FROZEN | ACCOUNT_FLAG_CLOSED)) == 0 &&
                 (record->clear & ~ACCOUNT_FLAG_FROZEN) == 0;
    if (!known) return STATUS_CORRUPT;
    uint32_t number = ledger_account_find(ledger, record->account);
    if (number == ACCOUNT_NONE) return STATUS_CORRUPT;
    struct account_state *state = &ledger->accounts[number];
    if (!is_newer(moment, state->applied_batch)) return STATUS_OK;
    state->account.flags = (uint16_t)((state->account.flags | record->set) & ~record->clear);
    return STATUS_OK;
}

/* The after-image is the effect; map, heap and free places follow when all is replayed. */
static enum status payment_replay(struct ledger *ledger, struct ledger_moment moment,
                                  const struct record_payment *record)
{
    const struct payment *payment = &record->payment;
    struct payment_table *table = &ledger->payments;
    if (record->head.outcome >= PAYMENT_OUTCOME_COUNT) return STATUS_CORRUPT;
    if (record->head.outcome != PAYMENT_OUTCOME_OK) return STATUS_OK;
    if (payment->slot == PAYMENT_SLOT_NONE) return STATUS_OK;
    if (payment->slot >= table->slots_max) return STATUS_LIMIT;
    if (payment->slot > table->used) return STATUS_CORRUPT;
    struct payment_slot slot = { .applied_batch = moment.batch - 1 };
    if (payment->slot < table->used) slot = table->slots[payment->slot];
    if (!is_newer(moment, slot.applied_batch)) return STATUS_OK;
    if (payment_is_open(payment)) {
        slot.payment = *payment;
        slot.newest = moment.locator;
    } else {
        memset(&slot.payment, 0, sizeof slot.payment);
        slot.newest = (struct locator){ 0 };
    }
    payment_slot_set(table, payment->slot, &slot);
    return STATUS_OK;
}

enum status ledger_replay(struct ledger *ledger, struct ledger_moment moment,
                          const struct record_head *record, uint64_t registry_batch)
{
    switch (record->type) {
    case RECORD_CONTEXT:
    case RECORD_NOTICE: return STATUS_OK;
    case RECORD_ACCOUNT:
        return account_replay(ledger, moment, (const struct record_account *)record);
    case RECORD_TRANSFER:
        return transfer_replay(ledger, moment, (const struct record_transfer *)record);
    case RECORD_PAYMENT:
        return payment_replay(ledger, moment, (const struct record_payment *)record);
    case RECORD_ACCOUNT_CHANGE:
        return change_replay(ledger, moment, (const struct record_account_change *)record);
    case RECORD_ASSET:
    case RECORD_PERIOD:
    case RECORD_CREDENTIAL:
    case RECORD_RATE:
    case RECORD_RAISE:
        if (record->outcome != ADMIN_OUTCOME_OK || !is_newer(moment, registry_batch)) {
            return STATUS_OK;
        }
        if (!registry_record_fits(&ledger->registry, record, moment.stamp)) return STATUS_CORRUPT;
        registry_apply(&ledger->registry, record, moment.stamp);
        return STATUS_OK;
    default: return STATUS_CORRUPT;
    }
}
