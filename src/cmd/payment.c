/* tpwallet payment ...: make payments, and say what is to become of them. */
#include "cmd/call.h"

static const char path[] = "/v1/payments";

static const struct positional id_positionals[] = {
    { "ID", "the id of the payment", false },
    { 0 },
};

static int payment_create_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, path);
    const char *wallet = invocation_text(invocation, "wallet");
    const char *merchant = invocation_text(invocation, "merchant");
    call_text(&call, "kind", invocation->positionals[0]);
    call_new_payment_id(&call, invocation_text(invocation, "id"),
                        wallet != NULL ? wallet : merchant, NULL);
    call_text(&call, "amount", invocation_text(invocation, "amount"));
    call_text(&call, "asset", invocation_text(invocation, "asset"));
    call_id(&call, "wallet", wallet);
    call_id(&call, "to", invocation_text(invocation, "to"));
    call_id(&call, "merchant", merchant);
    call_text(&call, "method", invocation_text(invocation, "method"));
    call_text(&call, "psp", invocation_text(invocation, "psp"));
    call_text(&call, "to_asset", invocation_text(invocation, "to-asset"));
    call_number(&call, "expires_in_s", invocation_text(invocation, "expires-in-s"));
    call_number(&call, "code", invocation_text(invocation, "code"));
    call_id(&call, "user_ref", invocation_text(invocation, "user-ref"));
    return call_show(&call);
}

static const struct positional create_positionals[] = {
    { "KIND", "pay_in, pay_out, wallet, merchant or exchange; for refunds: `payment refund`",
      false },
    { 0 },
};

static const struct option create_options[] = {
    { "amount", "AMOUNT", "in major units, like 12.50", NULL },
    { "asset", "CODE", "the asset of the amount", "EUR" },
    { "wallet", "ID", "pay_in: credited; else debited: a UUID or NAMESPACE:KEY", NULL },
    { "to", "ID", "wallet, exchange: the account that is credited", NULL },
    { "merchant", "ID", "merchant: the account that is credited", NULL },
    { "method", "TOKEN", "the PSP's token of a card or bank account; never its number", NULL },
    { "psp", "NAME", "who carries it out; the server chooses without it", NULL },
    { "to-asset", "CODE", "exchange: the asset of --to", NULL },
    { "expires-in-s", "SECONDS", "merchant: released by itself after that; exchange: at most 60",
      NULL },
    { "code", "NUMBER", "a class of your own", NULL },
    { "user-ref", "UUID", "a reference of your own", NULL },
    { "id", "UUID", "repeat with the same one to be safe; a new UUIDv7 without it", NULL },
    { 0 },
};

const struct command command_payment_create = {
    .name = "payment create",
    .summary = "make a payment",
    .details =
        "wallet: from a wallet to a wallet, done at once, or, when they are in two lanes, pending "
        "until it is there. merchant: reserved now, captured, cancelled or expired later; from a "
        "wallet, or with --method from a card. pay_in and "
        "pay_out: through a PSP, with --method; the answer says pending, `payment get` what came "
        "of it. exchange: a quote, at the rate of `rate list`, to be executed within a minute.\n\n"
        "If the answer is lost (exit code 4), give the same command with the --id that was "
        "shown: it is done once. PSPs and exchanges need the chart: `tpwallet chart create`.",
    .positionals = create_positionals,
    .options = create_options,
    .examples =
        "payment create wallet --wallet shop:alice --to shop:bob --amount 12.50\n"
        "payment create merchant --wallet shop:alice --merchant shop:books --amount 40.00 "
        "--expires-in-s 3600\n"
        "payment create pay_in --wallet shop:alice --amount 25.00 --method card_ok --psp sandbox\n"
        "payment create exchange --wallet shop:alice --to shop:alice-usd --amount 100.00 "
        "--to-asset USD",
    .run = payment_create_run,
};

