/* admin.h - administrative acts: assets, account states, periods, API keys, raises, and notices of others. */
#ifndef MODEL_ADMIN_H
#define MODEL_ADMIN_H

#include "crypto/digest.h"
#include "model/account.h"
#include "model/asset.h"
#include "model/id.h"
#include "model/notice.h"
#include "model/raise.h"

enum admin_kind {
    ADMIN_ASSET_CREATE,      /* a custom asset: code and exponent; the id is assigned */
    ADMIN_ACCOUNT_CHANGE,    /* freeze, unfreeze, close */
    ADMIN_PERIOD_CLOSE,      /* refuse value dates up to and with a date, for ever */
    ADMIN_CREDENTIAL_CREATE, /* an API key, by its digest */
    ADMIN_CREDENTIAL_REVOKE,
    ADMIN_RATE_SET,    /* what exchanges are quoted at from here on */
    ADMIN_NOTICE,      /* something that is done elsewhere: written down */
    ADMIN_TRACE_RAISE, /* an incident is watched; one with its id is replaced */
    ADMIN_TRACE_LOWER,
};

/* What an API key may do. */
#define SCOPE_TABLE(X)                                                                             \
    X(ACCOUNTS_READ, 1, "accounts:read")                                                           \
    X(ACCOUNTS_WRITE, 2, "accounts:write")                                                         \
    X(TRANSFERS_READ, 4, "transfers:read")                                                         \
    X(TRANSFERS_WRITE, 8, "transfers:write")                                                       \
    X(ADMIN, 16, "admin")                                                                          \
    X(METRICS_READ, 32, "metrics:read")                                                            \
    X(PAYMENTS_READ, 64, "payments:read")                                                          \
    X(PAYMENTS_WRITE, 128, "payments:write")

#define SCOPE_ENUM(name, value, text) SCOPE_##name = value,
enum scope { SCOPE_TABLE(SCOPE_ENUM) };
#undef SCOPE_ENUM
enum { SCOPE_ALL = 255 };

const char *scope_name(unsigned scope);
bool scope_parse(struct str text, uint32_t *out_scope);

struct credential {
    struct principal_id id;
    struct digest secret_digest; /* SHA-256 of the key's text: 256 random bits need no salt */
    uint32_t scopes;
    bool revoked;
    char name[CREDENTIAL_NAME_LEN_MAX + 1];
    struct wall_time created_at;
};

/*
 * counter minor units for one minor unit, as an exact fraction in lowest terms or not; both are
 * below 2^63. A numerator of 0 withdraws the pair.
 */
struct rate {
    uint32_t asset;
    uint32_t counter_asset;
    uint64_t numerator;
    uint64_t denominator;
};

struct admin {
    enum admin_kind kind;
    struct asset asset;                  /* ASSET_CREATE: code and exponent */
    struct account_id account;           /* ACCOUNT_CHANGE */
    uint16_t set;                        /* ACCOUNT_FLAG_FROZEN or _CLOSED to put on */
    uint16_t clear;                      /* ACCOUNT_FLAG_FROZEN to take off */
    struct business_date closed_through; /* PERIOD_CLOSE */
    struct credential credential;        /* CREATE: all but id; REVOKE: id */
    struct rate rate;                    /* RATE_SET */
    struct notice notice;                /* NOTICE */
    struct raise raise;                  /* TRACE_RAISE: all but until; TRACE_LOWER: id */
    uint32_t raise_for_s;                /* TRACE_RAISE: until so long after its batch's stamp */
    char reason[REASON_SIZE];            /* of any; "": none is given */
};

/*
 * Outcomes of administrative acts and of account creation, in the order of checking; name, API
 * code, HTTP status, sentence. A refused act is journaled when its request carries an idempotency
 * key: without one it has no id to be asked for again by. An account has an id, so its refusal is
 * always journaled, and the id is taken by it for ever; only ID_CONFLICT is not, since the id
 * names what came first.
 */
#define ADMIN_OUTCOME_TABLE(X)                                                                     \
    X(OK, "ok", 201, "done")                                                                       \
    X(ASSET_EXISTS, "asset_exists", 409, "an asset with this code exists")                         \
    X(ASSET_CAPACITY, "asset_capacity", 422, "no more custom assets can be made")                  \
    X(ACCOUNT_NOT_FOUND, "account_not_found", 404, "there is no such account")                     \
    X(ACCOUNT_CLOSED, "account_closed", 422, "a closed account cannot be changed")                 \
    X(ACCOUNT_NOT_EMPTY, "account_not_empty", 422,                                                 \
      "only an account with equal debits and credits and nothing pending can be closed")           \
    X(PERIOD_ALREADY_CLOSED, "period_already_closed", 422, "a later date is already closed")       \
    X(PERIOD_NOT_OVER, "period_not_over", 422, "only a period that is over can be closed")         \
    X(CREDENTIAL_EXISTS, "credential_exists", 409, "this key exists")                              \
    X(CREDENTIAL_NOT_FOUND, "credential_not_found", 404, "there is no such key")                   \
    X(CREDENTIAL_CAPACITY, "credential_capacity", 422, "no more keys can be made")                 \
    X(RATE_ASSET_NOT_FOUND, "asset_not_found", 422, "there is no such asset")                      \
    X(RATE_CAPACITY, "rate_capacity", 422, "no more pairs of assets can have a rate")              \
    X(RAISE_NOT_FOUND, "raise_not_found", 404, "nothing is raised under this id, or it has ended") \
    X(RAISE_CAPACITY, "raise_capacity", 422, "no more incidents can be watched at once")

#define ADMIN_OUTCOME_ENUM(name, code, http, text) ADMIN_OUTCOME_##name,
enum admin_outcome { ADMIN_OUTCOME_TABLE(ADMIN_OUTCOME_ENUM) ADMIN_OUTCOME_COUNT };
#undef ADMIN_OUTCOME_ENUM

#define ACCOUNT_OUTCOME_TABLE(X)                                                                   \
    X(OK, "ok", 201, "made")                                                                       \
    X(ID_CONFLICT, "id_conflict", 409, "this id was used before with other content")               \
    X(ASSET_NOT_FOUND, "asset_not_found", 422, "there is no such asset")                           \
    X(CAPACITY, "capacity", 422, "the ledger's capacity of accounts is used up")

#define ACCOUNT_OUTCOME_ENUM(name, code, http, text) ACCOUNT_OUTCOME_##name,
enum account_outcome { ACCOUNT_OUTCOME_TABLE(ACCOUNT_OUTCOME_ENUM) ACCOUNT_OUTCOME_COUNT };
#undef ACCOUNT_OUTCOME_ENUM

const char *admin_outcome_code(enum admin_outcome outcome);
const char *admin_outcome_text(enum admin_outcome outcome);
unsigned admin_outcome_http_status(enum admin_outcome outcome);
const char *account_outcome_code(enum account_outcome outcome);
const char *account_outcome_text(enum account_outcome outcome);
unsigned account_outcome_http_status(enum account_outcome outcome);

struct admin_result {
    uint8_t outcome; /* enum admin_outcome */
    bool repeated;
    struct position position;
    struct wall_time stamp;
    uint32_t asset_id;              /* ASSET_CREATE */
    struct principal_id credential; /* CREDENTIAL_CREATE */
};

/* As transfer_fault(), for accounts and administrative acts. */
const char *account_fault(const struct account *account, const char **out_field);
const char *admin_fault(const struct admin *admin, const char **out_field);

#endif
