/* tpwallet events: what others may know of the journal, in its order, one JSON object a line. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cmd/answer.h"
#include "cmd/event_file.h"
#include "cmd/pause.h"
#include "cmd/report.h"
#include "cmd/session.h"
#include "webhook/endpoint.h"

enum { ANSWER_SIZE_MAX = 16 << 20, TARGET_SIZE_MAX = 128, FOLLOW_MS = 500 };

struct relay {
    const struct invocation *invocation;
    const char *path; /* of the file; NULL: standard output */
    struct event_file file;
    struct webhook_endpoint filters; /* of an endpoint nothing but these: the same words */
    struct position after;
    bool follow;
    struct session session;
    bool connected;
    struct buf answer;
    struct buf lines;
    uint32_t seen; /* events of the page in hand, before the filters */
    unsigned http_status;
    struct error error;
};

/* ---- Options ---- */

static enum status filters_read(struct relay *relay, const char *words)
{
    struct webhook_endpoint *filters = &relay->filters;
    while (*words != '\0') {
        size_t len = strcspn(words, ",");
        if (filters->filter_count == ENDPOINT_FILTERS_MAX)
            return error_set(&relay->error, STATUS_LIMIT, "--types: at most %d",
                             ENDPOINT_FILTERS_MAX);
        if (len == 0 || len >= ENDPOINT_FILTER_SIZE)
            return error_set(&relay->error, STATUS_INVALID, "--types: '%.*s' is no type of event",
                             (int)len, words);
        memcpy(filters->filters[filters->filter_count++], words, len); /* zeroed: terminated */
        words += len + (words[len] == ',');
    }
    return STATUS_OK;
}

static enum status options_read(struct relay *relay)
{
    const struct invocation *invocation = relay->invocation;
    const char *after = invocation_text(invocation, "after");
    const char *types = invocation_text(invocation, "types");
    relay->path = invocation_text(invocation, "output");
    relay->follow = invocation_has(invocation, "follow");
    if (after != NULL && !position_parse(str_from(after), &relay->after))
        return error_set(&relay->error, STATUS_INVALID, "--after: '%s' is no position", after);
    return types == NULL ? STATUS_OK : filters_read(relay, types);
}

/* ---- A page ---- */

static bool event_take(void *argument, const struct answer_object *item)
{
    struct relay *relay = argument;
    relay->seen++;
    if (!endpoint_wants(&relay->filters, answer_text(item, "type"))) return true;
    buf_append_str(&relay->lines, item->json);
    buf_append_byte(&relay->lines, '\n');
    return true;
}

static enum status lines_write(struct relay *relay)
{
    struct str lines = buf_view(&relay->lines);
    if (lines.len == 0) return STATUS_OK;
    if (relay->path != NULL) return event_file_append(&relay->file, lines, &relay->error);
    bool written = report_put(stdout, lines) && fflush(stdout) == 0;
    if (written) return STATUS_OK;
    return error_set(&relay->error, STATUS_LIMIT, "cannot write to standard output");
}

/* The place is only moved on when what lies before it is written. */
static enum status page_write(struct relay *relay)
{
    struct str json = buf_view(&relay->answer);
    const struct answer_list list = { "items", event_take, relay };
    struct answer_object page;
    struct arena arena;
    struct position next;
    enum status status = arena_init(&arena, answer_arena_size(json));
    if (status != STATUS_OK) return error_set(&relay->error, status, "no memory");
    buf_reset(&relay->lines);
    relay->seen = 0;
    status = answer_read_list(json, &list, &arena, &page);
    if (status == STATUS_OK) status = buf_status(&relay->lines);
    if (status == STATUS_OK && !position_parse(answer_text(&page, "next"), &next))
        status = STATUS_INVALID;
    arena_done(&arena);
    if (status != STATUS_OK)
        return error_set(&relay->error, status, "the answer cannot be understood");
    status = lines_write(relay);
    if (status == STATUS_OK) relay->after = next;
    return status;
}

