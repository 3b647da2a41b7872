/* nearest.h - which known name a mistyped one was probably meant to be. */
#ifndef CMD_NEAREST_H
#define CMD_NEAREST_H

#include <stdint.h>

enum { NEAREST_NAME_LEN_MAX = 63 };

/* Yields the index-th name of a set, NULL at its end. */
typedef const char *nearest_name_at(const void *set, uint32_t index);

/*
 * The name with the fewest edits to `word` (a swap of neighbours counts as one), if that is at
 * most a third of the word's length or one; otherwise, or for longer words, NULL.
 */
const char *nearest_name(const char *word, nearest_name_at *name_at, const void *set);

#endif
