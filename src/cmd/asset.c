/* tpwallet asset ...: what amounts are counted in. */
#include "cmd/call.h"

static int asset_list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "code", "CODE", false },
        { "exponent", "DECIMALS", true },
        { "id", "NUMBER", true },
        { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/assets");
    call_query(&call, "limit", invocation_text(invocation, "limit"));
    call_query(&call, "cursor", invocation_text(invocation, "cursor"));
    return call_show_table(&call, "items", columns);
}

static const struct option list_options[] = {
    { "limit", "COUNT", "how many, at most 1000", "1000" },
    { "cursor", "NEXT", "go on behind the page that said `next NEXT`", NULL },
    { 0 },
};

const struct command command_asset_list = {
    .name = "asset list",
    .summary = "list the assets: currencies of ISO 4217, and those made here",
    .options = list_options,
    .examples = "asset list\nasset list --json",
    .run = asset_list_run,
};

static int asset_create_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/assets");
    call_text(&call, "code", invocation->positionals[0]);
    call_number(&call, "exponent", invocation->positionals[1]);
    call_reason(&call);
    return call_show(&call);
}

static const struct positional create_positionals[] = {
    { "CODE", "3 to 12 of A-Z and 0-9, a letter first, not one of ISO 4217", false },
    { "DECIMALS", "between major and minor units, 0 to 18", false },
    { 0 },
};

static const struct option create_options[] = {
    REASON_OPTION,
    { 0 },
};

const struct command command_asset_create = {
    .name = "asset create",
    .summary = "make an asset of your own: a token, points, shares",
    .positionals = create_positionals,
    .options = create_options,
    .examples = "asset create POINTS 0\nasset create TOKEN 18",
    .run = asset_create_run,
};
