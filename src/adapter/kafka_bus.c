/*
 * After any failure the producer is thrown away: what became of its transaction is told by the
 * marks that the next one finds, once init_transactions has ended what was open.
 */
#include "adapter/kafka_bus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/kafka_mark.h"
#include "base/buf.h"
#include "base/check.h"

enum {
    ASK_MS = 10000,
    COMMIT_MS = 30000,
    ABORT_MS = 10000,
    FULL_MS = 10000, /* how long a full queue may take to have room */
    NAME_SIZE = KAFKA_TOPIC_SIZE + 32,
};
_Static_assert(2 * ASK_MS + COMMIT_MS <= BUS_CALL_S_MAX * 1000,
               "begin asks for topics, then waits");

struct kafka_bus {
    struct bus port; /* first */
    struct kafka_bus_options options;
    char *brokers;
    char *settings_path; /* NULL: none */
    char topic[NAME_SIZE];
    char marks[NAME_SIZE]; /* the topic of marks */
    rd_kafka_t *producer;  /* NULL: begin() comes first */
    uint32_t lane;
    uint64_t epoch;
};

static void drop(struct kafka_bus *bus)
{
    kafka_client_close(bus->producer);
    bus->producer = NULL;
}

/* The error is ours to destroy. */
static enum status fail(rd_kafka_error_t *error, const char *doing, struct error *out_error)
{
    enum status status =
        kafka_fail(rd_kafka_error_code(error), doing, rd_kafka_error_string(error), out_error);
    rd_kafka_error_destroy(error);
    return status;
}

/* ---- Producing ---- */

static enum status record_send(struct kafka_bus *bus, const char *topic,
                               const struct bus_event *event, struct error *out_error)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
    static const char type[] = "application/cloudevents+json; charset=UTF-8";
    if (topic == bus->topic)
        (void)rd_kafka_header_add(headers, "content-type", -1, type, sizeof type - 1);
    if (event->traceparent.len > 0)
        (void)rd_kafka_header_add(headers, "traceparent", -1, event->traceparent.data,
                                  (ssize_t)event->traceparent.len);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int waited = 0; waited < FULL_MS; waited += 10) {
        code = rd_kafka_producev(bus->producer, RD_KAFKA_V_TOPIC(topic),
                                 RD_KAFKA_V_PARTITION((int32_t)bus->lane),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_KEY(event->key.data, event->key.len),
                                 RD_KAFKA_V_VALUE((void *)event->value.data, event->value.len),
                                 RD_KAFKA_V_TIMESTAMP(event->time.ns / NS_PER_MS),
                                 RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) break;
        (void)rd_kafka_poll(bus->producer, 10); /* reports of delivery make room */
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return STATUS_OK; /* the headers are its own now */
    rd_kafka_headers_destroy(headers);
    return kafka_fail(code, "sending", topic, out_error);
}

static enum status mark_send(struct kafka_bus *bus, struct bus_mark mark, struct error *out_error)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, KAFKA_MARK_SIZE_MAX);
    enum status status = kafka_mark_write(&(struct kafka_mark){ bus->epoch, mark }, &text);
    if (status != STATUS_OK) return error_set(out_error, status, "a mark does not fit");
    char key[NAME_SIZE];
    int len = snprintf(key, sizeof key, "lane-%u", bus->lane);
    CHECK(len > 0 && (size_t)len < sizeof key);
    const struct bus_event record = {
        .key = { key, (size_t)len },
        .value = buf_view(&text),
        .time = mark.time,
    };
    return record_send(bus, bus->marks, &record, out_error);
}

/*
 * Ends a run that cannot be committed; what failed stands in *out_error. Not OK, ever: UNAVAILABLE
 * when it is known to be gone, IN_DOUBT else.
 */
static enum status give_up(struct kafka_bus *bus, enum status why, struct error *out_error)
{
    rd_kafka_error_t *error =
        why == STATUS_FENCED ? NULL : rd_kafka_abort_transaction(bus->producer, ABORT_MS);
    if (error != NULL) {
        why = kafka_status(rd_kafka_error_code(error)) == STATUS_FENCED ? STATUS_FENCED
                                                                        : STATUS_IN_DOUBT;
        rd_kafka_error_destroy(error);
    }
    drop(bus);
    if (why == STATUS_NOT_FOUND || why == STATUS_DENIED) why = STATUS_UNAVAILABLE;
    if (out_error != NULL) out_error->status = why;
    return why;
}

