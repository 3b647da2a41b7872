/* The books are told three times: by items, by lines, by entries. All must come to the same. */
#include "sandbox/check.h"

#include "sandbox/trace.h"

static bool parts_fit(const struct sandbox_item *item)
{
    struct money given = item->refund_pending;
    return !money_less(item->amount, item->captured) && money_add(given, item->refunded, &given) &&
           money_add(given, item->disputed, &given) && !money_less(item->captured, given);
}

/* What the children of a charge say about it. */
struct family {
    struct money captured;
    struct money refund_pending;
    struct money refunded;
    struct money disputed;
};

static bool family_add(struct family *family, const struct sandbox_item *child)
{
    bool done = child->state == SANDBOX_DONE;
    bool pending = child->state == SANDBOX_PENDING;
    bool kept = child->state == SANDBOX_OPENED || child->state == SANDBOX_LOST;
    struct money *sum = NULL;
    if (child->kind == PSP_CAPTURE && done) sum = &family->captured;
    if (child->kind == PSP_REFUND && done) sum = &family->refunded;
    if (child->kind == PSP_REFUND && pending) sum = &family->refund_pending;
    if (child->kind == SANDBOX_CHARGEBACK && kept) sum = &family->disputed;
    return sum == NULL || money_add(*sum, child->amount, sum);
}

static bool charge_agrees(const struct sandbox *sandbox, uint32_t charge)
{
    const struct sandbox_item *item = &sandbox->items[charge];
    struct family family = { 0 };
    if (item->kind == PSP_CHARGE && item->state == SANDBOX_DONE) family.captured = item->amount;
    for (uint32_t at = item->newest; at != SANDBOX_NONE; at = sandbox->items[at].previous) {
        if (at <= charge || at >= sandbox->item_count) return false;
        if (sandbox->items[at].parent != charge) return false;
        if (!family_add(&family, &sandbox->items[at])) return false;
    }
    return money_equal(family.captured, item->captured) &&
           money_equal(family.refund_pending, item->refund_pending) &&
           money_equal(family.refunded, item->refunded) &&
           money_equal(family.disputed, item->disputed) && parts_fit(item);
}

static bool items_agree(const struct sandbox *sandbox)
{
    for (uint32_t i = 0; i < sandbox->item_count; i++) {
        unsigned kind = sandbox->items[i].kind;
        bool charge = kind == PSP_CHARGE || kind == PSP_AUTHORISE;
        if (charge && !charge_agrees(sandbox, i)) return false;
    }
    return true;
}

/* The book made anew from the lines, without settlements. */
static bool lines_post(const struct sandbox *sandbox, struct book *book)
{
    int32_t day = 0;
    for (uint32_t i = 0; i < sandbox->line_count; i++) {
        const struct sandbox_line *line = &sandbox->lines[i];
        if (line->item >= sandbox->item_count || line->day.days < day) return false;
        if (line->kind == 0 || line->kind >= PSP_LINE_KIND_END) return false;
        day = line->day.days;
        struct trace_sides sides = trace_sides((enum psp_line_kind)line->kind);
        uint32_t asset = sandbox->items[line->item].asset;
        const struct book_entry moved = { asset, sides.debit, sides.credit, line->gross };
        const struct book_entry charged = { asset, BOOK_MERCHANT, BOOK_FEES, line->fee };
        book_post(book, &moved);
        book_post(book, &charged);
    }
    return true;
}

static bool same_balance(struct book_balance a, struct book_balance b)
{
    return a.negative == b.negative && money_equal(a.amount, b.amount);
}

/* What is owed and what was settled are together what the lines say is due to the merchant. */
static bool page_agrees(const struct book_page *page, const struct book_page *made)
{
    static const enum book_account same[] = { BOOK_CARDHOLDERS, BOOK_BANKS, BOOK_FEES };
    for (unsigned i = 0; i < sizeof same / sizeof same[0]; i++)
        if (!same_balance(book_balance(page, same[i]), book_balance(made, same[i]))) return false;
    struct book_page both = *page;
    struct book_sums *owed = &both.accounts[BOOK_MERCHANT];
    const struct book_sums *settled = &page->accounts[BOOK_SETTLED];
    if (!money_add(owed->debits, settled->debits, &owed->debits)) return false;
    if (!money_add(owed->credits, settled->credits, &owed->credits)) return false;
    return same_balance(book_balance(&both, BOOK_MERCHANT), book_balance(made, BOOK_MERCHANT));
}

/* Per asset: captured charges less refunds and kept disputes are what card holders paid. */
static bool charges_agree(const struct sandbox *sandbox, const struct book_page *page)
{
    struct money paid = MONEY_ZERO;
    struct money back = MONEY_ZERO;
    for (uint32_t i = 0; i < sandbox->item_count; i++) {
        const struct sandbox_item *item = &sandbox->items[i];
        if (item->asset != page->asset) continue;
        if (!money_add(paid, item->captured, &paid)) return false;
        if (!money_add(back, item->refunded, &back)) return false;
        if (!money_add(back, item->disputed, &back)) return false;
    }
    struct book_balance balance = book_balance(page, BOOK_CARDHOLDERS);
    struct money net;
    if (!money_subtract(paid, back, &net)) return false;
    return money_equal(balance.amount, net) && (balance.negative || money_is_zero(net));
}

enum status sandbox_check(const struct sandbox *sandbox)
{
    if (book_check(&sandbox->book) != STATUS_OK) return STATUS_CORRUPT;
    if (agenda_check(&sandbox->turns) != STATUS_OK) return STATUS_CORRUPT;
    if (agenda_check(&sandbox->deliveries) != STATUS_OK) return STATUS_CORRUPT;
    if (!items_agree(sandbox)) return STATUS_CORRUPT;
    struct book made = { .count = 0 };
    if (!lines_post(sandbox, &made) || made.count != sandbox->book.count) return STATUS_CORRUPT;
    for (uint32_t i = 0; i < made.count; i++) {
        const struct book_page *page = book_find(&sandbox->book, made.pages[i].asset);
        if (page == NULL || !page_agrees(page, &made.pages[i])) return STATUS_CORRUPT;
        if (!charges_agree(sandbox, page)) return STATUS_CORRUPT;
    }
    return STATUS_OK;
}
