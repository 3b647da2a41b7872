/* replica_name.h - whether a replica's name is free: two servers of one name are not one replica. */
#ifndef CMD_REPLICA_NAME_H
#define CMD_REPLICA_NAME_H

#include "port/lease.h"

/*
 * STATUS_CONFLICT: another server says, now, that it is the party, and the error tells where. What
 * one that has stopped said before is waited for to be old: LEASE_RIVAL_MS at most. members has
 * room for LEASE_MEMBERS_MAX. STATUS_UNAVAILABLE.
 */
enum status replica_name_check(struct lease *lease, const struct lease_party *party, uint32_t lane,
                               struct lease_member *members, struct error *out_error) MUST_CHECK;

#endif
