/* tpwallet bench kafka: from a transfer to a reader of Kafka, how many and how late. */
#include "adapter/kafka_reader.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/histogram.h"
#include "base/json_writer.h"
#include "base/reserve.h"
#include "cmd/bench_stage.h"
#include "cmd/pause.h"
#include "cmd/report.h"
#include "cmd/serve_bus.h"
#include "cmd/stage.h"
#include "model/asset.h"

enum {
    ACCOUNTS = 1000,
    BURST_MAX = 2000, /* transfers of one call */
    TICKS = 50,       /* calls in a second, at a rate */
    WAIT_MS = 500,
    PATIENCE_S = 120, /* without an event */
};

struct bench {
    const struct invocation *invocation;
    uint64_t events; /* transfers to be made */
    uint64_t rate;   /* in a second; 0: as fast as it can */
    struct stage stage;
    struct serve_bus bus;
    struct host host;
    struct buf ids;
    struct kafka_reader *reader;
    struct task *load;
    enum status load_status;
    uint64_t seen; /* records of the topic */
    int64_t began_ns;
    int64_t ended_ns;
    struct histogram delays; /* microseconds from an event's stamp to its reader */
    struct transfer transfers[BURST_MAX];
    struct transfer_result results[BURST_MAX];
    struct kafka_reader_record records[KAFKA_READER_RECORDS_MAX];
    struct error error;
};

static int64_t now_ns(void)
{
    return clock_monotonic(system_clock()).ns;
}

/* ---- The load ---- */

static enum status burst_make(struct bench *bench, uint64_t first, uint32_t count)
{
    const struct account_id *ids = (const struct account_id *)(const void *)bench->ids.data;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = first + i;
        bench->transfers[i] = (struct transfer){
            .id = { lane_new_id(bench->host.lane) },
            .debit = ids[number % ACCOUNTS],
            .credit = ids[(number * 7 + 1) % ACCOUNTS],
            .kind = TRANSFER_DIRECT,
            .asset = asset_iso_by_code(STR("EUR"))->id,
            .amount = money_from_minor(number % 1000 + 1),
        };
        if (uuid_equal(bench->transfers[i].debit.value, bench->transfers[i].credit.value))
            bench->transfers[i].credit = ids[(number + 1) % ACCOUNTS];
    }
    struct request request = {
        .kind = REQUEST_TRANSFERS,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->host.lane),
        .count = count,
        .transfers = bench->transfers,
        .transfer_results = bench->results,
    };
    return lane_run(bench->host.lane, &request);
}

static void load_body(void *argument)
{
    struct bench *bench = argument;
    uint64_t size = bench->rate == 0 ? BURST_MAX : bench->rate / TICKS;
    int64_t begun_ns = now_ns();
    enum status status = STATUS_OK;
    for (uint64_t made = 0; made < bench->events && status == STATUS_OK;) {
        uint64_t left = bench->events - made;
        uint32_t count = (uint32_t)(left < size ? left : size);
        status = burst_make(bench, made, count);
        made += count;
        if (bench->rate == 0) continue;
        int64_t due_ns = begun_ns + (int64_t)(made * 1000000 / bench->rate) * NS_PER_US;
        if (due_ns > now_ns()) pause_ms((uint32_t)((due_ns - now_ns()) / NS_PER_MS));
    }
    bench->load_status = status;
}

/* ---- The reader ---- */

static enum status read_until(struct bench *bench, uint64_t wanted, bool measured)
{
    int64_t last_ns = now_ns();
    while (bench->seen < wanted) {
        uint32_t count = 0;
        enum status status = kafka_reader_take(bench->reader, KAFKA_READER_RECORDS_MAX, WAIT_MS,
                                               bench->records, &count, &bench->error);
        if (status != STATUS_OK) return status;
        int64_t wall_ms = clock_wall(system_clock()).ns / NS_PER_MS;
        for (uint32_t i = 0; i < count; i++) {
            if (bench->records[i].end) continue;
            bench->seen++;
            last_ns = now_ns();
            int64_t delay_ms = wall_ms - bench->records[i].time_ms;
            if (measured)
                histogram_add(&bench->delays, (uint64_t)(delay_ms < 0 ? 0 : delay_ms) * 1000);
        }
        if (now_ns() - last_ns > PATIENCE_S * NS_PER_S)
            return error_set(&bench->error, STATUS_TIMEOUT, "no event comes any more");
    }
    return STATUS_OK;
}

