/* record.h - the journal's records: fixed layouts, little-endian, versioned by their batch. */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include "crypto/digest.h"
#include "model/account.h"
#include "model/asset.h"
#include "model/notice.h"
#include "model/payment.h"
#include "model/raise.h"
#include "model/transfer.h"

/*
 * A batch is a blob: one batch_header, then records back to back, each a multiple of 16 bytes
 * that starts with a record_head. A record_context precedes the records of each request and
 * holds what they share; each record names its context by offset. Records state effects:
 * amounts, releases and accounts are resolved, and replay applies them without deciding.
 *
 * No personal data: ids are random, idempotency keys are kept as digests.
 */
enum {
    BATCH_MAGIC = 0x42575054, /* "TPWB" in the file */
    BATCH_VERSION = 1,
};

struct batch_header {
    uint32_t magic;
    uint16_t version;
    uint16_t header_size;
    uint32_t lane;
    uint32_t size; /* of the whole blob, in bytes */
    uint64_t epoch;
    uint64_t sequence;
    struct wall_time stamp;
    uint32_t unit_count;
    uint32_t record_count;  /* contexts included */
    uint64_t first_account; /* number of the first account, hold, reversal made in this batch */
    uint64_t first_hold;
    uint64_t first_reversal;
    uint64_t first_payment; /* the first place that open payments take up in this batch */
    struct digest previous; /* SHA-256 of the batch before, whole; zero for the first */
    uint32_t check;         /* low half of XXH3-64 over the header with this field zero */
    uint8_t reserved[12];
};
_Static_assert(sizeof(struct batch_header) == 128, "stored as it is");

enum record_type {
    RECORD_CONTEXT = 1,
    RECORD_ACCOUNT = 2,
    RECORD_TRANSFER = 3,
    RECORD_ACCOUNT_CHANGE = 4,
    RECORD_ASSET = 5,
    RECORD_PERIOD = 6,
    RECORD_CREDENTIAL = 7,
    RECORD_PAYMENT = 8,
    RECORD_RATE = 9,
    RECORD_NOTICE = 10,
    RECORD_RAISE = 11,
};

/* In flags, beside enum transfer_flag: what the request gave (without it, the date is the stamp's
 * and the asset the target's), and what became of the hold. */
enum {
    RECORD_FLAG_DATE_GIVEN = 0x80,
    RECORD_FLAG_ASSET_GIVEN = 0x40,
    /* POST, VOID, EXPIRE: nothing of the hold is reserved any more. */
    RECORD_FLAG_CLOSES_HOLD = 0x20,
    RECORD_FLAGS_GIVEN = RECORD_FLAG_DATE_GIVEN | RECORD_FLAG_ASSET_GIVEN,
};

struct record_head {
    uint8_t type;     /* enum record_type */
    uint8_t outcome;  /* enum outcome; 0 where there is none */
    uint8_t kind;     /* enum transfer_kind for transfers, else 0 */
    uint8_t flags;    /* enum transfer_flag and record flags for transfers */
    uint16_t size;    /* of the whole record, a multiple of 16 */
    uint16_t unit;    /* the unit's index in the batch; a linked group shares one */
    uint32_t context; /* offset of its context in the batch; 0 in a context itself */
    uint32_t check;   /* low half of XXH3-64 over the record with this field zero */
};
_Static_assert(sizeof(struct record_head) == 16, "stored as it is");

/* What a request was. key, fingerprint and root are zero without an idempotency key. */
struct record_context {
    struct record_head head;
    struct trace trace;
    uint32_t route; /* which API operation (api/), 0 for the ledger itself */
    uint32_t first; /* 1: the first to use its key; later batches of the request say 0 */
    struct principal_id principal;
    struct uuid key;         /* digest of principal, route and key, cut to 128 bits */
    struct uuid fingerprint; /* digest of the request, cut to 128 bits */
    struct uuid root;        /* the id that the ids inside derive from */
};
_Static_assert(sizeof(struct record_context) == 112, "stored as it is");

/* As asked for: made when its outcome is OK (enum account_outcome), otherwise refused. */
struct record_account {
    struct record_head head;
    struct account account;
    uint8_t reserved[8];
};
_Static_assert(sizeof(struct record_account) == 80, "stored as it is");

/*
 * debit and credit are the resolved accounts (nil when unknown). previous_debit and
 * previous_credit are each account's newest entry before this one: the account's history is
 * that chain. Refusals change nothing and are in no chain.
 */
