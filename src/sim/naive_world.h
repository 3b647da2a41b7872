/* naive_world.h - a wallet as the field builds it: its tables, its clocks, and what is due next. */
#ifndef SIM_NAIVE_WORLD_H
#define SIM_NAIVE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/naive_evidence.h"
#include "sim/naive_fault.h"

/*
 * A case is one seed: customers, an API, a database, a broker, a PSP, banks, a chain, and the
 * faults of a set. Time is virtual, in microseconds from the start of the first day. Every chance
 * is drawn by what it is for (naive_draw()), never from a running stream: so a fault moves
 * nothing but what it causes, and a twin without it is comparable row by row.
 *
 * The files of the other components work on these tables; each row that the truth is made of
 * carries `origin`, which never gets into the evidence.
 */
#define NAIVE_MS INT64_C(1000)
#define NAIVE_S (1000 * NAIVE_MS)
#define NAIVE_MINUTE (60 * NAIVE_S)
#define NAIVE_HOUR (60 * NAIVE_MINUTE)
#define NAIVE_DAY (24 * NAIVE_HOUR)
#define NAIVE_END (2 * NAIVE_DAY + 12 * NAIVE_HOUR) /* when the evidence is collected */

enum {
    NAIVE_TEXT_SIZE = 40,
    NAIVE_NONE = UINT32_MAX,
    NAIVE_ACCOUNTS_MAX = 112,
    NAIVE_OPS_MAX = 256,
    NAIVE_TXS_MAX = 1024,
    NAIVE_POSTINGS_MAX = 4096,
    NAIVE_DRAFTS_MAX = 2048,
    NAIVE_WAL_MAX = 8192,
    NAIVE_AGENDA_MAX = 4096,
    NAIVE_PAYMENTS_MAX = 256,
    NAIVE_LINES_MAX = 256,
    NAIVE_BANK_LINES_MAX = 64,
    NAIVE_EVENTS_MAX = 512,
    NAIVE_MESSAGES_MAX = 512,
    NAIVE_HOLDS_MAX = 128,
    NAIVE_IDEMS_MAX = 1024,
    NAIVE_REQUESTS_MAX = 1024,
    NAIVE_UNIQUES_MAX = 2048,
    NAIVE_LEGS_MAX = 6,
    NAIVE_PARTITIONS = 3,
    NAIVE_HOSTS = 8,
    NAIVE_USERS = 16,
    NAIVE_MERCHANTS = 3,
};

enum naive_asset { ASSET_EUR, ASSET_USD, ASSET_JPY, ASSET_KWD, ASSET_USDT, NAIVE_ASSETS };
extern const char *const naive_asset_codes[NAIVE_ASSETS];
extern const uint32_t naive_asset_exponents[NAIVE_ASSETS];

#define NAIVE_ROLE_TABLE(X)                                                                        \
    X(CUSTOMER, "customer")                                                                        \
    X(MERCHANT, "merchant")                                                                        \
    X(PSP, "psp_clearing")                                                                         \
    X(BANK, "bank")                                                                                \
    X(SAFE, "safeguarding")                                                                        \
    X(PENDING, "merchant_pending")                                                                 \
    X(REFUNDS, "refund_pending")                                                                   \
    X(PAYOUTS, "payout_pending")                                                                   \
    X(SUSPENSE, "suspense")                                                                        \
    X(FX, "fx_position")                                                                           \
    X(FEES, "fees")                                                                                \
    X(ROUNDING, "rounding")                                                                        \
    X(RECEIVABLE, "receivable")                                                                    \
    X(INTEREST, "interest_expense")                                                                \
    X(ADJUST, "adjustments")                                                                       \
    X(CUSTODY, "custody")                                                                          \
    X(EQUITY, "equity")
#define NAIVE_ROLE_ENUM(name, text) ROLE_##name,
enum naive_role { NAIVE_ROLE_TABLE(NAIVE_ROLE_ENUM) NAIVE_ROLES };
#undef NAIVE_ROLE_ENUM
extern const char *const naive_role_names[NAIVE_ROLES];

