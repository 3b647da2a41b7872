/* The task has all of it alone but for what the monitor guards. */
#include "adapter/kafka_lag.h"

#include <stdio.h>

#include "base/check.h"
#include "base/metric_text.h"
#include "base/reserve.h"
#include "wallet/lag_history.h"

enum { ASK_MS = 3000 };

/* What is known of a group. `answered` 0: nothing yet. */
struct group_lag {
    struct monotonic_time answered;
    uint64_t records;
    uint64_t lost; /* deleted before they were read */
    int64_t age_ns;
};

struct kafka_lag {
    struct kafka_lag_options options;
    rd_kafka_t *client;
    struct task *task;
    struct monotonic_time opened;
    int32_t partitions;
    int64_t firsts[KAFKA_PARTITIONS_MAX];
    int64_t ends[KAFKA_PARTITIONS_MAX];
    struct lag_history histories[KAFKA_PARTITIONS_MAX]; /* of ends */

    struct monitor *monitor; /* guards the rest */
    bool stopping;
    uint64_t failures;
    struct group_lag groups[KAFKA_LAG_GROUPS_MAX];
};

/* ---- Names ---- */

enum status kafka_groups_parse(const char *text, struct kafka_groups *out_groups,
                               struct error *out_error)
{
    struct kafka_groups groups = { 0 };
    for (const char *at = text; at != NULL;) {
        const char *comma = strchr(at, ',');
        size_t len = comma == NULL ? strlen(at) : (size_t)(comma - at);
        if (groups.count == KAFKA_LAG_GROUPS_MAX)
            return error_set(out_error, STATUS_LIMIT, "'%s' are more than %d groups", text,
                             KAFKA_LAG_GROUPS_MAX);
        if (len == 0 || len >= KAFKA_GROUP_SIZE)
            return error_set(out_error, STATUS_INVALID, "'%s': a group has 1 to %d letters", text,
                             KAFKA_GROUP_SIZE - 1);
        char *name = groups.names[groups.count];
        memcpy(name, at, len);
        for (uint32_t i = 0; i < groups.count; i++) {
            if (strcmp(groups.names[i], name) == 0)
                return error_set(out_error, STATUS_INVALID, "the group '%s' stands twice", name);
        }
        groups.count++;
        at = comma == NULL ? NULL : comma + 1;
    }
    *out_groups = groups;
    return STATUS_OK;
}

/* ---- Asking ---- */

static rd_kafka_topic_partition_list_t *list_new(const struct kafka_lag *lag, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(lag->partitions);
    for (int32_t i = 0; i < lag->partitions; i++)
        rd_kafka_topic_partition_list_add(list, lag->options.topic, i)->offset = offset;
    return list;
}

/* The first or the last offset of each partition; readers of what is committed see no more. */
static enum status bounds_ask(struct kafka_lag *lag, int64_t which, int64_t *out_offsets)
{
    rd_kafka_topic_partition_list_t *list = list_new(lag, which);
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(lag->client, list, ASK_MS);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        code = list->elems[i].err;
        out_offsets[list->elems[i].partition] = list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return kafka_status(code);
}

static rd_kafka_event_t *group_ask(struct kafka_lag *lag, const char *group)
{
    rd_kafka_topic_partition_list_t *list = list_new(lag, RD_KAFKA_OFFSET_INVALID);
    rd_kafka_ListConsumerGroupOffsets_t *question =
        rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(lag->client);
    rd_kafka_ListConsumerGroupOffsets(lag->client, &question, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ASK_MS);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ListConsumerGroupOffsets_destroy(question);
    rd_kafka_topic_partition_list_destroy(list);
    return event;
}

/* Where a partition was never read on, it is read from its first record. */
static void place_add(const struct kafka_lag *lag, const rd_kafka_topic_partition_t *place,
                      struct group_lag *group)
{
    int64_t first = lag->firsts[place->partition];
    int64_t end = lag->ends[place->partition];
    int64_t next = place->offset < 0 ? first : place->offset;
    if (next < first) group->lost += (uint64_t)(first - next);
    if (next < end) group->records += (uint64_t)(end - (next < first ? first : next));
    int64_t age_ns = lag_history_age_ns(&lag->histories[place->partition], group->answered, next);
    if (age_ns > group->age_ns) group->age_ns = age_ns;
}