/* ---- The whole ---- */

static enum status ledger_make(struct bench *bench)
{
    enum status status = stage_open("bench-kafka", false, NULL, &bench->stage, &bench->error);
    if (status != STATUS_OK) return status;
    const char *folder = buf_terminated(&bench->stage.data);
    struct session session;
    const struct session_options options = { .folder = folder };
    status = session_open(&options, &session, &bench->error);
    if (status != STATUS_OK) return status;
    status = bench_accounts_make(&session, ACCOUNTS, &bench->ids, &bench->error);
    session_close(&session);
    if (status == STATUS_OK) status = serve_bus_open(bench->invocation, &bench->bus, &bench->error);
    const struct host_options host = { .folder = folder, .bus = &bench->bus };
    return status == STATUS_OK ? host_open(&host, &bench->host, &bench->error) : status;
}

static enum status reader_open(struct bench *bench, const char *topic,
                               struct kafka_reader **out_reader)
{
    const struct invocation *invocation = bench->invocation;
    const struct kafka_reader_options options = {
        .kafka = { invocation_text(invocation, "kafka"),
                   invocation_text(invocation, "kafka-settings") },
        .topic = topic,
    };
    return kafka_reader_open(&options, out_reader, &bench->error);
}

/* A topic that is there has had no record, ever: old ones would be counted as this run's. */
static enum status unused_verify(struct bench *bench, const char *topic)
{
    struct kafka_reader *reader = NULL;
    int32_t count = 0;
    enum status status = reader_open(bench, topic, &reader);
    if (status == STATUS_OK) status = kafka_reader_partitions(reader, &count, &bench->error);
    bool absent = status == STATUS_NOT_FOUND;
    for (int32_t i = 0; status == STATUS_OK && i < count; i++) {
        int64_t first = 0;
        int64_t end = 0;
        status = kafka_reader_bounds(reader, i, &first, &end, &bench->error);
        if (status != STATUS_OK || end == 0) continue;
        status = error_set(&bench->error, STATUS_CONFLICT,
                           "'%s' was used before: its partition %d has had %lld records", topic, i,
                           (long long)end);
        error_hint(&bench->error, "a new one each time: --kafka-topic NAME");
    }
    kafka_reader_close(reader);
    return absent ? STATUS_OK : status;
}

static enum status topics_verify(struct bench *bench)
{
    const char *topic = invocation_text(bench->invocation, "kafka-topic");
    BUF_SCOPE struct buf marks;
    buf_init(&marks, KAFKA_TOPIC_SIZE + 16);
    buf_append_format(&marks, "%s.positions", topic);
    if (!kafka_topic_valid(topic) || buf_status(&marks) != STATUS_OK)
        return error_set(&bench->error, STATUS_INVALID, "'%s' is no name for a topic", topic);
    enum status status = unused_verify(bench, topic);
    return status == STATUS_OK ? unused_verify(bench, buf_terminated(&marks)) : status;
}

static enum status bench_make(struct bench *bench)
{
    enum status status = ledger_make(bench);
    if (status == STATUS_OK)
        status =
            reader_open(bench, invocation_text(bench->invocation, "kafka-topic"), &bench->reader);
    if (status == STATUS_OK) status = read_until(bench, ACCOUNTS, false);
    if (status != STATUS_OK) return status;
    bench->began_ns = now_ns();
    struct sync *sync = thread_sync();
    status = sync->spawn(sync, "load", load_body, bench, &bench->load);
    if (status != STATUS_OK) return error_set(&bench->error, status, "no task can be started");
    status = read_until(bench, ACCOUNTS + bench->events, true);
    bench->ended_ns = now_ns();
    sync->join(bench->load);
    if (status == STATUS_OK && bench->load_status != STATUS_OK)
        status = error_set(&bench->error, bench->load_status, "the ledger refuses the load");
    return status;
}

