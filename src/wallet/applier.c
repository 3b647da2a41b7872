/* Look up, decide, record: an id that is known gives its old outcome and nothing is written. */
#include "wallet/applier.h"

#include <string.h>

#include "base/check.h"
#include "model/transit.h"
#include "payment/chart.h"
#include "wallet/transit_apply.h"

void applier_context(struct lane *lane, const struct request *request)
{
    struct flight *flight = lane->building;
    if (flight->context_owner == request) return;
    flight->context_owner = request;
    bool keyed = !uuid_is_nil(request->key);
    struct record_context context = {
        .trace = request->trace,
        .route = request->route,
        .first = keyed && request->key_is_new,
        .principal = request->principal,
        .key = request->key,
        .fingerprint = request->fingerprint,
        .root = keyed ? request->root_used : (struct uuid){ 0 },
    };
    batch_add_context(&flight->batch, &context);
}

/* Bytes of a batch that is still in memory; NULL when it is not. */
static const uint8_t *batch_in_memory(const struct lane *lane, uint64_t sequence)
{
    const struct flight *flights[] = { lane->building, lane->flying };
    for (int i = 0; i < 2; i++) {
        if (flights[i] != NULL && flights[i]->batch.sequence == sequence) {
            return flights[i]->batch.data;
        }
    }
    return NULL;
}

static enum status part_read(struct lane *lane, uint64_t sequence, uint32_t offset, uint32_t size,
                             void *out_bytes, struct error *out_error)
{
    const uint8_t *data = batch_in_memory(lane, sequence);
    if (data != NULL) {
        memcpy(out_bytes, data + offset, size);
        return STATUS_OK;
    }
    struct store *store = lane->ports.store;
    return store->read_part(store, sequence, offset, size, out_bytes, out_error);
}

enum status applier_record_read(struct lane *lane, struct locator locator,
                                struct applier_record *out_record, struct error *out_error)
{
    uint64_t sequence = locator_batch(locator);
    uint32_t offset = locator_offset(locator);
    struct batch_header header;
    enum status status = part_read(lane, sequence, 0, sizeof header, &header, out_error);
    if (status != STATUS_OK) return status;
    struct record_head *head = (struct record_head *)out_record->bytes;
    status = part_read(lane, sequence, offset, sizeof *head, head, out_error);
    if (status != STATUS_OK) return status;
    uint32_t size = record_size(head);
    bool sealed = batch_in_memory(lane, sequence) == NULL;
    bool whole = header.sequence == sequence && (!sealed || batch_header_whole(&header)) &&
                 size != 0 && size == head->size;
    if (whole) {
        status = part_read(lane, sequence, offset, size, out_record->bytes, out_error);
        if (status != STATUS_OK) return status;
        whole = record_is_whole(head, size);
    }
    if (!whole) {
        return error_set(out_error, STATUS_CORRUPT, "batch %llu, record at byte %u is damaged",
                         (unsigned long long)sequence, offset);
    }
    out_record->stamp = header.stamp;
    out_record->position = (struct position){ sequence, head->unit };
    return STATUS_OK;
}

static enum status transfer_read(struct lane *lane, struct locator locator,
                                 struct applier_record *out_record, struct error *out_error)
{
    enum status status = applier_record_read(lane, locator, out_record, out_error);
    if (status != STATUS_OK) return status;
    if (((const struct record_head *)out_record->bytes)->type == RECORD_TRANSFER) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the index names no transfer in batch %llu",
                     (unsigned long long)locator_batch(locator));
}

static void result_write(const struct record_transfer *record, struct position position,
                         struct wall_time stamp, struct transfer_result *out_result)
{
    *out_result = (struct transfer_result){
        .id = record->id,
        .amount = record->amount,
        .position = position,
        .stamp = stamp,
        .outcome = record->head.outcome,
        .asset = record->asset,
    };
}

