/* incident.h - the ticket of an incident: its state, whose it is, and what was done when. */
#ifndef DOCTOR_INCIDENT_H
#define DOCTOR_INCIDENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

/* Name, text. incident_may() says what may follow what. */
#define INCIDENT_STATE_TABLE(X)                                                                    \
    X(OPEN, "open")           /* being looked at */                                                \
    X(CONTAINED, "contained") /* does not grow any more */                                         \
    X(DIAGNOSED, "diagnosed") /* the cause is known */                                             \
    X(REPAIRED, "repaired")   /* the plan was applied */                                           \
    X(VERIFIED, "verified")   /* the evidence says so */                                           \
    X(CLOSED, "closed")

#define INCIDENT_STATE_ENUM(name, text) INCIDENT_##name,
enum incident_state { INCIDENT_STATE_TABLE(INCIDENT_STATE_ENUM) INCIDENT_STATE_COUNT };
#undef INCIDENT_STATE_ENUM

enum {
    INCIDENT_NOTES_MAX = 512,
    INCIDENT_TEXT_MAX = 1000, /* bytes of a title or a note */
    INCIDENT_WORD_MAX = 64,   /* of an id, an owner */
    INCIDENT_SIZE_MAX = 2 << 20,
};

struct incident_note {
    struct wall_time at;
    struct str who;
    struct str text;
};

/* Texts are the caller's, or in the arena of incident_parse(). */
struct incident {
    struct str id; /* letters, digits and '-' */
    struct str title;
    struct str owner;
    enum incident_state state;
    struct wall_time opened_at;
    struct wall_time from; /* the window that the evidence is about */
    struct wall_time to;
    uint32_t note_count;
    struct incident_note notes[INCIDENT_NOTES_MAX];
};

const char *incident_state_name(enum incident_state state);
bool incident_state_parse(struct str text, enum incident_state *out_state);
bool incident_id_is_valid(struct str id);

/* Forward by any number of steps, or back to OPEN; CLOSED is final. */
bool incident_may(enum incident_state from, enum incident_state to);

/* False: INCIDENT_NOTES_MAX, or the text is empty or too long. */
bool incident_note_add(struct incident *incident, const struct incident_note *note);

/* One JSON document with a newline; the same as Markdown, for trackers. */
void incident_json(const struct incident *incident, struct buf *out);
void incident_markdown(const struct incident *incident, struct buf *out);

/* STATUS_INVALID with the reason. The arena: the text's size and 64 KiB. */
enum status incident_parse(struct str text, struct arena *arena, struct incident *out_incident,
                           struct error *out_error) MUST_CHECK;

#endif
