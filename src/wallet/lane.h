/* lane.h - a lane's owner: takes requests, commits them in batches, answers once durable. */
#ifndef WALLET_LANE_H
#define WALLET_LANE_H

#include "base/error.h"
#include "model/account.h"
#include "model/admin.h"
#include "model/asset.h"
#include "model/lane_map.h"
#include "model/payment.h"
#include "model/transfer.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/log.h"
#include "port/run_store.h"
#include "port/store.h"
#include "port/sync.h"
#include "port/tracer.h"

/*
 * Requests of all callers are taken in turn by principal, applied in order by one task, and
 * made durable by another, a batch at a time: the next batch is applied while the last one is
 * flushed. A request is answered when everything in it, and everything it was told about, is
 * durable; so no answer and no read shows what a crash could take back.
 *
 * When the store does not say that a commit is good, the lane stops, discards memory, reloads
 * from the store and finds out. Requests in that batch are then answered as it turned out (or
 * STATUS_IN_DOUBT while that cannot be found out), later ones STATUS_UNAVAILABLE; sending them again with the same ids is always safe.
 *
 * Memory is reserved at open. All calls from any task unless said otherwise.
 */
struct lane;

struct lane_ports {
    struct store *store; /* all belong to the caller and outlive the lane */
    struct run_store *run_store;
    struct clock *clock;
    struct entropy *entropy;
    struct sync *sync;
    struct log *log;
    struct tracer *tracer; /* NULL: nobody watches */
};

struct lane_options {
    uint32_t number;        /* of the lane; 0 is the first */
    uint32_t lanes;         /* of the ledger; 0 and 1: it is the only one */
    uint64_t accounts_max;  /* each 160 bytes, and 8 for its place in the map */
    uint64_t holds_max;     /* open at once; each 88 bytes, and 8 for its place */
    uint64_t reversals_max; /* transfers ever reversed; each 64 bytes, and 8 for its place */
    uint64_t payments_max;  /* open at once; each 572 bytes, and 16 for its place in the map */
    /* Ids per table in memory before it becomes a run, 2^10..2^24; of accounts, a quarter. */
    uint32_t memtable_ids;
    bool read_only; /* nothing is claimed or written; submit refuses all but reads */
    bool follow;    /* another owns the lane: see lane_follow() */
    /*
     * An index that is missing, damaged or far behind is rebuilt from the journal. lane_open()
     * waits so long for that; then it returns, and the rest is done beside reads: see
     * lane_status.rebuilding. Negative: as long as it takes.
     */
    int64_t index_wait_ms;
};

/* Sizes for a machine of ours: 4 M accounts and open holds, 1 M reversals and payments, 2^20 ids. */
extern const struct lane_options LANE_OPTIONS_DEFAULT;

enum request_kind {
    REQUEST_TRANSFERS, /* `count` transfers, each a unit of its own, or linked */
    REQUEST_ACCOUNTS,  /* `count` accounts to make, each a unit of its own */
    REQUEST_ADMIN,     /* one administrative act */
    REQUEST_PAYMENT,   /* one command to a payment: one unit */
    REQUEST_READ,      /* look at memory, as of one moment */
};

struct account_result {
    struct account_id id;
    struct position position;
    struct wall_time stamp;
    uint8_t outcome; /* enum account_outcome */
    bool repeated;
};

enum read_kind {
    READ_ACCOUNTS,          /* ids -> account states; absent ones have a nil id */
    READ_ACCOUNT_PAGE,      /* the accounts numbered from `from` on, in order of making */
    READ_TRANSFERS,         /* ids -> locators of their records; absent ones are none */
    READ_REFERENCE,         /* ids[0] as user_ref -> locators after `after`, in journal order */
    READ_CLOSING,           /* ids of holds -> locators of the record that closed each */
    READ_ACCOUNT_REFERENCE, /* as READ_REFERENCE, of the records that made accounts */
    READ_TOTALS,            /* totals per asset and account kind */
    READ_PAYMENTS,          /* ids -> open payments; of those at rest the newest record's locator */
    READ_PAYMENT_PAGE,      /* the open payments from place `from` on, in order of place */
    /*
     * Takes payments that are due, durable ones only, waiting for one until `until`. What is
     * taken is nobody else's before its next command; ids name what was taken and not dealt
     * with: it is put back. Nothing of this is durable: after a restart all is due anew.
     */
    READ_PAYMENT_DUE,
    /*
     * Locators of the open departures for lane `peer` (model/transit.h; LANES_MAX: for whichever),
     * from the one numbered `from` on, which is moved on; in no order, and those that end meanwhile
     * change places.
     */
    READ_TRANSITS,
};

