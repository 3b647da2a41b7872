/* Started as a child; where it listens is the first thing that it says. */
#include "cmd/demo_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/http_client.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/answer.h"
#include "cmd/pause.h"

enum { TEXT_SIZE_MAX = 4096, START_MS_MAX = 60000, POLL_MS = 5, OPTIONS_MAX = 16 };

/* Of webhooks between two processes that live for a minute: it protects nothing. */
#define HOOK_SECRET "whsec_ZGVtby1kZW1vLWRlbW8tZGVtby1kZW1vLWRlbW8="

/* A file of keys as `serve` wants it: for its owner alone. */
static enum status keys_write(const char *path, struct str text, struct error *out_error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len;
    if (fd >= 0 && close(fd) != 0) written = false;
    if (written) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "cannot write '%s': %s", path, strerror(errno));
}

static enum status keys_make(const struct stage *stage, struct demo_sandbox *sandbox,
                             struct error *out_error)
{
    BUF_SCOPE struct buf hook_path;
    buf_init(&hook_path, TEXT_SIZE_MAX);
    stage_path(stage, "psp-keys", &sandbox->keys_path);
    stage_path(stage, "webhook-keys", &hook_path);
    buf_append_format(&sandbox->hook, "sandbox=standard:%s", buf_terminated(&hook_path));
    enum status status =
        keys_write(buf_terminated(&sandbox->keys_path), STR("sandbox sandbox\n"), out_error);
    if (status != STATUS_OK) return status;
    return keys_write(buf_terminated(&hook_path), STR("sandbox " HOOK_SECRET "\n"), out_error);
}

static bool url_read(struct demo_sandbox *sandbox, const char *path)
{
    char line[TEXT_SIZE_MAX];
    FILE *file = fopen(path, "re");
    bool whole =
        file != NULL && fgets(line, sizeof line, file) != NULL && strchr(line, '\n') != NULL;
    if (file != NULL) (void)fclose(file); /* only read */
    if (!whole) return false;
    struct arena arena;
    struct answer_object object = { .count = 0 };
    struct str json = str_from(line);
    if (arena_init(&arena, answer_arena_size(json)) != STATUS_OK) return false;
    bool found = answer_read(json, &arena, &object) == STATUS_OK;
    if (found) buf_append_str(&sandbox->url, answer_text(&object, "url"));
    arena_done(&arena);
    return found && sandbox->url.len > 0;
}

static enum status start_wait(struct demo_sandbox *sandbox, const char *path,
                              struct error *out_error)
{
    for (uint32_t waited = 0; waited < START_MS_MAX; waited += POLL_MS) {
        int code = 0;
        if (url_read(sandbox, path)) return STATUS_OK;
        if (child_ended(&sandbox->child, &code))
            return error_set(out_error, STATUS_UNAVAILABLE, "the sandbox ended with exit code %d",
                             code);
        pause_ms(POLL_MS);
    }
    return error_set(out_error, STATUS_UNAVAILABLE, "the sandbox does not listen after a minute");
}

static enum status sandbox_start(const struct stage *stage, const char *const *options,
                                 struct demo_sandbox *sandbox, struct error *out_error)
{
    const char *words[OPTIONS_MAX + 5] = { "sandbox", "--json", "--listen", "127.0.0.1:0" };
    for (uint32_t i = 0; options[i] != NULL; i++) {
        CHECK(i < OPTIONS_MAX);
        words[4 + i] = options[i];
    }
    BUF_SCOPE struct buf output;
    buf_init(&output, TEXT_SIZE_MAX);
    stage_path(stage, "sandbox.json", &output);
    const struct child_files files = { .output = buf_terminated(&output) };
    enum status status = keys_make(stage, sandbox, out_error);
    if (status == STATUS_OK) status = child_start(words, &files, &sandbox->child, out_error);
    if (status == STATUS_OK) status = start_wait(sandbox, files.output, out_error);
    buf_append_format(&sandbox->psp, "sandbox=%s", buf_terminated(&sandbox->url));
    return status;
}

enum status demo_sandbox_open(const struct stage *stage, const char *const *options,
                              struct demo_sandbox *out_sandbox, struct error *out_error)
{
    *out_sandbox = (struct demo_sandbox){ 0 };
    buf_init(&out_sandbox->url, TEXT_SIZE_MAX);
    buf_init(&out_sandbox->psp, TEXT_SIZE_MAX);
    buf_init(&out_sandbox->keys_path, TEXT_SIZE_MAX);
    buf_init(&out_sandbox->hook, TEXT_SIZE_MAX);
    enum status status = sandbox_start(stage, options, out_sandbox, out_error);
    if (status != STATUS_OK) demo_sandbox_close(out_sandbox);
    return status;
}

void demo_sandbox_close(struct demo_sandbox *sandbox)
{
    if (sandbox->child.pid > 0) {
        child_signal(&sandbox->child, SIGTERM);
        (void)child_wait(&sandbox->child); /* it keeps nothing */
    }
    buf_free(&sandbox->url);
    buf_free(&sandbox->psp);
    buf_free(&sandbox->keys_path);
    buf_free(&sandbox->hook);
}

enum status demo_sandbox_ask(const struct demo_sandbox *sandbox,
                             const struct demo_sandbox_call *call, struct buf *out_answer,
                             struct error *out_error)
{
    const struct http_client_options options = { .url = (const char *)sandbox->url.data };
    struct http_client *client;
    enum status status = http_client_open(&options, &client, out_error);
    if (status != STATUS_OK) return status;
    const struct http_call request = {
        .method = call->method,
        .target = str_from(call->path),
        .authorization = STR("Bearer sandbox"),
        .content_type = call->body.len > 0 ? STR("application/json") : STR(""),
        .body = call->body,
    };
    unsigned http_status = 0;
    status = http_client_call(client, &request, &http_status, out_answer, out_error);
    http_client_close(client);
    if (status != STATUS_OK || http_status == 200) return status;
    return error_set(out_error, STATUS_UNAVAILABLE, "the sandbox answered %u to %s: %.*s",
                     http_status, call->path, STR_ARG(buf_view(out_answer)));
}

enum status demo_sandbox_tell(const struct demo_sandbox *sandbox, const char *address,
                              struct error *out_error)
{
    BUF_SCOPE struct buf url;
    BUF_SCOPE struct buf body;
    BUF_SCOPE struct buf answer;
    struct json_writer json;
    buf_init(&url, TEXT_SIZE_MAX);
    buf_init(&body, TEXT_SIZE_MAX);
    buf_init(&answer, TEXT_SIZE_MAX);
    buf_append_format(&url, "http://%s/v1/webhooks/sandbox", address);
    json_writer_init(&json, &body);
    json_write_object_begin(&json);
    json_write_key(&json, STR("url"));
    json_write_string(&json, buf_view(&url));
    json_write_key(&json, STR("scheme"));
    json_write_string(&json, STR("standard"));
    json_write_key(&json, STR("secret"));
    json_write_string(&json, STR(HOOK_SECRET));
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    const struct demo_sandbox_call call = { STR("POST"), "/webhooks", buf_view(&body) };
    return demo_sandbox_ask(sandbox, &call, &answer, out_error);
}
