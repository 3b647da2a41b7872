/* demo_books.h - what a day of payments came to: end states, settlement, and both books compared. */
#ifndef CMD_DEMO_BOOKS_H
#define CMD_DEMO_BOOKS_H

#include "cmd/demo.h"
#include "cmd/demo_day.h"
#include "cmd/demo_sandbox.h"

struct demo_open {
    uint64_t waiting; /* for the PSP, a merchant, their time */
    uint64_t manual;  /* for a person */
};
enum status demo_books_open(struct demo_caller *caller, struct demo_open *out_open) MUST_CHECK;

/* Prints how many payments of each kind ended in each state. */
enum status demo_books_table(struct demo *demo, struct demo_day *day) MUST_CHECK;

/* Lets the sandbox close its statement, and books it twice: the second time changes nothing. */
enum status demo_books_settle(struct demo *demo, const struct demo_sandbox *sandbox) MUST_CHECK;

/*
 * Prints the sandbox's books beside the wallet's; STATUS_CORRUPT when they are not equal to the
 * minor unit.
 */
enum status demo_books_compare(struct demo *demo, struct demo_caller *caller,
                               const struct demo_sandbox *sandbox) MUST_CHECK;

#endif
