/* folder_act.h - for commands that act on a folder itself: the act is written down in its journal. */
#ifndef CMD_FOLDER_ACT_H
#define CMD_FOLDER_ACT_H

#include "base/error.h"
#include "cmd/invocation.h"
#include "model/notice.h"

/* The command's --reason; STATUS_INVALID when it is no code. NULL in *out_reason: none was given. */
enum status folder_act_reason(const struct invocation *invocation, const char **out_reason,
                              struct error *out_error) MUST_CHECK;

/*
 * Opens the folder as its owner, writes the act down by the user who runs the command, and closes
 * it. Statuses as host_open().
 */
enum status folder_act_record(const struct invocation *invocation, enum notice_kind kind,
                              struct error *out_error) MUST_CHECK;

#endif
