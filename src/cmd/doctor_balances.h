/* doctor_balances.h - our accounts as the ledger states them, held beside what the journal gives. */
#ifndef CMD_DOCTOR_BALANCES_H
#define CMD_DOCTOR_BALANCES_H

#include "base/id_map.h"
#include "cmd/doctor_bundle.h"
#include "model/asset.h"

/* Of an account. What a posting moved counts once: in the bundle, left out of it, or after its end. */
struct doctor_balance {
    struct uuid id;
    uint64_t postings; /* all up to now: the version of the newest */
    int128 taken;
    int128 left; /* what was there before the first that is taken: the opening */
    int128 after;
    int128 stated;    /* by the ledger, at a moment of the journal's reading */
    const char *type; /* NULL: the ledger does not state it */
    uint32_t asset;   /* of stated ones; custom ones count on from ASSET_CUSTOM_FIRST */
    bool unlimited;
    bool has_taken;
    bool gaps;   /* postings between those that are taken are not */
    bool agrees; /* stated is what the journal gives at some moment since it was stated */
};

struct doctor_balances {
    struct doctor_balance *accounts; /* accounts_max of them, as far as they are needed */
    uint64_t accounts_max;
    struct id_map places;
    uint32_t code_count; /* of custom assets */
    char codes[ASSETS_CUSTOM_MAX][ASSET_CODE_LEN_MAX + 1];
    uint64_t rejected; /* statements that cannot be read */
};

/*
 * Room for so many accounts: a map that is much larger than what is in it costs a miss of every
 * cache for each posting. STATUS_LIMIT.
 */
enum status doctor_balances_open(struct doctor_balances *balances, uint64_t accounts_max,
                                 struct error *out_error) MUST_CHECK;
/* Also after a failure. Accepts a zeroed one. */
void doctor_balances_close(struct doctor_balances *balances);

/* Asks the lane's ledger for all of its accounts. As session_open() and session_call(). */
enum status doctor_balances_ask(struct doctor_balances *balances, const char *folder, uint32_t lane,
                                struct error *out_error) MUST_CHECK;

/* Brings what is known of an account near; changes nothing. */
static inline void doctor_balances_expect(const struct doctor_balances *balances,
                                          struct uuid account)
{
    id_map_prefetch(&balances->places, account);
}

/* A posting, in the order of its lane. */
struct doctor_posting {
    struct uuid account;
    struct signed_amount amount;
    bool taken;
    bool after; /* the end of the window */
    bool late;  /* in a batch that may not have been there when the ledger was asked */
};
/* *out_version: how many postings the account has with it. STATUS_LIMIT: too many accounts. */
enum status doctor_balances_post(struct doctor_balances *balances,
                                 const struct doctor_posting *posting, uint64_t *out_version,
                                 struct error *out_error) MUST_CHECK;

/*
 * A row per account: all, or those that have postings in the bundle. Its amount is what the journal
 * gives as of the end of the window, and what the ledger states differently.
 */
enum status doctor_balances_write(const struct doctor_balances *balances, bool all,
                                  struct doctor_file *file) MUST_CHECK;

#endif
