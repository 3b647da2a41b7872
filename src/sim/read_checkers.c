/* Each kind of read, computed again from the twin as of the batch that the answer names. */
#include "sim/read_checkers.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"

static void wrong(const struct asking *asking, const char *what)
{
    verdict_violation(&asking->service->verdict,
                      "%s (read as of batch %" PRIu64 ", head %" PRIu64 ")", what,
                      asking->read.as_of_batch, sim_disk_head(asking->service->disk));
}

static bool balance_equal(const struct balance *a, const struct balance *b)
{
    return money_equal(a->debits_posted, b->debits_posted) &&
           money_equal(a->debits_pending, b->debits_pending) &&
           money_equal(a->credits_posted, b->credits_posted) &&
           money_equal(a->credits_pending, b->credits_pending);
}

static void state_compare(const struct asking *asking, const struct account_state *shown,
                          const struct account_state *expected)
{
    if (!uuid_equal(shown->account.id.value, expected->account.id.value)) {
        wrong(asking, "another account is shown");
        return;
    }
    if (!model_same_account(&shown->account, &expected->account)) {
        wrong(asking, "an account is shown with other content");
    }
    if (shown->account.flags != expected->account.flags) {
        wrong(asking, "an account is shown with other flags");
    }
    if (!balance_equal(&shown->balance, &expected->balance)) {
        wrong(asking, "another balance is shown");
    }
    if (shown->last_entry.packed != expected->last_entry.packed ||
        shown->entry_count != expected->entry_count) {
        wrong(asking, "another newest entry is shown");
    }
    if (shown->created_at.ns != expected->created_at.ns) {
        wrong(asking, "another time of making is shown");
    }
}

/* The account as of the read; NULL when it was not there yet. */
static const struct account_state *expected_account(const struct asking *asking, struct uuid id)
{
    const struct model *model = asking->service->model;
    uint32_t place = model_account_find(model, (struct account_id){ id });
    if (place == MODEL_NONE) return NULL;
    return model_account_at(&model->accounts[place], asking->read.as_of_batch);
}

static void accounts_check(const struct asking *asking)
{
    for (uint32_t i = 0; i < asking->read.count; i++) {
        const struct account_state *expected = expected_account(asking, asking->read.ids[i]);
        const struct account_state *shown = &asking->accounts[i];
        if (expected != NULL) {
            state_compare(asking, shown, expected);
        } else if (!uuid_is_nil(shown->account.id.value)) {
            wrong(asking, "an account is shown that is not there");
        }
    }
}

static void page_check(const struct asking *asking)
{
    const struct model *model = asking->service->model;
    uint32_t found = 0;
    bool more = false;
    for (uint64_t number = asking->read.from; number < model->account_count; number++) {
        const struct account_state *expected =
            model_account_at(&model->accounts[number], asking->read.as_of_batch);
        if (expected == NULL) break;
        more = found == asking->read.limit;
        if (more) break;
        if (found < asking->read.found) state_compare(asking, &asking->accounts[found], expected);
        found++;
    }
    if (found != asking->read.found) wrong(asking, "a page has other accounts");
    if (more != asking->read.more) wrong(asking, "a page is wrong about more");
}

static struct locator expected_locator(const struct asking *asking, struct uuid id)
{
    const struct model *model = asking->service->model;
    const struct locator none = { 0 };
    uint32_t place = model_transfer_find(model, (struct transfer_id){ id });
    if (place == MODEL_NONE) return none;
    const struct model_transfer *transfer = &model->transfers[place];
    struct locator locator =
        asking->read.kind == READ_CLOSING ? transfer->closed_at : transfer->locator;
    return locator_batch(locator) <= asking->read.as_of_batch ? locator : none;
}

static void locators_check(const struct asking *asking)
{
    for (uint32_t i = 0; i < asking->read.count; i++) {
        struct locator expected = expected_locator(asking, asking->read.ids[i]);
        if (asking->locators[i].packed != expected.packed) wrong(asking, "another record is named");
    }
}

