/* report.h - the one place where a command says what went wrong. */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/str.h"
#include "base/uuid.h"
#include "cmd/invocation.h"

/*
 * Message, detail and hint (of the status, where none was given) on stderr; with --json also as one JSON document on stdout, in the
 * form of the API's problems, with the exit code. Each returns the exit code, so that
 * `return report_error(...)` ends a command.
 */
int report_error(const struct invocation *invocation, const struct error *given);
/* The same where what was to be verified is not so, whatever the status: EXIT_CODE_REFUSED. */
int report_refused(const struct invocation *invocation, const struct error *given);
/* The same for an answer of the API that is a problem (RFC 9457): with --json as it came. */
int report_problem(const struct invocation *invocation, unsigned http_status, struct str body);

/* An id alone: the UUID, or {"id": UUID}. */
int report_id(const struct invocation *invocation, struct uuid id);
/*
 * Texts of a bundle, a ledger or a server are written by others: a terminal gets them as
 * shown_text.h, a file or a pipe as they are. False: they could not be written.
 */
bool report_put(FILE *file, struct str text) MUST_CHECK;
/* Writes to stdout; to a terminal as shown_text.h. EXIT_CODE_LIMIT and a message when that fails. */
int report_text(const struct invocation *invocation, struct str text);
/* By errno of the write: why stdout failed; nothing when its reader, as `head`, has seen enough. */
void report_unwritten(void);

#endif