static int payment_get_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_GET, path);
    call_segment(&call, invocation->positionals[0]);
    return call_show(&call);
}

const struct command command_payment_get = {
    .name = "payment get",
    .summary = "show a payment as it stands",
    .positionals = id_positionals,
    .examples = "payment get 019ab000-0000-7000-8000-0000000000d1",
    .run = payment_get_run,
};

static int payment_list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "id", "ID", false },
        { "kind", "KIND", false },
        { "state", "STATE", false },
        { "amount", "AMOUNT", true },
        { "asset", "ASSET", false },
        { "psp", "PSP", false },
        { "step", "STEP", false },
        { "attempts", "TRIES", true },
        { "due_at", "DUE AT", false },
        { "reason", "REASON", false },
        { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, path);
    call_query(&call, "state", invocation_text(invocation, "state"));
    call_query(&call, "limit", invocation_text(invocation, "limit"));
    call_query(&call, "cursor", invocation_text(invocation, "cursor"));
    call_lane(&call);
    return call_show_table(&call, "items", columns);
}

static const struct option list_options[] = {
    { "state", "STATE",
      "only those that are pending, in_doubt, manual, quoted, authorised, part_captured or opened",
      NULL },
    { "limit", "COUNT", "how many, at most 1000", "100" },
    { "cursor", "NEXT", "go on behind the page that said `next NEXT`", NULL },
    { "lane", "N", "of a ledger with several lanes: only that one's", NULL },
    { 0 },
};

const struct command command_payment_list = {
    .name = "payment list",
    .summary = "list the open payments: those that wait for something",
    .details =
        "--state manual is the queue of what a person has to decide: `payment resolve`. Of a "
        "ledger with several lanes a server lists one lane after the other.",
    .options = list_options,
    .examples = "payment list\npayment list --state manual\npayment list --state in_doubt --json",
    .run = payment_list_run,
};

static void verb_init(struct call *call, const struct invocation *invocation, const char *verb)
{
    call_init(call, invocation, API_POST, path);
    call_segment(call, invocation->positionals[0]);
    call_segment(call, verb);
}

static int payment_capture_run(struct invocation *invocation)
{
    struct call call;
    verb_init(&call, invocation, "capture");
    call_text(&call, "amount", invocation_text(invocation, "amount"));
    call_text(&call, "asset", invocation_text(invocation, "asset"));
    if (invocation_has(invocation, "last")) call_truth(&call, "last", true);
    call_key(&call, invocation_text(invocation, "key"));
    return call_show(&call);
}

static const struct option capture_options[] = {
    { "amount", "AMOUNT", "a part of what is left", "all" },
    { "asset", "CODE", "with a part: the asset of the payment", NULL },
    { "last", NULL, "what is left after it is released", NULL },
    { "key", "KEY", "an Idempotency-Key: repeat with the same one to be safe; fresh without it",
      NULL },
    { 0 },
};

const struct command command_payment_capture = {
    .name = "payment capture",
    .summary = "take what a merchant payment reserves, whole or in parts",
    .positionals = id_positionals,
    .options = capture_options,
    .examples =
        "payment capture 019ab000-0000-7000-8000-0000000000d3\n"
        "payment capture 019ab000-0000-7000-8000-0000000000d3 --amount 5.00 --asset EUR --last",
    .run = payment_capture_run,
};

static int bare_run(struct invocation *invocation, const char *verb)
{
    struct call call;
    verb_init(&call, invocation, verb);
    call_bare(&call);
    return call_show(&call);
}

static int payment_cancel_run(struct invocation *invocation)
{
    return bare_run(invocation, "cancel");
}

const struct command command_payment_cancel = {
    .name = "payment cancel",
    .summary = "release what a merchant payment still reserves, or drop a quote",
    .details = "What was captured stays; `payment refund` gives it back.",
    .positionals = id_positionals,
    .examples = "payment cancel 019ab000-0000-7000-8000-0000000000d4",
    .run = payment_cancel_run,
};

