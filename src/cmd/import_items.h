/* import_items.h - rows of an import as accounts and transfers, or the reason why they are none. */
#ifndef CMD_IMPORT_ITEMS_H
#define CMD_IMPORT_ITEMS_H

#include "base/buf.h"
#include "cmd/import_mapping.h"
#include "model/account.h"
#include "model/asset.h"
#include "model/transfer.h"

/* What the rows of one import have in common. */
struct import_rules {
    enum import_kind kind;
    struct str name;                   /* of the import: ids of lines derive from it */
    struct str namespace;              /* of keys of another system; empty: ids must be UUIDs */
    const struct asset *custom_assets; /* of this ledger, beside those of ISO 4217 */
    uint32_t custom_asset_count;
};

/* NULL when there is none. */
const struct asset *import_asset_by_code(const struct import_rules *rules, struct str code);

/*
 * A UUID as it is; another text as a key of the namespace ("account" or "user_ref" as kind).
 * False: it is neither.
 */
bool import_id_of(const struct import_rules *rules, const char *kind, struct str text,
                  struct uuid *out_id) MUST_CHECK;

struct import_account {
    struct account account;
    const struct asset *asset;
    struct money opening; /* zero: none */
    uint64_t line;
};

/* Why a row is no account or transfer that the ledger could be asked for. */
struct import_fault {
    const char *reason; /* static sentence; NULL: nothing is wrong */
    const char *field;  /* static; NULL: the row as a whole */
    bool readable;      /* it could be read, but is not allowed (a transfer to itself, say) */
};

/*
 * What they make passes account_fault() and transfer_fault(), unless the fault says otherwise;
 * id and flags are written as far as they could be read.
 */
struct import_fault import_account_of(const struct import_rules *rules, const struct str *values,
                                      uint64_t line, struct import_account *out_account);
struct import_fault import_transfer_of(const struct import_rules *rules, const struct str *values,
                                       uint64_t line, struct transfer *out_transfer);

/*
 * The transfer that gives an account its opening balance, from (or, for asset and expense
 * accounts, to) the account `from`.
 */
struct transfer import_opening_of(const struct import_rules *rules,
                                  const struct import_account *account, struct account_id from);

#endif
