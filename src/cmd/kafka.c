/* tpwallet kafka ...: how far a consumer of events is, stopping it, and what it could not take. */
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "base/reserve.h"
#include "cmd/kafka_options.h"
#include "cmd/render.h"
#include "cmd/report.h"

enum { OUT_SIZE_MAX = 4 << 20, LETTERS_SHOWN_MAX = 1000, VALUE_SHOWN_MAX = 200, WAIT_MS = 5000 };

/* What every command here has open. Zeroed: nothing. */
struct kafka {
    const struct invocation *invocation;
    struct event_book *book;
    struct kafka_reader *reader;
    struct buf out;
    struct json_writer json;
    uint32_t shown;
    struct error error;
};

/* A file that is not there is the wrong one: who consumes makes the book. */
static enum status book_check(const struct invocation *invocation, struct error *out_error)
{
    const char *into = invocation_text(invocation, "into");
    if (strstr(into, "://") != NULL || access(into, F_OK) == 0) return STATUS_OK;
    enum status status = error_set(out_error, STATUS_NOT_FOUND, "there is no event book %s", into);
    error_hint(out_error, "--into FILE, or postgresql://...: the book that consumers write");
    return status;
}

static enum status kafka_begin(struct kafka *kafka, const struct invocation *invocation)
{
    *kafka = (struct kafka){ .invocation = invocation };
    buf_init(&kafka->out, OUT_SIZE_MAX);
    enum status status = book_check(invocation, &kafka->error);
    if (status != STATUS_OK) return status;
    return kafka_options_book(invocation, EVENT_INBOX_KEPT, EVENT_BOOK_AS_IT_IS, &kafka->book,
                              &kafka->error);
}

static int kafka_end(struct kafka *kafka, enum status status)
{
    int code = EXIT_CODE_DONE;
    if (status != STATUS_OK) code = report_error(kafka->invocation, &kafka->error);
    if (status == STATUS_OK && kafka->out.len > 0)
        code = report_text(kafka->invocation, buf_view(&kafka->out));
    kafka_reader_close(kafka->reader);
    event_book_close(kafka->book);
    buf_free(&kafka->out);
    return code;
}

/* JSON as it is, or as a table of the objects in `list`. */
static enum status table_end(struct kafka *kafka, const char *list,
                             const struct render_column *columns)
{
    json_write_array_end(&kafka->json);
    json_write_object_end(&kafka->json);
    enum status status = json_write_end(&kafka->json);
    if (status != STATUS_OK || kafka->invocation->json) {
        buf_append_byte(&kafka->out, '\n');
        return status;
    }
    BUF_SCOPE struct buf text;
    buf_init(&text, OUT_SIZE_MAX);
    status = render_table(buf_view(&kafka->out), list, columns, &text);
    buf_reset(&kafka->out);
    buf_append_str(&kafka->out, buf_view(&text));
    return status;
}

static void table_begin(struct kafka *kafka, struct str list)
{
    json_writer_init(&kafka->json, &kafka->out);
    json_write_object_begin(&kafka->json);
    json_write_key(&kafka->json, list);
    json_write_array_begin(&kafka->json);
}

static void number_write(struct kafka *kafka, struct str key, int64_t number)
{
    json_write_key(&kafka->json, key);
    json_write_int64(&kafka->json, number);
}

/* ---- lag ---- */

static enum status partition_show(struct kafka *kafka, int32_t partition)
{
    int64_t first = 0;
    int64_t end = 0;
    int64_t next = 0;
    enum status status = kafka_reader_bounds(kafka->reader, partition, &first, &end, &kafka->error);
    if (status == STATUS_OK) status = event_book_mark(kafka->book, partition, &next, &kafka->error);
    if (status == STATUS_NOT_FOUND) {
        next = first;
        status = STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    json_write_object_begin(&kafka->json);
    number_write(kafka, STR("partition"), partition);
    number_write(kafka, STR("next"), next);
    number_write(kafka, STR("end"), end);
    number_write(kafka, STR("lag"), end > next ? end - next : 0);
    number_write(kafka, STR("lost"), first > next ? first - next : 0);
    json_write_object_end(&kafka->json);
    return STATUS_OK;
}

static int lag_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "partition", "PARTITION", true },
        { "next", "NEXT", true },
        { "end", "END", true },
        { "lag", "LAG", true },
        { "lost", "LOST", true },
        { 0 },
    };
    struct kafka kafka;
    enum status status = kafka_begin(&kafka, invocation);
    struct kafka_reader_options options = kafka_options_reader(invocation, NULL);
    options.range_from = RD_KAFKA_OFFSET_END;
    if (status == STATUS_OK) status = kafka_reader_open(&options, &kafka.reader, &kafka.error);
    int32_t count = 0;
    if (status == STATUS_OK) status = kafka_reader_partitions(kafka.reader, &count, &kafka.error);
    if (status == STATUS_OK) table_begin(&kafka, STR("partitions"));
    for (int32_t i = 0; status == STATUS_OK && i < count; i++) status = partition_show(&kafka, i);
    if (status == STATUS_OK) status = table_end(&kafka, "partitions", columns);
    return kafka_end(&kafka, status);
}

