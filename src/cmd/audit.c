/* tpwallet audit list: who did what to the ledger's rules and secrets, and why. */
#include "cmd/call.h"

static int audit_list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "position", "POSITION", false }, { "at", "AT", false },       { "act", "ACT", false },
        { "outcome", "OUTCOME", false },   { "actor", "ACTOR", false }, { "uid", "UID", true },
        { "reason", "REASON", false },     { "id", "OF", false },       { 0 },
    };
    static const char *const filters[] = { "after", "limit", "from", "to", "act", "actor" };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/audit");
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        call_query(&call, filters[i], invocation_text(invocation, filters[i]));
    }
    return call_show_table(&call, "items", columns);
}

static const struct option list_options[] = {
    { "act", "KIND", "only these: key_create, period_close, endpoint_rotate, server_start, ...",
      NULL },
    { "actor", "WHO", "only theirs: an API key's id, system, anonymous, local, or local:UID",
      NULL },
    { "from", "TIME", "stamped at or after: 2026-11-23T00:00:00Z", NULL },
    { "to", "TIME", "stamped before", NULL },
    { "after", "POSITION", "go on behind the page that said `next POSITION`", NULL },
    { "limit", "COUNT", "how many, at most 1000", "1000" },
    { 0 },
};

const struct command command_audit_list = {
    .name = "audit list",
    .summary = "list the administrative acts of the journal: who, what, when and why",
    .details =
        "API keys made and revoked, accounts frozen and closed, assets, rates, closed periods, what "
        "a person decided about a payment, webhook endpoints and their secrets, traces raised and "
        "lowered, starts of the server with their settings, restored folders, archives: each is a unit of the journal, "
        "hashed, chained and signed like every other. Acts that were refused are listed too.\n\n"
        "ACTOR is the id of an API key, system (the wallet itself), anonymous, or local (commands on "
        "this machine), then with the user's number. --json says more: the operation, the trace, "
        "scopes, settings.\n\n"
        "Acts outside of the ledger are written down before they are done: after a crash one may "
        "be listed that was not done, but none is done that is not listed. REASON is what --reason "
        "gave: a code or ticket of at most 47 characters, never text about a person, since what "
        "the journal holds cannot be erased.\n\n"
        "A page may end early: while `complete` is false, go on with --after.",
    .options = list_options,
    .examples = "audit list\naudit list --act key_create --from 2026-11-01T00:00:00Z\n"
                "audit list --actor local:1000 --json",
    .run = audit_list_run,
};