/* A credit balance is positive: what customers are owed is above zero, the bank's is below. */
struct naive_account {
    char id[NAIVE_TEXT_SIZE];
    enum naive_role role;
    enum naive_asset asset;
    uint32_t user; /* or merchant; NAIVE_NONE for our own */
    int64_t opening;
    int64_t balance;
    uint32_t version;
    uint32_t posted; /* postings so far */
    int64_t updated_us;
    uint32_t locked_by; /* the xid of a prepared transaction, or 0 */
    int64_t cached;
    uint32_t cached_version;
    int64_t cached_us; /* when it was filled; -1: not in the cache */
    bool shown_wrong;  /* somebody saw another balance than this */
    int64_t missed;    /* what a replica has not replayed of it */
};

#define NAIVE_OP_TABLE(X)                                                                          \
    X(TOPUP, "/v1/topups")                                                                         \
    X(TRANSFER, "/v1/transfers")                                                                   \
    X(REMITTANCE, "/v1/remittances")                                                               \
    X(PURCHASE, "/v1/purchases")                                                                   \
    X(SPLIT, "/v1/splits")                                                                         \
    X(REFUND, "/v1/refunds")                                                                       \
    X(PAYOUT, "/v1/payouts")                                                                       \
    X(EXCHANGE, "/v1/exchanges")                                                                   \
    X(WITHDRAWAL, "/v1/withdrawals")                                                               \
    X(ADJUSTMENT, "/admin/adjustments")                                                            \
    X(READ, "/v1/balance")                                                                         \
    X(DEPOSIT, "")                                                                                 \
    X(JOB, "")
#define NAIVE_OP_ENUM(name, path) OP_##name,
enum naive_op_kind { NAIVE_OP_TABLE(NAIVE_OP_ENUM) NAIVE_OP_KINDS };
#undef NAIVE_OP_ENUM

/* What somebody wants done: fixed by the seed before anything happens. */
struct naive_op {
    enum naive_op_kind kind;
    int64_t at_us;
    uint32_t from; /* account, or NAIVE_NONE */
    uint32_t to;
    int64_t amount;
    uint32_t target; /* the op that a refund or dispute is about */
    char key[NAIVE_TEXT_SIZE];
    bool lost;    /* the first answer does not arrive: the client asks again */
    bool twice;   /* a double click */
    bool late;    /* asks again hours later */
    bool slow;    /* the PSP takes longer than the client waits */
    bool timeout; /* the PSP takes longer than the API waits */
    bool declined;
    bool agent; /* a second person asks for the same thing */
    bool overspend;
    bool abandoned;   /* a hold that nobody captures */
    int64_t refunded; /* so far, of a payment */
    bool disputed;
    bool acked;                  /* somebody was told that it is done */
    uint32_t payment;            /* the first one */
    char story[NAIVE_TEXT_SIZE]; /* what its rows are called by outside: an order's number */
};

struct naive_leg {
    uint32_t account;
    int64_t amount;
    int64_t read_balance; /* as the transaction saw it */
    uint32_t read_version;
};

enum naive_outcome { NAIVE_COMMITTED, NAIVE_REFUSED, NAIVE_DUPLICATE, NAIVE_ABORTED, NAIVE_WAITED };

struct naive_world;
struct naive_draft;
typedef void naive_step(struct naive_world *world, uint32_t subject, uint32_t argument);
typedef void naive_done(struct naive_world *world, const struct naive_draft *draft,
                        enum naive_outcome outcome);

