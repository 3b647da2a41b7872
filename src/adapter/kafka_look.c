#include "adapter/kafka_look.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

enum { ASK_MS = 5000, POLL_MS = 500 };

struct kafka_look {
    rd_kafka_t *client;
};

enum status kafka_look_open(const struct kafka_options *options, struct kafka_look **out_look,
                            struct error *out_error)
{
    const struct kafka_setting settings[] = {
        { "group.id", "tpwallet.look" }, /* asked for by the library; nothing is committed */
        { "isolation.level", "read_committed" },   { "enable.auto.commit", "false" },
        { "enable.auto.offset.store", "false" },   { "auto.offset.reset", "error" },
        { "enable.partition.eof", "true" },        { "fetch.wait.max.ms", "50" },
        { "queued.max.messages.kbytes", "16384" }, { NULL, NULL },
    };
    const struct kafka_purpose purpose = { .type = RD_KAFKA_CONSUMER, .settings = settings };
    struct kafka_look *look = calloc(1, sizeof *look);
    if (look == NULL) return error_set(out_error, STATUS_LIMIT, "no memory");
    enum status status = kafka_client_open(options, &purpose, &look->client, out_error);
    if (status != STATUS_OK) {
        free(look);
        return status;
    }
    (void)rd_kafka_poll_set_consumer(look->client); /* one queue for all there is */
    *out_look = look;
    return STATUS_OK;
}

void kafka_look_close(struct kafka_look *look)
{
    if (look == NULL) return;
    (void)rd_kafka_consumer_close(look->client); /* it belongs to no group */
    kafka_client_close(look->client);
    free(look);
}

/* ---- topics ---- */

enum status kafka_look_partitions(struct kafka_look *look, const char *topic, int32_t *out_count,
                                  struct error *out_error)
{
    return kafka_partition_count(look->client, topic, ASK_MS, out_count, out_error);
}

enum status kafka_look_bounds(struct kafka_look *look, struct kafka_range *range,
                              struct error *out_error)
{
    int64_t from = 0;
    int64_t to = 0;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        look->client, range->topic, range->partition, &from, &to, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "asking how far a topic reaches", range->topic, out_error);
    range->from = from;
    range->to = to;
    return STATUS_OK;
}

enum status kafka_look_at(struct kafka_look *look, const struct kafka_range *range, int64_t time_ms,
                          int64_t *out_offset, struct error *out_error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_add(list, range->topic, range->partition);
    at->offset = time_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(look->client, list, ASK_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = at->err;
    int64_t offset = at->offset >= 0 && at->offset < range->to ? at->offset : range->to;
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "asking for the offset of a time", range->topic, out_error);
    *out_offset = offset;
    return STATUS_OK;
}

/* ---- records ---- */

struct reading {
    struct kafka_look *look;
    const struct kafka_range *range;
    const struct kafka_visitor *visitor;
    int64_t next; /* offset */
    struct error *error;
};

static void headers_take(const rd_kafka_message_t *message, struct kafka_look_record *record)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0; i < KAFKA_LOOK_HEADERS_MAX; i++) {
        if (rd_kafka_header_get_all(headers, i, &name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        record->headers[record->header_count++] =
            (struct kafka_look_header){ str_from(name), { value, value == NULL ? 0 : size } };
    }
}

static enum status message_take(struct reading *reading, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        reading->next = reading->range->to;
        return STATUS_OK;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        enum status status = kafka_status(message->err);
        if (status == STATUS_UNAVAILABLE) return STATUS_OK; /* it tries on by itself */
        return kafka_fail(message->err, "reading", reading->range->topic, reading->error);
    }
    reading->next = message->offset + 1;
    if (message->offset >= reading->range->to) return STATUS_OK;
    struct kafka_look_record record = {
        .partition = message->partition,
        .offset = message->offset,
        .time_ms = rd_kafka_message_timestamp(message, NULL),
        .key = { message->key, message->key_len },
        .value = { message->payload, message->len },
    };
    headers_take(message, &record);
    return reading->visitor->visit(reading->visitor->owner, &record, reading->error);
}

