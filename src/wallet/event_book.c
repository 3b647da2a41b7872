/* Of the transaction under way the book knows one partition's mark, so that it is asked once. */
#include "wallet/event_book.h"

#include "base/check.h"
#include "base/reserve.h"
#include "model/trace_context.h"
#include "wallet/event_reading.h"

enum {
    VALUE_SIZE_MAX = 1 << 20, /* of a record that is looked at; larger ones are dead letters */
    ARENA_SIZE = 2 << 20,
    SETTING_SIZE_MAX = 4096,
    LETTERS_PAGE = 64,
};

struct event_book {
    struct event_store *store;
    struct arena arena;
    struct buf setting;
    struct buf errand; /* the first that waits */
    uint32_t inbox_kept;
    bool tells;
    int64_t last_errand; /* 0: none was put */
    bool mark_known;
    bool mark_moved; /* the store does not know it yet */
    int32_t partition;
    int64_t next;
};

/* ---- Opening ---- */

static enum status topic_verify(struct event_book *book, const char *topic, struct error *out_error)
{
    struct event_store *store = book->store;
    enum status status = store->setting_get(store, "topic", &book->setting, out_error);
    if (status == STATUS_NOT_FOUND) {
        status = store->setting_set(store, "topic", str_from(topic), out_error);
    } else if (status == STATUS_OK && !str_equal(buf_view(&book->setting), str_from(topic))) {
        status = error_set(out_error, STATUS_CONFLICT, "the event book is of another topic, '%.*s'",
                           STR_ARG(buf_view(&book->setting)));
    }
    return status;
}

