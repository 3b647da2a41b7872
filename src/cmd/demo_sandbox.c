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
#include "cmd/answer.h"
#include "cmd/pause.h"

enum { TEXT_SIZE_MAX = 4096, START_MS_MAX = 60000, POLL_MS = 5, OPTIONS_MAX = 16 };

/* A key file as `serve --psp-keys` wants it. */
static enum status keys_write(const char *path, struct error *out_error)
{
    static const char text[] = "sandbox sandbox\n";
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)(sizeof text - 1);
    if (fd >= 0 && close(fd) != 0) written = false;
    if (written) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "cannot write '%s': %s", path, strerror(errno));
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
    stage_path(stage, "psp-keys", &sandbox->keys_path);
    const struct child_files files = { .output = buf_terminated(&output) };
    enum status status = keys_write(buf_terminated(&sandbox->keys_path), out_error);
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
