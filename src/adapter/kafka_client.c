#include "adapter/kafka_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/secret_file.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"
#include "crypto/secret.h"

enum { LINE_SIZE = 4096, REASON_SIZE = 256, TOPIC_ROOM = 32, POLL_MS = 50 };

bool kafka_topic_valid(const char *topic)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(topic);
    return len > 0 && len < KAFKA_TOPIC_SIZE - TOPIC_ROOM && strspn(topic, letters) == len &&
           topic[0] != '.';
}

/* ---- Settings ---- */

static enum status setting_put(rd_kafka_conf_t *conf, const char *name, const char *value,
                               struct error *out_error)
{
    char reason[REASON_SIZE];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return STATUS_OK;
    secret_wipe(reason, sizeof reason); /* it may quote the value */
    return error_set(out_error, STATUS_INVALID, "'%s' is no setting of Kafka's client, or not so",
                     name);
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) text[--len] = '\0';
    return text;
}

static enum status line_put(rd_kafka_conf_t *conf, char *line, struct error *out_error)
{
    char *name = trimmed(line);
    if (*name == '\0' || *name == '#') return STATUS_OK;
    char *equals = strchr(name, '=');
    if (equals == NULL)
        return error_set(out_error, STATUS_INVALID, "the settings of Kafka are NAME=VALUE a line");
    *equals = '\0';
    return setting_put(conf, trimmed(name), trimmed(equals + 1), out_error);
}

static enum status file_put(rd_kafka_conf_t *conf, const char *path, struct error *out_error)
{
    int handle = -1;
    enum status status = secret_file_open(path, &handle, out_error);
    if (status != STATUS_OK) return status;
    FILE *file = fdopen(handle, "r");
    CHECK(file != NULL);
    char line[LINE_SIZE];
    while (status == STATUS_OK && fgets(line, sizeof line, file) != NULL)
        status = line_put(conf, line, out_error);
    secret_wipe(line, sizeof line);
    (void)fclose(file); /* only read */
    return status;
}

/* What the library calls back with. */
struct link {
    void *owner;
    char denied[REASON_SIZE]; /* why brokers have turned us away; "": they have not */
};

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    (void)client;
    struct link *link = opaque;
    bool denied =
        code == RD_KAFKA_RESP_ERR__SSL || kafka_status((rd_kafka_resp_err_t)code) == STATUS_DENIED;
    if (!denied) return;
    int len = snprintf(link->denied, sizeof link->denied, "%s", reason);
    CHECK(len >= 0); /* the end of a long reason may be missing */
}

/* Its own lines would go around our log; what matters comes back as an error. */
static void log_nothing(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    (void)level;
    (void)facility;
    (void)text;
}

static enum status conf_fill(rd_kafka_conf_t *conf, const struct kafka_options *options,
                             const struct kafka_purpose *purpose, struct error *out_error)
{
    enum status status = STATUS_OK;
    if (options->settings_path != NULL) status = file_put(conf, options->settings_path, out_error);
    if (status == STATUS_OK)
        status = setting_put(conf, "bootstrap.servers", options->brokers, out_error);
    const struct kafka_setting *at = purpose->settings;
    for (; status == STATUS_OK && at->name != NULL; at++)
        status = setting_put(conf, at->name, at->value, out_error);
    rd_kafka_conf_set_log_cb(conf, log_nothing);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (status == STATUS_OK && purpose->configure != NULL) purpose->configure(conf);
    return status;
}

enum status kafka_client_open(const struct kafka_options *options,
                              const struct kafka_purpose *purpose, rd_kafka_t **out_client,
                              struct error *out_error)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for a client of Kafka");
    link->owner = purpose->owner;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, link);
    enum status status = conf_fill(conf, options, purpose, out_error);
    if (status != STATUS_OK) {
        rd_kafka_conf_destroy(conf);
        free(link);
        return status;
    }
    char reason[REASON_SIZE] = "";
    rd_kafka_t *client = rd_kafka_new(purpose->type, conf, reason, sizeof reason);
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        free(link);
        status = error_set(out_error, STATUS_INVALID, "Kafka's client refuses its settings");
        error_detail(out_error, "%s", reason);
        return status;
    }
    *out_client = client;
    return STATUS_OK;
}

void kafka_client_close(rd_kafka_t *client)
{
    if (client == NULL) return;
    if (rd_kafka_type(client) == RD_KAFKA_PRODUCER) {
        /* What is in flight ends as the broker decides: whoever begins next is told. */
        (void)rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    }
    struct link *link = rd_kafka_opaque(client);
    rd_kafka_destroy(client); /* calls back no more */
    free(link);
}

void *kafka_client_owner(const rd_kafka_t *client)
{
    return ((struct link *)rd_kafka_opaque(client))->owner;
}

enum status kafka_client_denied(const rd_kafka_t *client, struct error *out_error)
{
    const struct link *link = rd_kafka_opaque(client);
    if (link->denied[0] == '\0') return STATUS_OK;
    enum status status = error_set(out_error, STATUS_DENIED, "Kafka does not let us in");
    error_detail(out_error, "%s", link->denied);
    error_hint(out_error, "see --kafka-settings: users, passwords, and whom to trust");
    return status;
}

/* ---- Errors ---- */