static int told(struct bench *bench)
{
    uint64_t elapsed_ms = (uint64_t)(bench->ended_ns - bench->began_ns) / (uint64_t)NS_PER_MS;
    uint64_t per_s = bench->events * 1000 / (elapsed_ms == 0 ? 1 : elapsed_ms);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        { "events", bench->events },
        { "elapsed_ms", elapsed_ms },
        { "events_per_s", per_s },
        { "delay_p50_ms", histogram_quantile(&bench->delays, 500) / 1000 },
        { "delay_p99_ms", histogram_quantile(&bench->delays, 990) / 1000 },
        { "delay_max_ms", bench->delays.max / 1000 },
    };
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    struct json_writer writer;
    if (bench->invocation->json) {
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!bench->invocation->json) {
            buf_append_format(&out, "%-14s %llu\n", rows[i].name,
                              (unsigned long long)rows[i].value);
            continue;
        }
        json_write_key(&writer, str_from(rows[i].name));
        json_write_uint64(&writer, rows[i].value);
    }
    if (bench->invocation->json) {
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    }
    return report_text(bench->invocation, buf_view(&out));
}

static enum status options_read(struct bench *bench)
{
    const struct invocation *invocation = bench->invocation;
    enum status status = invocation_number(
        invocation, "events", (struct number_range){ 1, 100000000 }, &bench->events, &bench->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "rate",
                                   (struct number_range){ 0, (uint64_t)BURST_MAX * TICKS },
                                   &bench->rate, &bench->error);
    if (status != STATUS_OK || bench->rate == 0 || bench->rate >= TICKS) return status;
    return error_set(&bench->error, STATUS_INVALID, "--rate is 0, or %d and more", TICKS);
}

static int bench_kafka_run(struct invocation *invocation)
{
    struct bench *bench = reserve_new(sizeof *bench);
    CHECK(bench != NULL);
    bench->invocation = invocation;
    buf_init(&bench->ids, ACCOUNTS * sizeof(struct account_id));
    enum status status = options_read(bench);
    if (status == STATUS_OK) status = topics_verify(bench);
    bool staged = status == STATUS_OK;
    if (staged) status = bench_make(bench);
    int code = status == STATUS_OK ? told(bench) : report_error(invocation, &bench->error);
    kafka_reader_close(bench->reader);
    if (staged) {
        host_close(&bench->host);
        serve_bus_close(&bench->bus);
        stage_close(&bench->stage);
    }
    buf_free(&bench->ids);
    reserve_free(bench, sizeof *bench);
    return code;
}

static const struct option options[] = {
    { "kafka", "BROKERS", "HOST:PORT, or several with commas between", "127.0.0.1:9092" },
    { "kafka-topic", "NAME", "a new one each time", "tpwallet.bench" },
    { "kafka-partitions", "COUNT", "of topics that have to be made", "1" },
    { "kafka-settings", "FILE", "librdkafka's properties; for its owner alone (600)", NULL },
    { "events", "N", "how many transfers, each an event", "500k" },
    { "rate", "N", "in a second; 0: as fast as it can", "0" },
    { 0 },
};

const struct command command_bench_kafka = {
    .name = "bench kafka",
    .summary = "measure events from the ledger to a reader of Kafka: how many, and how late",
    .details =
        "Makes a ledger in a folder under $TMPDIR, publishes on a topic that must be new (one that "
        "has had records is refused), and reads it, committed events only, all in this process. A delay is from the stamp "
        "of an event's batch to the moment its reader has it.",
    .options = options,
    .examples = "bench kafka --kafka 127.0.0.1:9092 --kafka-topic bench.1\n"
                "bench kafka --kafka-topic bench.2 --rate 25k --events 500k --json",
    .run = bench_kafka_run,
};
