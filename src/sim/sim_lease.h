/* sim_lease.h - the lease port in memory, by the world's own clock, with faults. */
#ifndef SIM_SIM_LEASE_H
#define SIM_SIM_LEASE_H

#include "port/lease.h"
#include "sim/process.h"

/*
 * A register is what all processes of a world share. Its calls pass the points STORE_READ,
 * STORE_APPEND and STORE_APPENDED, take up to LEASE_SIM_CALL_MS_MAX before and after their effect,
 * and the faults STORE_UNAVAILABLE, LOST_COMMIT and LOST_REPLY strike.
 */
struct sim_register;

enum { LEASE_SIM_CALL_MS_MAX = 20 };

struct sim_register *sim_register_new(struct world *world, struct faults *faults);
/* No lease may be open. Accepts NULL. */
void sim_register_free(struct sim_register *leases);
/* Nobody reaches it, or it can be reached again. */
void sim_register_cut(struct sim_register *leases, bool cut);

struct lease *sim_lease_open(struct sim_register *leases, struct process *process);

#endif