/* One row of a trial balance: over all accounts of a kind in an asset. */
struct totals_row {
    uint32_t asset;
    uint16_t kind;
    uint16_t reserved;
    uint64_t account_count;
    struct balance balance;
};

/* Arrays belong to the caller and hold at least `count` (ids) or `limit` (results) entries. */
struct read {
    enum read_kind kind;
    uint32_t count; /* of ids, at most READ_IDS_MAX */
    uint32_t limit; /* of results for pages and references, at most PAGE_ITEMS_MAX */
    const struct uuid *ids;
    uint64_t from; /* READ_PAYMENT_PAGE, READ_TRANSITS: moved on to the next page */
    struct locator after;
    uint8_t state;               /* READ_PAYMENT_PAGE: enum payment_state wanted; 0: any */
    uint32_t peer;               /* READ_TRANSITS */
    struct monotonic_time until; /* READ_PAYMENT_DUE: how long to wait for one */
    /* results */
    struct account_state *accounts;
    struct locator *locators;
    struct money *reversed;    /* READ_TRANSFERS: of each, unless NULL; 0 where there is none */
    struct totals_row *totals; /* room for `limit` rows */
    struct payment *payments;  /* READ_PAYMENTS: a nil id where there is none open */
    uint32_t found;            /* results written; for pages and references */
    bool more;                 /* there are more results than `limit` */
    uint64_t as_of_batch;      /* the newest batch reflected; durable when answered */
    uint32_t as_of_units;      /* how many units of it are; UINT32_MAX: all */
    struct business_date closed_through;
    uint64_t account_count;
    uint64_t hold_count;
    uint64_t departure_count; /* of the holds, those that have left, for whatever lane */
};

/*
 * Belongs to the caller, from submit until it is answered to the lane. Everything it points to
 * stays unchanged meanwhile.
 */
struct request {
    enum request_kind kind;
    uint32_t route;
    struct principal_id principal;
    struct trace trace;

    /*
     * With an idempotency key: key and fingerprint (digests, cut to 128 bits) are not nil.
     * root is a fresh UUIDv7, key or not; items without an id get uuid_derive(root, index).
     * When the key was used before, the root of that time is used instead, so that every item
     * has the id, and so the outcome, of that time.
     */
    struct uuid key;
    struct uuid fingerprint;
    struct uuid root;

    /*
     * TRANSFERS, none of them linked: those whose ids are not known yet are not decided but
     * refused, OUTCOME_WITHDRAWN, for ever; the others have the outcome that they had.
     */
    bool withdraw;
    /*
     * The same, of another lane's payments and refunds: to and from accounts that are no wallet
     * they are refused, OUTCOME_NOT_A_WALLET. (What names a transit account is refused whoever asks.)
     */
    bool to_wallets;

    uint32_t count;
    const struct transfer *transfers;
    struct transfer_result *transfer_results;
    const struct account *accounts;
    struct account_result *account_results;
    const struct payment_command *payment;
    struct payment_result *payment_result;
    const struct admin *admin;
    struct admin_result *admin_result;
    struct read *read;

    /*
     * Called once by a task of the lane when the request is answered; must be short and must
     * not call the lane. NULL: the caller uses lane_wait().
     */
    void (*done)(struct request *request);
    void *owner;

    /*
     * The answer. STATUS_OK: results are written. STATUS_CONFLICT: the key was used with
     * another fingerprint; nothing was done. STATUS_IN_DOUBT: some of it may be done.
     * STATUS_UNAVAILABLE: nothing of it was done. STATUS_LIMIT: the disk is full or
     * the capacity is used up. STATUS_CORRUPT: history that had to be read is damaged.
     */
    enum status status;
    struct uuid root_used;
    struct position position; /* of its last unit; for reads index is 0 */
    bool answered;

    /* The lane's own. */
    struct request *next;
    uint32_t taken;
    uint32_t waiter;
    bool key_is_new;
    bool failed;
    bool spans; /* its items came to stand in more than one batch */
};

