/* `tpwallet help`: what the tables say, for people; and docs/cli.md from the same tables. */
#include "cmd/help.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cmd/invocation.h"

enum { HELP_WIDTH = 96 };

/* Appends text broken at blanks, each further line indented. */
static void wrapped(struct buf *out, const char *text, uint32_t indent, uint32_t column)
{
    uint32_t at = column;
    bool begun = false; /* a word stands on the line */
    while (*text != '\0') {
        uint32_t word = (uint32_t)strcspn(text, " ");
        if (at > indent && at + 1 + word > HELP_WIDTH) {
            buf_append_format(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (begun) {
            buf_append_byte(out, ' ');
            at++;
        }
        begun = true;
        buf_append(out, text, word);
        at += word;
        text += word;
        text += strspn(text, " ");
    }
    buf_append_byte(out, '\n');
}

static void entry(struct buf *out, const char *name, const char *text, const char *fallback)
{
    enum { COLUMN = 28 };
    size_t start = out->len;
    buf_append_format(out, "  %s", name);
    size_t used = out->len - start;
    if (used + 1 < COLUMN) {
        buf_append_format(out, "%*s", (int)(COLUMN - used), "");
    } else {
        buf_append_format(out, "\n%*s", COLUMN, "");
    }
    BUF_SCOPE struct buf whole;
    buf_init(&whole, HELP_TEXT_SIZE_MAX);
    buf_append_str(&whole, str_from(text));
    if (fallback != NULL && fallback[0] != '\0')
        buf_append_format(&whole, " (default: %s)", fallback);
    wrapped(out, buf_terminated(&whole), COLUMN, COLUMN);
}

static void option_entries(struct buf *out, const struct option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        BUF_SCOPE struct buf name;
        buf_init(&name, HELP_TEXT_SIZE_MAX);
        buf_append_format(&name, "--%s", options->name);
        if (options->argument != NULL) buf_append_format(&name, " %s", options->argument);
        entry(out, buf_terminated(&name), options->help, options->fallback);
    }
}

static void usage_line(struct buf *out, const struct command *command)
{
    buf_append_format(out, "tpwallet %s", command->name);
    const struct positional *positional = command->positionals;
    for (; positional != NULL && positional->name != NULL; positional++)
        buf_append_format(out, positional->optional ? " [%s]" : " %s", positional->name);
    if (command->options != NULL) buf_append_format(out, " [OPTIONS]");
    buf_append_byte(out, '\n');
}

/*
 * Paragraphs stand with an empty line between; a single line end is a blank, but in a paragraph
 * that begins with one: that is a table, and stands as it is.
 */
static void paragraphs(struct buf *out, const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t len = end == NULL ? strlen(text) : (size_t)(end - text);
        bool table = text[0] == ' ';
        BUF_SCOPE struct buf paragraph;
        buf_init(&paragraph, HELP_TEXT_SIZE_MAX);
        for (size_t i = 0; i < len; i++)
            buf_append_byte(&paragraph, text[i] == '\n' && !table ? ' ' : (uint8_t)text[i]);
        if (table) {
            buf_append_str(out, buf_view(&paragraph));
            buf_append_byte(out, '\n');
        } else {
            wrapped(out, buf_terminated(&paragraph), 0, 0);
        }
        text += len + strspn(text + len, "\n");
        if (*text != '\0') buf_append_byte(out, '\n');
    }
}

static void example_lines(struct buf *out, const char *examples)
{
    while (*examples != '\0') {
        size_t len = strcspn(examples, "\n");
        /* a line that goes on from the one before is indented in the table */
        buf_append_format(out, examples[0] == ' ' ? "  %.*s\n" : "  tpwallet %.*s\n", (int)len,
                          examples);
        examples += len;
        if (*examples == '\n') examples++;
    }
}

void help_exit_codes(struct buf *out)
{
    for (int code = 0; code < EXIT_CODE_COUNT; code++) {
        buf_append_format(out, "  %d  ", code);
        wrapped(out, exit_code_text(code), 5, 5);
    }
}

static void own_exit_codes(struct buf *out, const struct own_exit_code *codes)
{
    for (; codes->text != NULL; codes++) {
        buf_append_format(out, "  %-3d", codes->code);
        wrapped(out, codes->text, 5, 5);
    }
}

void help_command(const struct command *command, struct buf *out)
{
    buf_append_format(out, "tpwallet %s: ", command->name);
    wrapped(out, command->summary, 0, (uint32_t)strlen(command->name) + 11);
    buf_append_format(out, "\nUsage:\n  ");
    usage_line(out, command);
    if (command->details != NULL) {
        buf_append_byte(out, '\n');
        paragraphs(out, command->details);
    }
    if (command->positionals != NULL) {
        buf_append_format(out, "\nArguments:\n");
        const struct positional *positional = command->positionals;
        for (; positional->name != NULL; positional++)
            entry(out, positional->name, positional->help, NULL);
    }
    if (command->options != NULL) {
        buf_append_format(out, "\nOptions:\n");
        option_entries(out, command->options);
    }
    buf_append_format(out, "\nEvery command takes:\n");
    option_entries(out, global_options);
    buf_append_format(out, "\nExamples:\n");
    example_lines(out, command->examples);
    buf_append_format(out, "\nExit codes:\n");
    if (command->exit_codes == NULL)
        help_exit_codes(out);
    else
        own_exit_codes(out, command->exit_codes);
}

