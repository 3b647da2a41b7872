/* Webhooks as evidence: captured requests, in and out, and our own inbox. */
#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/inbox_look.h"
#include "base/check.h"
#include "cmd/doctor_collectors.h"
#include "cmd/file_bytes.h"
#include "cmd/file_lines.h"
#include "cmd/webhook_files.h"
#include "doctor/webhook_capture.h"

enum { TREE_FACTOR = 25, PATH_SIZE = 4096 };

struct webhooks {
    struct doctor_file file;
    struct doctor_scope scope; /* of the inbox */
    const char *direction;
    struct webhook_judge judge;
    struct webhook_secrets secrets;
    struct value_map map;
    struct arena bytes; /* of a line's body */
    struct arena tree;  /* of the body's members */
    uint64_t number;    /* of the line at hand; 0: it is of no file */
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
    if (written)
        doctor_file_saw(&all->file, capture->at, capture->at);
    else
        doctor_file_reject(&all->file, all->number, "no record of a webhook");
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
    doctor_file_reject(&all->file, all->number, reason);
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
    bool theirs = !all->scope.by_id || doctor_scope_has_payment(&all->scope, webhook->about);
    if (!theirs || !doctor_scope_has_time(&all->scope, webhook->received_at)) return STATUS_OK;
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

static enum status captures_read(struct webhooks *all, const struct invocation *invocation,
                                 struct doctor_source *source)
{
    const struct file_visitor visitor = { .document = line_take,
                                          .owner = all,
                                          .out_number = &all->number };
    uint64_t rejected = 0;
    enum status status = file_documents_read(invocation_text(invocation, "webhooks"), &visitor,
                                             &rejected, &all->file.bundle->error);
    all->file.rejected += rejected;
    doctor_file_bound(&all->file, invocation, source);
    doctor_file_past(&all->file, source);
    return status;
}

static enum status lane_inbox_read(struct webhooks *all, const char *path)
{
    struct data_folder *folder = NULL;
    struct error *error = &all->file.bundle->error;
    enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &folder, error);
    if (status == STATUS_OK) status = inbox_look(folder, inbox_take, all, error);
    data_folder_close(folder);
    return status;
}

/* A lane to which nothing came need not have an inbox; a ledger without any has none. */
static enum status inbox_read(struct webhooks *all, const struct invocation *invocation,
                              struct doctor_source *source)
{
    (void)source; /* it says what it covers before anything is read */
    uint32_t lanes = 0;
    uint32_t found = 0;
    struct error *error = &all->file.bundle->error;
    enum status status = data_folder_count_lanes(invocation->data, &lanes, error);
    for (uint32_t lane = 0; status == STATUS_OK && lane < lanes; lane++) {
        char path[PATH_SIZE];
        status = data_folder_lane_path(invocation->data, lane, path, sizeof path, error);
        if (status == STATUS_OK) status = lane_inbox_read(all, path);
        found += status == STATUS_OK;
        if (status == STATUS_NOT_FOUND && (lane + 1 < lanes || found > 0)) status = STATUS_OK;
    }
    return status;
}

static enum status webhooks_collect(struct webhooks *all, const struct invocation *invocation,
                                    struct doctor_source *source,
                                    enum status (*read)(struct webhooks *all,
                                                        const struct invocation *invocation,
                                                        struct doctor_source *source))
{
    struct doctor_bundle *bundle = all->file.bundle;
    all->direction = invocation_text(invocation, "direction");
    if (strcmp(all->direction, "in") != 0 && strcmp(all->direction, "out") != 0)
        return error_set(&bundle->error, STATUS_INVALID, "--direction is in or out");
    enum status status = doctor_file_begin(bundle, source, &all->file);
    if (status == STATUS_OK) status = webhooks_open(all, invocation);
    if (status == STATUS_OK) status = read(all, invocation, source);
    webhooks_close(all);
    return doctor_file_end(&all->file, status);
}

static struct webhooks *webhooks_new(struct doctor_bundle *bundle, struct buf *memory)
{
    buf_init(memory, sizeof(struct webhooks));
    struct webhooks *all = buf_extend(memory, sizeof *all);
    if (all == NULL) return NULL;
    memset(all, 0, sizeof *all);
    all->file.bundle = bundle;
    return all;
}

static const char *const kinds[] = { "webhook", NULL };

enum status doctor_collect_webhooks(struct doctor_bundle *bundle,
                                    const struct invocation *invocation)
{
    BUF_SCOPE struct buf memory;
    struct webhooks *all = webhooks_new(bundle, &memory);
    if (all == NULL) return error_set(&bundle->error, STATUS_LIMIT, "no memory");
    struct doctor_source source =
        doctor_source_of(bundle, "webhooks", invocation_text(invocation, "system"), kinds);
    return webhooks_collect(all, invocation, &source, captures_read);
}

/* What was asked for of our ledger bounds the webhooks about it too. */
static enum status scope_find(struct webhooks *all, const struct invocation *invocation)
{
    struct error *error = &all->file.bundle->error;
    struct doctor_journal journal = { 0 };
    const struct doctor_scope_words words = doctor_scope_words_of(invocation);
    enum status status = doctor_scope_open(&words, &all->file.bundle->incident, &all->scope, error);
    if (status != STATUS_OK || !all->scope.by_id) return status;
    status = doctor_journal_open(invocation->data, &journal, error);
    if (status == STATUS_OK) status = doctor_scope_follow(&all->scope, &journal, error);
    doctor_journal_close(&journal);
    return status;
}

enum status doctor_collect_inbox(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    BUF_SCOPE struct buf memory;
    struct doctor_part part;
    struct webhooks *all = webhooks_new(bundle, &memory);
    if (all == NULL) return error_set(&bundle->error, STATUS_LIMIT, "no memory");
    struct doctor_source source = doctor_source_of(bundle, "inbox", "tpwallet", kinds);
    source.authority = 30;
    source.loss = "unknown"; /* what was rejected is not in it, nor what was trimmed */
    enum status status = scope_find(all, invocation);
    doctor_scope_tell(&all->scope, &source, &part);
    if (status == STATUS_OK) status = webhooks_collect(all, invocation, &source, inbox_read);
    doctor_scope_close(&all->scope);
    return status;
}
