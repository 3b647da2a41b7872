/* acts.h - administrative acts over HTTP: one way to submit them, one form of their answer. */
#ifndef API_ACTS_H
#define API_ACTS_H

#include "api/render.h"
#include "api/work.h"

/* work->admin is filled; it is checked by admin_fault() first. fields are the body's own names. */
enum api_progress act_submit(struct work *work);

/*
 * On a worker: writes down, with the call's reason, what is about to be done elsewhere, each time
 * it is asked for. False: the problem is raised, and it must not be done.
 */
bool act_note(struct work *work, enum notice_kind kind, struct uuid subject);

/*
 * Begins the answer's object. False: a problem is raised, the act's refusal among them; nothing
 * more is to be written. Sets the status: 201, or 200 when it was done before.
 */
bool act_answer_begin(struct work *work, struct render *render);
/* Adds outcome, position, at and repeated, and ends it. */
void act_answer_end(struct work *work, struct render *render);

#endif
