#include "api/event_tail.h"

#include <string.h>

#include "base/check.h"

void event_tail_init(struct event_tail *tail)
{
    CHECK(tail != NULL);
    buf_init(&tail->text, TAIL_SIZE_MAX);
    event_tail_reset(tail, (struct position){ 0 });
}

void event_tail_done(struct event_tail *tail)
{
    buf_free(&tail->text);
}

void event_tail_reset(struct event_tail *tail, struct position from)
{
    buf_reset(&tail->text);
    tail->count = 0;
    tail->from = from;
    tail->to = from;
}

static size_t event_begin(const struct event_tail *tail, uint32_t index)
{
    return index == 0 ? 0 : tail->events[index - 1].end;
}

/* Half, so that what is kept is moved seldom. */
static void older_half_drop(struct event_tail *tail)
{
    uint32_t gone = (tail->count + 1) / 2;
    size_t size = tail->events[gone - 1].end;
    tail->from = tail->events[gone - 1].position;
    tail->count -= gone;
    memmove(tail->text.data, tail->text.data + size, tail->text.len - size);
    tail->text.len -= size;
    memmove(tail->events, tail->events + gone, tail->count * sizeof tail->events[0]);
    for (uint32_t i = 0; i < tail->count; i++) tail->events[i].end -= size;
}

bool event_tail_add(struct event_tail *tail, struct position position, struct str text)
{
    CHECK(position_compare(position, tail->to) > 0);
    CHECK(text.len < TAIL_SIZE_MAX / 2);
    while (tail->count == TAIL_EVENTS_MAX ||
           (tail->count > 0 && tail->text.len + text.len > TAIL_SIZE_MAX))
        older_half_drop(tail);
    buf_append_str(&tail->text, text);
    if (buf_status(&tail->text) != STATUS_OK) {
        event_tail_reset(tail, position);
        return false;
    }
    tail->events[tail->count++] = (struct tail_event){ position, tail->text.len };
    tail->to = position;
    return true;
}

void event_tail_pass(struct event_tail *tail, struct position to)
{
    if (position_compare(to, tail->to) > 0) tail->to = to;
}

bool event_tail_covers(const struct event_tail *tail, struct position after)
{
    return position_compare(after, tail->from) >= 0;
}

/* The first one behind a position; count when there is none. */
static uint32_t event_behind(const struct event_tail *tail, struct position after)
{
    uint32_t low = 0;
    uint32_t high = tail->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (position_compare(tail->events[middle].position, after) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint32_t event_tail_copy(const struct event_tail *tail, size_t size, struct position *after,
                         struct buf *out_text)
{
    CHECK(event_tail_covers(tail, *after));
    uint32_t first = event_behind(tail, *after);
    uint32_t end = first;
    size_t begin = event_begin(tail, first);
    while (end < tail->count && out_text->len + (event_begin(tail, end) - begin) < size) end++;
    if (end == first) return 0;
    buf_append(out_text, tail->text.data + begin, event_begin(tail, end) - begin);
    *after = tail->events[end - 1].position;
    return end - first;
}
