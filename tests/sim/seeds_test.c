/*
 * Goal: the shipped lane, ledger, recovery, payments, sagas and transits keep every promise under the first
 * seeds.
 * Method: without arguments, a range of each workload short enough for every build; with a
 * workload and two numbers, that range (the other tests of this folder call it so). The seed of
 * a failed CHECK is named.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/run.h"

enum { SEEDS_LEDGER = 12, SEEDS_PAYMENTS = 8, SEEDS_LANES = 12 };

static volatile uint64_t current_seed;

static void text_write(void *owner, struct str text)
{
    FILE *file = owner;
    if (fwrite(text.data, 1, text.len, file) != text.len) abort();
}

/* Only calls that a signal handler may make. */
static void on_abort(int signal_number)
{
    char text[] = "a check failed in seed 00000000000000000000\n";
    size_t at = sizeof text - 2;
    for (uint64_t seed = current_seed; seed > 0; seed /= 10) text[--at] = (char)('0' + seed % 10);
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(3);
    (void)signal(signal_number, SIG_DFL); /* and so the program ends as it would have */
}

/* True: nothing is wrong. */
static bool seeds_run(enum sim_workload workload, uint64_t first, uint64_t last)
{
    const struct sim_options options = {
        .workload = workload,
        .seed_first = first,
        .seed_last = last,
        .write = text_write,
        .owner = stdout,
        .current_seed = &current_seed,
    };
    struct sim_result result;
    enum status status = sim_run_seeds(&options, &result);
    if (status != STATUS_OK) (void)fprintf(stderr, "seeds: %s\n", status_text(status));
    return status == STATUS_OK;
}

int main(int argc, char **argv)
{
    if (signal(SIGABRT, on_abort) == SIG_ERR) return 2;
    if (argc == 1) {
        bool ledger = seeds_run(SIM_WORKLOAD_LEDGER, 0, SEEDS_LEDGER - 1);
        bool payments = seeds_run(SIM_WORKLOAD_PAYMENTS, 0, SEEDS_PAYMENTS - 1);
        bool lanes = seeds_run(SIM_WORKLOAD_LANES, 0, SEEDS_LANES - 1);
        return ledger && payments && lanes ? 0 : 1;
    }
    enum sim_workload workload;
    if (argc != 4 || !sim_workload_parse(str_from(argv[1]), &workload)) return 2;
    uint64_t first = strtoull(argv[2], NULL, 10);
    return seeds_run(workload, first, strtoull(argv[3], NULL, 10)) ? 0 : 1;
}
