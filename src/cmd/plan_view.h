/* plan_view.h - a plan as people read it before they say yes to it. */
#ifndef CMD_PLAN_VIEW_H
#define CMD_PLAN_VIEW_H

#include "doctor/repair_plan.h"

/* A line for each step, and one of how many approvals it needs until when; texts as shown_text.h. */
void plan_view_append(const struct repair_plan *plan, struct buf *out);

#endif