/* A database transaction from its begin to its end, and the row of the ledger that it makes. */
struct naive_draft {
    uint32_t origin;   /* the op: with `kind` what the truth compares by */
    const char *kind;  /* ledger_tx.type */
    const char *cause; /* ledger_tx.cause */
    char cause_id[NAIVE_TEXT_SIZE];
    char key[NAIVE_TEXT_SIZE];
    char psp_ref[NAIVE_TEXT_SIZE];
    char event[NAIVE_TEXT_SIZE];
    char unique[NAIVE_TEXT_SIZE]; /* what a unique index keeps single; empty: none */
    char run[NAIVE_TEXT_SIZE];
    char period[NAIVE_TEXT_SIZE];
    char reference[NAIVE_TEXT_SIZE];
    char cohort[NAIVE_TEXT_SIZE];
    char trace[NAIVE_TEXT_SIZE];
    const char *actor;
    uint32_t approvers;
    uint32_t reverses; /* tx, or NAIVE_NONE */
    int64_t source_amount;
    enum naive_asset source_asset;
    int64_t rate_num; /* 0: no exchange */
    int64_t rate_den;
    uint32_t parts;
    struct naive_leg legs[NAIVE_LEGS_MAX];
    uint32_t leg_count;
    bool funds;        /* the first leg's account must have the money */
    bool raw;          /* past the version column */
    bool fails;        /* the connection breaks at its commit */
    const char *topic; /* event to publish, or NULL */
    uint32_t hold;     /* captured with it, or NAIVE_NONE */
    naive_done *done;
    uint32_t subject;
    uint32_t argument;
    /* the database's own */
    uint32_t number; /* the id drawn; 0: draw one */
    uint32_t xid;
    uint32_t attempt;
    int64_t begin_us;
    uint32_t tx; /* after commit */
};

struct naive_tx {
    struct naive_draft draft;
    char id[NAIVE_TEXT_SIZE];
    int64_t at_us;
    uint32_t lsn;
    uint32_t posting_first;
    uint32_t posting_count;
    bool gone;    /* with a lost tail, or since an old backup */
    bool damaged; /* its row is not as it was written */
};

struct naive_posting {
    uint32_t tx;
    uint32_t account;
    int64_t amount;
    int64_t balance_after;
    uint32_t version_after;
};

struct naive_wal {
    uint32_t lsn;
    uint32_t timeline;
    uint32_t xid;
    int64_t at_us;
    const char *op;
    const char *table;
    const char *role;
    const char *sqlstate;
    const char *gid;
    uint32_t account; /* or NAIVE_NONE */
    char tx[NAIVE_TEXT_SIZE];
    char key[NAIVE_TEXT_SIZE];
    char idem[NAIVE_TEXT_SIZE];
    int64_t before;
    int64_t after;
    uint32_t version_before;
    uint32_t version_after;
    uint32_t to_lsn;
    bool gone;
};

struct naive_hold {
    char id[NAIVE_TEXT_SIZE];
    uint64_t lot; /* what chances about it are drawn by: its op, and the how manieth of that */
    char key[NAIVE_TEXT_SIZE]; /* of the request */
    uint32_t origin;
    uint32_t account;
    int64_t amount;
    int64_t created_us;
    int64_t expires_us;
    int64_t closed_us;
    const char *state; /* active, captured, released */
    uint32_t lsn;
    uint32_t xid;
    bool gone;
};

/* Our side of something the PSP is asked for: a row of the ledger that has no postings yet. */
struct naive_payment {
    char id[NAIVE_TEXT_SIZE];
    char psp_ref[NAIVE_TEXT_SIZE];
    char key[NAIVE_TEXT_SIZE];
    char trace[NAIVE_TEXT_SIZE];
    uint32_t number;
    uint32_t origin;
    uint32_t request; /* of the API, that waits */
    bool answered;
    const char *state; /* pending, posted, failed */
    int64_t amount;
    int64_t created_us;
    int64_t updated_us;
    uint32_t seen; /* sequence of the newest event taken over */
    uint32_t version;
    uint32_t lsn;
    uint32_t tx;  /* NAIVE_NONE: none */
    bool claimed; /* a transaction has taken its number */
    bool gone;
};

