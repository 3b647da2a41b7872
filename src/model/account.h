/* account.h - an account as asked for: what it is counted in, what bounds its balance. */
#ifndef MODEL_ACCOUNT_H
#define MODEL_ACCOUNT_H

#include <stdbool.h>

#include "base/money.h"
#include "base/str.h"
#include "base/time.h"
#include "model/id.h"

/* The five kinds of double-entry book-keeping; a wallet owed to a customer is a liability. */
#define ACCOUNT_KIND_TABLE(X)                                                                      \
    X(ASSET, 1, "asset")                                                                           \
    X(LIABILITY, 2, "liability")                                                                   \
    X(EQUITY, 3, "equity")                                                                         \
    X(INCOME, 4, "income")                                                                         \
    X(EXPENSE, 5, "expense")

#define ACCOUNT_KIND_ENUM(name, value, text) ACCOUNT_##name = value,
enum account_kind { ACCOUNT_KIND_TABLE(ACCOUNT_KIND_ENUM) ACCOUNT_KIND_END };
#undef ACCOUNT_KIND_ENUM

/* The first two are fixed when the account is made and exclude each other. */
#define ACCOUNT_FLAG_TABLE(X)                                                                      \
    X(DEBITS_MUST_NOT_EXCEED_CREDITS, 1, "debits_must_not_exceed_credits")                         \
    X(CREDITS_MUST_NOT_EXCEED_DEBITS, 2, "credits_must_not_exceed_debits")                         \
    X(FROZEN, 4, "frozen")                                                                         \
    X(CLOSED, 8, "closed")

#define ACCOUNT_FLAG_ENUM(name, value, text) ACCOUNT_FLAG_##name = value,
enum account_flag { ACCOUNT_FLAG_TABLE(ACCOUNT_FLAG_ENUM) };
#undef ACCOUNT_FLAG_ENUM

enum {
    ACCOUNT_FLAGS_BOUND =
        ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS | ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS,
    ACCOUNT_FLAGS_ALL = ACCOUNT_FLAGS_BOUND | ACCOUNT_FLAG_FROZEN | ACCOUNT_FLAG_CLOSED,
};

/* What a caller asks for. References are the caller's own ids; nil is "none". */
struct account {
    struct account_id id;
    struct uuid user_ref;
    struct uuid metadata_ref;
    uint32_t asset;
    uint16_t kind;  /* enum account_kind */
    uint16_t flags; /* enum account_flag, at creation only ACCOUNT_FLAGS_BOUND */
};

struct balance {
    struct money debits_posted;
    struct money debits_pending;
    struct money credits_posted;
    struct money credits_pending;
};

/* An account as it stands: also its layout in memory and in checkpoint slices. */
struct account_state {
    struct account account;
    struct balance balance;
    struct locator last_entry; /* its newest transfer record that changed it */
    uint64_t entry_count;      /* how many did */
    uint64_t applied_batch;    /* the newest batch reflected here; kept for recovery */
    struct wall_time created_at;
};
_Static_assert(sizeof(struct account_state) == 160, "stored as it is in checkpoint slices");

/* NULL when the value is none of the table. */
const char *account_kind_name(unsigned kind);
bool account_kind_parse(struct str text, uint16_t *out_kind);
/* Name of one flag bit; NULL when it is none of the table. */
const char *account_flag_name(unsigned flag);
bool account_flag_parse(struct str text, uint16_t *out_flag);

/* Whether two ask for the same. Ids are not compared, nor what became of an account later. */
bool account_same_content(const struct account *a, const struct account *b);

#endif
