/* metric_page.h - one page of metrics out of what lanes tell: one head a family, samples with their lane. */
#ifndef API_METRIC_PAGE_H
#define API_METRIC_PAGE_H

#include "base/buf.h"
#include "model/lane_map.h"

/* Each part is text of base/metric_text.h's form, with no family twice and no label `lane`. */
struct metric_page {
    uint32_t count;
    struct metric_part {
        uint32_t lane;
        size_t next; /* where the family that is looked for next probably is */
        struct buf text;
    } parts[LANES_MAX];
};

/* A process's lanes, and what it tells of itself; the page is asked for by any task. */
struct metric_process {
    /* Appends a part for each lane that is open here. */
    void (*lanes)(void *context, struct metric_page *page);
    /* Appends families of the process itself. */
    void (*own)(void *context, struct buf *out_page);
    void *context;
};

void metric_page_init(struct metric_page *page);
void metric_page_free(struct metric_page *page);

/* Where the lane's families are to be appended; once for each lane. */
struct buf *metric_page_part(struct metric_page *page, uint32_t lane);

/*
 * Appends all: families in the order of their first part, each with its samples of all lanes, with
 * lane="N" as their first label. A part that is too large is left out.
 */
void metric_page_write(struct metric_page *page, struct buf *out_page);

#endif