static enum status commit(struct kafka_bus *bus, struct error *out_error)
{
    rd_kafka_error_t *error = rd_kafka_commit_transaction(bus->producer, COMMIT_MS);
    if (error == NULL) return STATUS_OK;
    bool abort = rd_kafka_error_txn_requires_abort(error) != 0;
    enum status status = fail(error, "committing", out_error);
    if (status == STATUS_FENCED || abort) return give_up(bus, status, out_error);
    drop(bus); /* the coordinator may have taken it */
    return error_set(out_error, STATUS_IN_DOUBT, "Kafka has not said whether a run is committed");
}

/* ---- The port ---- */

static enum status producer_open(struct kafka_bus *bus, struct error *out_error)
{
    char id[NAME_SIZE];
    int len = snprintf(id, sizeof id, "tpwallet.%s.lane-%u", bus->topic, bus->lane);
    CHECK(len > 0 && (size_t)len < sizeof id);
    const struct kafka_setting settings[] = {
        { "transactional.id", id },
        { "enable.idempotence", "true" },
        { "acks", "all" },
        { "transaction.timeout.ms", "45000" },
        { "message.timeout.ms", "25000" },
        { "linger.ms", "1" },
        { "queue.buffering.max.messages", "20000" },
        { "queue.buffering.max.kbytes", "32768" },
        { "message.send.max.retries", "2147483647" },
        { NULL, NULL },
    };
    const struct kafka_purpose purpose = { .type = RD_KAFKA_PRODUCER, .settings = settings };
    return kafka_client_open(&bus->options.kafka, &purpose, &bus->producer, out_error);
}

/* Both topics, with the lane's partition. */
static enum status topics_ensure(struct kafka_bus *bus, struct error *out_error)
{
    int32_t partitions = bus->options.partitions;
    if (partitions <= (int32_t)bus->lane) partitions = (int32_t)bus->lane + 1;
    int32_t count = 0;
    enum status status = kafka_partition_count(bus->producer, bus->topic, ASK_MS / 2, &count, NULL);
    if (status == STATUS_OK && count > (int32_t)bus->lane) partitions = (int32_t)bus->lane + 1;
    const struct kafka_topic events = { bus->topic, partitions, false };
    const struct kafka_topic marks = { bus->marks, partitions, true };
    status = kafka_topic_ensure(bus->producer, &events, ASK_MS / 4, out_error);
    if (status == STATUS_OK)
        status = kafka_topic_ensure(bus->producer, &marks, ASK_MS / 4, out_error);
    return status;
}

/* Events without a mark: it was lost, and all of them would be published again. */
static enum status nothing_verify(struct kafka_bus *bus, struct error *out_error)
{
    int64_t low = 0;
    int64_t high = 0;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        bus->producer, bus->topic, (int32_t)bus->lane, &low, &high, ASK_MS / 2);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(code, "looking for events", bus->topic, out_error);
    if (high == 0) return STATUS_OK;
    enum status status = error_set(out_error, STATUS_CORRUPT,
                                   "Kafka: '%s' has events of lane %u, and '%s' no position",
                                   bus->topic, bus->lane, bus->marks);
    error_hint(out_error, "it must be compacted, not deleted; see docs/kafka.md");
    return status;
}

static enum status take_over(struct kafka_bus *bus, struct kafka_mark *out_mark,
                             struct error *out_error)
{
    enum status status = topics_ensure(bus, out_error);
    if (status != STATUS_OK) return status;
    rd_kafka_error_t *error = rd_kafka_init_transactions(bus->producer, ASK_MS);
    if (error != NULL) {
        status = fail(error, "taking the lane over", out_error);
        /* Somebody else began meanwhile: who is right is seen by the marks, the next time. */
        return status == STATUS_FENCED ? STATUS_UNAVAILABLE : status;
    }
    status =
        kafka_mark_newest(&bus->options.kafka, bus->marks, (int32_t)bus->lane, out_mark, out_error);
    if (status == STATUS_OK && out_mark->epoch == 0) status = nothing_verify(bus, out_error);
    return status;
}

