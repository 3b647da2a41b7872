/* A day of payments through a sandbox with faults on; then both books are compared. */
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/demo.h"
#include "cmd/demo_books.h"
#include "cmd/demo_sandbox.h"
#include "cmd/pause.h"

enum { TEXT_SIZE_MAX = 16 << 10, REST_MS_MAX = 240000, POLL_MS = 50, WEBHOOK_MS = 5500 };

struct part {
    struct demo *demo;
    struct demo_sandbox sandbox;
    struct demo_caller caller;
    struct demo_day day;
    struct uuid broken; /* the payment whose reply and webhook are lost */
    int64_t heard_ns;   /* by then the PSP had been heard of everything */
};

static uint64_t ms_since(int64_t from_ns)
{
    return (uint64_t)((clock_monotonic(system_clock()).ns - from_ns) / NS_PER_MS);
}

/* ---- The sandbox, and what is to go wrong ---- */

struct fault {
    const char *name;
    uint64_t per_mille;
    uint64_t ms;
};

static const struct fault faults[] = {
    { "slow", 40, 150 },        { "timeout_before", 30, 400 }, { "timeout_after", 30, 400 },
    { "close_before", 20, 0 },  { "close_after", 20, 0 },      { "error_before", 30, 0 },
    { "error_after", 30, 0 },   { "throttle", 15, 0 },         { "garbage", 15, 0 },
    { "webhook_lost", 100, 0 },
};

static void fault_write(struct json_writer *json, const struct fault *fault, struct str reference)
{
    json_write_object_begin(json);
    json_write_key(json, STR("fault"));
    json_write_string(json, str_from(fault->name));
    json_write_key(json, STR("per_mille"));
    json_write_uint64(json, fault->per_mille);
    json_write_key(json, STR("ms"));
    json_write_uint64(json, fault->ms);
    if (reference.len > 0) {
        json_write_key(json, STR("reference"));
        json_write_string(json, reference);
    }
    json_write_object_end(json);
}

/* For all at their rates, and for the one that is to break for certain. */
static enum status faults_set(struct part *part)
{
    static const struct fault certain[] = { { "timeout_after", 1000, 1200 },
                                            { "webhook_lost", 1000, 0 } };
    char key[PSP_KEY_SIZE];
    struct str reference = psp_key((struct payment_id){ part->broken }, 1, key);
    BUF_SCOPE struct buf body;
    BUF_SCOPE struct buf answer;
    struct json_writer json;
    buf_init(&body, TEXT_SIZE_MAX);
    buf_init(&answer, TEXT_SIZE_MAX);
    json_writer_init(&json, &body);
    json_write_object_begin(&json);
    json_write_key(&json, STR("seed"));
    json_write_uint64(&json, part->demo->seed);
    json_write_key(&json, STR("faults"));
    json_write_array_begin(&json);
    for (size_t i = 0; i < sizeof certain / sizeof certain[0]; i++)
        fault_write(&json, &certain[i], reference);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        fault_write(&json, &faults[i], STR(""));
    json_write_array_end(&json);
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    const struct demo_sandbox_call call = { STR("PUT"), "/faults", buf_view(&body) };
    return demo_sandbox_ask(&part->sandbox, &call, &answer, &part->demo->error);
}

/* Each start has a port of its own, so the sandbox is told where its webhooks go. */
static enum status serve(struct part *part)
{
    struct demo *demo = part->demo;
    struct demo_sandbox *sandbox = &part->sandbox;
    const char *const options[] = {
        "--plain",
        "--anonymous",
        "--psp",
        buf_terminated(&sandbox->psp),
        "--psp-keys",
        buf_terminated(&sandbox->keys_path),
        "--psp-private",
        "--webhook-in",
        buf_terminated(&sandbox->hook),
        NULL,
    };
    enum status status = stage_serve(&demo->stage, options, &demo->error);
    if (status != STATUS_OK) return status;
    return demo_sandbox_tell(sandbox, buf_terminated(&demo->stage.address), &demo->error);
}

static struct uuid id_make(void)
{
    uint64_t random[2];
    entropy_fill(system_entropy(), random, sizeof random);
    return uuid_v7((uint64_t)(clock_wall(system_clock()).ns / NS_PER_MS), random);
}

