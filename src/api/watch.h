/* watch.h - whether a call's spans are wanted, and the span of its commit. */
#ifndef API_WATCH_H
#define API_WATCH_H

#include "api/work.h"

/* When trace and route are known: sets call->watched. */
void watch_begin(struct work *work);
/* Before the work's request goes to the lane: what it is about is known by now. */
void watch_submit(struct work *work);
/* When it was answered: the span "commit", of requests that change something. */
void watch_end(struct work *work);

#endif
