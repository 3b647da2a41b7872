/* One table of effects for applying, undoing, replaying and walking back through history. */
#include "ledger/effect.h"

#include "base/check.h"

struct change {
    struct money posted_more;
    struct money pending_more;
    struct money pending_less;
};

static struct change change_of(struct transfer_view view)
{
    struct change change = { 0 };
    switch ((enum transfer_kind)view.record->head.kind) {
    case TRANSFER_DIRECT:
    case TRANSFER_REVERSAL: change.posted_more = view.record->amount; break;
    case TRANSFER_HOLD:
    case TRANSFER_DEPARTURE: change.pending_more = view.record->amount; break;
    case TRANSFER_POST:
        change.posted_more = view.record->amount;
        change.pending_less = view.more->released;
        break;
    case TRANSFER_VOID:
    case TRANSFER_EXPIRE: change.pending_less = view.more->released; break;
    case TRANSFER_KIND_END: break;
    }
    return change;
}

bool effect_apply(struct transfer_view view, enum effect_side side, bool undo,
                  struct balance *balance)
{
    if (view.record->head.outcome != OUTCOME_OK) return true;
    CHECK(view.more != NULL || !transfer_is_long(view.record->head.kind, view.record->head.flags));
    struct change change = change_of(view);
    bool debit = side == EFFECT_DEBIT;
    struct money posted = debit ? balance->debits_posted : balance->credits_posted;
    struct money pending = debit ? balance->debits_pending : balance->credits_pending;
    bool fits;
    if (undo) {
        fits = money_subtract(posted, change.posted_more, &posted) &&
               money_add(pending, change.pending_less, &pending) &&
               money_subtract(pending, change.pending_more, &pending);
    } else {
        fits = money_add(posted, change.posted_more, &posted) &&
               money_add(pending, change.pending_more, &pending) &&
               money_subtract(pending, change.pending_less, &pending);
    }
    if (!fits) return false;
    if (debit) {
        balance->debits_posted = posted;
        balance->debits_pending = pending;
    } else {
        balance->credits_posted = posted;
        balance->credits_pending = pending;
    }
    return true;
}

bool effect_same_content(struct transfer_view view, const struct transfer *transfer)
{
    const struct record_transfer *record = view.record;
    uint8_t flags = record->head.flags & (uint8_t) ~(RECORD_FLAGS_GIVEN | RECORD_FLAG_CLOSES_HOLD);
    if (record->head.kind != transfer->kind || flags != transfer->flags) return false;
    bool date_given = (record->head.flags & RECORD_FLAG_DATE_GIVEN) != 0;
    if (date_given != (transfer->value_date.days != 0)) return false;
    if (date_given && record->value_date.days != transfer->value_date.days) return false;
    if (record->timeout_s != transfer->timeout_s || record->code != transfer->code) return false;
    if (!uuid_equal(record->user_ref, transfer->user_ref)) return false;
    bool asset_given = (record->head.flags & RECORD_FLAG_ASSET_GIVEN) != 0;
    if (asset_given != (transfer->asset != 0)) return false;
    if (asset_given && record->asset != transfer->asset) return false;
    bool own_sides = transfer->kind == TRANSFER_DIRECT || transfer_kind_holds(transfer->kind);
    if (own_sides) {
        if (!uuid_equal(record->debit.value, transfer->debit.value)) return false;
        if (!uuid_equal(record->credit.value, transfer->credit.value)) return false;
    }
    if (!transfer_is_long(transfer->kind, transfer->flags)) {
        return money_equal(record->amount, transfer->amount);
    }
    CHECK(view.more != NULL);
    return money_equal(view.more->requested, transfer->amount) &&
           uuid_equal(view.more->target.value, transfer->target.value);
}
