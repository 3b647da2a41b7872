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
/* With its newline. out's overflow tells whether it fit. */
void evidence_end(struct evidence_line *line);

void evidence_put_text(struct evidence_line *line, struct str name, struct str text);
void evidence_put_word(struct evidence_line *line, struct str name, struct str word);
void evidence_put_uuid(struct evidence_line *line, struct str name, struct uuid id);
void evidence_put_amount(struct evidence_line *line, struct str name, struct signed_amount amount);
void evidence_put_int(struct evidence_line *line, struct str name, int64_t value);
void evidence_put_bool(struct evidence_line *line, struct str name, bool value);
void evidence_put_time(struct evidence_line *line, struct str name, struct wall_time at);

/* Here, so that the length of a literal is known where it is written: there are very many lines. */
static inline void evidence_text(struct evidence_line *line, const char *name, struct str text)
{
    evidence_put_text(line, str_from(name), text);
}

static inline void evidence_word(struct evidence_line *line, const char *name, const char *word)
{
    evidence_put_word(line, str_from(name), str_from(word));
}

/* nil: left out */
static inline void evidence_uuid(struct evidence_line *line, const char *name, struct uuid id)
{
    evidence_put_uuid(line, str_from(name), id);
}

static inline void evidence_amount(struct evidence_line *line, const char *name,
                                   struct signed_amount amount)
{
    evidence_put_amount(line, str_from(name), amount);
}

static inline void evidence_int(struct evidence_line *line, const char *name, int64_t value)
{
    evidence_put_int(line, str_from(name), value);
}

static inline void evidence_bool(struct evidence_line *line, const char *name, bool value)
{
    evidence_put_bool(line, str_from(name), value);
}

static inline void evidence_time(struct evidence_line *line, const char *name, struct wall_time at)
{
    evidence_put_time(line, str_from(name), at);
}

#endif