struct record_transfer {
    struct record_head head;
    struct transfer_id id;
    struct account_id debit;
    struct account_id credit;
    struct money amount; /* effect; what was asked for when refused */
    struct uuid user_ref;
    struct locator previous_debit;
    struct locator previous_credit;
    uint32_t asset;
    uint32_t timeout_s;
    struct business_date value_date;
    uint32_t code;
};
_Static_assert(sizeof(struct record_transfer) == 128, "stored as it is");

/* Follows a record_transfer whose effect differs from what was asked, or that has a target. */
struct record_transfer_more {
    struct transfer_id target;
    struct money requested; /* the amount asked for; MONEY_MAX is "all" */
    struct money released;  /* POST, VOID, EXPIRE: what the hold no longer reserves */
};
_Static_assert(sizeof(struct record_transfer_more) == 48, "stored as it is");

enum {
    RECORD_TRANSFER_LONG_SIZE = sizeof(struct record_transfer) + sizeof(struct record_transfer_more)
};

struct record_account_change {
    struct record_head head;
    struct account_id account;
    uint16_t set;   /* enum account_flag bits that are on from here */
    uint16_t clear; /* and those that are off */
    uint32_t reserved[3];
};
_Static_assert(sizeof(struct record_account_change) == 48, "stored as it is");

struct record_asset {
    struct record_head head;
    uint32_t id;
    uint8_t exponent;
    char code[ASSET_CODE_LEN_MAX + 1];
    uint8_t reserved[14];
};
_Static_assert(sizeof(struct record_asset) == 48, "stored as it is");

struct record_period {
    struct record_head head;
    struct business_date closed_through;
    uint32_t reserved[3];
};
_Static_assert(sizeof(struct record_period) == 32, "stored as it is");

/* What a pair of assets is exchanged at; numerator 0: not any more. */
struct record_rate {
    struct record_head head;
    uint32_t asset;
    uint32_t counter_asset;
    uint64_t numerator;
    uint64_t denominator;
    uint8_t reserved[8];
};
_Static_assert(sizeof(struct record_rate) == 48, "stored as it is");

/* In flags of a payment's record. */
enum {
    RECORD_FLAG_QUERY = 1,   /* ANSWER: to a query, not to the order itself */
    RECORD_FLAG_CREATES = 2, /* the first record of its payment */
    RECORD_FLAG_RESTS = 4,   /* it holds no place among the open ones after this record */
    RECORD_FLAG_TELLS = 8,   /* something has changed that others are told of: an event */
};

/*
 * A payment as it stands after a command, or, when the command was refused (outcome), as it
 * stood before; kind is the command's enum payment_cause. previous is the payment's record
 * before this one. The transfers of the same unit come behind it. Where two payments move in one
 * unit, the one that the command is for comes first.
 */
struct record_payment {
    struct record_head head;
    struct money fee;        /* SETTLE: the PSP's */
    struct locator previous; /* refusals are in no chain */
    uint32_t duration_ms;    /* ANSWER: of the call */
    uint16_t http_status;    /* ANSWER: 0 is none */
    uint8_t ledger_outcome;  /* enum outcome, with PAYMENT_OUTCOME_LEDGER */
    uint8_t answer;          /* enum psp_answer, with ANSWER; enum psp_line_kind, with SETTLE */
    struct payment payment;
};
_Static_assert(sizeof(struct record_payment) == 576, "stored as it is");

/* An API key: its SHA-256, what it may do, and its name; revoked ones stay in the journal. */
struct record_credential {
    struct record_head head;
    struct principal_id id;
    struct digest secret_digest;
    uint32_t scopes; /* enum scope bits */
    uint32_t revoked;
    uint8_t reserved[8];
    char name[CREDENTIAL_NAME_LEN_MAX + 1];
};
_Static_assert(sizeof(struct record_credential) == 144, "stored as it is");

/*
 * An administrative act that changes nothing in the ledger; kind is enum notice_kind. A REASON
 * stands behind the record of the act that it is given for, in the same unit.
 */
struct record_notice {
    struct record_head head;
    struct uuid subject;
    struct digest digest;
    uint32_t settings;
    uint32_t reserved[3];
    char reason[REASON_SIZE]; /* padded with zeroes; "": none was given */
};
_Static_assert(sizeof(struct record_notice) == 128, "stored as it is");

/* An incident that is watched from here on; with 0 traces, one that is watched no more. */
struct record_raise {
    struct record_head head;
    struct raise raise;
};
_Static_assert(sizeof(struct record_raise) == 80, "stored as it is");

#endif
