/* serve_settings.h - what a server was started with: in its log, and its digest in the journal. */
#ifndef CMD_SERVE_SETTINGS_H
#define CMD_SERVE_SETTINGS_H

#include "cmd/invocation.h"
#include "wallet/act_record.h"

/*
 * The settings as text are a line NAME=VALUE for each option that has a value, in the order of the
 * command's table; a URL, which may hold a password, is there as its SHA-256. The log line
 * serve.settings has the same text, so that the digest can be made again from it.
 *
 * It is written down before anybody is served. Where the lane takes no writes then (its index is
 * rebuilt, the disk is full) it is tried again every second, until the server stops.
 */
struct serve_settings {
    struct lane *lane;
    struct sync *sync;
    struct clock *clock;
    struct act_done act;
    struct monitor *monitor; /* guards the next */
    bool stopping;
    struct task *task;
};

/* Ports and lane outlive it. STATUS_UNAVAILABLE: no task can be started. */
enum status serve_settings_begin(struct serve_settings *settings,
                                 const struct invocation *invocation, struct lane *lane,
                                 const struct lane_ports *ports, struct error *out_error)
    MUST_CHECK;
/* Accepts a zeroed one. */
void serve_settings_end(struct serve_settings *settings);

#endif
