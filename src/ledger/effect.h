/* effect.h - what a transfer record did to an account, and whether a request asks for the same. */
#ifndef LEDGER_EFFECT_H
#define LEDGER_EFFECT_H

#include "model/record.h"

enum effect_side { EFFECT_DEBIT, EFFECT_CREDIT };

/*
 * A record and, for the long form, what follows it; more is NULL for the short form. Both
 * belong to whoever read them.
 */
struct transfer_view {
    const struct record_transfer *record;
    const struct record_transfer_more *more;
};

/* DIRECT and HOLD that are not balancing are short; everything else has a `more`. */
static inline bool transfer_is_long(uint8_t kind, uint8_t flags)
{
    bool balancing =
        (flags & (TRANSFER_FLAG_BALANCING_DEBIT | TRANSFER_FLAG_BALANCING_CREDIT)) != 0;
    return balancing || (kind != TRANSFER_DIRECT && kind != TRANSFER_HOLD);
}

/* Of a record with its `more` right behind it in memory, as it stands in a batch. */
static inline struct transfer_view transfer_view_of(const struct record_transfer *record)
{
    bool is_long = transfer_is_long(record->head.kind, record->head.flags);
    const struct record_transfer_more *behind = (const struct record_transfer_more *)(record + 1);
    return (struct transfer_view){ record, is_long ? behind : NULL };
}

/*
 * Adds the record's effect on one side to a balance, or takes it off again (undo). Nothing
 * happens for a refusal. False, and the balance unchanged, when it cannot be: the balance and
 * the record do not belong together.
 */
bool effect_apply(struct transfer_view view, enum effect_side side, bool undo,
                  struct balance *balance) MUST_CHECK;

/* Whether a request with this content is what the record came from (ids are not compared). */
bool effect_same_content(struct transfer_view view, const struct transfer *transfer);

#endif
