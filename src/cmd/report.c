/* Messages go to stderr for people; with --json the same goes to stdout for programs. */
#include "cmd/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "base/shown_text.h"
#include "cmd/answer.h"

enum { REPORT_SIZE_MAX = 64 << 10, SHOWN_GROWTH = 6 };

static void text_line(const char *prefix, struct str text)
{
    if (text.len == 0) return;
    BUF_SCOPE struct buf shown;
    buf_init(&shown, REPORT_SIZE_MAX);
    shown_text_append_lines(&shown, text); /* it may be of a file, or of a server */
    (void)fprintf(stderr, "%s%.*s\n", prefix, STR_ARG(buf_view(&shown)));
}

static void member(struct json_writer *writer, struct str name, struct str text)
{
    if (text.len == 0) return;
    json_write_key(writer, name);
    json_write_string(writer, text);
}

static bool shown_write(FILE *file, struct str text)
{
    BUF_SCOPE struct buf shown;
    buf_init(&shown, SHOWN_GROWTH * text.len + 1);
    shown_text_append_lines(&shown, text);
    return !shown.overflow && fwrite(shown.data, 1, shown.len, file) == shown.len;
}

bool report_put(FILE *file, struct str text)
{
    if (isatty(fileno(file)) != 0) return shown_write(file, text);
    return fwrite(text.data, 1, text.len, file) == text.len;
}

int report_text(const struct invocation *invocation, struct str text)
{
    (void)invocation; /* the same for both forms */
    if (report_put(stdout, text) && fflush(stdout) == 0) return EXIT_CODE_DONE;
    report_unwritten();
    return EXIT_CODE_LIMIT;
}

void report_unwritten(void)
{
    if (errno == EPIPE) return;
    (void)fprintf(stderr, "tpwallet: cannot write to standard output: %s\n", strerror(errno));
}

static int failure_code(const struct invocation *invocation, enum status status)
{
    const struct command *command = invocation->command;
    if (command != NULL && command->failure_code != NULL) return command->failure_code(status);
    return (int)exit_code_of_status(status);
}

/* What the layer that failed did not say: what may be done next follows from the status. */
static void hint_complete(const struct invocation *invocation, struct error *error)
{
    if (error->hint[0] != '\0') return;
    switch (error->status) {
    case STATUS_INVALID:
    case STATUS_NOT_FOUND:
        if (invocation->command == NULL)
            error_hint(error, "`tpwallet help` lists the commands");
        else
            error_hint(error, "`tpwallet help %s` shows what it takes", invocation->command->name);
        break;
    case STATUS_UNAVAILABLE:
    case STATUS_TIMEOUT: error_hint(error, "the same command may be given again"); break;
    case STATUS_IN_DOUBT:
        error_hint(error, "it may be done or not: give the same command again");
        break;
    case STATUS_CONFLICT:
    case STATUS_LIMIT:
    case STATUS_FENCED:
    case STATUS_CORRUPT:
    case STATUS_DENIED:
    case STATUS_STOPPED:
    case STATUS_OK:
    case STATUS_COUNT: break; /* the message says it, or nobody here can */
    }
}

static int failure_report(const struct invocation *invocation, const struct error *given, int code)
{
    struct error completed = *given;
    const struct error *error = &completed;
    CHECK(error->status != STATUS_OK);
    hint_complete(invocation, &completed);
    text_line("tpwallet: ", str_from(error->message));
    text_line("  detail: ", str_from(error->detail));
    text_line("  hint: ", str_from(error->hint));
    if (!invocation->json) return code;

    BUF_SCOPE struct buf out;
    buf_init(&out, REPORT_SIZE_MAX);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    member(&writer, STR("type"), STR("urn:tpwallet:problem:command"));
    member(&writer, STR("title"), str_from(error->message));
    member(&writer, STR("detail"), str_from(error->detail));
    member(&writer, STR("hint"), str_from(error->hint));
    member(&writer, STR("code"), str_from(status_name(error->status)));
    json_write_key(&writer, STR("exit_code"));
    json_write_int64(&writer, code);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(&out, '\n');
    (void)report_text(invocation, buf_view(&out)); /* it failed already, with a code of its own */
    return code;
}

int report_error(const struct invocation *invocation, const struct error *given)
{
    return failure_report(invocation, given, failure_code(invocation, given->status));
}

int report_refused(const struct invocation *invocation, const struct error *given)
{
    return failure_report(invocation, given, EXIT_CODE_REFUSED);
}

/* Some problems carry more in their code than in their HTTP status. */
static int problem_exit_code(unsigned http_status, struct str code)
{
    if (str_equal(code, STR("idempotency_conflict"))) return EXIT_CODE_CONFLICT;
    if (str_equal(code, STR("read_only"))) return EXIT_CODE_DENIED;
    if (str_equal(code, STR("internal"))) return EXIT_CODE_UNAVAILABLE;
    return (int)exit_code_of_http(http_status);
}

int report_problem(const struct invocation *invocation, unsigned http_status, struct str body)
{
    struct arena arena;
    struct answer_object problem = { .count = 0 };
    bool readable = false;
    if (arena_init(&arena, answer_arena_size(body)) == STATUS_OK)
        readable = answer_read(body, &arena, &problem) == STATUS_OK;
    int exit_code = problem_exit_code(http_status, answer_text(&problem, "code"));
    if (!readable) {
        (void)fprintf(stderr, "tpwallet: the server answered %u\n", http_status);
    } else {
        text_line("tpwallet: ", answer_text(&problem, "title"));
        text_line("  detail: ", answer_text(&problem, "detail"));
        text_line("  field: ", answer_text(&problem, "field"));
        text_line("  hint: ", answer_text(&problem, "hint"));
        text_line("  id: ", answer_text(&problem, "id"));
        text_line("  trace: ", answer_text(&problem, "trace_id"));
    }
    arena_done(&arena);
    if (invocation->json && readable) {
        (void)report_text(invocation, body); /* it failed already, with a code of its own */
        if (body.data[body.len - 1] != '\n') (void)report_text(invocation, STR("\n"));
    }
    return exit_code;
}

int report_id(const struct invocation *invocation, struct uuid id)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, REPORT_SIZE_MAX);
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("id"));
        json_write_uuid(&writer, id);
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
    } else {
        char text[UUID_TEXT_LEN + 1];
        uuid_format(id, text);
        buf_append_str(&out, str_from(text));
    }
    buf_append_byte(&out, '\n');
    return report_text(invocation, buf_view(&out));
}
