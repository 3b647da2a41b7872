/* tpwallet transfer ...: move, reserve, post, release and give back. */
#include "cmd/call.h"

static const struct option direct_options[] = {
    { "debit", "ID", "the account that is debited: a UUID or NAMESPACE:KEY", NULL },
    { "credit", "ID", "the account that is credited", NULL },
    { "asset", "CODE", "the asset of both accounts", "EUR" },
    { "amount", "AMOUNT", "in major units, like 12.50; 'all' with a balancing flag", NULL },
    { "flags", "FLAGS", "balancing_debit, balancing_credit: at most what the account has", NULL },
    { "user-ref", "UUID", "a reference of your own, indexed", NULL },
    { "value-date", "DATE", "YYYY-MM-DD; the day of the stamp without it", NULL },
    { "code", "NUMBER", "a class of your own", NULL },
    { "id", "UUID", "repeat with the same one to be safe; a new UUIDv7 without it", NULL },
    { 0 },
};

static void common_members(struct call *call, const struct invocation *invocation)
{
    call_text(call, "asset", invocation_text(invocation, "asset"));
    call_text(call, "amount", invocation_text(invocation, "amount"));
    call_id(call, "user_ref", invocation_text(invocation, "user-ref"));
    call_text(call, "value_date", invocation_text(invocation, "value-date"));
    call_number(call, "code", invocation_text(invocation, "code"));
}

static void direct_members(struct call *call, const struct invocation *invocation)
{
    call_new_id(call, invocation_text(invocation, "id"));
    call_id(call, "debit", invocation_text(invocation, "debit"));
    call_id(call, "credit", invocation_text(invocation, "credit"));
    call_words(call, "flags", invocation_text(invocation, "flags"));
    common_members(call, invocation);
}

static int transfer_create_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/transfers");
    direct_members(&call, invocation);
    return call_show(&call);
}

const struct command command_transfer_create = {
    .name = "transfer create",
    .summary = "move an amount from one account to another",
    .details = "Debits one account and credits the other. A wallet is a liability: money leaves "
               "it by a debit and comes in by a credit. If the answer is lost (exit code 4), "
               "give the same command with the --id that was shown: it is done once.",
    .options = direct_options,
    .examples = "transfer create --debit shop:equity --credit shop:alice --amount 100.00\n"
                "transfer create --debit shop:alice --credit shop:bob --amount all --flags "
                "balancing_debit",
    .run = transfer_create_run,
};

static int transfer_hold_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/transfers");
    call_text(&call, "kind", "hold");
    direct_members(&call, invocation);
    call_number(&call, "timeout_s", invocation_text(invocation, "timeout-s"));
    return call_show(&call);
}

static const struct option hold_options[] = {
    { "debit", "ID", "the account whose money is reserved: a UUID or NAMESPACE:KEY", NULL },
    { "credit", "ID", "the account that is to get it", NULL },
    { "asset", "CODE", "the asset of both accounts", "EUR" },
    { "amount", "AMOUNT", "in major units, like 12.50; 'all' with a balancing flag", NULL },
    { "timeout-s", "SECONDS", "when it is released by itself; 0 is never", "0" },
    { "flags", "FLAGS", "balancing_debit, balancing_credit: at most what the account has", NULL },
    { "user-ref", "UUID", "a reference of your own, indexed", NULL },
    { "value-date", "DATE", "YYYY-MM-DD; the day of the stamp without it", NULL },
    { "code", "NUMBER", "a class of your own", NULL },
    { "id", "UUID", "repeat with the same one to be safe; a new UUIDv7 without it", NULL },
    { 0 },
};

const struct command command_transfer_hold = {
    .name = "transfer hold",
    .summary = "reserve an amount, to be posted or voided later",
    .options = hold_options,
    .examples =
        "transfer hold --debit shop:alice --credit shop:bob --amount 40.00 --timeout-s 3600",
    .run = transfer_hold_run,
};

static const struct positional hold_positionals[] = {
    { "HOLD", "the id of the hold", false },
    { 0 },
};

static const struct option post_options[] = {
    { "amount", "AMOUNT", "a part of it; the whole without it", NULL },
    { "asset", "CODE", "with --amount: the asset of the hold", NULL },
    { "flags", "FLAGS", "keep_rest: what is not posted stays reserved", NULL },
    { "user-ref", "UUID", "a reference of your own, indexed", NULL },
    { "value-date", "DATE", "YYYY-MM-DD; the day of the stamp without it", NULL },
    { "code", "NUMBER", "a class of your own", NULL },
    { "id", "UUID", "repeat with the same one to be safe; a new UUIDv7 without it", NULL },
    { 0 },
};

