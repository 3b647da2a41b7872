/* tpwallet balance: an account's balance, now or as of any moment; and the trial balance. */
#include "cmd/call.h"

#include <string.h>

static int balance_run(struct invocation *invocation)
{
    const char *at = invocation_text(invocation, "at");
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/accounts");
    call_segment_id(&call, invocation->positionals[0]);
    if (at == NULL || strchr(at, 'T') == NULL) {
        call_query(&call, "at", at);
        return call_show(&call);
    }
    /* a time has no position of its own: the closing balance of all that was before it */
    call_segment(&call, "statement");
    call_query(&call, "to", at);
    call_query(&call, "limit", "1");
    return call_show(&call);
}

static const struct positional balance_positionals[] = {
    { "ID", "the account: a UUID, or NAMESPACE:KEY (see `tpwallet help account key`)", false },
    { 0 },
};

static const struct option balance_options[] = {
    { "at", "WHEN", "a position (1207-3, or 1207 for the end of that batch), or a time (RFC 3339)",
      NULL },
    { 0 },
};

const struct command command_balance = {
    .name = "balance",
    .summary = "show an account's balance, now or as of any moment",
    .details = "Every write answers with its position in the journal; --at with a position shows "
               "the balance right behind that unit. With a time it is the `closing` balance of "
               "everything stamped before it.",
    .positionals = balance_positionals,
    .options = balance_options,
    .examples = "balance shop:alice\nbalance shop:alice --at 1207-3\n"
                "balance shop:alice --at 2026-11-23T12:00:00Z",
    .run = balance_run,
};

static int trial_balance_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "asset", "ASSET", false },
        { "kind", "KIND", false },
        { "account_count", "ACCOUNTS", true },
        { "balance.debits_posted", "DEBITS", true },
        { "balance.credits_posted", "CREDITS", true },
        { "balance.debits_pending", "DEBITS HELD", true },
        { "balance.credits_pending", "CREDITS HELD", true },
        { "balance.net", "NET", true },
        { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/trial-balance");
    call_query(&call, "at", invocation_text(invocation, "at"));
    return call_show_table(&call, "rows", columns);
}

static const struct option trial_balance_options[] = {
    { "at", "POSITION", "1207-3, or 1207 for the end of that batch", NULL },
    { 0 },
};

const struct command command_trial_balance = {
    .name = "trial-balance",
    .summary = "show debits and credits per asset and kind of account; they are always equal",
    .options = trial_balance_options,
    .examples = "trial-balance\ntrial-balance --at 1207",
    .run = trial_balance_run,
};
