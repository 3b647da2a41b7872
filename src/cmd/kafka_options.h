/* kafka_options.h - what commands on events in Kafka share: which topic, and whose event book. */
#ifndef CMD_KAFKA_OPTIONS_H
#define CMD_KAFKA_OPTIONS_H

#include "adapter/kafka_reader.h"
#include "base/buf.h"
#include "cmd/invocation.h"
#include "wallet/event_book.h"

#define KAFKA_OPTION_INTO                                                                          \
    {                                                                                              \
        "into", "FILE",                                                                            \
            "the event book: effects, marks, dead letters; made when it is new. Or "               \
            "postgresql://...",                                                                    \
            "events.db"                                                                            \
    }
#define KAFKA_OPTION_TOPIC                                                                         \
    {                                                                                              \
        "kafka-topic", "NAME", "the topic of events", "tpwallet.events"                            \
    }
#define KAFKA_OPTIONS_BROKERS                                                                      \
    { "kafka", "BROKERS", "HOST:PORT, or several with commas between", "127.0.0.1:9092" },         \
    {                                                                                              \
        "kafka-settings", "FILE",                                                                  \
            "librdkafka's properties, TLS and SASL among them; for its owner alone (600)", NULL    \
    }

/* --into: a file of SQLite, or a URL of PostgreSQL. As what opens either. */
enum status kafka_options_store(const struct invocation *invocation, struct event_store **out_store,
                                struct error *out_error) MUST_CHECK;

/* --into, --kafka-topic, and the rest as given. As event_book_open() and kafka_options_store(). */
enum status kafka_options_book(const struct invocation *invocation, uint32_t inbox_kept,
                               enum event_book_errands errands, struct event_book **out_book,
                               struct error *out_error) MUST_CHECK;

/* All but mark and range: --kafka, --kafka-settings, --kafka-topic, and --group if there is one. */
struct kafka_reader_options kafka_options_reader(const struct invocation *invocation,
                                                 const char *group);

/* What was done so many times: one JSON object, or "3 applied, 0 repeated". */
struct kafka_count {
    const char *name;
    uint64_t count;
};
void kafka_counts_write(const struct invocation *invocation, const struct kafka_count *counts,
                        uint32_t length, struct buf *out);

#endif
