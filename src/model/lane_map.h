/* lane_map.h - which lane of a ledger an account is in: from its id and how many lanes there are. */
#ifndef MODEL_LANE_MAP_H
#define MODEL_LANE_MAP_H

#include "model/id.h"

/*
 * Pure: every replica computes the same, without asking anybody and for ever. How many lanes a
 * ledger has is fixed when it is made, so an account never moves.
 *
 * An id of version 8 (RFC 9562, section 5.8) says its lane itself, in its lowest 16 bits: taken
 * modulo the number of lanes. So whoever wants accounts to be together gives them such ids. Of
 * any other id a hash decides. With one lane all is lane 0.
 */
enum { LANES_MAX = 64 };

/* One of the lanes of a ledger. */
struct lane_part {
    uint32_t lane;
    uint32_t lanes; /* how many there are */
};
extern const struct lane_part LANE_ALONE; /* the only one */

/* CHECKs that lanes is 1 to LANES_MAX. */
uint32_t lane_of_account(struct account_id id, uint32_t lanes);
/* A payment's home, which alone decides about it: by the same rule. */
uint32_t lane_of_payment(struct payment_id id, uint32_t lanes);

/*
 * The same once per lane, as the accounts for fees, clearing and rounding are: an id of version 8
 * changed in its lowest 16 bits, so that it is in that lane. With one lane it is the id itself.
 * CHECKs the version, and that there is such a lane.
 */
struct uuid lane_own_id(struct uuid id, struct lane_part part);

/* Whether it is an id of version 8, and the same in one lane or another. */
bool lane_same_id(struct uuid id, struct uuid other);

#endif