/* The outcome of the first time, when the content is the same. */
static enum status repeat(struct lane *lane, struct locator locator,
                          const struct transfer *transfer, struct transfer_result *out_result,
                          struct error *out_error)
{
    struct applier_record known;
    enum status status = transfer_read(lane, locator, &known, out_error);
    if (status != STATUS_OK) return status;
    const struct record_transfer *record = (const struct record_transfer *)known.bytes;
    if (effect_same_content(transfer_view_of(record), transfer)) {
        result_write(record, known.position, known.stamp, out_result);
        out_result->repeated = true;
        lane->building->repeats++;
        return STATUS_OK;
    }
    *out_result = (struct transfer_result){
        .id = transfer->id,
        .amount = transfer->amount,
        .position = known.position,
        .stamp = known.stamp,
        .outcome = OUTCOME_ID_CONFLICT,
        .asset = transfer->asset,
    };
    lane->building->outcomes[OUTCOME_ID_CONFLICT]++;
    return STATUS_OK;
}

/*
 * What closed a hold inside the linked group at hand, or 0: it is not in the index before the
 * group's fate is known.
 */
static uint8_t closed_in_group(const struct lane *lane, struct transfer_id hold)
{
    const struct flight *flight = lane->building;
    uint32_t at = flight->group_begin == 0 ? flight->batch.size : flight->group_begin;
    while (at < flight->batch.size) {
        const struct record_transfer *record =
            (const struct record_transfer *)(flight->batch.data + at);
        const struct record_transfer_more *more = (const struct record_transfer_more *)(record + 1);
        bool closes = record->head.outcome == OUTCOME_OK &&
                      (record->head.flags & RECORD_FLAG_CLOSES_HOLD) != 0;
        if (closes && uuid_equal(more->target.value, hold.value)) return record->head.kind;
        at += record->head.size;
    }
    return 0;
}

static bool target_known_ahead(const struct lane *lane, struct transfer_id id,
                               struct ledger_target *out_target)
{
    for (uint32_t i = 0; i < lane->group->ahead_count; i++) {
        const struct target_ahead *ahead = &lane->group->ahead[i];
        if (!uuid_equal(ahead->id.value, id.value)) continue;
        out_target->found = ahead->found;
        out_target->closed_by = ahead->closed_by;
        out_target->view = transfer_view_of((const struct record_transfer *)ahead->record);
        return true;
    }
    return false;
}

/* What history says of a transfer's target; the record stays in `storage`. */
static enum status target_load(struct lane *lane, const struct transfer *transfer,
                               struct applier_record *storage, struct ledger_target *out_target,
                               struct error *out_error)
{
    *out_target = (struct ledger_target){ 0 };
    if (!ledger_needs_target(lane->ledger, transfer)) return STATUS_OK;
    if (target_known_ahead(lane, transfer->target, out_target)) return STATUS_OK;
    struct locator locator;
    enum status status =
        index_find(lane->indexes[LANE_INDEX_IDS], transfer->target.value, &locator, out_error);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status == STATUS_OK) status = transfer_read(lane, locator, storage, out_error);
    if (status != STATUS_OK) return status;
    out_target->found = true;
    out_target->view = transfer_view_of((const struct record_transfer *)storage->bytes);
    if (transfer->kind == TRANSFER_REVERSAL) return STATUS_OK;
    status =
        index_find(lane->indexes[LANE_INDEX_CLOSINGS], transfer->target.value, &locator, out_error);
    if (status == STATUS_NOT_FOUND) {
        out_target->closed_by = closed_in_group(lane, transfer->target);
        return STATUS_OK;
    }
    struct applier_record closing;
    if (status == STATUS_OK) status = transfer_read(lane, locator, &closing, out_error);
    if (status != STATUS_OK) return status;
    out_target->closed_by = ((const struct record_head *)closing.bytes)->kind;
    return STATUS_OK;
}

struct ledger_moment applier_moment(const struct lane *lane)
{
    const struct batch *batch = &lane->building->batch;
    return (struct ledger_moment){
        .stamp = batch->stamp,
        .batch = batch->sequence,
        .locator = batch_next_locator(batch),
    };
}

