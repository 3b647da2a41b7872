/* tpwallet key ...: API keys; the ledger keeps only their digests. */
#include "cmd/call.h"

static int key_create_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, "/v1/keys");
    call_text(&call, "name", invocation->positionals[0]);
    call_words(&call, "scopes", invocation_text(invocation, "scopes"));
    call_fresh_key(&call);
    call_reason(&call);
    return call_show(&call);
}

static const struct positional create_positionals[] = {
    { "NAME", "what it is for; up to 63 characters", false },
    { 0 },
};

static const struct option create_options[] = {
    { "scopes", "SCOPES", "what it may do, with commas between",
      "accounts:read,accounts:write,transfers:read,transfers:write,payments:read,payments:write" },
    REASON_OPTION,
    { 0 },
};

const struct command command_key_create = {
    .name = "key create",
    .summary = "make an API key and show its secret, once",
    .details =
        "Scopes: accounts:read, accounts:write, transfers:read, transfers:write, "
        "payments:read, payments:write, metrics:read, admin. Clients send the secret as `Authorization: Bearer SECRET`. "
        "Only its SHA-256 is stored: who loses it revokes the key and makes another.",
    .positionals = create_positionals,
    .options = create_options,
    .examples = "key create shop\nkey create prometheus --scopes metrics:read --reason ops-1234",
    .run = key_create_run,
};

static int key_list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "id", "ID", false },           { "name", "NAME", false },
        { "scopes", "SCOPES", false },   { "revoked", "REVOKED", false },
        { "created_at", "MADE", false }, { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/keys");
    call_query(&call, "limit", "1000");
    return call_show_table(&call, "items", columns);
}

const struct command command_key_list = {
    .name = "key list",
    .summary = "list the API keys, revoked ones too",
    .examples = "key list",
    .run = key_list_run,
};

static int key_revoke_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_DELETE, "/v1/keys");
    call_segment(&call, invocation->positionals[0]);
    call_reason(&call);
    return call_show(&call);
}

static const struct positional revoke_positionals[] = {
    { "ID", "as `key list` shows it", false },
    { 0 },
};

static const struct option revoke_options[] = {
    REASON_OPTION,
    { 0 },
};

const struct command command_key_revoke = {
    .name = "key revoke",
    .summary = "refuse an API key from now on",
    .positionals = revoke_positionals,
    .options = revoke_options,
    .examples = "key revoke 019ab000-0000-7000-8000-0000000000c1",
    .run = key_revoke_run,
};
