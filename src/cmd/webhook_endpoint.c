/* tpwallet webhook endpoint ..., webhook rejections: who is sent our webhooks; what was turned away. */
#include "cmd/call.h"

static const char path[] = "/v1/webhook-endpoints";

static const struct positional id_positional[] = {
    { "ID", "as `webhook endpoint list` shows it", false },
    { 0 },
};

static int create_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, path);
    call_text(&call, "url", invocation->positionals[0]);
    call_words(&call, "filters", invocation_text(invocation, "filters"));
    call_text(&call, "after", invocation_text(invocation, "after"));
    call_key(&call, invocation_text(invocation, "key"));
    call_reason(&call);
    return call_show(&call);
}

static const struct positional create_positionals[] = {
    { "URL", "where they are sent: https://shop.example/hooks", false },
    { 0 },
};

static const struct option create_options[] = {
    { "filters", "TYPES", "which events, with commas between; payment.* is all below; else all",
      NULL },
    { "after", "POSITION", "events behind it; 0 is all there ever were; else from now on", NULL },
    { "key", "KEY", "the Idempotency-Key; a repeat with it makes no second one", NULL },
    REASON_OPTION,
    { 0 },
};

const struct command command_webhook_endpoint_create = {
    .name = "webhook endpoint create",
    .summary = "send events to an address, and show the secret, once",
    .details = "Webhooks are signed as Standard Webhooks have it. Private and loopback addresses "
               "are refused at each call, unless the server runs with --webhook-private.",
    .positionals = create_positionals,
    .options = create_options,
    .examples = "webhook endpoint create https://shop.example/hooks\n"
                "webhook endpoint create https://shop.example/hooks --filters payment.*",
    .run = create_run,
};

static int list_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "id", "ID", false },
        { "url", "URL", false },
        { "state", "STATE", false },
        { "disabled_itself", "FAILED", false },
        { "sequence", "SENT", true },
        { "attempts", "ATTEMPTS", true },
        { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, path);
    call_lane(&call);
    return call_show_table(&call, "items", columns);
}

static const struct option list_options[] = {
    LANE_OPTION,
    { 0 },
};

const struct command command_webhook_endpoint_list = {
    .name = "webhook endpoint list",
    .summary = "list who is sent our webhooks, and how far deliveries got",
    .options = list_options,
    .examples = "webhook endpoint list",
    .run = list_run,
};

static int update_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_PATCH, path);
    call_segment(&call, invocation->positionals[0]);
    call_text(&call, "url", invocation_text(invocation, "url"));
    call_words(&call, "filters", invocation_text(invocation, "filters"));
    call_text(&call, "state", invocation_text(invocation, "state"));
    call_reason(&call);
    call_lane(&call);
    return call_show(&call);
}

static const struct option update_options[] = {
    { "url", "URL", "another address", NULL },
    { "filters", "TYPES", "other events, from where deliveries have got to", NULL },
    { "state", "STATE", "active, also after it has disabled itself; or disabled", NULL },
    LANE_OPTION,
    REASON_OPTION,
    { 0 },
};

const struct command command_webhook_endpoint_update = {
    .name = "webhook endpoint update",
    .summary = "change an endpoint's address, filters or state",
    .positionals = id_positional,
    .options = update_options,
    .examples = "webhook endpoint update 019ab000-0000-7000-8000-0000000000e1 --state active",
    .run = update_run,
};

static int delete_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_DELETE, path);
    call_segment(&call, invocation->positionals[0]);
    call_reason(&call);
    return call_show(&call);
}

static const struct option delete_options[] = {
    REASON_OPTION,
    { 0 },
};

const struct command command_webhook_endpoint_delete = {
    .name = "webhook endpoint delete",
    .summary = "send an endpoint nothing more, and forget its secrets and dead letters",
    .positionals = id_positional,
    .options = delete_options,
    .examples = "webhook endpoint delete 019ab000-0000-7000-8000-0000000000e1",
    .run = delete_run,
};

static int rotate_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, path);
    call_segment(&call, invocation->positionals[0]);
    call_segment(&call, "rotate-secret");
    call_number(&call, "overlap_s", invocation_text(invocation, "overlap-s"));
    call_reason(&call);
    return call_show(&call);
}

