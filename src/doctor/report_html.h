/* report_html.h - an incident's report as one HTML file without scripts: light, dark, and for paper. */
#ifndef DOCTOR_REPORT_HTML_H
#define DOCTOR_REPORT_HTML_H

#include "doctor/report.h"

/* Nothing of the documents becomes markup. out's overflow tells whether it fit. */
void report_html(const struct report *report, struct buf *out);

#endif