/* The epoch is made known before anything is published under it. */
static enum status epoch_write(struct kafka_bus *bus, struct bus_mark mark, struct error *out_error)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(bus->producer);
    if (error != NULL) return fail(error, "beginning", out_error);
    enum status status = mark_send(bus, mark, out_error);
    status = status == STATUS_OK ? commit(bus, out_error) : give_up(bus, status, out_error);
    return status == STATUS_OK ? STATUS_OK : STATUS_UNAVAILABLE;
}

static enum status kafka_begin(struct bus *port, uint32_t lane, uint64_t epoch,
                               struct bus_mark *out_mark, struct error *out_error)
{
    struct kafka_bus *bus = (struct kafka_bus *)port;
    CHECK(epoch > 0 && lane < KAFKA_PARTITIONS_MAX);
    drop(bus);
    bus->lane = lane;
    bus->epoch = epoch;
    struct kafka_mark mark = { 0 };
    enum status status = producer_open(bus, out_error);
    if (status == STATUS_OK) status = take_over(bus, &mark, out_error);
    if (status == STATUS_OK && mark.epoch > epoch) {
        status = error_set(out_error, STATUS_FENCED, "epoch %" PRIu64 " publishes lane %u now",
                           mark.epoch, lane);
    }
    if (status == STATUS_OK && mark.epoch < epoch) status = epoch_write(bus, mark.mark, out_error);
    if (status != STATUS_OK) {
        drop(bus);
        return status;
    }
    *out_mark = mark.mark;
    return STATUS_OK;
}

static enum status kafka_publish(struct bus *port, const struct bus_event *events, uint32_t count,
                                 struct bus_mark mark, struct error *out_error)
{
    struct kafka_bus *bus = (struct kafka_bus *)port;
    CHECK(bus->producer != NULL && count > 0 && count <= BUS_RUN_EVENTS_MAX);
    rd_kafka_error_t *error = rd_kafka_begin_transaction(bus->producer);
    if (error != NULL) {
        enum status status = fail(error, "beginning", out_error);
        drop(bus);
        return status;
    }
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        CHECK(events[i].key.len > 0 && events[i].key.len <= BUS_KEY_SIZE_MAX);
        status = record_send(bus, bus->topic, &events[i], out_error);
    }
    if (status == STATUS_OK) status = mark_send(bus, mark, out_error);
    return status == STATUS_OK ? commit(bus, out_error) : give_up(bus, status, out_error);
}

static void kafka_close(struct bus *port)
{
    if (port == NULL) return;
    struct kafka_bus *bus = (struct kafka_bus *)port;
    drop(bus);
    free(bus->brokers);
    free(bus->settings_path);
    free(bus);
}

enum status kafka_bus_open(const struct kafka_bus_options *options, struct bus **out_bus,
                           struct error *out_error)
{
    if (!kafka_topic_valid(options->topic))
        return error_set(out_error, STATUS_INVALID, "'%s' is no name for a topic", options->topic);
    CHECK(options->partitions > 0 && options->partitions <= KAFKA_PARTITIONS_MAX);
    struct kafka_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the bus");
    bus->port =
        (struct bus){ .begin = kafka_begin, .publish = kafka_publish, .close = kafka_close };
    bus->options = *options;
    bus->brokers = strdup(options->kafka.brokers);
    const char *path = options->kafka.settings_path;
    bus->settings_path = path == NULL ? NULL : strdup(path);
    if (bus->brokers == NULL || (path != NULL && bus->settings_path == NULL)) {
        kafka_close(&bus->port);
        return error_set(out_error, STATUS_LIMIT, "no memory for the bus");
    }
    bus->options.kafka = (struct kafka_options){ bus->brokers, bus->settings_path };
    int len = snprintf(bus->topic, sizeof bus->topic, "%s", options->topic);
    CHECK(len > 0 && (size_t)len < sizeof bus->topic);
    bus->port.system = STR("kafka");
    bus->port.destination = str_from(bus->topic);
    len = snprintf(bus->marks, sizeof bus->marks, "%s.positions", options->topic);
    CHECK(len > 0 && (size_t)len < sizeof bus->marks);
    *out_bus = &bus->port;
    return STATUS_OK;
}