static void reference_check(const struct asking *asking)
{
    const struct model *model = asking->service->model;
    uint32_t found = 0;
    bool more = false;
    for (uint32_t i = 0; i < model->transfer_count && !more; i++) {
        const struct model_transfer *transfer = &model->transfers[i];
        if (transfer->position.batch > asking->read.as_of_batch) break;
        if (!uuid_equal(transfer->asked.user_ref, asking->read.ids[0])) continue;
        if (transfer->locator.packed <= asking->read.after.packed) continue;
        more = found == asking->read.limit;
        if (more) break;
        if (found < asking->read.found &&
            asking->locators[found].packed != transfer->locator.packed) {
            wrong(asking, "a reference leads to another record");
        }
        found++;
    }
    if (found != asking->read.found) wrong(asking, "a reference leads to more or fewer records");
    if (more != asking->read.more) wrong(asking, "a reference is wrong about more");
}

static void balance_add(struct balance *sum, const struct balance *one)
{
    sum->debits_posted.minor += one->debits_posted.minor;
    sum->debits_pending.minor += one->debits_pending.minor;
    sum->credits_posted.minor += one->credits_posted.minor;
    sum->credits_pending.minor += one->credits_pending.minor;
}

/* The totals of one asset and kind as of the read. */
static struct totals_row expected_totals(const struct asking *asking, uint32_t asset, uint16_t kind)
{
    const struct model *model = asking->service->model;
    struct totals_row row = { .asset = asset, .kind = kind };
    for (uint32_t i = 0; i < model->account_count; i++) {
        const struct account_state *state =
            model_account_at(&model->accounts[i], asking->read.as_of_batch);
        if (state == NULL || state->account.asset != asset || state->account.kind != kind) continue;
        row.account_count++;
        balance_add(&row.balance, &state->balance);
    }
    return row;
}

static void totals_check(const struct asking *asking)
{
    uint64_t accounts = 0;
    for (uint32_t i = 0; i < asking->read.found; i++) {
        const struct totals_row *row = &asking->totals[i];
        struct totals_row expected = expected_totals(asking, row->asset, row->kind);
        if (row->account_count != expected.account_count ||
            !balance_equal(&row->balance, &expected.balance)) {
            wrong(asking, "a trial balance has other totals");
        }
        accounts += row->account_count;
    }
    if (!asking->read.more && accounts != asking->read.account_count) {
        wrong(asking, "a trial balance leaves accounts out");
    }
}

static void counts_check(const struct asking *asking)
{
    const struct model *model = asking->service->model;
    uint64_t accounts = 0;
    for (uint32_t i = 0; i < model->account_count; i++) {
        if (model_account_at(&model->accounts[i], asking->read.as_of_batch) != NULL) accounts++;
    }
    if (accounts != asking->read.account_count) wrong(asking, "another number of accounts");
    uint64_t holds = 0;
    for (uint32_t i = 0; i < model->transfer_count; i++) {
        const struct model_transfer *transfer = &model->transfers[i];
        if (transfer->position.batch > asking->read.as_of_batch) break;
        if (transfer->asked.kind != TRANSFER_HOLD || transfer->outcome != OUTCOME_OK) continue;
        bool closed = transfer->closed_by != 0 &&
                      locator_batch(transfer->closed_at) <= asking->read.as_of_batch;
        if (!closed) holds++;
    }
    if (holds != asking->read.hold_count) wrong(asking, "another number of open holds");
}

void check_read(struct asking *asking)
{
    const struct read *read = &asking->read;
    struct life *life = asking->life;
    if (read->as_of_batch > sim_disk_head(asking->service->disk)) {
        wrong(asking, "what is not durable was shown");
        return;
    }
    if (read->as_of_batch < asking->told_before) wrong(asking, "older than what was told before");
    if (read->as_of_batch > life->told_batch) life->told_batch = read->as_of_batch;
    counts_check(asking);
    switch (read->kind) {
    case READ_ACCOUNTS: accounts_check(asking); return;
    case READ_ACCOUNT_PAGE: page_check(asking); return;
    case READ_TRANSFERS:
    case READ_CLOSING: locators_check(asking); return;
    case READ_REFERENCE: reference_check(asking); return;
    case READ_TOTALS: totals_check(asking); return;
    }
}