static enum status part_begin(struct part *part)
{
    static const char *const options[] = { "--pending-ms", "700", NULL };
    struct demo *demo = part->demo;
    (void)fprintf(demo->out,
                  "\nA day of payments. A PSP and bank of its own process, with books of its own; "
                  "of a thousand calls:\n\n  ");
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        (void)fprintf(demo->out, " %s=%llu", faults[i].name,
                      (unsigned long long)faults[i].per_mille);
    part->broken = id_make();
    enum status status = demo_sandbox_open(&demo->stage, options, &part->sandbox, &demo->error);
    if (status == STATUS_OK) status = faults_set(part);
    if (status == STATUS_OK) status = serve(part);
    if (status == STATUS_OK)
        status = demo_caller_open(buf_terminated(&demo->stage.data), &demo->error, &part->caller);
    if (status != STATUS_OK) return status;
    (void)fprintf(demo->out, "\n\n");
    demo_day_init(&part->day, &part->caller, demo->seed);
    return demo_day_prepare(&part->day);
}

/* ---- The day ---- */

static enum status open_count(struct part *part, struct demo_open *out_open)
{
    return demo_books_open(&part->caller, out_open);
}

static enum status kill_in_the_middle(struct part *part)
{
    struct demo *demo = part->demo;
    struct demo_open open;
    enum status status = open_count(part, &open);
    if (status != STATUS_OK) return status;
    demo->payments_in_flight = open.waiting;
    stage_kill(&demo->stage);
    status = serve(part);
    if (status != STATUS_OK) return status;
    (void)fprintf(demo->out,
                  "   kill -9 of the server with %llu payments under way; it is back after %llu "
                  "ms\n",
                  (unsigned long long)open.waiting,
                  (unsigned long long)(demo->stage.start_ns / (uint64_t)NS_PER_MS));
    return STATUS_OK;
}

static enum status day_run(struct part *part)
{
    struct demo *demo = part->demo;
    struct demo_day *day = &part->day;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && day->count < demo->payments) {
        status = demo_day_next(day);
        bool middle = day->count == demo->payments / 2;
        if (status == STATUS_OK && middle) status = kill_in_the_middle(part);
    }
    if (status == STATUS_OK) status = demo_day_end(day);
    if (status == STATUS_OK) status = demo_day_pay_in(day, part->broken, "card_ok");
    return status;
}

/* Until nothing waits for anything but a person. */
static enum status rest_wait(struct part *part)
{
    struct demo *demo = part->demo;
    int64_t from = clock_monotonic(system_clock()).ns;
    struct demo_open open = { .waiting = 1 };
    while (open.waiting > 0) {
        enum status status = open_count(part, &open);
        if (status != STATUS_OK) return status;
        if (ms_since(from) > REST_MS_MAX)
            return error_set(&demo->error, STATUS_CORRUPT,
                             "%llu payments have not come to rest in a minute",
                             (unsigned long long)open.waiting);
        pause_ms(POLL_MS);
    }
    demo->payments_manual = open.manual;
    (void)fprintf(demo->out,
                  "   all %u are at rest %llu ms after the last one was made; %llu wait for a "
                  "person\n\n",
                  part->day.count, (unsigned long long)ms_since(from),
                  (unsigned long long)open.manual);
    part->heard_ns = clock_monotonic(system_clock()).ns;
    return STATUS_OK;
}

static enum status broken_tell(struct part *part)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(part->broken, id);
    const char *const words[] = { "story", id, NULL };
    uint64_t age_ms = ms_since(part->heard_ns);
    if (age_ms < WEBHOOK_MS) pause_ms((uint32_t)(WEBHOOK_MS - age_ms)); /* until it is due */
    (void)fprintf(
        part->demo->out,
        "\nOne of them: the answer to its charge was lost, and its webhook never came:\n\n");
    return demo_run(part->demo, words);
}

static enum status part_run(struct part *part)
{
    enum status status = part_begin(part);
    if (status == STATUS_OK) status = day_run(part);
    if (status == STATUS_OK) status = rest_wait(part);
    if (status == STATUS_OK) status = demo_books_table(part->demo, &part->day);
    if (status == STATUS_OK) status = demo_books_settle(part->demo, &part->sandbox);
    if (status == STATUS_OK) status = demo_books_compare(part->demo, &part->caller, &part->sandbox);
    if (status == STATUS_OK) status = broken_tell(part);
    if (status == STATUS_OK) status = demo_receipt(part->demo, &part->caller, part->broken);
    return status;
}

enum status demo_payments(struct demo *demo)
{
    int64_t from = clock_monotonic(system_clock()).ns;
    BUF_SCOPE struct buf memory; /* more than a stack should hold */
    buf_init(&memory, sizeof(struct part));
    struct part *part = buf_extend(&memory, sizeof *part);
    if (part == NULL) return error_set(&demo->error, STATUS_LIMIT, "no memory");
    *part = (struct part){ .demo = demo };
    enum status status = part_run(part);
    demo->payments_made = part->day.count;
    demo->wallet = part->day.wallets[0];
    demo->payments_ms = ms_since(from);
    demo_caller_close(&part->caller);
    demo_sandbox_close(&part->sandbox);
    return status;
}