static enum status range_read(struct reading *reading)
{
    enum status status = STATUS_OK;
    time_t until = time(NULL) + KAFKA_LOOK_S_MAX;
    while (status == STATUS_OK && reading->next < reading->range->to) {
        int64_t before = reading->next;
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reading->look->client, POLL_MS);
        if (message != NULL) {
            status = message_take(reading, message);
            rd_kafka_message_destroy(message);
        }
        if (reading->next > before) until = time(NULL) + KAFKA_LOOK_S_MAX;
        if (status == STATUS_OK && reading->next < reading->range->to && time(NULL) > until)
            status = error_set(reading->error, STATUS_UNAVAILABLE,
                               "Kafka: partition %d of '%s' cannot be read from %lld on",
                               reading->range->partition, reading->range->topic,
                               (long long)reading->next);
    }
    return status;
}

enum status kafka_look_read(struct kafka_look *look, const struct kafka_range *range,
                            const struct kafka_visitor *visitor, struct error *out_error)
{
    struct reading reading = { look, range, visitor, range->from, out_error };
    if (range->from >= range->to) return STATUS_OK;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, range->topic, range->partition)->offset = range->from;
    rd_kafka_resp_err_t code = rd_kafka_assign(look->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "reading", range->topic, out_error);
    enum status status = range_read(&reading);
    (void)rd_kafka_assign(look->client,
                          NULL); /* nothing more is wanted; the next one replaces it */
    return status;
}

/* ---- what is asked of brokers: each answer is an event of its own queue ---- */

/* The event, which is the caller's to destroy; NULL with *out_code. */
static rd_kafka_event_t *answer_wait(rd_kafka_queue_t *queue, rd_kafka_resp_err_t *out_code)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ASK_MS);
    rd_kafka_queue_destroy(queue);
    *out_code = event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event);
    if (event == NULL || *out_code == RD_KAFKA_RESP_ERR_NO_ERROR) return event;
    rd_kafka_event_destroy(event);
    return NULL;
}

static bool policy_compacts(const rd_kafka_ConfigResource_t *resource)
{
    size_t count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "cleanup.policy") == 0 && value != NULL)
            return strstr(value, "compact") != NULL;
    }
    return false;
}

