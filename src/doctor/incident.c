#include "doctor/incident.h"

#include <string.h>

#include "base/check.h"
#include "base/json_member.h"
#include "base/json_reader.h"

static const char *const state_names[] = {
#define STATE_NAME(name, text) (text),
    INCIDENT_STATE_TABLE(STATE_NAME)
#undef STATE_NAME
};

const char *incident_state_name(enum incident_state state)
{
    CHECK(state < INCIDENT_STATE_COUNT);
    return state_names[state];
}

bool incident_state_parse(struct str text, enum incident_state *out_state)
{
    for (uint32_t i = 0; i < INCIDENT_STATE_COUNT; i++) {
        if (!str_equal(text, str_from(state_names[i]))) continue;
        *out_state = (enum incident_state)i;
        return true;
    }
    return false;
}

bool incident_id_is_valid(struct str id)
{
    if (id.len == 0 || id.len > INCIDENT_WORD_MAX || id.data[0] == '-') return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        bool good =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
        if (!good) return false;
    }
    return true;
}

bool incident_may(enum incident_state from, enum incident_state to)
{
    if (from == INCIDENT_CLOSED || from == to) return false;
    return to > from || to == INCIDENT_OPEN;
}

bool incident_note_add(struct incident *incident, const struct incident_note *note)
{
    if (incident->note_count == INCIDENT_NOTES_MAX) return false;
    if (note->text.len == 0 || note->text.len > INCIDENT_TEXT_MAX) return false;
    if (note->who.len > INCIDENT_WORD_MAX) return false;
    incident->notes[incident->note_count++] = *note;
    return true;
}

static void time_member(struct json_writer *writer, const char *key, struct wall_time at)
{
    char text[TIME_TEXT_SIZE];
    json_member_text(writer, key, wall_time_format(at, text));
}

void incident_json(const struct incident *incident, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_member_text(&writer, "format", STR("tpwallet-incident-1"));
    json_member_text(&writer, "id", incident->id);
    json_member_text(&writer, "title", incident->title);
    json_member_text(&writer, "owner", incident->owner);
    json_member_text(&writer, "state", str_from(incident_state_name(incident->state)));
    time_member(&writer, "opened_at", incident->opened_at);
    time_member(&writer, "from", incident->from);
    time_member(&writer, "to", incident->to);
    json_write_key(&writer, STR("timeline"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < incident->note_count; i++) {
        json_write_object_begin(&writer);
        time_member(&writer, "at", incident->notes[i].at);
        json_member_text(&writer, "who", incident->notes[i].who);
        json_member_text(&writer, "text", incident->notes[i].text);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK || out->overflow); /* which the caller looks at */
    buf_append_byte(out, '\n');
}

/* Nothing that a tracker would take for markup or for another cell. */
static void markdown_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (strchr("\\`*_[]<>|#&!~", c) != NULL && c != '\0') buf_append_byte(out, '\\');
        buf_append_byte(out, (uint8_t)c < ' ' ? ' ' : (uint8_t)c);
    }
}

void incident_markdown(const struct incident *incident, struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    buf_append_format(out, "# Incident %.*s: ", STR_ARG(incident->id));
    markdown_text(out, incident->title);
    buf_append_format(out, "\n\n| | |\n|---|---|\n| state | %s |\n| owner | ",
                      incident_state_name(incident->state));
    markdown_text(out, incident->owner);
    buf_append_format(out, " |\n| opened | %.*s |\n",
                      STR_ARG(wall_time_format(incident->opened_at, at)));
    buf_append_format(out, "| window | from %.*s", STR_ARG(wall_time_format(incident->from, at)));
    buf_append_format(out, " to %.*s |\n\n## Timeline\n\n| at | who | what |\n|---|---|---|\n",
                      STR_ARG(wall_time_format(incident->to, at)));
    for (uint32_t i = 0; i < incident->note_count; i++) {
        const struct incident_note *note = &incident->notes[i];
        buf_append_format(out, "| %.*s | ", STR_ARG(wall_time_format(note->at, at)));
        markdown_text(out, note->who);
        buf_append_str(out, STR(" | "));
        markdown_text(out, note->text);
        buf_append_str(out, STR(" |\n"));
    }
}

/* ---- reading ---- */

static void time_read(struct json_reader *reader, struct wall_time *out_time)
{
    struct str text;
    if (!json_string(reader, &text)) return;
    if (wall_time_parse(text, out_time) != STATUS_OK) json_fail(reader, "not a time of RFC 3339");
}

static void note_read(struct json_reader *reader, struct incident *incident)
{
    struct incident_note note = { .who = STR("") };
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("at")))
            time_read(reader, &note.at);
        else if (str_equal(key, STR("who")))
            (void)json_string(reader, &note.who); /* a fault stays, here and below */
        else if (str_equal(key, STR("text")))
            (void)json_string(reader, &note.text);
        else
            (void)json_skip(reader);
    }
    if (!incident_note_add(incident, &note)) json_fail(reader, "a note that is none");
}

static void member_read(struct json_reader *reader, struct str key, struct incident *incident,
                        struct str *format)
{
    struct str state;
    if (str_equal(key, STR("format"))) {
        (void)json_string(reader, format); /* a fault stays, here and below */
    } else if (str_equal(key, STR("id"))) {
        (void)json_string(reader, &incident->id);
    } else if (str_equal(key, STR("title"))) {
        (void)json_string(reader, &incident->title);
    } else if (str_equal(key, STR("owner"))) {
        (void)json_string(reader, &incident->owner);
    } else if (str_equal(key, STR("state"))) {
        if (json_string(reader, &state) && !incident_state_parse(state, &incident->state))
            json_fail(reader, "there is no such state");
    } else if (str_equal(key, STR("opened_at"))) {
        time_read(reader, &incident->opened_at);
    } else if (str_equal(key, STR("from"))) {
        time_read(reader, &incident->from);
    } else if (str_equal(key, STR("to"))) {
        time_read(reader, &incident->to);
    } else if (str_equal(key, STR("timeline"))) {
        if (!json_array_begin(reader)) return;
        while (json_array_next(reader)) note_read(reader, incident);
    } else {
        (void)json_skip(reader);
    }
}

enum status incident_parse(struct str text, struct arena *arena, struct incident *out_incident,
                           struct error *out_error)
{
    struct json_reader reader;
    struct str format = STR("");
    struct str key;
    memset(out_incident, 0, sizeof *out_incident);
    json_reader_init(&reader, text, arena);
    if (json_object_begin(&reader))
        while (json_object_next(&reader, &key)) member_read(&reader, key, out_incident, &format);
    if (json_end(&reader) != STATUS_OK)
        return error_set(out_error, STATUS_INVALID, "incident.json: %s", reader.reason);
    bool whole = str_equal(format, STR("tpwallet-incident-1")) &&
                 incident_id_is_valid(out_incident->id) &&
                 out_incident->title.len <= INCIDENT_TEXT_MAX &&
                 out_incident->owner.len <= INCIDENT_WORD_MAX &&
                 out_incident->from.ns <= out_incident->to.ns;
    if (whole) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "incident.json is no ticket of an incident");
}
