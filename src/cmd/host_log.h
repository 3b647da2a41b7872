/* host_log.h - the verifiable log of a ledger that is open in this process. */
#ifndef CMD_HOST_LOG_H
#define CMD_HOST_LOG_H

#include "adapter/log_keys.h"
#include "cmd/serve_witnesses.h"
#include "wallet/lane.h"
#include "wallet/log_relay.h"

struct host_log {
    struct log_keys keys;
    struct log_store *files;
    struct log_relay *relay;
    struct log_witnesses *witnesses; /* NULL: none are asked */
};

struct host_log_options {
    const char *folder;
    uint32_t lane;
    const char *origin;                      /* NULL: as it was, or one of its own */
    const struct serve_witnesses *witnesses; /* NULL, or without any: what is signed is shown */
};

/*
 * Makes the keys of a lane's log in its folder. origin: NULL for a name of its own. As
 * log_keys_make().
 */
enum status host_log_keys_make(const char *folder, const char *origin, struct entropy *entropy,
                               struct error *out_error) MUST_CHECK;

/*
 * Makes the keys when there are none, starts the relay, and has its log witnessed.
 * STATUS_CONFLICT: the keys are for another origin. As log_keys_read(), log_keys_make(). What was
 * opened before a failure is closed by host_log_close().
 */
enum status host_log_open(const struct host_log_options *options, struct lane *lane,
                          const struct lane_ports *ports, struct host_log *out_log,
                          struct error *out_error) MUST_CHECK;
/* While the lane is still there, drained or not. Accepts a zeroed struct. */
void host_log_close(struct host_log *log);

#endif