static int payment_execute_run(struct invocation *invocation)
{
    return bare_run(invocation, "execute");
}

const struct command command_payment_execute = {
    .name = "payment execute",
    .summary = "carry out an exchange at the rate that was quoted",
    .positionals = id_positionals,
    .examples = "payment execute 019ab000-0000-7000-8000-0000000000d5",
    .run = payment_execute_run,
};

static int payment_refund_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, path);
    call_text(&call, "kind", "refund");
    call_new_payment_id(&call, invocation_text(invocation, "id"), NULL, invocation->positionals[0]);
    call_text(&call, "payment", invocation->positionals[0]);
    call_text(&call, "amount", invocation_text(invocation, "amount"));
    call_text(&call, "asset", invocation_text(invocation, "asset"));
    call_number(&call, "code", invocation_text(invocation, "code"));
    call_id(&call, "user_ref", invocation_text(invocation, "user-ref"));
    return call_show(&call);
}

static const struct positional refund_positionals[] = {
    { "PAYMENT", "the id of the payment to give back", false },
    { 0 },
};

static const struct option refund_options[] = {
    { "amount", "AMOUNT", "a part of what was taken and not given back", "all" },
    { "asset", "CODE", "with a part: the asset of the payment", NULL },
    { "code", "NUMBER", "a class of your own", NULL },
    { "user-ref", "UUID", "a reference of your own", NULL },
    { "id", "UUID", "of the refund: repeat with the same one to be safe; a new UUIDv7 without it",
      NULL },
    { 0 },
};

const struct command command_payment_refund = {
    .name = "payment refund",
    .summary = "give a pay_in, wallet or merchant payment back, whole or in part",
    .details = "A refund is a payment of its own. All refunds of a payment, those on their way "
               "and in doubt included, are at most what was taken and is not disputed. Of a "
               "payment into another lane it is pending until that lane has given it.",
    .positionals = refund_positionals,
    .options = refund_options,
    .examples = "payment refund 019ab000-0000-7000-8000-0000000000d1\n"
                "payment refund 019ab000-0000-7000-8000-0000000000d1 --amount 5.00 --asset EUR",
    .run = payment_refund_run,
};

static int payment_resolve_run(struct invocation *invocation)
{
    struct call call;
    verb_init(&call, invocation, "resolve");
    call_text(&call, "state", invocation->positionals[1]);
    call_text(&call, "reason", invocation_text(invocation, "reason"));
    return call_show(&call);
}

static const struct positional resolve_positionals[] = {
    { "ID", "the id of the payment", false },
    { "STATE", "succeeded or failed: what became of the step", false },
    { 0 },
};

static const struct option resolve_options[] = {
    { "reason", "CODE", "why, as a code of yours: 1 to 31 of a-z, 0-9 and '_'", NULL },
    { 0 },
};

const struct command command_payment_resolve = {
    .name = "payment resolve",
    .summary = "decide what became of a payment that only a person can tell of",
    .details = "Only for those in the state manual: `payment list --state manual`. Look at the "
               "PSP's own page first: money moves by what is said here, and it is not asked again.",
    .positionals = resolve_positionals,
    .options = resolve_options,
    .examples =
        "payment resolve 019ab000-0000-7000-8000-0000000000d6 failed --reason psp_says_not_charged",
    .run = payment_resolve_run,
};

static int payment_refresh_run(struct invocation *invocation)
{
    return bare_run(invocation, "refresh");
}

const struct command command_payment_refresh = {
    .name = "payment refresh",
    .summary = "let the server ask the PSP now what became of a payment",
    .details = "The answer is not waited for: `payment get` shows it when it is there.",
    .positionals = id_positionals,
    .examples = "payment refresh 019ab000-0000-7000-8000-0000000000d6",
    .run = payment_refresh_run,
};
