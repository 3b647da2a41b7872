#include "wallet/endpoint_walk.h"

#include "base/check.h"

struct endpoint_walk endpoint_walk_begin(const struct webhook_endpoint *endpoint)
{
    return (struct endpoint_walk){ endpoint->since, endpoint->sequence_base };
}

enum status endpoint_walk_next(const struct webhook_endpoint *endpoint, struct event_feed *feed,
                               struct endpoint_walk *walk, struct buf *memory,
                               struct feed_event *out_event, struct error *out_error)
{
    for (uint32_t i = 0; i < ENDPOINT_WALK_EVENTS_MAX; i++) {
        struct feed_event event;
        enum status status = feed->next(feed, walk->position, memory, &event, out_error);
        if (status != STATUS_OK) return status;
        CHECK(position_compare(event.position, walk->position) > 0);
        walk->position = event.position;
        if (!endpoint_wants(endpoint, event.type)) continue;
        walk->sequence++;
        *out_event = event;
        return STATUS_OK;
    }
    return STATUS_TIMEOUT;
}

struct position position_before(struct position position)
{
    if (position.index > 0) return (struct position){ position.batch, position.index - 1 };
    CHECK(position.batch > 0);
    return (struct position){ position.batch - 1, UINT32_MAX };
}

enum status endpoint_missed(const struct missed_question *question, struct event_feed *feed,
                            struct buf *memory, struct missed_answer *out_answer,
                            struct error *out_error)
{
    struct missed_answer answer = { .sequence = question->since };
    struct endpoint_walk walk = endpoint_walk_begin(question->endpoint);
    if (question->from.sequence <= question->since &&
        position_compare(question->from.position, walk.position) > 0) {
        walk = question->from;
    }
    uint64_t steps = 0;
    bool wanted = true;
    while (wanted && answer.count < question->limit && steps < question->walk_max) {
        struct feed_event event;
        enum status status =
            endpoint_walk_next(question->endpoint, feed, &walk, memory, &event, out_error);
        steps += status == STATUS_TIMEOUT ? ENDPOINT_WALK_EVENTS_MAX : 1;
        if (status == STATUS_NOT_FOUND) {
            answer.complete = true;
            break;
        }
        if (status == STATUS_TIMEOUT) continue;
        if (status != STATUS_OK) return status;
        if (walk.sequence <= question->since) continue;
        wanted = question->visit(question->owner, &event, walk.sequence);
        answer.sequence = walk.sequence;
        answer.count++;
    }
    *out_answer = answer;
    return STATUS_OK;
}
