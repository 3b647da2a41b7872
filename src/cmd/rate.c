/* tpwallet rate ...: what assets are exchanged at. */
#include "cmd/call.h"

static int rate_set_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/rates");
    call_text(&call, "asset", invocation->positionals[0]);
    call_text(&call, "to_asset", invocation->positionals[1]);
    call_text(&call, "rate", invocation->positionals[2]);
    call_reason(&call);
    return call_show(&call);
}

static const struct positional set_positionals[] = {
    { "ASSET", "the asset that is given", false },
    { "TO", "the asset that is received", false },
    { "RATE", "units of TO for one unit of ASSET, with up to 18 decimals; 0 withdraws the pair",
      false },
    { 0 },
};

static const struct option set_options[] = {
    REASON_OPTION,
    { 0 },
};

const struct command command_rate_set = {
    .name = "rate set",
    .summary = "set what a pair of assets is exchanged at from here on",
    .details = "Quotes that were given keep their rate. The rate is kept as an exact fraction of "
               "minor units, which is shown; the way back is another pair.",
    .positionals = set_positionals,
    .options = set_options,
    .examples = "rate set EUR USD 1.0842\nrate set USD EUR 0.9201\nrate set EUR JPY 0",
    .run = rate_set_run,
};

static int rate_list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "asset", "ASSET", false },
        { "to_asset", "TO", false },
        { "rate", "RATE", true },
        { "numerator", "MINOR UNITS OF TO", true },
        { "denominator", "FOR SO MANY OF ASSET", true },
        { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/rates");
    call_query(&call, "limit", invocation_text(invocation, "limit"));
    call_query(&call, "cursor", invocation_text(invocation, "cursor"));
    return call_show_table(&call, "items", columns);
}

static const struct option list_options[] = {
    { "limit", "COUNT", "how many, at most 1000", "1000" },
    { "cursor", "NEXT", "go on behind the page that said `next NEXT`", NULL },
    { 0 },
};

const struct command command_rate_list = {
    .name = "rate list",
    .summary = "list what pairs of assets are exchanged at",
    .options = list_options,
    .examples = "rate list\nrate list --json",
    .run = rate_list_run,
};