static const struct option lag_options[] = {
    KAFKA_OPTIONS_BROKERS,
    KAFKA_OPTION_TOPIC,
    KAFKA_OPTION_INTO,
    { 0 },
};

const struct command command_kafka_lag = {
    .name = "kafka lag",
    .summary = "show how far a consumer of events is behind, by partition",
    .details =
        "LAG counts records, with the marks that Kafka puts at the end of a transaction. LOST "
        "is not 0 when the topic has deleted what was not read yet.",
    .options = lag_options,
    .examples = "kafka lag --kafka 127.0.0.1:9092 --into events.db",
    .run = lag_run,
};

/* ---- pause, resume ---- */

static int pause_set(struct invocation *invocation, bool paused)
{
    struct kafka kafka;
    enum status status = kafka_begin(&kafka, invocation);
    if (status == STATUS_OK) status = event_book_set_paused(kafka.book, paused, &kafka.error);
    if (status == STATUS_OK && !invocation->json)
        buf_append_format(&kafka.out, "%s: the consumers of %s (topic %s)\n",
                          paused ? "paused" : "going on", invocation_text(invocation, "into"),
                          invocation_text(invocation, "kafka-topic"));
    return kafka_end(&kafka, status);
}

static int pause_run(struct invocation *invocation)
{
    return pause_set(invocation, true);
}

static int resume_run(struct invocation *invocation)
{
    return pause_set(invocation, false);
}

static const struct option book_options[] = { KAFKA_OPTION_TOPIC, KAFKA_OPTION_INTO, { 0 } };

const struct command command_kafka_pause = {
    .name = "kafka pause",
    .summary = "let the consumers of an event book wait, also those that are started anew",
    .options = book_options,
    .examples = "kafka pause --into events.db",
    .run = pause_run,
};
const struct command command_kafka_resume = {
    .name = "kafka resume",
    .summary = "let the consumers of an event book go on",
    .options = book_options,
    .examples = "kafka resume --into events.db",
    .run = resume_run,
};

/* ---- replay ---- */

struct replay {
    struct kafka kafka;
    int64_t to;
    uint64_t counts[3]; /* by enum event_book_outcome */
    bool done;
    struct kafka_reader_record records[KAFKA_READER_RECORDS_MAX];
};

static enum status replay_page(struct replay *replay)
{
    struct kafka *kafka = &replay->kafka;
    uint32_t count = 0;
    enum status status = kafka_reader_take(kafka->reader, KAFKA_READER_RECORDS_MAX, WAIT_MS,
                                           replay->records, &count, &kafka->error);
    if (status == STATUS_OK && count == 0)
        status = error_set(&kafka->error, STATUS_UNAVAILABLE, "Kafka gives nothing");
    if (status == STATUS_OK) status = event_book_begin(kafka->book, &kafka->error);
    for (uint32_t i = 0; status == STATUS_OK && i < count && !replay->done; i++) {
        const struct kafka_reader_record *from = &replay->records[i];
        replay->done = from->end || from->offset > replay->to;
        if (replay->done) break;
        const struct event_book_record record = {
            from->partition, from->offset, false, from->key, from->value, from->traceparent
        };
        enum event_book_outcome outcome = EVENT_BOOK_REPEATED;
        status = event_book_replay(kafka->book, &record, &outcome, &kafka->error);
        replay->counts[outcome]++;
        replay->done = from->offset == replay->to;
    }
    return status == STATUS_OK ? event_book_commit(kafka->book, &kafka->error) : status;
}

