/* naive_fault.h - what can be broken in the naive wallet: one switch per class of fault. */
#ifndef SIM_NAIVE_FAULT_H
#define SIM_NAIVE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/*
 * A class is named as in the catalogue of the doctor. What comes after its id: the family by
 * which confusion is reported, where its repair puts the money (enum naive_money), and the
 * protection that is missing or the mechanism that is broken. Nothing else differs between a run
 * with the fault and its twin.
 */
#define NAIVE_FAULT_TABLE(X)                                                                       \
    X(T01, "trace", NONE, "the consumer starts a trace of its own")                                \
    X(T02, "trace", NONE, "the collector's queue is full for a while")                             \
    X(T03, "trace", NONE, "the relay gives a whole batch one trace id")                            \
    X(D01, "db", NONE, "READ COMMITTED, and balances written from what was read")                  \
    X(D02, "db", RECEIVABLE, "the check of funds forgets holds")                                   \
    X(D03, "db", TWIN, "a serialization failure is not tried again")                               \
    X(D04, "db", TWIN, "the interest job writes past the version column")                          \
    X(D05, "db", TWIN, "debit and credit are written in two transactions")                         \
    X(D06, "db", TWIN, "idempotency keys are looked up on a lagging replica")                      \
    X(D07, "db", NONE, "the replica skips a WAL record")                                           \
    X(D08, "db", TWIN, "an asynchronous replica is promoted without the tail")                     \
    X(D09, "db", NONE, "a new node serves reads before its rows have come")                        \
    X(D10, "db", TWIN, "the sequence of transaction ids is set back")                              \
    X(D11, "db", TWIN, "the unique index over keys does not see some rows")                        \
    X(D12, "db", TWIN, "the database is restored from a backup")                                   \
    X(D13, "db", TWIN, "the migration treats one batch in another unit")                           \
    X(D14, "db", TWIN, "a person edits postings in place")                                         \
    X(D15, "db", TWIN, "a prepared transaction is left behind by its coordinator")                 \
    X(C01, "cache", NONE, "a fill that is late puts an old version back")                          \
    X(C02, "cache", NONE, "balances that were not written back yet are evicted")                   \
    X(C03, "cache", NONE, "the increment is sent again after a timeout, without a marker")         \
    X(C04, "cache", NONE, "the key of cached balances lacks the user")                             \
    X(B01, "broker", NONE, "the relay stops")                                                      \
    X(B02, "broker", NONE, "the relay restarts behind what it has not sent")                       \
    X(B03, "broker", TWIN, "the group's offset is set back and the inbox does not look")           \
    X(B04, "broker", TWIN, "a rebalance redelivers and the inbox does not look")                   \
    X(B05, "broker", TWIN, "offsets are committed before the work is done")                        \
    X(B06, "broker", TWIN, "the consumer is down for longer than messages are kept")               \
    X(B07, "broker", NONE, "states are taken over without a look at their version")                \
    X(B08, "broker", TWIN, "a message that cannot be read stays in the dead letters")              \
    X(B09, "broker", TWIN, "events are published beside the transaction, not in it")               \
    X(B10, "broker", NONE, "a consumer hangs")                                                     \
    X(B11, "broker", TWIN, "the producer sends again what was stored, the inbox looks at offsets") \
    X(P01, "edge", TWIN, "clients send a new key with every attempt")                              \
    X(P02, "edge", TWIN, "keys expire before the client gives up")                                 \
    X(P03, "edge", NONE, "the fingerprint of a request has something random in it")                \
    X(P04, "edge", TWIN, "keys are looked up, then inserted, with no unique index")                \
    X(W01, "psp", TWIN, "the webhook inbox takes an event twice")                                  \
    X(W02, "psp", TWIN, "the synchronous answer posts beside the webhook")                         \
    X(W03, "psp", NONE, "webhooks are applied in the order of their arrival")                      \
    X(W04, "psp", TWIN, "the webhook is marked as seen before it is processed")                    \
    X(W05, "psp", TWIN, "a timeout of the PSP is taken for a refusal")                             \
    X(W06, "psp", TWIN, "a declined payment of one scheme is taken for a refund")                  \
    X(W07, "psp", TWIN, "refund webhooks are looked up by the wrong reference")                    \
    X(W08, "psp", TWIN, "webhooks are taken without a look at their signature")                    \
    X(K01, "crypto", TWIN, "signatures are checked over a body that was parsed and printed")       \
    X(K02, "crypto", TWIN, "only one webhook secret is tried while the PSP rotates it")            \
    X(K03, "crypto", NONE, "a signing key is withdrawn while its tokens live")                     \
    X(K04, "crypto", TWIN, "the certificate is not renewed")                                       \
    X(K05, "crypto", NONE, "the data key is retired before its rows are rewrapped")                \
    X(K06, "crypto", TWIN, "an API key stands in a log, and somebody uses it")                     \
    X(Z01, "time", TWIN, "a host's clock is minutes off")                                          \
    X(Z02, "time", TWIN, "the interest job runs by local time over a change of the clocks")        \
    X(Z03, "time", NONE, "the cut-off is taken in another time zone")                              \
    X(Z04, "time", NONE, "the sweeper of expired holds does not run")                              \
    X(M01, "money", TWIN, "amounts of the PSP are divided by 100 in every currency")               \
    X(M02, "money", TWIN, "tokens of one contract are read with the wrong decimals")               \
    X(M03, "money", ROUNDING, "each part of a split is rounded by itself")                         \
    X(M04, "money", TWIN, "the exchange rate is used upside down, stale or not at all")            \
    X(M05, "money", TWIN, "an adjustment takes another field for the amount, with no second eye")  \
    X(M06, "money", TWIN, "webhooks are told apart by the text of their body")                     \
    X(N01, "concurrency", RECEIVABLE, "refunds are checked and written without a lock")            \
    X(N02, "concurrency", PAYOUT_TWICE, "two instances of the payout job run at a deploy")         \
    X(N03, "concurrency", TWIN, "the lock around the PSP call is not renewed")                     \
    X(S01, "saga", TWIN, "nobody goes on with a transfer whose host died between its steps")       \
    X(S02, "saga", TWIN, "a compensation is not unique by what it reverses")                       \
    X(S03, "saga", TWIN, "a run that timed out compensates what another run won")                  \
    X(R01, "recon", BANK_TWICE, "the bank does not know the file it has already carried out")      \
    X(R02, "recon", NONE, "the import of statements has no key per line")                          \
    X(R03, "recon", FEE, "the PSP changes its fee and the contract table does not")                \
    X(R04, "recon", NONE, "nothing is broken: money is in transit")                                \
    X(R05, "recon", RECEIVABLE, "refunds do not look for a dispute")                               \
    X(R06, "recon", NONE, "the daily transfer to the safeguarding account does not run")           \
    X(R07, "recon", NONE, "the matcher does not consume what it has matched")                      \
    X(X01, "chain", TWIN, "deposits are credited at once, and a disconnected block is missed")     \
    X(X02, "chain", TWIN, "the status of a receipt is not looked at")                              \
    X(X03, "chain", CHAIN_TWICE, "a withdrawal is sent again with a new nonce")                    \
    X(J01, "audit", NONE, "the audit log can be edited")

