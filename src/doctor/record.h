/* record.h - one line of evidence read into typed values, or the reason why it is a reject. */
#ifndef DOCTOR_RECORD_H
#define DOCTOR_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "model/evidence.h"

enum { RECORD_UNKNOWN_MAX = 8 }; /* names of unknown fields that are kept of one line */

/* What a field held. Amounts beyond 64 bits and texts are `text`, all else is `number`. */
struct record_value {
    struct str text; /* data NULL: a number */
    int64_t number;
};

struct record {
    struct str line;        /* that it was read from */
    uint32_t kind;          /* place in evidence_kinds */
    uint64_t hash;          /* of the line's bytes */
    uint64_t seen;          /* fields that are there, by their place in evidence_field_at() */
    uint32_t unknown_count; /* fields that the kind does not have, all of them */
    struct str unknown[RECORD_UNKNOWN_MAX];
    struct record_value values[EVIDENCE_FIELDS_MAX];
};

enum { RECORD_SLOTS = 128 }; /* over twice as many as fields; a power of two */

/* The name "kind" and the fields of each kind as the JSON reader wants them; made once. */
struct record_names {
    struct str names[EVIDENCE_KINDS_MAX][EVIDENCE_FIELDS_MAX + 1];
    const struct evidence_field *fields[EVIDENCE_KINDS_MAX][EVIDENCE_FIELDS_MAX];
    uint8_t slots[EVIDENCE_KINDS_MAX][RECORD_SLOTS]; /* by hash: 1 + place of a field; 0: none */
    uint32_t counts[EVIDENCE_KINDS_MAX];
    uint64_t required[EVIDENCE_KINDS_MAX]; /* as `seen` of a record */
};
void record_names_init(struct record_names *names);

/*
 * The kind that a line names: place in evidence_kinds, or -1. Quick where it comes first and without
 * blanks, as collectors write it. Says nothing of the rest of the line.
 */
int record_kind(struct str line);

/*
 * The line is without its newline; texts of the record are views into it or into the arena,
 * which must have room for the line's size and 32 bytes for each of its members. STATUS_INVALID:
 * *out_reason, static, says why; no other output counts.
 */
enum status record_parse(const struct record_names *names, struct str line, struct arena *arena,
                         struct record *out_record, const char **out_reason) MUST_CHECK;

#endif