/*
 * Claims the lane and recovers: loads the checkpoint, replays what is newer, brings the index up
 * to the head (or begins to, see index_wait_ms), and starts its tasks.
 * STATUS_CORRUPT names the damage; STATUS_LIMIT: the state does not fit the options;
 * STATUS_FENCED: another took the lane over meanwhile; STATUS_UNAVAILABLE.
 */
enum status lane_open(const struct lane_ports *ports, const struct lane_options *options,
                      struct lane **out_lane, struct error *out_error) MUST_CHECK;

/*
 * Of a lane opened with `follow`: nothing is claimed, and submit refuses everything
 * (STATUS_UNAVAILABLE). Called again and again, it brings memory and the index up to the head;
 * one call reads for about 100 ms at most, *out_left batches are then still to be read.
 * STATUS_UNAVAILABLE: to be called again. After any other status but STATUS_OK memory cannot be
 * used: close the lane. One task, which also calls lane_lead().
 */
enum status lane_follow(struct lane *lane, uint64_t *out_left, struct error *out_error) MUST_CHECK;

/* How old what a follower has in memory is. */
struct followed {
    uint64_t batch;                 /* everything up to here is in, and nothing else */
    struct monotonic_time whole_at; /* it was all that was durable then, at least */
};
/* Of a lane that is followed, beside lane_follow(). STATUS_UNAVAILABLE: it never was whole, or is not
 * followed any more. Any task, while it is open. */
enum status lane_followed(struct lane *lane, struct followed *out_followed) MUST_CHECK;
/* The same, and an account as it was then. STATUS_NOT_FOUND: there was none with this id. */
enum status lane_followed_account(struct lane *lane, struct account_id id,
                                  struct account_state *out_account, struct followed *out_followed)
    MUST_CHECK;

/*
 * Makes a follower the owner: claims the lane, so that the former owner can append no more,
 * reads what it had appended, and begins to take requests. What it takes depends on how far
 * the follower is behind, not on how long history is. After a failure: close the lane.
 * STATUS_FENCED: yet another has taken it; else as lane_open().
 */
enum status lane_lead(struct lane *lane, struct error *out_error) MUST_CHECK;

/*
 * What was answered from it is not in the journal any more. It is damaged by its status from here
 * on, and is there to tell that: it answers nothing more, reads neither, and when it was to be
 * followed it is neither followed nor led. Any task.
 */
void lane_condemn(struct lane *lane);
/*
 * Whoever keeps the lease says that another owns the lane: what is in memory may be old. It is
 * fenced by its status, as after a commit that was refused, and answers nothing more. Any task.
 */
void lane_disown(struct lane *lane);

/* Refuses new requests (STATUS_STOPPED), answers all accepted ones, stops the tasks. */
void lane_drain(struct lane *lane);
/* Drains if that was not done; flushes the index; releases. Accepts NULL. */
void lane_close(struct lane *lane);

/*
 * STATUS_OK: accepted; it will be answered. Otherwise it was not and nothing will be called:
 * STATUS_LIMIT: the queue, or a disk, is full (see lane_status): come back later.
 * STATUS_UNAVAILABLE: following; reloading; or the index is being rebuilt or cannot be written, and this is
 * a write or a look-up by id or reference.
 * STATUS_STOPPED: draining, fenced or damaged. STATUS_DENIED: read-only.
 * Arrays over their maximum (base/limits.h) and unterminated linked groups are CHECKed: the
 * parser refuses them.
 */
enum status lane_submit(struct lane *lane, struct request *request) MUST_CHECK;

/* Waits for a request submitted with done == NULL. Always returns: every request is answered. */
void lane_wait(struct lane *lane, struct request *request);
/* lane_submit() and lane_wait() in one; returns request->status, or submit's. */
enum status lane_run(struct lane *lane, struct request *request) MUST_CHECK;

/* Which lane of the ledger it is. */
struct lane_part lane_part(const struct lane *lane);

/* A fresh UUIDv7 from the lane's clock and entropy: for request->root. */
struct uuid lane_new_id(struct lane *lane);

/* ---- What is known without asking the lane's task: as of the durable journal. ---- */

/* By code ("EUR"), ISO 4217 or custom. STATUS_NOT_FOUND. */
enum status lane_asset_by_code(struct lane *lane, struct str code, struct asset *out_asset)
    MUST_CHECK;
