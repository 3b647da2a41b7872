/* metric_text.h - the text format of Prometheus, 0.0.4: heads of families, and values of labels. */
#ifndef BASE_METRIC_TEXT_H
#define BASE_METRIC_TEXT_H

#include "base/buf.h"

/* The lines before a family's samples. type: "counter", "gauge" or "histogram". */
void metric_head_write(struct buf *out, const char *name, const char *type, const char *help);

/* NAME{LABEL="value"} NUMBER and a newline, whatever is in the value, which is UTF-8. */
void metric_labelled_write(struct buf *out, const char *name, const char *label, struct str value,
                           uint64_t number);

#endif
