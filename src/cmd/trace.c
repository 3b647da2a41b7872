/* tpwallet trace ...: what is watched during an incident, whatever the sampling. */
#include "base/decimal.h"
#include "cmd/answer.h"
#include "cmd/call.h"
#include "cmd/report.h"

enum { DAY_S = 24 * 3600 };

/* "90s", "15m", "2h" as seconds; 0: it is none of these. */
static uint64_t seconds_of(const char *text)
{
    struct str digits = str_from(text);
    if (digits.len < 2) return 0;
    char unit = digits.data[--digits.len];
    uint64_t scale = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : 0;
    uint64_t number = 0;
    if (scale == 0 || decimal_parse(digits, DAY_S, &number) != STATUS_OK) return 0;
    return number * scale;
}

/* The raise, and what stands in the way of its spans. */
static enum status raise_render(struct str json, struct buf *out)
{
    struct answer_object answer;
    struct arena arena;
    enum status status = arena_init(&arena, answer_arena_size(json));
    if (status != STATUS_OK) return status;
    status = answer_read(json, &arena, &answer);
    if (status == STATUS_OK) status = render_object(json, out);
    if (status == STATUS_OK && str_equal(answer_text(&answer, "collector"), STR("false"))) {
        struct str until = answer_text(&answer, "until");
        buf_append_format(
            out,
            "\nNobody gets spans from the server that answered: it was started "
            "without --otlp.\nThe raise is kept in the journal until %.*s:\nservers of "
            "this ledger that have a collector, or are started with one, watch it.\n",
            STR_ARG(until));
    }
    arena_done(&arena);
    return status == STATUS_OK ? buf_status(out) : status;
}

static int trace_raise_run(struct invocation *invocation)
{
    uint64_t for_s = seconds_of(invocation_text(invocation, "for"));
    if (for_s == 0) {
        struct error error = { 0 };
        (void)error_set(&error, STATUS_INVALID, "--for: '%s' is no time",
                        invocation_text(invocation, "for"));
        error_hint(&error, "write it as 90s, 15m or 2h; a day at most");
        return report_error(invocation, &error);
    }
    BUF_SCOPE struct buf text;
    buf_init(&text, 32);
    buf_append_format(&text, "%llu", (unsigned long long)for_s);
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/trace-raises");
    call_id(&call, "payment", invocation_text(invocation, "payment"));
    call_id(&call, "user_ref", invocation_text(invocation, "user"));
    call_text(&call, "route", invocation_text(invocation, "route"));
    call_number(&call, "for_s", buf_terminated(&text));
    call_number(&call, "traces", invocation_text(invocation, "traces"));
    call_fresh_key(&call);
    call_reason(&call);
    return call_show_as(&call, raise_render);
}

static const struct option raise_options[] = {
    { "payment", "ID", "watch what comes about this payment", NULL },
    { "user", "REF", "watch payments with this user reference", NULL },
    { "route", "NAME", "watch this operation of the API: payments_create", NULL },
    { "for", "TIME", "how long: 90s, 15m, 2h; a day at most", "15m" },
    { "traces", "COUNT", "each server watches so many traces of it, at most 100000", "1000" },
    REASON_OPTION,
    { 0 },
};

const struct command command_trace_raise = {
    .name = "trace raise",
    .summary = "watch all traces about a payment, a user or a route for a while",
    .details = "Whatever `serve --trace-sample` says. It is written down in the journal, with who "
               "asked for it: all servers of the ledger with --otlp watch, also those that start "
               "or take over later. It ends by itself, with its time, or in each server after its "
               "number of traces. At most 32 at a time.",
    .options = raise_options,
    .examples = "trace raise --payment 019ab5f0-31a7-7c52-9d4e-2f6b8a91c3d7\n"
                "trace raise --route payments_create --for 5m --traces 200",
    .run = trace_raise_run,
};

static int trace_list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "id", "ID", false },
        { "payment", "PAYMENT", false },
        { "user_ref", "USER", false },
        { "route", "ROUTE", false },
        { "until", "UNTIL", false },
        { "traces", "TRACES", true },
        { "traces_left", "LEFT HERE", true },
        { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/trace-raises");
    return call_show_table(&call, "items", columns);
}

const struct command command_trace_list = {
    .name = "trace list",
    .summary = "list what is watched just now",
    .examples = "trace list\ntrace list --json",
    .run = trace_list_run,
};

static int trace_lower_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_DELETE, "/v1/trace-raises");
    call_segment(&call, invocation->positionals[0]);
    call_reason(&call);
    return call_show(&call);
}

static const struct positional lower_positionals[] = {
    { "ID", "which one, as `trace list` shows it", false },
    { 0 },
};

static const struct option lower_options[] = {
    REASON_OPTION,
    { 0 },
};

const struct command command_trace_lower = {
    .name = "trace lower",
    .summary = "end a watch before its time",
    .positionals = lower_positionals,
    .options = lower_options,
    .examples = "trace lower 019ab5f0-31a7-7c52-9d4e-2f6b8a91c3d7",
    .run = trace_lower_run,
};
