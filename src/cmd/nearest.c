/* Optimal string alignment distance over short names. */
#include "cmd/nearest.h"

#include <string.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t edits(const char *a, uint32_t a_len, const char *b, uint32_t b_len)
{
    uint32_t rows[3][NEAREST_NAME_LEN_MAX + 1];
    for (uint32_t j = 0; j <= b_len; j++) rows[0][j] = j;
    for (uint32_t i = 1; i <= a_len; i++) {
        uint32_t *row = rows[i % 3];
        const uint32_t *above = rows[(i + 2) % 3];
        const uint32_t *above_twice = rows[(i + 1) % 3];
        row[0] = i;
        for (uint32_t j = 1; j <= b_len; j++) {
            row[j] =
                smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], above_twice[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *nearest_name(const char *word, nearest_name_at *name_at, const void *set)
{
    size_t len = strlen(word);
    if (len > NEAREST_NAME_LEN_MAX) return NULL;
    uint32_t fewest = len < 3 ? 2 : (uint32_t)(len / 3) + 1;
    const char *nearest = NULL;
    const char *name;
    for (uint32_t i = 0; (name = name_at(set, i)) != NULL; i++) {
        size_t name_len = strlen(name);
        if (name_len > NEAREST_NAME_LEN_MAX) continue;
        uint32_t distance = edits(word, (uint32_t)len, name, (uint32_t)name_len);
        if (distance >= fewest) continue;
        fewest = distance;
        nearest = name;
    }
    return nearest;
}