static int target_run(struct invocation *invocation, const char *kind)
{
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/transfers");
    call_text(&call, "kind", kind);
    call_new_id(&call, invocation_text(invocation, "id"));
    call_id(&call, "target", invocation->positionals[0]);
    call_words(&call, "flags", invocation_text(invocation, "flags"));
    common_members(&call, invocation);
    return call_show(&call);
}

static int transfer_post_run(struct invocation *invocation)
{
    return target_run(invocation, "post");
}

const struct command command_transfer_post = {
    .name = "transfer post",
    .summary = "move what a hold reserves, whole or in part",
    .details = "What is not posted is released, or stays reserved with --flags keep_rest.",
    .positionals = hold_positionals,
    .options = post_options,
    .examples = "transfer post 019ab000-0000-7000-8000-0000000000a4\n"
                "transfer post 019ab000-0000-7000-8000-0000000000a4 --amount 30.00 --asset EUR",
    .run = transfer_post_run,
};

static int transfer_void_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/transfers");
    call_text(&call, "kind", "void");
    call_new_id(&call, invocation_text(invocation, "id"));
    call_id(&call, "target", invocation->positionals[0]);
    return call_show(&call);
}

static const struct option void_options[] = {
    { "id", "UUID", "repeat with the same one to be safe; a new UUIDv7 without it", NULL },
    { 0 },
};

const struct command command_transfer_void = {
    .name = "transfer void",
    .summary = "release what a hold reserves",
    .positionals = hold_positionals,
    .options = void_options,
    .examples = "transfer void 019ab000-0000-7000-8000-0000000000a4",
    .run = transfer_void_run,
};

static int transfer_reverse_run(struct invocation *invocation)
{
    return target_run(invocation, "reversal");
}

static const struct positional reverse_positionals[] = {
    { "TRANSFER", "the id of the transfer to give back", false },
    { 0 },
};

static const struct option reverse_options[] = {
    { "amount", "AMOUNT", "a part of it; all that is not yet reversed without it", NULL },
    { "asset", "CODE", "with --amount: the asset of the transfer", NULL },
    { "flags", "FLAGS", "linked flags of the API; rarely needed here", NULL },
    { "user-ref", "UUID", "a reference of your own, indexed", NULL },
    { "value-date", "DATE", "YYYY-MM-DD; the day of the stamp without it", NULL },
    { "code", "NUMBER", "a class of your own", NULL },
    { "id", "UUID", "repeat with the same one to be safe; a new UUIDv7 without it", NULL },
    { 0 },
};

const struct command command_transfer_reverse = {
    .name = "transfer reverse",
    .summary = "compensate a transfer by the opposite entry, whole or in part",
    .details = "History is only appended to: the transfer stays, and a second one that names it "
               "moves the money back, at most what was not reversed before.",
    .positionals = reverse_positionals,
    .options = reverse_options,
    .examples = "transfer reverse 019ab000-0000-7000-8000-0000000000a1\n"
                "transfer reverse 019ab000-0000-7000-8000-0000000000a1 --amount 5.00 --asset EUR",
    .run = transfer_reverse_run,
};

static int transfer_show_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/transfers");
    call_segment(&call, invocation->positionals[0]);
    return call_show(&call);
}

static const struct positional show_positionals[] = {
    { "ID", "the id of the transfer", false },
    { 0 },
};

const struct command command_transfer_show = {
    .name = "transfer show",
    .summary = "show a transfer, its outcome, and what became of a hold",
    .positionals = show_positionals,
    .examples = "transfer show 019ab000-0000-7000-8000-0000000000a1",
    .run = transfer_show_run,
};

static int transfer_list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "position", "POSITION", false },
        { "at", "AT", false },
        { "kind", "KIND", false },
        { "outcome", "OUTCOME", false },
        { "amount", "AMOUNT", true },
        { "asset", "ASSET", false },
        { "id", "ID", false },
        { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/transfers");
    call_query(&call, "user_ref", invocation_text(invocation, "user-ref"));
    call_query(&call, "from", invocation_text(invocation, "from"));
    call_query(&call, "to", invocation_text(invocation, "to"));
    call_query(&call, "limit", invocation_text(invocation, "limit"));
    call_query(&call, "cursor", invocation_text(invocation, "cursor"));
    return call_show_table(&call, "items", columns);
}

static const struct option list_options[] = {
    { "user-ref", "UUID", "only those with this reference", NULL },
    { "from", "TIME", "stamped at or after this time (RFC 3339)", NULL },
    { "to", "TIME", "stamped before this time", NULL },
    { "limit", "COUNT", "how many, at most 1000", "100" },
    { "cursor", "NEXT", "go on behind the page that said `next NEXT`", NULL },
    { 0 },
};

const struct command command_transfer_list = {
    .name = "transfer list",
    .summary = "list transfers in the order of the journal, refusals included",
    .options = list_options,
    .examples = "transfer list --limit 20\ntransfer list --from 2026-11-23T00:00:00Z --json",
    .run = transfer_list_run,
};