enum status kafka_look_compacted(struct kafka_look *look, const char *topic, bool *out_compacted,
                                 struct error *out_error)
{
    rd_kafka_ConfigResource_t *asked = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    if (asked == NULL) return error_set(out_error, STATUS_INVALID, "'%s' is no topic", topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(look->client);
    rd_kafka_resp_err_t code;
    rd_kafka_DescribeConfigs(look->client, &asked, 1, NULL, queue);
    rd_kafka_event_t *event = answer_wait(queue, &code);
    rd_kafka_ConfigResource_destroy(asked);
    if (event != NULL) {
        size_t count = 0;
        const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &count);
        code = count == 1 ? rd_kafka_ConfigResource_error(found[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) *out_compacted = policy_compacts(found[0]);
        rd_kafka_event_destroy(event);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return STATUS_OK;
    return kafka_fail(code, "asking for a topic's settings", topic, out_error);
}

enum status kafka_look_groups(struct kafka_look *look,
                              enum status (*visit)(void *owner, const char *group), void *owner,
                              struct error *out_error)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(look->client);
    rd_kafka_resp_err_t code;
    rd_kafka_ListConsumerGroups(look->client, NULL, queue);
    rd_kafka_event_t *event = answer_wait(queue, &code);
    if (event == NULL) return kafka_fail(code, "listing groups", NULL, out_error);
    size_t count = 0;
    const rd_kafka_ConsumerGroupListing_t **groups = rd_kafka_ListConsumerGroups_result_valid(
        rd_kafka_event_ListConsumerGroups_result(event), &count);
    enum status status = STATUS_OK;
    if (count > KAFKA_LOOK_GROUPS_MAX) {
        status = error_set(out_error, STATUS_LIMIT, "Kafka has %zu groups", count);
        error_hint(out_error, "name the one that is meant");
    }
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = visit(owner, rd_kafka_ConsumerGroupListing_group_id(groups[i]));
    rd_kafka_event_destroy(event);
    return status;
}

static void member_visit(const rd_kafka_MemberDescription_t *member, const char *state,
                         void (*visit)(void *owner, const struct kafka_look_member *member),
                         void *owner)
{
    struct kafka_look_member seen = {
        .state = state,
        .id = rd_kafka_MemberDescription_consumer_id(member),
        .host = rd_kafka_MemberDescription_host(member),
    };
    const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(member);
    const rd_kafka_topic_partition_list_t *list =
        assignment == NULL ? NULL : rd_kafka_MemberAssignment_partitions(assignment);
    if (list == NULL || list->cnt == 0) visit(owner, &seen);
    for (int i = 0; list != NULL && i < list->cnt; i++) {
        seen.topic = list->elems[i].topic;
        seen.partition = list->elems[i].partition;
        visit(owner, &seen);
    }
}

static rd_kafka_resp_err_t group_visit(const rd_kafka_ConsumerGroupDescription_t *group,
                                       void (*visit)(void *owner,
                                                     const struct kafka_look_member *member),
                                       void *owner)
{
    const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(group);
    if (error != NULL) return rd_kafka_error_code(error);
    const char *state =
        rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(group));
    size_t count = rd_kafka_ConsumerGroupDescription_member_count(group);
    if (count == 0) visit(owner, &(struct kafka_look_member){ .state = state });
    for (size_t i = 0; i < count; i++)
        member_visit(rd_kafka_ConsumerGroupDescription_member(group, i), state, visit, owner);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

enum status kafka_look_members(struct kafka_look *look, const char *group,
                               void (*visit)(void *owner, const struct kafka_look_member *member),
                               void *owner, struct error *out_error)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(look->client);
    rd_kafka_resp_err_t code;
    rd_kafka_DescribeConsumerGroups(look->client, &group, 1, NULL, queue);
    rd_kafka_event_t *event = answer_wait(queue, &code);
    if (event != NULL) {
        size_t count = 0;
        const rd_kafka_ConsumerGroupDescription_t **groups =
            rd_kafka_DescribeConsumerGroups_result_groups(
                rd_kafka_event_DescribeConsumerGroups_result(event), &count);
        if (count == 1) code = group_visit(groups[0], visit, owner);
        rd_kafka_event_destroy(event);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return STATUS_OK;
    return kafka_fail(code, "looking at a group", group, out_error);
}

static void committed_take(const rd_kafka_topic_partition_list_t *list, int32_t partition_count,
                           int64_t *out_offsets)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];
        if (at->partition < 0 || at->partition >= partition_count) continue;
        out_offsets[at->partition] = at->offset >= 0 ? at->offset : -1;
    }
}

enum status kafka_look_committed(struct kafka_look *look, const char *group, const char *topic,
                                 int32_t partition_count, int64_t *out_offsets,
                                 struct error *out_error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partition_count);
    for (int32_t i = 0; i < partition_count; i++) {
        out_offsets[i] = -1;
        (void)rd_kafka_topic_partition_list_add(list, topic, i); /* set below */
    }
    rd_kafka_ListConsumerGroupOffsets_t *asked = rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(look->client);
    rd_kafka_resp_err_t code;
    rd_kafka_ListConsumerGroupOffsets(look->client, &asked, 1, NULL, queue);
    rd_kafka_event_t *event = answer_wait(queue, &code);
    rd_kafka_ListConsumerGroupOffsets_destroy(asked);
    if (event != NULL) {
        size_t count = 0;
        const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
        const rd_kafka_error_t *error = count == 1 ? rd_kafka_group_result_error(groups[0]) : NULL;
        if (error != NULL)
            code = rd_kafka_error_code(error);
        else if (count == 1)
            committed_take(rd_kafka_group_result_partitions(groups[0]), partition_count,
                           out_offsets);
        rd_kafka_event_destroy(event);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return STATUS_OK;
    return kafka_fail(code, "asking what a group has committed", group, out_error);
}
