/* Entries are copied as they lie in memory; on loading, each is as new as its slice. */
#include "ledger/slice.h"

#include <string.h>

#include "base/check.h"

enum {
    SLICE_ENTRIES_MAX = 1024,
    SLICE_REGISTRY_ROOM = SLICE_SIZE_MAX,
};
_Static_assert(SLICE_ENTRIES_MAX * sizeof(struct account_state) <= SLICE_SIZE_MAX, "it fits");
_Static_assert(SLICE_ENTRIES_MAX * sizeof(struct payment_slot) <= SLICE_SIZE_MAX, "it fits");
_Static_assert(sizeof(uint64_t) + 16 + ASSETS_CUSTOM_MAX * sizeof(struct asset) +
                       CREDENTIALS_MAX * sizeof(struct credential) +
                       RATES_MAX * sizeof(struct rate) + RAISES_MAX * sizeof(struct raise) <=
                   SLICE_REGISTRY_ROOM,
               "the registry is one slice");

/* The number at which a table's sweep begins, and the one before which it ends. */
static uint64_t table_first(uint32_t table)
{
    return table == SLICE_HOLDS ? 1 : 0;
}

static uint64_t table_end(const struct ledger *ledger, uint32_t table)
{
    switch ((enum slice_table)table) {
    case SLICE_ACCOUNTS: return ledger->account_count;
    case SLICE_HOLDS: return ledger->holds_made + 1;
    case SLICE_REVERSALS: return ledger->reversal_count;
    case SLICE_PAYMENTS: return ledger->payments.used;
    case SLICE_REGISTRY: return 1;
    }
    CHECK(false);
    return 0;
}

/* A sweep that starts begins with the accounts; a table that starts fixes its end. */
static struct sweep sweep_ready(const struct ledger *ledger, const struct sweep *sweep)
{
    struct sweep ready = *sweep;
    uint64_t first = table_first(sweep->table);
    if (ready.from <= first) {
        ready.from = first;
        ready.end = table_end(ledger, sweep->table);
    }
    if (ready.entries_max == 0) ready.entries_max = SLICE_ENTRIES_MAX;
    CHECK(ready.entries_max <= SLICE_ENTRIES_MAX);
    CHECK(ready.from <= ready.end);
    CHECK(ready.end <= table_end(ledger, sweep->table));
    return ready;
}

static uint64_t entries_next(const struct sweep *sweep, uint64_t left)
{
    return left < sweep->entries_max ? left : sweep->entries_max;
}

size_t sweep_next_size(const struct ledger *ledger, const struct sweep *sweep)
{
    struct sweep ready = sweep_ready(ledger, sweep);
    switch ((enum slice_table)ready.table) {
    case SLICE_ACCOUNTS:
        return entries_next(&ready, ready.end - ready.from) * sizeof(struct account_state);
    case SLICE_HOLDS: return entries_next(&ready, ledger->holds.count) * sizeof(struct hold);
    case SLICE_REVERSALS:
        return entries_next(&ready, ready.end - ready.from) * sizeof(struct reversal);
    case SLICE_PAYMENTS:
        return entries_next(&ready, ready.end - ready.from) * sizeof(struct payment_slot);
    case SLICE_REGISTRY:
        return ledger->registry.asset_count * sizeof(struct asset) +
               ledger->registry.credential_count * sizeof(struct credential) +
               ledger->registry.rate_count * sizeof(struct rate) +
               ledger->registry.raise_count * sizeof(struct raise);
    }
    CHECK(false);
    return 0;
}

static uint64_t array_next(const void *entries, size_t stride, const struct sweep *sweep,
                           struct buf *out_bytes)
{
    uint64_t taken = entries_next(sweep, sweep->end - sweep->from);
    buf_append(out_bytes, (const uint8_t *)entries + sweep->from * stride, taken * stride);
    return sweep->from + taken;
}

