/* event_book.h - a consumer of events: what each comes to, once, whoever reads it and how often. */
#ifndef WALLET_EVENT_BOOK_H
#define WALLET_EVENT_BOOK_H

#include "port/event_store.h"

/*
 * An event's effect, its position in the inbox and the mark of its partition are one transaction of
 * the store, so that whoever dies or is followed by another, at whatever moment, neither loses nor
 * doubles an effect. The mark alone suffices for a topic that is read in order; the inbox is for
 * what comes again elsewhere: on a new topic, or by a replay. An errand of the event, if the book
 * tells a receiver, is put there, too, and sent by others (wallet/errand_sender.h).
 *
 * The statuses of port/event_store.h may come from every call.
 */
struct event_book;

enum { EVENT_INBOX_KEPT = 100000, EVENT_INBOX_KEPT_MAX = 100000000 };

/* Whether a receiver is told of each event. A book says so from its first consumer on. */
enum event_book_errands { EVENT_BOOK_AS_IT_IS, EVENT_BOOK_TELLS, EVENT_BOOK_TELLS_NOBODY };

struct event_book_options {
    const char *topic;
    uint32_t inbox_kept; /* 1 to EVENT_INBOX_KEPT_MAX */
    enum event_book_errands errands;
};

/*
 * The store is the book's. STATUS_CONFLICT: it is of another topic, or tells where it should not,
 * or the other way. STATUS_LIMIT: no memory.
 */
enum status event_book_open(struct event_store *store, const struct event_book_options *options,
                            struct event_book **out_book, struct error *out_error) MUST_CHECK;
/* With its store. Accepts NULL. */
void event_book_close(struct event_book *book);

/* A record of the topic, or only its place: everything before `offset` was seen. */
struct event_book_record {
    int32_t partition;
    int64_t offset;
    bool end; /* there is no record */
    struct str key;
    struct str value;
    struct str traceparent; /* for the errand, as it came; invalid or "": none */
};

enum event_book_outcome {
    EVENT_BOOK_APPLIED,
    EVENT_BOOK_REPEATED, /* below the mark, or it was taken before: nothing was done */
    EVENT_BOOK_DEAD,     /* it cannot be understood: kept as a dead letter */
};

/* Between begin and commit; a call that fails has undone everything since begin. */
enum status event_book_begin(struct event_book *book, struct error *out_error) MUST_CHECK;
/* The next record of a partition: below the mark it is a repeat; the mark moves behind it. */
enum status event_book_apply(struct event_book *book, const struct event_book_record *record,
                             enum event_book_outcome *out_outcome, struct error *out_error)
    MUST_CHECK;
/* A record read again, out of order: only the inbox says whether it is a repeat. */
enum status event_book_replay(struct event_book *book, const struct event_book_record *record,
                              enum event_book_outcome *out_outcome, struct error *out_error)
    MUST_CHECK;
enum status event_book_commit(struct event_book *book, struct error *out_error) MUST_CHECK;

/* The offset from which a partition is read on; STATUS_NOT_FOUND: it was never read. */
enum status event_book_mark(struct event_book *book, int32_t partition, int64_t *out_next,
                            struct error *out_error) MUST_CHECK;

/* Whether consumers of this book wait; kept in it, so that it outlives them. */
enum status event_book_set_paused(struct event_book *book, bool paused, struct error *out_error)
    MUST_CHECK;
enum status event_book_paused(struct event_book *book, bool *out_paused, struct error *out_error)
    MUST_CHECK;

/* How many errands wait, as far as this book has put them; 0: none does. */
enum status event_book_waiting(struct event_book *book, uint64_t *out_count,
                               struct error *out_error) MUST_CHECK;

/* Dead letters in order of partition and offset; views are good during the visit. */
enum status event_book_letters(struct event_book *book,
                               void (*visit)(void *owner, const struct event_letter *letter),
                               void *owner, struct error *out_error) MUST_CHECK;
/*
 * Tries all dead letters again; those that are understood by now leave, unless they are older than
 * what the inbox knows of: whether they had their effect nobody can say.
 */
enum status event_book_redrive(struct event_book *book, uint64_t *out_applied, uint64_t *out_left,
                               struct error *out_error) MUST_CHECK;

#endif
