/* evidence_index.h - from the hash of a value to the rows that have it, in a file, sorted when asked. */
#ifndef ADAPTER_EVIDENCE_INDEX_H
#define ADAPTER_EVIDENCE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { EVIDENCE_INDEX_HELD = 4096 /* entries in memory before they are written */ };

/*
 * An entry is the upper half of a hash above the number of a row. Entries come in order of rows,
 * eight bytes each, and are sorted by hash when one is first looked for: most indexes never are.
 * All zero is an index without entries.
 */
struct evidence_index {
    uint64_t *held; /* not written yet; after sorting: what was read last */
    uint32_t held_count;
    uint64_t count;
    uint64_t window; /* after sorting: the place of held[0] */
    int file;        /* of no name; open when `written` is more than 0 */
    uint64_t written;
    bool sorted;
};

/* folder: for the file. STATUS_LIMIT: memory or disk; else as status_of_errno(). */
enum status evidence_index_add(struct evidence_index *index, const char *folder, uint32_t hash,
                               uint32_t row, struct error *out_error) MUST_CHECK;
void evidence_index_done(struct evidence_index *index);

/* The places [*out_from, *out_to) of the entries with a hash in [first, last]. */
enum status evidence_index_find(struct evidence_index *index, uint32_t first, uint32_t last,
                                uint64_t *out_from, uint64_t *out_to, struct error *out_error)
    MUST_CHECK;
/* The entry at a place; those of one hash are in order of rows. */
enum status evidence_index_at(struct evidence_index *index, uint64_t place, uint64_t *out_entry,
                              struct error *out_error) MUST_CHECK;

#endif
