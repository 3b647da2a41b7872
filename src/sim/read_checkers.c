/* Each kind of read, computed again from the twin as of a moment; NULL: the answer is that. */
#include "sim/read_checkers.h"

#include <inttypes.h>

#include "base/check.h"
#include "model/record.h"
#include "sim/payment_checkers.h"

static bool balance_equal(const struct balance *a, const struct balance *b)
{
    return money_equal(a->debits_posted, b->debits_posted) &&
           money_equal(a->debits_pending, b->debits_pending) &&
           money_equal(a->credits_posted, b->credits_posted) &&
           money_equal(a->credits_pending, b->credits_pending);
}

static const char *state_fault(const struct account_state *shown,
                               const struct account_state *expected)
{
    if (!uuid_equal(shown->account.id.value, expected->account.id.value)) {
        return "another account is shown";
    }
    if (!model_same_account(&shown->account, &expected->account)) {
        return "an account is shown with other content";
    }
    if (shown->account.flags != expected->account.flags) {
        return "an account is shown with other flags";
    }
    if (!balance_equal(&shown->balance, &expected->balance)) return "another balance is shown";
    if (shown->last_entry.packed != expected->last_entry.packed ||
        shown->entry_count != expected->entry_count) {
        return "another newest entry is shown";
    }
    if (shown->created_at.ns != expected->created_at.ns) return "another time of making is shown";
    return NULL;
}

static const char *accounts_fault(const struct asking *asking, struct position at)
{
    const struct model *model = asking->service->model;
    for (uint32_t i = 0; i < asking->read.count; i++) {
        uint32_t place = model_account_find(model, (struct account_id){ asking->read.ids[i] });
        const struct account_state *expected =
            place == MODEL_NONE ? NULL : model_account_at(&model->accounts[place], at);
        const struct account_state *shown = &asking->accounts[i];
        const char *fault = NULL;
        if (expected != NULL) {
            fault = state_fault(shown, expected);
        } else if (!uuid_is_nil(shown->account.id.value)) {
            fault = "an account is shown that is not there";
        }
        if (fault != NULL) return fault;
    }
    return NULL;
}

static const char *page_fault(const struct asking *asking, struct position at)
{
    const struct model *model = asking->service->model;
    const struct read *read = &asking->read;
    uint64_t made = 0; /* accounts are numbered in the order of making */
    while (made < model->account_count && model_not_after(model->accounts[made].position, at)) {
        made++;
    }
    uint64_t left = read->from < made ? made - read->from : 0;
    uint64_t expected = left < read->limit ? left : read->limit;
    if (read->found != expected) return "a page has more or fewer accounts";
    if (read->more != (left > read->limit)) return "a page is wrong about more";
    for (uint32_t i = 0; i < read->found; i++) {
        const char *fault = state_fault(&asking->accounts[i],
                                        model_account_at(&model->accounts[read->from + i], at));
        if (fault != NULL) return fault;
    }
    return NULL;
}

static const char *locators_fault(const struct asking *asking, struct position at)
{
    const struct model *model = asking->service->model;
    for (uint32_t i = 0; i < asking->read.count; i++) {
        uint32_t place = model_transfer_find(model, (struct transfer_id){ asking->read.ids[i] });
        struct locator expected = { 0 };
        if (place != MODEL_NONE) {
            const struct model_transfer *transfer = &model->transfers[place];
            bool closing = asking->read.kind == READ_CLOSING;
            struct position position = closing ? transfer->closed_position : transfer->position;
            if (model_not_after(position, at)) {
                expected = closing ? transfer->closed_at : transfer->locator;
            }
        }
        if (asking->locators[i].packed != expected.packed) return "another record is named";
    }
    return NULL;
}

static const char *reference_fault(const struct asking *asking, struct position at)
{
    const struct model *model = asking->service->model;
    uint32_t found = 0;
    bool more = false;
    for (uint32_t i = 0; i < model->transfer_count && !more; i++) {
        const struct model_transfer *transfer = &model->transfers[i];
        if (!model_not_after(transfer->position, at)) break;
        if (!uuid_equal(transfer->asked.user_ref, asking->read.ids[0])) continue;
        if (transfer->locator.packed <= asking->read.after.packed) continue;
        more = found == asking->read.limit;
        if (more) break;
        if (found < asking->read.found &&
            asking->locators[found].packed != transfer->locator.packed) {
            return "a reference leads to another record";
        }
        found++;
    }
    if (found != asking->read.found) return "a reference leads to more or fewer records";
    return more == asking->read.more ? NULL : "a reference is wrong about more";
}