/* The keys under which a final record is found, all but its id. */
static void index_rest(struct lane *lane, const struct record_transfer *record,
                       struct locator locator)
{
    if (!uuid_is_nil(record->user_ref)) {
        index_insert(lane->indexes[LANE_INDEX_REFERENCES], record->user_ref, locator);
    }
    if ((record->head.flags & RECORD_FLAG_CLOSES_HOLD) == 0) return;
    const struct record_transfer_more *more = (const struct record_transfer_more *)(record + 1);
    index_insert(lane->indexes[LANE_INDEX_CLOSINGS], more->target.value, locator);
}

/* Decides a transfer whose id is new, and writes its record. */
static enum status record_new(struct lane *lane, const struct transfer *transfer, uint32_t unit,
                              struct ledger_undo *out_undo, struct record_transfer **out_record,
                              struct error *out_error)
{
    struct applier_record storage;
    struct ledger_target target;
    enum status status = target_load(lane, transfer, &storage, &target, out_error);
    if (status != STATUS_OK) return status;
    struct batch *batch = &lane->building->batch;
    struct record_transfer *record = batch_room(batch);
    struct ledger_moment moment = applier_moment(lane);
    (void)ledger_transfer(lane->ledger, moment, transfer, &target, record, out_undo);
    batch_add(batch, &record->head, record_size(&record->head), unit);
    index_insert(lane->indexes[LANE_INDEX_IDS], record->id.value, moment.locator);
    *out_record = record;
    return STATUS_OK;
}

/* What becomes of a new transfer whatever the ledger would say; OUTCOME_OK: the ledger decides. */
static enum outcome outcome_ahead(const struct lane *lane, const struct request *request,
                                  const struct transfer *transfer)
{
    if (request->withdraw) return OUTCOME_WITHDRAWN; /* so that it is refused for ever */
    bool nobodys = transit_arrives(transfer) && transit_account_is(transfer->debit) &&
                   transit_account_is(transfer->credit);
    if (nobodys)
        return request->to_wallets ? OUTCOME_NOT_A_WALLET : OUTCOME_CREDIT_ACCOUNT_NOT_FOUND;
    struct account_id named = transit_arrival_named(transfer);
    bool gives = transit_arrives(transfer) && uuid_equal(named.value, transfer->debit.value);
    if (!request->to_wallets && !gives) return OUTCOME_OK; /* only refunds take from an account */
    uint32_t number = ledger_account_find(lane->ledger, named);
    bool none = number == ACCOUNT_NONE; /* which the ledger refuses */
    return none || chart_is_wallet(&ledger_account(lane->ledger, number)->account)
               ? OUTCOME_OK
               : OUTCOME_NOT_A_WALLET;
}

static struct record_transfer *record_refused(struct lane *lane, const struct transfer *transfer,
                                              enum outcome outcome)
{
    struct batch *batch = &lane->building->batch;
    struct record_transfer *record = batch_room(batch);
    struct ledger_moment moment = applier_moment(lane);
    ledger_refuse(moment, transfer, outcome, record);
    batch_add(batch, &record->head, record_size(&record->head), batch->unit_count);
    index_insert(lane->indexes[LANE_INDEX_IDS], record->id.value, moment.locator);
    return record;
}

