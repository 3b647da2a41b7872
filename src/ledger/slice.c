/* Entries are copied as they lie in memory; on loading, each is as new as its slice. */
#include "ledger/slice.h"

#include <string.h>

#include "base/check.h"

enum {
    SLICE_ENTRIES_MAX = 1024,
    SLICE_REGISTRY_ROOM = SLICE_SIZE_MAX,
};
_Static_assert(SLICE_ENTRIES_MAX * sizeof(struct account_state) <= SLICE_SIZE_MAX, "it fits");
_Static_assert(sizeof(uint64_t) + 16 + ASSETS_CUSTOM_MAX * sizeof(struct asset) +
                       CREDENTIALS_MAX * sizeof(struct credential) <=
                   SLICE_REGISTRY_ROOM,
               "the registry is one slice");

static uint64_t entries_next(uint64_t from, uint64_t count)
{
    uint64_t left = count - from;
    return left < SLICE_ENTRIES_MAX ? left : SLICE_ENTRIES_MAX;
}

size_t sweep_next_size(const struct ledger *ledger, const struct sweep *sweep)
{
    switch ((enum slice_table)sweep->table) {
    case SLICE_ACCOUNTS:
        return entries_next(sweep->from, ledger->account_count) * sizeof(struct account_state);
    case SLICE_HOLDS: {
        uint64_t open = ledger->holds.count;
        return (open < SLICE_ENTRIES_MAX ? open : SLICE_ENTRIES_MAX) * sizeof(struct hold);
    }
    case SLICE_REVERSALS:
        return entries_next(sweep->from, ledger->reversal_count) * sizeof(struct reversal);
    case SLICE_REGISTRY:
        return ledger->registry.asset_count * sizeof(struct asset) +
               ledger->registry.credential_count * sizeof(struct credential);
    }
    CHECK(false);
    return 0;
}

static uint64_t array_next(const void *entries, size_t stride, uint64_t count, uint64_t from,
                           struct buf *out_bytes)
{
    uint64_t taken = entries_next(from, count);
    buf_append(out_bytes, (const uint8_t *)entries + from * stride, taken * stride);
    return from + taken;
}

static uint64_t holds_next(struct ledger *ledger, uint64_t from, struct buf *out_bytes)
{
    struct hold_table *table = &ledger->holds;
    if (from == 1) hold_sweep_start(table);
    for (uint32_t i = 0; i < SLICE_ENTRIES_MAX && table->sweep != HOLD_NONE; i++) {
        buf_append(out_bytes, &table->holds[table->sweep], sizeof(struct hold));
        hold_sweep_pass(table);
    }
    if (table->sweep == HOLD_NONE) return ledger->holds_made + 1;
    return table->sweep_from;
}

/* The number at which a table's sweep begins and ends. */
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
    case SLICE_REGISTRY: return 1;
    }
    CHECK(false);
    return 0;
}

struct slice sweep_next(struct ledger *ledger, struct sweep *sweep, struct buf *out_bytes)
{
    struct slice slice = { sweep->table, sweep->generation, sweep->from, 0 };
    switch ((enum slice_table)sweep->table) {
    case SLICE_ACCOUNTS:
        slice.to = array_next(ledger->accounts, sizeof(struct account_state), ledger->account_count,
                              sweep->from, out_bytes);
        break;
    case SLICE_HOLDS: slice.to = holds_next(ledger, sweep->from, out_bytes); break;
    case SLICE_REVERSALS:
        slice.to = array_next(ledger->reversals, sizeof(struct reversal), ledger->reversal_count,
                              sweep->from, out_bytes);
        break;
    case SLICE_REGISTRY:
        buf_append(out_bytes, &ledger->holds_made, sizeof ledger->holds_made);
        registry_save(&ledger->registry, out_bytes);
        slice.to = 1;
        break;
    }
    sweep->from = slice.to;
    if (slice.to == table_end(ledger, sweep->table)) {
        bool last = sweep->table == SLICE_REGISTRY;
        sweep->table = last ? SLICE_ACCOUNTS : sweep->table + 1;
        sweep->generation += last;
        sweep->from = table_first(sweep->table);
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
    case SLICE_REGISTRY: return registry_slice_load(ledger, bytes);
    default: return STATUS_CORRUPT;
    }
}
