/* Counters of a flight reach the status only when its batch is durable. */
#include "wallet/tally.h"

#include <string.h>

#include "wallet/indexes.h"

static void payments_add(struct lane_status *status, const struct flight *flight)
{
    for (unsigned cause = 0; cause < PAYMENT_CAUSE_END; cause++) {
        for (unsigned outcome = 0; outcome < PAYMENT_OUTCOME_COUNT; outcome++) {
            status->payment_commands[cause][outcome] += flight->payment_commands[cause][outcome];
        }
    }
}

void tally_landed(struct lane *lane, const struct flight *flight)
{
    struct lane_status *status = &lane->status;
    status->head = lane->head;
    status->full = false;
    status->commits++;
    status->units += flight->batch.unit_count;
    status->repeats += flight->repeats;
    status->expiries += flight->expiries;
    status->journal_bytes += flight->batch.size;
    for (uint32_t i = 0; i < flight->slice_count; i++) {
        status->slice_bytes += flight->slices[i].size;
    }
    for (int i = 0; i < OUTCOME_COUNT; i++) status->outcomes[i] += flight->outcomes[i];
    if (flight->has_payments) payments_add(status, flight);
    status->commit_ns_total += lane->flush_ns;
    if (lane->flush_ns > status->commit_ns_max) status->commit_ns_max = lane->flush_ns;
    tally_show(lane, &flight->sizes);
    status->index_batch = indexes_batch(lane);
}

struct lane_sizes tally_sizes(const struct ledger *ledger)
{
    struct lane_sizes sizes = {
        .accounts = ledger->account_count,
        .holds = ledger->holds.count,
        .reversals = ledger->reversal_count,
        .payments = ledger->payments.count,
        .oldest_in_doubt = payment_oldest(&ledger->payments, PAYMENT_STATE_IN_DOUBT),
        .oldest_manual = payment_oldest(&ledger->payments, PAYMENT_STATE_MANUAL),
    };
    memcpy(sizes.payment_states, ledger->payments.states, sizeof sizes.payment_states);
    return sizes;
}

void tally_show(struct lane *lane, const struct lane_sizes *sizes)
{
    struct lane_status *status = &lane->status;
    status->account_count = sizes->accounts;
    status->hold_count = sizes->holds;
    status->reversal_count = sizes->reversals;
    status->payment_count = sizes->payments;
    memcpy(status->payment_states, sizes->payment_states, sizeof status->payment_states);
    status->oldest_in_doubt = sizes->oldest_in_doubt;
    status->oldest_manual = sizes->oldest_manual;
}

void tally_clear(struct flight *flight)
{
    flight->repeats = 0;
    memset(flight->outcomes, 0, sizeof flight->outcomes);
    if (flight->has_payments) {
        memset(flight->payment_commands, 0, sizeof flight->payment_commands);
    }
    flight->has_payments = false;
}
