/* tpwallet chart ...: the accounts that payments need beside the wallets. */
#include "cmd/chart_accounts.h"
#include "cmd/render.h"
#include "cmd/report.h"

enum { OUT_SIZE_MAX = 1 << 20 };

struct chart_run {
    bool makes;
    struct json_writer json;
};

static enum status lane_run_one(void *context, struct session *session,
                                const struct chart_names *names, struct error *out_error)
{
    struct chart_run *run = context;
    enum status status = STATUS_OK;
    if (run->makes) status = chart_accounts_make(session, names, out_error);
    if (status != STATUS_OK) return status;
    return chart_accounts_show(session, names, &run->json, out_error);
}

static enum status chart_run(const struct invocation *invocation, bool makes, struct buf *out_json,
                             struct error *out_error)
{
    struct chart_names names = {
        .assets = invocation_text(invocation, "asset"),
        .psps = invocation_text(invocation, "psp"),
    };
    const struct session_options options = { .folder = invocation->data, .read_only = !makes };
    struct chart_run run = { .makes = makes };
    json_writer_init(&run.json, out_json);
    json_write_object_begin(&run.json);
    json_write_key(&run.json, STR("accounts"));
    json_write_array_begin(&run.json);
    enum status status = chart_accounts_each(&options, &names, lane_run_one, &run, out_error);
    if (status != STATUS_OK) return status;
    json_write_array_end(&run.json);
    json_write_object_end(&run.json);
    if (json_write_end(&run.json) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "these are too many assets at once");
}

static int chart_show(const struct invocation *invocation, bool makes)
{
    static const struct render_column columns[] = {
        { "lane", "LANE", false },      { "asset", "ASSET", false },
        { "role", "ROLE", false },      { "psp", "PSP", false },
        { "kind", "KIND", false },      { "made", "MADE", false },
        { "balance", "BALANCE", true }, { "meaning", "MEANING", false },
        { "id", "ID", false },          { 0 },
    };
    BUF_SCOPE struct buf json;
    BUF_SCOPE struct buf text;
    buf_init(&json, OUT_SIZE_MAX);
    buf_init(&text, OUT_SIZE_MAX);
    struct error error = { 0 };
    enum status status = chart_run(invocation, makes, &json, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    if (invocation->json) {
        buf_append_byte(&json, '\n');
        return report_text(invocation, buf_view(&json));
    }
    status = render_table(buf_view(&json), "accounts", columns, &text);
    if (status != STATUS_OK) {
        (void)error_set(&error, status, "the chart cannot be shown"); /* always that status */
        return report_error(invocation, &error);
    }
    return report_text(invocation, buf_view(&text));
}

static int chart_create_run(struct invocation *invocation)
{
    return chart_show(invocation, true);
}

static const struct option chart_options[] = {
    { "asset", "CODES", "of which assets, with commas between", "EUR" },
    { "psp", "NAMES", "a clearing account for each of these PSPs, with commas between", NULL },
    { 0 },
};

const struct command command_chart_create = {
    .name = "chart create",
    .summary = "make the accounts that payments need beside the wallets",
    .details = "One of each role per asset: what a PSP owes (clearing, one per PSP), the "
               "safeguarding bank account, fees, rounding, the exchange's position, suspense, "
               "receivable and loss; in a ledger with several lanes once in each. Their ids "
               "follow from lane, asset, role and PSP, so giving the "
               "command again makes nothing, and a PSP can be added later.",
    .options = chart_options,
    .examples = "chart create --asset EUR --psp sandbox\nchart create --asset EUR,USD,JPY",
    .run = chart_create_run,
};

static int chart_show_run(struct invocation *invocation)
{
    return chart_show(invocation, false);
}

const struct command command_chart_show = {
    .name = "chart show",
    .summary = "show the chart of accounts of an asset with its balances",
    .options = chart_options,
    .examples = "chart show --asset EUR --psp sandbox\nchart show --asset EUR --json",
    .run = chart_show_run,
};
