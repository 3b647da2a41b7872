#include "cmd/replica_log.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"

enum { FIELDS_MAX = 10 };

static struct log_field text_field(struct str name, const char *text)
{
    return (struct log_field){ name, str_from(text), 0 };
}

static struct log_field number_field(struct str name, int64_t number)
{
    return (struct log_field){ name, { NULL, 0 }, number };
}

/* With the replica and the lane before the line's own fields. */
static void line_write(const struct replica_log *log, struct log_line line)
{
    struct log_field fields[FIELDS_MAX] = { text_field(STR("replica"), log->name),
                                            number_field(STR("lane"), log->lane) };
    CHECK(line.field_count + 2 <= FIELDS_MAX);
    if (line.field_count > 0) memcpy(&fields[2], line.fields, line.field_count * sizeof fields[0]);
    line.fields = fields;
    line.field_count += 2;
    log_write(log->log, line);
}

void replica_log_say(const struct replica_log *log, enum log_level level, struct str event,
                     const char *text)
{
    line_write(log, (struct log_line){ .level = level, .event = event, .message = str_from(text) });
}

void replica_log_error(const struct replica_log *log, struct str event, const struct error *error)
{
    const struct log_field field = text_field(STR("detail"), error->detail);
    line_write(log, (struct log_line){ .level = LOG_ERROR,
                                       .event = event,
                                       .message = str_from(error->message),
                                       .fields = &field,
                                       .field_count = 1 });
}

void replica_log_clock(const struct replica_log *log, bool off, int64_t skew_ms)
{
    const struct log_field fields[] = {
        number_field(skew_ms < 0 ? STR("behind_ms") : STR("ahead_ms"),
                     skew_ms < 0 ? -skew_ms : skew_ms),
        text_field(STR("hint"), "look at NTP here, and on the database's machine"),
    };
    struct log_line line = { .level = LOG_INFO,
                             .event = STR("replica.clock_good"),
                             .message = STR("the clock is the database's again") };
    if (off) {
        line = (struct log_line){ .level = LOG_ALARM,
                                  .event = STR("replica.clock_off"),
                                  .message = STR("the clock is not the database's: no lane is "
                                                 "taken with it"),
                                  .fields = fields,
                                  .field_count = 2 };
    }
    line_write(log, line);
}

void replica_log_time(const struct replica_log *log, struct wall_time newest, struct wall_time now)
{
    int64_t ahead_ms = (newest.ns - now.ns) / NS_PER_MS;
    if (ahead_ms <= CLOCK_SKEW_MS_MAX) return;
    const struct log_field field = number_field(STR("ahead_ms"), ahead_ms);
    line_write(log, (struct log_line){ .level = LOG_ALARM,
                                       .event = STR("replica.time_ahead"),
                                       .message = STR("the journal's newest stamp is ahead of the "
                                                      "clock: holds expire so much later"),
                                       .fields = &field,
                                       .field_count = 1 });
}

void replica_log_lost(const struct replica_log *log, const struct replica_loss *loss)
{
    const struct log_field fields[] = {
        text_field(STR("holder"), loss->holder.name),
        text_field(STR("holder_url"), loss->holder.url),
        number_field(STR("renewed_ms_ago"), loss->renewed_ms_ago),
        number_field(STR("lease_ms"), loss->lease_ms),
        number_field(STR("renewal_took_ms"), loss->renewal_took_ms),
        text_field(STR("renewal_error"), loss->renewal_error),
    };
    line_write(log, (struct log_line){ .level = LOG_WARNING,
                                       .event = STR("replica.lost"),
                                       .message = STR("another replica has taken the lane over"),
                                       .fields = fields,
                                       .field_count = sizeof fields / sizeof fields[0] });
}

void replica_log_no_key(const struct replica_log *log, const char *folder)
{
    const struct log_field fields[] = {
        text_field(STR("folder"), folder),
        text_field(STR("hint"),
                   "copy log.key of the folder that the ledger was made with to here, and start "
                   "this server again; --no-log when no verifiable log is wanted"),
    };
    line_write(log, (struct log_line){ .level = LOG_WARNING,
                                       .event = STR("log.no_key"),
                                       .message = STR("there is no log.key: while this replica "
                                                      "owns the lane, its verifiable log is not "
                                                      "kept"),
                                       .fields = fields,
                                       .field_count = 2 });
}

void replica_log_name_shared(const struct replica_log *log, const char *url)
{
    const struct log_field fields[] = {
        text_field(STR("url"), url),
        text_field(STR("hint"), "give each server a --replica-name of its own"),
    };
    line_write(log, (struct log_line){ .level = LOG_ALARM,
                                       .event = STR("replica.name_shared"),
                                       .message = STR("another server has the same name: lanes "
                                                      "are moved to either"),
                                       .fields = fields,
                                       .field_count = 2 });
}

void replica_log_doubted(const struct replica_log *log)
{
    replica_log_say(log, LOG_WARNING, STR("journal.doubted"),
                    "the lease told of a head that is behind the journal's");
}

void replica_log_taken_back(const struct replica_log *log, uint64_t known, uint64_t head,
                            const struct error *error)
{
    const struct log_field fields[] = {
        number_field(STR("known_batch"), (int64_t)known),
        number_field(STR("head_batch"), (int64_t)head),
        text_field(STR("detail"), error->detail),
        text_field(STR("hint"),
                   "this server answers nothing more: stop all replicas, and see \"The "
                   "database was restored to an earlier point\" in docs/operating.md"),
    };
    line_write(log, (struct log_line){ .level = LOG_ERROR,
                                       .event = STR("journal.taken_back"),
                                       .message = str_from(error->message),
                                       .fields = fields,
                                       .field_count = sizeof fields / sizeof fields[0] });
}
