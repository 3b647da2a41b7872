/* exit_code.h - how a command ends, as a number for scripts. */
#ifndef CMD_EXIT_CODE_H
#define CMD_EXIT_CODE_H

#include "base/status.h"

/* One source for the list: name, number, text. `tpwallet help exit-codes` prints it. */
#define EXIT_CODE_TABLE(X)                                                                         \
    X(DONE, 0, "done; for a repeat: it was done before")                                           \
    X(REFUSED, 1, "the ledger refused it, or a verification failed; nothing was changed")          \
    X(USAGE, 2, "the command line or the input is wrong")                                          \
    X(NOT_FOUND, 3, "there is no such thing")                                                      \
    X(UNAVAILABLE, 4, "not done, or in doubt: the same command may be given again")                \
    X(DAMAGED, 5, "stored data is damaged: run `tpwallet check`")                                  \
    X(DENIED, 6, "not allowed, or the folder cannot be written")                                   \
    X(LIMIT, 7, "over a stated maximum, or the disk is full")                                      \
    X(CONFLICT, 8, "something else is already there; nothing was changed")

#define EXIT_CODE_ENUM(name, number, text) EXIT_CODE_##name = number,
enum exit_code { EXIT_CODE_TABLE(EXIT_CODE_ENUM) EXIT_CODE_COUNT };
#undef EXIT_CODE_ENUM

/* Static: "the ledger refused it ...". CHECKs that code is one of the table. */
const char *exit_code_text(int code);

enum exit_code exit_code_of_status(enum status status);
/* Of an answer of the API; 2xx is DONE. */
enum exit_code exit_code_of_http(unsigned http_status);

#endif
