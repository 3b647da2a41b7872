/* What was done before is found in history: accounts by their id, acts by their key. */
#include "wallet/acts.h"

#include <string.h>

#include "base/check.h"
#include "wallet/indexes.h"
#include "wallet/payer.h"
#include "wallet/transit_apply.h"

enum status acts_key(struct lane *lane, struct request *request, struct error *out_error)
{
    request->root_used = request->root;
    request->key_is_new = false;
    if (uuid_is_nil(request->key)) return STATUS_OK;
    struct index *keys = lane->indexes[LANE_INDEX_KEYS];
    struct locator locator;
    enum status status = index_find(keys, request->key, &locator, out_error);
    if (status == STATUS_NOT_FOUND) {
        request->key_is_new = true;
        if (request->kind == REQUEST_PAYMENT) return STATUS_OK; /* it does so itself */
        index_insert(keys, request->key, batch_next_locator(&lane->building->batch));
        applier_context(lane, request);
        return STATUS_OK;
    }
    struct applier_record known;
    if (status == STATUS_OK) status = applier_record_read(lane, locator, &known, out_error);
    if (status != STATUS_OK) return status;
    const struct record_context *context = (const struct record_context *)known.bytes;
    if (context->head.type != RECORD_CONTEXT || !uuid_equal(context->key, request->key)) {
        return error_set(out_error, STATUS_CORRUPT, "the index names no context in batch %llu",
                         (unsigned long long)known.position.batch);
    }
    if (!uuid_equal(context->fingerprint, request->fingerprint)) return STATUS_CONFLICT;
    request->root_used = context->root;
    return STATUS_OK;
}

/* The outcome of the first time, when the content is the same; else the id is another's. */
static enum status account_repeat(struct lane *lane, struct locator locator,
                                  const struct account *account, struct account_result *out_result,
                                  struct error *out_error)
{
    struct applier_record known;
    enum status status = applier_record_read(lane, locator, &known, out_error);
    if (status != STATUS_OK) return status;
    const struct record_account *record = (const struct record_account *)known.bytes;
    if (record->head.type != RECORD_ACCOUNT ||
        !uuid_equal(record->account.id.value, account->id.value)) {
        return error_set(out_error, STATUS_CORRUPT, "the index names no such account in batch %llu",
                         (unsigned long long)known.position.batch);
    }
    bool same = account_same_content(&record->account, account);
    *out_result = (struct account_result){
        .id = account->id,
        .position = known.position,
        .stamp = known.stamp,
        .outcome = same ? record->head.outcome : (uint8_t)ACCOUNT_OUTCOME_ID_CONFLICT,
        .repeated = same,
    };
    if (same) lane->building->repeats++;
    return STATUS_OK;
}

/* Of an id that is new: decided, and recorded either way. */
static void account_new(struct lane *lane, const struct request *request,
                        const struct account *account, struct account_result *out_result)
{
    applier_context(lane, request);
    struct batch *batch = &lane->building->batch;
    struct ledger_moment moment = applier_moment(lane);
    bool repeated;
    uint32_t number;
    enum account_outcome outcome =
        ledger_account_create(lane->ledger, moment, account, &repeated, &number);
    CHECK(!repeated); /* the index has every account */
    CHECK(outcome != ACCOUNT_OUTCOME_ID_CONFLICT);
    *out_result = (struct account_result){
        .id = account->id,
        .position = { batch->sequence, batch->unit_count },
        .stamp = batch->stamp,
        .outcome = (uint8_t)outcome,
    };
    struct record_account *record = batch_room(batch);
    *record = (struct record_account){
        .head = { .type = RECORD_ACCOUNT, .outcome = (uint8_t)outcome },
        .account = *account,
    };
    batch_add(batch, &record->head, sizeof *record, batch->unit_count);
    indexes_enter(lane, ~0U, moment.locator, &record->head);
}

