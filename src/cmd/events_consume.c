/* tpwallet events consume: events from Kafka into an event book, each counted once. */
#include <signal.h>
#include <time.h>

#include "adapter/otlp_exporter.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/reserve.h"
#include "cmd/consume_notify.h"
#include "cmd/kafka_options.h"
#include "cmd/report.h"
#include "cmd/stop_signal.h"
#include "cmd/version.h"
#include "model/trace_context.h"

enum {
    WAIT_MS = 200,
    SILENCE_MS = 10000, /* then whoever waits for an end asks whether there are brokers at all */
    PARTITIONS_MAX = KAFKA_PARTITIONS_MAX,
    WAITING_MAX =
        100000, /* errands; with more of them nothing is read until the receiver takes some */
};

struct consume {
    const struct invocation *invocation;
    struct event_book *book;
    struct kafka_reader *reader;
    uint32_t batch;
    bool until_end;
    bool heard;                  /* something of the topic came */
    int32_t partition_count;     /* of the topic; 0: not known yet */
    bool ended[PARTITIONS_MAX];  /* nothing came since its end was seen */
    struct otlp_exporter *spans; /* NULL: nobody collects */
    struct consume_notify notify;
    uint64_t waiting;                              /* errands */
    struct trace traces[KAFKA_READER_RECORDS_MAX]; /* of each record's span; nil: not watched */
    uint64_t parents[KAFKA_READER_RECORDS_MAX];    /* span */
    char texts[KAFKA_READER_RECORDS_MAX][TRACEPARENT_SIZE];
    sigset_t signals;
    uint64_t counts[3]; /* by enum event_book_outcome */
    struct kafka_reader_record records[KAFKA_READER_RECORDS_MAX];
    struct error error;
};

static enum status mark_of(void *owner, int32_t partition, int64_t *out_next,
                           struct error *out_error)
{
    struct consume *consume = owner;
    return event_book_mark(consume->book, partition, out_next, out_error);
}

static bool is_stopped(const struct consume *consume)
{
    const struct timespec at_once = { 0, 0 };
    return sigtimedwait(&consume->signals, NULL, &at_once) > 0;
}

static void end_note(struct consume *consume, const struct kafka_reader_record *record)
{
    consume->heard = true;
    if (record->partition < PARTITIONS_MAX) consume->ended[record->partition] = record->end;
}

static bool is_at_end(struct consume *consume)
{
    /* Whoever is not let in hears nothing, and would wait for the answer. */
    if (!consume->until_end || consume->waiting > 0 || !consume->heard) return false;
    if (consume->partition_count == 0 &&
        kafka_reader_partitions(consume->reader, &consume->partition_count, NULL) != STATUS_OK)
        return false;
    for (int32_t i = 0; i < consume->partition_count && i < PARTITIONS_MAX; i++)
        if (!consume->ended[i]) return false;
    return true;
}

/* Whoever waits for the end, and has heard nothing for long: whether there is anybody to hear from. */
static enum status silence_look(struct consume *consume, struct monotonic_time *since)
{
    struct monotonic_time now = clock_monotonic(system_clock());
    if (!consume->until_end || consume->heard || now.ns - since->ns < SILENCE_MS * NS_PER_MS)
        return STATUS_OK;
    *since = now;
    return kafka_reader_partitions(consume->reader, &consume->partition_count, &consume->error);
}

/* ---- Spans ---- */

static struct str outcome_name(enum event_book_outcome outcome)
{
    switch (outcome) {
    case EVENT_BOOK_APPLIED: return STR("applied");
    case EVENT_BOOK_REPEATED: return STR("repeated");
    case EVENT_BOOK_DEAD: return STR("dead");
    }
    return STR("");
}

/* What its publisher watched is watched here, too. Returns what those behind this go on from. */
static struct str span_begin(struct consume *consume, uint32_t index)
{
    const struct kafka_reader_record *record = &consume->records[index];
    struct trace *trace = &consume->traces[index];
    uint8_t flags = 0;
    bool valid = traceparent_parse(record->traceparent, trace, &flags);
    if (!valid || record->end || consume->spans == NULL || (flags & TRACE_FLAG_SAMPLED) == 0) {
        *trace = (struct trace){ 0 };
        return record->traceparent;
    }
    uint64_t random = 0;
    entropy_fill(system_entropy(), &random, sizeof random);
    consume->parents[index] = trace->span;
    trace->span = random | 1;
    return traceparent_format(*trace, TRACE_FLAG_SAMPLED, consume->texts[index]);
}