static enum status errands_verify(struct event_book *book, enum event_book_errands wanted,
                                  struct error *out_error)
{
    struct event_store *store = book->store;
    enum status status = store->setting_get(store, "errands", &book->setting, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    bool tells = status == STATUS_OK && str_equal(buf_view(&book->setting), STR("1"));
    book->tells = wanted == EVENT_BOOK_AS_IT_IS ? tells : wanted == EVENT_BOOK_TELLS;
    if (wanted == EVENT_BOOK_AS_IT_IS) return STATUS_OK;
    if (status == STATUS_NOT_FOUND)
        return store->setting_set(store, "errands", book->tells ? STR("1") : STR("0"), out_error);
    if (tells == book->tells) return STATUS_OK;
    status = error_set(out_error, STATUS_CONFLICT,
                       tells ? "the event book tells a receiver of each event"
                             : "the event book tells nobody of its events");
    error_hint(out_error, tells ? "give the receiver, or begin a new book" : "begin a new book");
    return status;
}

static enum status settings_verify(struct event_book *book,
                                   const struct event_book_options *options,
                                   struct error *out_error)
{
    struct event_store *store = book->store;
    enum status status = store->begin(store, out_error);
    if (status != STATUS_OK) return status;
    status = topic_verify(book, options->topic, out_error);
    if (status == STATUS_OK) status = errands_verify(book, options->errands, out_error);
    if (status == STATUS_OK) status = store->commit(store, out_error);
    if (status != STATUS_OK) store->undo(store);
    return status == STATUS_IN_DOUBT ? STATUS_UNAVAILABLE : status;
}

enum status event_book_open(struct event_store *store, const struct event_book_options *options,
                            struct event_book **out_book, struct error *out_error)
{
    CHECK(options->inbox_kept >= 1 && options->inbox_kept <= EVENT_INBOX_KEPT_MAX);
    struct event_book *book = reserve_new(sizeof *book);
    if (book == NULL) {
        store->close(store);
        return error_set(out_error, STATUS_LIMIT, "no memory for the event book");
    }
    book->store = store;
    book->inbox_kept = options->inbox_kept;
    buf_init(&book->errand, 2 * VALUE_SIZE_MAX);
    buf_init(&book->setting, SETTING_SIZE_MAX);
    enum status status = arena_init(&book->arena, ARENA_SIZE);
    if (status != STATUS_OK) status = error_set(out_error, status, "no memory for the event book");
    if (status == STATUS_OK) status = settings_verify(book, options, out_error);
    if (status != STATUS_OK) {
        event_book_close(book);
        return status;
    }
    *out_book = book;
    return STATUS_OK;
}

void event_book_close(struct event_book *book)
{
    if (book == NULL) return;
    book->store->close(book->store);
    arena_done(&book->arena);
    buf_free(&book->setting);
    buf_free(&book->errand);
    reserve_free(book, sizeof *book);
}

/* ---- Transactions ---- */

static enum status undo(struct event_book *book, enum status status)
{
    book->mark_known = false;
    book->store->undo(book->store);
    return status;
}

enum status event_book_begin(struct event_book *book, struct error *out_error)
{
    book->mark_known = false;
    return book->store->begin(book->store, out_error);
}

static enum status mark_flush(struct event_book *book, struct error *out_error)
{
    if (!book->mark_known || !book->mark_moved) return STATUS_OK;
    book->mark_moved = false;
    return book->store->mark_set(book->store, book->partition, book->next, out_error);
}

enum status event_book_commit(struct event_book *book, struct error *out_error)
{
    enum status status = mark_flush(book, out_error);
    if (status == STATUS_OK) status = book->store->commit(book->store, out_error);
    if (status != STATUS_OK) return undo(book, status);
    book->mark_known = false;
    return STATUS_OK;
}

/* ---- Effects ---- */

/* STATUS_INVALID: it cannot be understood, and nothing was done. Only what is new has an effect. */
static enum status event_take(struct event_book *book, struct str value, struct str traceparent,
                              enum event_novelty *out_novelty, struct error *out_error)
{
    if (value.len > VALUE_SIZE_MAX)
        return error_set(out_error, STATUS_INVALID, "it is larger than any event");
    struct event_store *store = book->store;
    struct event_reading event;
    arena_reset(&book->arena);
    enum status status = event_reading_parse(value, &book->arena, &event, out_error);
    if (status == STATUS_LIMIT) return error_set(out_error, STATUS_INVALID, "it is too complex");
    if (status != STATUS_OK) return status;
    status = store->inbox_take(store, &event, book->inbox_kept, out_novelty, out_error);
    bool is_new = status == STATUS_OK && *out_novelty == EVENT_IS_NEW;
    if (is_new) status = store->effects_put(store, &event, out_error);
    if (status == STATUS_OK && is_new && book->tells) {
        char text[TRACEPARENT_SIZE];
        const struct event_errand errand = { 0, event.id, traceparent_renew(traceparent, text),
                                             value };
        status = store->errand_put(store, &errand, &book->last_errand, out_error);
    }
    CHECK(status != STATUS_INVALID); /* of a store it is none */
    return status;
}

static enum status record_take(struct event_book *book, const struct event_book_record *record,
                               enum event_book_outcome *out_outcome, struct error *out_error)
{
    struct error reason = { 0 };
    struct event_store *store = book->store;
    enum event_novelty novelty = EVENT_IS_KNOWN;
    enum status status = event_take(book, record->value, record->traceparent, &novelty, &reason);
    *out_outcome = novelty == EVENT_IS_NEW ? EVENT_BOOK_APPLIED : EVENT_BOOK_REPEATED;
    if (status == STATUS_INVALID) {
        const struct event_letter letter = { record->partition, record->offset,
                                             str_from(reason.message), record->key, record->value };
        status = store->letter_put(store, &letter, out_error);
        if (status == STATUS_OK) *out_outcome = EVENT_BOOK_DEAD;
    } else if (status != STATUS_OK && out_error != NULL) {
        *out_error = reason;
    }
    return status == STATUS_OK ? STATUS_OK : undo(book, status);
}

/* ---- Records ---- */

enum status event_book_mark(struct event_book *book, int32_t partition, int64_t *out_next,
                            struct error *out_error)
{
    return book->store->mark_get(book->store, partition, out_next, out_error);
}

/* The mark of the partition stands in the book from now on. */
static enum status mark_load(struct event_book *book, int32_t partition, struct error *out_error)
{
    if (book->mark_known && book->partition == partition) return STATUS_OK;
    enum status status = mark_flush(book, out_error);
    if (status != STATUS_OK) return status;
    int64_t next = 0;
    status = book->store->mark_get(book->store, partition, &next, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    book->mark_known = true;
    book->mark_moved = false;
    book->partition = partition;
    book->next = next;
    return STATUS_OK;
}

enum status event_book_apply(struct event_book *book, const struct event_book_record *record,
                             enum event_book_outcome *out_outcome, struct error *out_error)
{
    *out_outcome = EVENT_BOOK_REPEATED;
    enum status status = mark_load(book, record->partition, out_error);
    if (status != STATUS_OK) return undo(book, status);
    /* Another consumer was here, before or after this one was given the partition. */
    if (record->offset < book->next || (record->end && record->offset == book->next))
        return STATUS_OK;
    if (!record->end) {
        status = record_take(book, record, out_outcome, out_error);
        if (status != STATUS_OK) return status;
    }
    book->next = record->end ? record->offset : record->offset + 1;
    book->mark_moved = true;
    return STATUS_OK;
}

enum status event_book_replay(struct event_book *book, const struct event_book_record *record,
                              enum event_book_outcome *out_outcome, struct error *out_error)
{
    *out_outcome = EVENT_BOOK_REPEATED;
    return record->end ? STATUS_OK : record_take(book, record, out_outcome, out_error);
}

/* ---- Pause ---- */

enum status event_book_set_paused(struct event_book *book, bool paused, struct error *out_error)
{
    return book->store->setting_set(book->store, "paused", paused ? STR("1") : STR("0"), out_error);
}

enum status event_book_paused(struct event_book *book, bool *out_paused, struct error *out_error)
{
    struct event_store *store = book->store;
    enum status status = store->setting_get(store, "paused", &book->setting, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    *out_paused = status == STATUS_OK && str_equal(buf_view(&book->setting), STR("1"));
    return STATUS_OK;
}

/* ---- Errands ---- */

enum status event_book_waiting(struct event_book *book, uint64_t *out_count,
                               struct error *out_error)
{
    struct event_errand first;
    enum status status = book->store->errand_first(book->store, &book->errand, &first, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    *out_count = status == STATUS_NOT_FOUND ? 0 : 1;
    if (status == STATUS_OK && book->last_errand > first.number)
        *out_count = (uint64_t)(book->last_errand - first.number) + 1;
    return STATUS_OK;
}

/* ---- Dead letters ---- */

struct page {
    void (*visit)(void *owner, const struct event_letter *letter);
    void *owner;
    struct event_letter last;
    uint32_t count;
};

static void page_visit(void *owner, const struct event_letter *letter)
{
    struct page *page = owner;
    page->visit(page->owner, letter);
    page->last.partition = letter->partition;
    page->last.offset = letter->offset;
    page->count++;
}

enum status event_book_letters(struct event_book *book,
                               void (*visit)(void *owner, const struct event_letter *letter),
                               void *owner, struct error *out_error)
{
    struct page page = { visit, owner, { .partition = -1 }, LETTERS_PAGE };
    enum status status = STATUS_OK;
    while (status == STATUS_OK && page.count == LETTERS_PAGE) {
        struct event_letter after = page.last;
        page.count = 0;
        status =
            book->store->letters(book->store, &after, LETTERS_PAGE, page_visit, &page, out_error);
    }
    return status;
}

struct redrive {
    struct event_book *book;
    uint64_t applied;
    uint64_t left;
    enum status status;
    struct error *error;
};

static void letter_redrive(void *owner, const struct event_letter *letter)
{
    struct redrive *redrive = owner;
    struct event_store *store = redrive->book->store;
    if (redrive->status != STATUS_OK) return;
    enum event_novelty novelty = EVENT_IS_KNOWN;
    enum status status =
        event_take(redrive->book, letter->value, STR(""), &novelty, redrive->error);
    bool stays =
        status == STATUS_OK && novelty == EVENT_IS_BELOW_FLOOR; /* its effect may be missing */
    if (status == STATUS_INVALID || stays) {
        redrive->left++;
        return;
    }
    if (status == STATUS_OK)
        status = store->letter_drop(store, letter->partition, letter->offset, redrive->error);
    redrive->status = status;
    redrive->applied++;
}

enum status event_book_redrive(struct event_book *book, uint64_t *out_applied, uint64_t *out_left,
                               struct error *out_error)
{
    struct redrive redrive = { .book = book, .error = out_error };
    enum status status = event_book_begin(book, out_error);
    if (status != STATUS_OK) return status;
    status = event_book_letters(book, letter_redrive, &redrive, out_error);
    if (status == STATUS_OK) status = redrive.status;
    if (status != STATUS_OK) return undo(book, status);
    status = event_book_commit(book, out_error);
    if (status != STATUS_OK) return status;
    *out_applied = redrive.applied;
    *out_left = redrive.left;
    return STATUS_OK;
}
