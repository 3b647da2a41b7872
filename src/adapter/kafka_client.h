/* kafka_client.h - what every client of Kafka shares: settings, errors in our words, topics. */
#ifndef ADAPTER_KAFKA_CLIENT_H
#define ADAPTER_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"

/*
 * settings_path names a file of librdkafka's properties, a NAME=VALUE a line, '#' before remarks:
 * TLS and SASL stand there, so it must be its owner's alone (600). NULL: none. What a client needs
 * to be right about (transactions, offsets) cannot be changed by it.
 */
struct kafka_options {
    const char *brokers; /* "host:port,host:port" */
    const char *settings_path;
};

struct kafka_setting {
    const char *name;
    const char *value;
};

enum { KAFKA_TOPIC_SIZE = 200, KAFKA_PARTITIONS_MAX = 1024 };

/* Whether Kafka takes it as a topic's name, with room for what we append to it. */
bool kafka_topic_valid(const char *topic);

/* What a client is for; settings end with a NULL name and go over those of the file. */
struct kafka_purpose {
    rd_kafka_type_t type;
    const struct kafka_setting *settings;
    void (*configure)(rd_kafka_conf_t *conf); /* NULL: nothing more. The opaque is not its own */
    void *owner;                              /* as kafka_client_owner() gives it back */
};

/*
 * Owned by the caller: kafka_client_close(). STATUS_NOT_FOUND, STATUS_DENIED: of the file.
 * STATUS_INVALID: a setting is none.
 */
enum status kafka_client_open(const struct kafka_options *options,
                              const struct kafka_purpose *purpose, rd_kafka_t **out_client,
                              struct error *out_error) MUST_CHECK;
/* What a producer still holds is thrown away. Accepts NULL. */
void kafka_client_close(rd_kafka_t *client);

void *kafka_client_owner(const rd_kafka_t *client);
/*
 * Whether brokers have turned this client away since it was opened, as the client heard when it was
 * polled last: STATUS_DENIED with the reason in out_error (a wrong password, a certificate that
 * is not trusted), else STATUS_OK. The library itself only tries again, for ever.
 */
enum status kafka_client_denied(const rd_kafka_t *client, struct error *out_error) MUST_CHECK;

/* What a code says its caller may do next. */
enum status kafka_status(rd_kafka_resp_err_t code) MUST_CHECK;
/* Sets out_error from a code and returns its status; doing is what was tried: "reading". */
enum status kafka_fail(rd_kafka_resp_err_t code, const char *doing, const char *detail,
                       struct error *out_error) MUST_CHECK;

/*
 * Makes a topic unless it is there; compacted ones keep the newest record of each key for ever.
 * As many copies as the brokers make by default. STATUS_UNAVAILABLE, STATUS_DENIED.
 */
struct kafka_topic {
    const char *name;
    int32_t partitions;
    bool compacted;
};
enum status kafka_topic_ensure(rd_kafka_t *client, const struct kafka_topic *topic, int timeout_ms,
                               struct error *out_error) MUST_CHECK;

/* STATUS_NOT_FOUND: there is no such topic. */
enum status kafka_partition_count(rd_kafka_t *client, const char *topic, int timeout_ms,
                                  int32_t *out_count, struct error *out_error) MUST_CHECK;

#endif