static enum status group_read(struct kafka_lag *lag, const rd_kafka_event_t *event,
                              struct group_lag *out_group)
{
    const rd_kafka_ListConsumerGroupOffsets_result_t *result =
        rd_kafka_event_ListConsumerGroupOffsets_result((rd_kafka_event_t *)event);
    size_t count = 0;
    const rd_kafka_group_result_t **found =
        result == NULL ? NULL : rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
    if (rd_kafka_event_error((rd_kafka_event_t *)event) != RD_KAFKA_RESP_ERR_NO_ERROR || count != 1)
        return STATUS_UNAVAILABLE;
    if (rd_kafka_group_result_error(found[0]) != NULL) return STATUS_UNAVAILABLE;
    const rd_kafka_topic_partition_list_t *places = rd_kafka_group_result_partitions(found[0]);
    *out_group = (struct group_lag){ .answered = clock_monotonic(lag->options.clock) };
    for (int i = 0; i < places->cnt; i++) {
        const rd_kafka_topic_partition_t *place = &places->elems[i];
        if (place->err != RD_KAFKA_RESP_ERR_NO_ERROR) return STATUS_UNAVAILABLE;
        if (place->partition < lag->partitions) place_add(lag, place, out_group);
    }
    return STATUS_OK;
}

static void result_keep(struct kafka_lag *lag, enum status status, uint32_t index,
                        const struct group_lag *group)
{
    lag->options.sync->lock(lag->monitor);
    if (status == STATUS_OK) lag->groups[index] = *group;
    if (status != STATUS_OK) lag->failures++;
    lag->options.sync->unlock(lag->monitor);
}

static bool is_stopping(struct kafka_lag *lag)
{
    lag->options.sync->lock(lag->monitor);
    bool stopping = lag->stopping;
    lag->options.sync->unlock(lag->monitor);
    return stopping;
}

static enum status topic_ask(struct kafka_lag *lag)
{
    int32_t count = 0;
    enum status status =
        kafka_partition_count(lag->client, lag->options.topic, ASK_MS, &count, NULL);
    if (status != STATUS_OK) return status;
    lag->partitions = count > KAFKA_PARTITIONS_MAX ? KAFKA_PARTITIONS_MAX : count;
    if (is_stopping(lag)) return STATUS_UNAVAILABLE;
    status = bounds_ask(lag, RD_KAFKA_OFFSET_BEGINNING, lag->firsts);
    if (status != STATUS_OK) return status;
    if (is_stopping(lag)) return STATUS_UNAVAILABLE;
    status = bounds_ask(lag, RD_KAFKA_OFFSET_END, lag->ends);
    if (status != STATUS_OK) return status;
    if (is_stopping(lag)) return STATUS_UNAVAILABLE;
    struct monotonic_time now = clock_monotonic(lag->options.clock);
    for (int32_t i = 0; i < lag->partitions; i++)
        lag_history_add(&lag->histories[i], now, lag->ends[i]);
    return STATUS_OK;
}

static void look(struct kafka_lag *lag)
{
    struct group_lag group = { 0 };
    enum status status = topic_ask(lag);
    if (status != STATUS_OK) result_keep(lag, status, 0, &group);
    for (uint32_t i = 0; status == STATUS_OK && i < lag->options.groups->count; i++) {
        if (is_stopping(lag)) return;
        rd_kafka_event_t *event = group_ask(lag, lag->options.groups->names[i]);
        enum status answer = STATUS_UNAVAILABLE;
        if (event != NULL) answer = group_read(lag, event, &group);
        if (event != NULL) rd_kafka_event_destroy(event);
        result_keep(lag, answer, i, &group);
    }
}

/* ---- Life ---- */

static void lag_body(void *argument)
{
    struct kafka_lag *lag = argument;
    struct sync *sync = lag->options.sync;
    sync->lock(lag->monitor);
    while (!lag->stopping) {
        sync->unlock(lag->monitor);
        look(lag);
        int64_t now_ns = clock_monotonic(lag->options.clock).ns;
        struct monotonic_time next = { now_ns + KAFKA_LAG_EVERY_MS * NS_PER_MS };
        sync->lock(lag->monitor);
        while (!lag->stopping && sync->wait(lag->monitor, next)) {
        }
    }
    sync->unlock(lag->monitor);
}

