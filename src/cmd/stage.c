/* Made with mkdtemp, served by a child, removed as a tree. */
#include "cmd/stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "cmd/folder_remove.h"
#include "cmd/pause.h"

enum { PATH_SIZE_MAX = 4096, SERVE_OPTIONS_MAX = 16, START_MS_MAX = 60000, POLL_MS = 2 };

void stage_path(const struct stage *stage, const char *name, struct buf *out_path)
{
    buf_append_format(out_path, "%.*s/%s", STR_ARG(buf_view(&stage->folder)), name);
}

enum status stage_open(const char *name, bool keep, const char *store_url, struct stage *out_stage,
                       struct error *out_error)
{
    *out_stage = (struct stage){ .keep = keep };
    buf_init(&out_stage->folder, PATH_SIZE_MAX);
    buf_init(&out_stage->data, PATH_SIZE_MAX);
    buf_init(&out_stage->log, PATH_SIZE_MAX);
    buf_init(&out_stage->address, PATH_SIZE_MAX);
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0') parent = "/tmp";
    buf_append_format(&out_stage->folder, "%s/tpwallet-%s-XXXXXX", parent, name);
    (void)buf_terminated(&out_stage->folder); /* mkdtemp writes into it */
    if (mkdtemp((char *)out_stage->folder.data) == NULL) {
        error_set(out_error, STATUS_UNAVAILABLE, "cannot make a folder in '%s': %s", parent,
                  strerror(errno));
        buf_free(&out_stage->folder);
        return STATUS_UNAVAILABLE;
    }
    stage_path(out_stage, "data", &out_stage->data);
    stage_path(out_stage, "server.log", &out_stage->log);
    const struct data_folder_ledger ledger = { .store_url = store_url };
    enum status status = data_folder_create(buf_terminated(&out_stage->data),
                                            store_url == NULL ? NULL : &ledger, out_error);
    if (status != STATUS_OK) stage_close(out_stage);
    return status;
}

void stage_close(struct stage *stage)
{
    if (stage->server.pid > 0) stage_kill(stage);
    if (stage->folder.len > 0 && !stage->keep)
        folder_remove(buf_terminated(&stage->folder)); /* what it cannot stays under $TMPDIR */
    buf_free(&stage->folder);
    buf_free(&stage->data);
    buf_free(&stage->log);
    buf_free(&stage->address);
}

/* Reads DIR/address into the stage once it is there. */
static bool address_read(struct stage *stage, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    char line[256];
    bool found = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file); /* only read */
    if (!found) return false;
    buf_reset(&stage->address);
    buf_append(&stage->address, line, strcspn(line, "\n"));
    return true;
}

static enum status start_wait(struct stage *stage, const char *path, struct error *out_error)
{
    for (uint32_t waited = 0; waited < START_MS_MAX; waited += POLL_MS) {
        int code = 0;
        if (address_read(stage, path)) return STATUS_OK;
        if (child_ended(&stage->server, &code)) {
            stage->keep = true;
            enum status status = error_set(out_error, STATUS_UNAVAILABLE,
                                           "the server ended with exit code %d", code);
            error_hint(out_error, "its log: %s", buf_terminated(&stage->log));
            return status;
        }
        pause_ms(POLL_MS);
    }
    return error_set(out_error, STATUS_UNAVAILABLE, "the server does not listen after a minute");
}

enum status stage_serve(struct stage *stage, const char *const *options, struct error *out_error)
{
    CHECK(stage->server.pid == 0);
    const char *words[SERVE_OPTIONS_MAX + 6] = { "serve", "--data", buf_terminated(&stage->data),
                                                 "--listen", "127.0.0.1:0" };
    for (uint32_t i = 0; options[i] != NULL; i++) {
        CHECK(i < SERVE_OPTIONS_MAX);
        words[5 + i] = options[i];
    }
    BUF_SCOPE struct buf path;
    buf_init(&path, PATH_SIZE_MAX);
    buf_append_format(&path, "%s/address", buf_terminated(&stage->data));
    if (unlink(buf_terminated(&path)) != 0 && errno != ENOENT)
        return error_set(out_error, STATUS_UNAVAILABLE, "cannot remove '%s': %s",
                         buf_terminated(&path), strerror(errno));
    const char *log = buf_terminated(&stage->log);
    const struct child_files files = { .output = log, .errors = log };
    int64_t from = clock_monotonic(system_clock()).ns;
    enum status status = child_start(words, &files, &stage->server, out_error);
    if (status == STATUS_OK) status = start_wait(stage, buf_terminated(&path), out_error);
    stage->start_ns = (uint64_t)(clock_monotonic(system_clock()).ns - from);
    return status;
}

void stage_kill(struct stage *stage)
{
    child_signal(&stage->server, SIGKILL);
    (void)child_wait(&stage->server); /* 128 and 9, unless it had ended before */
}

int stage_stop(struct stage *stage)
{
    child_signal(&stage->server, SIGTERM);
    return child_wait(&stage->server);
}