static int replay_run(struct invocation *invocation)
{
    struct replay *replay = reserve_new(sizeof *replay);
    CHECK(replay != NULL);
    struct kafka *kafka = &replay->kafka;
    uint64_t partition = 0;
    uint64_t from = 0;
    uint64_t to = INT64_MAX;
    const struct number_range offsets = { 0, INT64_MAX };
    enum status status = kafka_begin(kafka, invocation);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "partition",
                                   (struct number_range){ 0, KAFKA_PARTITIONS_MAX - 1 }, &partition,
                                   &kafka->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "from", offsets, &from, &kafka->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "to", offsets, &to, &kafka->error);
    replay->to = (int64_t)to;
    struct kafka_reader_options options = kafka_options_reader(invocation, NULL);
    options.range_partition = (int32_t)partition;
    options.range_from = (int64_t)from;
    if (status == STATUS_OK) status = kafka_reader_open(&options, &kafka->reader, &kafka->error);
    while (status == STATUS_OK && !replay->done) status = replay_page(replay);
    const struct kafka_count counts[] = {
        { "applied", replay->counts[EVENT_BOOK_APPLIED] },
        { "repeated", replay->counts[EVENT_BOOK_REPEATED] },
        { "dead", replay->counts[EVENT_BOOK_DEAD] },
    };
    kafka_counts_write(invocation, counts, 3, &kafka->out);
    int code = kafka_end(kafka, status);
    reserve_free(replay, sizeof *replay);
    return code;
}

static const struct option replay_options[] = {
    KAFKA_OPTIONS_BROKERS,
    KAFKA_OPTION_TOPIC,
    KAFKA_OPTION_INTO,
    { "partition", "NUMBER", "of the topic", "0" },
    { "from", "OFFSET", "the first record", "0" },
    { "to", "OFFSET", "the last record; to the end without it", NULL },
    { 0 },
};

const struct command command_kafka_replay = {
    .name = "kafka replay",
    .summary = "read a range of a topic again, and apply what was not applied",
    .details =
        "The inbox tells what was: nothing is applied twice, and marks stay where they are. Events "
        "that are older than the inbox count as applied.",
    .options = replay_options,
    .examples = "kafka replay --kafka 127.0.0.1:9092 --into events.db --from 1200 --to 1300",
    .run = replay_run,
};

/* ---- dead letters ---- */

static void letter_show(void *owner, const struct event_letter *letter)
{
    struct kafka *kafka = owner;
    if (kafka->shown++ >= LETTERS_SHOWN_MAX) return;
    struct str value = letter->value;
    if (value.len > VALUE_SHOWN_MAX) value.len = VALUE_SHOWN_MAX;
    json_write_object_begin(&kafka->json);
    number_write(kafka, STR("partition"), letter->partition);
    number_write(kafka, STR("offset"), letter->offset);
    json_write_key(&kafka->json, STR("reason"));
    json_write_string(&kafka->json, letter->reason);
    json_write_key(&kafka->json, STR("value"));
    json_write_string(&kafka->json, value);
    json_write_object_end(&kafka->json);
}

static enum status letters_redrive(struct kafka *kafka)
{
    uint64_t applied = 0;
    uint64_t left = 0;
    enum status status = event_book_redrive(kafka->book, &applied, &left, &kafka->error);
    const struct kafka_count counts[] = { { "applied", applied }, { "left", left } };
    kafka_counts_write(kafka->invocation, counts, 2, &kafka->out);
    return status;
}

static int letters_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "partition", "PARTITION", true },
        { "offset", "OFFSET", true },
        { "reason", "REASON", false },
        { 0 },
    };
    struct kafka kafka;
    enum status status = kafka_begin(&kafka, invocation);
    if (status == STATUS_OK && invocation_has(invocation, "redrive"))
        return kafka_end(&kafka, letters_redrive(&kafka));
    if (status == STATUS_OK) {
        table_begin(&kafka, STR("dead_letters"));
        status = event_book_letters(kafka.book, letter_show, &kafka, &kafka.error);
    }
    if (status == STATUS_OK) status = table_end(&kafka, "dead_letters", columns);
    return kafka_end(&kafka, status);
}

static const struct option letters_options[] = {
    KAFKA_OPTION_TOPIC,
    KAFKA_OPTION_INTO,
    { "redrive", NULL, "try all of them again", NULL },
    { 0 },
};

const struct command command_kafka_dead_letters = {
    .name = "kafka dead-letters",
    .summary = "list the records that a consumer could not understand, or try them again",
    .options = letters_options,
    .examples =
        "kafka dead-letters --into events.db\nkafka dead-letters --into events.db --redrive",
    .run = letters_run,
};
