#include "sandbox/book.h"

#include "base/check.h"

const char *book_account_name(enum book_account account)
{
#define NAME_ENTRY(name, text) [BOOK_##name] = text,
    static const char *const names[] = { BOOK_ACCOUNT_TABLE(NAME_ENTRY) };
#undef NAME_ENTRY
    CHECK(account < BOOK_ACCOUNT_COUNT);
    return names[account];
}

const struct book_page *book_find(const struct book *book, uint32_t asset)
{
    for (uint32_t i = 0; i < book->count; i++)
        if (book->pages[i].asset == asset) return &book->pages[i];
    return NULL;
}

static struct book_page *page_take(struct book *book, uint32_t asset)
{
    for (uint32_t i = 0; i < book->count; i++)
        if (book->pages[i].asset == asset) return &book->pages[i];
    CHECK(book->count < BOOK_ASSETS_MAX);
    struct book_page *page = &book->pages[book->count++];
    *page = (struct book_page){ .asset = asset };
    return page;
}

void book_post(struct book *book, const struct book_entry *entry)
{
    CHECK(entry->debit < BOOK_ACCOUNT_COUNT);
    CHECK(entry->credit < BOOK_ACCOUNT_COUNT);
    CHECK(entry->debit != entry->credit);
    if (money_is_zero(entry->amount)) return;
    struct book_page *page = page_take(book, entry->asset);
    struct money *debits = &page->accounts[entry->debit].debits;
    struct money *credits = &page->accounts[entry->credit].credits;
    bool debited = money_add(*debits, entry->amount, debits);
    bool credited = money_add(*credits, entry->amount, credits);
    CHECK(debited); /* 2^32 lines of 10^18 are far from 128 bits */
    CHECK(credited);
}

struct book_balance book_balance(const struct book_page *page, enum book_account account)
{
    CHECK(account < BOOK_ACCOUNT_COUNT);
    const struct book_sums *sums = &page->accounts[account];
    bool negative = money_less(sums->credits, sums->debits);
    struct money high = negative ? sums->debits : sums->credits;
    struct money low = negative ? sums->credits : sums->debits;
    return (struct book_balance){ negative, { high.minor - low.minor } };
}

enum status book_check(const struct book *book)
{
    for (uint32_t i = 0; i < book->count; i++) {
        struct money debits = MONEY_ZERO;
        struct money credits = MONEY_ZERO;
        for (unsigned account = 0; account < BOOK_ACCOUNT_COUNT; account++) {
            const struct book_sums *sums = &book->pages[i].accounts[account];
            if (!money_add(debits, sums->debits, &debits)) return STATUS_CORRUPT;
            if (!money_add(credits, sums->credits, &credits)) return STATUS_CORRUPT;
        }
        if (!money_equal(debits, credits)) return STATUS_CORRUPT;
    }
    return STATUS_OK;
}
