/* tpwallet bench webhook: how many webhooks one core verifies and signs. */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/report.h"
#include "webhook/signature.h"

enum { HEADERS = 12, ROUND = 64, NAMES = 4, BODY_BYTE = 'x' };

/* A provider's webhook as it comes in: signature headers behind those of HTTP. */
struct load {
    struct webhook_policy policy;
    struct signing_key key;
    struct signing_key *keys[1];
    struct webhook_header headers[HEADERS];
    struct buf signature;
    struct buf body;
    struct webhook_scratch scratch;
    uint64_t timestamp_s;
    char timestamp[24];
};

struct figure {
    struct str name;
    uint64_t per_core; /* in a second of CPU time */
    uint64_t per_second;
};

static uint64_t cpu_ns(void)
{
    struct rusage usage;
    int failed = getrusage(RUSAGE_SELF, &usage);
    CHECK(failed == 0);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * UINT64_C(1000000000) +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void load_sign(struct load *load)
{
    const struct webhook_signing signing = {
        .policy = &load->policy,
        .keys = load->keys,
        .key_count = 1,
        .id = STR("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
        .timestamp_s = load->timestamp_s,
        .body = buf_view(&load->body),
        .scratch = &load->scratch.message,
    };
    buf_reset(&load->signature);
    webhook_sign(&signing, &load->signature);
}

static bool load_verify(struct load *load)
{
    const struct webhook_check check = { .policy = &load->policy,
                                         .keys = load->keys,
                                         .key_count = 1,
                                         .now = { (int64_t)load->timestamp_s * NS_PER_S },
                                         .scratch = &load->scratch };
    const struct webhook_message message = { load->headers, HEADERS, buf_view(&load->body) };
    struct webhook_verdict verdict;
    return webhook_verify(&check, &message, &verdict);
}

static void load_open(struct load *load, bool ed25519, uint64_t size)
{
    uint8_t bytes[ED25519_SEED_SIZE];
    memset(load, 0, sizeof *load);
    load->policy = (struct webhook_policy){ .scheme = WEBHOOK_STANDARD, .tolerance_s = 300 };
    entropy_fill(system_entropy(), bytes, sizeof bytes);
    enum status status = STATUS_OK;
    if (ed25519) {
        char text[5 + BASE64_TEXT_SIZE(ED25519_SEED_SIZE)] = "whsk_";
        struct str digits = base64_format(bytes, sizeof bytes, text + 5);
        status = signing_key_parse((struct str){ text, 5 + digits.len }, &load->key);
    } else {
        status = signing_key_take(bytes, sizeof bytes, &load->key);
    }
    CHECK(status == STATUS_OK);
    load->keys[0] = &load->key;
    buf_init(&load->signature, 4096);
    buf_init(&load->body, WEBHOOK_BODY_SIZE_MAX);
    buf_init(&load->scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&load->scratch.form, WEBHOOK_SCRATCH_SIZE);
    void *body = buf_extend(&load->body, size);
    CHECK(body != NULL);
    memset(body, BODY_BYTE, size);
    load->timestamp_s = (uint64_t)(clock_wall(system_clock()).ns / NS_PER_S);
    struct buf text;
    buf_init(&text, sizeof load->timestamp);
    buf_append_format(&text, "%" PRIu64, load->timestamp_s);
    memcpy(load->timestamp, text.data, text.len);
    buf_free(&text);
    load_sign(load);
    for (uint32_t i = 0; i < HEADERS - 3; i++) {
        load->headers[i] = (struct webhook_header){ STR("X-Some-Header"), STR("value") };
    }
    load->headers[HEADERS - 3] =
        (struct webhook_header){ STR("Webhook-Id"), STR("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W") };
    load->headers[HEADERS - 2] =
        (struct webhook_header){ STR("Webhook-Timestamp"), str_from(load->timestamp) };
    load->headers[HEADERS - 1] =
        (struct webhook_header){ STR("Webhook-Signature"), buf_view(&load->signature) };
}

static void load_close(struct load *load)
{
    signing_key_done(&load->key);
    buf_free(&load->signature);
    buf_free(&load->body);
    buf_free(&load->scratch.message);
    buf_free(&load->scratch.form);
}

/* Rounds of one kind until the time is over. */
static struct figure measure(struct load *load, struct str name, bool sign, uint64_t seconds)
{
    struct clock *clock = system_clock();
    int64_t start = clock_monotonic(clock).ns;
    int64_t now = start;
    uint64_t cpu_start = cpu_ns();
    uint64_t done = 0;
    while (now - start < (int64_t)seconds * NS_PER_S) {
        for (uint32_t i = 0; i < ROUND; i++) {
            bool verified = true;
            if (sign) {
                load_sign(load);
            } else {
                verified = load_verify(load);
            }
            CHECK(verified);
        }
        done += ROUND;
        now = clock_monotonic(clock).ns;
    }
    uint64_t cpu_us = (cpu_ns() - cpu_start) / 1000 + 1;
    uint64_t time_us = (uint64_t)(now - start) / 1000 + 1;
    return (struct figure){ name, done * 1000000 / cpu_us, done * 1000000 / time_us };
}

static int show(const struct invocation *invocation, const struct figure figures[NAMES])
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    if (!invocation->json) {
        for (uint32_t i = 0; i < NAMES; i++) {
            buf_append_format(
                &out, "%-16.*s %8" PRIu64 " a second of CPU, %8" PRIu64 " a second of time\n",
                STR_ARG(figures[i].name), figures[i].per_core, figures[i].per_second);
        }
        return report_text(invocation, buf_view(&out));
    }
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    for (uint32_t i = 0; i < NAMES; i++) {
        json_write_key(&writer, figures[i].name);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("per_cpu_second"));
        json_write_uint64(&writer, figures[i].per_core);
        json_write_key(&writer, STR("per_second"));
        json_write_uint64(&writer, figures[i].per_second);
        json_write_object_end(&writer);
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(&out, '\n');
    return report_text(invocation, buf_view(&out));
}

static int bench_run(struct invocation *invocation)
{
    struct error error = { 0 };
    uint64_t size = 0;
    uint64_t seconds = 0;
    enum status status = invocation_number(
        invocation, "size", (struct number_range){ 1, WEBHOOK_BODY_SIZE_MAX }, &size, &error);
    if (status == STATUS_OK) {
        status = invocation_number(invocation, "seconds", (struct number_range){ 1, 600 }, &seconds,
                                   &error);
    }
    if (status != STATUS_OK) return report_error(invocation, &error);
    struct figure figures[NAMES];
    struct load load;
    load_open(&load, false, size);
    figures[0] = measure(&load, STR("hmac_verify"), false, seconds);
    figures[1] = measure(&load, STR("hmac_sign"), true, seconds);
    load_close(&load);
    load_open(&load, true, size);
    figures[2] = measure(&load, STR("ed25519_verify"), false, seconds);
    figures[3] = measure(&load, STR("ed25519_sign"), true, seconds);
    load_close(&load);
    return show(invocation, figures);
}

static const struct option bench_options_table[] = {
    { "size", "BYTES", "of the body", "1024" },
    { "seconds", "N", "how long each of the four is measured", "2" },
    { 0 },
};

const struct command command_bench_webhook = {
    .name = "bench webhook",
    .summary = "measure how many webhooks one core verifies and signs",
    .details = "One thread, whole webhooks of Standard Webhooks with their headers: v1\n"
               "(HMAC-SHA-256) and v1a (Ed25519). CPU time is that of the process, so that the\n"
               "figure per core is good on a busy machine too.",
    .options = bench_options_table,
    .examples = "bench webhook\nbench webhook --size 16k --json",
    .run = bench_run,
};
