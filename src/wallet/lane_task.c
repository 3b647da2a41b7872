#include "wallet/lane_task.h"

void lane_log(struct lane *lane, enum log_level level, struct str event, struct str message)
{
    struct log_field field = { STR("batch"), { NULL, 0 }, (int64_t)lane->next_sequence };
    const struct log_line line = {
        .level = level, .event = event, .message = message, .fields = &field, .field_count = 1
    };
    log_write(lane->ports.log, line);
}

void lane_log_error(struct lane *lane, struct str event, const struct error *error)
{
    struct log_field field = { STR("detail"), str_from(error->detail), 0 };
    const struct log_line line = {
        .level = LOG_ALARM,
        .event = event,
        .message = str_from(error->message),
        .fields = &field,
        .field_count = 1,
    };
    log_write(lane->ports.log, line);
}

void lane_log_progress(struct lane *lane, struct str event, struct str message, uint64_t batch)
{
    struct log_field fields[] = {
        { STR("batch"), { NULL, 0 }, (int64_t)batch },
        { STR("head"), { NULL, 0 }, (int64_t)lane->head.sequence },
    };
    const struct log_line line = {
        .level = LOG_INFO,
        .event = event,
        .message = message,
        .fields = fields,
        .field_count = 2,
    };
    log_write(lane->ports.log, line);
}

struct monotonic_time lane_in_ms(struct lane *lane, int64_t ms)
{
    return (struct monotonic_time){ clock_monotonic(lane->ports.clock).ns + ms * NS_PER_MS };
}

/* Whether an id that is looked up now would be found, if it was ever used. */
static bool index_covers(const struct lane *lane)
{
    return !lane->status.rebuilding;
}

enum status lane_writes_refused(const struct lane *lane)
{
    if (!index_covers(lane)) return STATUS_UNAVAILABLE;
    if (lane->status.full) return STATUS_LIMIT;
    return lane->status.index_fault;
}

static bool needs_index(const struct read *read)
{
    switch (read->kind) {
    case READ_TRANSFERS:
    case READ_REFERENCE:
    case READ_CLOSING:
    case READ_ACCOUNT_REFERENCE:
    case READ_PAYMENTS:
    case READ_TRANSITS: return true;
    case READ_ACCOUNTS:
    case READ_ACCOUNT_PAGE:
    case READ_TOTALS:
    case READ_PAYMENT_PAGE:
    case READ_PAYMENT_DUE: break; /* it waits until writes are taken */
    }
    return false;
}

enum status lane_request_refused(const struct lane *lane, const struct request *request)
{
    if (request->kind != REQUEST_READ) return lane_writes_refused(lane);
    return needs_index(request->read) && !index_covers(lane) ? STATUS_UNAVAILABLE : STATUS_OK;
}

void lane_set_flags(struct lane *lane, bool reloading, bool fenced, bool damaged)
{
    struct sync *sync = lane->ports.sync;
    sync->lock(lane->monitor);
    lane->status.reloading = reloading;
    lane->status.fenced = lane->status.fenced || fenced;
    lane->status.damaged = lane->status.damaged || damaged;
    sync->wake_all(lane->monitor); /* whoever waits for what will not happen any more */
    sync->unlock(lane->monitor);
}

void lane_tell_raises(struct lane *lane)
{
    if (lane->options.number != 0) return;
    tracer_raised(lane->ports.tracer, lane->published.raises, lane->published.raise_count);
}