static bool hold_is_due(const struct hold_table *table, const struct sweep *sweep)
{
    return table->sweep != HOLD_NONE && table->holds[table->sweep].number < sweep->end;
}

static uint64_t holds_next(struct ledger *ledger, const struct sweep *sweep, struct buf *out_bytes)
{
    struct hold_table *table = &ledger->holds;
    if (sweep->from == table_first(SLICE_HOLDS)) hold_sweep_start(table);
    for (uint32_t i = 0; i < sweep->entries_max && hold_is_due(table, sweep); i++) {
        buf_append(out_bytes, &table->holds[table->sweep], sizeof(struct hold));
        hold_sweep_pass(table);
    }
    return hold_is_due(table, sweep) ? table->sweep_from : sweep->end;
}

struct slice sweep_next(struct ledger *ledger, struct sweep *sweep, struct buf *out_bytes)
{
    struct sweep ready = sweep_ready(ledger, sweep);
    struct slice slice = { ready.table, ready.generation, ready.from, 0 };
    switch ((enum slice_table)ready.table) {
    case SLICE_ACCOUNTS:
        slice.to = array_next(ledger->accounts, sizeof(struct account_state), &ready, out_bytes);
        break;
    case SLICE_HOLDS: slice.to = holds_next(ledger, &ready, out_bytes); break;
    case SLICE_REVERSALS:
        slice.to = array_next(ledger->reversals, sizeof(struct reversal), &ready, out_bytes);
        break;
    case SLICE_PAYMENTS:
        slice.to =
            array_next(ledger->payments.slots, sizeof(struct payment_slot), &ready, out_bytes);
        break;
    case SLICE_REGISTRY:
        buf_append(out_bytes, &ledger->holds_made, sizeof ledger->holds_made);
        registry_save(&ledger->registry, out_bytes);
        slice.to = 1;
        break;
    }
    sweep->from = slice.to;
    sweep->end = ready.end;
    if (slice.to == ready.end) {
        bool last = sweep->table == SLICE_REGISTRY;
        sweep->table = last ? SLICE_ACCOUNTS : sweep->table + 1;
        sweep->generation += last;
        sweep->from = 0;
    }
    return slice;
}

static enum status accounts_load(struct ledger *ledger, const struct slice *slice,
                                 uint64_t at_batch, struct str bytes)
{
    if (bytes.len != (slice->to - slice->from) * sizeof(struct account_state)) {
        return STATUS_CORRUPT;
    }
    if (slice->to > ledger->options.accounts_max) return STATUS_LIMIT;
    if (slice->from > ledger->account_count) return STATUS_CORRUPT;
    for (uint64_t number = ledger->account_count; number < slice->to; number++) {
        struct account_state *state = &ledger->accounts[number];
        memcpy(state, bytes.data + (number - slice->from) * sizeof *state, sizeof *state);
        if (ledger_account_find(ledger, state->account.id) != ACCOUNT_NONE) return STATUS_CORRUPT;
        state->applied_batch = at_batch;
        id_map_insert(&ledger->account_map, (uint32_t)number);
        ledger->account_count++;
    }
    return STATUS_OK;
}

static enum status holds_load(struct ledger *ledger, const struct slice *slice, uint64_t at_batch,
                              struct str bytes)
{
    if (bytes.len % sizeof(struct hold) != 0) return STATUS_CORRUPT;
    if (slice->from > ledger->hold_replay_from) return STATUS_CORRUPT;
    for (size_t at = 0; at < bytes.len; at += sizeof(struct hold)) {
        struct hold hold;
        memcpy(&hold, bytes.data + at, sizeof hold);
        if (hold.number < slice->from || hold.number >= slice->to) return STATUS_CORRUPT;
        if (hold.number < ledger->hold_replay_from) continue;
        if (money_is_zero(hold.remaining)) return STATUS_CORRUPT;
        if (hold.owned == HOLD_OF_TRANSIT && hold.expires_at.ns != 0) return STATUS_CORRUPT;
        if (hold_table_full(&ledger->holds)) return STATUS_LIMIT;
        if (hold_find(&ledger->holds, hold.id) != HOLD_NONE) return STATUS_CORRUPT;
        uint32_t last = ledger->holds.last;
        if (last != HOLD_NONE && ledger->holds.holds[last].number >= hold.number) {
            return STATUS_CORRUPT;
        }
        hold.applied_batch = at_batch;
        (void)hold_insert(&ledger->holds, &hold); /* its place is not needed */
    }
    if (slice->to > ledger->hold_replay_from) ledger->hold_replay_from = slice->to;
    return STATUS_OK;
}

