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

/* CHECKs that lanes is 1 to LANES_MAX. */
uint32_t lane_of_account(struct account_id id, uint32_t lanes);

/*
 * The same account once per lane, as fees, clearing and rounding are: an id of version 8 changed
 * in its lowest 16 bits, so that it is in `lane`. With one lane it is the id itself. CHECKs the
 * version, and that there is such a lane.
 */
struct account_id lane_own_account(struct account_id id, uint32_t lane, uint32_t lanes);

#endif
