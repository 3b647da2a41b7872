/* tpwallet settle: a PSP's statement of a day, fetched and booked line by line. */
#include "cmd/call.h"
#include "cmd/exit_code.h"
#include "cmd/lane_set.h"
#include "cmd/report.h"

static int settle_run(struct invocation *invocation)
{
    static const struct render_column columns[] = {
        { "line", "ODD LINE", false },
        { "kind", "KIND", false },
        { "asset", "ASSET", false },
        { "gross", "GROSS", true },
        { "fee", "FEE", true },
        { "reason", "REASON", false },
        { "reference", "REFERENCE", false },
        { 0 },
    };
    struct error error = { 0 };
    uint32_t lanes = 1;
    if (lane_set_count(invocation->data, &lanes, &error) != STATUS_OK)
        return report_error(invocation, &error);
    int code = EXIT_CODE_DONE;
    for (uint32_t lane = 0; lane < lanes && code == EXIT_CODE_DONE; lane++) {
        struct call call;
        call_init(&call, invocation, API_POST, "/v1/settlements");
        call_text(&call, "psp", invocation_text(invocation, "psp"));
        call_text(&call, "day", invocation_text(invocation, "day"));
        call.lane = lane;
        code = call_show_table(&call, "odd", columns);
    }
    return code;
}

static const struct option options[] = {
    { "psp", "NAME", "whose statement", NULL },
    { "day", "YYYY-MM-DD", "of which day, in UTC", NULL },
    { 0 },
};

const struct command command_settle = {
    .name = "settle",
    .summary = "book a PSP's statement of a day: what it owed is at the bank, less its fees",
    .details =
        "Each line is booked once, so the command may be given again, and has to be when it was "
        "interrupted. A line that no payment explains is booked against suspense and shown, as "
        "are lines that were refused. A day whose statement the PSP has not made: exit code 3. "
        "Only a server that was given the PSP (serve --psp) can fetch its statement. Of a ledger "
        "with several lanes each books its own lines, one after the other, with a report of each.",
    .options = options,
    .examples = "settle --psp sandbox --day 2026-11-28\n"
                "settle --psp sandbox --day 2026-11-28 --json",
    .run = settle_run,
};
