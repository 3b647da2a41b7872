/* lane_set.h - all lanes of a ledger in one process: a host for each, and the ways between them. */
#ifndef CMD_LANE_SET_H
#define CMD_LANE_SET_H

#include "cmd/host.h"

/*
 * Lane 0's host is opened and closed by whoever serves it; the set opens the others, with the same
 * options but for what there is only one of: witnesses are lane 0's.
 * A call goes to the API of its lane (api/lanes.h) through a front.
 */
struct lane_set;

/* How many lanes the ledger has. STATUS_INVALID: the folder is that of another lane than 0. */
enum status lane_set_count(const char *folder, uint32_t *out_lanes, struct error *out_error)
    MUST_CHECK;

/* *out_set is NULL when the folder is of a ledger with one lane. As data_folder_open(). */
enum status lane_set_new(const char *folder, struct lane_set **out_set, struct error *out_error)
    MUST_CHECK;

/* For host_options.fan of lane 0. */
struct lane_fan *lane_set_fan(struct lane_set *set);
/* For host_options.carry of lane 0. */
struct carry *lane_set_carry(struct lane_set *set);
/* For host_options.links of lane 0. */
struct transit_link *const *lane_set_links(struct lane_set *set);

/* Lane 0 is open, with these options: opens the others and the front. As host_open(). */
enum status lane_set_open(struct lane_set *set, const struct host_options *options,
                          struct host *first, struct error *out_error) MUST_CHECK;

struct api_service lane_set_service(struct lane_set *set);

/* For host_options.process of lane 0: what they tell. */
const struct metric_process *lane_set_process(struct lane_set *set);

/* Before the host of lane 0 is closed; no call may be under way. Accepts NULL. */
void lane_set_close(struct lane_set *set);

#endif
