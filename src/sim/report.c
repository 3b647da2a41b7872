/* Adds up counters, and prints them with what was never met marked. */
#include "sim/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "sim/payment_report.h"

enum { TEXT_SIZE_MAX = 1 << 20 };

struct report {
    uint64_t seeds;
    uint64_t violations;
    uint64_t trace;
    uint64_t steps;
    uint64_t virtual_s;
    uint64_t batches;
    uint64_t records;
    uint64_t expiries;
    uint64_t run_commits;
    uint64_t alarms;
    uint64_t indexes_damaged;
    struct service_stats service;
    struct log_stats verifiable_log;
    struct told told;
    uint64_t hits[SIM_FAULT_COUNT];
    uint64_t crash_points[SIM_POINT_COUNT];
    uint64_t visits[SIM_POINT_COUNT];
    uint64_t journaled[OUTCOME_COUNT];
    struct payment_sums payments;
    struct books_sums transits;
};

/*
 * What a range need not meet, and why. Everything else must occur in a range of
 * SIM_COVERAGE_SEEDS_MIN seeds.
 */
static bool admin_outcome_excluded(enum admin_outcome outcome)
{
    /* 32 to 4,096 acts each; the ledger's own tests fill these tables */
    return outcome == ADMIN_OUTCOME_ASSET_CAPACITY ||
           outcome == ADMIN_OUTCOME_CREDENTIAL_CAPACITY || outcome == ADMIN_OUTCOME_RATE_CAPACITY ||
           outcome == ADMIN_OUTCOME_RAISE_CAPACITY;
}

struct report *report_new(void)
{
    struct report *report = calloc(1, sizeof *report);
    CHECK(report != NULL);
    return report;
}

void report_free(struct report *report)
{
    free(report);
}

/* Both are arrays of counters. */
static void counters_add(void *sums, const void *more, size_t size)
{
    uint64_t *sum = sums;
    const uint64_t *one = more;
    CHECK(size % sizeof *sum == 0);
    for (size_t i = 0; i < size / sizeof *sum; i++) sum[i] += one[i];
}

static void text_write(const struct sim_options *options, struct buf *text)
{
    CHECK(buf_status(text) == STATUS_OK);
    options->write(options->owner, buf_view(text));
    buf_free(text);
}

static void violations_write(const struct sim_options *options, uint64_t seed,
                             const struct service *service)
{
    struct buf text;
    buf_init(&text, TEXT_SIZE_MAX);
    buf_append_format(&text,
                      "violation in seed %" PRIu64 ": replay with "
                      "`tpwallet sim --workload %s --seeds %" PRIu64 "..%" PRIu64 "`\n",
                      seed, sim_workload_name(options->workload), seed, seed);
    buf_append_str(&text, buf_view(&service->verdict.text));
    if (options->verbose) sim_log_print(&service->log, &text);
    text_write(options, &text);
}

static void seed_write(const struct sim_options *options, uint64_t seed,
                       const struct service *service, const struct crowd *crowd)
{
    struct buf text;
    buf_init(&text, TEXT_SIZE_MAX);
    buf_append_format(&text,
                      "seed %" PRIu64 ": %" PRIu64 " steps, %" PRIu64 " lives, %" PRIu64
                      " batches, %u transfers, %" PRIu64 " acknowledged, trace %016" PRIx64 "\n",
                      seed, world_steps(service->world), service->stats.lives,
                      sim_disk_head(service->disk), service->model->transfer_count,
                      crowd->told.transfers, world_trace(service->world));
    text_write(options, &text);
}

static void world_add(struct report *report, const struct world *world)
{
    report->seeds++;
    report->trace =
        hash_fold(report->trace ^ world_trace(world), report->seeds | 1) + world_trace(world);
    report->steps += world_steps(world);
    report->virtual_s += (uint64_t)(world_now(world).ns / NS_PER_S);
}

void report_seed(struct report *report, const struct sim_options *options, uint64_t seed,
                 const struct seed_parts *parts)
{
    const struct service *service = parts->service;
    const struct crowd *crowd = parts->crowd;
    if (!parts->beside) world_add(report, service->world);
    report->violations += service->verdict.violations;
    report->batches += sim_disk_head(service->disk);
    report->records += service->journal.records;
    report->expiries += service->journal.expiries;
    report->alarms += service->log.alarms;
    report->indexes_damaged += service->log.indexes_damaged;
    for (int i = 0; i < MACHINES; i++) {
        report->run_commits += sim_shelf_commits(service->shelves[i]);
    }
    counters_add(&report->service, &service->stats, sizeof report->service);
    counters_add(&report->verifiable_log, &service->log_stage.stats, sizeof report->verifiable_log);
    counters_add(&report->told, &crowd->told, sizeof report->told);
    counters_add(report->hits, service->faults.hits, sizeof report->hits);
    counters_add(report->crash_points, service->faults.crash_points, sizeof report->crash_points);
    counters_add(report->visits, service->faults.visits, sizeof report->visits);
    counters_add(report->journaled, service->journal.outcomes, sizeof report->journaled);
    if (parts->books != NULL)
        counters_add(&report->transits, &parts->books->sums, sizeof report->transits);
    if (parts->twin != NULL) payment_sums_add(&report->payments, parts);
    if (service->verdict.violations > 0) violations_write(options, seed, service);
    if (options->verbose) seed_write(options, seed, service, crowd);
}

