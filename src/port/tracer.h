/* tracer.h - spans of a trace: asked for before they are made, so that the unwatched cost nothing. */
#ifndef PORT_TRACER_H
#define PORT_TRACER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/str.h"
#include "base/time.h"
#include "model/id.h"
#include "model/raise.h"

/* Numbers of OTLP's SpanKind. */
enum span_kind {
    SPAN_INTERNAL = 1,
    SPAN_SERVER = 2,
    SPAN_CLIENT = 3,
    SPAN_PRODUCER = 4,
    SPAN_CONSUMER = 5,
};

enum { SPAN_TEXT_SIZE = 64, SPAN_NOTES_MAX = 8 };

/* An attribute: text when it has any, else the number. What does not fit is cut. Never a secret. */
struct span_note {
    struct str name; /* static: a name of the semantic conventions, or tpwallet.* */
    uint64_t number;
    char text[SPAN_TEXT_SIZE];
};

struct span {
    struct trace trace; /* the trace, and this span in it; neither is zero */
    uint64_t parent;    /* span; 0: a root */
    enum span_kind kind;
    bool failed;
    struct str name;      /* static text; empty: method and route, as the conventions say */
    struct str route;     /* http.route; static text; empty: none */
    struct str method;    /* http.request.method; static text; empty: none */
    uint32_t http_status; /* http.response.status_code; 0: none. From 500 on the span failed */
    struct wall_time start;
    struct wall_time end;
    uint32_t note_count;
    struct span_note notes[SPAN_NOTES_MAX];
};

/* What a span would be about, as far as it is known; all zero but the trace: no more is known. */
struct span_subject {
    struct uuid trace;
    struct uuid payment;
    struct uuid user_ref;
    uint32_t route; /* number of an operation; 0: none */
    bool asked;     /* the caller says that it samples this trace */
};

/* Any task; no call waits for anything but a short lock. */
struct tracer {
    /* Whether spans about this are wanted. */
    bool (*wants)(struct tracer *tracer, const struct span_subject *subject);
    /* Takes a copy. */
    void (*record)(struct tracer *tracer, const struct span *span);
    /* All that is raised from here on, at most RAISES_MAX; NULL: it watches no incidents. */
    void (*raised)(struct tracer *tracer, const struct raise *raises, uint32_t count);
};

/* A NULL tracer wants nothing. */
static inline bool tracer_wants(struct tracer *tracer, const struct span_subject *subject)
{
    if (tracer == NULL || uuid_is_nil(subject->trace)) return false;
    return tracer->wants(tracer, subject);
}

static inline void tracer_raised(struct tracer *tracer, const struct raise *raises, uint32_t count)
{
    if (tracer != NULL && tracer->raised != NULL) tracer->raised(tracer, raises, count);
}

/* The span that has an id's name: that of a payment is the commit which made it. Never 0. */
static inline uint64_t span_of_id(struct uuid id)
{
    return id.lo == 0 ? 1 : id.lo;
}

static inline void span_note_text(struct span *span, struct str name, struct str text)
{
    CHECK(span->note_count < SPAN_NOTES_MAX);
    if (text.len == 0) return;
    struct span_note *note = &span->notes[span->note_count++];
    size_t len = text.len < SPAN_TEXT_SIZE ? text.len : SPAN_TEXT_SIZE - 1;
    *note = (struct span_note){ .name = name };
    memcpy(note->text, text.data, len);
}

static inline void span_note_number(struct span *span, struct str name, uint64_t number)
{
    CHECK(span->note_count < SPAN_NOTES_MAX);
    span->notes[span->note_count++] = (struct span_note){ .name = name, .number = number };
}

/* Nothing for a nil id. */
static inline void span_note_id(struct span *span, struct str name, struct uuid id)
{
    char text[UUID_TEXT_LEN + 1];
    if (uuid_is_nil(id)) return;
    uuid_format(id, text);
    span_note_text(span, name, (struct str){ text, UUID_TEXT_LEN });
}

#endif