#define NAIVE_FAULT_ENUM(id, family, money, mechanism) NAIVE_##id,
enum naive_fault { NAIVE_FAULT_TABLE(NAIVE_FAULT_ENUM) NAIVE_FAULT_COUNT };
#undef NAIVE_FAULT_ENUM

/* How the truth about the repair's ledger entries follows from the run and its twin. */
enum naive_money {
    NAIVE_MONEY_NONE,         /* the ledger's postings are right: nothing is to be posted */
    NAIVE_MONEY_TWIN,         /* what the twin has and the run has not */
    NAIVE_MONEY_RECEIVABLE,   /* what was given away is owed by its customer */
    NAIVE_MONEY_ROUNDING,     /* the residual goes to the rounding account */
    NAIVE_MONEY_FEE,          /* the residual of settlement is a fee */
    NAIVE_MONEY_PAYOUT_TWICE, /* a payout too many: in the ledger and at the bank */
    NAIVE_MONEY_BANK_TWICE,   /* a payout too many at the bank only */
    NAIVE_MONEY_CHAIN_TWICE,  /* a withdrawal too many on the chain only */
};

struct naive_fault_facts {
    const char *id;
    const char *family;
    enum naive_money money;
    const char *mechanism;
};

const struct naive_fault_facts *naive_fault_facts(enum naive_fault fault);
/* False when no class is called so. */
bool naive_fault_parse(struct str id, enum naive_fault *out_fault);

/* A set of faults; at most this many work at once in a case. */
enum { NAIVE_FAULTS_MAX = 3 };
struct naive_fault_set {
    bool broken[NAIVE_FAULT_COUNT];
};

#endif
