#include "wallet/story_balances.h"

#include "base/check.h"

static bool is_moved(const struct story_transfer *transfer)
{
    return transfer->record.head.outcome == OUTCOME_OK;
}

static void account_note(struct account_id account, struct uuid *accounts, uint32_t *count)
{
    for (uint32_t i = 0; i < *count; i++)
        if (uuid_equal(accounts[i], account.value)) return;
    if (*count < STORY_ACCOUNTS_MAX) accounts[(*count)++] = account.value;
}

uint32_t story_accounts(const struct story *story, struct uuid out_accounts[STORY_ACCOUNTS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < story->count; i++) {
        const struct story_unit *unit = &story->units[i];
        for (uint32_t at = 0; at < unit->transfer_count; at++) {
            if (!is_moved(&unit->transfers[at])) continue;
            account_note(unit->transfers[at].record.debit, out_accounts, &count);
            account_note(unit->transfers[at].record.credit, out_accounts, &count);
        }
    }
    return count;
}

/* Goes back over the story's transfers; both are how many are left. */
struct way_back {
    uint32_t units;
    uint32_t transfers; /* of the last of these units */
};

/* The next older one that moved the account; NULL: there is none. */
static struct story_transfer *transfer_back(struct story *story, struct account_id account,
                                            struct way_back *way)
{
    while (way->units > 0) {
        struct story_unit *unit = &story->units[way->units - 1];
        while (way->transfers > 0) {
            struct story_transfer *transfer = &unit->transfers[--way->transfers];
            bool touches = uuid_equal(transfer->record.debit.value, account.value) ||
                           uuid_equal(transfer->record.credit.value, account.value);
            if (touches && is_moved(transfer)) return transfer;
        }
        way->units--;
        if (way->units > 0) way->transfers = story->units[way->units - 1].transfer_count;
    }
    return NULL;
}

static void side_tell(struct story_transfer *transfer, const struct account_state *state,
                      const struct balance *balance)
{
    bool debit = uuid_equal(transfer->record.debit.value, state->account.id.value);
    struct story_side *side = debit ? &transfer->debit_after : &transfer->credit_after;
    *side = (struct story_side){ .balance = *balance, .kind = state->account.kind, .known = true };
}

static enum status account_tell(struct store *store, struct story *story,
                                const struct account_state *state, struct history_entry *entries,
                                struct error *out_error)
{
    struct account_id account = state->account.id;
    struct balance balance = state->balance;
    struct way_back way = { story->count, story->units[story->count - 1].transfer_count };
    struct story_transfer *wanted = transfer_back(story, account, &way);
    struct history_page page = { .entries = entries,
                                 .limit = STORY_ENTRIES_PAGE,
                                 .next = state->last_entry };
    for (uint32_t looked = 0; wanted != NULL && looked < STORY_ENTRIES_MAX; looked += page.count) {
        enum status status = history_of_account(store, account, page.next, &page, out_error);
        if (status != STATUS_OK) return status;
        for (uint32_t i = 0; i < page.count && wanted != NULL; i++) {
            const struct history_entry *entry = &entries[i];
            if (entry->locator.packed == wanted->locator.packed) {
                side_tell(wanted, state, &balance);
                wanted = transfer_back(story, account, &way);
            }
            if (history_effect(entry, account, true, &balance)) continue;
            return error_set(out_error, STATUS_CORRUPT, "an entry cannot be taken off a balance");
        }
        if (page.count == 0) break;
    }
    return STATUS_OK;
}

enum status story_balances(struct store *store, struct story *story,
                           const struct account_state *states, uint32_t count,
                           struct history_entry *entries, struct error *out_error)
{
    CHECK(story->count > 0);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        if (uuid_is_nil(states[i].account.id.value)) continue;
        status = account_tell(store, story, &states[i], entries, out_error);
    }
    return status;
}

uint32_t story_balances_missing(const struct story *story)
{
    uint32_t missing = 0;
    for (uint32_t i = 0; i < story->count; i++) {
        const struct story_unit *unit = &story->units[i];
        for (uint32_t at = 0; at < unit->transfer_count; at++) {
            const struct story_transfer *transfer = &unit->transfers[at];
            if (!is_moved(transfer)) continue;
            if (!transfer->debit_after.known) missing++;
            if (!transfer->credit_after.known) missing++;
        }
    }
    return missing;
}
