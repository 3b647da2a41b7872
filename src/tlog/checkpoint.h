/* checkpoint.h - C2SP tlog-checkpoint: origin, size and root of a log, as the text of a note. */
#ifndef TLOG_CHECKPOINT_H
#define TLOG_CHECKPOINT_H

#include "tlog/note.h"
#include "tlog/tree_proof.h"

enum {
    CHECKPOINT_ORIGIN_LEN_MAX = 255, /* as cosignatures of the newer kind can say */
    CHECKPOINT_TEXT_SIZE_MAX = 4096, /* so that a cosigner's message has a bound */
};

/* Strings are views into the text. */
struct checkpoint {
    struct str origin;
    struct tree_head head;
    struct str extensions; /* whole lines, none of them empty; usually there are none */
};

/* STATUS_INVALID, with why: not the one text that checkpoint_format() writes for its content. */
enum status checkpoint_parse(struct str text, struct checkpoint *out_checkpoint,
                             struct error *out_error) MUST_CHECK;

/*
 * Appends the text. STATUS_INVALID when origin or extensions cannot stand in one, and nothing is
 * appended; STATUS_LIMIT when it passes CHECKPOINT_TEXT_SIZE_MAX or what buf holds.
 */
enum status checkpoint_format(const struct checkpoint *checkpoint, struct buf *text) MUST_CHECK;

/*
 * The checkpoint in a note, if `key` signed it (statuses of note_verify()) and it is of this
 * origin (else STATUS_DENIED): a log's other checkpoints are none of ours. Whether it agrees
 * with what was seen before is for tree_verify_consistency().
 */
enum status checkpoint_open(const struct note *note, const struct note_key *key, struct str origin,
                            struct checkpoint *out_checkpoint, struct error *out_error) MUST_CHECK;

#endif