static const char *account_reference_fault(const struct asking *asking, struct position at)
{
    const struct model *model = asking->service->model;
    const struct read *read = &asking->read;
    uint32_t found = 0;
    bool more = false;
    for (uint32_t i = 0; i < model->account_count && !more; i++) {
        const struct model_account *account = &model->accounts[i];
        if (!model_not_after(account->position, at)) break;
        if (!uuid_equal(account->state.account.user_ref, read->ids[0])) continue;
        if (account->locator.packed <= read->after.packed) continue;
        more = found == read->limit;
        if (more) break;
        if (found < read->found && asking->locators[found].packed != account->locator.packed) {
            return "a reference leads to another account";
        }
        found++;
    }
    if (found != read->found) return "a reference leads to more or fewer accounts";
    return more == read->more ? NULL : "a reference of accounts is wrong about more";
}

/* The totals of one asset and kind. */
static struct totals_row totals_of(const struct model *model, struct position at, uint32_t asset,
                                   uint16_t kind)
{
    struct totals_row row = { .asset = asset, .kind = kind };
    for (uint32_t i = 0; i < model->account_count; i++) {
        const struct account_state *state = model_account_at(&model->accounts[i], at);
        if (state == NULL || state->account.asset != asset || state->account.kind != kind) continue;
        row.account_count++;
        row.balance.debits_posted.minor += state->balance.debits_posted.minor;
        row.balance.debits_pending.minor += state->balance.debits_pending.minor;
        row.balance.credits_posted.minor += state->balance.credits_posted.minor;
        row.balance.credits_pending.minor += state->balance.credits_pending.minor;
    }
    return row;
}

static const char *totals_fault(const struct asking *asking, struct position at)
{
    uint64_t accounts = 0;
    for (uint32_t i = 0; i < asking->read.found; i++) {
        const struct totals_row *row = &asking->totals[i];
        struct totals_row expected = totals_of(asking->service->model, at, row->asset, row->kind);
        if (row->account_count != expected.account_count ||
            !balance_equal(&row->balance, &expected.balance)) {
            return "a trial balance has other totals";
        }
        accounts += row->account_count;
    }
    if (!asking->read.more && accounts != asking->read.account_count) {
        return "a trial balance leaves accounts out";
    }
    return NULL;
}

static const char *counts_fault(const struct asking *asking, struct position at)
{
    const struct model *model = asking->service->model;
    uint64_t accounts = 0;
    for (uint32_t i = 0; i < model->account_count; i++) {
        if (model_not_after(model->accounts[i].position, at)) accounts++;
    }
    if (accounts != asking->read.account_count) return "another number of accounts is shown";
    uint64_t holds = 0;
    for (uint32_t i = 0; i < model->transfer_count; i++) {
        const struct model_transfer *transfer = &model->transfers[i];
        if (!model_not_after(transfer->position, at)) break;
        if (!transfer_kind_holds(transfer->asked.kind) || transfer->outcome != OUTCOME_OK) continue;
        if (transfer->closed_by == 0 || !model_not_after(transfer->closed_position, at)) holds++;
    }
    return holds == asking->read.hold_count ? NULL : "another number of open holds is shown";
}

static const char *fault_at(const struct asking *asking, struct position at)
{
    const char *fault = counts_fault(asking, at);
    if (fault != NULL) return fault;
    switch (asking->read.kind) {
    case READ_ACCOUNTS: return accounts_fault(asking, at);
    case READ_ACCOUNT_PAGE: return page_fault(asking, at);
    case READ_TRANSFERS:
    case READ_CLOSING: return locators_fault(asking, at);
    case READ_REFERENCE: return reference_fault(asking, at);
    case READ_ACCOUNT_REFERENCE: return account_reference_fault(asking, at);
    case READ_TOTALS: return totals_fault(asking, at);
    case READ_PAYMENTS: return payments_read_fault(asking, at);
    case READ_PAYMENT_PAGE:
    case READ_TRANSITS:
    case READ_PAYMENT_DUE: break; /* of other workloads */
    }
    return "a read of no kind";
}

/* The last unit that a read says it reflects. */
static struct position moment_of(const struct read *read)
{
    if (read->as_of_units == 0) return (struct position){ read->as_of_batch - 1, UINT32_MAX };
    return (struct position){ read->as_of_batch, read->as_of_units - 1 };
}

void check_read(struct asking *asking)
{
    const struct read *read = &asking->read;
    struct life *life = asking->life;
    struct verdict *verdict = &asking->service->verdict;
    uint64_t head = sim_disk_head(asking->service->disk);
    if (read->as_of_batch > head) {
        verdict_violation(verdict, "a read shows batch %" PRIu64 ", durable is %" PRIu64,
                          read->as_of_batch, head);
        return;
    }
    if (read->as_of_batch < asking->told_before) {
        verdict_violation(verdict, "a read shows batch %" PRIu64 ", %" PRIu64 " was told before",
                          read->as_of_batch, asking->told_before);
    }
    if (read->as_of_batch > life->told_batch) life->told_batch = read->as_of_batch;
    const char *fault = fault_at(asking, moment_of(read));
    if (fault != NULL) {
        verdict_violation(verdict,
                          "%s (kind %d, as of batch %" PRIu64 ", durable head %" PRIu64 ")", fault,
                          (int)read->kind, read->as_of_batch, head);
    }
}
