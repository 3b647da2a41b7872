#include "doctor/evidence_line.h"

#include "base/check.h"

void evidence_begin(struct evidence_line *line, struct buf *out, const char *kind,
                    struct mask_counts *masked)
{
    line->masked = masked;
    json_writer_init(&line->writer, out);
    json_write_object_begin(&line->writer);
    evidence_word(line, "kind", kind);
}

void evidence_put_text(struct evidence_line *line, struct str name, struct str text)
{
    if (text.len == 0) return;
    if (text.len > EVIDENCE_LINE_TEXT_MAX) text.len = EVIDENCE_LINE_TEXT_MAX;
    if (mask_is_clean(text)) { /* as nearly all are */
        evidence_put_word(line, name, text);
        return;
    }
    BUF_SCOPE struct buf clean;
    buf_init(&clean, 2 * EVIDENCE_LINE_TEXT_MAX + 64);
    mask_text(text, &clean, line->masked);
    struct str view = buf_view(&clean);
    if (view.len > EVIDENCE_LINE_TEXT_MAX) view.len = EVIDENCE_LINE_TEXT_MAX;
    json_write_key(&line->writer, name);
    json_write_string(&line->writer, view);
}

void evidence_put_word(struct evidence_line *line, struct str name, struct str word)
{
    json_write_key(&line->writer, name);
    json_write_string(&line->writer, word);
}

void evidence_put_uuid(struct evidence_line *line, struct str name, struct uuid id)
{
    if (uuid_is_nil(id)) return;
    json_write_key(&line->writer, name);
    json_write_uuid(&line->writer, id);
}

void evidence_put_amount(struct evidence_line *line, struct str name, struct signed_amount amount)
{
    char text[SIGNED_AMOUNT_TEXT_SIZE];
    json_write_key(&line->writer, name);
    json_write_string(&line->writer, signed_amount_format(amount, 0, text));
}

void evidence_put_int(struct evidence_line *line, struct str name, int64_t value)
{
    json_write_key(&line->writer, name);
    json_write_int64(&line->writer, value);
}

void evidence_put_bool(struct evidence_line *line, struct str name, bool value)
{
    json_write_key(&line->writer, name);
    json_write_bool(&line->writer, value);
}

void evidence_put_time(struct evidence_line *line, struct str name, struct wall_time at)
{
    char text[TIME_TEXT_SIZE];
    json_write_key(&line->writer, name);
    json_write_string(&line->writer, wall_time_format(at, text));
}

void evidence_end(struct evidence_line *line)
{
    struct buf *out = line->writer.out;
    json_write_object_end(&line->writer);
    enum status status = json_write_end(&line->writer);
    CHECK(status == STATUS_OK || out->overflow); /* which the caller looks at */
    buf_append_byte(out, '\n');
}
