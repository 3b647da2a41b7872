/* tpwallet transit list: what is between the lanes of a ledger, and what is stuck there. */
#include "cmd/call.h"

static int transit_list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "id", "ID", false },           { "lane", "LANE", true },
        { "peer", "PEER", true },        { "state", "STATE", false },
        { "outcome", "OUTCOME", false }, { "amount", "AMOUNT", true },
        { "asset", "ASSET", false },     { "since", "SINCE", false },
        { "payment", "PAYMENT", false }, { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/transits");
    call_query(&call, "state", invocation_text(invocation, "state"));
    call_query(&call, "peer", invocation_text(invocation, "peer"));
    call_query(&call, "limit", invocation_text(invocation, "limit"));
    call_query(&call, "cursor", invocation_text(invocation, "cursor"));
    call_lane(&call);
    return call_show_table(&call, "items", columns);
}

static const struct option list_options[] = {
    { "state", "STATE", "only those that are waiting or stuck", NULL },
    { "peer", "N", "only those that this other lane decides about", NULL },
    { "limit", "COUNT", "how many, at most 1000", "100" },
    { "cursor", "NEXT", "go on behind the page that said `next NEXT`", NULL },
    { "lane", "N", "only those that left this lane", NULL },
    { 0 },
};

const struct command command_transit_list = {
    .name = "transit list",
    .summary = "list the money between lanes that has not arrived or come back yet",
    .details =
        "Of each departure of a ledger with several lanes: LANE has reserved it and goes on with "
        "it, PEER decides about it; PAYMENT waits for it, if one does; --json says more: the "
        "accounts and the reference of the transfer. In no order: while some end others take their "
        "place, so that from page to page one may be told twice or be missed. With --state or "
        "--peer a page may end early: go on with --cursor while it says so.\n\n"
        "waiting: PEER has not answered, or LANE is about to end it. It goes on by itself. stuck: "
        "LANE has refused to end it as PEER decided, with OUTCOME, and tries no more. That is "
        "known to the server that tried, and not written down: after a restart or with a new "
        "owner each is waiting until it was tried there once more, and so is everything without a "
        "server.",
    .options = list_options,
    .examples = "transit list\ntransit list --state stuck\ntransit list --peer 1 --json",
    .run = transit_list_run,
};