static void span_record(struct consume *consume, uint32_t index, enum event_book_outcome outcome,
                        struct wall_time start)
{
    const struct kafka_reader_record *record = &consume->records[index];
    if (uuid_is_nil(consume->traces[index].id)) return;
    struct span span = {
        .trace = consume->traces[index],
        .parent = consume->parents[index],
        .kind = SPAN_CONSUMER,
        .name = STR("event consume"),
        .failed = outcome == EVENT_BOOK_DEAD,
        .start = start,
        .end = clock_wall(system_clock()),
    };
    const struct invocation *invocation = consume->invocation;
    span_note_text(&span, STR("messaging.system"), STR("kafka"));
    span_note_text(&span, STR("messaging.destination.name"),
                   str_from(invocation_text(invocation, "kafka-topic")));
    span_note_text(&span, STR("messaging.operation.type"), STR("process"));
    span_note_text(&span, STR("messaging.consumer.group.name"),
                   str_from(invocation_text(invocation, "group")));
    span_note_number(&span, STR("messaging.destination.partition.id"), (uint64_t)record->partition);
    span_note_number(&span, STR("messaging.kafka.offset"), (uint64_t)record->offset);
    span_note_text(&span, STR("messaging.kafka.message.key"), record->key);
    span_note_text(&span, STR("tpwallet.outcome"), outcome_name(outcome));
    otlp_span(consume->spans, &span);
}

/* ---- Records ---- */

/* One transaction: effects, inbox and marks of all records. */
static enum status records_apply(struct consume *consume, uint32_t count)
{
    struct event_book *book = consume->book;
    enum event_book_outcome outcomes[KAFKA_READER_RECORDS_MAX];
    struct wall_time start = clock_wall(system_clock());
    enum status status = event_book_begin(book, &consume->error);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct kafka_reader_record *from = &consume->records[i];
        const struct event_book_record record = { from->partition, from->offset,
                                                  from->end,       from->key,
                                                  from->value,     span_begin(consume, i) };
        status = event_book_apply(book, &record, &outcomes[i], &consume->error);
    }
    if (status == STATUS_OK) status = event_book_commit(book, &consume->error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        end_note(consume, &consume->records[i]);
        span_record(consume, i, outcomes[i], start);
        if (!consume->records[i].end) consume->counts[outcomes[i]]++;
    }
    kafka_reader_tell(consume->reader);
    return STATUS_OK;
}

static enum status consume_all(struct consume *consume)
{
    enum status status = STATUS_OK;
    struct monotonic_time begun = clock_monotonic(system_clock());
    while (status == STATUS_OK && !is_stopped(consume) && !is_at_end(consume)) {
        bool paused = false;
        uint32_t count = 0;
        status = event_book_paused(consume->book, &paused, &consume->error);
        if (status == STATUS_OK && consume->notify.sender != NULL)
            status = event_book_waiting(consume->book, &consume->waiting, &consume->error);
        if (status != STATUS_OK) break;
        kafka_reader_pause(consume->reader, paused || consume->waiting > WAITING_MAX);
        status = kafka_reader_take(consume->reader, consume->batch, WAIT_MS, consume->records,
                                   &count, &consume->error);
        if (status == STATUS_OK && count > 0) status = records_apply(consume, count);
        if (status == STATUS_OK && count == 0) status = silence_look(consume, &begun);
    }
    return status;
}

static int told(const struct consume *consume)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 1024);
    struct errand_sender_counts errands = { 0 };
    bool notified = consume->notify.sender != NULL;
    if (notified) errand_sender_get_counts(consume->notify.sender, &errands);
    const struct kafka_count counts[] = {
        { "applied", consume->counts[EVENT_BOOK_APPLIED] },
        { "repeated", consume->counts[EVENT_BOOK_REPEATED] },
        { "dead", consume->counts[EVENT_BOOK_DEAD] },
        { "notified", errands.sent },
    };
    kafka_counts_write(consume->invocation, counts, notified ? 4 : 3, &out);
    return report_text(consume->invocation, buf_view(&out));
}

static enum status spans_open(struct consume *consume)
{
    const struct otlp_options options = {
        .url = invocation_text(consume->invocation, "otlp"),
        .version = TPWALLET_VERSION,
        .clock = system_clock(),
        .sync = thread_sync(),
    };
    if (options.url == NULL) return STATUS_OK;
    return otlp_open(&options, &consume->spans, &consume->error);
}

