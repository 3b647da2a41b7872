/* Read backwards in growing steps: the newest mark is near the end, but for aborted ones. */
#include "adapter/kafka_mark.h"

#include <time.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

enum { ASK_MS = 5000, READ_S = 15, POLL_MS = 500, FIELDS = 4 };

static const struct str names[FIELDS] = {
    { "epoch", 5 }, { "batch", 5 }, { "index", 5 }, { "time_ns", 7 }
};

enum status kafka_mark_write(const struct kafka_mark *mark, struct buf *out_json)
{
    const uint64_t values[FIELDS] = { mark->epoch, mark->mark.position.batch,
                                      mark->mark.position.index, (uint64_t)mark->mark.time.ns };
    struct json_writer writer;
    json_writer_init(&writer, out_json);
    json_write_object_begin(&writer);
    for (int i = 0; i < FIELDS; i++) {
        json_write_key(&writer, names[i]);
        json_write_uint64(&writer, values[i]);
    }
    json_write_object_end(&writer);
    return json_write_end(&writer);
}

enum status kafka_mark_read(struct str json, struct kafka_mark *out_mark)
{
    const struct json_fields fields = { names, FIELDS };
    uint64_t values[FIELDS] = { 0 };
    uint64_t seen = 0;
    struct json_reader reader;
    json_reader_init(&reader, json, NULL);
    if (json_object_begin(&reader)) {
        unsigned field;
        while (json_object_field(&reader, &fields, &field))
            (void)json_uint64(&reader, &values[field]);
        seen = json_fields_seen(&reader);
    }
    bool whole = json_end(&reader) == STATUS_OK && seen == (1U << FIELDS) - 1;
    if (!whole || values[2] > UINT32_MAX || values[3] > INT64_MAX) return STATUS_CORRUPT;
    *out_mark = (struct kafka_mark){
        .epoch = values[0],
        .mark = { { values[1], (uint32_t)values[2] }, { (int64_t)values[3] } },
    };
    return STATUS_OK;
}

struct search {
    rd_kafka_t *reader;
    const char *topic;
    int32_t partition;
    int64_t end; /* nothing is looked for from here on */
    bool found;
    struct kafka_mark mark;
    struct error *error;
};

static enum status seek(struct search *search, int64_t from)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, search->topic, search->partition)->offset = from;
    rd_kafka_resp_err_t code = rd_kafka_assign(search->reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? STATUS_OK
               : kafka_fail(code, "reading marks", search->topic, search->error);
}

/* Takes one message; *at is how far it is read. */
static enum status take(struct search *search, const rd_kafka_message_t *message, int64_t *at)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        *at = message->offset;
        return STATUS_OK;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        enum status status = kafka_status(message->err);
        if (status == STATUS_UNAVAILABLE) return STATUS_OK; /* it tries on by itself */
        return kafka_fail(message->err, "reading marks", search->topic, search->error);
    }
    if (message->offset >= search->end) {
        *at = search->end;
        return STATUS_OK;
    }
    *at = message->offset + 1;
    struct str json = { message->payload, message->len };
    search->found = true;
    if (kafka_mark_read(json, &search->mark) == STATUS_OK) return STATUS_OK;
    return error_set(search->error, STATUS_CORRUPT, "record %lld of '%s' is no mark",
                     (long long)message->offset, search->topic);
}

/* Reads from an offset to the end; the last mark met is the newest. */
static enum status read_from(struct search *search, int64_t from)
{
    enum status status = seek(search, from);
    time_t until = time(NULL) + READ_S;
    int64_t at = from;
    while (status == STATUS_OK && at < search->end) {
        if (time(NULL) > until)
            return error_set(search->error, STATUS_UNAVAILABLE, "Kafka: marks cannot be read");
        rd_kafka_message_t *message = rd_kafka_consumer_poll(search->reader, POLL_MS);
        if (message == NULL) continue;
        status = take(search, message, &at);
        rd_kafka_message_destroy(message);
    }
    return status;
}

static enum status newest(struct search *search)
{
    int64_t low = 0;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        search->reader, search->topic, search->partition, &low, &search->end, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "looking for marks", search->topic, search->error);
    for (int64_t step = 16; !search->found && low < search->end; step *= 16) {
        int64_t from = search->end - low > step ? search->end - step : low;
        enum status status = read_from(search, from);
        if (status != STATUS_OK || from == low) return status;
    }
    return STATUS_OK;
}

enum status kafka_mark_newest(const struct kafka_options *kafka, const char *topic,
                              int32_t partition, struct kafka_mark *out_mark,
                              struct error *out_error)
{
    const struct kafka_setting settings[] = {
        { "group.id", "tpwallet.positions" }, /* asked for by the library; nothing is committed */
        { "isolation.level", "read_committed" },
        { "enable.auto.commit", "false" },
        { "enable.auto.offset.store", "false" },
        { "auto.offset.reset", "error" },
        { "enable.partition.eof", "true" },
        { "fetch.wait.max.ms", "50" },
        { NULL, NULL },
    };
    struct search search = { .topic = topic, .partition = partition, .error = out_error };
    const struct kafka_purpose purpose = { .type = RD_KAFKA_CONSUMER, .settings = settings };
    enum status status = kafka_client_open(kafka, &purpose, &search.reader, out_error);
    if (status != STATUS_OK) return status;
    status = newest(&search);
    (void)rd_kafka_consumer_close(search.reader); /* it belongs to no group */
    kafka_client_close(search.reader);
    if (status == STATUS_OK) *out_mark = search.mark;
    return status;
}
