/* manifest.h - what a bundle says of itself: its sources, and where absence is evidence. */
#ifndef DOCTOR_MANIFEST_H
#define DOCTOR_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "port/evidence.h"

enum {
    MANIFEST_SOURCES_MAX = 256,
    MANIFEST_COVERAGE_MAX = 2048,
    MANIFEST_SIZE_MAX = 4 << 20,
};

enum manifest_loss { MANIFEST_LOSS_NONE, MANIFEST_LOSS_SAMPLED, MANIFEST_LOSS_UNKNOWN };

struct manifest_coverage {
    uint32_t kind;
    uint32_t source;
    enum manifest_loss loss;
    uint64_t lost;
    int64_t from_ns;
    int64_t to_ns;
};

struct manifest_source {
    struct str path;
    struct str system;
    struct str clock;
    int64_t authority;
    uint64_t kinds; /* by bit: place in evidence_kinds */
    bool has_digest;
    struct digest sha256;
    int64_t size;      /* in bytes; -1: not given */
    uint64_t rejected; /* by its collector, and while loading */
    bool refused;      /* the same file as another source */
};

/* Texts are views into the input or the arena. */
struct manifest {
    struct str incident;
    int64_t as_of_ns;
    int64_t from_ns;
    int64_t to_ns;
    uint32_t source_count;
    uint32_t coverage_count;
    struct manifest_source sources[MANIFEST_SOURCES_MAX]; /* in order of path */
    struct manifest_coverage coverage[MANIFEST_COVERAGE_MAX];
};

/* STATUS_INVALID: the error says where and why. The arena: the input's size and 64 KiB. */
enum status manifest_parse(struct str text, struct arena *arena, struct manifest *out_manifest,
                           struct error *out_error) MUST_CHECK;

/* Each of the source's kinds over the whole window, without loss: what is meant if nothing is. */
void manifest_cover(struct manifest *manifest, uint32_t source);

/* How far a kind is covered at an instant, or (EVIDENCE_ALL_TIME) over the whole window. */
enum evidence_coverage manifest_covers(const struct manifest *manifest, uint32_t kind,
                                       int64_t ts_ns);

#endif