static enum status single(struct lane *lane, const struct request *request,
                          const struct transfer *transfer, struct transfer_result *out_result,
                          struct error *out_error)
{
    struct locator locator;
    enum status status =
        index_find(lane->indexes[LANE_INDEX_IDS], transfer->id.value, &locator, out_error);
    if (status == STATUS_OK) return repeat(lane, locator, transfer, out_result, out_error);
    if (status != STATUS_NOT_FOUND) return status;
    enum outcome ahead = outcome_ahead(lane, request, transfer);
    if (ahead == OUTCOME_OK) status = transit_apply_accounts(lane, request, transfer, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    applier_context(lane, request);
    struct batch *batch = &lane->building->batch;
    uint32_t unit = batch->unit_count;
    locator = batch_next_locator(batch);
    struct ledger_undo undo;
    struct record_transfer *record;
    if (ahead != OUTCOME_OK) {
        record = record_refused(lane, transfer, ahead);
    } else {
        status = record_new(lane, transfer, unit, &undo, &record, out_error);
        if (status != STATUS_OK) return status;
    }
    index_rest(lane, record, locator);
    result_write(record, (struct position){ batch->sequence, unit }, batch->stamp, out_result);
    lane->building->outcomes[record->head.outcome]++;
    return STATUS_OK;
}

/* ---- Linked groups ---- */

static struct transfer item(const struct request *request, uint32_t index)
{
    struct transfer transfer = request->transfers[index];
    if (uuid_is_nil(transfer.id.value)) {
        transfer.id.value = uuid_derive(request->root_used, index);
    }
    return transfer;
}

static void member_result(struct lane *lane, const struct linked_group *group, uint32_t member)
{
    const struct batch *batch = &lane->building->batch;
    struct transfer_result *result = &group->request->transfer_results[group->from + member];
    struct position position = { batch->sequence, group->unit };
    const struct record_transfer *record = group->records[member];
    if (record != NULL) {
        result_write(record, position, batch->stamp, result);
    } else {
        struct transfer transfer = item(group->request, group->from + member);
        *result = (struct transfer_result){
            .id = transfer.id,
            .amount = transfer.amount,
            .position = position,
            .stamp = batch->stamp,
            .outcome = OUTCOME_ID_CONFLICT,
            .asset = transfer.asset,
        };
    }
    lane->building->outcomes[result->outcome]++;
}

/* Once the group's fate is known: the rest of the member's keys, and its result. */
static void member_finish(struct lane *lane, const struct linked_group *group, uint32_t member)
{
    const struct batch *batch = &lane->building->batch;
    const struct record_transfer *record = group->records[member];
    if (record != NULL) {
        uint32_t offset = (uint32_t)((const uint8_t *)record - batch->data);
        index_rest(lane, record, locator_make(batch->sequence, offset));
    }
    member_result(lane, group, member);
}

/* A member that is refused because of another: its content is recorded, nothing is decided. */
static void member_refuse(struct lane *lane, struct linked_group *group, uint32_t member)
{
    struct transfer transfer = item(group->request, group->from + member);
    struct batch *batch = &lane->building->batch;
    struct record_transfer *record = batch_room(batch);
    struct ledger_moment moment = applier_moment(lane);
    ledger_refuse(moment, &transfer, OUTCOME_LINKED_FAILED, record);
    batch_add(batch, &record->head, record_size(&record->head), group->unit);
    index_insert(lane->indexes[LANE_INDEX_IDS], record->id.value, moment.locator);
    group->records[member] = record;
}

/* What was applied is taken back, and its record says so. */
static void member_take_back(struct lane *lane, struct linked_group *group, uint32_t member)
{
    struct record_transfer *record = group->records[member];
    ledger_undo(lane->ledger, transfer_view_of(record), &group->undos[member]);
    struct transfer transfer = item(group->request, group->from + member);
    struct ledger_moment moment = { .stamp = lane->building->batch.stamp };
    struct record_head head = record->head;
    ledger_refuse(moment, &transfer, OUTCOME_LINKED_FAILED, record);
    record->head.size = head.size;
    record->head.unit = head.unit;
    record->head.context = head.context;
    batch_recheck(&record->head);
}

/* Whether the member's id is in this very group already: then two members claim one id. */
static enum status member_is_twin(struct lane *lane, const struct linked_group *group,
                                  const struct transfer *transfer, bool *out_twin,
                                  struct error *out_error)
{
    struct locator locator;
    enum status status =
        index_find(lane->indexes[LANE_INDEX_IDS], transfer->id.value, &locator, out_error);
    *out_twin = status == STATUS_OK && locator.packed >= group->begin;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* All ids are new (but for twins). Applies all members or none. */
static enum status group_apply(struct lane *lane, struct linked_group *group,
                               struct error *out_error)
{
    uint32_t applied = 0;
    bool failed = false;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < group->count; i++) {
        struct transfer transfer = item(group->request, group->from + i);
        bool twin = false;
        status = member_is_twin(lane, group, &transfer, &twin, out_error);
        if (status != STATUS_OK) break;
        if (!twin && failed) {
            member_refuse(lane, group, i);
        } else if (!twin) {
            status = record_new(lane, &transfer, group->unit, &group->undos[i], &group->records[i],
                                out_error);
            if (status != STATUS_OK) break;
        }
        bool refused = twin || group->records[i]->head.outcome != OUTCOME_OK;
        if (!refused) applied = i + 1;
        failed = failed || refused;
    }
    if (!failed && status == STATUS_OK) return STATUS_OK;
    while (applied > 0) member_take_back(lane, group, --applied);
    return status;
}

/* Some ids are known. The rest, if any, cannot be linked to what is done: it is refused. */
static enum status group_repeat(struct lane *lane, struct linked_group *group,
                                struct error *out_error)
{
    for (uint32_t i = 0; i < group->count; i++) {
        struct transfer transfer = item(group->request, group->from + i);
        if (!locator_is_none(group->known[i])) {
            struct transfer_result *result = &group->request->transfer_results[group->from + i];
            enum status status = repeat(lane, group->known[i], &transfer, result, out_error);
            if (status != STATUS_OK) return status;
            continue;
        }
        bool twin;
        enum status status = member_is_twin(lane, group, &transfer, &twin, out_error);
        if (status != STATUS_OK) return status;
        if (!twin) {
            applier_context(lane, group->request);
            if (group->unit == UINT32_MAX) group->unit = lane->building->batch.unit_count;
            member_refuse(lane, group, i);
        }
        member_finish(lane, group, i);
    }
    return STATUS_OK;
}

/* Before anything is applied: history that cannot be read now must not refuse the group for ever. */
static enum status target_readable(struct lane *lane, const struct transfer *transfer,
                                   struct error *out_error)
{
    struct applier_record storage;
    struct ledger_target target;
    return target_load(lane, transfer, &storage, &target, out_error);
}

static enum status targets_readable(struct lane *lane, const struct linked_group *group,
                                    struct error *out_error)
{
    for (uint32_t i = 0; i < group->count; i++) {
        struct transfer transfer = item(group->request, group->from + i);
        enum status status = target_readable(lane, &transfer, out_error);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status linked(struct lane *lane, const struct request *request, uint32_t from,
                          uint32_t count, uint32_t unit, struct error *out_error)
{
    struct linked_group *group = lane->group;
    struct batch *batch = &lane->building->batch;
    bool any_known = false;
    group->request = request;
    group->from = from;
    group->count = count;
    group->begin = batch_next_locator(batch).packed;
    memset(group->records, 0, count * sizeof(group->records[0]));
    for (uint32_t i = 0; i < count; i++) {
        group->known[i] = (struct locator){ 0 };
        struct transfer transfer = item(request, from + i);
        enum status status = index_find(lane->indexes[LANE_INDEX_IDS], transfer.id.value,
                                        &group->known[i], out_error);
        if (status == STATUS_OK) any_known = true;
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    }
    group->unit = any_known && unit == batch->unit_count ? UINT32_MAX : unit;
    if (any_known) return group_repeat(lane, group, out_error);
    enum status status = targets_readable(lane, group, out_error);
    if (status != STATUS_OK) return status;
    applier_context(lane, request);
    lane->building->group_begin = batch->size;
    status = group_apply(lane, group, out_error);
    lane->building->group_begin = 0;
    for (uint32_t i = 0; i < count; i++) { /* what was recorded is found, whatever came of it */
        if (status == STATUS_OK || group->records[i] != NULL) member_finish(lane, group, i);
    }
    return status;
}

enum status applier_group(struct lane *lane, const struct request *request, uint32_t unit,
                          struct error *out_error)
{
    enum status status = linked(lane, request, 0, request->count, unit, out_error);
    lane->group->ahead_count = 0;
    return status;
}

static enum status target_look_ahead(struct lane *lane, const struct transfer *transfer,
                                     struct error *out_error)
{
    struct applier_record storage;
    struct ledger_target target;
    enum status status = target_load(lane, transfer, &storage, &target, out_error);
    if (status != STATUS_OK || !target.found) return status;
    CHECK(lane->group->ahead_count < TARGETS_AHEAD_MAX);
    struct target_ahead *ahead = &lane->group->ahead[lane->group->ahead_count++];
    *ahead = (struct target_ahead){ .id = transfer->target,
                                    .found = true,
                                    .closed_by = target.closed_by };
    memcpy(ahead->record, storage.bytes, sizeof ahead->record);
    return STATUS_OK;
}

enum status applier_group_readable(struct lane *lane, const struct transfer *transfers,
                                   uint32_t count, struct error *out_error)
{
    lane->group->ahead_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct locator known;
        enum status status =
            index_find(lane->indexes[LANE_INDEX_IDS], transfers[i].id.value, &known, out_error);
        if (status == STATUS_NOT_FOUND) status = target_look_ahead(lane, &transfers[i], out_error);
        if (status == STATUS_OK) continue;
        lane->group->ahead_count = 0;
        return status;
    }
    return STATUS_OK;
}

/* ---- Pieces ---- */

enum { AHEAD = 16 };

/* Brings near what the next items will touch: ids and map places far ahead, accounts nearer. */
static void prefetch(const struct lane *lane, const struct request *request, uint32_t at,
                     uint32_t end)
{
    uint32_t far = at + 2 * AHEAD < end ? at + 2 * AHEAD : end;
    for (uint32_t i = at == 0 ? 0 : at + AHEAD; i < far; i++) {
        const struct transfer *transfer = &request->transfers[i];
        index_prefetch(lane->indexes[LANE_INDEX_IDS], transfer->id.value);
        ledger_prefetch_ids(lane->ledger, transfer);
    }
    uint32_t near = at + AHEAD < end ? at + AHEAD : end;
    for (uint32_t i = at; i < near; i++) {
        ledger_prefetch_accounts(lane->ledger, &request->transfers[i]);
    }
}

static uint32_t group_length(const struct request *request, uint32_t from, uint32_t end)
{
    uint32_t at = from;
    while (at + 1 < end && (request->transfers[at].flags & TRANSFER_FLAG_LINKED) != 0) at++;
    CHECK((request->transfers[at].flags & TRANSFER_FLAG_LINKED) == 0);
    return at + 1 - from;
}

enum status applier_transfers(struct lane *lane, const struct queue_piece *piece,
                              struct error *out_error)
{
    const struct request *request = piece->request;
    uint32_t end = piece->from + piece->count;
    uint32_t fetched = piece->from;
    for (uint32_t at = piece->from; at < end;) {
        if (at >= fetched) {
            prefetch(lane, request, at, end);
            fetched = at + AHEAD;
        }
        uint32_t count = group_length(request, at, end);
        enum status status;
        CHECK(count == 1 || !request->withdraw);
        if (count > 1) {
            status = linked(lane, request, at, count, lane->building->batch.unit_count, out_error);
        } else {
            struct transfer transfer = item(request, at);
            status = single(lane, request, &transfer, &request->transfer_results[at], out_error);
        }
        if (status != STATUS_OK) return status;
        at += count;
    }
    return STATUS_OK;
}

uint32_t applier_expire(struct lane *lane, uint32_t most)
{
    struct batch *batch = &lane->building->batch;
    uint32_t count = 0;
    while (count < most && batch_has_room(batch, 1)) {
        struct wall_time next = ledger_next_expiry(lane->ledger);
        if (next.ns == 0 || next.ns > batch->stamp.ns) break;
        if (count == 0) {
            lane->building->context_owner = NULL;
            batch_add_context(batch, &(struct record_context){ .principal = PRINCIPAL_SYSTEM });
        }
        struct record_transfer *record = batch_room(batch);
        struct ledger_moment moment = applier_moment(lane);
        bool expired = ledger_expire(lane->ledger, moment, record);
        CHECK(expired);
        batch_add(batch, &record->head, record_size(&record->head), batch->unit_count);
        index_rest(lane, record, moment.locator);
        lane->building->outcomes[OUTCOME_OK]++;
        count++;
    }
    lane->building->expiries += count;
    return count;
}