enum status kafka_lag_open(const struct kafka_lag_options *options, struct kafka_lag **out_lag,
                           struct error *out_error)
{
    struct kafka_lag *lag = reserve_new(sizeof *lag);
    if (lag == NULL) return error_set(out_error, STATUS_LIMIT, "no memory to watch consumers");
    lag->options = *options;
    lag->opened = clock_monotonic(options->clock);
    lag->monitor = options->sync->monitor_new(options->sync, "kafka_lag");
    const struct kafka_setting settings[] = {
        { "group.id", "tpwallet.lag" }, /* asked for by the library; it joins none */
        { "isolation.level", "read_committed" },
        { "enable.auto.commit", "false" },
        { NULL, NULL },
    };
    const struct kafka_purpose purpose = { .type = RD_KAFKA_CONSUMER, .settings = settings };
    enum status status = kafka_client_open(&options->kafka, &purpose, &lag->client, out_error);
    if (status == STATUS_OK &&
        options->sync->spawn(options->sync, "kafka_lag", lag_body, lag, &lag->task) != STATUS_OK)
        status = error_set(out_error, STATUS_UNAVAILABLE, "the watch of consumers cannot start");
    if (status != STATUS_OK) {
        kafka_lag_close(lag);
        return status;
    }
    *out_lag = lag;
    return STATUS_OK;
}

void kafka_lag_close(struct kafka_lag *lag)
{
    if (lag == NULL) return;
    struct sync *sync = lag->options.sync;
    sync->lock(lag->monitor);
    lag->stopping = true;
    sync->wake_all(lag->monitor);
    sync->unlock(lag->monitor);
    sync->join(lag->task);
    sync->monitor_free(lag->monitor);
    kafka_client_close(lag->client);
    reserve_free(lag, sizeof *lag);
}

/* ---- Metrics ---- */

enum family { LAG_RECORDS, LAG_SECONDS, LAG_LOST, LAG_ANSWER_AGE, FAMILY_COUNT };

static const struct {
    const char *name;
    const char *help;
} FAMILIES[FAMILY_COUNT] = {
    [LAG_RECORDS] = { "tpwallet_bus_consumer_lag_records",
                      "Records that a group has not read, with the marks of transactions" },
    [LAG_SECONDS] = { "tpwallet_bus_consumer_lag_seconds",
                      "For how long at least the oldest of them has been there, up to an hour" },
    [LAG_LOST] = { "tpwallet_bus_consumer_lost_records",
                   "Records that the topic has deleted before the group has read them" },
    [LAG_ANSWER_AGE] = { "tpwallet_bus_consumer_answer_age_seconds",
                         "Since when brokers have not said where the group is" },
};

static uint64_t value_of(const struct kafka_lag *lag, enum family family,
                         const struct group_lag *group, struct monotonic_time now)
{
    struct monotonic_time since = group->answered.ns == 0 ? lag->opened : group->answered;
    switch (family) {
    case LAG_RECORDS: return group->records;
    case LAG_SECONDS: return (uint64_t)(group->age_ns / NS_PER_S);
    case LAG_LOST: return group->lost;
    case LAG_ANSWER_AGE: return (uint64_t)((now.ns - since.ns) / NS_PER_S);
    case FAMILY_COUNT: break;
    }
    return 0;
}

void kafka_lag_metrics(struct kafka_lag *lag, struct buf *out_page)
{
    const struct kafka_groups *groups = lag->options.groups;
    lag->options.sync->lock(lag->monitor);
    struct monotonic_time now = clock_monotonic(lag->options.clock);
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        metric_head_write(out_page, FAMILIES[family].name, "gauge", FAMILIES[family].help);
        for (uint32_t i = 0; i < groups->count; i++) {
            const struct group_lag *group = &lag->groups[i];
            if (group->answered.ns == 0 && family != LAG_ANSWER_AGE) continue; /* not known */
            metric_labelled_write(out_page, FAMILIES[family].name, "group",
                                  str_from(groups->names[i]),
                                  value_of(lag, (enum family)family, group, now));
        }
    }
    metric_head_write(out_page, "tpwallet_bus_consumer_failures_total", "counter",
                      "Questions about groups that brokers did not answer");
    buf_append_format(out_page, "tpwallet_bus_consumer_failures_total %llu\n",
                      (unsigned long long)lag->failures);
    lag->options.sync->unlock(lag->monitor);
}
