/* invocation.h - a parsed command line: which command, its options and its arguments. */
#ifndef CMD_INVOCATION_H
#define CMD_INVOCATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cmd/command.h"

/* Values point into argv and the tables, which outlive it. */
struct invocation {
    const struct command *command; /* NULL: only global options were given */
    const char *program;           /* argv[0] */
    const char *data;              /* the data folder: --data, $TPWALLET_DATA, ./tpwallet-data */
    bool json;                     /* --json: one JSON document on stdout, also when it failed */
    bool help;
    bool version;
    const char *values[COMMAND_OPTIONS_MAX]; /* beside command->options; NULL: not given */
    const char *positionals[COMMAND_POSITIONALS_MAX];
    uint32_t positional_count;
};

/*
 * Parses argv. EXIT_CODE_DONE, or EXIT_CODE_USAGE with an error that names the word and, when
 * one is near, the name that was probably meant. With --help or --version nothing is missing.
 */
enum exit_code invocation_parse(int argc, char **argv, struct invocation *out_invocation,
                                struct error *out_error);

/* The value given, or the fallback; NULL when there is neither. CHECKs that name is declared. */
const char *invocation_text(const struct invocation *invocation, const char *name);
/* Whether it was given on the command line. */
bool invocation_has(const struct invocation *invocation, const char *name);

/*
 * A whole number within [min, max], with an optional suffix k, M or G (10^3, 10^6, 10^9).
 * STATUS_INVALID fills out_error. Without value and fallback *out_value is left as it is.
 */
struct number_range {
    uint64_t min;
    uint64_t max;
};
enum status invocation_number(const struct invocation *invocation, const char *name,
                              struct number_range range, uint64_t *out_value,
                              struct error *out_error) MUST_CHECK;

#endif
