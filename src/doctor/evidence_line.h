/* evidence_line.h - one record of evidence written as a line of a bundle, masked on the way. */
#ifndef DOCTOR_EVIDENCE_LINE_H
#define DOCTOR_EVIDENCE_LINE_H

#include "base/json_writer.h"
#include "base/time.h"
#include "doctor/mask.h"
#include "doctor/signed_amount.h"

enum { EVIDENCE_LINE_SIZE_MAX = 1 << 16, EVIDENCE_LINE_TEXT_MAX = 4096 };

/*
 * As docs/bundle.md has it: a flat object, "kind" first. A text that is empty is left out; one that
 * is longer than EVIDENCE_LINE_TEXT_MAX is cut; each passes mask_text().
 *
 *     evidence_begin(&line, &buf, "posting", &masked);
 *     evidence_text(&line, "tx", id);
 *     evidence_amount(&line, "amount", amount);
 *     evidence_end(&line);
 */
struct evidence_line {
    struct json_writer writer;
    struct mask_counts *masked;
};

/* kind and names are those of model/evidence.h; the line is appended to out, which bounds it. */
void evidence_begin(struct evidence_line *line, struct buf *out, const char *kind,
                    struct mask_counts *masked);
void evidence_text(struct evidence_line *line, const char *name, struct str text);
void evidence_word(struct evidence_line *line, const char *name, const char *word);
void evidence_uuid(struct evidence_line *line, const char *name,
                   struct uuid id); /* nil: left out */
void evidence_amount(struct evidence_line *line, const char *name, struct signed_amount amount);
void evidence_int(struct evidence_line *line, const char *name, int64_t value);
void evidence_bool(struct evidence_line *line, const char *name, bool value);
void evidence_time(struct evidence_line *line, const char *name, struct wall_time at);
/* With its newline. out's overflow tells whether it fit. */
void evidence_end(struct evidence_line *line);

#endif
