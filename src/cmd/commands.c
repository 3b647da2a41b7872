/* The list of commands, in the order of help. */
#include "cmd/command.h"

#include <stddef.h>
#include <string.h>

const struct command *const commands[] = {
    &command_help,
    &command_version,
    NULL,
};

/* The words joined by blanks, compared with a name. */
static int matches(const char *name, int word_count, char **words)
{
    for (int i = 0; i < word_count; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(name, words[i], len) != 0) return 0;
        name += len;
        if (*name != (i + 1 < word_count ? ' ' : '\0')) return 0;
        name++;
    }
    return 1;
}

const struct command *command_find(int word_count, char **words, int *out_words)
{
    for (int take = word_count < 2 ? word_count : 2; take > 0; take--) {
        for (uint32_t i = 0; commands[i] != NULL; i++) {
            if (!matches(commands[i]->name, take, words)) continue;
            *out_words = take;
            return commands[i];
        }
    }
    return NULL;
}
