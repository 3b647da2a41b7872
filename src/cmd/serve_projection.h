/* serve_projection.h - what a server needs to keep SQL tables behind its journal. */
#ifndef CMD_SERVE_PROJECTION_H
#define CMD_SERVE_PROJECTION_H

#include "base/buf.h"
#include "cmd/invocation.h"
#include "wallet/lane.h"

struct data_folder;
struct postgres_projection;

/* Zeroed: none are kept. */
struct serve_projection {
    const char *where; /* NULL: none; "on": where the journal is; else a URL */
    int64_t lag_max_ns;
    struct postgres_projection *projection;
    struct store *journal; /* the store that was in the ports before the gate */
};

/* From the options --projection and --projection-lag-max. STATUS_INVALID. */
enum status serve_projection_open(const struct invocation *invocation,
                                  struct serve_projection *out_projection, struct error *out_error)
    MUST_CHECK;

/*
 * Before the lane is opened: the ports' store becomes the gate before it. To be stopped either
 * way; nothing is filled yet. As postgres_projection_open(); STATUS_INVALID: "on", and the journal is in the folder.
 */
enum status serve_projection_start(struct serve_projection *projection,
                                   const struct data_folder *folder, struct lane_ports *ports,
                                   struct error *out_error) MUST_CHECK;
/* Once this process owns the lane: the tables are filled from here on. STATUS_UNAVAILABLE. */
enum status serve_projection_lead(struct serve_projection *projection, struct error *out_error)
    MUST_CHECK;
/* After the lane was closed: the ports have the journal's own store again. */
void serve_projection_stop(struct serve_projection *projection, struct lane_ports *ports);

void serve_projection_metrics(struct serve_projection *projection, struct buf *out_page);

#endif