/* A line of the PSP's own books: with our sign, so that what it takes from us is negative. */
struct naive_line {
    char id[NAIVE_TEXT_SIZE];
    char psp_ref[NAIVE_TEXT_SIZE];
    char reference[NAIVE_TEXT_SIZE];
    const char *type;
    const char *state;
    const char *scheme;
    int64_t at_us;
    int64_t amount;
    int64_t fee;
    enum naive_asset asset;
    uint32_t payment; /* or NAIVE_NONE */
    uint32_t origin;
    char payout[NAIVE_TEXT_SIZE]; /* that it is paid out in */
};

/* What the PSP wants us to know, until we have confirmed it. */
struct naive_event {
    char id[NAIVE_TEXT_SIZE];
    uint64_t lot; /* the same */
    const char *type;
    uint32_t line; /* or NAIVE_NONE: it is forged */
    uint32_t origin;
    uint32_t sequence;
    int64_t created_us;
    int64_t amount;
    uint32_t attempts;
    bool noted; /* the inbox has it */
    bool processed;
    char seen[NAIVE_TEXT_SIZE]; /* the form in which the inbox has it */
};

/* A call of the API that is being answered. */
struct naive_request {
    uint32_t op;
    uint32_t attempt;
    uint32_t idem; /* the entry of its key, or NAIVE_NONE */
    int64_t sent_us;
    char key[NAIVE_TEXT_SIZE];
    char body[NAIVE_TEXT_SIZE];
    char fingerprint[NAIVE_TEXT_SIZE];
    char trace[NAIVE_TEXT_SIZE];
    char click[NAIVE_TEXT_SIZE];
};

struct naive_idem {
    char key[NAIVE_TEXT_SIZE];
    char fingerprint[NAIVE_TEXT_SIZE];
    int64_t seen_us; /* since when others see it */
    int64_t written_us;
    char tx[NAIVE_TEXT_SIZE]; /* what was answered */
    int64_t status;
    bool done;
    bool gone;
};

/* An event, from its row in the outbox (if it has one) to what a consumer did about it. */
struct naive_message {
    uint32_t tx; /* or NAIVE_NONE: of no transaction that was committed */
    uint32_t hold;
    uint32_t origin;
    uint32_t xid;
    uint32_t lsn;
    int64_t outbox_us;    /* -1: it never was in the outbox */
    int64_t published_us; /* -1: it was not sent */
    uint32_t partition;
    uint32_t offset;
    uint32_t version; /* of its order */
    char event[NAIVE_TEXT_SIZE];
    char trace[NAIVE_TEXT_SIZE];
    const char *type;
    int64_t amount;
    uint32_t merchant;  /* account */
    int64_t applied_us; /* by the inbox; -1: not yet */
    bool copy;          /* of a message that the producer has sent before */
    bool gone;          /* the outbox row, with a turn of history */
};

struct naive_partition {
    uint32_t start; /* the oldest offset that is kept */
    uint32_t end;
    uint32_t committed;
    bool busy;
};

/* A line of a bank statement: positive when our balance grows. */
struct naive_bank_line {
    char id[NAIVE_TEXT_SIZE];
    enum naive_role role; /* of our account: operating or safeguarding */
    enum naive_asset asset;
    int64_t amount;
    int64_t at_us;
    char batch[NAIVE_TEXT_SIZE];
    char payout[NAIVE_TEXT_SIZE];
    char hash[NAIVE_TEXT_SIZE];
    uint32_t origin;  /* op of a customer, or NAIVE_NONE */
    uint32_t account; /* of a customer */
    int64_t fee;      /* of the PSP, in it */
    int64_t gross;
    bool imported;
    uint32_t tx;
};

struct naive_due {
    int64_t at_us;
    uint32_t sequence;
    uint32_t subject;
    uint32_t argument;
    naive_step *step;
};

struct naive_unique {
    char key[NAIVE_TEXT_SIZE];
    uint32_t lsn;
};

struct naive_world {
    uint64_t seed;
    struct naive_fault_set faults;
    int64_t since_us[NAIVE_FAULT_COUNT]; /* from when each fault works */
    int64_t until_us[NAIVE_FAULT_COUNT];
    int64_t start_unix_us;
    int64_t now_us;
    uint32_t due_sequence;
    uint32_t due_count;
    struct naive_due due[NAIVE_AGENDA_MAX];

