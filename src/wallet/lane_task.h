/* lane_task.h - what every part of a lane's apply task says: to the log, and to other tasks. */
#ifndef WALLET_LANE_TASK_H
#define WALLET_LANE_TASK_H

#include "wallet/lane_state.h"

/* With the batch that is next. */
void lane_log(struct lane *lane, enum log_level level, struct str event, struct str message);
/* An alarm with the error's message and detail. */
void lane_log_error(struct lane *lane, struct str event, const struct error *error);
/* With how far an index has come: `batch` of the head. */
void lane_log_progress(struct lane *lane, struct str event, struct str message, uint64_t batch);

struct monotonic_time lane_in_ms(struct lane *lane, int64_t ms);

/*
 * Why no write is taken now: STATUS_UNAVAILABLE while an index does not cover the journal or
 * cannot be written, STATUS_LIMIT while a disk is full; or STATUS_OK. For the apply task, or
 * under the monitor: submitting and applying both ask here, so that they cannot differ.
 */
enum status lane_writes_refused(const struct lane *lane) MUST_CHECK;
/* The same for one request: reads are only refused what they would look up in an index. */
enum status lane_request_refused(const struct lane *lane, const struct request *request) MUST_CHECK;

/* Tells the other tasks: reloading or not; fenced and damaged are never taken back. */
void lane_set_flags(struct lane *lane, bool reloading, bool fenced, bool damaged);

/*
 * Under the monitor, when the registry was published: this process watches what is raised. Raises
 * are made in lane 0 alone.
 */
void lane_tell_raises(struct lane *lane);

#endif
