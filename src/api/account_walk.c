/* Back-pointers in the records are the account's history; nothing else is needed to walk it. */
#include "api/account_walk.h"

#include "api/lookup.h"
#include "base/check.h"
#include "model/position.h"

enum { WALK_PAGE = 64 }; /* entries read between two looks at the clock */

bool account_walk_begin(struct account_walk *walk, struct work *work, struct locator newest)
{
    *walk = (struct account_walk){
        .work = work,
        .account = work->account_state.account.id,
        .next = newest,
        .until = work_history_until(work),
    };
    if (!work_reserve(work, WALK_PAGE * sizeof(struct history_entry) + 16)) return false;
    walk->entries = arena_take_array(&work->bulk, WALK_PAGE, sizeof(struct history_entry));
    CHECK(walk->entries != NULL);
    return true;
}

const struct history_entry *account_walk_next(struct account_walk *walk)
{
    struct work *work = walk->work;
    if (walk->at < walk->count) return &walk->entries[walk->at++];
    if (locator_is_none(walk->next) || work_history_over(work, walk->until)) return NULL;
    struct error error = { 0 };
    struct history_page page = { .entries = walk->entries, .limit = WALK_PAGE };
    enum status status =
        history_of_account(work->api->ports.store, walk->account, walk->next, &page, &error);
    walk->at = 0;
    walk->count = page.count;
    if (!work_history_ok(work, status, &error) || page.count == 0) return NULL;
    walk->next = page.next;
    return &walk->entries[walk->at++];
}

struct locator account_walk_after(const struct account_walk *walk,
                                  const struct history_entry *entry)
{
    bool debit = uuid_equal(entry->transfer.debit.value, walk->account.value);
    return debit ? entry->transfer.previous_debit : entry->transfer.previous_credit;
}

bool account_walk_undo(struct account_walk *walk, const struct history_entry *entry,
                       struct balance *balance)
{
    if (history_effect(entry, walk->account, true, balance)) return true;
    struct error error = { 0 };
    enum status status =
        error_set(&error, STATUS_CORRUPT, "an entry cannot be taken off a balance");
    error_detail(&error, "entry in batch %llu", (unsigned long long)entry->position.batch);
    return work_history_ok(walk->work, status, &error);
}

static bool position_absent(struct work *work, const char *detail)
{
    (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
    problem_field(&work->problem, "at");
    problem_detail(&work->problem, "%s", detail);
    return false;
}

/* Stamps are unlike from batch to batch, so the account's names the batch that made it. */
static bool account_existed(struct work *work, struct position at)
{
    struct store *store = work->api->ports.store;
    struct error error = { 0 };
    uint64_t made = 0;
    enum status status = store->find_stamp(store, work->account_state.created_at, &made, &error);
    if (!work_history_ok(work, status, &error)) return false;
    return made <= at.batch || position_absent(work, "the account was made later than this");
}

bool account_balance_at(struct work *work, struct position at, struct balance *out_balance)
{
    if (at.batch > journal_head(work))
        return position_absent(work, "the journal has not reached this position");
    if (!account_existed(work, at)) return false;
    struct account_walk walk;
    struct balance balance = work->account_state.balance;
    if (!account_walk_begin(&walk, work, work->account_state.last_entry)) return false;
    for (const struct history_entry *entry = account_walk_next(&walk); entry != NULL;
         entry = account_walk_next(&walk)) {
        if (!position_after(entry->position, at)) break;
        if (!account_walk_undo(&walk, entry, &balance)) return false;
    }
    if (problem_is_set(&work->problem)) return false;
    *out_balance = balance;
    return true;
}
