/* tpwallet webhook sign, webhook verify: a webhook looked at by hand, without a ledger. */
#include <inttypes.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/report.h"
#include "cmd/webhook_files.h"

/* --at in seconds, or now. */
static enum status time_of(const struct invocation *invocation, struct wall_time *out_now,
                           struct error *out_error)
{
    struct wall_time now = clock_wall(system_clock());
    uint64_t seconds = (uint64_t)(now.ns / NS_PER_S);
    enum status status = invocation_number(
        invocation, "at", (struct number_range){ 1, INT64_MAX / NS_PER_S }, &seconds, out_error);
    if (status == STATUS_OK) out_now->ns = (int64_t)seconds * NS_PER_S;
    return status;
}

static void verdict_json(const struct webhook_verdict *verdict, struct str sentence,
                         struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("verified"));
    json_write_bool(&writer, verdict->reason == WEBHOOK_REASON_VERIFIED);
    json_write_key(&writer, STR("reason"));
    json_write_string(&writer, str_from(webhook_reason_code((enum webhook_reason)verdict->reason)));
    json_write_key(&writer, STR("message"));
    json_write_string(&writer, sentence);
    if (verdict->key != NULL) {
        json_write_key(&writer, STR("secret"));
        json_write_string(&writer, str_from(verdict->key->name));
        json_write_key(&writer, STR("body_form"));
        json_write_string(&writer, str_from(body_form_code((enum body_form)verdict->form)));
    }
    if (verdict->timed) {
        json_write_key(&writer, STR("timestamp"));
        json_write_uint64(&writer, verdict->timestamp_s);
        json_write_key(&writer, STR("ahead_s"));
        json_write_int64(&writer, verdict->ahead_s);
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(out, '\n');
}

static int verdict_show(const struct invocation *invocation, const struct webhook_verdict *verdict)
{
    BUF_SCOPE struct buf sentence;
    BUF_SCOPE struct buf out;
    buf_init(&sentence, 4096);
    buf_init(&out, 8192);
    webhook_verdict_write(verdict, &sentence);
    if (invocation->json) {
        verdict_json(verdict, buf_view(&sentence), &out);
    } else {
        buf_append_format(&out, "%s: ", webhook_reason_code((enum webhook_reason)verdict->reason));
        buf_append_str(&out, buf_view(&sentence));
        buf_append_byte(&out, '\n');
    }
    return report_text(invocation, buf_view(&out));
}

static int verify_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct webhook_files files;
    struct wall_time now = { 0 };
    enum status status = webhook_files_read(invocation, true, &files, &error);
    if (status == STATUS_OK) status = time_of(invocation, &now, &error);
    int code = 0;
    if (status == STATUS_OK) {
        const struct webhook_check check = { .policy = &files.policy,
                                             .keys = files.list,
                                             .key_count = files.secrets.count,
                                             .now = now,
                                             .diagnose = true,
                                             .scratch = &files.scratch };
        const struct webhook_message message = { files.headers, files.header_count,
                                                 buf_view(&files.body) };
        struct webhook_verdict verdict;
        bool verified = webhook_verify(&check, &message, &verdict);
        code = verdict_show(invocation, &verdict);
        if (code == EXIT_CODE_DONE && !verified) code = EXIT_CODE_REFUSED;
    } else {
        code = report_error(invocation, &error);
    }
    webhook_files_done(&files);
    return code;
}

static enum status keys_can_sign(const struct webhook_files *files, struct error *out_error)
{
    for (uint32_t i = 0; i < files->secrets.count; i++) {
        if (files->secrets.keys[i].kind != SIGNING_KEY_ED25519_PUBLIC) continue;
        return error_set(out_error, STATUS_INVALID, "%s is a public key: it cannot sign",
                         files->secrets.keys[i].name);
    }
    return STATUS_OK;
}

static void headers_write(const struct webhook_signing *signing, struct buf *out)
{
    const struct webhook_policy *policy = signing->policy;
    if (policy->scheme == WEBHOOK_STANDARD) {
        buf_append_format(out, "webhook-id: %.*s\n", STR_ARG(signing->id));
        buf_append_format(out, "webhook-timestamp: %" PRIu64 "\n", signing->timestamp_s);
        buf_append_str(out, STR("webhook-signature: "));
    } else if (policy->scheme == WEBHOOK_STRIPE) {
        buf_append_str(out, STR("Stripe-Signature: "));
    } else {
        if (*policy->timestamp_header != 0)
            buf_append_format(out, "%s: %" PRIu64 "\n", policy->timestamp_header,
                              signing->timestamp_s);
        buf_append_format(out, "%s: ", policy->signature_header);
    }
    webhook_sign(signing, out);
    buf_append_byte(out, '\n');
}

