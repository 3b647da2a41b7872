/* story_view.h - the story of a payment, as the API tells it, as text for people. */
#ifndef CMD_STORY_VIEW_H
#define CMD_STORY_VIEW_H

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/*
 * Appends text. STATUS_INVALID: the answer is no story; STATUS_LIMIT: it or the text is too
 * large. Pure.
 */
enum status story_view(struct str json, struct buf *out) MUST_CHECK;

#endif