void report_row(struct buf *text, const char *name, uint64_t count, bool excluded,
                uint64_t *never_met)
{
    const char *mark = "";
    if (count == 0) mark = excluded ? "   excluded" : "   NEVER MET";
    if (count == 0 && !excluded) *never_met += 1;
    buf_append_format(text, "  %-34s %10" PRIu64 "%s\n", name, count, mark);
}

static void work_table(const struct report *report, struct buf *text)
{
    const struct told *told = &report->told;
    buf_append_format(text,
                      "work: %" PRIu64 " transfers, %" PRIu64 " accounts, %" PRIu64
                      " acts acknowledged, %" PRIu64 " of them repeats; %" PRIu64
                      " reads compared\n",
                      told->transfers, told->accounts, told->acts, told->repeats, told->reads);
    buf_append_format(text,
                      "journal: %" PRIu64 " batches, %" PRIu64 " records, %" PRIu64
                      " expiries; %" PRIu64 " index commits\n",
                      report->batches, report->records, report->expiries, report->run_commits);
    buf_append_format(text,
                      "lives: %" PRIu64 ", %" PRIu64 " came up, %" PRIu64
                      " records replayed; %" PRIu64 " answers lost in crashes, %" PRIu64
                      " questions given up\n",
                      report->service.lives, report->service.opens, report->service.replayed,
                      told->lost, told->abandoned);
    buf_append_format(text, "world: %" PRIu64 " steps, %" PRIu64 " virtual seconds\n",
                      report->steps, report->virtual_s);
}

static void answers_table(const struct report *report, struct buf *text)
{
    buf_append_str(text, STR("answers, and refusals to accept:\n"));
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        if (report->told.answers[i] + report->told.refused[i] == 0) continue;
        buf_append_format(text, "  %-34s %10" PRIu64 " %10" PRIu64 "\n", status_name(i),
                          report->told.answers[i], report->told.refused[i]);
    }
}

/* Whether the workload has what faults or points `first_psp` and `first_link` begin. */
static bool has(enum sim_workload workload, unsigned at, unsigned first_psp, unsigned first_link)
{
    if (at >= first_link) return workload == SIM_WORKLOAD_LANES;
    return at < first_psp || workload == SIM_WORKLOAD_PAYMENTS;
}

static void faults_table(const struct report *report, enum sim_workload workload, struct buf *text,
                         uint64_t *never_met)
{
    buf_append_str(text, STR("faults:\n"));
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++) {
        if (!has(workload, i, SIM_FAULT_PSP_FIRST, SIM_FAULT_LINK_FIRST)) continue;
        report_row(text, sim_fault_name(i), report->hits[i], false, never_met);
    }
    buf_append_str(text, STR("crashes at:\n"));
    for (unsigned i = 0; i < SIM_POINT_COUNT; i++) {
        if (!has(workload, i, SIM_POINT_PSP_FIRST, SIM_POINT_LINK_FIRST)) continue;
        report_row(text, sim_point_name(i), report->crash_points[i], false, never_met);
    }
}

static void transits_table(const struct report *report, struct buf *text, uint64_t *never_met)
{
    const struct books_sums *sums = &report->transits;
    buf_append_str(text, STR("between lanes:\n"));
    report_row(text, "departures", sums->departures, false, never_met);
    report_row(text, "arrivals accepted", sums->accepted, false, never_met);
    report_row(text, "arrivals refused", sums->refused, false, never_met);
    report_row(text, "of them withdrawn", sums->withdrawn, false, never_met);
    report_row(text, "departures settled", sums->settled, false, never_met);
    report_row(text, "departures released", sums->released, false, never_met);
    report_row(text, "of them for a taken id", sums->conflicts, false, never_met);
    report_row(text, "pairs of accounts compared", sums->compared, false, never_met);
    report_row(text, "payments that left", sums->payments, false, never_met);
    report_row(text, "captures that left", sums->captures, false, never_met);
    report_row(text, "of both, that are there", sums->paid, false, never_met);
    report_row(text, "that are back", sums->failed, false, never_met);
    report_row(text, "of them for no wallet", sums->no_wallet, false, never_met);
    report_row(text, "refunds that were to come", sums->refunds, false, never_met);
    report_row(text, "of them, that came", sums->refunded, false, never_met);
    report_row(text, "that came to nothing", sums->unrefunded, false, never_met);
    uint64_t over = report->told.payment_outcomes[PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE];
    report_row(text, "refunds over what is left", over, false, never_met);
}