static void summary_entries(struct buf *out, const char *word)
{
    size_t len = word == NULL ? 0 : strlen(word);
    for (uint32_t i = 0; commands[i] != NULL; i++) {
        const char *name = commands[i]->name;
        if (word == NULL || (strncmp(name, word, len) == 0 && name[len] == ' '))
            entry(out, name, commands[i]->summary, NULL);
    }
}

bool help_group(const char *word, struct buf *out)
{
    size_t before = out->len;
    buf_append_format(out, "tpwallet %s:\n\n", word);
    size_t head = out->len;
    summary_entries(out, word);
    if (out->len == head) {
        out->len = before;
        return false;
    }
    buf_append_format(out, "\n`tpwallet help %s WORD` explains one of them.\n", word);
    return true;
}

void help_overview(struct buf *out)
{
    buf_append_format(out, "tpwallet: a ledger of accounts, transfers and holds; durable, "
                           "verifiable, in one binary.\n\nUsage:\n"
                           "  tpwallet COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n");
    summary_entries(out, NULL);
    buf_append_format(out, "\nEvery command takes:\n");
    option_entries(out, global_options);
    buf_append_format(
        out, "\nBegin with:\n"
             "  tpwallet demo                  one run that shows what it does, in a folder of "
             "its own\n"
             "  tpwallet init                  make a ledger in ./tpwallet-data\n"
             "  tpwallet key create shop       make an API key\n"
             "  tpwallet serve --plain         serve it on this machine\n"
             "\n`tpwallet help COMMAND` explains one, `tpwallet help exit-codes` the exit codes.\n"
             "Commands work beside a running server (through the folder's local socket) and "
             "without one.\n");
}

void help_document(struct buf *out)
{
    buf_append_format(out, "# The command line\n\n"
                           "<!-- made by `tpwallet help --document`; a test compares them -->\n\n"
                           "```text\n");
    help_overview(out);
    buf_append_format(out, "```\n\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (int code = 0; code < EXIT_CODE_COUNT; code++)
        buf_append_format(out, "| %d | %s |\n", code, exit_code_text(code));
    for (uint32_t i = 0; commands[i] != NULL; i++) {
        const struct command *command = commands[i];
        buf_append_format(out, "\n## tpwallet %s\n\n%s.\n\n```text\n", command->name,
                          command->summary);
        usage_line(out, command);
        buf_append_format(out, "```\n");
        if (command->details != NULL) {
            buf_append_byte(out, '\n');
            paragraphs(out, command->details);
        }
        if (command->positionals != NULL || command->options != NULL) {
            buf_append_format(out, "\n```text\n");
            const struct positional *positional = command->positionals;
            for (; positional != NULL && positional->name != NULL; positional++)
                entry(out, positional->name, positional->help, NULL);
            option_entries(out, command->options);
            buf_append_format(out, "```\n");
        }
        if (command->exit_codes != NULL) {
            buf_append_format(out, "\nExit codes of its own:\n\n```text\n");
            own_exit_codes(out, command->exit_codes);
            buf_append_format(out, "```\n");
        }
        buf_append_format(out, "\n```sh\n");
        const char *line = command->examples;
        while (*line != '\0') {
            size_t len = strcspn(line, "\n");
            buf_append_format(out, line[0] == ' ' ? "%.*s\n" : "tpwallet %.*s\n", (int)len, line);
            line += len;
            if (*line == '\n') line++;
        }
        buf_append_format(out, "```\n");
    }
}

static int help_run(struct invocation *invocation)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, HELP_TEXT_SIZE_MAX);
    const char *topic = invocation->positionals[0];
    int words = 0;
    char *asked[COMMAND_WORDS_MAX];
    for (int i = 0; i < COMMAND_WORDS_MAX; i++)
        asked[i] = (char *)(uintptr_t)invocation->positionals[i];
    const struct command *command =
        topic == NULL ? NULL : command_find((int)invocation->positional_count, asked, &words);
    if (invocation_has(invocation, "document")) {
        help_document(&out);
    } else if (topic == NULL) {
        help_overview(&out);
    } else if (strcmp(topic, "exit-codes") == 0) {
        help_exit_codes(&out);
    } else if (command != NULL && words == (int)invocation->positional_count) {
        help_command(command, &out);
    } else if (invocation->positional_count != 1 || !help_group(topic, &out)) {
        (void)fprintf(stderr,
                      "tpwallet: there is no command '%s%s%s'\n"
                      "  hint: `tpwallet help` lists the commands\n",
                      topic, asked[1] == NULL ? "" : " ", asked[1] == NULL ? "" : asked[1]);
        return EXIT_CODE_NOT_FOUND;
    }
    CHECK(buf_status(&out) == STATUS_OK);
    return fwrite(out.data, 1, out.len, stdout) == out.len ? EXIT_CODE_DONE : EXIT_CODE_LIMIT;
}

static const struct positional help_positionals[] = {
    { "COMMAND", "the command to explain; 'exit-codes' for those", true },
    { "WORD", "its second word", true },
    { "WORD", "its third word", true },
    { 0 },
};

static const struct option help_options[] = {
    { "document", NULL, "write all of it as Markdown: docs/cli.md", NULL },
    { 0 },
};

const struct command command_help = {
    .name = "help",
    .summary = "explain the commands, or one of them",
    .positionals = help_positionals,
    .options = help_options,
    .examples = "help\nhelp import\nhelp transfer hold\nhelp exit-codes",
    .run = help_run,
};
