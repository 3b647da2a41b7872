/* report_markdown.h - the RCA document: impact, causes, timeline, repair, actions, what is not known. */
#ifndef DOCTOR_REPORT_MARKDOWN_H
#define DOCTOR_REPORT_MARKDOWN_H

#include "doctor/report.h"

/* Nothing of the documents becomes markup. out's overflow tells whether it fit. */
void report_markdown(const struct report *report, struct buf *out);

#endif
