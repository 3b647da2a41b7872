#include "cmd/doctor_holds.h"

#include "adapter/system_entropy.h"
#include "base/reserve.h"
#include "model/transfer.h"

enum { HOLDS_MAX = 1 << 26 }; /* open at once, as many as a window may begin with */

enum status doctor_holds_open(struct doctor_holds *holds)
{
    uint64_t seed = 0;
    entropy_fill(system_entropy(), &seed, sizeof seed);
    *holds = (struct doctor_holds){ .holds = reserve_new(HOLDS_MAX * sizeof *holds->holds) };
    if (holds->holds == NULL) return STATUS_LIMIT;
    return id_map_init(&holds->places, holds->holds, sizeof *holds->holds, HOLDS_MAX, seed);
}

void doctor_holds_close(struct doctor_holds *holds)
{
    id_map_free(&holds->places);
    reserve_free(holds->holds, HOLDS_MAX * sizeof *holds->holds);
    holds->holds = NULL;
}

enum status doctor_holds_begin(struct doctor_holds *holds, const struct record_transfer *transfer,
                               const struct record_context *context, struct wall_time at,
                               struct doctor_hold *out_hold)
{
    uint32_t place = holds->free > 0 ? holds->free - 1 : holds->used;
    int64_t expires = 0;
    bool dated = transfer->timeout_s > 0;
    if (dated && __builtin_add_overflow(at.ns, transfer->timeout_s * NS_PER_S, &expires))
        return STATUS_CORRUPT;
    if (place == HOLDS_MAX) return STATUS_LIMIT;
    struct doctor_hold *hold = &holds->holds[place];
    if (holds->free > 0)
        holds->free = hold->next_free;
    else
        holds->used++;
    *hold = (struct doctor_hold){ .id = transfer->id.value, .amount = transfer->amount };
    hold->expires.ns = expires;
    hold->departs = transfer->head.kind == TRANSFER_DEPARTURE;
    if (hold->departs) hold->user_ref = transfer->user_ref;
    if (hold->departs && context != NULL) {
        hold->key = context->key;
        hold->trace = context->trace.id;
    }
    id_map_insert(&holds->places, place);
    *out_hold = *hold;
    return STATUS_OK;
}

/* Of a transfer that ends one; ID_MAP_NONE: it has no target that is open. */
static uint32_t target_find(const struct doctor_holds *holds,
                            const struct record_transfer *transfer)
{
    if (transfer->head.size != RECORD_TRANSFER_LONG_SIZE) return ID_MAP_NONE;
    const struct record_transfer_more *more = (const void *)(transfer + 1);
    return id_map_find(&holds->places, more->target.value);
}

const struct doctor_hold *doctor_holds_departure(const struct doctor_holds *holds,
                                                 const struct record_transfer *transfer)
{
    uint32_t place =
        transfer->head.kind == TRANSFER_POST ? target_find(holds, transfer) : ID_MAP_NONE;
    return place != ID_MAP_NONE && holds->holds[place].departs ? &holds->holds[place] : NULL;
}

/* What the transfer takes of the hold: captured, or let go. */
static bool hold_take(struct doctor_hold *hold, const struct record_transfer *transfer,
                      struct money freed)
{
    bool posts = transfer->head.kind == TRANSFER_POST;
    struct money captured = posts ? transfer->amount : MONEY_ZERO;
    struct money released;
    struct money gone;
    return money_subtract(freed, captured, &released) &&
           money_add(hold->captured, captured, &hold->captured) &&
           money_add(hold->released, released, &hold->released) &&
           money_add(hold->captured, hold->released, &gone) && gone.minor <= hold->amount.minor;
}

enum status doctor_holds_end(struct doctor_holds *holds, const struct record_transfer *transfer,
                             struct doctor_hold *out_hold)
{
    uint32_t place = target_find(holds, transfer);
    if (place == ID_MAP_NONE) return STATUS_NOT_FOUND;
    const struct record_transfer_more *more = (const void *)(transfer + 1);
    struct doctor_hold after = holds->holds[place];
    if (!hold_take(&after, transfer, more->released)) return STATUS_CORRUPT;
    if ((transfer->head.flags & RECORD_FLAG_CLOSES_HOLD) != 0) {
        id_map_remove(&holds->places, place);
        holds->holds[place].next_free = holds->free;
        holds->free = place + 1;
    } else {
        holds->holds[place] = after;
    }
    *out_hold = after;
    return STATUS_OK;
}
