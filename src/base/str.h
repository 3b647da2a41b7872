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

/* A to Z in lower case, every other byte as it is. */
static inline char ascii_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* ASCII letters count as equal in upper and lower case, as in names of headers. */
static inline bool str_equal_caseless(struct str a, struct str b)
{
    bool equal = a.len == b.len;
    for (size_t i = 0; equal && i < a.len; i++)
        equal = ascii_lower(a.data[i]) == ascii_lower(b.data[i]);
    return equal;
}

static inline bool str_starts_caseless(struct str text, struct str prefix)
{
    return text.len >= prefix.len &&
           str_equal_caseless((struct str){ text.data, prefix.len }, prefix);
}

/*
 * Cuts the first line off the front of *rest, without its newline. False, and nothing changed,
 * when there is no newline: the last line of a text must end with one too.
 */
static inline bool str_take_line(struct str *rest, struct str *out_line)
{
    const char *end = rest->len == 0 ? NULL : (const char *)memchr(rest->data, '\n', rest->len);
    if (end == NULL) return false;
    size_t len = (size_t)(end - rest->data);
    *out_line = (struct str){ rest->data, len };
    *rest = (struct str){ end + 1, rest->len - len - 1 };
    return true;
}

/* For printf: "%.*s", STR_ARG(text). */
#define STR_ARG(text) ((int)(text).len), ((text).data)

#endif