static enum status consume_open(struct consume *consume)
{
    const struct invocation *invocation = consume->invocation;
    uint64_t batch = 0;
    uint64_t kept = 0;
    enum status status =
        invocation_number(invocation, "batch", (struct number_range){ 1, KAFKA_READER_RECORDS_MAX },
                          &batch, &consume->error);
    if (status == STATUS_OK)
        status =
            invocation_number(invocation, "inbox", (struct number_range){ 1, EVENT_INBOX_KEPT_MAX },
                              &kept, &consume->error);
    consume->batch = (uint32_t)batch;
    consume->until_end = invocation_has(invocation, "until-end");
    if (status == STATUS_OK) status = consume_notify_check(invocation, &consume->error);
    if (status == STATUS_OK) status = stop_signal_block(&consume->signals, &consume->error);
    if (status == STATUS_OK) status = spans_open(consume);
    enum event_book_errands errands =
        invocation_has(invocation, "notify") ? EVENT_BOOK_TELLS : EVENT_BOOK_TELLS_NOBODY;
    if (status == STATUS_OK)
        status = kafka_options_book(invocation, (uint32_t)kept, errands, &consume->book,
                                    &consume->error);
    if (status == STATUS_OK)
        status = consume_notify_open(invocation, otlp_tracer(consume->spans), &consume->notify,
                                     &consume->error);
    if (status != STATUS_OK) return status;
    struct kafka_reader_options options =
        kafka_options_reader(invocation, invocation_text(invocation, "group"));
    options.mark = mark_of;
    options.owner = consume;
    return kafka_reader_open(&options, &consume->reader, &consume->error);
}

static int events_consume_run(struct invocation *invocation)
{
    struct consume *consume = reserve_new(sizeof *consume);
    CHECK(consume != NULL);
    consume->invocation = invocation;
    enum status status = consume_open(consume);
    if (status == STATUS_OK) status = consume_all(consume);
    int code = status == STATUS_OK ? told(consume) : report_error(invocation, &consume->error);
    kafka_reader_close(consume->reader);
    consume_notify_close(&consume->notify);
    event_book_close(consume->book);
    otlp_close(consume->spans);
    reserve_free(consume, sizeof *consume);
    return code;
}

static const struct option options[] = {
    KAFKA_OPTIONS_BROKERS,
    KAFKA_OPTION_TOPIC,
    { "group", "NAME", "consumers of one name and one book share the partitions",
      "tpwallet.event-book" },
    KAFKA_OPTION_INTO,
    { "batch", "COUNT", "events in one transaction at most, 1 to 1024", "500" },
    { "inbox", "COUNT", "ids of events kept for each ledger's lane, to know what comes again",
      "100k" },
    { "notify", "URL", "tell this receiver of each event, at least once and in order", NULL },
    { "notify-token", "FILE", "what it knows us by, sent as Bearer; for its owner alone (600)",
      NULL },
    { "notify-private", NULL, "the receiver may be on loopback and private addresses", NULL },
    { "otlp", "URL", "send spans of watched events to a collector: http://127.0.0.1:4318/v1/traces",
      NULL },
    { "until-end", NULL, "end when there is no more, for a consumer that is alone", NULL },
    { 0 },
};

const struct command command_events_consume = {
    .name = "events consume",
    .summary = "read events from Kafka into SQLite or PostgreSQL, each counted once",
    .details =
        "The event book, a file or a schema `tpwallet_events`, has two tables for others: "
        "`payment`, each as its newest event shows it, and `happened`, how many events of each "
        "type there were on each day. An event's effect, its id "
        "and the mark up to where its partition is read are one transaction: a consumer that is "
        "killed, or whose partitions go to another one, neither loses nor doubles an effect.\n\n"
        "What cannot be understood is kept as a dead letter (`tpwallet kafka dead-letters`). "
        "When the topic no longer has what comes next, it ends with exit code 5 and does not jump "
        "over the gap.\n\n"
        "With --notify each event is put into the book as an errand, too, and posted as the "
        "CloudEvent that it is, until it is answered with 2xx. Whoever begins a book with --notify "
        "gives it each time; the URL may change.",
    .options = options,
    .examples = "events consume --kafka 127.0.0.1:9092 --into events.db\n"
                "events consume --kafka broker:9092 --into events.db --until-end\n"
                "events consume --kafka broker:9092 --into postgresql://billing@db/billing",
    .run = events_consume_run,
};
