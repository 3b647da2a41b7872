/* Arrays and look-ups; the decisions stand in model_decide.c. */
#include "sim/model_ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"

enum { SLOTS_FIRST = 4096 };

struct model *model_new(const struct model_options *options)
{
    struct model *model = calloc(1, sizeof *model);
    CHECK(model != NULL);
    model->options = *options;
    model->accounts = calloc(options->accounts_max, sizeof *model->accounts);
    model->assets = calloc(ASSETS_CUSTOM_MAX, sizeof *model->assets);
    model->credentials = calloc(CREDENTIALS_MAX, sizeof *model->credentials);
    model->slot_count = SLOTS_FIRST;
    model->transfer_slots = calloc(model->slot_count, sizeof *model->transfer_slots);
    CHECK(model->accounts != NULL && model->assets != NULL);
    CHECK(model->credentials != NULL && model->transfer_slots != NULL);
    return model;
}

void model_free(struct model *model)
{
    if (model == NULL) return;
    for (uint32_t i = 0; i < model->account_count; i++) free(model->accounts[i].versions);
    free(model->accounts);
    free(model->refused_accounts);
    free(model->transfers);
    free(model->transfer_slots);
    free(model->contexts);
    free(model->assets);
    free(model->credentials);
    free(model);
}

static uint32_t slot_of(const struct model *model, struct transfer_id id)
{
    uint32_t slot = (uint32_t)hash_fold(id.value.lo ^ 0x9E3779B97F4A7C15U, id.value.hi | 1) &
                    (model->slot_count - 1);
    while (model->transfer_slots[slot] != 0) {
        const struct model_transfer *there = &model->transfers[model->transfer_slots[slot] - 1];
        if (uuid_equal(there->asked.id.value, id.value)) break;
        slot = (slot + 1) & (model->slot_count - 1);
    }
    return slot;
}

uint32_t model_transfer_find(const struct model *model, struct transfer_id id)
{
    uint32_t place_plus_one = model->transfer_slots[slot_of(model, id)];
    return place_plus_one == 0 ? MODEL_NONE : place_plus_one - 1;
}

uint32_t model_account_find(const struct model *model, struct account_id id)
{
    for (uint32_t i = 0; i < model->account_count; i++) {
        if (uuid_equal(model->accounts[i].state.account.id.value, id.value)) return i;
    }
    return MODEL_NONE;
}

uint32_t model_refused_account_find(const struct model *model, struct account_id id)
{
    for (uint32_t i = 0; i < model->refused_account_count; i++) {
        if (uuid_equal(model->refused_accounts[i].asked.id.value, id.value)) return i;
    }
    return MODEL_NONE;
}

uint32_t model_context_find(const struct model *model, struct uuid key)
{
    for (uint32_t i = 0; i < model->context_count; i++) {
        if (uuid_equal(model->contexts[i].key, key)) return i;
    }
    return MODEL_NONE;
}

const struct asset *model_asset_by_id(const struct model *model, uint32_t id)
{
    for (uint32_t i = 0; i < model->asset_count; i++) {
        if (model->assets[i].id == id) return &model->assets[i];
    }
    return asset_iso_by_id(id);
}

bool model_not_after(struct position a, struct position b)
{
    return a.batch < b.batch || (a.batch == b.batch && a.index <= b.index);
}

const struct account_state *model_account_at(const struct model_account *account,
                                             struct position at)
{
    for (uint32_t i = account->version_count; i > 0; i--) {
        const struct model_version *version = &account->versions[i - 1];
        if (model_not_after(version->position, at)) return &version->state;
    }
    return NULL;
}

static void slots_grow(struct model *model)
{
    CHECK(model->slot_count >= SLOTS_FIRST && model->slot_count <= UINT32_MAX / 4);
    model->slot_count *= 2;
    free(model->transfer_slots);
    model->transfer_slots = calloc(model->slot_count, sizeof *model->transfer_slots);
    CHECK(model->transfer_slots != NULL);
    for (uint32_t i = 0; i < model->transfer_count; i++) {
        model->transfer_slots[slot_of(model, model->transfers[i].asked.id)] = i + 1;
    }
}

uint32_t model_transfer_add(struct model *model, const struct model_transfer *transfer)
{
    if (model->transfer_count == model->transfer_room) {
        model->transfer_room = model->transfer_room == 0 ? 1024 : model->transfer_room * 2;
        model->transfers =
            realloc(model->transfers, model->transfer_room * sizeof *model->transfers);
        CHECK(model->transfers != NULL);
    }
    if (model->transfer_count * 2 >= model->slot_count) slots_grow(model);
    uint32_t slot = slot_of(model, transfer->asked.id);
    CHECK(model->transfer_slots[slot] == 0);
    uint32_t place = model->transfer_count++;
    model->transfers[place] = *transfer;
    model->transfer_slots[slot] = place + 1;
    return place;
}

uint32_t model_account_add(struct model *model, const struct model_account *account)
{
    CHECK(model->account_count < model->options.accounts_max);
    uint32_t place = model->account_count++;
    model->accounts[place] = *account;
    model->accounts[place].changed = true;
    return place;
}

void model_refused_account_add(struct model *model, const struct model_refused_account *account)
{
    if (model->refused_account_count == model->refused_account_room) {
        model->refused_account_room =
            model->refused_account_room == 0 ? 64 : model->refused_account_room * 2;
        model->refused_accounts = realloc(
            model->refused_accounts, model->refused_account_room * sizeof *model->refused_accounts);
        CHECK(model->refused_accounts != NULL);
    }
    model->refused_accounts[model->refused_account_count++] = *account;
}

struct model_context *model_context_add(struct model *model, const struct model_context *context)
{
    if (model->context_count == model->context_room) {
        model->context_room = model->context_room == 0 ? 256 : model->context_room * 2;
        model->contexts = realloc(model->contexts, model->context_room * sizeof *model->contexts);
        CHECK(model->contexts != NULL);
    }
    struct model_context *place = &model->contexts[model->context_count++];
    *place = *context;
    return place;
}

void model_unit_end(struct model *model, struct position position)
{
    for (uint32_t i = 0; i < model->account_count; i++) {
        struct model_account *account = &model->accounts[i];
        if (!account->changed) continue;
        account->changed = false;
        if (account->version_count == account->version_room) {
            account->version_room = account->version_room == 0 ? 8 : account->version_room * 2;
            account->versions =
                realloc(account->versions, account->version_room * sizeof *account->versions);
            CHECK(account->versions != NULL);
        }
        account->versions[account->version_count++] =
            (struct model_version){ position, account->state };
    }
}

bool model_same_content(const struct transfer *a, const struct transfer *b)
{
    return uuid_equal(a->debit.value, b->debit.value) &&
           uuid_equal(a->credit.value, b->credit.value) && money_equal(a->amount, b->amount) &&
           uuid_equal(a->target.value, b->target.value) && uuid_equal(a->user_ref, b->user_ref) &&
           a->asset == b->asset && a->timeout_s == b->timeout_s &&
           a->value_date.days == b->value_date.days && a->code == b->code && a->kind == b->kind &&
           a->flags == b->flags;
}

bool model_same_account(const struct account *a, const struct account *b)
{
    return a->asset == b->asset && a->kind == b->kind &&
           (a->flags & ACCOUNT_FLAGS_BOUND) == (b->flags & ACCOUNT_FLAGS_BOUND) &&
           uuid_equal(a->user_ref, b->user_ref) && uuid_equal(a->metadata_ref, b->metadata_ref);
}
