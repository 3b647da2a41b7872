/* audit.h - a journal checked from its first batch to its head, and all that is derived from it. */
#ifndef WALLET_AUDIT_H
#define WALLET_AUDIT_H

#include "wallet/lane.h"

/*
 * Four questions, in this order:
 * 1. Is every batch whole (hash, chain, header, each record's check), and does replaying all of
 *    them, from the first, on an empty ledger, give a state in which every invariant holds?
 * 2. Is the state that a start would recover, from the checkpoint and the batches after it, the
 *    same, byte for byte but for what only recovery uses?
 * 3. Does each index hold exactly the entries of the journal up to its cursor, in order, and
 *    does every filter let them pass?
 * 4. Do debits equal credits in every asset?
 * Changes nothing. Takes as long as reading the journal once or twice; needs the memory of two
 * ledgers.
 */
struct audit_options {
    struct lane_options lane;
    bool beside_owner; /* another process writes at the moment: questions 2 and 3 are left out */
    /* Called now and then with the batch reached; may be NULL. */
    void (*progress)(void *argument, uint64_t batch, uint64_t head);
    void *argument;
};

struct audit_report {
    struct store_head head;
    uint64_t batches;
    uint64_t records;
    uint64_t transfers;
    uint64_t refusals;
    uint64_t journal_bytes;
    uint64_t accounts;
    uint64_t holds;
    uint64_t index_entries;
    uint64_t index_runs;
};

/*
 * STATUS_OK: everything is as it must be. STATUS_CORRUPT: out_error names what is not, and
 * where. STATUS_UNAVAILABLE, STATUS_LIMIT: not checked to the end. ports->run_store may be NULL
 * beside an owner.
 */
enum status audit_run(const struct lane_ports *ports, const struct audit_options *options,
                      struct audit_report *out_report, struct error *out_error) MUST_CHECK;

#endif
