#include "doctor/finding.h"

#include "base/check.h"
#include "doctor/incident.h"
#include "doctor/note_lines.h"

static const char format[] = "tpwallet-finding-1";

bool finding_text_is_valid(struct str text)
{
    return text.len > 0 && text.len <= FINDING_TEXT_MAX && note_text_is_valid(text);
}

void finding_write(const struct finding_note *finding, const struct note_signer *signer,
                   struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    char key[NOTE_KEY_TEXT_SIZE];
    BUF_SCOPE struct buf text;
    buf_init(&text, FINDING_NOTE_MAX);
    CHECK(incident_id_is_valid(finding->incident));
    CHECK(finding_text_is_valid(finding->text));
    buf_append_format(&text, "%s\nincident %.*s\n", format, STR_ARG(finding->incident));
    note_line_digest(&text, "seen", &finding->seen);
    note_line_digest(&text, "original", &finding->original);
    buf_append_format(&text, "at %.*s\n", STR_ARG(wall_time_format(finding->at, at)));
    buf_append_format(&text, "key %.*s\n\n", STR_ARG(note_key_format(&signer->key, key)));
    buf_append_str(&text, finding->text);
    CHECK(!text.overflow);
    note_begin(out, buf_view(&text));
    note_sign(out, buf_view(&text), signer);
}

static bool text_parse(struct str rest, struct finding_note *out)
{
    struct str line, at, key, empty;
    bool there = str_take_line(&rest, &line) && str_equal(line, str_from(format)) &&
                 note_line_take(&rest, "incident", &out->incident) &&
                 note_line_take_digest(&rest, "seen", &out->seen) &&
                 note_line_take_digest(&rest, "original", &out->original) &&
                 note_line_take(&rest, "at", &at) && note_line_take(&rest, "key", &key) &&
                 str_take_line(&rest, &empty) && empty.len == 0;
    out->text = rest;
    return there && finding_text_is_valid(rest) && incident_id_is_valid(out->incident) &&
           wall_time_parse(at, &out->at) == STATUS_OK &&
           note_key_parse(key, &out->key) == STATUS_OK && out->key.kind == NOTE_ED25519;
}

enum status finding_read(struct str bytes, struct finding_note *out_finding,
                         struct error *out_error)
{
    struct note note;
    if (bytes.len > FINDING_NOTE_MAX || note_parse(bytes, &note, out_error) != STATUS_OK ||
        !text_parse(note.text, out_finding))
        return error_set(out_error, STATUS_INVALID, "it is no finding");
    if (note_verify(&note, &out_finding->key, out_error) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_DENIED, "the signature of the finding is wrong");
}
