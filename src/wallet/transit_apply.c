#include "wallet/transit_apply.h"

#include "base/check.h"
#include "model/transit.h"
#include "wallet/indexes.h"

enum {
    LOOKS_MAX = 4096, /* departures looked at by one read: the lane has others to answer */
    /* What is taken from the queue in one go, and once more: they have their room for certain. */
    ROOM_ITEMS = 2 * QUEUE_TURN_ITEMS,
};

/* Whether this lane is to have such an account, and could. */
static bool is_wanted(const struct lane *lane, struct account_id id)
{
    struct transit_account transit;
    const struct ledger *ledger = lane->ledger;
    if (!transit_account_parse(id, &transit)) return false;
    return transit.lane == lane->options.number &&
           ledger_account_find(ledger, id) == ACCOUNT_NONE &&
           ledger->account_count < ledger->options.accounts_max &&
           registry_asset_by_id(&ledger->registry, transit.asset) != NULL;
}

static enum status account_make(struct lane *lane, const struct request *request,
                                struct account_id id, struct error *out_error)
{
    struct locator known;
    enum status status =
        index_find(lane->indexes[LANE_INDEX_ACCOUNTS], id.value, &known, out_error);
    if (status == STATUS_OK) return STATUS_OK; /* it was asked for, and refused for ever */
    if (status != STATUS_NOT_FOUND) return status;
    struct batch *batch = &lane->building->batch;
    if (!batch_has_room(batch, ROOM_ITEMS)) {
        return error_set(out_error, STATUS_UNAVAILABLE, "no room for a transit account");
    }
    struct transit_account transit;
    bool parsed = transit_account_parse(id, &transit);
    CHECK(parsed);
    struct account account = transit_account(&transit);
    applier_context(lane, request);
    struct ledger_moment moment = applier_moment(lane);
    bool repeated;
    uint32_t number;
    enum account_outcome outcome =
        ledger_account_create(lane->ledger, moment, &account, &repeated, &number);
    CHECK(outcome == ACCOUNT_OUTCOME_OK && !repeated);
    struct record_account *record = batch_room(batch);
    *record = (struct record_account){
        .head = { .type = RECORD_ACCOUNT, .outcome = ACCOUNT_OUTCOME_OK },
        .account = account,
    };
    batch_add(batch, &record->head, sizeof *record, batch->unit_count);
    indexes_enter(lane, ~0U, moment.locator, &record->head);
    return STATUS_OK;
}

enum status transit_apply_accounts(struct lane *lane, const struct request *request,
                                   const struct transfer *transfer, struct error *out_error)
{
    if (transfer->kind != TRANSFER_DEPARTURE && !transit_arrives(transfer)) return STATUS_OK;
    bool of_debit = transit_account_is(transfer->debit);
    struct account_id id = of_debit ? transfer->debit : transfer->credit;
    return is_wanted(lane, id) ? account_make(lane, request, id, out_error) : STATUS_OK;
}

/* Whether that lane is to decide it: where it is going, or from where it is to come. */
static bool is_for(const struct lane *lane, uint32_t place, uint32_t peer)
{
    const struct hold *hold = &lane->ledger->holds.holds[place];
    struct transit_account transit;
    struct account_id id = ledger_account(lane->ledger, hold->credit)->account.id;
    if (!transit_account_is(id)) id = ledger_account(lane->ledger, hold->debit)->account.id;
    if (!transit_account_parse(id, &transit)) return false;
    return peer == LANES_MAX || transit.peer == peer;
}

enum status transit_apply_read(struct lane *lane, struct read *read, struct error *out_error)
{
    const struct hold_table *holds = &lane->ledger->holds;
    uint64_t end = read->from + LOOKS_MAX;
    if (end > holds->departure_count) end = holds->departure_count;
    while (read->from < end && read->found < read->limit) {
        uint32_t place = holds->departures[read->from++];
        if (!is_for(lane, place, read->peer)) continue;
        enum status status = index_find(lane->indexes[LANE_INDEX_IDS], holds->holds[place].id.value,
                                        &read->locators[read->found], out_error);
        if (status == STATUS_NOT_FOUND) status = STATUS_CORRUPT; /* an open hold has a record */
        if (status != STATUS_OK) return status;
        read->found++;
    }
    read->more = read->from < holds->departure_count;
    return STATUS_OK;
}