static const struct option rotate_options[] = {
    { "overlap-s", "SECONDS", "how long the secrets of before sign too", "86400" },
    REASON_OPTION,
    { 0 },
};

const struct command command_webhook_endpoint_rotate = {
    .name = "webhook endpoint rotate",
    .summary = "make an endpoint a new secret, and show it, once",
    .positionals = id_positional,
    .options = rotate_options,
    .examples = "webhook endpoint rotate 019ab000-0000-7000-8000-0000000000e1 --overlap-s 172800",
    .run = rotate_run,
};

static int deliveries_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "sequence", "DEAD LETTER", true },
        { "event", "EVENT", false },
        { "at", "LAST TRIED", false },
        { "attempts", "ATTEMPTS", true },
        { "http_status", "STATUS", true },
        { "redrive", "REDRIVE", false },
        { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, path);
    call_segment(&call, invocation->positionals[0]);
    call_segment(&call, "deliveries");
    call_query(&call, "since", invocation_text(invocation, "since"));
    call_query(&call, "limit", "1000");
    call_lane(&call);
    return call_show_table(&call, "dead_letters", columns);
}

static const struct option since_options[] = {
    { "since", "NUMBER", "only above this sequence number", NULL },
    LANE_OPTION,
    { 0 },
};

const struct command command_webhook_endpoint_deliveries = {
    .name = "webhook endpoint deliveries",
    .summary = "list an endpoint's dead letters",
    .positionals = id_positional,
    .options = since_options,
    .examples = "webhook endpoint deliveries 019ab000-0000-7000-8000-0000000000e1",
    .run = deliveries_run,
};

static int redrive_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_POST, path);
    call_segment(&call, invocation->positionals[0]);
    call_segment(&call, "redrive");
    call_number(&call, "sequence", invocation_text(invocation, "sequence"));
    call_lane(&call);
    return call_show(&call);
}

static const struct option redrive_options[] = {
    { "sequence", "NUMBER", "only this one", NULL },
    LANE_OPTION,
    { 0 },
};

const struct command command_webhook_endpoint_redrive = {
    .name = "webhook endpoint redrive",
    .summary = "try an endpoint's dead letters again",
    .positionals = id_positional,
    .options = redrive_options,
    .examples = "webhook endpoint redrive 019ab000-0000-7000-8000-0000000000e1 --sequence 42",
    .run = redrive_run,
};

static int missed_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "sequence", "NUMBER", true }, { "id", "EVENT", false },  { "type", "TYPE", false },
        { "subject", "OF", false },     { "time", "TIME", false }, { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, path);
    call_segment(&call, invocation->positionals[0]);
    call_segment(&call, "missed");
    call_query(&call, "since", invocation_text(invocation, "since"));
    call_query(&call, "limit", "1000");
    call_lane(&call);
    return call_show_table(&call, "items", columns);
}

const struct command command_webhook_endpoint_missed = {
    .name = "webhook endpoint missed",
    .summary = "list the events above a number, as an endpoint was or will be sent them",
    .positionals = id_positional,
    .options = since_options,
    .examples = "webhook endpoint missed 019ab000-0000-7000-8000-0000000000e1 --since 41 --json",
    .run = missed_run,
};

static int rejections_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "number", "NUMBER", true },   { "at", "TIME", false },
        { "sender", "SENDER", false },  { "reason", "REASON", false },
        { "secret", "SECRET", false },  { "body_form", "FORM", false },
        { "ahead_s", "AHEAD S", true }, { 0 },
    };
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/webhook-rejections");
    call_query(&call, "limit", "256");
    call_lane(&call);
    return call_show_table(&call, "items", columns);
}

const struct command command_webhook_rejections = {
    .name = "webhook rejections",
    .summary = "list the newest webhooks of PSPs that were turned away, and why",
    .details = "They are kept in memory while the server runs. SECRET is the name of the one that "
               "would have verified, FORM the form of the body, AHEAD S the sender's clock less "
               "ours. --json shows message, size, digest and masked headers too.",
    .options = list_options,
    .examples = "webhook rejections",
    .run = rejections_run,
};
