/* demo.h - what the parts of `tpwallet demo` share: where it runs, what it says, what it found. */
#ifndef CMD_DEMO_H
#define CMD_DEMO_H

#include <stdio.h>

#include "cmd/answer.h"
#include "cmd/demo_caller.h"
#include "cmd/exit_code.h"
#include "cmd/invocation.h"
#include "cmd/session.h"
#include "cmd/stage.h"

enum { DEMO_FILE_SIZE_MAX = 1 << 20 }; /* of what a command says */

struct demo {
    const struct invocation *invocation;
    struct stage stage;
    FILE *out; /* of the narration: standard output, or standard error with --json */
    uint64_t accounts;
    uint64_t transfers;
    uint64_t kills_wanted;
    uint64_t seed;
    uint64_t payments; /* of the day in the payments' part */
    struct error error;

    /* found in this run */
    uint64_t start_ms;
    uint64_t kills;
    uint64_t recovery_ms_max;
    uint64_t accounts_per_second;
    uint64_t transfers_per_second;
    uint64_t repeat_per_second;
    uint64_t done;
    uint64_t refused;
    uint64_t head_before; /* batch of the journal's head, before and after the second run */
    uint64_t head_after;
    uint64_t payments_made;
    uint64_t payments_manual;    /* that a person has to decide, at the end of the day */
    uint64_t payments_in_flight; /* when the server was killed */
    uint64_t payments_ms;
    struct uuid wallet;  /* of a customer of the payments' day */
    struct uuid receipt; /* the payment whose receipt was taken */
    uint64_t elapsed_ms;
};

/* Prints what is run, as one could type it, then runs it and prints what it says, indented. */
enum status demo_run(struct demo *demo, const char *const *words) MUST_CHECK;
/* The same on another data folder, as it must end. */
enum status demo_run_in(struct demo *demo, const char *folder, const char *const *words,
                        enum exit_code code) MUST_CHECK;
/* The first in the background: its output goes to the file `name` of the stage. */
enum status demo_start(struct demo *demo, const char *const *words, const char *name,
                       struct child *out_child) MUST_CHECK;
/* Reads what a command with --json left in a file of the stage. The text is in the arena: of at
 * least 4 DEMO_FILE_SIZE_MAX. */
enum status demo_answer_read(struct demo *demo, const char *name, struct arena *arena,
                             struct answer_object *out_object) MUST_CHECK;
/* Prints a file of the stage, indented. */
void demo_show_file(struct demo *demo, const char *name);

/* ---- the parts, in order ---- */
enum status demo_import(struct demo *demo) MUST_CHECK;
enum status demo_story(struct demo *demo) MUST_CHECK;
enum status demo_payments(struct demo *demo) MUST_CHECK;
/* While a server runs; until it is signed. */
enum status demo_receipt(struct demo *demo, struct demo_caller *caller, struct uuid payment)
    MUST_CHECK;
/* When none runs any more: verifies the receipt, and finds a copy doctored. */
enum status demo_log(struct demo *demo) MUST_CHECK;
/* When no server runs any more: one that stops signs what there is. */
enum status demo_reserves(struct demo *demo) MUST_CHECK;
/* In a ledger of its own: a fault, its diagnosis, and its repair. */
enum status demo_doctor(struct demo *demo) MUST_CHECK;

#endif
