/* Webhooks as evidence: captured requests, in and out, and our own inbox. */
#include <string.h>

#include "adapter/sqlite_inbox_look.h"
#include "base/check.h"
#include "cmd/doctor_collectors.h"
#include "cmd/file_bytes.h"
#include "cmd/file_lines.h"
#include "cmd/webhook_files.h"
#include "doctor/webhook_capture.h"

enum { TREE_FACTOR = 25 };

struct webhooks {
    struct doctor_file file;
    const char *direction;
    struct webhook_judge judge;
    struct webhook_secrets secrets;
    struct value_map map;
    struct arena bytes; /* of a line's body */
    struct arena tree;  /* of the body's members */
};

static enum status capture_write(struct webhooks *all, const struct webhook_capture *capture)
{
    const struct webhook_writing writing = {
        .judge = &all->judge,
        .map = &all->map,
        .arena = &all->tree,
        .out = &all->file.line,
        .masked = &all->file.masked,
    };
    bool written = webhook_capture_write(capture, &writing);
    all->file.rejected += !written;
    return doctor_file_rows(&all->file, written);
}

static enum status line_take(void *owner, const struct json_node *line)
{
    struct webhooks *all = owner;
    struct webhook_capture capture;
    const char *reason;
    arena_reset(&all->bytes);
    if (webhook_capture_read(line, all->direction, &all->bytes, &capture, &reason))
        return capture_write(all, &capture);
    all->file.rejected++;
    return STATUS_OK;
}

/* "name: value" a line, as the inbox keeps them. */
static void headers_take(struct str text, struct webhook_capture *capture)
{
    struct str line;
    while (capture->header_count < WEBHOOK_HEADERS_MAX && str_take_line(&text, &line)) {
        const char *colon = memchr(line.data, ':', line.len);
        if (colon == NULL) continue;
        size_t len = (size_t)(colon - line.data);
        struct str value = { colon + 1, line.len - len - 1 };
        while (value.len > 0 && value.data[0] == ' ')
            value = (struct str){ value.data + 1, value.len - 1 };
        capture->headers[capture->header_count++] =
            (struct webhook_header){ { line.data, len }, value };
    }
}

static enum status inbox_take(void *owner, const struct inbox_webhook *webhook)
{
    struct webhooks *all = owner;
    struct webhook_capture capture = {
        .at = webhook->received_at,
        .direction = "in",
        .verified = true, /* nothing else is stored */
        .processed = webhook->mark == INBOX_MARK_DONE,
        .connector = str_from(webhook->endpoint),
        .body = webhook->body,
    };
    headers_take(webhook->headers, &capture);
    return capture_write(all, &capture);
}

/* ---- what is needed beside the file ---- */

/* SCHEME:FILE */
static enum status secrets_read(struct webhooks *all, const char *text)
{
    struct error *error = &all->file.bundle->error;
    const char *colon = strchr(text, ':');
    if (colon == NULL) return error_set(error, STATUS_INVALID, "--webhook-secrets is SCHEME:FILE");
    struct str scheme = { text, (size_t)(colon - text) };
    enum status status = webhook_policy_read(scheme, &all->judge.policy, error);
    if (status == STATUS_OK)
        status = webhook_secrets_read(colon + 1, all->judge.policy.scheme, &all->secrets, error);
    for (uint32_t i = 0; status == STATUS_OK && i < all->secrets.count; i++)
        all->judge.keys[all->judge.key_count++] = &all->secrets.keys[i];
    return status;
}

static enum status map_read(struct webhooks *all, const char *path)
{
    struct error *error = &all->file.bundle->error;
    BUF_SCOPE struct buf text;
    buf_init(&text, VALUE_MAP_SIZE_MAX);
    enum status status = path == NULL ? STATUS_OK : file_bytes_read(path, &text, error);
    if (status == STATUS_OK) status = value_map_parse(&all->map, "webhook", buf_view(&text), error);
    if (status != STATUS_OK) return status;
    return value_map_parse(&all->map, "webhook", str_from(webhook_capture_paths), error);
}

static enum status webhooks_open(struct webhooks *all, const struct invocation *invocation)
{
    struct error *error = &all->file.bundle->error;
    const char *secrets = invocation_text(invocation, "webhook-secrets");
    buf_init(&all->judge.scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&all->judge.scratch.form, WEBHOOK_SCRATCH_SIZE);
    enum status status = arena_init(&all->bytes, FILE_DOCUMENT_SIZE_MAX);
    if (status == STATUS_OK)
        status = arena_init(&all->tree, TREE_FACTOR * (size_t)WEBHOOK_BODY_SIZE_MAX + (1 << 16));
    if (status != STATUS_OK) return error_set(error, status, "no memory");
    status = map_read(all, invocation_text(invocation, "webhook-map"));
    return status == STATUS_OK && secrets != NULL ? secrets_read(all, secrets) : status;
}

static void webhooks_close(struct webhooks *all)
{
    webhook_secrets_done(&all->secrets);
    buf_free(&all->judge.scratch.message);
    buf_free(&all->judge.scratch.form);
    arena_done(&all->bytes);
    arena_done(&all->tree);
}

/* ---- both ---- */

static enum status captures_read(struct webhooks *all, const struct invocation *invocation)
{
    const struct file_visitor visitor = { .document = line_take, .owner = all };
    uint64_t rejected = 0;
    enum status status = file_documents_read(invocation_text(invocation, "webhooks"), &visitor,
                                             &rejected, &all->file.bundle->error);
    all->file.rejected += rejected;
    return status;
}

static enum status inbox_read(struct webhooks *all, const struct invocation *invocation)
{
    return sqlite_inbox_look(invocation->data, inbox_take, all, &all->file.bundle->error);
}

static enum status webhooks_collect(struct doctor_bundle *bundle,
                                    const struct invocation *invocation,
                                    const struct doctor_source *source,
                                    enum status (*read)(struct webhooks *all,
                                                        const struct invocation *invocation))
{
    const char *direction = invocation_text(invocation, "direction");
    if (strcmp(direction, "in") != 0 && strcmp(direction, "out") != 0)
        return error_set(&bundle->error, STATUS_INVALID, "--direction is in or out");
    BUF_SCOPE struct buf memory;
    buf_init(&memory, sizeof(struct webhooks));
    struct webhooks *all = buf_extend(&memory, sizeof *all);
    if (all == NULL) return error_set(&bundle->error, STATUS_LIMIT, "no memory");
    memset(all, 0, sizeof *all);
    all->direction = direction;
    enum status status = doctor_file_begin(bundle, source, &all->file);
    if (status == STATUS_OK) status = webhooks_open(all, invocation);
    if (status == STATUS_OK) status = read(all, invocation);
    webhooks_close(all);
    return doctor_file_end(&all->file, status);
}

static const char *const kinds[] = { "webhook", NULL };

enum status doctor_collect_webhooks(struct doctor_bundle *bundle,
                                    const struct invocation *invocation)
{
    const struct doctor_source source =
        doctor_source_of(bundle, "webhooks", invocation_text(invocation, "system"), kinds);
    return webhooks_collect(bundle, invocation, &source, captures_read);
}

enum status doctor_collect_inbox(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    struct doctor_source source = doctor_source_of(bundle, "inbox", "tpwallet", kinds);
    source.authority = 30;
    source.loss = "unknown"; /* what was rejected is not in it, nor what was trimmed */
    return webhooks_collect(bundle, invocation, &source, inbox_read);
}
