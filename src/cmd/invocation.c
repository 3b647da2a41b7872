/* The option parser: what is accepted is what the tables declare. */
#include "cmd/invocation.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"
#include "cmd/nearest.h"

const struct option global_options[] = {
    { "data", "DIR", "the data folder", "$TPWALLET_DATA, or ./tpwallet-data" },
    { "json", NULL, "write the answer as one JSON document", NULL },
    { "help", NULL, "explain the command", NULL },
    { 0 },
};

static uint32_t option_count(const struct option *options)
{
    uint32_t count = 0;
    while (options != NULL && options[count].name != NULL) count++;
    CHECK(count <= COMMAND_OPTIONS_MAX);
    return count;
}

static const struct option *option_find(const struct option *options, struct str name)
{
    uint32_t count = option_count(options);
    for (uint32_t i = 0; i < count; i++)
        if (str_equal(str_from(options[i].name), name)) return &options[i];
    return NULL;
}

static uint32_t option_index(const struct invocation *invocation, const char *name)
{
    CHECK(invocation->command != NULL);
    const struct option *option = option_find(invocation->command->options, str_from(name));
    CHECK(option != NULL);
    return (uint32_t)(option - invocation->command->options);
}

/* All names that the command takes, its own first: the candidates for a mistyped one. */
static const char *option_name_at(const void *set, uint32_t index)
{
    const struct command *command = set;
    uint32_t own = command == NULL ? 0 : option_count(command->options);
    return index < own ? command->options[index].name : global_options[index - own].name;
}

static enum exit_code unknown_option(const struct command *command, const char *word,
                                     struct error *out_error)
{
    char name[NEAREST_NAME_LEN_MAX + 1] = { 0 };
    size_t len = strcspn(word + 2, "=");
    if (len <= NEAREST_NAME_LEN_MAX) memcpy(name, word + 2, len);
    const char *of = command == NULL ? "tpwallet" : command->name;
    error_set(out_error, STATUS_INVALID, "there is no option '%s' of '%s'", word, of);
    const char *nearest = nearest_name(name, option_name_at, command);
    if (nearest != NULL)
        error_hint(out_error, "did you mean '--%s'?", nearest);
    else
        error_hint(out_error, "`tpwallet help%s%s` lists the options", command == NULL ? "" : " ",
                   command == NULL ? "" : command->name);
    return EXIT_CODE_USAGE;
}

static void global_set(struct invocation *invocation, const struct option *option,
                       const char *value)
{
    if (strcmp(option->name, "data") == 0)
        invocation->data = value;
    else if (strcmp(option->name, "json") == 0)
        invocation->json = true;
    else
        invocation->help = true;
}

static enum exit_code option_set(struct invocation *invocation, const struct option *option,
                                 bool global, const char *value, struct error *out_error)
{
    if (global) {
        global_set(invocation, option, value);
        return EXIT_CODE_DONE;
    }
    uint32_t index = option_index(invocation, option->name);
    if (invocation->values[index] != NULL) {
        error_set(out_error, STATUS_INVALID, "'--%s' is given twice", option->name);
        return EXIT_CODE_USAGE;
    }
    invocation->values[index] = value;
    return EXIT_CODE_DONE;
}

/* Takes argv[*at] and, if the option wants one, its value; moves *at behind them. */
static enum exit_code option_take(struct invocation *invocation, int argc, char **argv, int *at,
                                  struct error *out_error)
{
    const char *word = argv[*at];
    if (strcmp(word, "-h") == 0) word = "--help";
    *at += 1;
    if (strncmp(word, "--", 2) != 0) {
        error_set(out_error, STATUS_INVALID, "'%s' is not an option", word);
        error_hint(out_error, "options begin with two dashes; put '--' before a value that "
                              "begins with one");
        return EXIT_CODE_USAGE;
    }
    const struct command *command = invocation->command;
    struct str name = { word + 2, strcspn(word + 2, "=") };
    const struct option *option = command == NULL ? NULL : option_find(command->options, name);
    bool global = option == NULL;
    if (global) option = option_find(global_options, name);
    if (option == NULL) return unknown_option(command, word, out_error);

