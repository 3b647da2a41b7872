/* tpwallet story: all that is known of a payment, oldest first, gaps marked. */
#include "cmd/call.h"
#include "cmd/story_view.h"

static int story_run(struct invocation *invocation)
{
    struct call call;
    call_init(&call, invocation, API_GET, "/v1/payments");
    call_segment(&call, invocation->positionals[0]);
    call_segment(&call, "story");
    return call_show_as(&call, story_view);
}

static const struct positional positionals[] = {
    { "ID", "the id of the payment", false },
    { 0 },
};

const struct command command_story = {
    .name = "story",
    .summary = "tell a payment's whole story: who, when, what moved, and what is missing",
    .details =
        "One line for each unit of the journal that moved it: the time (UTC), how long after the "
        "one before, its position, who caused it, and what it came to. Below it: the call to the "
        "PSP with its answer, HTTP status and duration; the refund, chargeback or payment that "
        "moved with it; and each transfer with its accounts, by their role where they have one, and "
        "what was posted on them when it was done.\n\n"
        "Then what came and went: webhooks of the PSP that the inbox still has, each with the unit "
        "that it has brought about, and our events with what is known of their deliveries to "
        "endpoints. Both are known to the running server alone.\n\n"
        "Lines that begin with MISSING name what should have happened and did not, and by when; "
        "those that begin with NOT TOLD, what the story lacks, and why.",
    .positionals = positionals,
    .examples = "story 019ab000-0000-7000-8000-0000000000d1\n"
                "story 019ab000-0000-7000-8000-0000000000d1 --json",
    .run = story_run,
};
