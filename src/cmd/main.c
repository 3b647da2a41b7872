/* tpwallet: finds the subcommand, runs it, and ends with its exit code. */
#include <signal.h>
#include <stdio.h>

#include "cmd/help.h"
#include "cmd/invocation.h"
#include "cmd/report.h"

static int show_help(const struct invocation *invocation)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, HELP_TEXT_SIZE_MAX);
    if (invocation->command == NULL)
        help_overview(&out);
    else
        help_command(invocation->command, &out);
    return report_text(invocation, buf_view(&out));
}

int main(int argc, char **argv)
{
    /* May die: nothing has begun. */
    struct invocation invocation;
    struct error error;
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return EXIT_CODE_UNAVAILABLE;
    if (invocation_parse(argc, argv, &invocation, &error) != EXIT_CODE_DONE)
        return report_error(&invocation, &error);
    if (invocation.version && invocation.command == NULL) {
        invocation.command = &command_version;
        return command_version.run(&invocation);
    }
    if (invocation.help || invocation.command == NULL) return show_help(&invocation);

    /* Must not die: the command has a ledger in its hands. */
    int code = invocation.command->run(&invocation);

    /* Finish. */
    if (fflush(stdout) != 0 && code == EXIT_CODE_DONE) {
        report_unwritten();
        code = EXIT_CODE_LIMIT;
    }
    return code;
}
