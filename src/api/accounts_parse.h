/* accounts_parse.h - the bodies of POST /v1/accounts and PATCH /v1/accounts/{id}. */
#ifndef API_ACCOUNTS_PARSE_H
#define API_ACCOUNTS_PARSE_H

#include "api/body.h"
#include "model/account.h"
#include "model/admin.h"

/* Where parsed accounts go; each passes account_fault(). */
struct account_list {
    struct account *accounts; /* the caller's, room for capacity */
    uint32_t capacity;
    uint32_t count;
    bool ids_missing;
};

/* How many accounts a body of this size can hold, at most REQUEST_ACCOUNTS_MAX. */
uint32_t accounts_capacity(size_t body_size);

/* As transfers_parse_json(). */
bool accounts_parse(struct str text, struct asset_source *assets, struct arena *scratch,
                    struct account_list *out_list, struct problem *out_problem) MUST_CHECK;

/* {"frozen": ..., "closed": true} -> set and clear of an ADMIN_ACCOUNT_CHANGE. */
bool account_change_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                          struct problem *out_problem) MUST_CHECK;

#endif
