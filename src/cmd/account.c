/* tpwallet account ...: make, look at and change accounts. */
#include "cmd/call.h"

#include <stdio.h>

#include "cmd/import_id.h"
#include "cmd/report.h"

static const struct positional id_positional[] = {
    { "ID", "the account: a UUID, or NAMESPACE:KEY (see `tpwallet help account key`)", false },
    { 0 },
};

static int account_create_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/accounts");
    call_new_id(&call, invocation->positionals[0]);
    call_text(&call, "asset", invocation_text(invocation, "asset"));
    call_text(&call, "kind", invocation_text(invocation, "kind"));
    call_words(&call, "flags", invocation_text(invocation, "flags"));
    call_id(&call, "user_ref", invocation_text(invocation, "user-ref"));
    call_id(&call, "metadata_ref", invocation_text(invocation, "metadata-ref"));
    return call_show(&call);
}

static const struct positional create_positionals[] = {
    { "ID", "a UUID or NAMESPACE:KEY; without it a new UUIDv7 is made and shown", true },
    { 0 },
};

static const struct option create_options[] = {
    { "asset", "CODE", "what it is counted in: an ISO 4217 code, or one of `asset list`", "EUR" },
    { "kind", "KIND", "asset, liability, equity, income or expense", "liability" },
    { "flags", "FLAGS", "debits_must_not_exceed_credits or credits_must_not_exceed_debits", NULL },
    { "user-ref", "UUID", "a reference of your own, indexed", NULL },
    { "metadata-ref", "UUID", "another one", NULL },
    { 0 },
};

const struct command command_account_create = {
    .name = "account create",
    .summary = "make an account",
    .details = "A wallet that must not be overdrawn is a liability with the flag "
               "debits_must_not_exceed_credits. Giving the same command with the same ID again "
               "is answered the same and makes nothing.",
    .positionals = create_positionals,
    .options = create_options,
    .examples = "account create --asset EUR --kind equity\n"
                "account create shop:alice --flags debits_must_not_exceed_credits",
    .run = account_create_run,
};

static int account_show_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/accounts");
    call_segment_id(&call, invocation->positionals[0]);
    return call_show(&call);
}

const struct command command_account_show = {
    .name = "account show",
    .summary = "show an account and its balance",
    .positionals = id_positional,
    .examples = "account show 019ab000-0000-7000-8000-000000000002\naccount show shop:alice --json",
    .run = account_show_run,
};

static int account_list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "id", "ID", false },
        { "asset", "ASSET", false },
        { "kind", "KIND", false },
        { "balance.net", "BALANCE", true },
        { "balance.debits_pending", "DEBITS HELD", true },
        { "entry_count", "ENTRIES", true },
        { "flags", "FLAGS", false },
        { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/accounts");
    call_query(&call, "user_ref", invocation_text(invocation, "user-ref"));
    call_query(&call, "limit", invocation_text(invocation, "limit"));
    call_query(&call, "cursor", invocation_text(invocation, "cursor"));
    return call_show_table(&call, "items", columns);
}

static const struct option list_options[] = {
    { "user-ref", "UUID", "only those with this reference", NULL },
    { "limit", "COUNT", "how many, at most 1000", "100" },
    { "cursor", "NEXT", "go on behind the page that said `next NEXT`", NULL },
    { 0 },
};

const struct command command_account_list = {
    .name = "account list",
    .summary = "list accounts in the order in which they were made",
    .options = list_options,
    .examples = "account list\naccount list --limit 10 --json",
    .run = account_list_run,
};

static const struct option change_options[] = {
    REASON_OPTION,
    { 0 },
};

static int account_change(struct invocation *invocation, const char *member, bool value)
{
    struct call call;
    call_init(&call, invocation, API_PATCH, "/v1/accounts");
    call_segment_id(&call, invocation->positionals[0]);
    call_truth(&call, member, value);
    call_reason(&call);
    return call_show(&call);
}

static int account_freeze_run(struct invocation *invocation)
{
    return account_change(invocation, "frozen", true);
}

const struct command command_account_freeze = {
    .name = "account freeze",
    .summary = "let nothing in or out of an account until it is unfrozen",
    .positionals = id_positional,
    .options = change_options,
    .examples = "account freeze shop:alice\naccount freeze shop:alice --reason ops-1234",
    .run = account_freeze_run,
};

