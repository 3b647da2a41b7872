/* help.h - the texts of `tpwallet help`, all made from the tables of commands. */
#ifndef CMD_HELP_H
#define CMD_HELP_H

#include "base/buf.h"
#include "cmd/command.h"

/* Each appends text; lines have at most 100 characters. */
void help_overview(struct buf *out);
/* One command: usage, arguments, options, examples, exit codes. */
void help_command(const struct command *command, struct buf *out);
/* The commands whose names begin with this word; false when there are none. */
bool help_group(const char *word, struct buf *out);
void help_exit_codes(struct buf *out);

/* docs/cli.md: everything above as one Markdown document. */
void help_document(struct buf *out);

enum { HELP_TEXT_SIZE_MAX = 1 << 20 };

#endif
