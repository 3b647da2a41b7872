/* lanes.h - which lane of a ledger a call is about, and what a lane makes of what is in another. */
#ifndef API_LANES_H
#define API_LANES_H

#include "api/work.h"

/*
 * Of a ledger with several lanes each has an api of its own, and whoever stands in front of them
 * asks here where a call goes:
 *
 *   header TPW-Lane: N                     there
 *   /v1/accounts/{id}...                   to the lane of the account
 *   /v1/payments/{id}...                   to the payment's home, which its id says
 *   POST /v1/accounts, /v1/transfers       to the lane of what the first item names: its id, its
 *                                          debit account; of an account without an id: by the
 *                                          idempotency key
 *   POST /v1/payments                      to the lane of its wallet; of its merchant, when a card
 *                                          pays; of the payment that it gives back
 *   POST /v1/webhooks/{name}               to the home of the payment that it says to be about
 *   GET /v1/accounts, /v1/transfers,       to the lane that the cursor is in: these lists go over
 *     /v1/payments, /v1/transits           all lanes, one after the other
 *   all else                               to lane 0
 *
 * GET /v1/trial-balance is then answered over all lanes (api/lanes_total.h); all other answers are
 * of one lane, and say which: TPW-Lane.
 *
 * With one lane all is lane 0. What cannot be read goes to lane 0, which says what is wrong.
 */
uint32_t lanes_of_call(const struct api_call *call, uint32_t lanes);

/* Whether its header names a lane that there is not, or none that can be read. */
bool lanes_call_names_none(const struct api_call *call, uint32_t lanes);

/* Whether it says itself which of several lanes it is for. */
bool lanes_call_names_one(const struct api_call *call, uint32_t lanes);

/* Whether it is a list that goes on in the next lane: all are served, and it names none. */
bool lanes_list_is_of_all(const struct work *work);

/* Each raises a problem and returns false when it is not for this lane. */
bool lanes_path_here(struct work *work);
bool lanes_accounts_here(struct work *work, const struct account *accounts, uint32_t count);
/*
 * Who pays (for a card: who is paid), what it gives back, and its own id, which is made to be of this
 * lane if it has none.
 */
bool lanes_payment_here(struct work *work, const struct payment *draft);
/* Of what is lane 0's alone; done: "traces are raised". */
bool lanes_first_here(struct work *work, const char *done);
/* Of an act for all lanes: it is made in lane 0, when there is somebody who carries it on. */
bool lanes_act_here(struct work *work);
/*
 * Turns what goes to another lane into departures, in place. False also when it cannot be between
 * two lanes: see transit_fault().
 */
bool lanes_transfers_here(struct work *work, struct transfer *transfers, uint32_t count);

#endif