static enum status reversals_load(struct ledger *ledger, const struct slice *slice,
                                  uint64_t at_batch, struct str bytes)
{
    if (bytes.len != (slice->to - slice->from) * sizeof(struct reversal)) return STATUS_CORRUPT;
    if (slice->to > ledger->options.reversals_max) return STATUS_LIMIT;
    if (slice->from > ledger->reversal_count) return STATUS_CORRUPT;
    for (uint64_t number = ledger->reversal_count; number < slice->to; number++) {
        struct reversal *reversal = &ledger->reversals[number];
        memcpy(reversal, bytes.data + (number - slice->from) * sizeof *reversal, sizeof *reversal);
        if (id_map_find(&ledger->reversal_map, reversal->target.value) != ID_MAP_NONE) {
            return STATUS_CORRUPT;
        }
        reversal->applied_batch = at_batch;
        id_map_insert(&ledger->reversal_map, (uint32_t)number);
        ledger->reversal_count++;
    }
    return STATUS_OK;
}

/* Map, heap and free places follow in payment_table_recovered(). */
static enum status payments_load(struct ledger *ledger, const struct slice *slice,
                                 uint64_t at_batch, struct str bytes)
{
    struct payment_table *table = &ledger->payments;
    if (bytes.len != (slice->to - slice->from) * sizeof(struct payment_slot)) {
        return STATUS_CORRUPT;
    }
    if (slice->to > table->slots_max) return STATUS_LIMIT;
    if (slice->from > table->used) return STATUS_CORRUPT;
    for (uint32_t place = table->used; place < slice->to; place++) {
        struct payment_slot slot;
        memcpy(&slot, bytes.data + (place - slice->from) * sizeof slot, sizeof slot);
        slot.applied_batch = at_batch;
        payment_slot_set(table, place, &slot);
    }
    return STATUS_OK;
}

static enum status registry_slice_load(struct ledger *ledger, struct str bytes)
{
    if (bytes.len < sizeof ledger->holds_made) return STATUS_CORRUPT;
    memcpy(&ledger->holds_made, bytes.data, sizeof ledger->holds_made);
    struct str rest = { bytes.data + sizeof ledger->holds_made,
                        bytes.len - sizeof ledger->holds_made };
    return registry_load(&ledger->registry, rest);
}

enum status slice_load(struct ledger *ledger, const struct slice *slice, uint64_t at_batch,
                       struct str bytes)
{
    if (slice->from > slice->to) return STATUS_CORRUPT;
    switch (slice->table) {
    case SLICE_ACCOUNTS: return accounts_load(ledger, slice, at_batch, bytes);
    case SLICE_HOLDS: return holds_load(ledger, slice, at_batch, bytes);
    case SLICE_REVERSALS: return reversals_load(ledger, slice, at_batch, bytes);
    case SLICE_PAYMENTS: return payments_load(ledger, slice, at_batch, bytes);
    case SLICE_REGISTRY: return registry_slice_load(ledger, bytes);
    default: return STATUS_CORRUPT;
    }
}

bool slice_covers(const struct ledger *ledger, const struct batch_header *header)
{
    return header->first_account <= ledger->account_count &&
           header->first_hold <= ledger->hold_replay_from &&
           header->first_reversal <= ledger->reversal_count &&
           header->first_payment <= ledger->payments.used;
}
