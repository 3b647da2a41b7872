/*
 * Goal: the shipped lane, ledger and recovery keep every promise under the first seeds.
 * Method: without arguments, a range short enough for every build; with two numbers, that range,
 * and with a name before them, that workload (the other tests of this folder call it so). The
 * seed of a failed CHECK is named.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/run.h"

enum { SEEDS_DEFAULT = 12 };

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

int main(int argc, char **argv)
{
    enum sim_workload workload = SIM_WORKLOAD_LEDGER;
    if (argc > 1 && sim_workload_parse(str_from(argv[1]), &workload)) {
        argc--;
        argv++;
    }
    struct sim_options options = {
        .workload = workload,
        .seed_first = argc > 1 ? strtoull(argv[1], NULL, 10) : 0,
        .seed_last = argc > 2 ? strtoull(argv[2], NULL, 10) : SEEDS_DEFAULT - 1,
        .write = text_write,
        .owner = stdout,
        .current_seed = &current_seed,
    };
    if (signal(SIGABRT, on_abort) == SIG_ERR) return 2;
    struct sim_result result;
    enum status status = sim_run_seeds(&options, &result);
    if (status != STATUS_OK) (void)fprintf(stderr, "seeds: %s\n", status_text(status));
    return status == STATUS_OK ? 0 : 1;
}