static void rebuilds_table(const struct report *report, struct buf *text, uint64_t *never_met)
{
    const struct service_stats *stats = &report->service;
    buf_append_str(text, STR("indexes made again beside the callers:\n"));
    report_row(text, "came up read-only", stats->rebuilds, false, never_met);
    report_row(text, "took writes later", stats->rebuilds_ended, false, never_met);
    report_row(text, "crashed before", stats->rebuild_crashes, false, never_met);
    report_row(text, "found damaged while running", report->indexes_damaged, false, never_met);
}

static void verifiable_log_table(const struct report *report, struct buf *text, uint64_t *never_met)
{
    const struct log_stats *stats = &report->verifiable_log;
    buf_append_str(text, STR("the verifiable log:\n"));
    report_row(text, "heads recorded", stats->heads, false, never_met);
    report_row(text, "checkpoints shown", stats->checkpoints, false, never_met);
    report_row(text, "checkpoints read", stats->looks, false, never_met);
    report_row(text, "all tiles made again", stats->remade, false, never_met);
    report_row(text, "refused for damage", stats->refused, false, never_met);
    report_row(text, "compared whole at the end", stats->completed, false, never_met);
}

static void outcomes_table(const struct report *report, struct buf *text, uint64_t *never_met)
{
    buf_append_str(text, STR("outcomes of transfers, acknowledged:\n"));
    for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
        /* nobody else's doing than that of lanes */
        bool excluded = i == OUTCOME_WITHDRAWN || i == OUTCOME_NOT_A_WALLET;
        report_row(text, outcome_code(i), report->told.outcomes[i], excluded, never_met);
    }
    buf_append_str(text, STR("outcomes of accounts, acknowledged:\n"));
    for (unsigned i = 0; i < ACCOUNT_OUTCOME_COUNT; i++) {
        report_row(text, account_outcome_code(i), report->told.account_outcomes[i], false,
                   never_met);
    }
    buf_append_str(text, STR("outcomes of administrative acts, acknowledged:\n"));
    for (unsigned i = 0; i < ADMIN_OUTCOME_COUNT; i++) {
        report_row(text, admin_outcome_code(i), report->told.admin_outcomes[i],
                   admin_outcome_excluded(i), never_met);
    }
}

void report_print(const struct report *report, const struct sim_options *options,
                  struct sim_result *out_result)
{
    struct buf text;
    buf_init(&text, TEXT_SIZE_MAX);
    uint64_t never_met = 0;
    work_table(report, &text);
    answers_table(report, &text);
    faults_table(report, options->workload, &text, &never_met);
    rebuilds_table(report, &text, &never_met);
    verifiable_log_table(report, &text, &never_met);
    if (options->workload == SIM_WORKLOAD_PAYMENTS) {
        payment_tables(&report->payments, &report->told, &text, &never_met);
    } else if (options->workload == SIM_WORKLOAD_LANES) {
        transits_table(report, &text, &never_met);
    } else {
        outcomes_table(report, &text, &never_met);
    }
    if (never_met > 0 && report->seeds >= SIM_COVERAGE_SEEDS_MIN) {
        buf_append_format(&text, "%" PRIu64 " were never met: that is a failure\n", never_met);
    }
    buf_append_format(&text, "seeds %" PRIu64 ", violations %" PRIu64 ", trace %016" PRIx64 "\n",
                      report->seeds, report->violations, report->trace);
    text_write(options, &text);
    *out_result = (struct sim_result){
        .seeds = report->seeds,
        .violations = report->violations,
        .never_met = never_met,
        .trace = report->trace,
    };
}

const char sim_help[] =
    "Runs the shipped lane, ledger and recovery in a simulated world: every task, clock, disk and\n"
    "crash follows from a seed. Clients ask, retry as the API tells them to, and write down what\n"
    "they are told; a naive twin of the ledger follows the durable journal. Whatever disagrees is\n"
    "a violation.\n"
    "\n"
    "Each seed draws its own mix of faults: crashes at any point of any call, commits whose reply\n"
    "or effect is lost, a full disk, damage, a second owner, clocks that step both ways. The\n"
    "tables say how often each was met; over 100 seeds or more, one that never was is a failure.\n"
    "\n"
    "The verifiable log is made beside it, on files that fail and that crashes tear: no checkpoint\n"
    "that was ever shown may contradict the journal, or shrink.\n"
    "\n"
    "With `--workload payments` sagas, customers and a PSP with books of its own are added: pay-ins,\n"
    "pay-outs, captures, refunds, exchanges and chargebacks, with answers that are lost, late or\n"
    "wrong, and webhooks that come late, twice or never. When the faults stop, every payment must\n"
    "come to its end, and the wallet's books must equal the PSP's to the minor unit.\n"
    "\n"
    "With `--workload lanes` a ledger has two to four lanes, each with its own crashes, and money\n"
    "goes between them over links that are slow, late, or lose what is asked or answered. At every\n"
    "moment each pair of transit accounts must be what is in flight, and in the end nothing is. A\n"
    "payment into another lane must say at every moment what has become of its money.\n"
    "\n"
    "The trace is a hash of everything that happened: the same range and binary have the same.\n";