    const char *inline_value = word[2 + name.len] == '=' ? word + 3 + name.len : NULL;
    if (option->argument == NULL) {
        if (inline_value == NULL) return option_set(invocation, option, global, "", out_error);
        error_set(out_error, STATUS_INVALID, "'--%s' takes no value", option->name);
        return EXIT_CODE_USAGE;
    }
    if (inline_value == NULL) {
        if (*at >= argc) {
            error_set(out_error, STATUS_INVALID, "'--%s' wants %s", option->name, option->argument);
            error_hint(out_error, "%s", option->help);
            return EXIT_CODE_USAGE;
        }
        inline_value = argv[*at];
        *at += 1;
    }
    return option_set(invocation, option, global, inline_value, out_error);
}

static uint32_t positional_limit(const struct command *command)
{
    uint32_t count = 0;
    while (command->positionals != NULL && command->positionals[count].name != NULL) count++;
    CHECK(count <= COMMAND_POSITIONALS_MAX);
    return count;
}

static enum exit_code positional_add(struct invocation *invocation, const char *word,
                                     struct error *out_error)
{
    if (invocation->positional_count == positional_limit(invocation->command)) {
        error_set(out_error, STATUS_INVALID, "'%s' takes no argument '%s'",
                  invocation->command->name, word);
        error_hint(out_error, "`tpwallet help %s` shows what it takes", invocation->command->name);
        return EXIT_CODE_USAGE;
    }
    invocation->positionals[invocation->positional_count++] = word;
    return EXIT_CODE_DONE;
}

static enum exit_code positionals_complete(const struct invocation *invocation,
                                           struct error *out_error)
{
    const struct positional *positionals = invocation->command->positionals;
    uint32_t given = invocation->positional_count;
    if (invocation->help || given >= positional_limit(invocation->command)) return EXIT_CODE_DONE;
    if (positionals[given].optional) return EXIT_CODE_DONE;
    error_set(out_error, STATUS_INVALID, "'%s' wants %s: %s", invocation->command->name,
              positionals[given].name, positionals[given].help);
    error_hint(out_error, "`tpwallet help %s` shows examples", invocation->command->name);
    return EXIT_CODE_USAGE;
}

static const char *command_word_at(const void *set, uint32_t index)
{
    (void)set; /* the one table of commands */
    return commands[index] == NULL ? NULL : commands[index]->name;
}

/* `tpwallet account`, `tpwallet account --help`: the beginning of several commands. */
static bool command_group(const char *word)
{
    size_t len = strlen(word);
    for (uint32_t i = 0; commands[i] != NULL; i++)
        if (strncmp(commands[i]->name, word, len) == 0 && commands[i]->name[len] == ' ')
            return true;
    return false;
}

static enum exit_code unknown_command(int word_count, char **words, struct error *out_error)
{
    const char *nearest = NULL;
    char pair[2 * NEAREST_NAME_LEN_MAX];
    if (word_count > 1 && strlen(words[0]) + strlen(words[1]) + 2 < sizeof(pair)) {
        char *end = (char *)memcpy(pair, words[0], strlen(words[0])) + strlen(words[0]);
        *end = ' ';
        memcpy(end + 1, words[1], strlen(words[1]) + 1);
        nearest = nearest_name(pair, command_word_at, NULL);
    }
    if (nearest == NULL) nearest = nearest_name(words[0], command_word_at, NULL);
    error_set(out_error, STATUS_INVALID, "there is no command '%s%s%s'", words[0],
              word_count > 1 ? " " : "", word_count > 1 ? words[1] : "");
    const char *group = command_group(words[0]) ? words[0] : "";
    const char *between = group[0] == '\0' ? "" : " ";
    if (nearest != NULL)
        error_hint(out_error, "did you mean '%s'? `tpwallet help%s%s` lists the commands", nearest,
                   between, group);
    else
        error_hint(out_error, "`tpwallet help%s%s` lists the commands", between, group);
    return EXIT_CODE_USAGE;
}

static enum exit_code group_alone(struct invocation *invocation, const char *group, int left,
                                  char **rest, struct error *out_error)
{
    if (left == 1 && (strcmp(rest[0], "--help") == 0 || strcmp(rest[0], "-h") == 0)) {
        invocation->command = &command_help;
        invocation->positionals[invocation->positional_count++] = group;
        return EXIT_CODE_DONE;
    }
    error_set(out_error, STATUS_INVALID, "'%s' wants one more word", group);
    error_hint(out_error, "`tpwallet help %s` lists what can follow", group);
    return EXIT_CODE_USAGE;
}

