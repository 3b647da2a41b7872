/* tpwallet period ...: the business dates that are closed for ever. */
#include "cmd/call.h"

static int period_show_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/periods");
    return call_show(&call);
}

const struct command command_period_show = {
    .name = "period show",
    .summary = "show the last day that is closed",
    .examples = "period show",
    .run = period_show_run,
};

static int period_close_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/periods/close");
    call_text(&call, "through", invocation->positionals[0]);
    call_reason(&call);
    return call_show(&call);
}

static const struct positional close_positionals[] = {
    { "DATE", "the last day of the period, YYYY-MM-DD; it must be over (UTC)", false },
    { 0 },
};

static const struct option close_options[] = {
    REASON_OPTION,
    { 0 },
};

const struct command command_period_close = {
    .name = "period close",
    .summary = "refuse value dates up to and with a day, for ever",
    .positionals = close_positionals,
    .options = close_options,
    .examples = "period close 2026-10-31\nperiod close 2026-10-31 --reason close-2026-10",
    .run = period_close_run,
};
