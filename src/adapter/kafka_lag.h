/* kafka_lag.h - how far groups of consumers are behind on a topic, looked at again and again. */
#ifndef ADAPTER_KAFKA_LAG_H
#define ADAPTER_KAFKA_LAG_H

#include "adapter/kafka_client.h"
#include "base/buf.h"
#include "port/clock.h"
#include "port/sync.h"

/*
 * Asks brokers, not consumers: one that is dead cannot tell that it is. What counts is where each
 * group has told Kafka that it reads on, and where the topic ends for readers of what is committed.
 *
 * Cost: each KAFKA_LAG_EVERY_MS a request for metadata, two to each leader, and one for each group,
 * by a client of its own. When brokers do not answer, the last answer stays and its age is told.
 */
struct kafka_lag;

enum { KAFKA_LAG_GROUPS_MAX = 8, KAFKA_GROUP_SIZE = 256, KAFKA_LAG_EVERY_MS = 3000 };

struct kafka_groups {
    uint32_t count;
    char names[KAFKA_LAG_GROUPS_MAX][KAFKA_GROUP_SIZE];
};

/* "one,other". STATUS_INVALID: a name is empty or too long, or stands twice; STATUS_LIMIT. */
enum status kafka_groups_parse(const char *text, struct kafka_groups *out_groups,
                               struct error *out_error) MUST_CHECK;

struct kafka_lag_options { /* all outlives what is opened */
    struct kafka_options kafka;
    const char *topic;
    const struct kafka_groups *groups;
    struct sync *sync;
    struct clock *clock;
};

/*
 * Brokers are not asked yet. STATUS_LIMIT: no memory. STATUS_UNAVAILABLE: the task cannot be
 * started. STATUS_INVALID, STATUS_NOT_FOUND, STATUS_DENIED: of the settings.
 */
enum status kafka_lag_open(const struct kafka_lag_options *options, struct kafka_lag **out_lag,
                           struct error *out_error) MUST_CHECK;
/* After the question under way, 3 s at most. Accepts NULL. */
void kafka_lag_close(struct kafka_lag *lag);

/* Appends its families to the metrics' page, as of the last answer. Any task. */
void kafka_lag_metrics(struct kafka_lag *lag, struct buf *out_page);

#endif
