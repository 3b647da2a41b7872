/* course.h - how an item goes on: what an order comes to, and what time makes of it. */
#ifndef SANDBOX_COURSE_H
#define SANDBOX_COURSE_H

#include "sandbox/sandbox.h"

/* Decides an order that was just made, tells of it, and notes what is to come. */
void course_begin(struct sandbox *sandbox, uint32_t item);
/* Something noted is due. What was overtaken (captured before it expired) does nothing. */
void course_due(struct sandbox *sandbox, const struct agenda_entry *entry);

#endif
