#include "adapter/kafka_reader.h"

#include <stdlib.h>

#include "base/check.h"

enum { ASK_MS = 10000 };

struct kafka_reader {
    struct kafka_reader_options options;
    rd_kafka_t *client;
    bool paused;
    bool let_in; /* something came */
    rd_kafka_message_t *taken[KAFKA_READER_RECORDS_MAX];
    uint32_t taken_count;
    enum status fault; /* of a call back */
    struct error error;
};

static void taken_free(struct kafka_reader *reader)
{
    for (uint32_t i = 0; i < reader->taken_count; i++) rd_kafka_message_destroy(reader->taken[i]);
    reader->taken_count = 0;
}

/* ---- Whose partitions ---- */

static void marks_fill(struct kafka_reader *reader, rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++) {
        rd_kafka_topic_partition_t *at = &partitions->elems[i];
        enum status status =
            reader->options.mark(reader->options.owner, at->partition, &at->offset, &reader->error);
        if (status == STATUS_NOT_FOUND) at->offset = RD_KAFKA_OFFSET_BEGINNING;
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) reader->fault = status;
    }
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *owner)
{
    struct kafka_reader *reader = kafka_client_owner(client);
    (void)owner; /* the client's own */
    if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        (void)rd_kafka_assign(client, NULL); /* somebody else has them, whatever we think */
        return;
    }
    marks_fill(reader, partitions);
    if (reader->fault != STATUS_OK) return; /* nothing is read from a place that is not known */
    (void)rd_kafka_assign(client, partitions);
    if (reader->paused) (void)rd_kafka_pause_partitions(client, partitions);
}

