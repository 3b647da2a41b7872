/* chart.h - the accounts that payments need beside the wallets: one of each role per asset and lane. */
#ifndef PAYMENT_CHART_H
#define PAYMENT_CHART_H

#include "base/str.h"
#include "model/account.h"
#include "model/lane_map.h"
#include "model/psp.h"

/*
 * Role, value, text, kind of account, sentence. Customers' wallets are not here: they are
 * accounts of kind liability whose debits must not exceed their credits, made as customers come.
 */
#define CHART_ROLE_TABLE(X)                                                                        \
    X(CLEARING, 1, "clearing", ACCOUNT_ASSET, "what a PSP owes us and has not settled")            \
    X(BANK, 2, "bank", ACCOUNT_ASSET, "the safeguarding account at the bank")                      \
    X(FEES, 3, "fees", ACCOUNT_EXPENSE, "what PSPs take")                                          \
    X(ROUNDING, 4, "rounding", ACCOUNT_INCOME, "residues that cannot be divided")                  \
    X(POSITION, 5, "position", ACCOUNT_ASSET, "the exchange's position in this asset")             \
    X(SUSPENSE, 6, "suspense", ACCOUNT_LIABILITY, "money whose owner is not known yet")            \
    X(RECEIVABLE, 7, "receivable", ACCOUNT_ASSET, "chargebacks that may still be won")             \
    X(LOSS, 8, "loss", ACCOUNT_EXPENSE, "chargebacks that were lost")

#define CHART_ROLE_ENUM(name, value, text, kind, sentence) CHART_##name = value,
enum chart_role { CHART_ROLE_TABLE(CHART_ROLE_ENUM) CHART_ROLE_END };
#undef CHART_ROLE_ENUM

/* NULL when the value is none of the table. */
const char *chart_role_name(unsigned role);
const char *chart_role_text(unsigned role);

/*
 * The id of an account follows from asset, role and, for CHART_CLEARING, the PSP's name ("" for
 * the other roles): a UUIDv8 (RFC 9562, section 5.8) of a SHA-256, moved into the lane. So whoever
 * knows those knows the account, without looking anything up.
 */
struct account_id chart_account_id(struct lane_part part, uint32_t asset, enum chart_role role,
                                   const char *psp);
/* Whether it is that account, of whichever lane. */
bool chart_account_is(struct account_id id, uint32_t asset, enum chart_role role, const char *psp);

/* Whether payments may be from and to it: of the chart only suspense is a liability, as wallets are. */
bool chart_is_wallet(const struct account *account);

/* The account as it has to be made; its bounds are none: each may have either balance. */
struct account chart_account(struct lane_part part, uint32_t asset, enum chart_role role,
                             const char *psp);

#endif
