/* str.h - a view of bytes: pointer and length, not owned, not terminated. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* data may be NULL only when len is 0. The bytes belong to whoever made the view. */
struct str {
    const char *data;
    size_t len;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })

static inline struct str str_from(const char *terminated)
{
    return (struct str){ terminated, strlen(terminated) };
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool str_starts(struct str text, struct str prefix)
{
    return text.len >= prefix.len && str_equal((struct str){ text.data, prefix.len }, prefix);
}

/* For printf: "%.*s", STR_ARG(text). */
#define STR_ARG(text) ((int)(text).len), ((text).data)

#endif
