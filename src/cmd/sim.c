/* tpwallet sim: the shipped ledger under seeds, with crashes and faults that no machine shows. */
#include "sim/run.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/hex.h"
#include "base/json_writer.h"
#include "cmd/report.h"
#include "cmd/seed_range.h"

static void text_write(void *owner, struct str text)
{
    FILE *file = owner;
    (void)fwrite(text.data, 1, text.len, file); /* the end of the program looks at the stream */
}

static int result_report(const struct invocation *invocation, const struct sim_result *result)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    struct json_writer writer;
    char trace[17];
    int len = snprintf(trace, sizeof(trace), "%016llx", (unsigned long long)result->trace);
    CHECK(len == 16);
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("seeds"));
    json_write_uint64(&writer, result->seeds);
    json_write_key(&writer, STR("violations"));
    json_write_uint64(&writer, result->violations);
    json_write_key(&writer, STR("never_met"));
    json_write_uint64(&writer, result->never_met);
    json_write_key(&writer, STR("trace"));
    json_write_string(&writer, str_from(trace));
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(&out, '\n');
    return report_text(invocation, buf_view(&out));
}

static int sim_command_run(struct invocation *invocation)
{
    struct error error;
    struct sim_options options = {
        .verbose = invocation_text(invocation, "verbose") != NULL,
        .write = text_write,
        .owner = invocation->json ? stderr : stdout,
    };
    const char *workload = invocation_text(invocation, "workload");
    if (!sim_workload_parse(str_from(workload), &options.workload)) {
        (void)error_set(&error, STATUS_INVALID, "'--workload %s' is not a workload", workload);
        error_hint(&error, "write ledger or payments");
        return report_error(invocation, &error);
    }
    struct seed_range range;
    if (seed_range_parse(invocation_text(invocation, "seeds"), &range, &error) != STATUS_OK)
        return report_error(invocation, &error);
    options.seed_first = range.first;
    options.seed_last = range.last;
    struct sim_result result = { 0 };
    enum status status = sim_run_seeds(&options, &result);
    if (invocation->json) {
        int code = result_report(invocation, &result);
        if (code != EXIT_CODE_DONE) return code;
    }
    return status == STATUS_OK ? EXIT_CODE_DONE : EXIT_CODE_REFUSED;
}

static const struct option sim_options_table[] = {
    { "seeds", "A..B", "which seeds to run; each fixes everything that happens", "0..99" },
    { "workload", "NAME", "what is asked of it: ledger, payments or lanes", "ledger" },
    { "verbose", NULL, "a line per seed, and the newest log lines of one that fails", NULL },
    { 0 },
};

const struct command command_sim = {
    .name = "sim",
    .summary = "run ledger and payments in a simulated world: crashes, lost replies, full disks",
    .details = sim_help,
    .options = sim_options_table,
    .examples =
        "sim --seeds 0..999\nsim --workload payments --seeds 0..999\nsim --seeds 17 --verbose",
    .run = sim_command_run,
};