enum status lane_asset_by_id(struct lane *lane, uint32_t id, struct asset *out_asset) MUST_CHECK;
/* The custom assets, in order of making, from number `from` on; returns how many were written. */
uint32_t lane_asset_page(struct lane *lane, uint32_t from, struct asset *out_assets,
                         uint32_t limit);

/* The live (not revoked) API key with this digest. STATUS_NOT_FOUND. */
enum status lane_credential_by_digest(struct lane *lane, const struct digest *secret_digest,
                                      struct credential *out_credential) MUST_CHECK;
/* All, revoked too, without digests; as lane_asset_page(). */
uint32_t lane_credential_page(struct lane *lane, uint32_t from, struct credential *out,
                              uint32_t limit);

/* The same with digests, at most `limit` from the first on: for wallet/key_ring.h. */
uint32_t lane_credentials(struct lane *lane, struct credential *out, uint32_t limit);

/* The rates of pairs, withdrawn ones with a numerator of 0; as lane_asset_page(). */
uint32_t lane_rate_page(struct lane *lane, uint32_t from, struct rate *out_rates, uint32_t limit);

/* What is raised, and has ended lately; returns how many were written. */
uint32_t lane_raises(struct lane *lane, struct raise out_raises[RAISES_MAX]);

/* Days 0: no period is closed. */
struct business_date lane_closed_through(struct lane *lane);

/* What all lanes of a ledger have in common. About 100 KiB. */
struct lane_commons {
    struct asset assets[ASSETS_CUSTOM_MAX];
    uint32_t asset_count;
    struct rate rates[RATES_MAX];
    uint32_t rate_count;
    struct business_date closed_through;
};
/*
 * Which version of the registry it is: another after every change, until the lane is closed; 0 when
 * it is drained, fenced or damaged. Copied only when the version is neither 0 nor `known`.
 */
uint64_t lane_commons(struct lane *lane, uint64_t known, struct lane_commons *out_commons);

struct lane_status {
    bool accepting; /* requests are taken, writes too but for a full disk */
    bool following; /* another owns it: nothing is accepted */
    bool reloading; /* after a commit in doubt */
    bool fenced;
    bool damaged;
    bool full;          /* the disk is full: no writes until there is room again */
    bool expiry_paused; /* the clock jumped: see CLOCK_JUMP_S_MAX */
    /*
     * The index does not cover the journal: no write is taken, and no look-up by id or reference,
     * until it has read all batches up to the head. It goes on by itself.
     */
    bool rebuilding;
    uint64_t rebuilt_batch;  /* while rebuilding: read up to here */
    uint64_t rebuild_left_s; /* at the pace of now, rounded up; at least 1 */
    /*
     * Not STATUS_OK: the index's runs cannot be written, and memory for what comes next is used
     * up: no write is taken until they can. STATUS_LIMIT: its disk is full.
     */
    enum status index_fault;
    struct store_head head; /* durable */
    uint64_t account_count;
    uint64_t hold_count;
    uint64_t reversal_count;
    uint64_t payment_count;                     /* open */
    uint64_t payment_states[PAYMENT_STATE_END]; /* open payments by state */
    struct wall_time oldest_in_doubt; /* when its step was written down; 0: none is in doubt */
    struct wall_time oldest_manual;   /* the same, of those that wait for a person */
    uint64_t queue_transfers;         /* accepted, not yet taken */
    uint64_t queue_requests;
    uint64_t index_batch; /* every index covers the journal up to here with its runs */
    uint64_t commits;     /* since open, as all below */
    uint64_t commit_failures;
    uint64_t units;
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t repeats;
    uint64_t expiries;
    uint64_t journal_bytes;
    uint64_t slice_bytes;
    uint64_t commit_ns_total; /* time in store append */
    uint64_t commit_ns_max;
    uint64_t payment_commands[PAYMENT_CAUSE_END][PAYMENT_OUTCOME_COUNT]; /* repeats left out */
    uint64_t replayed_records;                                           /* at open */
    uint64_t recovery_ns;
};
void lane_get_status(struct lane *lane, struct lane_status *out_status);

/* After a look at the clock: holds expire again. */
void lane_resume_expiry(struct lane *lane);

/*
 * Blocks until the runs of every index cover the journal's head of now. Returns at once when
 * the lane is read-only, drained, fenced or damaged.
 */
void lane_catch_up(struct lane *lane);

#endif