static enum exit_code arguments_parse(struct invocation *invocation, int argc, char **argv, int at,
                                      struct error *out_error)
{
    bool only_positionals = false;
    while (at < argc) {
        if (!only_positionals && strcmp(argv[at], "--") == 0) {
            only_positionals = true;
            at++;
            continue;
        }
        bool option = !only_positionals && argv[at][0] == '-' && argv[at][1] != '\0';
        enum exit_code code = option ? option_take(invocation, argc, argv, &at, out_error)
                                     : positional_add(invocation, argv[at++], out_error);
        if (code != EXIT_CODE_DONE) return code;
    }
    return positionals_complete(invocation, out_error);
}

enum exit_code invocation_parse(int argc, char **argv, struct invocation *out_invocation,
                                struct error *out_error)
{
    CHECK(argc > 0);
    const char *folder = getenv("TPWALLET_DATA");
    *out_invocation = (struct invocation){
        .program = argv[0],
        .data = folder != NULL && folder[0] != '\0' ? folder : "./tpwallet-data",
    };
    int at = 1;
    while (at < argc && argv[at][0] == '-') {
        if (strcmp(argv[at], "--version") == 0) {
            out_invocation->version = true;
            at++;
            continue;
        }
        enum exit_code code = option_take(out_invocation, argc, argv, &at, out_error);
        if (code != EXIT_CODE_DONE) return code;
    }
    if (at == argc) {
        if (out_invocation->help || out_invocation->version) return EXIT_CODE_DONE;
        error_set(out_error, STATUS_INVALID, "no command is given");
        error_hint(out_error, "`tpwallet help` lists the commands, `tpwallet demo` shows one run");
        return EXIT_CODE_USAGE;
    }
    int words = 0;
    int word_count = 1;
    while (word_count < COMMAND_WORDS_MAX && at + word_count < argc &&
           argv[at + word_count][0] != '-') {
        word_count++;
    }
    out_invocation->command = command_find(word_count, argv + at, &words);
    if (word_count > 2) word_count = 2; /* what is meant is told by two */
    if (out_invocation->command == NULL) {
        if (word_count == 1 && command_group(argv[at]))
            return group_alone(out_invocation, argv[at], argc - at - 1, argv + at + 1, out_error);
        return unknown_command(word_count, argv + at, out_error);
    }
    return arguments_parse(out_invocation, argc, argv, at + words, out_error);
}

const char *invocation_text(const struct invocation *invocation, const char *name)
{
    uint32_t index = option_index(invocation, name);
    const char *value = invocation->values[index];
    return value != NULL ? value : invocation->command->options[index].fallback;
}

bool invocation_has(const struct invocation *invocation, const char *name)
{
    return invocation->values[option_index(invocation, name)] != NULL;
}

/* Digits and at most one suffix. False when it is something else or passes 64 bits. */
static bool number_parse(const char *text, uint64_t *out_value)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)(*at - '0'), &value)) return false;
    }
    if (at == text) return false;
    uint64_t factor = 1;
    if (*at == 'k') factor = 1000;
    if (*at == 'M') factor = 1000000;
    if (*at == 'G') factor = 1000000000;
    if (factor != 1) at++;
    if (*at != '\0' || __builtin_mul_overflow(value, factor, &value)) return false;
    *out_value = value;
    return true;
}

enum status invocation_number(const struct invocation *invocation, const char *name,
                              struct number_range range, uint64_t *out_value,
                              struct error *out_error)
{
    const char *text = invocation_text(invocation, name);
    if (text == NULL) return STATUS_OK;
    uint64_t value;
    if (!number_parse(text, &value) || value < range.min || value > range.max) {
        enum status status = error_set(
            out_error, STATUS_INVALID, "'--%s %s' is not a whole number from %llu to %llu", name,
            text, (unsigned long long)range.min, (unsigned long long)range.max);
        error_hint(out_error, "digits, and k, M or G for thousands, millions, billions");
        return status;
    }
    *out_value = value;
    return STATUS_OK;
}
