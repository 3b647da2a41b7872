/* story_outside.h - what came and went about a payment: webhooks of its PSP, and our own events. */
#ifndef API_STORY_OUTSIDE_H
#define API_STORY_OUTSIDE_H

#include "api/render.h"
#include "api/work.h"
#include "wallet/story.h"

/*
 * On a worker. Reads beside the journal: the inbox, and what deliveries left; a source that is not
 * there, or cannot be read, is said to be not told, and never fails the story.
 */
enum { OUTSIDE_EVENTS_MAX = 32, OUTSIDE_ENDPOINTS_MAX = 16 };

struct outside {
    struct webhook_told webhooks[WEBHOOK_TOLD_MAX]; /* oldest first */
    uint32_t webhook_count;
    struct webhook_desk_view endpoints[OUTSIDE_ENDPOINTS_MAX];
    uint32_t endpoint_count;
    const char *webhooks_not_told;   /* why, as a sentence; NULL: they are told */
    const char *deliveries_not_told; /* the same */
};

void outside_read(struct work *work, const struct story *story, struct outside *out_outside);

/* The members "webhooks" and "events" of the story. */
void outside_write(struct work *work, struct render *render, const struct story *story,
                   struct outside *outside);

#endif