enum status acts_accounts(struct lane *lane, const struct queue_piece *piece,
                          struct error *out_error)
{
    const struct request *request = piece->request;
    struct index *ids = lane->indexes[LANE_INDEX_ACCOUNTS];
    for (uint32_t i = piece->from; i < piece->from + piece->count; i++) {
        struct account account = request->accounts[i];
        if (uuid_is_nil(account.id.value)) account.id.value = uuid_derive(request->root_used, i);
        struct account_result *result = &request->account_results[i];
        struct locator locator;
        enum status status = index_find(ids, account.id.value, &locator, out_error);
        if (status == STATUS_OK) {
            status = account_repeat(lane, locator, &account, result, out_error);
        } else if (status == STATUS_NOT_FOUND) {
            account_new(lane, request, &account, result);
            status = STATUS_OK;
        }
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* The act of a key that was used before stands right behind its context. */
static enum status admin_repeat(struct lane *lane, struct request *request, struct error *out_error)
{
    struct locator context;
    enum status status =
        index_find(lane->indexes[LANE_INDEX_KEYS], request->key, &context, out_error);
    if (status != STATUS_OK) return status;
    struct locator act = locator_make(locator_batch(context),
                                      locator_offset(context) + sizeof(struct record_context));
    struct applier_record known;
    status = applier_record_read(lane, act, &known, out_error);
    if (status != STATUS_OK) return status;
    const struct record_head *head = (const struct record_head *)known.bytes;
    struct admin_result *result = request->admin_result;
    *result = (struct admin_result){
        .outcome = head->outcome,
        .repeated = true,
        .position = known.position,
        .stamp = known.stamp,
    };
    if (head->type == RECORD_ASSET) {
        result->asset_id = ((const struct record_asset *)known.bytes)->id;
    } else if (head->type == RECORD_CREDENTIAL) {
        result->credential = ((const struct record_credential *)known.bytes)->id;
    }
    lane->building->repeats++;
    return STATUS_OK;
}

/* Without a key a refusal has no id under which it could be asked for again. */
static bool admin_is_recorded(const struct request *request, uint8_t outcome)
{
    return outcome == ADMIN_OUTCOME_OK || !uuid_is_nil(request->key);
}

/* Behind the act, in its unit. A notice has room for its own. */
static void reason_add(struct batch *batch, const struct admin *admin)
{
    if (admin->reason[0] == '\0' || admin->kind == ADMIN_NOTICE) return;
    struct record_notice *record = batch_room(batch);
    *record =
        (struct record_notice){ .head = { .type = RECORD_NOTICE, .kind = (uint8_t)NOTICE_REASON } };
    memcpy(record->reason, admin->reason, sizeof record->reason);
    batch_add(batch, &record->head, sizeof *record, batch->unit_count - 1);
}

enum status acts_admin(struct lane *lane, struct request *request, struct error *out_error)
{
    if (!uuid_is_nil(request->key) && !request->key_is_new) {
        return admin_repeat(lane, request, out_error);
    }
    struct batch *batch = &lane->building->batch;
    struct admin admin = *request->admin;
    if (admin.kind == ADMIN_CREDENTIAL_CREATE && uuid_is_nil(admin.credential.id.value)) {
        admin.credential.id.value = request->root_used;
    }
    if (admin.kind == ADMIN_TRACE_RAISE && uuid_is_nil(admin.raise.id))
        admin.raise.id = request->root_used;
    union ledger_admin_record record;
    uint16_t size = ledger_admin(lane->ledger, applier_moment(lane), &admin, &record);
    struct admin_result *result = request->admin_result;
    *result = (struct admin_result){
        .outcome = record.head.outcome,
        .position = { batch->sequence, batch->unit_count },
        .stamp = batch->stamp,
    };
    if (record.head.type == RECORD_ASSET) result->asset_id = record.asset.id;
    if (record.head.type == RECORD_CREDENTIAL) result->credential = record.credential.id;
    if (!admin_is_recorded(request, record.head.outcome)) return STATUS_OK;
    applier_context(lane, request);
    void *room = batch_room(batch);
    memcpy(room, &record, size);
    batch_add(batch, room, size, batch->unit_count);
    reason_add(batch, &admin);
    lane->building->changes_registry = true;
    return STATUS_OK;
}

/* ---- Reads ---- */

static void read_accounts(const struct lane *lane, struct read *read)
{
    for (uint32_t i = 0; i < read->count; i++) {
        uint32_t number = ledger_account_find(lane->ledger, (struct account_id){ read->ids[i] });
        read->accounts[i] = number == ACCOUNT_NONE ? (struct account_state){ 0 }
                                                   : *ledger_account(lane->ledger, number);
    }
    read->found = read->count;
}

static void read_account_page(const struct lane *lane, struct read *read)
{
    uint64_t count = lane->ledger->account_count;
    uint64_t left = read->from < count ? count - read->from : 0;
    read->found = left < read->limit ? (uint32_t)left : read->limit;
    read->more = left > read->limit;
    for (uint32_t i = 0; i < read->found; i++) {
        read->accounts[i] = *ledger_account(lane->ledger, (uint32_t)(read->from + i));
    }
}

static enum status read_locators(struct lane *lane, enum lane_index which, struct read *read,
                                 struct error *out_error)
{
    for (uint32_t i = 0; i < read->count; i++) {
        read->locators[i] = (struct locator){ 0 };
        enum status status =
            index_find(lane->indexes[which], read->ids[i], &read->locators[i], out_error);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    }
    read->found = read->count;
    return STATUS_OK;
}

static void read_reversed(const struct lane *lane, struct read *read)
{
    const struct ledger *ledger = lane->ledger;
    for (uint32_t i = 0; i < read->count && read->reversed != NULL; i++) {
        uint32_t entry = id_map_find(&ledger->reversal_map, read->ids[i]);
        read->reversed[i] = entry == ID_MAP_NONE ? MONEY_ZERO : ledger->reversals[entry].reversed;
    }
}

/* One more than asked for is looked up, to know whether there is more. */
static enum status read_reference(struct lane *lane, enum lane_index which, struct read *read,
                                  struct error *out_error)
{
    struct locator page[PAGE_ITEMS_MAX + 1];
    CHECK(read->limit <= PAGE_ITEMS_MAX);
    const struct index_query query = { read->ids[0], read->after, page, read->limit + 1 };
    uint32_t found;
    enum status status = index_find_after(lane->indexes[which], &query, &found, out_error);
    if (status != STATUS_OK) return status;
    read->more = found > read->limit;
    read->found = read->more ? read->limit : found;
    memcpy(read->locators, page, read->found * sizeof page[0]);
    return STATUS_OK;
}

static uint32_t asset_of_totals(uint32_t index)
{
    uint32_t dense = index / ACCOUNT_KIND_END;
    return dense < 1000 ? dense : ASSET_CUSTOM_FIRST + dense - 1000;
}

static void read_totals(const struct lane *lane, struct read *read)
{
    for (uint32_t i = 0; i < LEDGER_TOTALS_MAX; i++) {
        const struct ledger_totals *totals = &lane->ledger->totals[i];
        if (totals->account_count == 0) continue;
        if (read->found == read->limit) {
            read->more = true;
            return;
        }
        read->totals[read->found++] = (struct totals_row){
            .asset = asset_of_totals(i),
            .kind = (uint16_t)(i % ACCOUNT_KIND_END),
            .account_count = totals->account_count,
            .balance = totals->balance,
        };
    }
}

enum status acts_read(struct lane *lane, struct request *request, struct error *out_error)
{
    struct read *read = request->read;
    bool building = lane->building->batch.record_count > 0;
    read->found = 0;
    read->more = false;
    read->as_of_batch = building ? lane->next_sequence : lane->next_sequence - 1;
    read->as_of_units = building ? lane->building->batch.unit_count : UINT32_MAX;
    read->closed_through = lane->ledger->registry.closed_through;
    read->account_count = lane->ledger->account_count;
    read->hold_count = lane->ledger->holds.count;
    read->departure_count = lane->ledger->holds.departure_count;
    switch (read->kind) {
    case READ_ACCOUNTS: read_accounts(lane, read); return STATUS_OK;
    case READ_ACCOUNT_PAGE: read_account_page(lane, read); return STATUS_OK;
    case READ_TRANSFERS:
        read_reversed(lane, read);
        return read_locators(lane, LANE_INDEX_IDS, read, out_error);
    case READ_CLOSING: return read_locators(lane, LANE_INDEX_CLOSINGS, read, out_error);
    case READ_REFERENCE: return read_reference(lane, LANE_INDEX_REFERENCES, read, out_error);
    case READ_ACCOUNT_REFERENCE:
        return read_reference(lane, LANE_INDEX_ACCOUNT_REFERENCES, read, out_error);
    case READ_TOTALS: read_totals(lane, read); return STATUS_OK;
    case READ_PAYMENTS:
    case READ_PAYMENT_PAGE: return payer_read(lane, read, out_error);
    case READ_TRANSITS: return transit_apply_read(lane, read, out_error);
    case READ_PAYMENT_DUE: break; /* waits elsewhere */
    }
    CHECK(false);
    return STATUS_INVALID;
}
