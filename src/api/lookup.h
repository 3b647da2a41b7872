/* lookup.h - what the reading operations share: accounts, cursors, the end of a list. */
#ifndef API_LOOKUP_H
#define API_LOOKUP_H

#include "api/render.h"
#include "api/work.h"

/* After a READ_ACCOUNTS of work->id into work->account_state: false with not_found raised. */
bool account_found(struct work *work);
/* On a worker: reads it into work->account_state. False: the problem is raised. */
bool account_load(struct work *work);

/* At the begin of a list in this lane; more filters may be added. */
struct cursor cursor_begin(const struct work *work, enum route_number list);
/* The query's cursor, if any, into cursor->place. False: the problem is raised. */
bool cursor_take(struct work *work, struct cursor *cursor);
/*
 * Where a list goes on: behind what was given, or at the begin of the next lane when it is one of
 * all lanes (api/lanes.h). NULL: this was the last page.
 */
const struct cursor *cursor_next(const struct work *work, struct cursor *cursor, bool more);

/* Ends the array "items" and its object; cursor NULL: this was the last page. */
void list_end(struct render *render, const struct cursor *cursor, uint64_t as_of_batch);

/* The newest durable batch. */
uint64_t journal_head(struct work *work);

#endif