static int account_unfreeze_run(struct invocation *invocation)
{
    return account_change(invocation, "frozen", false);
}

const struct command command_account_unfreeze = {
    .name = "account unfreeze",
    .summary = "take the freeze off again",
    .positionals = id_positional,
    .options = change_options,
    .examples = "account unfreeze shop:alice",
    .run = account_unfreeze_run,
};

static int account_close_run(struct invocation *invocation)
{
    return account_change(invocation, "closed", true);
}

const struct command command_account_close = {
    .name = "account close",
    .summary = "close an empty account, for ever",
    .details = "Only an account with equal debits and credits and nothing pending can be closed.",
    .positionals = id_positional,
    .options = change_options,
    .examples = "account close shop:alice",
    .run = account_close_run,
};

static const struct option period_options[] = {
    { "from", "TIME", "stamped at or after this time (RFC 3339)", NULL },
    { "to", "TIME", "stamped before this time", NULL },
    { "limit", "COUNT", "how many, at most 1000", "100" },
    { "cursor", "NEXT", "go on behind the page that said `next NEXT`", NULL },
    { 0 },
};

static int account_period(struct invocation *invocation, const char *what,
                          const struct render_column *columns)
{
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/accounts");
    call_segment_id(&call, invocation->positionals[0]);
    call_segment(&call, what);
    call_query(&call, "from", invocation_text(invocation, "from"));
    call_query(&call, "to", invocation_text(invocation, "to"));
    call_query(&call, "limit", invocation_text(invocation, "limit"));
    call_query(&call, "cursor", invocation_text(invocation, "cursor"));
    return call_show_table(&call, "items", columns);
}

static int account_entries_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "position", "POSITION", false }, { "at", "AT", false },
        { "kind", "KIND", false },         { "side", "SIDE", false },
        { "amount", "AMOUNT", true },      { "asset", "ASSET", false },
        { "id", "TRANSFER", false },       { 0 },
    };
    return account_period(invocation, "entries", columns);
}

const struct command command_account_entries = {
    .name = "account entries",
    .summary = "list the transfers that changed an account, newest first",
    .positionals = id_positional,
    .options = period_options,
    .examples = "account entries shop:alice --limit 5",
    .run = account_entries_run,
};

static int account_statement_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "at", "AT", false },
        { "kind", "KIND", false },
        { "side", "SIDE", false },
        { "amount", "AMOUNT", true },
        { "balance.net", "BALANCE", true },
        { "id", "TRANSFER", false },
        { 0 },
    };
    return account_period(invocation, "statement", columns);
}

const struct command command_account_statement = {
    .name = "account statement",
    .summary = "show opening balance, entries with the balance after each, and closing balance",
    .positionals = id_positional,
    .options = period_options,
    .examples = "account statement shop:alice --from 2026-11-01T00:00:00Z --to "
                "2026-12-01T00:00:00Z",
    .run = account_statement_run,
};

static int account_key_run(struct invocation *invocation)
{
    struct error error;
    struct uuid id;
    const char *kind = invocation_has(invocation, "reference") ? "user_ref" : "account";
    if (call_id_parse(invocation->positionals[0], kind, &id, &error) != STATUS_OK)
        return report_error(invocation, &error);
    return report_id(invocation, id);
}

static const struct positional key_positionals[] = {
    { "NAMESPACE:KEY", "a key of another system, in a namespace of your choice", false },
    { 0 },
};

static const struct option key_options[] = {
    { "reference", NULL, "the UUID that stands for the key as a user_ref, not as an account",
      NULL },
    { 0 },
};

const struct command command_account_key = {
    .name = "account key",
    .summary = "show the account id that stands for a key of another system",
    .details = "Accounts have UUIDs. A key of another system (\"216\") stands for the UUIDv8 that "
               "is made of the SHA-256 of namespace and key, so it is the same on every machine "
               "and every day, and nothing is stored. Wherever a command takes an ID it also "
               "takes NAMESPACE:KEY; `tpwallet import --id-namespace NAMESPACE` makes the same "
               "ids.",
    .positionals = key_positionals,
    .options = key_options,
    .examples = "account key amlsim:216\nbalance amlsim:216",
    .run = account_key_run,
};