static void configure(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

static rd_kafka_resp_err_t attach(struct kafka_reader *reader)
{
    const struct kafka_reader_options *options = &reader->options;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code;
    if (options->group != NULL) {
        rd_kafka_topic_partition_list_add(list, options->topic, RD_KAFKA_PARTITION_UA);
        code = rd_kafka_subscribe(reader->client, list);
    } else {
        rd_kafka_topic_partition_list_add(list, options->topic, options->range_partition)->offset =
            options->range_from;
        code = rd_kafka_assign(reader->client, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

enum status kafka_reader_open(const struct kafka_reader_options *options,
                              struct kafka_reader **out_reader, struct error *out_error)
{
    struct kafka_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for a reader");
    reader->options = *options;
    const struct kafka_setting settings[] = {
        { "group.id", options->group == NULL ? "tpwallet.range" : options->group },
        { "isolation.level", "read_committed" },
        { "enable.auto.commit", "false" },
        { "enable.auto.offset.store", "false" },
        { "auto.offset.reset", "error" }, /* a gap is told, never jumped over */
        { "enable.partition.eof", "true" },
        { "session.timeout.ms", "10000" },
        { "max.poll.interval.ms", "30000" }, /* as long others wait for one that hangs */
        { "queued.max.messages.kbytes", "16384" },
        { "fetch.wait.max.ms", "50" },
        { NULL, NULL },
    };
    const struct kafka_purpose purpose = { RD_KAFKA_CONSUMER, settings, configure, reader };
    enum status status = kafka_client_open(&options->kafka, &purpose, &reader->client, out_error);
    if (status != STATUS_OK) {
        free(reader);
        return status;
    }
    (void)rd_kafka_poll_set_consumer(reader->client); /* one queue for all there is */
    rd_kafka_resp_err_t code = attach(reader);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        status = kafka_fail(code, "subscribing", options->topic, out_error);
        kafka_reader_close(reader);
        return status;
    }
    *out_reader = reader;
    return STATUS_OK;
}

void kafka_reader_close(struct kafka_reader *reader)
{
    if (reader == NULL) return;
    taken_free(reader);
    (void)rd_kafka_consumer_close(reader->client); /* what is not told is not lost */
    kafka_client_close(reader->client);
    free(reader);
}

/* ---- Records ---- */

static enum status fault_of(struct kafka_reader *reader, const rd_kafka_message_t *message,
                            struct error *out_error)
{
    const char *detail = rd_kafka_message_errstr(message);
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        enum status status = error_set(out_error, STATUS_CORRUPT,
                                       "partition %d of '%s' no longer has what comes next",
                                       message->partition, reader->options.topic);
        error_detail(out_error, "%s", detail);
        error_hint(out_error, "events were deleted before they were read: begin a new file");
        return status;
    }
    enum status status = kafka_status(message->err);
    /* It tries on by itself for as long as it has to. */
    if (status == STATUS_UNAVAILABLE) return STATUS_OK;
    return kafka_fail(message->err, "reading", detail, out_error);
}

static struct str header_of(const rd_kafka_message_t *message, const char *name)
{
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t size = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return STR("");
    return (struct str){ value, size };
}

static struct kafka_reader_record record_of(const rd_kafka_message_t *message)
{
    bool end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    return (struct kafka_reader_record){
        .partition = message->partition,
        .offset = message->offset,
        .time_ms = rd_kafka_message_timestamp(message, NULL),
        .end = end,
        .key = { end ? NULL : message->key, end ? 0 : message->key_len },
        .value = { end ? NULL : message->payload, end ? 0 : message->len },
        .traceparent = end ? STR("") : header_of(message, "traceparent"),
    };
}

enum status kafka_reader_take(struct kafka_reader *reader, uint32_t max, int wait_ms,
                              struct kafka_reader_record *out_records, uint32_t *out_count,
                              struct error *out_error)
{
    CHECK(max > 0 && max <= KAFKA_READER_RECORDS_MAX);
    taken_free(reader);
    uint32_t count = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && count < max) {
        rd_kafka_message_t *message =
            rd_kafka_consumer_poll(reader->client, count == 0 ? wait_ms : 0);
        if (message == NULL) break;
        bool given = message->err == RD_KAFKA_RESP_ERR_NO_ERROR ||
                     message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (given) {
            reader->let_in = true;
            out_records[count++] = record_of(message);
            reader->taken[reader->taken_count++] = message;
            continue;
        }
        status = fault_of(reader, message, out_error);
        rd_kafka_message_destroy(message);
        break;
    }
    if (reader->fault != STATUS_OK) {
        if (out_error != NULL) *out_error = reader->error;
        return reader->fault;
    }
    /* Later, one broker of several may turn it away, and the others do. */
    if (status == STATUS_OK && !reader->let_in)
        status = kafka_client_denied(reader->client, out_error);
    if (status == STATUS_OK) *out_count = count;
    return status;
}

void kafka_reader_pause(struct kafka_reader *reader, bool paused)
{
    if (reader->paused == paused) return;
    reader->paused = paused;
    rd_kafka_topic_partition_list_t *list = NULL;
    if (rd_kafka_assignment(reader->client, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    (void)(paused
               ? rd_kafka_pause_partitions(reader->client, list)
               : rd_kafka_resume_partitions(reader->client, list)); /* errors are per partition */
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_reader_tell(struct kafka_reader *reader)
{
    if (reader->options.group == NULL || reader->taken_count == 0) return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    for (uint32_t i = 0; i < reader->taken_count; i++) {
        const rd_kafka_message_t *message = reader->taken[i];
        rd_kafka_topic_partition_t *at =
            rd_kafka_topic_partition_list_find(list, reader->options.topic, message->partition);
        if (at == NULL)
            at = rd_kafka_topic_partition_list_add(list, reader->options.topic, message->partition);
        at->offset = message->offset + (message->err == RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    (void)rd_kafka_commit(reader->client, list, 1); /* only for others to look at */
    rd_kafka_topic_partition_list_destroy(list);
}

enum status kafka_reader_bounds(struct kafka_reader *reader, int32_t partition, int64_t *out_first,
                                int64_t *out_end, struct error *out_error)
{
    int64_t first = 0;
    int64_t end = 0;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        reader->client, reader->options.topic, partition, &first, &end, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "asking how far a topic reaches", reader->options.topic, out_error);
    *out_first = first;
    *out_end = end;
    return STATUS_OK;
}

enum status kafka_reader_partitions(struct kafka_reader *reader, int32_t *out_count,
                                    struct error *out_error)
{
    return kafka_partition_count(reader->client, reader->options.topic, ASK_MS, out_count,
                                 out_error);
}
