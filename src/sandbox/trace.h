/* trace.h - what an item's change leaves behind: a statement line with its entries, an event. */
#ifndef SANDBOX_TRACE_H
#define SANDBOX_TRACE_H

#include "sandbox/sandbox.h"

/* Adds the line and posts gross and fee. */
void trace_line(struct sandbox *sandbox, enum psp_line_kind kind, uint32_t item,
                struct money gross);
/* Adds the event, and what is to be sent of it. */
void trace_event(struct sandbox *sandbox, uint32_t item, bool created);

/* Which accounts a line moves its gross between, and whether the merchant gets it. */
struct trace_sides {
    enum book_account debit;
    enum book_account credit;
    bool owed_more;
};
struct trace_sides trace_sides(enum psp_line_kind kind);
struct money trace_fee(const struct sandbox_fee *fee, struct money gross, bool owed_more);

#endif
