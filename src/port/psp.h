/* psp.h - a payment service provider: orders, queries by our reference, and its statements. */
#ifndef PORT_PSP_H
#define PORT_PSP_H

#include "base/error.h"
#include "base/status.h"
#include "model/psp.h"

/*
 * Implementations: adapter/ (over HTTP) and sim/ (the sandbox's books, with faults). Any task;
 * a call blocks for at most traits.call_ms_max. The caller owns everything it passes.
 *
 * The one rule: an order is sent again only with the same payment, step_number and content, so
 * that the PSP can recognise it by psp_key(). An answer that is not understood is UNKNOWN.
 */
struct psp_traits {
    char name[PSP_NAME_SIZE];
    uint32_t call_ms_max;
    /* Until this long after an order was sent last, a query's NOT_FOUND proves nothing. */
    uint32_t horizon_ms;
    /* For this long from the first sending on, the PSP recognises the key of an order. */
    uint32_t key_window_ms;
    uint32_t operations; /* 1 << enum psp_operation of what it can do */
};

/* Of a day's statement: at most `limit` lines, from line number `from` (0 is the first) on. */
struct psp_part {
    struct business_date day;
    uint32_t from;
    uint32_t limit;
};

struct psp {
    struct psp_traits traits; /* constant once the PSP is in use */

    /* Always answers: out_reply is written whole, UNKNOWN at worst. */
    void (*order)(struct psp *psp, const struct psp_order *order, struct psp_reply *out_reply);

    /* What became of an order, by our reference; never sends it. As order(), with NOT_FOUND. */
    void (*query)(struct psp *psp, const struct psp_order *order, struct psp_reply *out_reply);

    /*
     * Lines of a day's statement, in the PSP's order. STATUS_NOT_FOUND: the day's statement is
     * not made yet. STATUS_UNAVAILABLE. STATUS_INVALID: what came is no statement; out_error
     * names the line. out_count < part->limit is the end.
     */
    enum status (*statement)(struct psp *psp, const struct psp_part *part,
                             struct psp_line *out_lines, uint32_t *out_count,
                             struct error *out_error);

    void (*close)(struct psp *psp);
};

#endif