static enum status page_get(struct relay *relay)
{
    char text[POSITION_TEXT_SIZE];
    BUF_SCOPE struct buf target;
    buf_init(&target, TARGET_SIZE_MAX);
    buf_append_str(&target, STR("/v1/events?limit=1000"));
    if (relay->after.batch != 0)
        buf_append_format(&target, "&after=%.*s", STR_ARG(position_format(relay->after, text)));
    const struct session_request request = { .method = API_GET, .target = buf_view(&target) };
    return session_call(&relay->session, &request, &relay->http_status, &relay->answer,
                        &relay->error);
}

/* ---- Until there is nothing more ---- */

static void disconnect(struct relay *relay)
{
    if (relay->connected) session_close(&relay->session);
    relay->connected = false;
}

static enum status pages_relay(struct relay *relay)
{
    const struct session_options options = { .folder = relay->invocation->data, .read_only = true };
    enum status status = STATUS_OK;
    if (!relay->connected) status = session_open(&options, &relay->session, &relay->error);
    if (status != STATUS_OK) return status;
    relay->connected = true;
    do {
        status = page_get(relay);
        if (status != STATUS_OK || relay->http_status >= 300) return status;
        status = page_write(relay);
    } while (status == STATUS_OK && relay->seen > 0);
    return status;
}

/* A server that is away for a while is waited for. */
static bool may_come_back(const struct relay *relay, enum status status)
{
    if (status == STATUS_OK) return relay->http_status < 300 || relay->http_status == 503;
    return status == STATUS_UNAVAILABLE || status == STATUS_IN_DOUBT;
}

static int relay_run(struct relay *relay)
{
    for (;;) {
        relay->http_status = 0;
        enum status status = pages_relay(relay);
        bool goes_on = relay->follow && may_come_back(relay, status);
        if (!goes_on && status != STATUS_OK) return report_error(relay->invocation, &relay->error);
        if (!goes_on && relay->http_status >= 300)
            return report_problem(relay->invocation, relay->http_status, buf_view(&relay->answer));
        if (!goes_on) return EXIT_CODE_DONE;
        /* a folder that is opened here is let go, so that a server can be started on it */
        if (status != STATUS_OK || relay->session.client == NULL) disconnect(relay);
        pause_ms(FOLLOW_MS);
    }
}

static int events_run(struct invocation *invocation)
{
    struct relay relay = { .invocation = invocation };
    enum status status = options_read(&relay);
    if (status == STATUS_OK && relay.path != NULL)
        status = event_file_open(relay.path, &relay.file, &relay.error);
    if (status != STATUS_OK) return report_error(invocation, &relay.error);
    if (relay.path != NULL && relay.file.has_last) relay.after = relay.file.last;
    buf_init(&relay.answer, ANSWER_SIZE_MAX);
    buf_init(&relay.lines, ANSWER_SIZE_MAX);
    int code = relay_run(&relay);
    disconnect(&relay);
    buf_free(&relay.answer);
    buf_free(&relay.lines);
    if (relay.path != NULL) event_file_close(&relay.file);
    return code;
}

static const struct option options[] = {
    { "after", "POSITION", "behind this event's id; from the first one without it", NULL },
    { "types", "LIST", "only these, with commas between: payment.succeeded,refund.*", NULL },
    { "follow", NULL, "wait for more, until it is told to stop", NULL },
    { "output", "FILE", "append to it, and go on behind its last line", NULL },
    { 0 },
};

const struct command command_events = {
    .name = "events",
    .summary = "write what has happened as CloudEvents, one JSON object a line",
    .details =
        "Events are made of the journal, in its order, with the unit's position as their id. With "
        "--output they are appended to a file: lines are on disk before the next ones are asked "
        "for, and the file's last whole line tells where to go on, whatever ended the command "
        "(then --after counts only for an empty file). So none is left out; the file's line that "
        "was being written when it was killed is cut off and written again, and whoever reads "
        "the file has to expect that it shrinks by that.",
    .options = options,
    .examples = "events\nevents --after 17-0 --types payment.*,refund.*\n"
                "events --output events.ndjson --follow",
    .run = events_run,
};
