#include "cmd/kafka_options.h"

#include "adapter/postgres_event_store.h"
#include "adapter/sqlite_event_store.h"
#include "base/check.h"
#include "base/json_writer.h"

enum status kafka_options_store(const struct invocation *invocation, struct event_store **out_store,
                                struct error *out_error)
{
    const char *into = invocation_text(invocation, "into");
    bool url = str_starts(str_from(into), STR("postgresql://")) ||
               str_starts(str_from(into), STR("postgres://"));
    return url ? postgres_event_store_open(into, out_store, out_error)
               : sqlite_event_store_open(into, out_store, out_error);
}

enum status kafka_options_book(const struct invocation *invocation, uint32_t inbox_kept,
                               enum event_book_errands errands, struct event_book **out_book,
                               struct error *out_error)
{
    struct event_store *store = NULL;
    const struct event_book_options options = {
        .topic = invocation_text(invocation, "kafka-topic"),
        .inbox_kept = inbox_kept,
        .errands = errands,
    };
    enum status status = kafka_options_store(invocation, &store, out_error);
    return status == STATUS_OK ? event_book_open(store, &options, out_book, out_error) : status;
}

struct kafka_reader_options kafka_options_reader(const struct invocation *invocation,
                                                 const char *group)
{
    return (struct kafka_reader_options){
        .kafka = { invocation_text(invocation, "kafka"),
                   invocation_text(invocation, "kafka-settings") },
        .topic = invocation_text(invocation, "kafka-topic"),
        .group = group,
    };
}

static void counts_json(const struct kafka_count *counts, uint32_t length, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    for (uint32_t i = 0; i < length; i++) {
        json_write_key(&writer, str_from(counts[i].name));
        json_write_uint64(&writer, counts[i].count);
    }
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* a few numbers */
}

void kafka_counts_write(const struct invocation *invocation, const struct kafka_count *counts,
                        uint32_t length, struct buf *out)
{
    if (invocation->json) counts_json(counts, length, out);
    for (uint32_t i = 0; i < length && !invocation->json; i++) {
        buf_append_format(out, "%s%llu %s", i == 0 ? "" : ", ", (unsigned long long)counts[i].count,
                          counts[i].name);
    }
    buf_append_byte(out, '\n');
}
