/*
 * Goal: Kafka's bus does what port/bus.h says, with a real broker; a topic of marks that was lost
 * is noticed; settings that others may read are refused; brokers that are away are said to be.
 * Method: the cases of all implementations, each on topics of its own, read back by a consumer
 * that sees only what is committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "adapter/kafka_bus.h"
#include "adapter/kafka_mark.h"
#include "tests/kafka/bus_conformance.h"
#include "tests/kafka/kafka_broker.h"

static struct kafka_broker broker;

enum { ANSWER_MS_MAX = 120000 }; /* of brokers on a busy machine */

static const struct kafka_setting none[] = { { NULL, NULL } };
static const struct kafka_purpose plain = { .type = RD_KAFKA_PRODUCER, .settings = none };

struct place {
    int number;
    char topic[64];
};

static void fresh(void *owner)
{
    struct place *place = owner;
    place->number++;
    assert_true(snprintf(place->topic, sizeof place->topic, "events-%d", place->number) > 0);
}

static struct bus *open_topic(const char *topic)
{
    const struct kafka_bus_options options = {
        .kafka = { .brokers = broker.brokers },
        .topic = topic,
        .partitions = 3,
    };
    struct bus *bus = NULL;
    struct error error = { 0 };
    if (kafka_bus_open(&options, &bus, &error) != STATUS_OK) fail_msg("%s", error.message);
    return bus;
}

static struct bus *open_place(void *owner)
{
    struct place *place = owner;
    return open_topic(place->topic);
}

static void read_place(void *owner, uint32_t lane, struct buf *out_text)
{
    struct place *place = owner;
    const struct kafka_options kafka = { .brokers = broker.brokers };
    const struct kafka_setting settings[] = {
        { "group.id", "reader" },          { "isolation.level", "read_committed" },
        { "enable.auto.commit", "false" }, { "enable.partition.eof", "true" },
        { "fetch.wait.max.ms", "10" },     { NULL, NULL },
    };
    rd_kafka_t *reader = NULL;
    const struct kafka_purpose purpose = { .type = RD_KAFKA_CONSUMER, .settings = settings };
    assert_int_equal(kafka_client_open(&kafka, &purpose, &reader, NULL), STATUS_OK);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, place->topic, (int32_t)lane)->offset = 0;
    assert_int_equal(rd_kafka_assign(reader, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    for (bool end = false; !end;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, ANSWER_MS_MAX);
        assert_non_null(message);
        end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            buf_append(out_text, message->key, message->key_len);
            buf_append_byte(out_text, '=');
            buf_append(out_text, message->payload, message->len);
            buf_append_byte(out_text, ';');
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_destroy(reader);
}

static void kafka_conforms(void **state)
{
    (void)state; /* no fixture */
    struct place place = { .number = 0 };
    const struct bus_factory factory = { &place, fresh, open_place, read_place };
    bus_conformance(&factory);
}

static void marks_that_are_lost_are_noticed(void **state)
{
    (void)state; /* no fixture */
    struct place place = { .number = 90 };
    fresh(&place);
    struct bus *bus = open_topic(place.topic);
    struct bus_mark mark;
    const struct bus_event event = { .key = STR("k"), .value = STR("v"), .time = { NS_PER_S } };
    enum status begun = STATUS_UNAVAILABLE; /* it was just made, and may have no leader yet */
    for (int i = 0; i < 1000 && begun == STATUS_UNAVAILABLE; i++)
        begun = bus->begin(bus, 0, 1, &mark, NULL);
    assert_int_equal(begun, STATUS_OK);
    assert_int_equal(bus->publish(bus, &event, 1, (struct bus_mark){ { 1, 0 }, { 1 } }, NULL),
                     STATUS_OK);
    bus->close(bus);
    /* Another topic of marks: as if it had been deleted. */
    char command[256];
    assert_true(snprintf(command, sizeof command, "%s.positions", place.topic) > 0);
    const struct kafka_options kafka = { .brokers = broker.brokers };
    rd_kafka_t *client = NULL;
    assert_int_equal(kafka_client_open(&kafka, &plain, &client, NULL), STATUS_OK);
    rd_kafka_DeleteTopic_t *gone = rd_kafka_DeleteTopic_new(command);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteTopics(client, &gone, 1, NULL, queue);
    rd_kafka_event_t *done = rd_kafka_queue_poll(queue, ANSWER_MS_MAX);
    assert_non_null(done);
    rd_kafka_event_destroy(done);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy(gone);
    rd_kafka_destroy(client);
    bus = open_topic(place.topic);
    struct error error = { 0 };
    enum status status = STATUS_OK;
    for (int i = 0; i < 1000 && status != STATUS_CORRUPT; i++) /* brokers hear of it one by one */
        status = bus->begin(bus, 0, 1, &mark, &error);
    assert_int_equal(status, STATUS_CORRUPT);
    assert_non_null(strstr(error.message, "no position"));
    bus->close(bus);
}

static void settings_are_their_owners_alone(void **state)
{
    (void)state; /* no fixture */
    char path[512];
    assert_true(snprintf(path, sizeof path, "%s/settings", getenv("SCRATCH")) > 0);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("# remark\nsasl.mechanism = PLAIN\nsasl.password=geheim\n", file) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
    const struct kafka_options kafka = { "127.0.0.1:1", path };
    rd_kafka_t *client = NULL;
    struct error error = { 0 };
    assert_int_equal(kafka_client_open(&kafka, &plain, &client, &error), STATUS_DENIED);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(kafka_client_open(&kafka, &plain, &client, &error), STATUS_OK);
    kafka_client_close(client);
}

static void brokers_that_are_away_are_unavailable(void **state)
{
    (void)state; /* no fixture */
    const struct kafka_bus_options options = {
        .kafka = { .brokers = "127.0.0.1:1" },
        .topic = "events",
        .partitions = 1,
    };
    struct bus *bus = NULL;
    struct bus_mark mark;
    struct error error = { 0 };
    assert_int_equal(kafka_bus_open(&options, &bus, &error), STATUS_OK);
    assert_int_equal(bus->begin(bus, 0, 1, &mark, &error), STATUS_UNAVAILABLE);
    bus->close(bus);
}

static void marks_are_read_as_they_were_written(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf text;
    buf_init(&text, KAFKA_MARK_SIZE_MAX);
    const struct kafka_mark mark = { 7, { { UINT64_MAX, UINT32_MAX }, { INT64_MAX } } };
    assert_int_equal(kafka_mark_write(&mark, &text), STATUS_OK);
    struct kafka_mark read;
    assert_int_equal(kafka_mark_read(buf_view(&text), &read), STATUS_OK);
    assert_int_equal(read.epoch, 7);
    assert_true(read.mark.position.batch == UINT64_MAX && read.mark.position.index == UINT32_MAX);
    assert_int_equal(read.mark.time.ns, INT64_MAX);
    assert_int_equal(kafka_mark_read(STR("{\"epoch\":1}"), &read), STATUS_CORRUPT);
    assert_int_equal(kafka_mark_read(STR(""), &read), STATUS_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_read_as_they_were_written),
        cmocka_unit_test(settings_are_their_owners_alone),
        cmocka_unit_test(brokers_that_are_away_are_unavailable),
        cmocka_unit_test(kafka_conforms),
        cmocka_unit_test(marks_that_are_lost_are_noticed),
    };
    kafka_broker_start(&broker, 1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kafka_broker_stop(&broker);
    return failed;
}