enum status kafka_status(rd_kafka_resp_err_t code)
{
    static const struct {
        rd_kafka_resp_err_t code;
        enum status status;
    } rows[] = {
        { RD_KAFKA_RESP_ERR_NO_ERROR, STATUS_OK },
        { RD_KAFKA_RESP_ERR__FENCED, STATUS_FENCED },
        { RD_KAFKA_RESP_ERR_PRODUCER_FENCED, STATUS_FENCED },
        { RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, STATUS_FENCED },
        { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, STATUS_LIMIT },
        { RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, STATUS_NOT_FOUND },
        { RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, STATUS_NOT_FOUND },
        { RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, STATUS_NOT_FOUND },
        { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, STATUS_DENIED },
        { RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, STATUS_DENIED },
        { RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, STATUS_DENIED },
        { RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, STATUS_DENIED },
        { RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, STATUS_DENIED },
        { RD_KAFKA_RESP_ERR__AUTHENTICATION, STATUS_DENIED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code) return rows[i].status;
    }
    return STATUS_UNAVAILABLE;
}

enum status kafka_fail(rd_kafka_resp_err_t code, const char *doing, const char *detail,
                       struct error *out_error)
{
    enum status status =
        error_set(out_error, kafka_status(code), "Kafka: %s: %s", doing, rd_kafka_err2str(code));
    if (detail != NULL) error_detail(out_error, "%s", detail);
    return status;
}

/* ---- Topics ---- */

static rd_kafka_resp_err_t metadata_ask(rd_kafka_t *client, const char *topic, int timeout_ms,
                                        int32_t *out_count)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    if (handle == NULL) return rd_kafka_last_error();
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client, 0, handle, &found, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && found->topic_cnt == 1) {
        code = found->topics[0].err;
        *out_count = found->topics[0].partition_cnt;
    }
    if (found != NULL) rd_kafka_metadata_destroy(found);
    rd_kafka_topic_destroy(handle);
    return code;
}

/* Of a question to the brokers; a client that they turn away hears nothing else. */
static enum status ask_fail(rd_kafka_t *client, rd_kafka_resp_err_t code, const char *doing,
                            const char *topic, struct error *out_error)
{
    if (rd_kafka_type(client) == RD_KAFKA_PRODUCER) (void)rd_kafka_poll(client, 0);
    if (kafka_status(code) == STATUS_UNAVAILABLE &&
        kafka_client_denied(client, out_error) != STATUS_OK)
        return STATUS_DENIED;
    return kafka_fail(code, doing, topic, out_error);
}

enum status kafka_partition_count(rd_kafka_t *client, const char *topic, int timeout_ms,
                                  int32_t *out_count, struct error *out_error)
{
    int32_t count = 0;
    rd_kafka_resp_err_t code = metadata_ask(client, topic, timeout_ms, &count);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ask_fail(client, code, "looking for a topic", topic, out_error);
    *out_count = count;
    return STATUS_OK;
}

/* The result of each topic comes as an event of its own queue. */
static rd_kafka_resp_err_t create_wait(rd_kafka_t *client, rd_kafka_NewTopic_t *made,
                                       int timeout_ms)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, &made, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event != NULL) {
        code = rd_kafka_event_error(event);
        const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
        size_t count = 0;
        const rd_kafka_topic_result_t **topics =
            result == NULL ? NULL : rd_kafka_CreateTopics_result_topics(result, &count);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && count == 1)
            code = rd_kafka_topic_result_error(topics[0]);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    return code;
}

static rd_kafka_resp_err_t topic_create(rd_kafka_t *client, const struct kafka_topic *topic,
                                        int timeout_ms)
{
    char reason[REASON_SIZE];
    rd_kafka_NewTopic_t *made =
        rd_kafka_NewTopic_new(topic->name, topic->partitions, -1, reason, sizeof reason);
    if (made == NULL) return RD_KAFKA_RESP_ERR__INVALID_ARG;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (topic->compacted) code = rd_kafka_NewTopic_set_config(made, "cleanup.policy", "compact");
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = create_wait(client, made, timeout_ms);
    rd_kafka_NewTopic_destroy(made);
    return code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ? RD_KAFKA_RESP_ERR_NO_ERROR : code;
}

enum status kafka_topic_ensure(rd_kafka_t *client, const struct kafka_topic *topic, int timeout_ms,
                               struct error *out_error)
{
    int32_t count = 0;
    rd_kafka_resp_err_t code = metadata_ask(client, topic->name, timeout_ms, &count);
    bool absent = kafka_status(code) == STATUS_NOT_FOUND;
    if (absent) code = topic_create(client, topic, timeout_ms);
    /* Brokers hear of a new topic one after the other. */
    for (int waited = 0; absent && code == RD_KAFKA_RESP_ERR_NO_ERROR; waited += POLL_MS) {
        if (waited > timeout_ms) code = RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (metadata_ask(client, topic->name, timeout_ms, &count) == RD_KAFKA_RESP_ERR_NO_ERROR &&
            count >= topic->partitions)
            break;
        (void)rd_kafka_poll(client, POLL_MS); /* nothing is expected: it is a wait */
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ask_fail(client, code, "making a topic", topic->name, out_error);
    if (absent || count >= topic->partitions) return STATUS_OK;
    enum status status = error_set(out_error, STATUS_NOT_FOUND,
                                   "Kafka: the topic '%s' has %d partitions", topic->name, count);
    error_hint(out_error, "a lane is a partition of the same number: make %d", topic->partitions);
    return status;
}
