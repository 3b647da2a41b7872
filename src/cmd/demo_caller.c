#include "cmd/demo_caller.h"

#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/pause.h"

enum { ANSWER_SIZE_MAX = 1 << 20, RETRY_MS = 20, RETRIES_MAX = 3000 };

enum status demo_caller_open(const char *folder, struct error *error,
                             struct demo_caller *out_caller)
{
    *out_caller = (struct demo_caller){ .folder = folder, .error = error };
    buf_init(&out_caller->request, ANSWER_SIZE_MAX);
    buf_init(&out_caller->answer, ANSWER_SIZE_MAX);
    enum status status = arena_init(&out_caller->arena, 33 * (size_t)ANSWER_SIZE_MAX);
    return status == STATUS_OK ? status : error_set(error, status, "no memory");
}

static void disconnect(struct demo_caller *caller)
{
    if (caller->connected) session_close(&caller->session);
    caller->connected = false;
}

void demo_caller_close(struct demo_caller *caller)
{
    disconnect(caller);
    buf_free(&caller->request);
    buf_free(&caller->answer);
    arena_done(&caller->arena);
}

static enum status try(struct demo_caller *caller, const struct session_request *request)
{
    const struct session_options options = { .folder = caller->folder };
    enum status status = STATUS_OK;
    if (!caller->connected) status = session_open(&options, &caller->session, caller->error);
    if (status != STATUS_OK) return status;
    caller->connected = true;
    return session_call(&caller->session, request, &caller->http_status, &caller->answer,
                        caller->error);
}

enum status demo_caller_ask(struct demo_caller *caller, enum api_method method, const char *target,
                            struct str key)
{
    bool sends = method == API_POST && caller->request.len > 0;
    const struct session_request request = {
        .method = method,
        .target = str_from(target),
        .content_type = sends ? STR("application/json") : STR(""),
        .idempotency_key = key,
        .body = sends ? buf_view(&caller->request) : STR(""),
    };
    for (uint32_t attempt = 0; attempt < RETRIES_MAX; attempt++) {
        enum status status = try(caller, &request);
        if (status != STATUS_OK && status != STATUS_UNAVAILABLE && status != STATUS_IN_DOUBT)
            return status;
        if (status == STATUS_OK && caller->http_status < 500) {
            arena_reset(&caller->arena);
            status = answer_read(buf_view(&caller->answer), &caller->arena, &caller->object);
            if (status == STATUS_OK) return status;
            return error_set(caller->error, status, "the answer to %s cannot be read", target);
        }
        if (status != STATUS_OK) disconnect(caller);
        pause_ms(RETRY_MS);
    }
    return error_set(caller->error, STATUS_UNAVAILABLE, "%s was not answered in a minute", target);
}

void demo_caller_write(struct demo_caller *caller, const char *const *words)
{
    struct json_writer writer;
    buf_reset(&caller->request);
    json_writer_init(&writer, &caller->request);
    json_write_object_begin(&writer);
    for (uint32_t i = 0; words[i] != NULL; i += 2) {
        json_write_key(&writer, str_from(words[i]));
        if (str_equal(str_from(words[i]), STR("expires_in_s")))
            json_write_json(&writer, str_from(words[i + 1])); /* the one that is a number */
        else
            json_write_string(&writer, str_from(words[i + 1]));
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
}
