/* sim_inbox.h - the inbox port in memory, with faults and crashes. */
#ifndef SIM_SIM_INBOX_H
#define SIM_SIM_INBOX_H

#include "port/inbox.h"
#include "sim/process.h"

/*
 * A tray is what survives a crash: every webhook whose put() was durable, and the marks that a
 * later put() or trim() took along; newer marks are lost with the process.
 *
 * It is a store: its calls pass the points STORE_APPEND, STORE_FLUSH, STORE_APPENDED and
 * STORE_READ, and the faults STORE_UNAVAILABLE, DISK_FULL, LOST_COMMIT and LOST_REPLY strike.
 */
struct sim_tray;

struct sim_tray *sim_tray_new(struct world *world, struct faults *faults);
/* No inbox may be open. Accepts NULL. */
void sim_tray_free(struct sim_tray *tray);
/* The retention, from here on; at first there is no limit. */
void sim_tray_retain(struct sim_tray *tray, uint64_t bytes_max, int64_t age_max_s);
/* How many webhooks are on it. */
uint64_t sim_tray_count(const struct sim_tray *tray);

struct inbox *sim_inbox_open(struct sim_tray *tray, struct process *process);

#endif
