/* transit.h - money between lanes as values: its accounts, its ids, and the transfers it takes. */
#ifndef MODEL_TRANSIT_H
#define MODEL_TRANSIT_H

#include "model/account.h"
#include "model/lane_map.h"
#include "model/record.h"

/*
 * A transfer whose sides are in two lanes is four steps, each a unit of one lane:
 *
 *   departure   source: reserves the amount, from the debit account to what the source has on
 *               its way there. Names the account that it is for. The transfer's own id.
 *   arrival     destination: from what it has had from there to the credit account; accepted or
 *               refused once, under an id that follows from the departure's.
 *   settlement  source: posts the departure, when the arrival was accepted; or
 *   release     source: voids it, when the arrival was refused; says with what outcome.
 *
 * Whoever takes the arrival back asks for its refusal (struct request, withdraw): where it is
 * not known yet it is refused for ever, and so cannot follow on a release.
 *
 * A departure may be turned round, so that the lane which gets the money begins, and is the one that
 * goes on: it reserves for the credit account, here, what is to come from the other lane, and names
 * the account there that is to give it. Its arrival goes from that account to what the other lane
 * has on its way here; settlement and release are as above. Refunds of payments are made so.
 *
 * An open departure is all there is to know, and it never expires: whoever owns the source next
 * goes on from it.
 */
struct transit_account {
    uint32_t asset;
    uint32_t lane; /* that the account is in */
    uint32_t peer; /* the other one */
    bool out;      /* what left for the peer; else what came from it */
};

/* The account, an asset without bounds; its id says all of the above, and its lane. */
struct account transit_account(const struct transit_account *transit);
/* False: it is no id of a transit account, or not in its canonical form. */
bool transit_account_parse(struct account_id id, struct transit_account *out_transit);
/* Whether anything of such an account's id is there: nobody else may have one like it. */
bool transit_account_is(struct account_id id);

/* The id under which the destination decides, and those of what ends the departure. */
struct transfer_id transit_arrival_id(struct transfer_id departure);
struct transfer_id transit_end_id(struct transfer_id departure, bool settles);

/*
 * Why a transfer cannot be made between two lanes: NULL when it can. It must be a direct one that
 * stands alone and is not balancing: nobody can decide at once about two lanes. *out_field
 * (static) names the field as the API spells it.
 */
const char *transit_fault(const struct transfer *transfer, const char **out_field);

/*
 * What is asked of lane `here.lane`, the one of its two that begins, instead of a transfer for which
 * transit_fault() says NULL.
 */
struct transfer transit_departure(const struct transfer *transfer, struct lane_part here);

/* The account between lanes that a departure passes; its `out` says whether the money leaves. */
bool transit_way_parse(const struct record_transfer *departure, struct transit_account *out_way);

/* What is asked of the other lane for a departure that was recorded. */
struct transfer transit_arrival(const struct record_transfer *departure,
                                const struct record_transfer_more *more);

/* Whether a transfer of a lane's that stands alone is one of those. */
bool transit_arrives(const struct transfer *transfer);

/* The account that an arrival is about: it gets the money, or gives it. */
struct account_id transit_arrival_named(const struct transfer *arrival);

/*
 * Whether it can be one of those, for this lane of so many: for what comes from other processes.
 * Of any account that is not nil: what has left must be decided, and the lane refuses the rest.
 */
bool transit_arrival_fits(const struct transfer *transfer, uint32_t lane, uint32_t lanes);

/* What is asked of the source once the arrival has its outcome. */
struct transfer transit_end(const struct record_transfer *departure, enum outcome arrival);

#endif