    uint32_t account_count, op_count, tx_count, posting_count, draft_count, wal_count;
    uint32_t payment_count, line_count, event_count, idem_count, unique_count;
    uint32_t message_count, hold_count, request_total;
    struct naive_account accounts[NAIVE_ACCOUNTS_MAX];
    struct naive_op ops[NAIVE_OPS_MAX];
    struct naive_tx txs[NAIVE_TXS_MAX];
    struct naive_posting postings[NAIVE_POSTINGS_MAX];
    struct naive_draft drafts[NAIVE_DRAFTS_MAX];
    struct naive_wal wal[NAIVE_WAL_MAX];
    struct naive_payment payments[NAIVE_PAYMENTS_MAX];
    struct naive_line lines[NAIVE_LINES_MAX];
    struct naive_event events[NAIVE_EVENTS_MAX];
    struct naive_idem idems[NAIVE_IDEMS_MAX];
    struct naive_request requests[NAIVE_REQUESTS_MAX];
    struct naive_unique uniques[NAIVE_UNIQUES_MAX];
    struct naive_message messages[NAIVE_MESSAGES_MAX];
    struct naive_hold holds[NAIVE_HOLDS_MAX];
    struct naive_bank_line bank_lines[NAIVE_BANK_LINES_MAX];
    struct naive_partition partitions[NAIVE_PARTITIONS];

    uint32_t xid_next, lsn_next, tx_next, timeline, replica_skipped;
    uint32_t request_count, span_count, log_lines[NAIVE_HOSTS], log_lost[NAIVE_HOSTS];
    uint32_t generation, audit_count;
    uint32_t relayed; /* up to this LSN, when the relay stopped */
    uint32_t bank_line_count;
    struct naive_evidence evidence;
};

/* Stops the program when memory is lacking. A world with accounts and plans, at time 0. */
struct naive_world *naive_world_new(uint64_t seed, const struct naive_fault_set *faults);
void naive_world_free(struct naive_world *world);
/* Does all that is due up to NAIVE_END. */
void naive_world_run(struct naive_world *world);

/* Later, or now: in `after_us`, after whatever is due then already. */
void naive_later(struct naive_world *world, int64_t after_us, naive_step *step, uint32_t subject,
                 uint32_t argument);
/* The same at a time of the case; a past one is now. */
void naive_at(struct naive_world *world, int64_t at_us, naive_step *step, uint32_t subject,
              uint32_t argument);

/* Whether a fault is at work at this moment. */
bool naive_broken(const struct naive_world *world, enum naive_fault fault);

/* Even over [first, last]; the same for the same seed, stream and key. */
int64_t naive_draw(const struct naive_world *world, const char *stream, uint64_t key, int64_t first,
                   int64_t last);
/* True in one of `of`. */
bool naive_chance(const struct naive_world *world, const char *stream, uint64_t key, int64_t of);

/* Our own account of this role and asset. */
uint32_t naive_own(const struct naive_world *world, enum naive_role role, enum naive_asset asset);
/* The newest account of a customer in an asset, or NAIVE_NONE. */
uint32_t naive_of_user(const struct naive_world *world, uint32_t user, enum naive_asset asset);

uint32_t naive_of_merchant(const struct naive_world *world, uint32_t merchant);

/* A day of the case as YYYY-MM-DD. */
void naive_day(const struct naive_world *world, int64_t day, char out[NAIVE_TEXT_SIZE]);

/* Text of at most NAIVE_TEXT_SIZE - 1 characters; a longer one stops the program. */
void naive_text(char out[NAIVE_TEXT_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* An id that tells nothing: a prefix and digits drawn from the seed. */
void naive_id(const struct naive_world *world, const char *prefix, uint64_t key,
              char out[NAIVE_TEXT_SIZE]);

#endif