static int sign_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct webhook_files files;
    struct wall_time now = { 0 };
    enum status status = webhook_files_read(invocation, false, &files, &error);
    if (status == STATUS_OK) status = time_of(invocation, &now, &error);
    if (status == STATUS_OK) status = keys_can_sign(&files, &error);
    struct str id = str_from(invocation_text(invocation, "id"));
    if (status == STATUS_OK && !webhook_id_valid(id)) {
        status = error_set(&error, STATUS_INVALID,
                           "--id is printable ASCII without spaces and '.', up to %d characters",
                           WEBHOOK_ID_LEN_MAX);
    }
    int code = 0;
    if (status == STATUS_OK) {
        const struct webhook_signing signing = { .policy = &files.policy,
                                                 .keys = files.list,
                                                 .key_count = files.secrets.count,
                                                 .id = id,
                                                 .timestamp_s = (uint64_t)(now.ns / NS_PER_S),
                                                 .body = buf_view(&files.body),
                                                 .scratch = &files.scratch.message };
        BUF_SCOPE struct buf out;
        buf_init(&out, 8192);
        headers_write(&signing, &out);
        code = report_text(invocation, buf_view(&out));
    } else {
        code = report_error(invocation, &error);
    }
    webhook_files_done(&files);
    return code;
}

static const struct positional body_positional[] = {
    { "BODY", "the file with the body, byte for byte", false },
    { 0 },
};

static const struct option sign_options[] = {
    { "secrets", "FILE", "lines of NAME SECRET [FROM [UNTIL]]; times in RFC 3339, or -", NULL },
    { "scheme", "WORD", "standard (Standard Webhooks), stripe, or plain (one HMAC)", "standard" },
    { "id", "ID", "the webhook's id", "msg_1" },
    { "at", "SECONDS", "the time since 1970, in seconds; without it: now", NULL },
    { "header", "NAME", "plain: the header of the signature", NULL },
    { "prefix", "TEXT", "plain: what stands before the signature, as \"sha256=\"", NULL },
    { "timestamp-header", "NAME", "plain: the header of the time, which is then signed too", NULL },
    { "base64", NULL, "plain: the signature is base64, not hex", NULL },
    { "tolerance", "SECONDS", "not used for signing", "300" },
    { 0 },
};

const struct command command_webhook_sign = {
    .name = "webhook sign",
    .summary = "print the headers that a webhook with this body is sent with",
    .details = "Needs no data folder. With several secrets, all of them sign, as at rotation.",
    .positionals = body_positional,
    .options = sign_options,
    .examples = "webhook sign body.json --secrets secrets.txt --id msg_1",
    .run = sign_run,
};

static const struct option verify_options[] = {
    { "secrets", "FILE", "lines of NAME SECRET [FROM [UNTIL]]; times in RFC 3339, or -", NULL },
    { "headers", "FILE", "lines of Name: value", NULL },
    { "scheme", "WORD", "standard (Standard Webhooks), stripe, or plain (one HMAC)", "standard" },
    { "at", "SECONDS", "when it came, in seconds since 1970; without it: now", NULL },
    { "tolerance", "SECONDS", "how far its time may be off; 0: do not look", "300" },
    { "header", "NAME", "plain: the header of the signature", NULL },
    { "prefix", "TEXT", "plain: what stands before the signature, as \"sha256=\"", NULL },
    { "timestamp-header", "NAME", "plain: the header of the time, which is then signed too", NULL },
    { "base64", NULL, "plain: the signature is base64, not hex", NULL },
    { 0 },
};

const struct command command_webhook_verify = {
    .name = "webhook verify",
    .summary = "tell whether a webhook is genuine, and if not, why",
    .details =
        "Needs no data folder. The reason names the cause: which secret would have verified,\n"
        "which form of the body (serialised again, a line end too many), how far the clock\n"
        "is off. Secrets whose time is over are worth listing: they explain old webhooks.",
    .positionals = body_positional,
    .options = verify_options,
    .examples = "webhook verify body.json --secrets secrets.txt --headers headers.txt",
    .run = verify_run,
};
